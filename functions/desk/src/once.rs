//! A change takes effect once, however often it is sent.

use crate::{Action, App};
use runtime::Refusal;
use runtime::http::Call;
use std::fmt::Display;
use web::form::Fields;

/// A change under its idempotency key.
pub(crate) struct Once {
    hash: String,
}

impl Once {
    /// The change a request asks for. The key comes from the client: sent with another wish, or by somebody else, it is
    /// another change.
    pub(crate) fn of(call: &Call<Action>, fields: &Fields, wish: &[&str]) -> Result<Self, Refusal> {
        let key = call.idempotency_key(fields)?;
        let parts: Vec<_> =
            [call.staff()?, key.as_str(), &call.meta.path].into_iter().chain(wish.iter().copied()).collect();
        Ok(Self { hash: domain::id::hashed_text(&parts) })
    }

    /// Whether it has taken effect already.
    pub(crate) async fn is_done(&self, app: &App) -> Result<bool, Refusal> {
        Ok(app.desk.table.is_done(&self.hash).await?)
    }

    /// Notes that it has, and who did what to which appointment, person or clinic.
    pub(crate) async fn done(
        &self,
        app: &App,
        call: &Call<Action>,
        what: &str,
        about: impl Display,
    ) -> Result<(), Refusal> {
        app.desk.note(call, what, about).await?;
        Ok(app.desk.table.note_done(&self.hash, call.now).await?)
    }
}
