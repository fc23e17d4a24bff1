//! What the hospital's own system (HIS) knows of an order: every kept payment is posted there, every refund of a posted one
//! is told there, each under our serial number. A lost answer is followed by asking for the serial, never by sending
//! again: so the HIS ends with exactly what the patient has paid and not got back.

use super::refund::HisTold;
use super::{Cause, Order, OrderError, Refund, RefundRequest, RefundState, Share, Subject};
use crate::due::Deadline;
use crate::event::{Actor, EventKind};
use crate::id::{BillNo, OutRefundNo};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A request the HIS has not seen within this time can never take effect: its timestamp is too old by then (five minutes
/// by the front-end machine's rule, and one for the way).
pub const LATE_REQUEST_S: i64 = 360;

/// Where to go with what was paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The bill it is about; none for all of them.
    pub bill: Option<BillNo>,
    /// As the patient reads it: building, floor, window, what to bring.
    pub text: String,
}

/// What the HIS answers to a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its number of the receipt.
    pub receipt_no: String,
    /// What to do next.
    #[serde(default)]
    pub places: Vec<Place>,
    /// The electronic invoice (财政电子票据), when it gives one.
    #[serde(default)]
    pub invoice_url: Option<String>,
}

/// How far the payment is with the HIS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Posting {
    /// Nothing to post: unpaid so far, or what was paid for did not come about.
    #[default]
    NotNeeded,
    /// To be posted; certainly unknown to the HIS.
    Due,
    /// Sent without a clear answer: to be asked by serial before anything else.
    Unknown {
        /// When it was last sent.
        #[serde(with = "crate::clinic::epoch_s")]
        sent_at: Timestamp,
    },
    /// The HIS has it.
    Posted {
        /// What it answered.
        receipt: Receipt,
    },
    /// The HIS does not take it.
    Refused {
        /// Its stable code.
        code: String,
    },
    /// Given back before it was ever posted.
    Dropped,
}

/// What the HIS is to be asked or told next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HisTask {
    /// Post the payment.
    Post,
    /// Ask whether it has the payment.
    FindPosted,
    /// Tell it of a refund; it may say no while the refund is being released.
    Return(OutRefundNo),
    /// Ask whether it has the refund.
    FindReturned(OutRefundNo),
    /// Nothing was posted and nothing need be: note that.
    Drop,
}

/// What the HIS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HisAnswer {
    /// It has the payment.
    Posted(Receipt),
    /// It has the refund.
    Returned,
    /// It does not know the serial.
    NotFound,
    /// It says no, with its stable code.
    Refused(String),
    /// The request may or may not have taken effect.
    Unknown,
}

impl Order {
    /// What the HIS is to be asked or told next; none when it knows all it has to.
    pub fn his_task(&self) -> Option<HisTask> {
        match &self.posting {
            Posting::NotNeeded | Posting::Dropped | Posting::Refused { .. } => None,
            Posting::Due if self.is_given_back() => Some(HisTask::Drop),
            Posting::Due => Some(HisTask::Post),
            Posting::Unknown { .. } => Some(HisTask::FindPosted),
            Posting::Posted { .. } => self.return_task(),
        }
    }

    /// All of it went back or certainly will: nobody wants it posted any more.
    fn is_given_back(&self) -> bool {
        self.lines_left().is_empty() && !self.refunds.values().any(Refund::is_waiting)
    }

    fn return_task(&self) -> Option<HisTask> {
        let open = |refund: &&Refund| refund.concerns_his() && matches!(refund.his, HisTold::Due | HisTold::Unknown);
        self.in_sequence().find(open).map(|refund| match refund.his {
            HisTold::Unknown => HisTask::FindReturned(refund.out_refund_no.clone()),
            _ => HisTask::Return(refund.out_refund_no.clone()),
        })
    }

    /// The order written before the HIS is told: should the answer be lost, it is asked by serial first.
    pub fn his_asked(&self, task: &HisTask, now: Timestamp) -> Result<Self, OrderError> {
        if self.his_task().as_ref() != Some(task) {
            return Err(OrderError::AlreadyDone);
        }
        let mut after = self.leased(Deadline::Post, now);
        match task {
            HisTask::Post => after.posting = Posting::Unknown { sent_at: now },
            HisTask::Return(number) => {
                let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
                after.put_refund(Refund { his: HisTold::Unknown, ..refund.clone() });
            }
            HisTask::FindPosted | HisTask::FindReturned(_) | HisTask::Drop => {}
        }
        Ok(after)
    }

    /// The order once the HIS has answered.
    pub fn his_answered(&self, task: &HisTask, answer: HisAnswer, now: Timestamp) -> Result<Self, OrderError> {
        let after = match (task, answer) {
            (HisTask::Drop, _) => self.never_posted(Posting::Dropped, now),
            (HisTask::Post | HisTask::FindPosted, HisAnswer::Posted(receipt)) => self.posted(receipt, now)?,
            (HisTask::Post, HisAnswer::Refused(code)) => self.his_refused(code, now)?,
            (HisTask::FindPosted, HisAnswer::NotFound) => self.not_posted(now)?,
            (HisTask::Return(number) | HisTask::FindReturned(number), HisAnswer::Returned) => {
                self.returned_there(number, now)?
            }
            (HisTask::Return(number), HisAnswer::Refused(_)) => self.return_refused(number, now)?,
            (HisTask::FindReturned(number), HisAnswer::NotFound) => {
                let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
                self.with_refund(Refund { his: HisTold::Due, ..refund.clone() }, now)
            }
            _ => return Err(OrderError::AlreadyDone),
        };
        let tries = after.tries.clone().done(Deadline::Post);
        Ok(Self { tries, ..after }.replanned(now))
    }

    fn posted(&self, receipt: Receipt, now: Timestamp) -> Result<Self, OrderError> {
        if !matches!(self.posting, Posting::Unknown { .. } | Posting::Due) {
            return Err(OrderError::AlreadyDone);
        }
        // Who has given up everything meanwhile needs no message that it was paid.
        let tells = matches!(self.subject, Subject::Bills { .. }) && !self.is_given_back();
        let after =
            if tells { self.told(EventKind::OrderPosted, Actor::Schedule, now) } else { self.written(None, now) };
        Ok(Self { posting: Posting::Posted { receipt }, ..after })
    }

    fn his_refused(&self, code: String, now: Timestamp) -> Result<Self, OrderError> {
        if !matches!(self.posting, Posting::Unknown { .. } | Posting::Due) {
            return Err(OrderError::AlreadyDone);
        }
        let refused = self.never_posted(Posting::Refused { code }, now);
        match self.subject {
            Subject::Bills { .. } => refused.refund_for_his(Cause::HisRefused, now),
            // The number is ours to give: the visit stands, and staff look at why.
            Subject::Registration { .. } => Ok(refused),
        }
    }

    /// The HIS will not have it: our books must not expect it there.
    fn never_posted(&self, posting: Posting, now: Timestamp) -> Self {
        let after = self.written(None, now);
        let deadlines = after.deadlines.clone().with(Deadline::Book, now);
        Self { posting, deadlines, ..after }
    }

    /// True when the HIS has the payment, or will have.
    pub fn his_has_it(&self) -> bool {
        matches!(self.posting, Posting::Due | Posting::Unknown { .. } | Posting::Posted { .. })
    }

    /// The HIS does not know the serial, but a request of ours may still be on its way there: the same serial is sent
    /// again at once, but forgotten only when the last request is certainly too old to take effect.
    fn not_posted(&self, now: Timestamp) -> Result<Self, OrderError> {
        let Posting::Unknown { sent_at } = self.posting else { return Err(OrderError::AlreadyDone) };
        let may_still_arrive = now < time::add_seconds(sent_at, LATE_REQUEST_S);
        if self.is_given_back() && may_still_arrive {
            return Ok(self.written(None, now));
        }
        Ok(Self { posting: Posting::Due, ..self.written(None, now) })
    }

    fn returned_there(&self, number: &OutRefundNo, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        if refund.his == HisTold::Done {
            return Err(OrderError::AlreadyDone);
        }
        let told = Refund { his: HisTold::Done, ..refund.clone() };
        let paid_at = self.paid_at().ok_or(OrderError::Illegal)?;
        let after = match told.state {
            RefundState::Releasing => {
                Refund { state: RefundState::Requested, ..told }.within_limits(self.refunds.len(), paid_at, now)
            }
            _ => told,
        };
        Ok(self.with_refund(after, now))
    }

    fn return_refused(&self, number: &OutRefundNo, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        let state = match refund.state {
            RefundState::Releasing => RefundState::Declined,
            decided => decided,
        };
        let after = self.with_refund(Refund { his: HisTold::Refused, state, ..refund.clone() }, now);
        let declined = state == RefundState::Declined;
        Ok(if declined { after.told(EventKind::RefundDeclined, Actor::Schedule, now) } else { after })
    }

    /// The order given up because the HIS gives no clear answer: everything goes back. Only bills: without the HIS nobody
    /// performs what was paid for, while a registered visit takes place all the same.
    pub fn his_given_up(&self, within_s: i64, now: Timestamp) -> Result<Self, OrderError> {
        let open = matches!(self.posting, Posting::Due | Posting::Unknown { .. });
        let paid_at = self.paid_at().ok_or(OrderError::Illegal)?;
        let is_late = now >= time::add_seconds(paid_at, within_s);
        match self.subject {
            Subject::Bills { .. } if open && is_late => self.refund_for_his(Cause::HisSilent, now),
            _ => Err(OrderError::AlreadyDone),
        }
    }

    fn refund_for_his(&self, cause: Cause, now: Timestamp) -> Result<Self, OrderError> {
        let request =
            RefundRequest { share: Share::Everything, cause, by: Actor::Schedule, key: None, needs_checker: false };
        match self.refund(&request, now) {
            // All of it has gone back already.
            Err(OrderError::NotRefundable) => Ok(self.written(None, now)),
            other => other,
        }
    }

    /// The deadline that follows from what the HIS still has to be asked or told.
    pub(super) fn plan_posting(&mut self, now: Timestamp) {
        let planned = self.deadlines.get(Deadline::Post).filter(|at| *at > now);
        self.deadlines = match (self.his_task(), &self.posting) {
            (None, _) => self.deadlines.clone().without(Deadline::Post),
            // Asked a moment ago, and nobody wants it any more: look again when nothing can arrive late.
            (Some(HisTask::FindPosted), Posting::Unknown { sent_at }) if self.is_given_back() => {
                let at = time::add_seconds(*sent_at, LATE_REQUEST_S).max(now);
                self.deadlines.clone().with(Deadline::Post, at)
            }
            (Some(_), _) => self.deadlines.clone().with(Deadline::Post, planned.unwrap_or(now)),
        };
    }
}
