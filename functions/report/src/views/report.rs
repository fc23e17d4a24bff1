//! A report: on the screen, on paper, and beside the version before it.

use super::facts::{Fact, beyond};
use super::item::{ItemView, file_text, row, unread_flags};
use super::times::when_text;
use domain::Timestamp;
use domain::report::release::withheld_text;
use domain::report::{
    Category, Concept, Item, Overall, Party, Report, Role, Shown, Specimen, Text, TextKind, Visibility, Withheld,
};
use domain::time;
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeSet;
use web::components::{Button, Page, REPORT_STYLE, Tab, Tone, heading, key_values, notice, page, title};
use web::view::{PageContext, View};

/// What is said beside every result.
const ADVICE: &str = "检验检查结果须结合病情由医生判断，仅凭数值不能诊断。";
/// What is said when a value cannot wait.
const CALL_NOW: &str = "其中有危急值。请立即联系您的医生或到急诊就诊。";

/// A line of facts: what, and its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Items under one heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SectionView {
    title: String,
    pub(crate) items: Vec<ItemView>,
}

/// A text of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Passage {
    title: &'static str,
    text: String,
}

/// What is withheld, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WithheldView {
    text: String,
}

impl WithheldView {
    fn of(withheld: &Withheld) -> Self {
        let what = withheld_text(withheld.why).unwrap_or_default();
        let text = match (withheld.why, withheld.count) {
            (Visibility::From(at), _) => format!("结果将于 {} 开放查看", instant_text(at)),
            (Visibility::AfterDoctor, 0) => "请由医生与您面谈结果。请携带就诊卡到开单医生处复诊".to_owned(),
            (Visibility::AfterDoctor, count) => {
                format!("有 {count} 项结果由医生与您面谈。请携带就诊卡到开单医生处复诊")
            }
            (_, 0) => what.to_owned(),
            (_, count) => format!("{what}（{count} 项）"),
        };
        Self { text }
    }
}

/// An instant at the hospital.
pub(crate) fn instant_text(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%-m月%-d日 %H:%M").to_string()
}

/// Where a report's pages are, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The report's id.
    pub(crate) report: String,
    /// Whose it is, for addresses.
    pub(crate) patient: String,
    /// Whose it is, masked.
    pub(crate) name_masked: String,
    /// Whether another version was valid before.
    pub(crate) is_corrected: bool,
}

/// A report as its reader may see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReportView {
    report: String,
    patient: String,
    /// What was examined; neutral where that may not be told.
    title: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<String>,
    is_critical: bool,
    is_corrected: bool,
    withheld: Vec<WithheldView>,
    pub(crate) sections: Vec<SectionView>,
    texts: Vec<Passage>,
    files: Vec<String>,
    head: Vec<Line>,
    /// What there is no place for.
    facts: Vec<Fact>,
    #[serde(skip)]
    patient_id: String,
    #[serde(skip)]
    tone: Tone,
    #[serde(skip)]
    paper: Option<Paper>,
}

/// What stands on paper besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paper {
    /// The full name: on paper a report is nobody's without it.
    pub(crate) name: String,
    /// Sex and age, as far as they are known.
    pub(crate) person: String,
    /// When it was printed.
    pub(crate) printed_at: String,
}

impl ReportView {
    /// Of what a reader sees of a report.
    pub(crate) fn of(shown: &Shown, about: About, trend: &impl Fn(&Item) -> Option<String>) -> Self {
        let report = &shown.report;
        let person = report.about();
        let sections: Vec<SectionView> = report
            .sections
            .iter()
            .map(|section| SectionView {
                title: section.title.as_ref().map_or("", Concept::name).to_owned(),
                items: section.items.iter().map(|item| ItemView::of(item, person, trend)).collect(),
            })
            .collect();
        let mut view = Self {
            report: about.report,
            patient: about.name_masked,
            title: title_of(shown),
            status: report.status.patient_text(),
            overall: overall_of(shown),
            is_critical: report.is_critical() && report.status.is_valid(),
            is_corrected: about.is_corrected && shown.has_content(),
            withheld: shown.withheld.iter().map(WithheldView::of).collect(),
            sections,
            texts: passages(report),
            files: files(report),
            head: head(report),
            facts: Vec::new(),
            patient_id: about.patient,
            tone: tone_of(report),
            paper: None,
        };
        view.facts = view.rest(report);
        view
    }

    /// The same for paper.
    #[must_use]
    pub(crate) fn on_paper(self, paper: Paper) -> Self {
        Self { paper: Some(paper), ..self }
    }

    /// What of the report stands nowhere else, then what of each item does.
    fn rest(&self, report: &Report) -> Vec<Fact> {
        let lines = self.head.iter().map(|line| line.text.clone());
        let texts = report.texts.iter().map(|text| text.text.as_str().to_owned());
        let mut shown: BTreeSet<String> = lines.chain(texts).chain([self.title.clone()]).collect();
        shown.extend(self.sections.iter().map(|section| section.title.clone()));
        let mut facts = beyond(report, &shown);
        for item in self.sections.iter().flat_map(|section| &section.items).flat_map(ItemView::walk) {
            let named = item.facts.iter();
            facts.extend(named.map(|fact| Fact { place: format!("{}·{}", item.name, fact.place), ..fact.clone() }));
        }
        facts
    }

    fn body(&self, actions: &Markup) -> Markup {
        html! {
            @if self.is_critical { (notice(Tone::Wait, CALL_NOW)) }
            @if let Some(overall) = &self.overall { (notice(self.tone, overall)) }
            @for withheld in &self.withheld { (notice(Tone::Wait, &withheld.text)) }
            (actions)
            @for section in &self.sections {
                @if !section.title.is_empty() { (title(&section.title)) }
                ul.cells { @for item in &section.items { (row(item)) } }
            }
            @for text in &self.texts {
                (title(text.title))
                div.prose { p.text { (text.text) } }
            }
            @if !self.files.is_empty() {
                (title("附件与影像"))
                div.prose { @for file in &self.files { p { (file) } } }
            }
            (title("报告信息"))
            (self.head_rows())
            @if !self.facts.is_empty() {
                details.cells.facts {
                    summary.cell { span.main { "编码与其他原始记录" } span.side aria-hidden="true" { "▾" } }
                    dl.kv {
                        @for fact in &self.facts { div { dt { (fact.place) } dd { (fact.text) } } }
                    }
                }
            }
            p.advice { (ADVICE) }
        }
    }

    fn head_rows(&self) -> Markup {
        let rows: Vec<(&str, Markup)> = self.head.iter().map(|line| (line.name, html! { (line.text) })).collect();
        key_values(&rows)
    }

    fn screen(&self, context: &PageContext<'_>) -> Markup {
        let versions = format!("/reports/{}/versions", self.report);
        let print = format!("/reports/{}/print", self.report);
        let corrected = html! {
            @if self.is_corrected {
                (notice(Tone::Wait, "这份报告更正过，以本页为准。"))
                div.acts { (Button::plain_link("与更正前对照", &versions)) }
            }
        };
        let below = format!("{} · {}", self.patient, self.status);
        let list = format!("/reports?patient={}", self.patient_id);
        let body = html! {
            (heading(&self.title, Some(&below)))
            (self.body(&corrected))
            div.acts {
                @if !self.sections.is_empty() || !self.texts.is_empty() { (Button::plain_link("打印或保存", &print)) }
                (Button::plain_link("返回报告列表", &list))
            }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments).style(REPORT_STYLE), body)
    }

    fn sheet(&self, context: &PageContext<'_>, paper: &Paper) -> Markup {
        let person = [paper.name.as_str(), paper.person.as_str()].join("　");
        let back = format!("/reports/{}", self.report);
        let body = html! {
            header.paper {
                h1 { (context.site.hospital_name) }
                h2 { (self.title) }
                p { (person) "　" (self.status) }
            }
            (self.body(&html! {}))
            p.advice { "打印时间 " (paper.printed_at) "。本页由患者本人或其家人自行打印；需加盖公章的报告请到医院领取。" }
            p.save { "保存方法：在微信右上角“…”中选择“在浏览器打开”后打印或存为 PDF；也可以直接长截屏保存。" }
            div.acts { (Button::plain_link("返回", &back)) }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments).style(REPORT_STYLE), body)
    }
}

impl View for ReportView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        match &self.paper {
            Some(paper) => self.sheet(context, paper),
            None => self.screen(context),
        }
    }
}

/// What to call a report: neutral while that could tell something.
pub(crate) fn title_of(shown: &Shown) -> String {
    let name = shown.report.code.name();
    if shown.is_named && !name.is_empty() { name.to_owned() } else { kind_text(shown.report.category).to_owned() }
}

/// What kind of report it is.
pub(crate) fn kind_text(category: Category) -> &'static str {
    match category {
        Category::Laboratory | Category::Microbiology => "检验报告",
        Category::Imaging => "影像检查报告",
        Category::Pathology => "病理检查报告",
        Category::Other => "检查报告",
    }
}

/// What is said of the whole. Of a part nothing is claimed: what is withheld could be what stands out.
fn overall_of(shown: &Shown) -> Option<String> {
    let overall = shown.report.overall();
    let is_whole = shown.withheld.is_empty();
    if overall == Overall::AllWithinRange && !is_whole { None } else { overall.patient_text() }
}

fn tone_of(report: &Report) -> Tone {
    match report.overall() {
        Overall::AllWithinRange => Tone::Good,
        Overall::StandOut(_) => Tone::Wait,
        Overall::NotComparable => Tone::Plain,
    }
}

fn passages(report: &Report) -> Vec<Passage> {
    let text_of = |kind: TextKind| match kind {
        TextKind::Findings => "检查所见",
        TextKind::Impression => "诊断意见",
        TextKind::Conclusion => "结论",
        TextKind::Note => "备注",
        TextKind::Narrative => "报告全文",
    };
    let texts = report.texts.iter().map(|text| Passage { title: text_of(text.kind), text: lines(&text.text) });
    let named = report.conclusions.iter().filter(|conclusion| !conclusion.name().is_empty());
    let conclusions: Vec<&str> = named.map(Concept::name).collect();
    let coded =
        (!conclusions.is_empty()).then(|| Passage { title: "结论（编码）", text: conclusions.join("\n") });
    let flags = report.items().flat_map(|item| unread_flags(&item.flags)).collect::<BTreeSet<_>>();
    let flags = (!flags.is_empty())
        .then(|| Passage { title: "检验科的其他提示", text: flags.into_iter().collect::<Vec<_>>().join("\n") });
    texts.chain(coded).chain(flags).collect()
}

/// Line ends as browsers keep them.
fn lines(text: &Text) -> String {
    text.as_str().replace("\r\n", "\n").replace('\r', "\n")
}

fn files(report: &Report) -> Vec<String> {
    let images = report.images.iter().map(|image| {
        let texts = [&image.title, &image.modality, &image.body_part].into_iter().flatten().map(Text::as_str);
        let words = texts.collect::<Vec<_>>().join(" ");
        format!("影像 {words}，请到医院影像科调阅")
    });
    report.files.iter().map(file_text).chain(images).collect()
}

fn head(report: &Report) -> Vec<Line> {
    let parties = |role: Role| {
        let names = report.parties.iter().filter(move |party| party.role == role).filter_map(party_text);
        names.collect::<Vec<_>>().join("、")
    };
    let times = &report.times;
    let when = |when: &Option<domain::report::When>| when.as_ref().map(when_text).unwrap_or_default();
    let collected = match (&times.collected, &times.collected_until) {
        (Some(from), Some(until)) => format!("{} 至 {}", when_text(from), when_text(until)),
        (from, _) => when(from),
    };
    let specimens = report.specimens.iter().filter_map(specimen_text).collect::<Vec<_>>().join("；");
    let expected = if report.status.is_settled() { String::new() } else { when(&times.expected) };
    let lines = [
        ("状态", report.status.patient_text().to_owned()),
        ("报告编号", report.key.number.as_str().to_owned()),
        ("医院", parties(Role::Hospital)),
        ("检查科室", parties(Role::Laboratory)),
        ("申请科室", parties(Role::OrderingDepartment)),
        ("申请医生", parties(Role::Orderer)),
        ("标本", specimens),
        ("申请时间", when(&times.ordered)),
        ("采样时间", collected),
        ("接收时间", when(&times.received)),
        ("报告时间", when(&times.issued)),
        ("审核时间", when(&times.reviewed)),
        ("预计时间", expected),
        ("报告者", parties(Role::Performer)),
        ("审核者", parties(Role::Reviewer)),
    ];
    lines.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| Line { name, text }).collect()
}

fn party_text(party: &Party) -> Option<&str> {
    party.name.as_ref().or(party.id.as_ref()).map(Text::as_str)
}

fn specimen_text(specimen: &Specimen) -> Option<String> {
    let named = |concept: &Option<Concept>| concept.as_ref().map_or("", Concept::name).to_owned();
    let id = specimen.id.as_ref().map_or("", Text::as_str).to_owned();
    let conditions = specimen.conditions.iter().map(|condition| condition.name().to_owned());
    let words = [named(&specimen.kind), named(&specimen.source), id].into_iter().chain(conditions);
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
