//! Two records that are one person, by the word of the hospital (HL7 A34 and A40, or its staff), and two people again (A37).
//!
//! Nothing that lies below a person is moved: the record that is gone points to the one that stays, and whatever is found
//! by card, document or link leads there. So what was merged can be parted exactly as it was. What has to be decided by
//! one write, the gate with live numbers and strikes, is joined in the same transaction as the pointers. Links and the
//! card that is used follow, with a deadline until they have.

use crate::account::Link;
use crate::credit::OnRecord;
use crate::due;
use crate::gate;
use crate::key::{APPOINTMENT_PREFIX, Key};
use crate::patients::Patient;
use crate::table::{Item, StoreError, Table, from_item, send_update, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::Timestamp;
use domain::appointment::Appointment;
use domain::booking::Gate;
use domain::due::{Deadline, Deadlines};
use domain::event::Actor;
use domain::id::{AppointmentId, CardNo, OpenId, PatientId};
use domain::merge::{Parted, joined, parted};
use domain::profile::HospitalProfile;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Records of one person read at most: more are a mistake.
const RECORDS_MAX: usize = 32;
/// How often a merge is decided again when somebody else wrote in between.
const TRIES_MAX: u32 = 5;

/// How far a merge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeStage {
    /// Decided; links and cards have to follow.
    Joining,
    /// One person.
    Joined,
    /// Undone; links and cards have to follow.
    Parting,
    /// Two people again.
    Parted,
}

/// A merge, below the record that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The record that is gone.
    pub gone: PatientId,
    /// The record that stays.
    pub into: PatientId,
    /// How far it is.
    pub stage: MergeStage,
    /// On whose word.
    pub by: Actor,
    /// Since when it is at this stage, or was decided.
    #[serde(with = "domain::clinic::epoch_s")]
    pub at: Timestamp,
    /// What is due.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Counts writes.
    pub ver: u64,
}

/// Why records are not merged, or not parted.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such record.
    #[error("no such person")]
    NotFound,
    /// The person is being told something of their credit record: again in a minute.
    #[error("a message about the person is under way")]
    Busy,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn item_of(merge: &Merge) -> Result<Item, StoreError> {
    let key = Key::merge(&merge.gone);
    let mut item = to_item(&key, merge)?;
    due::stamp(&mut item, &key.pk, &merge.deadlines);
    Ok(item)
}

fn ids(people: &[PatientId]) -> AttributeValue {
    AttributeValue::L(people.iter().map(|id| text(id.as_str())).collect())
}

impl Table {
    /// The record that stands for a person: itself, or the one it was merged into, in the end.
    pub async fn root_of(&self, id: &PatientId) -> Result<PatientId, StoreError> {
        let mut root = id.clone();
        for _ in 0..RECORDS_MAX {
            match self.patient(&root).await?.and_then(|patient| patient.merged_into) {
                Some(into) => root = into,
                None => return Ok(root),
            }
        }
        Err(StoreError::Contended)
    }

    /// All records of a person: the one that stands for them first. Whatever is kept below a person is below one of these.
    pub async fn same_person(&self, id: &PatientId) -> Result<Vec<PatientId>, StoreError> {
        self.below(self.root_of(id).await?).await
    }

    /// Whether two records are those of one person.
    pub async fn is_same_person(&self, one: &PatientId, other: &PatientId) -> Result<bool, StoreError> {
        Ok(one == other || self.root_of(one).await? == self.root_of(other).await?)
    }

    /// The records that a record was merged into, the nearest first.
    pub async fn records_above(&self, id: &PatientId) -> Result<Vec<PatientId>, StoreError> {
        let mut above = Vec::new();
        let mut next = self.patient(id).await?.and_then(|patient| patient.merged_into);
        while let Some(parent) = next.filter(|_| above.len() < RECORDS_MAX) {
            next = self.patient(&parent).await?.and_then(|patient| patient.merged_into);
            above.push(parent);
        }
        Ok(above)
    }

    /// The appointments of a person, by all their records, latest day first.
    pub async fn appointments_of_person(&self, id: &PatientId) -> Result<Vec<Appointment>, StoreError> {
        let mut all = Vec::new();
        for record in self.same_person(id).await? {
            all.extend(self.appointments_of(&record).await?);
        }
        all.sort_by_key(|appointment| std::cmp::Reverse((appointment.place.date, appointment.id.clone())));
        Ok(all)
    }

    /// A record, and all that were merged into it.
    async fn below(&self, id: PatientId) -> Result<Vec<PatientId>, StoreError> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(record) = all.get(next).cloned() {
            let absorbed = self.patient(&record).await?.map(|patient| patient.absorbed).unwrap_or_default();
            all.extend(absorbed);
            next += 1;
            if next > RECORDS_MAX {
                return Err(StoreError::Contended);
            }
        }
        Ok(all)
    }

    /// A merge, by the record that is gone.
    pub async fn merge_of(&self, gone: &PatientId) -> Result<Option<Merge>, StoreError> {
        self.merge_at(&Key::merge(gone)).await
    }

    /// The merge at a key of the time index.
    pub async fn merge_at(&self, key: &Key) -> Result<Option<Merge>, StoreError> {
        self.get(key).await
    }

    /// Makes two records one person. True when they were not before. Harmless to repeat.
    pub async fn merge_people(
        &self,
        profile: &HospitalProfile,
        (gone, into): (&PatientId, &PatientId),
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, MergeError> {
        for _ in 0..TRIES_MAX {
            let (gone, into) = (self.root_of(gone).await?, self.root_of(into).await?);
            if gone == into {
                return Ok(false);
            }
            let (Some(gone), Some(into)) = (self.patient(&gone).await?, self.patient(&into).await?) else {
                return Err(MergeError::NotFound);
            };
            if let Some(merge) = self.join(profile, (&gone, &into), by, now).await? {
                self.work_merge(&merge, now).await?;
                return Ok(true);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Pointers, gates and the merge itself together; none when somebody else wrote one of them.
    async fn join(
        &self,
        profile: &HospitalProfile,
        (gone, into): (&Patient, &Patient),
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<Merge>, MergeError> {
        let (gone_gate, gate) = (self.own_gate(&gone.id).await?, self.own_gate(&into.id).await?);
        if gone_gate.deadlines.get(Deadline::Notify).is_some() {
            return Err(MergeError::Busy);
        }
        let both = joined(&gate, &gone_gate);
        let after = self.announced(profile, (&gate, both), &into.id, by, now).await?;
        let merge = self.next_merge((&gone.id, &into.id), MergeStage::Joining, by, now).await?;
        let pointer = self
            .updating(&Key::patient(&gone.id))
            .update_expression("SET merged_into = :into")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(merged_into)")
            .expression_attribute_values(":into", text(into.id.as_str()));
        let absorbed: Vec<_> = into.absorbed.iter().chain([&gone.id]).cloned().collect();
        let writes = vec![
            self.gate_write(&gone.id, &Gate { moved_to: Some(into.id.clone()), ..gone_gate })?,
            self.gate_write(&into.id, &after)?,
            part!(pointer, update)?,
            self.absorbing(into, &absorbed)?,
            self.versioned(item_of(&merge)?, merge.ver)?,
        ];
        Ok(self.transact(writes).await?.is_done().then_some(merge))
    }

    /// Makes a merged record a person of its own again. True when it was not. Harmless to repeat.
    pub async fn unmerge_people(
        &self,
        profile: &HospitalProfile,
        gone: &PatientId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, MergeError> {
        for _ in 0..TRIES_MAX {
            let leaves = self.patient(gone).await?.ok_or(MergeError::NotFound)?;
            let Some(parent) = leaves.merged_into.clone() else { return Ok(false) };
            let parent = self.patient(&parent).await?.ok_or(MergeError::NotFound)?;
            if let Some(merge) = self.part(profile, (&leaves, &parent), by, now).await? {
                self.work_merge(&merge, now).await?;
                return Ok(true);
            }
        }
        Err(StoreError::Contended.into())
    }

    async fn part(
        &self,
        profile: &HospitalProfile,
        (leaves, parent): (&Patient, &Patient),
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<Merge>, MergeError> {
        let root = self.root_of(&parent.id).await?;
        let (memory, gate) = (self.own_gate(&leaves.id).await?, self.own_gate(&root).await?);
        let theirs = self.appointments_below(&leaves.id).await?;
        let Parted { stays, leaves: own } = parted(&gate, &memory, &theirs);
        let after = self.announced(profile, (&gate, stays), &root, by, now).await?;
        let merge = self.next_merge((&leaves.id, &parent.id), MergeStage::Parting, by, now).await?;
        let pointer = self
            .updating(&Key::patient(&leaves.id))
            .update_expression("REMOVE merged_into")
            .condition_expression("merged_into = :parent")
            .expression_attribute_values(":parent", text(parent.id.as_str()));
        let absorbed: Vec<_> = parent.absorbed.iter().filter(|id| **id != leaves.id).cloned().collect();
        let writes = vec![
            self.gate_write(&leaves.id, &own)?,
            self.gate_write(&root, &after)?,
            part!(pointer, update)?,
            self.absorbing(parent, &absorbed)?,
            self.versioned(item_of(&merge)?, merge.ver)?,
        ];
        Ok(self.transact(writes).await?.is_done().then_some(merge))
    }

    /// What the record says once joined or parted may begin or end a ban: its owner is told.
    async fn announced(
        &self,
        profile: &HospitalProfile,
        (before, after): (&Gate, Gate),
        root: &PatientId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let Some(owner) = self.owner(root).await? else { return Ok(after) };
        let record = after.record.clone();
        let unchanged = Gate { record: before.record.clone(), ..after };
        Ok(unchanged.with_record(record, &profile.judge(), &owner, by, now))
    }

    async fn next_merge(
        &self,
        (gone, into): (&PatientId, &PatientId),
        stage: MergeStage,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Merge, StoreError> {
        let ver = self.merge_of(gone).await?.map_or(0, |merge| merge.ver) + 1;
        let deadlines = Deadlines::none().with(Deadline::Merge, now);
        Ok(Merge { gone: gone.clone(), into: into.clone(), stage, by: by.clone(), at: now, deadlines, ver })
    }

    /// The gate that stands below a record itself, wherever it has moved.
    async fn own_gate(&self, id: &PatientId) -> Result<Gate, StoreError> {
        self.gate_at(&Key::gate(id)).await
    }

    fn gate_write(&self, id: &PatientId, seen: &Gate) -> Result<TransactWriteItem, StoreError> {
        let after = Gate { ver: seen.ver + 1, ..seen.clone() };
        self.versioned(gate::item_of(&Key::gate(id), &after)?, after.ver)
    }

    /// Writes version `ver` over the one before it.
    fn versioned(&self, item: Item, ver: u64) -> Result<TransactWriteItem, StoreError> {
        match ver {
            1 => part!(self.putting_new(item), put),
            _ => part!(self.putting_versioned(item, ver - 1), put),
        }
    }

    fn absorbing(&self, seen: &Patient, absorbed: &[PatientId]) -> Result<TransactWriteItem, StoreError> {
        let update = self.updating(&Key::patient(&seen.id)).update_expression("SET absorbed = :absorbed");
        let condition =
            "attribute_exists(pk) AND (absorbed = :seen OR (attribute_not_exists(absorbed) AND :seen = :none))";
        // A record that is gone takes nobody in; one that only loses somebody may be gone itself.
        let is_growing = absorbed.len() > seen.absorbed.len();
        let condition =
            if is_growing { format!("{condition} AND attribute_not_exists(merged_into)") } else { condition.into() };
        let update = update
            .condition_expression(condition)
            .expression_attribute_values(":absorbed", ids(absorbed))
            .expression_attribute_values(":seen", ids(&seen.absorbed))
            .expression_attribute_values(":none", ids(&[]));
        part!(update, update)
    }

    async fn appointments_below(&self, id: &PatientId) -> Result<BTreeSet<AppointmentId>, StoreError> {
        let mut all = BTreeSet::new();
        for record in self.below(id.clone()).await? {
            let items = self.query_items(&Key::patient(&record).pk, APPOINTMENT_PREFIX, i32::MAX, true).await?;
            for item in items {
                all.insert(from_item::<Appointment>(item)?.id);
            }
        }
        Ok(all)
    }

    /// Lets links and cards follow a decision, and clears its deadline. Harmless to repeat.
    pub async fn work_merge(&self, merge: &Merge, now: Timestamp) -> Result<(), StoreError> {
        let stage = match merge.stage {
            MergeStage::Joining => MergeStage::Joined,
            MergeStage::Parting => MergeStage::Parted,
            MergeStage::Joined | MergeStage::Parted => return Ok(()),
        };
        for person in [&merge.into, &merge.gone] {
            let records = self.same_person(person).await?;
            self.level_links(&records, &merge.by, now).await?;
            self.level_card(&records).await?;
            self.note_on_record(&records).await?;
        }
        let after = Merge { stage, deadlines: Deadlines::none(), ver: merge.ver + 1, ..merge.clone() };
        // Refused: it was decided anew in between, with a deadline of its own.
        self.put_if_seen(item_of(&after)?, merge.ver).await.map(drop)
    }

    /// Whoever acts for one of the records of a person acts for all of them, and nobody else does.
    pub(crate) async fn level_links(
        &self,
        records: &[PatientId],
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut links = BTreeMap::new();
        for record in records {
            links.insert(record.clone(), self.links_to(record).await?);
        }
        let own = || records.iter().filter_map(|record| links.get(record)).flatten().filter(|link| !link.by_merge);
        let mut rights: BTreeMap<OpenId, Link> = BTreeMap::new();
        for link in own() {
            rights.entry(link.account.clone()).or_insert_with(|| link.clone());
        }
        let mut is_wider = false;
        for (place, record) in records.iter().enumerate() {
            let held = links.get(record).map(Vec::as_slice).unwrap_or_default();
            let Some(patient) = self.patient(record).await? else { continue };
            let former = place > 0;
            for right in rights.values() {
                match held.iter().find(|link| link.account == right.account) {
                    Some(link) if link.former == former => {}
                    Some(link) => self.mark_former(link, former).await?,
                    None => {
                        self.lend_link(right, &patient, former).await?;
                        is_wider |= !former;
                    }
                }
            }
            for link in held.iter().filter(|link| link.by_merge && !rights.contains_key(&link.account)) {
                self.unlink_record(&link.account, record).await?;
            }
        }
        match records.first() {
            Some(root) if is_wider => self.announce_link(root, by, now).await,
            _ => Ok(()),
        }
    }

    /// A link that follows from another one, as long as that one is there.
    async fn lend_link(&self, right: &Link, patient: &Patient, former: bool) -> Result<(), StoreError> {
        let link = Link {
            patient: patient.id.clone(),
            name_masked: patient.identity.name_masked.clone(),
            by_merge: true,
            former,
            ..right.clone()
        };
        let holds = self
            .checking(&Key::account_link(&right.account, &right.patient))
            .condition_expression("attribute_exists(pk)");
        let (mine, theirs) =
            (Key::account_link(&link.account, &link.patient), Key::patient_link(&link.patient, &link.account));
        let writes = vec![
            part!(holds, condition_check)?,
            part!(self.putting_new(to_item(&mine, &link)?), put)?,
            part!(self.putting_new(to_item(&theirs, &link)?), put)?,
        ];
        self.transact(writes).await.map(drop)
    }

    async fn mark_former(&self, link: &Link, former: bool) -> Result<(), StoreError> {
        let keys = [Key::account_link(&link.account, &link.patient), Key::patient_link(&link.patient, &link.account)];
        for key in keys {
            let request = self
                .update(&key)
                .update_expression("SET former = :former")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":former", AttributeValue::Bool(former));
            send_update(request).await?;
        }
        Ok(())
    }

    /// The card that is used is one of the person's own: kept, or another of theirs, or none.
    async fn level_card(&self, records: &[PatientId]) -> Result<(), StoreError> {
        let Some((root, others)) = records.split_first() else { return Ok(()) };
        let Some(patient) = self.patient(root).await? else { return Ok(()) };
        if let Some(no) = &patient.card
            && self.is_held_by(no, records).await?
        {
            return Ok(());
        }
        let mut found = None;
        for other in others {
            let card = self.patient(other).await?.and_then(|patient| patient.card);
            if let Some(no) = card
                && self.is_held_by(&no, records).await?
            {
                found = Some(no);
                break;
            }
        }
        if found == patient.card {
            return Ok(());
        }
        let value = found.map_or(AttributeValue::Null(true), |no| text(no.as_str()));
        let request = self
            .update(&Key::patient(root))
            .update_expression("SET card = :card")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":card", value);
        send_update(request).await.map(drop)
    }

    async fn is_held_by(&self, no: &CardNo, records: &[PatientId]) -> Result<bool, StoreError> {
        Ok(self.holder_of(no).await?.is_some_and(|holder| records.contains(&holder)))
    }

    /// Puts who now has something on record on the list of those who have.
    async fn note_on_record(&self, records: &[PatientId]) -> Result<(), StoreError> {
        let Some(root) = records.first() else { return Ok(()) };
        let gate = self.gate(root).await?;
        let Some(patient) = self.patient(root).await?.filter(|_| !gate.record.is_empty()) else { return Ok(()) };
        let entry = OnRecord { patient: root.clone(), name_masked: patient.identity.name_masked };
        self.put(to_item(&Key::on_record(root), &entry)?).await
    }
}
