//! Notices (通知): what a patient is told, and the values a message template is filled with.

use crate::appointment::{Appointment, CancelledBy, RefusedWhy, State};
use crate::event::EventKind;
use crate::time;
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
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Booked, Self::Cancelled, Self::Refused, Self::TurnSoon];

    /// The message an event leads to, if any.
    pub fn of(event: EventKind) -> Option<Self> {
        match event {
            EventKind::AppointmentBooked => Some(Self::Booked),
            EventKind::AppointmentCancelled => Some(Self::Cancelled),
            EventKind::AppointmentRefused => Some(Self::Refused),
            EventKind::AppointmentTurnSoon => Some(Self::TurnSoon),
            EventKind::AppointmentExpired
            | EventKind::OrderPaid
            | EventKind::OrderRefunded
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
        }
    }

    /// Whether the message is still true of the appointment: workers re-read before they speak.
    pub fn still_true(self, appointment: &Appointment) -> bool {
        matches!(
            (self, appointment.state),
            (Self::Booked, State::Booked | State::CheckedIn | State::Fulfilled)
                | (Self::Cancelled, State::Cancelled { .. })
                | (Self::Refused, State::Refused { .. })
                | (Self::TurnSoon, State::Booked)
        )
    }
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

/// The text of a field for an appointment. No diagnosis, no clear name: a message list is read over shoulders.
pub fn field_text(kind: NoticeKind, field: NoticeField, appointment: &Appointment) -> String {
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
    }
}

/// At most 20 characters: WeChat's limit of a `thing`.
fn remark(kind: NoticeKind, appointment: &Appointment) -> &'static str {
    match (kind, appointment.state) {
        (NoticeKind::TurnSoon, _) => "约30分钟后就诊，请到诊区候诊",
        (NoticeKind::Booked, _) => "请按时到院就诊，不能来请提前取消",
        (_, State::Cancelled { by: CancelledBy::Hospital, refund: true }) => "因医院安排取消，费用将原路退回",
        (_, State::Cancelled { by: CancelledBy::Hospital, .. }) => "因医院安排取消",
        (_, State::Cancelled { refund: true, .. }) => "已取消，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::ClinicClosed }) => "医生停诊，费用将原路退回",
        (_, State::Refused { why: RefusedWhy::AlreadyBooked }) => "已有本次门诊的号，费用将原路退回",
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
        let text = |field| field_text(NoticeKind::Booked, field, &appointment);
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
