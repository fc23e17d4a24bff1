//! 改约: moving a booked visit to another time. The new number is taken first, as any other; then one transaction puts the
//! new appointment in the place of the old one, and the payment with it; then the old number goes back. Up to the
//! transaction the old visit is untouched and the new number ends like any hold; after it the sweeper brings to an end
//! what is left, as after a cancellation.

use crate::appointments::{self, MoveFailed};
use crate::gate;
use crate::key::Key;
use crate::orders;
use crate::registration::{HoldError, HoldRequest, Terms, entry_of, place_of};
use crate::table::{StoreError, Table};
use crate::transaction::{Together, part};
use domain::appointment::{Appointment, AppointmentKey, Booker, MoveError, Place};
use domain::booking::{Gate, Pass, window};
use domain::clinic::{Channel, Clinic, SlotStart};
use domain::enrolment::{Known, NumberOwner};
use domain::event::Actor;
use domain::id::AppointmentId;
use domain::order::OrderError;
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};

/// The new number is held this long for the transaction to follow.
const HOLD_MIN: i64 = 3;
/// How often the transaction is tried again when somebody else wrote one of its items in between.
const TRIES_MAX: u32 = 4;

/// Another time asked for.
#[derive(Clone, Debug)]
pub struct MoveRequest {
    /// The visit to move.
    pub from: AppointmentKey,
    /// The appointment that takes its place: derived from the caller's idempotency key.
    pub to: AppointmentId,
    /// The clinic as read a moment ago.
    pub clinic: Clinic,
    /// The slot wanted.
    pub start: SlotStart,
    /// How long the new number rests should it come back, in minutes.
    pub rest_min: u16,
}

/// Why a visit is not moved. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RescheduleError {
    /// There is none.
    #[error("no such appointment")]
    NotFound,
    /// The visit cannot be moved.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The other time costs another fee: to be cancelled and booked anew.
    #[error("another fee")]
    OtherFee,
    /// The payment is not settled, or on its way back.
    #[error("the payment is not settled")]
    Unsettled,
    /// The other number cannot be had.
    #[error(transparent)]
    Hold(#[from] HoldError),
}

impl From<StoreError> for RescheduleError {
    fn from(error: StoreError) -> Self {
        Self::Hold(error.into())
    }
}

impl Table {
    /// Moves a booked visit to another slot at the same fee. A repeat of the request answers alike. Where the hospital's own
    /// system gives the numbers, `lock` has it keep the new one until a time before the old one is touched.
    pub async fn reschedule(
        &self,
        profile: &HospitalProfile,
        request: &MoveRequest,
        actor: &Actor,
        now: Timestamp,
        lock: impl AsyncFnOnce(&Place, Timestamp) -> Result<(), HoldError>,
    ) -> Result<Appointment, RescheduleError> {
        let old = self.appointment(&request.from).await?.ok_or(RescheduleError::NotFound)?;
        let to = AppointmentKey { date: request.clinic.date, id: request.to.clone(), ..request.from.clone() };
        if old.history.moved_to.as_ref() == Some(&to) {
            return self.appointment(&to).await?.ok_or(RescheduleError::NotFound);
        }
        old.may_move(profile.cancel, profile.booking.moves_max, now)?;
        if old.fee != request.clinic.fee {
            return Err(RescheduleError::OtherFee);
        }
        let number = self.take_other(profile, &old, request, now).await?;
        let place = place_of(&request.clinic, request.start, number);
        let owner = profile.numbers.owner;
        let known = match owner {
            NumberOwner::Menzhen => Known::Nothing,
            NumberOwner::His => {
                let until = time::add_minutes(now, HOLD_MIN + profile.numbers.confirm_within_min);
                if let Err(refusal) = lock(&place, until).await {
                    self.give_other_back(request, &old, matches!(refusal, HoldError::NumberTaken), now).await?;
                    return Err(refusal.into());
                }
                Known::Locked
            }
        };
        let next = old.moved(to.id, place, old.enrolment_of_next(owner, known), actor.clone(), now);
        let moved = match self.put_in_place(profile, &old.key(), &next, now).await {
            // The transaction may have taken effect all the same: the hold ends by itself, or finds its appointment.
            Err(RescheduleError::Hold(HoldError::Store(error))) => return Err(error.into()),
            Err(refusal) => {
                self.give_other_back(request, &old, false, now).await?;
                return Err(refusal);
            }
            Ok(moved) => moved,
        };
        if let Err(error) = self.finish_move(profile, &old.key(), &moved, now).await {
            tracing::warn!(%error, "the old number of a moved visit is left to the sweeper");
        }
        Ok(moved)
    }

    async fn take_other(
        &self,
        profile: &HospitalProfile,
        old: &Appointment,
        request: &MoveRequest,
        now: Timestamp,
    ) -> Result<u16, HoldError> {
        let product = window(&request.clinic, request.start, &profile.booking, now)?;
        let slot = self.slot(&request.clinic.id, request.start).await?.ok_or(HoldError::NoSlot)?;
        let channel = channel_of(&old.booker);
        if slot.free_for(channel, now).is_empty() && slot.holder(&request.to).is_none() {
            return Err(HoldError::SoldOut);
        }
        let expires_at = time::add_minutes(now, HOLD_MIN);
        let hold = HoldRequest {
            appointment: request.to.clone(),
            booker: old.booker.clone(),
            patient: old.patient.clone(),
            patient_name_masked: old.patient_name_masked.clone(),
            clinic: request.clinic.clone(),
            start: request.start,
            channel,
            rest_min: request.rest_min,
            follow_up_of: None,
        };
        let terms = Terms { product, pass: Pass::Held { expires_at }, expires_at, instead_of: Some(&old.id) };
        self.take_number(profile, &hold, &slot, &terms, now).await
    }

    /// The transaction: the old appointment gives way, the new one is there, order and gate follow.
    async fn put_in_place(
        &self,
        profile: &HospitalProfile,
        from: &AppointmentKey,
        next: &Appointment,
        now: Timestamp,
    ) -> Result<Appointment, RescheduleError> {
        for _ in 0..TRIES_MAX {
            let old = self.appointment(from).await?.ok_or(RescheduleError::NotFound)?;
            if old.history.moved_to.as_ref() == Some(&next.key()) {
                return Ok(next.clone());
            }
            old.may_move(profile.cancel, profile.booking.moves_max, now)?;
            match self.write_move(&old, next, now).await? {
                Together::Done => return Ok(next.clone()),
                // Somebody else wrote one of the items.
                Together::Refused(_) => {}
            }
        }
        Err(StoreError::Contended.into())
    }

    async fn write_move(
        &self,
        old: &Appointment,
        next: &Appointment,
        now: Timestamp,
    ) -> Result<Together, RescheduleError> {
        let left = old.moved_to(next.key(), now);
        let mut writes = vec![
            part!(self.putting_versioned(appointments::item_of(&left)?, old.ver), put)?,
            part!(self.putting_new(appointments::item_of(next)?), put)?,
        ];
        if let Some(no) = &next.history.order {
            let order = self.order(no).await?.ok_or(RescheduleError::Unsettled)?;
            let moved =
                order.moved(&old.key(), &next.key(), now).map_err(|_: OrderError| RescheduleError::Unsettled)?;
            writes.push(part!(self.putting_versioned(orders::item_of(&moved)?, order.ver), put)?);
        }
        let gate = self.gate(&old.patient).await?;
        let item = gate::item_of(&Key::gate(&old.patient), &passed(&gate, old, next))?;
        writes.push(part!(self.putting_versioned(item, gate.ver), put)?);
        Ok(self.write_together(writes).await?)
    }

    async fn give_other_back(
        &self,
        request: &MoveRequest,
        old: &Appointment,
        is_taken: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.leave_gate(&old.patient, &request.to).await?;
        match self.slot(&request.clinic.id, request.start).await? {
            Some(slot) if is_taken => self.change_slot(&slot, |seen| seen.lost(&request.to)).await.map(drop),
            Some(slot) => self.free_number(&slot, &request.to, now).await,
            None => Ok(()),
        }
    }

    /// What follows the transaction: the new number is kept, the old one goes back.
    async fn finish_move(
        &self,
        profile: &HospitalProfile,
        from: &AppointmentKey,
        next: &Appointment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.keep_number(&next.place.clinic, next.place.start, &next.id).await?;
        match self.appointment(from).await? {
            Some(left) => self.release_cancelled(profile, &left, now).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Whoever moves a visit takes the new number where they took the old one.
fn channel_of(booker: &Booker) -> Channel {
    match booker {
        Booker::Account(_) => Channel::Wechat,
        Booker::Staff(_) => Channel::Window,
    }
}

/// The gate once the new number has been passed instead of the old one.
fn passed(gate: &Gate, old: &Appointment, next: &Appointment) -> Gate {
    let mut after = gate.left_by(&old.id);
    after.entries.insert(next.id.clone(), entry_of(&next.place, Pass::Booked));
    Gate { ver: gate.ver + 1, ..after }
}

impl From<MoveFailed> for RescheduleError {
    fn from(error: MoveFailed) -> Self {
        match error {
            MoveFailed::NotFound => Self::NotFound,
            MoveFailed::Refused(why) => Self::Move(why),
            MoveFailed::Store(error) => error.into(),
        }
    }
}
