//! Values with limits of their own. A value that exists is one WeChat Pay accepts.

use std::fmt;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Longest description, in bytes: the page says characters, bytes are safe either way.
pub const MAX_DESCRIPTION_BYTES: usize = 127;
/// Longest `attach`, in bytes.
pub const MAX_ATTACH_BYTES: usize = 128;
/// Shortest order number, in characters.
pub const MIN_OUT_TRADE_NO_CHARS: usize = 6;
/// Longest order number, in characters.
pub const MAX_OUT_TRADE_NO_CHARS: usize = 32;
/// Longest refund number, in characters.
pub const MAX_OUT_REFUND_NO_CHARS: usize = 64;
/// Longest refund reason, in bytes.
pub const MAX_REFUND_REASON_BYTES: usize = 80;
/// Longest notification address, in characters.
pub const MAX_NOTIFY_URL_CHARS: usize = 255;
/// An order's expiry lies at least this far ahead.
pub const MIN_EXPIRE_AHEAD_S: i64 = 60;
/// An order's expiry lies at most this far ahead.
pub const MAX_EXPIRE_AHEAD_S: i64 = 90 * 24 * 3600;

pub(super) const CHINA: Offset = Offset::constant(8);

/// Why a value is not one WeChat Pay accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Empty or too long (or, for an order number, too short).
    #[error("{0} has the wrong length")]
    Length(&'static str),
    /// A character that is not accepted.
    #[error("{0} holds a character that is not accepted")]
    Character(&'static str),
    /// The address is not https, or has a query or fragment.
    #[error("the notification address has to be https and have no query")]
    NotifyUrl,
    /// The expiry is less than a minute or more than 90 days ahead.
    #[error("the expiry has to lie 1 minute to 90 days ahead")]
    Expiry,
}

macro_rules! text_field {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

text_field! {
    /// What the user's bill calls the order. It must not name a diagnosis or a department.
    Description
}
text_field! {
    /// Our order number, unique per merchant.
    OutTradeNo
}
text_field! {
    /// Our refund number. A repetition keeps it; a new one refunds again.
    OutRefundNo
}
text_field! {
    /// Our own note on an order, returned with it, never shown.
    Attach
}
text_field! {
    /// Why money goes back, shown to the user.
    RefundReason
}
text_field! {
    /// Where WeChat Pay sends what happened.
    NotifyUrl
}
text_field! {
    /// When an order can no longer be paid, RFC 3339 at +08:00. It does not close the order.
    TimeExpire
}

fn free_text(name: &'static str, text: String, max_bytes: usize) -> Result<String, FieldError> {
    if text.trim().is_empty() || text.len() > max_bytes {
        return Err(FieldError::Length(name));
    }
    if text.chars().any(char::is_control) { Err(FieldError::Character(name)) } else { Ok(text) }
}

fn number_text(
    name: &'static str,
    text: String,
    chars: std::ops::RangeInclusive<usize>,
    symbols: &str,
) -> Result<String, FieldError> {
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || symbols.contains(c)) {
        return Err(FieldError::Character(name));
    }
    if chars.contains(&text.len()) { Ok(text) } else { Err(FieldError::Length(name)) }
}

impl Description {
    /// 1 to 127 bytes, no control characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        free_text("description", text.into(), MAX_DESCRIPTION_BYTES).map(Self)
    }
}

impl Attach {
    /// 1 to 128 bytes, no control characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        free_text("attach", text.into(), MAX_ATTACH_BYTES).map(Self)
    }
}

impl RefundReason {
    /// 1 to 80 bytes, no control characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        free_text("reason", text.into(), MAX_REFUND_REASON_BYTES).map(Self)
    }
}

impl OutTradeNo {
    /// 6 to 32 of letters, digits, `_-|*`.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        let chars = MIN_OUT_TRADE_NO_CHARS..=MAX_OUT_TRADE_NO_CHARS;
        number_text("out_trade_no", text.into(), chars, "_-|*").map(Self)
    }
}

impl OutRefundNo {
    /// 1 to 64 of letters, digits, `_-|*@`.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        number_text("out_refund_no", text.into(), 1..=MAX_OUT_REFUND_NO_CHARS, "_-|*@").map(Self)
    }
}

impl NotifyUrl {
    /// At most 255 characters, https, no query and no fragment. Clear http is accepted for this machine only, where the
    /// local stack runs.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        let text = text.into();
        if text.len() > MAX_NOTIFY_URL_CHARS {
            return Err(FieldError::Length("notify_url"));
        }
        let url = reqwest::Url::parse(&text).map_err(|_| FieldError::NotifyUrl)?;
        let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
        let is_scheme_right = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        if is_scheme_right && url.query().is_none() && url.fragment().is_none() {
            Ok(Self(text))
        } else {
            Err(FieldError::NotifyUrl)
        }
    }
}

impl TimeExpire {
    /// An instant 1 minute to 90 days ahead; fractions of a second are cut.
    pub fn at(instant: Timestamp, now: Timestamp) -> Result<Self, FieldError> {
        let ahead_s = instant.duration_since(now).as_secs();
        if !(MIN_EXPIRE_AHEAD_S..=MAX_EXPIRE_AHEAD_S).contains(&ahead_s) {
            return Err(FieldError::Expiry);
        }
        Self::unchecked(instant)
    }

    /// The same instant as in an earlier call, which a repetition has to send unchanged even when it has come close.
    pub fn repeated(instant: Timestamp) -> Result<Self, FieldError> {
        Self::unchecked(instant)
    }

    fn unchecked(instant: Timestamp) -> Result<Self, FieldError> {
        let fraction = SignedDuration::from_nanos(i64::from(instant.subsec_nanosecond()));
        let whole = instant.checked_sub(fraction).map_err(|_| FieldError::Expiry)?;
        Ok(Self(whole.display_with_offset(CHINA).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_interface() {
        assert!(Description::parse("门诊服务费").is_ok());
        assert_eq!(Description::parse("门".repeat(43)), Err(FieldError::Length("description")));
        assert!(Description::parse("门".repeat(42)).is_ok());
        assert_eq!(Description::parse(" "), Err(FieldError::Length("description")));
        assert_eq!(Description::parse("a\nb"), Err(FieldError::Character("description")));
        assert!(Attach::parse("a".repeat(128)).is_ok());
        assert_eq!(Attach::parse("a".repeat(129)), Err(FieldError::Length("attach")));
        assert!(RefundReason::parse("取消预约").is_ok());
        assert_eq!(RefundReason::parse("消".repeat(27)), Err(FieldError::Length("reason")));
    }

    #[test]
    fn numbers_keep_to_their_letters() {
        assert!(OutTradeNo::parse("MZ-20_6|*").is_ok());
        assert_eq!(OutTradeNo::parse("MZ123"), Err(FieldError::Length("out_trade_no")));
        assert_eq!(OutTradeNo::parse("M".repeat(33)), Err(FieldError::Length("out_trade_no")));
        assert_eq!(OutTradeNo::parse("MZ12 34"), Err(FieldError::Character("out_trade_no")));
        assert_eq!(OutTradeNo::parse("门诊号码一二"), Err(FieldError::Character("out_trade_no")));
        assert_eq!(OutTradeNo::parse("MZ1234@"), Err(FieldError::Character("out_trade_no")));
        assert!(OutRefundNo::parse("MZ1234@").is_ok());
        assert_eq!(OutRefundNo::parse(""), Err(FieldError::Length("out_refund_no")));
    }

    #[test]
    fn the_notification_address_is_https_without_a_query() {
        assert!(NotifyUrl::parse("https://api.example.com/pay/notify").is_ok());
        assert!(NotifyUrl::parse("http://127.0.0.1:8080/pay/notify").is_ok());
        for bad in ["http://api.example.com/n", "https://a.example/n?x=1", "https://a.example/n#x", "notify", ""] {
            assert_eq!(NotifyUrl::parse(bad), Err(FieldError::NotifyUrl), "{bad}");
        }
        let long = format!("https://a.example/{}", "n".repeat(MAX_NOTIFY_URL_CHARS));
        assert_eq!(NotifyUrl::parse(long), Err(FieldError::Length("notify_url")));
    }

    #[test]
    fn the_expiry_is_written_in_beijing_time() {
        let now: Timestamp = "2026-11-22T02:00:00.25Z".parse().unwrap();
        let at = |s| TimeExpire::at(now + SignedDuration::from_secs(s), now).map(|time| time.to_string());
        assert_eq!(at(900).as_deref(), Ok("2026-11-22T10:15:00+08:00"));
        assert_eq!(at(59), Err(FieldError::Expiry));
        assert_eq!(at(MAX_EXPIRE_AHEAD_S + 1), Err(FieldError::Expiry));
        assert_eq!(at(-1), Err(FieldError::Expiry));
        assert_eq!(TimeExpire::repeated(now).unwrap().as_str(), "2026-11-22T10:00:00+08:00");
    }
}
