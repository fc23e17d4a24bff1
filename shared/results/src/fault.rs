//! Why something cannot be read, and where.

use std::fmt;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FaultKind {
    /// More bytes than a message may have.
    #[error("it is too large")]
    TooLarge,
    /// More parts than a message may have.
    #[error("it has too many parts")]
    TooMany,
    /// Parts within parts beyond reason.
    #[error("it is nested too deep")]
    TooDeep,
    /// The bytes are not text of the declared or any known encoding.
    #[error("its bytes are not text of a known encoding")]
    Encoding,
    /// It does not follow the grammar.
    #[error("it does not follow the grammar")]
    Syntax,
    /// Something that identifies it is not there.
    #[error("it is missing")]
    Missing,
    /// A code nobody has mapped.
    #[error("its code is unknown")]
    UnknownCode,
    /// It is there twice, and the two differ.
    #[error("it is there twice")]
    Twice,
    /// A reference to something that is not there, or to itself.
    #[error("it refers to something that is not there")]
    Dangling,
    /// A result of another patient within a report.
    #[error("it is about another patient")]
    OtherPatient,
    /// It says otherwise than is known here: people have to look.
    #[error("it says otherwise than is known here")]
    Disagrees,
    /// Nothing that is taken here.
    #[error("it is not taken here")]
    Unsupported,
    /// Nothing is wrong with it; it cannot be taken at the moment.
    #[error("it cannot be taken now")]
    Unavailable,
}

/// A refusal with the place of the fault: a segment and field (`OBX[3]-11`) or a path (`entry[2].resource.status`).
/// Never carries what was there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub struct Fault {
    /// Where.
    pub place: String,
    /// What.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault at a place.
    pub fn at(place: impl Into<String>, kind: FaultKind) -> Self {
        Self { place: place.into(), kind }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}
