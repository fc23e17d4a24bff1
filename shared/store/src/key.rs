//! Where an item lives: partition key and sort key of everything in the table.

use crate::cards::Wish;
use domain::Timestamp;
use domain::appointment::AppointmentKey;
use domain::clinic::SlotStart;
use domain::id::{
    BillNo, CardNo, ClinicId, DepartmentId, DoctorId, OpenId, OutTradeNo, PatientId, QueueId, ReportId, UnplacedId,
};
use domain::notice::{NoticeKind, Recipient};
use domain::referral::ReferralCode;
use domain::waitlist::Ticket;
use serde::{Deserialize, Serialize};

/// The sort key of an item that is alone in what it is.
pub const SELF: &str = "SELF";
/// The prefix of slots below their clinic.
pub const SLOT_PREFIX: &str = "SLOT#";
/// The prefix of orders.
pub const ORDER_PREFIX: &str = "ORDER#";
/// The prefix of clinics.
pub const CLINIC_PREFIX: &str = "CLINIC#";
/// The prefix of lines of people who wait, by clinic.
pub const WAITLIST_PREFIX: &str = "WAIT#";
/// The prefix of referral codes, by clinic.
pub const REFERRAL_PREFIX: &str = "REFERRAL#";
/// The prefix of closures, by clinic.
pub const CLOSURE_PREFIX: &str = "CLOSURE#";
/// The prefix of appointments below their patient.
pub const APPOINTMENT_PREFIX: &str = "APPT#";
/// The prefix of paid or to be paid bills below their patient.
pub const BILL_PREFIX: &str = "BILL#";
/// The partition of orders that need people: one, for people work it off.
pub const WORKLIST: &str = "WORKLIST";
/// The partition of calls to be made: one, for people work it off.
pub const CALL_LIST: &str = "CALLLIST";
/// The prefix of messages in the ledger.
pub const NOTICE_PREFIX: &str = "NOTICE#";
/// The prefix of cards below their person.
pub const CARD_PREFIX: &str = "CARD#";
/// The prefix of errands to the hospital's own system, below their person.
pub const ERRAND_PREFIX: &str = "ERRAND#";
/// The prefix of links, below a patient and below an account.
pub const LINK_PREFIX: &str = "LINK#";

/// The sort key of a merge, below the record that is gone.
pub const MERGE: &str = "MERGE";
/// The sort key of a gate.
pub const GATE: &str = "GATE";
/// The partition of people with something on their credit record.
pub const ON_RECORD: &str = "CREDIT";
/// The prefix of appeals below their patient.
pub const APPEAL_PREFIX: &str = "APPEAL#";
/// The prefix of reports, and of a report's line below its patient.
pub const REPORT_PREFIX: &str = "REPORT#";
/// The prefix of messages with results that were not taken in.
pub const UNPLACED_PREFIX: &str = "UNPLACED#";
/// The partition of those that staff have to look at.
pub const UNPLACED: &str = "UNPLACED";
/// The partition of critical values that a clinician has to take on.
pub const CRITICAL: &str = "CRITICAL";
/// The partition of appeals that await an answer.
pub const APPEALS: &str = "APPEALS";

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// From its two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// Where pulling from the hospital's own system stands.
    pub fn pull() -> Self {
        Self::new("HIS", "PULL")
    }

    /// What the hospital's own system last said of a department.
    pub fn heard_department(id: &DepartmentId) -> Self {
        Self::new("HIS", format!("DEPT#{id}"))
    }

    /// What it last said of a doctor.
    pub fn heard_doctor(id: &DoctorId) -> Self {
        Self::new("HIS", format!("DOCTOR#{id}"))
    }

    /// The hospital profile.
    pub fn profile() -> Self {
        Self::new("CATALOG", "PROFILE")
    }

    /// A department.
    pub fn department(id: &DepartmentId) -> Self {
        Self::new("CATALOG", format!("DEPT#{id}"))
    }

    /// A doctor.
    pub fn doctor(id: &DoctorId) -> Self {
        Self::new("CATALOG", format!("DOCTOR#{id}"))
    }

    /// A clinic.
    pub fn clinic(id: &ClinicId) -> Self {
        Self::new(format!("{CLINIC_PREFIX}{id}"), SELF)
    }

    /// A slot of a clinic.
    pub fn slot(clinic: &ClinicId, start: SlotStart) -> Self {
        Self::new(format!("CLINIC#{clinic}"), format!("{SLOT_PREFIX}{start}"))
    }

    /// A place in the line of those who wait for a number of a clinic.
    pub fn waiting(clinic: &ClinicId, ticket: &Ticket) -> Self {
        Self::new(format!("{WAITLIST_PREFIX}{clinic}"), ticket.as_str())
    }

    /// A referral code of a clinic.
    pub fn referral(clinic: &ClinicId, code: &ReferralCode) -> Self {
        Self::new(format!("{REFERRAL_PREFIX}{clinic}"), code.as_str())
    }

    /// A closure of a clinic, or of a part of it, by when it was decided.
    pub fn closure(clinic: &ClinicId, decided_at: Timestamp) -> Self {
        Self::new(format!("{CLOSURE_PREFIX}{clinic}"), format!("{:015}", decided_at.as_millisecond()))
    }

    /// A clinic among those of its day and department.
    pub fn board_entry(date: domain::civil::Date, department: &DepartmentId, clinic: &ClinicId) -> Self {
        Self::new(format!("BOARD#{date}#{department}"), format!("CLINIC#{clinic}"))
    }

    /// A queue.
    pub fn queue(id: &QueueId) -> Self {
        Self::new(format!("QUEUE#{id}"), SELF)
    }

    /// What is free in a department on a day, to show.
    pub fn board(date: domain::civil::Date, department: &DepartmentId) -> Self {
        Self::new(format!("BOARD#{date}#{department}"), SELF)
    }

    /// The tries given out for a clinic in the rush: an item of its own, for it is written often.
    pub fn admission(clinic: &ClinicId) -> Self {
        Self::new(format!("ADMISSION#{clinic}"), SELF)
    }

    /// The try a person has for a clinic.
    pub fn admission_of(patient: &PatientId, clinic: &ClinicId) -> Self {
        Self::new(format!("PATIENT#{patient}"), format!("ADMISSION#{clinic}"))
    }

    /// A person.
    pub fn patient(id: &PatientId) -> Self {
        Self::new(format!("PATIENT#{id}"), SELF)
    }

    /// A person's gate.
    pub fn gate(id: &PatientId) -> Self {
        Self::new(format!("PATIENT#{id}"), GATE)
    }

    /// The gate of an account that books: the strikes of everybody it books for.
    pub fn account_gate(id: &OpenId) -> Self {
        Self::new(format!("WX#{id}"), GATE)
    }

    /// A person among those with something on record.
    pub fn on_record(id: &PatientId) -> Self {
        Self::new(ON_RECORD, id.as_str())
    }

    /// An appeal, below its patient.
    pub fn appeal(key: &AppointmentKey) -> Self {
        Self::new(format!("PATIENT#{}", key.patient), format!("{APPEAL_PREFIX}{}", key.id))
    }

    /// An open appeal on the staff's list, earliest due day first.
    pub fn open_appeal(due: domain::civil::Date, key: &AppointmentKey) -> Self {
        Self::new(APPEALS, format!("{due}#{key}"))
    }

    /// An appointment, below its patient and in order of its day.
    pub fn appointment(key: &AppointmentKey) -> Self {
        Self::new(format!("PATIENT#{}", key.patient), format!("{APPOINTMENT_PREFIX}{}#{}", key.date, key.id))
    }

    /// A report, by what its sender knows it by.
    pub fn report(id: &ReportId) -> Self {
        Self::new(format!("{REPORT_PREFIX}{id}"), SELF)
    }

    /// A report among those of its patient, in order of time.
    pub fn report_line(patient: &PatientId, listed_at: Timestamp, id: &ReportId) -> Self {
        let at = listed_at.as_second().max(0);
        Self::new(format!("PATIENT#{patient}"), format!("{REPORT_PREFIX}{at:012}#{id}"))
    }

    /// A report with a critical value that a clinician has to take on, first come first.
    pub fn critical(since: Timestamp, id: &ReportId) -> Self {
        Self::new(CRITICAL, format!("{:012}#{id}", since.as_second().max(0)))
    }

    /// A message with results that was not taken in.
    pub fn unplaced(id: &UnplacedId) -> Self {
        Self::new(format!("{UNPLACED_PREFIX}{id}"), SELF)
    }

    /// The same among those that staff have to look at, first come first.
    pub fn open_unplaced(received_at: Timestamp, id: &UnplacedId) -> Self {
        Self::new(UNPLACED, format!("{:012}#{id}", received_at.as_second().max(0)))
    }

    /// The same among those that wait for somebody with a number, known by its blind index.
    pub fn awaiting(index: &str, id: &UnplacedId) -> Self {
        Self::new(format!("AWAITS#{index}"), id.as_str())
    }

    /// A link, seen from the person.
    pub fn patient_link(patient: &PatientId, account: &OpenId) -> Self {
        Self::new(format!("PATIENT#{patient}"), format!("{LINK_PREFIX}{account}"))
    }

    /// A link, seen from the WeChat user.
    pub fn account_link(account: &OpenId, patient: &PatientId) -> Self {
        Self::new(format!("WX#{account}"), format!("{LINK_PREFIX}{patient}"))
    }

    /// A WeChat user.
    pub fn account(id: &OpenId) -> Self {
        Self::new(format!("WX#{id}"), SELF)
    }

    /// The claim of an identity document, by blind index.
    pub fn document(index: &str) -> Self {
        Self::new(format!("IDDOC#{index}"), SELF)
    }

    /// A visit card.
    pub fn card(no: &CardNo) -> Self {
        Self::new(format!("CARD#{no}"), SELF)
    }

    /// A card, below its person.
    pub fn held_card(patient: &PatientId, no: &CardNo) -> Self {
        Self::new(format!("PATIENT#{patient}"), format!("{CARD_PREFIX}{no}"))
    }

    /// The claim to a card that a code has still to prove, below its person.
    pub fn card_claim(patient: &PatientId) -> Self {
        Self::new(format!("PATIENT#{patient}"), "CLAIM")
    }

    /// An errand to the hospital's own system, below its person.
    pub fn errand(patient: &PatientId, wish: &Wish) -> Self {
        let about = match wish {
            Wish::Card => "CARD".to_owned(),
            Wish::Bound(no) => format!("BOUND#{no}"),
        };
        Self::new(format!("PATIENT#{patient}"), format!("{ERRAND_PREFIX}{about}"))
    }

    /// What was tried of something on a day.
    pub fn tries(pk: &str, what: &str, day: domain::civil::Date) -> Self {
        Self::new(pk, format!("TRIES#{what}#{day}"))
    }

    /// What became of a record that was merged into another, below it.
    pub fn merge(gone: &PatientId) -> Self {
        Self::new(format!("PATIENT#{gone}"), MERGE)
    }

    /// A payment.
    pub fn order(no: &OutTradeNo) -> Self {
        Self::new(format!("{ORDER_PREFIX}{no}"), SELF)
    }

    /// An order on the worklist.
    pub fn worklist(no: &OutTradeNo) -> Self {
        Self::new(WORKLIST, no.as_str())
    }

    /// Which order pays a bill, below its patient.
    pub fn bill(patient: &PatientId, bill: &BillNo) -> Self {
        Self::new(format!("PATIENT#{patient}"), format!("{BILL_PREFIX}{bill}"))
    }

    /// A message in the ledger, below what it is about: an appointment, an order or a refund.
    pub fn notice(about: &str, kind: NoticeKind, to: &Recipient) -> Self {
        Self::new(format!("{NOTICE_PREFIX}{about}"), format!("{}#{to}", kind.code()))
    }

    /// What is known under WeChat's number of a message.
    pub fn msgid(msgid: &str) -> Self {
        Self::new(format!("MSGID#{msgid}"), SELF)
    }

    /// A call to be made.
    pub fn call(id: &str) -> Self {
        Self::new(CALL_LIST, id)
    }

    /// A trouble that concerns everybody.
    pub fn trouble(code: &str) -> Self {
        Self::new(format!("TROUBLE#{code}"), SELF)
    }

    /// Something short-lived that is known by the hash of a secret: a session, a sign-in in progress, a used code.
    pub fn hashed(kind: &str, hash: &str) -> Self {
        Self::new(format!("{kind}#{hash}"), SELF)
    }

    /// WeChat's access token.
    pub fn wechat_token() -> Self {
        Self::new("WECHAT_TOKEN", SELF)
    }

    /// A message from WeChat that has been taken in.
    pub fn inbound(dedupe_key: &str) -> Self {
        Self::new(format!("INBOUND#{dedupe_key}"), SELF)
    }
}
