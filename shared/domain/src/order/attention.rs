//! What of an order needs people (人工处理): it follows from the order as it is, so that nothing on the list can be stale.

use super::refund::HisTold;
use super::{ManualWhy, Order, OrderError, Payment, Posting, RefundState, Subject};
use crate::due::Tries;
use crate::event::Actor;
use crate::id::OutRefundNo;
use crate::money::Fen;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most disputed payments one order keeps.
const DISPUTES_MAX: usize = 10;
/// The most remarks of staff one order keeps.
const REMARKS_MAX: usize = 50;
/// The longest remark, in characters.
pub const REMARK_CHARS_MAX: usize = 200;

/// A payment WeChat reports that does not fit the order: another amount, or a second transaction. It moves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// WeChat's number.
    pub transaction_id: String,
    /// What was paid.
    pub total: Fen,
}

/// What staff noted about something that needed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// [`Work::key`] of what it settles.
    pub work: String,
    /// Who.
    pub by: Actor,
    /// When.
    #[serde(with = "crate::clinic::epoch_s")]
    pub at: Timestamp,
    /// What was done, at most [`REMARK_CHARS_MAX`] characters.
    pub text: String,
}

/// Something people have to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A refund waits for the second person.
    Approve(OutRefundNo),
    /// WeChat cannot return this money.
    Return(OutRefundNo, ManualWhy),
    /// The HIS does not take a registration that was paid.
    HisRefused(String),
    /// The HIS does not take note of a refund.
    HisRefusesReturn(OutRefundNo),
    /// A payment that does not fit.
    Disputed(Dispute),
    /// Settling, booking or telling has failed too often.
    Stuck,
}

impl Work {
    /// Stable within the order.
    pub fn key(&self) -> String {
        match self {
            Self::Approve(number) => format!("approve-{number}"),
            Self::Return(number, _) => format!("return-{number}"),
            Self::HisRefused(_) => "his_refused".to_owned(),
            Self::HisRefusesReturn(number) => format!("his_refuses_return-{number}"),
            Self::Disputed(dispute) => format!("disputed-{}", dispute.transaction_id),
            Self::Stuck => "stuck".to_owned(),
        }
    }

    /// As staff read it.
    pub fn text(&self) -> String {
        match self {
            Self::Approve(_) => "退款待复核".to_owned(),
            Self::Return(_, why) => why.text().to_owned(),
            Self::HisRefused(code) => format!("医院系统未接受挂号收费（{code}）"),
            Self::HisRefusesReturn(_) => "医院系统未接受退费登记".to_owned(),
            Self::Disputed(dispute) => format!("微信报告的付款与订单不符：{}元", dispute.total),
            Self::Stuck => "多次处理失败，仍在重试".to_owned(),
        }
    }

    /// Whether a remark settles it. A refund is settled by what becomes of it.
    fn ends_by_remark(&self) -> bool {
        matches!(self, Self::HisRefused(_) | Self::HisRefusesReturn(_) | Self::Disputed(_))
    }
}

impl Order {
    /// What of it needs people now.
    pub fn work(&self) -> Vec<Work> {
        let refunds = self.in_sequence().filter_map(|refund| match refund.state {
            RefundState::Proposed => Some(Work::Approve(refund.out_refund_no.clone())),
            RefundState::Manual { why } => Some(Work::Return(refund.out_refund_no.clone(), why)),
            _ => None,
        });
        let told = self.in_sequence().filter(|refund| refund.his == HisTold::Refused && refund.is_live());
        let told = told.map(|refund| Work::HisRefusesReturn(refund.out_refund_no.clone()));
        let posting = match (&self.posting, &self.subject) {
            (Posting::Refused { code }, Subject::Registration { .. }) => Some(Work::HisRefused(code.clone())),
            _ => None,
        };
        let disputes = self.disputes.iter().cloned().map(Work::Disputed);
        let stuck = self.tries.is_any_stuck().then_some(Work::Stuck);
        let all = refunds.chain(told).chain(posting).chain(disputes).chain(stuck);
        all.filter(|work| !self.remarks.iter().any(|remark| remark.work == work.key())).collect()
    }

    /// The order with a payment that does not fit, for people to look at. No money moves.
    pub fn disputed(&self, payment: &Payment, now: Timestamp) -> Result<Self, OrderError> {
        let dispute = Dispute { transaction_id: payment.transaction_id.clone(), total: payment.total };
        if self.disputes.contains(&dispute) || self.disputes.len() >= DISPUTES_MAX {
            return Err(OrderError::AlreadyDone);
        }
        let mut after = self.written(None, now);
        after.disputes.push(dispute);
        Ok(after)
    }

    /// The order with what staff did about something that only a remark settles.
    pub fn remarked(&self, work: &str, by: Actor, text: &str, now: Timestamp) -> Result<Self, OrderError> {
        let found = self.work().into_iter().find(|open| open.key() == work).ok_or(OrderError::Illegal)?;
        if !found.ends_by_remark() || self.remarks.len() >= REMARKS_MAX {
            return Err(OrderError::Illegal);
        }
        let text = text.chars().take(REMARK_CHARS_MAX).collect();
        let mut after = self.written(None, now);
        after.remarks.push(Remark { work: work.to_owned(), by, at: now, text });
        Ok(after)
    }

    /// The order with everything that is still due tried again at once: what hindered it has been mended.
    pub fn unstuck(&self, now: Timestamp) -> Result<Self, OrderError> {
        if !self.tries.is_any_stuck() {
            return Err(OrderError::AlreadyDone);
        }
        let deadlines = self.deadlines.hurried(now);
        Ok(Self { tries: Tries::none(), deadlines, ..self.written(None, now) })
    }
}
