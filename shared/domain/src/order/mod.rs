//! An order (支付单): one payment with its refunds, for whatever is paid, and the moves it may make.
//!
//! Notification, query and daily bill all move an order through these functions, each by one conditional write. What is
//! paid for is the [`Subject`]; how far the money is, the [`OrderState`]; what went back, the refunds ([`refund`]); what
//! the hospital's own system knows of it, the [`Posting`] ([`posting`]).

pub mod attention;
pub mod posting;
pub mod refund;
#[cfg(test)]
mod tests;

pub use attention::{Dispute, Remark, Work};
pub use posting::{HisAnswer, HisTask, Place, Posting, Receipt};
pub use refund::{Cause, ManualWhy, Refund, RefundAnswer, RefundReport, RefundRequest, RefundState, Share};

use crate::appointment::{AppointmentKey, NOTIFY_WITHIN_S};
use crate::due::{Deadline, Deadlines, Tries, backoff_s};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, BillItemNo, BillNo, CardNo, OpenId, OutTradeNo, PatientId};
use crate::money::{AmountError, Fen};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// WeChat is asked about an unpaid order this long after it was made, in seconds: the paying page asks sooner by itself.
pub const QUERY_AFTER_S: [i64; 4] = [60, 300, 600, 1800];
/// An order nobody paid is closed this long after the time to pay has ended.
pub const CLOSE_AFTER_S: i64 = 60;
/// The most lines one order has: what a patient can oversee, and what an item in the table can hold.
pub const LINES_MAX: usize = 200;

/// A payment as the provider reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The provider's number of the payment.
    pub transaction_id: String,
    /// What the order was for, coupons not deducted.
    pub total: Fen,
    /// When the patient paid, if the provider said so.
    pub paid_at: Option<Timestamp>,
}

/// Who takes the money. Others join here, behind the port `runtime::payments::Provider`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// 微信支付
    #[default]
    WechatPay,
}

/// Where the money of an order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OrderState {
    /// The provider may still take the money.
    AwaitingPay,
    /// Closed at the provider, unpaid.
    Closed,
    /// The money is ours. What has gone back since is in the refunds.
    Paid {
        /// The provider's number of the payment; none when there was nothing to pay.
        transaction_id: Option<String>,
        /// When it was paid.
        #[serde(with = "crate::clinic::epoch_s")]
        paid_at: Timestamp,
    },
}

/// What is paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Subject {
    /// 挂号: a held number.
    Registration {
        /// The appointment.
        appointment: AppointmentId,
        /// Service day: part of the appointment's key.
        date: Date,
    },
    /// 缴费: unpaid bills of the hospital.
    Bills {
        /// The visit card they are written on.
        card: CardNo,
        /// Which.
        bills: Vec<BillNo>,
    },
}

/// An item of a bill as the hospital numbers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BillItem {
    /// The bill.
    pub bill: BillNo,
    /// The item within it.
    pub item: BillItemNo,
}

/// One thing of an order that is paid for, and given back as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is, as the patient reads it.
    pub name: String,
    /// What it costs.
    pub amount: Fen,
    /// The bill's item; none for a registration.
    pub item: Option<BillItem>,
}

/// One payment with its refunds.
///
/// `amount` is what the patient pays in the end: should an insurance pay a part of each line one day, a split joins here
/// and `amount` stays what the provider is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Our number at the provider.
    pub out_trade_no: OutTradeNo,
    /// What is paid for.
    pub subject: Subject,
    /// For whom.
    pub patient: PatientId,
    /// The patient's name, masked, for pages and messages.
    pub patient_name_masked: String,
    /// Who pays.
    pub payer: OpenId,
    /// Who takes the money.
    #[serde(default)]
    pub provider: Provider,
    /// What it consists of, in order; a line is known by its place, from 1.
    pub lines: Vec<Line>,
    /// How much, decided by the server: the sum of the lines.
    pub amount: Fen,
    /// Where the money is.
    #[serde(flatten)]
    pub state: OrderState,
    /// Refunds by sequence, from 1.
    #[serde(default)]
    pub refunds: BTreeMap<String, Refund>,
    /// What the hospital's own system knows of it.
    #[serde(default)]
    pub posting: Posting,
    /// Payments that do not fit it.
    #[serde(default)]
    pub disputes: Vec<Dispute>,
    /// What staff noted.
    #[serde(default)]
    pub remarks: Vec<Remark>,
    /// Failed tries of the tasks in progress.
    #[serde(default)]
    pub tries: Tries,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// What happened and the payer has not certainly been told.
    #[serde(default)]
    pub untold: BTreeSet<EventKind>,
    /// When it was made.
    #[serde(with = "crate::clinic::epoch_s")]
    pub created_at: Timestamp,
    /// The provider takes no money after this.
    #[serde(with = "crate::clinic::epoch_s")]
    pub expires_at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

/// Everything a new order is made of.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Our number.
    pub out_trade_no: OutTradeNo,
    /// What is paid for.
    pub subject: Subject,
    /// For whom.
    pub patient: PatientId,
    /// The patient's name, masked.
    pub patient_name_masked: String,
    /// Who pays.
    pub payer: OpenId,
    /// What it consists of.
    pub lines: Vec<Line>,
    /// The provider takes no money after this.
    pub expires_at: Timestamp,
}

/// Why an order does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A repeat: the order is already there.
    #[error("already done")]
    AlreadyDone,
    /// Another amount than we asked for is reported: alarm, nothing moves.
    #[error("amount differs from the order")]
    AmountDiffers,
    /// A second payment of the same order under another transaction: alarm, nothing moves.
    #[error("paid under another transaction")]
    OtherTransaction,
    /// No such move from here.
    #[error("no such move from this state")]
    Illegal,
    /// Nothing of what is asked for is left to give back.
    #[error("nothing left to refund")]
    NotRefundable,
    /// Maker and checker are the same person.
    #[error("maker and checker are one person")]
    SamePerson,
    /// No lines, too many, or a sum beyond what one payment can be.
    #[error("the lines are not payable in one order")]
    Lines,
}

impl From<AmountError> for OrderError {
    fn from(_: AmountError) -> Self {
        Self::Lines
    }
}

/// The sum of lines.
pub fn total<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Result<Fen, AmountError> {
    lines.into_iter().try_fold(Fen::ZERO, |sum, line| sum.plus(line.amount))
}

impl Order {
    /// An order nobody has paid yet. One with nothing to pay skips the provider and is paid at once.
    pub fn open(new: NewOrder, now: Timestamp) -> Result<Self, OrderError> {
        if new.lines.is_empty() || new.lines.len() > LINES_MAX {
            return Err(OrderError::Lines);
        }
        let amount = total(&new.lines)?;
        let free = amount.is_zero();
        let state =
            if free { OrderState::Paid { transaction_id: None, paid_at: now } } else { OrderState::AwaitingPay };
        let first =
            if free { (Deadline::Settle, now) } else { (Deadline::Query, time::add_seconds(now, QUERY_AFTER_S[0])) };
        Ok(Self {
            out_trade_no: new.out_trade_no,
            subject: new.subject,
            patient: new.patient,
            patient_name_masked: new.patient_name_masked,
            payer: new.payer,
            provider: Provider::WechatPay,
            lines: new.lines,
            amount,
            state,
            refunds: BTreeMap::new(),
            posting: Posting::NotNeeded,
            disputes: Vec::new(),
            remarks: Vec::new(),
            tries: Tries::none(),
            deadlines: Deadlines::none().with(first.0, first.1),
            ev: None,
            untold: BTreeSet::new(),
            created_at: now,
            expires_at: new.expires_at,
            ver: 1,
        })
    }

    /// The appointment it pays for, if it does.
    pub fn appointment_key(&self) -> Option<AppointmentKey> {
        match &self.subject {
            Subject::Registration { appointment, date } => {
                Some(AppointmentKey { patient: self.patient.clone(), date: *date, id: appointment.clone() })
            }
            Subject::Bills { .. } => None,
        }
    }

    /// The order, if it (still) pays for this visit: one that was moved has taken its payment along.
    pub fn of(&self, visit: &AppointmentKey) -> Result<&Self, OrderError> {
        if self.appointment_key().as_ref() == Some(visit) { Ok(self) } else { Err(OrderError::AlreadyDone) }
    }

    /// The order once the visit it pays for has been moved (改约): from now on it pays for the one that took its place.
    /// Only while all of it is kept.
    pub fn moved(&self, from: &AppointmentKey, to: &AppointmentKey, now: Timestamp) -> Result<Self, OrderError> {
        self.of(from)?;
        if !self.is_paid() || self.lines_left().len() != self.lines.len() {
            return Err(OrderError::Illegal);
        }
        let subject = Subject::Registration { appointment: to.id.clone(), date: to.date };
        Ok(Self { subject, ..self.written(None, now) })
    }

    /// True once the money is ours, whatever went back since.
    pub fn is_paid(&self) -> bool {
        matches!(self.state, OrderState::Paid { .. })
    }

    /// When it was paid.
    pub fn paid_at(&self) -> Option<Timestamp> {
        match &self.state {
            OrderState::Paid { paid_at, .. } => Some(*paid_at),
            OrderState::AwaitingPay | OrderState::Closed => None,
        }
    }

    /// The order once the provider reports it paid: money first, what it pays for follows (deadline `Settle`).
    pub fn paid(&self, payment: &Payment, actor: Actor, now: Timestamp) -> Result<Self, OrderError> {
        if payment.total != self.amount {
            return Err(OrderError::AmountDiffers);
        }
        match &self.state {
            OrderState::Paid { transaction_id, .. } if transaction_id.as_ref() == Some(&payment.transaction_id) => {
                Err(OrderError::AlreadyDone)
            }
            OrderState::Paid { .. } => Err(OrderError::OtherTransaction),
            // A success seen after closing is still money: it must be settled or go back.
            OrderState::AwaitingPay | OrderState::Closed => {
                let paid_at = payment.paid_at.unwrap_or(now);
                let state = OrderState::Paid { transaction_id: Some(payment.transaction_id.clone()), paid_at };
                let deadlines = Deadlines::none().with(Deadline::Settle, now);
                Ok(Self {
                    state,
                    deadlines,
                    tries: Tries::none(),
                    ..self.written(Some((EventKind::OrderPaid, actor)), now)
                })
            }
        }
    }

    /// The order once the provider has closed it unpaid.
    pub fn closed(&self, now: Timestamp) -> Result<Self, OrderError> {
        match self.state {
            OrderState::AwaitingPay => {
                let deadlines = Deadlines::none();
                Ok(Self { state: OrderState::Closed, deadlines, tries: Tries::none(), ..self.written(None, now) })
            }
            OrderState::Closed => Err(OrderError::AlreadyDone),
            OrderState::Paid { .. } => Err(OrderError::Illegal),
        }
    }

    /// True when the provider is to close the order instead of being asked about it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= time::add_seconds(self.expires_at, CLOSE_AFTER_S)
    }

    /// The order with its next look at the provider planned, written before the provider is asked.
    pub fn queried(&self, now: Timestamp) -> Result<Self, OrderError> {
        if self.state != OrderState::AwaitingPay {
            return Err(OrderError::AlreadyDone);
        }
        if self.is_over(now) {
            return Ok(self.leased(Deadline::Query, now));
        }
        let close_at = time::add_seconds(self.expires_at, CLOSE_AFTER_S);
        let planned = QUERY_AFTER_S.iter().map(|after_s| time::add_seconds(self.created_at, *after_s));
        let next = planned.filter(|at| *at > now).chain([close_at]).min().unwrap_or(close_at);
        Ok(Self { deadlines: self.deadlines.clone().with(Deadline::Query, next), ..self.written(None, now) })
    }

    /// The order once what it pays for has followed: the number, gate and appointment of a registration. From here the
    /// hospital's own system has to be told.
    pub fn settled(&self, now: Timestamp) -> Result<Self, OrderError> {
        if self.deadlines.get(Deadline::Settle).is_none() {
            return Err(OrderError::AlreadyDone);
        }
        let deadlines = self.deadlines.clone().without(Deadline::Settle).with(Deadline::Post, now);
        let tries = self.tries.clone().done(Deadline::Settle);
        Ok(Self { deadlines, posting: Posting::Due, tries, ..self.written(None, now) })
    }

    /// The order with its next try moved ahead, written before anybody outside is called: a crash then only delays.
    #[must_use]
    pub fn leased(&self, kind: Deadline, now: Timestamp) -> Self {
        let next = time::add_seconds(now, backoff_s(self.tries.of(kind)));
        let deadlines = self.deadlines.clone().with(kind, next);
        Self { tries: self.tries.clone().more(kind), deadlines, ..self.written(None, now) }
    }

    /// The order once the message about something that happened to it is in the ledger.
    pub fn notified(&self, told: EventKind) -> Result<Self, OrderError> {
        let mut untold = self.untold.clone();
        if !untold.remove(&told) {
            return Err(OrderError::AlreadyDone);
        }
        let rest = self.deadlines.clone();
        let deadlines = if untold.is_empty() { rest.without(Deadline::Notify) } else { rest };
        Ok(Self { untold, deadlines, ver: self.ver + 1, ..self.clone() })
    }

    fn written(&self, event: Option<(EventKind, Actor)>, now: Timestamp) -> Self {
        let ver = self.ver + 1;
        let Some((kind, actor)) = event else { return Self { ver, ..self.clone() } };
        let seq = self.ev.as_ref().map_or(0, |event| event.seq) + 1;
        Self { ev: Some(ItemEvent { seq, kind, actor, at: now }), ver, ..self.clone() }
    }

    /// The same with an event the payer is told: the deadline makes sure of it.
    fn told(&self, kind: EventKind, actor: Actor, now: Timestamp) -> Self {
        let mut after = self.written(Some((kind, actor)), now);
        after.untold.insert(kind);
        after.deadlines = after.deadlines.with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S));
        after
    }
}
