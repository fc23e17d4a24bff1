//! HL7 v2.3 to 2.8: messages as segments and fields, results (ORU^R01), orders (ORM, OML, OMG),
//! people and bookings (ADT, SIU), and
//! the acknowledgement of each; people and bookings of ours out (ADT, SIU).

pub mod adt;
mod build;
mod fields;
pub mod frame;
pub mod header;
pub mod message;
pub mod orders;
pub mod oru;
pub mod people;
pub mod siu;
mod values;

pub(crate) use fields::full_name;
