//! Asking the hospital's own system (HIS) for what it knows: departments, doctors, schedules, numbers, changes. When it is due,
//! where the last time ended, and how old what we know is.

use crate::his::{HisAdapter, HisOperation};
use crate::id::ClinicId;
use crate::profile::PullPolicy;
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whoever pulls has this long; then somebody else may. Longer than the function may run.
const LEASE_S: i64 = 120;
/// While something of the hospital's was left out, the catalogue is asked for this often, and the schedules from their beginning.
const LEFT_OUT_EVERY_MIN: i64 = 60;
/// What is known counts as old when so many pulls in a row came to nothing.
const MISSED_PULLS: i64 = 3;

/// Where pulling stands: one item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pull {
    /// Staff want it now; answered by a pull that began later.
    pub asked_at: Option<Timestamp>,
    /// Somebody is at it until then.
    pub leased_until: Option<Timestamp>,
    /// Departments and doctors were last heard of completely.
    pub catalog_at: Option<Timestamp>,
    /// Schedules and numbers were last heard of completely.
    pub schedules_at: Option<Timestamp>,
    /// Where the list of schedules ended.
    pub mark: Option<String>,
    /// The last day that list was asked for: later days are asked for from their beginning.
    pub covered_to: Option<Date>,
    /// Schedules were left out, since nobody here knew what they refer to: a department, a doctor, a code.
    pub left_out: bool,
    /// The last change that was dealt with.
    pub event_mark: Option<String>,
    /// Reports were last heard of completely.
    pub reports_at: Option<Timestamp>,
    /// The last report that was dealt with.
    pub report_mark: Option<String>,
    /// The language each list was last asked for in.
    pub asked_in: BTreeMap<HisOperation, HisAdapter>,
    /// What the last one came to.
    pub report: PullReport,
    /// Counts writes.
    pub ver: u64,
}

/// What a pull came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PullReport {
    /// Departments and doctors that changed.
    pub catalog_changed: usize,
    /// Clinics that changed.
    pub clinics_changed: usize,
    /// Changes (停诊, 替诊 …) that were dealt with.
    pub events: usize,
    /// Reports that were fetched, whether they were here before or not.
    pub reports: usize,
    /// Entries that could not be read, or refer to what nobody knows.
    pub rejected: usize,
    /// Clinics of which more is sold than the HIS has: the numbers stay with those who have them.
    pub oversold: BTreeSet<ClinicId>,
    /// Whether it came to an end.
    pub is_complete: bool,
}

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullDue {
    /// Departments and doctors.
    pub catalog: bool,
    /// Schedules, numbers and changes.
    pub schedules: bool,
    /// Reports.
    pub reports: bool,
}

impl Pull {
    /// What is due at `now`; none while somebody is at it.
    pub fn due(&self, policy: &PullPolicy, now: Timestamp) -> Option<PullDue> {
        if self.leased_until.is_some_and(|until| until > now) {
            return None;
        }
        let is_due = |last: Option<Timestamp>, every_min: i64| {
            let is_asked = self.asked_at.is_some();
            is_asked || last.is_none_or(|last| time::add_minutes(last, every_min.max(1)) <= now)
        };
        let catalog_every_min =
            if self.left_out { policy.catalog_every_min.min(LEFT_OUT_EVERY_MIN) } else { policy.catalog_every_min };
        let due = PullDue {
            catalog: is_due(self.catalog_at, catalog_every_min),
            schedules: is_due(self.schedules_at, policy.schedules_every_min),
            reports: policy.reports_every_min.is_some_and(|every_min| is_due(self.reports_at, every_min)),
        };
        (due.catalog || due.schedules || due.reports).then_some(due)
    }

    /// The state once somebody is at it.
    #[must_use]
    pub fn begun(&self, now: Timestamp) -> Self {
        Self {
            asked_at: None,
            leased_until: Some(time::add_seconds(now, LEASE_S)),
            report: PullReport::default(),
            ver: self.ver + 1,
            ..self.clone()
        }
    }

    /// Lists are asked for in these languages now. A mark that was given in another one says nothing any more: the list
    /// is read from its beginning, which what is known of bears. Changes keep theirs, since only front-end machines have
    /// them and theirs is one list; read again it would close what staff have opened since.
    pub fn ask_in(&mut self, adapter: impl Fn(HisOperation) -> HisAdapter) {
        let marks = [(HisOperation::Schedules, &mut self.mark), (HisOperation::Reports, &mut self.report_mark)];
        for (operation, mark) in marks {
            let now = adapter(operation);
            if self.asked_in.insert(operation, now).is_some_and(|before| before != now) {
                *mark = None;
            }
        }
    }

    /// The state once staff want it now.
    #[must_use]
    pub fn asked(&self, now: Timestamp) -> Self {
        Self { asked_at: Some(now), ver: self.ver + 1, ..self.clone() }
    }

    /// Whether what is known of numbers is older than it should be.
    pub fn is_old(&self, policy: &PullPolicy, now: Timestamp) -> bool {
        let last = |at| time::add_minutes(at, policy.schedules_every_min.max(1) * MISSED_PULLS) <= now;
        self.schedules_at.is_none_or(last)
    }
}

/// What a text of the catalogue becomes: what somebody here has edited stays, else the hospital's word counts. `before` is
/// what the hospital said last.
pub fn merged<T: PartialEq + Clone>(local: &T, before: Option<&T>, heard: &T) -> T {
    if before == Some(local) { heard.clone() } else { local.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_mark_dies_with_the_language_it_was_given_in() {
        let mark = |text: &str| Some(text.to_owned());
        let mut pull = Pull { mark: mark("42"), report_mark: mark("7"), event_mark: mark("9"), ..Pull::default() };
        let json = |_| HisAdapter::SignedJson;
        pull.ask_in(json);
        pull.ask_in(json);
        assert_eq!((pull.mark.as_deref(), pull.report_mark.as_deref()), (Some("42"), Some("7")), "the same as before");
        let fhir_of_schedules = |operation| match operation {
            HisOperation::Schedules => HisAdapter::Fhir,
            _ => HisAdapter::SignedJson,
        };
        pull.ask_in(fhir_of_schedules);
        assert_eq!((pull.mark.as_deref(), pull.report_mark.as_deref()), (None, Some("7")));
        assert_eq!(pull.event_mark.as_deref(), Some("9"));
    }

    #[test]
    fn what_is_due_by_time_or_on_demand_is_done_by_one() {
        let (policy, now) = (
            PullPolicy { catalog_every_min: 60, schedules_every_min: 5, reports_every_min: None },
            at("2026-11-23T01:00:00Z"),
        );
        let both = PullDue { catalog: true, schedules: true, reports: false };
        assert_eq!(Pull::default().due(&policy, now), Some(both));
        let begun = Pull::default().begun(now);
        assert_eq!(begun.due(&policy, now), None);
        assert_eq!(begun.due(&policy, time::add_seconds(now, LEASE_S)), Some(both), "whoever was at it is gone");
        let done = Pull { catalog_at: Some(now), schedules_at: Some(now), leased_until: None, ..begun };
        assert_eq!(done.due(&policy, time::add_minutes(now, 4)), None);
        let only = Some(PullDue { catalog: false, schedules: true, reports: false });
        assert_eq!(done.due(&policy, time::add_minutes(now, 5)), only);
        assert_eq!(done.asked(now).due(&policy, now), Some(both));
        let daily = PullPolicy { catalog_every_min: 1440, ..policy };
        assert_eq!(done.due(&daily, time::add_minutes(now, 60)), only);
        let short = Pull { left_out: true, ..done.clone() };
        assert_eq!(short.due(&daily, time::add_minutes(now, 60)), Some(both), "it may have its place by now");
        assert!(!done.is_old(&policy, time::add_minutes(now, 14)) && done.is_old(&policy, time::add_minutes(now, 15)));
    }

    #[test]
    fn a_local_edit_stays_and_everything_else_follows() {
        assert_eq!(merged(&"内科", Some(&"内科"), &"大内科"), "大内科");
        assert_eq!(merged(&"心内一科", Some(&"内科"), &"大内科"), "心内一科");
        // Imported here before the hospital was ever asked.
        assert_eq!(merged(&"内科", None, &"大内科"), "内科");
    }
}
