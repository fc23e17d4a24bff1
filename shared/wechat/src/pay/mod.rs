//! WeChat Pay API v3 for a direct merchant.
//!
//! Rules this module keeps for its callers: a request is signed over the very path and bytes that are sent; a 2xx
//! answer without a valid signature counts as forged; the key that verifies is chosen by `Wechatpay-Serial` alone; a
//! repetition uses identical parameters; money is whole fen (`i64`).

mod bill;
mod client;
mod error;
mod fields;
mod merchant;
mod notification;
mod pem;
mod resource;
mod types;
mod verifier;
mod yuan;

pub use crate::http::Timeouts;
pub use bill::{
    BILL_TIMEOUT_MS, BillError, MAX_BILL_BYTES, MAX_BILL_LINE_BYTES, MAX_UNPACKED_BILL_BYTES, RowState, TradeBill,
    TradeRow, TradeRows,
};
pub use client::{Call, Client, CloseOutcome, Hosts, MAX_ANSWER_BYTES, MAX_TRIES, RETRY_PAUSE_MS};
pub use error::{PayError, Problem};
pub use fields::{
    Attach, Description, FieldError, MAX_ATTACH_BYTES, MAX_DESCRIPTION_BYTES, MAX_EXPIRE_AHEAD_S, MAX_NOTIFY_URL_CHARS,
    MAX_OUT_REFUND_NO_CHARS, MAX_OUT_TRADE_NO_CHARS, MAX_REFUND_REASON_BYTES, MIN_EXPIRE_AHEAD_S,
    MIN_OUT_TRADE_NO_CHARS, NotifyUrl, OutRefundNo, OutTradeNo, RefundReason, TimeExpire,
};
pub use merchant::{BridgeParameters, Merchant, MerchantError};
pub use notification::{MAX_NOTIFICATION_BYTES, Notification, NotificationError, Notifications, Notified};
pub use resource::{ApiV3Key, ApiV3KeyError, ResourceError};
pub use types::{Prepay, PrepayId, Refund, RefundNotice, RefundStatus, TradeState, Transaction};
pub use verifier::{
    PROBE_PREFIX, PlatformKey, PlatformKeyError, SIGNATURE_WINDOW_S, SealedField, SignatureHeaders, Verifier,
    VerifyError,
};
