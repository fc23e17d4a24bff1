//! One report: as it counts now, and beside the version before it.

use crate::access::{self, Access};
use crate::list::mark_of;
use crate::views::report::{About, ReportView, title_of};
use crate::views::times::when_text;
use crate::views::versions::{Heading, VersionsView};
use crate::{Action, App};
use domain::id::ReportId;
use domain::report::release::Progress;
use domain::report::{Item, Report, Shown};
use runtime::Refusal;
use runtime::http::Call;
use store::reports::KnownReport;
use store::seal::Keyring;
use web::Response;
use web::problem::Problem;

/// A report and who reads it.
pub(crate) struct Opened {
    pub(crate) access: Access,
    pub(crate) known: KnownReport,
}

impl Opened {
    /// The version that counts.
    pub(crate) fn current(&self) -> Result<&Report, Refusal> {
        self.known.dossier.history.current().ok_or_else(|| Problem::not_found().into())
    }

    /// What of a version the reader sees now.
    pub(crate) fn shown(&self, call: &Call<Action>, report: &Report) -> Result<Shown, Refusal> {
        Ok(call.profile()?.reports.seen_by(report, self.access.reader, self.progress(call), call.now))
    }

    fn progress(&self, call: &Call<Action>) -> Progress {
        self.known.filed.progress_for_reader(call.now)
    }

    /// What its pages know of a report.
    pub(crate) fn about(&self) -> About {
        About {
            report: self.known.filed.id.to_string(),
            patient: self.access.patient.id.to_string(),
            name_masked: self.access.patient.identity.name_masked.clone(),
            is_corrected: self.known.dossier.history.is_corrected(),
        }
    }
}

/// A report by its id. Whose it is decides who reads it; whoever may not learns nothing, not even that it is there.
pub(crate) async fn known(app: &App, call: &Call<Action>, id: &ReportId) -> Result<KnownReport, Refusal> {
    let keys = app.identity.get(call.now).await?;
    app.desk.table.report(&keys, id).await?.ok_or_else(|| Problem::not_found().into())
}

pub(crate) async fn open(app: &App, call: &Call<Action>) -> Result<Result<Opened, Response>, Refusal> {
    let known = known(app, call, &call.params.parse("report")?).await?;
    let entered = access::enter(app, call, &known.filed.patient).await?;
    Ok(entered.map(|access| Opened { access, known }))
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let opened = match open(app, call).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let shown = opened.shown(call, opened.current()?)?;
    let keys = app.identity.get(call.now).await?;
    let trend = |item: &Item| trend_path(&keys, &opened, item);
    // A report whose critical value is still a clinician's to tell has not been read by seeing the rest of it.
    if shown.has_content() && !opened.progress(call).awaits_clinician {
        note_read(app, call, &opened).await?;
    }
    Ok(call.show(&ReportView::of(&shown, opened.about(), &trend)))
}

/// Items that have a course: those with one number. The address names the item by a keyed hash.
fn trend_path(keys: &Keyring, opened: &Opened, item: &Item) -> Option<String> {
    let is_number =
        matches!(item.values.as_slice(), [value] if matches!(value.reading, domain::report::Reading::Quantity(_)));
    let handle = crate::trend::handle_of(keys, &opened.access.patient.id, item)?;
    is_number.then(|| format!("/reports/trend?patient={}&item={handle}", opened.access.patient.id))
}

async fn note_read(app: &App, call: &Call<Action>, opened: &Opened) -> Result<(), Refusal> {
    let filed = &opened.known.filed;
    let Some(line) = opened.known.dossier.line(filed, &call.profile()?.reports.classes) else { return Ok(()) };
    let (table, Access { account, patient, .. }) = (&app.desk.table, &opened.access);
    Ok(table.put_read_mark(account, &patient.id, filed.id.as_str(), &mark_of(&line), call.now).await?)
}

pub(crate) async fn versions(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let opened = match open(app, call).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let history = &opened.known.dossier.history;
    let before = history.replaced().filter(|_| history.is_corrected()).ok_or_else(Problem::not_found)?;
    let (earlier, later) = (opened.shown(call, before)?, opened.shown(call, opened.current()?)?);
    if !later.has_content() {
        return Err(Problem::not_found().into());
    }
    let issued = |report: &Report, word: &str| match &report.times.issued {
        Some(when) => format!("{word}（{}）", when_text(when)),
        None => word.to_owned(),
    };
    let heading = Heading {
        report: opened.known.filed.id.to_string(),
        title: title_of(&later),
        before: issued(&earlier.report, "更正前"),
        after: issued(&later.report, "更正后"),
    };
    Ok(call.show(&VersionsView::of(heading, &earlier.report, &later.report)))
}
