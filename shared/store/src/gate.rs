//! A person's gate: limits, credit and live numbers, decided by one write.

use crate::key::Key;
use crate::table::{StoreError, Table, Write, to_item};
use domain::booking::Gate;
use domain::id::{AppointmentId, PatientId};

/// How often a decision on a gate is taken again when somebody else wrote it in between.
pub const GATE_TRIES_MAX: u32 = 5;

impl Table {
    /// The gate of a person; a fresh one if nothing was ever booked.
    pub async fn gate(&self, patient: &PatientId) -> Result<Gate, StoreError> {
        Ok(self.get(&Key::gate(patient)).await?.unwrap_or_default())
    }

    /// Writes what `decide` makes of the gate, again on the newer gate when somebody else was faster. `decide` answers
    /// `None` when there is nothing to change.
    pub async fn change_gate<E: From<StoreError>>(
        &self,
        patient: &PatientId,
        decide: impl Fn(&Gate) -> Result<Option<Gate>, E>,
    ) -> Result<(), E> {
        let seen = self.gate(patient).await?;
        self.change_gate_seen(patient, seen, decide).await
    }

    /// As [`change_gate`](Self::change_gate), beginning with a gate that was just read.
    pub(crate) async fn change_gate_seen<E: From<StoreError>>(
        &self,
        patient: &PatientId,
        mut seen: Gate,
        decide: impl Fn(&Gate) -> Result<Option<Gate>, E>,
    ) -> Result<(), E> {
        for _ in 0..GATE_TRIES_MAX {
            let Some(gate) = decide(&seen)? else { return Ok(()) };
            let item = to_item(&Key::gate(patient), &Gate { ver: seen.ver + 1, ..gate })?;
            if let Write::Done = self.put_versioned(item, seen.ver).await? {
                return Ok(());
            }
            seen = self.gate(patient).await?;
        }
        Err(StoreError::Contended.into())
    }

    /// Takes an appointment off the gate: it is over. Harmless to repeat.
    pub async fn leave_gate(&self, patient: &PatientId, appointment: &AppointmentId) -> Result<(), StoreError> {
        self.change_gate(patient, |gate| {
            let mut after = gate.clone();
            Ok(after.entries.remove(appointment).map(|_| after))
        })
        .await
    }
}
