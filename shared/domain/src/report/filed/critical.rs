//! A critical value on its way to a clinician: who took it on, by when, and whether the hospital's own system knows.

use crate::clinic::epoch_s;
use crate::due::Tries;
use crate::report::{Classes, Item, Meaning, Report, Status, Text, flag};
use crate::time::add_minutes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Minutes within which a clinician takes on a critical value; then it goes to whoever is on duty (domain sheet 2.6).
pub const ACKNOWLEDGE_WITHIN_MIN: i64 = 30;

/// A critical value, known by what was looked at and which way it lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Alarmed {
    code: Text,
    sub_id: Option<Text>,
    meaning: Meaning,
}

/// What a clinician did about a critical value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// 已联系患者
    PatientReached,
    /// 已通知主管医生
    DoctorInformed,
    /// 患者在院，已处置
    Treated,
    /// 已安排复查
    Repeated,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 4] = [Self::PatientReached, Self::DoctorInformed, Self::Treated, Self::Repeated];

    /// The code in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::PatientReached => "patient_reached",
            Self::DoctorInformed => "doctor_informed",
            Self::Treated => "treated",
            Self::Repeated => "repeated",
        }
    }

    /// From the code in a form.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.code() == code)
    }

    /// As staff read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::PatientReached => "已联系患者",
            Self::DoctorInformed => "已通知主管医生",
            Self::Treated => "患者在院，已处置",
            Self::Repeated => "已安排复查",
        }
    }
}

/// Who took on a critical value, when, and what they did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// A login.
    pub by: String,
    /// When.
    #[serde(with = "epoch_s")]
    pub at: Timestamp,
    /// What was done.
    pub deed: Deed,
}

/// An alarm about critical values of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Critical {
    /// Since when.
    #[serde(with = "epoch_s")]
    pub since: Timestamp,
    /// Who took it on.
    pub acknowledged: Option<Acknowledged>,
    /// When nobody had in time.
    pub escalated_at: Option<Timestamp>,
    /// When a later version said that it is not so.
    pub withdrawn_at: Option<Timestamp>,
    /// Whether the patient may be told to come or call: not when all that is critical is sensitive.
    pub is_told: bool,
    /// What the hospital's own system was told of it, where it is told at all.
    #[serde(default)]
    pub alert: Option<Alert>,
}

/// What the hospital's own system knows of a critical value: that it is there, then that the time has run out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// When it was told last.
    #[serde(default)]
    pub told_at: Option<Timestamp>,
    /// Whether it would not hear of it: people have to call.
    #[serde(default)]
    pub is_refused: bool,
    /// Failed tries since.
    #[serde(default)]
    pub tries: Tries,
}

impl Critical {
    /// Whether a clinician still has to take it on. Escalated ones stay open.
    pub fn is_open(&self) -> bool {
        self.acknowledged.is_none() && self.withdrawn_at.is_none()
    }

    /// By when somebody has to.
    pub fn due_at(&self) -> Timestamp {
        add_minutes(self.since, ACKNOWLEDGE_WITHIN_MIN)
    }
}

/// What came of telling the hospital's own system of a critical value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertAnswer {
    /// It knows.
    Told,
    /// It will not hear of it.
    Refused,
    /// Nobody knows: the same again later.
    None,
}

/// The critical values of a version: of what still stands in it.
pub(super) fn critical_values(report: &Report) -> BTreeSet<Alarmed> {
    let stands = |status: Status| !matches!(status, Status::Cancelled | Status::EnteredInError);
    let alarmed = |item: &Item| {
        let meaning = flag::gravest(&item.flags).filter(|meaning| meaning.is_critical())?;
        // As sent: a code that is mapped in between alarms no second time.
        let code = item.code.sent_codes().next().unwrap_or(item.code.name());
        Some(Alarmed { code: code.into(), sub_id: item.sub_id.clone(), meaning })
    };
    let items = report.items().filter(|item| stands(report.status) && stands(item.status));
    items.filter_map(alarmed).collect()
}

/// Whether anything critical is not of a sensitive class.
pub(super) fn pushes_critical(classes: &Classes, report: &Report) -> bool {
    report.items().filter(|item| item.is_critical()).any(|item| !classes.of_item(report, item).is_sensitive())
}
