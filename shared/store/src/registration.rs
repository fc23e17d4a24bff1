//! 挂号: the writes of a visit in the order that survives a crash after any of them.
//!
//! Claiming goes gate → slot → appointment, each entry with an end of its own. Ending goes the other way, and what
//! carries the deadline is written last: whoever finds the deadline due runs the same steps again, and each of them is
//! harmless to repeat.

use crate::appointments::MoveFailed;
use crate::clinics::{Claimed, hold as hold_of};
use crate::table::{StoreError, Table};
use domain::appointment::{Appointment, AppointmentKey, Booker, CancelledBy, Command, MoveError, Place, State};
use domain::booking::{Gate, GateEntry, GateError, Pass, WindowError, window};
use domain::clinic::{Channel, Claim, Clinic, Slot, SlotStart};
use domain::due::{Deadline, Deadlines};
use domain::event::Actor;
use domain::id::{AppointmentId, OutTradeNo, PatientId};
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
    /// The same request was made before and its hold is over.
    #[error("this request is over")]
    Over(Box<Appointment>),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Table {
    /// Holds a number for payment: gate, slot, appointment. A free visit is booked at once.
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
                State::Held { .. } if made.payable().is_zero() => self.book_free_visit(profile, made, now).await,
                _ => Ok(made),
            };
        }
        let product = window(&request.clinic, request.start, &profile.booking, now)?;
        let slot = self.slot(&request.clinic.id, request.start).await?.ok_or(HoldError::NoSlot)?;
        if slot.free_for(request.channel, now).is_empty() && slot.holder(&request.appointment).is_none() {
            // Sold out is the common answer of a rush: no write at all.
            return Err(HoldError::SoldOut);
        }
        // Never longer than the slot itself: nobody pays for a turn that is over.
        let expires_at =
            time::add_minutes(now, profile.booking.hold_min).min(request.start.end_instant(request.clinic.date));
        let entry = gate_entry(&request.clinic, request.start, Pass::Held { expires_at });
        let gate = self.gate(&request.patient).await?;
        let stale = self.stale_entries(&gate, now).await?;
        self.change_gate_seen(&request.patient, gate, |gate| {
            let mut gate = gate.tidied(&stale, time::today(now));
            gate.admits(&request.appointment, &request.clinic, product, &profile.booking.limits, profile.credit)?;
            gate.entries.insert(request.appointment.clone(), entry.clone());
            Ok::<_, HoldError>(Some(gate))
        })
        .await?;
        let number = match self.claim(&slot, request, expires_at, now).await {
            Ok(number) => number,
            // The claim may have been made all the same: the gate entry stays, with an end of its own.
            Err(HoldError::Store(error)) => return Err(error.into()),
            Err(refusal) => {
                // Without this the entry would keep the person out until the hold it never got runs out.
                self.leave_gate(&request.patient, &request.appointment).await?;
                return Err(refusal);
            }
        };
        let appointment = self.create_appointment(&appointment_of(request, number, expires_at, now)).await?;
        if appointment.payable().is_zero() {
            return self.book_free_visit(profile, appointment, now).await;
        }
        Ok(appointment)
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
        let place = &appointment.place;
        let entry = GateEntry {
            clinic: place.clinic.clone(),
            start: place.start,
            date: place.date,
            department: place.department.clone(),
            doctor: place.doctor.clone(),
            pass: Pass::Booked,
        };
        self.change_gate(&appointment.patient, |gate: &Gate| {
            if gate.entries.get(&appointment.id) == Some(&entry) {
                return Ok(None);
            }
            let mut gate = gate.tidied(&[], time::today(now));
            gate.entries.insert(appointment.id.clone(), entry.clone());
            Ok(Some(gate))
        })
        .await
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
        if let Err(error) = self.release_cancelled(&cancelled, now).await {
            tracing::warn!(%error, "release after cancellation is left to the sweeper");
        }
        Ok(cancelled)
    }

    /// What follows a cancellation: the gate, the money, the number, then the deadline. An order that WeChat may still
    /// take money for keeps everything as it is: it must be closed first.
    pub async fn release_cancelled(&self, cancelled: &Appointment, now: Timestamp) -> Result<Released, StoreError> {
        // A cancelled appointment is never booked, so the person is free at once; only the number may have to wait.
        self.leave_gate(&cancelled.patient, &cancelled.id).await?;
        let order = self.order(&cancelled.out_trade_no()).await?;
        if let Some(order) = order.filter(|order| order.appointment_key() == Some(cancelled.key())) {
            match order.state {
                OrderState::AwaitingPay => return Ok(Released::OrderOpen(Box::new(order))),
                OrderState::Paid { .. } => self.refund_visit(&order.out_trade_no, now).await?,
                OrderState::Closed => {}
            }
        }
        self.release_number(cancelled, now).await?;
        self.clear_deadline(&cancelled.key(), Deadline::Release).await?;
        Ok(Released::Done)
    }

    async fn refund_visit(&self, no: &OutTradeNo, now: Timestamp) -> Result<(), StoreError> {
        self.move_order_if(no, |order| order.refund(&visit_off(&Actor::Schedule), now)).await.map(drop)
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

    async fn leave_gate_unless_booked(
        &self,
        patient: &PatientId,
        appointment: &AppointmentId,
    ) -> Result<(), StoreError> {
        self.change_gate(patient, |gate| {
            let held = gate.entries.get(appointment).is_some_and(|entry| entry.pass != Pass::Booked);
            let mut after = gate.clone();
            after.entries.remove(appointment);
            Ok(held.then_some(after))
        })
        .await
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

fn gate_entry(clinic: &Clinic, start: SlotStart, pass: Pass) -> GateEntry {
    GateEntry {
        clinic: clinic.id.clone(),
        start,
        date: clinic.date,
        department: clinic.department.clone(),
        doctor: clinic.doctor.clone(),
        pass,
    }
}

fn appointment_of(request: &HoldRequest, number: u16, expires_at: Timestamp, now: Timestamp) -> Appointment {
    let clinic = &request.clinic;
    Appointment {
        id: request.appointment.clone(),
        patient: request.patient.clone(),
        patient_name_masked: request.patient_name_masked.clone(),
        booker: request.booker.clone(),
        place: Place {
            clinic: clinic.id.clone(),
            date: clinic.date,
            period: clinic.period,
            start: request.start,
            number,
            kind: clinic.kind,
            department: clinic.department.clone(),
            department_name: clinic.department_name.clone(),
            doctor: clinic.doctor.clone(),
            who: clinic.who_text(),
            room: clinic.room.clone(),
            campus: clinic.campus.clone(),
        },
        fee: clinic.fee,
        pay_attempt: 1,
        state: State::Held { expires_at },
        deadlines: Deadlines::none(),
        ev: None,
        created_at: now,
        ver: 1,
    }
}
