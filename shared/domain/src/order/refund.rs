//! Refunds (退款): decided on the order, so that two causes never give the same line back twice.
//!
//! A refund covers whole lines. Its number comes from the order and the sequence, never from the reason. Accepted is not
//! refunded: notification or query finishes it. What WeChat cannot return goes to people, with the reason.

use super::{Order, OrderError, OrderState, Subject, total};
use crate::due::{Deadline, TRIES_MAX, backoff_s};
use crate::event::{Actor, EventKind};
use crate::id::OutRefundNo;
use crate::money::Fen;
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// WeChat says to look for the outcome of a refund no sooner than this after asking; refunds of one order are as far
/// apart.
pub const REFUND_QUERY_AFTER_S: i64 = 60;
/// WeChat's limit of refunds of one order.
pub const REFUNDS_MAX: usize = 50;
/// WeChat returns money until this long after the payment: 365 days.
pub const REFUND_WITHIN_S: i64 = 365 * 24 * 3600;

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The visit will not take place, or the number could not be kept.
    VisitOff,
    /// The hospital's own system did not take the payment.
    HisRefused,
    /// It gave no clear answer within the time the profile sets.
    HisSilent,
    /// The patient gives items back before they were performed.
    PatientAsked,
    /// Staff decided.
    Staff,
}

impl Cause {
    /// Ends the whole order, and so comes once.
    fn is_final(self) -> bool {
        matches!(self, Self::VisitOff | Self::HisRefused | Self::HisSilent)
    }
}

/// Why a refund needs people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManualWhy {
    /// More refunds of one order than WeChat takes.
    TooMany,
    /// The payment is too old for WeChat to return.
    TooOld,
    /// ABNORMAL: the payer's card is closed or frozen.
    Abnormal,
    /// CLOSED by WeChat: it may be asked for again, under a new number.
    Closed,
    /// WeChat refuses for a reason that asking again does not mend.
    Refused,
    /// Asked for too often without an answer to rely on.
    Stuck,
}

impl ManualWhy {
    /// As staff read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::TooMany => "同一订单退款已超过50次，微信不再受理",
            Self::TooOld => "支付已超过一年，微信不再受理退款",
            Self::Abnormal => "退款异常：付款卡已注销或冻结",
            Self::Closed => "退款已被微信关闭，可重新发起",
            Self::Refused => "微信拒绝退款",
            Self::Stuck => "多次请求微信无明确结果",
        }
    }
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RefundState {
    /// 待复核: a second person must agree.
    Proposed,
    /// The hospital's own system must give the items free first: it may say that one has been performed.
    Releasing,
    /// Decided; WeChat not asked yet or did not answer.
    Requested,
    /// WeChat has accepted it; the money is on its way.
    Accepted,
    /// The money is back.
    Succeeded,
    /// It will not happen: the second person or the hospital said no. The lines are paid for as before.
    Declined,
    /// 人工处理: WeChat could not return it, finance must act.
    Manual {
        /// Why.
        why: ManualWhy,
    },
    /// Finance has returned the money by another way.
    Outside,
}

/// What the hospital's own system knows of a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HisTold {
    /// To be told, if it knows the payment at all.
    #[default]
    Due,
    /// Told without a clear answer: to be asked by serial before it is told again.
    Unknown,
    /// It knows.
    Done,
    /// It refuses: for people to look at.
    Refused,
}

/// One refund of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Our number, derived from the order and the sequence.
    pub out_refund_no: OutRefundNo,
    /// The lines given back, by place from 1.
    pub lines: BTreeSet<usize>,
    /// How much: their sum.
    pub amount: Fen,
    /// What for.
    pub cause: Cause,
    /// Who asked for it.
    pub by: Actor,
    /// The asking caller's idempotency key: a repeat is the same refund.
    pub key: Option<String>,
    /// How far.
    #[serde(flatten)]
    pub state: RefundState,
    /// What the hospital's own system knows of it.
    #[serde(default)]
    pub his: HisTold,
    /// When it was decided.
    #[serde(with = "crate::clinic::epoch_s")]
    pub decided_at: Timestamp,
    /// When WeChat accepted it: the day of the books it belongs to. Notifications do not say; a query does.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
    /// WeChat's number of it.
    #[serde(default)]
    pub refund_id: Option<String>,
}

impl Refund {
    /// True once WeChat has it: our books must have it too.
    pub fn is_at_wechat(&self) -> bool {
        matches!(self.state, RefundState::Accepted | RefundState::Succeeded) || self.accepted_at.is_some()
    }

    /// When the HIS is to say it was: on the day WeChat and our books have it, where there is one.
    pub fn returned_at(&self) -> Timestamp {
        self.accepted_at.unwrap_or(self.decided_at)
    }

    /// True unless it will not happen.
    pub fn is_live(&self) -> bool {
        self.state != RefundState::Declined
    }

    /// True once the money left us or certainly will: it was decided and nobody can say no any more.
    pub fn is_decided(&self) -> bool {
        self.is_live() && !self.is_waiting()
    }
}

/// Which lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Everything that is left.
    Everything,
    /// These, by place from 1.
    Lines(BTreeSet<usize>),
}

/// A refund asked for.
#[derive(Clone, Debug)]
pub struct RefundRequest {
    /// Which lines.
    pub share: Share,
    /// What for.
    pub cause: Cause,
    /// Who asks.
    pub by: Actor,
    /// The caller's idempotency key.
    pub key: Option<String>,
    /// Whether a second person must agree first.
    pub needs_checker: bool,
}

/// What WeChat says of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// PROCESSING: accepted.
    Processing,
    /// SUCCESS.
    Success,
    /// ABNORMAL, CLOSED, or refused for good.
    Failed(ManualWhy),
    /// No clear answer: ask again later with the same number.
    Unknown,
}

/// An answer with what the books need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundReport {
    /// What WeChat says.
    pub answer: RefundAnswer,
    /// How much, as WeChat has it.
    pub amount: Fen,
    /// When WeChat accepted the refund, if it said so.
    pub accepted_at: Option<Timestamp>,
    /// WeChat's number of it.
    pub refund_id: Option<String>,
}

impl Order {
    /// The lines, by place from 1, that no live refund covers.
    pub fn lines_left(&self) -> BTreeSet<usize> {
        let gone: BTreeSet<usize> = self.live_refunds().flat_map(|refund| &refund.lines).copied().collect();
        (1..=self.lines.len()).filter(|place| !gone.contains(place)).collect()
    }

    fn live_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.values().filter(|refund| refund.is_live())
    }

    /// How much a share of it would be; lines that are gone count nothing.
    pub fn amount_of(&self, share: &Share) -> Fen {
        let left = self.lines_left();
        let lines: BTreeSet<usize> = match share {
            Share::Everything => left,
            Share::Lines(asked) => asked.intersection(&left).copied().collect(),
        };
        self.sum_of(&lines).unwrap_or(self.amount)
    }

    fn sum_of(&self, lines: &BTreeSet<usize>) -> Result<Fen, OrderError> {
        Ok(total(lines.iter().filter_map(|place| self.lines.get(place.checked_sub(1)?)))?)
    }

    /// What of the payment is neither given back nor about to be.
    pub fn kept(&self) -> Result<Fen, OrderError> {
        if !self.is_paid() {
            return Ok(Fen::ZERO);
        }
        self.live_refunds().try_fold(self.amount, |left, refund| left.minus(refund.amount)).map_err(OrderError::from)
    }

    /// A refund by its number.
    pub fn refund_of(&self, number: &OutRefundNo) -> Option<&Refund> {
        self.refunds.values().find(|refund| refund.out_refund_no == *number)
    }

    /// The order with a refund asked for, once per line.
    pub fn refund(&self, request: &RefundRequest, now: Timestamp) -> Result<Self, OrderError> {
        let OrderState::Paid { paid_at, .. } = self.state else { return Err(OrderError::Illegal) };
        if self.live_refunds().any(|refund| refund.is_repeat_of(request)) {
            return Err(OrderError::AlreadyDone);
        }
        if request.cause.is_final() && self.refunds.values().any(Refund::is_waiting) {
            let decided = self.without_waiting(paid_at, now);
            return match decided.refund(request, now) {
                // All of it was on its way back already.
                Err(OrderError::NotRefundable) => Ok(decided.replanned(now)),
                other => other,
            };
        }
        let left = self.lines_left();
        let lines = match &request.share {
            Share::Everything => left,
            Share::Lines(asked) if asked.is_subset(&left) => asked.clone(),
            Share::Lines(_) => return Err(OrderError::NotRefundable),
        };
        if lines.is_empty() {
            return Err(OrderError::NotRefundable);
        }
        let sequence = self.refunds.len() + 1;
        let refund = Refund {
            out_refund_no: OutRefundNo::of(&self.out_trade_no, sequence),
            amount: self.sum_of(&lines)?,
            lines,
            cause: request.cause,
            by: request.by.clone(),
            key: request.key.clone(),
            state: self.first_state(request),
            his: HisTold::Due,
            decided_at: now,
            accepted_at: None,
            refund_id: None,
        };
        let mut after = match request.cause {
            Cause::HisRefused | Cause::HisSilent => self.told(EventKind::OrderRefused, request.by.clone(), now),
            Cause::VisitOff | Cause::PatientAsked | Cause::Staff => self.written(None, now),
        };
        after.tries = after.tries.done(Deadline::Refund);
        if request.cause.is_final() {
            // The refund includes whatever settling had left to do.
            after.deadlines = after.deadlines.without(Deadline::Settle);
        }
        let refund = refund.within_limits(sequence, paid_at, now);
        after.refunds.insert(sequence.to_string(), refund);
        Ok(after.replanned(now))
    }

    /// What ends the order waits for nobody's yes or no: proposals fall into it, and what the HIS was to give free first
    /// goes to WeChat.
    fn without_waiting(&self, paid_at: Timestamp, now: Timestamp) -> Self {
        let mut after = self.written(None, now);
        for (sequence, refund) in &mut after.refunds {
            let sequence = sequence.parse().unwrap_or(usize::MAX);
            let state = match refund.state {
                RefundState::Proposed => RefundState::Declined,
                RefundState::Releasing => RefundState::Requested,
                other => other,
            };
            *refund = Refund { state, ..refund.clone() }.within_limits(sequence, paid_at, now);
        }
        after
    }

    fn first_state(&self, request: &RefundRequest) -> RefundState {
        if request.needs_checker { RefundState::Proposed } else { self.decided_state(request.cause) }
    }

    /// Items of a bill the hospital has booked must be given free there first; everything else goes to WeChat at once.
    fn decided_state(&self, cause: Cause) -> RefundState {
        let of_bills = matches!(self.subject, Subject::Bills { .. });
        if of_bills && self.his_has_it() && !cause.is_final() { RefundState::Releasing } else { RefundState::Requested }
    }

    /// The order once a second person has agreed to a refund. The one who asked cannot be the one who agrees.
    pub fn approved(&self, number: &OutRefundNo, checker: &Actor, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.proposed(number, checker)?;
        let OrderState::Paid { paid_at, .. } = self.state else { return Err(OrderError::Illegal) };
        let state = self.decided_state(refund.cause);
        let refund = Refund { state, decided_at: now, ..refund }.within_limits(self.refunds.len(), paid_at, now);
        Ok(self.with_refund(refund, now).replanned(now))
    }

    /// The order once a second person has said no to a refund.
    pub fn declined(&self, number: &OutRefundNo, checker: &Actor, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.proposed(number, checker)?;
        Ok(self.with_refund(Refund { state: RefundState::Declined, ..refund }, now))
    }

    fn proposed(&self, number: &OutRefundNo, checker: &Actor) -> Result<Refund, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        match refund.state {
            RefundState::Proposed if refund.by == *checker => Err(OrderError::SamePerson),
            RefundState::Proposed => Ok(refund.clone()),
            _ => Err(OrderError::AlreadyDone),
        }
    }

    /// The order once WeChat has answered about a refund.
    pub fn refund_answered(
        &self,
        number: &OutRefundNo,
        report: &RefundReport,
        now: Timestamp,
    ) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        if report.amount != refund.amount {
            return Err(OrderError::AmountDiffers);
        }
        let state = refund.after_answer(report.answer)?;
        let was_there = refund.is_at_wechat();
        let refund = Refund {
            state,
            accepted_at: refund.accepted_at.or(report.accepted_at),
            refund_id: refund.refund_id.clone().or_else(|| report.refund_id.clone()),
            ..refund.clone()
        };
        let is_new_there = !was_there && refund.is_at_wechat();
        // Who lost a visit or a payment has been told that the money comes back; who gave items back is told when it has.
        let mut after = match state {
            RefundState::Succeeded if !refund.cause.is_final() => {
                self.told(EventKind::OrderRefunded, Actor::WechatPay, now)
            }
            RefundState::Succeeded => self.written(Some((EventKind::OrderRefunded, Actor::WechatPay)), now),
            _ => self.written(None, now),
        };
        after.tries = after.tries.done(Deadline::Refund).done(Deadline::RefundQuery);
        after.put_refund(refund);
        if is_new_there {
            after.deadlines = after.deadlines.with(Deadline::Book, now);
        }
        Ok(after.replanned(now))
    }

    /// The order once WeChat has said that a refund is still on its way: no failure, so it never counts as stuck.
    pub fn refund_pending(&self, now: Timestamp) -> Result<Self, OrderError> {
        let tries = self.tries.clone().at_most(Deadline::RefundQuery, TRIES_MAX / 2);
        Ok(Self { tries, ..self.written(None, now) })
    }

    /// The order with what a query says of a refund that is there already: when WeChat accepted it, under which number.
    pub fn refund_dated(
        &self,
        number: &OutRefundNo,
        report: &RefundReport,
        now: Timestamp,
    ) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).filter(|refund| refund.is_at_wechat()).ok_or(OrderError::Illegal)?;
        let accepted_at = refund.accepted_at.or(report.accepted_at).or(Some(now));
        let refund_id = refund.refund_id.clone().or_else(|| report.refund_id.clone());
        Ok(self.with_refund(Refund { accepted_at, refund_id, ..refund.clone() }, now).replanned(now))
    }

    /// A refund WeChat has of which the books do not know the day yet.
    pub fn undated_refund(&self) -> Option<&Refund> {
        self.in_sequence().find(|refund| refund.is_at_wechat() && refund.accepted_at.is_none())
    }

    /// The order once our books say what it says.
    pub fn booked(&self, seen: u64, now: Timestamp) -> Result<Self, OrderError> {
        if self.ver != seen || self.deadlines.get(Deadline::Book).is_none() {
            return Err(OrderError::AlreadyDone);
        }
        let (deadlines, tries) =
            (self.deadlines.clone().without(Deadline::Book), self.tries.clone().done(Deadline::Book));
        Ok(Self { tries, deadlines, ..self.written(None, now) })
    }

    /// The order once staff have had a refund that needed them asked for again: under a new number when WeChat closed the
    /// old one, asked about when its outcome may have changed, under its own number otherwise.
    pub fn retried(&self, number: &OutRefundNo, by: &Actor, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        let RefundState::Manual { why } = refund.state else { return Err(OrderError::Illegal) };
        let mut after = self.written(None, now);
        after.tries = after.tries.done(Deadline::Refund).done(Deadline::RefundQuery);
        match why {
            ManualWhy::TooMany | ManualWhy::TooOld => return Err(OrderError::NotRefundable),
            ManualWhy::Abnormal => after.put_refund(Refund { state: RefundState::Accepted, ..refund.clone() }),
            ManualWhy::Refused | ManualWhy::Stuck => {
                after.put_refund(Refund { state: RefundState::Requested, ..refund.clone() });
            }
            ManualWhy::Closed => {
                let sequence = self.refunds.len() + 1;
                let again = Refund {
                    out_refund_no: OutRefundNo::of(&self.out_trade_no, sequence),
                    by: by.clone(),
                    key: None,
                    state: RefundState::Requested,
                    accepted_at: None,
                    refund_id: None,
                    ..refund.clone()
                };
                after.put_refund(Refund { state: RefundState::Declined, ..refund.clone() });
                after.refunds.insert(sequence.to_string(), again);
            }
        }
        Ok(after.replanned(now))
    }

    /// The order once finance has returned the money by another way.
    pub fn returned_outside(&self, number: &OutRefundNo, now: Timestamp) -> Result<Self, OrderError> {
        let refund = self.refund_of(number).ok_or(OrderError::Illegal)?;
        match refund.state {
            // Nobody knows yet whether WeChat has returned it: that has to be asked again first.
            RefundState::Manual { why: ManualWhy::Stuck } => Err(OrderError::Illegal),
            RefundState::Manual { .. } => {
                Ok(self.with_refund(Refund { state: RefundState::Outside, ..refund.clone() }, now))
            }
            RefundState::Outside => Err(OrderError::AlreadyDone),
            _ => Err(OrderError::Illegal),
        }
    }

    /// The refund WeChat is to be asked for or about: one at a time.
    pub fn refund_due(&self, kind: Deadline) -> Option<&Refund> {
        let wanted = match kind {
            Deadline::Refund => RefundState::Requested,
            Deadline::RefundQuery => RefundState::Accepted,
            _ => return None,
        };
        self.in_sequence().find(|refund| refund.state == wanted)
    }

    /// Refunds in the order they were asked for.
    pub fn in_sequence(&self) -> impl Iterator<Item = &Refund> {
        (1..=self.refunds.len()).filter_map(|sequence| self.refunds.get(&sequence.to_string()))
    }

    pub(super) fn with_refund(&self, refund: Refund, now: Timestamp) -> Self {
        let mut after = self.written(None, now);
        after.put_refund(refund);
        after
    }

    pub(super) fn put_refund(&mut self, refund: Refund) {
        if let Some(held) = self.refunds.values_mut().find(|held| held.out_refund_no == refund.out_refund_no) {
            *held = refund;
        }
    }

    /// The deadlines that follow from the refunds as they are.
    pub(super) fn replanned(mut self, now: Timestamp) -> Self {
        let again = time::add_seconds(now, REFUND_QUERY_AFTER_S);
        // Refunds of one order must be a minute apart.
        let asked = self.refunds.values().filter_map(|refund| refund.accepted_at).max();
        let ask_at = asked.map_or(now, |at| time::add_seconds(at, REFUND_QUERY_AFTER_S).max(now));
        for (kind, at) in [(Deadline::Refund, ask_at), (Deadline::RefundQuery, again)] {
            let planned = self.deadlines.get(kind);
            self.deadlines = match (self.refund_due(kind), planned) {
                (None, _) => self.deadlines.clone().without(kind),
                (Some(_), Some(planned))
                    if planned > now && planned <= time::add_seconds(now, backoff_s(self.tries.of(kind))) =>
                {
                    self.deadlines.clone()
                }
                (Some(_), _) => self.deadlines.clone().with(kind, at),
            };
        }
        self.plan_posting(now);
        self
    }
}

impl Refund {
    /// True once the HIS is to know: before the money moves when it may say no, else with the day the money moved on.
    pub(super) fn concerns_his(&self) -> bool {
        match self.state {
            RefundState::Releasing | RefundState::Manual { .. } | RefundState::Outside => true,
            RefundState::Accepted | RefundState::Succeeded => self.accepted_at.is_some(),
            RefundState::Requested | RefundState::Proposed | RefundState::Declined => false,
        }
    }

    fn after_answer(&self, answer: RefundAnswer) -> Result<RefundState, OrderError> {
        match (self.state, answer) {
            (RefundState::Succeeded | RefundState::Outside, _)
            | (RefundState::Accepted, RefundAnswer::Processing)
            | (_, RefundAnswer::Unknown) => Err(OrderError::AlreadyDone),
            // WeChat knows of a refund we never asked for.
            (RefundState::Proposed | RefundState::Releasing | RefundState::Declined, _) => Err(OrderError::Illegal),
            (_, RefundAnswer::Success) => Ok(RefundState::Succeeded),
            (RefundState::Manual { .. }, _) => Err(OrderError::AlreadyDone),
            (RefundState::Requested, RefundAnswer::Processing) => Ok(RefundState::Accepted),
            (RefundState::Requested | RefundState::Accepted, RefundAnswer::Failed(why)) => {
                Ok(RefundState::Manual { why })
            }
        }
    }

    /// True while somebody may still say no.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, RefundState::Proposed | RefundState::Releasing)
    }

    fn is_repeat_of(&self, request: &RefundRequest) -> bool {
        let same_key = request.key.is_some() && self.key == request.key;
        same_key || (request.cause.is_final() && self.cause == request.cause)
    }

    /// What WeChat would refuse for good is for people from the start; where nothing was paid, nothing is on its way back.
    pub(super) fn within_limits(self, sequence: usize, paid_at: Timestamp, now: Timestamp) -> Self {
        if self.amount.is_zero() && self.state == RefundState::Requested {
            return Self { state: RefundState::Succeeded, accepted_at: Some(now), ..self };
        }
        let why = if sequence > REFUNDS_MAX {
            ManualWhy::TooMany
        } else if now > time::add_seconds(paid_at, REFUND_WITHIN_S) {
            ManualWhy::TooOld
        } else {
            return self;
        };
        match self.state {
            RefundState::Requested => Self { state: RefundState::Manual { why }, ..self },
            _ => self,
        }
    }
}
