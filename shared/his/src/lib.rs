//! The hospital information system (HIS) as the desk sees it: a port, and the adapters that speak to a real one.
//!
//! Rules this crate keeps for its callers: every write carries a serial of ours and may be repeated with the same
//! values; a write is sent once, and after an unknown outcome the caller asks by serial before it sends again; an
//! answer counts only with its signature; what comes in is checked before it becomes a type; money is [`Fen`].
//!
//! [`SignedJson`] is the first adapter (front-end machine, 前置机). XML, HL7 v2 and FHIR join as further ones.
//!
//! [`Fen`]: domain::money::Fen

mod bill;
mod day_file;
mod error;
mod events;
mod fees;
mod label;
mod numbers;
mod port;
mod queues;
mod refund;
mod signed_json;
mod timetable;
mod visit;

pub use bill::{Bill, BillFault, BillItem, BillKind, Place, RejectedBill, UnpaidBills, Visit};
pub use day_file::{
    DAY_FILE_COLUMNS, DAY_FILE_PACKED_BYTES_MAX, DAY_FILE_UNPACKED_BYTES_MAX, DayFile, DayFileError, DayRow,
    DayRowKind, DayRows,
};
pub use error::{HisError, Refusal};
pub use events::{Change, EVENTS_MAX, Event, Events};
pub use fees::{BILLS_PER_POST_MAX, BillAmount, BillPlace, FeesPost, InvoiceUrl, Paid, Receipt, Registration};
pub use label::{LABEL_CHARS_MAX, Label};
pub use numbers::{NumberLock, PaidBy, Standing, VisitBooking};
pub use port::{Call, His, RequestError};
pub use queues::{CARD_QUEUES_MAX, CLINIC_QUEUE_MAX, CardQueue, QueueKind, Told, ToldStage};
pub use refund::{
    BillLine, LINES_PER_REFUND_MAX, Lines, REFUND_REASON_CHARS_MAX, RefundCheck, RefundPost, RefundReason,
    Refundability,
};
pub use signed_json::{
    ANSWER_BYTES_MAX, Breaker, CONNECT_TIMEOUT_MS, DAY_FILE_TIMEOUT_MS, FAILURES_IN_A_ROW_MAX, KeyError, Keys,
    LOCK_TIMEOUT_MS, OPEN_FOR_S, READ_TIMEOUT_MS, SettingsError, SignedJson, WRITE_TIMEOUT_MS,
};
pub use timetable::{
    Department, Doctor, LISTED_MAX, Listed, Mark, MarkError, Schedule, ScheduleQuery, Schedules, SlotNumbers,
};
pub use visit::{VisitQuery, VisitStatus};
