//! 停诊: closing a clinic. The clinic first, with a deadline until everybody in it has been cancelled; then its slots, so
//! that nothing more is claimed; then whoever is in them. Each step is harmless to repeat.

use crate::appointments::MoveFailed;
use crate::due;
use crate::key::Key;
use crate::table::{StoreError, Table, number, send_update, text};
use domain::appointment::{AppointmentKey, CancelledBy};
use domain::clinic::Clinic;
use domain::due::Worker;
use domain::event::Actor;
use domain::id::ClinicId;
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};

/// A number that is claimed by nobody we can find is looked at again after this time.
const LOOK_AGAIN_S: i64 = 60;

impl Table {
    /// Marks a clinic as closed; from now on nobody pays for it. None when there is no such clinic.
    pub async fn close_clinic(&self, id: &ClinicId, now: Timestamp) -> Result<Option<Clinic>, StoreError> {
        let key = Key::clinic(id);
        let Some(clinic) = self.get::<Clinic>(&key).await? else { return Ok(None) };
        let request = self
            .update(&key)
            .update_expression("SET #state = :closed, due_at = :now, due_pk = :due_pk")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":closed", text("closed"))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":due_pk", text(due::partition(Worker::Sweeper, &key.pk)));
        send_update(request).await?;
        let board = Key::board_entry(clinic.date, &clinic.department, id);
        let request = self
            .update(&board)
            .update_expression("SET #state = :closed")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":closed", text("closed"));
        send_update(request).await?;
        self.forget_board(clinic.date, &clinic.department, now).await?;
        Ok(Some(clinic))
    }

    /// The clinic at a key of the time index.
    pub async fn clinic_at(&self, key: &Key) -> Result<Option<Clinic>, StoreError> {
        self.get(key).await
    }

    /// Cancels everybody in a closed clinic on the hospital's account; how many this run cancelled. The clinic's deadline
    /// goes when nobody is left.
    pub async fn empty_closed_clinic(
        &self,
        profile: &HospitalProfile,
        id: &ClinicId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (mut cancelled, mut is_empty) = (0, true);
        let (slots, date) = (self.clinic(id).await?.map(|found| found.slots).unwrap_or_default(), id.date());
        for slot in slots {
            self.close_slot(&Key::slot(id, slot.start)).await?;
            // Read after closing: who is in it now is everybody.
            let Some((closed, date)) = self.slot(id, slot.start).await?.zip(date) else { continue };
            for (appointment, taken) in closed.holders() {
                let key = AppointmentKey { patient: taken.patient.clone(), date, id: appointment.clone() };
                match self.cancel(profile, &key, CancelledBy::Hospital, actor, now).await {
                    Ok(_) => cancelled += 1,
                    // A claim whose appointment is being written this moment, or never will be: its hold ends.
                    Err(MoveFailed::NotFound) => is_empty = false,
                    // Seen, or over.
                    Err(MoveFailed::Refused(_)) => {}
                    Err(MoveFailed::Store(error)) => return Err(error),
                }
            }
        }
        self.stamp_closed_clinic(id, (!is_empty).then(|| time::add_seconds(now, LOOK_AGAIN_S))).await?;
        Ok(cancelled)
    }

    async fn close_slot(&self, key: &Key) -> Result<(), StoreError> {
        let request = self
            .update(key)
            .update_expression("SET #state = :closed ADD ver :one")
            .condition_expression("#state = :open")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":closed", text("closed"))
            .expression_attribute_values(":open", text("open"))
            .expression_attribute_values(":one", number(1));
        send_update(request).await.map(drop)
    }

    async fn stamp_closed_clinic(&self, id: &ClinicId, again_at: Option<Timestamp>) -> Result<(), StoreError> {
        let request = self
            .update(&Key::clinic(id))
            .condition_expression("#state = :closed")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":closed", text("closed"));
        let request = match again_at {
            Some(at) => {
                request.update_expression("SET due_at = :at").expression_attribute_values(":at", number(at.as_second()))
            }
            None => request.update_expression("REMOVE due_at, due_pk"),
        };
        send_update(request).await.map(drop)
    }
}
