//! 转诊码: giving one out, for a person or for whoever brings it, for one clinic. Once given it is on the slip and with the
//! patient; the list says what became of it, not the code.
//!
//! | code | status | when |
//! |---|---|---|
//! | `referral_none_left` | 409 | every number set apart for referrals has its code |
//! | `clinic_closed`, `slot_over` | 409 | the clinic is closed, or over |

use crate::views::referrals::ReferralsView;
use crate::{Action, App};
use domain::clinic::ClinicState;
use domain::id::{ClinicId, PatientId};
use domain::referral::{Referral, ReferralCode, valid_until};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use runtime::refusal::not_bookable;
use store::clinics::ClinicWithSlots;
use store::patients::Patient;
use web::Response;
use web::problem::Problem;
use web::session::IdempotencyKey;

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = clinic(app, call).await?;
    let patient = patient(app, call.meta.query("patient").as_deref()).await?;
    Ok(call.show(&view(app, call, &found, patient.as_ref()).await?))
}

async fn clinic(app: &App, call: &Call<Action>) -> Result<ClinicWithSlots, Refusal> {
    let id: ClinicId = call.params.parse("clinic")?;
    Ok(app.desk.table.clinic(&id).await?.ok_or_else(Problem::not_found)?)
}

/// The one person a code is for, if it is for one.
async fn patient(app: &App, id: Option<&str>) -> Result<Option<Patient>, Refusal> {
    let Some(text) = id.filter(|text| !text.is_empty()) else { return Ok(None) };
    let id: PatientId = text.parse().map_err(|_| Problem::not_found())?;
    Ok(Some(app.desk.table.patient(&id).await?.ok_or_else(Problem::not_found)?))
}

async fn view(
    app: &App,
    call: &Call<Action>,
    found: &ClinicWithSlots,
    patient: Option<&Patient>,
) -> Result<ReferralsView, Refusal> {
    let given = app.desk.table.referrals(&found.clinic.id).await?;
    let key = IdempotencyKey::from_random(app.desk.random.bytes()?);
    Ok(ReferralsView::of(found, &given, patient, key, call.now))
}

pub(crate) async fn issue(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let found = clinic(app, call).await?;
    let fields = call.fields()?;
    let key = call.idempotency_key(&fields)?;
    let patient = patient(app, fields.text("patient")).await?;
    let clinic = &found.clinic;
    if clinic.state == ClinicState::Closed {
        return Err(not_bookable(domain::booking::WindowError::Closed).into());
    }
    if clinic.date < time::today(call.now) {
        return Err(not_bookable(domain::booking::WindowError::Over).into());
    }
    let whose = patient.as_ref().map(|patient| &patient.id);
    let referral = Referral {
        code: ReferralCode::of_request(call.staff()?, key.as_str(), &clinic.id, whose),
        clinic: clinic.id.clone(),
        patient: whose.cloned(),
        by: call.staff()?.to_owned(),
        issued_at: call.now,
        expires_at: valid_until(clinic, call.now),
        used_for: None,
        ver: 1,
    };
    let issued = app.desk.table.issue_referral(&referral, &found.slots, call.now).await?;
    match whose {
        Some(patient) => app.desk.note(call, "issue_referral", patient).await?,
        None => app.desk.note(call, "issue_referral", &clinic.id).await?,
    }
    Ok(call.show(&view(app, call, &found, patient.as_ref()).await?.with_issued(&issued)))
}
