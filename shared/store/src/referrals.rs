//! 转诊码: codes given out, by clinic. A code is noted with the number it is used for before the number is taken; what
//! came to nothing makes room for the next try, so that a crash in between spends no code.

use crate::key::{Key, REFERRAL_PREFIX};
use crate::table::{StoreError, Table, Write, to_item};
use domain::Timestamp;
use domain::appointment::AppointmentKey;
use domain::clinic::Slot;
use domain::id::ClinicId;
use domain::referral::{Referral, ReferralCode, ReferralError, quota};

/// Codes of one clinic read at once: more than any clinic sets numbers apart.
const SHOWN_MAX: i32 = 500;

/// Why a code was not given out, or gives no number.
#[derive(Debug, thiserror::Error)]
pub enum ReferralFailed {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] ReferralError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn key_of(referral: &Referral) -> Key {
    Key::referral(&referral.clinic, &referral.code)
}

impl Table {
    /// Every code of a clinic.
    pub async fn referrals(&self, clinic: &ClinicId) -> Result<Vec<Referral>, StoreError> {
        self.query(&format!("{REFERRAL_PREFIX}{clinic}"), "", SHOWN_MAX).await
    }

    /// Gives a code out, unless as many are out as numbers are set apart. A repeat is the code there is.
    pub async fn issue_referral(
        &self,
        referral: &Referral,
        slots: &[Slot],
        now: Timestamp,
    ) -> Result<Referral, ReferralFailed> {
        let there = self.referrals(&referral.clinic).await?;
        if let Some(same) = there.iter().find(|other| other.code == referral.code) {
            return Ok(same.clone());
        }
        if there.iter().filter(|other| other.is_out(now)).count() >= quota(slots) {
            return Err(ReferralError::NoneLeft.into());
        }
        match self.put_new(to_item(&key_of(referral), referral)?).await? {
            Write::Done | Write::Refused(None) => Ok(referral.clone()),
            Write::Refused(Some(there)) => Ok(crate::table::from_item(there)?),
        }
    }

    /// Notes on a code which number it is about to be used for. Harmless to repeat.
    pub async fn use_referral(
        &self,
        clinic: &ClinicId,
        code: &ReferralCode,
        next: &AppointmentKey,
        now: Timestamp,
    ) -> Result<(), ReferralFailed> {
        let found: Option<Referral> = self.get(&Key::referral(clinic, code)).await?;
        let found = found.ok_or(ReferralError::Unknown)?;
        found.admits(next, self.is_spent(&found, now).await?, now)?;
        if found.used_for.as_ref() == Some(next) {
            return Ok(());
        }
        let used = found.used(next);
        match self.put_versioned(to_item(&key_of(&used), &used)?, found.ver).await? {
            Write::Done => Ok(()),
            // Somebody else was quicker with it.
            Write::Refused(_) => Err(ReferralError::Used.into()),
        }
    }

    /// Whether the number noted on a code is somebody's.
    async fn is_spent(&self, referral: &Referral, now: Timestamp) -> Result<bool, StoreError> {
        let Some(used_for) = &referral.used_for else { return Ok(false) };
        let visit = self.appointment(used_for).await?;
        Ok(visit.is_some_and(|visit| visit.is_live(now) || visit.was_visit()))
    }

    /// Frees a code whose number was refused.
    pub async fn free_referral(
        &self,
        clinic: &ClinicId,
        code: &ReferralCode,
        refused: &AppointmentKey,
    ) -> Result<(), StoreError> {
        let found: Option<Referral> = self.get(&Key::referral(clinic, code)).await?;
        let Some(found) = found.filter(|found| found.used_for.as_ref() == Some(refused)) else { return Ok(()) };
        let freed = found.freed();
        self.put_versioned(to_item(&key_of(&freed), &freed)?, found.ver).await.map(drop)
    }
}
