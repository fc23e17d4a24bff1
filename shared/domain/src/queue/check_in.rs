//! 签到: who may join the queue, when and where.

use super::{QueuePolicy, is_open_on};
use crate::appointment::{Appointment, State};
use crate::clinic::{Clinic, ClinicState, SlotStart};
use crate::id::{DepartmentId, QueueGroup};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// What stands for a campus where Chinese cannot stand: the first eight hexadecimal digits of its name's SHA-256, as
/// `printf %s 东院区 | sha256sum` begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampusCode(String);

/// Characters of a campus code: enough that two campuses of one hospital never share one.
const CAMPUS_CHARS: usize = 8;

impl CampusCode {
    /// Of a campus by its name.
    pub fn of(campus: &str) -> Self {
        let hash = Sha256::digest(campus.as_bytes());
        let number = hash.iter().take(CAMPUS_CHARS / 2).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        Self(format!("{number:08x}"))
    }
}

impl fmt::Display for CampusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CampusCode {
    type Err = CheckInPointError;
    fn from_str(text: &str) -> Result<Self, CheckInPointError> {
        let fits = text.len() == CAMPUS_CHARS && text.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { Ok(Self(text.to_owned())) } else { Err(CheckInPointError) }
    }
}

/// Where somebody checks in: what a code at a desk stands for. The text form goes into QR codes and URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckInPoint {
    /// Any clinic of the hospital: the entrance, a kiosk, a member of staff.
    Anywhere,
    /// Clinics of one campus.
    Campus(CampusCode),
    /// Clinics of one department: its desk, on a campus if it says which.
    Department(DepartmentId, Option<CampusCode>),
    /// Clinics that share a queue.
    Group(QueueGroup),
}

/// The text is no check-in point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a check-in point")]
pub struct CheckInPointError;

impl fmt::Display for CheckInPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("any"),
            Self::Campus(campus) => write!(f, "campus:{campus}"),
            Self::Department(code, None) => write!(f, "dept:{code}"),
            Self::Department(code, Some(campus)) => write!(f, "dept:{code}:{campus}"),
            Self::Group(code) => write!(f, "group:{code}"),
        }
    }
}

impl FromStr for CheckInPoint {
    type Err = CheckInPointError;
    fn from_str(text: &str) -> Result<Self, CheckInPointError> {
        match text.split_once(':') {
            None if text == "any" => Ok(Self::Anywhere),
            Some(("campus", code)) => code.parse().map(Self::Campus),
            Some(("dept", desk)) => {
                let (code, campus) = match desk.split_once(':') {
                    Some((code, campus)) => (code, Some(campus.parse()?)),
                    None => (desk, None),
                };
                code.parse().map(|code| Self::Department(code, campus)).map_err(|_| CheckInPointError)
            }
            Some(("group", code)) => code.parse().map(Self::Group).map_err(|_| CheckInPointError),
            _ => Err(CheckInPointError),
        }
    }
}

/// Why somebody cannot check in here and now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckInError {
    /// The number is not paid for.
    #[error("not paid for")]
    Unpaid,
    /// The hospital's own system, which gives the number, has not confirmed it yet.
    #[error("not confirmed yet")]
    Unconfirmed,
    /// Cancelled, expired, refused, or the visit is over.
    #[error("this appointment is over")]
    Over,
    /// 停诊
    #[error("the clinic is closed")]
    ClinicClosed,
    /// On another day.
    #[error("on another day")]
    WrongDay(Date),
    /// Check-in opens then.
    #[error("too early")]
    TooEarly(Timestamp),
    /// The slot is over: the desk decides.
    #[error("too late")]
    TooLate(SlotStart),
    /// On another campus: its name.
    #[error("on another campus")]
    WrongCampus(String),
    /// At another desk: department and room.
    #[error("at another desk")]
    WrongDesk {
        /// The department to go to.
        department: String,
        /// Its room.
        room: String,
    },
}

impl CheckInError {
    /// As patients read it.
    pub fn patient_text(&self) -> String {
        match self {
            Self::Unpaid => "该号尚未支付，请先完成支付再签到。".into(),
            Self::Unconfirmed => "医院正在确认该号，请稍等片刻再签到。".into(),
            Self::Over => "该号已取消或已就诊，不能签到。如有疑问请到分诊台。".into(),
            Self::ClinicClosed => "您预约的门诊已停诊，请留意退款消息或到分诊台咨询。".into(),
            Self::WrongDay(date) => {
                format!("您预约的是{}月{}日，请当天来签到。", date.month(), date.day())
            }
            Self::TooEarly(from) => {
                let clock = time::wall_clock(*from);
                format!("来得太早啦，{}:{:02} 开始签到。", clock.hour(), clock.minute())
            }
            Self::TooLate(start) => format!("您的时段 {} 已过，请到分诊台由工作人员办理。", start.band_text()),
            Self::WrongCampus(campus) => format!("您预约的门诊在{campus}，请到{campus}签到。"),
            Self::WrongDesk { department, room } if room.is_empty() => {
                format!("您预约的是{department}，请到{department}分诊台签到。")
            }
            Self::WrongDesk { department, room } => {
                format!("您预约的是{department}，请到{department}（{room}）分诊台签到。")
            }
        }
    }
}

/// Whether a patient may check in at `point`. Staff who see the person need no time window: [`by_staff`].
pub fn by_patient(
    appointment: &Appointment,
    clinic: &Clinic,
    point: &CheckInPoint,
    policy: &QueuePolicy,
    now: Timestamp,
) -> Result<(), CheckInError> {
    by_staff(appointment, clinic, now)?;
    right_place(clinic, point)?;
    let place = &appointment.place;
    let opens_at = time::add_minutes(place.starts_at(), -policy.check_in_before_min);
    if now < opens_at {
        return Err(CheckInError::TooEarly(opens_at));
    }
    if now > place.ends_at() { Err(CheckInError::TooLate(place.start)) } else { Ok(()) }
}

/// Whether staff may check somebody in: a paid number that is not over, of a day on which people are still called. Who was marked as absent this morning
/// and comes in the afternoon is here.
pub fn by_staff(appointment: &Appointment, clinic: &Clinic, now: Timestamp) -> Result<(), CheckInError> {
    match appointment.state {
        State::Held { .. } => return Err(CheckInError::Unpaid),
        State::Confirming { .. } => return Err(CheckInError::Unconfirmed),
        State::Booked | State::CheckedIn | State::NoShow => {}
        State::Fulfilled | State::Expired | State::Cancelled { .. } | State::Refused { .. } => {
            return Err(CheckInError::Over);
        }
    }
    if clinic.state == ClinicState::Closed {
        return Err(CheckInError::ClinicClosed);
    }
    let date = appointment.place.date;
    if is_open_on(date, now) { Ok(()) } else { Err(CheckInError::WrongDay(date)) }
}

fn right_place(clinic: &Clinic, point: &CheckInPoint) -> Result<(), CheckInError> {
    let desk = || CheckInError::WrongDesk { department: clinic.department_name.clone(), room: clinic.room.clone() };
    match point {
        // Before the department: who is on the wrong campus has the longer way to go. A clinic may be of no campus.
        CheckInPoint::Campus(campus) | CheckInPoint::Department(_, Some(campus))
            if !clinic.campus.is_empty() && *campus != CampusCode::of(&clinic.campus) =>
        {
            Err(CheckInError::WrongCampus(clinic.campus.clone()))
        }
        CheckInPoint::Anywhere | CheckInPoint::Campus(_) => Ok(()),
        CheckInPoint::Department(code, _) if *code == clinic.department => Ok(()),
        CheckInPoint::Group(code) if clinic.queue_group.as_ref() == Some(code) => Ok(()),
        CheckInPoint::Department(..) | CheckInPoint::Group(_) => Err(desk()),
    }
}
