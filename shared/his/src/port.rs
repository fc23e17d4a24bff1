//! The port: what the desk asks of a hospital information system, whatever it speaks.

use crate::bill::UnpaidBills;
use crate::day_file::DayFile;
use crate::error::HisError;
use crate::events::Events;
use crate::fees::{FeesPost, Receipt};
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::person::{CardBinding, CardPost, Person, PersonPost, PersonQuery, PersonReceipt};
use crate::queues::{CardQueue, Told};
use crate::refund::{RefundCheck, RefundPost, Refundability};
use crate::reports::{CriticalAlert, HeardReports, ReportNo, ReportsQuery, SentReport};
use crate::timetable::{Department, Doctor, Listed, Mark, ScheduleQuery, Schedules, SlotNumbers};
use crate::visit::{VisitQuery, VisitStatus};
use aws_lc_rs::digest::{SHA256, digest};
use domain::Timestamp;
use domain::civil::Date;
use domain::id::{AppointmentId, CardNo, ClinicId, OutRefundNo, OutTradeNo, PersonSerial, RefundReceiptNo};

/// Bytes of randomness a call takes.
const RANDOM_BYTES: usize = 16;

/// What a call takes from outside: the time, and fresh random bytes for its nonce.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Now.
    pub now: Timestamp,
    /// Fresh for each call.
    pub random: [u8; RANDOM_BYTES],
}

impl Call {
    /// The same call for a later exchange of it: a nonce is good once. The first has the bytes as they are.
    pub(crate) fn at_step(self, step: u8) -> Self {
        if step == 0 {
            return self;
        }
        let seed: Vec<u8> = self.random.iter().copied().chain([step]).collect();
        let mut random = self.random;
        for (byte, derived) in random.iter_mut().zip(digest(&SHA256, &seed).as_ref()) {
            *byte = *derived;
        }
        Self { random, ..self }
    }
}

/// Why values make no request. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It names no bill or line.
    #[error("there is nothing to pay or give back")]
    Nothing,
    /// More bills or lines than one request takes.
    #[error("too many bills or lines in one request")]
    TooMany,
    /// The same bill or line twice.
    #[error("a bill or line is named twice")]
    Twice,
    /// The sum is above what one payment can be.
    #[error("the total is out of range")]
    Amount,
    /// Money was paid, but by no transaction.
    #[error("a payment needs its transaction")]
    Transaction,
    /// A reason that is empty, too long, or not one line.
    #[error("the reason is not one short line")]
    Reason,
}

/// A hospital information system.
///
/// Reads may be repeated freely. A write is sent once per call: after an error with
/// [`HisError::is_outcome_unknown`] ask `…_posted` by serial, and only when it knows nothing send the same again.
pub trait His: Send + Sync {
    /// The unpaid bills of a card. A card the HIS does not know is refused ([`crate::Refusal::NoSuchCard`]).
    fn fees_unpaid(&self, card_no: &CardNo, call: Call) -> impl Future<Output = Result<UnpaidBills, HisError>> + Send;

    /// Books a payment: all of it or nothing. The same post again gives the same receipt.
    fn fees_post(&self, post: &FeesPost, call: Call) -> impl Future<Output = Result<Receipt, HisError>> + Send;

    /// What a payment was booked as; none when the HIS does not know the serial.
    fn fees_posted(
        &self,
        serial: &OutTradeNo,
        call: Call,
    ) -> impl Future<Output = Result<Option<Receipt>, HisError>> + Send;

    /// Which lines of a payment could be given back now.
    fn refund_check(
        &self,
        check: &RefundCheck,
        call: Call,
    ) -> impl Future<Output = Result<Refundability, HisError>> + Send;

    /// Books a refund: all of it or nothing. The same post again gives the same number.
    fn refund_post(
        &self,
        post: &RefundPost,
        call: Call,
    ) -> impl Future<Output = Result<RefundReceiptNo, HisError>> + Send;

    /// What a refund was booked as; none when the HIS does not know the serial.
    fn refund_posted(
        &self,
        serial: &OutRefundNo,
        call: Call,
    ) -> impl Future<Output = Result<Option<RefundReceiptNo>, HisError>> + Send;

    /// Whether a visit took place; none when the HIS knows nothing of it.
    fn visit_status(
        &self,
        visit: &VisitQuery,
        call: Call,
    ) -> impl Future<Output = Result<Option<VisitStatus>, HisError>> + Send;

    /// Every payment and refund the HIS has booked for us on an accounting day (+08:00) that is over.
    fn day_file(&self, day: Date, call: Call) -> impl Future<Output = Result<DayFile, HisError>> + Send;

    /// The queue of a clinic that the HIS calls for, in its order; empty when it has none.
    fn clinic_queue(&self, clinic: &ClinicId, call: Call) -> impl Future<Output = Result<Vec<Told>, HisError>> + Send;

    /// Where the holder of a card waits outside the consulting rooms.
    fn card_queues(
        &self,
        card_no: &CardNo,
        call: Call,
    ) -> impl Future<Output = Result<Vec<CardQueue>, HisError>> + Send;

    /// Every department.
    fn departments(&self, call: Call) -> impl Future<Output = Result<Listed<Department>, HisError>> + Send;

    /// Every doctor.
    fn doctors(&self, call: Call) -> impl Future<Output = Result<Listed<Doctor>, HisError>> + Send;

    /// Schedules that changed, also those of which a number was given or came back.
    fn schedules(&self, query: &ScheduleQuery, call: Call) -> impl Future<Output = Result<Schedules, HisError>> + Send;

    /// The numbers of a clinic by half hour. A clinic the HIS does not have is refused ([`crate::Refusal::NoSuchClinic`]).
    fn slots(
        &self,
        clinic: &ClinicId,
        call: Call,
    ) -> impl Future<Output = Result<Listed<SlotNumbers>, HisError>> + Send;

    /// Keeps a number for somebody who has not paid yet. The same lock again is the same lock.
    fn lock(&self, lock: &NumberLock, call: Call) -> impl Future<Output = Result<(), HisError>> + Send;

    /// Gives a locked number back. A serial that is over, or that the HIS does not know, is none the worse for it.
    fn unlock(&self, serial: &AppointmentId, call: Call) -> impl Future<Output = Result<(), HisError>> + Send;

    /// Makes a visit certain: its lock becomes a registration, or the number is taken now. The same again is the same.
    fn confirm(&self, visit: &VisitBooking, call: Call) -> impl Future<Output = Result<(), HisError>> + Send;

    /// Takes a visit back, locked or confirmed. A serial that is over, or that the HIS does not know, is none the worse
    /// for it.
    fn cancel(&self, serial: &AppointmentId, call: Call) -> impl Future<Output = Result<(), HisError>> + Send;

    /// Moves a visit: `from` is over, `to` is certain, or neither has changed. The same again is the same. A `from` the HIS
    /// does not know, or that is over otherwise, is refused ([`crate::Refusal::NoSuchSerial`]).
    fn reschedule(
        &self,
        from: &AppointmentId,
        to: &VisitBooking,
        call: Call,
    ) -> impl Future<Output = Result<(), HisError>> + Send;

    /// Where a visit stands; none when the HIS does not know the serial.
    fn standing(
        &self,
        serial: &AppointmentId,
        call: Call,
    ) -> impl Future<Output = Result<Option<Standing>, HisError>> + Send;

    /// What changed after `since`, or since the list began.
    fn events(&self, since: Option<&Mark>, call: Call) -> impl Future<Output = Result<Events, HisError>> + Send;

    /// The people it knows by a paper, a card, a phone or a guardian; none when it knows nobody. Who was merged into
    /// somebody is found as the survivor, with the cards and papers of both.
    fn person_find(
        &self,
        query: &PersonQuery,
        call: Call,
    ) -> impl Future<Output = Result<Vec<Person>, HisError>> + Send;

    /// Makes a person known. One whom it knows by the paper and the name is that person; under another name it refuses
    /// ([`crate::Refusal::PersonDiffers`]).
    fn person_create(
        &self,
        post: &PersonPost,
        call: Call,
    ) -> impl Future<Output = Result<PersonReceipt, HisError>> + Send;

    /// Makes an electronic card; a person has one of them, and gets the same again.
    fn card_create(&self, post: &CardPost, call: Call) -> impl Future<Output = Result<PersonReceipt, HisError>> + Send;

    /// Notes that its person uses a card here.
    fn card_bind(
        &self,
        binding: &CardBinding,
        call: Call,
    ) -> impl Future<Output = Result<PersonReceipt, HisError>> + Send;

    /// What a write about a person came to; none when the HIS does not know the serial.
    fn person_posted(
        &self,
        serial: &PersonSerial,
        call: Call,
    ) -> impl Future<Output = Result<Option<PersonReceipt>, HisError>> + Send;

    /// Reports that came after `since`, or since the list began; each whole, as it counts now.
    fn reports(&self, query: &ReportsQuery, call: Call) -> impl Future<Output = Result<HeardReports, HisError>> + Send;

    /// A report by its number; none when the HIS does not know it.
    fn report(
        &self,
        number: &ReportNo,
        call: Call,
    ) -> impl Future<Output = Result<Option<SentReport>, HisError>> + Send;

    /// Has the hospital call a clinician about a critical value. The same alert again is the same.
    fn critical_alert(&self, alert: &CriticalAlert, call: Call) -> impl Future<Output = Result<(), HisError>> + Send;
}
