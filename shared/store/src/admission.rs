//! Tries for a number in the rush: counted by clinic and turn, and noted with the person they were given to, so that one
//! who comes back, or comes with several sessions, has the same one.

use crate::key::{Key, SELF};
use crate::table::{StoreError, Table, Write, from_item, number, send_update};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::admission::{TRY_S, TURN_S, Try, Turn};
use domain::id::{ClinicId, PatientId};
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of a clinic's key.
pub const KEY_BYTES: usize = 32;
/// Counters and tries are deleted some time after their end.
const KEEP_S: i64 = 3_600;
/// How often counting is taken again when another caller opened the turn in between.
const COUNT_TRIES_MAX: u32 = 3;

/// What a clinic's tries are signed with: random, made with the clinic's first one, of no use for anything else. Prints
/// masked.
#[derive(Clone, PartialEq, Eq)]
pub struct AdmissionKey([u8; KEY_BYTES]);

impl AdmissionKey {
    /// From random bytes.
    pub const fn from_random(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, to sign with.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AdmissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdmissionKey(…)")
    }
}

#[derive(Serialize, Deserialize)]
struct Counter {
    turn: i64,
}

impl Table {
    /// What a clinic's tries are signed with; none before the first one was given.
    pub async fn admission_key(&self, clinic: &ClinicId) -> Result<Option<AdmissionKey>, StoreError> {
        let item = self.get_item(&Key::admission(clinic)).await?;
        let bytes = item.and_then(|mut item| match item.remove("secret") {
            Some(AttributeValue::B(blob)) => <[u8; KEY_BYTES]>::try_from(blob.into_inner()).ok(),
            _ => None,
        });
        Ok(bytes.map(AdmissionKey))
    }

    /// The last try a person was given for a clinic.
    pub async fn try_of(&self, clinic: &ClinicId, patient: &PatientId) -> Result<Option<Try>, StoreError> {
        self.get(&Key::admission_of(patient, clinic)).await
    }

    /// Gives a person one of the turn's `tries`; none when they are gone. `fresh` becomes the clinic's key if it has none.
    pub async fn admit(
        &self,
        clinic: &ClinicId,
        patient: &PatientId,
        tries: usize,
        fresh: &AdmissionKey,
        now: Timestamp,
    ) -> Result<Option<Try>, StoreError> {
        if !self.count_try(clinic, tries, fresh, now).await? {
            return Ok(None);
        }
        let key = Key::admission_of(patient, clinic);
        let given = Try::given(now);
        let request = self
            .update(&key)
            .update_expression("SET #until = :until, #ttl = :ttl")
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(given.until.as_second()))
            .expression_attribute_values(":ttl", number(time::add_seconds(now, TRY_S + KEEP_S).as_second()));
        send_update(request).await?;
        Ok(Some(given))
    }

    /// Counts one more try of this turn, if there is one.
    async fn count_try(
        &self,
        clinic: &ClinicId,
        tries: usize,
        fresh: &AdmissionKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let turn = Turn::at(now).number();
        for _ in 0..COUNT_TRIES_MAX {
            if tries == 0 {
                return Ok(false);
            }
            let request = self
                .update(&Key::admission(clinic))
                .update_expression("ADD given :one")
                .condition_expression("turn = :turn AND given < :tries")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":turn", number(turn))
                .expression_attribute_values(":tries", number(tries));
            let there = match send_update(request).await? {
                Write::Done => return Ok(true),
                Write::Refused(there) => there.map(from_item::<Counter>).transpose()?,
            };
            if there.is_some_and(|counter| counter.turn >= turn) {
                return Ok(false);
            }
            if self.open_turn(clinic, turn, fresh, now).await?.is_done() {
                return Ok(true);
            }
        }
        Err(StoreError::Contended)
    }

    /// Begins a turn with its first try.
    async fn open_turn(
        &self,
        clinic: &ClinicId,
        turn: i64,
        fresh: &AdmissionKey,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let request = self
            .update(&Key::admission(clinic))
            .update_expression("SET turn = :turn, given = :one, secret = if_not_exists(secret, :fresh), #ttl = :ttl")
            .condition_expression("attribute_not_exists(turn) OR turn < :turn")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":turn", number(turn))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":fresh", AttributeValue::B(Blob::new(fresh.expose())))
            .expression_attribute_values(":ttl", number(time::add_seconds(now, KEEP_S).as_second()));
        send_update(request).await
    }

    /// Counts a request of somebody who asks suspiciously often; how many there have been in this turn.
    pub async fn count_attempt(&self, who: &str, now: Timestamp) -> Result<u32, StoreError> {
        let request = self
            .update(&Key::new(format!("ATTEMPTS#{who}#{}", Turn::at(now).number()), SELF))
            .update_expression("ADD counted :one SET #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ttl", number(time::add_seconds(now, TURN_S + KEEP_S).as_second()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        let answer = request.send().await.map_err(StoreError::unavailable("count an attempt"))?;
        let counted = answer.attributes.and_then(|mut item| item.remove("counted"));
        Ok(counted.and_then(|counted| counted.as_n().ok()?.parse().ok()).unwrap_or(u32::MAX))
    }
}
