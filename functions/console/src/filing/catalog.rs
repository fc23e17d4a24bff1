//! Departments and doctors.

use super::{Fate, Filed, Mode, Unfiled, all, known, rows};
use crate::{App, import};
use domain::catalog::{Department, Doctor};
use std::collections::BTreeMap;

pub(super) async fn departments(app: &App, file: &[u8], mode: Mode) -> Result<Filed, Unfiled> {
    let rows = rows(import::departments(file, &known(app).await?))?;
    let there = app.desk.table.departments().await?;
    let there: BTreeMap<_, _> = there.into_iter().map(|department| (department.id.clone(), department)).collect();
    let fates: Vec<_> = rows.iter().map(|row| fate(there.get(&row.id), row)).collect();
    if mode == Mode::Write {
        let changed = rows.iter().zip(&fates).filter(|(_, fate)| **fate != Fate::Unchanged);
        all(changed.map(|(row, _)| put_department(app, row)).collect()).await?;
    }
    Ok(Filed::of(fates))
}

pub(super) async fn doctors(app: &App, file: &[u8], mode: Mode) -> Result<Filed, Unfiled> {
    let rows = rows(import::doctors(file, &known(app).await?))?;
    let there = app.desk.table.doctors().await?;
    let there: BTreeMap<_, _> = there.into_iter().map(|doctor| (doctor.id.clone(), doctor)).collect();
    let fates: Vec<_> = rows.iter().map(|row| fate(there.get(&row.id), row)).collect();
    if mode == Mode::Write {
        let changed = rows.iter().zip(&fates).filter(|(_, fate)| **fate != Fate::Unchanged);
        all(changed.map(|(row, _)| put_doctor(app, row)).collect()).await?;
    }
    Ok(Filed::of(fates))
}

fn fate<T: PartialEq>(there: Option<&T>, row: &T) -> Fate {
    match there {
        None => Fate::New,
        Some(there) if there == row => Fate::Unchanged,
        Some(_) => Fate::Changed,
    }
}

async fn put_department(app: &App, department: &Department) -> Result<(), Unfiled> {
    Ok(app.desk.table.put_department(department).await?)
}

async fn put_doctor(app: &App, doctor: &Doctor) -> Result<(), Unfiled> {
    Ok(app.desk.table.put_doctor(doctor).await?)
}
