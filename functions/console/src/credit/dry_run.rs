//! Who would be banned under another policy now: the same facts, judged by other rules (E56).

use super::views::{DryRunView, PersonView};
use crate::{Action, App, body};
use domain::credit::{CreditPolicy, Judge};
use futures_util::{StreamExt, TryStreamExt, stream};
use runtime::Refusal;
use runtime::http::Call;
use serde::Deserialize;
use store::credit::{ON_RECORD_MAX, OnRecord};
use web::Response;

/// Records read at one time.
const READS_AT_ONCE: usize = 32;
/// People named in the answer; more are counted only.
const NAMED_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DryRunRequest {
    policy: CreditPolicy,
}

/// How one person stands under both.
struct Compared {
    person: OnRecord,
    was: bool,
    would_be: bool,
}

pub(crate) async fn dry_run(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let DryRunRequest { policy } = body::json(call)?;
    let profile = app.profile().await?;
    let now_in_force = profile.judge();
    let proposed = Judge::new(&policy, profile.cancel, &profile.calendar);
    let people = app.desk.table.on_record().await?;
    let is_complete = i32::try_from(people.len()).is_ok_and(|count| count < ON_RECORD_MAX);
    let compare = |person: OnRecord| async {
        let record = app.desk.table.gate(&person.patient).await?.record;
        let is_banned = |judge: &Judge<'_>| !judge.standing(&record, call.now).bans.is_empty();
        let (was, would_be) = (is_banned(&now_in_force), is_banned(&proposed));
        Ok::<_, store::StoreError>(Compared { person, was, would_be })
    };
    let compared: Vec<Compared> = stream::iter(people).map(compare).buffered(READS_AT_ONCE).try_collect().await?;
    let view = view_of(&compared, is_complete);
    app.desk.note(call, "credit_dry_run", "credit").await?;
    Ok(call.show(&view))
}

fn view_of(compared: &[Compared], is_complete: bool) -> DryRunView {
    let count = |test: fn(&Compared) -> bool| compared.iter().filter(|one| test(one)).count();
    let named = |test: fn(&Compared) -> bool| {
        let people = compared.iter().filter(|one| test(one)).take(NAMED_MAX);
        people.map(|one| PersonView::of(&one.person)).collect()
    };
    DryRunView {
        people: compared.len(),
        is_complete,
        banned_now: count(|one| one.was),
        would_be_banned: count(|one| one.would_be),
        newly_banned: named(|one| one.would_be && !one.was),
        no_longer_banned: named(|one| one.was && !one.would_be),
        banned: named(|one| one.would_be),
    }
}
