//! Booking what was paid.

use crate::bill::Place;
use crate::port::RequestError;
use domain::Timestamp;
use domain::civil::Date;
use domain::id::{
    AppointmentId, BillNo, CardNo, ClinicId, DepartmentId, DoctorId, OutTradeNo, ReceiptNo, TransactionId,
};
use domain::money::Fen;
use std::collections::HashSet;

/// The most bills in one payment.
pub const BILLS_PER_POST_MAX: usize = 50;
/// The longest invoice link that is kept, in bytes.
const INVOICE_URL_BYTES_MAX: usize = 500;

/// When and by what transaction money came. Nothing to pay (a free return visit) has no transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// When WeChat took the money.
    pub at: Timestamp,
    /// WeChat's number of it.
    pub transaction_id: Option<TransactionId>,
}

/// A bill, and the amount the patient saw and paid for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillAmount {
    /// The bill.
    pub bill_no: BillNo,
    /// Its total, as paid.
    pub amount: Fen,
}

/// A registration, as the HIS books it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Our appointment.
    pub appointment: AppointmentId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The number (号), from 1.
    pub number: u16,
    /// Its department.
    pub department: DepartmentId,
    /// Its doctor; none when the department has no doctor of choice.
    pub doctor: Option<DoctorId>,
    /// Day of the visit.
    pub date: Date,
}

/// What a payment was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Charge {
    Bills(Vec<BillAmount>),
    Registration(Registration),
}

/// A payment to book. Its serial is our order's number, so that a repeat is the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeesPost {
    pub(crate) serial: OutTradeNo,
    pub(crate) card_no: Option<CardNo>,
    pub(crate) charge: Charge,
    pub(crate) total: Fen,
    pub(crate) paid: Paid,
}

impl FeesPost {
    /// A payment of one or several bills of a card; its total is their sum.
    pub fn bills(
        serial: OutTradeNo,
        card_no: CardNo,
        bills: Vec<BillAmount>,
        paid: Paid,
    ) -> Result<Self, RequestError> {
        if bills.is_empty() {
            return Err(RequestError::Nothing);
        }
        if bills.len() > BILLS_PER_POST_MAX {
            return Err(RequestError::TooMany);
        }
        let mut seen = HashSet::new();
        if !bills.iter().all(|bill| seen.insert(&bill.bill_no)) {
            return Err(RequestError::Twice);
        }
        let total = bills.iter().try_fold(Fen::ZERO, |sum, bill| sum.plus(bill.amount));
        let total = total.map_err(|_| RequestError::Amount)?;
        Self::new(serial, Some(card_no), Charge::Bills(bills), total, paid)
    }

    /// A payment of a registration; `fee` may be nothing.
    pub fn registration(
        serial: OutTradeNo,
        card_no: Option<CardNo>,
        registration: Registration,
        fee: Fen,
        paid: Paid,
    ) -> Result<Self, RequestError> {
        Self::new(serial, card_no, Charge::Registration(registration), fee, paid)
    }

    fn new(
        serial: OutTradeNo,
        card_no: Option<CardNo>,
        charge: Charge,
        total: Fen,
        paid: Paid,
    ) -> Result<Self, RequestError> {
        if paid.transaction_id.is_none() && !total.is_zero() {
            return Err(RequestError::Transaction);
        }
        Ok(Self { serial, card_no, charge, total, paid })
    }

    /// Our number of the payment, to ask by.
    pub fn serial(&self) -> &OutTradeNo {
        &self.serial
    }

    /// What was paid.
    pub fn total(&self) -> Fen {
        self.total
    }
}

/// Where to go for one bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillPlace {
    /// The bill.
    pub bill_no: BillNo,
    /// Where.
    pub place: Place,
}

/// Where the e-invoice (财政电子票据) is: an https link without credentials in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceUrl(String);

impl InvoiceUrl {
    /// The link, if it is one to show.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = reqwest::Url::parse(text).ok()?;
        let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        if plain && text.len() <= INVOICE_URL_BYTES_MAX { Some(Self(url.into())) } else { None }
    }

    /// The link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the HIS booked a payment as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The hospital's number.
    pub receipt_no: ReceiptNo,
    /// What to do next, bill by bill; empty for a registration.
    pub places: Vec<BillPlace>,
    /// The e-invoice, when there is one already.
    pub invoice_url: Option<InvoiceUrl>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid() -> Paid {
        Paid { at: Timestamp::UNIX_EPOCH, transaction_id: Some("4200000001".parse().unwrap()) }
    }

    fn post(bills: &[(&str, i64)], paid: Paid) -> Result<FeesPost, RequestError> {
        let bill = |(bill_no, fen): &(&str, i64)| BillAmount {
            bill_no: bill_no.parse().unwrap(),
            amount: Fen::new(*fen).unwrap(),
        };
        FeesPost::bills("a_01".parse().unwrap(), "V1".parse().unwrap(), bills.iter().map(bill).collect(), paid)
    }

    #[test]
    fn the_total_is_the_sum() {
        assert_eq!(post(&[("B1", 4800), ("B2", 850)], paid()).unwrap().total(), Fen::new(5650).unwrap());
        assert_eq!(post(&[], paid()), Err(RequestError::Nothing));
        assert_eq!(post(&[("B1", 1), ("B1", 1)], paid()), Err(RequestError::Twice));
        assert_eq!(post(&[("B1", 1_000_000_000), ("B2", 1)], paid()), Err(RequestError::Amount));
    }

    #[test]
    fn money_has_a_transaction() {
        let free = Paid { transaction_id: None, ..paid() };
        assert_eq!(post(&[("B1", 1)], free.clone()), Err(RequestError::Transaction));
        assert!(post(&[("B1", 0)], free).is_ok());
    }

    #[test]
    fn an_invoice_is_an_https_link() {
        assert_eq!(InvoiceUrl::parse("https://invoice.example/R1").unwrap().as_str(), "https://invoice.example/R1");
        for wrong in ["http://invoice.example/", "javascript:alert(1)", "", "https://a:b@invoice.example/", "/R1"] {
            assert_eq!(InvoiceUrl::parse(wrong), None, "{wrong}");
        }
        assert_eq!(InvoiceUrl::parse(&format!("https://invoice.example/{}", "x".repeat(500))), None);
    }
}
