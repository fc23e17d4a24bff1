//! The hospital information system (HIS) as the desk sees it: a port, and the adapters that speak to a real one.
//!
//! Rules this crate keeps for its callers: every write carries a serial of ours and may be repeated with the same
//! values; a write is sent once, and after an unknown outcome the caller asks by serial before it sends again; an
//! answer counts only with its signature; what comes in is checked before it becomes a type; money is [`Fen`].
//!
//! [`Hospital`] passes each operation to the adapter the profile chose. [`FrontEnd`] speaks JSON and XML to a
//! front-end machine (前置机), and much of it can go in FHIR R4, bookings in HL7 v2; every adapter calls through [`Machine`],
//! which signs.
//!
//! [`Fen`]: domain::money::Fen

mod bill;
mod call_log;
mod day_file;
mod error;
mod events;
mod fees;
mod fhir;
mod front_end;
mod hl7;
mod hospital;
mod label;
mod machine;
mod numbers;
mod person;
mod port;
mod queues;
mod refund;
mod reports;
mod timetable;
mod visit;

pub use bill::{Bill, BillFault, BillItem, BillKind, Place, RejectedBill, UnpaidBills, Visit};
pub use call_log::{CallLog, KEPT_CHARS_MAX};
pub use day_file::{
    DAY_FILE_COLUMNS, DAY_FILE_PACKED_BYTES_MAX, DAY_FILE_UNPACKED_BYTES_MAX, DayFile, DayFileError, DayRow,
    DayRowKind, DayRows,
};
pub use error::{HisError, Refusal};
pub use events::{Change, EVENTS_MAX, Event, Events};
pub use fees::{BILLS_PER_POST_MAX, BillAmount, BillPlace, FeesPost, InvoiceUrl, Paid, Receipt, Registration};
pub use front_end::{DAY_FILE_TIMEOUT_MS, Format, FrontEnd, LOCK_TIMEOUT_MS, Syntax};
pub use hospital::{Hospital, Hospital as SignedJson};
pub use label::{LABEL_CHARS_MAX, Label};
pub use machine::{
    ANSWER_BYTES_MAX, Breaker, CONNECT_TIMEOUT_MS, FAILURES_IN_A_ROW_MAX, KeyError, Keys, Machine, OPEN_FOR_S,
    READ_TIMEOUT_MS, SettingsError, SignedRequest, WRITE_TIMEOUT_MS,
};
pub use numbers::{NumberLock, PaidBy, Standing, VisitBooking};
pub use person::{
    CardBinding, CardPost, Guardian, PEOPLE_MAX, Person, PersonCard, PersonPost, PersonQuery, PersonReceipt,
};
pub use port::{Call, His, RequestError};
pub use queues::{CARD_QUEUES_MAX, CLINIC_QUEUE_MAX, CardQueue, QueueKind, Told, ToldStage};
pub use refund::{
    BillLine, LINES_PER_REFUND_MAX, Lines, REFUND_REASON_CHARS_MAX, RefundCheck, RefundPost, RefundReason,
    Refundability,
};
pub use reports::{
    CriticalAlert, HeardReport, HeardReports, REPORTS_MAX, ReportNo, ReportNoError, ReportsQuery, SentReport,
};
pub use timetable::{
    Department, Doctor, LISTED_MAX, Listed, Mark, MarkError, Schedule, ScheduleQuery, Schedules, SlotNumbers,
};
pub use visit::{VisitQuery, VisitStatus};
