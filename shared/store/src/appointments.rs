//! Appointments below their patient.

use crate::due;
use crate::key::{APPOINTMENT_PREFIX, Key};
use crate::table::{Item, StoreError, Table, Write, from_item, to_item};
use domain::appointment::{Appointment, AppointmentKey, Command, MoveError, State};
use domain::booking::CancelPolicy;
use domain::due::{Deadline, Deadlines};
use domain::event::Actor;
use domain::id::PatientId;
use domain::{Timestamp, time};

/// Appointments of one person shown at most.
pub const APPOINTMENTS_SHOWN_MAX: i32 = 50;
/// How often a move is taken again when somebody else wrote the appointment in between.
const MOVE_TRIES_MAX: u32 = 5;

/// Why an appointment did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveFailed {
    /// There is none.
    #[error("no such appointment")]
    NotFound,
    /// The rules say no; the appointment as it is.
    #[error(transparent)]
    Refused(#[from] MoveError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) fn item_of(appointment: &Appointment) -> Result<Item, StoreError> {
    let key = Key::appointment(&appointment.key());
    let mut item = to_item(&key, appointment)?;
    due::stamp(&mut item, &key.pk, &appointment.deadlines);
    Ok(item)
}

impl Table {
    /// An appointment.
    pub async fn appointment(&self, key: &AppointmentKey) -> Result<Option<Appointment>, StoreError> {
        self.get(&Key::appointment(key)).await
    }

    /// The appointment at a key of the time index or of an event.
    pub async fn appointment_at(&self, key: &Key) -> Result<Option<Appointment>, StoreError> {
        self.get(key).await
    }

    /// Appointments of a person, latest day first.
    pub async fn appointments_of(&self, patient: &PatientId) -> Result<Vec<Appointment>, StoreError> {
        let pk = Key::patient(patient).pk;
        let items = self.query_items(&pk, APPOINTMENT_PREFIX, APPOINTMENTS_SHOWN_MAX, false).await?;
        items.into_iter().map(from_item).collect()
    }

    /// Writes a new appointment; if it exists already, the existing one is the answer.
    pub async fn create_appointment(&self, appointment: &Appointment) -> Result<Appointment, StoreError> {
        match self.put_new(item_of(appointment)?).await? {
            Write::Done => Ok(appointment.clone()),
            Write::Refused(existing) => existing.map_or(Err(StoreError::Contended), from_item),
        }
    }

    /// Moves an appointment by the rules; its event is part of the same write.
    pub async fn move_appointment(
        &self,
        key: &AppointmentKey,
        command: Command,
        actor: &Actor,
        policy: CancelPolicy,
        now: Timestamp,
    ) -> Result<Appointment, MoveFailed> {
        self.write_appointment(key, |seen| seen.after(command, actor.clone(), policy, now).map_err(MoveFailed::from))
            .await
    }

    /// Clears a deadline whose work is done. Harmless to repeat.
    pub async fn clear_deadline(&self, key: &AppointmentKey, kind: Deadline) -> Result<(), StoreError> {
        self.change_deadlines(key, |deadlines| deadlines.clone().without(kind)).await
    }

    /// The same for an appointment read a moment ago: one write unless somebody else has written it since.
    pub async fn clear_deadline_of(&self, seen: &Appointment, kind: Deadline) -> Result<(), StoreError> {
        let deadlines = seen.deadlines.clone().without(kind);
        let after = Appointment { deadlines, ver: seen.ver + 1, ..seen.clone() };
        match self.put_versioned(item_of(&after)?, seen.ver).await? {
            Write::Done => Ok(()),
            Write::Refused(_) => self.clear_deadline(&seen.key(), kind).await,
        }
    }

    /// Moves a deadline ahead by `seconds`: the work is under way elsewhere and must be seen again if it is lost.
    pub async fn postpone_deadline(
        &self,
        key: &AppointmentKey,
        kind: Deadline,
        now: Timestamp,
        seconds: i64,
    ) -> Result<(), StoreError> {
        let at = time::add_seconds(now, seconds);
        self.change_deadlines(key, |deadlines| match deadlines.get(kind) {
            Some(_) => deadlines.clone().with(kind, at),
            None => deadlines.clone(),
        })
        .await
    }

    /// Brings a deadline forward to `now`; one that is gone or due already stays so. Harmless to repeat.
    pub async fn hurry_deadline(&self, key: &AppointmentKey, kind: Deadline, now: Timestamp) -> Result<(), StoreError> {
        self.change_deadlines(key, |deadlines| match deadlines.get(kind) {
            Some(at) if at > now => deadlines.clone().with(kind, now),
            _ => deadlines.clone(),
        })
        .await
    }

    /// Begins the next payment attempt: another person pays, so WeChat needs another number.
    pub async fn next_pay_attempt(&self, key: &AppointmentKey, seen: u8) -> Result<Appointment, MoveFailed> {
        self.write_appointment(key, |appointment| {
            let held = matches!(appointment.state, State::Held { .. });
            if !held || appointment.pay_attempt != seen || seen >= domain::id::PAY_ATTEMPTS_MAX {
                return Err(MoveFailed::Refused(MoveError::AlreadyDone));
            }
            Ok(Appointment { pay_attempt: seen + 1, ver: appointment.ver + 1, ..appointment.clone() })
        })
        .await
    }

    /// Writes what `decide` makes of an appointment; none when it refuses, or there is no such appointment.
    pub async fn change_visit(
        &self,
        key: &AppointmentKey,
        decide: impl Fn(&Appointment) -> Result<Appointment, MoveError>,
    ) -> Result<Option<Appointment>, StoreError> {
        match self.write_appointment(key, |seen| decide(seen).map_err(MoveFailed::from)).await {
            Ok(after) => Ok(Some(after)),
            Err(MoveFailed::NotFound | MoveFailed::Refused(_)) => Ok(None),
            Err(MoveFailed::Store(error)) => Err(error),
        }
    }

    async fn change_deadlines(
        &self,
        key: &AppointmentKey,
        change: impl Fn(&Deadlines) -> Deadlines,
    ) -> Result<(), StoreError> {
        let written = self.write_appointment(key, |seen| {
            let deadlines = change(&seen.deadlines);
            if deadlines == seen.deadlines {
                return Err(MoveFailed::Refused(MoveError::AlreadyDone));
            }
            Ok(Appointment { deadlines, ver: seen.ver + 1, ..seen.clone() })
        });
        match written.await {
            Ok(_) | Err(MoveFailed::NotFound | MoveFailed::Refused(_)) => Ok(()),
            Err(MoveFailed::Store(error)) => Err(error),
        }
    }

    pub(crate) async fn write_appointment(
        &self,
        key: &AppointmentKey,
        decide: impl Fn(&Appointment) -> Result<Appointment, MoveFailed>,
    ) -> Result<Appointment, MoveFailed> {
        for _ in 0..MOVE_TRIES_MAX {
            let seen = self.appointment(key).await?.ok_or(MoveFailed::NotFound)?;
            let after = decide(&seen)?;
            if let Write::Done = self.put_versioned(item_of(&after)?, seen.ver).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }
}
