//! Results, and the hospital's word about people and visits, from a sender to the table.
//!
//! A message is read, each of its reports placed with the patient whose it is, and filed; who is one person with whom is
//! taken over from the hospital's own system. A message of which anything
//! cannot be placed is kept whole besides, so that nothing of it is lost; what could be filed is filed already, and
//! trying the message again files the rest. Every step is harmless to repeat.

mod codes;
mod numbers;
mod people;
mod place;
mod read;
mod visits;

pub use read::{Delivery, Parsed};

use domain::Timestamp;
use domain::event::Actor;
use domain::his::Codes;
use domain::id::{CardNo, ReportId, UnplacedId};
use domain::profile::HospitalProfile;
use domain::report::filed::Intake;
use domain::report::unplaced::{Obstacle, Settled, Unplaced, Why};
use domain::report::{Arrival, Attachment, Reading, Report, Status, Wire};
use results::FileBody;
use store::reports::{Nonces, PutReport, ReportFile};
use store::seal::Keyring;
use store::unplaced::Kept;
use store::{StoreError, Table};

/// The most reports of one message that are named in its answer.
const NAMED_MAX: usize = 1_000;

/// Where messages are taken in.
#[derive(Clone, Copy)]
pub struct Inbox<'a> {
    /// The table.
    pub table: &'a Table,
    /// Opens and seals.
    pub keys: &'a Keyring,
    /// What the hospital says of results.
    pub profile: &'a HospitalProfile,
    /// Fresh random bytes.
    pub nonces: &'a dyn Nonces,
    /// Now.
    pub now: Timestamp,
}

/// One report that was filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiledReport {
    /// Its id.
    pub id: ReportId,
    /// What its version was.
    pub arrival: Arrival,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The reports that are filed.
    pub filed: Vec<FiledReport>,
    /// What stands against the rest; then the message is kept.
    pub kept: Option<Unplaced>,
}

/// What became of a message that was tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is taken in.
    Placed(Vec<FiledReport>),
    /// Something stands against it still.
    Kept(Box<Unplaced>),
    /// There is nothing to try: it came to its end before.
    Over,
}

/// What a message brings: results, or what was asked for.
#[derive(Clone, Copy)]
struct Coming<'a> {
    report: &'a Report,
    is_order: bool,
}

/// Who takes a message in, and for whom.
#[derive(Clone, Copy)]
struct Source<'a> {
    /// The name of the machine that sent it.
    sender: &'a str,
    /// The card staff have found its patient by.
    card: Option<&'a CardNo>,
}

impl Inbox<'_> {
    /// Takes in one message as it came.
    pub async fn take(&self, delivery: &Delivery<'_>) -> Result<Taken, StoreError> {
        let codes = self.front_end_codes().await?;
        self.take_read(delivery, read::read(delivery, &codes)).await
    }

    /// Takes in one message that was read already: of a body with several, each is its own.
    pub async fn take_read(
        &self,
        delivery: &Delivery<'_>,
        parsed: Result<Parsed, results::Fault>,
    ) -> Result<Taken, StoreError> {
        let source = Source { sender: delivery.sender, card: None };
        match Box::pin(self.file(parsed, source)).await? {
            Ok(filed) => Ok(Taken { filed, kept: None }),
            Err(Stuck { filed, obstacle, numbers }) => {
                let kept = self.keep(delivery, obstacle, &numbers).await?;
                Ok(Taken { filed, kept: Some(kept) })
            }
        }
    }

    async fn keep(
        &self,
        delivery: &Delivery<'_>,
        obstacle: Obstacle,
        numbers: &[String],
    ) -> Result<Unplaced, StoreError> {
        let id = UnplacedId::of(&[delivery.sender, wire_code(delivery.wire), &read::digest(delivery.body)]);
        let (why, place) = (obstacle.why.code(), obstacle.place.clone());
        let Delivery { wire, sender, charset, body } = *delivery;
        let message = Unplaced::new(id, wire, sender, charset, obstacle, self.now);
        let kept = Kept { message: &message, body, numbers };
        let kept = self.table.keep_unplaced(self.keys, kept, self.nonces, self.now).await?;
        tracing::warn!(alarm = "result_unplaced", message = %kept.id, why, place, sender, "a message with results is kept");
        Ok(kept)
    }

    /// Tries a message again that was kept. `card`: the card staff have found its patient by.
    pub async fn replay(&self, id: &UnplacedId, by: &str, card: Option<&CardNo>) -> Result<Replayed, StoreError> {
        let Some(message) = self.table.unplaced(id).await?.filter(Unplaced::is_open) else { return Ok(Replayed::Over) };
        let Some(body) = self.table.unplaced_body(self.keys, id).await? else { return Ok(Replayed::Over) };
        let charset = message.charset.as_deref();
        let delivery = Delivery { wire: message.wire, sender: &message.sender, charset, body: &body };
        let source = Source { sender: &message.sender, card };
        let codes = self.front_end_codes().await?;
        match Box::pin(self.file(read::read(&delivery, &codes), source)).await? {
            Ok(filed) => {
                let settled = Settled { by: by.to_owned(), at: self.now, is_placed: true };
                self.table.settle_unplaced(id, &settled).await?;
                tracing::info!(message = %id, reports = filed.len(), "a message that was kept is taken in");
                Ok(Replayed::Placed(filed))
            }
            Err(Stuck { obstacle, .. }) => {
                let kept = self.table.try_unplaced_again(id, &obstacle, self.now).await?;
                Ok(Replayed::Kept(Box::new(kept)))
            }
        }
    }

    /// Files every report that can be placed.
    async fn file(
        &self,
        parsed: Result<Parsed, results::Fault>,
        source: Source<'_>,
    ) -> Result<Result<Vec<FiledReport>, Stuck>, StoreError> {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(fault) => return Ok(Err(Stuck::of(read::obstacle(&fault)))),
        };
        let (mut filed, mut obstacle, mut numbers) = (Vec::new(), None, Vec::new());
        for news in &parsed.news {
            if let Err(found) = Box::pin(self.heed(news, source.card, source.sender)).await? {
                numbers.extend(people::numbers(news));
                obstacle.get_or_insert(found);
            }
        }
        let reports = parsed.reports.iter().map(|report| Coming { report, is_order: false });
        let orders = parsed.orders.iter().map(|report| Coming { report, is_order: true });
        let items = self.item_codes().await?;
        for coming in reports.chain(orders) {
            match self.file_coded(coming, items.as_ref(), &parsed.files, source).await? {
                Ok(done) if filed.len() < NAMED_MAX => filed.push(done),
                Ok(_) => {}
                Err(found) => {
                    numbers.extend(place::numbers(&coming.report.subject));
                    obstacle.get_or_insert(found);
                }
            }
        }
        numbers.sort();
        numbers.dedup();
        Ok(match obstacle {
            None => Ok(filed),
            Some(obstacle) => Err(Stuck { filed, obstacle, numbers }),
        })
    }

    /// Files a report in our codes, where the hospital has tables of them.
    async fn file_coded(
        &self,
        coming: Coming<'_>,
        items: Option<&Codes>,
        files: &[FileBody],
        source: Source<'_>,
    ) -> Result<Result<FiledReport, Obstacle>, StoreError> {
        let Some(codes) = items else { return self.file_one(coming, files, source).await };
        match self.translated(coming.report, codes).await? {
            Some(report) => self.file_one(Coming { report: &report, ..coming }, files, source).await,
            None => Ok(Err(Obstacle { why: Why::UnknownCode, place: "item".into() })),
        }
    }

    async fn file_one(
        &self,
        Coming { report, is_order }: Coming<'_>,
        files: &[FileBody],
        source: Source<'_>,
    ) -> Result<Result<FiledReport, Obstacle>, StoreError> {
        let patient = match self.place(&report.subject, source.card).await? {
            Ok(patient) => patient,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let known = if is_order {
            self.as_asked(report, &patient).await?
        } else {
            Some(self.as_known(report, &patient).await?)
        };
        let Some(report) = &known else {
            return Ok(Ok(FiledReport { id: ReportId::of(&report.key), arrival: Arrival::Duplicate }));
        };
        let id = ReportId::of(&report.key);
        for file in files.iter().filter(|file| mentions(report, file)) {
            let file = ReportFile { sha256_hex: file.sha256_hex.as_str(), bytes: &file.bytes };
            self.table.put_report_file(self.keys, &id, file, self.nonces.fresh()?, self.now).await?;
        }
        let by = Actor::Staff(source.sender.to_owned());
        let intake = Intake { policy: &self.profile.reports, by: &by, now: self.now };
        match self.table.put_report(self.keys, &patient, report, intake, self.nonces).await? {
            PutReport::OtherPatient(_) => Ok(Err(Obstacle { why: Why::OthersReport, place: "report".into() })),
            PutReport::Done { arrival, alarms, is_number_reused, .. } => {
                note(&id, report, arrival, alarms, is_number_reused);
                Ok(Ok(FiledReport { id, arrival }))
            }
        }
    }
}

/// What stands against a message.
struct Stuck {
    filed: Vec<FiledReport>,
    obstacle: Obstacle,
    numbers: Vec<String>,
}

impl Stuck {
    fn of(obstacle: Obstacle) -> Self {
        Self { filed: Vec::new(), obstacle, numbers: Vec::new() }
    }
}

/// Whether nothing has come of what was asked for.
fn is_awaited(status: Status) -> bool {
    matches!(status, Status::Registered | Status::Cancelled)
}

/// Ids and counts only: what a report says never reaches a log.
fn note(id: &ReportId, report: &Report, arrival: Arrival, alarms: bool, is_number_reused: bool) {
    if arrival == Arrival::Duplicate {
        return;
    }
    if is_number_reused {
        tracing::warn!(alarm = "message_number_reused", report = %id, "another content under the number of a message");
    }
    if alarms {
        tracing::warn!(report = %id, "a critical value waits for a clinician");
    }
    let about = report.about();
    let disagreements = report.items().filter(|item| item.assess(about).disagrees()).count();
    tracing::info!(report = %id, ?arrival, disagreements, "report filed");
}

/// Whether a file is one that the report refers to.
fn mentions(report: &Report, file: &FileBody) -> bool {
    let is_it = |attachment: &Attachment| attachment.sha256_hex.as_ref() == Some(&file.sha256_hex);
    let in_values = report.items().flat_map(|item| &item.values).any(|value| match &value.reading {
        Reading::File(attachment) => is_it(attachment),
        _ => false,
    });
    in_values || report.files.iter().any(is_it)
}

/// The stable code of a language.
pub fn wire_code(wire: Wire) -> &'static str {
    match wire {
        Wire::Hl7 => "hl7v2",
        Wire::Fhir => "fhir",
        Wire::FrontEnd => "front-end",
    }
}
