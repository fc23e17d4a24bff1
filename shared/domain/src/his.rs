//! How the hospital's own system (HIS) is spoken to, as its profile says: operation by operation. And what was said.

use crate::Timestamp;
use crate::id::ClinicId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the desk asks of a HIS. A question by serial goes where its write went, but for that where a visit stands: not every
/// language that tells of visits can ask about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HisOperation {
    /// Departments.
    Departments,
    /// Doctors.
    Doctors,
    /// Schedules of some days.
    Schedules,
    /// The numbers of a schedule.
    Slots,
    /// Keeping a number.
    Lock,
    /// Giving a kept number back.
    Unlock,
    /// Making a visit certain.
    Confirm,
    /// Where a visit stands. HL7 v2 has no such question: beside it another language answers.
    Standing,
    /// Taking a visit back.
    Cancel,
    /// Moving a visit.
    Reschedule,
    /// Whether a visit took place.
    VisitStatus,
    /// Finding a person.
    PersonFind,
    /// Making a person, and what came of any write about people.
    PersonCreate,
    /// Making a digital card.
    CardCreate,
    /// Binding a card.
    CardBind,
    /// Unpaid bills.
    FeesUnpaid,
    /// Booking a payment, and what it was booked as.
    FeesPost,
    /// Booking a refund, and what it was booked as.
    RefundPost,
    /// What could be given back.
    RefundCheck,
    /// Reports of a person.
    Reports,
    /// One report.
    Report,
    /// Having the hospital call a clinician about a critical value.
    CriticalAlert,
    /// Queues of clinics, windows and rooms.
    Queue,
    /// The file of a day.
    DayFile,
    /// What has changed.
    Events,
}

impl HisOperation {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Departments,
        Self::Doctors,
        Self::Schedules,
        Self::Slots,
        Self::Lock,
        Self::Unlock,
        Self::Confirm,
        Self::Standing,
        Self::Cancel,
        Self::Reschedule,
        Self::VisitStatus,
        Self::PersonFind,
        Self::PersonCreate,
        Self::CardCreate,
        Self::CardBind,
        Self::FeesUnpaid,
        Self::FeesPost,
        Self::RefundPost,
        Self::RefundCheck,
        Self::Reports,
        Self::Report,
        Self::CriticalAlert,
        Self::Queue,
        Self::DayFile,
        Self::Events,
    ];

    /// The name a profile has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Doctors => "doctors",
            Self::Schedules => "schedules",
            Self::Slots => "slots",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Confirm => "confirm",
            Self::Standing => "standing",
            Self::Cancel => "cancel",
            Self::Reschedule => "reschedule",
            Self::VisitStatus => "visit_status",
            Self::PersonFind => "person_find",
            Self::PersonCreate => "person_create",
            Self::CardCreate => "card_create",
            Self::CardBind => "card_bind",
            Self::FeesUnpaid => "fees_unpaid",
            Self::FeesPost => "fees_post",
            Self::RefundPost => "refund_post",
            Self::RefundCheck => "refund_check",
            Self::Reports => "reports",
            Self::Report => "report",
            Self::CriticalAlert => "critical_alert",
            Self::Queue => "queue",
            Self::DayFile => "day_file",
            Self::Events => "events",
        }
    }
}

/// A language a HIS understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HisAdapter {
    /// Signed JSON to a front-end machine (前置机).
    #[default]
    SignedJson,
    /// The same in XML.
    SignedXml,
    /// FHIR R4.
    Fhir,
    /// HL7 v2.
    Hl7,
}

impl HisAdapter {
    /// Whether the language has the operation. Front-end machines are made for all of them; of the standards those count
    /// whose messages or resources say what the operation means. The one list of it: the port and the console both ask here.
    pub fn carries(self, operation: HisOperation) -> bool {
        use HisOperation as Op;
        match self {
            Self::SignedJson | Self::SignedXml => true,
            // It tells of visits and people, and cannot ask.
            Self::Hl7 => {
                matches!(operation, Op::Confirm | Op::Reschedule | Op::Cancel | Op::PersonCreate | Op::CardBind)
            }
            // R4 has no resource for a queue, a card that is issued, the file of a day or a list of changes; its bills know no
            // window to go to.
            Self::Fhir => matches!(
                operation,
                Op::Departments
                    | Op::Doctors
                    | Op::Schedules
                    | Op::Slots
                    | Op::Lock
                    | Op::Unlock
                    | Op::Confirm
                    | Op::Standing
                    | Op::Cancel
                    | Op::Reschedule
                    | Op::VisitStatus
                    | Op::PersonFind
                    | Op::PersonCreate
                    | Op::CardBind
                    | Op::Reports
                    | Op::Report
            ),
        }
    }

    /// What to call it on a page for staff.
    pub fn staff_text(self) -> &'static str {
        match self {
            Self::SignedJson => "前置机 JSON",
            Self::SignedXml => "前置机 XML",
            Self::Fhir => "FHIR R4",
            Self::Hl7 => "HL7 v2",
        }
    }
}

/// The encoding of what a front-end machine reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HisCharset {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, which GBK and GB2312 are parts of.
    #[serde(rename = "gb18030")]
    Gb18030,
}

/// What a code of the HIS stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// A department.
    Department,
    /// A doctor.
    Doctor,
    /// An item of a bill or an examination.
    Item,
    /// A kind of identity document.
    DocumentKind,
    /// A sex.
    Sex,
    /// A class of fees.
    FeeClass,
}

impl CodeKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Department, Self::Doctor, Self::Item, Self::DocumentKind, Self::Sex, Self::FeeClass];

    /// The stable name: in files, keys and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Doctor => "doctor",
            Self::Item => "item",
            Self::DocumentKind => "document_kind",
            Self::Sex => "sex",
            Self::FeeClass => "fee_class",
        }
    }

    /// What to call it on a page for staff.
    pub fn staff_text(self) -> &'static str {
        match self {
            Self::Department => "科室",
            Self::Doctor => "医生",
            Self::Item => "项目",
            Self::DocumentKind => "证件类型",
            Self::Sex => "性别",
            Self::FeeClass => "费用类别",
        }
    }

    /// Our codes of this kind, where they are few and fixed.
    pub fn fixed(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Sex => Some(&["male", "female", "unknown"]),
            Self::FeeClass => Some(&["exam", "lab", "drug", "treatment"]),
            Self::DocumentKind => Some(&["01", "02", "03", "04", "06", "07", "111", "112", "113", "99"]),
            Self::Department | Self::Doctor | Self::Item => None,
        }
    }

    /// Whether this can be a code of ours.
    pub fn has(self, ours: &str) -> bool {
        self.fixed().map_or(!ours.is_empty(), |fixed| fixed.contains(&ours))
    }

    /// The kind of a stable name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A code of the hospital's, and what it is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeEntry {
    /// What it stands for.
    pub kind: CodeKind,
    /// The hospital's code.
    pub theirs: String,
    /// Ours.
    pub ours: String,
    /// What the hospital calls it; may be empty.
    #[serde(default)]
    pub name: String,
}

/// A code nobody has mapped: whatever holds it waits until somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCode {
    /// What it stands for.
    pub kind: CodeKind,
    /// The hospital's code.
    pub theirs: String,
    /// In which operation it was met last.
    pub seen_in: String,
    /// When it was first met.
    #[serde(with = "crate::clinic::epoch_s")]
    pub first_at: Timestamp,
    /// When it was last met.
    #[serde(with = "crate::clinic::epoch_s")]
    pub last_at: Timestamp,
    /// How often.
    pub times: u64,
}

/// The longest code of a hospital, in characters.
pub const CODE_CHARS_MAX: usize = 64;

/// Where the key of a clinic has no doctor of choice.
const POOL: &str = "pool";

/// The codes of a hospital, to look up both ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    ours: HashMap<(CodeKind, String), String>,
    theirs: HashMap<(CodeKind, String), String>,
    mapped_only: BTreeSet<CodeKind>,
}

impl Codes {
    /// From the entries of the table. Of several codes of theirs for one of ours the first is the one we send.
    pub fn new(entries: impl IntoIterator<Item = CodeEntry>, mapped_only: BTreeSet<CodeKind>) -> Self {
        let mut codes = Self { mapped_only, ..Self::default() };
        for CodeEntry { kind, theirs, ours, .. } in entries {
            codes.theirs.entry((kind, ours.clone())).or_insert_with(|| theirs.clone());
            codes.ours.insert((kind, theirs), ours);
        }
        codes
    }

    /// Our code for one of theirs; none when nobody has mapped it and it does not stand for itself.
    pub fn ours(&self, kind: CodeKind, theirs: &str) -> Option<String> {
        self.looked_up(&self.ours, kind, theirs).filter(|ours| kind.has(ours))
    }

    /// Their code for one of ours; none as above.
    pub fn theirs(&self, kind: CodeKind, ours: &str) -> Option<String> {
        self.looked_up(&self.theirs, kind, ours)
    }

    /// The clinic of ours that a key in their codes means (day, part of the day, department, doctor or `pool`); none when it
    /// is no such key. The error is a code that nobody has mapped.
    pub fn our_clinic(&self, key: &str) -> Result<Option<ClinicId>, (CodeKind, String)> {
        let parts: Vec<&str> = key.trim().split('-').collect();
        let [day, period, department, doctor] = parts.as_slice() else { return Ok(None) };
        let ours = |kind: CodeKind, code: &str| {
            self.ours(kind, code).ok_or_else(|| (kind, code.chars().take(CODE_CHARS_MAX).collect::<String>()))
        };
        let department = ours(CodeKind::Department, department)?;
        let doctor = if *doctor == POOL { POOL.to_owned() } else { ours(CodeKind::Doctor, doctor)? };
        Ok(format!("{day}-{period}-{department}-{doctor}").parse().ok())
    }

    fn looked_up(&self, map: &HashMap<(CodeKind, String), String>, kind: CodeKind, code: &str) -> Option<String> {
        let itself = || (!self.mapped_only.contains(&kind)).then(|| code.to_owned());
        map.get(&(kind, code.to_owned())).cloned().or_else(itself)
    }
}

/// How long calls are kept unless the profile says otherwise, in days: long enough to answer what last month was.
const CALLS_KEPT_DAYS: u16 = 60;

/// How the HIS is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HisPolicy {
    /// The language of whatever `operations` does not name.
    pub default: HisAdapter,
    /// The language by operation.
    pub operations: BTreeMap<HisOperation, HisAdapter>,
    /// The encoding of front-end machines.
    pub charset: HisCharset,
    /// Kinds of codes of which only mapped ones are taken. Of the others a code without an entry means itself.
    pub mapped_only: BTreeSet<CodeKind>,
    /// How long calls are kept, masked, in days; 0 keeps none.
    pub calls_kept_days: u16,
}

impl Default for HisPolicy {
    fn default() -> Self {
        Self {
            default: HisAdapter::default(),
            operations: BTreeMap::new(),
            charset: HisCharset::default(),
            mapped_only: BTreeSet::new(),
            calls_kept_days: CALLS_KEPT_DAYS,
        }
    }
}

impl HisPolicy {
    /// The language of an operation.
    pub fn adapter(&self, operation: HisOperation) -> HisAdapter {
        self.operations.get(&operation).copied().unwrap_or(self.default)
    }

    /// The operations whose language does not have them: such a profile is refused.
    pub fn uncarried(&self) -> impl Iterator<Item = (HisOperation, HisAdapter)> + '_ {
        let chosen = HisOperation::ALL.into_iter().map(|operation| (operation, self.adapter(operation)));
        chosen.filter(|(operation, adapter)| !adapter.carries(*operation))
    }
}

/// One call, as it is kept for staff and for acceptance: whatever is a name, a number of a person or a document, a phone
/// or about somebody's health was masked before it came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HisCall {
    /// When it was made.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// What it was, by the adapter's name of it.
    pub operation: String,
    /// The language.
    pub adapter: HisAdapter,
    /// Our number of what it was about, if it has one.
    pub serial: Option<String>,
    /// `ok`, `empty`, `refused CODE`, or how it failed.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What was asked, masked.
    pub request: String,
    /// What came back, masked; none when nothing did that can be read.
    pub response: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_the_name_that_profiles_write() {
        for operation in HisOperation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.as_str());
        }
        assert!(HisOperation::ALL.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_language_is_chosen_for_what_it_has() {
        assert_eq!(HisPolicy::default().uncarried().count(), 0);
        let told = HisPolicy {
            default: HisAdapter::SignedXml,
            operations: BTreeMap::from([
                (HisOperation::Confirm, HisAdapter::Hl7),
                (HisOperation::Standing, HisAdapter::Hl7),
                (HisOperation::Slots, HisAdapter::Fhir),
                (HisOperation::DayFile, HisAdapter::Fhir),
            ]),
            ..HisPolicy::default()
        };
        let uncarried: Vec<_> = told.uncarried().collect();
        assert_eq!(uncarried, [(HisOperation::Standing, HisAdapter::Hl7), (HisOperation::DayFile, HisAdapter::Fhir)]);
    }

    #[test]
    fn the_profile_chooses_by_operation() {
        let policy: HisPolicy =
            serde_json::from_str(r#"{"default":"signed_xml","operations":{"reports":"fhir"},"charset":"gb18030"}"#)
                .unwrap();
        assert_eq!(policy.adapter(HisOperation::Reports), HisAdapter::Fhir);
        assert_eq!(policy.adapter(HisOperation::FeesPost), HisAdapter::SignedXml);
        assert_eq!(HisPolicy::default().adapter(HisOperation::FeesPost), HisAdapter::SignedJson);
    }

    #[test]
    fn a_code_is_mapped_or_stands_for_itself() {
        let entry = |theirs: &str, ours: &str| CodeEntry {
            kind: CodeKind::FeeClass,
            theirs: theirs.into(),
            ours: ours.into(),
            name: String::new(),
        };
        let codes = Codes::new([entry("02", "lab"), entry("03", "lab"), entry("09", "meal")], BTreeSet::new());
        assert_eq!(codes.ours(CodeKind::FeeClass, "03").as_deref(), Some("lab"));
        assert_eq!(codes.ours(CodeKind::FeeClass, "lab").as_deref(), Some("lab"));
        assert_eq!(codes.ours(CodeKind::FeeClass, "09"), None);
        assert_eq!(codes.ours(CodeKind::FeeClass, "11"), None);
        assert_eq!(codes.theirs(CodeKind::FeeClass, "lab").as_deref(), Some("02"));
        assert_eq!(codes.ours(CodeKind::Department, "XNK").as_deref(), Some("XNK"));
        let strict = Codes::new([], BTreeSet::from([CodeKind::Department]));
        assert_eq!(strict.ours(CodeKind::Department, "XNK"), None);
        assert_eq!(strict.theirs(CodeKind::Department, "XNK"), None);
    }

    #[test]
    fn a_kind_of_code_has_a_stable_name() {
        for kind in CodeKind::ALL {
            assert_eq!(CodeKind::named(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(CodeKind::named("colour"), None);
    }
}
