//! The gate of a person: what they hold, miss and may still take.

use super::{Limits, Product};
use crate::appointment::NOTIFY_WITHIN_S;
use crate::clinic::{Clinic, ClinicKind, SlotStart};
use crate::credit::{Ban, CreditNews, Judge, Owner, Record, change};
use crate::due::{Deadline, Deadlines};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, ClinicId, DepartmentId, DoctorId, PatientId};
use crate::time;
use crate::waitlist::Ticket;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a number stands on a person's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Pass {
    /// Held until then. Past it the slot decides: an entry here never locks anybody out by itself.
    Held {
        /// End of the hold.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
    /// Paid.
    Booked,
    /// Offered to somebody who waited, until then: it keeps nobody from holding another number.
    Offered {
        /// End of the offer.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
}

impl Pass {
    /// When it ends by itself, if it does.
    pub fn expires_at(self) -> Option<Timestamp> {
        match self {
            Self::Held { expires_at } | Self::Offered { expires_at } => Some(expires_at),
            Self::Booked => None,
        }
    }
}

/// One live number on a person's gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateEntry {
    /// The clinic.
    pub clinic: ClinicId,
    /// The slot, to ask it when in doubt.
    pub start: SlotStart,
    /// Service day.
    pub date: Date,
    /// Department.
    pub department: DepartmentId,
    /// Doctor, if any.
    pub doctor: Option<DoctorId>,
    /// Held or booked.
    #[serde(flatten)]
    pub pass: Pass,
}

/// A person's gate: live numbers and credit in one item, so that limits are decided by one write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Live numbers by appointment.
    #[serde(default)]
    pub entries: BTreeMap<AppointmentId, GateEntry>,
    /// Places on waitlists by clinic.
    #[serde(default)]
    pub waiting: BTreeMap<ClinicId, Ticket>,
    /// The credit record.
    #[serde(default)]
    pub record: Record,
    /// What of the record its owner is to be told.
    #[serde(default)]
    pub news: Option<CreditNews>,
    /// What happened to the record last.
    #[serde(default)]
    pub ev: Option<ItemEvent>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// The person this one was merged into: theirs is the gate that counts, this one is what was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<PatientId>,
    /// Counts writes; 0 = never written.
    #[serde(default)]
    pub ver: u64,
}

/// Why a person cannot have another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Already has a number of this clinic.
    #[error("already has a number of this clinic")]
    SameClinic,
    /// An unpaid hold is running.
    #[error("an unpaid hold is running")]
    UnpaidHold,
    /// The day's limit for this doctor.
    #[error("limit per doctor and day")]
    DoctorDay,
    /// The day's limit for this department.
    #[error("limit per department and day")]
    DepartmentDay,
    /// The day's limit.
    #[error("limit per day")]
    Day,
    /// The credit record of the person: no advance booking.
    #[error("credit record ends advance booking")]
    NoAdvanceBooking(Ban),
    /// The credit record of the account that books for others.
    #[error("credit record of the booking account ends advance booking")]
    AccountNoAdvanceBooking(Ban),
    /// On the blacklist: no booking online.
    #[error("no booking online")]
    Blocked,
}

impl Gate {
    /// Entries whose hold has run out by `now`: live only if their slot still says so.
    pub fn doubtful(&self, now: Timestamp) -> impl Iterator<Item = (&AppointmentId, &GateEntry)> {
        self.entries.iter().filter(move |(_, entry)| entry.pass.expires_at().is_some_and(|end| end <= now))
    }

    /// The gate without entries of days gone by and without `stale` (doubtful entries their slots no longer know).
    #[must_use]
    pub fn tidied(&self, stale: &[AppointmentId], today: Date) -> Self {
        let keep = |id: &AppointmentId, entry: &GateEntry| entry.date >= today && !stale.contains(id);
        let entries = self.entries.iter().filter(|(id, entry)| keep(id, entry));
        let waiting = self.waiting.iter().filter(|(clinic, _)| clinic.date().is_none_or(|date| date >= today));
        let waiting = waiting.map(|(clinic, ticket)| (clinic.clone(), ticket.clone())).collect();
        Self { waiting, entries: entries.map(|(id, entry)| (id.clone(), entry.clone())).collect(), ..self.clone() }
    }

    /// The gate without an appointment that is over.
    #[must_use]
    pub fn left_by(&self, appointment: &AppointmentId) -> Self {
        let mut after = self.clone();
        after.entries.remove(appointment);
        after
    }

    /// Whether its owner may book such a clinic online at all. Emergency clinics, like the window, are open to everybody.
    pub fn admits_online(&self, kind: ClinicKind, now: Timestamp) -> Result<(), GateError> {
        let is_blocked = kind != ClinicKind::Emergency && self.record.block(now).is_some();
        if is_blocked { Err(GateError::Blocked) } else { Ok(()) }
    }

    /// With another record and nothing to tell: of an account's gate.
    #[must_use]
    pub fn with_plain(&self, record: Record) -> Self {
        Self { record, ..self.clone() }
    }

    /// With another record. What that means for its owner is part of the same write: a ban that begins or is gone is
    /// announced once.
    #[must_use]
    pub fn with_record(&self, record: Record, judge: &Judge<'_>, owner: &Owner, by: &Actor, now: Timestamp) -> Self {
        let (kind, ban) = change(&self.record, &record, judge, now);
        let after = Self { record, ..self.clone() };
        match kind {
            Some(kind) => after.announcing(kind, CreditNews { owner: owner.clone(), ban, granted: None }, by, now),
            None => after,
        }
    }

    /// With the answer to an appeal on record, to be announced.
    #[must_use]
    pub fn with_answer(
        &self,
        record: Record,
        granted: bool,
        judge: &Judge<'_>,
        owner: &Owner,
        by: &Actor,
        now: Timestamp,
    ) -> Self {
        let ban = judge.standing(&record, now).ban().copied();
        let news = CreditNews { owner: owner.clone(), ban, granted: Some(granted) };
        Self { record, ..self.clone() }.announcing(EventKind::AppealAnswered, news, by, now)
    }

    fn announcing(self, kind: EventKind, news: CreditNews, by: &Actor, now: Timestamp) -> Self {
        let seq = self.ev.as_ref().map_or(0, |event| event.seq) + 1;
        let deadlines = self.deadlines.clone().with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S));
        Self { news: Some(news), ev: Some(ItemEvent { seq, kind, actor: by.clone(), at: now }), deadlines, ..self }
    }

    /// Whether one more number may be taken. Call on a [`tidied`](Self::tidied) gate: every entry counts.
    /// The entry of `appointment` itself does not count, so that a repeat of a request is not refused.
    pub fn admits(
        &self,
        appointment: &AppointmentId,
        clinic: &Clinic,
        product: Product,
        limits: &Limits,
        judge: &Judge<'_>,
        now: Timestamp,
    ) -> Result<(), GateError> {
        if let Some(ban) = judge.standing(&self.record, now).bars(clinic.kind, product) {
            return Err(GateError::NoAdvanceBooking(*ban));
        }
        let others = || self.entries.iter().filter(|(id, _)| *id != appointment).map(|(_, entry)| entry);
        let count = |test: &dyn Fn(&GateEntry) -> bool| {
            u32::try_from(others().filter(|entry| test(entry)).count()).unwrap_or(u32::MAX)
        };
        let same_day = |entry: &GateEntry| entry.date == clinic.date;
        if count(&|entry| entry.clinic == clinic.id) > 0 {
            return Err(GateError::SameClinic);
        }
        if count(&|entry| matches!(entry.pass, Pass::Held { .. })) >= limits.held {
            return Err(GateError::UnpaidHold);
        }
        if clinic.doctor.is_some() && count(&|e| same_day(e) && e.doctor == clinic.doctor) >= limits.per_doctor_day {
            return Err(GateError::DoctorDay);
        }
        if count(&|entry| same_day(entry) && entry.department == clinic.department) >= limits.per_department_day {
            return Err(GateError::DepartmentDay);
        }
        if count(&same_day) >= limits.per_day {
            return Err(GateError::Day);
        }
        Ok(())
    }
}
