//! A person's gate: limits, credit and live numbers, decided by one write.

use crate::due;
use crate::key::Key;
use crate::table::{Item, StoreError, Table, Write, to_item};
use domain::booking::Gate;
use domain::due::Deadline;
use domain::id::{AppointmentId, OpenId, PatientId};

/// How often a decision on a gate is taken again when somebody else wrote it in between.
pub const GATE_TRIES_MAX: u32 = 5;

/// How often a person was merged into another, at most.
const MOVES_MAX: u32 = 32;

/// A gate, and where it is.
pub(crate) struct SeenGate {
    /// Where.
    pub(crate) key: Key,
    /// As it was.
    pub(crate) gate: Gate,
}

/// A gate as it is stored.
pub(crate) fn item_of(key: &Key, gate: &Gate) -> Result<Item, StoreError> {
    let mut item = to_item(key, gate)?;
    due::stamp(&mut item, &key.pk, &gate.deadlines);
    Ok(item)
}

impl Table {
    /// The gate of a person; a fresh one if nothing was ever booked. That of whom they were merged into, if they were.
    pub async fn gate(&self, patient: &PatientId) -> Result<Gate, StoreError> {
        Ok(self.live_gate(&Key::gate(patient)).await?.gate)
    }

    /// The gate that counts for whoever is at a key.
    pub(crate) async fn live_gate(&self, key: &Key) -> Result<SeenGate, StoreError> {
        let mut key = key.clone();
        for _ in 0..MOVES_MAX {
            let gate = self.gate_at(&key).await?;
            match &gate.moved_to {
                Some(into) => key = Key::gate(into),
                None => return Ok(SeenGate { key, gate }),
            }
        }
        Err(StoreError::Contended)
    }

    /// The gate of an account; a fresh one if nothing is on its record.
    pub async fn account_gate(&self, account: &OpenId) -> Result<Gate, StoreError> {
        self.gate_at(&Key::account_gate(account)).await
    }

    /// The gate at a key of the time index or of an event, wherever its person went.
    pub async fn gate_at(&self, key: &Key) -> Result<Gate, StoreError> {
        Ok(self.get(key).await?.unwrap_or_default())
    }

    /// Writes what `decide` makes of the gate, again on the newer gate when somebody else was faster. `decide` answers
    /// `None` when there is nothing to change. The gate as it then is.
    pub async fn change_gate<E: From<StoreError>>(
        &self,
        key: &Key,
        decide: impl Fn(&Gate) -> Result<Option<Gate>, E>,
    ) -> Result<Gate, E> {
        let seen = self.live_gate(key).await?;
        self.change_gate_seen(seen, decide).await
    }

    /// As [`change_gate`](Self::change_gate), beginning with a gate that was just read.
    pub(crate) async fn change_gate_seen<E: From<StoreError>>(
        &self,
        mut seen: SeenGate,
        decide: impl Fn(&Gate) -> Result<Option<Gate>, E>,
    ) -> Result<Gate, E> {
        for _ in 0..GATE_TRIES_MAX {
            let Some(gate) = decide(&seen.gate)? else { return Ok(seen.gate) };
            let after = Gate { ver: seen.gate.ver + 1, ..gate };
            if let Write::Done = self.put_versioned(item_of(&seen.key, &after)?, seen.gate.ver).await? {
                return Ok(after);
            }
            seen = self.live_gate(&seen.key).await?;
        }
        Err(StoreError::Contended.into())
    }

    /// Notes that what there was to tell is in the ledger, unless there is something newer. Harmless to repeat.
    pub async fn clear_gate_notice(&self, key: &Key, seq: u64) -> Result<(), StoreError> {
        // Whoever was to be told is told of this gate, not of one it has moved to since.
        let seen = SeenGate { key: key.clone(), gate: self.gate_at(key).await? };
        self.change_gate_seen(seen, |gate| {
            let told = gate.ev.as_ref().is_some_and(|event| event.seq == seq);
            let due = gate.deadlines.get(Deadline::Notify).is_some();
            let after = || Gate { deadlines: gate.deadlines.clone().without(Deadline::Notify), ..gate.clone() };
            Ok((told && due).then(after))
        })
        .await
        .map(drop)
    }

    /// Takes an appointment off the gate: it is over. Harmless to repeat.
    pub async fn leave_gate(&self, patient: &PatientId, appointment: &AppointmentId) -> Result<(), StoreError> {
        self.change_gate(&Key::gate(patient), |gate| {
            let mut after = gate.clone();
            Ok(after.entries.remove(appointment).map(|_| after))
        })
        .await
        .map(drop)
    }
}
