//! An appointment (挂号/预约, FHIR Appointment) and the moves it may make.

mod deadlines;
mod key;

pub use deadlines::{DAY_BEFORE_AT, NOTIFY_WITHIN_S, QUEUE_WITHIN_S, REMIND_BEFORE_MIN, check_again_at, check_at};
pub use key::{AppointmentKey, AppointmentKeyError};

use crate::booking::CancelPolicy;
use crate::clinic::{ClinicKind, Period, SlotStart};
use crate::credit::{Breach, Strike, StrikeState};
use crate::due::{Deadline, Deadlines};
use crate::enrolment::Enrolment;
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, ClinicId, DepartmentId, DoctorId, OpenId, OutTradeNo, PatientId};
use crate::money::Fen;
use crate::time;
use deadlines::deadlines_after;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Who cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The patient or who acts for them, in WeChat.
    Patient,
    /// The window or the phone line, on the patient's behalf.
    Window,
    /// The hospital: never held against the patient.
    Hospital,
}

/// Who took a number, and so who is told of it and where its fee is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Booker {
    /// A WeChat user: the fee is paid in WeChat.
    Account(OpenId),
    /// A member of staff, by name, for somebody at the window or on the phone: the fee is taken by the hospital's own
    /// system.
    Staff(String),
}

impl Booker {
    /// The WeChat user, if it was one.
    pub fn account(&self) -> Option<&OpenId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Staff(_) => None,
        }
    }

    /// Who caused what the booker did.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Account(account) => Actor::Account(account.clone()),
            Self::Staff(name) => Actor::Staff(name.clone()),
        }
    }
}

/// Why a paid number could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedWhy {
    /// The payment came after the hold had run out and somebody else has the number.
    NumberGone,
    /// The clinic was closed in the meantime.
    ClinicClosed,
    /// The patient has another number of this clinic by now.
    AlreadyBooked,
    /// The clinic is held by somebody else, or at another fee, than the one that was paid for.
    ClinicChanged,
    /// The credit record has ended advance booking in the meantime.
    NoAdvanceBooking,
    /// The hospital's own system gives the numbers, and says no.
    HisRefused,
    /// The hospital's own system gives the numbers, and has not said yes in time.
    HisSilent,
}

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// The number is held, payment is awaited until `expires_at`.
    Held {
        /// End of the hold.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
    /// Paid, and the hospital's own system, which gives the number, has not confirmed it yet.
    Confirming {
        /// Since when.
        #[serde(with = "crate::clinic::epoch_s")]
        since: Timestamp,
    },
    /// Paid: the number is the patient's.
    Booked,
    /// At the hospital.
    CheckedIn,
    /// Seen.
    Fulfilled,
    /// Not seen, and not cancelled in time.
    NoShow,
    /// The hold ran out unpaid.
    Expired,
    /// Given back.
    Cancelled {
        /// By whom.
        by: CancelledBy,
        /// Whether money goes back.
        refund: bool,
    },
    /// Paid too late to be kept; the money goes back.
    Refused {
        /// Why.
        why: RefusedWhy,
    },
}

/// What is asked of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The payment arrived and the number is ours.
    Book,
    /// The payment arrived and the number is not ours.
    Refuse(RefusedWhy),
    /// The hold ran out and WeChat has closed the order.
    Expire,
    /// The number cannot be had after all; nobody was asked to pay for it.
    Drop,
    /// Give the number back.
    Cancel(CancelledBy),
    /// The patient is here.
    CheckIn,
    /// The doctor is done.
    Fulfil,
    /// Slot end and grace have passed without a check-in.
    MissVisit,
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The appointment is already where the command leads: a repeat, nothing to do.
    #[error("already done")]
    AlreadyDone,
    /// The time to cancel online has passed; the window can still help.
    #[error("the cancellation deadline has passed")]
    CancelDeadlinePassed,
    /// The hold has not run out yet.
    #[error("the hold is still running")]
    StillHeld,
    /// The slot has not ended yet: nobody has missed it.
    #[error("the slot has not ended")]
    NotOver,
    /// The visit has been moved to another time as often as it may.
    #[error("moved too often")]
    MovedTooOften,
    /// No such move from here.
    #[error("no such move from this state")]
    Illegal,
}

/// Where and when, fixed at booking, so that one read shows the whole appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The clinic.
    pub clinic: ClinicId,
    /// Service day.
    pub date: Date,
    /// Part of the day.
    pub period: Period,
    /// Start of the slot.
    pub start: SlotStart,
    /// The number within the clinic.
    pub number: u16,
    /// Class of the clinic.
    pub kind: ClinicKind,
    /// Department code.
    pub department: DepartmentId,
    /// Department name.
    pub department_name: String,
    /// The doctor; none for a pool.
    pub doctor: Option<DoctorId>,
    /// Who is seen, as text.
    pub who: String,
    /// Consulting room.
    pub room: String,
    /// Campus.
    pub campus: String,
}

impl Place {
    /// The start of the slot.
    pub fn starts_at(&self) -> Timestamp {
        self.start.instant(self.date)
    }

    /// The end of the slot.
    pub fn ends_at(&self) -> Timestamp {
        self.start.end_instant(self.date)
    }
}

/// What an appointment means for the credit record of its patient. Every move that changes it counts `seq` up and leaves
/// a deadline `credit` until the record has followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitCredit {
    /// Counts the moves that mean something.
    pub seq: u32,
    /// Whether the visit ever counted as missed.
    pub missed: bool,
    /// When the patient came, if the slot had ended by then.
    pub came_late_at: Option<Timestamp>,
    /// When the booked number was given back by or for the patient.
    pub given_back_at: Option<Timestamp>,
    /// How the patient stood after missing it: what the message says.
    pub told: Option<Told>,
}

/// Where a patient stood when a missed visit was put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many count, this one included.
    pub counted: u32,
    /// How many more until booking ahead ends.
    pub left: u32,
    /// Whether it has ended.
    pub banned: bool,
    /// Whether this was the last warning.
    pub last_warning: bool,
}

/// How an appointment came about and what became of it, beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// 改约: the appointment it took the place of.
    pub moved_from: Option<AppointmentKey>,
    /// 改约: the appointment that took its place; the payment went with it.
    pub moved_to: Option<AppointmentKey>,
    /// How often the visit has been moved.
    pub moves: u8,
    /// The order that came with it; none: it is paid for by an order of its own.
    pub order: Option<OutTradeNo>,
    /// 候补: offered to somebody who waited, instead of asked for.
    pub offered: bool,
    /// 替诊: another doctor sees the patient than the one who was booked.
    pub substituted: bool,
    /// 复诊: the visit it follows up, free of charge.
    pub follow_up_of: Option<AppointmentKey>,
    /// 复诊: the free visit that followed it up.
    pub followed_up_by: Option<AppointmentKey>,
}

/// One registration of one patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Its id, derived from the request, so that a repeat is the same appointment.
    pub id: AppointmentId,
    /// For whom.
    pub patient: PatientId,
    /// The patient's name, masked, for pages and messages.
    pub patient_name_masked: String,
    /// Who took the number.
    pub booker: Booker,
    /// Where and when.
    pub place: Place,
    /// What it costs, decided by the server when the number was held.
    pub fee: Fen,
    /// The number of the payment in progress, from 1.
    pub pay_attempt: u8,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What happened last.
    pub ev: Option<ItemEvent>,
    /// What it means for the credit record.
    #[serde(default)]
    pub credit: VisitCredit,
    /// What the hospital's own system knows of it. Boxed as the history is.
    #[serde(default)]
    pub enrolment: Box<Enrolment>,
    /// How it came about and what became of it. Boxed: most have none, and every step of a payment carries several copies.
    #[serde(default)]
    pub history: Box<History>,
    /// When the number was held.
    #[serde(with = "crate::clinic::epoch_s")]
    pub created_at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

impl Appointment {
    /// How it is found.
    pub fn key(&self) -> AppointmentKey {
        AppointmentKey { patient: self.patient.clone(), date: self.place.date, id: self.id.clone() }
    }

    /// What is to be paid in WeChat: nothing for a free visit, nothing for one that staff registered.
    pub fn payable(&self) -> Fen {
        if self.booker.account().is_some() { self.fee } else { Fen::ZERO }
    }

    /// The order of the payment in progress, or the one that came with it from the visit it took the place of.
    pub fn out_trade_no(&self) -> OutTradeNo {
        self.history.order.clone().unwrap_or_else(|| OutTradeNo::of(&self.id, self.pay_attempt))
    }

    /// True while the number is the patient's or may become so.
    pub fn is_live(&self, now: Timestamp) -> bool {
        match self.state {
            State::Held { expires_at } => expires_at > now,
            State::Confirming { .. } | State::Booked | State::CheckedIn => true,
            State::Fulfilled | State::NoShow | State::Expired | State::Cancelled { .. } | State::Refused { .. } => {
                false
            }
        }
    }

    /// True once it was given back.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.state, State::Cancelled { .. })
    }

    /// True when the visit took place.
    pub fn was_visit(&self) -> bool {
        matches!(self.state, State::CheckedIn | State::Fulfilled)
    }

    /// The last instant at which it can be cancelled online: the turn itself when the hospital sent another doctor.
    pub fn cancel_until(&self, policy: CancelPolicy) -> Timestamp {
        if self.history.substituted {
            return self.place.starts_at();
        }
        policy.deadline(self.place.date, self.place.starts_at())
    }

    /// Whether the visit may be moved to another time (改约) at `now`: booked, in time to be cancelled, and not moved too
    /// often already.
    pub fn may_move(&self, policy: CancelPolicy, moves_max: u8, now: Timestamp) -> Result<(), MoveError> {
        match self.state {
            State::Booked if now > self.cancel_until(policy) => Err(MoveError::CancelDeadlinePassed),
            State::Booked if self.history.moves >= moves_max => Err(MoveError::MovedTooOften),
            State::Booked => Ok(()),
            _ => Err(MoveError::Illegal),
        }
    }

    /// The appointment once `next` has taken its place: given back without a refund and without a word, for `next` says it
    /// all. Number and gate follow by its deadline `release`.
    #[must_use]
    pub fn moved_to(&self, next: AppointmentKey, now: Timestamp) -> Self {
        Self {
            state: State::Cancelled { by: CancelledBy::Patient, refund: false },
            deadlines: Deadlines::none().with(Deadline::Release, now),
            history: Box::new(History { moved_to: Some(next), ..(*self.history).clone() }),
            enrolment: Box::new(self.enrolment_left()),
            ver: self.ver + 1,
            ..self.clone()
        }
        .planned(now)
    }

    /// The appointment that takes the place of this one, and is paid for by the same order: booked, once the hospital's own
    /// system has confirmed it where that gives the numbers. `enrolment` is
    /// [`enrolment_of_next`](Self::enrolment_of_next).
    #[must_use]
    pub fn moved(&self, id: AppointmentId, place: Place, enrolment: Enrolment, actor: Actor, now: Timestamp) -> Self {
        let history = History {
            moved_from: Some(self.key()),
            moves: self.history.moves.saturating_add(1),
            order: (!self.payable().is_zero()).then(|| self.out_trade_no()),
            follow_up_of: self.history.follow_up_of.clone(),
            ..History::default()
        };
        let held = Self {
            id,
            place,
            state: State::Held { expires_at: now },
            deadlines: Deadlines::none(),
            ev: None,
            history: Box::new(history),
            credit: VisitCredit::default(),
            enrolment: Box::new(enrolment),
            created_at: now,
            ver: 0,
            ..self.clone()
        };
        let state = if held.is_number_of_his() { State::Confirming { since: now } } else { State::Booked };
        held.reached(state, actor, now)
    }

    /// The appointment in another state, with the event and the deadlines it means.
    pub(crate) fn reached(&self, state: State, actor: Actor, now: Timestamp) -> Self {
        let kind = match (event_of(state), &self.history.moved_from) {
            // The visit it took the place of was announced before: this one says what became of it.
            (Some(EventKind::AppointmentBooked), Some(_)) => Some(EventKind::AppointmentMoved),
            (kind, _) => kind,
        };
        let ev = kind.map(|kind| ItemEvent { seq: self.event_seq() + 1, kind, actor, at: now });
        Self {
            state,
            deadlines: deadlines_after(self, state, now),
            ev: ev.or_else(|| self.ev.clone()),
            ver: self.ver + 1,
            ..self.clone()
        }
        .planned(now)
    }

    /// The appointment once another doctor sees the patient (替诊): told, and free to cancel until the turn.
    pub fn substituted(&self, doctor: &DoctorId, who: &str, actor: Actor, now: Timestamp) -> Result<Self, MoveError> {
        match self.state {
            State::Booked | State::CheckedIn if self.place.who != who => {}
            State::Booked | State::CheckedIn => return Err(MoveError::AlreadyDone),
            _ => return Err(MoveError::Illegal),
        }
        let place = Place { doctor: Some(doctor.clone()), who: who.to_owned(), ..self.place.clone() };
        let ev = ItemEvent { seq: self.event_seq() + 1, kind: EventKind::AppointmentSubstituted, actor, at: now };
        let notify_at = time::add_seconds(now, NOTIFY_WITHIN_S);
        Ok(Self {
            place,
            deadlines: self.deadlines.clone().with(Deadline::Notify, notify_at),
            ev: Some(ev),
            history: Box::new(History { substituted: true, ..(*self.history).clone() }),
            ver: self.ver + 1,
            ..self.clone()
        })
    }

    /// The appointment after `command`, with its event and deadlines, or why not.
    pub fn after(
        &self,
        command: Command,
        actor: Actor,
        policy: CancelPolicy,
        now: Timestamp,
    ) -> Result<Self, MoveError> {
        let state = self.next_state(command, policy, now)?;
        let ev = event_of(state).map(|kind| ItemEvent { seq: self.event_seq() + 1, kind, actor, at: now });
        let credit = credit_after(self, state, now);
        let deadlines = deadlines_after(self, state, now);
        // What the record is owed stays owed; a cancellation gives it its due when it leaves the gate.
        let owed = if credit.seq == self.credit.seq { self.deadlines.get(Deadline::Credit) } else { Some(now) };
        let owed = owed.filter(|_| !matches!(state, State::Cancelled { .. }));
        Ok(Self {
            state,
            deadlines: match owed {
                Some(at) => deadlines.with(Deadline::Credit, at),
                None => deadlines,
            },
            credit,
            ev: ev.or_else(|| self.ev.clone()),
            ver: self.ver + 1,
            ..self.clone()
        }
        .planned(now))
    }

    fn event_seq(&self) -> u64 {
        self.ev.as_ref().map_or(0, |event| event.seq)
    }

    fn next_state(&self, command: Command, policy: CancelPolicy, now: Timestamp) -> Result<State, MoveError> {
        use State::{Booked, Cancelled, CheckedIn, Confirming, Expired, Fulfilled, Held, NoShow, Refused};
        match (self.state, command) {
            (Held { .. }, Command::Book) if self.is_number_of_his() => Ok(Confirming { since: now }),
            // Given back there as well: whether it can be had again is not ours to say.
            (Expired, Command::Book) if self.is_number_of_his() => Err(MoveError::Illegal),
            (Held { .. } | Expired, Command::Book) => Ok(Booked),
            (Held { .. } | Expired | Confirming { .. }, Command::Refuse(why)) => Ok(Refused { why }),
            (Held { .. }, Command::Drop) => Ok(Expired),
            (Held { expires_at }, Command::Expire) if expires_at <= now => Ok(Expired),
            (Held { .. }, Command::Expire) => Err(MoveError::StillHeld),
            (Held { .. }, Command::Cancel(by)) => Ok(Cancelled { by, refund: false }),
            // 停诊 also meets those who have come already (E42), and those who are taken for absent.
            (Booked | Confirming { .. }, Command::Cancel(by))
            | (CheckedIn | NoShow, Command::Cancel(by @ CancelledBy::Hospital)) => self.cancel_booked(by, policy, now),
            (Booked, Command::CheckIn) => Ok(CheckedIn),
            // Late, but on the day: the desk takes the patient in all the same.
            (NoShow, Command::CheckIn) if time::today(now) == self.place.date => Ok(CheckedIn),
            // The hospital's own record says that the visit took place.
            (Booked | CheckedIn | NoShow, Command::Fulfil) => Ok(Fulfilled),
            (Booked, Command::MissVisit) if now < self.place.ends_at() => Err(MoveError::NotOver),
            (Booked, Command::MissVisit) => Ok(NoShow),
            (Confirming { .. } | Booked | CheckedIn | Fulfilled, Command::Book)
            | (Refused { .. }, Command::Refuse(_))
            | (Expired, Command::Expire | Command::Drop)
            | (Cancelled { .. }, Command::Cancel(_))
            | (CheckedIn, Command::CheckIn)
            | (Fulfilled, Command::Fulfil)
            | (NoShow, Command::MissVisit) => Err(MoveError::AlreadyDone),
            (
                Confirming { .. }
                | Booked
                | CheckedIn
                | Fulfilled
                | NoShow
                | Expired
                | Cancelled { .. }
                | Refused { .. }
                | Held { .. },
                _,
            ) => Err(MoveError::Illegal),
        }
    }

    /// What the credit record has to say about this visit; none when there is nothing to say.
    pub fn strike(&self) -> Option<Strike> {
        let VisitCredit { seq, missed, came_late_at, given_back_at, .. } = self.credit;
        let place = &self.place;
        let missed = missed.then_some((Breach::Missed, place.ends_at()));
        let (breach, at, state) = match (self.state, came_late_at, given_back_at, missed) {
            (State::NoShow, _, _, Some((breach, at))) => (breach, at, StrikeState::Provisional),
            (State::CheckedIn | State::Fulfilled, Some(at), _, _) => (Breach::CameLate, at, StrikeState::Final),
            (State::CheckedIn | State::Fulfilled, None, _, Some((breach, at))) => (breach, at, StrikeState::Cleared),
            (State::Cancelled { by: CancelledBy::Hospital, .. }, Some(at), _, _) => {
                (Breach::CameLate, at, StrikeState::Voided)
            }
            (State::Cancelled { by: CancelledBy::Hospital, .. }, None, _, Some((breach, at))) => {
                (breach, at, StrikeState::Voided)
            }
            (State::Cancelled { .. }, _, Some(at), _) => (Breach::Cancelled, at, StrikeState::Final),
            _ => return None,
        };
        let (visit, kind) = (place.starts_at(), place.kind);
        Some(Strike { breach, at, visit, kind, state, seq, decision: None })
    }

    /// The same once the credit record has followed: a missed visit is told of, and its patient's claim to have been
    /// there is put to the hospital's own record in the night. `told` is where the patient stands now.
    #[must_use]
    pub fn credited(&self, told: Option<Told>, now: Timestamp) -> Self {
        let mut deadlines = self.deadlines.clone().without(Deadline::Credit);
        let mut ev = self.ev.clone();
        if self.state == State::NoShow {
            let kind = EventKind::AppointmentMissed;
            ev = Some(ItemEvent { seq: self.event_seq() + 1, kind, actor: Actor::Schedule, at: now });
            deadlines = deadlines
                .with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S))
                .with(Deadline::Check, check_at(self.place.date, 1));
        }
        let credit = VisitCredit { told, ..self.credit.clone() };
        Self { deadlines, ev, credit, ver: self.ver + 1, ..self.clone() }
    }

    fn cancel_booked(&self, by: CancelledBy, policy: CancelPolicy, now: Timestamp) -> Result<State, MoveError> {
        // The deadline second itself still counts (E02). After it the window can still help, until the turn itself; the
        // hospital's own cancellation has no deadline.
        let until = match by {
            CancelledBy::Patient => Some(self.cancel_until(policy)),
            CancelledBy::Window => Some(self.place.starts_at()),
            CancelledBy::Hospital => None,
        };
        if until.is_some_and(|until| now > until) {
            return Err(MoveError::CancelDeadlinePassed);
        }
        Ok(State::Cancelled { by, refund: !self.payable().is_zero() })
    }
}

fn credit_after(before: &Appointment, state: State, now: Timestamp) -> VisitCredit {
    let credit = &before.credit;
    let moved = VisitCredit { seq: credit.seq.saturating_add(1), ..credit.clone() };
    let is_on_record = credit.missed || credit.came_late_at.is_some();
    match state {
        State::NoShow => VisitCredit { missed: true, ..moved },
        State::CheckedIn if now > before.place.ends_at() => VisitCredit { came_late_at: Some(now), ..moved },
        State::Cancelled { by: CancelledBy::Patient | CancelledBy::Window, .. } if before.state == State::Booked => {
            VisitCredit { given_back_at: Some(now), ..moved }
        }
        State::Fulfilled if before.state == State::NoShow => moved,
        State::Cancelled { by: CancelledBy::Hospital, .. } if is_on_record => moved,
        _ => credit.clone(),
    }
}

/// The event a state is announced by.
fn event_of(state: State) -> Option<EventKind> {
    match state {
        State::Booked => Some(EventKind::AppointmentBooked),
        State::Cancelled { .. } => Some(EventKind::AppointmentCancelled),
        State::Expired => Some(EventKind::AppointmentExpired),
        State::Refused { .. } => Some(EventKind::AppointmentRefused),
        State::Held { .. } | State::Confirming { .. } | State::CheckedIn | State::Fulfilled | State::NoShow => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
