//! A message: a value that exists is one the service takes.

use domain::Timestamp;
use domain::person::Phone;

/// Most variables of a template.
pub const PARAMETERS_MAX: usize = 12;
/// Longest value of a variable, in characters. Longer ones are cut: a notice that does not arrive is worse. Room for
/// day and band of a visit, the longest value there is.
pub const PARAMETER_CHARS_MAX: usize = 30;

/// Why values make no message. Never carries the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// More variables than a template has.
    #[error("too many values for a template")]
    TooManyValues,
    /// A variable without a value.
    #[error("a value is empty")]
    EmptyValue,
}

/// One message to one phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsMessage {
    pub(crate) to: Phone,
    pub(crate) signature: String,
    pub(crate) template_id: String,
    pub(crate) values: Vec<String>,
}

impl SmsMessage {
    /// `signature` and `template_id` as the service has approved them; `values` of the template's variables, in order.
    pub fn new(
        to: Phone,
        signature: impl Into<String>,
        template_id: impl Into<String>,
        values: Vec<String>,
    ) -> Result<Self, MessageError> {
        if values.len() > PARAMETERS_MAX {
            return Err(MessageError::TooManyValues);
        }
        if values.iter().any(|value| value.trim().is_empty()) {
            return Err(MessageError::EmptyValue);
        }
        let values = values.into_iter().map(|value| value.chars().take(PARAMETER_CHARS_MAX).collect()).collect();
        Ok(Self { to, signature: signature.into(), template_id: template_id.into(), values })
    }
}

/// A message the service took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSms {
    /// The phone it was sent to.
    pub to: Phone,
    /// The service's number of it.
    pub serial: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// What became of a message on its way to the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The phone has it.
    Arrived,
    /// It did not arrive, and will not.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_a_value_of_bounded_length() {
        let phone = Phone::parse("19900000001").unwrap();
        let of = |values: Vec<String>| SmsMessage::new(phone.clone(), "云杉医院", "1110", values);
        assert_eq!(of(vec![" ".into()]), Err(MessageError::EmptyValue));
        assert_eq!(of(vec!["a".into(); 13]), Err(MessageError::TooManyValues));
        assert_eq!(of(vec!["号".repeat(99)]).unwrap().values, ["号".repeat(PARAMETER_CHARS_MAX)]);
        assert!(!format!("{:?}", of(Vec::new())).contains("19900000001"));
    }
}
