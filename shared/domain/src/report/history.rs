//! The life of a report: which version counts, whatever the order of arrival.
//!
//! Versions are kept as a set, and which of them counts follows from what they say, never from when they came. So any
//! order of arrival, with any repeats, ends in the same state (property test below; E84):
//! - what is final never yields to what is not yet final;
//! - otherwise the later one counts, by the time its status changed, then by the time it was sent;
//! - at the same time a recall counts more than anything, and a correction more than what it corrects; a recall that
//!   says no time at all counts more than everything: hiding a right result does less harm than showing a wrong one;
//! - the same content again, under whatever message number, is no new version, also when a table of codes has changed in
//!   between and it reads otherwise here: the latest reading is kept.
//!
//! A recalled report can be followed by a later version: a laboratory that mends the patient of a report sends the same
//! number again.

use super::text::Text;
use super::{Precision, Report, Status};
use crate::time::{self, DAY_S};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The most versions kept of one report: the latest ones. No honest report comes near.
pub const VERSIONS_MAX: usize = 20;

/// What an arriving version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It counts from now on.
    Current,
    /// Older than what counts; kept, if it is new, to be compared with.
    Older,
    /// Known already: nothing changes.
    Duplicate,
}

/// All versions of one report, the one that counts first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    versions: Vec<Report>,
}

/// What decides between two versions, most important first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Weight<'a> {
    is_settled: bool,
    changed_at: Option<Timestamp>,
    is_recall: bool,
    sent_at: Option<Timestamp>,
    status: Status,
    control_id: Option<&'a Text>,
}

/// Weight and, last, what is said.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    weight: Weight<'a>,
    // Two contents under all the same marks: either may count, but the same one everywhere.
    content: &'a Report,
}

/// When a version says that it changed. A bare date means the time of sending, as far as that lies within it: a correction
/// under a bare date would otherwise be older than what it corrects on the same day. A recall then has the whole day.
fn changed_at(report: &Report, sent_at: Option<Timestamp>) -> Option<Timestamp> {
    let Some(issued) = &report.times.issued else { return sent_at };
    if issued.precision != Precision::Day {
        return Some(issued.at);
    }
    let last = time::add_seconds(issued.at, DAY_S - 1);
    let unsent = if report.status == Status::EnteredInError { last } else { issued.at };
    Some(sent_at.map_or(unsent, |sent_at| sent_at.clamp(issued.at, last)))
}

fn weight(report: &Report) -> Weight<'_> {
    let is_recall = report.status == Status::EnteredInError;
    let sent_at = report.transmission.sent_at.as_ref().map(|when| when.at);
    Weight {
        is_settled: report.status.is_settled(),
        changed_at: changed_at(report, sent_at).or(is_recall.then_some(Timestamp::MAX)),
        is_recall,
        sent_at,
        status: report.status,
        control_id: report.transmission.control_id.as_ref(),
    }
}

fn rank(report: &Report) -> Rank<'_> {
    Rank { weight: weight(report), content: report }
}

impl History {
    /// A report that is known by its first version.
    pub fn of(first: Report) -> Self {
        Self { versions: vec![first] }
    }

    /// The history with one more version of the same report, and what that version is. A version of another report
    /// (another key) changes nothing and answers `None`.
    pub fn with(&self, arriving: Report) -> Option<(Self, Arrival)> {
        if self.versions.iter().any(|known| known.key != arriving.key) {
            return None;
        }
        let mut versions = self.versions.clone();
        let known = versions.iter_mut().find(|known| known.says_the_same(&arriving));
        let is_known = known.is_some();
        let counted = self.current().is_some_and(|current| current.says_the_same(&arriving));
        let content = arriving.clone();
        match known {
            // The same again: it counts by its latest sending, or a delayed version in between could win.
            Some(known) if weight(&arriving) >= weight(known) => *known = arriving,
            Some(_) => {}
            None => versions.push(arriving),
        }
        versions.sort_by(|one, other| Reverse(rank(one)).cmp(&Reverse(rank(other))));
        versions.truncate(VERSIONS_MAX);
        let counts = versions.first().is_some_and(|current| current.says_the_same(&content));
        let arrival = match (counts, is_known) {
            (true, _) if !counted => Arrival::Current,
            (_, true) => Arrival::Duplicate,
            _ => Arrival::Older,
        };
        Some((Self { versions }, arrival))
    }

    /// The version that counts.
    pub fn current(&self) -> Option<&Report> {
        self.versions.first()
    }

    /// The versions before it, latest first.
    pub fn earlier(&self) -> &[Report] {
        self.versions.get(1..).unwrap_or_default()
    }

    /// What was valid before the version that counts: to be shown beside a corrected one (E85).
    pub fn replaced(&self) -> Option<&Report> {
        self.earlier().iter().find(|earlier| earlier.status.is_valid())
    }

    /// Whether a patient may have seen something else than what counts now.
    pub fn is_corrected(&self) -> bool {
        self.current().is_some_and(|current| current.status.is_settled()) && self.replaced().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Coding, Concept, Item, ReportKey, Section, Transmission, When, Wire};
    use proptest::prelude::*;

    fn version(status: Status, issued: Option<i64>, sent: Option<i64>, code: &str) -> Report {
        let when = |seconds: i64| When::of(Timestamp::from_second(seconds).unwrap());
        let key = ReportKey { sender: "LIS".into(), number: "R1".into(), service: "CBC".into() };
        let control_id = sent.map(|sent| Text::new(format!("M{sent}")));
        let transmission = Transmission { wire: Wire::Hl7, control_id, sent_at: sent.map(when) };
        let mut report = Report::new(key, transmission, status);
        report.times.issued = issued.map(when);
        report.code = Concept::words(code);
        report
    }

    fn all(arriving: impl IntoIterator<Item = Report>) -> History {
        let mut arriving = arriving.into_iter();
        let first = History::of(arriving.next().unwrap());
        arriving.fold(first, |history, report| history.with(report).unwrap().0)
    }

    #[test]
    fn preliminary_then_final_then_corrected() {
        let (p, f, c) = (
            version(Status::Preliminary, Some(10), Some(10), "a"),
            version(Status::Final, Some(20), Some(20), "a"),
            version(Status::Corrected, Some(30), Some(30), "b"),
        );
        let history = all([p.clone(), f.clone(), c.clone()]);
        assert_eq!(history.current(), Some(&c));
        assert_eq!(history.replaced(), Some(&f));
        assert_eq!(all([c.clone(), p.clone(), f.clone()]), history);
        assert!(history.is_corrected());
        assert!(!all([p, f.clone()]).is_corrected());
        let (_, arrival) = History::of(c).with(f).unwrap();
        assert_eq!(arrival, Arrival::Older);
    }

    #[test]
    fn the_same_again_is_a_duplicate() {
        let report = version(Status::Final, Some(10), Some(10), "a");
        let again = version(Status::Final, Some(10), Some(99), "a");
        let (history, arrival) = History::of(report).with(again).unwrap();
        assert_eq!((history.earlier().len(), arrival), (0, Arrival::Duplicate));
    }

    #[test]
    fn the_same_again_is_a_duplicate_after_its_code_was_mapped() {
        let mut report = version(Status::Final, Some(10), Some(10), "a");
        let item = Item::new(Concept::coded("L", "77", None), Status::Final);
        let section = |item: &Item| vec![Section { title: None, items: vec![item.clone()] }];
        report.sections = section(&item);
        let mut mapped = item.clone();
        mapped.code.codings.insert(0, Coding::ours("K"));
        for again in [Some(10), Some(99)] {
            let read = Report { sections: section(&mapped), ..version(Status::Final, Some(10), again, "a") };
            let (history, arrival) = History::of(report.clone()).with(read.clone()).unwrap();
            assert_eq!((history.earlier().len(), arrival), (0, Arrival::Duplicate));
            assert_eq!(history.current(), Some(&read), "the latest reading");
        }
        mapped.code.codings.push(Coding { code: Some("K1".into()), ..Coding::default() });
        let other = Report { sections: section(&mapped), ..report.clone() };
        assert_eq!(History::of(report).with(other).unwrap().0.earlier().len(), 1, "another code of the sender's");
    }

    #[test]
    fn what_is_final_does_not_yield_to_a_late_preliminary() {
        let f = version(Status::Final, Some(10), Some(10), "a");
        let late = version(Status::Preliminary, Some(50), Some(50), "a");
        assert_eq!(all([f.clone(), late]).current(), Some(&f));
    }

    #[test]
    fn a_correction_under_a_bare_date_is_later_than_what_it_corrects() {
        let on = |status, issued: &str, sent: Option<&str>, code: &str| {
            let at = sent.map(|sent| When::from_iso(sent).unwrap());
            let mut report = version(status, None, at.as_ref().map(|when| when.at.as_second()), code);
            report.times.issued = When::from_iso(issued).ok();
            report
        };
        let f = on(Status::Final, "2026-11-23T10:00", Some("2026-11-23T10:01"), "a");
        for sent in ["2026-11-23T15:00", "2026-11-24T00:05"] {
            let c = on(Status::Corrected, "2026-11-23", Some(sent), "b");
            assert_eq!(all([f.clone(), c.clone()]).current(), Some(&c), "{sent}");
        }
        let before = on(Status::Final, "2026-11-22", Some("2026-11-24T09:00"), "b");
        assert_eq!(all([f.clone(), before]).current(), Some(&f), "of an earlier day, sent late");
        let recall = on(Status::EnteredInError, "2026-11-23", None, "a");
        assert_eq!(all([f, recall.clone()]).current(), Some(&recall));
    }

    #[test]
    fn a_recall_ends_it_and_keeps_what_it_recalls() {
        let f = version(Status::Final, Some(10), Some(10), "a");
        let recall = version(Status::EnteredInError, Some(10), None, "a");
        let history = all([recall.clone(), f.clone()]);
        assert_eq!(history.current(), Some(&recall));
        let timeless = version(Status::EnteredInError, None, None, "a");
        assert_eq!(all([f.clone(), timeless.clone()]).current(), Some(&timeless));
        let dated = version(Status::EnteredInError, Some(10), Some(11), "a");
        assert_eq!(all([dated.clone(), f.clone()]).current(), Some(&dated));
        let mended = version(Status::Final, Some(60), Some(60), "b");
        assert_eq!(all([f, dated, mended.clone()]).current(), Some(&mended));
    }

    #[test]
    fn another_report_is_not_a_version_of_this_one() {
        let mut other = version(Status::Final, Some(10), Some(10), "a");
        other.key.number = "R2".into();
        assert_eq!(History::of(version(Status::Final, Some(10), Some(10), "a")).with(other), None);
    }

    fn any_version() -> impl Strategy<Value = Report> {
        use Status::{Amended, Cancelled, Corrected, EnteredInError, Final, Partial, Preliminary, Registered};
        let status = prop::sample::select(vec![
            Registered,
            Partial,
            Preliminary,
            Final,
            Amended,
            Corrected,
            Cancelled,
            EnteredInError,
        ]);
        (status, prop::option::of(0_i64..4), prop::option::of(0_i64..4), "[ab]")
            .prop_map(|(status, issued, sent, code)| version(status, issued, sent, &code))
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_ends_in_the_same_state(
            (sent, arrived) in prop::collection::vec(any_version(), 1..40)
                .prop_flat_map(|versions| (Just(versions.clone()), Just(versions).prop_shuffle()))
        ) {
            let straight = all(sent.clone());
            prop_assert_eq!(&all(arrived), &straight);
            // At-least-once delivery: everything once more changes nothing.
            let again = sent.into_iter().fold(straight.clone(), |history, report| history.with(report).unwrap().0);
            prop_assert_eq!(again, straight);
        }

        #[test]
        fn what_is_final_stays_so(versions in prop::collection::vec(any_version(), 1..20)) {
            let any_settled = versions.iter().any(|version| version.status.is_settled());
            prop_assert_eq!(all(versions).current().unwrap().status.is_settled(), any_settled);
        }
    }
}
