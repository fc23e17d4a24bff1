//! An order (支付单): one payment in WeChat with its refunds, and the moves it may make.
//!
//! Notification, query and bill all move an order through these functions, each by one conditional write.

use crate::due::{Deadline, Deadlines, backoff_s};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, OpenId, OutRefundNo, OutTradeNo, PatientId};
use crate::money::{AmountError, Fen};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// WeChat says to look for the outcome of a refund no sooner than this after asking.
pub const REFUND_QUERY_AFTER_S: i64 = 60;
/// WeChat's limit of partial refunds of one order.
pub const REFUNDS_MAX: u8 = 50;

/// A payment as WeChat reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// WeChat's number of the payment.
    pub transaction_id: String,
    /// What the order was for, coupons not deducted.
    pub total: Fen,
}

/// Where the money of an order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OrderState {
    /// WeChat may still take the money.
    AwaitingPay,
    /// Closed at WeChat, unpaid.
    Closed,
    /// WeChat has the money. What has gone back since is in the refunds.
    Paid {
        /// WeChat's number of the payment.
        transaction_id: String,
        /// When we learnt of it.
        #[serde(with = "crate::clinic::epoch_s")]
        paid_at: Timestamp,
    },
}

/// Why money goes back. One obligation is refunded once, whoever notices it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obligation {
    /// The visit will not take place, or the number could not be kept.
    VisitOff,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Decided by us, WeChat not asked yet or did not answer.
    Requested,
    /// WeChat has accepted it; the money is on its way.
    Accepted,
    /// The money is back.
    Succeeded,
    /// WeChat could not return it (closed card, merchant balance …): finance must act.
    Manual,
}

/// One refund of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Our number, derived from the order and the sequence.
    pub out_refund_no: OutRefundNo,
    /// How much.
    pub amount: Fen,
    /// What for.
    pub obligation: Obligation,
    /// How far.
    pub state: RefundState,
}

/// One payment with its refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Our number at WeChat.
    pub out_trade_no: OutTradeNo,
    /// What is paid for.
    pub appointment: AppointmentId,
    /// For whom.
    pub patient: PatientId,
    /// Service day: part of the appointment's key.
    pub date: Date,
    /// Who pays.
    pub payer: OpenId,
    /// How much, decided by the server.
    pub amount: Fen,
    /// Where the money is.
    #[serde(flatten)]
    pub state: OrderState,
    /// Refunds by sequence, from 1.
    #[serde(default)]
    pub refunds: BTreeMap<String, Refund>,
    /// Failed tries of the task in progress.
    #[serde(default)]
    pub tries: u32,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// WeChat takes no money after this.
    #[serde(with = "crate::clinic::epoch_s")]
    pub expires_at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

/// Why an order does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A repeat: the order is already there.
    #[error("already done")]
    AlreadyDone,
    /// WeChat reports another amount than we asked for: alarm, nothing moves.
    #[error("paid amount differs from the order")]
    AmountDiffers,
    /// A second payment of the same order under another transaction: alarm, nothing moves.
    #[error("paid under another transaction")]
    OtherTransaction,
    /// Nothing was paid, so nothing can be refunded or closed.
    #[error("no such move from this state")]
    Illegal,
    /// More than is left to refund, or too many refunds: for the worklist.
    #[error("more than can be refunded")]
    NotRefundable,
}

impl From<AmountError> for OrderError {
    fn from(_: AmountError) -> Self {
        Self::NotRefundable
    }
}

/// What WeChat says of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// PROCESSING: accepted.
    Processing,
    /// SUCCESS.
    Success,
    /// ABNORMAL or CLOSED, or refused for good.
    Failed,
    /// No clear answer: ask again later with the same number.
    Unknown,
}

impl Order {
    /// The appointment it pays for.
    pub fn appointment_key(&self) -> crate::appointment::AppointmentKey {
        let (patient, id) = (self.patient.clone(), self.appointment.clone());
        crate::appointment::AppointmentKey { patient, date: self.date, id }
    }

    /// The order once WeChat reports it paid: money first, the number follows (deadline `Settle`).
    pub fn paid(&self, payment: &Payment, actor: Actor, now: Timestamp) -> Result<Self, OrderError> {
        if payment.total != self.amount {
            return Err(OrderError::AmountDiffers);
        }
        match &self.state {
            OrderState::Paid { transaction_id, .. } if *transaction_id == payment.transaction_id => {
                Err(OrderError::AlreadyDone)
            }
            OrderState::Paid { .. } => Err(OrderError::OtherTransaction),
            // A success seen after closing is still money: it must be settled or go back.
            OrderState::AwaitingPay | OrderState::Closed => {
                let state = OrderState::Paid { transaction_id: payment.transaction_id.clone(), paid_at: now };
                let deadlines = Deadlines::none().with(Deadline::Settle, now);
                Ok(Self { state, deadlines, ..self.written(Some((EventKind::OrderPaid, actor)), now) })
            }
        }
    }

    /// The order once WeChat has closed it unpaid.
    pub fn closed(&self, now: Timestamp) -> Result<Self, OrderError> {
        match self.state {
            OrderState::AwaitingPay => Ok(Self { state: OrderState::Closed, ..self.written(None, now) }),
            OrderState::Closed => Err(OrderError::AlreadyDone),
            OrderState::Paid { .. } => Err(OrderError::Illegal),
        }
    }

    /// The order once number, gate and appointment have followed the payment.
    pub fn settled(&self, now: Timestamp) -> Result<Self, OrderError> {
        if self.deadlines.get(Deadline::Settle).is_none() {
            return Err(OrderError::AlreadyDone);
        }
        Ok(Self { deadlines: self.deadlines.clone().without(Deadline::Settle), tries: 0, ..self.written(None, now) })
    }

    /// What has not been asked back yet.
    pub fn refundable(&self) -> Result<Fen, OrderError> {
        if !matches!(self.state, OrderState::Paid { .. }) {
            return Err(OrderError::Illegal);
        }
        self.refunds.values().try_fold(self.amount, |left, refund| left.minus(refund.amount)).map_err(OrderError::from)
    }

    /// The order with everything that is left asked back, once per obligation.
    pub fn refund_all(&self, obligation: Obligation, now: Timestamp) -> Result<Self, OrderError> {
        let amount = self.refundable()?;
        if self.refunds.values().any(|refund| refund.obligation == obligation) {
            return Err(OrderError::AlreadyDone);
        }
        let sequence = u8::try_from(self.refunds.len() + 1).map_err(|_| OrderError::NotRefundable)?;
        if amount.is_zero() || sequence > REFUNDS_MAX {
            return Err(OrderError::NotRefundable);
        }
        let out_refund_no = OutRefundNo::of(&self.out_trade_no, sequence);
        let refund = Refund { out_refund_no, amount, obligation, state: RefundState::Requested };
        let mut after = self.written(None, now);
        after.refunds.insert(sequence.to_string(), refund);
        after.tries = 0;
        // The refund includes whatever settling had left to do.
        after.deadlines = after.deadlines.without(Deadline::Settle).with(Deadline::Refund, now);
        Ok(after)
    }

    /// The order with its next try moved ahead, written before WeChat is called: a crash then only delays.
    #[must_use]
    pub fn leased(&self, kind: Deadline, now: Timestamp) -> Self {
        let next = time::add_seconds(now, backoff_s(self.tries));
        let deadlines = self.deadlines.clone().with(kind, next);
        Self { tries: self.tries.saturating_add(1), deadlines, ..self.written(None, now) }
    }

    /// The order once WeChat has answered about a refund.
    pub fn refund_answered(
        &self,
        number: &OutRefundNo,
        answer: RefundAnswer,
        now: Timestamp,
    ) -> Result<Self, OrderError> {
        let (key, refund) =
            self.refunds.iter().find(|(_, refund)| refund.out_refund_no == *number).ok_or(OrderError::Illegal)?;
        let state = match (refund.state, answer) {
            (RefundState::Succeeded, _)
            | (RefundState::Accepted, RefundAnswer::Processing)
            | (_, RefundAnswer::Unknown) => {
                return Err(OrderError::AlreadyDone);
            }
            (_, RefundAnswer::Success) => RefundState::Succeeded,
            (RefundState::Manual, _) => return Err(OrderError::AlreadyDone),
            (RefundState::Requested, RefundAnswer::Processing) => RefundState::Accepted,
            (RefundState::Requested | RefundState::Accepted, RefundAnswer::Failed) => RefundState::Manual,
        };
        let event = (state == RefundState::Succeeded).then_some((EventKind::OrderRefunded, Actor::WechatPay));
        let mut after = self.written(event, now);
        after.refunds.insert(key.clone(), Refund { state, ..refund.clone() });
        after.tries = 0;
        let rest = after.deadlines.without(Deadline::Refund).without(Deadline::RefundQuery);
        after.deadlines = match state {
            RefundState::Accepted => rest.with(Deadline::RefundQuery, time::add_seconds(now, REFUND_QUERY_AFTER_S)),
            RefundState::Requested | RefundState::Succeeded | RefundState::Manual => rest,
        };
        Ok(after)
    }

    /// The refund a due task is about, and how far it is.
    pub fn open_refund(&self) -> Option<&Refund> {
        self.refunds.values().find(|refund| matches!(refund.state, RefundState::Requested | RefundState::Accepted))
    }

    fn written(&self, event: Option<(EventKind, Actor)>, now: Timestamp) -> Self {
        let seq = self.ev.as_ref().map_or(0, |event| event.seq) + 1;
        let ev = event.map(|(kind, actor)| ItemEvent { seq, kind, actor, at: now });
        Self { ev: ev.or_else(|| self.ev.clone()), ver: self.ver + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-22T04:00:00Z".parse().unwrap()
    }

    fn fresh() -> Order {
        let appointment = AppointmentId::from_bytes([1; 10]);
        Order {
            out_trade_no: OutTradeNo::of(&appointment, 1),
            appointment,
            patient: PatientId::from_bytes([2; 10]),
            date: jiff::civil::date(2026, 11, 23),
            payer: "oLin".parse().unwrap(),
            amount: Fen::new(2500).unwrap(),
            state: OrderState::AwaitingPay,
            refunds: BTreeMap::new(),
            tries: 0,
            deadlines: Deadlines::none(),
            ev: None,
            expires_at: now(),
            ver: 1,
        }
    }

    fn payment(fen: i64) -> Payment {
        Payment { transaction_id: "42000".into(), total: Fen::new(fen).unwrap() }
    }

    #[test]
    fn money_seen_after_closing_is_still_money() {
        let closed = fresh().closed(now()).unwrap();
        let paid = closed.paid(&payment(2500), Actor::WechatPay, now()).unwrap();
        assert_eq!(paid.deadlines.get(Deadline::Settle), Some(now()));
        assert_eq!(paid.paid(&payment(2500), Actor::WechatPay, now()), Err(OrderError::AlreadyDone));
        let other = Payment { transaction_id: "43000".into(), ..payment(2500) };
        assert_eq!(paid.paid(&other, Actor::WechatPay, now()), Err(OrderError::OtherTransaction));
        assert_eq!(fresh().paid(&payment(2499), Actor::WechatPay, now()), Err(OrderError::AmountDiffers));
    }

    #[test]
    fn one_obligation_is_refunded_once() {
        let paid = fresh().paid(&payment(2500), Actor::WechatPay, now()).unwrap();
        let due = paid.refund_all(Obligation::VisitOff, now()).unwrap();
        assert_eq!(due.open_refund().unwrap().out_refund_no.as_str().rsplit('_').next(), Some("R1"));
        assert_eq!(due.refund_all(Obligation::VisitOff, now()), Err(OrderError::AlreadyDone));
        assert_eq!(due.refundable(), Ok(Fen::ZERO));
        assert_eq!(fresh().refund_all(Obligation::VisitOff, now()), Err(OrderError::Illegal));
    }

    #[test]
    fn accepted_is_not_refunded() {
        let paid = fresh().paid(&payment(2500), Actor::WechatPay, now()).unwrap();
        let due = paid.refund_all(Obligation::VisitOff, now()).unwrap().leased(Deadline::Refund, now());
        assert_eq!(due.deadlines.get(Deadline::Refund), Some(time::add_seconds(now(), 60)));
        let number = due.open_refund().unwrap().out_refund_no.clone();
        let accepted = due.refund_answered(&number, RefundAnswer::Processing, now()).unwrap();
        assert_eq!(accepted.deadlines.get(Deadline::RefundQuery), Some(time::add_seconds(now(), 60)));
        let back = accepted.refund_answered(&number, RefundAnswer::Success, now()).unwrap();
        assert_eq!((back.deadlines.earliest(), back.ev.as_ref().unwrap().kind), (None, EventKind::OrderRefunded));
        assert_eq!(back.refund_answered(&number, RefundAnswer::Failed, now()), Err(OrderError::AlreadyDone));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Paid(i64),
        Closed,
        Settled,
        RefundAll,
        Answer(RefundAnswer),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        use RefundAnswer::{Failed, Processing, Success, Unknown};
        prop_oneof![
            prop_oneof![Just(2500_i64), Just(1)].prop_map(Step::Paid),
            Just(Step::Closed),
            Just(Step::Settled),
            Just(Step::RefundAll),
            prop_oneof![Just(Processing), Just(Success), Just(Failed), Just(Unknown)].prop_map(Step::Answer),
        ]
    }

    proptest! {
        /// Under any sequence: refunds never exceed what was paid, what was paid never becomes unpaid, and whatever
        /// is unfinished has a deadline.
        #[test]
        fn no_sequence_loses_or_makes_a_fen(steps in proptest::collection::vec(any_step(), 0..30)) {
            let mut order = fresh();
            for step in steps {
                let was_paid = matches!(order.state, OrderState::Paid { .. });
                let number = order.open_refund().map_or(OutRefundNo::of(&order.out_trade_no, 9), |r| r.out_refund_no.clone());
                let moved = match step {
                    Step::Paid(fen) => order.paid(&payment(fen), Actor::WechatPay, now()),
                    Step::Closed => order.closed(now()),
                    Step::Settled => order.settled(now()),
                    Step::RefundAll => order.refund_all(Obligation::VisitOff, now()),
                    Step::Answer(answer) => order.refund_answered(&number, answer, now()),
                };
                order = moved.unwrap_or(order);
                let is_paid = matches!(order.state, OrderState::Paid { .. });
                prop_assert!(!was_paid || is_paid);
                let back: i64 = order.refunds.values().map(|refund| refund.amount.get()).sum();
                prop_assert!(back <= order.amount.get());
                prop_assert!(order.open_refund().is_none() || order.deadlines.earliest().is_some());
            }
        }
    }
}
