//! The credit record: visits nobody came to, what the hospital's own record says at night, and what follows for the next
//! booking. Real handlers on a real engine, with the stand-in HIS.

use crate::visit::hospital::{Hospital, Person, appointment_key};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, Command, State};
use domain::credit::{Breach, Decision, Record, StrikeState};
use domain::due::{Deadline, Worker};
use domain::event::{Actor, EventKind};
use domain::notice::NoticeKind;
use domain::time;
use serde_json::json;
use store::due::SHARDS;
use store::key::Key;

/// A free visit that is booked; its messages are out, and the hospital's own system knows of it, as within a minute.
async fn booked(hospital: &Hospital, person: &Person, key: &str) -> AppointmentKey {
    let clinic = hospital.clinic_at(2, 0).await;
    let (status, held) = hospital.hold(person, &clinic, key).await;
    assert_eq!((status, held["state"].as_str()), (200, Some("booked")), "{held}");
    let key = appointment_key(&held);
    hospital.tell(&Key::appointment(&key)).await;
    assert_eq!(his_sync::handle(&hospital.his_sync).await.failed, 0);
    key
}

async fn read(hospital: &Hospital, key: &AppointmentKey) -> Appointment {
    hospital.table.appointment(key).await.unwrap().unwrap()
}

/// Until `minutes` after the end of the slot.
async fn pass_until_after(hospital: &Hospital, key: &AppointmentKey, minutes: i64) {
    let end = time::add_minutes(read(hospital, key).await.place.ends_at(), minutes);
    hospital.pass_minutes((end.as_second() - hospital.now().as_second()) / 60 + 1).await;
}

/// Until a clock time of a night after the day of the visit.
async fn pass_until_night(hospital: &Hospital, key: &AppointmentKey, nights: i32, hour: i64) {
    let midnight = time::instant(time::add_days(key.date, nights), domain::civil::Time::midnight());
    let wanted = time::add_minutes(midnight, hour * 60);
    hospital.pass_minutes((wanted.as_second() - hospital.now().as_second()) / 60 + 1).await;
}

/// A booked visit nobody came to, on record and told.
async fn missed(hospital: &Hospital, person: &Person, key: &str) -> AppointmentKey {
    let key = booked(hospital, person, key).await;
    pass_until_after(hospital, &key, 30).await;
    hospital.tick().await;
    assert_eq!(read(hospital, &key).await.state, State::NoShow);
    hospital.tell(&Key::appointment(&key)).await;
    key
}

async fn record(hospital: &Hospital, person: &Person) -> Record {
    hospital.table.gate(&person.patient).await.unwrap().record
}

/// The states of a strike on the record of the person and on that of the account.
async fn states(hospital: &Hospital, person: &Person, key: &AppointmentKey) -> [StrikeState; 2] {
    let booker = read(hospital, key).await.booker;
    let account = hospital.table.account_gate(booker.account().unwrap()).await.unwrap();
    [record(hospital, person).await.strikes[&key.id].state, account.record.strikes[&key.id].state]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_counts_as_absent_before_the_grace_is_over() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let key = booked(&hospital, &person, "grace").await;
    pass_until_after(&hospital, &key, 20).await;
    hospital.tick().await;
    assert_eq!(read(&hospital, &key).await.state, State::Booked);
    pass_until_after(&hospital, &key, 30).await;
    for _ in 0..3 {
        hospital.tick().await;
    }
    let missed = read(&hospital, &key).await;
    assert_eq!(missed.state, State::NoShow);
    assert_eq!(states(&hospital, &person, &key).await, [StrikeState::Provisional; 2]);
    assert_eq!(hospital.notices(&key).await, [NoticeKind::Missed]);
    let told = missed.credit.told.unwrap();
    assert_eq!((told.counted, told.left, told.banned), (1, 2, false));
    let listed = hospital.table.on_record().await.unwrap();
    assert_eq!(listed.iter().map(|one| &one.patient).collect::<Vec<_>>(), [&person.patient]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hospitals_own_record_clears_or_confirms_at_night() {
    let hospital = Hospital::open().await;
    for (visited, state, strike) in
        [(true, State::Fulfilled, StrikeState::Cleared), (false, State::NoShow, StrikeState::Final)]
    {
        let person = hospital.patient("lin").await;
        let key = missed(&hospital, &person, "night").await;
        hospital.his.post("visits", json!({ "appointment": key.id.as_str(), "visited": visited })).await;
        // In the evening nothing is asked.
        pass_until_night(&hospital, &key, 0, 23).await;
        hospital.tick().await;
        assert_eq!(states(&hospital, &person, &key).await, [StrikeState::Provisional; 2]);
        pass_until_night(&hospital, &key, 1, 2).await;
        for _ in 0..3 {
            hospital.tick().await;
        }
        assert_eq!(read(&hospital, &key).await.state, state);
        assert_eq!(states(&hospital, &person, &key).await, [strike; 2]);
        assert!(read(&hospital, &key).await.deadlines.get(Deadline::Check).is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hospital_cannot_say_for_three_nights_is_nobodys_fault() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let key = missed(&hospital, &person, "dark").await;
    hospital.his.post("down", json!({ "on": true })).await;
    for night in 1..=3 {
        for hour in [2, 5] {
            pass_until_night(&hospital, &key, night, hour).await;
            hospital.tick().await;
            assert_eq!(states(&hospital, &person, &key).await, [StrikeState::Provisional; 2], "night {night}");
        }
    }
    pass_until_night(&hospital, &key, 3, 6).await;
    hospital.tick().await;
    assert_eq!(states(&hospital, &person, &key).await, [StrikeState::Voided; 2]);
    assert!(read(&hospital, &key).await.deadlines.get(Deadline::Check).is_none());
    hospital.his.post("faults", json!({ "clear": true })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_third_ends_booking_ahead_at_once_and_a_waiver_opens_it_again() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let mut keys = Vec::new();
    for (count, last_warning, banned) in [(1, false, false), (2, true, false), (3, false, true)] {
        let key = missed(&hospital, &person, &format!("time{count}")).await;
        let told = read(&hospital, &key).await.credit.told.unwrap();
        assert_eq!((told.counted, told.last_warning, told.banned), (count, last_warning, banned));
        hospital.his.post("visits", json!({ "appointment": key.id.as_str(), "visited": false })).await;
        keys.push(key);
    }
    let gate = hospital.table.gate(&person.patient).await.unwrap();
    assert_eq!(gate.ev.unwrap().kind, EventKind::CreditSuspended);
    assert!(gate.deadlines.get(Deadline::Notify).is_some());
    let clinic = hospital.clinic_at(2, 0).await;
    let (status, refused) = hospital.hold(&person, &clinic, "banned").await;
    assert_eq!((status, refused["error"]["code"].as_str()), (403, Some("no_advance_booking")), "{refused}");
    // E53: the waiver of one reverses the ban at once.
    let by = Actor::Staff("chen".into());
    let decision = Decision { by, at: hospital.now(), why: "病假证明".into() };
    let owner = hospital.table.owner(&person.patient).await.unwrap().unwrap();
    let change = |record: &Record| record.answered(&keys[0].id, true, &decision);
    assert!(hospital.table.decide_on_record(&hospital.profile, &owner, change, &decision).await.unwrap());
    let gate = hospital.table.gate(&person.patient).await.unwrap();
    assert_eq!(gate.ev.unwrap().kind, EventKind::CreditRestored);
    assert_eq!(hospital.hold(&person, &clinic, "again").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_on_the_day_loses_the_strike() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let key = missed(&hospital, &person, "late").await;
    let by = Actor::Staff("desk".into());
    let (table, now) = (&hospital.table, hospital.now());
    table.move_appointment(&key, Command::CheckIn, &by, hospital.profile.cancel, now).await.unwrap();
    hospital.tick().await;
    let record = record(&hospital, &person).await;
    assert_eq!(record.strikes[&key.id].breach, Breach::CameLate);
    assert_eq!(hospital.profile.judge().standing(&record, hospital.now()).counted, 0);
    // At night nobody asks about somebody who was there.
    pass_until_night(&hospital, &key, 1, 3).await;
    hospital.tick().await;
    assert_eq!(read(&hospital, &key).await.state, State::CheckedIn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_voids_the_strike_of_who_did_not_come() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let key = missed(&hospital, &person, "closed").await;
    let by = Actor::Staff("office".into());
    let cancelled = hospital.table.cancel(&hospital.profile, &key, CancelledBy::Hospital, &by, hospital.now()).await;
    assert!(cancelled.unwrap().is_cancelled());
    assert_eq!(states(&hospital, &person, &key).await, [StrikeState::Voided; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_is_on_record_and_counts_only_when_late() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let key = booked(&hospital, &person, "intime").await;
    assert_eq!(hospital.cancel(&person, &key).await.0, 200);
    let late = booked(&hospital, &person, "late").await;
    let start = read(&hospital, &late).await.place.starts_at();
    hospital.pass_minutes((start.as_second() - hospital.now().as_second()) / 60 - 20).await;
    let by = Actor::Staff("window".into());
    let table = &hospital.table;
    table.cancel(&hospital.profile, &late, CancelledBy::Window, &by, hospital.now()).await.unwrap();
    let record = record(&hospital, &person).await;
    assert_eq!(record.strikes.len(), 2);
    assert!(record.strikes.values().all(|strike| strike.breach == Breach::Cancelled));
    assert_eq!(hospital.profile.judge().standing(&record, hospital.now()).counted, 1);
    let gate = table.gate(&person.patient).await.unwrap();
    assert!(gate.entries.is_empty(), "{gate:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_survives_every_fault_and_counts_once() {
    let hospital = Hospital::open().await;
    let clean = hospital.patient("lin").await;
    let key = booked(&hospital, &clean, "clean").await;
    pass_until_after(&hospital, &key, 30).await;
    hospital.switch.arm(None);
    sweeper::handle(&hospital.sweeper).await;
    let calls = hospital.switch.calls();
    assert!(calls.iter().filter(|writes| **writes).count() >= 5, "{calls:?}");
    let mut run = 0;
    for (at, writes) in calls.iter().enumerate() {
        for &fault in Fault::of(*writes) {
            for crash in [false, true] {
                run += 1;
                let person = hospital.patient("lin").await;
                let key = booked(&hospital, &person, &format!("run{run}")).await;
                pass_until_after(&hospital, &key, 30).await;
                hospital.switch.arm(Some(Plan { at, fault, crash }));
                sweeper::handle(&hospital.sweeper).await;
                hospital.switch.arm(None);
                let what = format!("{fault:?} at {at} of {}, crash {crash}", calls.len());
                on_record_once(&hospital, &person, &key, &what).await;
            }
        }
    }
}

/// After the fault everything comes to an end: one strike on either record, told once, and nothing due but the night.
async fn on_record_once(hospital: &Hospital, person: &Person, key: &AppointmentKey, what: &str) {
    for _ in 0..3 {
        hospital.pass_minutes(2).await;
        sweeper::handle(&hospital.sweeper).await;
    }
    let visit = read(hospital, key).await;
    assert_eq!(visit.state, State::NoShow, "{what}");
    assert_eq!(states(hospital, person, key).await, [StrikeState::Provisional; 2], "{what}");
    assert_eq!(record(hospital, person).await.strikes.len(), 1, "{what}");
    assert_eq!(visit.credit.told.unwrap().counted, 1, "{what}");
    assert_eq!(visit.ev.as_ref().unwrap().kind, EventKind::AppointmentMissed, "{what}");
    assert!(visit.deadlines.get(Deadline::Credit).is_none(), "{what}");
    assert!(visit.deadlines.get(Deadline::Check).is_some(), "{what}");
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(hospital.table.due(Worker::Sweeper, shard, hospital.now(), 10).await.unwrap());
    }
    assert!(due.is_empty(), "{what}: still due: {due:?}");
    hospital.tell(&Key::appointment(key)).await;
    // The account would be banned itself in the long run.
    let account = visit.booker.account().unwrap();
    assert!(hospital.table.decide_on_account(account, |_| Some(Record::default())).await.unwrap());
}
