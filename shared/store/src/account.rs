//! WeChat users of our service account, and what WeChat delivered about them.

use crate::key::{Key, LINK_PREFIX};
use crate::table::{StoreError, Table, Write, number, send_update, to_item};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::civil::Date;
use domain::id::{OpenId, PatientId};
use domain::notice::NoticeGroup;
use domain::report::FamilyScope;
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// People one account may act for (亲情账号).
pub const LINKS_MAX: usize = 5;
/// Accounts that act for one person, read at most: a large family.
const FOLLOWERS_MAX: i32 = 50;
/// Records of the people one account acts for, read at most.
const RECORDS_READ_MAX: i32 = 50;
/// How long a delivered message is remembered: WeChat repeats within seconds, and no older timestamp is accepted.
const INBOUND_KEEP_S: i64 = 24 * 3600;
/// Proofs of identity one account may fail on one day, over registration and binding of cards (E73).
pub const PROOFS_MAX: u32 = 5;
/// Wrong codes of a desk one account may type on one day: a code has six digits.
pub const TRIES_OF_A_CODE_MAX: u32 = 10;
const PROOFS_KEEP_S: i64 = 48 * 3600;

/// Who a linked person is to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// 本人
    Oneself,
    /// 家人
    Family,
}

impl Relation {
    /// As patients read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Oneself => "本人",
            Self::Family => "家人",
        }
    }
}

/// An account's right to act for a person. The same item stands below both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The person.
    pub patient: PatientId,
    /// The account.
    pub account: OpenId,
    /// Who the person is to the account.
    pub relation: Relation,
    /// The person's name, masked, so that a list needs one read.
    pub name_masked: String,
    /// Whether the account wants copies of what others are told about the person.
    #[serde(default)]
    pub copies: bool,
    /// Whether the person lets this account, as family, see their results.
    #[serde(default)]
    pub reports: FamilyScope,
    /// Since when.
    #[serde(with = "domain::clinic::epoch_s")]
    pub since: Timestamp,
    /// Whether it follows from a link to another record of the same person, and ends with it.
    #[serde(default)]
    pub by_merge: bool,
    /// Whether the record was merged into another, which stands for the person now.
    #[serde(default)]
    pub former: bool,
}

/// A WeChat user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whether messages can reach them; taken for granted until WeChat says otherwise.
    #[serde(default = "yes")]
    pub followed: bool,
    /// What they do not want to be told, unless it is critical.
    #[serde(default)]
    pub muted: BTreeSet<NoticeGroup>,
}

fn yes() -> bool {
    true
}

impl Default for Account {
    fn default() -> Self {
        Self { followed: true, muted: BTreeSet::new() }
    }
}

impl Table {
    /// A WeChat user; none when never seen.
    pub async fn account(&self, id: &OpenId) -> Result<Option<Account>, StoreError> {
        self.get(&Key::account(id)).await
    }

    /// Notes that the account follows us or no longer does. An older event arriving later changes nothing.
    pub async fn note_follow(&self, id: &OpenId, followed: bool, at: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(&Key::account(id))
            .update_expression("SET followed = :followed, changed_at = :at")
            .condition_expression("attribute_not_exists(changed_at) OR changed_at <= :at")
            .expression_attribute_values(":followed", AttributeValue::Bool(followed))
            .expression_attribute_values(":at", number(at.as_second()));
        send_update(request).await.map(drop)
    }

    /// Replaces what the account does not want to be told.
    pub async fn put_muted(&self, id: &OpenId, muted: &BTreeSet<NoticeGroup>) -> Result<(), StoreError> {
        let muted = serde_dynamo::to_attribute_value(muted).map_err(StoreError::Unwritable)?;
        let request = self
            .update(&Key::account(id))
            .update_expression("SET muted = :muted")
            .expression_attribute_values(":muted", muted);
        send_update(request).await.map(drop)
    }

    /// Says whether the account wants copies of what others are told about a person; nothing when it does not act for
    /// them (any more).
    pub async fn put_copies(&self, account: &OpenId, patient: &PatientId, copies: bool) -> Result<(), StoreError> {
        // The person's side decides who is told; the account's side shows it.
        for key in [Key::patient_link(patient, account), Key::account_link(account, patient)] {
            let request = self
                .update(&key)
                .update_expression("SET copies = :copies")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":copies", AttributeValue::Bool(copies));
            send_update(request).await?;
        }
        Ok(())
    }

    /// Says whether an account may see a person's results as family; nothing when it does not act for them (any more).
    pub async fn put_report_scope(
        &self,
        account: &OpenId,
        patient: &PatientId,
        scope: FamilyScope,
    ) -> Result<(), StoreError> {
        let scope: AttributeValue = serde_dynamo::to_attribute_value(scope).map_err(StoreError::Unwritable)?;
        // The account's side first: it is the one rights are read from.
        for key in [Key::account_link(account, patient), Key::patient_link(patient, account)] {
            let request = self
                .update(&key)
                .update_expression("SET reports = :scope")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":scope", scope.clone());
            send_update(request).await?;
        }
        Ok(())
    }

    /// Takes in a message of WeChat once: `Done` for the first delivery, `Refused` for repeats.
    pub async fn take_inbound(&self, dedupe_key: &str, now: Timestamp) -> Result<Write, StoreError> {
        let key = Key::inbound(dedupe_key);
        let mut item = to_item(&key, &serde_json::json!({}))?;
        item.insert("ttl".into(), number(now.as_second() + INBOUND_KEEP_S));
        self.put_new(item).await
    }

    /// The people an account acts for.
    pub async fn links_of(&self, account: &OpenId) -> Result<Vec<Link>, StoreError> {
        let mut links = self.records_of(account).await?;
        links.retain(|link| !link.former);
        Ok(links)
    }

    /// All records of the people an account acts for: those merged into others too, below which their past lies.
    pub async fn records_of(&self, account: &OpenId) -> Result<Vec<Link>, StoreError> {
        self.query(&Key::account(account).pk, LINK_PREFIX, RECORDS_READ_MAX).await
    }

    /// The accounts that act for a person.
    pub async fn links_to(&self, patient: &PatientId) -> Result<Vec<Link>, StoreError> {
        self.query(&Key::patient(patient).pk, LINK_PREFIX, FOLLOWERS_MAX).await
    }

    /// The account's right to act for a person; none when there is none (any more).
    pub async fn link(&self, account: &OpenId, patient: &PatientId) -> Result<Option<Link>, StoreError> {
        self.get(&Key::account_link(account, patient)).await
    }

    /// Ends another account's right to act for a person, if it is younger than the caller's own: who knows a person longer
    /// may send a newcomer away, not the other way round. False when there is nothing to end.
    pub async fn unlink_younger(&self, own: &Link, other: &Link) -> Result<bool, StoreError> {
        if own.patient != other.patient || other.since <= own.since {
            return Ok(false);
        }
        self.unlink(&other.account, &other.patient).await?;
        Ok(true)
    }

    /// Ends the account's right to act for a person, by all their records; the person and all that is theirs stay.
    pub async fn unlink(&self, account: &OpenId, patient: &PatientId) -> Result<(), StoreError> {
        for record in self.same_person(patient).await? {
            self.unlink_record(account, &record).await?;
        }
        Ok(())
    }

    pub(crate) async fn unlink_record(&self, account: &OpenId, patient: &PatientId) -> Result<(), StoreError> {
        // The account's side first: it is the one rights are read from.
        self.take(&Key::account_link(account, patient)).await?;
        self.take(&Key::patient_link(patient, account)).await.map(drop)
    }

    /// Takes one of the day's [`PROOFS_MAX`] proofs of identity; false when none is left. Taken before the proof is
    /// looked at, so that many at once cannot get past the limit; a proof that holds is given back.
    pub async fn take_proof(&self, account: &OpenId, day: Date, now: Timestamp) -> Result<bool, StoreError> {
        self.take_try(&proof_key(account, day), PROOFS_MAX, now).await
    }

    /// Takes one of the day's [`TRIES_OF_A_CODE_MAX`] tries of a desk's code, likewise.
    pub async fn take_try_of_code(&self, account: &OpenId, day: Date, now: Timestamp) -> Result<bool, StoreError> {
        self.take_try(&code_key(account, day), TRIES_OF_A_CODE_MAX, now).await
    }

    pub(crate) async fn take_try(&self, key: &Key, most: u32, now: Timestamp) -> Result<bool, StoreError> {
        let request = self
            .update(key)
            .update_expression("ADD failed :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(failed) OR failed < :max")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(most))
            .expression_attribute_values(":ttl", number(time::add_seconds(now, PROOFS_KEEP_S).as_second()));
        Ok(send_update(request).await?.is_done())
    }

    /// Gives back a proof that [`take_proof`](Self::take_proof) took: it held, so it was no probing.
    pub async fn give_back_proof(&self, account: &OpenId, day: Date) -> Result<(), StoreError> {
        self.give_back_try(&proof_key(account, day)).await
    }

    /// Gives back a try that [`take_try_of_code`](Self::take_try_of_code) took: it was the code.
    pub async fn give_back_try_of_code(&self, account: &OpenId, day: Date) -> Result<(), StoreError> {
        self.give_back_try(&code_key(account, day)).await
    }

    async fn give_back_try(&self, key: &Key) -> Result<(), StoreError> {
        let request = self
            .update(key)
            .update_expression("ADD failed :less")
            .condition_expression("failed > :none")
            .expression_attribute_values(":less", number(-1))
            .expression_attribute_values(":none", number(0));
        send_update(request).await.map(drop)
    }
}

fn code_key(account: &OpenId, day: Date) -> Key {
    Key::new(Key::account(account).pk, format!("CODE#{day}"))
}

fn proof_key(account: &OpenId, day: Date) -> Key {
    Key::new(Key::account(account).pk, format!("PROOF#{day}"))
}
