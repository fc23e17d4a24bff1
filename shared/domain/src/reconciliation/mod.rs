//! Daily reconciliation (对账): WeChat's bill, our books and the hospital's file of one day, compared entry by entry.
//!
//! [`matcher`] finds what does not agree, [`day`] is the life of one day, [`worklist`] is how people work a difference
//! off.

pub mod day;
pub mod matcher;
pub mod worklist;

use crate::money::Fen;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// When a day is compared, on the day after: WeChat's bill is ready after 10:00 (domain rule `recon.daily`).
pub const STARTS_AT: Time = Time::constant(10, 30, 0, 0);
/// Days after which a day cannot be compared again: WeChat keeps bills for three months.
pub const REPEATABLE_DAYS: i32 = 90;
/// Differences of one day that are written down one by one. More than this is a file gone wrong, not a worklist: the day
/// stays open until a later run finds fewer.
pub const DIFFERENCES_MAX: usize = 10_000;

/// Who keeps a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The trade bill of WeChat Pay.
    Wechat,
    /// Our own books.
    Ours,
    /// The hospital's daily file.
    His,
}

impl Side {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Wechat, Self::Ours, Self::His];
}

/// Something known of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSide<T> {
    /// WeChat's.
    pub wechat: T,
    /// Ours.
    pub ours: T,
    /// The hospital's.
    pub his: T,
}

impl<T> PerSide<T> {
    /// What is known of `side`.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Wechat => &self.wechat,
            Side::Ours => &self.ours,
            Side::His => &self.his,
        }
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Wechat => &mut self.wechat,
            Side::Ours => &mut self.ours,
            Side::His => &mut self.his,
        }
    }

    /// One of each side.
    pub fn from_fn(of: impl Fn(Side) -> T) -> Self {
        Self { wechat: of(Side::Wechat), ours: of(Side::Ours), his: of(Side::His) }
    }
}

/// Which way the money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// In; numbered by `out_trade_no`.
    Payment,
    /// Back; numbered by `out_refund_no`.
    Refund,
}

impl Kind {
    /// The code used in keys, files and answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
        }
    }
}

/// What a side says of an entry beyond its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The money moved (a refund may still be on its way to the payer's bank).
    Moved,
    /// WeChat's refund was closed: no money moved.
    Closed,
    /// WeChat could not bring the money where it belongs: a refund the bank did not take, a state nobody knows.
    Abnormal,
    /// In our books: it moved, and the hospital must not have it (refused, or given back before it was posted).
    NotForHis,
}

/// One line of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Which way.
    pub kind: Kind,
    /// `out_trade_no` or `out_refund_no`, as the side writes it.
    pub number: &'a str,
    /// How much.
    pub amount: Fen,
    /// What else the side says.
    pub standing: Standing,
    /// In our books: the closed day the money moved on, when it was booked later.
    pub late_for: Option<Date>,
}

/// How the sides differ. The text form is part of keys, answers and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 长款: WeChat alone has it.
    OnlyWechat,
    /// We alone have it.
    OnlyOurs,
    /// 短款: the hospital alone has it.
    OnlyHis,
    /// WeChat and the hospital have it, we do not.
    MissingInOurs,
    /// We and the hospital have it, WeChat does not.
    MissingAtWechat,
    /// WeChat and we have it, the hospital does not and must.
    MissingAtHis,
    /// All have it, and the hospital must not.
    UnexpectedAtHis,
    /// All who must have it do, with different amounts.
    Amount,
    /// The amounts agree, and WeChat says that the money did not arrive.
    State,
    /// One side has the same number twice.
    Twice,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::OnlyWechat,
        Self::OnlyOurs,
        Self::OnlyHis,
        Self::MissingInOurs,
        Self::MissingAtWechat,
        Self::MissingAtHis,
        Self::UnexpectedAtHis,
        Self::Amount,
        Self::State,
        Self::Twice,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OnlyWechat => "only_wechat",
            Self::OnlyOurs => "only_ours",
            Self::OnlyHis => "only_his",
            Self::MissingInOurs => "missing_in_ours",
            Self::MissingAtWechat => "missing_at_wechat",
            Self::MissingAtHis => "missing_at_his",
            Self::UnexpectedAtHis => "unexpected_at_his",
            Self::Amount => "amount",
            Self::State => "state",
            Self::Twice => "twice",
        }
    }
}

/// The text names no class or no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a difference")]
pub struct NameError;

impl FromStr for Class {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|class| class.code() == text).ok_or(NameError)
    }
}

/// The name of a difference within its day: what is wrong, and a hash of kind and number. Numbers of other systems may
/// hold anything; a hash is safe in keys and paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DifferenceId {
    /// What is wrong.
    pub class: Class,
    hash: u128,
}

impl fmt::Display for DifferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}", self.class.code(), self.hash)
    }
}

impl FromStr for DifferenceId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (class, hash) = text.rsplit_once('-').ok_or(NameError)?;
        let hex = hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let hash = u128::from_str_radix(hash, 16).ok().filter(|_| hex).ok_or(NameError)?;
        Ok(Self { class: class.parse()?, hash })
    }
}

impl TryFrom<String> for DifferenceId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<DifferenceId> for String {
    fn from(id: DifferenceId) -> String {
        id.to_string()
    }
}

/// Entries of one kind: how many, and how much in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Fen in all; a day's sum may be more than one payment can be.
    pub total_fen: i64,
}

impl Sum {
    fn add(&mut self, amount: Fen) {
        self.count += 1;
        self.total_fen = self.total_fen.saturating_add(amount.get());
    }
}

/// What one side moved on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// In.
    pub payments: Sum,
    /// Back.
    pub refunds: Sum,
}

impl Totals {
    fn add(&mut self, kind: Kind, amount: Fen) {
        match kind {
            Kind::Payment => self.payments.add(amount),
            Kind::Refund => self.refunds.add(amount),
        }
    }

    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        self.payments.count == 0 && self.refunds.count == 0
    }
}

/// One entry the sides do not agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name within the day.
    pub id: DifferenceId,
    /// Which way.
    pub kind: Kind,
    /// `out_trade_no` or `out_refund_no`.
    pub number: String,
    /// What each side says; absent where it has no such entry. Of an entry that is there twice, the last in value.
    pub amounts: PerSide<Option<Fen>>,
    /// The closed day the money moved on, when we booked it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_for: Option<Date>,
}

impl Difference {
    /// What is wrong.
    pub fn class(&self) -> Class {
        self.id.class
    }
}
