//! What can happen, in any order: at home, at the hospital's machines, and by the clock. The desk's part is in `desk`.

use super::hours::{Hours, next_noon};
use super::letters::Fate;
use crate::money::dice::Dice;
use crate::visit::hospital::{Captured, Hospital, Person, appointment_key};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{AppointmentKey, State};
use domain::civil::{Date, Time};
use domain::clinic::{Slot, SlotStart};
use domain::credit::Record;
use domain::enrolment::NumberOwner;
use domain::event::DomainEvent;
use domain::id::{AppointmentId, ClinicId, OutTradeNo};
use domain::queue::Queue;
use domain::time;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const FEE_FEN: i64 = 2500;
/// A call disturbed by a fault is among the first so many.
const DISTURBED_CALLS: usize = 24;
/// Turns everything has to settle in.
const TURNS_MAX: usize = 400;
/// Turns within one instant: what is due now, and what follows from it.
const TURNS_NOW_MAX: usize = 40;
/// Tries to book before the first step.
const BOOKED_AHEAD: usize = 5;
/// The rooms of two clinics call from one queue.
const GROUP: &str = "G1";

/// The slots of each clinic with their numbers: two on the day, of one queue, and one on the next.
pub(super) const SLOTS: [&[(&str, u16, u16)]; 3] =
    [&[("0900", 1, 2), ("0930", 3, 1)], &[("0900", 1, 1), ("0930", 2, 1)], &[("0900", 1, 1), ("0930", 2, 1)]];

/// What has to come about in a walk at least once.
pub(super) const EVERYTHING: [&str; 47] = [
    "asked to pay",
    "back with results",
    "called",
    "called again",
    "called next",
    "called with nobody there",
    "cancelled at home",
    "cancelled at the window",
    "check-in refused at another desk",
    "check-in refused too early",
    "checked in at home",
    "checked in by staff",
    "checked in twice",
    "clinic closed",
    "clinic closed in part",
    "clinic reopened",
    "doctor substituted",
    "entered",
    "fault",
    "finished",
    "follows at night",
    "held",
    "his-sync",
    "joined waitlist",
    "left queue",
    "left waitlist",
    "message sent",
    "message troubled",
    "missed",
    "moved",
    "moved queue room",
    "no-show",
    "offered",
    "paid",
    "paused",
    "prioritised",
    "quiet",
    "reconcile",
    "refused by a rule",
    "reminder",
    "resumed",
    "returned",
    "room closed",
    "room opened",
    "sweeper",
    "window",
    "strike",
];

/// The same of one whose numbers are the HIS's: what it takes part in. The desk's moves are the other walk's.
pub(super) const EVERYTHING_OF_HIS: [&str; 13] = [
    "HIS back",
    "HIS down",
    "cancelled at home",
    "cancelled at the window",
    "clinic closed",
    "finished",
    "held",
    "his-sync",
    "moved",
    "no-show",
    "offered",
    "paid",
    "window",
];

/// A step: its words for the trace, and what it was for the sums.
pub(super) type Happened = (String, &'static str);

pub(super) struct World<'a> {
    pub(super) hospital: &'a Hospital,
    /// The day before the clinics.
    pub(super) eve: Date,
    pub(super) people: Vec<Person>,
    pub(super) clinics: Vec<ClinicId>,
    pub(super) visits: Vec<(usize, AppointmentKey)>,
    pub(super) letters: Vec<DomainEvent>,
    /// Letters that went out, by their key in the ledger.
    pub(super) sent: BTreeSet<String>,
    /// How often the turn of a visit was queued to be told, by the visit's key.
    pub(super) turns_queued: BTreeMap<String, usize>,
    /// Whether any tick of the reminder met a fault.
    pub(super) reminder_disturbed: usize,
    /// Whom staff have sent home.
    pub(super) sent_home: BTreeSet<AppointmentId>,
    /// How things stood when they were looked at last.
    pub(super) queues_seen: BTreeMap<String, Queue>,
    pub(super) states_seen: BTreeMap<AppointmentId, State>,
    pub(super) done: BTreeMap<&'static str, usize>,
    pub(super) trace: Vec<String>,
    seed: u64,
    notifications: Vec<Captured>,
    serial: u64,
}

impl<'a> World<'a> {
    /// Noon of the day before: five people, three clinics with few numbers, and some numbers taken at the window.
    pub(super) async fn open(hospital: &'a Hospital, seed: u64, dice: &mut Dice) -> Self {
        let (eve, noon) = next_noon(hospital.now());
        let mut people = Vec::new();
        for wechat in ["lin", "chen", "zhou", "lin", "chen"] {
            people.push(hospital.patient(wechat).await);
        }
        let mut clinics = Vec::new();
        for (at, slots) in SLOTS.iter().enumerate() {
            clinics.push(put_clinic(hospital, seed, eve, at, slots).await);
        }
        let mut world = Self {
            hospital,
            eve,
            people,
            clinics,
            visits: Vec::new(),
            letters: Vec::new(),
            sent: BTreeSet::new(),
            turns_queued: BTreeMap::new(),
            reminder_disturbed: 0,
            sent_home: BTreeSet::new(),
            queues_seen: BTreeMap::new(),
            states_seen: BTreeMap::new(),
            done: BTreeMap::new(),
            trace: Vec::new(),
            seed,
            notifications: Vec::new(),
            serial: 0,
        };
        world.pass_until(noon).await;
        hospital.letters.take();
        if world.are_numbers_of_his() {
            world.book_ahead(dice).await;
        } else {
            for _ in 0..dice.below(4) {
                let (text, _) = world.window(dice).await;
                world.trace.push(text);
            }
        }
        world
    }

    pub(super) fn are_numbers_of_his(&self) -> bool {
        self.hospital.profile.numbers.owner == NumberOwner::His
    }

    /// Where no window here registers anybody, whoever comes in the morning has booked at home.
    async fn book_ahead(&mut self, dice: &mut Dice) {
        for _ in 0..BOOKED_AHEAD {
            let (held, _) = self.hold(dice).await;
            self.trace.push(held);
            if let Some((paid, _)) = self.pay(dice).await {
                self.trace.push(paid);
            }
            his_sync::handle(&self.hospital.his_sync).await;
        }
    }

    pub(super) fn key(&mut self) -> String {
        self.serial += 1;
        format!("{:016}", self.seed * 1000 + self.serial)
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// One thing happens, once in four with a fault or a crash at some call of it.
    pub(super) async fn step(&mut self, dice: &mut Dice) -> Result<(), String> {
        let plan = dice.one_in(4).then(|| {
            let fault = *dice.pick(&[Fault::Before, Fault::After]).unwrap();
            Plan { at: dice.below(DISTURBED_CALLS), fault, crash: dice.one_in(2) }
        });
        self.hospital.switch.arm(plan);
        let (text, what) = loop {
            // What had nothing to work on is no step.
            if let Some(happened) = Box::pin(self.happen(dice)).await? {
                break happened;
            }
        };
        let met = plan.filter(|plan| self.hospital.switch.calls().len() > plan.at);
        self.hospital.switch.arm(None);
        self.notifications.extend(self.hospital.captured());
        self.count(what);
        if met.is_some() {
            self.count("fault");
            self.reminder_disturbed += usize::from(what == "reminder");
        }
        self.trace.push(match met {
            Some(plan) => format!("{text} ({what}) with {plan:?}"),
            None => format!("{text} ({what})"),
        });
        Ok(())
    }

    /// What is likely at this hour, and now and then what is not.
    async fn happen(&mut self, dice: &mut Dice) -> Result<Option<Happened>, String> {
        let at = match self.hours() {
            Hours::Before if dice.one_in(12) => 35,
            Hours::Before => dice.below(40),
            _ if dice.one_in(7) => dice.below(40),
            // What the HIS will say at night, of whoever's turn has begun.
            Hours::Morning | Hours::Between if dice.one_in(9) => 33,
            Hours::Morning => 22 + dice.below(44),
            Hours::Between if dice.one_in(2) => 35,
            Hours::Between => 26 + dice.below(14),
        };
        // Each is large, and the frame of all of them would be the sum.
        Ok(match at {
            0..7 => Some(Box::pin(self.hold(dice)).await),
            7..12 => Box::pin(self.pay(dice)).await,
            12 => Box::pin(self.notify(dice)).await,
            13 => Box::pin(self.cancel(dice)).await,
            14..17 => Box::pin(self.move_visit(dice)).await,
            17..20 => Some(Box::pin(self.wait(dice)).await),
            20 => Some(Box::pin(self.stop_waiting(dice)).await),
            21..24 => Some(Box::pin(self.window(dice)).await),
            24 => Box::pin(self.cancel_at_window(dice)).await,
            25 => Box::pin(self.change_clinic(dice)).await,
            26..30 => Some(Box::pin(self.tick(dice)).await),
            30..33 => Box::pin(self.deliver(dice)).await?,
            33 if self.are_numbers_of_his() && dice.one_in(4) => Some(self.his_trouble(dice).await),
            33 => Box::pin(self.his_record(dice)).await,
            34 => Some(Box::pin(self.rest()).await?),
            35..38 => Some((Box::pin(self.pass(dice)).await, "time passes")),
            38..43 => Box::pin(self.check_in(dice)).await,
            _ => Box::pin(self.at_the_desk(dice)).await?,
        })
    }

    /// A clinic and a slot of it.
    pub(super) fn wish(&self, dice: &mut Dice) -> (usize, ClinicId, SlotStart) {
        let at = dice.below(self.clinics.len());
        let (start, _, _) = *dice.pick(SLOTS[at]).unwrap();
        (at, self.clinics[at].clone(), start.parse().unwrap())
    }

    async fn hold(&mut self, dice: &mut Dice) -> Happened {
        let (who, (at, clinic, start)) = (dice.below(self.people.len()), self.wish(dice));
        let body = json!({
            "clinic": clinic.as_str(), "slot": start.to_string(), "patient": self.people[who].patient.as_str(),
            "idempotency_key": self.key(),
        });
        let (status, held) = self.hospital.book_post(&self.people[who], "/appointments", &body).await;
        if status == 200 {
            self.visits.push((who, appointment_key(&held)));
        }
        let what = if status == 200 { "held" } else { "refused by a rule" };
        (format!("person {who} holds {start} of clinic {at}: {status} {}", held["error"]["code"]), what)
    }

    /// Opens the sheet and pays, and WeChat notifies up to three times.
    async fn pay(&mut self, dice: &mut Dice) -> Option<Happened> {
        let (who, key) = self.visit_in(dice, |state| matches!(state, State::Held { .. })).await?;
        let (status, sheet) = self.hospital.prepay(&self.people[who], &key).await;
        if status != 200 || !sheet["request"].is_object() {
            return Some((format!("person {who} opens the sheet of {}: {status}", key.id), "asked to pay"));
        }
        if dice.one_in(6) {
            return Some((format!("person {who} looks at the sheet of {}", key.id), "asked to pay"));
        }
        let paid = self.hospital.try_to_pay(&self.people[who], &sheet).await;
        if paid["result"] != "ok" {
            return Some((format!("person {who} pays {}: {}", key.id, paid["result"]), "asked to pay"));
        }
        let notification = self.hospital.notification().await;
        let times = dice.below(4);
        for _ in 0..times {
            self.hospital.notify(&notification).await;
        }
        self.notifications.push(notification);
        Some((format!("person {who} pays {}, notified {times} times", key.id), "paid"))
    }

    async fn notify(&mut self, dice: &mut Dice) -> Option<Happened> {
        let captured = dice.pick(&self.notifications).cloned()?;
        Some((format!("WeChat notifies: {}", self.hospital.notify(&captured).await), "notified"))
    }

    /// One of the visits that stand somewhere.
    pub(super) async fn visit_in(&self, dice: &mut Dice, is: fn(State) -> bool) -> Option<(usize, AppointmentKey)> {
        let mut fitting = Vec::new();
        for (who, key) in &self.visits {
            if self.hospital.table.appointment(key).await.unwrap().is_some_and(|visit| is(visit.state)) {
                fitting.push((*who, key.clone()));
            }
        }
        dice.pick(&fitting).cloned()
    }

    async fn cancel(&mut self, dice: &mut Dice) -> Option<Happened> {
        let (who, key) = dice.pick(&self.visits).cloned()?;
        let (status, answer) = self.hospital.cancel(&self.people[who], &key).await;
        let what = if status == 200 { "cancelled at home" } else { "refused by a rule" };
        Some((format!("person {who} cancels {}: {status} {}", key.id, answer["error"]["code"]), what))
    }

    async fn move_visit(&mut self, dice: &mut Dice) -> Option<Happened> {
        let (who, key) = self.visit_in(dice, |state| state == State::Booked).await?;
        let (at, clinic, start) = self.wish(dice);
        let body = json!({
            "clinic": clinic.as_str(), "slot": start.to_string(), "idempotency_key": self.key(),
        });
        let path = format!("/appointments/{key}/reschedule");
        let (status, moved) = self.hospital.book_post(&self.people[who], &path, &body).await;
        if status == 200 {
            self.visits.push((who, appointment_key(&moved)));
        }
        let what = if status == 200 { "moved" } else { "refused by a rule" };
        let code = &moved["error"]["code"];
        Some((format!("person {who} moves {} to {start} of clinic {at}: {status} {code}", key.id), what))
    }

    async fn wait(&mut self, dice: &mut Dice) -> Happened {
        let (who, (at, clinic, start)) = (dice.below(self.people.len()), self.wish(dice));
        let mut body = json!({ "patient": self.people[who].patient.as_str(), "idempotency_key": self.key() });
        if dice.one_in(2) {
            body["slot"] = json!(start.to_string());
        }
        let path = format!("/clinics/{clinic}/waitlist");
        let (status, answer) = self.hospital.book_post(&self.people[who], &path, &body).await;
        let what = if status == 200 { "joined waitlist" } else { "refused by a rule" };
        (format!("person {who} waits for clinic {at}: {status} {}", answer["error"]["code"]), what)
    }

    async fn stop_waiting(&mut self, dice: &mut Dice) -> Happened {
        let (who, (at, clinic, _)) = (dice.below(self.people.len()), self.wish(dice));
        let body = json!({ "patient": self.people[who].patient.as_str() });
        let path = format!("/clinics/{clinic}/waitlist/leave");
        let (status, _) = self.hospital.book_post(&self.people[who], &path, &body).await;
        (format!("person {who} waits no more for clinic {at}: {status}"), "left waitlist")
    }

    /// What the hospital's own system will say at night.
    async fn his_record(&mut self, dice: &mut Dice) -> Option<Happened> {
        let (_, key) = self.visit_in(dice, |state| matches!(state, State::Booked | State::NoShow)).await?;
        // Its doctors know whom they saw, whether anybody was checked in or not.
        let visit = self.hospital.table.appointment(&key).await.unwrap()?;
        if visit.place.starts_at() > self.hospital.now() {
            return None;
        }
        let visited = dice.one_in(2);
        self.hospital.his.post("visits", json!({ "appointment": key.id.as_str(), "visited": visited })).await;
        Some((format!("the HIS says of {}: visited {visited}", key.id), "follows at night"))
    }

    /// Every call of ours is hung up on for a while.
    async fn his_trouble(&self, dice: &mut Dice) -> Happened {
        let is_down = dice.one_in(2);
        self.hospital.his.post("down", json!({ "on": is_down })).await;
        if is_down { ("the HIS goes down".into(), "HIS down") } else { ("the HIS is there".into(), "HIS back") }
    }

    async fn his_is_there(&self) {
        self.hospital.his.post("down", json!({ "on": false })).await;
    }

    /// One function's tick, alone or doubled.
    async fn tick(&mut self, dice: &mut Dice) -> Happened {
        let (hospital, doubled) = (self.hospital, dice.one_in(5));
        let what = *dice.pick(&["sweeper", "sweeper", "reminder", "reconcile", "his-sync"]).unwrap();
        match (what, doubled) {
            ("sweeper", false) => drop(sweeper::handle(&hospital.sweeper).await),
            ("sweeper", true) => {
                let _ = tokio::join!(sweeper::handle(&hospital.sweeper), sweeper::handle(&hospital.sweeper));
            }
            ("reminder", false) => drop(reminder::handle(&hospital.reminder).await),
            ("reminder", true) => {
                self.reminder_disturbed += 1;
                let _ = tokio::join!(reminder::handle(&hospital.reminder), reminder::handle(&hospital.reminder));
            }
            ("reconcile", _) => drop(reconcile::handle(&hospital.reconcile).await),
            _ => drop(his_sync::handle(&hospital.his_sync).await),
        }
        self.fetch_letters();
        (format!("a tick of {what}, doubled {doubled}"), what)
    }

    /// Nothing goes wrong for a moment: what is due now is done, and then the queue stands as the visits do.
    async fn rest(&mut self) -> Result<Happened, String> {
        self.hospital.switch.arm(None);
        self.his_is_there().await;
        for _ in 0..TURNS_NOW_MAX {
            let now_s = self.hospital.now().as_second();
            let due = self.hospital.due().await;
            let Some((_, worker, _)) = due.into_iter().find(|(at, _, _)| *at <= now_s) else { break };
            self.work(&worker).await;
        }
        self.look_at_queues_at_rest().await?;
        Ok(("everything due is done".into(), "quiet"))
    }

    async fn work(&mut self, worker: &str) {
        match worker {
            "sweeper" => drop(sweeper::handle(&self.hospital.sweeper).await),
            "reconcile" => drop(reconcile::handle(&self.hospital.reconcile).await),
            "reminder" => drop(reminder::handle(&self.hospital.reminder).await),
            _ => drop(his_sync::handle(&self.hospital.his_sync).await),
        }
        self.fetch_letters();
    }

    /// The schedules run and messages are delivered until nothing is due, over the nights after.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        self.his_is_there().await;
        self.do_all_due().await?;
        self.pass_the_days().await;
        self.do_all_due().await
    }

    /// What a crash left of a place in a line is forgotten with its day, and there may be nothing else to wait for.
    async fn pass_the_days(&self) {
        let last = self.clinics.iter().filter_map(ClinicId::date).max().unwrap();
        let over = time::instant(time::add_days(last, 1), Time::midnight());
        let wait_s = over.as_second() - self.hospital.now().as_second();
        if wait_s > 0 {
            self.hospital.pass_minutes(wait_s / 60 + 1).await;
        }
    }

    async fn do_all_due(&mut self) -> Result<(), String> {
        for _ in 0..TURNS_MAX {
            self.deliver_all().await?;
            let Some((at, worker, _)) = self.hospital.due().await.into_iter().next() else { break };
            let wait_s = at - self.hospital.now().as_second();
            if wait_s > 0 {
                self.hospital.pass_minutes(wait_s / 60 + 1).await;
            }
            self.work(&worker).await;
        }
        self.deliver_all().await?;
        match self.hospital.due().await.into_iter().next() {
            None => Ok(()),
            Some((at, worker, key)) => {
                let now_s = self.hospital.now().as_second();
                let visit = self.hospital.table.appointment_at(&key).await;
                Err(format!("does not settle: {worker} at {at}, now {now_s}: {key:?} {visit:?}"))
            }
        }
    }

    async fn deliver_all(&mut self) -> Result<(), String> {
        let letters = std::mem::take(&mut self.letters);
        for event in letters {
            if !self.tell(&event, Fate::Accepted).await? {
                // Whoever died sending it has it for a minute.
                self.hospital.pass_minutes(2).await;
                if !self.tell(&event, Fate::Accepted).await? {
                    return Err(format!("a message is stuck: {:?}", event.event.kind));
                }
            }
        }
        Ok(())
    }

    /// Every order that may have been paid for a visit of these people.
    pub(super) async fn orders(&self) -> BTreeSet<OutTradeNo> {
        let mut orders = BTreeSet::new();
        for person in &self.people {
            for visit in self.hospital.table.appointments_of(&person.patient).await.unwrap() {
                orders.extend((1..=visit.pay_attempt).map(|attempt| OutTradeNo::of(&visit.id, attempt)));
                orders.insert(visit.out_trade_no());
            }
        }
        orders
    }

    /// What booking accounts have on record would end with all days of a hospital's walk taken together.
    pub(super) async fn forgive_accounts(&self) {
        for (_, key) in &self.visits {
            let visit = self.hospital.table.appointment(key).await.unwrap();
            if let Some(account) = visit.as_ref().and_then(|visit| visit.booker.account()) {
                self.hospital.table.decide_on_account(account, |_| Some(Record::default())).await.unwrap();
            }
        }
    }
}

async fn put_clinic(hospital: &Hospital, seed: u64, eve: Date, at: usize, slots: &[(&str, u16, u16)]) -> ClinicId {
    let date = time::add_days(eve, if at < 2 { 1 } else { 2 });
    let mut clinic = kit::clinic(&format!("S{seed}C{at}"), date, FEE_FEN, hospital.profile.booking.release_at(date));
    if at < 2 {
        clinic.queue_group = Some(format!("{GROUP}S{seed}").parse().unwrap());
    }
    clinic.room = format!("20{}", at + 1);
    let slots: Vec<Slot> = slots
        .iter()
        .map(|(start, first, count)| Slot::fresh(&clinic, start.parse().unwrap(), *first, *count))
        .collect();
    assert!(hospital.table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
    hospital.list_at_the_his(&clinic.id).await;
    clinic.id
}
