//! What became of a visit of ours, by the hospital's own word: it may come as a message or stand on a list of changes.

/// What the hospital says of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitFate {
    /// It has the visit.
    Confirmed,
    /// The patient is there.
    Came,
    /// The doctor is done with the patient.
    Seen,
    /// Nobody came.
    Missed,
    /// Given back at its window.
    Cancelled,
}
