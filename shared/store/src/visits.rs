//! A visit follows the hospital's own word about it, by whatever way it comes: the same moves, and the same money and credit
//! after them, as when the patient, the window or the clock had made them.

use crate::appointments::MoveFailed;
use crate::credit::Verdict;
use crate::queues::{CheckIn, CheckInFailed, Way};
use crate::table::{StoreError, Table};
use domain::Timestamp;
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, Command, MoveError};
use domain::enrolment::{Standing, VisitAnswer, VisitTask};
use domain::event::Actor;
use domain::id::{AppointmentId, ClinicId, PatientId};
use domain::profile::HospitalProfile;
use domain::queue::Priority;
use domain::visit::VisitFate;

impl Table {
    /// The visit of an id that has a number of a clinic.
    pub async fn visit_in(&self, clinic: &ClinicId, id: &AppointmentId) -> Result<Option<Appointment>, StoreError> {
        let Some(found) = self.clinic(clinic).await? else { return Ok(None) };
        let Some(taken) = found.slots.iter().find_map(|slot| slot.holder(id)) else { return Ok(None) };
        let key = AppointmentKey { patient: taken.patient.clone(), date: found.clinic.date, id: id.clone() };
        self.appointment(&key).await
    }

    /// The visit of an id among the latest of a person, by all their records.
    pub async fn visit_of(&self, person: &PatientId, id: &AppointmentId) -> Result<Option<Appointment>, StoreError> {
        for record in self.same_person(person).await? {
            let visits = self.appointments_of(&record).await?;
            if let Some(visit) = visits.into_iter().find(|visit| visit.id == *id) {
                return Ok(Some(visit));
            }
        }
        Ok(None)
    }

    /// Lets a visit follow what the hospital says of it; false when that is nothing new, or contradicts what has become of
    /// it since: then nothing happens. Harmless to repeat.
    pub async fn follow_hospital(
        &self,
        profile: &HospitalProfile,
        visit: &Appointment,
        fate: VisitFate,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = visit.key();
        let word = Word { table: self, profile, key: &key, by, now };
        let followed = match fate {
            VisitFate::Confirmed => word.confirmed().await,
            VisitFate::Came => word.came().await,
            VisitFate::Seen => word.seen().await,
            VisitFate::Missed => word.missed().await,
            VisitFate::Cancelled => word.cancelled().await,
        };
        match followed {
            Ok(()) => Ok(true),
            Err(MoveFailed::NotFound) => Ok(false),
            Err(MoveFailed::Refused(why)) => {
                tracing::info!(appointment = %key.id, ?fate, %why, "the hospital's word about a visit changes nothing");
                Ok(false)
            }
            Err(MoveFailed::Store(error)) => Err(error),
        }
    }
}

/// What the hospital says of one visit.
struct Word<'a> {
    table: &'a Table,
    profile: &'a HospitalProfile,
    key: &'a AppointmentKey,
    by: &'a Actor,
    now: Timestamp,
}

impl Word<'_> {
    /// The answer to what it was asked without an answer, also when it comes late: nobody may want the visit any more.
    async fn confirmed(&self) -> Result<(), MoveFailed> {
        let answer = VisitAnswer::Stands(Some(Standing::Confirmed));
        let hear = |seen: &Appointment| Ok(seen.his_answered(&VisitTask::Find, &answer, &seen.enrolment, self.now)?);
        self.table.write_appointment(self.key, hear).await.map(drop)
    }

    async fn came(&self) -> Result<(), MoveFailed> {
        let (key, actor) = (self.key.clone(), self.by.clone());
        let arrival = CheckIn { key, way: Way::Staff, priority: Priority::None, actor };
        match self.table.check_in(self.profile, &arrival, self.now).await {
            Ok(_) => Ok(()),
            Err(CheckInFailed::NotFound) => Err(MoveFailed::NotFound),
            Err(CheckInFailed::Refused(_) | CheckInFailed::Queue(_)) => Err(MoveError::Illegal.into()),
            Err(CheckInFailed::Store(error)) => Err(error.into()),
        }
    }

    /// A strike for not coming goes.
    async fn seen(&self) -> Result<(), MoveFailed> {
        let seen = self.moved(Command::Fulfil).await?;
        Ok(self.table.follow_credit(self.profile, &seen, self.now).await?)
    }

    /// Nobody has to ask in the night: it has been said.
    async fn missed(&self) -> Result<(), MoveFailed> {
        let missed = match self.moved(Command::MissVisit).await {
            Err(MoveFailed::Refused(MoveError::AlreadyDone)) => {
                self.table.appointment(self.key).await?.ok_or(MoveFailed::NotFound)?
            }
            moved => moved?,
        };
        self.table.follow_credit(self.profile, &missed, self.now).await?;
        Ok(self.table.settle_missed(self.profile, &missed, Verdict::Certain, self.now).await?)
    }

    /// As at our own window. Once the turn has begun that cannot be the patient's doing any more: what the hospital takes
    /// back then is its own, and never held against the patient.
    async fn cancelled(&self) -> Result<(), MoveFailed> {
        match self.given_back(CancelledBy::Window).await {
            Err(MoveFailed::Refused(MoveError::CancelDeadlinePassed | MoveError::Illegal)) => {
                self.given_back(CancelledBy::Hospital).await
            }
            cancelled => cancelled,
        }
    }

    async fn moved(&self, command: Command) -> Result<Appointment, MoveFailed> {
        self.table.move_appointment(self.key, command, self.by, self.profile.cancel, self.now).await
    }

    async fn given_back(&self, by: CancelledBy) -> Result<(), MoveFailed> {
        self.table.cancel(self.profile, self.key, by, self.by, self.now).await.map(drop)
    }
}
