//! What went wrong with a call, sorted by what there is to do.

use super::merchant::MerchantError;
use super::verifier::VerifyError;
use crate::http::NoAnswer;

/// What WeChat Pay said, for logs. It never carries a person's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// WeChat Pay's code, empty when the body had none.
    pub code: String,
    /// `Request-ID`, which WeChat Pay's support asks for.
    pub request_id: Option<String>,
    /// Whether the answer carried a valid signature. An unsigned refusal proves nothing about an order.
    pub is_signed: bool,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let request_id = self.request_id.as_deref().unwrap_or("-");
        write!(out, "HTTP {}, code {:?}, request {request_id}", self.status, self.code)
    }
}

/// Why a call to WeChat Pay did not do what it was for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// Our signature is refused (401): key, serial or clock. Stop and alarm.
    #[error("WeChat Pay refuses our signature ({0})")]
    Signature(Problem),
    /// A parameter is wrong or was changed in a repetition. Query by number, then decide.
    #[error("WeChat Pay refuses a parameter ({0})")]
    Parameter(Problem),
    /// No permission, or a rule of risk control (403). Show "cannot pay now", alarm.
    #[error("WeChat Pay does not permit this ({0})")]
    Forbidden(Problem),
    /// There is no such order. After an unknown outcome the same prepay may be sent again.
    #[error("there is no such order ({0})")]
    OrderNotExist(Problem),
    /// There is no such refund.
    #[error("there is no such refund ({0})")]
    RefundNotExist(Problem),
    /// Already paid. Query, and run the paid path.
    #[error("the order is already paid ({0})")]
    OrderPaid(Problem),
    /// Already closed. A new order number is needed.
    #[error("the order is closed ({0})")]
    OrderClosed(Problem),
    /// The number is used with other parameters. Query, then decide.
    #[error("the order number is already used ({0})")]
    NumberUsed(Problem),
    /// The merchant's balance does not cover the refund. Alarm.
    #[error("the merchant's balance is too low ({0})")]
    NotEnough(Problem),
    /// The user's account is closed or limited: a refund cannot reach it. Staff settle it another way.
    #[error("the user's account cannot take the money ({0})")]
    AccountAbnormal(Problem),
    /// Too many calls (429). Back off; whether a refund was taken is unknown.
    #[error("too many calls ({0})")]
    RateLimited(Problem),
    /// The payer does not belong to our account, or account and merchant are not bound. Alarm.
    #[error("payer, account and merchant do not belong together ({0})")]
    Mismatch(Problem),
    /// Another refusal.
    #[error("WeChat Pay refuses ({0})")]
    Refused(Problem),
    /// 5xx or 202 to the last try: whether it was done is unknown. Repeat the same later, or query.
    #[error("WeChat Pay is unavailable ({0})")]
    Unavailable(Problem),
    /// No answer to the last try: whether it was done is unknown. Repeat the same later, or query.
    #[error("no answer from WeChat Pay; the outcome is unknown")]
    UnknownOutcome,
    /// No connection on any try: nothing was sent.
    #[error("no connection to WeChat Pay")]
    NotSent,
    /// An answer that is not WeChat Pay's. Treat as no answer; alarm unless it is [`VerifyError::Probe`].
    #[error("the answer is not WeChat Pay's: {0}")]
    Forged(VerifyError),
    /// A signed answer without what it should hold.
    #[error("the answer of WeChat Pay cannot be read")]
    Unreadable,
    /// Our own amounts are not 1 fen or more, or a refund exceeds its order. Nothing was sent.
    #[error("the amount is not valid")]
    Amount,
    /// Our own key cannot sign. Nothing was sent.
    #[error("the request cannot be signed: {0}")]
    Merchant(#[from] MerchantError),
    /// The configured address is none. Nothing was sent.
    #[error("the address of WeChat Pay is not valid")]
    Address,
}

impl PayError {
    /// Whether the order may have changed all the same: never decide from such an error, query or repeat.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::UnknownOutcome | Self::Forged(_) | Self::Unreadable | Self::RateLimited(_)
        )
    }

    /// Whether no repetition of a refund can succeed by this way: the order is older than a year, has its 50 partial
    /// refunds, is not there, does not cover the sum, or the user's account is closed. Query the refund once before
    /// giving up (an earlier try may have been taken), then leave it to staff with [`PayError::problem`] as the reason.
    /// Every other refusal may pass: too low a balance, too many calls, our own settings, no answer.
    pub fn is_refund_hopeless(&self) -> bool {
        match self {
            Self::Parameter(_)
            | Self::OrderNotExist(_)
            | Self::RefundNotExist(_)
            | Self::OrderClosed(_)
            | Self::AccountAbnormal(_)
            | Self::Amount => true,
            Self::Forbidden(problem) => matches!(problem.code.as_str(), "RULE_LIMIT" | "RULELIMIT"),
            _ => false,
        }
    }

    /// What WeChat Pay said, when it said something.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Signature(problem)
            | Self::Parameter(problem)
            | Self::Forbidden(problem)
            | Self::OrderNotExist(problem)
            | Self::RefundNotExist(problem)
            | Self::OrderPaid(problem)
            | Self::OrderClosed(problem)
            | Self::NumberUsed(problem)
            | Self::NotEnough(problem)
            | Self::AccountAbnormal(problem)
            | Self::RateLimited(problem)
            | Self::Mismatch(problem)
            | Self::Refused(problem)
            | Self::Unavailable(problem) => Some(problem),
            Self::UnknownOutcome
            | Self::NotSent
            | Self::Forged(_)
            | Self::Unreadable
            | Self::Amount
            | Self::Merchant(_)
            | Self::Address => None,
        }
    }

    /// Whether the same request is tried again within one call.
    pub(super) fn is_worth_a_try(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::UnknownOutcome | Self::NotSent | Self::Forged(_))
    }

    /// Sorts a refusal: by code, then by the number at the end of `Request-ID`, then by status.
    pub(super) fn from_problem(problem: Problem) -> Self {
        if problem.status >= 500 || problem.status == 202 {
            return Self::Unavailable(problem);
        }
        match (problem.code.as_str(), problem.number()) {
            ("SIGN_ERROR", _) | (_, Some("268443699")) => Self::Signature(problem),
            ("ORDERPAID" | "ORDER_PAID", _) | (_, Some("268449538" | "268498689")) => Self::OrderPaid(problem),
            ("ORDER_CLOSED" | "ORDERCLOSED", _) => Self::OrderClosed(problem),
            ("ORDER_NOT_EXIST" | "ORDERNOTEXIST", _) | (_, Some("268512771")) => Self::OrderNotExist(problem),
            ("RESOURCE_NOT_EXISTS", _) => Self::RefundNotExist(problem),
            ("OUT_TRADE_NO_USED", _) => Self::NumberUsed(problem),
            ("NOT_ENOUGH", _) => Self::NotEnough(problem),
            ("USER_ACCOUNT_ABNORMAL", _) => Self::AccountAbnormal(problem),
            ("RATELIMIT_EXCEEDED" | "RATELIMIT_EXCEED" | "FREQUENCY_LIMITED" | "FREQUENCY_LIMIT_EXCEED", _) => {
                Self::RateLimited(problem)
            }
            ("OPENID_MISMATCH" | "APPID_MCHID_NOT_MATCH" | "MCH_NOT_EXISTS", _) | (_, Some("268445527")) => {
                Self::Mismatch(problem)
            }
            ("NO_AUTH" | "RULE_LIMIT" | "RULELIMIT", _) => Self::Forbidden(problem),
            ("PARAM_ERROR" | "INVALID_REQUEST", _) | (_, Some("268498688" | "268501013" | "270924358")) => {
                Self::Parameter(problem)
            }
            _ => Self::from_status(problem),
        }
    }

    fn from_status(problem: Problem) -> Self {
        match problem.status {
            401 => Self::Signature(problem),
            403 => Self::Forbidden(problem),
            429 => Self::RateLimited(problem),
            _ => Self::Refused(problem),
        }
    }
}

impl From<NoAnswer> for PayError {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::NotSent => Self::NotSent,
            NoAnswer::Unknown => Self::UnknownOutcome,
            NoAnswer::TooLong => Self::Unreadable,
        }
    }
}

impl Problem {
    /// The finer error number behind the last dash of `Request-ID`.
    fn number(&self) -> Option<&str> {
        self.request_id.as_deref()?.rsplit_once('-').map(|(_, number)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(status: u16, code: &str, request_id: Option<&str>) -> String {
        let request_id = request_id.map(str::to_owned);
        let error = PayError::from_problem(Problem { status, code: code.to_owned(), request_id, is_signed: true });
        format!("{error:?}").split('(').next().unwrap().to_owned()
    }

    #[test]
    fn refusals_are_sorted_by_what_to_do() {
        let cases = [
            (401, "SIGN_ERROR", "Signature"),
            (401, "", "Signature"),
            (400, "PARAM_ERROR", "Parameter"),
            (400, "INVALID_REQUEST", "Parameter"),
            (403, "NO_AUTH", "Forbidden"),
            (403, "RULE_LIMIT", "Forbidden"),
            (404, "ORDER_NOT_EXIST", "OrderNotExist"),
            (404, "RESOURCE_NOT_EXISTS", "RefundNotExist"),
            (400, "ORDERPAID", "OrderPaid"),
            (400, "ORDER_PAID", "OrderPaid"),
            (400, "ORDER_CLOSED", "OrderClosed"),
            (403, "OUT_TRADE_NO_USED", "NumberUsed"),
            (403, "NOT_ENOUGH", "NotEnough"),
            (403, "USER_ACCOUNT_ABNORMAL", "AccountAbnormal"),
            (400, "OPENID_MISMATCH", "Mismatch"),
            (429, "FREQUENCY_LIMITED", "RateLimited"),
            (429, "", "RateLimited"),
            (400, "TRADE_ERROR", "Refused"),
            (404, "", "Refused"),
            (202, "", "Unavailable"),
            (500, "SYSTEM_ERROR", "Unavailable"),
            (503, "SERVICE_UNAVAILABLE", "Unavailable"),
            (502, "", "Unavailable"),
        ];
        for (status, code, expected) in cases {
            assert_eq!(sorted(status, code, None), expected, "{status} {code}");
        }
    }

    #[test]
    fn a_refund_is_given_up_only_when_nothing_can_help() {
        let hopeless = |status, code: &str| {
            let problem = Problem { status, code: code.to_owned(), request_id: None, is_signed: true };
            let error = PayError::from_problem(problem.clone());
            assert_eq!(error.problem(), Some(&problem));
            error.is_refund_hopeless()
        };
        for (status, code) in [
            (403, "RULE_LIMIT"),
            (400, "INVALID_REQUEST"),
            (400, "PARAM_ERROR"),
            (403, "USER_ACCOUNT_ABNORMAL"),
            (404, "RESOURCE_NOT_EXISTS"),
            (404, "ORDER_NOT_EXIST"),
        ] {
            assert!(hopeless(status, code), "{code}");
        }
        for (status, code) in [
            (403, "NOT_ENOUGH"),
            (403, "NO_AUTH"),
            (429, "FREQUENCY_LIMITED"),
            (401, "SIGN_ERROR"),
            (500, "SYSTEM_ERROR"),
            (400, "SOMETHING_NEW"),
        ] {
            assert!(!hopeless(status, code), "{code}");
        }
        assert!(PayError::Amount.is_refund_hopeless());
        assert!(!PayError::UnknownOutcome.is_refund_hopeless());
        assert_eq!(PayError::UnknownOutcome.problem(), None);
    }

    #[test]
    fn the_number_in_the_request_id_refines_an_unknown_code() {
        assert_eq!(sorted(400, "OTHER", Some("08F0-0A-268449538")), "OrderPaid");
        assert_eq!(sorted(404, "OTHER", Some("08F0-0A-268512771")), "OrderNotExist");
        assert_eq!(sorted(400, "OTHER", Some("08F0-0A-268498688")), "Parameter");
        assert_eq!(sorted(400, "OTHER", Some("08F0")), "Refused");
    }
}
