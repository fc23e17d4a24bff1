//! The queue and the appointments in it, on a real engine: what follows what, and what a crash in between leaves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

use domain::appointment::{Appointment, Booker, Command as Move, State};
use domain::civil::date;
use domain::clinic::{Clinic, Slot, SlotStart};
use domain::due::Deadline;
use domain::event::Actor;
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::queue::check_in::CampusCode;
use domain::queue::snapshot::{Told, ToldStage};
use domain::queue::{CheckInError, CheckInPoint, Command, Priority, Queue, QueueError, QueueOwner, Stage};
use domain::{Timestamp, time};
use store::Table;
use store::queues::{CheckIn, CheckInFailed, QueueFailed, Way};
use store::registration::HoldRequest;

const ROOM: &str = "201";

fn at(clock: &str) -> Timestamp {
    format!("2026-11-25T{clock}+08:00").parse().unwrap()
}

fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap()
}

fn start(text: &str) -> SlotStart {
    text.parse().unwrap()
}

fn staff() -> Actor {
    Actor::Staff("nurse".into())
}

/// A clinic of two slots, four numbers each, on an engine of its own.
struct Morning {
    table: Table,
    profile: HospitalProfile,
    clinic: Clinic,
}

impl Morning {
    async fn new() -> Self {
        let (table, profile) = (kit::table().await, profile());
        let day = date(2026, 11, 25);
        let clinic = kit::clinic("NK", day, 0, profile.booking.release_at(day));
        let slots = [Slot::fresh(&clinic, start("0900"), 1, 4), Slot::fresh(&clinic, start("0930"), 5, 4)];
        assert!(table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
        Self { table, profile, clinic }
    }

    /// A number, booked at the window the day before.
    async fn book(&self, n: u8, slot: &str) -> Appointment {
        let request = HoldRequest {
            appointment: AppointmentId::from_bytes([n; 10]),
            booker: Booker::Staff("window".into()),
            patient: PatientId::from_bytes([n; 10]),
            patient_name_masked: "林*梅".into(),
            clinic: self.clinic.clone(),
            start: start(slot),
            channel: domain::clinic::Channel::Window,
            rest_min: 0,
            follow_up_of: None,
        };
        let booked_at = "2026-11-24T10:00:00+08:00".parse().unwrap();
        self.table.hold(&self.profile, &request, booked_at).await.unwrap()
    }

    fn request(appointment: &Appointment, way: Way) -> CheckIn {
        CheckIn { key: appointment.key(), way, priority: Priority::None, actor: staff() }
    }

    async fn come(&self, appointment: &Appointment, now: Timestamp) -> Queue {
        let request = Self::request(appointment, Way::Staff);
        self.table.check_in(&self.profile, &request, now).await.unwrap().queue
    }

    async fn go(&self, command: Command, now: Timestamp) -> Result<Queue, QueueFailed> {
        let id = self.clinic.queue_id().unwrap();
        self.table.move_queue(&id, &self.profile.queue, &command, now).await
    }

    async fn read(&self, appointment: &Appointment) -> Appointment {
        self.table.appointment(&appointment.key()).await.unwrap().unwrap()
    }

    async fn queue(&self) -> Queue {
        self.table.queue(&self.clinic.queue_id().unwrap()).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn from_the_door_to_the_end_of_the_visit() {
    let morning = Morning::new().await;
    let (first, second) = (morning.book(1, "0900").await, morning.book(2, "0900").await);
    let queue = morning.come(&first, at("08:50:00")).await;
    assert_eq!(queue.entries.len(), 2, "who has booked is expected");
    assert_eq!(morning.come(&first, at("08:51:00")).await.ver, queue.ver, "a repeat changes nothing");
    morning.come(&second, at("08:52:00")).await;
    let here = morning.read(&first).await;
    assert_eq!(here.state, State::CheckedIn);
    assert_eq!(here.deadlines.get(Deadline::Queue), None);
    let called = morning.go(Command::CallNext { room: ROOM.into() }, at("09:00:00")).await.unwrap();
    assert_eq!(called.in_room(ROOM).unwrap().appointment, first.id);
    let id = morning.clinic.queue_id().unwrap();
    let finish = |now| morning.table.finish_visit(&morning.profile, &id, &first.id, &Actor::Schedule, now);
    let after = finish(at("09:06:00")).await.unwrap();
    assert_eq!((after.entry(&first.id).unwrap().stage.clone(), after.served_s.clone()), (Stage::Done, vec![360]));
    assert_eq!(morning.read(&first).await.state, State::Fulfilled);
    let again = finish(at("09:07:00")).await;
    assert!(matches!(again, Err(QueueFailed::Refused(QueueError::NotFrom(_)))));
}

#[tokio::test]
async fn two_rooms_at_once_call_two_people() {
    let morning = Morning::new().await;
    for n in 1..=4 {
        let appointment = morning.book(n, "0900").await;
        morning.come(&appointment, at("08:50:00")).await;
    }
    morning.go(Command::OpenRoom { room: "202".into(), doctor: "普通门诊".into() }, at("08:59:00")).await.unwrap();
    let call = |room: &str| morning.go(Command::CallNext { room: room.into() }, at("09:00:00"));
    let (one, other) = tokio::join!(call(ROOM), call("202"));
    one.unwrap();
    other.unwrap();
    let queue = morning.queue().await;
    let called = [ROOM, "202"].map(|room| queue.in_room(room).unwrap().appointment.clone());
    assert_ne!(called[0], called[1]);
}

#[tokio::test]
async fn a_patient_is_refused_in_words_where_and_when_it_does_not_fit() {
    let morning = Morning::new().await;
    let appointment = morning.book(1, "0930").await;
    let try_at = async |point: &str, clock: &str| {
        let request = Morning::request(&appointment, Way::Patient(point.parse().unwrap()));
        match morning.table.check_in(&morning.profile, &request, at(clock)).await {
            Err(CheckInFailed::Refused(error)) => Some(error),
            Ok(_) => None,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(try_at("dept:NK", "08:29:59").await, Some(CheckInError::TooEarly(at("08:30:00"))));
    assert!(matches!(try_at("dept:WK", "09:00:00").await, Some(CheckInError::WrongDesk { .. })));
    assert_eq!(try_at("campus:00000000", "09:00:00").await, Some(CheckInError::WrongCampus("本部".into())));
    assert_eq!(try_at("dept:NK:00000000", "09:00:00").await, Some(CheckInError::WrongCampus("本部".into())));
    let here = format!("dept:NK:{}", CampusCode::of("本部"));
    assert_eq!(try_at(&here, "08:29:59").await, Some(CheckInError::TooEarly(at("08:30:00"))));
    assert!("dept:NK:".parse::<CheckInPoint>().is_err() && "dept:NK:0000000g".parse::<CheckInPoint>().is_err());
    assert_eq!(try_at("any", "10:00:01").await, Some(CheckInError::TooLate(start("0930"))));
    let yesterday = "2026-11-24T09:30:00+08:00".parse().unwrap();
    let request = Morning::request(&appointment, Way::Patient(CheckInPoint::Anywhere));
    let refused = morning.table.check_in(&morning.profile, &request, yesterday).await;
    assert!(matches!(refused, Err(CheckInFailed::Refused(CheckInError::WrongDay(_)))));
    assert_eq!(try_at("dept:NK", "08:30:00").await, None);
}

#[tokio::test]
async fn a_crash_between_appointment_and_queue_is_put_right() {
    let morning = Morning::new().await;
    let appointment = morning.book(1, "0900").await;
    let step = async |command| {
        let (key, cancel) = (appointment.key(), morning.profile.cancel);
        morning.table.move_appointment(&key, command, &Actor::Schedule, cancel, at("08:50:00")).await
    };
    let here = step(Move::CheckIn).await.unwrap();
    assert_eq!(here.deadlines.get(Deadline::Queue), Some(at("08:51:00")));
    for _ in 0..2 {
        morning.table.follow_in_queue(&morning.profile, &here, at("08:51:00")).await.unwrap();
    }
    assert!(morning.queue().await.entry(&appointment.id).unwrap().is_waiting());
    morning.go(Command::CallNext { room: ROOM.into() }, at("09:00:00")).await.unwrap();
    let seen = step(Move::Fulfil).await.unwrap();
    for _ in 0..2 {
        morning.table.follow_in_queue(&morning.profile, &seen, at("09:10:00")).await.unwrap();
    }
    assert_eq!(morning.queue().await.entry(&appointment.id).unwrap().stage, Stage::Done);
    assert_eq!(morning.read(&appointment).await.deadlines.get(Deadline::Queue), None);
}

#[tokio::test]
async fn a_closure_takes_those_who_wait_out_of_the_queue() {
    let morning = Morning::new().await;
    let appointment = morning.book(1, "0900").await;
    morning.come(&appointment, at("08:50:00")).await;
    let (by, actor) = (domain::appointment::CancelledBy::Hospital, Actor::Staff("office".into()));
    let cancelled =
        morning.table.cancel(&morning.profile, &appointment.key(), by, &actor, at("08:55:00")).await.unwrap();
    assert_eq!(cancelled.deadlines.get(Deadline::Queue), Some(at("08:55:00")));
    morning.table.follow_in_queue(&morning.profile, &cancelled, at("08:56:00")).await.unwrap();
    assert_eq!(morning.queue().await.entry(&appointment.id).unwrap().stage, Stage::Left);
}

#[tokio::test]
async fn a_queue_that_runs_early_brings_the_reminder_forward_once() {
    let morning = Morning::new().await;
    let appointment = morning.book(5, "0930").await;
    let by_slot = time::add_minutes(appointment.place.starts_at(), -30);
    assert_eq!(morning.read(&appointment).await.deadlines.get(Deadline::Remind), Some(by_slot));
    let early = morning.book(1, "0900").await;
    morning.come(&early, at("08:25:00")).await;
    morning.go(Command::CallNext { room: ROOM.into() }, at("08:40:00")).await.unwrap();
    assert_eq!(morning.read(&appointment).await.deadlines.get(Deadline::Remind), Some(at("08:40:00")));
    assert!(morning.queue().await.entry(&appointment.id).unwrap().reminded);
    // It goes out; then the queue runs backwards and early again.
    morning.table.clear_deadline(&appointment.key(), Deadline::Remind).await.unwrap();
    morning.go(Command::Miss(early.id.clone()), at("08:45:00")).await.unwrap();
    morning.go(Command::CallNext { room: ROOM.into() }, at("08:50:00")).await.unwrap();
    assert_eq!(morning.read(&appointment).await.deadlines.get(Deadline::Remind), None);
}

#[tokio::test]
async fn the_hospital_calls_when_the_queue_is_its_own() {
    let mut morning = Morning::new().await;
    morning.profile.queue.owner = QueueOwner::His;
    let appointment = morning.book(1, "0900").await;
    morning.come(&appointment, at("08:50:00")).await;
    let refused = morning.go(Command::CallNext { room: ROOM.into() }, at("09:00:00")).await;
    assert!(matches!(refused, Err(QueueFailed::Refused(QueueError::OwnedByHis))));
    let id = morning.clinic.queue_id().unwrap();
    let tell = async |stage, clock| {
        let said = [Told { appointment: appointment.id.clone(), stage }];
        morning.table.tell_queue(&morning.profile, &id, &said, at(clock)).await.unwrap()
    };
    let called = tell(ToldStage::Called { room: "305".into(), times: 1 }, "09:00:00").await;
    assert_eq!(called.in_room("305").unwrap().appointment, appointment.id);
    let again = tell(ToldStage::Called { room: "305".into(), times: 1 }, "09:01:00").await;
    assert_eq!(again.ver, called.ver);
    let done = tell(ToldStage::Done, "09:07:00").await;
    assert_eq!(done.served_s, [420]);
    assert_eq!(morning.read(&appointment).await.state, State::Fulfilled);
}
