//! What the hospital's own system (HIS) holds of visits, once everything has settled.

use super::hospital::Hospital;
use domain::appointment::{Appointment, State};
use domain::enrolment::Known;
use domain::id::ClinicId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every visit stands there as it does here, nothing is kept for nobody, and no number is in two hands: how many stand there.
pub(crate) async fn agree(hospital: &Hospital, clinics: &[ClinicId], visits: &[Appointment]) -> Result<usize, String> {
    let books = hospital.his.get("timetable").await;
    let entries = books["registrations"].as_array().unwrap();
    let now_ms = hospital.now().as_millisecond();
    let mut live: BTreeMap<&str, &Value> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_live(entry, now_ms) && is_of(entry, clinics)) {
        live.insert(entry["serial"].as_str().unwrap(), entry);
    }
    in_one_hand(&books, clinics, &live)?;
    let standing = live.len();
    for visit in visits {
        let there = live.remove(visit.id.as_str());
        let fits = if stands(visit) { there.is_some_and(|entry| is_same(entry, visit)) } else { there.is_none() };
        if !fits && !is_for_people(visit, there) {
            return Err(format!("the HIS has {there:?} of {visit:?}"));
        }
    }
    if live.is_empty() { Ok(standing) } else { Err(format!("the HIS keeps numbers for nobody: {live:?}")) }
}

/// A lock ends by itself.
fn is_live(entry: &Value, now_ms: i64) -> bool {
    entry["standing"] != "over" && entry["until_ms"].as_i64().is_none_or(|until_ms| until_ms > now_ms)
}

fn is_of(entry: &Value, clinics: &[ClinicId]) -> bool {
    clinics.iter().any(|clinic| entry["clinic"] == clinic.as_str())
}

fn is_on(visit: &Appointment) -> bool {
    matches!(visit.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
}

/// Whether the HIS has the visit itself: one whose number is ours and paid for it knows by the payment alone.
fn stands(visit: &Appointment) -> bool {
    let is_told = visit.is_number_of_his() || visit.payable().is_zero() || visit.history.moved_from.is_some();
    is_on(visit) && is_told
}

/// What it says no to has raised an alarm; a number it does not give is nobody's visit.
fn is_for_people(visit: &Appointment, there: Option<&Value>) -> bool {
    let is_refused = matches!(visit.enrolment.known, Known::Refused { .. });
    is_refused && (!is_on(visit) || (there.is_none() && !visit.is_number_of_his()))
}

fn is_same(entry: &Value, visit: &Appointment) -> bool {
    let place = &visit.place;
    entry["standing"] == "confirmed"
        && entry["clinic"] == place.clinic.as_str()
        && entry["start"] == place.start.to_string()
        && entry["number"] == place.number
}

/// A number is one visit's, or was sold at a window, or nobody's.
fn in_one_hand(books: &Value, clinics: &[ClinicId], live: &BTreeMap<&str, &Value>) -> Result<(), String> {
    let sold = books["clinics"].as_array().unwrap().iter().flat_map(|entry| {
        let clinic = entry["clinic"].as_str().unwrap();
        entry["windowSold"].as_array().unwrap().iter().map(move |number| (clinic, number.as_u64().unwrap()))
    });
    let mut taken: BTreeSet<(&str, u64)> =
        sold.filter(|(clinic, _)| clinics.iter().any(|one| one.as_str() == *clinic)).collect();
    for entry in live.values() {
        let number = (entry["clinic"].as_str().unwrap(), entry["number"].as_u64().unwrap());
        if !taken.insert(number) {
            return Err(format!("two have {number:?} at the HIS: {live:?}"));
        }
    }
    Ok(())
}
