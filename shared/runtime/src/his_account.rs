//! The hospital's own system as its profile describes it: which language for which operation, whose codes, what is kept.

use crate::random::{Random, hex};
use domain::Timestamp;
use domain::his::{CodeEntry, CodeKind, HisCall, HisPolicy};
use his::{CallLog, Hospital, Keys};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use store::{StoreError, Table};

/// Kinds of codes that adapters translate. Items are thousands, and are looked up one by one where they are met.
const TRANSLATED: [CodeKind; 5] =
    [CodeKind::Department, CodeKind::Doctor, CodeKind::DocumentKind, CodeKind::Sex, CodeKind::FeeClass];

/// The hospital at `url`, as the table has it at this moment. A hospital without a profile speaks signed JSON.
pub(crate) async fn hospital(table: &Table, url: &str, keys: Keys) -> Result<Hospital, String> {
    // The reason is only about the table, which is no secret; it is logged where it is known.
    let described = read(table).await.map_err(|error| error.to_string())?;
    let log = Arc::new(TableLog::new(table.clone(), described.0.calls_kept_days));
    Hospital::described(url, keys, described, log).map_err(|error| error.to_string())
}

async fn read(table: &Table) -> Result<(HisPolicy, Vec<CodeEntry>), StoreError> {
    let policy = table.profile().await?.map(|profile| profile.his).unwrap_or_default();
    let mut entries = Vec::new();
    for kind in TRANSLATED {
        entries.extend(table.codes_of(kind).await?);
    }
    Ok((policy, entries))
}

/// Keeps calls and unknown codes in the table.
#[derive(Debug)]
struct TableLog {
    table: Table,
    kept_days: u16,
    started: Instant,
}

impl TableLog {
    fn new(table: Table, kept_days: u16) -> Self {
        Self { table, kept_days, started: Instant::now() }
    }

    async fn put(&self, call: HisCall) {
        let Ok(id) = Random.bytes::<8>() else { return };
        if let Err(error) = self.table.put_his_call(&call, &hex(&id), self.kept_days).await {
            tracing::warn!(%error, operation = call.operation, "a call of the HIS is not kept");
        }
    }

    async fn note(&self, kind: CodeKind, theirs: &str, operation: &str, at: Timestamp) {
        match self.table.note_unknown_code((kind, theirs), operation, at).await {
            Ok(true) => {
                tracing::error!(
                    alarm = "his_code_unknown",
                    kind = kind.as_str(),
                    operation,
                    "a code nobody has mapped"
                );
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, operation, "an unknown code is not noted"),
        }
    }
}

impl CallLog for TableLog {
    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn keep(&self, call: HisCall) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.put(call))
    }

    fn note_unknown<'a>(
        &'a self,
        kind: CodeKind,
        theirs: &'a str,
        operation: &'a str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.note(kind, theirs, operation, at))
    }
}
