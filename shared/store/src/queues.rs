//! The queue of a session: one item, one versioned write per change.
//!
//! **The queue follows the appointment.** Checking in and finishing move the appointment first, with a deadline
//! (`queue`), then the queue, then clear the deadline; a crash in between is put right by the sweeper, and every step is
//! harmless to repeat. Who becomes known to a queue otherwise (a number paid for, or given back) is read from the slots,
//! once a minute, by whatever moves the queue.
//!
//! **Reminders.** Whatever moves the queue brings forward the reminder of those whose turn that brings near, *before* its
//! own write, which notes them: cut off in between, they are brought forward again, and a reminder that went out has no
//! deadline left to bring forward. So it goes out once (E77).

use crate::appointments::MoveFailed;
use crate::due;
use crate::key::Key;
use crate::table::{Item, StoreError, Table, Write, number, to_item};
use domain::appointment::{Appointment, AppointmentKey, Command as Move, MoveError, State};
use domain::civil::Time;
use domain::clinic::{Claim, Clinic};
use domain::due::Deadline;
use domain::event::Actor;
use domain::id::{AppointmentId, QueueId};
use domain::profile::HospitalProfile;
use domain::queue::snapshot::{Told, ToldStage};
use domain::queue::{
    Arrival, Booked, CheckInError, CheckInPoint, Command, Priority, Queue, QueueError, QueuePolicy, Stage, check_in,
};
use domain::{Timestamp, time};
use futures_util::future::join_all;

/// How often a move is taken again when somebody else wrote the queue in between.
const MOVE_TRIES_MAX: u32 = 8;
/// The list of those expected is at most this old when the queue moves, in seconds.
const ROSTER_AGE_S: i64 = 60;
/// Reminders one move brings forward at most: the next move does the rest.
const HURRIED_MAX: usize = 16;
/// Days a queue is kept after its own: for questions of the next days.
const KEEP_DAYS: i32 = 8;

/// Why a queue did not move.
#[derive(Debug, thiserror::Error)]
pub enum QueueFailed {
    /// Nobody has opened it.
    #[error("no such queue")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] QueueError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct CheckIn {
    /// Their appointment.
    pub key: AppointmentKey,
    /// How they check in.
    pub way: Way,
    /// Why before others, where that is known.
    pub priority: Priority,
    /// Who does it.
    pub actor: Actor,
}

/// How somebody checks in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By themselves, by the code of a desk.
    Patient(CheckInPoint),
    /// By staff who see them.
    Staff,
}

/// Why somebody is not checked in.
#[derive(Debug, thiserror::Error)]
pub enum CheckInFailed {
    /// There is no such appointment, or its clinic is gone.
    #[error("no such appointment")]
    NotFound,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] CheckInError),
    /// The queue says no.
    #[error(transparent)]
    Queue(QueueError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueueFailed> for CheckInFailed {
    fn from(failed: QueueFailed) -> Self {
        match failed {
            QueueFailed::NotFound => Self::NotFound,
            QueueFailed::Refused(error) => Self::Queue(error),
            QueueFailed::Store(error) => Self::Store(error),
        }
    }
}

/// Somebody who is checked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedIn {
    /// The appointment after it.
    pub appointment: Appointment,
    /// The queue they are in.
    pub queue: Queue,
}

fn item_of(queue: &Queue) -> Result<Item, StoreError> {
    let key = Key::queue(&queue.id);
    let mut item = to_item(&key, queue)?;
    due::stamp(&mut item, &key.pk, &queue.deadlines);
    let gone_at = time::instant(time::add_days(queue.date, KEEP_DAYS), Time::midnight());
    item.insert("ttl".into(), number(gone_at.as_second()));
    Ok(item)
}

impl Table {
    /// A queue; none while nobody has checked in and no desk has opened it.
    pub async fn queue(&self, id: &QueueId) -> Result<Option<Queue>, StoreError> {
        self.get(&Key::queue(id)).await
    }

    /// The queue at a key of the time index.
    pub async fn queue_at(&self, key: &Key) -> Result<Option<Queue>, StoreError> {
        self.get(key).await
    }

    /// The queue of a clinic, made if it is not there yet, with everybody who has a number.
    pub async fn open_queue(&self, clinic: &Clinic, now: Timestamp) -> Result<Queue, StoreError> {
        let fresh = Queue::open(clinic, now).map_err(StoreError::unavailable("name a queue"))?;
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.queue(&fresh.id).await?.unwrap_or_else(|| fresh.clone());
            if seen.ver > 0 && seen.clinics.contains(&clinic.id) {
                return Ok(seen);
            }
            let seen_ver = seen.ver;
            let mut after = self.with_roster(seen.with_clinic(clinic), now).await?;
            after.ver = seen_ver.saturating_add(1);
            after.changed_at = now;
            if let Write::Done = self.put_versioned(item_of(&after)?, seen_ver).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Contended)
    }

    /// The queue of a clinic for somebody who watches it: opened if need be, knowing who has taken a number since, and with
    /// the reminders brought forward that the passing of time has brought near. Writes once a minute at most.
    pub async fn watch_queue(
        &self,
        clinic: &Clinic,
        policy: &QueuePolicy,
        now: Timestamp,
    ) -> Result<Queue, QueueFailed> {
        let queue = self.open_queue(clinic, now).await?;
        if time::add_seconds(queue.roster_at, ROSTER_AGE_S) > now {
            return Ok(queue);
        }
        let again = |seen: &Queue| Ok(Some(Queue { ver: seen.ver.saturating_add(1), changed_at: now, ..seen.clone() }));
        self.write_queue(&queue.id, policy, now, again).await
    }

    /// Moves a queue by the rules, and brings forward the reminders of those whose turn is near after it.
    pub async fn move_queue(
        &self,
        id: &QueueId,
        policy: &QueuePolicy,
        command: &Command,
        now: Timestamp,
    ) -> Result<Queue, QueueFailed> {
        self.write_queue(id, policy, now, |queue| queue.after(command, policy, now).map(Some)).await
    }

    /// Writes what `decide` makes of the queue; the queue as it is when that is nothing.
    async fn write_queue(
        &self,
        id: &QueueId,
        policy: &QueuePolicy,
        now: Timestamp,
        decide: impl Fn(&Queue) -> Result<Option<Queue>, QueueError>,
    ) -> Result<Queue, QueueFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.queue(id).await?.ok_or(QueueFailed::NotFound)?;
            let seen_ver = seen.ver;
            let seen = self.with_roster(seen, now).await?;
            let Some(after) = decide(&seen)? else { return Ok(seen) };
            let hurried = self.hurry_reminders(&after, policy, now).await;
            let after = after.with_reminded(&hurried);
            if let Write::Done = self.put_versioned(item_of(&after)?, seen_ver).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// The queue with everybody who has a number now, if that was not read within the last minute.
    async fn with_roster(&self, queue: Queue, now: Timestamp) -> Result<Queue, StoreError> {
        if time::add_seconds(queue.roster_at, ROSTER_AGE_S) > now {
            return Ok(queue);
        }
        let mut booked = Vec::new();
        for clinic in &queue.clinics {
            for slot in self.clinic(clinic).await?.map(|found| found.slots).unwrap_or_default() {
                let paid = slot.taken.iter().filter(|(_, taken)| taken.claim == Claim::Booked);
                booked.extend(paid.map(|(appointment, taken)| Booked {
                    appointment: appointment.clone(),
                    patient: taken.patient.clone(),
                    number: taken.number,
                    start: slot.start,
                }));
            }
        }
        Ok(queue.with_roster(&booked, now))
    }

    /// Brings forward the reminders of those whose turn is near; whose it was. One that fails is tried with the next move.
    async fn hurry_reminders(&self, queue: &Queue, policy: &QueuePolicy, now: Timestamp) -> Vec<AppointmentId> {
        let near = queue.near(policy, now, HURRIED_MAX);
        let hurried = join_all(near.into_iter().map(|entry| async move {
            let hurried = self.hurry_deadline(&entry.key(queue.date), Deadline::Remind, now).await;
            hurried
                .inspect_err(|error| tracing::warn!(%error, "a reminder is brought forward with the next move"))
                .ok()
                .map(|()| entry.appointment.clone())
        }));
        hurried.await.into_iter().flatten().collect()
    }

    /// Checks somebody in: the appointment, then the queue. Repeating it answers like the first time.
    pub async fn check_in(
        &self,
        profile: &HospitalProfile,
        request: &CheckIn,
        now: Timestamp,
    ) -> Result<CheckedIn, CheckInFailed> {
        let seen = self.appointment(&request.key).await?.ok_or(CheckInFailed::NotFound)?;
        let clinic = self.clinic_alone(&seen.place.clinic).await?.ok_or(CheckInFailed::NotFound)?;
        let appointment = if seen.state == State::CheckedIn {
            seen
        } else {
            match &request.way {
                Way::Patient(point) => check_in::by_patient(&seen, &clinic, point, &profile.queue, now)?,
                Way::Staff => check_in::by_staff(&seen, &clinic, now)?,
            }
            self.arrive(profile, request, now).await?
        };
        let queue = self.join_queue(&appointment, &clinic, request.priority, &profile.queue, now).await?;
        self.clear_deadline(&request.key, Deadline::Queue).await?;
        Ok(CheckedIn { appointment, queue })
    }

    async fn arrive(
        &self,
        profile: &HospitalProfile,
        request: &CheckIn,
        now: Timestamp,
    ) -> Result<Appointment, CheckInFailed> {
        let moved = self.move_appointment(&request.key, Move::CheckIn, &request.actor, profile.cancel, now).await;
        match moved {
            Ok(appointment) => Ok(appointment),
            // Somebody else has checked them in just now.
            Err(MoveFailed::Refused(MoveError::AlreadyDone)) => {
                self.appointment(&request.key).await?.ok_or(CheckInFailed::NotFound)
            }
            Err(MoveFailed::Refused(_)) => Err(CheckInError::Over.into()),
            Err(MoveFailed::NotFound) => Err(CheckInFailed::NotFound),
            Err(MoveFailed::Store(error)) => Err(error.into()),
        }
    }

    /// Puts somebody who has checked in into the queue of their clinic. Who is in it stays where they are.
    async fn join_queue(
        &self,
        appointment: &Appointment,
        clinic: &Clinic,
        priority: Priority,
        policy: &QueuePolicy,
        now: Timestamp,
    ) -> Result<Queue, QueueFailed> {
        let queue = self.open_queue(clinic, now).await?;
        if queue.entry(&appointment.id).is_some_and(|entry| entry.stage != Stage::Expected) {
            return Ok(queue);
        }
        let arrive = Command::Arrive(Arrival::of(appointment, priority));
        match self.move_queue(&queue.id, policy, &arrive, now).await {
            Err(QueueFailed::Refused(QueueError::NotFrom(_))) => {
                self.queue(&queue.id).await?.ok_or(QueueFailed::NotFound)
            }
            other => other,
        }
    }

    /// Ends somebody's visit: the appointment, then the queue. Only who is called to a room or in it can be finished.
    pub async fn finish_visit(
        &self,
        profile: &HospitalProfile,
        id: &QueueId,
        appointment: &AppointmentId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Queue, QueueFailed> {
        let seen = self.queue(id).await?.ok_or(QueueFailed::NotFound)?;
        let finish = Command::Finish(appointment.clone());
        seen.after(&finish, &profile.queue, now)?;
        let key = seen.entry(appointment).map(|entry| entry.key(seen.date)).ok_or(QueueError::Unknown)?;
        self.fulfil(profile, &key, actor, now).await?;
        let queue = self.move_queue(id, &profile.queue, &finish, now).await?;
        self.clear_deadline(&key, Deadline::Queue).await?;
        Ok(queue)
    }

    /// A visit took place. What is over already stays as it is: a look at results, or a closure in between.
    async fn fulfil(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.move_appointment(key, Move::Fulfil, actor, profile.cancel, now).await {
            Ok(_) | Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => Ok(()),
            Err(MoveFailed::Store(error)) => Err(error),
        }
    }

    /// Lets the queue follow an appointment whose move was cut off, then clears the deadline: here and not in the queue,
    /// seen and still in a room, cancelled and still waiting. For the sweeper.
    pub async fn follow_in_queue(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = appointment.key();
        let Some(clinic) = self.clinic_alone(&appointment.place.clinic).await? else {
            return self.clear_deadline(&key, Deadline::Queue).await;
        };
        let followed = match appointment.state {
            State::CheckedIn => {
                self.join_queue(appointment, &clinic, Priority::None, &profile.queue, now).await.map(drop)
            }
            State::Fulfilled => self.end_in_queue(&clinic, &appointment.id, profile, now, true).await,
            State::Cancelled { .. } => self.end_in_queue(&clinic, &appointment.id, profile, now, false).await,
            State::Held { .. }
            | State::Confirming { .. }
            | State::Booked
            | State::NoShow
            | State::Expired
            | State::Refused { .. } => Ok(()),
        };
        match followed {
            Ok(()) | Err(QueueFailed::NotFound) => {}
            // The day is over, or the person stands elsewhere by now: nothing is left to follow.
            Err(QueueFailed::Refused(error)) => tracing::info!(%error, "the queue does not follow any more"),
            Err(QueueFailed::Store(error)) => return Err(error),
        }
        self.clear_deadline(&key, Deadline::Queue).await
    }

    async fn end_in_queue(
        &self,
        clinic: &Clinic,
        appointment: &AppointmentId,
        profile: &HospitalProfile,
        now: Timestamp,
        is_seen: bool,
    ) -> Result<(), QueueFailed> {
        let Ok(id) = clinic.queue_id() else { return Ok(()) };
        let Some(queue) = self.queue(&id).await? else { return Ok(()) };
        // Who is seen and back with results is not over.
        let is_open = |entry: &&domain::queue::Entry| !is_seen || (!entry.seen && entry.stage.room().is_some());
        if !queue.entry(appointment).as_ref().is_some_and(is_open) {
            return Ok(());
        }
        let command = if is_seen { Command::Finish(appointment.clone()) } else { Command::Leave(appointment.clone()) };
        self.move_queue(&id, &profile.queue, &command, now).await.map(drop)
    }

    /// Writes what the hospital's own system says of a queue it calls from; nothing when that is how it stands. Who it
    /// says is seen is seen.
    pub async fn tell_queue(
        &self,
        profile: &HospitalProfile,
        id: &QueueId,
        said: &[Told],
        now: Timestamp,
    ) -> Result<Queue, QueueFailed> {
        let seen = self.queue(id).await?.ok_or(QueueFailed::NotFound)?;
        let newly_seen = said.iter().filter(|told| told.stage == ToldStage::Done).filter_map(|told| {
            seen.entry(&told.appointment).filter(|entry| !entry.seen).map(|entry| entry.key(seen.date))
        });
        for key in newly_seen {
            self.fulfil(profile, &key, &Actor::Schedule, now).await?;
            self.clear_deadline(&key, Deadline::Queue).await?;
        }
        self.write_queue(id, &profile.queue, now, |queue| Ok(queue.told(said, now))).await
    }

    /// The hospital's own system is not asked about a queue any more: its day is over, or we call ourselves again.
    pub async fn end_telling(&self, policy: &QueuePolicy, id: &QueueId, now: Timestamp) -> Result<(), QueueFailed> {
        self.write_queue(id, policy, now, |queue| Ok(queue.told_for_good())).await.map(drop)
    }
}
