//! The hospital's own codes in results, by its tables (对照表): what was examined, and what a sex is called. Only where the
//! profile says that results go by them (`reports.by_code_tables`): each message then costs a query of them.

use crate::Inbox;
use domain::his::{CODE_CHARS_MAX, CodeKind, Codes};
use domain::person::Sex;
use domain::report::{self, Coding, Item, Report, Text};
use std::collections::BTreeSet;
use store::StoreError;

/// Systems whose codes mean the same everywhere (LOINC): no table of a hospital's is asked.
const EVERYWHERE: [&str; 2] = ["LN", "http://loinc.org"];
/// Where an unknown code was met, on the list for staff.
const SEEN_IN: &str = "results";

impl Inbox<'_> {
    /// What the codes of the hospital's front-end machines mean: the profile's, and what the tables say of sexes.
    pub(crate) async fn front_end_codes(&self) -> Result<report::Codes, StoreError> {
        let mut codes = self.profile.reports.codes.clone();
        if self.profile.reports.by_code_tables {
            let entries = self.table.codes_of(CodeKind::Sex).await?;
            codes.sexes.extend(entries.into_iter().filter_map(|entry| Some((entry.theirs, sex_of(&entry.ours)?))));
        }
        Ok(codes)
    }

    /// What the tables say of items; none where results do not go by them.
    pub(crate) async fn item_codes(&self) -> Result<Option<Codes>, StoreError> {
        if !self.profile.reports.by_code_tables {
            return Ok(None);
        }
        let entries = self.table.codes_of(CodeKind::Item).await?;
        Ok(Some(Codes::new(entries, self.profile.his.mapped_only.clone())))
    }

    /// A report with our codes of its items before the sender's; none when one of them has to be mapped first, which is
    /// noted.
    pub(crate) async fn translated(&self, report: &Report, codes: &Codes) -> Result<Option<Report>, StoreError> {
        let mut report = report.clone();
        let mut unknown = BTreeSet::new();
        for item in report.sections.iter_mut().flat_map(|section| &mut section.items) {
            translate(item, codes, &mut unknown);
        }
        for code in &unknown {
            self.table.note_unknown_code((CodeKind::Item, code), SEEN_IN, self.now).await?;
        }
        Ok(unknown.is_empty().then_some(report))
    }
}

fn translate(item: &mut Item, codes: &Codes, unknown: &mut BTreeSet<String>) {
    if let Some(theirs) = item.code.codings.iter().find(|coding| is_own(coding)).and_then(|coding| coding.code.clone())
    {
        match codes.ours(CodeKind::Item, theirs.as_str()) {
            None => drop(unknown.insert(theirs.as_str().chars().take(CODE_CHARS_MAX).collect())),
            Some(ours) if ours != theirs.as_str() => item.code.codings.insert(0, Coding::ours(&ours)),
            Some(_) => {}
        }
    }
    for part in item.components.iter_mut().chain(&mut item.members) {
        translate(part, codes, unknown);
    }
}

/// Whether it is a code of the sender's own.
fn is_own(coding: &Coding) -> bool {
    let system = coding.system.as_ref().map(Text::as_str);
    coding.code.is_some() && !system.is_some_and(|system| EVERYWHERE.contains(&system))
}

fn sex_of(ours: &str) -> Option<Sex> {
    match ours {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        _ => None,
    }
}
