//! Who reads a report, and what of it they see.
//!
//! A reader gets a [`Shown`]: the report without what is not for them, or not yet. Whatever makes pages and files takes
//! only that, so that nothing withheld can slip into one.

use super::release::{ItemClass, Policy, Progress, Visibility};
use super::{Concept, Item, Report, Role, Section, Status};
use crate::person::{ADULT_AGE_YEARS, CONSENT_AGE_YEARS};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a member of the family may see of somebody's reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyScope {
    /// Nobody has said anything: a child's guardian sees, others do not.
    #[default]
    Unsaid,
    /// The person agrees.
    Granted,
    /// The person does not.
    Refused,
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The person themselves.
    Oneself,
    /// The guardian of a child below [`CONSENT_AGE_YEARS`], whose consent stands for the child's.
    Guardian,
    /// Family of anybody older. What a doctor has to tell is told to the person alone.
    Family,
}

impl Reader {
    /// A member of the family; `None` who may not read. `age_years` is the person's age today, if the document tells.
    /// A guardian's right ends on the day the person is of age, unless the person has agreed.
    pub fn family(scope: FamilyScope, age_years: Option<u16>) -> Option<Self> {
        let is_minor = age_years.is_some_and(|age| age < ADULT_AGE_YEARS);
        match scope {
            FamilyScope::Refused => None,
            FamilyScope::Unsaid if !is_minor => None,
            _ if age_years.is_some_and(|age| age < CONSENT_AGE_YEARS) => Some(Self::Guardian),
            _ => Some(Self::Family),
        }
    }

    /// What would be shown to the person, as it is shown to this reader.
    fn limited(self, class: ItemClass, visibility: Visibility) -> Visibility {
        let is_limited = visibility == Visibility::Visible && class.is_sensitive() && self == Self::Family;
        if is_limited { Visibility::AfterDoctor } else { visibility }
    }
}

/// So many results that are not shown, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Why.
    pub why: Visibility,
    /// How many results; 0 where texts alone are withheld.
    pub count: usize,
}

/// What of a report a reader sees now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The report without what is withheld. Where that is sensitive, also without everything that could tell what it is.
    pub report: Report,
    /// What is withheld, each reason once.
    pub withheld: Vec<Withheld>,
    /// Whether the report may be called by its name.
    pub is_named: bool,
}

impl Shown {
    /// Whether anything was found that is shown.
    pub fn has_content(&self) -> bool {
        let report = &self.report;
        let is_empty = report.sections.is_empty()
            && report.texts.is_empty()
            && report.conclusions.is_empty()
            && report.files.is_empty()
            && report.images.is_empty();
        !is_empty
    }

    /// Why things are withheld, the most important reason first: what a list says in one line.
    pub fn main_reason(&self) -> Option<Visibility> {
        self.withheld.iter().map(|withheld| withheld.why).max_by_key(|why| match why {
            Visibility::Visible => 0,
            Visibility::NotFinal => 1,
            Visibility::From(_) => 2,
            Visibility::Never => 3,
            Visibility::AfterDoctor => 4,
            Visibility::Withdrawn => 5,
        })
    }
}

/// Sorts what is shown from what is not.
struct Sieve<'a> {
    policy: &'a Policy,
    report: &'a Report,
    reader: Reader,
    progress: Progress,
    now: Timestamp,
    withheld: Vec<Withheld>,
    hides_sensitive: bool,
}

impl Policy {
    /// Whether a class of results is shown to a reader at `now`.
    pub fn class_for(
        &self,
        reader: Reader,
        status: Status,
        class: ItemClass,
        progress: Progress,
        now: Timestamp,
    ) -> Visibility {
        reader.limited(class, self.shown(status, class, progress, now))
    }

    /// What of a report `reader` sees at `now`.
    pub fn seen_by(&self, report: &Report, reader: Reader, progress: Progress, now: Timestamp) -> Shown {
        let mut sieve =
            Sieve { policy: self, report, reader, progress, now, withheld: Vec::new(), hides_sensitive: false };
        let sections: Vec<Section> = report.sections.iter().filter_map(|section| sieve.section(section)).collect();
        let texts_are_shown = sieve.texts();
        let (hides_sensitive, withheld) = (sieve.hides_sensitive, sieve.withheld);
        let mut shown = Report { sections, ..report.clone() };
        if !texts_are_shown {
            strip_texts(&mut shown);
        }
        if hides_sensitive {
            strip_names(&mut shown);
        }
        Shown { report: shown, withheld, is_named: !hides_sensitive }
    }
}

impl Sieve<'_> {
    fn section(&mut self, section: &Section) -> Option<Section> {
        let items: Vec<Item> = section.items.iter().filter_map(|item| self.item(item)).collect();
        (!items.is_empty()).then(|| Section { items, ..section.clone() })
    }

    /// An item with those of its members that are shown. Its parts belong to it: they are shown with it or not at all.
    fn item(&mut self, item: &Item) -> Option<Item> {
        let alone = Item { members: Vec::new(), ..item.clone() };
        let class = self.policy.classes.of_item(self.report, &alone);
        let visibility = self.reader.limited(class, self.policy.item(self.report, &alone, self.progress, self.now));
        if visibility != Visibility::Visible {
            self.withhold(visibility, item.walk().iter().filter(|part| part.has_result()).count().max(1));
            self.hides_sensitive |= class.is_sensitive();
            return None;
        }
        let members: Vec<Item> = item.members.iter().filter_map(|member| self.item(member)).collect();
        let is_empty_panel = members.is_empty() && !item.members.is_empty() && !alone.has_result();
        (!is_empty_panel).then_some(Item { members, ..alone })
    }

    /// Whether the texts, files and pictures are shown.
    fn texts(&mut self) -> bool {
        let class = self.policy.classes.of_texts(self.report);
        let visibility = self.reader.limited(class, self.policy.texts(self.report, self.progress, self.now));
        let has_any = !(self.report.texts.is_empty()
            && self.report.conclusions.is_empty()
            && self.report.files.is_empty()
            && self.report.images.is_empty());
        // A file prints the whole report: one item that is kept back keeps it back.
        let is_shown = visibility == Visibility::Visible && !self.hides_sensitive;
        if !is_shown && (has_any || self.report.sections.is_empty()) {
            self.withhold(if visibility == Visibility::Visible { Visibility::AfterDoctor } else { visibility }, 0);
            self.hides_sensitive |= class.is_sensitive();
        }
        is_shown
    }

    fn withhold(&mut self, why: Visibility, count: usize) {
        match self.withheld.iter_mut().find(|withheld| withheld.why == why) {
            Some(known) => known.count += count,
            None => self.withheld.push(Withheld { why, count }),
        }
    }
}

fn strip_texts(report: &mut Report) {
    report.texts.clear();
    report.conclusions.clear();
    report.files.clear();
    report.images.clear();
    report.extras.clear();
}

/// Whatever could tell what was examined: names, specimens, numbers, everybody but whom to ask.
fn strip_names(report: &mut Report) {
    report.code = Concept::default();
    report.categories.clear();
    report.specimens.clear();
    report.identifiers.clear();
    report.based_on.clear();
    report.key.service = "".into();
    report.parties.retain(|party| matches!(party.role, Role::Hospital | Role::Orderer));
    if report.status == Status::EnteredInError {
        report.parties.clear();
    }
    for section in &mut report.sections {
        section.title = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;
    use crate::time::add_minutes;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-23T02:00:00Z".parse().unwrap()
    }

    fn item(name: &str) -> Item {
        let mut item = Item::new(Concept::words(name), Status::Final);
        item.values = vec![Value::read("1.5", None)];
        item
    }

    fn report(items: Vec<Item>) -> Report {
        let key = ReportKey { sender: "LIS".into(), number: "R1".into(), service: "".into() };
        let transmission = Transmission { wire: Wire::FrontEnd, control_id: None, sent_at: None };
        let mut report = Report::new(key, transmission, Status::Final);
        report.category = Category::Laboratory;
        report.code = Concept::words("生化检验");
        report.sections = vec![Section { title: Some(Concept::words("血清")), items }];
        report
    }

    fn shown(report: &Report, reader: Reader, is_confirmed: bool) -> Shown {
        let progress = Progress { final_at: now(), confirmed_at: is_confirmed.then(now), awaits_clinician: false };
        Policy::default().seen_by(report, reader, progress, now())
    }

    fn names(shown: &Shown) -> Vec<&str> {
        shown.report.items().map(|item| item.code.name()).collect()
    }

    #[test]
    fn a_child_s_guardian_reads_and_an_adult_s_family_asks() {
        use FamilyScope::{Granted, Refused, Unsaid};
        for (scope, age, reader) in [
            (Unsaid, Some(13), Some(Reader::Guardian)),
            (Unsaid, Some(14), Some(Reader::Family)),
            (Unsaid, Some(17), Some(Reader::Family)),
            (Unsaid, Some(18), None),
            (Unsaid, None, None),
            (Granted, Some(80), Some(Reader::Family)),
            (Granted, None, Some(Reader::Family)),
            (Granted, Some(3), Some(Reader::Guardian)),
            (Refused, Some(3), None),
            (Refused, Some(80), None),
        ] {
            assert_eq!(Reader::family(scope, age), reader, "{scope:?} {age:?}");
        }
    }

    #[test]
    fn what_is_withheld_leaves_no_trace() {
        let mut report = report(vec![item("谷丙转氨酶"), item("人类免疫缺陷病毒抗体")]);
        report.specimens = vec![Specimen { kind: Some(Concept::words("HIV 专用管")), ..Specimen::default() }];
        report.texts = vec![ReportText { kind: TextKind::Note, text: "HIV 抗体待复检".into() }];
        let seen = shown(&report, Reader::Oneself, false);
        assert_eq!(names(&seen), ["谷丙转氨酶"]);
        assert_eq!(seen.withheld, [Withheld { why: Visibility::AfterDoctor, count: 1 }]);
        assert!(!seen.is_named);
        let json = serde_json::to_string(&seen.report).unwrap();
        assert!(!json.contains("HIV") && !json.contains("免疫缺陷") && !json.contains("生化检验"), "{json}");
        let told = shown(&report, Reader::Oneself, true);
        assert_eq!((names(&told).len(), told.withheld.len(), told.is_named), (2, 0, true));
        assert_eq!(told.report, report);
    }

    #[test]
    fn what_a_doctor_tells_is_told_to_the_person_and_to_a_child_s_guardian() {
        let report = report(vec![item("谷丙转氨酶"), item("梅毒螺旋体抗体")]);
        assert_eq!(names(&shown(&report, Reader::Guardian, true)).len(), 2);
        assert_eq!(names(&shown(&report, Reader::Family, true)), ["谷丙转氨酶"]);
    }

    #[test]
    fn a_panel_keeps_what_is_not_withheld_and_an_item_keeps_all_its_parts() {
        let mut panel = Item::new(Concept::words("术前检查"), Status::Final);
        panel.members = vec![item("乙肝表面抗原"), item("抗-HIV")];
        assert_eq!(names(&shown(&report(vec![panel.clone()]), Reader::Oneself, false)), ["术前检查", "乙肝表面抗原"]);
        panel.members.remove(0);
        assert!(!shown(&report(vec![panel]), Reader::Oneself, false).has_content());
        let mut hiv = Item::new(Concept::words("HIV 抗体"), Status::Final);
        hiv.members = vec![item("S/CO")];
        assert!(!shown(&report(vec![hiv.clone()]), Reader::Oneself, false).has_content(), "an unnamed part");
        hiv.code = Concept::words("抗体");
        hiv.members.clear();
        hiv.components = vec![item("HIV S/CO")];
        assert!(!shown(&report(vec![hiv]), Reader::Oneself, false).has_content());
    }

    #[test]
    fn pictures_wait_their_time() {
        let mut report = report(Vec::new());
        report.category = Category::Imaging;
        report.sections.clear();
        report.texts = vec![ReportText { kind: TextKind::Findings, text: "两肺纹理清晰".into() }];
        let seen = shown(&report, Reader::Oneself, false);
        let until = add_minutes(now(), i64::from(release::WAIT_MINUTES));
        assert_eq!((seen.has_content(), seen.main_reason()), (false, Some(Visibility::From(until))));
        assert!(seen.is_named, "that a picture was taken is no secret");
        assert!(shown(&report, Reader::Oneself, true).has_content());
    }

    #[test]
    fn what_was_recalled_or_is_not_final_shows_nothing() {
        for (status, why) in
            [(Status::EnteredInError, Visibility::Withdrawn), (Status::Preliminary, Visibility::NotFinal)]
        {
            let mut report = report(vec![item("谷丙转氨酶")]);
            report.status = status;
            let seen = shown(&report, Reader::Oneself, true);
            assert_eq!((seen.has_content(), seen.main_reason()), (false, Some(why)));
        }
    }

    proptest! {
        /// Nobody sees a sensitive item before a doctor has spoken, and nobody but the person (or a child's guardian)
        /// ever; what is shown was sent.
        #[test]
        fn nothing_sensitive_slips_through(
            picks in prop::collection::vec((0_usize..4, 0_usize..3), 1..12),
            is_confirmed: bool,
            reader in prop::sample::select(vec![Reader::Oneself, Reader::Guardian, Reader::Family]),
        ) {
            let names_of = ["谷丙转氨酶", "HIV 抗体", "BRCA1 基因", "血糖"];
            let mut items: Vec<Item> = Vec::new();
            for (name, depth) in picks {
                let mut found = item(names_of[name]);
                for _ in 0..depth {
                    let mut panel = Item::new(Concept::words("组合"), Status::Final);
                    panel.members = vec![found];
                    found = panel;
                }
                items.push(found);
            }
            let report = report(items);
            let seen = shown(&report, reader, is_confirmed);
            let classes = Classes::default();
            let may_see = is_confirmed && reader != Reader::Family;
            let found: Vec<&Item> = seen.report.items().collect();
            let leaks = found.iter().any(|item| classes.of_item(&report, item).is_sensitive());
            prop_assert!(may_see || !leaks);
            let count = |report: &Report| report.items().filter(|item| item.has_result()).count();
            let withheld: usize = seen.withheld.iter().map(|withheld| withheld.count).sum();
            prop_assert_eq!(count(&seen.report) + withheld, count(&report));
        }
    }
}
