//! Two versions of a report side by side.

use super::{Item, Report};

/// What became of an item between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It says the same.
    Same,
    /// Its value, unit, range or flags differ.
    Changed,
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
}

/// An item before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemChange<'a> {
    /// In the earlier version.
    pub before: Option<&'a Item>,
    /// In the later one.
    pub after: Option<&'a Item>,
    /// What became of it.
    pub change: Change,
}

/// Every item of both versions, in the order of the later one, what is gone last. Items are the same by code (else
/// name) and sub-number; of several alike the first goes with the first.
pub fn changes<'a>(earlier: &'a Report, later: &'a Report) -> Vec<ItemChange<'a>> {
    let mut before: Vec<&Item> = earlier.items().collect();
    let mut found: Vec<ItemChange<'a>> = later
        .items()
        .map(|after| {
            let Some(at) = before.iter().position(|before| is_same_thing(before, after)) else {
                return ItemChange { before: None, after: Some(after), change: Change::Added };
            };
            let before = before.remove(at);
            let change = if says_the_same(before, after) { Change::Same } else { Change::Changed };
            ItemChange { before: Some(before), after: Some(after), change }
        })
        .collect();
    found.extend(before.into_iter().map(|gone| ItemChange {
        before: Some(gone),
        after: None,
        change: Change::Removed,
    }));
    found
}

fn is_same_thing(one: &Item, other: &Item) -> bool {
    let is_same_code = match (one.code.codes().next(), other.code.codes().next()) {
        (Some(code), Some(other)) => code == other,
        _ => one.code.name() == other.code.name(),
    };
    is_same_code && one.sub_id == other.sub_id
}

fn says_the_same(one: &Item, other: &Item) -> bool {
    (&one.values, &one.unit, &one.range_sent, &one.ranges, &one.flags, &one.absent)
        == (&other.values, &other.unit, &other.range_sent, &other.ranges, &other.flags, &other.absent)
}
