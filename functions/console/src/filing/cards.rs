//! Visit cards: names, documents and phones are sealed before they are written.

use super::{Fate, Filed, Mode, Unfiled, all, rows};
use crate::App;
use crate::import::{self, CardRow, Problem, RowError};
use domain::{Timestamp, time};
use store::identity::{CardHolder, SealedIdentity};
use store::seal::Keyring;

/// Cards of one file: what is certainly sealed and written within the 29 s an answer may take.
const CARDS_MAX: usize = 5_000;

pub(super) async fn file(app: &App, file: &[u8], mode: Mode, now: Timestamp) -> Result<Filed, Unfiled> {
    let lines = rows(import::cards(file, time::today(now)))?;
    if lines.len() > CARDS_MAX {
        return Err(Unfiled::Rows(vec![RowError::file(Problem::TooManyRows { rows_max: CARDS_MAX })]));
    }
    let keys = app.identity.get(now).await?;
    let fates = all(lines.into_iter().map(|line| file_card(app, &keys, line, mode)).collect()).await?;
    Ok(Filed::of(fates))
}

async fn file_card(app: &App, keys: &Keyring, line: CardRow, mode: Mode) -> Result<Fate, Unfiled> {
    let holder = CardHolder { name: line.name, document: line.document, phone: line.phone };
    let fate = match app.desk.table.card(&line.card).await? {
        None => Fate::New,
        Some(card) if holds(keys, card.holder.as_ref(), &holder)? => Fate::Unchanged,
        Some(card) if card.digital || card.patient.is_some() => Fate::Kept,
        Some(_) => Fate::Changed,
    };
    if mode == Mode::DryRun || matches!(fate, Fate::Unchanged | Fate::Kept) {
        return Ok(fate);
    }
    let sealed = SealedIdentity::seal_holder(keys, &holder, &app.desk.random.identity_nonces()?)?;
    let written = app.desk.table.put_hospital_card(&line.card, sealed).await?;
    // Refused: a patient has bound it in between.
    Ok(if written.is_done() { fate } else { Fate::Kept })
}

fn holds(keys: &Keyring, sealed: Option<&SealedIdentity>, holder: &CardHolder) -> Result<bool, Unfiled> {
    sealed.map_or(Ok(false), |sealed| Ok(sealed.holds(keys, holder)?))
}
