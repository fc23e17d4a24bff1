//! Reports: everything that is known of each, sealed, and a line of it below its patient.
//!
//! `REPORT#id` holds one report whole: its state in clear (no value, no name), what was sent sealed. `PATIENT#…` has a
//! line for lists, sealed as well. An arriving version is one transaction over both (and the clinicians' list, when a
//! critical value begins or ends to wait): nothing is ever half there, and a repeat writes nothing.

use crate::due;
use crate::key::{CRITICAL, Key, REPORT_PREFIX};
use crate::packed::{self, Packed, Packing};
use crate::seal::{Keyring, SealNonce};
use crate::table::{Item, StoreError, Table, from_item, number, text, to_item};
use crate::transaction::part;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::event::EventKind;
use domain::id::{PatientId, ReportId};
use domain::report::filed::{AlertAnswer, Claim, Critical, Deed, Intake};
use domain::report::{Arrival, Dossier, Filed, Line, Policy, Report};
use domain::{Timestamp, time};
use serde::{Deserialize, Serialize};

/// How long a report is kept after the last version arrived, in days (domain sheet 2.6: a year at most).
pub const REPORTS_KEPT_DAYS: i64 = 365;
/// Reports of one person read at once.
pub const REPORTS_OF_ONE_MAX: i32 = 500;
/// Critical values read at once, longest waiting first.
const CRITICAL_MAX: i32 = 500;
/// How often a version is filed anew when another one of the same report came in between.
const TRIES_MAX: u32 = 8;
const DAY_S: i64 = 24 * 3600;

/// A report and all that was sent of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReport {
    /// Whose it is, how far it is, who was told.
    pub filed: Filed,
    /// What was sent.
    pub dossier: Dossier,
}

/// A report in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedReport {
    /// Its id.
    pub id: ReportId,
    /// Its place in the list.
    pub listed_at: Timestamp,
    /// What a list may know of it.
    pub line: Line,
}

/// A file that came with a report.
#[derive(Clone, Copy, Debug)]
pub struct ReportFile<'a> {
    /// SHA-256, lower-case hex: what the report knows it by.
    pub sha256_hex: &'a str,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What became of an arriving version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutReport {
    /// It is filed, or was before.
    Done {
        /// What it was.
        arrival: Arrival,
        /// The report now.
        filed: Box<Filed>,
        /// Whether clinicians have to be told now.
        alarms: bool,
        /// A version before came under the same number of a message and said something else.
        is_number_reused: bool,
    },
    /// Its number is taken by a report of another patient, and this is no correction of that.
    OtherPatient(Box<Filed>),
}

/// Where fresh random bytes come from: each try seals anew.
pub trait Nonces: Sync {
    /// Fresh bytes.
    fn fresh(&self) -> Result<SealNonce, StoreError>;
}

#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    filed: Filed,
    dossier: Packed,
    /// When it ages away, in epoch seconds.
    ttl: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    file: Packed,
}

#[derive(Serialize, Deserialize)]
struct CriticalEntry {
    report: ReportId,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    id: ReportId,
    #[serde(with = "domain::clinic::epoch_s")]
    listed_at: Timestamp,
}

/// What the writes of one try take.
struct Writing<'a> {
    keys: &'a Keyring,
    policy: &'a Policy,
    nonces: &'a dyn Nonces,
    now: Timestamp,
}

fn purpose_of(id: &ReportId) -> String {
    format!("report:{id}")
}

fn line_purpose_of(id: &ReportId) -> String {
    format!("report-line:{id}")
}

fn file_purpose_of(id: &ReportId, sha256_hex: &str) -> String {
    format!("report-file:{id}:{sha256_hex}")
}

fn file_key(id: &ReportId, sha256_hex: &str) -> Key {
    Key::new(Key::report(id).pk, format!("FILE#{sha256_hex}"))
}

pub(crate) fn kept_until(now: Timestamp) -> Timestamp {
    time::add_seconds(now, REPORTS_KEPT_DAYS * DAY_S)
}

fn json_of(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(StoreError::unavailable("write a report"))
}

fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(StoreError::unavailable("read a report"))
}

/// Whether an earlier message under the same number said something else.
fn is_number_reused(before: Option<&Dossier>, arriving: &Report) -> bool {
    let Some(number) = &arriving.transmission.control_id else { return false };
    let mut known =
        before.into_iter().flat_map(|before| before.history.current().into_iter().chain(before.history.earlier()));
    known.any(|known| known.transmission.control_id.as_ref() == Some(number) && !known.says_the_same(arriving))
}

impl Table {
    /// Files a version that has arrived for a patient; one of a report that lies with another record of the same person is
    /// filed there. A version that says nothing new writes nothing; one of a report
    /// that is filed under another patient moves it if it mends the patient, and else changes nothing
    /// ([`PutReport::OtherPatient`]).
    pub async fn put_report(
        &self,
        keys: &Keyring,
        patient: &PatientId,
        arriving: &Report,
        intake: Intake<'_>,
        nonces: &dyn Nonces,
    ) -> Result<PutReport, StoreError> {
        let writing = Writing { keys, policy: intake.policy, nonces, now: intake.now };
        let id = ReportId::of(&arriving.key);
        for _ in 0..TRIES_MAX {
            let seen = self.stored_report(&id).await?;
            let known = match &seen {
                Some(seen) => Some(self.dossier_of(keys, seen).await?),
                None => None,
            };
            let is_theirs = match &seen {
                Some(seen) => self.is_same_person(&seen.filed.patient, patient).await?,
                None => true,
            };
            let others = seen.as_ref().zip(known.as_ref()).filter(|_| !is_theirs);
            let tried = match others {
                Some((seen, known)) => self.try_hand_over((seen, known), patient, arriving, intake, &writing).await?,
                None => self.try_put((seen.as_ref(), known.as_ref()), patient, arriving, intake, &writing).await?,
            };
            if let Some(put) = tried {
                return Ok(put);
            }
        }
        Err(StoreError::Contended)
    }

    /// Files a version; none when somebody else wrote the report in between.
    async fn try_put(
        &self,
        (seen, known): (Option<&Stored>, Option<&Dossier>),
        patient: &PatientId,
        arriving: &Report,
        intake: Intake<'_>,
        writing: &Writing<'_>,
    ) -> Result<Option<PutReport>, StoreError> {
        let filed = seen.map(|seen| seen.filed.clone());
        let filed = filed.unwrap_or_else(|| Filed::expected(patient.clone(), arriving, intake.now));
        // The id is made of the key, so a version of another report cannot be here.
        let arrived = filed.arrived(known, arriving.clone(), intake).ok_or(StoreError::Contended)?;
        let is_new = known != Some(&arrived.dossier);
        let is_done = !is_new || self.write_report(seen, &arrived.filed, &arrived.dossier, writing).await?;
        Ok(is_done.then(|| PutReport::Done {
            arrival: arrived.arrival,
            filed: Box::new(if is_new { arrived.filed } else { filed }),
            alarms: arrived.alarms,
            is_number_reused: is_number_reused(known, arriving),
        }))
    }

    /// What a version for another patient comes to; none when somebody else wrote the report in between.
    async fn try_hand_over(
        &self,
        (seen, known): (&Stored, &Dossier),
        patient: &PatientId,
        arriving: &Report,
        intake: Intake<'_>,
        writing: &Writing<'_>,
    ) -> Result<Option<PutReport>, StoreError> {
        let done = |arrival, filed: &Filed, alarms| PutReport::Done {
            arrival,
            filed: Box::new(filed.clone()),
            alarms,
            is_number_reused: is_number_reused(Some(known), arriving),
        };
        match known.claim(arriving) {
            Claim::Outdated => return Ok(Some(done(Arrival::Older, &seen.filed, false))),
            Claim::Clashes => return Ok(Some(PutReport::OtherPatient(Box::new(seen.filed.clone())))),
            Claim::Mends => {}
        }
        let fresh = seen.filed.of_another(patient.clone(), arriving, intake.now);
        let arrived = fresh.arrived(None, arriving.clone(), intake).ok_or(StoreError::Contended)?;
        let (left, trace) = seen.filed.left_behind(known, intake.by, intake.now).ok_or(StoreError::Contended)?;
        let (stored, mut writes) = self.report_writes(Some(seen), &arrived.filed, &arrived.dossier, writing).await?;
        // Its line becomes that of what is left behind.
        let Key { pk, sk } = Key::report_line(&seen.filed.patient, seen.filed.listed_at, &seen.filed.id);
        writes.push(part!(Delete::builder().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk)), delete)?);
        let (_, traces) = self.report_writes(None, &left, &trace, writing).await?;
        writes.extend(traces);
        let is_done = self.conclude(writes, Some(&seen.dossier), &stored).await?;
        Ok(is_done.then(|| done(arrived.arrival, &arrived.filed, arrived.alarms)))
    }

    /// A report with all that was sent of it.
    pub async fn report(&self, keys: &Keyring, id: &ReportId) -> Result<Option<KnownReport>, StoreError> {
        let Some(stored) = self.stored_report(id).await? else { return Ok(None) };
        let dossier = self.dossier_of(keys, &stored).await?;
        Ok(Some(KnownReport { filed: stored.filed, dossier }))
    }

    /// A report without what it says.
    pub async fn filed_report(&self, id: &ReportId) -> Result<Option<Filed>, StoreError> {
        self.get(&Key::report(id)).await
    }

    /// The report at a key of the time index, without what it says.
    pub async fn filed_report_at(&self, key: &Key) -> Result<Option<Filed>, StoreError> {
        self.get(key).await
    }

    /// The reports below one record of a person, newest first.
    pub async fn reports_of(&self, keys: &Keyring, patient: &PatientId) -> Result<Vec<ListedReport>, StoreError> {
        let pk = Key::patient(patient).pk;
        let items = self.query_items(&pk, REPORT_PREFIX, REPORTS_OF_ONE_MAX, false).await?;
        items.into_iter().map(|item| listed(keys, item)).collect()
    }

    /// The reports of a person, by all their records, newest first.
    pub async fn reports_of_person(&self, keys: &Keyring, id: &PatientId) -> Result<Vec<ListedReport>, StoreError> {
        let mut all = Vec::new();
        for record in self.same_person(id).await? {
            all.extend(self.reports_of(keys, &record).await?);
        }
        all.sort_by(|one, other| (other.listed_at, &other.id).cmp(&(one.listed_at, &one.id)));
        Ok(all)
    }

    /// Keeps a file that came with a report.
    pub async fn put_report_file(
        &self,
        keys: &Keyring,
        id: &ReportId,
        file: ReportFile<'_>,
        nonce: SealNonce,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = file_key(id, file.sha256_hex);
        if self.get_item(&key).await?.is_some() {
            return Ok(());
        }
        let purpose = file_purpose_of(id, file.sha256_hex);
        let until = kept_until(now);
        let packed = self.pack(keys, file.bytes, Packing { pk: &key.pk, purpose: &purpose, nonce, until }).await?;
        let mut item = to_item(&key, &StoredFile { file: packed })?;
        item.insert("ttl".into(), number(until.as_second()));
        self.put_new(item).await.map(drop)
    }

    /// The bytes of a file that came with a report, by SHA-256.
    pub async fn report_file(
        &self,
        keys: &Keyring,
        id: &ReportId,
        sha256_hex: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = file_key(id, sha256_hex);
        let Some(StoredFile { file }) = self.get(&key).await? else { return Ok(None) };
        self.unpack(keys, &file, &key.pk, &file_purpose_of(id, sha256_hex)).await.map(Some)
    }

    /// Shows a report because a doctor says so; none when there is no such report.
    pub async fn confirm_report(
        &self,
        keys: &Keyring,
        id: &ReportId,
        policy: &Policy,
        by: &str,
        now: Timestamp,
        nonces: &dyn Nonces,
    ) -> Result<Option<Filed>, StoreError> {
        let writing = Writing { keys, policy, nonces, now };
        for _ in 0..TRIES_MAX {
            let Some(seen) = self.stored_report(id).await? else { return Ok(None) };
            let dossier = self.dossier_of(keys, &seen).await?;
            let next = seen.filed.confirmed(&dossier, policy, by, now);
            if next == seen.filed || self.write_report(Some(&seen), &next, &dossier, &writing).await? {
                return Ok(Some(next));
            }
        }
        Err(StoreError::Contended)
    }

    /// Takes on the critical value of a report; none when there is nothing to take on (any more).
    pub async fn acknowledge_critical(
        &self,
        id: &ReportId,
        by: &str,
        deed: Deed,
        now: Timestamp,
    ) -> Result<Option<Filed>, StoreError> {
        self.move_report(id, |filed| filed.acknowledged(by, deed, now)).await
    }

    /// Notes that nobody has taken on a critical value in time; none when somebody has.
    pub async fn escalate_critical(&self, id: &ReportId, now: Timestamp) -> Result<Option<Filed>, StoreError> {
        self.move_report(id, |filed| filed.escalated(now)).await
    }

    /// Notes what came of telling the hospital's own system of a critical value; none when it need not know any more.
    pub async fn note_alert(
        &self,
        id: &ReportId,
        answer: AlertAnswer,
        now: Timestamp,
    ) -> Result<Option<Filed>, StoreError> {
        self.move_report(id, |filed| filed.alerted(answer, now)).await
    }

    /// Tells the patient of a report whose time has come.
    pub async fn publish_report(&self, id: &ReportId, now: Timestamp) -> Result<Option<Filed>, StoreError> {
        self.move_report(id, |filed| Some(filed.published(now))).await
    }

    /// Notes that the message about what happened as number `seq` is in the ledger. Harmless to repeat.
    pub async fn clear_report_notice(&self, id: &ReportId, kind: EventKind, seq: u64) -> Result<(), StoreError> {
        let told = |filed: &Filed| filed.untold.contains(&kind).then(|| filed.told(kind, seq));
        self.move_report(id, told).await.map(drop)
    }

    /// The critical values that a clinician has to take on, longest waiting first.
    pub async fn critical_reports(&self) -> Result<Vec<Filed>, StoreError> {
        let entries: Vec<CriticalEntry> = self.query(CRITICAL, "", CRITICAL_MAX).await?;
        let mut open = Vec::new();
        for CriticalEntry { report } in entries {
            let filed = self.filed_report(&report).await?;
            let is_open = |filed: &Filed| filed.critical.as_ref().is_some_and(Critical::is_open);
            open.extend(filed.filter(is_open));
        }
        Ok(open)
    }

    /// A change of a report that leaves alone what was sent.
    async fn move_report(
        &self,
        id: &ReportId,
        change: impl Fn(&Filed) -> Option<Filed>,
    ) -> Result<Option<Filed>, StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(seen) = self.stored_report(id).await? else { return Ok(None) };
            let Some(next) = change(&seen.filed) else { return Ok(None) };
            let after = Stored { filed: next, ..seen.clone() };
            if self.write_stored(&seen, &after).await? {
                return Ok(Some(after.filed));
            }
        }
        Err(StoreError::Contended)
    }

    /// Writes a report whose dossier stays; false when somebody else wrote it in between.
    async fn write_stored(&self, seen: &Stored, after: &Stored) -> Result<bool, StoreError> {
        let entries = self.critical_writes(Some(&seen.filed), &after.filed)?;
        let item = item_of(after)?;
        if entries.is_empty() {
            return Ok(self.put_if_seen(item, seen.filed.ver).await?.is_done());
        }
        let writes = [part!(self.putting_versioned(item, seen.filed.ver), put)?].into_iter().chain(entries);
        Ok(self.transact(writes.collect()).await?.is_done())
    }

    /// Writes a report with its dossier and its line; false when somebody else wrote it in between.
    async fn write_report(
        &self,
        seen: Option<&Stored>,
        filed: &Filed,
        dossier: &Dossier,
        writing: &Writing<'_>,
    ) -> Result<bool, StoreError> {
        let (stored, writes) = self.report_writes(seen, filed, dossier, writing).await?;
        self.conclude(writes, seen.map(|seen| &seen.dossier), &stored).await
    }

    /// All writes, or none. Of the two dossiers one is read by nobody from then on.
    async fn conclude(
        &self,
        writes: Vec<TransactWriteItem>,
        before: Option<&Packed>,
        after: &Stored,
    ) -> Result<bool, StoreError> {
        let is_done = self.transact(writes).await?.is_done();
        let left_over = if is_done { before } else { Some(&after.dossier) };
        if let Some(left_over) = left_over
            && let Err(error) = self.drop_pieces(left_over, &Key::report(&after.filed.id).pk).await
        {
            tracing::warn!(%error, "pieces of a report are left to age away");
        }
        Ok(is_done)
    }

    /// The writes of a report with its dossier, its line, and its place on the clinicians' list.
    async fn report_writes(
        &self,
        seen: Option<&Stored>,
        filed: &Filed,
        dossier: &Dossier,
        writing: &Writing<'_>,
    ) -> Result<(Stored, Vec<TransactWriteItem>), StoreError> {
        let Writing { keys, policy, nonces, now } = *writing;
        let (id, until) = (&filed.id, kept_until(now));
        let (pk, purpose) = (Key::report(id).pk, purpose_of(id));
        let packing = Packing { pk: &pk, purpose: &purpose, nonce: nonces.fresh()?, until };
        let packed = self.pack(keys, &json_of(dossier)?, packing).await?;
        let stored = Stored { filed: filed.clone(), dossier: packed, ttl: until.as_second() };
        let item = item_of(&stored)?;
        let put = match seen {
            None => part!(self.putting_new(item), put)?,
            Some(seen) => part!(self.putting_versioned(item, seen.filed.ver), put)?,
        };
        let mut writes = vec![put];
        if let Some(line) = dossier.line(filed, &policy.classes) {
            let sealed = packed::seal(keys, &json_of(&line)?, &line_purpose_of(id), nonces.fresh()?)?;
            let put = Put::builder().table_name(&self.name).set_item(Some(line_item(filed, sealed, until)?));
            writes.push(part!(put, put)?);
        }
        writes.extend(self.critical_writes(seen.map(|seen| &seen.filed), filed)?);
        Ok((stored, writes))
    }

    /// The clinicians' list follows the report.
    fn critical_writes(&self, before: Option<&Filed>, after: &Filed) -> Result<Vec<TransactWriteItem>, StoreError> {
        let place = |filed: &Filed| {
            let open = filed.critical.as_ref().filter(|critical| critical.is_open());
            open.map(|critical| Key::critical(critical.since, &filed.id))
        };
        let (was, is) = (before.and_then(place), place(after));
        let mut writes = Vec::new();
        if was == is {
            return Ok(writes);
        }
        if let Some(Key { pk, sk }) = was {
            let gone = Delete::builder().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
            writes.push(part!(gone, delete)?);
        }
        if let Some(key) = is {
            let item = to_item(&key, &CriticalEntry { report: after.id.clone() })?;
            let put = Put::builder().table_name(&self.name).set_item(Some(item));
            writes.push(part!(put, put)?);
        }
        Ok(writes)
    }

    async fn stored_report(&self, id: &ReportId) -> Result<Option<Stored>, StoreError> {
        self.get(&Key::report(id)).await
    }

    async fn dossier_of(&self, keys: &Keyring, stored: &Stored) -> Result<Dossier, StoreError> {
        let id = &stored.filed.id;
        let bytes = self.unpack(keys, &stored.dossier, &Key::report(id).pk, &purpose_of(id)).await?;
        read_json(&bytes)
    }
}

fn item_of(stored: &Stored) -> Result<Item, StoreError> {
    let key = Key::report(&stored.filed.id);
    let mut item = to_item(&key, stored)?;
    due::stamp(&mut item, &key.pk, &stored.filed.deadlines);
    Ok(item)
}

fn line_item(filed: &Filed, sealed: Vec<u8>, until: Timestamp) -> Result<Item, StoreError> {
    let Filed { id, patient, listed_at, .. } = filed;
    let key = Key::report_line(patient, *listed_at, id);
    let mut item = to_item(&key, &StoredLine { id: id.clone(), listed_at: *listed_at })?;
    item.insert("line".into(), packed::blob(sealed));
    item.insert("ttl".into(), number(until.as_second()));
    Ok(item)
}

fn listed(keys: &Keyring, item: Item) -> Result<ListedReport, StoreError> {
    let sealed = packed::bytes_of(&item, "line").map(<[u8]>::to_vec).ok_or(StoreError::Sealed)?;
    let StoredLine { id, listed_at } = from_item(item)?;
    let line = read_json(&packed::open(keys, &sealed, &line_purpose_of(&id))?)?;
    Ok(ListedReport { id, listed_at, line })
}
