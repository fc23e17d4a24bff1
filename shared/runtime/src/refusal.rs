//! The one place where what went wrong becomes status, code and text.
//!
//! | code | status | when |
//! |---|---|---|
//! | `clinic_closed` | 409 | 停诊 |
//! | `slot_over` | 409 | the slot or its registration window is over |
//! | `not_released` | 409 | numbers are released later |
//! | `same_day_only` | 409 | emergency clinics take no advance bookings |
//! | `advance_closed` | 409 | advance booking for tomorrow has closed |
//! | `sold_out` | 409 | nothing free is left in the slot |
//! | `admission_required` | 409 | in the minutes after the release, without a try from the clinic's page |
//! | `same_clinic`, `unpaid_hold`, `limit_doctor_day`, `limit_department_day`, `limit_day` | 409 | booking limits |
//! | `no_advance_booking` | 403 | the credit record of the person or the booking account ends advance booking |
//! | `online_booking_off` | 403 | on the blacklist: the window and emergency clinics stay open |
//! | `request_over` | 409 | a repeated request whose hold is over |
//! | `cancel_too_late` | 409 | after the deadline; the window can still help |
//! | `already_cancelled`, `cannot_cancel` | 409 | the appointment is not one that can be cancelled |
//! | `cannot_pay` | 409 | WeChat Pay refuses the order |
//! | `hold_over`, `hold_ending` | 409 | the hold is over, or too close to its end to begin paying |
//! | `no_card` | 409 | bills are written on a visit card, and the person has none |
//! | `bills_changed` | 409 | a chosen bill is paid, void or gone |
//! | `too_many_bills` | 409 | more than one payment takes |
//! | `order_over` | 409 | the time to pay is over, or the order was closed |
//! | `other_payer` | 409 | somebody else of the family is paying this order |
//! | `not_refundable` | 409 | nothing of what is chosen can be given back here |
//! | `already_performed` | 409 | the hospital has performed or handed out a chosen item |
//! | `his_refused` | 409 | the hospital's system says no |
//! | `his_down` | 503 | the hospital's system does not answer |
//! | `check_in_unpaid`, `check_in_over`, `clinic_closed`, `wrong_day`, `too_early`, `too_late`, `wrong_campus`, `wrong_desk` | 409 | checking in here and now |
//! | `queue_his`, `queue_over`, `not_in_queue`, `no_room`, `room_paused`, `room_taken`, `nobody_waits`, `queue_moved`, `room_exists`, `last_room`, `bad_words`, `queue_full` | 409 | the queue says no |
//! | `no_follow_up` | 409 | the visit cannot be followed up free of charge, or was already |
//! | `moved_too_often`, `other_fee`, `unsettled` | 409 | the visit cannot be moved to another time |
//! | `not_full`, `waitlist_over`, `waitlist_hours`, `waiting_too_often` | 409 | one cannot wait for a number here or now |
//! | `not_set_up` | 503 | the hospital profile is missing |
//! | `busy` | 503 | too much contention; try again |

use crate::desk::ProfileError;
use crate::enrolment::LockError;
use crate::payments::FollowError;
use crate::payments::provider::ProviderError;
use crate::random::NoRandomness;
use crate::secrets::SecretError;
use domain::appointment::MoveError;
use domain::booking::{GateError, WindowError};
use domain::civil::Time;
use domain::credit::{Ban, Scope};
use domain::order::OrderError;
use domain::queue::{CheckInError, QueueError};
use domain::referral::ReferralError;
use domain::time;
use domain::waitlist::WaitlistError;
use his::{HisError, RequestError};
use store::StoreError;
use store::appointments::MoveFailed;
use store::orders::OrderFailed;
use store::queues::{CheckInFailed, QueueFailed};
use store::referrals::ReferralFailed;
use store::registration::HoldError;
use store::reschedule::RescheduleError;
use store::staff::AccountFailed;
use store::waitlist::JoinError;
use web::problem::Problem;

/// Seconds after which trying again makes sense when a part does not answer.
const RETRY_AFTER_S: u32 = 3;

/// Why a request gets no view: what the caller is told, with what only the log may know logged already.
#[derive(Debug)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

macro_rules! refusals {
    ($($error:ty => $problem:expr;)*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                let problem: fn($error) -> Problem = $problem;
                Self(problem(error))
            }
        }
    )*};
}

refusals! {
    StoreError => |error| unavailable("table", &error);
    SecretError => |error| unavailable("secret", &error);
    NoRandomness => |error| unavailable("randomness", &error);
    ProfileError => |error| match error {
        ProfileError::Missing => Problem::new(
            web::StatusCode::SERVICE_UNAVAILABLE,
            "not_set_up",
            "医院信息尚未配置，请稍后再试",
        ),
        ProfileError::Store(error) => unavailable("table", &error),
    };
    HoldError => hold;
    LockError => |error| match error {
        LockError::Hold(error) => hold(error),
        LockError::Profile(error) => Refusal::from(error).0,
    };
    MoveFailed => moved;
    RescheduleError => not_rescheduled;
    JoinError => not_waiting;
    ReferralFailed => |error| match error {
        ReferralFailed::Refused(error) => not_referred(error),
        ReferralFailed::Store(error) => unavailable("table", &error),
    };
    OrderError => |error| order(error);
    OrderFailed => |error| match error {
        OrderFailed::NotFound => Problem::not_found(),
        OrderFailed::Refused(error) => order(error),
        OrderFailed::Store(error) => unavailable("table", &error),
    };
    AccountFailed => |error| match error {
        AccountFailed::NotFound => Problem::not_found(),
        AccountFailed::Store(error) => unavailable("table", &error),
    };
    HisError => |error| hospital(&error);
    RequestError => |error| match error {
        RequestError::TooMany | RequestError::Amount => too_many_bills(),
        other => unavailable("his request", &other),
    };
    ProviderError => |error| paying(&error);
    FollowError => |error| match error {
        FollowError::Provider(error) => paying(&error),
        FollowError::Profile(error) => Refusal::from(error).0,
        FollowError::Store(error) => unavailable("table", &error),
        FollowError::Settle(_) | FollowError::NotVisibleYet | FollowError::Randomness(_) => {
            unavailable("payment", &error)
        }
    };
    CheckInError => |error| check_in(&error);
    CheckInFailed => |error| match error {
        CheckInFailed::NotFound => Problem::not_found(),
        CheckInFailed::Refused(error) => check_in(&error),
        CheckInFailed::Queue(error) => queue(&error),
        CheckInFailed::Store(error) => Refusal::from(error).0,
    };
    QueueFailed => |error| match error {
        QueueFailed::NotFound => Problem::not_found(),
        QueueFailed::Refused(error) => queue(&error),
        QueueFailed::Store(error) => Refusal::from(error).0,
    };
}

fn check_in(error: &CheckInError) -> Problem {
    let code = match error {
        CheckInError::Unpaid => "check_in_unpaid",
        CheckInError::Unconfirmed => "check_in_unconfirmed",
        CheckInError::Over => "check_in_over",
        CheckInError::ClinicClosed => "clinic_closed",
        CheckInError::WrongDay(_) => "wrong_day",
        CheckInError::TooEarly(_) => "too_early",
        CheckInError::TooLate(_) => "too_late",
        CheckInError::WrongCampus(_) => "wrong_campus",
        CheckInError::WrongDesk { .. } => "wrong_desk",
    };
    Problem::conflict(code, error.patient_text())
}

/// What staff are told when a queue does not move.
fn queue(error: &QueueError) -> Problem {
    let (code, text) = match error {
        QueueError::OwnedByHis => ("queue_his", "叫号由医院系统控制，请在医院系统中操作"),
        QueueError::Over => ("queue_over", "该队列的就诊日已结束"),
        QueueError::Unknown => ("not_in_queue", "队列中没有此人"),
        QueueError::NoRoom => ("no_room", "没有这个诊室"),
        QueueError::Paused => ("room_paused", "该诊室已暂停叫号，请先恢复"),
        QueueError::RoomTaken(_) => ("room_taken", "该诊室还有人未就诊完，请先点“完成”或“过号”"),
        QueueError::Empty => ("nobody_waits", "目前没有候诊的人"),
        QueueError::NotFrom(_) => ("queue_moved", "此人的状态已变化，请看最新队列"),
        QueueError::RoomExists => ("room_exists", "已有同名诊室"),
        QueueError::LastRoom => ("last_room", "至少要保留一个诊室；可以暂停叫号"),
        QueueError::Words => ("bad_words", "请填写 1 至 40 个字"),
        QueueError::Full => ("queue_full", "队列已满"),
    };
    Problem::conflict(code, text)
}

/// What the payer is told when WeChat Pay does not do as asked.
fn paying(error: &ProviderError) -> Problem {
    if error.may_pass() {
        return unavailable("wechat pay", error);
    }
    tracing::error!(%error, "WeChat Pay refuses");
    Problem::conflict("cannot_pay", "现在无法发起微信支付，请稍后再试或到窗口缴费")
}

/// What the patient is told when an order does not move.
fn order(error: OrderError) -> Problem {
    match error {
        OrderError::Lines => too_many_bills(),
        OrderError::NotRefundable | OrderError::Illegal => {
            Problem::conflict("not_refundable", "所选项目现在不能退费，可能已经退过，请刷新页面查看")
        }
        OrderError::AlreadyDone | OrderError::AmountDiffers | OrderError::OtherTransaction | OrderError::SamePerson => {
            unavailable("order", &error)
        }
    }
}

fn too_many_bills() -> Problem {
    Problem::conflict("too_many_bills", "一次缴费的账单太多，请分几次缴费")
}

/// What the patient is told when the hospital's system does not do as asked.
fn hospital(error: &HisError) -> Problem {
    if let HisError::Refused { code } = error {
        tracing::warn!(%code, "the HIS refuses");
        return Problem::conflict("his_refused", "医院系统没有受理，请到人工窗口或拨打医院电话咨询");
    }
    tracing::error!(%error, "the HIS does not answer");
    let text = "医院系统暂时没有响应，请稍后再试，也可以到人工窗口或拨打医院电话办理";
    Problem::new(web::StatusCode::SERVICE_UNAVAILABLE, "his_down", text).with_retry_after(RETRY_AFTER_S)
}

/// A part does not answer: logged here, once, with its whole chain of causes.
pub fn unavailable(part: &'static str, error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push_str(": ");
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::error!(part, %error, causes, "a part does not answer");
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Contended) => {
            Problem::new(web::StatusCode::SERVICE_UNAVAILABLE, "busy", "现在人数较多，请稍后再试")
                .with_retry_after(RETRY_AFTER_S)
        }
        _ => Problem::unavailable(RETRY_AFTER_S),
    }
}

fn hold(error: HoldError) -> Problem {
    match error {
        HoldError::Window(window) => not_bookable(window),
        HoldError::Gate(gate) => not_admitted(gate),
        HoldError::SoldOut => Problem::conflict("sold_out", "该时段号源已约满，请选择其他时段"),
        HoldError::NumberTaken => {
            Problem::conflict("number_taken", "这个号刚刚在医院被挂走了，没有扣费，请选择其他时段或其他医生")
        }
        HoldError::HisDown => {
            let text = "医院系统暂时联系不上，现在不能挂号，没有扣费。请稍后再试，也可以到人工窗口挂号";
            Problem::new(web::StatusCode::SERVICE_UNAVAILABLE, "his_down", text).with_retry_after(RETRY_AFTER_S)
        }
        HoldError::NoSlot => Problem::not_found(),
        HoldError::NoFollowUp => {
            Problem::conflict("no_follow_up", "该次就诊不能免费复诊，或免费复诊已经用过，可按普通挂号办理")
        }
        HoldError::Over(_) => Problem::conflict("request_over", "该次挂号已结束，请重新选择时段"),
        HoldError::Store(error) => unavailable("table", &error),
    }
}

/// A wrong code is answered like somebody else's.
fn not_referred(error: ReferralError) -> Problem {
    match error {
        ReferralError::Unknown => Problem::conflict("referral_unknown", "转诊码不正确，或不适用于该门诊、该就诊人"),
        ReferralError::Expired => Problem::conflict("referral_expired", "转诊码已过期，请向开具的医生或分诊台重新索取"),
        ReferralError::Used => Problem::conflict("referral_used", "转诊码已经使用过"),
        ReferralError::NoneLeft => Problem::conflict("referral_none_left", "该门诊预留的转诊号都已开出转诊码"),
    }
}

/// Why a slot cannot be booked, in words.
pub fn not_bookable(error: WindowError) -> Problem {
    match error {
        WindowError::Closed => Problem::conflict("clinic_closed", "该门诊已停诊，请选择其他门诊"),
        WindowError::Over => Problem::conflict("slot_over", "该时段已过或已停止挂号，请选择其他时段"),
        WindowError::NotReleased(at) => {
            let wall = time::wall_clock(at);
            let text = format!("该号源将于{}放号", wall.strftime("%m月%d日 %H:%M"));
            Problem::conflict("not_released", text)
        }
        WindowError::SameDayOnly => Problem::conflict("same_day_only", "急诊号仅限当日挂号"),
        WindowError::AdvanceClosed => Problem::conflict("advance_closed", "明日号源的预约已截止，可于就诊当日挂号"),
    }
}

fn not_admitted(error: GateError) -> Problem {
    match error {
        GateError::SameClinic => Problem::conflict("same_clinic", "该就诊人已有本次门诊的号，请勿重复挂号"),
        GateError::UnpaidHold => Problem::conflict("unpaid_hold", "该就诊人有一个待支付的号，请先支付或取消"),
        GateError::DoctorDay => Problem::conflict("limit_doctor_day", "同一就诊人同一天只能挂同一医生的一个号"),
        GateError::DepartmentDay => Problem::conflict("limit_department_day", "同一就诊人同一天在同一科室只能挂一个号"),
        GateError::Day => Problem::conflict("limit_day", "该就诊人当天挂号数已达上限"),
        GateError::NoAdvanceBooking(ban) => no_advance_booking("该就诊人", &ban, "可在“就诊人”的诚信记录中申诉"),
        GateError::AccountNoAdvanceBooking(ban) => {
            no_advance_booking("您用此微信预约的就诊人", &ban, "如有疑问请联系门诊办公室")
        }
        // Neutral on purpose: why is between the hospital and the person, not for whoever looks on.
        GateError::Blocked => Problem::new(
            web::StatusCode::FORBIDDEN,
            "online_booking_off",
            "该就诊人暂不能网上挂号，请到挂号窗口办理，急诊不受影响。如有疑问请拨打医院电话",
        ),
    }
}

/// Why, until when, what stays open, and how to object.
fn no_advance_booking(whose: &str, ban: &Ban, appeal: &str) -> Problem {
    let what = match ban.scope {
        Scope::AdvanceBooking => "预约挂号",
        Scope::Experts => "专家和特需门诊的预约",
    };
    let until = match ban.until {
        Some(until) => format!("至{}", time::wall_clock(until).strftime("%Y年%m月%d日 %H:%M")),
        None => String::new(),
    };
    let text = format!("{whose}多次预约未到或未按时取消，已暂停{what}{until}。就诊当日仍可挂号，{appeal}");
    Problem::new(web::StatusCode::FORBIDDEN, "no_advance_booking", text)
}

fn moved(error: MoveFailed) -> Problem {
    match error {
        MoveFailed::NotFound => Problem::not_found(),
        MoveFailed::Refused(MoveError::AlreadyDone) => Problem::conflict("already_cancelled", "该号已取消"),
        MoveFailed::Refused(MoveError::CancelDeadlinePassed) => {
            Problem::conflict("cancel_too_late", "已超过网上取消时间，请联系挂号窗口或拨打医院电话")
        }
        MoveFailed::Refused(MoveError::Illegal | MoveError::StillHeld | MoveError::NotOver) => {
            Problem::conflict("cannot_cancel", "该号当前状态不能取消")
        }
        MoveFailed::Refused(MoveError::MovedTooOften) => {
            Problem::conflict("moved_too_often", "该号已改约过，不能再次改约。可以取消后重新挂号")
        }
        MoveFailed::Store(error) => unavailable("table", &error),
    }
}

/// What the patient is told when a visit is not moved; it is as it was.
fn not_rescheduled(error: RescheduleError) -> Problem {
    match error {
        RescheduleError::NotFound => Problem::not_found(),
        RescheduleError::Move(MoveError::Illegal | MoveError::AlreadyDone) => {
            Problem::conflict("cannot_cancel", "该号当前状态不能改约")
        }
        RescheduleError::Move(why) => moved(MoveFailed::Refused(why)),
        RescheduleError::OtherFee => Problem::conflict("other_fee", "新时段的挂号费不同，不能改约。请取消后重新挂号"),
        RescheduleError::Unsettled => Problem::conflict("unsettled", "该号的费用正在处理，暂时不能改约，请稍后再试"),
        RescheduleError::Hold(error) => hold(error),
    }
}

/// What the patient is told when there is no waiting.
fn not_waiting(error: JoinError) -> Problem {
    match error {
        JoinError::Rule(WaitlistError::Closed) => not_bookable(WindowError::Closed),
        JoinError::Rule(WaitlistError::NotFull) => {
            Problem::conflict("not_full", "该门诊还有号可挂，或尚未放号，不必候补")
        }
        JoinError::Rule(WaitlistError::Over) => {
            Problem::conflict("waitlist_over", "该门诊的候补已截止，就诊当日仍可查看余号")
        }
        JoinError::Rule(WaitlistError::Hours { opens, closes }) => {
            let clock = |time: Time| time.strftime("%H:%M").to_string();
            let text = format!("候补登记时间为 {} 至 {}", clock(opens), clock(closes));
            Problem::conflict("waitlist_hours", text)
        }
        JoinError::Rule(WaitlistError::TooMany) => {
            Problem::conflict("waiting_too_often", "该就诊人的候补已达上限，请先退出其他候补")
        }
        JoinError::Gate(error) => not_admitted(error),
        JoinError::Store(error) => unavailable("table", &error),
    }
}
