//! Comparing three books in two passes, in little memory.
//!
//! The first pass keeps 32 bytes per number, whatever the books hold; the second collects the texts of those numbers
//! alone that do not agree. A million entries a side fit in 256 MB with room to spare. The order of entries never
//! matters.

use super::{Class, DIFFERENCES_MAX, Difference, DifferenceId, Entry, Kind, PerSide, Side, Standing, Totals};
use crate::money::{FEN_MAX, Fen};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Characters kept of a number of another system, whose shape nobody knows.
const NUMBER_CHARS_MAX: usize = 64;
/// WeChat closed it: no money moved.
const CLOSED: u8 = 1;
/// WeChat could not bring the money where it belongs.
const ABNORMAL: u8 = 2;
/// We know that the hospital must not have it.
const NOT_FOR_HIS: u8 = 4;

/// An amount fits 32 bits.
const _: () = assert!(FEN_MAX < 1 << 32);
/// What there are a million of stays small.
const _: () = assert!(size_of::<Tally>() == 16);

/// What all sides say of one number, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    fen: PerSide<u32>,
    count: PerSide<u8>,
    marks: u8,
}

impl Tally {
    fn see(&mut self, side: Side, entry: &Entry<'_>) {
        self.marks |= match entry.standing {
            Standing::Moved => 0,
            Standing::Closed => CLOSED,
            Standing::Abnormal => ABNORMAL,
            Standing::NotForHis => NOT_FOR_HIS,
        };
        if entry.standing == Standing::Closed {
            return;
        }
        let count = self.count.get_mut(side);
        *count = count.saturating_add(1);
        // The larger of two, so that their order does not matter.
        let fen = self.fen.get_mut(side);
        *fen = (*fen).max(u32::try_from(entry.amount.get()).unwrap_or(u32::MAX));
    }

    fn has(&self, side: Side) -> bool {
        *self.count.get(side) > 0
    }

    fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    fn amount(&self, side: Side) -> Option<Fen> {
        Fen::new(i64::from(*self.fen.get(side))).ok().filter(|_| self.has(side))
    }

    /// What is wrong, if anything.
    fn class(&self) -> Option<Class> {
        if Side::ALL.iter().any(|side| *self.count.get(*side) > 1) {
            return Some(Class::Twice);
        }
        let mut amounts = Side::ALL.iter().filter_map(|side| self.amount(*side));
        let first = amounts.next()?;
        let same = amounts.all(|amount| amount == first);
        // A free visit: where it is written down does not matter.
        if same && first.is_zero() {
            return None;
        }
        match (self.has(Side::Wechat), self.has(Side::Ours), self.has(Side::His)) {
            (false, _, _) if self.is(CLOSED) => Some(Class::State),
            (true, false, false) => Some(Class::OnlyWechat),
            (false, true, false) => Some(Class::OnlyOurs),
            (false, false, _) => Some(Class::OnlyHis),
            (true, false, true) => Some(Class::MissingInOurs),
            (false, true, true) => Some(Class::MissingAtWechat),
            (true, true, false) if !self.is(NOT_FOR_HIS) => Some(Class::MissingAtHis),
            (true, true, true) if self.is(NOT_FOR_HIS) => Some(Class::UnexpectedAtHis),
            (true, true, _) if !same => Some(Class::Amount),
            (true, true, _) => self.is(ABNORMAL).then_some(Class::State),
        }
    }
}

/// The 128 bits a number is known by. SHA-256, because foreign systems choose numbers too: no two may be made to meet.
fn hash(kind: Kind, number: &str) -> u128 {
    let text = Sha256::new().chain_update(kind.code()).chain_update([0]).chain_update(number);
    let digest: [u8; 32] = text.finalize().into();
    digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// First pass: takes every entry of every side.
#[derive(Debug, Default)]
pub struct Matcher {
    // A tree, not a hash table: it grows without ever being held twice.
    tallies: BTreeMap<u128, Tally>,
    totals: PerSide<Totals>,
}

impl Matcher {
    /// Takes one entry of `side`.
    pub fn see(&mut self, side: Side, entry: &Entry<'_>) {
        self.tallies.entry(hash(entry.kind, entry.number)).or_default().see(side, entry);
        if entry.standing != Standing::Closed {
            self.totals.get_mut(side).add(entry.kind, entry.amount);
        }
    }

    /// What each side moved so far.
    pub fn totals(&self) -> &PerSide<Totals> {
        &self.totals
    }

    /// Lets go of everything that agrees.
    pub fn differing(self) -> Differing {
        let mut counts = BTreeMap::new();
        let mut unlike = BTreeMap::new();
        for (hash, tally) in self.tallies {
            let Some(class) = tally.class() else { continue };
            *counts.entry(class).or_insert(0) += 1;
            // By hash, so that which ones are kept does not depend on the order of entries.
            if unlike.len() < DIFFERENCES_MAX {
                unlike.insert(hash, Unlike { class, tally, text: None, late_for: None });
            }
        }
        Differing { unlike, summary: Summary { totals: self.totals, counts } }
    }
}

/// One number that does not agree.
#[derive(Debug)]
struct Unlike {
    class: Class,
    tally: Tally,
    text: Option<(Kind, String)>,
    late_for: Option<Date>,
}

/// What a comparison found, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What each side moved.
    pub totals: PerSide<Totals>,
    /// How many differences of each class, also of those that are too many to be written down.
    pub counts: BTreeMap<Class, u64>,
}

impl Summary {
    /// Differences in all.
    pub fn differences(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// In figures.
    pub summary: Summary,
    /// One by one, by class, kind and number; at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
}

/// A difference of the first pass did not come by in the second: a book changed in between. Compare again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} numbers of the first pass were missing in the second")]
pub struct BooksChanged(pub usize);

/// Second pass: takes every entry once more and keeps the texts of what differs.
#[derive(Debug)]
pub struct Differing {
    unlike: BTreeMap<u128, Unlike>,
    summary: Summary,
}

impl Differing {
    /// Whether everything agrees, so that no second pass is needed.
    pub fn is_empty(&self) -> bool {
        self.unlike.is_empty()
    }

    /// Takes one entry of any side.
    pub fn explain(&mut self, entry: &Entry<'_>) {
        let Some(unlike) = self.unlike.get_mut(&hash(entry.kind, entry.number)) else { return };
        let kept = || (entry.kind, entry.number.chars().take(NUMBER_CHARS_MAX).collect());
        unlike.text.get_or_insert_with(kept);
        unlike.late_for = unlike.late_for.max(entry.late_for);
    }

    /// What was found.
    pub fn finish(self) -> Result<Comparison, BooksChanged> {
        let found = self.unlike.len();
        let mut differences: Vec<_> = self.unlike.into_iter().filter_map(difference).collect();
        if differences.len() < found {
            return Err(BooksChanged(found - differences.len()));
        }
        differences.sort_by(|a, b| (a.class(), a.kind, &a.number).cmp(&(b.class(), b.kind, &b.number)));
        Ok(Comparison { summary: self.summary, differences })
    }
}

fn difference((hash, unlike): (u128, Unlike)) -> Option<Difference> {
    let (kind, number) = unlike.text?;
    let amounts = PerSide::from_fn(|side| unlike.tally.amount(side));
    let id = DifferenceId { class: unlike.class, hash };
    Some(Difference { id, kind, number, amounts, late_for: unlike.late_for })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    type Row = (Side, Kind, u8, i64, Standing);

    fn entry<'a>(row: &Row, number: &'a str) -> Entry<'a> {
        let amount = Fen::new(row.3).unwrap();
        Entry { kind: row.1, number, amount, standing: row.4, late_for: None }
    }

    fn compare(rows: &[Row]) -> Comparison {
        let numbered: Vec<_> = rows.iter().map(|row| (row, format!("N{}", row.2))).collect();
        let mut matcher = Matcher::default();
        for (row, number) in &numbered {
            matcher.see(row.0, &entry(row, number));
        }
        let mut differing = matcher.differing();
        for (row, number) in &numbered {
            differing.explain(&entry(row, number));
        }
        differing.finish().unwrap()
    }

    fn classes(rows: &[Row]) -> Vec<Class> {
        compare(rows).differences.iter().map(Difference::class).collect()
    }

    fn payment(side: Side, fen: i64) -> Row {
        (side, Kind::Payment, 1, fen, Standing::Moved)
    }

    fn refund(side: Side, standing: Standing) -> Row {
        (side, Kind::Refund, 1, 100, standing)
    }

    #[test]
    fn each_way_to_differ_has_a_class_of_its_own() {
        use Side::{His, Ours, Wechat};
        let all = [payment(Wechat, 100), payment(Ours, 100), payment(His, 100)];
        let [wechat, ours, his] = all;
        let not_for_his = (Ours, Kind::Payment, 1, 100, Standing::NotForHis);
        assert_eq!(classes(&all), []);
        assert_eq!(classes(&[wechat, not_for_his]), []);
        assert_eq!(classes(&[wechat]), [Class::OnlyWechat]);
        assert_eq!(classes(&[ours]), [Class::OnlyOurs]);
        assert_eq!(classes(&[his]), [Class::OnlyHis]);
        assert_eq!(classes(&[wechat, his]), [Class::MissingInOurs]);
        assert_eq!(classes(&[ours, his]), [Class::MissingAtWechat]);
        assert_eq!(classes(&[wechat, ours]), [Class::MissingAtHis]);
        assert_eq!(classes(&[wechat, not_for_his, his]), [Class::UnexpectedAtHis]);
        assert_eq!(classes(&[wechat, ours, payment(His, 101)]), [Class::Amount]);
        assert_eq!(classes(&[wechat, wechat, ours, his]), [Class::Twice]);
    }

    #[test]
    fn a_refund_that_did_not_arrive_is_a_difference_of_state() {
        use Side::{His, Ours, Wechat};
        use Standing::{Abnormal, Closed, Moved};
        let theirs = [refund(Ours, Moved), refund(His, Moved)];
        assert_eq!(classes(&[refund(Wechat, Abnormal), theirs[0], theirs[1]]), [Class::State]);
        assert_eq!(classes(&[refund(Wechat, Closed), theirs[0], theirs[1]]), [Class::State]);
        assert_eq!(classes(&[refund(Wechat, Closed)]), [], "nothing moved anywhere");
        assert!(compare(&[refund(Wechat, Closed)]).summary.totals.wechat.is_empty());
    }

    #[test]
    fn a_free_visit_is_no_money_wherever_it_is_written() {
        assert_eq!(classes(&[payment(Side::His, 0)]), []);
        assert_eq!(classes(&[payment(Side::His, 0), payment(Side::Wechat, 1)]), [Class::MissingInOurs]);
    }

    #[test]
    fn a_payment_and_a_refund_of_the_same_number_are_two_things() {
        let rows = [payment(Side::Wechat, 100), refund(Side::Wechat, Standing::Moved)];
        assert_eq!(compare(&rows).summary.counts, BTreeMap::from([(Class::OnlyWechat, 2)]));
    }

    #[test]
    fn too_many_differences_are_counted_and_not_kept() {
        let mut matcher = Matcher::default();
        let numbers: Vec<_> = (0..=DIFFERENCES_MAX).map(|n| n.to_string()).collect();
        let row = payment(Side::His, 100);
        for number in &numbers {
            matcher.see(Side::His, &entry(&row, number));
        }
        let mut differing = matcher.differing();
        for number in &numbers {
            differing.explain(&entry(&row, number));
        }
        let comparison = differing.finish().unwrap();
        assert_eq!(comparison.differences.len(), DIFFERENCES_MAX);
        assert_eq!(comparison.summary.differences(), 10_001);
    }

    #[test]
    fn a_book_that_changes_between_the_passes_is_noticed() {
        let mut matcher = Matcher::default();
        matcher.see(Side::His, &entry(&payment(Side::His, 100), "gone"));
        assert_eq!(matcher.differing().finish(), Err(BooksChanged(1)));
    }

    #[test]
    fn a_difference_is_named_by_class_and_hash() {
        let found = compare(&[payment(Side::Wechat, 100)]).differences.remove(0);
        let name = found.id.to_string();
        assert!(name.starts_with("only_wechat-") && name.len() == "only_wechat-".len() + 32, "{name}");
        assert_eq!(name.parse(), Ok(found.id));
        for wrong in
            ["", "only_wechat", "other-00000000000000000000000000000000", "amount-+0000000000000000000000000000001"]
        {
            assert!(wrong.parse::<DifferenceId>().is_err(), "{wrong}");
        }
    }

    /// The same question answered without thrift: all rows of a number side by side, and a rule per class.
    fn oracle(rows: &[Row]) -> BTreeMap<(Kind, u8), Class> {
        let numbers: BTreeSet<_> = rows.iter().map(|row| (row.1, row.2)).collect();
        let found = numbers.into_iter().filter_map(|(kind, number)| {
            let of = |side| -> Vec<i64> {
                let same = |row: &&Row| (row.0, row.1, row.2) == (side, kind, number) && row.4 != Standing::Closed;
                rows.iter().filter(same).map(|row| row.3).collect()
            };
            let says = |standing| rows.iter().any(|row| (row.1, row.2, row.4) == (kind, number, standing));
            let (wechat, ours, his) = (of(Side::Wechat), of(Side::Ours), of(Side::His));
            let everything: BTreeSet<i64> = [&wechat, &ours, &his].into_iter().flatten().copied().collect();
            if [&wechat, &ours, &his].iter().any(|side| side.len() > 1) {
                return Some(((kind, number), Class::Twice));
            }
            if everything.is_empty() || everything == BTreeSet::from([0]) {
                return None;
            }
            let class = match (wechat.len(), ours.len(), his.len()) {
                (0, _, _) if says(Standing::Closed) => Class::State,
                (1, 0, 0) => Class::OnlyWechat,
                (0, 1, 0) => Class::OnlyOurs,
                (0, 0, 1) => Class::OnlyHis,
                (1, 0, 1) => Class::MissingInOurs,
                (0, 1, 1) => Class::MissingAtWechat,
                (1, 1, 0) if !says(Standing::NotForHis) => Class::MissingAtHis,
                (1, 1, 1) if says(Standing::NotForHis) => Class::UnexpectedAtHis,
                _ if everything.len() > 1 => Class::Amount,
                _ if says(Standing::Abnormal) => Class::State,
                _ => return None,
            };
            Some(((kind, number), class))
        });
        found.collect()
    }

    fn any_row() -> impl Strategy<Value = Row> {
        let kind = prop_oneof![Just(Kind::Payment), Just(Kind::Refund)];
        let wechat =
            prop_oneof![5 => Just(Standing::Moved), 1 => Just(Standing::Closed), 1 => Just(Standing::Abnormal)];
        let ours = prop_oneof![4 => Just(Standing::Moved), 1 => Just(Standing::NotForHis)];
        let said = prop_oneof![
            wechat.prop_map(|standing| (Side::Wechat, standing)),
            ours.prop_map(|standing| (Side::Ours, standing)),
            Just((Side::His, Standing::Moved)),
        ];
        let amount = prop_oneof![1 => Just(0_i64), 6 => Just(100), 1 => Just(101), 1 => Just(FEN_MAX)];
        (said, kind, 0_u8..12, amount)
            .prop_map(|((side, standing), kind, number, fen)| (side, kind, number, fen, standing))
    }

    proptest! {
        /// Any three books: the differences are those of the oracle, the sums are those of the rows.
        #[test]
        fn finds_what_differs_and_nothing_else(rows in proptest::collection::vec(any_row(), 0..60)) {
            let comparison = compare(&rows);
            let found: BTreeMap<_, _> =
                comparison.differences.iter().map(|found| ((found.kind, found.number.clone()), found.class())).collect();
            let wanted: BTreeMap<_, _> =
                oracle(&rows).into_iter().map(|((kind, number), class)| ((kind, format!("N{number}")), class)).collect();
            prop_assert_eq!(found.len(), comparison.differences.len());
            prop_assert_eq!(found, wanted);
            for side in Side::ALL {
                let moved = rows.iter().filter(|row| row.0 == side && row.4 != Standing::Closed);
                let (count, fen) = moved.fold((0, 0), |(count, fen), row| (count + 1, fen + row.3));
                let totals = comparison.summary.totals.get(side);
                prop_assert_eq!(totals.payments.count + totals.refunds.count, count);
                prop_assert_eq!(totals.payments.total_fen + totals.refunds.total_fen, fen);
            }
        }

        /// In whatever order the rows come.
        #[test]
        fn the_order_of_rows_does_not_matter(
            (rows, shuffled) in proptest::collection::vec(any_row(), 0..40)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
        ) {
            prop_assert_eq!(compare(&rows), compare(&shuffled));
        }
    }
}
