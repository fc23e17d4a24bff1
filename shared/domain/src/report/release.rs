//! Release: who sees which result when, and what a push may say.
//!
//! Routine results are shown when they are final; imaging and pathology may wait; what changes a life is told by a
//! doctor first. An item of a sensitive class is withheld alone: the rest of its report is shown.

use super::{Category, Codes, Concept, Item, Report, Status, Text};
use crate::time::add_minutes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All a push says: no value, no name of a test.
pub const PUSH_TEXT: &str = "您有新的报告，请进入查看";
/// All a push says after a critical value, once a clinician knows.
pub const CRITICAL_PUSH_TEXT: &str = "请尽快联系您的医生或回院就诊";
/// Minutes an imaging or pathology report waits unless a doctor confirms it sooner: a day.
pub const WAIT_MINUTES: u32 = 24 * 60;

/// What kind of result it is, for its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemClass {
    /// 常规检验.
    Laboratory,
    /// 微生物.
    Microbiology,
    /// 影像.
    Imaging,
    /// 病理.
    Pathology,
    /// Anything else that is not sensitive.
    Other,
    /// 艾滋病.
    Hiv,
    /// 梅毒.
    Syphilis,
    /// 妊娠丢失.
    PregnancyLoss,
    /// 遗传.
    Genetics,
    /// 肿瘤病理.
    TumourPathology,
}

impl ItemClass {
    /// Whether it is never pushed, and told by a doctor unless the hospital decides otherwise.
    pub fn is_sensitive(self) -> bool {
        matches!(self, Self::Hiv | Self::Syphilis | Self::PregnancyLoss | Self::Genetics | Self::TumourPathology)
    }
}

/// When a class of results is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "release")]
pub enum Release {
    /// As soon as it is final.
    Now,
    /// So long after it is final, or when a doctor confirms it.
    After {
        /// How long.
        minutes: u32,
    },
    /// When a doctor confirms it.
    AfterDoctor,
    /// Never online.
    Never,
}

/// How a sensitive class is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signs {
    /// The class.
    pub class: ItemClass,
    /// Codes, of LOINC or the hospital's own.
    pub codes: Vec<String>,
    /// Words in names of tests; for pathology also in its texts. Compared without case; Latin ones as whole words.
    pub words: Vec<String>,
}

/// The lists by which sensitive classes are recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Classes(Vec<Signs>);

fn signs(class: ItemClass, codes: &[&str], words: &[&str]) -> Signs {
    let owned = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect();
    Signs { class, codes: owned(codes), words: owned(words) }
}

impl Default for Classes {
    fn default() -> Self {
        Self(vec![
            signs(
                ItemClass::Hiv,
                &["7917-8", "7918-6", "31201-7", "56888-1", "75622-1", "25836-8", "20447-9"],
                &["HIV", "HIV1", "HIV2", "HIV-1", "HIV-2", "艾滋", "人类免疫缺陷病毒", "人免疫缺陷病毒"],
            ),
            signs(
                ItemClass::Syphilis,
                &["20507-0", "31147-2", "5292-8", "24110-9", "22587-0", "8041-6"],
                &["梅毒", "TPPA", "TPHA", "TRUST", "RPR", "VDRL", "syphilis", "treponema"],
            ),
            signs(
                ItemClass::PregnancyLoss,
                &[],
                &[
                    "流产",
                    "胎停",
                    "死胎",
                    "稽留",
                    "妊娠丢失",
                    "引产",
                    "miscarriage",
                    "stillbirth",
                    "products of conception",
                ],
            ),
            signs(
                ItemClass::Genetics,
                &["51969-4", "81247-9"],
                &[
                    "基因",
                    "染色体",
                    "核型",
                    "遗传",
                    "外显子",
                    "genetic",
                    "genotype",
                    "karyotype",
                    "chromosome",
                    "HLA",
                    "BRCA1",
                    "BRCA2",
                ],
            ),
            signs(
                ItemClass::TumourPathology,
                &["60568-3"],
                &[
                    "癌",
                    "恶性",
                    "肿瘤",
                    "肉瘤",
                    "淋巴瘤",
                    "白血病",
                    "黑色素瘤",
                    "carcinoma",
                    "malignant",
                    "malignancy",
                    "tumor",
                    "tumour",
                    "lymphoma",
                    "leukemia",
                    "leukaemia",
                    "melanoma",
                    "sarcoma",
                    "metastasis",
                    "metastatic",
                ],
            ),
        ])
    }
}

impl Classes {
    /// The default lists and a hospital's own.
    pub fn with(own: impl IntoIterator<Item = Signs>) -> Self {
        let mut all = Self::default();
        all.0.extend(own);
        all
    }

    /// The class of an item of a report.
    pub fn of_item(&self, report: &Report, item: &Item) -> ItemClass {
        let is_pathology = report.category == Category::Pathology;
        // A panel and what hangs on it are of one class: an unnamed part of an HIV test is one.
        let named = |concept: &Concept| self.sensitive(is_pathology, concept.codes(), concept.all_words());
        let by_value = || {
            let values = item.values.iter().map(|value| value.sent.as_str());
            if is_pathology { self.sensitive(true, std::iter::empty(), values) } else { None }
        };
        item.walk()
            .into_iter()
            .find_map(|part| named(&part.code))
            .or_else(|| named(&report.code))
            .or_else(by_value)
            .unwrap_or(plain_class(report.category))
    }

    /// The class of a report's texts, files and pictures: what it is called decides, and for pathology what it says.
    pub fn of_texts(&self, report: &Report) -> ItemClass {
        let is_pathology = report.category == Category::Pathology;
        let texts = report.texts.iter().map(|text| text.text.as_str());
        let words = report.code.all_words().chain(texts.filter(|_| is_pathology));
        let conclusions = report.conclusions.iter();
        let codes = report.code.codes().chain(conclusions.clone().flat_map(Concept::codes));
        let words = words.chain(conclusions.flat_map(Concept::all_words));
        self.sensitive(is_pathology, codes, words).unwrap_or(plain_class(report.category))
    }

    /// Whether anything of a report is sensitive.
    pub fn is_sensitive(&self, report: &Report) -> bool {
        self.of_texts(report).is_sensitive() || report.items().any(|item| self.of_item(report, item).is_sensitive())
    }

    fn sensitive<'a>(
        &self,
        is_pathology: bool,
        codes: impl Iterator<Item = &'a str>,
        words: impl Iterator<Item = &'a str>,
    ) -> Option<ItemClass> {
        let codes: Vec<&str> = codes.collect();
        let words: Vec<String> = words.map(str::to_lowercase).collect();
        let is_one = |signs: &&Signs| {
            let by_code = signs.codes.iter().any(|code| codes.contains(&code.as_str()));
            by_code || signs.words.iter().any(|word| words.iter().any(|text| has_word(text, &word.to_lowercase())))
        };
        // 肿瘤标志物 (CEA, AFP) are routine; the same word in pathology is not.
        let counts = |signs: &&Signs| signs.class != ItemClass::TumourPathology || is_pathology;
        self.0.iter().filter(counts).find(is_one).map(|signs| signs.class)
    }
}

/// Whether a text has a word: a Chinese one anywhere, a Latin one not within another.
fn has_word(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let begins = word.starts_with(|c: char| c.is_ascii_alphanumeric());
        let ends = word.ends_with(|c: char| c.is_ascii_alphanumeric());
        let is_within = (begins && is_letter(before)) || (ends && is_letter(after));
        !is_within
    })
}

fn plain_class(category: Category) -> ItemClass {
    match category {
        Category::Laboratory => ItemClass::Laboratory,
        Category::Microbiology => ItemClass::Microbiology,
        Category::Pathology => ItemClass::Pathology,
        Category::Imaging => ItemClass::Imaging,
        Category::Other => ItemClass::Other,
    }
}

/// A hospital's policy: how classes are recognised, and when each is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How sensitive classes are recognised.
    #[serde(default)]
    pub classes: Classes,
    /// When a class is shown, where it differs from [`default_release`].
    #[serde(default)]
    pub releases: BTreeMap<ItemClass, Release>,
    /// What the codes of the hospital's front-end machines mean.
    #[serde(default)]
    pub codes: Codes,
    /// Whether results go by the hospital's tables of codes: items, and sexes of front-end machines.
    #[serde(default)]
    pub by_code_tables: bool,
    /// Whether the hospital's own system is told of critical values, so that it calls a clinician as well.
    #[serde(default)]
    pub alerts_his: bool,
}

/// When a class is shown unless the hospital decides otherwise.
pub fn default_release(class: ItemClass) -> Release {
    match class {
        ItemClass::Laboratory | ItemClass::Microbiology | ItemClass::Other => Release::Now,
        ItemClass::Imaging | ItemClass::Pathology => Release::After { minutes: WAIT_MINUTES },
        _ => Release::AfterDoctor,
    }
}

/// What has happened to a report here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When it was first final here.
    pub final_at: Timestamp,
    /// When a doctor confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// Whether a critical value waits for a clinician: it is theirs to tell.
    pub awaits_clinician: bool,
}

/// Whether something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// It is.
    Visible,
    /// The sender is not done with it.
    NotFinal,
    /// It will be.
    From(Timestamp),
    /// A doctor tells it.
    AfterDoctor,
    /// Not online: the paper is at the hospital.
    Never,
    /// The sender took it back.
    Withdrawn,
}

impl Policy {
    /// When a class is shown.
    pub fn release(&self, class: ItemClass) -> Release {
        self.releases.get(&class).copied().unwrap_or_else(|| default_release(class))
    }

    /// Whether an item is shown at `now`.
    pub fn item(&self, report: &Report, item: &Item, progress: Progress, now: Timestamp) -> Visibility {
        match item.status {
            Status::EnteredInError => Visibility::Withdrawn,
            status if !status.is_settled() => Visibility::NotFinal,
            _ if progress.awaits_clinician && item.is_critical() => Visibility::AfterDoctor,
            _ => self.shown(report.status, self.classes.of_item(report, item), progress, now),
        }
    }

    /// Whether the texts, files and pictures of a report are shown at `now`. A file prints the whole report, so one
    /// sensitive item keeps it back, or a critical one that waits for a clinician.
    pub fn texts(&self, report: &Report, progress: Progress, now: Timestamp) -> Visibility {
        if progress.awaits_clinician && report.status.is_settled() {
            return Visibility::AfterDoctor;
        }
        let by_item = report.items().map(|item| self.classes.of_item(report, item)).find(|class| class.is_sensitive());
        let class = Some(self.classes.of_texts(report)).filter(|class| class.is_sensitive()).or(by_item);
        self.shown(report.status, class.unwrap_or(plain_class(report.category)), progress, now)
    }

    pub(super) fn shown(&self, status: Status, class: ItemClass, progress: Progress, now: Timestamp) -> Visibility {
        if status == Status::EnteredInError {
            return Visibility::Withdrawn;
        }
        if !status.is_settled() {
            return Visibility::NotFinal;
        }
        let is_confirmed = progress.confirmed_at.is_some_and(|at| at <= now);
        match self.release(class) {
            Release::Never => Visibility::Never,
            Release::Now => Visibility::Visible,
            _ if is_confirmed => Visibility::Visible,
            Release::AfterDoctor => Visibility::AfterDoctor,
            Release::After { minutes } => {
                let from = add_minutes(progress.final_at, i64::from(minutes));
                if from <= now { Visibility::Visible } else { Visibility::From(from) }
            }
        }
    }

    /// What a push about a report may say; `None` where there is to be none: nothing final, nothing visible yet, a
    /// sensitive class. A critical value is pushed by its own text, and by the caller only after a clinician knows.
    pub fn push_text(&self, report: &Report, progress: Progress, now: Timestamp) -> Option<&'static str> {
        let is_visible = |visibility| visibility == Visibility::Visible;
        let anything = report.items().any(|item| is_visible(self.item(report, item, progress, now)))
            || is_visible(self.texts(report, progress, now));
        if !report.status.is_valid() || !anything || self.classes.is_sensitive(report) {
            return None;
        }
        Some(if report.is_critical() { CRITICAL_PUSH_TEXT } else { PUSH_TEXT })
    }
}

/// The name a list may show before the report is opened: none for anything sensitive.
pub fn list_name<'a>(report: &'a Report, classes: &Classes) -> Option<&'a str> {
    let name = report.code.name();
    (!classes.is_sensitive(report) && !name.is_empty()).then_some(name)
}

/// What a withheld item shows in its place.
pub fn withheld_text(visibility: Visibility) -> Option<&'static str> {
    match visibility {
        Visibility::Visible => None,
        Visibility::NotFinal => Some("结果未出"),
        Visibility::From(_) => Some("结果将在稍后开放"),
        Visibility::AfterDoctor => Some("请由医生为您解读"),
        Visibility::Never => Some("请到医院领取纸质报告"),
        Visibility::Withdrawn => Some("该结果已撤回"),
    }
}

/// The texts of a report of one kind.
pub fn texts_of(report: &Report, kind: super::TextKind) -> impl Iterator<Item = &Text> {
    report.texts.iter().filter(move |text| text.kind == kind).map(|text| &text.text)
}
