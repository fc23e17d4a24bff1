//! What a change of the credit record means for its owner, written with the change itself so that it is told once.

use super::judge::{Ban, Judge};
use super::record::Record;
use crate::event::EventKind;
use crate::id::{OpenId, PatientId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose record it is, and who is told of it in WeChat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The person.
    pub patient: PatientId,
    /// Their name, masked.
    pub patient_name_masked: String,
    /// Who booked last, or acts for them.
    pub account: Option<OpenId>,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNews {
    /// Of whom.
    pub owner: Owner,
    /// The ban in force now, if any.
    pub ban: Option<Ban>,
    /// Whether the appeal that was answered was granted.
    #[serde(default)]
    pub granted: Option<bool>,
}

/// What the change from one record to another means: a ban that begins or becomes longer, or one that is gone.
pub(crate) fn change(
    before: &Record,
    after: &Record,
    judge: &Judge<'_>,
    now: Timestamp,
) -> (Option<EventKind>, Option<Ban>) {
    let ban = |record| judge.standing(record, now).ban().copied();
    let (was, is) = (ban(before), ban(after));
    let kind = match (was, is) {
        (None, Some(_)) => Some(EventKind::CreditSuspended),
        (Some(was), Some(is)) if is.outlasts(&was) => Some(EventKind::CreditSuspended),
        (Some(_), None) => Some(EventKind::CreditRestored),
        _ => None,
    };
    (kind, is)
}
