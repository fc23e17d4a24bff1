//! HL7 v2.3 to 2.8: messages as segments and fields, results (ORU^R01), people and bookings (ADT, SIU), and
//! the acknowledgement of each.

pub mod adt;
mod fields;
pub mod frame;
pub mod header;
pub mod message;
pub mod oru;
mod values;

pub(crate) use fields::full_name;
