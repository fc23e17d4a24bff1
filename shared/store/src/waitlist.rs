//! 候补: the line of those who wait for a number of a clinic, and the offer of a number that came back.
//!
//! An offer is an appointment held on the patient's behalf, made like any hold: gate, slot, appointment; it is paid, refused
//! and ends like any other. The slot's write passes a rested number from who gave it back to who is offered it, so that it
//! is never free in between, and never offered twice.

use crate::due;
use crate::key::Key;
use crate::registration::{HoldError, HoldRequest, Terms, appointment_of};
use crate::table::{Item, StoreError, Table, Write, to_item};
use domain::appointment::{Appointment, AppointmentKey, Booker, History, NOTIFY_WITHIN_S};
use domain::booking::{GateError, Pass, Product};
use domain::clinic::{Channel, Claim, Clinic, ClinicState, Slot, Taken};
use domain::due::{Deadline, Deadlines};
use domain::event::{Actor, EventKind, ItemEvent};
use domain::id::{AppointmentId, ClinicId, PatientId};
use domain::profile::HospitalProfile;
use domain::waitlist::{Ended, LOOK_AFTER_S, Ticket, WAITING_MAX, Waiting, WaitlistError};
use domain::{Timestamp, time};
use futures_util::future::try_join_all;

/// People read of one line at once.
pub const LINE_SHOWN_MAX: i32 = 200;

/// Why somebody does not wait.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Not for this clinic, or not now.
    #[error(transparent)]
    Rule(#[from] WaitlistError),
    /// The person may not have a number of this clinic anyhow.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn key_of(waiting: &Waiting) -> Key {
    Key::waiting(&waiting.clinic.id, &waiting.ticket)
}

fn item_of(waiting: &Waiting) -> Result<Item, StoreError> {
    let key = key_of(waiting);
    let mut item = to_item(&key, waiting)?;
    due::stamp(&mut item, &key.pk, &waiting.deadlines);
    Ok(item)
}

impl Table {
    /// Puts somebody in line, once per person and clinic: the gate first, which knows the place. Whoever stands there
    /// already keeps the place they have.
    pub async fn join_waitlist(
        &self,
        profile: &HospitalProfile,
        waiting: &Waiting,
        clinic: &Clinic,
        now: Timestamp,
    ) -> Result<Waiting, JoinError> {
        profile.booking.waitlist.admits(clinic, now)?;
        self.change_gate(&Key::gate(&waiting.patient), |gate| {
            if gate.waiting.contains_key(&clinic.id) {
                return Ok(None);
            }
            let mut gate = gate.tidied(&[], time::today(now));
            let limits = &profile.booking.limits;
            match gate.admits(&waiting.offer, clinic, Product::Advance, limits, &profile.judge(), now) {
                // Paying for another number now does not keep anybody from waiting for this one.
                Ok(()) | Err(GateError::UnpaidHold) => {}
                Err(why) => return Err(JoinError::Gate(why)),
            }
            if gate.waiting.len() >= WAITING_MAX {
                return Err(WaitlistError::TooMany.into());
            }
            gate.waiting.insert(clinic.id.clone(), waiting.ticket.clone());
            Ok(Some(gate))
        })
        .await?;
        let ticket = self.ticket(&waiting.patient, &clinic.id).await?.unwrap_or_else(|| waiting.ticket.clone());
        let look = Deadlines::none().with(Deadline::Waitlist, time::add_seconds(now, LOOK_AFTER_S));
        let place = Waiting { ticket, deadlines: look, ver: 1, ..waiting.clone() };
        match self.put_new(item_of(&place)?).await? {
            Write::Done | Write::Refused(None) => Ok(place),
            Write::Refused(Some(there)) => Ok(crate::table::from_item(there)?),
        }
    }

    /// A person's place in the line of a clinic.
    async fn ticket(&self, patient: &PatientId, clinic: &ClinicId) -> Result<Option<Ticket>, StoreError> {
        Ok(self.gate(patient).await?.waiting.get(clinic).cloned())
    }

    /// Somebody's place in the line of a clinic, and how many are before them.
    pub async fn place_in_line(
        &self,
        patient: &PatientId,
        clinic: &ClinicId,
    ) -> Result<Option<(Waiting, usize)>, StoreError> {
        let Some(ticket) = self.ticket(patient, clinic).await? else { return Ok(None) };
        let line = self.line(clinic).await?;
        let ahead = line.iter().filter(|other| other.ended.is_none() && other.ticket < ticket).count();
        let mine = line.into_iter().find(|other| other.ticket == ticket && other.ended.is_none());
        Ok(mine.map(|mine| (mine, ahead)))
    }

    /// Where a person waits for a number: places that have not ended, by day.
    pub async fn places_of(&self, patient: &PatientId) -> Result<Vec<Waiting>, StoreError> {
        let gate = self.gate(patient).await?;
        let keys: Vec<Key> = gate.waiting.iter().map(|(clinic, ticket)| Key::waiting(clinic, ticket)).collect();
        let read = try_join_all(keys.iter().map(|key| self.get::<Waiting>(key))).await?;
        let mut places: Vec<Waiting> = read.into_iter().flatten().collect();
        places.retain(|place| place.ended.is_none());
        places.sort_by_key(|place| place.clinic.date);
        Ok(places)
    }

    /// Everybody in the line of a clinic, first come first.
    pub async fn line(&self, clinic: &ClinicId) -> Result<Vec<Waiting>, StoreError> {
        let first = Key::new(format!("{}{clinic}", crate::key::WAITLIST_PREFIX), "");
        self.query(&first.pk, "", LINE_SHOWN_MAX).await
    }

    /// The place at a key of the time index or of an event.
    pub async fn waiting_at(&self, key: &Key) -> Result<Option<Waiting>, StoreError> {
        self.get(key).await
    }

    /// Takes somebody out of the line of a clinic. Harmless to repeat.
    pub async fn leave_waitlist(&self, patient: &PatientId, clinic: &ClinicId) -> Result<(), StoreError> {
        if let Some(ticket) = self.ticket(patient, clinic).await? {
            self.take(&Key::waiting(clinic, &ticket)).await?;
        }
        self.forget_waiting(patient, clinic).await
    }

    async fn forget_waiting(&self, patient: &PatientId, clinic: &ClinicId) -> Result<(), StoreError> {
        self.change_gate(&Key::gate(patient), |gate| {
            let mut after = gate.clone();
            Ok(after.waiting.remove(clinic).map(|_| after))
        })
        .await
        .map(drop)
    }

    /// Ends everybody's waiting for a closed clinic; each is told.
    pub async fn end_line(&self, clinic: &ClinicId, why: Ended, now: Timestamp) -> Result<(), StoreError> {
        for waiting in self.line(clinic).await? {
            self.end_waiting(&waiting, why, now).await?;
        }
        Ok(())
    }

    async fn end_waiting(&self, waiting: &Waiting, why: Ended, now: Timestamp) -> Result<(), StoreError> {
        if let Some(after) = waiting.ended(why, now) {
            // Somebody who has just left, or been offered a number, is not told that it is over.
            self.put_versioned(item_of(&after)?, waiting.ver).await?;
        }
        self.forget_waiting(&waiting.patient, &waiting.clinic.id).await
    }

    /// Takes a place away whose end has been told.
    pub async fn forget_ended(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.take_version(&key_of(waiting), waiting.ver).await
    }

    /// The end of a place is in the queue of messages: nothing is due of it any more. The message takes it away.
    pub async fn tell_of_end_later(&self, waiting: &Waiting) -> Result<(), StoreError> {
        let after = Waiting { deadlines: Deadlines::none(), ver: waiting.ver + 1, ..waiting.clone() };
        self.put_versioned(item_of(&after)?, waiting.ver).await.map(drop)
    }

    /// A place that is due: a number that became free while somebody joined is offered, or the list has ended.
    pub async fn look_at_waiting(
        &self,
        profile: &HospitalProfile,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(found) = self.clinic(&waiting.clinic.id).await? else {
            return self.end_waiting(waiting, Ended::Closed, now).await;
        };
        let policy = &profile.booking.waitlist;
        if found.clinic.state == ClinicState::Closed {
            return self.end_waiting(waiting, Ended::Closed, now).await;
        }
        if policy.ends_at(waiting.clinic.date) <= now {
            return self.end_waiting(waiting, Ended::NoNumber, now).await;
        }
        let wanted = |slot: &&Slot| waiting.wants(slot.start) && slot.state == ClinicState::Open;
        for slot in found.slots.iter().filter(wanted) {
            if slot.free_for(Channel::Wechat, now).is_empty() {
                continue;
            }
            if self.offer(profile, waiting, &found.clinic, slot, Source::Free, now).await? {
                return Ok(());
            }
        }
        self.put_versioned(item_of(&waiting.looked_at(policy))?, waiting.ver).await.map(drop)
    }

    /// Ends the rest of a number: the first in line who may have it is offered it, else it is free for everybody. Harmless
    /// to repeat.
    pub async fn pass_on(
        &self,
        profile: &HospitalProfile,
        slot: &Slot,
        rested: &AppointmentId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let line = if may_offer(profile, slot, now) { self.line(&slot.clinic).await? } else { Vec::new() };
        let mut wanting = line.iter().filter(|waiting| waiting.wants(slot.start)).peekable();
        if wanting.peek().is_some()
            && let Some(clinic) = self.get::<Clinic>(&Key::clinic(&slot.clinic)).await?
        {
            for waiting in wanting {
                if self.offer(profile, waiting, &clinic, slot, Source::Rested(rested), now).await? {
                    return Ok(());
                }
            }
        }
        self.end_rest(slot, rested, now).await
    }

    /// Holds a number for somebody who waits; false when they may not have it, or it is gone.
    async fn offer(
        &self,
        profile: &HospitalProfile,
        waiting: &Waiting,
        clinic: &Clinic,
        slot: &Slot,
        source: Source<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(expires_at) = profile.booking.waitlist.offer_until(clinic.date, now) else { return Ok(false) };
        let key = AppointmentKey { patient: waiting.patient.clone(), date: clinic.date, id: waiting.offer.clone() };
        if self.appointment(&key).await?.is_none() {
            let request = request_of(waiting, clinic, slot);
            let terms =
                Terms { product: Product::Advance, pass: Pass::Offered { expires_at }, expires_at, instead_of: None };
            let number = match source {
                Source::Free => self.take_number(profile, &request, slot, &terms, now).await,
                Source::Rested(rested) => {
                    let taken = Taken {
                        patient: waiting.patient.clone(),
                        number: slot.taken.get(rested).map_or(0, |taken| taken.number),
                        claim: Claim::Held { expires_at },
                        rest_min: 0,
                    };
                    self.take_rested(profile, &request, slot, rested, &taken, &terms, now).await
                }
            };
            let number = match number {
                Ok(number) => number,
                Err(HoldError::Store(error)) => return Err(error),
                // Not this one: another number of the clinic, a ban, or the number is gone.
                Err(_) => return Ok(false),
            };
            let held = offered(appointment_of(profile, &request, number, expires_at, now), now);
            self.create_appointment(&held).await?;
        }
        self.leave_waitlist(&waiting.patient, &clinic.id).await?;
        Ok(true)
    }
}

/// Whether there is time left for an offer; asked before the line is read.
fn may_offer(profile: &HospitalProfile, slot: &Slot, now: Timestamp) -> bool {
    let date = slot.clinic.date();
    let in_time = date.is_some_and(|date| profile.booking.waitlist.offer_until(date, now).is_some());
    in_time && slot.state == ClinicState::Open
}

/// Where an offered number comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// It is free.
    Free,
    /// It has rested since this appointment gave it back.
    Rested(&'a AppointmentId),
}

fn request_of(waiting: &Waiting, clinic: &Clinic, slot: &Slot) -> HoldRequest {
    HoldRequest {
        appointment: waiting.offer.clone(),
        booker: Booker::Account(waiting.account.clone()),
        patient: waiting.patient.clone(),
        patient_name_masked: waiting.patient_name_masked.clone(),
        clinic: clinic.clone(),
        start: slot.start,
        channel: Channel::Wechat,
        // Who says no passes it on at once.
        rest_min: 0,
        follow_up_of: None,
    }
}

/// The appointment as an offer: the patient is told, by the stream or by the deadline.
fn offered(held: Appointment, now: Timestamp) -> Appointment {
    let ev = ItemEvent { seq: 1, kind: EventKind::WaitlistOffered, actor: Actor::Schedule, at: now };
    let notify_at = time::add_seconds(now, NOTIFY_WITHIN_S);
    Appointment {
        ev: Some(ev),
        deadlines: Deadlines::none().with(Deadline::Notify, notify_at),
        history: Box::new(History { offered: true, ..(*held.history).clone() }),
        ..held
    }
    .planned(now)
}

impl Table {
    /// As [`take_number`](Self::take_number), of a number that rests.
    #[expect(clippy::too_many_arguments, reason = "what is offered to whom, and on what")]
    async fn take_rested(
        &self,
        profile: &HospitalProfile,
        request: &HoldRequest,
        slot: &Slot,
        rested: &AppointmentId,
        taken: &Taken,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<u16, HoldError> {
        self.pass_gate_for(profile, request, terms, now).await?;
        let over = |seen: &Slot| seen.rested(now).contains(rested);
        let passed = self.change_slot(slot, |seen| {
            over(seen).then(|| seen.passed_on(rested, &request.appointment, taken.clone())).flatten()
        });
        let is_ours = passed.await? || self.holds(slot, request).await?;
        if is_ours {
            return Ok(taken.number);
        }
        self.leave_gate(&request.patient, &request.appointment).await?;
        Err(HoldError::SoldOut)
    }

    /// Whether an earlier try has passed the number on already.
    async fn holds(&self, slot: &Slot, request: &HoldRequest) -> Result<bool, StoreError> {
        let now_there = self.slot(&slot.clinic, slot.start).await?;
        Ok(now_there.is_some_and(|slot| slot.holder(&request.appointment).is_some()))
    }
}
