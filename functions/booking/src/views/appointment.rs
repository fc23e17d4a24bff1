//! An appointment, and what giving it back means.

use domain::appointment::{Appointment, CancelledBy, RefusedWhy, State};
use domain::enrolment::Known;
use domain::order::{Order, RefundState};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Button, Look, Page, Step, Tab, Tone, badge, fee, heading, key_values, notice, page, steps};
use web::view::{PageContext, View};

/// One appointment of the reader's.
#[derive(Debug, Serialize)]
pub struct AppointmentView {
    appointment: String,
    patient: String,
    department: String,
    who: String,
    day: String,
    band: String,
    number: u16,
    room: String,
    campus: String,
    fee_fen: i64,
    state: &'static str,
    text: &'static str,
    /// Until when it must be paid, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_until: Option<String>,
    /// Until when it can be cancelled online, while it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_until: Option<String>,
    /// Whether cancelling now goes on the credit record.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancel_counts: bool,
    /// Where a missed visit is objected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<String>,
    /// How far the refund is, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<&'static str>,
    /// What another number could be had for: to move the visit, to replace or to follow it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'static str>,
    /// Where the visit has been moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    /// Another doctor sees the patient than the one who was booked.
    substituted: bool,
    #[serde(skip)]
    tone: Tone,
    #[serde(skip)]
    next: String,
}

impl AppointmentView {
    /// Its line in a list: what, what stands below it, and where it leads.
    pub(super) fn line(&self) -> (String, String, String) {
        let below = format!("{} {} · {} · {}号", self.department, self.who, self.patient, self.number);
        (format!("{} {}", self.day, self.band), below, format!("/appointments/{}", self.appointment))
    }

    /// Where it stands, in a word.
    pub(super) fn badge(&self) -> Markup {
        badge(self.tone, self.text)
    }

    /// From an appointment as it is at `now`.
    pub fn of(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Self {
        let place = &appointment.place;
        let (state, text, tone) = state_words(appointment, now);
        let key = appointment.key().to_string();
        let held = state == "held";
        let cancel_until = appointment.cancel_until(profile.cancel);
        let is_paid = matches!(appointment.state, State::Booked | State::Confirming { .. });
        let cancellable = held || (is_paid && now <= cancel_until);
        let clock = |at: Timestamp| {
            let wall = time::wall_clock(at);
            format!("{} {}", time::day_text(wall.date(), time::today(now)), wall.strftime("%H:%M"))
        };
        Self {
            patient: appointment.patient_name_masked.clone(),
            department: place.department_name.clone(),
            who: place.who.clone(),
            day: time::day_text(place.date, time::today(now)),
            band: place.start.band_text(),
            number: place.number,
            room: place.room.clone(),
            campus: place.campus.clone(),
            fee_fen: appointment.fee.get(),
            state,
            text,
            pay_until: match appointment.state {
                State::Held { expires_at } if held => Some(clock(expires_at)),
                _ => None,
            },
            cancel_until: (cancellable && !held).then(|| clock(cancel_until)),
            cancel_counts: cancellable
                && !held
                && profile.judge().cancelling_counts(place.kind, place.starts_at(), now),
            appeal: (appointment.state == State::NoShow)
                .then(|| format!("/patients/{}/credit/{}", appointment.patient, appointment.id)),
            refund: window_refund(appointment),
            options: options_words(appointment, profile, now),
            substituted: appointment.history.substituted,
            moved_to: appointment.history.moved_to.as_ref().map(ToString::to_string),
            tone,
            next: if held { format!("/appointments/{key}/pay") } else { format!("/appointments/{key}") },
            appointment: key,
        }
    }

    /// With the state of the money, if any goes back.
    #[must_use]
    pub fn with_order(mut self, order: Option<&Order>) -> Self {
        let refund = order.and_then(|order| order.in_sequence().last());
        let words = refund.map(|refund| match refund.state {
            RefundState::Proposed => "退款审核中",
            RefundState::Declined => "退款未通过",
            RefundState::Outside => "已由收费处退回",
            RefundState::Releasing | RefundState::Requested => "退款处理中",
            RefundState::Accepted => "退款已受理，将原路退回",
            RefundState::Succeeded => "已退款，原路退回",
            RefundState::Manual { .. } => "退款需人工处理，工作人员会与您联系",
        });
        self.refund = words.or(self.refund);
        self
    }

    /// Where the patient goes on: to the payment while it is awaited.
    pub fn next_path(&self) -> &str {
        &self.next
    }

    fn path(&self) -> String {
        format!("/appointments/{}", self.appointment)
    }

    fn actions(&self, context: &PageContext<'_>) -> Markup {
        let cancel = format!("{}/cancel", self.path());
        let visit = format!("/visits/{}", self.appointment);
        let options = format!("/appointments/{}/options", self.appointment);
        let moved_to = self.moved_to.as_ref().map(|key| format!("/appointments/{key}"));
        html! {
            div.acts {
                @if matches!(self.state, "booked" | "checked_in") { (Button::primary_link("签到与候诊", &visit)) }
                @if self.pay_until.is_some() { (Button::primary_link("去支付", &self.next)) }
                @if let Some(appeal) = &self.appeal { (Button::plain_link("查看诚信记录或申诉", appeal)) }
                @if let Some(href) = &moved_to { (Button::primary_link("查看新的号", href)) }
                @if let Some(words) = self.options { (Button::plain_link(words, &options)) }
                @if self.pay_until.is_some() || self.cancel_until.is_some() {
                    (Button::post(context, "取消挂号", &cancel, Look::Warn))
                }
            }
        }
    }
}

/// What was paid at the window is returned there (E47).
fn window_refund(appointment: &Appointment) -> Option<&'static str> {
    let is_off = matches!(appointment.state, State::Cancelled { .. }) && appointment.history.moved_to.is_none();
    let at_window = appointment.booker.account().is_none() && !appointment.fee.is_zero();
    (is_off && at_window).then_some("在窗口缴的挂号费，请到窗口退费")
}

fn options_words(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Option<&'static str> {
    match appointment.state {
        State::Booked => appointment.may_move(profile.cancel, profile.booking.moves_max, now).ok().map(|()| "改约"),
        State::Cancelled { by: CancelledBy::Hospital, .. } | State::Refused { why: RefusedWhy::ClinicClosed } => {
            Some("改挂其他时间")
        }
        State::Fulfilled if appointment.history.followed_up_by.is_none() => {
            let days = profile.booking.free_followup_days + profile.booking.horizon_days;
            let is_near = time::today(now) < time::add_days(appointment.place.date, days);
            (is_near && profile.booking.free_followup_days > 0).then_some("免费复诊")
        }
        _ => None,
    }
}

fn state_words(appointment: &Appointment, now: Timestamp) -> (&'static str, &'static str, Tone) {
    match appointment.state {
        State::Cancelled { .. } if appointment.history.moved_to.is_some() => ("moved", "已改约", Tone::Plain),
        State::Held { expires_at } if expires_at > now => ("held", "待支付", Tone::Wait),
        State::Expired if matches!(appointment.enrolment.known, Known::Refused { .. }) => {
            ("expired", "该号已被他人在医院挂走，没有扣费", Tone::Plain)
        }
        State::Held { .. } | State::Expired => ("expired", "超时未支付，号源已释放", Tone::Plain),
        State::Confirming { .. } => ("confirming", "已支付，医院正在确认，请稍候", Tone::Wait),
        State::Booked => ("booked", "挂号成功", Tone::Good),
        State::CheckedIn => ("checked_in", "已报到", Tone::Good),
        State::Fulfilled => ("fulfilled", "已就诊", Tone::Plain),
        State::NoShow => ("no_show", "爽约", Tone::Bad),
        State::Cancelled { by: CancelledBy::Hospital, .. } => ("cancelled", "医院取消", Tone::Bad),
        State::Cancelled { .. } => ("cancelled", "已取消", Tone::Plain),
        State::Refused { why: RefusedWhy::ClinicClosed } => ("refused", "医生停诊，费用退回", Tone::Bad),
        State::Refused { why: RefusedWhy::HisRefused | RefusedWhy::HisSilent } => {
            ("refused", "医院未能确认，费用退回", Tone::Bad)
        }
        State::Refused { .. } => ("refused", "未能保留号源，费用退回", Tone::Bad),
    }
}

impl View for AppointmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let mut facts = vec![
            ("状态", badge(self.tone, self.text)),
            ("就诊人", html! { (self.patient) }),
            ("科室", html! { (self.department) }),
            ("医生", html! { (self.who) }),
            ("时间", html! { (self.day) " " (self.band) }),
            ("序号", html! { (self.number) "号" }),
            ("地点", html! { (self.campus) " " (self.room) }),
            ("挂号费", fee(self.fee_fen)),
        ];
        if let Some(until) = &self.pay_until {
            facts.push(("请支付", html! { (until) " 前" }));
        }
        if let Some(until) = &self.cancel_until {
            facts.push(("可取消至", html! { (until) }));
        }
        if let Some(refund) = self.refund {
            facts.push(("退款", html! { (refund) }));
        }
        let body = html! {
            @if self.state == "held" { (steps(Step::Pay)) }
            @if self.state == "booked" {
                (steps(Step::Visit))
                (notice(Tone::Good, "挂号成功。就诊前 30 分钟会收到提醒，请按时到院。"))
            }
            (key_values(&facts))
            @if self.cancel_counts { (notice(Tone::Wait, "已过免责取消时间，现在取消将计入诚信记录。")) }
            (self.actions(context))
            @if self.substituted { (notice(Tone::Wait, "医生有事，改由上面的医生出诊。如不方便，就诊开始前可随时免费取消。")) }
            @if self.state == "booked" && self.cancel_until.is_none() {
                (notice(Tone::Plain, "已超过网上取消时间。如不能就诊，请拨打医院电话或到窗口办理。"))
            }
        };
        page(context, &Page::new("挂号详情").tab(Tab::Appointments), body)
    }
}

/// The question whether to come or to cancel: one touch either way.
#[derive(Debug, Serialize)]
pub struct CancelView {
    #[serde(flatten)]
    visit: AppointmentView,
}

impl CancelView {
    /// From an appointment as it is at `now`.
    pub fn of(appointment: &Appointment, profile: &HospitalProfile, now: Timestamp) -> Self {
        Self { visit: AppointmentView::of(appointment, profile, now) }
    }
}

impl View for CancelView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let visit = &self.visit;
        let (come, cancel) = (visit.path(), format!("{}/cancel", visit.path()));
        let facts = [
            ("就诊人", html! { (visit.patient) }),
            ("科室", html! { (visit.department) " " (visit.who) }),
            ("时间", html! { (visit.day) " " (visit.band) }),
            ("地点", html! { (visit.campus) " " (visit.room) }),
        ];
        let body = html! {
            (heading("能按时来就诊吗？", None))
            (key_values(&facts))
            @if let Some(until) = &visit.cancel_until {
                div.acts {
                    (Button::primary_link("按时就诊", &come))
                    (Button::post(context, "来不了，取消挂号", &cancel, Look::Warn))
                }
                (notice(Tone::Plain, &format!("{until} 前可以取消，费用原路退回，号源留给其他患者。")))
            } @else {
                div.acts { (Button::primary_link("查看挂号", &come)) }
                (notice(Tone::Plain, "这个号现在不能在网上取消。如不能就诊，请拨打医院电话或到窗口办理。"))
            }
        };
        page(context, &Page::new("确认就诊").tab(Tab::Appointments), body)
    }
}
