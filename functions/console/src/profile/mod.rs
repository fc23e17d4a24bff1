//! The hospital profile: read strictly, checked by rules, replaced as a whole.

mod read;
mod rules;

use crate::views::{ErrorsView, Mistake, ProfileView};
use crate::{Action, App, body};
use runtime::Refusal;
use runtime::desk::PROFILE_AGE_MAX_S;
use runtime::http::Call;
use serde::Serialize;
use web::Response;

/// What is wrong with one field of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where, such as `menu[1].items[0].name`; empty for the whole.
    pub(crate) path: String,
    /// Stable name for machines.
    pub(crate) code: &'static str,
    /// What staff read.
    pub(crate) text: String,
}

impl Mistake for FieldError {
    fn text(&self) -> String {
        format!("{}: {}", self.path, self.text)
    }
}

pub(crate) async fn replace(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let checked = read::profile(body::json_bytes(call)?).and_then(|profile| {
        let errors = rules::errors(&profile, &app.desk.public_url);
        if errors.is_empty() { Ok(profile) } else { Err(errors) }
    });
    let profile = match checked {
        Ok(profile) => profile,
        Err(errors) => {
            tracing::info!(who = call.staff()?, what = "profile_refused", errors = errors.len(), "staff action");
            return Ok(call.show(&ErrorsView::new("profile_errors", errors)));
        }
    };
    app.desk.table.put_profile(&profile).await?;
    app.desk.note(call, "put_profile", "profile").await?;
    Ok(call.show(&ProfileView { name: profile.name, effective_within_s: PROFILE_AGE_MAX_S }))
}
