//! What staff did, kept for those who may ask (F80).

use crate::desk::Desk;
use crate::http::Call;
use crate::refusal::Refusal;
use domain::Timestamp;
use domain::id::AuditId;
use std::fmt::Display;
use store::audit::AuditEntry;

impl Desk {
    /// Notes that the caller did `what` (a stable code) to `about` (an opaque id), in the audit and in the log.
    pub async fn note<A>(&self, call: &Call<A>, what: &str, about: impl Display) -> Result<(), Refusal> {
        self.note_by(call.staff()?, what, about, call.now).await
    }

    /// As [`note`](Self::note), for somebody who has no session yet or no longer.
    pub async fn note_by(&self, who: &str, what: &str, about: impl Display, at: Timestamp) -> Result<(), Refusal> {
        let about = about.to_string();
        tracing::info!(who, what, about, "staff action");
        let id = AuditId::from_bytes(self.random.bytes()?);
        let entry = AuditEntry { at, who: who.to_owned(), what: what.to_owned(), about };
        Ok(self.table.put_audit(&entry, &id).await?)
    }
}
