//! 挂号: the writes of a visit in the order that survives a crash after any of them.
//!
//! Claiming goes gate → slot → appointment, each entry with an end of its own. Ending goes the other way, and what
//! carries the deadline is written last: whoever finds the deadline due runs the same steps again, and each of them is
//! harmless to repeat.

use crate::appointments::MoveFailed;
use crate::books::BookError;
use crate::clinics::{Claimed, Kept, hold as hold_of};
use crate::key::Key;
use crate::orders::OrderFailed;
use crate::table::{StoreError, Table};
use domain::appointment::{
    Appointment, AppointmentKey, Booker, CancelledBy, Command, MoveError, Place, RefusedWhy, State,
};
use domain::booking::{Gate, GateEntry, GateError, Pass, WindowError, window};
use domain::clinic::{Claim, Clinic, ClinicState, Slot, SlotStart, Taken};
use domain::credit::{Standing, standing};
use domain::due::{Deadline, Deadlines};
use domain::event::Actor;
use domain::id::{AppointmentId, OutTradeNo, PatientId};
use domain::order::{Cause, Order, OrderError, OrderState, Payment, RefundRequest, Share};
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

/// What a payment led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The number is the patient's.
    Booked(Box<Appointment>),
    /// The number could not be kept: everything goes back.
    Refunding(Box<Appointment>),
    /// Bills are paid; the hospital's own system is told next.
    Bills(Box<Order>),
}

/// Why a payment could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// We know no such order.
    #[error("no such order")]
    UnknownOrder,
    /// Another amount or a second transaction: for people to look at, nothing moves.
    #[error(transparent)]
    Suspicious(OrderError),
    /// The order's appointment is missing.
    #[error("the order's appointment is missing")]
    NoAppointment,
    /// Our books say something else of this money: for people to look at.
    #[error("the books differ from the order")]
    Books,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BookError> for SettleError {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Differs => Self::Books,
            BookError::Store(error) => error.into(),
        }
    }
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
        if slot.free_numbers.is_empty() && !slot.taken.contains_key(&request.appointment) {
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
        let taken = |number| hold_of(&request.patient, number, expires_at);
        let probe =
            request.appointment.as_str().bytes().fold(0_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        match self.claim_number(slot, &request.appointment, taken, probe, now).await? {
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
            if slot.is_none_or(|slot| !slot.taken.contains_key(id)) {
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
            Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => held,
            Err(MoveFailed::Store(error)) => return Err(error.into()),
        };
        // Last, for the slot's hold carries the deadline: the sweeper finds it and keeps the number of a booked visit.
        self.keep_number(&booked.place.clinic, booked.place.start, &booked.id).await?;
        Ok(booked)
    }

    /// Follows a payment to its end: the order first (money is the truth), then the number, the gate, the appointment.
    /// Notification, query and sweeper all call this; it may be repeated at any time.
    pub async fn settle_payment(
        &self,
        profile: &HospitalProfile,
        no: &OutTradeNo,
        payment: &Payment,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Settled, SettleError> {
        let order = match self.move_order(no, |order| order.paid(payment, actor.clone(), now)).await {
            Ok(order) => order,
            Err(OrderFailed::NotFound) => return Err(SettleError::UnknownOrder),
            Err(OrderFailed::Refused(OrderError::AlreadyDone)) => {
                self.order(no).await?.ok_or(SettleError::UnknownOrder)?
            }
            Err(OrderFailed::Refused(other)) => {
                self.note_dispute(no, payment, now).await?;
                return Err(SettleError::Suspicious(other));
            }
            Err(OrderFailed::Store(error)) => return Err(error.into()),
        };
        self.settle_order(profile, &order, actor, now).await
    }

    async fn note_dispute(&self, no: &OutTradeNo, payment: &Payment, now: Timestamp) -> Result<(), StoreError> {
        self.move_order_if(no, |order| order.disputed(payment, now)).await.map(drop)
    }

    /// The rest of [`settle_payment`](Self::settle_payment), from an order that is paid.
    pub async fn settle_order(
        &self,
        profile: &HospitalProfile,
        order: &Order,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Settled, SettleError> {
        let Some(key) = order.appointment_key() else {
            self.book_order(order, true, now).await?;
            let settled = self.finish_order(&order.out_trade_no, |order| order.settled(now)).await?;
            return Ok(Settled::Bills(Box::new(settled)));
        };
        let appointment = self.appointment(&key).await?.ok_or(SettleError::NoAppointment)?;
        if appointment.out_trade_no() != order.out_trade_no {
            // Another order pays for this visit: this one pays for nothing, and the visit stays as it is.
            self.refund_order(order, actor, now).await?;
            return Ok(Settled::Refunding(Box::new(appointment)));
        }
        let command = match appointment.state {
            State::Held { .. } | State::Expired => match self.secure_number(profile, &appointment, now).await? {
                Ok(()) => Command::Book,
                Err(why) => Command::Refuse(why),
            },
            State::Refused { why } => Command::Refuse(why),
            State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow => Command::Book,
            // Cancelling came first: the money goes back, the appointment stays as it is.
            State::Cancelled { .. } => Command::Refuse(RefusedWhy::NumberGone),
        };
        let after = match self.move_appointment(&key, command, actor, profile.cancel, now).await {
            Ok(after) => after,
            Err(MoveFailed::Refused(_)) => self.appointment(&key).await?.ok_or(SettleError::NoAppointment)?,
            Err(MoveFailed::NotFound) => return Err(SettleError::NoAppointment),
            Err(MoveFailed::Store(error)) => return Err(error.into()),
        };
        if matches!(after.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow) {
            self.book_order(order, true, now).await?;
            self.finish_order(&order.out_trade_no, |order| order.settled(now)).await?;
            return Ok(Settled::Booked(Box::new(after)));
        }
        // A cancellation that came in between has given the number back; what was secured since must go the same way.
        self.release_number(&after).await?;
        self.leave_gate(&after.patient, &after.id).await?;
        self.refund_order(order, actor, now).await?;
        Ok(Settled::Refunding(Box::new(after)))
    }

    /// Everything of a payment that led to nothing goes back; the hospital's own system never hears of it.
    async fn refund_order(&self, order: &Order, actor: &Actor, now: Timestamp) -> Result<(), SettleError> {
        self.book_order(order, order.his_has_it(), now).await?;
        self.finish_order(&order.out_trade_no, |order| order.refund(&visit_off(actor), now)).await.map(drop)
    }

    async fn finish_order(
        &self,
        no: &OutTradeNo,
        decide: impl Fn(&Order) -> Result<Order, OrderError>,
    ) -> Result<Order, SettleError> {
        match self.move_order(no, decide).await {
            Ok(order) => Ok(order),
            Err(OrderFailed::Refused(_)) => self.order(no).await?.ok_or(SettleError::UnknownOrder),
            Err(OrderFailed::NotFound) => Err(SettleError::UnknownOrder),
            Err(OrderFailed::Store(error)) => Err(error.into()),
        }
    }

    /// Makes the number of a paid appointment its own: the hold becomes a booking, or a number that was freed in the
    /// meantime is taken again if nobody has it and the person has no other number of this clinic.
    async fn secure_number(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        now: Timestamp,
    ) -> Result<Result<(), RefusedWhy>, StoreError> {
        if let Some(why) = self.changed_meanwhile(profile, appointment).await? {
            return Ok(Err(why));
        }
        let place = &appointment.place;
        if place.ends_at() <= now {
            // Paid in time or not: learnt of when the turn is over, there is no visit left to keep the money for.
            return Ok(Err(RefusedWhy::NumberGone));
        }
        if let Kept::Number(_) = self.keep_number(&place.clinic, place.start, &appointment.id).await? {
            self.pass_gate(appointment, now).await?;
            return Ok(Ok(()));
        }
        let Some(slot) = self.slot(&place.clinic, place.start).await? else { return Ok(Err(RefusedWhy::NumberGone)) };
        if slot.taken.contains_key(&appointment.id) {
            // Somebody else settling the same payment has just taken it again.
            self.pass_gate(appointment, now).await?;
            return Ok(Ok(()));
        }
        let gate = self.gate(&appointment.patient).await?;
        if gate.entries.iter().any(|(id, entry)| *id != appointment.id && entry.clinic == place.clinic) {
            return Ok(Err(RefusedWhy::AlreadyBooked));
        }
        if !slot.free_numbers.contains(&place.number) {
            return Ok(Err(RefusedWhy::NumberGone));
        }
        // Gate before slot, as every claim: two numbers of one clinic cannot come about.
        self.pass_gate(appointment, now).await?;
        let only = Slot { free_numbers: [place.number].into(), ..slot };
        let taken = |number| Taken { patient: appointment.patient.clone(), number, claim: Claim::Booked };
        match self.claim_number(&only, &appointment.id, taken, 0, now).await? {
            Claimed::Number(number) if number == place.number => Ok(Ok(())),
            Claimed::Number(_) => {
                // The probe went on to another number: the patient was told this one, so give it back.
                self.release_number(appointment).await?;
                self.leave_gate(&appointment.patient, &appointment.id).await?;
                Ok(Err(RefusedWhy::NumberGone))
            }
            Claimed::Closed => {
                self.leave_gate(&appointment.patient, &appointment.id).await?;
                Ok(Err(RefusedWhy::ClinicClosed))
            }
            Claimed::SoldOut | Claimed::NotReleased => {
                self.leave_gate(&appointment.patient, &appointment.id).await?;
                Ok(Err(RefusedWhy::NumberGone))
            }
        }
    }

    /// What of clinic and person changed between hold and payment so that the visit is not the one that was paid for:
    /// closed (E13), another doctor or fee (E19), banned from advance booking (E18).
    async fn changed_meanwhile(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
    ) -> Result<Option<RefusedWhy>, StoreError> {
        let place = &appointment.place;
        let Some(clinic) = self.get::<Clinic>(&Key::clinic(&place.clinic)).await? else {
            return Ok(Some(RefusedWhy::ClinicClosed));
        };
        if clinic.state == ClinicState::Closed {
            return Ok(Some(RefusedWhy::ClinicClosed));
        }
        if clinic.fee != appointment.fee || clinic.who_text() != place.who {
            return Ok(Some(RefusedWhy::ClinicChanged));
        }
        let is_advance = place.date > time::today(appointment.created_at);
        let gate = self.gate(&appointment.patient).await?;
        let is_banned = standing(&gate.strikes, profile.credit) == Standing::NoAdvanceBooking;
        Ok((is_advance && is_banned).then_some(RefusedWhy::NoAdvanceBooking))
    }

    /// Marks the person's gate as passed for a paid number.
    async fn pass_gate(&self, appointment: &Appointment, now: Timestamp) -> Result<(), StoreError> {
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
        self.release_number(cancelled).await?;
        self.clear_deadline(&cancelled.key(), Deadline::Release).await?;
        Ok(Released::Done)
    }

    async fn refund_visit(&self, no: &OutTradeNo, now: Timestamp) -> Result<(), StoreError> {
        self.move_order_if(no, |order| order.refund(&visit_off(&Actor::Schedule), now)).await.map(drop)
    }

    async fn release_number(&self, appointment: &Appointment) -> Result<(), StoreError> {
        let place = &appointment.place;
        match self.slot(&place.clinic, place.start).await? {
            Some(slot) => self.free_number(&slot, &appointment.id).await,
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
            Some(Claim::Held { .. }) => self.free_number(slot, &key.id).await,
            Some(Claim::Booked) | None => Ok(()),
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
fn visit_off(by: &Actor) -> RefundRequest {
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
