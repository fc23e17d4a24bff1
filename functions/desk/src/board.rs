//! Choosing a clinic.

use crate::views::board::{BoardView, Row};
use crate::{Action, App};
use domain::civil::Date;
use domain::clinic::{Clinic, Period};
use domain::queue::is_open_on;
use domain::staff::StaffAccount;
use domain::time;
use futures_util::future::try_join_all;
use runtime::Refusal;
use runtime::http::Call;
use web::Response;

pub(crate) async fn clinics(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let mut clinics = of_today(app, call).await?;
    let account = call.staff_account();
    clinics.sort_by(|a, b| order(a, account).cmp(&order(b, account)));
    let rows = clinics.iter().map(|clinic| Row::of(clinic, is_own(clinic, account))).collect();
    Ok(call.show(&BoardView::of(time::today(call.now), rows, call)))
}

/// Every clinic of today; after midnight those of the evening before, too, as long as people are called.
pub(crate) async fn of_today(app: &App, call: &Call<Action>) -> Result<Vec<Clinic>, Refusal> {
    let today = time::today(call.now);
    let mut clinics = clinics_of(app, today).await?;
    let yesterday = time::add_days(today, -1);
    if is_open_on(yesterday, call.now) {
        let evening = |clinic: &Clinic| clinic.period == Period::Evening;
        clinics.extend(clinics_of(app, yesterday).await?.into_iter().filter(evening));
    }
    Ok(clinics)
}

async fn clinics_of(app: &App, date: Date) -> Result<Vec<Clinic>, Refusal> {
    let departments = app.desk.table.departments().await?;
    let reads = departments.iter().map(|department| app.desk.table.clinics_on(date, &department.id));
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// One's own first: the doctor's, then those of one's departments, then by department and period.
fn order<'a>(clinic: &'a Clinic, account: Option<&StaffAccount>) -> impl Ord + use<'a> {
    let is_mine = account.is_some_and(|account| account.doctor.is_some() && account.doctor == clinic.doctor);
    (!is_mine, !is_own(clinic, account), clinic.period, &clinic.department, &clinic.id)
}

fn is_own(clinic: &Clinic, account: Option<&StaffAccount>) -> bool {
    account.is_some_and(|account| {
        let is_doctor = account.doctor.is_some() && account.doctor == clinic.doctor;
        is_doctor || account.departments.contains(&clinic.department)
    })
}
