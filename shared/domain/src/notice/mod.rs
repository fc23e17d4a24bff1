//! Notices (通知): what a patient is told, and the values a message template is filled with.

mod manner;
mod recipients;
mod words;

pub use manner::{Grade, Manner, NoticeGroup, QuietHours, TRIES_MAX};
pub use recipients::{Addressee, Audience, Follower, Recipient, falls_back};

use crate::appointment::{Appointment, State};
use crate::booking::{CancelPolicy, Gate};
use crate::credit::CreditNews;
use crate::event::{EventKind, ItemEvent};
use crate::id::{DoctorId, PatientId};
use crate::order::{Order, Posting};
use crate::report::Filed;
use crate::waitlist::Waiting;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{credit_text, order_text, person_text, report_text, told_refund, visit_text, waiting_text};

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

/// What a text depends on beside the item.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Until when one may cancel.
    pub cancel: CancelPolicy,
    /// When the message is written.
    pub now: Timestamp,
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

#[cfg(test)]
mod tests;
