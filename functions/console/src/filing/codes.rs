//! Codes of the hospital's own system.

use super::{Fate, Filed, Mode, Unfiled, all, rows};
use crate::{App, import};
use domain::his::{CodeEntry, CodeKind};
use futures_util::future::try_join_all;
use std::collections::HashMap;

pub(super) async fn file(app: &App, file: &[u8], mode: Mode) -> Result<Filed, Unfiled> {
    let rows = rows(import::codes(file))?;
    let there = try_join_all(CodeKind::ALL.map(|kind| app.desk.table.codes_of(kind))).await?.concat();
    let there: HashMap<_, _> = there.iter().map(|entry| ((entry.kind, entry.theirs.as_str()), entry)).collect();
    let fate = |row: &CodeEntry| match there.get(&(row.kind, row.theirs.as_str())) {
        None => Fate::New,
        Some(entry) if *entry == row => Fate::Unchanged,
        Some(_) => Fate::Changed,
    };
    let fates: Vec<_> = rows.iter().map(fate).collect();
    if mode == Mode::Write {
        let changed = rows.iter().zip(&fates).filter(|(_, fate)| **fate != Fate::Unchanged);
        all(changed.map(|(row, _)| put(app, row)).collect()).await?;
    }
    Ok(Filed::of(fates))
}

async fn put(app: &App, entry: &CodeEntry) -> Result<(), Unfiled> {
    Ok(app.desk.table.put_code(entry).await?)
}
