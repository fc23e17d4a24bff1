//! Unpaid bills.

use super::place::PlaceData;
use crate::bill::{Bill, BillFault, BillItem, BillKind, RejectedBill, UnpaidBills, Visit};
use crate::front_end::data::Data;
use crate::label::Label;
use domain::civil::Date;
use domain::id::BillNo;
use domain::money::Fen;
use serde::Deserialize;

/// Bills are read one by one: one that is wrong does not hide the others.
#[derive(Deserialize)]
pub(in crate::front_end) struct BillsData {
    bills: Vec<Data>,
}

#[derive(Deserialize)]
struct BillData {
    bill_no: String,
    visit: VisitData,
    kind: String,
    total: String,
    items: Vec<ItemData>,
    place: PlaceData,
}

#[derive(Deserialize)]
struct VisitData {
    visit_no: String,
    department: Label,
    doctor: Label,
    date: Date,
}

#[derive(Deserialize)]
struct ItemData {
    item_no: String,
    name: Label,
    spec: Label,
    quantity: u32,
    unit: Label,
    amount: String,
}

impl From<BillsData> for UnpaidBills {
    fn from(data: BillsData) -> Self {
        Self::sorted(data.bills.into_iter().map(read_bill))
    }
}

fn read_bill(value: Data) -> Result<Bill, RejectedBill> {
    let bill_no = value.text("bill_no").and_then(|number| number.parse::<BillNo>().ok());
    let data = value.read::<BillData>().map_err(|_| BillFault::Shape);
    data.and_then(Bill::try_from).map_err(|fault| RejectedBill { bill_no, fault })
}

impl TryFrom<BillData> for Bill {
    type Error = BillFault;

    fn try_from(data: BillData) -> Result<Self, BillFault> {
        let items = data.items.into_iter().map(BillItem::try_from).collect::<Result<Vec<_>, _>>()?;
        Self::new(
            number(data.bill_no)?,
            Visit::try_from(data.visit)?,
            kind_of(&data.kind)?,
            amount_of(&data.total)?,
            items,
            data.place.into(),
        )
    }
}

impl TryFrom<VisitData> for Visit {
    type Error = BillFault;

    fn try_from(data: VisitData) -> Result<Self, BillFault> {
        let VisitData { visit_no, department, doctor, date } = data;
        Ok(Self { visit_no: number(visit_no)?, department, doctor, date })
    }
}

impl TryFrom<ItemData> for BillItem {
    type Error = BillFault;

    fn try_from(data: ItemData) -> Result<Self, BillFault> {
        let ItemData { item_no, name, spec, quantity, unit, amount } = data;
        if quantity == 0 {
            return Err(BillFault::Amount);
        }
        Ok(Self { item_no: number(item_no)?, name, spec, quantity, unit, amount: amount_of(&amount)? })
    }
}

fn number<T: TryFrom<String>>(text: String) -> Result<T, BillFault> {
    T::try_from(text).map_err(|_| BillFault::Number)
}

fn amount_of(text: &str) -> Result<Fen, BillFault> {
    Fen::from_yuan(text).map_err(|_| BillFault::Amount)
}

fn kind_of(code: &str) -> Result<BillKind, BillFault> {
    match code {
        "exam" => Ok(BillKind::Exam),
        "lab" => Ok(BillKind::Lab),
        "drug" => Ok(BillKind::Drug),
        "treatment" => Ok(BillKind::Treatment),
        _ => Err(BillFault::Kind),
    }
}
