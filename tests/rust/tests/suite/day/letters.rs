//! Messages: what the reminder queues is delivered late, twice or out of order, and what takes it may refuse, be asleep or
//! crash. The ledger lets one out per key.

use super::steps::World;
use crate::money::dice::Dice;
use domain::due::Deadline;
use domain::event::{DomainEvent, EventKind};
use domain::notice::{About, NoticeKind, Recipient};
use domain::time;
use store::key::Key;
use store::notices::{Begin, Letter, NoticeRecord, Outcome};

/// A reader who sleeps is told after so many minutes.
const ASLEEP_MIN: i64 = 45;

/// What becomes of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Accepted,
    Refused,
    Asleep,
    /// The sender dies before it sends.
    Crashed,
}

impl World<'_> {
    pub(super) fn fetch_letters(&mut self) {
        for event in self.hospital.letters.take() {
            if event.event.kind == EventKind::AppointmentTurnSoon {
                *self.turns_queued.entry(event.sk.clone()).or_default() += 1;
            }
            self.letters.push(event);
        }
    }

    /// One message; once in three it stays in the queue and comes again.
    pub(super) async fn deliver(&mut self, dice: &mut Dice) -> Result<Option<(String, &'static str)>, String> {
        self.fetch_letters();
        if self.letters.is_empty() {
            return Ok(None);
        }
        let at = dice.below(self.letters.len());
        let fates = [Fate::Accepted, Fate::Accepted, Fate::Accepted, Fate::Refused, Fate::Asleep, Fate::Crashed];
        let fate = *dice.pick(&fates).unwrap();
        let again = dice.one_in(3);
        let event = self.letters.remove(at);
        let is_done = self.tell(&event, fate).await?;
        let text = format!("a message of {:?}: {fate:?}, done {is_done}", event.event.kind);
        if again || !is_done {
            self.letters.push(event);
        }
        let what = if fate == Fate::Accepted { "message sent" } else { "message troubled" };
        Ok(Some((text, what)))
    }

    /// What the notifier does with a message; false when it has to come again.
    pub(super) async fn tell(&mut self, event: &DomainEvent, fate: Fate) -> Result<bool, String> {
        let (table, item) = (&self.hospital.table, Key::new(&event.pk, &event.sk));
        if event.event.kind == EventKind::MessageDue {
            let Some(record) = table.notice(&item).await.unwrap() else { return Ok(true) };
            return self.send(&record.letter, fate).await;
        }
        let (Some(kind), Some(about)) = (NoticeKind::of(event.event.kind), table.about(&item).await.unwrap()) else {
            return Ok(true);
        };
        if matches!(about, About::Order(_)) && !about.bears_out(kind) {
            return Ok(true);
        }
        let to = match &about {
            About::Appointment(visit) => visit.booker.account().cloned().map_or(Recipient::Phone, Recipient::Account),
            About::Waiting(waiting) => Recipient::Account(waiting.account.clone()),
            About::Order(_) | About::Credit(_) | About::Person(_) | About::Report(_) => Recipient::Phone,
        };
        let letter = Letter { kind, about: about.ledger_id(kind), item, to, is_copy: false };
        let is_true = about.bears_out(kind);
        if !self.send(&letter, fate).await? {
            return Ok(false);
        }
        if is_true && !matches!(kind, NoticeKind::TurnSoon | NoticeKind::DayBefore) {
            self.done_with(&about, event.event.kind).await;
        }
        Ok(true)
    }

    async fn done_with(&self, about: &About, told: EventKind) {
        let table = &self.hospital.table;
        match about {
            About::Appointment(visit) => table.clear_deadline(&visit.key(), Deadline::Notify).await.unwrap(),
            About::Order(order) => table.clear_notice(&order.out_trade_no, told).await.unwrap(),
            About::Credit(news) => {
                table.clear_gate_notice(&Key::gate(&news.0.owner.patient), news.1.seq).await.unwrap();
            }
            About::Person(news) => table.clear_patient_notice(&news.patient, news.ev.seq).await.unwrap(),
            About::Waiting(waiting) => table.forget_ended(waiting).await.unwrap(),
            About::Report(_) => panic!("no results come in on this day"),
        }
    }

    async fn send(&mut self, letter: &Letter, fate: Fate) -> Result<bool, String> {
        let (table, now) = (&self.hospital.table, self.hospital.now());
        let (record, is_first_hand) = match table.begin_notice(letter, now).await.unwrap() {
            Begin::Send(record) => (record, true),
            Begin::Again(record) => (record, false),
            Begin::Settled(_) | Begin::Waiting => return Ok(true),
            Begin::Busy => return Ok(false),
        };
        let outcome = match fate {
            Fate::Accepted => Outcome::Sent { msgid: String::new() },
            Fate::Refused => Outcome::Waiting { until: now },
            Fate::Asleep => Outcome::Waiting { until: time::add_minutes(now, ASLEEP_MIN) },
            Fate::Crashed => return Ok(false),
        };
        table.finish_notice(&record, outcome, now).await.unwrap();
        if fate == Fate::Accepted {
            self.note_sent(&record, is_first_hand)?;
        }
        Ok(true).map(|done| done && fate != Fate::Refused)
    }

    /// A letter goes out a second time only from whoever takes over from the dead: WeChat knows it again by its number.
    fn note_sent(&mut self, record: &NoticeRecord, is_first_hand: bool) -> Result<(), String> {
        let key = format!("{:?}", record.letter.key());
        if self.sent.insert(key.clone()) || !is_first_hand {
            return Ok(());
        }
        Err(format!("sent twice: {key}"))
    }
}
