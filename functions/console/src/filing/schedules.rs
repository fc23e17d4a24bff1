//! Schedules: one line is one clinic with its slots, written together or not at all.

use super::{Fate, Filed, Mode, Tally, Unfiled, all, known, rows};
use crate::App;
use crate::import::{self, Problem, RowError, ScheduleRow};
use domain::booking::BookingPolicy;
use domain::catalog::{Department, Doctor};
use domain::civil::Date;
use domain::clinic::{Clinic, Slot};
use domain::id::{DepartmentId, DoctorId};
use std::collections::BTreeMap;
use store::StoreError;

/// Clinics of one file: what is certainly written within the 29 s an answer may take.
const CLINICS_MAX: usize = 2_000;

pub(super) async fn file(app: &App, file: &[u8], mode: Mode, today: Date) -> Result<Filed, Unfiled> {
    let lines = rows(import::schedules(file, &known(app).await?, today))?;
    if lines.len() > CLINICS_MAX {
        return Err(Unfiled::Rows(vec![RowError::file(Problem::TooManyClinics { rows_max: CLINICS_MAX })]));
    }
    let names = Names::of(app).await?;
    let clinics: Vec<_> = lines.iter().map(|line| names.clinic(line)).collect::<Result<_, _>>()?;
    let done = all(clinics.into_iter().map(|clinic| file_clinic(app, clinic, mode)).collect()).await?;
    let slots = done.iter().fold(Tally::default(), |sum, (_, slots)| sum.plus(*slots));
    Ok(Filed { slots: Some(slots), ..Filed::of(done.into_iter().map(|(fate, _)| fate).collect()) })
}

async fn file_clinic(app: &App, line: (Clinic, Vec<Slot>), mode: Mode) -> Result<(Fate, Tally), Unfiled> {
    let plan = app.desk.table.file_schedule(&line, mode == Mode::Write, app.desk.clock.now()).await?;
    Ok((plan.fate, plan.slots))
}

/// What a clinic takes from catalogue and profile.
struct Names {
    departments: BTreeMap<DepartmentId, Department>,
    doctors: BTreeMap<DoctorId, Doctor>,
    policy: BookingPolicy,
}

impl Names {
    async fn of(app: &App) -> Result<Self, Unfiled> {
        let departments = app.desk.table.departments().await?;
        let doctors = app.desk.table.doctors().await?;
        Ok(Self {
            departments: departments.into_iter().map(|department| (department.id.clone(), department)).collect(),
            doctors: doctors.into_iter().map(|doctor| (doctor.id.clone(), doctor)).collect(),
            policy: app.profile().await?.booking,
        })
    }

    /// A line as clinic and slots. Its department was there when the line was checked; if not any more, somebody else
    /// works on the catalogue.
    fn clinic(&self, line: &ScheduleRow) -> Result<(Clinic, Vec<Slot>), StoreError> {
        let department = self.departments.get(&line.department).ok_or(StoreError::Contended)?;
        let doctor = line.doctor.as_ref().and_then(|id| self.doctors.get(id));
        let clinic = line.clinic(department, doctor, &self.policy);
        let slots = line.slots(&clinic, &self.policy);
        Ok((clinic, slots))
    }
}
