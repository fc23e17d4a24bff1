//! Reports (检验检查报告): what a laboratory or an imaging department found, as a patient and their doctor read it.
//!
//! A [`Report`] is one version of one report as its sender wrote it: nothing is rounded, translated or left out; what no
//! field is made for stands in `extras`. [`History`] is all that is known of a report, whatever the order of arrival;
//! [`release`] decides who sees what and when; [`flag`] and [`range`] say how a value lies. Words follow FHIR R4
//! (`DiagnosticReport`, `Observation`) and HL7 v2 (ORU^R01).

pub mod codes;
pub mod compare;
pub mod decimal;
pub mod filed;
pub mod flag;
pub mod history;
pub mod range;
pub mod reader;
pub mod release;
pub mod text;
pub mod trend;
pub mod unplaced;
pub mod value;
pub mod when;

pub use codes::Codes;
pub use compare::{Change, ItemChange, changes};
pub use decimal::{Decimal, DecimalError};
pub use filed::{Dossier, Filed, Line};
pub use flag::{Assessment, Flag, Meaning};
pub use history::{Arrival, History};
pub use range::{About, Bound, Condition, Position, ReferenceRange};
pub use reader::{FamilyScope, Reader, Shown, Withheld};
pub use release::{Classes, ItemClass, Policy, Release, Visibility};
pub use text::Text;
pub use trend::Point;
pub use value::{Attachment, Coding, Comparator, Concept, Polarity, Quantity, Reading, Samples, Unit, Value, is_ucum};
pub use when::{Precision, When, WhenError};

use crate::person::{Sex, age_on};
use serde::{Deserialize, Serialize};

/// How far a report or an item is. The order is that of a life; see [`History`] for what replaces what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 已登记: ordered or received, nothing found yet.
    Registered,
    /// 部分: some items are still open.
    Partial,
    /// 初步: may still change.
    Preliminary,
    /// 已审核.
    Final,
    /// 已补充: something was added after it was final.
    Appended,
    /// 已修订.
    Amended,
    /// 已更正: it was wrong.
    Corrected,
    /// 已取消: nothing will come.
    Cancelled,
    /// 已撤回: it should never have been sent (wrong patient, wrong specimen).
    EnteredInError,
}

impl Status {
    /// Whether the sender is done with it, for good or ill.
    pub fn is_settled(self) -> bool {
        self >= Self::Final
    }

    /// Whether it says something a patient may rely on.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::Final | Self::Appended | Self::Amended | Self::Corrected)
    }

    /// Whether it replaces something that was valid.
    pub fn is_revision(self) -> bool {
        matches!(self, Self::Appended | Self::Amended | Self::Corrected)
    }

    /// What to call it on a page.
    pub fn patient_text(self) -> &'static str {
        match self {
            Self::Registered => "检查中",
            Self::Partial => "部分结果",
            Self::Preliminary => "初步结果",
            Self::Final => "正式报告",
            Self::Appended => "已补充",
            Self::Amended => "已修订",
            Self::Corrected => "已更正",
            Self::Cancelled => "已取消",
            Self::EnteredInError => "已撤回",
        }
    }
}

/// What kind of examination it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// 检验.
    Laboratory,
    /// 微生物.
    Microbiology,
    /// 病理.
    Pathology,
    /// 影像.
    Imaging,
    /// Anything else: ECG, endoscopy, audiometry.
    #[default]
    Other,
}

/// Who speaks to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// HL7 v2.
    Hl7,
    /// FHIR R4.
    Fhir,
    /// 前置机.
    FrontEnd,
}

/// Which report it is. The same three always mean the same report, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReportKey {
    /// Who made it: the facility, or the system of its numbers. Empty where the sender names none.
    pub sender: Text,
    /// Its number there (HL7 filler order number, FHIR identifier, report number).
    pub number: Text,
    /// What was examined, where one number stands for several reports (HL7: OBR-4). Empty otherwise.
    pub service: Text,
}

/// How this version came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transmission {
    /// In which language.
    pub wire: Wire,
    /// The sender's number of the message (MSH-10, bundle id), where there is one.
    pub control_id: Option<Text>,
    /// When the sender sent it, by the sender's clock.
    pub sent_at: Option<When>,
}

/// A number of something in somebody's system.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// Whose number it is: an assigning authority or a URI.
    pub system: Option<Text>,
    /// The number.
    pub value: Option<Text>,
    /// What kind of number (`MR`, `FILL`).
    pub kind: Option<Concept>,
}

/// The patient as the sender names them: for matching only, never for showing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// Card and patient numbers.
    pub identifiers: Vec<Identifier>,
    /// Name.
    pub name: Option<Text>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Date of birth.
    pub birth: Option<When>,
    /// Age in words, as `35岁`.
    pub age: Option<Text>,
    /// A reference in the sender's system.
    pub reference: Option<Text>,
}

/// The times of a report. Each is absent where the sender did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Times {
    /// 申请.
    pub ordered: Option<When>,
    /// 采样, or when an examination was made.
    pub collected: Option<When>,
    /// The end of a longer collection.
    pub collected_until: Option<When>,
    /// 接收 in the laboratory.
    pub received: Option<When>,
    /// 报告, or when its status last changed.
    pub issued: Option<When>,
    /// 审核.
    pub reviewed: Option<When>,
    /// 预计: when the result can be expected.
    pub expected: Option<When>,
}

/// What somebody has to do with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 医院.
    Hospital,
    /// 检验科室 or imaging department.
    Laboratory,
    /// 申请科室.
    OrderingDepartment,
    /// 申请医生.
    Orderer,
    /// 检验者, 报告医生.
    Performer,
    /// 审核者.
    Reviewer,
}

/// Somebody who had to do with a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Party {
    /// What.
    pub role: Role,
    /// Their number.
    pub id: Option<Text>,
    /// Their name.
    pub name: Option<Text>,
}

/// A specimen (标本).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Specimen {
    /// Number or bar code.
    pub id: Option<Text>,
    /// What it is: 血清, 尿.
    pub kind: Option<Concept>,
    /// Where it was taken from.
    pub source: Option<Concept>,
    /// When it was taken.
    pub collected: Option<When>,
    /// When the laboratory had it.
    pub received: Option<When>,
    /// What is wrong with it: haemolysed, too little.
    pub conditions: Vec<Concept>,
    /// What no field is made for.
    pub extras: Vec<Extra>,
}

/// Something sent that no field is made for: kept, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Extra {
    /// Where it stood: `OBX-24`, `extension[0].valueString`.
    pub place: String,
    /// What was there.
    pub value: Text,
}

/// One thing that was measured or seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// The sender's number of it.
    pub id: Option<Text>,
    /// Which items of a report belong together (OBX-4).
    pub sub_id: Option<Text>,
    /// What was looked at.
    pub code: Concept,
    /// How far it is.
    pub status: Status,
    /// What was found: usually one value.
    pub values: Vec<Value>,
    /// The unit beside the value, as sent.
    pub unit: Option<Unit>,
    /// Why there is no value.
    pub absent: Option<Concept>,
    /// The reference range as sent, whole.
    pub range_sent: Option<Text>,
    /// What it reads as.
    pub ranges: Vec<ReferenceRange>,
    /// The sender's flags.
    pub flags: Vec<Flag>,
    /// How it was found.
    pub method: Option<Concept>,
    /// Where on the body.
    pub body_site: Option<Concept>,
    /// Of which specimen, by reference.
    pub specimen: Option<Text>,
    /// When it was observed.
    pub observed: Option<When>,
    /// When it was analysed or issued.
    pub analysed: Option<When>,
    /// By whom.
    pub performers: Vec<Party>,
    /// Remarks.
    pub notes: Vec<Text>,
    /// Parts of one measurement: systolic and diastolic.
    pub components: Vec<Item>,
    /// Results of their own that hang on this one: the antibiotics of an organism, the tests of a panel.
    pub members: Vec<Item>,
    /// What it was concluded from, by reference.
    pub derived_from: Vec<Text>,
    /// What no field is made for.
    pub extras: Vec<Extra>,
}

/// Names under which front-end machines send a sex, without case and signs.
const SEX_PLACES: [&str; 4] = ["sex", "gender", "patientsex", "sexname"];

impl Extra {
    /// Whether it is a sex by a code of the sender's own.
    fn is_sex(&self) -> bool {
        let name = self.place.rsplit('.').next().unwrap_or_default();
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        SEX_PLACES.contains(&plain.to_lowercase().as_str())
    }
}

impl Item {
    /// An item that says nothing yet.
    pub fn new(code: Concept, status: Status) -> Self {
        Self {
            id: None,
            sub_id: None,
            code,
            status,
            values: Vec::new(),
            unit: None,
            absent: None,
            range_sent: None,
            ranges: Vec::new(),
            flags: Vec::new(),
            method: None,
            body_site: None,
            specimen: None,
            observed: None,
            analysed: None,
            performers: Vec::new(),
            notes: Vec::new(),
            components: Vec::new(),
            members: Vec::new(),
            derived_from: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Without the codes of ours, here and in what hangs on it.
    fn forget_our_codes(&mut self) {
        self.code.codings.retain(|coding| !coding.is_ours());
        self.components.iter_mut().chain(&mut self.members).for_each(Self::forget_our_codes);
    }

    /// Whether something was found: a value, or a flag that stands for one (`R` of an antibiotic without MIC).
    pub fn has_result(&self) -> bool {
        !self.values.is_empty() || self.flags.iter().any(|flag| flag.meaning().is_some())
    }

    /// Whether a clinician has to know of it, or of one of its parts, within minutes.
    pub fn is_critical(&self) -> bool {
        let own = flag::gravest(&self.flags).is_some_and(Meaning::is_critical);
        own || self.components.iter().any(Self::is_critical)
    }

    /// What is said of its value.
    pub fn assess(&self, about: About) -> Assessment {
        let own = if self.status.is_settled() && !self.status.is_valid() {
            None
        } else {
            flag::own_flag(&self.values, &self.ranges, about)
        };
        Assessment { sent: flag::gravest(&self.flags), own }
    }

    /// The reference range in words: as sent, else its ends as numbers.
    pub fn range_text(&self) -> String {
        let composed = || self.ranges.iter().map(ReferenceRange::words).collect::<Vec<_>>().join("；");
        self.range_sent.as_ref().map_or_else(composed, |sent| sent.as_str().to_owned())
    }

    /// It and everything that hangs on it.
    pub fn walk(&self) -> Vec<&Item> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(item) = found.get(at).copied() {
            found.extend(item.components.iter().chain(&item.members));
            at += 1;
        }
        found
    }

    /// The antibiotics an organism was tried with: those of its members, panels among them opened, that say how it
    /// fares.
    pub fn susceptibilities(&self) -> impl Iterator<Item = (&Item, Meaning)> {
        self.members.iter().flat_map(Item::walk).filter_map(|item| {
            let meaning = flag::gravest(&item.flags).filter(|meaning| meaning.is_susceptibility())?;
            Some((item, meaning))
        })
    }
}

/// Items under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Section {
    /// The heading; none where the report has only one.
    pub title: Option<Concept>,
    /// What was found.
    pub items: Vec<Item>,
}

/// What a text of a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// 检查所见.
    Findings,
    /// 诊断意见.
    Impression,
    /// 结论.
    Conclusion,
    /// 备注.
    Note,
    /// The sender's own text of the whole report.
    Narrative,
}

/// A text of a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportText {
    /// What it is.
    pub kind: TextKind,
    /// The text, lines as sent.
    pub text: Text,
}

/// An imaging study or picture: a reference that is never followed blindly (E91).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageReference {
    /// Where or which, as sent.
    pub reference: Option<Text>,
    /// What it shows.
    pub title: Option<Text>,
    /// Modality, as `CT`.
    pub modality: Option<Text>,
    /// Body part.
    pub body_part: Option<Text>,
}

/// One version of one report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Report {
    /// Which report it is.
    pub key: ReportKey,
    /// How this version came.
    pub transmission: Transmission,
    /// How far it is.
    pub status: Status,
    /// What kind of examination.
    pub category: Category,
    /// The sender's own categories.
    pub categories: Vec<Concept>,
    /// What was examined.
    pub code: Concept,
    /// Its other numbers: of the order, the group, the visit.
    pub identifiers: Vec<Identifier>,
    /// Whose it is.
    pub subject: Subject,
    /// When.
    pub times: Times,
    /// Who.
    pub parties: Vec<Party>,
    /// Of what.
    pub specimens: Vec<Specimen>,
    /// What was found.
    pub sections: Vec<Section>,
    /// What was written.
    pub texts: Vec<ReportText>,
    /// Conclusions by code.
    pub conclusions: Vec<Concept>,
    /// Files.
    pub files: Vec<Attachment>,
    /// Studies and pictures.
    pub images: Vec<ImageReference>,
    /// What it was ordered by, by reference.
    pub based_on: Vec<Text>,
    /// What no field is made for.
    pub extras: Vec<Extra>,
}

/// What the page says of a whole report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    /// 全部在参考范围内: every item was compared, by the sender or by us, and none stands out.
    AllWithinRange,
    /// So many items stand out.
    StandOut(usize),
    /// Not everything can be compared: nothing is claimed.
    NotComparable,
}

impl Report {
    /// A report with nothing in it yet.
    pub fn new(key: ReportKey, transmission: Transmission, status: Status) -> Self {
        Self {
            key,
            transmission,
            status,
            category: Category::Other,
            categories: Vec::new(),
            code: Concept::default(),
            identifiers: Vec::new(),
            subject: Subject::default(),
            times: Times::default(),
            parties: Vec::new(),
            specimens: Vec::new(),
            sections: Vec::new(),
            texts: Vec::new(),
            conclusions: Vec::new(),
            files: Vec::new(),
            images: Vec::new(),
            based_on: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Whether it says the same as another one, however either came and however our tables of codes read it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.status == other.status && self.as_said() == other.as_said()
    }

    /// What was said: without how it came, and without what only our tables of codes make of it.
    fn as_said(&self) -> Self {
        let transmission = Transmission { wire: Wire::Hl7, control_id: None, sent_at: None };
        let mut said = Self { transmission, ..self.clone() };
        said.sections.iter_mut().flat_map(|section| &mut section.items).for_each(Item::forget_our_codes);
        if said.extras.iter().any(Extra::is_sex) {
            said.subject.sex = None;
        }
        said
    }

    /// Every item, with what hangs on it.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items).flat_map(Item::walk)
    }

    /// What the ranges of this report may depend on: sex, and age on the day of the specimen.
    pub fn about(&self) -> About {
        let day = self.times.collected.as_ref().or(self.times.issued.as_ref()).map(When::date);
        let birth = self.subject.birth.as_ref().filter(|birth| birth.precision >= Precision::Day).map(When::date);
        About { sex: self.subject.sex, age_years: birth.zip(day).map(|(birth, day)| age_on(birth, day)) }
    }

    /// Whether a clinician has to know within minutes.
    pub fn is_critical(&self) -> bool {
        self.items().any(Item::is_critical)
    }

    /// What the page says of the whole. `AllWithinRange` needs a valid report of which every item has a normal flag or
    /// lies in a usable range; anything less claims nothing.
    pub fn overall(&self) -> Overall {
        let about = self.about();
        let items: Vec<_> = self.items().filter(|item| item.has_result() || is_leaf(item)).collect();
        let assessed = items.iter().map(|item| item.assess(about));
        let stand_out = assessed
            .clone()
            .filter(|assessment| assessment.disagrees() || assessment.shown().is_some_and(stands_out))
            .count();
        let is_complete =
            self.status.is_valid() && !items.is_empty() && items.iter().all(|item| item.status.is_valid());
        match stand_out {
            0 if is_complete && assessed.clone().all(Assessment::is_normal) => Overall::AllWithinRange,
            0 => Overall::NotComparable,
            count => Overall::StandOut(count),
        }
    }
}

/// How a drug fares against an organism says nothing of a range.
fn stands_out(shown: Meaning) -> bool {
    !shown.is_normal() && !shown.is_susceptibility()
}

/// Whether nothing hangs on it: a panel that only holds its tests says nothing itself.
fn is_leaf(item: &Item) -> bool {
    item.components.is_empty() && item.members.is_empty()
}

impl Overall {
    /// In words; `None` where nothing is claimed.
    pub fn patient_text(self) -> Option<String> {
        match self {
            Self::AllWithinRange => Some("全部项目均在参考范围内".to_owned()),
            Self::StandOut(count) => Some(format!("有 {count} 项超出参考范围或提示异常")),
            Self::NotComparable => None,
        }
    }
}

#[cfg(test)]
mod tests;
