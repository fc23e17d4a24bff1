//! What a payment leads to: the order first (money is the truth), then the number, the gate, the appointment, the books.
//! Each step is harmless to repeat, so that notification, page, poller and sweeper may all call it.

use crate::appointments::MoveFailed;
use crate::books::BookError;
use crate::clinics::{Claimed, Kept};
use crate::key::Key;
use crate::orders::OrderFailed;
use crate::registration::visit_off;
use crate::table::{StoreError, Table};
use domain::appointment::{Appointment, AppointmentKey, Command, RefusedWhy, State};
use domain::booking::Product;
use domain::clinic::{Channel, Claim, Clinic, ClinicState, Slot, Taken};
use domain::due::Deadline;
use domain::event::Actor;
use domain::id::OutTradeNo;
use domain::order::{Order, OrderError, Payment};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};

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
                let order = self.order(no).await?.ok_or(SettleError::UnknownOrder)?;
                if order.deadlines.get(Deadline::Settle).is_none() {
                    return self.settled_before(order).await;
                }
                order
            }
            Err(OrderFailed::Refused(other)) => {
                self.note_dispute(no, payment, now).await?;
                return Err(SettleError::Suspicious(other));
            }
            Err(OrderFailed::Store(error)) => return Err(error.into()),
        };
        // Boxed: the long way would make the futures of all its callers large.
        Box::pin(self.settle_order(profile, &order, actor, now)).await
    }

    /// What a payment led to that was followed to its end before. Notifications come several times: nothing is written.
    async fn settled_before(&self, order: Order) -> Result<Settled, SettleError> {
        let Some(key) = order.appointment_key() else { return Ok(Settled::Bills(Box::new(order))) };
        let appointment = self.appointment(&key).await?.ok_or(SettleError::NoAppointment)?;
        let is_kept = appointment.out_trade_no() == order.out_trade_no && is_visit(appointment.state);
        let appointment = Box::new(appointment);
        Ok(if is_kept { Settled::Booked(appointment) } else { Settled::Refunding(appointment) })
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
            self.refund_order(order, &key, actor, now).await?;
            return Ok(Settled::Refunding(Box::new(appointment)));
        }
        let command = match appointment.state {
            // Boxed: the longest way through settling would make every caller's future large.
            State::Held { .. } | State::Expired => {
                match Box::pin(self.secure_number(profile, &appointment, now)).await? {
                    Ok(()) => Command::Book,
                    Err(why) => Command::Refuse(why),
                }
            }
            State::Refused { why } => Command::Refuse(why),
            State::Confirming { .. } | State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow => {
                Command::Book
            }
            // Cancelling came first: the money goes back, the appointment stays as it is.
            State::Cancelled { .. } => Command::Refuse(RefusedWhy::NumberGone),
        };
        let after = match self.move_appointment(&key, command, actor, profile.cancel, now).await {
            Ok(after) => after,
            Err(MoveFailed::Refused(_)) => self.appointment(&key).await?.ok_or(SettleError::NoAppointment)?,
            Err(MoveFailed::NotFound) => return Err(SettleError::NoAppointment),
            Err(MoveFailed::Store(error)) => return Err(error.into()),
        };
        if is_visit(after.state) {
            self.book_order(order, true, now).await?;
            self.finish_order(&order.out_trade_no, |order| order.settled(now)).await?;
            return Ok(Settled::Booked(Box::new(after)));
        }
        // A cancellation that came in between has given the number back; what was secured since must go the same way.
        self.release_number(&after, now).await?;
        self.leave_gate(&after.patient, &after.id).await?;
        self.refund_order(order, &key, actor, now).await?;
        Ok(Settled::Refunding(Box::new(after)))
    }

    /// Everything of a payment that led to nothing goes back; the hospital's own system never hears of it.
    async fn refund_order(
        &self,
        order: &Order,
        visit: &AppointmentKey,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        self.book_order(order, order.his_has_it(), now).await?;
        let by = visit_off(actor);
        self.finish_order(&order.out_trade_no, |order| order.of(visit)?.refund(&by, now)).await.map(drop)
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
        if let Some(why) = self.changed_meanwhile(profile, appointment, now).await? {
            return Ok(Err(why));
        }
        let place = &appointment.place;
        if appointment.is_number_of_his() && appointment.state == State::Expired {
            // Given back at the hospital as well: whether it can be had again is not ours to say.
            return Ok(Err(RefusedWhy::NumberGone));
        }
        if place.ends_at() <= now {
            // Paid in time or not: learnt of when the turn is over, there is no visit left to keep the money for.
            return Ok(Err(RefusedWhy::NumberGone));
        }
        if let Kept::Number(_) = self.keep_number(&place.clinic, place.start, &appointment.id).await? {
            self.pass_gate(appointment, now).await?;
            return Ok(Ok(()));
        }
        let Some(slot) = self.slot(&place.clinic, place.start).await? else { return Ok(Err(RefusedWhy::NumberGone)) };
        if slot.holder(&appointment.id).is_some() {
            // Somebody else settling the same payment has just taken it again.
            self.pass_gate(appointment, now).await?;
            return Ok(Ok(()));
        }
        let gate = self.gate(&appointment.patient).await?;
        if gate.entries.iter().any(|(id, entry)| *id != appointment.id && entry.clinic == place.clinic) {
            return Ok(Err(RefusedWhy::AlreadyBooked));
        }
        let is_resting = slot.taken.contains_key(&appointment.id);
        if !is_resting && !slot.free_numbers.contains(&place.number) {
            return Ok(Err(RefusedWhy::NumberGone));
        }
        // Gate before slot, as every claim: two numbers of one clinic cannot come about.
        self.pass_gate(appointment, now).await?;
        let taken_again = if is_resting {
            self.retake_number(&slot, &appointment.id).await?
        } else {
            self.claim_again(&slot, appointment, profile.booking.rest.most_min, now).await?
        };
        match taken_again {
            Kept::Number(number) if number == place.number => Ok(Ok(())),
            Kept::Number(_) => {
                // The probe went on to another number: the patient was told this one, so give it back.
                self.release_number(appointment, now).await?;
                self.leave_gate(&appointment.patient, &appointment.id).await?;
                Ok(Err(RefusedWhy::NumberGone))
            }
            Kept::Gone => {
                self.leave_gate(&appointment.patient, &appointment.id).await?;
                let closed =
                    self.slot(&place.clinic, place.start).await?.is_none_or(|slot| slot.state == ClinicState::Closed);
                Ok(Err(if closed { RefusedWhy::ClinicClosed } else { RefusedWhy::NumberGone }))
            }
        }
    }

    /// Claims the very number of an appointment, which was freed in the meantime.
    async fn claim_again(
        &self,
        slot: &Slot,
        appointment: &Appointment,
        rest_min: u16,
        now: Timestamp,
    ) -> Result<Kept, StoreError> {
        let only =
            Slot { free_numbers: [appointment.place.number].into(), pooled_at: Timestamp::UNIX_EPOCH, ..slot.clone() };
        let taken = |number| Taken { patient: appointment.patient.clone(), number, claim: Claim::Booked, rest_min };
        Ok(match self.claim_number(&only, &appointment.id, taken, 0, Channel::Wechat, now).await? {
            Claimed::Number(number) => Kept::Number(number),
            Claimed::SoldOut | Claimed::Closed | Claimed::NotReleased => Kept::Gone,
        })
    }

    /// What of clinic and person changed between hold and payment so that the visit is not the one that was paid for:
    /// closed (E13), another doctor or fee (E19), banned from advance booking (E18) or from booking online.
    async fn changed_meanwhile(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        now: Timestamp,
    ) -> Result<Option<RefusedWhy>, StoreError> {
        let place = &appointment.place;
        let Some(clinic) = self.get::<Clinic>(&Key::clinic(&place.clinic)).await? else {
            return Ok(Some(RefusedWhy::ClinicClosed));
        };
        let slot = self.slot(&place.clinic, place.start).await?;
        let is_slot_closed = slot.is_some_and(|slot| slot.state == ClinicState::Closed);
        if clinic.state == ClinicState::Closed || is_slot_closed {
            return Ok(Some(RefusedWhy::ClinicClosed));
        }
        if clinic.fee != appointment.fee || clinic.who_text() != place.who {
            return Ok(Some(RefusedWhy::ClinicChanged));
        }
        let held_at = appointment.created_at;
        let product = if place.date > time::today(held_at) { Product::Advance } else { Product::SameDay };
        let is_open = self.may_still_book(profile, appointment, product, now).await?;
        Ok((!is_open).then_some(RefusedWhy::NoAdvanceBooking))
    }

    /// Whether neither the person nor the account has been banned or blocked since the number was held.
    async fn may_still_book(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        product: Product,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let kind = appointment.place.kind;
        let gate = self.gate(&appointment.patient).await?;
        let is_person_free = profile.judge().standing(&gate.record, now).bars(kind, product).is_none();
        let Some(account) = appointment.booker.account() else { return Ok(is_person_free) };
        let account = self.account_gate(account).await?;
        let standing = profile.account_judge().map(|judge| judge.standing(&account.record, now));
        let is_account_free = standing.is_none_or(|standing| standing.bars(kind, product).is_none());
        let is_unblocked = gate.admits_online(kind, now).and(account.admits_online(kind, now)).is_ok();
        Ok(is_person_free && is_account_free && is_unblocked)
    }
}

/// Whether the number is the patient's, as far as we are concerned, come or not.
fn is_visit(state: State) -> bool {
    matches!(state, State::Confirming { .. } | State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
}
