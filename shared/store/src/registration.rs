//! 挂号: the writes of a visit in the order that survives a crash after any of them.
//!
//! Claiming goes gate → slot → appointment, each entry with an end of its own. Ending goes the other way, and what
//! carries the deadline is written last: whoever finds the deadline due runs the same steps again, and each of them is
//! harmless to repeat.

use crate::appointments::MoveFailed;
use crate::clinics::{Claimed, hold as hold_of};
use crate::key::Key;
use crate::table::{StoreError, Table};
use domain::appointment::{
    Appointment, AppointmentKey, Booker, CancelledBy, Command, History, MoveError, Place, State, VisitCredit,
};
use domain::booking::{Gate, GateEntry, GateError, Pass, Product, WindowError, window};
use domain::clinic::{Channel, Claim, Clinic, Slot, SlotStart};
use domain::due::{Deadline, Deadlines};
use domain::enrolment::Enrolment;
use domain::event::Actor;
use domain::id::{AppointmentId, OutTradeNo, PatientId};
use domain::money::Fen;
use domain::order::{Cause, Order, OrderState, RefundRequest, Share};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};

/// A number asked for.
#[derive(Clone, Debug)]
pub struct HoldRequest {
    /// Derived from the caller's idempotency key: a repeat is the same appointment.
    pub appointment: AppointmentId,
    /// Who asks.
    pub booker: Booker,
    /// For whom.
    pub patient: PatientId,
    /// The patient's name, masked.
    pub patient_name_masked: String,
    /// The clinic as read a moment ago.
    pub clinic: Clinic,
    /// The slot wanted.
    pub start: SlotStart,
    /// Where it is asked for.
    pub channel: Channel,
    /// How long the number rests should it come back, in minutes: [`RestPolicy::drawn`](domain::booking::RestPolicy::drawn).
    pub rest_min: u16,
    /// The visit it follows up free of charge (复诊). That clinic and day allow it is for the caller to know.
    pub follow_up_of: Option<AppointmentKey>,
}

/// What a number is taken on.
pub(crate) struct Terms<'a> {
    pub(crate) product: Product,
    /// How it stands on the gate.
    pub(crate) pass: Pass,
    /// When the claim ends by itself.
    pub(crate) expires_at: Timestamp,
    /// The appointment it will take the place of: that one does not count.
    pub(crate) instead_of: Option<&'a AppointmentId>,
}

/// Why there is no hold.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Not bookable now.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The person may not.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// Nothing free is left.
    #[error("sold out")]
    SoldOut,
    /// No such slot.
    #[error("no such slot")]
    NoSlot,
    /// The hospital's own system, which gives the numbers, has given this one to somebody else.
    #[error("taken at the hospital")]
    NumberTaken,
    /// The hospital's own system, which gives the numbers, does not answer.
    #[error("the HIS does not answer")]
    HisDown,
    /// The visit cannot be followed up free of charge, or was already.
    #[error("no free follow-up")]
    NoFollowUp,
    /// The same request was made before and its hold is over.
    #[error("this request is over")]
    Over(Box<Appointment>),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Table {
    /// Holds a number for payment: gate, slot, appointment. A free visit is booked at once; where the hospital's own system
    /// gives the numbers, by a repeat once that keeps it.
    pub async fn hold(
        &self,
        profile: &HospitalProfile,
        request: &HoldRequest,
        now: Timestamp,
    ) -> Result<Appointment, HoldError> {
        let key = AppointmentKey {
            patient: request.patient.clone(),
            date: request.clinic.date,
            id: request.appointment.clone(),
        };
        if let Some(made) = self.appointment(&key).await? {
            return match made.state {
                _ if !made.is_live(now) => Err(HoldError::Over(Box::new(made))),
                State::Held { .. } if made.payable().is_zero() && !made.awaits_lock() => {
                    self.book_free_visit(profile, made, now).await
                }
                _ => Ok(made),
            };
        }
        let product = window(&request.clinic, request.start, &profile.booking, now)?;
        let slot = self.slot(&request.clinic.id, request.start).await?.ok_or(HoldError::NoSlot)?;
        if slot.free_for(request.channel, now).is_empty() && slot.holder(&request.appointment).is_none() {
            // Sold out is the common answer of a rush: no write at all.
            return Err(HoldError::SoldOut);
        }
        if let Some(visit) = &request.follow_up_of {
            self.follow_up(visit, &key, &request.booker, now).await?;
        }
        // Never longer than the slot itself: nobody pays for a turn that is over.
        let expires_at =
            time::add_minutes(now, profile.booking.hold_min).min(request.start.end_instant(request.clinic.date));
        let terms = Terms { product, pass: Pass::Held { expires_at }, expires_at, instead_of: None };
        let number = self.take_number(profile, request, &slot, &terms, now).await?;
        let appointment = self.create_appointment(&appointment_of(profile, request, number, expires_at, now)).await?;
        if appointment.payable().is_zero() && !appointment.awaits_lock() {
            return self.book_free_visit(profile, appointment, now).await;
        }
        Ok(appointment)
    }

    /// Takes a number: the gate first, then the slot. What is refused leaves nothing behind.
    pub(crate) async fn take_number(
        &self,
        profile: &HospitalProfile,
        request: &HoldRequest,
        slot: &Slot,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<u16, HoldError> {
        // Boxed: it is the larger part of every caller's future, and soon over.
        Box::pin(self.pass_gate_for(profile, request, terms, now)).await?;
        match self.claim(slot, request, terms.expires_at, now).await {
            Ok(number) => Ok(number),
            // The claim may have been made all the same: the gate entry stays, with an end of its own.
            Err(HoldError::Store(error)) => Err(error.into()),
            Err(refusal) => {
                // Without this the entry would keep the person out until the hold it never got runs out.
                self.leave_gate(&request.patient, &request.appointment).await?;
                Err(refusal)
            }
        }
    }

    /// Notes on the person's gate that a number is about to be taken, if account and person may have one more.
    pub(crate) async fn pass_gate_for(
        &self,
        profile: &HospitalProfile,
        request: &HoldRequest,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<(), HoldError> {
        self.account_may_book(profile, request, terms.product, now).await?;
        let entry = gate_entry(&request.clinic, request.start, terms.pass);
        let seen = self.live_gate(&Key::gate(&request.patient)).await?;
        let stale = self.stale_entries(&seen.gate, now).await?;
        let (judge, is_online) = (profile.judge(), request.booker.account().is_some());
        let decide = |gate: &Gate| {
            let mut gate = gate.tidied(&stale, time::today(now));
            if is_online {
                gate.admits_online(request.clinic.kind, now)?;
            }
            let others = terms.instead_of.map_or_else(|| gate.clone(), |left| gate.left_by(left));
            let limits = &profile.booking.limits;
            others.admits(&request.appointment, &request.clinic, terms.product, limits, &judge, now)?;
            gate.entries.insert(request.appointment.clone(), entry.clone());
            Ok::<_, HoldError>(Some(gate))
        };
        self.change_gate_seen(seen, decide).await.map(drop)
    }

    /// What the account itself has on record, whomever it books for.
    async fn account_may_book(
        &self,
        profile: &HospitalProfile,
        request: &HoldRequest,
        product: Product,
        now: Timestamp,
    ) -> Result<(), HoldError> {
        let Some(account) = request.booker.account() else { return Ok(()) };
        let gate = self.account_gate(account).await?;
        gate.admits_online(request.clinic.kind, now)?;
        let standing = profile.account_judge().map(|judge| judge.standing(&gate.record, now));
        match standing.as_ref().and_then(|standing| standing.bars(request.clinic.kind, product)) {
            Some(ban) => Err(GateError::AccountNoAdvanceBooking(*ban).into()),
            None => Ok(()),
        }
    }

    /// Notes on a visit which free visit follows it up; one that came to nothing makes room for another.
    async fn follow_up(
        &self,
        visit: &AppointmentKey,
        next: &AppointmentKey,
        booker: &Booker,
        now: Timestamp,
    ) -> Result<(), HoldError> {
        let seen = self.appointment(visit).await?.ok_or(HoldError::NoFollowUp)?;
        let is_used = match &seen.history.followed_up_by {
            Some(before) if before != next => {
                self.appointment(before).await?.is_some_and(|before| before.is_live(now) || before.was_visit())
            }
            _ => false,
        };
        // In the consulting room the next visit is taken before this one has ended.
        let took_place = match seen.state {
            State::Fulfilled => true,
            State::CheckedIn => booker.account().is_none(),
            _ => false,
        };
        if is_used || !took_place || seen.patient != next.patient {
            return Err(HoldError::NoFollowUp);
        }
        let noted = self.write_appointment(visit, |visit| {
            if visit.history.followed_up_by != seen.history.followed_up_by {
                return Err(MoveFailed::Refused(MoveError::Illegal));
            }
            let history = Box::new(History { followed_up_by: Some(next.clone()), ..(*visit.history).clone() });
            Ok(Appointment { history, ver: visit.ver + 1, ..visit.clone() })
        });
        match noted.await {
            Ok(_) => Ok(()),
            Err(MoveFailed::Store(error)) => Err(error.into()),
            Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => Err(HoldError::NoFollowUp),
        }
    }

    async fn claim(
        &self,
        slot: &Slot,
        request: &HoldRequest,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<u16, HoldError> {
        let taken = |number| hold_of(&request.patient, number, expires_at, request.rest_min);
        let probe =
            request.appointment.as_str().bytes().fold(0_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        match self.claim_number(slot, &request.appointment, taken, probe, request.channel, now).await? {
            Claimed::Number(number) => Ok(number),
            Claimed::SoldOut => Err(HoldError::SoldOut),
            Claimed::Closed => Err(HoldError::Window(WindowError::Closed)),
            Claimed::NotReleased => Err(HoldError::Window(WindowError::NotReleased(slot.release_at))),
        }
    }

    /// Gate entries whose hold has run out and whose slot no longer knows them: a crash left them behind.
    async fn stale_entries(&self, gate: &Gate, now: Timestamp) -> Result<Vec<AppointmentId>, StoreError> {
        let mut stale = Vec::new();
        for (id, entry) in gate.doubtful(now) {
            let slot = self.slot(&entry.clinic, entry.start).await?;
            if slot.is_none_or(|slot| slot.holder(id).is_none()) {
                stale.push(id.clone());
            }
        }
        Ok(stale)
    }

    async fn book_free_visit(
        &self,
        profile: &HospitalProfile,
        held: Appointment,
        now: Timestamp,
    ) -> Result<Appointment, HoldError> {
        let actor = held.booker.actor();
        self.pass_gate(&held, now).await?;
        let booked = match self.move_appointment(&held.key(), Command::Book, &actor, profile.cancel, now).await {
            Ok(booked) => booked,
            Err(MoveFailed::Refused(MoveError::AlreadyDone)) => held,
            Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => return Err(HoldError::Over(Box::new(held))),
            Err(MoveFailed::Store(error)) => return Err(error.into()),
        };
        // Last, for the slot's hold carries the deadline: the sweeper finds it and keeps the number of a booked visit.
        self.keep_number(&booked.place.clinic, booked.place.start, &booked.id).await?;
        Ok(booked)
    }

    /// Marks the person's gate as passed for a paid number.
    pub(crate) async fn pass_gate(&self, appointment: &Appointment, now: Timestamp) -> Result<(), StoreError> {
        let entry = entry_of(&appointment.place, Pass::Booked);
        self.change_gate(&Key::gate(&appointment.patient), |gate: &Gate| {
            if gate.entries.get(&appointment.id) == Some(&entry) {
                return Ok(None);
            }
            let mut gate = gate.tidied(&[], time::today(now));
            gate.entries.insert(appointment.id.clone(), entry.clone());
            Ok(Some(gate))
        })
        .await
        .map(drop)
    }

    /// Cancels an appointment and gives back what hangs on it. An unpaid one whose order may still be paid is released
    /// by the sweeper, after WeChat has closed the order.
    pub async fn cancel(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        by: CancelledBy,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Appointment, MoveFailed> {
        let cancelled = match self.move_appointment(key, Command::Cancel(by), actor, profile.cancel, now).await {
            Err(MoveFailed::Refused(MoveError::AlreadyDone)) => {
                return self.appointment(key).await?.ok_or(MoveFailed::NotFound);
            }
            other => other?,
        };
        // Best effort now, by the sweeper otherwise: the deadline is on the appointment.
        if let Err(error) = self.release_cancelled(profile, &cancelled, now).await {
            tracing::warn!(%error, "release after cancellation is left to the sweeper");
        }
        Ok(cancelled)
    }

    /// What follows a cancellation: the gate, the money, the number, then the deadline. An order that WeChat may still
    /// take money for keeps everything as it is: it must be closed first.
    pub async fn release_cancelled(
        &self,
        profile: &HospitalProfile,
        cancelled: &Appointment,
        now: Timestamp,
    ) -> Result<Released, StoreError> {
        // A cancelled appointment is never booked, so the person is free at once; only the number may have to wait.
        match cancelled.strike() {
            Some(_) => drop(self.put_on_record(profile, cancelled, now).await?),
            None => self.leave_gate(&cancelled.patient, &cancelled.id).await?,
        }
        let order = self.order(&cancelled.out_trade_no()).await?;
        if let Some(order) = order.filter(|order| order.appointment_key() == Some(cancelled.key())) {
            match order.state {
                OrderState::AwaitingPay => return Ok(Released::OrderOpen(Box::new(order))),
                OrderState::Paid { .. } => self.refund_visit(&order.out_trade_no, &cancelled.key(), now).await?,
                OrderState::Closed => {}
            }
        }
        self.release_number(cancelled, now).await?;
        self.clear_deadline(&cancelled.key(), Deadline::Release).await?;
        Ok(Released::Done)
    }

    async fn refund_visit(&self, no: &OutTradeNo, visit: &AppointmentKey, now: Timestamp) -> Result<(), StoreError> {
        let by = visit_off(&Actor::Schedule);
        self.move_order_if(no, |order| order.of(visit)?.refund(&by, now)).await.map(drop)
    }

    pub(crate) async fn release_number(&self, appointment: &Appointment, now: Timestamp) -> Result<(), StoreError> {
        let place = &appointment.place;
        match self.slot(&place.clinic, place.start).await? {
            Some(slot) => self.free_number(&slot, &appointment.id, now).await,
            None => Ok(()),
        }
    }

    /// Ends a hold that ran out, once WeChat can no longer take money for it: the appointment, the gate, then the
    /// number, whose slot carries the deadline.
    pub async fn expire_hold(
        &self,
        profile: &HospitalProfile,
        slot: &Slot,
        key: &AppointmentKey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.move_appointment(key, Command::Expire, &Actor::Schedule, profile.cancel, now).await {
            Err(MoveFailed::Store(error)) => return Err(error),
            // Expired, whatever the gate says: a free visit may have passed it and then not been booked.
            Ok(_) | Err(MoveFailed::NotFound | MoveFailed::Refused(MoveError::AlreadyDone)) => {
                self.leave_gate(&key.patient, &key.id).await?;
            }
            // Booked or cancelled in between: the number has an owner or another way out.
            Err(MoveFailed::Refused(_)) => self.leave_gate_unless_booked(&key.patient, &key.id).await?,
        }
        match slot.taken.get(&key.id).map(|taken| taken.claim) {
            Some(Claim::Held { .. }) => self.free_number(slot, &key.id, now).await,
            Some(Claim::Booked | Claim::Resting { .. }) | None => Ok(()),
        }
    }

    /// Gives up a hold before anybody could pay for it: the appointment, the gate, the number. What is left of it after a
    /// crash ends with the hold. `is_taken`: somebody at the hospital has the number.
    pub async fn drop_hold(
        &self,
        profile: &HospitalProfile,
        held: &Appointment,
        is_taken: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.move_appointment(&held.key(), Command::Drop, &Actor::Schedule, profile.cancel, now).await {
            Ok(_) | Err(MoveFailed::Refused(MoveError::AlreadyDone)) => {}
            // Paid, cancelled or gone in between.
            Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => return Ok(()),
            Err(MoveFailed::Store(error)) => return Err(error),
        }
        self.leave_gate(&held.patient, &held.id).await?;
        let Some(slot) = self.slot(&held.place.clinic, held.place.start).await? else { return Ok(()) };
        // Nobody could have paid for it: there is nothing that its rest would keep from being passed on.
        let change = |seen: &Slot| if is_taken { seen.lost(&held.id) } else { seen.freed(&held.id) };
        self.change_slot(&slot, change).await.map(drop)
    }

    /// Takes a number out of what can be had here: somebody at the hospital has it. Harmless to repeat.
    pub async fn lose_number(&self, appointment: &Appointment) -> Result<(), StoreError> {
        let place = &appointment.place;
        let Some(slot) = self.slot(&place.clinic, place.start).await? else { return Ok(()) };
        self.change_slot(&slot, |seen| seen.lost(&appointment.id)).await.map(drop)
    }

    async fn leave_gate_unless_booked(
        &self,
        patient: &PatientId,
        appointment: &AppointmentId,
    ) -> Result<(), StoreError> {
        self.change_gate(&Key::gate(patient), |gate| {
            let held = gate.entries.get(appointment).is_some_and(|entry| entry.pass != Pass::Booked);
            let mut after = gate.clone();
            after.entries.remove(appointment);
            Ok(held.then_some(after))
        })
        .await
        .map(drop)
    }
}

/// Everything of a visit that will not take place goes back.
pub(crate) fn visit_off(by: &Actor) -> RefundRequest {
    let (share, cause) = (Share::Everything, Cause::VisitOff);
    RefundRequest { share, cause, by: by.clone(), key: None, needs_checker: false }
}

/// What became of giving back a cancelled appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// All of it.
    Done,
    /// WeChat may still take money for this order: close it, then try again.
    OrderOpen(Box<Order>),
}

pub(crate) fn gate_entry(clinic: &Clinic, start: SlotStart, pass: Pass) -> GateEntry {
    GateEntry {
        clinic: clinic.id.clone(),
        start,
        date: clinic.date,
        department: clinic.department.clone(),
        doctor: clinic.doctor.clone(),
        pass,
    }
}

pub(crate) fn appointment_of(
    profile: &HospitalProfile,
    request: &HoldRequest,
    number: u16,
    expires_at: Timestamp,
    now: Timestamp,
) -> Appointment {
    let clinic = &request.clinic;
    Appointment {
        id: request.appointment.clone(),
        patient: request.patient.clone(),
        patient_name_masked: request.patient_name_masked.clone(),
        booker: request.booker.clone(),
        place: place_of(clinic, request.start, number),
        fee: if request.follow_up_of.is_some() { Fen::ZERO } else { clinic.fee },
        pay_attempt: 1,
        state: State::Held { expires_at },
        deadlines: Deadlines::none(),
        ev: None,
        credit: VisitCredit::default(),
        enrolment: Box::new(Enrolment { owner: profile.numbers.owner, ..Enrolment::default() }),
        history: Box::new(History { follow_up_of: request.follow_up_of.clone(), ..History::default() }),
        created_at: now,
        ver: 1,
    }
    .planned(now)
}

/// Where and when a number of a clinic is.
pub(crate) fn place_of(clinic: &Clinic, start: SlotStart, number: u16) -> Place {
    Place {
        clinic: clinic.id.clone(),
        date: clinic.date,
        period: clinic.period,
        start,
        number,
        kind: clinic.kind,
        department: clinic.department.clone(),
        department_name: clinic.department_name.clone(),
        doctor: clinic.doctor.clone(),
        who: clinic.who_text(),
        room: clinic.room.clone(),
        campus: clinic.campus.clone(),
    }
}

/// What stands on the gate for a number.
pub(crate) fn entry_of(place: &Place, pass: Pass) -> GateEntry {
    GateEntry {
        clinic: place.clinic.clone(),
        start: place.start,
        date: place.date,
        department: place.department.clone(),
        doctor: place.doctor.clone(),
        pass,
    }
}
