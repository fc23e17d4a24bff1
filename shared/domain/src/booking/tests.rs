use super::*;
use crate::calendar::Calendar;
use crate::clinic::{Clinic, ClinicKind, ClinicState, Period};
use crate::credit::{
    Ban, Block, BlockWhy, Breach, CreditPolicy, Decision, Judge, Owner, Record, Scope, Strike, StrikeState,
};
use crate::due::Deadline;
use crate::event::{Actor, EventKind};
use crate::id::{AppointmentId, ClinicId, DepartmentId, DoctorId};
use crate::money::Fen;
use jiff::civil::date;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn clinic(date: Date, period: Period, kind: ClinicKind, doctor: Option<&str>) -> Clinic {
    let department: DepartmentId = "NK".parse().unwrap();
    let doctor: Option<DoctorId> = doctor.map(|id| id.parse().unwrap());
    Clinic {
        id: ClinicId::of(date, period, &department, doctor.as_ref()).unwrap(),
        date,
        period,
        department,
        department_name: "内科".into(),
        doctor,
        doctor_name: String::new(),
        doctor_title: String::new(),
        kind,
        fee: Fen::ZERO,
        room: String::new(),
        campus: String::new(),
        queue_group: None,
        release_at: BookingPolicy::default().release_at(date),
        state: ClinicState::Open,
    }
}

fn ask(clinic: &Clinic, start: &str, now: &str) -> Result<Product, WindowError> {
    window(clinic, start.parse().unwrap(), &BookingPolicy::default(), at(now))
}

#[test]
fn release_is_decided_to_the_second() {
    let expert = clinic(date(2026, 11, 30), Period::Morning, ClinicKind::Expert, Some("D1"));
    // 07:00 in Shanghai, seven days before.
    assert_eq!(ask(&expert, "0900", "2026-11-22T22:59:59Z"), Err(WindowError::NotReleased(at("2026-11-22T23:00:00Z"))));
    assert_eq!(ask(&expert, "0900", "2026-11-22T23:00:00Z"), Ok(Product::Advance));
}

#[test]
fn the_same_day_has_its_own_window() {
    let morning = clinic(date(2026, 11, 23), Period::Morning, ClinicKind::Ordinary, None);
    assert_eq!(ask(&morning, "0900", "2026-11-22T09:00:00Z"), Ok(Product::Advance));
    assert_eq!(ask(&morning, "0900", "2026-11-22T09:00:01Z"), Err(WindowError::AdvanceClosed));
    assert_eq!(ask(&morning, "0900", "2026-11-22T16:00:00Z"), Ok(Product::SameDay));
    assert_eq!(ask(&morning, "1130", "2026-11-23T03:00:00Z"), Ok(Product::SameDay));
    assert_eq!(ask(&morning, "1130", "2026-11-23T03:00:01Z"), Err(WindowError::Over));
    assert_eq!(ask(&morning, "0900", "2026-11-23T01:30:00Z"), Err(WindowError::Over));
}

#[test]
fn yesterday_closed_and_emergency_ahead_are_refused() {
    let yesterday = clinic(date(2026, 11, 21), Period::Morning, ClinicKind::Ordinary, None);
    assert_eq!(ask(&yesterday, "0900", "2026-11-22T02:00:00Z"), Err(WindowError::Over));
    let ahead = clinic(date(2026, 11, 24), Period::Night, ClinicKind::Emergency, None);
    assert_eq!(ask(&ahead, "2330", "2026-11-22T02:00:00Z"), Err(WindowError::SameDayOnly));
    let closed =
        Clinic { state: ClinicState::Closed, ..clinic(date(2026, 11, 24), Period::Morning, ClinicKind::Expert, None) };
    assert_eq!(ask(&closed, "0900", "2026-11-22T02:00:00Z"), Err(WindowError::Closed));
}

#[test]
fn a_visit_is_followed_up_within_three_days_or_on_the_next_clinic_day() {
    let day = |n| date(2026, 11, n);
    let held = [day(23), day(24), day(25), day(26), day(30)];
    assert_eq!(follow_up_days(day(23), 3, &held, day(24)), [day(24), day(25)]);
    assert_eq!(follow_up_days(day(25), 3, &held, day(26)), [day(26)]);
    assert_eq!(follow_up_days(day(27), 3, &held, day(28)), [day(30)], "closed on the three days");
    assert_eq!(follow_up_days(day(23), 0, &held, day(24)), []);
}

#[test]
fn a_rest_lies_between_its_bounds() {
    let policy = RestPolicy { least_min: 5, most_min: 8 };
    let drawn: std::collections::BTreeSet<_> = (0..40_u64).map(|n| policy.drawn(n.to_be_bytes())).collect();
    assert_eq!(drawn, (5..=8).collect());
    assert_eq!(RestPolicy { least_min: 3, most_min: 1 }.drawn([255; 8]), 3);
}

#[test]
fn cancelling_until_the_evening_before() {
    let policy = CancelPolicy::DayBefore { time: Time::constant(17, 0, 0, 0) };
    assert_eq!(policy.deadline(date(2026, 3, 1), at("2026-03-01T01:00:00Z")), at("2026-02-28T09:00:00Z"));
}

fn entry(clinic: &Clinic, pass: Pass) -> GateEntry {
    GateEntry {
        clinic: clinic.id.clone(),
        start: "0900".parse().unwrap(),
        date: clinic.date,
        department: clinic.department.clone(),
        doctor: clinic.doctor.clone(),
        pass,
    }
}

fn id(n: u8) -> AppointmentId {
    AppointmentId::from_bytes([n; 10])
}

fn admits(gate: &Gate, who: u8, clinic: &Clinic, product: Product) -> Result<(), GateError> {
    admits_id(gate, &id(who), clinic, product)
}

fn admits_id(gate: &Gate, who: &AppointmentId, clinic: &Clinic, product: Product) -> Result<(), GateError> {
    let (credit, calendar) = (CreditPolicy::default(), Calendar::default());
    let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
    gate.admits(who, clinic, product, &Limits::default(), &judge, at("2026-11-22T04:00:00Z"))
}

#[test]
fn one_number_per_clinic_and_doctor_and_one_unpaid_hold() {
    let day = date(2026, 11, 24);
    let morning = clinic(day, Period::Morning, ClinicKind::Expert, Some("D1"));
    let afternoon = clinic(day, Period::Afternoon, ClinicKind::Expert, Some("D1"));
    let gate = Gate { entries: [(id(1), entry(&morning, Pass::Booked))].into(), ..Gate::default() };
    assert_eq!(admits(&gate, 2, &morning, Product::Advance), Err(GateError::SameClinic));
    assert_eq!(admits(&gate, 1, &morning, Product::Advance), Ok(()));
    assert_eq!(admits(&gate, 2, &afternoon, Product::Advance), Err(GateError::DoctorDay));
    let other_day = clinic(date(2026, 11, 25), Period::Morning, ClinicKind::Expert, Some("D1"));
    assert_eq!(admits(&gate, 2, &other_day, Product::Advance), Ok(()));
    let expires_at = at("2026-11-22T04:10:00Z");
    let holding = Gate { entries: [(id(1), entry(&morning, Pass::Held { expires_at }))].into(), ..Gate::default() };
    assert_eq!(admits(&holding, 2, &other_day, Product::Advance), Err(GateError::UnpaidHold));
    assert_eq!(holding.doubtful(expires_at).count(), 1);
    let tidied = holding.tidied(&[id(1)], date(2026, 11, 22));
    assert_eq!(admits(&tidied, 2, &morning, Product::Advance), Ok(()));
}

fn missed() -> Strike {
    Strike {
        breach: Breach::Missed,
        at: at("2026-11-01T00:30:00Z"),
        visit: at("2026-11-01T00:00:00Z"),
        kind: ClinicKind::Ordinary,
        state: StrikeState::Final,
        seq: 1,
        decision: None,
    }
}

fn gate_with(strikes: u8) -> Gate {
    let record = Record { strikes: (1..=strikes).map(|n| (id(n), missed())).collect(), ..Record::default() };
    Gate { record, ..Gate::default() }
}

#[test]
fn three_no_shows_leave_the_same_day_open() {
    let expert = clinic(date(2026, 11, 24), Period::Morning, ClinicKind::Expert, Some("D1"));
    let ban = Ban { scope: Scope::AdvanceBooking, since: missed().at, until: None };
    assert_eq!(admits(&gate_with(3), 9, &expert, Product::Advance), Err(GateError::NoAdvanceBooking(ban)));
    assert_eq!(admits(&gate_with(3), 9, &expert, Product::SameDay), Ok(()));
    assert_eq!(admits(&gate_with(2), 9, &expert, Product::Advance), Ok(()));
}

#[test]
fn a_ban_is_announced_with_the_strike_that_begins_it_and_lifted_with_the_waiver() {
    let (credit, calendar) = (CreditPolicy::default(), Calendar::default());
    let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
    let owner = Owner {
        patient: crate::id::PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        account: None,
    };
    let now = at("2026-11-22T04:00:00Z");
    let third = gate_with(2).record.noted(&id(3), missed()).unwrap();
    let banned = gate_with(2).with_record(third, &judge, &owner, &Actor::Schedule, now);
    assert_eq!(banned.ev.as_ref().unwrap().kind, EventKind::CreditSuspended);
    assert!(banned.deadlines.get(Deadline::Notify).is_some());
    assert!(banned.news.as_ref().unwrap().ban.is_some());
    let staff = Actor::Staff("chen".into());
    let decision = Decision { by: staff.clone(), at: now, why: "住院".into() };
    let record = banned.record.answered(&id(2), true, &decision).unwrap();
    let waived = banned.with_answer(record, true, &judge, &owner, &staff, now);
    let news = waived.news.clone().unwrap();
    assert_eq!((news.granted, news.ban), (Some(true), None));
    assert_eq!(waived.ev.unwrap().seq, 2);
}

#[test]
fn a_block_ends_booking_online_but_not_emergencies() {
    let now = at("2026-11-22T04:00:00Z");
    let put_on = Decision { by: Actor::Staff("chen".into()), at: now, why: String::new() };
    let until = at("2026-12-22T04:00:00Z");
    let block = Block {
        why: BlockWhy::Scalping,
        evidence_sealed: String::new(),
        put_on: put_on.clone(),
        until: Some(until),
        lifted: None,
    };
    let with = |block: Block| Gate { record: Record { blocks: vec![block], ..Record::default() }, ..Gate::default() };
    assert_eq!(with(block.clone()).admits_online(ClinicKind::Ordinary, now), Err(GateError::Blocked));
    assert_eq!(with(block.clone()).admits_online(ClinicKind::Emergency, now), Ok(()));
    assert_eq!(with(block.clone()).admits_online(ClinicKind::Ordinary, until), Ok(()));
    assert_eq!(with(Block { lifted: Some(put_on), ..block }).admits_online(ClinicKind::Ordinary, now), Ok(()));
}

proptest! {
    /// However entries come about, admitting one at a time never exceeds a limit.
    #[test]
    fn limits_hold_under_any_sequence(picks in proptest::collection::vec((0..3_i32, 0..3_usize, 0..4_usize), 0..40)) {
        let mut gate = Gate::default();
        for (n, (day, doctor, period)) in picks.into_iter().enumerate() {
            let doctor = ["D1", "D2", "D3"][doctor];
            let day = time::add_days(date(2026, 11, 24), day);
            let mut clinic = clinic(day, Period::ALL[period], ClinicKind::Expert, Some(doctor));
            clinic.department = ["A", "B", "C"][n % 3].parse().unwrap();
            let who = id(u8::try_from(n).unwrap());
            if admits_id(&gate, &who, &clinic, Product::Advance).is_ok() {
                gate.entries.insert(who, entry(&clinic, Pass::Booked));
            }
        }
        let of = |f: &dyn Fn(&GateEntry) -> String| {
            let mut counts = BTreeMap::<String, u32>::new();
            for entry in gate.entries.values() { *counts.entry(f(entry)).or_default() += 1; }
            counts.into_values().max().unwrap_or(0)
        };
        prop_assert!(of(&|e| e.clinic.to_string()) <= 1);
        let per_doctor_day = of(&|e| format!("{} {:?}", e.date, e.doctor));
        let per_department_day = of(&|e| format!("{} {}", e.date, e.department));
        prop_assert!(per_doctor_day <= 1 && per_department_day <= 1);
        prop_assert!(of(&|e| e.date.to_string()) <= 3);
    }
}
