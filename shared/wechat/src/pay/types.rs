//! Orders and refunds, as we ask for them and as WeChat Pay describes them. Amounts are whole fen.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::fields::{Attach, Description, NotifyUrl, OutRefundNo, OutTradeNo, RefundReason, TimeExpire};

/// An order to be paid in WeChat. A repetition for the same number must carry the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepay {
    /// Shown in the user's bill.
    pub description: Description,
    /// Our number.
    pub out_trade_no: OutTradeNo,
    /// Until when it can be paid.
    pub time_expire: TimeExpire,
    /// Our own note.
    pub attach: Option<Attach>,
    /// Where the notification goes.
    pub notify_url: NotifyUrl,
    /// Fen, at least 1.
    pub total_fen: i64,
    /// Who pays.
    pub payer_openid: String,
}

/// Names a prepared order to the payment sheet, for two hours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PrepayId(String);

impl PrepayId {
    /// A prepay id that was kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Money to go back. A repetition for the same refund number must carry the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The paid order.
    pub out_trade_no: OutTradeNo,
    /// Our number of this refund.
    pub out_refund_no: OutRefundNo,
    /// Shown to the user.
    pub reason: Option<RefundReason>,
    /// Where the notification goes.
    pub notify_url: NotifyUrl,
    /// Fen to give back, 1 to `total_fen`.
    pub refund_fen: i64,
    /// Fen the order was for.
    pub total_fen: i64,
}

/// How an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum TradeState {
    /// Paid.
    Success,
    /// Paid, and some refund was made.
    Refund,
    /// Not paid yet.
    NotPay,
    /// Closed.
    Closed,
    /// Revoked (other products).
    Revoked,
    /// Being paid (other products).
    UserPaying,
    /// Paying failed (other products).
    PayError,
    /// A state this version does not know.
    Unknown(String),
}

impl From<String> for TradeState {
    fn from(text: String) -> Self {
        match text.as_str() {
            "SUCCESS" => Self::Success,
            "REFUND" => Self::Refund,
            "NOTPAY" => Self::NotPay,
            "CLOSED" => Self::Closed,
            "REVOKED" => Self::Revoked,
            "USERPAYING" => Self::UserPaying,
            "PAYERROR" => Self::PayError,
            _ => Self::Unknown(text),
        }
    }
}

/// An order as WeChat Pay knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The account it belongs to.
    pub app_id: String,
    /// The merchant it belongs to.
    pub mch_id: String,
    /// Our number.
    pub out_trade_no: String,
    /// WeChat Pay's number, once paid.
    pub transaction_id: Option<String>,
    /// How it stands.
    pub state: TradeState,
    /// Our own note, once paid.
    pub attach: Option<String>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// Who paid.
    pub payer_openid: Option<String>,
    /// Fen the order is for: the figure to compare with ours.
    pub total_fen: Option<i64>,
    /// Fen the user paid; less than the total when WeChat gave a coupon.
    pub payer_total_fen: Option<i64>,
}

/// How a refund stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum RefundStatus {
    /// Done.
    Success,
    /// Given up; a new refund number may try again.
    Closed,
    /// On its way.
    Processing,
    /// The user's card is gone: staff settle it in the merchant's console.
    Abnormal,
    /// A status this version does not know.
    Unknown(String),
}

impl From<String> for RefundStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "SUCCESS" => Self::Success,
            "CLOSED" => Self::Closed,
            "PROCESSING" => Self::Processing,
            "ABNORMAL" => Self::Abnormal,
            _ => Self::Unknown(text),
        }
    }
}

/// A refund as WeChat Pay knows it, from an answer or a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundNotice {
    /// The paid order.
    pub out_trade_no: String,
    /// Our number of the refund.
    pub out_refund_no: String,
    /// WeChat Pay's number of it.
    pub refund_id: String,
    /// WeChat Pay's number of the order.
    pub transaction_id: String,
    /// How it stands.
    pub status: RefundStatus,
    /// When WeChat Pay accepted it: its bill has it on that day. A notification does not say.
    pub accepted_at: Option<Timestamp>,
    /// When it was done.
    pub refunded_at: Option<Timestamp>,
    /// Fen given back.
    pub refund_fen: i64,
    /// Fen the order was for.
    pub total_fen: i64,
}

/// An order on the wire.
#[derive(Deserialize)]
pub(super) struct WireTransaction {
    #[serde(rename = "appid")]
    pub(super) app_id: String,
    #[serde(rename = "mchid")]
    pub(super) mch_id: String,
    out_trade_no: String,
    #[serde(default, deserialize_with = "empty_as_none")]
    transaction_id: Option<String>,
    trade_state: TradeState,
    #[serde(default, deserialize_with = "empty_as_none")]
    attach: Option<String>,
    #[serde(default, deserialize_with = "empty_as_none")]
    success_time: Option<String>,
    payer: Option<WirePayer>,
    amount: Option<WireAmount>,
}

#[derive(Deserialize)]
struct WirePayer {
    #[serde(default, deserialize_with = "empty_as_none")]
    openid: Option<String>,
}

#[derive(Deserialize)]
struct WireAmount {
    total: Option<i64>,
    payer_total: Option<i64>,
}

/// A refund on the wire. Answers call the status `status`, notifications `refund_status`.
#[derive(Deserialize)]
pub(super) struct WireRefund {
    #[serde(rename = "mchid")]
    pub(super) mch_id: Option<String>,
    out_trade_no: String,
    out_refund_no: String,
    refund_id: String,
    transaction_id: String,
    #[serde(alias = "refund_status")]
    status: RefundStatus,
    #[serde(default, deserialize_with = "empty_as_none")]
    create_time: Option<String>,
    #[serde(default, deserialize_with = "empty_as_none")]
    success_time: Option<String>,
    amount: WireRefundAmount,
}

#[derive(Deserialize)]
struct WireRefundAmount {
    total: i64,
    refund: i64,
}

/// An instant on the wire is not RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadInstant;

impl TryFrom<WireTransaction> for Transaction {
    type Error = BadInstant;

    fn try_from(wire: WireTransaction) -> Result<Self, BadInstant> {
        Ok(Self {
            app_id: wire.app_id,
            mch_id: wire.mch_id,
            out_trade_no: wire.out_trade_no,
            transaction_id: wire.transaction_id,
            state: wire.trade_state,
            attach: wire.attach,
            paid_at: instant(wire.success_time.as_deref())?,
            payer_openid: wire.payer.and_then(|payer| payer.openid),
            total_fen: wire.amount.as_ref().and_then(|amount| amount.total),
            payer_total_fen: wire.amount.as_ref().and_then(|amount| amount.payer_total),
        })
    }
}

impl TryFrom<WireRefund> for RefundNotice {
    type Error = BadInstant;

    fn try_from(wire: WireRefund) -> Result<Self, BadInstant> {
        Ok(Self {
            out_trade_no: wire.out_trade_no,
            out_refund_no: wire.out_refund_no,
            refund_id: wire.refund_id,
            transaction_id: wire.transaction_id,
            status: wire.status,
            accepted_at: instant(wire.create_time.as_deref())?,
            refunded_at: instant(wire.success_time.as_deref())?,
            refund_fen: wire.amount.refund,
            total_fen: wire.amount.total,
        })
    }
}

fn instant(text: Option<&str>) -> Result<Option<Timestamp>, BadInstant> {
    text.map(|text| text.parse().map_err(|_| BadInstant)).transpose()
}

fn empty_as_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()))
}
