//! Telling everybody who is to be told of one thing, each at most once.

use crate::{App, JobError, by_sms, by_wechat, message};
use domain::Timestamp;
use domain::id::OpenId;
use domain::notice::{About, Addressee, Audience, Follower, Grade, Manner, NoticeKind, Recipient, falls_back};
use domain::person::age_on;
use domain::profile::HospitalProfile;
use domain::report::reader::Reader;
use domain::time;
use runtime::Desk;
use std::sync::Arc;
use store::account::{Link, Relation};
use store::calls::CallToMake;
use store::key::Key;
use store::notices::{Begin, Letter, NoticeRecord, Outcome};

/// Reasons for which a message is not sent and nothing is wrong.
const AS_IT_SHOULD_BE: [&str; 4] = ["no_longer_true", "too_late", "silenced", "muted"];
/// A call about money or a person is made within a day.
const CALL_WITHIN_S: i64 = 24 * 3600;
/// A call about a critical value is made at once.
const CALL_AT_ONCE_S: i64 = 15 * 60;

/// One thing to tell, with all that decides whom and how.
pub(crate) struct Telling<'a> {
    pub(crate) app: &'a App,
    pub(crate) kind: NoticeKind,
    pub(crate) about: &'a About,
    /// Where it is read from.
    item: Key,
    pub(crate) manner: Manner,
    pub(crate) audience: Audience,
    pub(crate) profile: Arc<HospitalProfile>,
    /// Tries of this job before.
    pub(crate) attempt: u32,
    pub(crate) now: Timestamp,
}

impl<'a> Telling<'a> {
    pub(crate) async fn new(
        app: &'a App,
        kind: NoticeKind,
        about: &'a About,
        item: Key,
        attempt: u32,
    ) -> Result<Self, JobError> {
        let (manner, profile, now) = (about.manner(kind), app.desk.profile().await?, app.desk.clock.now());
        // What nobody else is told needs nobody else to be known.
        let audience =
            if manner.grade == Grade::Low { Audience::default() } else { audience(app, about, &profile, now).await? };
        Ok(Self { app, kind, about, item, manner, audience, profile, attempt, now })
    }

    /// Tells everybody. One who cannot be told now does not hold up the others.
    pub(crate) async fn tell_all(&self) -> Result<(), JobError> {
        let mut outcome = Ok(());
        for addressee in self.about.addressees(self.manner, &self.audience) {
            outcome = outcome.and(self.tell(addressee).await);
        }
        outcome
    }

    async fn tell(&self, addressee: Addressee) -> Result<(), JobError> {
        let Addressee { to, is_copy } = addressee;
        let about = self.about.ledger_id(self.kind);
        self.deliver(&Letter { kind: self.kind, about, item: self.item.clone(), to, is_copy }).await
    }

    /// At most one message per letter; the ledger has what became of it.
    pub(crate) async fn deliver(&self, letter: &Letter) -> Result<(), JobError> {
        match self.app.desk.table.begin_notice(letter, self.now).await? {
            Begin::Busy => Err(JobError::Busy),
            Begin::Waiting => Ok(()),
            Begin::Settled(outcome) => self.follow_up(letter, &outcome).await,
            // The SMS service tells no repeat from a new message.
            Begin::Again(record) if letter.to == Recipient::Phone => {
                self.settle(&record, Outcome::Failed { why: "unknown".into() }).await
            }
            Begin::Send(record) | Begin::Again(record) => self.send(&record).await,
        }
    }

    /// Sends the letter we hold the right to send. A failure that may pass gives the right back.
    async fn send(&self, record: &NoticeRecord) -> Result<(), JobError> {
        match self.try_once(&record.letter).await {
            Ok(outcome) => self.settle(record, outcome).await,
            Err(error) if error.is_over(self.kind.tries_max(), self.attempt) && self.falls_back(&record.letter) => {
                self.settle(record, dropped("no_answer")).await
            }
            Err(error) => {
                let free = Outcome::Waiting { until: self.now };
                self.app.desk.table.finish_notice(record, free, self.now).await?;
                Err(error)
            }
        }
    }

    async fn try_once(&self, letter: &Letter) -> Result<Outcome, JobError> {
        if let Some(outcome) = self.obstacle(letter) {
            return Ok(outcome);
        }
        match &letter.to {
            Recipient::Account(account) => self.by_wechat(account).await,
            Recipient::Phone => by_sms::send(self).await,
        }
    }

    async fn settle(&self, record: &NoticeRecord, outcome: Outcome) -> Result<(), JobError> {
        self.app.desk.table.finish_notice(record, outcome.clone(), self.now).await?;
        self.follow_up(&record.letter, &outcome).await
    }

    /// Who matters and was not reached in WeChat gets an SMS, and who was not reached by SMS a call. Harmless to repeat.
    async fn follow_up(&self, letter: &Letter, outcome: &Outcome) -> Result<(), JobError> {
        let (Outcome::Dropped { why } | Outcome::Failed { why }) = outcome else { return Ok(()) };
        if AS_IT_SHOULD_BE.contains(&why.as_str()) || !self.falls_back(letter) {
            return Ok(());
        }
        match letter.to {
            Recipient::Account(_) => {
                let by_phone = Letter { to: Recipient::Phone, ..letter.clone() };
                Box::pin(self.deliver(&by_phone)).await
            }
            Recipient::Phone => Ok(self.app.desk.table.put_call(&self.call(letter, why)).await?),
        }
    }

    fn falls_back(&self, letter: &Letter) -> bool {
        falls_back(self.manner, &self.audience, letter.is_copy)
    }

    fn call(&self, letter: &Letter, why: &str) -> CallToMake {
        let due_by = match self.about {
            About::Appointment(visit) => visit.place.starts_at(),
            About::Report(_) if self.manner.grade == Grade::Critical => time::add_seconds(self.now, CALL_AT_ONCE_S),
            About::Report(_) | About::Order(_) | About::Credit(_) | About::Waiting(_) | About::Person(_) => {
                time::add_seconds(self.now, CALL_WITHIN_S)
            }
        };
        CallToMake {
            kind: letter.kind,
            about: letter.about.clone(),
            item: letter.item.clone(),
            patient: self.about.patient().clone(),
            why: why.to_owned(),
            since: self.now,
            due_by,
            made: Vec::new(),
            ver: 1,
        }
    }

    /// What the letter comes to without being sent, if anything.
    fn obstacle(&self, letter: &Letter) -> Option<Outcome> {
        if !self.about.bears_out(self.kind) {
            Some(dropped("no_longer_true"))
        } else if self.about.is_too_late(self.kind, self.now) {
            Some(dropped("too_late"))
        } else if self.audience.silenced {
            Some(dropped("silenced"))
        } else {
            let quiet = self.profile.messages.quiet;
            let until = self.about.waits_until(self.kind, !letter.is_copy, quiet, self.now)?;
            // Nobody wakes up to what is of no use by then.
            let outcome =
                if self.about.is_too_late(self.kind, until) { dropped("too_late") } else { Outcome::Waiting { until } };
            Some(outcome)
        }
    }

    async fn by_wechat(&self, to: &OpenId) -> Result<Outcome, JobError> {
        let account = self.app.desk.table.account(to).await?.unwrap_or_default();
        if !account.followed {
            return Ok(dropped("not_following"));
        }
        if self.manner.grade != Grade::Critical && account.muted.contains(&self.manner.group) {
            return Ok(dropped("muted"));
        }
        match message::compose(self, to) {
            Ok(message) => by_wechat::send(self, &message).await,
            Err(why) => Ok(dropped(why)),
        }
    }
}

pub(crate) fn dropped(why: &str) -> Outcome {
    Outcome::Dropped { why: why.to_owned() }
}

/// Who may have to be told of the patient's affairs.
async fn audience(app: &App, about: &About, profile: &HospitalProfile, now: Timestamp) -> Result<Audience, JobError> {
    let Desk { table, .. } = &app.desk;
    // What lies with a record that was merged is told to whoever acts for the person.
    let person = table.root_of(about.patient()).await?;
    let links = table.links_to(&person).await?;
    let patient = table.patient(&person).await?;
    let keys = app.identity.get(now).await?;
    let age_years = match &patient {
        Some(patient) => patient.identity.birth_date(&keys)?.map(|birth| age_on(birth, time::today(now))),
        None => None,
    };
    let follower = |link: Link| Follower {
        sees_reports: link.relation == Relation::Oneself || Reader::family(link.reports, age_years).is_some(),
        account: link.account,
        copies: link.copies,
    };
    let followers = links.into_iter().map(follower).collect();
    let Some(patient) = patient else { return Ok(Audience { followers, ..Audience::default() }) };
    let sms_copies = patient.wants_sms(&keys, profile.messages.sms_age_years, time::today(now))?;
    Ok(Audience { followers, sms_copies, silenced: patient.silenced })
}
