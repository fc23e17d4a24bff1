//! Giving back, line by line.

use crate::port::RequestError;
use domain::Timestamp;
use domain::id::{BillItemNo, BillNo, OutRefundNo, OutTradeNo};
use domain::money::Fen;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most lines in one refund.
pub const LINES_PER_REFUND_MAX: usize = 500;
/// The longest reason, in characters.
pub const REFUND_REASON_CHARS_MAX: usize = 80;

/// One item of one bill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BillLine {
    /// The bill.
    pub bill_no: BillNo,
    /// The item.
    pub item_no: BillItemNo,
}

/// Which lines a refund is about: some, or everything a payment was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(Vec<BillLine>);

impl Lines {
    /// Everything not given back yet; the only choice for a registration.
    pub fn everything() -> Self {
        Self(Vec::new())
    }

    /// Exactly these: at least one, each once.
    pub fn some(lines: Vec<BillLine>) -> Result<Self, RequestError> {
        if lines.is_empty() {
            return Err(RequestError::Nothing);
        }
        if lines.len() > LINES_PER_REFUND_MAX {
            return Err(RequestError::TooMany);
        }
        let mut seen = HashSet::new();
        if lines.iter().all(|line| seen.insert(line)) { Ok(Self(lines)) } else { Err(RequestError::Twice) }
    }

    /// The lines; empty means everything.
    pub fn as_slice(&self) -> &[BillLine] {
        &self.0
    }
}

/// Why money goes back: one line of at most [`REFUND_REASON_CHARS_MAX`] characters. Never a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReason(String);

impl RefundReason {
    /// A reason.
    pub fn new(text: &str) -> Result<Self, RequestError> {
        let fits = (1..=REFUND_REASON_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(RequestError::Reason) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A question: what could be given back now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCheck {
    /// The payment.
    pub original: OutTradeNo,
    /// Which lines of it.
    pub lines: Lines,
}

/// The answer: what is in neither list was given back already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refundability {
    /// Can be given back.
    pub refundable: Vec<BillLine>,
    /// Was performed or handed out: cannot.
    pub performed: Vec<BillLine>,
}

/// A refund to book. Its serial is our refund's number, so that a repeat is the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPost {
    /// Our number of the refund.
    pub serial: OutRefundNo,
    /// The payment.
    pub original: OutTradeNo,
    /// Which lines of it.
    pub lines: Lines,
    /// What goes back: the sum of those lines.
    pub amount: Fen,
    /// When it was decided: the same in every repetition.
    pub refunded_at: Timestamp,
    /// Why.
    pub reason: RefundReason,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_once() {
        let line = |item_no: &str| BillLine { bill_no: "B1".parse().unwrap(), item_no: item_no.parse().unwrap() };
        assert!(Lines::some(vec![line("1"), line("2")]).is_ok());
        assert_eq!(Lines::some(vec![line("1"), line("1")]), Err(RequestError::Twice));
        assert_eq!(Lines::some(Vec::new()), Err(RequestError::Nothing));
        let many = (0..=LINES_PER_REFUND_MAX).map(|number| line(&number.to_string())).collect();
        assert_eq!(Lines::some(many), Err(RequestError::TooMany));
        assert!(Lines::everything().as_slice().is_empty());
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(RefundReason::new("停诊退费").unwrap().as_str(), "停诊退费");
        for wrong in ["", "a\nb", &"退".repeat(81)] {
            assert_eq!(RefundReason::new(wrong), Err(RequestError::Reason));
        }
    }
}
