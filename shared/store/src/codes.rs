//! The codes of the hospital's own system: what they are here, and those nobody has mapped yet.

use crate::key::Key;
use crate::table::{StoreError, Table, from_item, number, text, to_item};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::Timestamp;
use domain::his::{CodeEntry, CodeKind, UnknownCode};

/// The partition of mapped codes.
const CODES: &str = "CODES";
/// The partition of codes nobody has mapped: one, for people work it off.
const UNKNOWN_CODES: &str = "UNKNOWNCODES";
/// Codes of one kind that are read: a hospital's whole price list.
const CODES_MAX: i32 = 50_000;
/// Unknown codes that are shown.
const UNKNOWN_SHOWN_MAX: i32 = 500;

fn sort_key(kind: CodeKind, theirs: &str) -> String {
    format!("{}#{theirs}", kind.as_str())
}

impl Table {
    /// Maps a code, whatever it was before, and takes it off the list of unknown ones.
    pub async fn put_code(&self, entry: &CodeEntry) -> Result<(), StoreError> {
        let sk = sort_key(entry.kind, &entry.theirs);
        self.put(to_item(&Key::new(CODES, &sk), entry)?).await?;
        self.take(&Key::new(UNKNOWN_CODES, sk)).await.map(drop)
    }

    /// Forgets what a code stands for.
    pub async fn remove_code(&self, kind: CodeKind, theirs: &str) -> Result<(), StoreError> {
        self.take(&Key::new(CODES, sort_key(kind, theirs))).await.map(drop)
    }

    /// The mapped codes of a kind, in their order.
    pub async fn codes_of(&self, kind: CodeKind) -> Result<Vec<CodeEntry>, StoreError> {
        self.query(CODES, &sort_key(kind, ""), CODES_MAX).await
    }

    /// Notes that an unknown code was met; whether this is the first time.
    pub async fn note_unknown_code(
        &self,
        (kind, theirs): (CodeKind, &str),
        seen_in: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = Key::new(UNKNOWN_CODES, sort_key(kind, theirs));
        let request =
            self.client.update_item().table_name(&self.name).key("pk", text(&key.pk)).key("sk", text(&key.sk));
        let answer = request
            .update_expression(
                "SET kind = :kind, theirs = :theirs, seen_in = :seen_in, last_at = :at, \
                 first_at = if_not_exists(first_at, :at) ADD times :one",
            )
            .expression_attribute_values(":kind", text(kind.as_str()))
            .expression_attribute_values(":theirs", text(theirs))
            .expression_attribute_values(":seen_in", text(seen_in))
            .expression_attribute_values(":at", number(at.as_second()))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(StoreError::unavailable("update"))?;
        let noted: Option<UnknownCode> = answer.attributes.map(from_item).transpose()?;
        Ok(noted.is_some_and(|noted| noted.times == 1))
    }

    /// Codes nobody has mapped yet.
    pub async fn unknown_codes(&self) -> Result<Vec<UnknownCode>, StoreError> {
        self.query(UNKNOWN_CODES, "", UNKNOWN_SHOWN_MAX).await
    }
}
