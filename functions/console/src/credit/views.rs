//! What staff read of credit records.

use domain::credit::{Block, Breach, Decision, Record, Standing, Strike, StrikeState};
use domain::event::Actor;
use domain::id::AppointmentId;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::StoreError;
use store::appeals::Appeal;
use store::credit::{EVIDENCE, OnRecord};
use store::seal::Keyring;
use web::components::{Cell, Page, State, Tone, badge, heading, key_values, list, page, state, title};
use web::view::{PageContext, View};

fn clock(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A decision by hand.
#[derive(Debug, Serialize)]
pub struct DecisionView {
    by: String,
    at: String,
    why: String,
}

impl DecisionView {
    fn of(decision: &Decision) -> Self {
        let by = match &decision.by {
            Actor::Staff(name) => name.clone(),
            Actor::Account(_) => "本人或家人".to_owned(),
            Actor::WechatPay | Actor::Schedule => "系统".to_owned(),
        };
        Self { by, at: clock(decision.at), why: decision.why.clone() }
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.by, self.at, self.why)
    }
}

/// An appeal.
#[derive(Debug, Serialize)]
pub struct AppealView {
    appointment: String,
    patient_name_masked: String,
    filed_at: String,
    due: String,
    is_overdue: bool,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
}

impl AppealView {
    /// From an appeal, opened.
    pub fn of(appeal: &Appeal, keys: &Keyring, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            appointment: appeal.key().to_string(),
            patient_name_masked: appeal.patient_name_masked.clone(),
            filed_at: clock(appeal.at),
            due: appeal.due.to_string(),
            is_overdue: appeal.answer.is_none() && time::today(now) > appeal.due,
            text: appeal.text(keys)?,
            granted: appeal.answer.as_ref().map(|answer| answer.granted),
            decision: appeal.answer.as_ref().map(|answer| DecisionView::of(&answer.decision)),
        })
    }
}

impl View for AppealView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let outcome = match self.granted {
            Some(true) => "已通过",
            Some(false) => "未通过",
            None => "待处理",
        };
        let facts = [
            ("就诊人", html! { (self.patient_name_masked) }),
            ("申诉内容", html! { (self.text) }),
            ("答复期限", html! { (self.due) }),
            ("结果", html! { (outcome) }),
        ];
        page(context, &Page::new("申诉"), html! { (title("申诉")) (key_values(&facts)) })
    }
}

/// Appeals that await an answer.
#[derive(Debug, Serialize)]
pub struct AppealsView {
    /// Earliest due first.
    pub appeals: Vec<AppealView>,
}

impl View for AppealsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let texts: Vec<_> = self
            .appeals
            .iter()
            .map(|one| (format!("{} {}", one.patient_name_masked, one.text), format!("{} 前答复", one.due)))
            .collect();
        let side = |one: &AppealView| one.is_overdue.then(|| badge(Tone::Bad, "已超期"));
        let cells: Vec<_> = self
            .appeals
            .iter()
            .zip(&texts)
            .map(|(one, (text, below))| Cell { text, below: Some(below), side: side(one), href: None })
            .collect();
        let body = html! {
            (heading("待处理的申诉", Some("两个工作日内答复")))
            @if cells.is_empty() { (state(State::Empty, "没有待处理的申诉", "", &[])) } @else { (list(&cells)) }
        };
        page(context, &Page::new("申诉"), body)
    }
}

/// One fact on record.
#[derive(Debug, Serialize)]
pub struct StrikeView {
    appointment: String,
    breach: Breach,
    at: String,
    visit: String,
    state: StrikeState,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
}

impl StrikeView {
    fn of(id: &AppointmentId, strike: &Strike) -> Self {
        Self {
            appointment: id.to_string(),
            breach: strike.breach,
            at: clock(strike.at),
            visit: clock(strike.visit),
            state: strike.state,
            decision: strike.decision.as_ref().map(DecisionView::of),
        }
    }
}

/// One entry of the blacklist.
#[derive(Debug, Serialize)]
pub struct BlockView {
    why: &'static str,
    evidence: String,
    until: Option<String>,
    in_force: bool,
    put_on: DecisionView,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifted: Option<DecisionView>,
}

impl BlockView {
    fn of(block: &Block, keys: &Keyring, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            why: block.why.text(),
            evidence: keys.open(&block.evidence_sealed, EVIDENCE)?,
            until: block.until.map(clock),
            in_force: block.is_in_force(now),
            put_on: DecisionView::of(&block.put_on),
            lifted: block.lifted.as_ref().map(DecisionView::of),
        })
    }
}

/// A ban in force.
#[derive(Debug, Serialize)]
pub struct BanView {
    scope: domain::credit::Scope,
    since: String,
    until: Option<String>,
}

/// A credit record.
#[derive(Debug, Serialize)]
pub struct RecordView {
    #[serde(skip_serializing_if = "Option::is_none")]
    name_masked: Option<String>,
    counted: u32,
    left: u32,
    bans: Vec<BanView>,
    strikes: Vec<StrikeView>,
    lifts: Vec<DecisionView>,
    blocks: Vec<BlockView>,
}

impl RecordView {
    /// From a record and where its owner stands, if the owner is judged at all.
    pub fn of(
        record: &Record,
        standing: Option<&Standing>,
        keys: &Keyring,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let ban = |ban: &domain::credit::Ban| BanView {
            scope: ban.scope,
            since: clock(ban.since),
            until: ban.until.map(clock),
        };
        Ok(Self {
            name_masked: None,
            counted: standing.map_or(0, |standing| standing.counted),
            left: standing.map_or(0, |standing| standing.left),
            bans: standing.map(|standing| standing.bans.iter().map(ban).collect()).unwrap_or_default(),
            strikes: record.strikes.iter().map(|(id, strike)| StrikeView::of(id, strike)).collect(),
            lifts: record.lifts.iter().map(DecisionView::of).collect(),
            blocks: record.blocks.iter().map(|block| BlockView::of(block, keys, now)).collect::<Result<_, _>>()?,
        })
    }

    /// With the person's masked name.
    #[must_use]
    pub fn named(self, name_masked: String) -> Self {
        Self { name_masked: Some(name_masked), ..self }
    }
}

impl View for RecordView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let lifts: Vec<_> = self.lifts.iter().map(DecisionView::text).collect();
        let facts = [
            ("就诊人", html! { (self.name_masked.as_deref().unwrap_or("预约账号")) }),
            ("计入次数", html! { (self.counted) }),
            ("暂停预约", html! { (if self.bans.is_empty() { "否" } else { "是" }) }),
            ("黑名单", html! { (if self.blocks.iter().any(|block| block.in_force) { "是" } else { "否" }) }),
            ("解除记录", html! { (lifts.join("；")) }),
        ];
        let texts: Vec<_> = self
            .strikes
            .iter()
            .map(|strike| (breach_text(strike.breach), format!("{} {}", strike.visit, state_text(strike.state))))
            .collect();
        let cells: Vec<_> =
            texts.iter().map(|(text, below)| Cell { text, below: Some(below), side: None, href: None }).collect();
        page(context, &Page::new("诚信记录"), html! { (title("诚信记录")) (key_values(&facts)) (list(&cells)) })
    }
}

fn breach_text(breach: Breach) -> &'static str {
    match breach {
        Breach::Missed => "未到诊",
        Breach::Cancelled => "取消预约",
        Breach::CameLate => "迟到",
    }
}

fn state_text(state: StrikeState) -> &'static str {
    match state {
        StrikeState::Provisional => "待核实",
        StrikeState::Final => "已确认",
        StrikeState::Cleared => "已到诊，不计",
        StrikeState::Waived => "申诉通过，不计",
        StrikeState::Voided => "已作废，不计",
    }
}

/// What became of a decision.
#[derive(Debug, Serialize)]
pub struct DecidedView {
    /// False when it was so before.
    pub changed: bool,
}

impl View for DecidedView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let text = if self.changed { "已记录" } else { "没有需要更改的内容" };
        page(context, &Page::new(text), html! { (title(text)) })
    }
}

/// Somebody, by id and masked name.
#[derive(Debug, Serialize)]
pub struct PersonView {
    patient: String,
    name_masked: String,
}

impl PersonView {
    /// From the list of people with something on record.
    pub fn of(person: &OnRecord) -> Self {
        Self { patient: person.patient.to_string(), name_masked: person.name_masked.clone() }
    }
}

/// What another policy would do.
#[derive(Debug, Serialize)]
pub struct DryRunView {
    /// People with something on record.
    pub people: usize,
    /// Whether all of them were looked at.
    pub is_complete: bool,
    /// Banned under the policy in force.
    pub banned_now: usize,
    /// Banned under the other one.
    pub would_be_banned: usize,
    /// Who would be banned newly, as far as they are named.
    pub newly_banned: Vec<PersonView>,
    /// Who would be free.
    pub no_longer_banned: Vec<PersonView>,
    /// Who would be banned.
    pub banned: Vec<PersonView>,
}

impl View for DryRunView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let count = |count: usize| html! { (count) };
        let facts = [
            ("有记录的就诊人", count(self.people)),
            ("现行规则下暂停预约", count(self.banned_now)),
            ("新规则下暂停预约", count(self.would_be_banned)),
            ("新增", count(self.newly_banned.len())),
            ("解除", count(self.no_longer_banned.len())),
        ];
        page(context, &Page::new("规则试算"), html! { (title("规则试算（未生效）")) (key_values(&facts)) })
    }
}
