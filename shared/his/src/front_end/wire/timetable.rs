//! Departments, doctors, schedules, numbers and changes as they travel. Entries are read one by one: one that is wrong does
//! not hide the others.

use crate::error::HisError;
use crate::events::{Change, EVENTS_MAX, Event, Events};
use crate::front_end::data::Data;
use crate::label::Label;
use crate::timetable::{Department, Doctor, LISTED_MAX, Listed, Mark, Schedule, ScheduleQuery, Schedules, SlotNumbers};
use domain::civil::Date;
use domain::clinic::{ClinicKind, NUMBERS_PER_SLOT_MAX, Period, SlotStart};
use domain::id::{AppointmentId, CardNo, ClinicId, DepartmentId, DoctorId};
use domain::money::Fen;
use domain::visit::VisitFate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest prose that is kept, in characters: as an import allows.
const PROSE_CHARS_MAX: usize = 2_000;

#[derive(Serialize)]
pub(in crate::front_end) struct Nothing {}

#[derive(Serialize)]
pub(in crate::front_end) struct SchedulesBody<'a> {
    from: Date,
    to: Date,
    since: Option<&'a str>,
}

impl<'a> From<&'a ScheduleQuery> for SchedulesBody<'a> {
    fn from(query: &'a ScheduleQuery) -> Self {
        Self { from: query.from, to: query.to, since: query.since.as_ref().map(Mark::as_str) }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct EventsBody<'a> {
    pub(in crate::front_end) since: Option<&'a str>,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct DepartmentsData {
    departments: Vec<Data>,
}

#[derive(Deserialize)]
struct DepartmentData {
    code: DepartmentId,
    name: Label,
    parent: Option<DepartmentId>,
    location: Label,
    campus: Label,
    intro: String,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct DoctorsData {
    doctors: Vec<Data>,
}

#[derive(Deserialize)]
struct DoctorData {
    code: DoctorId,
    name: Label,
    pinyin: Label,
    title: Label,
    department: DepartmentId,
    expert: bool,
    specialty: Label,
    intro: String,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct SchedulesData {
    schedules: Vec<Data>,
    mark: String,
}

#[derive(Deserialize)]
struct ScheduleData {
    date: Date,
    period: Period,
    department: DepartmentId,
    doctor: Option<DoctorId>,
    kind: ClinicKind,
    fee: String,
    room: Label,
    campus: Label,
    closed: bool,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct SlotsData {
    slots: Vec<Data>,
}

#[derive(Deserialize)]
struct SlotData {
    start: SlotStart,
    free: BTreeSet<u16>,
    taken: BTreeSet<u16>,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct EventsData {
    events: Vec<Data>,
    more: bool,
}

/// What a change is about depends on its kind.
#[derive(Deserialize)]
struct ChangeData {
    kind: String,
    #[serde(default)]
    clinic: Option<ClinicId>,
    #[serde(default)]
    from: Option<SlotStart>,
    #[serde(default)]
    doctor: Option<DoctorId>,
    #[serde(default)]
    fee: Option<String>,
    #[serde(default)]
    appointment: Option<AppointmentId>,
    /// Cards of the record that stays, and of the other.
    #[serde(default)]
    stays: Vec<CardNo>,
    #[serde(default)]
    gone: Vec<CardNo>,
    #[serde(default)]
    report_no: Option<String>,
}

fn listed<D: DeserializeOwned, T>(values: Vec<Data>, make: impl Fn(D) -> Option<T>) -> Listed<T> {
    let total = values.len();
    let read = |value: Data| value.read::<D>().ok().and_then(&make);
    let entries: Vec<T> = values.into_iter().take(LISTED_MAX).filter_map(read).collect();
    Listed { rejected: total - entries.len(), entries }
}

/// Lines stay, other control characters go, and what is too long is cut.
fn prose(text: &str) -> String {
    let plain = text.chars().filter(|c| *c == '\n' || !c.is_control());
    plain.take(PROSE_CHARS_MAX).collect::<String>().trim().to_owned()
}

fn words(label: &Label) -> String {
    label.as_str().to_owned()
}

impl From<DepartmentsData> for Listed<Department> {
    fn from(data: DepartmentsData) -> Self {
        listed(data.departments, |data: DepartmentData| {
            (!data.name.is_empty()).then(|| Department {
                id: data.code,
                name: words(&data.name),
                parent: data.parent,
                location: words(&data.location),
                campus: words(&data.campus),
                intro: prose(&data.intro),
            })
        })
    }
}

impl From<DoctorsData> for Listed<Doctor> {
    fn from(data: DoctorsData) -> Self {
        listed(data.doctors, |data: DoctorData| {
            (!data.name.is_empty()).then(|| Doctor {
                id: data.code,
                name: words(&data.name),
                pinyin: words(&data.pinyin),
                title: words(&data.title),
                department: data.department,
                expert: data.expert,
                specialty: words(&data.specialty),
                intro: prose(&data.intro),
            })
        })
    }
}

impl TryFrom<SchedulesData> for Schedules {
    type Error = HisError;

    fn try_from(data: SchedulesData) -> Result<Self, HisError> {
        let mark = data.mark.parse().map_err(|_| HisError::Unreadable)?;
        Ok(Self { list: listed(data.schedules, schedule), mark: Some(mark) })
    }
}

/// One whose codes make no key of a clinic is left out, as is an expert's without the expert.
fn schedule(data: ScheduleData) -> Option<Schedule> {
    let ScheduleData { date, period, department, doctor, kind, fee, room, campus, closed } = data;
    let needs_doctor = matches!(kind, ClinicKind::Expert | ClinicKind::Special);
    let fee = Fen::from_yuan(&fee).ok()?;
    let schedule = Schedule { date, period, department, doctor, kind, fee, room, campus, is_closed: closed };
    let is_whole = schedule.clinic().is_ok() && (schedule.doctor.is_some() || !needs_doctor);
    is_whole.then_some(schedule)
}

impl From<SlotsData> for Listed<SlotNumbers> {
    fn from(data: SlotsData) -> Self {
        listed(data.slots, |SlotData { start, free, taken }| {
            let count = free.len() + taken.len();
            let is_sound = free.is_disjoint(&taken) && count <= usize::from(NUMBERS_PER_SLOT_MAX);
            let has_zero = free.contains(&0) || taken.contains(&0);
            (is_sound && !has_zero).then_some(SlotNumbers { start, free, taken })
        })
    }
}

impl TryFrom<EventsData> for Events {
    type Error = HisError;

    fn try_from(data: EventsData) -> Result<Self, HisError> {
        let has_more = data.more || data.events.len() > EVENTS_MAX;
        let events = data.events.into_iter().take(EVENTS_MAX).map(event).collect::<Result<_, _>>()?;
        Ok(Self { events, has_more })
    }
}

/// Without its mark nobody could ask on behind it.
fn event(data: Data) -> Result<Event, HisError> {
    let mark = data.text("mark").and_then(|mark| mark.parse().ok()).ok_or(HisError::Unreadable)?;
    Ok(Event { mark, change: data.read::<ChangeData>().ok().and_then(change) })
}

fn change(data: ChangeData) -> Option<Change> {
    Some(match data.kind.as_str() {
        "closed" => Change::Closed { clinic: data.clinic?, from: data.from },
        "substituted" => Change::Substituted { clinic: data.clinic?, doctor: data.doctor? },
        "fee" => Change::Fee { clinic: data.clinic?, fee: Fen::from_yuan(&data.fee?).ok()? },
        "came" => visit(data, VisitFate::Came)?,
        "visited" => visit(data, VisitFate::Seen)?,
        "missed" => visit(data, VisitFate::Missed)?,
        "cancelled" => visit(data, VisitFate::Cancelled)?,
        "merged" => {
            let (stays, gone) = both(data.stays, data.gone)?;
            Change::Merged { stays, gone }
        }
        "unmerged" => {
            let (stays, leaves) = both(data.stays, data.gone)?;
            Change::Unmerged { stays, leaves }
        }
        "reported" => Change::Reported { number: data.report_no?.parse().ok()? },
        _ => return None,
    })
}

fn visit(data: ChangeData, fate: VisitFate) -> Option<Change> {
    Some(Change::Visit { clinic: data.clinic?, appointment: data.appointment?, fate })
}

/// It takes two to be one person.
fn both(one: Vec<CardNo>, other: Vec<CardNo>) -> Option<(Vec<CardNo>, Vec<CardNo>)> {
    (!one.is_empty() && !other.is_empty()).then_some((one, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use results::tree::Node;
    use serde_json::{Value, json};

    fn data<D: DeserializeOwned>(value: &Value) -> D {
        Data::from(Node::from_json(&value.to_string()).unwrap()).read().unwrap()
    }

    fn read<D: DeserializeOwned, T: From<D>>(value: &Value) -> T {
        data::<D>(value).into()
    }

    #[test]
    fn a_wrong_entry_hides_no_other() {
        let good = json!({ "code": "XNK", "name": "心血管内科", "parent": null, "location": "", "campus": "", "intro": "a\u{7}\nb" });
        let mut wrong = good.clone();
        wrong["code"] = json!("心");
        let list: Listed<Department> = read::<DepartmentsData, _>(&json!({ "departments": [wrong, good] }));
        assert_eq!((list.entries.len(), list.rejected), (1, 1));
        assert_eq!(list.entries[0].intro, "a\nb");
    }

    #[test]
    fn a_number_is_free_or_taken_and_not_none() {
        let slot = |free: &[u16], taken: &[u16]| json!({ "start": "0830", "free": free, "taken": taken });
        let all = json!({ "slots": [slot(&[1], &[2]), slot(&[1], &[1]), slot(&[0], &[]), { "start": "0815" }] });
        let list: Listed<SlotNumbers> = read::<SlotsData, _>(&all);
        assert_eq!((list.entries.len(), list.rejected), (1, 3));
    }

    #[test]
    fn an_expert_clinic_has_its_expert() {
        let of = |doctor: Value, fee: &str| json!({ "date": "2026-11-24", "period": "morning", "department": "XNK", "doctor": doctor, "kind": "expert", "fee": fee, "room": "", "campus": "", "closed": false });
        let all =
            json!({ "mark": "7", "schedules": [of(json!("D1"), "30"), of(Value::Null, "30"), of(json!("D1"), "3x")] });
        let read = Schedules::try_from(data::<SchedulesData>(&all)).unwrap();
        assert_eq!((read.list.entries.len(), read.list.rejected), (1, 2));
        assert_eq!(read.mark.unwrap().as_str(), "7");
    }

    #[test]
    fn an_unknown_change_moves_the_cursor_all_the_same() {
        let all = json!({ "more": true, "events": [{ "mark": "1", "kind": "closed", "clinic": "c", "from": null }, { "mark": "2", "kind": "moon" }] });
        let read = Events::try_from(data::<EventsData>(&all)).unwrap();
        assert!(read.has_more && matches!(read.events[0].change, Some(Change::Closed { .. })));
        assert_eq!((read.events[1].mark.as_str(), &read.events[1].change), ("2", &None));
        let unmarked = json!({ "more": false, "events": [{ "mark": "", "kind": "moon" }] });
        assert!(Events::try_from(data::<EventsData>(&unmarked)).is_err());
    }
}
