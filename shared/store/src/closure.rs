//! 停诊: closing a clinic or its last hours, and 替诊. The decision first, with a deadline until everybody has been
//! cancelled or told; then clinic and slots, so that nothing more is claimed; then whoever is in them. Each step is
//! harmless to repeat.

use crate::appointments::MoveFailed;
use crate::due;
use crate::key::{CLOSURE_PREFIX, Key};
use crate::table::{Item, StoreError, Table, Write, number, send_update, text, to_item};
use domain::appointment::{AppointmentKey, CancelledBy};
use domain::catalog::Doctor;
use domain::clinic::{Clinic, ClinicState, SlotStart};
use domain::closure::{Closure, ClosureKind};
use domain::due::Worker;
use domain::event::Actor;
use domain::id::ClinicId;
use domain::profile::HospitalProfile;
use domain::waitlist::Ended;
use domain::{Timestamp, time};
use std::collections::BTreeSet;

/// A number that is claimed by nobody we can find is looked at again after this time.
const LOOK_AGAIN_S: i64 = 60;
/// Decisions about one clinic read at most.
const CLOSURES_MAX: i32 = 20;
/// How often a decision is written again when somebody else did in between.
const TRIES_MAX: u32 = 5;

/// Why a clinic is not opened again.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// There is none.
    #[error("no such clinic")]
    NotFound,
    /// Not everybody has been cancelled yet.
    #[error("the closing is not finished")]
    StillClosing,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn item_of(closure: &Closure) -> Result<Item, StoreError> {
    let key = Key::closure(&closure.clinic, closure.at);
    let mut item = to_item(&key, closure)?;
    due::stamp(&mut item, &key.pk, &closure.deadlines);
    Ok(item)
}

/// What a run through the slots found.
struct Emptied {
    cancelled: usize,
    /// Nobody is left whom a later run would have to cancel.
    is_empty: bool,
}

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
        self.turn_board(&clinic, ClinicState::Closed, now).await?;
        Ok(Some(clinic))
    }

    /// What lists of the day say of a clinic.
    async fn turn_board(&self, clinic: &Clinic, state: ClinicState, now: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(&Key::board_entry(clinic.date, &clinic.department, &clinic.id))
            .update_expression("SET #state = :state")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state_text(state)));
        send_update(request).await?;
        self.forget_board(clinic.date, &clinic.department, now).await
    }

    /// The clinic at a key of the time index.
    pub async fn clinic_at(&self, key: &Key) -> Result<Option<Clinic>, StoreError> {
        self.get(key).await
    }

    /// The closure at a key of the time index.
    pub async fn closure_at(&self, key: &Key) -> Result<Option<Closure>, StoreError> {
        self.get(key).await
    }

    /// Every decision about a clinic, first come first.
    pub async fn closures(&self, id: &ClinicId) -> Result<Vec<Closure>, StoreError> {
        self.query(&format!("{CLOSURE_PREFIX}{id}"), "", CLOSURES_MAX).await
    }

    /// Writes a decision and closes what it closes; who is in it is the sweeper's work, as is all of it after a crash.
    /// None when there is no such clinic.
    pub async fn decide_closure(&self, closure: &Closure, now: Timestamp) -> Result<Option<Clinic>, StoreError> {
        let Some(clinic) = self.get::<Clinic>(&Key::clinic(&closure.clinic)).await? else { return Ok(None) };
        self.put_new(item_of(closure)?).await?;
        if closure.kind == ClosureKind::Close {
            self.shut(closure, now).await?;
        }
        Ok(Some(clinic))
    }

    /// Clinic, if all of it, and slots: nothing more is claimed or paid for.
    async fn shut(&self, closure: &Closure, now: Timestamp) -> Result<(), StoreError> {
        if closure.from.is_none() {
            self.close_clinic(&closure.clinic, now).await?;
        }
        for start in self.starts(&closure.clinic, closure.from).await? {
            self.close_slot(&Key::slot(&closure.clinic, start)).await?;
        }
        match self.get::<Clinic>(&Key::clinic(&closure.clinic)).await? {
            Some(clinic) => self.forget_board(clinic.date, &clinic.department, now).await,
            None => Ok(()),
        }
    }

    async fn starts(&self, id: &ClinicId, from: Option<SlotStart>) -> Result<Vec<SlotStart>, StoreError> {
        let slots = self.clinic(id).await?.map(|found| found.slots).unwrap_or_default();
        Ok(slots.iter().map(|slot| slot.start).filter(|start| from.is_none_or(|from| *start >= from)).collect())
    }

    /// Goes on with a decision until everybody has been cancelled or told.
    pub async fn work_closure(
        &self,
        profile: &HospitalProfile,
        closure: &Closure,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_finished = match &closure.kind {
            ClosureKind::Close => {
                self.shut(closure, now).await?;
                let actor = Actor::Staff(closure.by.clone());
                let done = self.empty_slots(profile, &closure.clinic, closure.from, Some(closure), &actor, now).await?;
                if closure.from.is_none() {
                    self.end_line(&closure.clinic, Ended::Closed, now).await?;
                }
                done.is_empty
            }
            ClosureKind::Substitute { .. } => self.tell_of_substitute(closure, now).await?,
        };
        self.change_closure(closure, |seen| Some(seen.after_run(is_finished, now))).await
    }

    async fn change_closure(
        &self,
        closure: &Closure,
        decide: impl Fn(&Closure) -> Option<Closure>,
    ) -> Result<(), StoreError> {
        let key = Key::closure(&closure.clinic, closure.at);
        for _ in 0..TRIES_MAX {
            let Some(seen) = self.closure_at(&key).await? else { return Ok(()) };
            let Some(after) = decide(&seen) else { return Ok(()) };
            if let Write::Done = self.put_versioned(item_of(&after)?, seen.ver).await? {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
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
        let closures = self.closures(id).await?;
        let closure = closures.iter().rev().find(|closure| closure.kind == ClosureKind::Close);
        let done = self.empty_slots(profile, id, None, closure, actor, now).await?;
        self.end_line(id, Ended::Closed, now).await?;
        self.stamp_closed_clinic(id, (!done.is_empty).then(|| time::add_seconds(now, LOOK_AGAIN_S))).await?;
        Ok(done.cancelled)
    }

    async fn empty_slots(
        &self,
        profile: &HospitalProfile,
        id: &ClinicId,
        from: Option<SlotStart>,
        closure: Option<&Closure>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Emptied, StoreError> {
        let mut emptied = Emptied { cancelled: 0, is_empty: true };
        for start in self.starts(id, from).await? {
            self.close_slot(&Key::slot(id, start)).await?;
            // Read after closing: who is in it now is everybody.
            let people = self.people_in(id, start).await?;
            if let Some(closure) = closure {
                self.change_closure(closure, |seen| seen.with_people(&people)).await?;
            }
            for key in &people {
                match self.cancel(profile, key, CancelledBy::Hospital, actor, now).await {
                    Ok(_) => emptied.cancelled += 1,
                    // A claim whose appointment is being written this moment, or never will be: its hold ends.
                    Err(MoveFailed::NotFound) => emptied.is_empty = false,
                    // Seen, or over.
                    Err(MoveFailed::Refused(_)) => {}
                    Err(MoveFailed::Store(error)) => return Err(error),
                }
            }
        }
        Ok(emptied)
    }

    async fn people_in(&self, id: &ClinicId, start: SlotStart) -> Result<BTreeSet<AppointmentKey>, StoreError> {
        let Some((slot, date)) = self.slot(id, start).await?.zip(id.date()) else { return Ok(BTreeSet::new()) };
        let people = slot.holders().map(|(id, taken)| (id.clone(), taken.patient.clone()));
        Ok(people.map(|(id, patient)| AppointmentKey { patient, date, id }).collect())
    }

    /// Another doctor takes a clinic over: what pages say of it from now on. Who is booked is told by
    /// [`work_closure`](Self::work_closure).
    pub async fn substitute(&self, clinic: &Clinic, doctor: &Doctor, now: Timestamp) -> Result<(), StoreError> {
        for key in [Key::clinic(&clinic.id), Key::board_entry(clinic.date, &clinic.department, &clinic.id)] {
            let request = self
                .update(&key)
                .update_expression("SET doctor = :doctor, doctor_name = :name, doctor_title = :title")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":doctor", text(doctor.id.as_str()))
                .expression_attribute_values(":name", text(doctor.name.as_str()))
                .expression_attribute_values(":title", text(doctor.title.as_str()));
            send_update(request).await?;
        }
        self.forget_board(clinic.date, &clinic.department, now).await
    }

    /// True when everybody has been told.
    async fn tell_of_substitute(&self, closure: &Closure, now: Timestamp) -> Result<bool, StoreError> {
        let ClosureKind::Substitute { doctor, who } = &closure.kind else { return Ok(true) };
        let mut is_finished = true;
        for start in self.starts(&closure.clinic, closure.from).await? {
            let people = self.people_in(&closure.clinic, start).await?;
            self.change_closure(closure, |seen| seen.with_people(&people)).await?;
            for key in &people {
                let actor = Actor::Staff(closure.by.clone());
                let told = self.write_appointment(key, |seen| {
                    seen.substituted(doctor, who, actor.clone(), now).map_err(MoveFailed::from)
                });
                match told.await {
                    Ok(_) | Err(MoveFailed::Refused(_)) => {}
                    Err(MoveFailed::NotFound) => is_finished = false,
                    Err(MoveFailed::Store(error)) => return Err(error),
                }
            }
        }
        Ok(is_finished)
    }

    /// Opens a closed clinic again (E43): its numbers are free, who was cancelled stays cancelled.
    pub async fn reopen_clinic(&self, id: &ClinicId, now: Timestamp) -> Result<Clinic, ReopenError> {
        let clinic = self.get::<Clinic>(&Key::clinic(id)).await?.ok_or(ReopenError::NotFound)?;
        let closures = self.closures(id).await?;
        if closures.iter().any(|closure| closure.kind == ClosureKind::Close && !closure.is_done()) {
            return Err(ReopenError::StillClosing);
        }
        let request = self
            .update(&Key::clinic(id))
            .update_expression("SET #state = :open")
            // While somebody is left to cancel, the clinic is in the time index.
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(due_at)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":open", text("open"));
        if !send_update(request).await?.is_done() {
            return Err(ReopenError::StillClosing);
        }
        for start in self.starts(id, None).await? {
            if let Some(slot) = self.slot(id, start).await? {
                let closed = |seen: &domain::clinic::Slot| seen.state == ClinicState::Closed;
                self.change_slot(&slot, |seen| closed(seen).then(|| seen.turned(ClinicState::Open))).await?;
            }
        }
        self.turn_board(&clinic, ClinicState::Open, now).await?;
        Ok(Clinic { state: ClinicState::Open, ..clinic })
    }

    /// 限号: at most so many numbers of a slot; nobody who has one loses it (E29). False when there is no such slot.
    pub async fn limit_slot(&self, id: &ClinicId, start: SlotStart, limit: Option<u16>) -> Result<bool, StoreError> {
        let Some(slot) = self.slot(id, start).await? else { return Ok(false) };
        self.change_slot(&slot, |seen| (seen.limit != limit).then(|| seen.limited(limit))).await?;
        Ok(true)
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

fn state_text(state: ClinicState) -> &'static str {
    match state {
        ClinicState::Open => "open",
        ClinicState::Closed => "closed",
    }
}
