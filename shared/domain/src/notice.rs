//! Notices (通知): what a patient is told, and the values a message template is filled with.

use crate::appointment::{Appointment, CancelledBy, RefusedWhy, State};
use crate::event::EventKind;
use crate::id::{DoctorId, OpenId};
use crate::order::{Cause, Order, Posting, Refund, RefundState};
use crate::time;
use crate::waitlist::{Ended, Waiting};
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
    /// 改约成功
    Moved,
    /// 医生替诊
    Substituted,
    /// 候补有号，请尽快支付
    WaitlistOffered,
    /// 候补结束
    WaitlistEnded,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Booked,
        Self::Cancelled,
        Self::Refused,
        Self::TurnSoon,
        Self::BillPaid,
        Self::BillRefused,
        Self::Refunded,
        Self::RefundDeclined,
        Self::Moved,
        Self::Substituted,
        Self::WaitlistOffered,
        Self::WaitlistEnded,
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
            EventKind::AppointmentMoved => Some(Self::Moved),
            EventKind::AppointmentSubstituted => Some(Self::Substituted),
            EventKind::WaitlistOffered => Some(Self::WaitlistOffered),
            EventKind::WaitlistEnded => Some(Self::WaitlistEnded),
            EventKind::AppointmentExpired
            | EventKind::OrderPaid
            | EventKind::PatientRegistered
            | EventKind::PatientLinked => None,
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
            Self::Moved => "moved",
            Self::Substituted => "substituted",
            Self::WaitlistOffered => "waitlist_offered",
            Self::WaitlistEnded => "waitlist_ended",
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
    /// A place on a waitlist.
    Waiting(Box<Waiting>),
}

impl About {
    /// Whom to tell in WeChat, if anybody.
    pub fn account(&self) -> Option<&OpenId> {
        match self {
            Self::Appointment(appointment) => appointment.booker.account(),
            Self::Order(order) => Some(&order.payer),
            Self::Waiting(waiting) => Some(&waiting.account),
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
        }
    }

    /// The page of ours that says more.
    pub fn path(&self) -> String {
        match self {
            Self::Appointment(appointment) => format!("/appointments/{}", appointment.key()),
            Self::Order(order) => match order.appointment_key() {
                Some(key) => format!("/appointments/{key}"),
                None => format!("/orders/{}", order.out_trade_no),
            },
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
                    | (NoticeKind::TurnSoon, State::Booked)
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
                | NoticeKind::Moved
                | NoticeKind::Substituted
                | NoticeKind::WaitlistOffered
                | NoticeKind::WaitlistEnded => false,
            },
        }
    }

    /// The text of a field. No diagnosis, no clear name: a message list is read over shoulders.
    pub fn field_text(&self, kind: NoticeKind, field: NoticeField) -> String {
        match self {
            Self::Appointment(appointment) => visit_text(kind, field, appointment),
            Self::Order(order) => order_text(kind, field, order),
            Self::Waiting(waiting) => waiting_text(field, waiting),
        }
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
        NoticeField::Number | NoticeField::Room | NoticeField::Fee | NoticeField::Items | NoticeField::Where => {
            NOTHING.to_owned()
        }
    }
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

fn visit_text(kind: NoticeKind, field: NoticeField, appointment: &Appointment) -> String {
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
        NoticeField::Remark => remark(kind, appointment).to_owned(),
        NoticeField::Items | NoticeField::Where => NOTHING.to_owned(),
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
        | NoticeField::Room => NOTHING.to_owned(),
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
        (_, State::Refused { .. }) => "支付超时号源已释放，费用将原路退回",
        _ => "已取消",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::tests::{at, held};

    #[test]
    fn fields_read_like_a_message() {
        let appointment = held(at("2026-11-22T04:10:00Z"));
        let about = About::Appointment(Box::new(appointment));
        let text = |field| about.field_text(NoticeKind::Booked, field);
        assert_eq!(text(NoticeField::VisitTime), "2026年11月23日 09:00~09:30");
        assert_eq!(text(NoticeField::Number), "3号");
        assert_eq!(text(NoticeField::Fee), "25.00元");
        assert_eq!(text(NoticeField::Patient), "林*梅");
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
