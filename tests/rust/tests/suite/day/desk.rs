//! The desk's part: the window, check-in, the queue, and what the office decides about a clinic.

use super::steps::{Happened, SLOTS, World};
use crate::money::dice::Dice;
use domain::appointment::{Booker, CancelledBy, State};
use domain::catalog::Doctor;
use domain::clinic::{Channel, Clinic};
use domain::closure::{Closure, ClosureKind};
use domain::event::Actor;
use domain::id::AppointmentId;
use domain::queue::check_in::CampusCode;
use domain::queue::{CheckInError, CheckInPoint, Command, Entry, Priority, Queue, QueueError, Stage};
use serde_json::json;
use store::Table;
use store::queues::{CheckIn, CheckInFailed, QueueFailed, Way};
use store::registration::HoldRequest;

const NURSE: &str = "nurse";
/// Wishes at the desk until one fits somebody.
const WISHES_MAX: usize = 8;

impl World<'_> {
    /// The table as functions see it: through the switch.
    fn disturbed(&self) -> &Table {
        &self.hospital.booking.desk.table
    }

    async fn clinic(&self, at: usize) -> Clinic {
        self.hospital.table.clinic_alone(&self.clinics[at]).await.unwrap().unwrap()
    }

    /// Where the hospital's own system gives the numbers, the window asks that one.
    pub(super) async fn window(&mut self, dice: &mut Dice) -> Happened {
        if self.are_numbers_of_his() {
            return self.sold_at_the_his(dice).await;
        }
        let (who, (at, clinic, start)) = (dice.below(self.people.len()), self.wish(dice));
        let patient = self.people[who].patient.clone();
        let request = HoldRequest {
            appointment: AppointmentId::of_request(NURSE, &self.key(), &patient, &clinic, start),
            booker: Booker::Staff(NURSE.into()),
            patient,
            patient_name_masked: "林*梅".into(),
            clinic: self.clinic(at).await,
            start,
            channel: Channel::Window,
            rest_min: u16::try_from(dice.below(30)).unwrap(),
            follow_up_of: None,
        };
        let (profile, now) = (&self.hospital.profile, self.hospital.now());
        let booked = self.disturbed().hold(profile, &request, now).await;
        let (text, what) = match &booked {
            Ok(visit) => (format!("{}", visit.id), "window"),
            Err(error) => (error.to_string(), "refused by a rule"),
        };
        if let Ok(visit) = booked {
            self.visits.push((who, visit.key()));
        }
        (format!("the window registers person {who} for {start} of clinic {at}: {text}"), what)
    }

    async fn sold_at_the_his(&mut self, dice: &mut Dice) -> Happened {
        let at = dice.below(self.clinics.len());
        let slots = SLOTS[at];
        let (_, first, count) = *dice.pick(slots).unwrap();
        let number = first + u16::try_from(dice.below(usize::from(count))).unwrap();
        let body = json!({ "clinic": self.clinics[at].as_str(), "number": number });
        // Most of them not: there are few numbers, and who comes to the desk has to have one.
        let is_sold = dice.one_in(3) && self.hospital.his.try_post("sell", body).await.0;
        let what = if is_sold { "window" } else { "refused by a rule" };
        (format!("the HIS sells number {number} of clinic {at} at a window: {is_sold}"), what)
    }

    pub(super) async fn cancel_at_window(&mut self, dice: &mut Dice) -> Option<Happened> {
        let (_, key) = dice.pick(&self.visits).cloned()?;
        let (profile, now) = (&self.hospital.profile, self.hospital.now());
        let by = Actor::Staff(NURSE.into());
        let done = self.disturbed().cancel(profile, &key, CancelledBy::Window, &by, now).await;
        let what = if done.is_ok() { "cancelled at the window" } else { "refused by a rule" };
        Some((format!("the window cancels {}: {:?}", key.id, done.err()), what))
    }

    /// By staff or by the person, at the right desk and at others.
    pub(super) async fn check_in(&mut self, dice: &mut Dice) -> Option<Happened> {
        let is_near = |state| matches!(state, State::Booked | State::NoShow | State::CheckedIn);
        let picked = if dice.one_in(8) { dice.pick(&self.visits).cloned() } else { self.visit_in(dice, is_near).await };
        let (who, key) = picked?;
        let before = self.hospital.table.appointment(&key).await.unwrap()?;
        let way = match dice.below(8) {
            0..4 => Way::Staff,
            4 | 5 => Way::Patient(CheckInPoint::Anywhere),
            6 => Way::Patient(CheckInPoint::Campus(CampusCode::of(&before.place.campus))),
            _ => Way::Patient(CheckInPoint::Department("ELSEWHERE".parse().unwrap(), None)),
        };
        let is_staff = way == Way::Staff;
        let actor = if is_staff { Actor::Staff(NURSE.into()) } else { before.booker.actor() };
        let priority = *dice.pick(&[Priority::None, Priority::None, Priority::Elder]).unwrap();
        let request = CheckIn { key: key.clone(), way, priority, actor };
        let (profile, now) = (&self.hospital.profile, self.hospital.now());
        let done = self.disturbed().check_in(profile, &request, now).await;
        let what = match &done {
            Ok(_) if before.state == State::CheckedIn => "checked in twice",
            Ok(_) if is_staff => "checked in by staff",
            Ok(_) => "checked in at home",
            Err(CheckInFailed::Refused(CheckInError::TooEarly(_))) => "check-in refused too early",
            Err(CheckInFailed::Refused(CheckInError::WrongDesk { .. })) => "check-in refused at another desk",
            Err(_) => "refused by a rule",
        };
        Some((format!("person {who} checks in with {}: {:?}", key.id, done.err()), what))
    }

    /// The queue of the first two clinics, or of the third; opened by whoever looks at it.
    async fn queue(&self, dice: &mut Dice) -> Option<Queue> {
        let at = if dice.one_in(4) { 2 } else { dice.below(2) };
        let clinic = self.clinic(at).await;
        self.hospital.table.open_queue(&clinic, self.hospital.now()).await.ok()
    }

    pub(super) async fn at_the_desk(&mut self, dice: &mut Dice) -> Result<Option<Happened>, String> {
        let Some(queue) = self.queue(dice).await else { return Ok(None) };
        // What nobody in the queue is fit for is wished again: else whatever is always possible would be most of it.
        let Some((command, what)) = (0..WISHES_MAX).find_map(|_| wish(&queue, dice)) else { return Ok(None) };
        let (profile, now) = (&self.hospital.profile, self.hospital.now());
        let moved = match &command {
            Command::Finish(visit) => {
                let by = Actor::Staff(NURSE.into());
                self.disturbed().finish_visit(profile, &queue.id, visit, &by, now).await
            }
            _ => self.disturbed().move_queue(&queue.id, &profile.queue, &command, now).await,
        };
        if let Command::Leave(visit) = &command {
            self.sent_home.insert(visit.clone());
        }
        let what = match &moved {
            Ok(after) if after.ver == queue.ver + 1 => what,
            Ok(after) => return Err(format!("{command:?} led from version {} to {}", queue.ver, after.ver)),
            Err(QueueFailed::Refused(QueueError::Empty)) => "called with nobody there",
            Err(_) => "refused by a rule",
        };
        Ok(Some((format!("at the desk {command:?}: {:?}", moved.err()), what)))
    }

    /// 停诊, 替诊, and open again.
    pub(super) async fn change_clinic(&mut self, dice: &mut Dice) -> Option<Happened> {
        // What closes for good leaves nothing to see: once in two it is the next day's.
        let at = if dice.one_in(2) { 2 } else { dice.below(2) };
        let (clinic, table, now) = (self.clinic(at).await, self.disturbed(), self.hospital.now());
        let decided = |from, kind| Closure::decided(clinic.id.clone(), from, kind, "office".into(), now);
        let (done, what) = match dice.below(10) {
            0 | 9 => (
                table
                    .decide_closure(&decided(None, ClosureKind::Close), now)
                    .await
                    .map(drop)
                    .map_err(|e| e.to_string()),
                "clinic closed",
            ),
            1 | 2 => {
                let last = decided(Some("0930".parse().unwrap()), ClosureKind::Close);
                let done = table.decide_closure(&last, now).await.map(drop).map_err(|e| e.to_string());
                (done, "clinic closed in part")
            }
            3..7 => {
                let done = table.reopen_clinic(&clinic.id, now).await.map(drop).map_err(|e| e.to_string());
                (done, "clinic reopened")
            }
            _ => {
                let doctor = doctor(&clinic, dice.pick(&["D1", "D2"]).unwrap());
                let who = format!("{} {}", doctor.name, doctor.title);
                let noted = table.substitute(&clinic, &doctor, now).await.map_err(|e| e.to_string());
                let kind = ClosureKind::Substitute { doctor: doctor.id, who };
                let told = table.decide_closure(&decided(None, kind), now).await.map_err(|e| e.to_string());
                (noted.and(told.map(drop)), "doctor substituted")
            }
        };
        let what = if done.is_ok() { what } else { "refused by a rule" };
        Some((format!("the office on clinic {at}: {:?}", done.err()), what))
    }
}

fn doctor(clinic: &Clinic, id: &str) -> Doctor {
    Doctor {
        id: id.parse().unwrap(),
        name: format!("代{id}"),
        pinyin: String::new(),
        title: "主治医师".into(),
        department: clinic.department.clone(),
        expert: false,
        specialty: String::new(),
        intro: String::new(),
    }
}

/// Somebody who stands somewhere.
fn one(queue: &Queue, dice: &mut Dice, is: impl Fn(&Entry) -> bool) -> Option<AppointmentId> {
    let fitting: Vec<_> = queue.entries.iter().filter(|entry| is(entry)).collect();
    // Now and then the wrong one: the rules say no.
    let picked = if dice.one_in(12) { dice.pick(&queue.entries) } else { dice.pick(&fitting).copied() };
    picked.map(|entry| entry.appointment.clone())
}

fn wish(queue: &Queue, dice: &mut Dice) -> Option<(Command, &'static str)> {
    let room = dice.pick(&queue.rooms)?.name.clone();
    let called = |entry: &Entry| matches!(entry.stage, Stage::Called { .. });
    Some(match dice.below(30) {
        0..5 => (Command::CallNext { room }, "called next"),
        5 | 6 => (Command::Call { room, appointment: one(queue, dice, Entry::is_waiting)? }, "called"),
        7..9 => (Command::CallAgain(one(queue, dice, called)?), "called again"),
        9..11 => (Command::Enter(one(queue, dice, called)?), "entered"),
        11..14 => (Command::Miss(one(queue, dice, called)?), "missed"),
        14 | 29 => {
            let is_away = |entry: &Entry| matches!(entry.stage, Stage::Missed | Stage::Left);
            (Command::Return(one(queue, dice, is_away)?), "returned")
        }
        15 | 28 => (Command::BackWithResults(one(queue, dice, |e| e.stage == Stage::Done)?), "back with results"),
        16..20 => (Command::Finish(one(queue, dice, |e| e.stage.room().is_some())?), "finished"),
        20 => (Command::Leave(one(queue, dice, Entry::is_waiting)?), "left queue"),
        21 => {
            let appointment = one(queue, dice, Entry::is_waiting)?;
            let priority = *dice.pick(&[Priority::None, Priority::Elder, Priority::Emergency]).unwrap();
            (Command::Prioritise { appointment, priority }, "prioritised")
        }
        22 => (Command::Pause { room, reason: "急会诊".into() }, "paused"),
        23 => (Command::Resume { room }, "resumed"),
        24 => (Command::OpenRoom { room: format!("30{}", dice.below(3)), doctor: "代一".into() }, "room opened"),
        25 => (Command::CloseRoom { room }, "room closed"),
        26 => (Command::MoveRoom { from: room, to: format!("40{}", dice.below(9)) }, "moved queue room"),
        _ => (Command::Substitute { room, doctor: "代二".into() }, "substituted in a room"),
    })
}
