//! Results from the wire to the domain, and back.
//!
//! Pure: bytes in, [`domain::report::Report`]s out, or a [`Fault`] that says where and why not. No I/O, no clock. Three
//! languages: [`hl7`] v2, FHIR R4, and the shapes of Chinese front-end machines (前置机). Nothing a sender wrote is
//! rounded or dropped; identity is read strictly, everything else leniently.

pub mod charset;
pub mod fault;
pub mod fhir;
pub mod file;
pub mod front_end;
pub mod hl7;
pub mod tree;

pub use charset::{Charset, CharsetError};
pub use fault::{Fault, FaultKind};
pub use file::FileBody;
