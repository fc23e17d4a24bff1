//! One report, several numbers: who asks for it (placer) and who makes it (filler) each give one, and a message may carry
//! either. What was asked for is noted under both; where it carries one number only, and its results the other, they are
//! joined by patient, service and time, if that leaves no doubt.

use crate::{Inbox, is_awaited};
use domain::Timestamp;
use domain::id::{PatientId, ReportId};
use domain::report::{Identifier, Report, ReportKey, When};
use domain::time::add_seconds;
use store::StoreError;
use store::reports::ListedReport;

/// Kinds of number (HL7 table 0203) of who asks and of who makes it.
const PLACER: &str = "PLAC";
const FILLER: &str = "FILL";
/// How long results may take that no number joins with what was asked for, in seconds.
const JOINED_WITHIN_S: i64 = 30 * 24 * 3600;

/// Whose the numbers of who asks are, where they do not say it: every sender means the same ones.
const OF_WHO_ASKS: &str = "PLAC";

/// What a report is known by under the number of who asked for it.
fn asked_as(report: &Report) -> Option<ReportId> {
    let number = number_of(report, PLACER)?;
    let sender = number.system.clone().unwrap_or_else(|| OF_WHO_ASKS.into());
    let key = ReportKey { sender, number: number.value.clone()?, service: report.key.service.clone() };
    Some(ReportId::of(&key))
}

fn number_of<'a>(report: &'a Report, kind: &str) -> Option<&'a Identifier> {
    let is_it = |number: &&Identifier| number.kind.as_ref().is_some_and(|found| found.codes().any(|code| code == kind));
    report.identifiers.iter().filter(is_it).find(|number| number.value.is_some())
}

impl Inbox<'_> {
    /// What was asked for, under the number it is known by here; none when more has come of it than was asked for: a late
    /// order, or its late cancellation, takes nothing back.
    pub(crate) async fn as_asked(&self, order: &Report, patient: &PatientId) -> Result<Option<Report>, StoreError> {
        let order = self.as_known(order, patient).await?;
        let id = ReportId::of(&order.key);
        if let Some(filed) = self.table.filed_report(&id).await? {
            return Ok(is_awaited(filed.status).then_some(order));
        }
        if number_of(&order, FILLER).is_none() && self.has_come(&order, patient).await? {
            return Ok(None);
        }
        if let Some(asked) = asked_as(&order) {
            if number_of(&order, FILLER).is_some() {
                self.table.claim_report(&id, &id, self.now).await?;
            }
            self.table.mean_report(&asked, &id, self.now).await?;
        }
        Ok(Some(order))
    }

    /// A report under the number it is known by here.
    pub(crate) async fn as_known(&self, report: &Report, patient: &PatientId) -> Result<Report, StoreError> {
        let own = ReportId::of(&report.key);
        let known = match self.meant_by_number(report, &own).await? {
            Some(known) => Some(known),
            None => self.meant_by_time(report, &own, patient).await?,
        };
        match known.filter(|known| *known != own) {
            Some(known) => self.renamed(report, &own, &known, patient).await,
            None => Ok(report.clone()),
        }
    }

    async fn meant_by_number(&self, report: &Report, own: &ReportId) -> Result<Option<ReportId>, StoreError> {
        let (asked, has_filler) = (asked_as(report), number_of(report, FILLER).is_some());
        let meant = if has_filler { self.table.report_meant(own).await? } else { None };
        match (meant, asked) {
            (None, Some(asked)) => self.table.report_meant(&asked).await,
            (meant, _) => Ok(meant),
        }
    }

    /// What was asked for without a number of who makes it, if there is exactly one of it.
    async fn meant_by_time(
        &self,
        report: &Report,
        own: &ReportId,
        patient: &PatientId,
    ) -> Result<Option<ReportId>, StoreError> {
        let carries_filler_only = number_of(report, FILLER).is_some() && number_of(report, PLACER).is_none();
        if !carries_filler_only || self.table.filed_report(own).await?.is_some() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for listed in self.table.reports_of_person(self.keys, patient).await? {
            if is_awaited(listed.line.status) && self.asks_for(&listed, report).await? {
                found.push(listed.id);
            }
        }
        let [only] = found.as_slice() else { return Ok(None) };
        Ok(Some(only.clone()))
    }

    async fn asks_for(&self, listed: &ListedReport, report: &Report) -> Result<bool, StoreError> {
        let known = self.table.report(self.keys, &listed.id).await?;
        let asked = known.as_ref().and_then(|known| known.dossier.history.current());
        Ok(asked.is_some_and(|asked| number_of(asked, FILLER).is_none() && is_asked_for(asked, report)))
    }

    /// Whether results have come under this order's number of who asked, and under another one besides.
    async fn has_come(&self, order: &Report, patient: &PatientId) -> Result<bool, StoreError> {
        let Some(asked) = asked_as(order) else { return Ok(false) };
        for listed in self.table.reports_of_person(self.keys, patient).await? {
            if is_awaited(listed.line.status) || is_before(listed.line.collected_at.as_ref(), order) {
                continue;
            }
            let known = self.table.report(self.keys, &listed.id).await?;
            let come = known.as_ref().and_then(|known| known.dossier.history.current());
            if come.and_then(asked_as).is_some_and(|id| id == asked) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The report under the key of the one it is; as it was when that is somebody else's, or comes under another number.
    async fn renamed(
        &self,
        report: &Report,
        own: &ReportId,
        known: &ReportId,
        patient: &PatientId,
    ) -> Result<Report, StoreError> {
        let Some(found) = self.table.report(self.keys, known).await? else { return Ok(report.clone()) };
        let is_theirs = self.table.is_same_person(&found.filed.patient, patient).await?;
        let key = found.dossier.history.current().map(|report| report.key.clone());
        let Some(key) = key.filter(|_| is_theirs) else { return Ok(report.clone()) };
        if number_of(report, FILLER).is_some() {
            if !self.table.claim_report(known, own, self.now).await? {
                return Ok(report.clone());
            }
            self.table.mean_report(own, known, self.now).await?;
        }
        Ok(Report { key, ..report.clone() })
    }
}

/// Whether a report is, by service and time, what was asked for.
fn is_asked_for(asked: &Report, report: &Report) -> bool {
    let is_service = !asked.key.service.as_str().is_empty() && asked.key.service == report.key.service;
    let at = |when: Option<&When>| when.map(|when| when.at);
    let is_time = match (at(asked.times.ordered.as_ref()), at(report.times.ordered.as_ref())) {
        (Some(asked), Some(ordered)) => asked == ordered,
        (Some(asked), None) => taken_at(report).is_some_and(|taken| is_within(asked, taken)),
        (None, _) => false,
    };
    is_service && is_time
}

fn taken_at(report: &Report) -> Option<Timestamp> {
    let times = &report.times;
    [&times.collected, &times.received].into_iter().flatten().next().map(|when| when.at)
}

fn is_within(asked: Timestamp, taken: Timestamp) -> bool {
    asked <= taken && taken <= add_seconds(asked, JOINED_WITHIN_S)
}

/// Whether something was taken before it was ordered.
fn is_before(taken: Option<&When>, order: &Report) -> bool {
    taken.zip(order.times.ordered.as_ref()).is_some_and(|(taken, ordered)| taken.at < ordered.at)
}
