//! A report that is known by several numbers: by that of who asked for it and by that of who makes it. Whichever a message
//! carries, it is one report here. Ids only: numbers stand in what is sealed.

use crate::key::Key;
use crate::reports::kept_until;
use crate::table::{Item, StoreError, Table, Write, from_item, number, to_item};
use domain::Timestamp;
use domain::id::ReportId;
use serde::{Deserialize, Serialize};

/// Under a number: the report it means.
const MEANS: &str = "MEANS";
/// Under a report that was asked for: the number its results come under.
const COMES_AS: &str = "COMES_AS";

#[derive(Serialize, Deserialize)]
struct Named {
    report: ReportId,
}

fn item_of(id: &ReportId, kind: &str, report: &ReportId, now: Timestamp) -> Result<Item, StoreError> {
    let mut item = to_item(&Key::new(Key::report(id).pk, kind.to_owned()), &Named { report: report.clone() })?;
    item.insert("ttl".into(), number(kept_until(now).as_second()));
    Ok(item)
}

impl Table {
    /// The report that a number means; `number` is the id it would have under that number.
    pub async fn report_meant(&self, number: &ReportId) -> Result<Option<ReportId>, StoreError> {
        let named: Option<Named> = self.get(&Key::new(Key::report(number).pk, MEANS.to_owned())).await?;
        Ok(named.map(|named| named.report))
    }

    /// A number means a report from now on. Harmless to repeat.
    pub async fn mean_report(&self, number: &ReportId, report: &ReportId, now: Timestamp) -> Result<(), StoreError> {
        self.put(item_of(number, MEANS, report, now)?).await
    }

    /// The results of what was asked for come under a number; false when they come under another one.
    pub async fn claim_report(&self, asked: &ReportId, number: &ReportId, now: Timestamp) -> Result<bool, StoreError> {
        match self.put_new(item_of(asked, COMES_AS, number, now)?).await? {
            Write::Done => Ok(true),
            Write::Refused(Some(before)) => Ok(from_item::<Named>(before)?.report == *number),
            Write::Refused(None) => Ok(false),
        }
    }
}
