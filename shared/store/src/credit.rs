//! The credit record: what an appointment says of itself is noted on the gate of its patient, and on that of the account
//! that booked it.
//!
//! The appointment moves first, with a deadline until its patient's gate has followed; a note carries the count of the
//! appointment's moves, so that repeating it, or an older one arriving later, changes nothing.

use crate::account::Link;
use crate::appointments::MoveFailed;
use crate::key::{Key, LINK_PREFIX, ON_RECORD};
use crate::table::{StoreError, Table, to_item};
use domain::Timestamp;
use domain::appointment::{Appointment, MoveError, State, Told};
use domain::booking::Gate;
use domain::credit::{Decision, Judge, Owner, Record, Strike};
use domain::due::Deadline;
use domain::event::Actor;
use domain::id::{OpenId, PatientId};
use domain::profile::HospitalProfile;
use serde::{Deserialize, Serialize};

/// People with something on record read at once.
pub const ON_RECORD_MAX: i32 = 5_000;

/// The purpose under which evidence for the blacklist is sealed: it may name people.
pub const EVIDENCE: &str = "evidence";
/// Accounts that act for one person, read at once.
const LINKS_READ_MAX: i32 = 20;

/// Somebody with something on record: where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnRecord {
    /// The person.
    pub patient: PatientId,
    /// Their name, masked.
    pub name_masked: String,
}

/// What the nightly check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The hospital's own record says that nobody came.
    Certain,
    /// It could not be asked, or knew nothing, night after night.
    Unknown,
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
        let seen = self.live_gate(&Key::gate(&appointment.patient)).await?;
        if seen.gate.record.strikes.is_empty() {
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
        let gate = self.change_gate_seen(seen, decide).await?;
        self.change_account_record(appointment, |record| record.noted(&appointment.id, strike.clone())).await?;
        let is_missed = appointment.state == State::NoShow;
        Ok(is_missed.then(|| told_of(&gate, &strike, &judge, now)))
    }

    /// Settles a missed visit after the nightly check: certain, or never to be counted. The appointment's deadline last.
    pub async fn settle_missed(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let after = |record: &Record| match verdict {
            Verdict::Certain => record.confirmed(&appointment.id),
            Verdict::Unknown => record.voided(&appointment.id, unknown(now)),
        };
        let (judge, owner) = (profile.judge(), owner_of(appointment));
        let decide = |gate: &Gate| {
            let with = |record| gate.with_record(record, &judge, &owner, &Actor::Schedule, now);
            Ok::<_, StoreError>(after(&gate.record).map(with))
        };
        self.change_gate(&Key::gate(&appointment.patient), decide).await?;
        self.change_account_record(appointment, after).await?;
        self.clear_deadline(&appointment.key(), Deadline::Check).await
    }

    /// The same change on the record of the account that booked, if one did.
    pub(crate) async fn change_account_record(
        &self,
        appointment: &Appointment,
        change: impl Fn(&Record) -> Option<Record>,
    ) -> Result<(), StoreError> {
        let Some(account) = appointment.booker.account() else { return Ok(()) };
        let decide = |gate: &Gate| Ok::<_, StoreError>(change(&gate.record).map(|record| gate.with_plain(record)));
        self.change_gate(&Key::account_gate(account), decide).await.map(drop)
    }

    /// Voids a strike by hand, on the person's record and the account's; false when it does not count anyway.
    pub async fn void_strike(
        &self,
        profile: &HospitalProfile,
        appointment: &Appointment,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let change = |record: &Record| record.voided(&appointment.id, decision.clone());
        let changed = self.decide_on_record(profile, &owner_of(appointment), change, decision).await?;
        self.change_account_record(appointment, change).await?;
        Ok(changed)
    }

    /// Changes a person's record by hand; false when there is nothing to change.
    pub async fn decide_on_record(
        &self,
        profile: &HospitalProfile,
        owner: &Owner,
        change: impl Fn(&Record) -> Option<Record>,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let seen = self.live_gate(&Key::gate(&owner.patient)).await?;
        let (judge, ver) = (profile.judge(), seen.gate.ver);
        let decide = |gate: &Gate| {
            let with = |record| gate.with_record(record, &judge, owner, &decision.by, decision.at);
            Ok::<_, StoreError>(change(&gate.record).map(with))
        };
        Ok(self.change_gate_seen(seen, decide).await?.ver > ver)
    }

    /// Changes an account's record by hand; false when there is nothing to change.
    pub async fn decide_on_account(
        &self,
        account: &OpenId,
        change: impl Fn(&Record) -> Option<Record>,
    ) -> Result<bool, StoreError> {
        let seen = self.live_gate(&Key::account_gate(account)).await?;
        let ver = seen.gate.ver;
        let decide = |gate: &Gate| Ok::<_, StoreError>(change(&gate.record).map(|record| gate.with_plain(record)));
        Ok(self.change_gate_seen(seen, decide).await?.ver > ver)
    }

    /// Whose record a person's is, and who is told of it: whoever was told last, else who acts for them.
    pub async fn owner(&self, patient: &PatientId) -> Result<Option<Owner>, StoreError> {
        let Some(known) = self.patient(patient).await? else { return Ok(None) };
        let told = self.gate(patient).await?.news.and_then(|news| news.owner.account);
        let links: Vec<Link> = self.query(&Key::patient(patient).pk, LINK_PREFIX, LINKS_READ_MAX).await?;
        let is_linked = |account: &OpenId| links.iter().any(|link| link.account == *account);
        let account = told.filter(is_linked).or_else(|| links.first().map(|link| link.account.clone()));
        Ok(Some(Owner { patient: patient.clone(), patient_name_masked: known.identity.name_masked, account }))
    }

    /// People with something on record, in order of their ids.
    pub async fn on_record(&self) -> Result<Vec<OnRecord>, StoreError> {
        self.query(ON_RECORD, "", ON_RECORD_MAX).await
    }
}

/// Whose record an appointment belongs to.
pub(crate) fn owner_of(appointment: &Appointment) -> Owner {
    Owner {
        patient: appointment.patient.clone(),
        patient_name_masked: appointment.patient_name_masked.clone(),
        account: appointment.booker.account().cloned(),
    }
}

fn unknown(now: Timestamp) -> Decision {
    Decision { by: Actor::Schedule, at: now, why: "医院系统连续三晚无法核实".to_owned() }
}

fn told_of(gate: &Gate, strike: &Strike, judge: &Judge<'_>, now: Timestamp) -> Told {
    let standing = judge.standing(&gate.record, now);
    let (counted, left) = judge.tally_with(&gate.record, strike, now).unwrap_or((0, standing.left));
    let last_warning = counted > 0 && standing.is_last_warning();
    Told { counted, left, banned: !standing.bans.is_empty(), last_warning }
}
