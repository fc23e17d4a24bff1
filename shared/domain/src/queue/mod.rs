//! The queue of a clinic, or of the rooms of a group (候诊队列): who is here, who is next, who is in which room.
//!
//! One value with a version that grows by one with each write, so that a screen and a phone that differ know which of
//! them is behind (E80). [`Queue::after`] is the only way it changes; [`line`] says in which order people come up,
//! [`estimate`] when, [`check_in`] who may join.

pub mod check_in;
mod command;
mod entry;
pub mod estimate;
pub mod line;
pub mod policy;
pub mod snapshot;
mod words;

pub use check_in::{CheckInError, CheckInPoint};
pub use command::{Arrival, Command, QueueError};
pub use entry::{Entry, Priority, Stage, Turn};
pub use estimate::{Estimate, Minutes};
pub use policy::{QueueOwner, QueuePolicy, VisitMinutes};

use crate::clinic::{Clinic, ClinicKind, SlotStart};
use crate::due::{Deadline, Deadlines};
use crate::id::{AppointmentId, ClinicId, IdError, PatientId, QueueId};
use crate::time;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// People one queue holds at most: a pool clinic's whole day. Beyond it the item would grow past what one write takes
/// cheaply.
pub const ENTRIES_MAX: usize = 400;

/// Rooms that call from one queue at most.
pub const ROOMS_MAX: usize = 24;

/// Characters of a room, a doctor or a reason at most.
pub const WORDS_CHARS_MAX: usize = 40;

/// Service times kept: the pace of the last hours, not of the whole day.
pub const SERVED_MAX: usize = 40;

/// A visit shorter than this was a slip of the finger and says nothing about the pace, in seconds.
const SERVICE_MIN_S: i64 = 30;

/// A visit longer than this was forgotten, not long, in seconds.
const SERVICE_MAX_S: i64 = 3 * 3600;

/// Calling goes on for this long after midnight: the evening's last visits are still of their service day (E04).
const OVER_AFTER_H: i64 = 6;

/// A room that calls from the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its name, as on the door.
    pub name: String,
    /// Who sees people there.
    pub doctor: String,
    /// Why nobody is called at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
}

/// The last call: a screen that speaks says it when `ver` has grown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCall {
    /// Who.
    pub appointment: AppointmentId,
    /// The version of the queue that called.
    pub ver: u64,
}

/// The queue of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// The service day it belongs to.
    pub date: Date,
    /// Class of its clinics.
    pub kind: ClinicKind,
    /// The clinics whose people wait here.
    pub clinics: BTreeSet<ClinicId>,
    /// The rooms that call.
    pub rooms: Vec<Room>,
    /// Everybody, in the order in which they became known.
    pub entries: Vec<Entry>,
    /// Calls since somebody with results was called.
    #[serde(default)]
    pub calls_since_results: u8,
    /// Seconds from call to end of the last visits, newest last.
    #[serde(default)]
    pub served_s: Vec<u16>,
    /// The last call.
    #[serde(default)]
    pub last_call: Option<LastCall>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// When the list of those expected was last read from the slots.
    #[serde(with = "crate::clinic::epoch_s")]
    pub roster_at: Timestamp,
    /// When it last changed.
    #[serde(with = "crate::clinic::epoch_s")]
    pub changed_at: Timestamp,
    /// Grows by one with each write.
    pub ver: u64,
}

/// A number that was paid for, as its slot knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The person.
    pub patient: PatientId,
    /// The number.
    pub number: u16,
    /// The slot.
    pub start: SlotStart,
}

impl Queue {
    /// A fresh queue with one clinic of its own.
    pub fn open(clinic: &Clinic, now: Timestamp) -> Result<Self, IdError> {
        let queue = Self {
            id: clinic.queue_id()?,
            date: clinic.date,
            kind: clinic.kind,
            clinics: BTreeSet::new(),
            rooms: Vec::new(),
            entries: Vec::new(),
            calls_since_results: 0,
            served_s: Vec::new(),
            last_call: None,
            deadlines: Deadlines::none(),
            roster_at: Timestamp::UNIX_EPOCH,
            changed_at: now,
            ver: 0,
        };
        Ok(queue.with_clinic(clinic))
    }

    /// The same with the people and the room of a clinic of its group; nothing changes when they are in it.
    #[must_use]
    pub fn with_clinic(mut self, clinic: &Clinic) -> Self {
        if !self.clinics.insert(clinic.id.clone()) {
            return self;
        }
        let name = if clinic.room.is_empty() { "诊室" } else { &clinic.room };
        if self.room(name).is_none() && self.rooms.len() < ROOMS_MAX {
            self.rooms.push(Room { name: name.to_owned(), doctor: clinic.who_text(), paused: None });
        }
        // Its slots have not been read.
        self.roster_at = Timestamp::UNIX_EPOCH;
        self
    }

    /// The same, knowing everybody whose number was paid for, as the slots say at `now`: new ones are expected, who has
    /// given the number back before coming is not.
    #[must_use]
    pub fn with_roster(mut self, booked: &[Booked], now: Timestamp) -> Self {
        let known: BTreeSet<&AppointmentId> = booked.iter().map(|booked| &booked.appointment).collect();
        self.entries.retain(|entry| entry.stage != Stage::Expected || known.contains(&entry.appointment));
        for booked in booked {
            if self.entry(&booked.appointment).is_none() && self.entries.len() < ENTRIES_MAX {
                self.entries.push(expected(booked));
            }
        }
        self.roster_at = now;
        self
    }

    /// Somebody in the queue.
    pub fn entry(&self, appointment: &AppointmentId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.appointment == *appointment)
    }

    /// A room by its name.
    pub fn room(&self, name: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.name == name)
    }

    /// Who is called to a room or in it.
    pub fn in_room(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.stage.room().is_some_and(|(room, _)| room == name))
    }

    /// Rooms that are calling.
    pub fn open_rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter().filter(|room| room.paused.is_none())
    }

    /// The first slot of the session.
    pub fn begins_at(&self) -> Option<Timestamp> {
        self.entries.iter().map(|entry| entry.start).min().map(|start| start.instant(self.date))
    }

    /// The service day is over, and so is calling.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > ends_at(self.date)
    }

    /// The queue after `command`, or why not.
    pub fn after(&self, command: &Command, policy: &QueuePolicy, now: Timestamp) -> Result<Self, QueueError> {
        if self.is_over(now) {
            return Err(QueueError::Over);
        }
        if policy.owner == QueueOwner::His && !matches!(command, Command::Arrive(_) | Command::Leave(_)) {
            return Err(QueueError::OwnedByHis);
        }
        let mut after = self.clone();
        after.apply(command, policy, now)?;
        if policy.owner == QueueOwner::His && after.deadlines.get(Deadline::CallState).is_none() {
            after.deadlines = after.deadlines.with(Deadline::CallState, now);
        }
        after.changed_at = now;
        after.ver = self.ver.saturating_add(1);
        Ok(after)
    }

    fn apply(&mut self, command: &Command, policy: &QueuePolicy, now: Timestamp) -> Result<(), QueueError> {
        match command {
            Command::Arrive(arrival) => self.arrive(arrival, now),
            Command::CallNext { room } => {
                self.require_free(room)?;
                let next = line::next(&self.entries, self.calls_since_results, policy).ok_or(QueueError::Empty)?;
                let next = next.appointment.clone();
                self.call(room, &next, now)
            }
            Command::Call { room, appointment } => {
                self.require_free(room)?;
                self.require(appointment, |stage| matches!(stage, Stage::Waiting | Stage::Missed))?;
                self.call(room, appointment, now)
            }
            Command::CallAgain(appointment) => self.call_again(appointment, policy, now),
            Command::Enter(appointment) => self.enter(appointment),
            Command::Miss(appointment) => self.miss(appointment, policy),
            Command::Return(appointment) => self.come_again(appointment, policy, now),
            Command::BackWithResults(appointment) => self.back_with_results(appointment, now),
            Command::Finish(appointment) => self.finish(appointment, now),
            Command::Leave(appointment) => {
                let entry = self.require(appointment, |stage| !matches!(stage, Stage::Done | Stage::Left))?;
                entry.stage = Stage::Left;
                Ok(())
            }
            Command::Prioritise { appointment, priority } => {
                let entry = self
                    .require(appointment, |stage| matches!(stage, Stage::Expected | Stage::Waiting | Stage::Missed))?;
                entry.priority = *priority;
                Ok(())
            }
            Command::Pause { room, reason } => {
                let reason = words(reason)?;
                self.room_mut(room)?.paused = Some(reason);
                Ok(())
            }
            Command::Resume { room } => {
                self.room_mut(room)?.paused = None;
                Ok(())
            }
            Command::OpenRoom { room, doctor } => self.open_room(room, doctor),
            Command::CloseRoom { room } => self.close_room(room),
            Command::MoveRoom { from, to } => self.move_room(from, to),
            Command::Substitute { room, doctor } => {
                let doctor = words(doctor)?;
                self.room_mut(room)?.doctor = doctor;
                Ok(())
            }
        }
    }

    fn arrive(&mut self, arrival: &Arrival, now: Timestamp) -> Result<(), QueueError> {
        let booked = &arrival.booked;
        if self.entry(&booked.appointment).is_none() {
            if self.entries.len() >= ENTRIES_MAX {
                return Err(QueueError::Full);
            }
            self.entries.push(expected(booked));
        }
        let band = self.band_at(now).max(booked.start);
        let entry = self.require(&booked.appointment, |stage| matches!(stage, Stage::Expected | Stage::Left))?;
        // Staff may have sent them home before they came; who had been here comes again in another way.
        if entry.stage == Stage::Left && entry.came() {
            return Err(QueueError::NotFrom(Box::new(Stage::Left)));
        }
        entry.name_masked.clone_from(&arrival.name_masked);
        entry.band = band;
        entry.checked_in_s = now.as_second();
        // Staff may have said so before they came.
        if arrival.priority != Priority::None {
            entry.priority = arrival.priority;
        }
        entry.stage = Stage::Waiting;
        Ok(())
    }

    /// The half hour of the service day that `now` is in.
    fn band_at(&self, now: Timestamp) -> SlotStart {
        let clock = time::wall_clock(now);
        if clock.date() < self.date {
            return SlotStart::FIRST;
        }
        if clock.date() > self.date { SlotStart::LAST } else { SlotStart::containing(clock.time()) }
    }

    fn call(&mut self, room: &str, appointment: &AppointmentId, now: Timestamp) -> Result<(), QueueError> {
        for other in self.entries.iter_mut().filter(|entry| entry.is_waiting()) {
            other.turn = line::after_a_call(other.turn);
        }
        let entry = self.require(appointment, |stage| matches!(stage, Stage::Waiting | Stage::Missed))?;
        let with_results = entry.turn == Turn::Results;
        entry.stage = Stage::Called { room: room.to_owned(), times: 1, at: now, last: now };
        self.calls_since_results = if with_results { 0 } else { self.calls_since_results.saturating_add(1) };
        self.announce(appointment);
        Ok(())
    }

    fn announce(&mut self, appointment: &AppointmentId) {
        self.last_call = Some(LastCall { appointment: appointment.clone(), ver: self.ver.saturating_add(1) });
    }

    fn call_again(
        &mut self,
        appointment: &AppointmentId,
        policy: &QueuePolicy,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let entry = self.require(appointment, |stage| matches!(stage, Stage::Called { .. }))?;
        let Stage::Called { times, last, .. } = &mut entry.stage else { return Err(QueueError::Unknown) };
        if time::add_seconds(*last, policy.call_gap_s) <= now {
            if *times >= policy.calls_max {
                return self.miss(appointment, policy);
            }
            *times = times.saturating_add(1);
            *last = now;
        }
        self.announce(appointment);
        Ok(())
    }

    fn enter(&mut self, appointment: &AppointmentId) -> Result<(), QueueError> {
        let entry = self.require(appointment, |stage| matches!(stage, Stage::Called { .. }))?;
        if let Stage::Called { room, at, .. } = &entry.stage {
            entry.stage = Stage::InRoom { room: room.clone(), at: *at };
        }
        Ok(())
    }

    fn miss(&mut self, appointment: &AppointmentId, policy: &QueuePolicy) -> Result<(), QueueError> {
        let entry = self.require(appointment, |stage| matches!(stage, Stage::Called { .. }))?;
        entry.missed = entry.missed.saturating_add(1);
        if entry.missed > policy.missed_max {
            entry.stage = Stage::Missed;
            entry.turn = Turn::Last;
        } else {
            entry.stage = Stage::Waiting;
            entry.turn = Turn::Behind(policy.missed_behind);
        }
        Ok(())
    }

    fn come_again(
        &mut self,
        appointment: &AppointmentId,
        policy: &QueuePolicy,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let band = self.band_at(now);
        let entry = self.require(appointment, |stage| matches!(stage, Stage::Missed | Stage::Left))?;
        if entry.stage == Stage::Left {
            // Who never was here has to check in: their visit knows nothing of it yet.
            if !entry.came() {
                return Err(QueueError::NotFrom(Box::new(Stage::Left)));
            }
            entry.turn = Turn::Behind(policy.missed_behind);
            entry.band = entry.band.max(band);
            entry.checked_in_s = now.as_second();
        }
        entry.stage = Stage::Waiting;
        Ok(())
    }

    fn back_with_results(&mut self, appointment: &AppointmentId, now: Timestamp) -> Result<(), QueueError> {
        let entry = self.require(appointment, |stage| *stage == Stage::Done)?;
        entry.turn = Turn::Results;
        entry.checked_in_s = now.as_second();
        entry.stage = Stage::Waiting;
        Ok(())
    }

    fn finish(&mut self, appointment: &AppointmentId, now: Timestamp) -> Result<(), QueueError> {
        let entry = self.require(appointment, |stage| stage.room().is_some())?;
        let since = entry.stage.room().map(|(_, at)| at);
        let is_first_visit = !entry.seen;
        entry.stage = Stage::Done;
        entry.seen = true;
        let took_s = since.map_or(0, |since| now.as_second().saturating_sub(since.as_second()));
        // A look at results is short and comes in between: it would make everybody's first visit look short.
        if is_first_visit {
            self.note_service(took_s);
        }
        Ok(())
    }

    fn note_service(&mut self, took_s: i64) {
        if (SERVICE_MIN_S..=SERVICE_MAX_S).contains(&took_s) {
            self.served_s.extend(u16::try_from(took_s));
            let surplus = self.served_s.len().saturating_sub(SERVED_MAX);
            self.served_s.drain(..surplus);
        }
    }

    fn open_room(&mut self, room: &str, doctor: &str) -> Result<(), QueueError> {
        let room = Room { name: words(room)?, doctor: words(doctor)?, paused: None };
        if self.room(&room.name).is_some() {
            return Err(QueueError::RoomExists);
        }
        if self.rooms.len() >= ROOMS_MAX {
            return Err(QueueError::Full);
        }
        self.rooms.push(room);
        Ok(())
    }

    fn close_room(&mut self, room: &str) -> Result<(), QueueError> {
        self.require_free_of_people(room)?;
        if self.rooms.len() < 2 {
            return Err(QueueError::LastRoom);
        }
        self.rooms.retain(|open| open.name != room);
        Ok(())
    }

    fn move_room(&mut self, from: &str, to: &str) -> Result<(), QueueError> {
        let to = words(to)?;
        if self.room(&to).is_some() {
            return Err(QueueError::RoomExists);
        }
        self.room_mut(from)?.name.clone_from(&to);
        for entry in &mut self.entries {
            match &mut entry.stage {
                Stage::Called { room, .. } | Stage::InRoom { room, .. } if room == from => room.clone_from(&to),
                _ => {}
            }
        }
        Ok(())
    }

    fn require_free(&self, room: &str) -> Result<(), QueueError> {
        self.require_free_of_people(room)?;
        match self.room(room).map(|room| room.paused.is_some()) {
            Some(true) => Err(QueueError::Paused),
            _ => Ok(()),
        }
    }

    fn require_free_of_people(&self, room: &str) -> Result<(), QueueError> {
        self.room(room).ok_or(QueueError::NoRoom)?;
        self.in_room(room).map_or(Ok(()), |entry| Err(QueueError::RoomTaken(entry.appointment.clone())))
    }

    fn room_mut(&mut self, name: &str) -> Result<&mut Room, QueueError> {
        self.rooms.iter_mut().find(|room| room.name == name).ok_or(QueueError::NoRoom)
    }

    /// The entry of an appointment, if it stands where the command moves it from.
    fn require(
        &mut self,
        appointment: &AppointmentId,
        from: impl Fn(&Stage) -> bool,
    ) -> Result<&mut Entry, QueueError> {
        let entry = self.entries.iter_mut().find(|entry| entry.appointment == *appointment);
        let entry = entry.ok_or(QueueError::Unknown)?;
        if from(&entry.stage) { Ok(entry) } else { Err(QueueError::NotFrom(Box::new(entry.stage.clone()))) }
    }
}

/// When calling of a service day is over.
fn ends_at(date: Date) -> Timestamp {
    time::add_minutes(time::instant(date, jiff::civil::Time::MAX), OVER_AFTER_H * 60)
}

/// Whether people of a service day may come to the desk: on the day, and as long as calling goes on after it.
pub fn is_open_on(date: Date, now: Timestamp) -> bool {
    date <= time::today(now) && now <= ends_at(date)
}

fn expected(booked: &Booked) -> Entry {
    Entry {
        appointment: booked.appointment.clone(),
        patient: booked.patient.clone(),
        name_masked: String::new(),
        number: booked.number,
        start: booked.start,
        band: booked.start,
        checked_in_s: 0,
        priority: Priority::None,
        turn: Turn::Ordinary,
        missed: 0,
        seen: false,
        reminded: false,
        stage: Stage::Expected,
    }
}

/// Words of staff that patients read: something, and not too long.
fn words(text: &str) -> Result<String, QueueError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().nth(WORDS_CHARS_MAX).is_none();
    if fits && !text.chars().any(char::is_control) { Ok(text.to_owned()) } else { Err(QueueError::Words) }
}

#[cfg(test)]
mod tests;
