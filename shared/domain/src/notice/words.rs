//! The words a message template is filled with.

use super::{Moment, NoticeField, NoticeKind, PersonNews, ReportNews};
use crate::appointment::{Appointment, CancelledBy, RefusedWhy, State, Told};
use crate::credit::CreditNews;
use crate::order::{Cause, Order, Posting, Refund, RefundState};
use crate::report::release::{CRITICAL_PUSH_TEXT, PUSH_TEXT};
use crate::time;
use crate::waitlist::{Ended, Waiting};
use jiff::Timestamp;

/// No value and no name of a test: a message is read over shoulders.
pub(super) fn report_text(kind: NoticeKind, field: NoticeField, news: &ReportNews, now: Timestamp) -> String {
    match field {
        NoticeField::Patient => news.name_masked.clone(),
        NoticeField::VisitTime => time::wall_clock(now).strftime("%Y年%m月%d日 %H:%M").to_string(),
        NoticeField::Remark => report_remark(kind).to_owned(),
        _ => NOTHING.to_owned(),
    }
}

pub(super) fn report_remark(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::ReportCorrected => "您的一份报告有更正，请进入查看",
        NoticeKind::ReportRecalled => "您的一份报告已撤回，请勿参考",
        NoticeKind::ReportCritical => CRITICAL_PUSH_TEXT,
        _ => PUSH_TEXT,
    }
}

pub(super) fn waiting_text(field: NoticeField, waiting: &Waiting) -> String {
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

/// The refund a message about an order tells of: the latest of its sort. Who lost a visit was told by the visit.
pub(super) fn told_refund(kind: NoticeKind, order: &Order) -> Option<&Refund> {
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

/// What a field says when a message has nothing to say there: WeChat takes no empty value.
const NOTHING: &str = "--";

/// WeChat's limit of a `thing`, in characters.
const THING_CHARS: usize = 20;

pub(super) fn credit_text(kind: NoticeKind, field: NoticeField, news: &CreditNews) -> String {
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
pub(super) fn credit_remark(kind: NoticeKind, news: &CreditNews) -> String {
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
pub(super) fn missed_remark(told: Option<Told>) -> String {
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

pub(super) fn visit_text(kind: NoticeKind, field: NoticeField, appointment: &Appointment, moment: Moment) -> String {
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

pub(super) fn order_text(kind: NoticeKind, field: NoticeField, order: &Order) -> String {
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

pub(super) fn person_text(field: NoticeField, news: &PersonNews) -> String {
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
pub(super) fn remark(kind: NoticeKind, appointment: &Appointment) -> &'static str {
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
