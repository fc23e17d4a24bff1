//! What holds after every step, whenever everything due is done, and at the end.

use super::steps::{SLOTS, World};
use crate::money::ledger;
use crate::visit::enrolled;
use crate::visit::hospital::appointment_key;
use domain::appointment::{Appointment, CancelledBy, State};
use domain::clinic::{Claim, Slot};
use domain::notice::NoticeKind;
use domain::queue::{Entry, Queue, Stage};
use std::collections::{BTreeMap, BTreeSet};
use store::notices::Outcome;

/// Refusals that are deserved.
const BARRED: [&str; 1] = ["no_advance_booking"];

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

impl World<'_> {
    /// After every step: numbers and queues.
    pub(super) async fn look(&mut self) -> Result<(), String> {
        for (clinic, released) in self.clinics.clone().iter().zip(SLOTS) {
            let found = self.hospital.table.clinic(clinic).await.unwrap().unwrap();
            for slot in &found.slots {
                every_number_once(slot, released)?;
            }
            let Some(queue) = self.hospital.table.queue(&found.clinic.queue_id().unwrap()).await.unwrap() else {
                continue;
            };
            queue_in_order(&queue)?;
            if let Some(before) = self.queues_seen.insert(queue.id.to_string(), queue.clone()) {
                nobody_lost(&before, &queue)?;
            }
        }
        Ok(())
    }

    async fn all(&self) -> Vec<Appointment> {
        let mut all = Vec::new();
        for person in &self.people {
            all.extend(self.hospital.table.appointments_of(&person.patient).await.unwrap());
        }
        all
    }

    /// Every so often: where everybody's visits stand.
    pub(super) async fn look_at_people(&mut self) -> Result<(), String> {
        let (all, now) = (self.all().await, self.hospital.now());
        let mut numbers = BTreeSet::new();
        let mut clinics = BTreeSet::new();
        for visit in &all {
            if let Some(before) = self.states_seen.insert(visit.id.clone(), visit.state) {
                ensure(may_lead_to(before, visit.state), || format!("{before:?} led to {visit:?}"))?;
            }
            let place = &visit.place;
            if matches!(visit.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow) {
                let number = (place.clinic.clone(), place.start, place.number);
                ensure(numbers.insert(number), || format!("two have one number: {visit:?}\n{all:#?}"))?;
            }
            if visit.is_live(now) {
                let clinic = (visit.patient.clone(), place.clinic.clone());
                ensure(clinics.insert(clinic), || format!("two numbers of one clinic: {visit:?}\n{all:#?}"))?;
            }
        }
        Ok(())
    }

    /// With everything done that is due now, the queue stands as the visits do.
    pub(super) async fn look_at_queues_at_rest(&self) -> Result<(), String> {
        let now = self.hospital.now();
        for visit in self.all().await {
            let Some(clinic) = self.hospital.table.clinic_alone(&visit.place.clinic).await.unwrap() else { continue };
            let queue = self.hospital.table.queue(&clinic.queue_id().unwrap()).await.unwrap();
            // What became due after calling was over does not follow any more.
            if visit.place.date != domain::time::today(now) {
                continue;
            }
            // Cut off less than a minute ago: it follows soon.
            if visit.deadlines.get(domain::due::Deadline::Queue).is_some_and(|at| at > now) {
                continue;
            }
            let entry = queue.as_ref().and_then(|queue| queue.entry(&visit.id));
            let fits = self.fits(&visit, entry);
            ensure(fits, || format!("the queue has {entry:?} of {visit:?}"))?;
        }
        Ok(())
    }

    fn fits(&self, visit: &Appointment, entry: Option<&Entry>) -> bool {
        let stage = entry.map(|entry| &entry.stage);
        match visit.state {
            State::CheckedIn => match stage {
                Some(Stage::Waiting | Stage::Called { .. } | Stage::InRoom { .. } | Stage::Missed) => true,
                Some(Stage::Left) => self.sent_home.contains(&visit.id),
                Some(Stage::Expected | Stage::Done) | None => false,
            },
            // The hospital's record may know of a visit by somebody who was sent away from the line.
            State::Fulfilled => {
                entry.is_none_or(|entry| entry.seen || matches!(entry.stage, Stage::Expected | Stage::Left))
            }
            State::Held { .. }
            | State::Confirming { .. }
            | State::Booked
            | State::NoShow
            | State::Expired
            | State::Cancelled { .. }
            | State::Refused { .. } => matches!(stage, None | Some(Stage::Expected | Stage::Left)),
        }
    }

    /// Once everything has settled.
    pub(super) async fn look_at_the_end(&mut self) -> Result<ledger::Sums, String> {
        self.look().await?;
        self.look_at_people().await?;
        let all = self.all().await;
        self.numbers_have_owners(&all).await?;
        for visit in &all {
            if matches!(visit.state, State::NoShow) {
                self.count("no-show");
            }
            if visit.history.offered {
                self.count("offered");
            }
            self.on_record(visit).await?;
            self.reminded_once(visit).await?;
        }
        self.nobody_locked_out(&all).await?;
        self.nobody_waits().await?;
        let sums = ledger::books(self.hospital, &self.orders().await).await?;
        enrolled::agree(self.hospital, &self.clinics, &all).await?;
        self.forgive_accounts().await;
        self.everybody_can_book().await?;
        Ok(sums)
    }

    async fn numbers_have_owners(&self, all: &[Appointment]) -> Result<(), String> {
        let mut taken = BTreeMap::new();
        for clinic in &self.clinics {
            for slot in self.hospital.table.clinic(clinic).await.unwrap().unwrap().slots {
                for (id, has) in &slot.taken {
                    ensure(has.claim == Claim::Booked, || format!("not settled: {slot:?}"))?;
                    taken.insert(id.clone(), (slot.clinic.clone(), slot.start, has.number));
                }
            }
        }
        for visit in all {
            let mine = taken.remove(&visit.id);
            let place = &visit.place;
            let wanted = matches!(visit.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
                .then(|| (place.clinic.clone(), place.start, place.number));
            ensure(mine == wanted, || format!("has the number {mine:?}: {visit:?}"))?;
        }
        ensure(taken.is_empty(), || format!("numbers of nobody: {taken:?}"))
    }

    /// One strike at most, the one the visit means, the same on the account's record, and none for the hospital's fault.
    async fn on_record(&mut self, visit: &Appointment) -> Result<(), String> {
        let gate = self.hospital.table.gate(&visit.patient).await.unwrap();
        let strike = gate.record.strikes.get(&visit.id);
        let what = || format!("on record {strike:?} of {visit:?}");
        let meant = visit.strike();
        ensure(strike.map(|strike| strike.breach) == meant.map(|strike| strike.breach), what)?;
        if matches!(visit.state, State::Cancelled { by: CancelledBy::Hospital, .. }) {
            ensure(strike.is_none_or(|strike| !strike.state.counts()), what)?;
        }
        if let (Some(account), Some(strike)) = (visit.booker.account(), strike) {
            let account = self.hospital.table.account_gate(account).await.unwrap();
            let same = account.record.strikes.get(&visit.id).map(|other| other.state);
            ensure(same == Some(strike.state), || format!("the account has {same:?}: {}", what()))?;
        }
        if strike.is_some() {
            self.count("strike");
        }
        Ok(())
    }

    /// The turn was told once at most, and queued once unless the reminder was cut off or doubled.
    async fn reminded_once(&self, visit: &Appointment) -> Result<(), String> {
        let letters = self.hospital.table.notices_about(visit.id.as_str()).await.unwrap();
        let turns: Vec<_> = letters.iter().filter(|record| record.letter.kind == NoticeKind::TurnSoon).collect();
        ensure(turns.len() <= 1, || format!("reminded of one turn: {turns:?}"))?;
        let sk = store::key::Key::appointment(&visit.key()).sk;
        let queued = self.turns_queued.get(&sk).copied().unwrap_or(0);
        ensure(queued <= 1 + self.reminder_disturbed, || format!("{queued} reminders of {visit:?}"))?;
        ensure((queued > 0) != turns.is_empty(), || format!("{queued} queued, {turns:?} in the ledger"))?;
        let is_over = |outcome: &Outcome| !matches!(outcome, Outcome::Sending { .. } | Outcome::Waiting { .. });
        ensure(letters.iter().all(|record| is_over(&record.outcome)), || format!("not told: {letters:?}"))
    }

    async fn nobody_locked_out(&self, all: &[Appointment]) -> Result<(), String> {
        let now = self.hospital.now();
        for person in &self.people {
            let gate = self.hospital.table.gate(&person.patient).await.unwrap();
            let doubtful: BTreeSet<_> = gate.doubtful(now).map(|(id, _)| id.clone()).collect();
            for id in gate.entries.keys().filter(|id| !doubtful.contains(*id)) {
                let visit = all.iter().find(|visit| visit.id == *id);
                let is_theirs = visit.is_some_and(|visit| {
                    matches!(visit.state, State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow)
                });
                ensure(is_theirs, || format!("locked out by {id}: {gate:?} {visit:?}"))?;
            }
            for (id, entry) in gate.doubtful(now) {
                let slot = self.hospital.table.slot(&entry.clinic, entry.start).await.unwrap();
                let is_nobodys = slot.is_none_or(|slot| slot.holder(id).is_none());
                ensure(is_nobodys, || format!("a hold that is over has a number: {gate:?}"))?;
            }
            // A joining cut off after the gate leaves a place of a day gone by.
            let today = domain::time::today(now);
            let is_gone = gate.waiting.keys().all(|clinic| clinic.date().is_some_and(|date| date < today));
            ensure(is_gone, || format!("waits still: {gate:?}"))?;
        }
        Ok(())
    }

    /// Everybody can have a number of a clinic to come, unless what they have on record says no.
    async fn everybody_can_book(&mut self) -> Result<(), String> {
        let clinic = self.hospital.clinic(u16::try_from(self.people.len()).unwrap()).await;
        for who in 0..self.people.len() {
            let key = self.key();
            let person = &self.people[who];
            let (status, held) = self.hospital.hold(person, &clinic, &key).await;
            let code = held["error"]["code"].as_str().unwrap_or_default();
            ensure(status == 200 || BARRED.contains(&code), || format!("person {who} cannot book: {status} {held}"))?;
            if status == 200 {
                self.hospital.cancel(person, &appointment_key(&held)).await;
            }
        }
        Ok(())
    }

    async fn nobody_waits(&self) -> Result<(), String> {
        for clinic in &self.clinics {
            let line = self.hospital.table.line(clinic).await.unwrap();
            ensure(line.iter().all(|waiting| waiting.ended.is_some()), || format!("waits still: {line:?}"))?;
        }
        Ok(())
    }
}

/// Free, taken, resting, withdrawn and sold elsewhere are what was released, each number once.
fn every_number_once(slot: &Slot, released: &[(&str, u16, u16)]) -> Result<(), String> {
    let wanted = released.iter().find(|(start, _, _)| *start == slot.start.to_string());
    let (_, first, count) = *wanted.ok_or_else(|| format!("a slot was made: {slot:?}"))?;
    let all: BTreeSet<u16> = (first..first + count).collect();
    let several = slot.free_numbers.len() + slot.taken.len() + slot.withdrawn.len() + slot.elsewhere.len();
    ensure(slot.numbers() == all && several == all.len(), || format!("a number was lost, made or doubled: {slot:?}"))
}

/// Everybody once, and nobody beside another in a room that is there.
fn queue_in_order(queue: &Queue) -> Result<(), String> {
    let people: BTreeSet<_> = queue.entries.iter().map(|entry| &entry.appointment).collect();
    ensure(people.len() == queue.entries.len(), || format!("somebody is in it twice: {queue:?}"))?;
    let mut rooms = BTreeSet::new();
    for (room, _) in queue.entries.iter().filter_map(|entry| entry.stage.room()) {
        ensure(queue.room(room).is_some(), || format!("called to a room that is not there: {queue:?}"))?;
        ensure(rooms.insert(room.to_owned()), || format!("two in one room: {queue:?}"))?;
    }
    Ok(())
}

/// Versions grow with what changes, and only who never came disappears.
fn nobody_lost(before: &Queue, after: &Queue) -> Result<(), String> {
    let say = |what: &str| format!("{what}: {before:?}\nthen {after:?}");
    ensure(after.ver >= before.ver, || say("the version went back"))?;
    ensure(after.ver > before.ver || after == before, || say("changed under one version"))?;
    for entry in before.entries.iter().filter(|entry| entry.stage != Stage::Expected) {
        let now = after.entry(&entry.appointment);
        ensure(now.is_some_and(|now| now.stage != Stage::Expected), || say("somebody was lost"))?;
        ensure(now.is_some_and(|now| now.seen || !entry.seen), || say("somebody seen is not any more"))?;
    }
    Ok(())
}

/// Whether moves lead from one state to another.
fn may_lead_to(before: State, after: State) -> bool {
    use State::{Booked, Cancelled, CheckedIn, Confirming, Expired, Fulfilled, Held, NoShow, Refused};
    match (before, after) {
        (Expired, Held { .. }) | (Confirming { .. }, Held { .. } | Expired) => false,
        (Held { .. } | Expired | Confirming { .. }, _)
        | (Booked, Booked | CheckedIn | Fulfilled | NoShow | Cancelled { .. })
        | (CheckedIn, CheckedIn | Fulfilled | Cancelled { by: CancelledBy::Hospital, .. })
        | (NoShow, NoShow | CheckedIn | Fulfilled | Cancelled { by: CancelledBy::Hospital, .. }) => true,
        (Fulfilled, Fulfilled) | (Refused { .. }, Refused { .. }) | (Cancelled { .. }, Cancelled { .. }) => {
            before == after
        }
        _ => false,
    }
}
