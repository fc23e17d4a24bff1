//! The hospital's codes in what is read, and those nobody has mapped.

use crate::error::HisError;
use crate::front_end::NoCode;
use crate::front_end::their_clinic;
use domain::his::{CODE_CHARS_MAX, CodeKind, Codes};
use domain::id::ClinicId;
use std::collections::BTreeSet;

/// Translates, and remembers what could not be.
pub(super) struct Codebook<'a> {
    codes: &'a Codes,
    unknown: BTreeSet<(CodeKind, String)>,
}

impl<'a> Codebook<'a> {
    /// Nothing met yet.
    pub(super) fn new(codes: &'a Codes) -> Self {
        Self { codes, unknown: BTreeSet::new() }
    }

    /// Our code for one of theirs; whatever holds one that nobody has mapped is left out.
    pub(super) fn ours(&mut self, kind: CodeKind, theirs: &str) -> Option<String> {
        let ours = self.codes.ours(kind, theirs);
        if ours.is_none() && !theirs.is_empty() {
            self.unknown.insert((kind, theirs.chars().take(CODE_CHARS_MAX).collect()));
        }
        ours
    }

    /// The codes nobody has mapped.
    pub(super) fn into_unknown(self) -> BTreeSet<(CodeKind, String)> {
        self.unknown
    }
}

/// A clinic's key as the hospital knows it.
pub(super) fn clinic_of_theirs(codes: &Codes, clinic: &ClinicId) -> Result<String, HisError> {
    their_clinic(codes, clinic).map_err(|NoCode| HisError::Unmapped)
}

/// Their code for one of ours.
pub(super) fn theirs(codes: &Codes, kind: CodeKind, ours: &str) -> Result<String, HisError> {
    codes.theirs(kind, ours).ok_or(HisError::Unmapped)
}
