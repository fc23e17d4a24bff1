//! The pages of the credit record.

use super::{Entry, TEXT, TEXT_CHARS_MAX};
use domain::credit::{Ban, Breach, Scope, Standing, StrikeState};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::account::Link;
use web::components::{
    Button, Cell, Field, FieldKind, Page, State, Tab, Tone, badge, csrf_field, field, heading, key_values, list,
    notice, page, state,
};
use web::form::Form;
use web::view::{PageContext, View};

/// One strike in a list.
#[derive(Debug, Serialize)]
struct StrikeRow {
    appointment: String,
    what: &'static str,
    day: String,
    department: String,
    who: String,
    state: &'static str,
    /// Whether it counts now.
    counts: bool,
    #[serde(skip)]
    tone: Tone,
    #[serde(skip)]
    href: String,
}

impl StrikeRow {
    fn of(link: &Link, entry: &Entry<'_>) -> Self {
        let (state, tone) = state_words(entry);
        let place = entry.visit.as_ref().map(|visit| &visit.place);
        let wall = time::wall_clock(entry.strike.visit);
        Self {
            appointment: entry.id.to_string(),
            what: what_text(entry.strike.breach),
            day: wall.strftime("%Y年%m月%d日 %H:%M").to_string(),
            department: place.map(|place| place.department_name.clone()).unwrap_or_default(),
            who: place.map(|place| place.who.clone()).unwrap_or_default(),
            state,
            counts: entry.counts,
            tone,
            href: format!("/patients/{}/credit/{}", link.patient, entry.id),
        }
    }
}

fn what_text(breach: Breach) -> &'static str {
    match breach {
        Breach::Missed => "预约未到",
        Breach::Cancelled => "取消预约",
        Breach::CameLate => "迟到",
    }
}

fn state_words(entry: &Entry<'_>) -> (&'static str, Tone) {
    match entry.strike.state {
        StrikeState::Cleared => ("已到诊，不计入", Tone::Good),
        StrikeState::Waived => ("申诉通过，不计入", Tone::Good),
        StrikeState::Voided => ("已作废，不计入", Tone::Good),
        StrikeState::Provisional | StrikeState::Final if !entry.counts => ("不计入", Tone::Plain),
        StrikeState::Provisional => ("待医院核实", Tone::Wait),
        StrikeState::Final => ("计入", Tone::Bad),
    }
}

/// A person's credit record.
#[derive(Debug, Serialize)]
pub struct RecordView {
    patient: String,
    name: String,
    standing: &'static str,
    text: String,
    counted: u32,
    left: u32,
    strikes: Vec<StrikeRow>,
    #[serde(skip)]
    tone: Tone,
    #[serde(skip)]
    phone: String,
}

impl RecordView {
    /// From what is on record and where its owner stands.
    pub(crate) fn of(
        link: &Link,
        standing: &Standing,
        entries: &[Entry<'_>],
        profile: &HospitalProfile,
        now: Timestamp,
    ) -> Self {
        let (name, text, tone) = standing_words(standing, now);
        Self {
            patient: link.patient.to_string(),
            name: link.name_masked.clone(),
            standing: name,
            text,
            counted: standing.counted,
            left: standing.left,
            strikes: entries.iter().map(|entry| StrikeRow::of(link, entry)).collect(),
            tone,
            phone: profile.phone.clone(),
        }
    }
}

/// Where somebody stands, in words: what is ended, until when, what stays open, what to do.
fn standing_words(standing: &Standing, now: Timestamp) -> (&'static str, String, Tone) {
    if let Some(ban) = standing.ban() {
        return ("suspended", ban_text(ban, now), Tone::Bad);
    }
    if standing.is_last_warning() {
        let text = format!("已计入 {} 次，再有 1 次将暂停预约挂号。不能来时请提前取消。", standing.counted);
        return ("last_warning", text, Tone::Wait);
    }
    if standing.counted == 0 {
        return ("good", "信用良好，可以预约挂号。".to_owned(), Tone::Good);
    }
    let text = format!("已计入 {} 次，再有 {} 次将暂停预约挂号。", standing.counted, standing.left);
    ("good", text, Tone::Plain)
}

fn ban_text(ban: &Ban, now: Timestamp) -> String {
    let what = match ban.scope {
        Scope::AdvanceBooking => "预约挂号",
        Scope::Experts => "专家和特需门诊的预约",
    };
    let until = match ban.until {
        Some(until) => {
            let wall = time::wall_clock(until);
            format!("至 {} {}", time::day_text(wall.date(), time::today(now)), wall.strftime("%H:%M"))
        }
        None => "，直至医院解除".to_owned(),
    };
    format!("已暂停{what}{until}。就诊当日仍可挂号，急诊和窗口不受影响。如有异议，请点开下面的记录申诉。")
}

impl View for RecordView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .strikes
            .iter()
            .map(|row| (format!("{} {}", row.day, row.what), format!("{} {}", row.department, row.who)))
            .collect();
        let cells: Vec<_> = self
            .strikes
            .iter()
            .zip(&texts)
            .map(|(row, (text, below))| Cell {
                text,
                below: Some(below),
                side: Some(badge(row.tone, row.state)),
                href: Some(&row.href),
            })
            .collect();
        let phone = format!("有疑问请拨打医院电话 {}", self.phone);
        let body = html! {
            (heading("诚信记录", Some(&self.name)))
            (notice(self.tone, &self.text))
            @if cells.is_empty() {
                (state(State::Empty, "没有记录", "按时就诊，或在不能来时提前取消，就不会有记录", &[]))
            } @else {
                (list(&cells))
            }
            (notice(Tone::Plain, &phone))
        };
        page(context, &Page::new("诚信记录").tab(Tab::Patients), body)
    }
}

/// An appeal as its author sees it.
#[derive(Debug, Serialize)]
struct AppealView {
    filed_at: String,
    answer_by: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// One strike, and objecting to it.
#[derive(Debug, Serialize)]
pub struct StrikeView {
    #[serde(flatten)]
    row: StrikeRow,
    can_appeal: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<AppealView>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    form: Form,
}

impl StrikeView {
    /// From a strike, with what was typed before.
    pub(crate) fn of(link: &Link, entry: &Entry<'_>, form: Form) -> Self {
        let appeal = entry.appeal.as_ref().map(|appeal| AppealView {
            filed_at: time::wall_clock(appeal.at).strftime("%Y年%m月%d日 %H:%M").to_string(),
            answer_by: appeal.due.strftime("%Y年%m月%d日").to_string(),
            state: match &appeal.answer {
                None => "处理中",
                Some(answer) if answer.granted => "已通过",
                Some(_) => "未通过",
            },
            reason: appeal.answer.as_ref().map(|answer| answer.decision.why.clone()),
        });
        Self {
            row: StrikeRow::of(link, entry),
            can_appeal: appeal.is_none() && entry.strike.state.counts(),
            appeal,
            name: link.name_masked.clone(),
            form,
        }
    }

    fn appeal_form(&self, context: &PageContext<'_>) -> Markup {
        let text = Field {
            name: TEXT,
            label: "申诉理由",
            kind: FieldKind::Lines,
            hint: Some("请写明当天的情况，例如已到诊、住院、临时停诊等；两个工作日内答复"),
            max_chars: TEXT_CHARS_MAX,
        };
        html! {
            form method="post" action=(self.row.href) {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                div.cells { (field(&self.form, &text)) }
                div.acts { (Button::submit("提交申诉")) }
            }
        }
    }
}

impl View for StrikeView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let mut facts = vec![
            ("就诊人", html! { (self.name) }),
            ("就诊时间", html! { (self.row.day) }),
            ("科室", html! { (self.row.department) " " (self.row.who) }),
            ("记录", html! { (self.row.what) }),
            ("状态", badge(self.row.tone, self.row.state)),
        ];
        if let Some(appeal) = &self.appeal {
            facts.push(("申诉", html! { (appeal.filed_at) " 提交，" (appeal.state) }));
            match &appeal.reason {
                Some(reason) => facts.push(("答复", html! { (reason) })),
                None => facts.push(("答复期限", html! { (appeal.answer_by) " 前" })),
            }
        }
        let body = html! {
            (heading("诚信记录", None))
            (key_values(&facts))
            @if self.can_appeal { (self.appeal_form(context)) }
        };
        page(context, &Page::new("诚信记录").tab(Tab::Patients), body)
    }
}
