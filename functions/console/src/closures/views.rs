//! What staff see of a closure: whom it would concern, and whom it has reached.

use domain::appointment::{Appointment, State};
use domain::clinic::{ClinicState, SlotStart};
use domain::closure::{Closure, ClosureKind};
use domain::order::{Order, RefundState};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use store::clinics::ClinicWithSlots;
use web::components::{
    Button, Cell, Look, Page, Tone, badge, csrf_field, key_values, list, notice, page, title, yuan_text,
};
use web::view::{PageContext, View};

/// Somebody a decision would concern.
#[derive(Debug, Serialize)]
pub struct AffectedView {
    appointment: String,
    patient_name_masked: String,
    band: String,
    number: u16,
    state: &'static str,
    /// Paid in WeChat, to be returned.
    paid_fen: i64,
    /// Paid at the window, to be returned there.
    paid_at_window_fen: i64,
    /// Whether a message in WeChat reaches them.
    reachable: bool,
}

impl AffectedView {
    /// From an appointment.
    pub fn of(appointment: &Appointment, reachable: bool, now: Timestamp) -> Self {
        let is_paid = matches!(appointment.state, State::Confirming { .. } | State::Booked | State::CheckedIn);
        let paid = |fen: i64| if is_paid { fen } else { 0 };
        let at_window = appointment.fee.get() - appointment.payable().get();
        Self {
            appointment: appointment.key().to_string(),
            patient_name_masked: appointment.patient_name_masked.clone(),
            band: appointment.place.start.band_text(),
            number: appointment.place.number,
            state: crate::views::state_words(appointment.state, now).0,
            paid_fen: paid(appointment.payable().get()),
            paid_at_window_fen: paid(at_window),
            reachable,
        }
    }
}

/// Everybody a decision would concern, and the sums.
#[derive(Debug, Serialize)]
pub struct PreviewView {
    /// From this slot on; absent: all of the clinic.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    people: Vec<AffectedView>,
    booked: usize,
    held: usize,
    checked_in: usize,
    waiting: usize,
    unreachable: usize,
    refund_fen: i64,
    window_refund_fen: i64,
    fingerprint: String,
}

impl PreviewView {
    /// From those it would concern.
    pub fn of(from: Option<SlotStart>, people: Vec<AffectedView>, waiting: usize, fingerprint: String) -> Self {
        let count = |state: &str| people.iter().filter(|person| person.state == state).count();
        Self {
            from: from.map(|from| from.to_string()),
            booked: count("booked"),
            held: count("held"),
            checked_in: count("checked_in"),
            waiting,
            unreachable: people.iter().filter(|person| !person.reachable).count(),
            refund_fen: people.iter().map(|person| person.paid_fen).sum(),
            window_refund_fen: people.iter().map(|person| person.paid_at_window_fen).sum(),
            people,
            fingerprint,
        }
    }

    /// What the decision has to name.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// By which way somebody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// WeChat has the message.
    Wechat,
    /// The SMS service has it.
    Sms,
    /// The message is on its way.
    Soon,
    /// No message reaches them: to be called.
    Call,
}

/// Somebody a decision concerned.
#[derive(Debug, Serialize)]
pub struct PersonView {
    appointment: String,
    patient_name_masked: String,
    band: String,
    number: u16,
    state: &'static str,
    told: Told,
    /// How far the money is.
    refund: &'static str,
    /// Told, and the money is back.
    done: bool,
}

impl PersonView {
    /// From an appointment, what the ledger says, and its order.
    pub fn of(appointment: &Appointment, told: Told, order: Option<&Order>) -> Self {
        let (refund, is_back) = refund_words(appointment, order);
        let is_off = matches!(appointment.state, State::Cancelled { .. } | State::Refused { .. });
        Self {
            appointment: appointment.key().to_string(),
            patient_name_masked: appointment.patient_name_masked.clone(),
            band: appointment.place.start.band_text(),
            number: appointment.place.number,
            state: crate::views::state_words(appointment.state, appointment.created_at).1,
            told,
            refund,
            done: matches!(told, Told::Wechat | Told::Sms) && (is_back || !is_off),
        }
    }
}

fn refund_words(appointment: &Appointment, order: Option<&Order>) -> (&'static str, bool) {
    let is_off = matches!(appointment.state, State::Cancelled { .. } | State::Refused { .. });
    if !is_off {
        return ("不退费", true);
    }
    if appointment.booker.account().is_none() && !appointment.fee.is_zero() {
        return ("到窗口退费", true);
    }
    match order.filter(|order| order.is_paid()).map(|order| order.in_sequence().last().map(|refund| refund.state)) {
        None => ("未缴费", true),
        Some(Some(RefundState::Succeeded)) => ("已退款", true),
        Some(Some(RefundState::Outside)) => ("已由收费处退回", true),
        Some(Some(RefundState::Manual { .. })) => ("需人工处理", false),
        Some(_) => ("退款中", false),
    }
}

/// How far a decision has come.
#[derive(Debug, Serialize)]
pub struct ProgressView {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The doctor who comes instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    by: String,
    at: String,
    people: Vec<PersonView>,
    /// Neither told nor to be called, or the money is not back.
    open: usize,
    /// To be called.
    to_call: usize,
    /// True when everybody is cancelled or told, and the money is back.
    done: bool,
}

impl ProgressView {
    /// From a decision and those it concerned.
    pub fn of(closure: &Closure, people: Vec<PersonView>) -> Self {
        let open = people.iter().filter(|person| !person.done).count();
        let (kind, who) = match &closure.kind {
            ClosureKind::Close => ("close", None),
            ClosureKind::Substitute { who, .. } => ("substitute", Some(who.clone())),
        };
        Self {
            kind,
            from: closure.from.map(|from| from.to_string()),
            who,
            by: closure.by.clone(),
            at: time::wall_clock(closure.at).strftime("%Y-%m-%d %H:%M").to_string(),
            to_call: people.iter().filter(|person| person.told == Told::Call).count(),
            open,
            done: closure.is_done() && open == 0,
            people,
        }
    }

    fn title(&self) -> String {
        let what = if self.kind == "close" { "停诊" } else { "替诊" };
        let rest = self.from.as_deref().map_or_else(String::new, |from| format!("（{from} 起）"));
        let who = self.who.as_deref().unwrap_or_default();
        format!("{what}{rest} {who} {} {}", self.at, self.by)
    }
}

/// A clinic: what a decision about it would mean, and how far earlier ones have come.
#[derive(Debug, Serialize)]
pub struct ClosureView {
    clinic: String,
    department: String,
    who: String,
    date: String,
    open: bool,
    /// Starts of the slots that are closed.
    closed_slots: Vec<String>,
    preview: PreviewView,
    closures: Vec<ProgressView>,
}

impl ClosureView {
    /// From a clinic.
    pub fn of(found: &ClinicWithSlots, preview: PreviewView, closures: Vec<ProgressView>) -> Self {
        let clinic = &found.clinic;
        let closed = found.slots.iter().filter(|slot| slot.state == ClinicState::Closed);
        Self {
            clinic: clinic.id.to_string(),
            department: clinic.department_name.clone(),
            who: clinic.who_text(),
            date: format!("{} {}", clinic.date, clinic.period.text()),
            open: clinic.state == ClinicState::Open,
            closed_slots: closed.map(|slot| slot.start.to_string()).collect(),
            preview,
            closures,
        }
    }

    fn decision(&self, context: &PageContext<'_>) -> Markup {
        let action = format!("/staff/clinics/{}/closure", self.clinic);
        let hidden = |what: &str| {
            html! {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name="action" value=(what);
                input type="hidden" name="fingerprint" value=(self.preview.fingerprint);
            }
        };
        html! {
            @if self.open {
                form method="post" action=(action) {
                    (hidden("close"))
                    @if let Some(from) = &self.preview.from { input type="hidden" name="from" value=(from); }
                    div.acts { (Button::submit("确认停诊").look(Look::Warn)) }
                }
                form method="post" action=(action) {
                    (hidden("substitute"))
                    div.field { label for="doctor" { "替诊医生编码" } input #doctor name="doctor" required maxlength="64"; }
                    div.acts { (Button::submit("确认替诊").look(Look::Plain)) }
                }
            }
            @if !self.closed_slots.is_empty() {
                form method="post" action=(action) {
                    (hidden("reopen"))
                    div.acts { (Button::submit("恢复出诊").look(Look::Plain)) }
                }
            }
        }
    }

    fn progress(progress: &ProgressView) -> Markup {
        let texts: Vec<_> = progress
            .people
            .iter()
            .map(|person| {
                let told = match person.told {
                    Told::Wechat => "微信已通知",
                    Told::Sms => "短信已通知",
                    Told::Soon => "通知中",
                    Told::Call => "请电话通知",
                };
                let text = format!("{} {}号 {}", person.band, person.number, person.patient_name_masked);
                let tone = if person.done { Tone::Good } else { Tone::Wait };
                (text, format!("{} · {told}", person.state), (tone, person.refund))
            })
            .collect();
        let cells: Vec<_> = texts
            .iter()
            .map(|(text, below, (tone, refund))| Cell {
                text,
                below: Some(below),
                side: Some(badge(*tone, refund)),
                href: None,
            })
            .collect();
        let done = progress.people.len() - progress.open;
        let words = format!("已办结 {done}/{} 人，需电话通知 {} 人", progress.people.len(), progress.to_call);
        html! { (title(&progress.title())) (notice(Tone::Plain, &words)) (list(&cells)) }
    }
}

impl View for ClosureView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let preview = &self.preview;
        let facts = [
            ("门诊", html! { (self.department) " " (self.who) }),
            ("时间", html! { (self.date) @if let Some(from) = &preview.from { " " (from) " 起" } }),
            ("已挂号", html! { (preview.booked) }),
            ("待支付", html! { (preview.held) }),
            ("已报到", html! { (preview.checked_in) }),
            ("候补", html! { (preview.waiting) }),
            ("微信通知不到", html! { (preview.unreachable) }),
            ("将退微信支付", html! { (yuan_text(preview.refund_fen)) }),
            ("到窗口退费", html! { (yuan_text(preview.window_refund_fen)) }),
        ];
        let body = html! {
            (title("停诊、替诊"))
            (key_values(&facts))
            (self.decision(context))
            @for closure in self.closures.iter().rev() { (Self::progress(closure)) }
        };
        page(context, &Page::new("停诊、替诊"), body)
    }
}
