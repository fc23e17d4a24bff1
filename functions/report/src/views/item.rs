//! One item: its value to the digit, against its range in words, arrow and bar.

use super::facts::{Fact, beyond};
use super::times::when_text;
use domain::report::flag::ranges_for;
use domain::report::{
    About, Attachment, Concept, Decimal, Flag, Item, Meaning, Position, Quantity, Reading, ReferenceRange, Text, Unit,
    Value,
};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeSet;

/// A value with more characters stands on lines of its own.
const SHORT_CHARS_MAX: usize = 16;
/// The bar, in units of its own picture: the range lies between its two ends, what is beyond on either side.
const BAR_WIDTH: i64 = 120;
const RANGE_FROM: i64 = 30;
const RANGE_TO: i64 = 90;
/// The marker stays within the picture, however far out a value is.
const MARK_MIN: i64 = 3;
const MARK_MAX: i64 = BAR_WIDTH - 3;
/// Thousandths that lie in one unit of the bar.
const RANGE_THOUSANDTHS: i64 = 1_000;

/// What is said of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FlagView {
    /// In words, with a sign where there is a direction.
    pub(crate) text: String,
    /// `normal`, `low`, `high`, `critical` or `other`.
    pub(crate) level: &'static str,
    /// Whether it is the sender's word; else ours, from value and range.
    pub(crate) is_sent: bool,
}

impl FlagView {
    fn of(meaning: Meaning, is_sent: bool) -> Self {
        Self { text: meaning.patient_text().to_owned(), level: level(meaning), is_sent }
    }
}

fn level(meaning: Meaning) -> &'static str {
    match meaning {
        _ if meaning.is_critical() => "critical",
        _ if meaning.is_normal() => "normal",
        Meaning::Low => "low",
        Meaning::High => "high",
        _ => "other",
    }
}

/// Where a value lies in its range, to be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    /// From the left, in units of [`BAR_WIDTH`].
    mark: i64,
    has_low: bool,
    has_high: bool,
    /// The same in words, for those who do not see it.
    text: String,
}

/// How an antibiotic fares against an organism.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DrugView {
    name: String,
    /// Concentration or zone as sent, with its unit.
    value: String,
    /// 敏感, 中介, 耐药, with the letter laboratories print.
    text: String,
    level: &'static str,
}

/// One item as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ItemView {
    pub(crate) name: String,
    /// As sent; several where several were found.
    values: Vec<String>,
    unit: String,
    range: String,
    /// Why there is no value, or how far the item is.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<FlagView>,
    /// The two judge differently.
    #[serde(skip_serializing_if = "Option::is_none")]
    disagreement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bar: Option<Bar>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drugs: Vec<DrugView>,
    /// Where its course is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trend: Option<String>,
    /// Parts and results that hang on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<ItemView>,
    /// What there is no place for.
    #[serde(skip)]
    pub(crate) facts: Vec<Fact>,
}

impl ItemView {
    /// Of an item of a report. `trend` says where the course of an item is shown.
    pub(crate) fn of(item: &Item, about: About, trend: &impl Fn(&Item) -> Option<String>) -> Self {
        let assessment = item.assess(about);
        let drugs: Vec<(&Item, Meaning)> = item.susceptibilities().collect();
        let is_drug = |part: &Item| drugs.iter().any(|(drug, _)| std::ptr::eq(*drug, part));
        // A drug with parts of its own keeps its place among the parts.
        let is_told = |part: &Item| is_drug(part) && part.components.is_empty() && part.members.is_empty();
        let parts = item.components.iter().chain(&item.members).filter(|part| !is_told(part));
        let is_valid = item.status.is_valid();
        let mut view = Self {
            name: name_of(item),
            values: item.values.iter().map(value_text).filter(|text| !text.is_empty()).collect(),
            unit: unit_of(item).map(|unit| unit.as_str().to_owned()).unwrap_or_default(),
            range: item.range_text(),
            state: state_of(item),
            flag: assessment.shown().map(|shown| FlagView::of(shown, assessment.sent.is_some())),
            disagreement: disagreement(assessment.sent, assessment.own),
            bar: if is_valid { bar(item, about) } else { None },
            notes: item.notes.iter().map(|note| note.as_str().to_owned()).collect(),
            drugs: drugs.iter().map(|(drug, meaning)| drug_view(drug, *meaning)).collect(),
            trend: if is_valid { trend(item) } else { None },
            parts: parts.map(|part| Self::of(part, about, trend)).collect(),
            facts: Vec::new(),
        };
        view.facts = beyond(item, &view.said());
        view.facts.extend(drugs.iter().flat_map(|(drug, meaning)| drug_facts(drug, *meaning)));
        view
    }

    /// Every text of it that a page shows.
    fn said(&self) -> BTreeSet<String> {
        let texts = [&self.name, &self.unit, &self.range].into_iter().chain(&self.values).chain(&self.notes).cloned();
        texts.collect()
    }

    /// The unit beside its value; empty where there is none.
    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// What is said of its value.
    pub(crate) fn flag(&self) -> Option<&FlagView> {
        self.flag.as_ref()
    }

    /// It and everything below it.
    pub(crate) fn walk(&self) -> Vec<&Self> {
        let mut found = vec![self];
        found.extend(self.parts.iter().flat_map(Self::walk));
        found
    }
}

fn name_of(item: &Item) -> String {
    let name = item.code.name();
    if name.is_empty() { "未命名项目".to_owned() } else { name.to_owned() }
}

fn unit_of(item: &Item) -> Option<&Unit> {
    let by_value = || match item.values.first().map(|value| &value.reading) {
        Some(Reading::Quantity(quantity)) => quantity.unit.as_ref(),
        _ => None,
    };
    item.unit.as_ref().or_else(by_value)
}

/// A value as sent; what was sent as no text is put into words.
pub(crate) fn value_text(value: &Value) -> String {
    match &value.reading {
        Reading::Boolean(yes) => if *yes { "是" } else { "否" }.to_owned(),
        Reading::When(when) => when_text(when),
        Reading::Period(start, end) => {
            let text = |end: &Option<domain::report::When>| end.as_ref().map(when_text).unwrap_or_default();
            format!("{} 至 {}", text(start), text(end))
        }
        Reading::Range(low, high) if value.sent.is_empty() => span_text(low.as_ref(), high.as_ref()),
        Reading::Samples(_) if value.sent.is_empty() => "波形数据，请由医生解读".to_owned(),
        Reading::File(file) => file_text(file),
        _ => value.sent.as_str().to_owned(),
    }
}

fn span_text(low: Option<&Quantity>, high: Option<&Quantity>) -> String {
    let text = |end: Option<&Quantity>| end.map(Quantity::text).unwrap_or_default();
    format!("{}–{}", text(low), text(high))
}

/// A file by its name and kind. Where it lies is no link: nobody's address is followed blindly.
pub(crate) fn file_text(file: &Attachment) -> String {
    let title = file.title.as_ref().map_or("附件", Text::as_str);
    let kind = file.content_type.as_ref().map(|kind| format!("（{}）", kind.as_str())).unwrap_or_default();
    format!("{title}{kind}，请到医院查阅")
}

fn state_of(item: &Item) -> Option<String> {
    let absent = item.absent.as_ref().map(|absent| format!("未出结果：{}", absent_text(absent)));
    let is_plain = item.status == domain::report::Status::Final;
    let status = (!is_plain).then(|| item.status.patient_text().to_owned());
    match (absent, status) {
        (Some(absent), Some(status)) => Some(format!("{status}，{absent}")),
        (absent, status) => absent.or(status),
    }
}

/// Why there is no value, where the standard code is known (HL7 `data-absent-reason`).
fn absent_text(absent: &Concept) -> &str {
    match absent.codes().next().unwrap_or_default() {
        "unknown" | "asked-unknown" => "不详",
        "not-performed" => "未做",
        "not-permitted" | "masked" => "未提供",
        "error" => "检测有误",
        "unsupported" | "not-applicable" => "不适用",
        "temp-unknown" => "暂缺",
        "as-text" => "见文字说明",
        _ => absent.name(),
    }
}

fn disagreement(sent: Option<Meaning>, own: Option<Meaning>) -> Option<String> {
    let (sent, own) = (sent?, own?);
    let assessment = domain::report::Assessment { sent: Some(sent), own: Some(own) };
    assessment.disagrees().then(|| {
        let (sent, own) = (sent.patient_text(), own.patient_text());
        format!("检验科标注“{sent}”，与所列参考范围比较为“{own}”，请以医生解释为准")
    })
}

fn bar(item: &Item, about: About) -> Option<Bar> {
    let [value] = item.values.as_slice() else { return None };
    let Reading::Quantity(quantity) = &value.reading else { return None };
    let [range] = ranges_for(&item.ranges, about)[..] else { return None };
    let position = range.position(quantity)?;
    let mark = place(quantity.number.as_ref()?, range, position)?;
    let lies = match position {
        Position::Below => "低于参考范围",
        Position::Within => "在参考范围内",
        Position::Above => "高于参考范围",
    };
    Some(Bar { mark, has_low: range.low.is_some(), has_high: range.high.is_some(), text: lies.to_owned() })
}

/// Where the marker stands. With one end only, the picture tells the side, not the distance.
fn place(number: &Decimal, range: &ReferenceRange, position: Position) -> Option<i64> {
    let width = RANGE_TO - RANGE_FROM;
    let drawn = match (&range.low, &range.high) {
        (Some(low), Some(high)) => {
            RANGE_FROM
                + number.thousandths_between(&low.number, &high.number)?.saturating_mul(width) / RANGE_THOUSANDTHS
        }
        _ => match position {
            Position::Below => RANGE_FROM / 2,
            Position::Within => i64::midpoint(RANGE_FROM, RANGE_TO),
            Position::Above => i64::midpoint(RANGE_TO, BAR_WIDTH),
        },
    };
    // What is compared and what is drawn never contradict each other, rounded or not.
    let (from, to) = match position {
        Position::Below => (MARK_MIN, RANGE_FROM - 1),
        Position::Within => (RANGE_FROM, RANGE_TO),
        Position::Above => (RANGE_TO + 1, MARK_MAX),
    };
    Some(drawn.clamp(from, to))
}

fn drug_view(drug: &Item, meaning: Meaning) -> DrugView {
    let values: Vec<String> = drug.values.iter().map(value_text).collect();
    let unit = unit_of(drug).map_or("", Unit::as_str);
    // Some senders put the letter itself into the value.
    let value = values.join("、");
    let value = if Meaning::of(&value) == Some(meaning) { String::new() } else { format!("{value} {unit}") };
    DrugView {
        name: name_of(drug),
        value: value.trim().to_owned(),
        text: format!("{} {}", meaning.patient_text(), meaning.code()),
        level: match meaning {
            Meaning::Susceptible | Meaning::SusceptibleDoseDependent => "normal",
            Meaning::Resistant | Meaning::NonSusceptible => "high",
            _ => "other",
        },
    }
}

/// What the line of an antibiotic has no place for, under its name.
fn drug_facts(drug: &Item, meaning: Meaning) -> Vec<Fact> {
    let view = drug_view(drug, meaning);
    let unit = unit_of(drug).map_or("", Unit::as_str).to_owned();
    let values = drug.values.iter().map(value_text).filter(|value| view.value.contains(value.as_str()));
    let shown: BTreeSet<String> = values.chain([view.name.clone(), unit]).collect();
    let facts = beyond(drug, &shown).into_iter();
    facts.map(|fact| Fact { place: format!("{}·{}", view.name, fact.place), text: fact.text }).collect()
}

/// The flag beside a name.
pub(crate) fn flag_mark(flag: &FlagView) -> Markup {
    html! { span class={ "flag " (flag.level) } { (flag.text) } }
}

/// Words sent as flags that mean nothing to us are shown as sent.
pub(crate) fn unread_flags(flags: &[Flag]) -> Vec<&str> {
    let unread = flags.iter().filter(|flag| flag.meaning().is_none());
    unread.filter_map(|flag| flag.text.as_ref().or(flag.code.as_ref())).map(Text::as_str).collect()
}

fn picture(bar: &Bar) -> Markup {
    html! {
        svg.bar viewBox={ "0 0 " (BAR_WIDTH) " 14" } role="img" aria-label=(bar.text) preserveAspectRatio="none" {
            // Each closed: in a picture an open one would hold, and so hide, those after it.
            path.all d={ "M0 9h" (BAR_WIDTH) } {}
            @let from = if bar.has_low { RANGE_FROM } else { 0 };
            @let to = if bar.has_high { RANGE_TO } else { BAR_WIDTH };
            path.in d={ "M" (from) " 9h" (to - from) } {}
            @if bar.has_low { path.end d={ "M" (RANGE_FROM) " 5v8" } {} }
            @if bar.has_high { path.end d={ "M" (RANGE_TO) " 5v8" } {} }
            path.mark d={ "M" (bar.mark) " 8l-4-7h8z" } {}
        }
    }
}

fn drugs_table(drugs: &[DrugView]) -> Markup {
    html! {
        table.drugs {
            caption { "药敏试验" }
            thead { tr { th scope="col" { "抗菌药物" } th scope="col" { "测得值" } th scope="col" { "结果" } } }
            tbody {
                @for drug in drugs {
                    tr { th scope="row" { (drug.name) } td { (drug.value) } td class=(drug.level) { (drug.text) } }
                }
            }
        }
    }
}

/// An item and what hangs on it, as a row of a list.
pub(crate) fn row(item: &ItemView) -> Markup {
    let is_short = |value: &String| value.chars().count() <= SHORT_CHARS_MAX && !value.contains('\n');
    html! {
        li.item {
            div.line { b { (item.name) } @if let Some(flag) = &item.flag { (flag_mark(flag)) } }
            @if item.values.iter().all(is_short) && !item.values.is_empty() {
                p.value { strong { (item.values.join("、")) } @if !item.unit.is_empty() { " " (item.unit) } }
            } @else {
                @for value in &item.values { p.text { (value) } }
                @if !item.unit.is_empty() { p.soft { "单位 " (item.unit) } }
            }
            @if let Some(state) = &item.state { p.soft { (state) } }
            @if let Some(bar) = &item.bar { (picture(bar)) }
            @if !item.range.is_empty() { p.soft { "参考范围 " (item.range) } }
            @if let Some(flag) = item.flag.as_ref().filter(|flag| !flag.is_sent && flag.level != "normal") {
                p.soft { "“" (flag.text) "”由系统按所列参考范围比较得出，检验科未标注" }
            }
            @if let Some(words) = &item.disagreement { p.soft { (words) } }
            @for note in &item.notes { p.text { "备注：" (note) } }
            @if !item.drugs.is_empty() { (drugs_table(&item.drugs)) }
            @if let Some(trend) = &item.trend { a.more href=(trend) { "查看历次变化" } }
            @if !item.parts.is_empty() { ul.parts { @for part in &item.parts { (row(part)) } } }
        }
    }
}
