//! Reconciled days and their differences.
//!
//! | pk | sk |
//! |---|---|
//! | `RECON#date` | `SELF` · `DIFF#class-hash` |
//!
//! Every move of a day is conditional on its version, every move of a difference on its own and on its day being open:
//! nothing of a closed day changes.

use crate::due;
use crate::key::{Key, SELF};
use crate::table::{Item, StoreError, Table, Write, from_item, to_item};
use crate::transaction::part;
use domain::Timestamp;
use domain::civil::Date;
use domain::reconciliation::day::{Day, DayError, SignOff};
use domain::reconciliation::worklist::{Case, CaseError, last_resolver};
use domain::reconciliation::{Difference, DifferenceId};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};

/// The prefix of the partition of a day.
pub const DAY_PREFIX: &str = "RECON#";
const CASE_PREFIX: &str = "DIFF#";
/// Days read or differences written at one time.
const CONCURRENCY: usize = 16;
/// How often a move is taken again when somebody else wrote in between.
const MOVE_TRIES_MAX: u32 = 5;

/// The condition that a day exists and is open; its values come from [`with_closed_states`].
pub(crate) const OPEN: &str = "attribute_exists(pk) AND NOT #state IN (:balanced, :signed)";

/// Gives a request the names and values of [`OPEN`].
macro_rules! with_closed_states {
    ($request:expr) => {
        $request
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":balanced", $crate::table::text("balanced_closed"))
            .expression_attribute_values(":signed", $crate::table::text("signed_off"))
    };
}
pub(crate) use with_closed_states;

/// Why a day did not move.
#[derive(Debug, thiserror::Error)]
pub enum DayFailed {
    /// There is none.
    #[error("no such day")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] DayError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a difference did not move.
#[derive(Debug, thiserror::Error)]
pub enum CaseFailed {
    /// There is none.
    #[error("no such difference")]
    NotFound,
    /// Its day is closed.
    #[error("the day is closed")]
    DayClosed,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] CaseError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) fn day_key(date: Date) -> Key {
    Key::new(format!("{DAY_PREFIX}{date}"), SELF)
}

fn case_key(date: Date, id: DifferenceId) -> Key {
    Key::new(day_key(date).pk, format!("{CASE_PREFIX}{id}"))
}

fn day_item(day: &Day) -> Result<Item, StoreError> {
    let key = day_key(day.date);
    let mut item = to_item(&key, day)?;
    due::stamp(&mut item, &key.pk, &day.deadlines);
    Ok(item)
}

fn case_item(date: Date, case: &Case) -> Result<Item, StoreError> {
    to_item(&case_key(date, case.difference.id), case)
}

impl Table {
    /// A day; none before it was due for the first time.
    pub async fn reconciliation_day(&self, date: Date) -> Result<Option<Day>, StoreError> {
        self.get(&day_key(date)).await
    }

    /// The day at a key of the time index.
    pub async fn reconciliation_day_at(&self, key: &Key) -> Result<Option<Day>, StoreError> {
        self.get(key).await
    }

    /// Those of `dates` that there are, in their order.
    pub async fn reconciliation_days(&self, dates: &[Date]) -> Result<Vec<Day>, StoreError> {
        let reads: Vec<_> = dates.iter().map(|date| self.reconciliation_day(*date)).collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENCY).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Makes sure that the day will be compared; the day as it is.
    pub async fn create_reconciliation_day(&self, date: Date) -> Result<Day, StoreError> {
        if let Some(day) = self.reconciliation_day(date).await? {
            return Ok(day);
        }
        let day = Day::due(date);
        match self.put_new(day_item(&day)?).await? {
            Write::Done => Ok(day),
            Write::Refused(existing) => existing.map_or(Err(StoreError::Contended), from_item),
        }
    }

    /// Moves a day by the rules.
    pub async fn move_reconciliation_day(
        &self,
        date: Date,
        decide: impl Fn(&Day) -> Result<Day, DayError>,
    ) -> Result<Day, DayFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.reconciliation_day(date).await?.ok_or(DayFailed::NotFound)?;
            let after = decide(&seen)?;
            if self.put_versioned(day_item(&after)?, seen.ver).await?.is_done() {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Ends a run with what it made of the day it `held`; refused when the day, or a book of it, was written since.
    pub async fn end_reconciliation(&self, held: &Day, after: &Day) -> Result<Write, StoreError> {
        self.put_versioned(day_item(after)?, held.ver).await
    }

    /// Signs a day off. The day is read before its differences: a run in between is noticed.
    pub async fn sign_off_reconciliation(&self, date: Date, by: &str, now: Timestamp) -> Result<Day, DayFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.reconciliation_day(date).await?.ok_or(DayFailed::NotFound)?;
            let cases = self.reconciliation_cases(date).await?;
            let open = cases.iter().filter(|case| case.is_open()).count();
            let after = seen.signed_off(SignOff { by, open, last_resolver: last_resolver(&cases) }, now)?;
            if self.put_versioned(day_item(&after)?, seen.ver).await?.is_done() {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// All differences any run found on a day, by class.
    pub async fn reconciliation_cases(&self, date: Date) -> Result<Vec<Case>, StoreError> {
        self.query(&day_key(date).pk, CASE_PREFIX, i32::MAX).await
    }

    /// Writes down what a run found: new, still there, or, when the run saw `all`, gone by itself.
    pub async fn file_differences(&self, day: &Day, found: &[Difference], all: bool) -> Result<(), StoreError> {
        let known = self.reconciliation_cases(day.date).await?;
        let known: BTreeMap<_, _> = known.iter().map(|case| (case.difference.id, case)).collect();
        let seen: BTreeSet<_> = found.iter().map(|difference| difference.id).collect();
        let missing = known.values().filter(|case| all && case.is_open() && !seen.contains(&case.difference.id));
        let gone: Vec<_> = missing.map(|case| self.file_gone(day, case)).collect();
        let still: Vec<_> = found.iter().map(|new| self.file_found(day, new, known.get(&new.id).copied())).collect();
        stream::iter(gone).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        stream::iter(still).buffer_unordered(CONCURRENCY).try_collect::<()>().await
    }

    async fn file_found(&self, day: &Day, found: &Difference, known: Option<&Case>) -> Result<(), StoreError> {
        let mut known = known.cloned();
        for _ in 0..MOVE_TRIES_MAX {
            let seen = known.as_ref().map_or(0, |case| case.ver);
            let case = match &known {
                Some(case) => case.found_again(found.clone(), day.run),
                None => Case::found(found.clone(), day.run),
            };
            if self.put_versioned(case_item(day.date, &case)?, seen).await?.is_done() {
                return Ok(());
            }
            known = self.get(&case_key(day.date, found.id)).await?;
        }
        Err(StoreError::Contended)
    }

    async fn file_gone(&self, day: &Day, known: &Case) -> Result<(), StoreError> {
        let mut known = known.clone();
        for _ in 0..MOVE_TRIES_MAX {
            // Resolved in between: it stays as people left it.
            let Ok(gone) = known.gone() else { return Ok(()) };
            if self.put_versioned(case_item(day.date, &gone)?, known.ver).await?.is_done() {
                return Ok(());
            }
            let again = self.get(&case_key(day.date, known.difference.id)).await?;
            known = again.ok_or(StoreError::Contended)?;
        }
        Err(StoreError::Contended)
    }

    /// Moves a difference by the rules, if its day is open.
    pub async fn move_reconciliation_case(
        &self,
        date: Date,
        id: DifferenceId,
        decide: impl Fn(&Case) -> Result<Case, CaseError>,
    ) -> Result<Case, CaseFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen: Case = self.get(&case_key(date, id)).await?.ok_or(CaseFailed::NotFound)?;
            let after = decide(&seen)?;
            let put = part!(self.putting_versioned(case_item(date, &after)?, seen.ver), put)?;
            let check = self.checking(&day_key(date)).condition_expression(OPEN);
            let outcome = self.write_together(vec![put, part!(with_closed_states!(check), condition_check)?]).await?;
            if outcome.refused_at(1) {
                return Err(CaseFailed::DayClosed);
            }
            if !outcome.refused_at(0) {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }
}
