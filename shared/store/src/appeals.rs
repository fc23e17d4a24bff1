//! Appeals against strikes: filed once each, answered by staff.
//!
//! The answer on the appeal is the decision; a deadline sees to it that the credit record follows. The staff's list only
//! says where to look.

use crate::credit::owner_of;
use crate::due;
use crate::key::{APPEAL_PREFIX, APPEALS, Key};
use crate::seal::{Keyring, SealNonce};
use crate::table::{Item, StoreError, Table, Write, from_item, to_item};
use domain::Timestamp;
use domain::appointment::AppointmentKey;
use domain::booking::Gate;
use domain::civil::Date;
use domain::credit::Decision;
use domain::due::{Deadline, Deadlines};
use domain::id::{AppointmentId, OpenId, PatientId};
use domain::profile::HospitalProfile;
use serde::{Deserialize, Serialize};

/// Open appeals read at once, earliest due first.
pub const OPEN_APPEALS_MAX: i32 = 200;
/// Appeals of one person read at once: a strike has at most one.
const APPEALS_OF_ONE_MAX: i32 = 200;
/// How often an answer is taken again when somebody else wrote the appeal in between.
const ANSWER_TRIES_MAX: u32 = 5;
/// Why somebody could not come may say how ill they were.
const PURPOSE: &str = "appeal";

/// What staff said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the strike is waived.
    pub granted: bool,
    /// Who, when and why.
    pub decision: Decision,
}

/// An appeal against one strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// Of whom.
    pub patient: PatientId,
    /// Their name, masked.
    pub patient_name_masked: String,
    /// The appointment the strike is about.
    pub appointment: AppointmentId,
    /// Its day.
    pub date: Date,
    /// Who appeals.
    pub by: OpenId,
    /// Since when.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// The day by which it is answered.
    pub due: Date,
    text_sealed: String,
    /// The answer, once there is one.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Counts writes.
    pub ver: u64,
}

/// An appeal to file.
#[derive(Clone, Debug)]
pub struct NewAppeal {
    /// The appointment the strike is about.
    pub key: AppointmentKey,
    /// The person's name, masked.
    pub patient_name_masked: String,
    /// Who appeals.
    pub by: OpenId,
    /// Now.
    pub at: Timestamp,
    /// The day by which it is answered.
    pub due: Date,
}

impl Appeal {
    /// A new one; what the patient wrote is sealed.
    pub fn new(new: NewAppeal, text: &str, keys: &Keyring, nonce: SealNonce) -> Result<Self, StoreError> {
        let NewAppeal { key, patient_name_masked, by, at, due } = new;
        let AppointmentKey { patient, date, id: appointment } = key;
        let text_sealed = keys.seal(text, PURPOSE, nonce)?;
        let (answer, deadlines) = (None, Deadlines::none());
        Ok(Self {
            patient,
            patient_name_masked,
            appointment,
            date,
            by,
            at,
            due,
            text_sealed,
            answer,
            deadlines,
            ver: 1,
        })
    }

    /// How its appointment is found.
    pub fn key(&self) -> AppointmentKey {
        AppointmentKey { patient: self.patient.clone(), date: self.date, id: self.appointment.clone() }
    }

    /// What the patient wrote.
    pub fn text(&self, keys: &Keyring) -> Result<String, StoreError> {
        keys.open(&self.text_sealed, PURPOSE)
    }
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It stands.
    Done(Box<Appeal>),
    /// Another one was given before.
    Before(Box<Appeal>),
    /// There is no such appeal.
    NotFound,
}

#[derive(Serialize, Deserialize)]
struct OpenAppeal {
    patient: PatientId,
    date: Date,
    appointment: AppointmentId,
}

fn item_of(appeal: &Appeal) -> Result<Item, StoreError> {
    let key = Key::appeal(&appeal.key());
    let mut item = to_item(&key, appeal)?;
    due::stamp(&mut item, &key.pk, &appeal.deadlines);
    Ok(item)
}

impl Table {
    /// Files an appeal, once per strike; the one that is there.
    pub async fn file_appeal(&self, appeal: &Appeal) -> Result<Appeal, StoreError> {
        let AppointmentKey { patient, date, id: appointment } = appeal.key();
        if let Some(before) = self.appeal(&appeal.key()).await? {
            return Ok(before);
        }
        let entry = OpenAppeal { patient, date, appointment };
        self.put(to_item(&Key::open_appeal(appeal.due, &appeal.key()), &entry)?).await?;
        match self.put_new(item_of(appeal)?).await? {
            Write::Done => Ok(appeal.clone()),
            Write::Refused(existing) => existing.map_or(Err(StoreError::Contended), from_item),
        }
    }

    /// An appeal, by the appointment it is about.
    pub async fn appeal(&self, key: &AppointmentKey) -> Result<Option<Appeal>, StoreError> {
        self.get(&Key::appeal(key)).await
    }

    /// All appeals of a person.
    pub async fn appeals_of(&self, patient: &PatientId) -> Result<Vec<Appeal>, StoreError> {
        self.query(&Key::patient(patient).pk, APPEAL_PREFIX, APPEALS_OF_ONE_MAX).await
    }

    /// Appeals that await an answer, earliest due first.
    pub async fn open_appeals(&self) -> Result<Vec<Appeal>, StoreError> {
        let entries: Vec<OpenAppeal> = self.query(APPEALS, "", OPEN_APPEALS_MAX).await?;
        let mut open = Vec::new();
        for OpenAppeal { patient, date, appointment } in entries {
            let appeal = self.appeal(&AppointmentKey { patient, date, id: appointment }).await?;
            open.extend(appeal.filter(|appeal| appeal.answer.is_none()));
        }
        Ok(open)
    }

    /// Answers an appeal, once. The record follows at once, or by the appeal's deadline.
    pub async fn answer_appeal(
        &self,
        profile: &HospitalProfile,
        key: &AppointmentKey,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Answered, StoreError> {
        for _ in 0..ANSWER_TRIES_MAX {
            let Some(seen) = self.appeal(key).await? else { return Ok(Answered::NotFound) };
            if seen.answer.is_some() {
                return Ok(Answered::Before(Box::new(seen)));
            }
            let deadlines = seen.deadlines.clone().with(Deadline::Credit, now);
            let answered = Appeal { answer: Some(answer.clone()), deadlines, ver: seen.ver + 1, ..seen.clone() };
            if self.put_versioned(item_of(&answered)?, seen.ver).await?.is_done() {
                if let Err(error) = self.follow_appeal(profile, &answered, now).await {
                    tracing::warn!(%error, "the record follows an answered appeal later");
                }
                return Ok(Answered::Done(Box::new(answered)));
            }
        }
        Err(StoreError::Contended)
    }

    /// Lets the credit record follow an answered appeal, takes it off the list and clears its deadline. Harmless to repeat.
    pub async fn follow_appeal(
        &self,
        profile: &HospitalProfile,
        appeal: &Appeal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(Answer { granted, decision }) = appeal.answer.clone() else { return Ok(()) };
        if let Some(appointment) = self.appointment(&appeal.key()).await? {
            let (judge, owner) = (profile.judge(), owner_of(&appointment));
            let decide = |gate: &Gate| {
                let record = gate.record.answered(&appointment.id, granted, &decision);
                let with = |record| gate.with_answer(record, granted, &judge, &owner, &decision.by, now);
                Ok::<_, StoreError>(record.map(with))
            };
            self.change_gate(&Key::gate(&appeal.patient), decide).await?;
            self.change_account_record(&appointment, |record| record.answered(&appointment.id, granted, &decision))
                .await?;
        }
        self.take(&Key::open_appeal(appeal.due, &appeal.key())).await?;
        let after = Appeal { deadlines: Deadlines::none(), ver: appeal.ver + 1, ..appeal.clone() };
        self.put_versioned(item_of(&after)?, appeal.ver).await.map(drop)
    }

    /// The appeal at a key of the time index.
    pub async fn appeal_at(&self, key: &Key) -> Result<Option<Appeal>, StoreError> {
        self.get(key).await
    }
}
