//! The port to who takes the money, and WeChat Pay behind it. Another provider (支付宝, 银联, 医保) joins as a further
//! implementation; nothing above this page knows WeChat Pay's words.

use crate::secrets::PayAccount;
use domain::Timestamp;
use domain::money::Fen;
use domain::order::{ManualWhy, Order, Payment, Refund, RefundAnswer, RefundReport};
use std::future::Future;
use wechat::pay::{
    Call, CloseOutcome, Description, FieldError, NotifyUrl, OutRefundNo, OutTradeNo, PayError, Prepay, RefundNotice,
    RefundReason, RefundStatus, TimeExpire, TradeState, Transaction,
};

/// What one call takes from outside.
#[derive(Clone, Debug)]
pub struct Context {
    /// Time and randomness.
    pub call: Call,
    /// Where notifications of this deployment go.
    pub notify_url: NotifyUrl,
    /// Fresh random text for what the payer's phone signs with.
    pub nonce: String,
}

impl Context {
    fn now(&self) -> Timestamp {
        self.call.now
    }
}

/// Opening an order for payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened<S> {
    /// What opens the payer's payment sheet.
    Sheet(S),
    /// Paid already.
    Paid,
    /// Closed already: it takes another number.
    Closed,
}

/// How an order stands with the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not paid; can still be paid.
    Open,
    /// Never heard of, so nobody can have paid it.
    Missing,
    /// Can no longer be paid.
    Closed,
    /// Paid.
    Paid(Payment),
}

/// What became of closing an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// No payment can come any more.
    Closed,
    /// It was paid before.
    Paid,
}

/// Why the provider did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// WeChat Pay refuses or gives no usable answer.
    #[error(transparent)]
    Wechat(#[from] PayError),
    /// A number or address of ours is not what it accepts: a fault of the deployment.
    #[error("not acceptable to the provider: {0}")]
    Field(#[from] FieldError),
}

impl ProviderError {
    /// Whether the same call may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Wechat(error) => {
                error.is_outcome_unknown() || matches!(error, PayError::NotSent | PayError::RateLimited(_))
            }
            Self::Field(_) => false,
        }
    }

    /// Whether asking for the same refund again can never help. An unsigned refusal proves nothing.
    pub fn refuses_refund(&self) -> Option<ManualWhy> {
        let Self::Wechat(error) = self else { return None };
        let is_proven = error.problem().is_none_or(|problem| problem.is_signed);
        (is_proven && error.is_refund_hopeless()).then_some(ManualWhy::Refused)
    }
}

/// Who takes the money. Every call may be repeated with the same order or refund.
pub trait Provider {
    /// What opens the payer's payment sheet.
    type Sheet;

    /// Makes an order payable.
    fn open(
        &self,
        order: &Order,
        context: &Context,
    ) -> impl Future<Output = Result<Opened<Self::Sheet>, ProviderError>> + Send;

    /// How an order stands.
    fn standing(
        &self,
        order: &Order,
        context: &Context,
    ) -> impl Future<Output = Result<Standing, ProviderError>> + Send;

    /// Closes an order, so that no payment can come any more.
    fn close(&self, order: &Order, context: &Context) -> impl Future<Output = Result<Closing, ProviderError>> + Send;

    /// Asks for a refund. Accepted is not done.
    fn refund(
        &self,
        order: &Order,
        refund: &Refund,
        context: &Context,
    ) -> impl Future<Output = Result<RefundReport, ProviderError>> + Send;

    /// How a refund stands; none when the provider has never heard of it.
    fn refund_standing(
        &self,
        refund: &Refund,
        context: &Context,
    ) -> impl Future<Output = Result<Option<RefundReport>, ProviderError>> + Send;
}

/// Stands in the payer's WeChat bill, so it names neither department nor item.
const DESCRIPTION: &str = "门诊服务费";
/// Shown to the payer in WeChat's refund notice.
const REFUND_REASON: &str = "门诊费用退款";

impl Provider for PayAccount {
    type Sheet = wechat::pay::BridgeParameters;

    async fn open(&self, order: &Order, context: &Context) -> Result<Opened<Self::Sheet>, ProviderError> {
        let prepay = Prepay {
            description: Description::parse(DESCRIPTION)?,
            out_trade_no: number_of(order)?,
            time_expire: TimeExpire::repeated(order.expires_at)?,
            attach: None,
            notify_url: context.notify_url.clone(),
            total_fen: order.amount.get(),
            payer_openid: order.payer.to_string(),
        };
        match self.client.prepay(&prepay, context.call).await {
            Ok(prepay_id) => {
                let nonce = context.nonce.clone();
                let sheet = self.client.merchant().bridge_parameters(&prepay_id, nonce, context.now());
                Ok(Opened::Sheet(sheet.map_err(PayError::from)?))
            }
            Err(PayError::OrderPaid(_)) => Ok(Opened::Paid),
            Err(PayError::OrderClosed(_)) => Ok(Opened::Closed),
            Err(error) => Err(error.into()),
        }
    }

    async fn standing(&self, order: &Order, context: &Context) -> Result<Standing, ProviderError> {
        match self.client.query(&number_of(order)?, context.call).await {
            Ok(transaction) => Ok(match payment_of(&transaction) {
                Some(payment) => Standing::Paid(payment),
                None if transaction.state == TradeState::Closed => Standing::Closed,
                None => Standing::Open,
            }),
            Err(PayError::OrderNotExist(_)) => Ok(Standing::Missing),
            Err(error) => Err(error.into()),
        }
    }

    async fn close(&self, order: &Order, context: &Context) -> Result<Closing, ProviderError> {
        match self.client.close(&number_of(order)?, context.call).await {
            Ok(CloseOutcome::Closed) | Err(PayError::OrderNotExist(_) | PayError::OrderClosed(_)) => {
                Ok(Closing::Closed)
            }
            Ok(CloseOutcome::AlreadyPaid) => Ok(Closing::Paid),
            Err(error) => Err(error.into()),
        }
    }

    async fn refund(&self, order: &Order, refund: &Refund, context: &Context) -> Result<RefundReport, ProviderError> {
        let request = wechat::pay::Refund {
            out_trade_no: number_of(order)?,
            out_refund_no: OutRefundNo::parse(refund.out_refund_no.as_str())?,
            reason: Some(RefundReason::parse(REFUND_REASON)?),
            notify_url: context.notify_url.clone(),
            refund_fen: refund.amount.get(),
            total_fen: order.amount.get(),
        };
        report_of(&self.client.refund(&request, context.call).await?)
    }

    async fn refund_standing(&self, refund: &Refund, context: &Context) -> Result<Option<RefundReport>, ProviderError> {
        let number = OutRefundNo::parse(refund.out_refund_no.as_str())?;
        match self.client.query_refund(&number, context.call).await {
            Ok(notice) => report_of(&notice).map(Some),
            Err(PayError::RefundNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn number_of(order: &Order) -> Result<OutTradeNo, FieldError> {
    OutTradeNo::parse(order.out_trade_no.as_str())
}

/// The payment a transaction reports, if it was paid. `REFUND` also means that it was paid, and some of it went back.
pub fn payment_of(transaction: &Transaction) -> Option<Payment> {
    let paid = matches!(transaction.state, TradeState::Success | TradeState::Refund);
    let transaction_id = transaction.transaction_id.clone().filter(|_| paid)?;
    let total = Fen::new(transaction.total_fen?).ok()?;
    Some(Payment { transaction_id, total, paid_at: transaction.paid_at })
}

/// What WeChat Pay's word on a refund means to an order.
pub fn report_of(notice: &RefundNotice) -> Result<RefundReport, ProviderError> {
    let answer = match notice.status {
        RefundStatus::Success => RefundAnswer::Success,
        RefundStatus::Processing => RefundAnswer::Processing,
        RefundStatus::Closed => RefundAnswer::Failed(ManualWhy::Closed),
        RefundStatus::Abnormal => RefundAnswer::Failed(ManualWhy::Abnormal),
        RefundStatus::Unknown(_) => RefundAnswer::Unknown,
    };
    let amount = Fen::new(notice.refund_fen).map_err(|_| PayError::Unreadable)?;
    let refund_id = Some(notice.refund_id.clone());
    Ok(RefundReport { answer, amount, accepted_at: notice.accepted_at, refund_id })
}
