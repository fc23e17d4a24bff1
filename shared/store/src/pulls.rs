//! Where pulling from the hospital's own system stands, and what it said last of the catalogue.

use crate::key::Key;
use crate::table::{StoreError, Table, Write, to_item};
use domain::Timestamp;
use domain::catalog::{Department, Doctor};
use domain::profile::PullPolicy;
use domain::pull::{Pull, PullDue};

/// How often it is written again when somebody else did in between.
const TRIES_MAX: u32 = 5;

impl Table {
    /// Where pulling stands.
    pub async fn pull(&self) -> Result<Pull, StoreError> {
        Ok(self.get(&Key::pull()).await?.unwrap_or_default())
    }

    /// Begins a pull, if one is due and nobody else is at it.
    pub async fn begin_pull(&self, policy: &PullPolicy, now: Timestamp) -> Result<Option<(Pull, PullDue)>, StoreError> {
        let seen = self.pull().await?;
        let Some(due) = seen.due(policy, now) else { return Ok(None) };
        let begun = seen.begun(now);
        let written = self.put_versioned(to_item(&Key::pull(), &begun)?, seen.ver).await?;
        Ok(written.is_done().then_some((begun, due)))
    }

    /// Has a pull begin with the next tick.
    pub async fn ask_for_pull(&self, now: Timestamp) -> Result<Pull, StoreError> {
        self.change_pull(|seen| seen.asked(now)).await
    }

    /// Writes what `change` makes of where pulling stands.
    pub async fn change_pull(&self, change: impl Fn(&Pull) -> Pull) -> Result<Pull, StoreError> {
        for _ in 0..TRIES_MAX {
            let seen = self.pull().await?;
            let after = Pull { ver: seen.ver + 1, ..change(&seen) };
            if let Write::Done = self.put_versioned(to_item(&Key::pull(), &after)?, seen.ver).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Contended)
    }

    /// A department as the hospital's own system last told of it.
    pub async fn heard_department(&self, id: &domain::id::DepartmentId) -> Result<Option<Department>, StoreError> {
        self.get(&Key::heard_department(id)).await
    }

    /// Notes it.
    pub async fn put_heard_department(&self, heard: &Department) -> Result<(), StoreError> {
        self.put(to_item(&Key::heard_department(&heard.id), heard)?).await
    }

    /// A doctor as the hospital's own system last told of them.
    pub async fn heard_doctor(&self, id: &domain::id::DoctorId) -> Result<Option<Doctor>, StoreError> {
        self.get(&Key::heard_doctor(id)).await
    }

    /// Notes it.
    pub async fn put_heard_doctor(&self, heard: &Doctor) -> Result<(), StoreError> {
        self.put(to_item(&Key::heard_doctor(&heard.id), heard)?).await
    }
}
