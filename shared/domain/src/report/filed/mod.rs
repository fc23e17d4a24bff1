//! A report as the desk keeps it: whose it is, how far it is, and who has been told what.
//!
//! [`Filed`] is the small part that deadlines, lists and messages need and that holds no value; [`Dossier`] is what was
//! sent. Both move together when a version arrives ([`Filed::arrived`]). The rules of telling:
//! - a patient is told once that there is a report, when the first of it may be seen, then of each correction, and of a
//!   recall; nothing is pushed that is sensitive ([`super::release`]);
//! - while a critical value waits for a clinician the patient is told nothing, and does not see it; once somebody has
//!   taken it on, or nobody did in time, the patient is asked to come or call, once for each alarm;
//! - a critical value alarms once, however often it is sent; another one, or the same after it was gone, alarms anew.

mod critical;

pub use critical::{ACKNOWLEDGE_WITHIN_MIN, Acknowledged, Alert, AlertAnswer, Critical, Deed};

use super::release::{Progress, Visibility};
use super::{Arrival, Category, Classes, History, ItemClass, Policy, Report, ReportKey, Status, Text, When};
use crate::appointment::NOTIFY_WITHIN_S;
use crate::clinic::epoch_s;
use crate::due::{Deadline, Deadlines, Tries, backoff_s};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{PatientId, ReportId};
use crate::time::add_seconds;
use critical::{Alarmed, critical_values, pushes_critical};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was sent of a report, and which critical values of it have alarmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// All its versions.
    pub history: History,
    #[serde(default)]
    alarmed: BTreeSet<Alarmed>,
}

/// A doctor's word that a report may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// A login.
    pub by: String,
    /// When.
    #[serde(with = "epoch_s")]
    pub at: Timestamp,
}

/// A report as the desk keeps it, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// Its id, made of its key.
    pub id: ReportId,
    /// Whose it is.
    pub patient: PatientId,
    /// Its place in lists: when it was taken, else ordered, else when it came. Never changes.
    #[serde(with = "epoch_s")]
    pub listed_at: Timestamp,
    /// How far it is.
    pub status: Status,
    /// What kind of examination.
    pub category: Category,
    /// When it was first final here.
    pub final_at: Option<Timestamp>,
    /// A doctor's word that it may be shown.
    pub confirmed: Option<Confirmed>,
    /// From when on the patient may be told of it, if at all.
    pub push_from: Option<Timestamp>,
    /// Whether the patient has been told that there is a report.
    pub is_announced: bool,
    /// The latest alarm.
    pub critical: Option<Critical>,
    /// What the patient was to be told of, each with the number of its latest event.
    #[serde(default)]
    pub news: BTreeMap<EventKind, u64>,
    /// What of it is not under way yet.
    #[serde(default)]
    pub untold: BTreeSet<EventKind>,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Counts writes.
    pub ver: u64,
}

/// What a list may know of a report before it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What was examined; shown as [`super::release::list_name`] allows.
    pub name: Text,
    /// How far it is.
    pub status: Status,
    /// What kind of examination.
    pub category: Category,
    /// Whether it replaces something the patient may have seen.
    pub is_corrected: bool,
    /// The classes of what is in it.
    pub classes: BTreeSet<ItemClass>,
    /// 采样, or when the examination was made.
    pub collected_at: Option<When>,
    /// 报告.
    pub issued_at: Option<When>,
    /// 预计.
    pub expected_at: Option<When>,
    /// When it was first final here.
    pub final_at: Option<Timestamp>,
    /// When a doctor said that it may be shown.
    pub confirmed_at: Option<Timestamp>,
}

impl Line {
    /// Whether anything of it is sensitive: its name is then not shown before it is opened.
    pub fn is_sensitive(&self) -> bool {
        self.classes.iter().any(|class| class.is_sensitive())
    }
}

/// What an arriving version made of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The report after it.
    pub filed: Filed,
    /// All that is known of it.
    pub dossier: Dossier,
    /// What the version was.
    pub arrival: Arrival,
    /// Whether clinicians have to be told now.
    pub alarms: bool,
}

/// Where a version comes from: our rules, who sends, and now.
#[derive(Clone, Copy, Debug)]
pub struct Intake<'a> {
    /// When what is shown.
    pub policy: &'a Policy,
    /// Who sends it.
    pub by: &'a Actor,
    /// Now.
    pub now: Timestamp,
}

/// What a version for another patient than the one a report is filed under means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is older than what counts: the patient was mended since.
    Outdated,
    /// It mends the patient: a correction, or what follows a recall.
    Mends,
    /// Another report under a number that is taken: people have to look.
    Clashes,
}

impl Dossier {
    /// What a version for another patient means.
    pub fn claim(&self, arriving: &Report) -> Claim {
        let Some(current) = self.history.current() else { return Claim::Clashes };
        let is_newer = matches!(History::of(current.clone()).with(arriving.clone()), Some((_, Arrival::Current)));
        let is_recalled = current.status == Status::EnteredInError;
        match is_newer {
            false => Claim::Outdated,
            true if is_recalled || arriving.status.is_revision() => Claim::Mends,
            true => Claim::Clashes,
        }
    }

    /// What is known of the version that counts, for a list.
    pub fn line(&self, filed: &Filed, classes: &Classes) -> Option<Line> {
        let report = self.history.current()?;
        let items = report.items().map(|item| classes.of_item(report, item));
        Some(Line {
            name: Text::new(report.code.name()),
            status: report.status,
            category: report.category,
            is_corrected: self.history.is_corrected(),
            classes: items.chain([classes.of_texts(report)]).collect(),
            collected_at: report.times.collected.clone(),
            issued_at: report.times.issued.clone(),
            expected_at: report.times.expected.clone(),
            final_at: filed.final_at,
            confirmed_at: filed.confirmed.as_ref().map(|confirmed| confirmed.at),
        })
    }
}

impl Filed {
    /// A report of a patient of which nothing has arrived.
    pub fn expected(patient: PatientId, first: &Report, now: Timestamp) -> Self {
        let times = &first.times;
        let taken = [&times.collected, &times.ordered, &times.received, &times.issued].into_iter().flatten().next();
        Self {
            id: ReportId::of(&first.key),
            patient,
            // A clock that runs ahead must not keep a report on top of all later ones.
            listed_at: taken.map_or(now, |when| when.at).min(now),
            status: first.status,
            category: first.category,
            final_at: None,
            confirmed: None,
            push_from: None,
            is_announced: false,
            critical: None,
            news: BTreeMap::new(),
            untold: BTreeSet::new(),
            ev: None,
            deadlines: Deadlines::none(),
            ver: 0,
        }
    }

    /// The report once one more version has arrived; none when it is a version of another report.
    pub fn arrived(&self, before: Option<&Dossier>, arriving: Report, intake: Intake<'_>) -> Option<Arrived> {
        let (history, arrival) = match before {
            None => (History::of(arriving), Arrival::Current),
            Some(before) => before.history.with(arriving)?,
        };
        let alarmed = before.map(|before| before.alarmed.clone()).unwrap_or_default();
        let mut next = Self { ver: self.ver + 1, ..self.clone() };
        let current = history.current().filter(|_| arrival == Arrival::Current).cloned();
        let Some(current) = current else {
            let dossier = Dossier { history, alarmed };
            return Some(Arrived { filed: next, dossier, arrival, alarms: false });
        };
        next.status = current.status;
        next.category = current.category;
        if current.status.is_settled() && next.final_at.is_none() {
            next.final_at = Some(intake.now);
        }
        let critical = critical_values(&current);
        let alarms = !critical.is_subset(&alarmed);
        next.heed(alarms, critical.is_empty(), &current, intake);
        next.tell(&current, intake);
        Some(Arrived { filed: next, dossier: Dossier { history, alarmed: critical }, arrival, alarms })
    }

    /// Begins an alarm, or ends one that a later version makes void.
    fn heed(&mut self, alarms: bool, is_harmless: bool, current: &Report, intake: Intake<'_>) {
        if alarms {
            let is_told = !pushes_critical(&intake.policy.classes, current);
            let critical = Critical {
                since: intake.now,
                acknowledged: None,
                escalated_at: None,
                withdrawn_at: None,
                // Nothing to tell is as good as told.
                is_told,
                alert: intake.policy.alerts_his.then(Alert::default),
            };
            self.deadlines = self.deadlines.clone().with(Deadline::Escalate, critical.due_at());
            if critical.alert.is_some() {
                self.deadlines = self.deadlines.clone().with(Deadline::Alert, intake.now);
            }
            self.critical = Some(critical);
        } else if is_harmless && let Some(critical) = self.critical.as_mut().filter(|critical| critical.is_open()) {
            critical.withdrawn_at = Some(intake.now);
            self.deadlines = self.deadlines.clone().without(Deadline::Escalate).without(Deadline::Alert);
        }
    }

    /// Tells the patient what the version that counts now means for them.
    fn tell(&mut self, current: &Report, intake: Intake<'_>) {
        let Intake { policy, by, now } = intake;
        self.push_from = self.progress().and_then(|progress| policy.push_from(current, progress, now));
        self.deadlines = self.deadlines.clone().without(Deadline::Publish);
        if !current.status.is_valid() {
            // What is not under way yet is not true any more.
            self.untold.remove(&EventKind::ReportReady);
            self.untold.remove(&EventKind::ReportCorrected);
            self.rest();
            if self.is_announced {
                self.is_announced = false;
                self.happen(EventKind::ReportRecalled, by, now);
            }
            return;
        }
        // Nor is a recall, once the report is mended.
        self.untold.remove(&EventKind::ReportRecalled);
        self.rest();
        match self.push_from {
            None => {}
            Some(from) if from > now => self.deadlines = self.deadlines.clone().with(Deadline::Publish, from),
            Some(_) if self.awaits_clinician() => {}
            Some(_) if self.is_announced => self.happen(EventKind::ReportCorrected, by, now),
            Some(_) => self.announce(by, now),
        }
    }

    fn announce(&mut self, by: &Actor, now: Timestamp) {
        self.is_announced = true;
        self.happen(EventKind::ReportReady, by, now);
    }

    /// Something the patient is told, guaranteed by a deadline.
    fn happen(&mut self, kind: EventKind, by: &Actor, now: Timestamp) {
        let seq = self.ev.as_ref().map_or(0, |event| event.seq) + 1;
        self.ev = Some(ItemEvent { seq, kind, actor: by.clone(), at: now });
        self.news.insert(kind, seq);
        self.untold.insert(kind);
        self.deadlines = self.deadlines.clone().with(Deadline::Notify, add_seconds(now, NOTIFY_WITHIN_S));
    }

    /// What release depends on; none before anything was final.
    pub fn progress(&self) -> Option<Progress> {
        let confirmed_at = self.confirmed.as_ref().map(|confirmed| confirmed.at);
        self.final_at.map(|final_at| Progress { final_at, confirmed_at, awaits_clinician: false })
    }

    /// What a reader's view depends on at `now`: a critical value is a clinician's to tell, for as long as one has to take
    /// it on.
    pub fn progress_for_reader(&self, now: Timestamp) -> Progress {
        let nothing_final = Progress { final_at: now, confirmed_at: None, awaits_clinician: false };
        let progress = self.progress().unwrap_or(nothing_final);
        let has_time = self.critical.as_ref().is_some_and(|critical| now < critical.due_at());
        let is_told = progress.confirmed_at.is_some();
        Progress { awaits_clinician: self.awaits_clinician() && has_time && !is_told, ..progress }
    }

    /// Whether a critical value has not been taken on, and the time to do so has not run out.
    pub fn awaits_clinician(&self) -> bool {
        self.critical.as_ref().is_some_and(|critical| critical.is_open() && critical.escalated_at.is_none())
    }

    /// The report as its first version of another patient, once a correction says that it is theirs. Events go on
    /// counting: it is the same item.
    #[must_use]
    pub fn of_another(&self, patient: PatientId, arriving: &Report, now: Timestamp) -> Self {
        Self { ev: self.ev.clone(), ver: self.ver, ..Self::expected(patient, arriving, now) }
    }

    /// What stays with the patient whose report it turned out not to be: that there was one, and that it was taken back.
    /// Nothing of what it said.
    pub fn left_behind(&self, dossier: &Dossier, by: &Actor, now: Timestamp) -> Option<(Self, Dossier)> {
        let current = dossier.history.current()?;
        let ReportKey { sender, number, service } = current.key.clone();
        // No sender's service has a control character: no report of theirs gets this id.
        let service = Text::new(format!("{}\u{1f}{}", service.as_str(), self.patient));
        let key = ReportKey { sender, number, service };
        let mut trace = Report::new(key, current.transmission.clone(), Status::EnteredInError);
        trace.code.clone_from(&current.code);
        trace.category = current.category;
        trace.times.collected.clone_from(&current.times.collected);
        trace.times.issued = Some(When::of(now));
        let mut left = Self {
            listed_at: self.listed_at,
            final_at: self.final_at,
            ver: 1,
            ..Self::expected(self.patient.clone(), &trace, now)
        };
        if self.is_announced {
            left.happen(EventKind::ReportRecalled, by, now);
        }
        Some((left, Dossier { history: History::of(trace), alarmed: BTreeSet::new() }))
    }

    /// The report once the time to show it has come.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Self {
        let deadlines = self.deadlines.clone().without(Deadline::Publish);
        let mut next = Self { deadlines, ver: self.ver + 1, ..self.clone() };
        let is_time = self.push_from.is_some_and(|from| from <= now);
        if is_time && self.status.is_valid() && !self.is_announced && !self.awaits_clinician() {
            next.announce(&Actor::Schedule, now);
        }
        next
    }

    /// The report once a doctor has said that it may be shown. A second word changes nothing.
    #[must_use]
    pub fn confirmed(&self, dossier: &Dossier, policy: &Policy, by: &str, now: Timestamp) -> Self {
        let Some(current) = dossier.history.current().filter(|_| self.confirmed.is_none()) else { return self.clone() };
        let mut next = Self {
            confirmed: Some(Confirmed { by: by.to_owned(), at: now }),
            deadlines: self.deadlines.clone().without(Deadline::Publish),
            ver: self.ver + 1,
            ..self.clone()
        };
        next.push_from = next.progress().and_then(|progress| policy.push_from(current, progress, now));
        let is_time = next.push_from.is_some_and(|from| from <= now);
        if is_time && current.status.is_valid() && !next.is_announced && !next.awaits_clinician() {
            next.announce(&Actor::Staff(by.to_owned()), now);
        }
        next
    }

    /// The report once a clinician has taken on its critical value; none when there is none to take on.
    pub fn acknowledged(&self, by: &str, deed: Deed, now: Timestamp) -> Option<Self> {
        let critical = self.critical.clone().filter(Critical::is_open)?;
        let acknowledged = Some(Acknowledged { by: by.to_owned(), at: now, deed });
        let mut next = self.moved_on(Critical { acknowledged, ..critical });
        next.call_in(&Actor::Staff(by.to_owned()), now);
        Some(next)
    }

    /// The report once nobody has taken on its critical value in time; none when somebody has, or it is not time.
    pub fn escalated(&self, now: Timestamp) -> Option<Self> {
        let critical = self.critical.clone().filter(|critical| critical.is_open() && critical.due_at() <= now)?;
        let mut next = self.moved_on(Critical { escalated_at: critical.escalated_at.or(Some(now)), ..critical });
        // The hospital hears that nobody came, unless it would not hear of it at all.
        if let Some(alert) = next.critical.as_mut().and_then(|critical| critical.alert.as_mut())
            && !alert.is_refused
        {
            alert.tries = Tries::none();
            next.deadlines = next.deadlines.with(Deadline::Alert, now);
        }
        next.call_in(&Actor::Schedule, now);
        Some(next)
    }

    /// The report once the hospital's own system knows of its critical value; none when it need not any more.
    pub fn alerted(&self, answer: AlertAnswer, now: Timestamp) -> Option<Self> {
        let mut next = Self { ver: self.ver + 1, ..self.clone() };
        let alert = next.critical.as_mut().filter(|critical| critical.is_open())?.alert.as_mut()?;
        next.deadlines = next.deadlines.without(Deadline::Alert);
        match answer {
            AlertAnswer::Told => *alert = Alert { told_at: Some(now), ..Alert::default() },
            AlertAnswer::Refused => alert.is_refused = true,
            AlertAnswer::None => {
                let pause_s = backoff_s(alert.tries.of(Deadline::Alert));
                alert.tries = alert.tries.clone().more(Deadline::Alert);
                next.deadlines = next.deadlines.with(Deadline::Alert, add_seconds(now, pause_s));
            }
        }
        Some(next)
    }

    fn moved_on(&self, critical: Critical) -> Self {
        let deadlines = self.deadlines.clone().without(Deadline::Escalate).without(Deadline::Alert);
        Self { critical: Some(critical), deadlines, ver: self.ver + 1, ..self.clone() }
    }

    /// Asks the patient to come or call, once for each alarm. That leads to the report, too, if it may be seen.
    fn call_in(&mut self, by: &Actor, now: Timestamp) {
        let Some(critical) = self.critical.as_mut().filter(|critical| !critical.is_told) else { return };
        critical.is_told = true;
        let is_visible = self.status.is_valid() && self.push_from.is_some_and(|from| from <= now);
        self.is_announced = self.is_announced || is_visible;
        self.happen(EventKind::ReportCritical, by, now);
    }

    /// The report once the message about what happened as number `seq` is under way.
    #[must_use]
    pub fn told(&self, kind: EventKind, seq: u64) -> Self {
        let mut next = Self { ver: self.ver + 1, ..self.clone() };
        if next.news.get(&kind) == Some(&seq) {
            next.untold.remove(&kind);
        }
        next.rest();
        next
    }

    /// No deadline where nothing is left to tell.
    fn rest(&mut self) {
        if self.untold.is_empty() {
            self.deadlines = self.deadlines.clone().without(Deadline::Notify);
        }
    }

    /// Whether a message of a kind is still true.
    pub fn bears_out(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::ReportReady | EventKind::ReportCorrected => self.is_announced && self.status.is_valid(),
            EventKind::ReportRecalled => !self.is_announced && !self.status.is_valid() && self.status.is_settled(),
            EventKind::ReportCritical => {
                self.critical.as_ref().is_some_and(|critical| critical.is_told && critical.withdrawn_at.is_none())
            }
            _ => false,
        }
    }
}

impl Policy {
    /// From when on a patient may be told of a report: when the first of it is shown. None where nothing is pushed: it is
    /// not valid, a sensitive class, or never shown.
    pub fn push_from(&self, report: &Report, progress: Progress, now: Timestamp) -> Option<Timestamp> {
        if !report.status.is_valid() || self.classes.is_sensitive(report) {
            return None;
        }
        let items = report.items().map(|item| self.item(report, item, progress, now));
        let seen = items.chain([self.texts(report, progress, now)]).filter_map(|visibility| match visibility {
            Visibility::Visible => Some(now),
            Visibility::From(from) => Some(from),
            _ => None,
        });
        seen.min()
    }
}

#[cfg(test)]
mod tests;
