//! 签到 by scanning the printed code of a desk: everybody the sender acts for who has a number here today.

use crate::App;
use crate::chat::{CHECK_IN_PAGE, label_of, visit_page};
use crate::numbers::{appointments_of, sender};
use domain::appointment::{Appointment, State};
use domain::event::Actor;
use domain::id::OpenId;
use domain::profile::HospitalProfile;
use domain::queue::{CheckInPoint, Priority};
use domain::{Timestamp, time};
use std::time::Duration;
use store::StoreError;
use store::queues::{CheckIn, CheckInFailed, CheckedIn, Way};
use wechat::callback::Opened;

/// Visits checked in by one scan at most.
const CHECKED_IN_MAX: usize = 3;
/// How long it may take before the answer goes out without it; WeChat hangs up after five seconds.
const CHECK_IN_TIMEOUT_MS: u64 = 2_500;
const NONE_TODAY: &str = "今天没有查到您的号。如在窗口挂号，请到分诊台由工作人员签到。";
const NOT_CERTAIN: &str = "请点下面的链接，输入候诊大屏上的签到码。";
const NOT_NOW: &str = "正在为您签到，请稍后点下面的链接查看；如未成功请到分诊台。";

/// Checks in, and says for each visit where it stands or why not.
pub(crate) async fn check_in(
    app: &App,
    opened: &Opened,
    profile: &HospitalProfile,
    point: &CheckInPoint,
    now: Timestamp,
) -> String {
    let Some(account) = sender(opened) else { return with_link(app, NOT_CERTAIN, "签到", CHECK_IN_PAGE) };
    let arriving = arrive(app, &account, profile, point, now);
    match tokio::time::timeout(Duration::from_millis(CHECK_IN_TIMEOUT_MS), arriving).await {
        Ok(Ok(lines)) if lines.is_empty() => with_link(app, NONE_TODAY, "查看我的挂号", "/appointments"),
        Ok(Ok(lines)) => lines.join("\n\n"),
        Ok(Err(error)) => {
            tracing::error!(code = "check_in_failed", %error, "a scan at a desk cannot be followed");
            with_link(app, NOT_NOW, "查看我的挂号", "/appointments")
        }
        Err(_) => {
            tracing::error!(code = "check_in_too_slow", "a scan at a desk is not answered in time");
            with_link(app, NOT_NOW, "查看我的挂号", "/appointments")
        }
    }
}

fn with_link(app: &App, text: &str, label: &str, path: &str) -> String {
    format!("{text}\n<a href=\"{}{path}\">{label}</a>", app.desk.public_url)
}

async fn arrive(
    app: &App,
    account: &OpenId,
    profile: &HospitalProfile,
    point: &CheckInPoint,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut due = appointments_of(app, account).await?;
    due.retain(|appointment| appointment.place.date == time::today(now) && is_open(appointment, now));
    due.sort_by_key(|appointment| appointment.place.starts_at());
    let mut lines = Vec::new();
    for appointment in due.iter().take(CHECKED_IN_MAX) {
        let request = CheckIn {
            key: appointment.key(),
            way: Way::Patient(point.clone()),
            priority: Priority::None,
            actor: Actor::Account(account.clone()),
        };
        lines.push(match app.desk.table.check_in(profile, &request, now).await {
            Ok(here) => done_text(app, &here, profile, now),
            Err(CheckInFailed::Refused(error)) => refused_text(appointment, &error.patient_text(), now),
            Err(CheckInFailed::Queue(error)) => {
                tracing::warn!(%error, "somebody is here whom the queue does not take");
                refused_text(appointment, "签到未成功，请到分诊台由工作人员办理。", now)
            }
            Err(CheckInFailed::NotFound) => continue,
            Err(CheckInFailed::Store(error)) => return Err(error),
        });
    }
    Ok(lines)
}

/// What may still take place: an unpaid number is told why it does not check in.
fn is_open(appointment: &Appointment, now: Timestamp) -> bool {
    appointment.is_live(now) || appointment.state == State::NoShow
}

fn done_text(app: &App, here: &CheckedIn, profile: &HospitalProfile, now: Timestamp) -> String {
    let appointment = &here.appointment;
    let standing = here.queue.entry(&appointment.id).map(|e| here.queue.standing_text(e, &profile.queue, now));
    let head = format!("已签到：{} {}", appointment.patient_name_masked, label_of(appointment, now));
    with_link(app, &format!("{head}\n{}", standing.unwrap_or_default()), "查看候诊进度", &visit_page(appointment))
}

fn refused_text(appointment: &Appointment, why: &str, now: Timestamp) -> String {
    format!("{} {}\n{why}", appointment.patient_name_masked, label_of(appointment, now))
}
