//! What went wrong with a message, sorted by what there is to do.

/// The longest code kept, in bytes.
const CODE_BYTES_MAX: usize = 80;

/// Why a message was not accepted. Holds no text of the service's beyond its stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// This number cannot get it: wrong, blocked, or it has had as many today as one may.
    #[error("the SMS service does not take the number ({0})")]
    Number(String),
    /// Key, template, signature or money: nothing goes out until somebody mends it. Alarm.
    #[error("SMS is not set up ({0})")]
    Configuration(String),
    /// Too fast, or the service is not well. Nothing was sent; later it may work.
    #[error("the SMS service is busy ({0})")]
    Busy(String),
    /// No connection: nothing was sent.
    #[error("no connection to the SMS service")]
    NotSent,
    /// Sent, and then no answer that can be read: do not send again.
    #[error("no answer from the SMS service; the outcome is unknown")]
    UnknownOutcome,
}

impl SmsError {
    /// Sorts a refusal by the service's code.
    pub(crate) fn from_code(code: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
        if code.is_empty() || code.len() > CODE_BYTES_MAX || !code.bytes().all(plain) {
            return Self::UnknownOutcome;
        }
        let of: fn(String) -> Self = match code {
            "InvalidParameterValue.IncorrectPhoneNumber"
            | "FailedOperation.PhoneNumberInBlacklist"
            | "LimitExceeded.PhoneNumberDailyLimit"
            | "LimitExceeded.PhoneNumberThirtySecondLimit"
            | "LimitExceeded.PhoneNumberOneHourLimit"
            | "LimitExceeded.PhoneNumberSameContentDailyLimit" => Self::Number,
            code if code.starts_with("InternalError") || code.starts_with("RequestLimitExceeded") => Self::Busy,
            "LimitExceeded.DeliveryFrequencyLimit" => Self::Busy,
            _ => Self::Configuration,
        };
        of(code.to_owned())
    }

    /// Whether the same message may be sent a little later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::NotSent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_there_is_to_do() {
        let number = |code: &str| SmsError::Number(code.into());
        let daily = "LimitExceeded.PhoneNumberDailyLimit";
        assert_eq!(SmsError::from_code(daily), number(daily));
        assert!(SmsError::from_code("InternalError.Timeout").may_pass());
        assert!(SmsError::from_code("RequestLimitExceeded.IPLimitExceeded").may_pass());
        for code in ["AuthFailure.SignatureFailure", "FailedOperation.InsufficientBalanceInSmsPackage"] {
            assert_eq!(SmsError::from_code(code), SmsError::Configuration(code.into()));
        }
        for nonsense in ["", "手机号 199", &"A".repeat(81)] {
            assert_eq!(SmsError::from_code(nonsense), SmsError::UnknownOutcome);
        }
    }
}
