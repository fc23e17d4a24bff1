//! Booking what was paid.

use super::Yuan;
use super::place::PlaceData;
use crate::fees::{BillPlace, Charge, FeesPost, InvoiceUrl, Receipt, Registration};
use domain::Timestamp;
use domain::civil::Date;
use domain::id::{BillNo, ReceiptNo};
use serde::{Deserialize, Serialize};

/// The only way patients pay here so far.
const CHANNEL: &str = "wechat";

#[derive(Serialize)]
pub(in crate::front_end) struct FeesBody<'a> {
    serial: &'a str,
    card_no: Option<&'a str>,
    #[serde(flatten)]
    charge: ChargeBody<'a>,
    total: Yuan,
    paid_at: Timestamp,
    transaction_id: Option<&'a str>,
    channel: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ChargeBody<'a> {
    Bills { bills: Vec<AmountBody<'a>> },
    Registration { registration: RegistrationBody<'a> },
}

#[derive(Serialize)]
struct AmountBody<'a> {
    bill_no: &'a str,
    amount: Yuan,
}

#[derive(Serialize)]
pub(super) struct RegistrationBody<'a> {
    appointment: &'a str,
    clinic: &'a str,
    number: u16,
    department: &'a str,
    doctor: Option<&'a str>,
    date: Date,
}

impl<'a> From<&'a FeesPost> for FeesBody<'a> {
    fn from(post: &'a FeesPost) -> Self {
        Self {
            serial: post.serial.as_str(),
            card_no: post.card_no.as_ref().map(domain::id::CardNo::as_str),
            charge: ChargeBody::from(&post.charge),
            total: Yuan(post.total),
            paid_at: post.paid.at,
            transaction_id: post.paid.transaction_id.as_ref().map(domain::id::TransactionId::as_str),
            channel: CHANNEL,
        }
    }
}

impl<'a> From<&'a Charge> for ChargeBody<'a> {
    fn from(charge: &'a Charge) -> Self {
        match charge {
            Charge::Bills(bills) => {
                let body = |bill: &'a crate::fees::BillAmount| AmountBody {
                    bill_no: bill.bill_no.as_str(),
                    amount: Yuan(bill.amount),
                };
                Self::Bills { bills: bills.iter().map(body).collect() }
            }
            Charge::Registration(registration) => Self::Registration { registration: registration.into() },
        }
    }
}

impl<'a> From<&'a Registration> for RegistrationBody<'a> {
    fn from(registration: &'a Registration) -> Self {
        Self {
            appointment: registration.appointment.as_str(),
            clinic: registration.clinic.as_str(),
            number: registration.number,
            department: registration.department.as_str(),
            doctor: registration.doctor.as_ref().map(domain::id::DoctorId::as_str),
            date: registration.date,
        }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct ReceiptData {
    receipt_no: ReceiptNo,
    places: Vec<BillPlaceData>,
    invoice_url: Option<String>,
}

#[derive(Deserialize)]
struct BillPlaceData {
    bill_no: BillNo,
    #[serde(flatten)]
    place: PlaceData,
}

impl From<ReceiptData> for Receipt {
    /// A link that is none is left out: the money is booked all the same.
    fn from(data: ReceiptData) -> Self {
        let place = |data: BillPlaceData| BillPlace { bill_no: data.bill_no, place: data.place.into() };
        Self {
            receipt_no: data.receipt_no,
            places: data.places.into_iter().map(place).collect(),
            invoice_url: data.invoice_url.as_deref().and_then(InvoiceUrl::parse),
        }
    }
}
