//! Unpaid bills (诊间缴费) as the HIS tells them.

use crate::label::Label;
use domain::civil::Date;
use domain::id::{BillItemNo, BillNo, VisitNo};
use domain::money::Fen;
use std::collections::HashSet;
use std::fmt;

/// What kind of thing a bill is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BillKind {
    /// Imaging, ECG, endoscopy and the like (检查).
    Exam,
    /// Laboratory (检验).
    Lab,
    /// Drugs (药品).
    Drug,
    /// Treatment (治疗).
    Treatment,
}

impl BillKind {
    /// What to call it on a page.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Exam => "检查",
            Self::Lab => "检验",
            Self::Drug => "药品",
            Self::Treatment => "治疗",
        }
    }
}

/// The visit in which a bill was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The hospital's number of the visit.
    pub visit_no: VisitNo,
    /// Name of the department.
    pub department: Label,
    /// Name of the doctor.
    pub doctor: Label,
    /// Day of the visit.
    pub date: Date,
}

/// Where the patient goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Building.
    pub building: Label,
    /// Floor.
    pub floor: Label,
    /// Window or room.
    pub window: Label,
    /// What else to know; may be empty.
    pub note: Label,
}

/// One item of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillItem {
    /// The hospital's number of the item, unique within its bill.
    pub item_no: BillItemNo,
    /// Name.
    pub name: Label,
    /// Specification, as `20mg×7片`; may be empty.
    pub spec: Label,
    /// How many.
    pub quantity: u32,
    /// Of what: 盒, 次.
    pub unit: Label,
    /// What they cost together.
    pub amount: Fen,
}

/// An unpaid bill whose items add up to its total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    number: BillNo,
    visit: Visit,
    kind: BillKind,
    total: Fen,
    items: Vec<BillItem>,
    place: Place,
}

/// Why a bill is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BillFault {
    /// A field is missing or of another type.
    #[error("it lacks a field, or one is of another type")]
    Shape,
    /// A number that is no identifier.
    #[error("one of its numbers is not an identifier")]
    Number,
    /// A kind nobody has mapped.
    #[error("its kind is unknown")]
    Kind,
    /// An amount that is not yuan, is negative or too large, or a quantity of none.
    #[error("an amount or a quantity is not one")]
    Amount,
    /// The total is not the sum of the items.
    #[error("its total is not the sum of its items")]
    Total,
    /// There are no items.
    #[error("it has no items")]
    Empty,
    /// Two items have the same number.
    #[error("two of its items have the same number")]
    ItemTwice,
    /// The list has another bill of this number.
    #[error("it is in the list twice")]
    Twice,
}

/// A bill left out of the list: to be logged, and mended in the HIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedBill {
    /// Its number, where it has a readable one.
    pub bill_no: Option<BillNo>,
    /// Why.
    pub fault: BillFault,
}

impl fmt::Display for RejectedBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bill_no = self.bill_no.as_ref().map_or("without number", BillNo::as_str);
        write!(f, "bill {bill_no}: {}", self.fault)
    }
}

/// The unpaid bills of a card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnpaidBills {
    /// What can be paid.
    pub bills: Vec<Bill>,
    /// What cannot be shown because it is wrong.
    pub rejected: Vec<RejectedBill>,
}

impl Bill {
    /// A bill, if its items have numbers of their own and add up to the total.
    pub(crate) fn new(
        number: BillNo,
        visit: Visit,
        kind: BillKind,
        total: Fen,
        items: Vec<BillItem>,
        place: Place,
    ) -> Result<Self, BillFault> {
        if items.is_empty() {
            return Err(BillFault::Empty);
        }
        let mut seen = HashSet::new();
        if !items.iter().all(|item| seen.insert(&item.item_no)) {
            return Err(BillFault::ItemTwice);
        }
        let sum = items.iter().try_fold(Fen::ZERO, |sum, item| sum.plus(item.amount)).map_err(|_| BillFault::Amount)?;
        if sum != total {
            return Err(BillFault::Total);
        }
        Ok(Self { number, visit, kind, total, items, place })
    }

    /// The hospital's number.
    pub fn bill_no(&self) -> &BillNo {
        &self.number
    }

    /// The visit it was made in.
    pub fn visit(&self) -> &Visit {
        &self.visit
    }

    /// What it is for.
    pub fn kind(&self) -> BillKind {
        self.kind
    }

    /// What it costs: the sum of its items.
    pub fn total(&self) -> Fen {
        self.total
    }

    /// Its items, at least one.
    pub fn items(&self) -> &[BillItem] {
        &self.items
    }

    /// Where to go when it is paid.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl UnpaidBills {
    /// Sorts what was read; of two bills with one number only the first counts.
    pub(crate) fn sorted(read: impl IntoIterator<Item = Result<Bill, RejectedBill>>) -> Self {
        let mut sorted = Self::default();
        let mut seen = HashSet::new();
        for entry in read {
            match entry {
                Ok(bill) if seen.insert(bill.number.clone()) => sorted.bills.push(bill),
                Ok(bill) => {
                    sorted.rejected.push(RejectedBill { bill_no: Some(bill.number), fault: BillFault::Twice });
                }
                Err(rejected) => sorted.rejected.push(rejected),
            }
        }
        sorted
    }
}
