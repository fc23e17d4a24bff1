//! Reading results: the fresh proof of identity it takes, and what has been read.
//!
//! A proof belongs to a session and a person. It is over [`PROOF_IDLE_S`] after the last reading, and with the session.

use crate::key::Key;
use crate::table::{StoreError, Table, number, to_item};
use domain::Timestamp;
use domain::id::{OpenId, PatientId};
use domain::time::add_seconds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A proof of identity is good for this long without reading: a quarter of an hour.
pub const PROOF_IDLE_S: i64 = 15 * 60;
/// Reading is noted at most this often, so that leafing through reports costs no write a page.
pub const PROOF_TOUCH_S: i64 = 60;
/// How long it is remembered what was read: as long as reports are kept.
const READ_KEPT_S: i64 = 366 * 24 * 3600;
/// The most reports of a person whose reading is remembered.
const READ_MAX: i32 = 200;
/// The prefix of what an account has read.
const READ_PREFIX: &str = "READ#";

/// A proof that whoever has the session is who may read about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReadingProof {
    #[serde(with = "domain::clinic::epoch_s")]
    until: Timestamp,
}

/// The version of a report that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReadMark {
    report: String,
    version: String,
}

impl Table {
    /// Notes that a session has proven to be of somebody who may read about a person.
    pub async fn put_reading_proof(
        &self,
        session: &str,
        patient: &PatientId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let until = add_seconds(now, PROOF_IDLE_S);
        let mut item = to_item(&proof_key(session, patient), &ReadingProof { until })?;
        item.insert("ttl".into(), number(until.as_second()));
        self.put(item).await
    }

    /// Whether a session's proof about a person still holds; if so, it holds for another quarter of an hour.
    pub async fn use_reading_proof(
        &self,
        session: &str,
        patient: &PatientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let proof: Option<ReadingProof> = self.get(&proof_key(session, patient)).await?;
        let Some(proof) = proof.filter(|proof| proof.until > now) else { return Ok(false) };
        if add_seconds(proof.until, PROOF_TOUCH_S - PROOF_IDLE_S) <= now {
            self.put_reading_proof(session, patient, now).await?;
        }
        Ok(true)
    }

    /// What an account has read about a person: report and version.
    pub async fn read_marks(
        &self,
        account: &OpenId,
        patient: &PatientId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let prefix = format!("{READ_PREFIX}{patient}#");
        let marks: Vec<ReadMark> = self.query(&Key::account(account).pk, &prefix, READ_MAX).await?;
        Ok(marks.into_iter().map(|mark| (mark.report, mark.version)).collect())
    }

    /// Notes that an account has read a version of a report. `report` and `version` are opaque.
    pub async fn put_read_mark(
        &self,
        account: &OpenId,
        patient: &PatientId,
        report: &str,
        version: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = Key::new(Key::account(account).pk, format!("{READ_PREFIX}{patient}#{report}"));
        let mut item = to_item(&key, &ReadMark { report: report.to_owned(), version: version.to_owned() })?;
        item.insert("ttl".into(), number(add_seconds(now, READ_KEPT_S).as_second()));
        self.put(item).await
    }
}

fn proof_key(session: &str, patient: &PatientId) -> Key {
    Key::new(Key::hashed("SESSION", session).pk, format!("PROOF#{patient}"))
}
