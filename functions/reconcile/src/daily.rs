//! One day: take it, compare the three books, write down what differs, end it.
//!
//! Two passes over the books (`domain::reconciliation::matcher`): each side is read as a stream, none is ever held. What
//! cannot be compared now is tried again, later and later.

use domain::Timestamp;
use domain::civil::Date;
use domain::due::Deadline;
use domain::id::OutTradeNo;
use domain::reconciliation::day::{ALARM_TRIES, Day, DayError, Delay};
use domain::reconciliation::matcher::{BooksChanged, Comparison, Differing, Matcher};
use domain::reconciliation::{Class, DIFFERENCES_MAX, Difference, Entry, Kind, Side};
use runtime::Desk;
use store::books::{BOOK_SHARDS, BookLine};
use store::key::Key;
use store::reconciliation::DayFailed;
use store::{StoreError, Table};

/// Orders WeChat is asked about in one run: a bill that knows more than this of what we do not is no matter of lost
/// notifications, and WeChat's limits are for patients who pay.
const REPAIRS_MAX: usize = 200;

/// The book of another party, as often as asked.
pub trait Book {
    /// Shows every entry; why that is not possible otherwise.
    fn each(&self, see: &mut dyn FnMut(&Entry<'_>)) -> Result<(), Delay>;
}

/// What is outside of our own books.
pub trait Outside {
    /// WeChat's bill; none when it says that nothing was traded.
    fn bill(&self, date: Date, now: Timestamp) -> impl Future<Output = Result<Option<impl Book>, Delay>>;

    /// The hospital's file.
    fn his_file(&self, date: Date, now: Timestamp) -> impl Future<Output = Result<impl Book, Delay>>;

    /// Lets the order of this number, if it is ours, learn from WeChat that it was paid, as a notification would have;
    /// true when it did.
    fn repair(&self, number: &OutTradeNo, now: Timestamp) -> impl Future<Output = bool>;
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// The day was compared.
    Compared,
    /// It could not be; it stays due.
    Delayed,
    /// Somebody else has it, or had it.
    NotDue,
}

/// Compares the day at `key` if it is due.
pub async fn run(desk: &Desk, outside: &impl Outside, key: &Key) -> Result<Ran, StoreError> {
    let now = desk.clock.now();
    let Some(seen) = desk.table.reconciliation_day_at(key).await? else { return Ok(Ran::NotDue) };
    let day = match desk.table.move_reconciliation_day(seen.date, |day| day.begun(now)).await {
        Ok(day) => day,
        Err(DayFailed::Refused(_) | DayFailed::NotFound) => return Ok(Ran::NotDue),
        Err(DayFailed::Store(error)) => return Err(error),
    };
    let outcome = match compare(&desk.table, outside, &day, now).await {
        Ok(comparison) => end(desk, &day, comparison).await,
        Err(why) => Err(why),
    };
    match outcome {
        Ok(()) => Ok(Ran::Compared),
        Err(why) => delay(desk, &day, why).await,
    }
}

async fn compare(table: &Table, outside: &impl Outside, day: &Day, now: Timestamp) -> Result<Comparison, Delay> {
    let bill = outside.bill(day.date, now).await?;
    let his = outside.his_file(day.date, now).await?;
    let mut matcher = Matcher::default();
    if let Some(bill) = &bill {
        bill.each(&mut |entry| matcher.see(Side::Wechat, entry))?;
    }
    his.each(&mut |entry| matcher.see(Side::His, entry))?;
    each_line(table, day.date, |line| matcher.see(Side::Ours, &line.entry())).await?;
    if bill.is_none() && !matcher.totals().ours.is_empty() {
        return Err(Delay::BillMissing);
    }
    let mut differing = matcher.differing();
    if !differing.is_empty() {
        explain(table, day.date, &mut differing, bill.as_ref(), &his).await?;
    }
    let comparison = differing.finish().map_err(|BooksChanged(_)| Delay::BooksChanged)?;
    if repair(outside, day, &comparison.differences, now).await {
        return Err(Delay::BooksChanged);
    }
    Ok(comparison)
}

async fn explain(
    table: &Table,
    date: Date,
    differing: &mut Differing,
    bill: Option<&impl Book>,
    his: &impl Book,
) -> Result<(), Delay> {
    if let Some(bill) = bill {
        bill.each(&mut |entry| differing.explain(entry))?;
    }
    his.each(&mut |entry| differing.explain(entry))?;
    each_line(table, date, |line| differing.explain(&line.entry())).await
}

/// Our own books, page by page.
async fn each_line(table: &Table, date: Date, mut see: impl FnMut(&BookLine)) -> Result<(), Delay> {
    for shard in 0..BOOK_SHARDS {
        let mut start = None;
        loop {
            let page = table.book_page(date, shard, start.as_deref()).await.map_err(unanswered)?;
            page.lines.iter().for_each(&mut see);
            start = page.next;
            if start.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Payments WeChat alone knows whose order is ours: a notification was lost, and the bill stands in for it. True when
/// that changed our books, so that the day has to be compared again; once, lest an order that does not follow holds
/// its day up for ever.
async fn repair(outside: &impl Outside, day: &Day, differences: &[Difference], now: Timestamp) -> bool {
    if day.delay == Some(Delay::BooksChanged) {
        return false;
    }
    let unknown_to_us = |found: &&Difference| {
        matches!(found.class(), Class::OnlyWechat | Class::MissingInOurs) && found.kind == Kind::Payment
    };
    let mut repaired = false;
    for found in differences.iter().filter(unknown_to_us).take(REPAIRS_MAX) {
        // A number that cannot be ours belongs to another system of the merchant.
        let Ok(number) = found.number.parse::<OutTradeNo>() else { continue };
        repaired |= outside.repair(&number, now).await;
    }
    repaired
}

async fn end(desk: &Desk, day: &Day, comparison: Comparison) -> Result<(), Delay> {
    let Comparison { summary, differences } = comparison;
    let all = usize::try_from(summary.differences()).is_ok_and(|found| found <= DIFFERENCES_MAX);
    desk.table.file_differences(day, &differences, all).await.map_err(unanswered)?;
    let found = summary.differences();
    let after = day.compared(summary, desk.clock.now()).map_err(|_| Delay::BooksChanged)?;
    if !desk.table.end_reconciliation(day, &after).await.map_err(unanswered)?.is_done() {
        return Err(Delay::BooksChanged);
    }
    if found == 0 {
        tracing::info!(date = %day.date, run = day.run, "the day balances and is closed");
    } else {
        tracing::error!(alarm = "reconciliation_differences", date = %day.date, run = day.run, found, "books differ");
    }
    Ok(())
}

/// Gives the day back. A booking may have written it since; only the same run may.
async fn delay(desk: &Desk, held: &Day, why: Delay) -> Result<Ran, StoreError> {
    let now = desk.clock.now();
    let give_back = |day: &Day| if day.run == held.run { day.delayed(why, now) } else { Err(DayError::NotDue) };
    match desk.table.move_reconciliation_day(held.date, give_back).await {
        Ok(day) if day.tries >= ALARM_TRIES => {
            tracing::error!(alarm = "reconciliation_delayed", date = %day.date, tries = day.tries, ?why, "cannot be compared");
        }
        Ok(day) => {
            let again_at = day.deadlines.get(Deadline::Reconcile);
            tracing::warn!(date = %day.date, tries = day.tries, ?why, ?again_at, "cannot be compared yet");
        }
        Err(DayFailed::Store(error)) => return Err(error),
        Err(DayFailed::NotFound | DayFailed::Refused(_)) => return Ok(Ran::NotDue),
    }
    Ok(Ran::Delayed)
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn unanswered(error: StoreError) -> Delay {
    tracing::error!(%error, "the table does not answer");
    Delay::TableUnavailable
}
