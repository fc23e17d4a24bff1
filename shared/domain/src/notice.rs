//! Notices (通知): what a patient is told, and the values a message template is filled with.

mod manner;
mod recipients;

pub use manner::{Grade, Manner, NoticeGroup, QuietHours, TRIES_MAX};
pub use recipients::{Addressee, Audience, Follower, Recipient, falls_back};

use crate::appointment::{Appointment, CancelledBy, RefusedWhy, State, Told};
use crate::booking::{CancelPolicy, Gate};
use crate::credit::CreditNews;
use crate::event::{EventKind, ItemEvent};
use crate::id::{DoctorId, PatientId};
use crate::order::{Cause, Order, Posting, Refund, RefundState};
use crate::report::Filed;
use crate::report::release::{CRITICAL_PUSH_TEXT, PUSH_TEXT};
use crate::time;
use crate::waitlist::{Ended, Waiting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kind of message to a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// 挂号成功
    Booked,
    /// 取消成功
    Cancelled,
    /// 未能保留号源，自动退款
    Refused,
    /// 就诊提醒: the turn is 30 minutes away
    TurnSoon,
    /// 缴费成功: where to go with it
    BillPaid,
    /// 缴费未入账，自动退款
    BillRefused,
    /// 退款到账
    Refunded,
    /// 退费未通过: the items were performed already
    RefundDeclined,
    /// 就诊前一天提醒: with the way to cancel
    DayBefore,
    /// 爽约记录: what counts, and how many are left
    Missed,
    /// 暂停预约
    Suspended,
    /// 恢复预约
    Restored,
    /// 申诉结果
    AppealAnswered,
    /// 就诊人绑定提醒: another WeChat user acts for the person now
    Linked,
    /// 改约成功
    Moved,
    /// 医生替诊
    Substituted,
    /// 候补有号，请尽快支付
    WaitlistOffered,
    /// 候补结束
    WaitlistEnded,
    /// 新报告
    ReportReady,
    /// 报告更正
    ReportCorrected,
    /// 报告撤回
    ReportRecalled,
    /// 危急值，请就诊或联系医生
    ReportCritical,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::Booked,
        Self::Cancelled,
        Self::Refused,
        Self::TurnSoon,
        Self::BillPaid,
        Self::BillRefused,
        Self::Refunded,
        Self::RefundDeclined,
        Self::DayBefore,
        Self::Missed,
        Self::Suspended,
        Self::Restored,
        Self::AppealAnswered,
        Self::Linked,
        Self::Moved,
        Self::Substituted,
        Self::WaitlistOffered,
        Self::WaitlistEnded,
        Self::ReportReady,
        Self::ReportCorrected,
        Self::ReportRecalled,
        Self::ReportCritical,
    ];

    /// The message an event leads to, if any.
    pub fn of(event: EventKind) -> Option<Self> {
        match event {
            EventKind::AppointmentBooked => Some(Self::Booked),
            EventKind::AppointmentCancelled => Some(Self::Cancelled),
            EventKind::AppointmentRefused => Some(Self::Refused),
            EventKind::AppointmentTurnSoon => Some(Self::TurnSoon),
            EventKind::OrderPosted => Some(Self::BillPaid),
            EventKind::OrderRefused => Some(Self::BillRefused),
            EventKind::OrderRefunded => Some(Self::Refunded),
            EventKind::RefundDeclined => Some(Self::RefundDeclined),
            EventKind::AppointmentDayBefore => Some(Self::DayBefore),
            EventKind::AppointmentMissed => Some(Self::Missed),
            EventKind::CreditSuspended => Some(Self::Suspended),
            EventKind::CreditRestored => Some(Self::Restored),
            EventKind::AppealAnswered => Some(Self::AppealAnswered),
            EventKind::PatientLinked => Some(Self::Linked),
            EventKind::AppointmentMoved => Some(Self::Moved),
            EventKind::AppointmentSubstituted => Some(Self::Substituted),
            EventKind::WaitlistOffered => Some(Self::WaitlistOffered),
            EventKind::WaitlistEnded => Some(Self::WaitlistEnded),
            EventKind::ReportReady => Some(Self::ReportReady),
            EventKind::ReportCorrected => Some(Self::ReportCorrected),
            EventKind::ReportRecalled => Some(Self::ReportRecalled),
            EventKind::ReportCritical => Some(Self::ReportCritical),
            EventKind::AppointmentExpired
            | EventKind::OrderPaid
            | EventKind::PatientRegistered
            | EventKind::MessageDue => None,
        }
    }

    /// What it says, as staff read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Booked => "挂号成功",
            Self::Cancelled => "挂号已取消",
            Self::Refused => "号源未能保留",
            Self::TurnSoon => "即将就诊",
            Self::BillPaid => "缴费成功",
            Self::BillRefused => "缴费未入账，退款",
            Self::Refunded => "退款到账",
            Self::RefundDeclined => "退费未通过",
            Self::DayBefore => "明日就诊",
            Self::Missed => "未到诊记录",
            Self::Suspended => "预约暂停",
            Self::Restored => "预约恢复",
            Self::AppealAnswered => "申诉结果",
            Self::Moved => "改约成功",
            Self::Substituted => "医生替诊",
            Self::WaitlistOffered => "候补有号",
            Self::WaitlistEnded => "候补结束",
            Self::ReportReady => "新报告",
            Self::ReportCorrected => "报告更正",
            Self::ReportRecalled => "报告撤回",
            Self::ReportCritical => "危急值，请患者就诊或联系医生",
            Self::Linked => "就诊人被他人绑定",
        }
    }

    /// The text used in ledger keys.
    pub fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::TurnSoon => "turn_soon",
            Self::BillPaid => "bill_paid",
            Self::BillRefused => "bill_refused",
            Self::Refunded => "refunded",
            Self::RefundDeclined => "refund_declined",
            Self::DayBefore => "day_before",
            Self::Missed => "missed",
            Self::Suspended => "suspended",
            Self::Restored => "restored",
            Self::AppealAnswered => "appeal_answered",
            Self::Linked => "linked",
            Self::Moved => "moved",
            Self::Substituted => "substituted",
            Self::WaitlistOffered => "waitlist_offered",
            Self::WaitlistEnded => "waitlist_ended",
            Self::ReportReady => "report_ready",
            Self::ReportCorrected => "report_corrected",
            Self::ReportRecalled => "report_recalled",
            Self::ReportCritical => "report_critical",
        }
    }
}

/// What a message is about, as read a moment ago: workers re-read before they speak.
#[derive(Clone, Debug)]
pub enum About {
    /// A visit.
    Appointment(Box<Appointment>),
    /// A payment.
    Order(Box<Order>),
    /// A credit record: what there is to tell, and its event.
    Credit(Box<(CreditNews, ItemEvent)>),
    /// A place on a waitlist.
    Waiting(Box<Waiting>),
    /// A person.
    Person(Box<PersonNews>),
    /// A report of an examination.
    Report(Box<ReportNews>),
}

/// A report, and no more than a message may say of its patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportNews {
    /// How far it is, and what there is to tell. Nothing of what it says.
    pub filed: Filed,
    /// The patient's name, masked.
    pub name_masked: String,
}

impl ReportNews {
    /// The event of a message of this kind, with its number.
    fn event(&self, kind: NoticeKind) -> Option<(EventKind, u64)> {
        self.filed
            .news
            .iter()
            .map(|(event, seq)| (*event, *seq))
            .find(|(event, _)| NoticeKind::of(*event) == Some(kind))
    }
}

/// What last happened to a person as such, and no more than a message may say of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonNews {
    /// Who.
    pub patient: PatientId,
    /// Their name, masked.
    pub name_masked: String,
    /// What happened.
    pub ev: ItemEvent,
}

impl About {
    /// What a gate has to tell; none when its credit record never changed anything.
    pub fn of_gate(gate: Gate) -> Option<Self> {
        Some(Self::Credit(Box::new((gate.news?, gate.ev?))))
    }

    /// Whose affair it is.
    pub fn patient(&self) -> &PatientId {
        match self {
            Self::Appointment(appointment) => &appointment.patient,
            Self::Order(order) => &order.patient,
            Self::Credit(told) => &told.0.owner.patient,
            Self::Person(news) => &news.patient,
            Self::Report(news) => &news.filed.patient,
            Self::Waiting(waiting) => &waiting.patient,
        }
    }

    /// What the ledger knows the message by, beside its kind: a second refund of one order is a second message.
    pub fn ledger_id(&self, kind: NoticeKind) -> String {
        match self {
            // A second substitute is a second message (E46).
            Self::Appointment(appointment) if kind == NoticeKind::Substituted => {
                let doctor = appointment.place.doctor.as_ref().map_or("", DoctorId::as_str);
                format!("{}-{doctor}", appointment.id)
            }
            Self::Appointment(appointment) => appointment.id.to_string(),
            Self::Waiting(waiting) => waiting.offer.to_string(),
            Self::Order(order) => match told_refund(kind, order) {
                Some(refund) => refund.out_refund_no.to_string(),
                None => order.out_trade_no.to_string(),
            },
            Self::Credit(told) => format!("{}-{}", told.0.owner.patient, told.1.seq),
            // A third account is further news.
            Self::Person(news) => format!("{}-{}", news.patient, news.ev.seq),
            // A second correction is further news.
            Self::Report(news) => format!("{}-{}", news.filed.id, news.event(kind).map_or(0, |(_, seq)| seq)),
        }
    }

    /// The page of ours that says more, or lets one act at once.
    pub fn path(&self, kind: NoticeKind) -> String {
        match self {
            Self::Appointment(appointment) if kind == NoticeKind::DayBefore => {
                format!("/appointments/{}/cancel", appointment.key())
            }
            Self::Appointment(appointment) => format!("/appointments/{}", appointment.key()),
            Self::Order(order) => match order.appointment_key() {
                Some(key) => format!("/appointments/{key}"),
                None => format!("/orders/{}", order.out_trade_no),
            },
            Self::Credit(told) => format!("/patients/{}/credit", told.0.owner.patient),
            Self::Person(news) => format!("/patients/{}/accounts", news.patient),
            Self::Report(news) => format!("/reports/{}", news.filed.id),
            Self::Waiting(waiting) => format!("/clinics/{}", waiting.clinic.id),
        }
    }

    /// Whether the message is still true.
    pub fn bears_out(&self, kind: NoticeKind) -> bool {
        match self {
            Self::Appointment(appointment) => matches!(
                (kind, appointment.state),
                (
                    NoticeKind::Booked | NoticeKind::Moved | NoticeKind::Substituted,
                    State::Booked | State::CheckedIn | State::Fulfilled
                ) | (NoticeKind::Cancelled, State::Cancelled { .. })
                    | (NoticeKind::Refused, State::Refused { .. })
                    | (NoticeKind::TurnSoon, State::Booked | State::CheckedIn)
                    | (NoticeKind::DayBefore, State::Booked)
                    | (NoticeKind::Missed, State::NoShow)
                    | (NoticeKind::WaitlistOffered, State::Held { .. })
            ),
            Self::Waiting(waiting) => kind == NoticeKind::WaitlistEnded && waiting.ended.is_some(),
            Self::Order(order) => match kind {
                NoticeKind::BillPaid => matches!(order.posting, Posting::Posted { .. }),
                NoticeKind::BillRefused | NoticeKind::Refunded | NoticeKind::RefundDeclined => {
                    told_refund(kind, order).is_some()
                }
                NoticeKind::Booked
                | NoticeKind::Cancelled
                | NoticeKind::Refused
                | NoticeKind::TurnSoon
                | NoticeKind::DayBefore
                | NoticeKind::Missed
                | NoticeKind::Suspended
                | NoticeKind::Restored
                | NoticeKind::AppealAnswered
                | NoticeKind::Linked
                | NoticeKind::Moved
                | NoticeKind::Substituted
                | NoticeKind::WaitlistOffered
                | NoticeKind::WaitlistEnded
                | NoticeKind::ReportReady
                | NoticeKind::ReportCorrected
                | NoticeKind::ReportRecalled
                | NoticeKind::ReportCritical => false,
            },
            Self::Credit(told) => NoticeKind::of(told.1.kind) == Some(kind),
            Self::Person(news) => kind == NoticeKind::Linked && news.ev.kind == EventKind::PatientLinked,
            Self::Report(news) => news.event(kind).is_some_and(|(event, _)| news.filed.bears_out(event)),
        }
    }

    /// The text of a field. No diagnosis, no clear name: a message list is read over shoulders.
    pub fn field_text(&self, kind: NoticeKind, field: NoticeField, moment: Moment) -> String {
        match self {
            Self::Appointment(appointment) => visit_text(kind, field, appointment, moment),
            Self::Order(order) => order_text(kind, field, order),
            Self::Credit(told) => credit_text(kind, field, &told.0),
            Self::Person(news) => person_text(field, news),
            Self::Report(news) => report_text(kind, field, news, moment.now),
            Self::Waiting(waiting) => waiting_text(field, waiting),
        }
    }
}

/// No value and no name of a test: a message is read over shoulders.
fn report_text(kind: NoticeKind, field: NoticeField, news: &ReportNews, now: Timestamp) -> String {
    match field {
        NoticeField::Patient => news.name_masked.clone(),
        NoticeField::VisitTime => time::wall_clock(now).strftime("%Y年%m月%d日 %H:%M").to_string(),
        NoticeField::Remark => report_remark(kind).to_owned(),
        _ => NOTHING.to_owned(),
    }
}

fn report_remark(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::ReportCorrected => "您的一份报告有更正，请进入查看",
        NoticeKind::ReportRecalled => "您的一份报告已撤回，请勿参考",
        NoticeKind::ReportCritical => CRITICAL_PUSH_TEXT,
        _ => PUSH_TEXT,
    }
}

fn waiting_text(field: NoticeField, waiting: &Waiting) -> String {
    match field {
        NoticeField::Patient => waiting.patient_name_masked.clone(),
        NoticeField::Department => waiting.clinic.department_name.clone(),
        NoticeField::Doctor => waiting.clinic.who.clone(),
        NoticeField::VisitTime => waiting.clinic.date.strftime("%Y年%m月%d日").to_string(),
        NoticeField::Remark => match waiting.ended {
            Some(Ended::Closed) => "医生停诊，候补已结束".to_owned(),
            Some(Ended::NoNumber) | None => "候补未成功，没有新的号".to_owned(),
        },
        _ => NOTHING.to_owned(),
    }
}

/// What a text depends on beside the item.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Until when one may cancel.
    pub cancel: CancelPolicy,
    /// When the message is written.
    pub now: Timestamp,
}

/// The refund a message about an order tells of: the latest of its sort. Who lost a visit was told by the visit.
fn told_refund(kind: NoticeKind, order: &Order) -> Option<&Refund> {
    let wanted = |refund: &&Refund| match kind {
        NoticeKind::BillRefused => matches!(refund.cause, Cause::HisRefused | Cause::HisSilent),
        NoticeKind::Refunded => {
            refund.state == RefundState::Succeeded && matches!(refund.cause, Cause::PatientAsked | Cause::Staff)
        }
        NoticeKind::RefundDeclined => refund.state == RefundState::Declined,
        _ => false,
    };
    order.in_sequence().filter(wanted).last()
}

/// A value a template keyword can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeField {
    /// Masked name of the patient.
    Patient,
    /// Department.
    Department,
    /// Doctor or pool.
    Doctor,
    /// Day and band of the slot: `2026年11月23日 09:00~09:30`.
    VisitTime,
    /// The number: `3号`.
    Number,
    /// Room and campus.
    Room,
    /// Fee: `25.00元`.
    Fee,
    /// What happened and what to do now.
    Remark,
    /// What was paid for: `挂号费`, `血常规等3项`.
    Items,
    /// Where to go with it: `门诊楼2层3号窗口`.
    Where,
    /// Until when: `至2027年01月22日09:30`.
    Until,
}

/// A WeChat message template of this hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeTemplate {
    /// WeChat's template id.
    pub template_id: String,
    /// Template keyword (its prefix is WeChat's value type, such as `thing3`) to the value it shows.
    pub fields: BTreeMap<String, NoticeField>,
}

/// What a field says when a message has nothing to say there: WeChat takes no empty value.
const NOTHING: &str = "--";
/// WeChat's limit of a `thing`, in characters.
const THING_CHARS: usize = 20;

fn credit_text(kind: NoticeKind, field: NoticeField, news: &CreditNews) -> String {
    match field {
        NoticeField::Patient => news.owner.patient_name_masked.clone(),
        NoticeField::Remark => credit_remark(kind, news),
        NoticeField::Until => news.ban.map_or(NOTHING.to_owned(), |ban| until_text(ban.until)),
        _ => NOTHING.to_owned(),
    }
}

fn until_text(until: Option<Timestamp>) -> String {
    match until {
        Some(until) => time::wall_clock(until).strftime("至%Y年%m月%d日%H:%M").to_string(),
        None => "至医院解除".to_owned(),
    }
}

/// At most 20 characters, as every remark. How to object is on the page behind the message.
fn credit_remark(kind: NoticeKind, news: &CreditNews) -> String {
    let until = news.ban.map(|ban| ban.until);
    match (kind, news.granted, until) {
        (NoticeKind::Suspended, _, Some(None)) => "预约已暂停，当日挂号不受影响，可申诉".to_owned(),
        (NoticeKind::Suspended, _, _) => "预约暂停至上述日期，可点击申诉".to_owned(),
        (NoticeKind::AppealAnswered, Some(true), None) => "申诉已通过，可以预约挂号".to_owned(),
        (NoticeKind::AppealAnswered, Some(true), Some(_)) => "申诉已通过，该条记录不再计入".to_owned(),
        (NoticeKind::AppealAnswered, _, _) => "申诉未通过，点击查看原因".to_owned(),
        _ => "预约挂号已恢复，请按时就诊".to_owned(),
    }
}

/// What a missed visit costs, in at most 20 characters.
fn missed_remark(told: Option<Told>) -> String {
    match told {
        Some(told) if told.banned => format!("已记{}次，预约已暂停，可点击申诉", told.counted.min(COUNT_SHOWN_MAX)),
        Some(told) if told.last_warning => {
            format!("已记{}次，再有1次将暂停预约，可申诉", told.counted.min(COUNT_SHOWN_MAX))
        }
        Some(told) if told.counted > 0 => {
            let (counted, left) = (told.counted.min(COUNT_SHOWN_MAX), told.left.min(COUNT_SHOWN_MAX));
            format!("已记{counted}次，还余{left}次机会，可点击申诉")
        }
        _ => "未到诊，本次不计入，如有误请申诉".to_owned(),
    }
}

/// Two digits, for a remark has room for no more.
const COUNT_SHOWN_MAX: u32 = 99;

fn visit_text(kind: NoticeKind, field: NoticeField, appointment: &Appointment, moment: Moment) -> String {
    let place = &appointment.place;
    match field {
        NoticeField::Patient => appointment.patient_name_masked.clone(),
        NoticeField::Department => place.department_name.clone(),
        NoticeField::Doctor => place.who.clone(),
        NoticeField::VisitTime => {
            let clock = |at| time::wall_clock(at).strftime("%H:%M").to_string();
            let end = clock(place.ends_at());
            let end = if end == "00:00" { "24:00".to_owned() } else { end };
            format!("{} {}~{end}", place.date.strftime("%Y年%m月%d日"), clock(place.starts_at()))
        }
        NoticeField::Number => format!("{}号", place.number),
        NoticeField::Room => place.room.clone(),
        NoticeField::Fee => format!("{}元", appointment.fee),
        NoticeField::Remark if kind == NoticeKind::DayBefore => cancel_text(appointment, moment),
        NoticeField::Remark if kind == NoticeKind::Missed => missed_remark(appointment.credit.told),
        NoticeField::Remark => remark(kind, appointment).to_owned(),
        NoticeField::Items | NoticeField::Where | NoticeField::Until => NOTHING.to_owned(),
    }
}

fn order_text(kind: NoticeKind, field: NoticeField, order: &Order) -> String {
    match field {
        NoticeField::Patient => order.patient_name_masked.clone(),
        NoticeField::Items => items_text(kind, order),
        NoticeField::Fee => format!("{}元", told_refund(kind, order).map_or(order.amount, |refund| refund.amount)),
        NoticeField::Where => place_text(order),
        NoticeField::Remark => order_remark(kind, order).to_owned(),
        NoticeField::Department
        | NoticeField::Doctor
        | NoticeField::VisitTime
        | NoticeField::Number
        | NoticeField::Room
        | NoticeField::Until => NOTHING.to_owned(),
    }
}

fn person_text(field: NoticeField, news: &PersonNews) -> String {
    match field {
        NoticeField::Patient => news.name_masked.clone(),
        NoticeField::VisitTime => time::wall_clock(news.ev.at).strftime("%Y年%m月%d日 %H:%M").to_string(),
        NoticeField::Remark => "另一微信已绑定该就诊人，点此查看".to_owned(),
        NoticeField::Department
        | NoticeField::Doctor
        | NoticeField::Number
        | NoticeField::Until
        | NoticeField::Room
        | NoticeField::Fee
        | NoticeField::Items
        | NoticeField::Where => NOTHING.to_owned(),
    }
}

/// No item by name: what is examined says what is feared.
fn items_text(kind: NoticeKind, order: &Order) -> String {
    let count = told_refund(kind, order).map_or(order.lines.len(), |refund| refund.lines.len());
    match order.appointment_key() {
        Some(_) => "挂号费".to_owned(),
        None => format!("门诊费用共{count}项"),
    }
}

fn place_text(order: &Order) -> String {
    let Posting::Posted { receipt } = &order.posting else { return NOTHING.to_owned() };
    match receipt.places.as_slice() {
        [] => NOTHING.to_owned(),
        [only] => only.text.chars().take(THING_CHARS).collect(),
        [_, _, ..] => "多个窗口，点击查看".to_owned(),
    }
}

fn order_remark(kind: NoticeKind, order: &Order) -> &'static str {
    let cause = told_refund(kind, order).map(|refund| refund.cause);
    match (kind, cause) {
        (NoticeKind::BillPaid, _) => "缴费成功，点击查看下一步去哪里",
        (NoticeKind::BillRefused, Some(Cause::HisSilent)) => "医院未及时入账，费用将原路退回",
        (NoticeKind::BillRefused, _) => "医院未能入账，费用将原路退回",
        (NoticeKind::RefundDeclined, _) => "项目已执行或未获同意，不能退费",
        _ => "退款已到账，请留意微信支付通知",
    }
}

/// How the number can still be given back.
fn cancel_text(appointment: &Appointment, moment: Moment) -> String {
    let until = appointment.cancel_until(moment.cancel);
    if until < moment.now {
        return "不能来请联系窗口或致电医院".to_owned();
    }
    time::wall_clock(until).strftime("%m月%d日%H:%M前可点此取消").to_string()
}

/// At most 20 characters: WeChat's limit of a `thing`.
fn remark(kind: NoticeKind, appointment: &Appointment) -> &'static str {
    match (kind, appointment.state) {
        (NoticeKind::TurnSoon, _) => "约30分钟后就诊，请到诊区候诊",
        (NoticeKind::Moved, _) => "改约成功，请按新时间到院就诊",
        (NoticeKind::Substituted, _) => "换医生出诊，不便可随时免费取消",
        (NoticeKind::WaitlistOffered, _) => "候补有号，请尽快支付，逾期顺延",
        (NoticeKind::Booked, _) => "请按时到院就诊，不能来请提前取消",
        (_, State::Cancelled { by: CancelledBy::Hospital, refund: true }) => "因医院安排取消，费用将原路退回",
        (_, State::Cancelled { by: CancelledBy::Hospital, .. }) => "因医院安排取消",
        (_, State::Cancelled { refund: true, .. }) => "已取消，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::ClinicClosed }) => "医生停诊，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::AlreadyBooked }) => "已有本次门诊的号，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::ClinicChanged }) => "出诊信息已变更，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::NoAdvanceBooking }) => "预约资格已暂停，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::HisRefused }) => "医院未能确认该号，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::HisSilent }) => "医院系统未及时确认，费用将原路退回",
        (_, State::Refused { .. }) => "支付超时号源已释放，费用将原路退回",
        _ => "已取消",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::tests::{at, held};

    fn moment(now: &str) -> Moment {
        Moment { cancel: CancelPolicy::default(), now: at(now) }
    }

    #[test]
    fn the_day_before_says_until_when_one_may_cancel() {
        let visit = held(at("2026-11-22T04:10:00Z"));
        let about = About::Appointment(Box::new(visit));
        let text = |now| about.field_text(NoticeKind::DayBefore, NoticeField::Remark, moment(now));
        assert_eq!(text("2026-11-22T10:00:00Z"), "11月23日08:00前可点此取消");
        assert_eq!(text("2026-11-23T00:00:01Z"), "不能来请联系窗口或致电医院");
        assert!(about.path(NoticeKind::DayBefore).ends_with("/cancel"));
    }

    #[test]
    fn fields_read_like_a_message() {
        let appointment = held(at("2026-11-22T04:10:00Z"));
        let about = About::Appointment(Box::new(appointment));
        let text = |field| about.field_text(NoticeKind::Booked, field, moment("2026-11-22T04:10:00Z"));
        assert_eq!(text(NoticeField::VisitTime), "2026年11月23日 09:00~09:30");
        assert_eq!(text(NoticeField::Number), "3号");
        assert_eq!(text(NoticeField::Fee), "25.00元");
        assert_eq!(text(NoticeField::Patient), "林*梅");
    }

    #[test]
    fn every_credit_remark_fits_a_thing() {
        use crate::credit::{Ban, Owner, Scope};
        let owner = Owner {
            patient: crate::id::PatientId::from_bytes([2; 10]),
            patient_name_masked: "林*梅".into(),
            account: None,
        };
        let ban = |until| Ban { scope: Scope::AdvanceBooking, since: at("2026-11-22T04:00:00Z"), until };
        for ban in [None, Some(ban(None)), Some(ban(Some(at("2027-01-22T04:00:00Z"))))] {
            for granted in [None, Some(true), Some(false)] {
                for kind in [NoticeKind::Suspended, NoticeKind::Restored, NoticeKind::AppealAnswered] {
                    let text = credit_remark(kind, &CreditNews { owner: owner.clone(), ban, granted });
                    assert!((1..=20).contains(&text.chars().count()), "{text}");
                }
            }
        }
        for (counted, left, banned, last_warning) in [
            (0, 3, false, false),
            (1, 2, false, false),
            (2, 1, false, true),
            (120, 1, true, false),
            (120, 120, false, false),
        ] {
            let text = missed_remark(Some(Told { counted, left, banned, last_warning }));
            assert!((1..=20).contains(&text.chars().count()), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_a_report_names_no_test_and_fits_a_thing() {
        for kind in [
            NoticeKind::ReportReady,
            NoticeKind::ReportCorrected,
            NoticeKind::ReportRecalled,
            NoticeKind::ReportCritical,
        ] {
            let text = report_remark(kind);
            assert!((1..=20).contains(&text.chars().count()), "{text}");
        }
    }

    #[test]
    fn every_remark_fits_a_thing() {
        let by = |by, refund| State::Cancelled { by, refund };
        let states = [
            State::Booked,
            by(CancelledBy::Hospital, true),
            by(CancelledBy::Hospital, false),
            State::Refused { why: RefusedWhy::AlreadyBooked },
            by(CancelledBy::Patient, true),
            by(CancelledBy::Patient, false),
            State::Refused { why: RefusedWhy::NumberGone },
            State::Refused { why: RefusedWhy::ClinicClosed },
            State::Refused { why: RefusedWhy::ClinicChanged },
            State::Refused { why: RefusedWhy::NoAdvanceBooking },
        ];
        for state in states {
            for kind in NoticeKind::ALL {
                let appointment = Appointment { state, ..held(at("2026-11-22T04:10:00Z")) };
                let text = remark(kind, &appointment);
                assert!((1..=20).contains(&text.chars().count()), "{text}");
            }
        }
    }
}
