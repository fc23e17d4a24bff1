//! Numbers set apart: for old people, and for whoever brings a referral code (转诊码).
//!
//! | code | status | when |
//! |---|---|---|
//! | `not_elder` | 403 | the numbers are for older people |
//! | `referral_unknown` | 409 | no such code for this clinic and person |
//! | `referral_expired`, `referral_used` | 409 | it was one |

mod views;

use crate::views::{PatientChoice, SlotChoice};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey};
use domain::clinic::{Channel, Clinic, Slot};
use domain::id::PatientId;
use domain::referral::{ReferralCode, ReferralError};
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use store::account::Link;
use store::clinics::ClinicWithSlots;
use store::referrals::ReferralFailed;
use store::registration::HoldRequest;
use web::StatusCode;
use web::form::Form;
use web::problem::Problem;

pub(crate) use views::SetApart;

/// Field: a referral code, for a number set apart for referrals.
pub(crate) const REFERRAL: &str = "referral";
/// Field: what is set apart and wanted.
pub(crate) const CHANNEL: &str = "channel";
/// Its value for numbers of old people.
pub(crate) const ELDER: &str = "elder";

/// Where a number is taken from, as the form wishes and the person may.
pub(crate) async fn channel(
    app: &App,
    call: &Call<Action>,
    form: &Form,
    patient: &PatientId,
    clinic: &Clinic,
) -> Result<Channel, Refusal> {
    if !form.value(REFERRAL).is_empty() {
        return Ok(Channel::Referral);
    }
    if form.value(CHANNEL) != ELDER {
        return Ok(Channel::Wechat);
    }
    if is_elder(app, call, patient, clinic).await? {
        return Ok(Channel::Elder);
    }
    let age = call.profile()?.booking.elder_age_years;
    let text = format!("长者号仅限当年满 {age} 周岁的就诊人；未登记居民身份证的长者请到窗口或电话挂号");
    Err(Problem::new(StatusCode::FORBIDDEN, "not_elder", text).into())
}

async fn is_elder(app: &App, call: &Call<Action>, patient: &PatientId, clinic: &Clinic) -> Result<bool, Refusal> {
    let patient = app.desk.table.patient(patient).await?.ok_or_else(Problem::not_found)?;
    Ok(call.profile()?.booking.is_elder(patient.birth_year, clinic.date))
}

/// Takes a number for a referral code: the code first, which is free again when the number is refused.
pub(crate) async fn referred(
    app: &App,
    call: &Call<Action>,
    form: &Form,
    request: &HoldRequest,
) -> Result<Appointment, Refusal> {
    let unknown = || ReferralFailed::from(ReferralError::Unknown);
    let code: ReferralCode = form.value(REFERRAL).parse().map_err(|_| unknown())?;
    let (table, clinic) = (&app.desk.table, &request.clinic);
    let next = AppointmentKey { patient: request.patient.clone(), date: clinic.date, id: request.appointment.clone() };
    table.use_referral(&clinic.id, &code, &next, call.now).await?;
    match table.hold(call.profile()?, request, call.now).await {
        Ok(held) => Ok(held),
        // The table may have done it all the same: the next try finds out.
        Err(store::registration::HoldError::Store(error)) => Err(error.into()),
        Err(refused) => {
            table.free_referral(&clinic.id, &code, &next).await?;
            Err(refused.into())
        }
    }
}

/// What of a clinic is set apart and free, and for whom of the caller's people.
pub(crate) async fn of_clinic(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    links: &[Link],
) -> Result<Vec<SetApart>, Refusal> {
    let mut all = Vec::new();
    let everybody = || links.iter().map(PatientChoice::of).collect();
    for channel in [Channel::Elder, Channel::Referral] {
        let slots = free_slots(call, found, channel)?;
        if slots.is_empty() {
            continue;
        }
        let patients = match channel {
            Channel::Elder => elders(app, call, &found.clinic, links).await?,
            _ => everybody(),
        };
        if !patients.is_empty() {
            all.push(SetApart { channel, slots, patients });
        }
    }
    Ok(all)
}

fn free_slots(call: &Call<Action>, found: &ClinicWithSlots, channel: Channel) -> Result<Vec<SlotChoice>, Refusal> {
    let policy = &call.profile()?.booking;
    let own = |slot: &Slot| {
        let free = slot.free_for(channel, call.now);
        slot.reserved.get(&channel).map_or(0, |reserved| free.intersection(reserved).count())
    };
    let is_apart = |slot: &&Slot| slot.pooled_at > call.now && own(slot) > 0;
    let choices = found.slots.iter().filter(is_apart);
    let choices = choices.map(|slot| {
        SlotChoice::of(&found.clinic, slot.start, own(slot), policy, call.now)
            .closed(slot.state == domain::clinic::ClinicState::Closed)
    });
    Ok(choices.filter(SlotChoice::is_open).collect())
}

async fn elders(
    app: &App,
    call: &Call<Action>,
    clinic: &Clinic,
    links: &[Link],
) -> Result<Vec<PatientChoice>, Refusal> {
    let old = try_join_all(links.iter().map(|link| is_elder(app, call, &link.patient, clinic))).await?;
    Ok(links.iter().zip(old).filter(|(_, old)| *old).map(|(link, _)| PatientChoice::of(link)).collect())
}
