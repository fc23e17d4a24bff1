//! The credit record: what an appointment says of itself is noted on the gate of its patient, and on that of the account
//! that booked it.
//!
//! The appointment moves first, with a deadline until its patient's gate has followed; a note carries the count of the
//! appointment's moves, so that repeating it, or an older one arriving later, changes nothing.

use crate::appointments::MoveFailed;
use crate::key::{Key, ON_RECORD};
use crate::table::{StoreError, Table, to_item};
use domain::Timestamp;
use domain::appointment::{Appointment, MoveError, State, Told};
use domain::booking::Gate;
use domain::credit::{Judge, Owner, Strike};
use domain::due::Deadline;
use domain::event::Actor;
use domain::id::PatientId;
use domain::profile::HospitalProfile;
use serde::{Deserialize, Serialize};

/// People with something on record read at once.
pub const ON_RECORD_MAX: i32 = 5_000;

/// Somebody with something on record: where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnRecord {
    /// The person.
    pub patient: PatientId,
    /// Their name, masked.
    pub name_masked: String,
}

impl Table {
    /// Lets the credit record follow what happened to an appointment, and clears its deadline. Harmless to repeat.
    pub async fn follow_credit(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told = self.put_on_record(profile, appointment, now).await?;
        let key = appointment.key();
        let written = self.write_appointment(&key, |seen| {
            // Moved on in between: the record follows that move next.
            let is_due = seen.deadlines.get(Deadline::Credit).is_some() && seen.credit.seq == appointment.credit.seq;
            if is_due { Ok(seen.credited(told, now)) } else { Err(MoveFailed::Refused(MoveError::AlreadyDone)) }
        });
        match written.await {
            Ok(_) | Err(MoveFailed::Refused(_) | MoveFailed::NotFound) => Ok(()),
            Err(MoveFailed::Store(error)) => Err(error),
        }
    }

    /// Notes on the gates what an appointment says of itself; where its patient stands after missing it. A cancelled one
    /// leaves its patient's gate in the same write.
    pub(crate) async fn put_on_record(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        now: Timestamp,
    ) -> Result<Option<Told>, StoreError> {
        let Some(strike) = appointment.strike() else { return Ok(None) };
        let owner = owner_of(appointment);
        let key = Key::gate(&appointment.patient);
        let seen = self.gate(&appointment.patient).await?;
        if seen.record.strikes.is_empty() {
            // The list before the record: it only says where to look.
            let entry = OnRecord { patient: owner.patient.clone(), name_masked: owner.patient_name_masked.clone() };
            self.put(to_item(&Key::on_record(&entry.patient), &entry)?).await?;
        }
        let judge = profile.judge();
        let decide = |gate: &Gate| {
            let left = if appointment.is_cancelled() { gate.left_by(&appointment.id) } else { gate.clone() };
            let noted = gate.record.noted(&appointment.id, strike.clone());
            Ok::<_, StoreError>(match noted {
                Some(record) => Some(left.with_record(record, &judge, &owner, &Actor::Schedule, now)),
                None => Some(left).filter(|left| left != gate),
            })
        };
        let gate = self.change_gate_seen(&key, seen, decide).await?;
        if let Some(account) = appointment.booker.account() {
            self.change_gate(&Key::account_gate(account), |gate| {
                let record = gate.record.noted(&appointment.id, strike.clone());
                Ok::<_, StoreError>(record.map(|record| Gate { record, ..gate.clone() }))
            })
            .await?;
        }
        let is_missed = appointment.state == State::NoShow;
        Ok(is_missed.then(|| told_of(&gate, &strike, &judge, now)))
    }

    /// People with something on record, in order of their ids.
    pub async fn on_record(&self) -> Result<Vec<OnRecord>, StoreError> {
        self.query(ON_RECORD, "", ON_RECORD_MAX).await
    }
}

/// Whose record an appointment belongs to.
fn owner_of(appointment: &Appointment) -> Owner {
    Owner {
        patient: appointment.patient.clone(),
        patient_name_masked: appointment.patient_name_masked.clone(),
        account: appointment.booker.account().cloned(),
    }
}

fn told_of(gate: &Gate, strike: &Strike, judge: &Judge<'_>, now: Timestamp) -> Told {
    let standing = judge.standing(&gate.record, now);
    let (counted, left) = judge.tally_with(&gate.record, strike, now).unwrap_or((0, standing.left));
    let last_warning = counted > 0 && standing.is_last_warning();
    Told { counted, left, banned: !standing.bans.is_empty(), last_warning }
}
