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
        let followed = match fate {
            VisitFate::Confirmed => self.hear_confirmed(&key, now).await,
            VisitFate::Came => self.hear_arrival(profile, &key, by, now).await,
            VisitFate::Seen => self.hear_seen(profile, &key, by, now).await,
            VisitFate::Missed => self.hear_missed(profile, &key, by, now).await,
            VisitFate::Cancelled => self.hear_cancelled(profile, &key, by, now).await,
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

    /// The answer to what it was asked without an answer, also when it comes late: nobody may want the visit any more.
    async fn hear_confirmed(&self, key: &AppointmentKey, now: Timestamp) -> Result<(), MoveFailed> {
        let answer = VisitAnswer::Stands(Some(Standing::Confirmed));
        let hear = |seen: &Appointment| Ok(seen.his_answered(&VisitTask::Find, &answer, &seen.enrolment, now)?);
        self.write_appointment(key, hear).await.map(drop)
    }

    async fn hear_arrival(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), MoveFailed> {
        let arrival = CheckIn { key: key.clone(), way: Way::Staff, priority: Priority::None, actor: by.clone() };
        match self.check_in(profile, &arrival, now).await {
            Ok(_) => Ok(()),
            Err(CheckInFailed::NotFound) => Err(MoveFailed::NotFound),
            Err(CheckInFailed::Refused(_) | CheckInFailed::Queue(_)) => Err(MoveError::Illegal.into()),
            Err(CheckInFailed::Store(error)) => Err(error.into()),
        }
    }

    /// A strike for not coming goes.
    async fn hear_seen(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), MoveFailed> {
        let seen = self.move_appointment(key, Command::Fulfil, by, profile.cancel, now).await?;
        Ok(self.follow_credit(profile, &seen, now).await?)
    }

    /// Nobody has to ask in the night: it has been said.
    async fn hear_missed(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), MoveFailed> {
        let missed = match self.move_appointment(key, Command::MissVisit, by, profile.cancel, now).await {
            Err(MoveFailed::Refused(MoveError::AlreadyDone)) => {
                self.appointment(key).await?.ok_or(MoveFailed::NotFound)?
            }
            moved => moved?,
        };
        self.follow_credit(profile, &missed, now).await?;
        Ok(self.settle_missed(profile, &missed, Verdict::Certain, now).await?)
    }

    /// As at our own window. Once the turn has begun that cannot be the patient's doing any more: what the hospital takes
    /// back then is its own, and never held against the patient.
    async fn hear_cancelled(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), MoveFailed> {
        match self.cancel(profile, key, CancelledBy::Window, by, now).await {
            Err(MoveFailed::Refused(MoveError::CancelDeadlinePassed | MoveError::Illegal)) => {
                self.cancel(profile, key, CancelledBy::Hospital, by, now).await.map(drop)
            }
            cancelled => cancelled.map(drop),
        }
    }
}
