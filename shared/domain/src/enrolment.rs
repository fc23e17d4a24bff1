//! What the hospital's own system (HIS) knows of a visit, and what it is to be told or asked next.
//!
//! What it should know follows from the visit: nothing yet, its number locked, the visit confirmed, or all of it over. One
//! thing is told at a time, written down before it is sent; after a lost answer the HIS is asked where the serial stands
//! (our appointment is the serial), never sent the same again blindly. So it ends with exactly the visits that are, also when
//! its yes comes late.

use crate::appointment::{Appointment, Command, MoveError, RefusedWhy, State};
use crate::booking::CancelPolicy;
use crate::due::Deadline;
use crate::event::Actor;
use crate::id::AppointmentId;
use crate::order::posting::LATE_REQUEST_S;
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was left undone is taken up again after this long.
pub const AGAIN_S: i64 = 60;
/// Whoever takes a number has it locked in the same request; nobody else looks at it before this long.
const LOCK_WITHIN_S: i64 = 30;

/// Who gives out the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberOwner {
    /// We do: what is ours to give needs nobody's yes, and the HIS is told.
    #[default]
    Menzhen,
    /// The HIS does: a number is locked there before it is paid, and a visit stands once it has confirmed it.
    His,
}

/// Where a visit stands at the HIS, as far as we know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Known {
    /// It certainly knows nothing of it.
    #[default]
    Nothing,
    /// Something was sent without a clear answer: it is asked before anything else.
    Unclear,
    /// It keeps the number.
    Locked,
    /// It has the visit.
    Confirmed,
    /// It does not do what it was asked.
    Refused {
        /// Its stable code.
        code: String,
    },
    /// It had it, or may have, and has not any more.
    Over,
}

/// What the HIS has to do with a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Enrolment {
    /// Who gave its number: decided when it was taken.
    pub owner: NumberOwner,
    /// Where it stands there.
    pub known: Known,
    /// 改约: the visit it takes the place of there, until that is told.
    pub follows: Option<AppointmentId>,
    /// Something that would make it certain was sent without an answer, and may arrive until then.
    pub doubt_until: Option<Timestamp>,
}

/// What the HIS is to be told or asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitTask {
    /// Keep the number.
    Lock,
    /// The visit is certain.
    Confirm,
    /// The visit is certain, and takes the place of this one.
    Move(AppointmentId),
    /// Nobody wants the locked number any more.
    Unlock,
    /// The visit will not take place.
    Cancel,
    /// Nor will the one it was to take the place of.
    Leave(AppointmentId),
    /// Where does it stand?
    Find,
}

/// Where the HIS says that a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The number is kept.
    Locked,
    /// It has the visit.
    Confirmed,
    /// Given back, run out, or moved.
    Over,
}

/// What the HIS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitAnswer {
    /// It has done it, now or before.
    Done,
    /// Where the visit stands; none: it knows nothing of it.
    Stands(Option<Standing>),
    /// It says no, with its stable code.
    Refused(String),
    /// It does not know the visit whose place was to be taken.
    UnknownBefore,
    /// The request may or may not have taken effect.
    Unclear,
    /// Nothing was sent at all.
    Unsent,
}

/// What the HIS should know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    AsItIs,
    Locked,
    Confirmed,
    Over,
}

impl Appointment {
    /// Whether the HIS gives its number.
    pub fn is_number_of_his(&self) -> bool {
        self.enrolment.owner == NumberOwner::His
    }

    /// Whether nobody may pay for it yet: the HIS gives the number and does not certainly keep it.
    pub fn awaits_lock(&self) -> bool {
        self.is_number_of_his() && self.enrolment.known != Known::Locked
    }

    fn wanted(&self) -> Wanted {
        match self.state {
            State::Held { .. } if self.is_number_of_his() => Wanted::Locked,
            State::Held { .. } => Wanted::AsItIs,
            State::Confirming { .. } => Wanted::Confirmed,
            State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow => {
                // A paid visit the HIS knows by its payment; all others by themselves.
                let is_told_apart = self.payable().is_zero() || self.history.moved_from.is_some();
                if self.is_number_of_his() || is_told_apart { Wanted::Confirmed } else { Wanted::AsItIs }
            }
            State::Expired | State::Cancelled { .. } | State::Refused { .. } => Wanted::Over,
        }
    }

    /// What the HIS is to be told or asked next; none when it knows all it has to.
    pub fn visit_task(&self) -> Option<VisitTask> {
        let Enrolment { known, follows, doubt_until, .. } = &*self.enrolment;
        match (self.wanted(), known) {
            (Wanted::AsItIs, _) => None,
            (_, Known::Unclear) => Some(VisitTask::Find),
            (Wanted::Over, Known::Nothing | Known::Refused { .. }) if doubt_until.is_some() => Some(VisitTask::Find),
            (Wanted::Locked, Known::Nothing) => Some(VisitTask::Lock),
            (Wanted::Confirmed, Known::Nothing | Known::Locked) => {
                Some(follows.clone().map_or(VisitTask::Confirm, VisitTask::Move))
            }
            (Wanted::Over, Known::Locked) => Some(VisitTask::Unlock),
            (Wanted::Over, Known::Confirmed) => Some(VisitTask::Cancel),
            (Wanted::Over, Known::Nothing | Known::Over | Known::Refused { .. }) => {
                follows.clone().map(VisitTask::Leave)
            }
            (Wanted::Locked | Wanted::Confirmed, _) => None,
        }
    }

    /// The visit written before the HIS is told: should the answer be lost, it is asked first.
    pub fn his_asked(&self, task: &VisitTask, now: Timestamp) -> Result<Self, MoveError> {
        if self.visit_task().as_ref() != Some(task) {
            return Err(MoveError::AlreadyDone);
        }
        let (known, doubt_until) = match task {
            VisitTask::Find | VisitTask::Leave(_) => (self.enrolment.known.clone(), self.enrolment.doubt_until),
            VisitTask::Unlock | VisitTask::Cancel => (Known::Unclear, self.enrolment.doubt_until),
            VisitTask::Lock | VisitTask::Confirm | VisitTask::Move(_) => {
                (Known::Unclear, Some(time::add_seconds(now, LATE_REQUEST_S)))
            }
        };
        let mut after = self.with_enrolment(Enrolment { known, doubt_until, ..(*self.enrolment).clone() }, now);
        after.deadlines = after.deadlines.with(Deadline::Enrol, time::add_seconds(now, AGAIN_S));
        Ok(after)
    }

    /// The visit once the HIS has answered. `before` is what was known when it was asked.
    pub fn his_answered(
        &self,
        task: &VisitTask,
        answer: &VisitAnswer,
        before: &Enrolment,
        now: Timestamp,
    ) -> Result<Self, MoveError> {
        let still_asked = match task {
            VisitTask::Leave(of) => self.enrolment.follows.as_ref() == Some(of),
            VisitTask::Find => self.visit_task() == Some(VisitTask::Find),
            _ => self.enrolment.known == Known::Unclear,
        };
        if !still_asked {
            return Err(MoveError::AlreadyDone);
        }
        if matches!(answer, VisitAnswer::Done | VisitAnswer::Refused(_) | VisitAnswer::UnknownBefore) {
            // This request is answered: what doubt there was before it is left.
            let enrolment = Enrolment { doubt_until: before.doubt_until, ..(*self.enrolment).clone() };
            return Self { enrolment: Box::new(enrolment), ..self.clone() }.answered(task, answer, before, now);
        }
        self.answered(task, answer, before, now)
    }

    fn answered(
        &self,
        task: &VisitTask,
        answer: &VisitAnswer,
        before: &Enrolment,
        now: Timestamp,
    ) -> Result<Self, MoveError> {
        match (task, answer) {
            (_, VisitAnswer::Unclear) | (VisitTask::Find | VisitTask::Leave(_), VisitAnswer::Unsent) => {
                Err(MoveError::AlreadyDone)
            }
            (_, VisitAnswer::Unsent) => Ok(self.waiting(before, now)),
            // After a move: sent without it next time, and asked first whether this one has arrived after all.
            (VisitTask::Leave(_), _) | (VisitTask::Move(_), VisitAnswer::UnknownBefore) => Ok(self.without_former(now)),
            (_, VisitAnswer::UnknownBefore) => Err(MoveError::Illegal),
            (_, VisitAnswer::Stands(found)) => Ok(self.found(*found, now)),
            (VisitTask::Lock, VisitAnswer::Done) => Ok(self.with_known(Known::Locked, now)),
            (VisitTask::Confirm | VisitTask::Move(_) | VisitTask::Find, VisitAnswer::Done) => Ok(self.confirmed(now)),
            (VisitTask::Unlock | VisitTask::Cancel, VisitAnswer::Done) => Ok(self.with_known(Known::Over, now)),
            (_, VisitAnswer::Refused(code)) => Ok(self.refused_there(code.clone(), now)),
        }
    }

    /// The visit given up because the HIS has not confirmed it within `within_s` of its payment. A late yes is undone.
    pub fn his_silent(&self, within_s: i64, policy: CancelPolicy, now: Timestamp) -> Result<Self, MoveError> {
        match self.state {
            State::Confirming { since } if now >= time::add_seconds(since, within_s) => {
                self.after(Command::Refuse(RefusedWhy::HisSilent), Actor::Schedule, policy, now)
            }
            _ => Err(MoveError::AlreadyDone),
        }
    }

    fn found(&self, found: Option<Standing>, now: Timestamp) -> Self {
        let is_over = self.wanted() == Wanted::Over;
        match found {
            Some(Standing::Locked) => self.with_known(Known::Locked, now),
            Some(Standing::Confirmed) if is_over => self.with_known(Known::Confirmed, now),
            Some(Standing::Confirmed) => self.confirmed(now),
            Some(Standing::Over) if is_over => self.with_known(Known::Over, now),
            Some(Standing::Over) => self.refused_there(SERIAL_OVER.to_owned(), now),
            None if is_over => self.not_found(now),
            None => self.with_known(Known::Nothing, now),
        }
    }

    /// Nobody wants it and the HIS does not know it; but a request of ours may still be on its way there.
    fn not_found(&self, now: Timestamp) -> Self {
        let Some(certain_at) = self.enrolment.doubt_until.filter(|at| *at > now) else {
            return self.with_known(Known::Over, now);
        };
        let mut after = self.with_enrolment((*self.enrolment).clone(), now);
        after.deadlines = after.deadlines.with(Deadline::Enrol, certain_at);
        after
    }

    fn confirmed(&self, now: Timestamp) -> Self {
        let after = Self {
            enrolment: Box::new(Enrolment { follows: None, doubt_until: None, ..self.knowing(Known::Confirmed) }),
            ..self.clone()
        };
        match self.state {
            State::Confirming { .. } => after.reached(State::Booked, Actor::Schedule, now),
            _ => after.written(now),
        }
    }

    /// What was locked or confirmed for nothing is put right by what the new state wants.
    fn refused_there(&self, code: String, now: Timestamp) -> Self {
        let after = Self { enrolment: Box::new(self.knowing(Known::Refused { code })), ..self.clone() };
        match self.state {
            State::Held { .. } => after.reached(State::Expired, Actor::Schedule, now),
            State::Confirming { .. } => {
                after.reached(State::Refused { why: RefusedWhy::HisRefused }, Actor::Schedule, now)
            }
            _ => after.written(now),
        }
    }

    fn without_former(&self, now: Timestamp) -> Self {
        let enrolment = Enrolment { follows: None, ..(*self.enrolment).clone() };
        Self { enrolment: Box::new(enrolment), ..self.clone() }.written(now)
    }

    fn knowing(&self, known: Known) -> Enrolment {
        Enrolment { known, ..(*self.enrolment).clone() }
    }

    /// Known for certain: a serial the HIS knows is none that something late could begin.
    fn with_known(&self, known: Known, now: Timestamp) -> Self {
        let doubt_until = if known == Known::Nothing { self.enrolment.doubt_until } else { None };
        self.with_enrolment(Enrolment { doubt_until, ..self.knowing(known) }, now)
    }

    fn with_enrolment(&self, enrolment: Enrolment, now: Timestamp) -> Self {
        Self { enrolment: Box::new(enrolment), ..self.clone() }.written(now)
    }

    /// As it was before something could not be sent; taken up again later.
    fn waiting(&self, before: &Enrolment, now: Timestamp) -> Self {
        let mut after = self.with_enrolment(before.clone(), now);
        if after.visit_task().is_some() {
            after.deadlines = after.deadlines.with(Deadline::Enrol, time::add_seconds(now, AGAIN_S));
        }
        after
    }

    fn written(self, now: Timestamp) -> Self {
        let after = Self { ver: self.ver + 1, ..self };
        // Answered: what comes next comes at once.
        Self { deadlines: after.deadlines.clone().without(Deadline::Enrol), ..after }.planned(now)
    }

    /// The deadline that follows from what the HIS still has to be told or asked.
    #[must_use]
    pub fn planned(self, now: Timestamp) -> Self {
        let planned = self.deadlines.get(Deadline::Enrol);
        let deadlines = match self.visit_task() {
            None => self.deadlines.clone().without(Deadline::Enrol),
            // Nothing is known there, and what could still arrive is waited for.
            Some(VisitTask::Find) if self.enrolment.known != Known::Unclear => {
                let at = self.enrolment.doubt_until.unwrap_or(now).max(now);
                self.deadlines.clone().with(Deadline::Enrol, planned.unwrap_or(at))
            }
            Some(VisitTask::Lock) => {
                self.deadlines.clone().with(Deadline::Enrol, planned.unwrap_or(time::add_seconds(now, LOCK_WITHIN_S)))
            }
            Some(_) => self.deadlines.clone().with(Deadline::Enrol, planned.unwrap_or(now)),
        };
        Self { deadlines, ..self }
    }

    /// What the HIS is to make of a visit that takes the place of this one: its number is given by `owner`, and stands there
    /// as `known`.
    pub fn enrolment_of_next(&self, owner: NumberOwner, known: Known) -> Enrolment {
        let is_known_by_payment = !self.is_number_of_his() && !self.payable().is_zero();
        let follows = match &self.enrolment.known {
            Known::Nothing if self.enrolment.follows.is_some() => self.enrolment.follows.clone(),
            Known::Nothing if !is_known_by_payment => None,
            _ => Some(self.id.clone()),
        };
        Enrolment { owner, known, follows, doubt_until: None }
    }

    /// What is left to tell of this one once another has taken its place: that one tells of both.
    pub(crate) fn enrolment_left(&self) -> Enrolment {
        let Enrolment { owner, known, follows, doubt_until } = (*self.enrolment).clone();
        match known {
            Known::Confirmed => Enrolment { owner, known: Known::Over, ..Enrolment::default() },
            Known::Nothing => Enrolment { owner, doubt_until, ..Enrolment::default() },
            known => Enrolment { owner, known, follows, doubt_until },
        }
    }
}

/// A serial that is over stays over.
const SERIAL_OVER: &str = "SERIAL_OVER";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::tests::{at, held};
    use crate::appointment::{Booker, CancelledBy};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const NOW: &str = "2026-11-22T04:00:00Z";

    /// A HIS that remembers serials, and to which requests come at once, late, or never.
    #[derive(Default)]
    struct Hospital {
        visits: BTreeMap<AppointmentId, Standing>,
        on_the_way: Vec<(VisitTask, AppointmentId, Timestamp)>,
    }

    impl Hospital {
        fn end(&mut self, serial: &AppointmentId) {
            if let Some(standing) = self.visits.get_mut(serial) {
                *standing = Standing::Over;
            }
        }

        fn begin(&mut self, serial: &AppointmentId, standing: Standing) -> VisitAnswer {
            match self.visits.get(serial) {
                Some(Standing::Over) => return VisitAnswer::Refused(SERIAL_OVER.into()),
                Some(Standing::Confirmed) => {}
                _ => drop(self.visits.insert(serial.clone(), standing)),
            }
            VisitAnswer::Done
        }

        fn takes(&mut self, task: &VisitTask, serial: &AppointmentId) -> VisitAnswer {
            match task {
                VisitTask::Lock => self.begin(serial, Standing::Locked),
                VisitTask::Confirm => self.begin(serial, Standing::Confirmed),
                VisitTask::Move(former) if self.visits.get(former) != Some(&Standing::Confirmed) => {
                    VisitAnswer::UnknownBefore
                }
                VisitTask::Move(former) => match self.begin(serial, Standing::Confirmed) {
                    VisitAnswer::Done => {
                        self.end(former);
                        VisitAnswer::Done
                    }
                    other => other,
                },
                VisitTask::Unlock | VisitTask::Cancel => {
                    self.end(serial);
                    VisitAnswer::Done
                }
                VisitTask::Leave(former) => {
                    self.end(former);
                    VisitAnswer::Done
                }
                VisitTask::Find => VisitAnswer::Stands(self.visits.get(serial).copied()),
            }
        }

        /// What was on the way arrives, as long as it is not too old.
        fn arrives(&mut self, now: Timestamp) {
            for (task, serial, sent_at) in std::mem::take(&mut self.on_the_way) {
                if now < time::add_seconds(sent_at, LATE_REQUEST_S) {
                    self.takes(&task, &serial);
                }
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Luck {
        Answered,
        AnswerLost,
        Late,
        Lost,
        Unsent,
    }

    #[derive(Clone, Debug)]
    enum Step {
        Tell(Luck),
        Arrive,
        Pay,
        Cancel,
        Drop,
        Silence,
        Move,
    }

    fn step() -> impl Strategy<Value = Step> {
        let luck = prop_oneof![
            Just(Luck::Answered),
            Just(Luck::AnswerLost),
            Just(Luck::Late),
            Just(Luck::Lost),
            Just(Luck::Unsent)
        ];
        prop_oneof![
            6 => luck.prop_map(Step::Tell),
            2 => Just(Step::Arrive),
            2 => Just(Step::Pay),
            1 => Just(Step::Cancel),
            1 => Just(Step::Drop),
            1 => Just(Step::Silence),
            1 => Just(Step::Move),
        ]
    }

    fn tell(visit: &Appointment, his: &mut Hospital, luck: Luck, now: Timestamp) -> Appointment {
        let Some(task) = visit.visit_task() else { return visit.clone() };
        let before = visit.enrolment.clone();
        let asked = visit.his_asked(&task, now).unwrap();
        let answer = match luck {
            Luck::Answered => his.takes(&task, &visit.id),
            Luck::AnswerLost => {
                his.takes(&task, &visit.id);
                VisitAnswer::Unclear
            }
            Luck::Late => {
                his.on_the_way.push((task.clone(), visit.id.clone(), now));
                VisitAnswer::Unclear
            }
            Luck::Lost => VisitAnswer::Unclear,
            Luck::Unsent => VisitAnswer::Unsent,
        };
        asked.his_answered(&task, &answer, &before, now).unwrap_or(asked)
    }

    fn visit(owner: NumberOwner, is_free: bool) -> Appointment {
        let enrolment = Box::new(Enrolment { owner, ..Enrolment::default() });
        let booker = if is_free { Booker::Staff("window".into()) } else { held(at(NOW)).booker };
        Appointment { booker, enrolment, ..held(time::add_minutes(at(NOW), 600)) }.planned(at(NOW))
    }

    fn settled(visit: &Appointment, his: &mut Hospital, mut now: Timestamp) -> (Appointment, Timestamp) {
        let mut visit = visit.clone();
        for _ in 0..20 {
            now = time::add_seconds(now, LATE_REQUEST_S);
            visit = tell(&visit, his, Luck::Answered, now);
        }
        (visit, now)
    }

    proptest! {
        /// Whatever is lost, late or unsent: in the end the HIS has exactly the visits there are, and nothing is due.
        #[test]
        fn the_hospital_ends_with_the_visits_there_are(
            owner in prop_oneof![Just(NumberOwner::Menzhen), Just(NumberOwner::His)],
            is_free: bool,
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let (mut his, mut now) = (Hospital::default(), at(NOW));
            let mut former: Vec<Appointment> = Vec::new();
            let mut visit = visit(owner, is_free);
            let policy = CancelPolicy::default();
            let go = |visit: &Appointment, command, now| {
                visit.after(command, Actor::Schedule, policy, now).unwrap_or_else(|_| visit.clone())
            };
            for step in steps {
                now = time::add_seconds(now, 30);
                match step {
                    Step::Tell(luck) => visit = tell(&visit, &mut his, luck, now),
                    Step::Arrive => his.arrives(now),
                    Step::Pay if visit.awaits_lock() => {}
                    Step::Pay => visit = go(&visit, Command::Book, now),
                    Step::Cancel => visit = go(&visit, Command::Cancel(CancelledBy::Hospital), now),
                    Step::Drop => visit = go(&visit, Command::Drop, now),
                    Step::Silence => visit = visit.his_silent(0, policy, now).unwrap_or(visit),
                    Step::Move if visit.state == State::Booked && former.len() < 3 => {
                        let number = u8::try_from(former.len()).unwrap() + 10;
                        let id = AppointmentId::from_bytes([number; 10]);
                        let lock = match owner {
                            NumberOwner::Menzhen => Known::Nothing,
                            NumberOwner::His => {
                                his.begin(&id, Standing::Locked);
                                Known::Locked
                            }
                        };
                        let enrolment = visit.enrolment_of_next(owner, lock);
                        let next = visit.moved(id, visit.place.clone(), enrolment, Actor::Schedule, now);
                        former.push(visit.moved_to(next.key(), now));
                        visit = next;
                    }
                    Step::Move => {}
                }
                let is_due = visit.deadlines.get(Deadline::Enrol).is_some();
                prop_assert_eq!(is_due, visit.visit_task().is_some(), "{:?}", visit);
            }
            // Nothing arrives after this; the visit that is comes first, then what it took the place of.
            his.arrives(now);
            let (last, mut now) = settled(&visit, &mut his, now);
            let mut left = Vec::new();
            for old in &former {
                let (old, later) = settled(old, &mut his, now);
                now = later;
                left.push(old);
            }
            let (last, _) = settled(&last, &mut his, now);
            for visit in left.iter().chain([&last]) {
                prop_assert_eq!(visit.visit_task(), None, "{:?}", visit);
            }
            let is_paid_elsewhere = owner == NumberOwner::Menzhen && !last.payable().is_zero() && former.is_empty();
            let has = his.visits.get(&last.id).copied();
            match last.state {
                State::Booked if is_paid_elsewhere => prop_assert_eq!(has, None),
                State::Booked => prop_assert_eq!(has, Some(Standing::Confirmed)),
                State::Held { .. } if owner == NumberOwner::His => prop_assert_eq!(has, Some(Standing::Locked)),
                State::Confirming { .. } => prop_assert!(false, "still confirming"),
                _ => prop_assert!(has.is_none_or(|standing| standing == Standing::Over), "{:?}", has),
            }
            for old in &left {
                let has = his.visits.get(&old.id).copied();
                prop_assert!(has.is_none_or(|standing| standing == Standing::Over), "{:?} {:?}", has, old);
            }
        }
    }

    #[test]
    fn a_number_of_the_hospital_is_paid_once_it_is_locked_and_stands_once_it_is_confirmed() {
        let (mut his, now) = (Hospital::default(), at(NOW));
        let held = visit(NumberOwner::His, false);
        assert!(held.awaits_lock());
        let locked = tell(&held, &mut his, Luck::Answered, now);
        assert!(!locked.awaits_lock() && locked.visit_task().is_none());
        let paid = locked.after(Command::Book, Actor::Schedule, CancelPolicy::default(), now).unwrap();
        assert_eq!((paid.state, paid.visit_task()), (State::Confirming { since: now }, Some(VisitTask::Confirm)));
        assert_eq!(paid.ev, locked.ev, "nothing is announced before it is certain");
        let booked = tell(&paid, &mut his, Luck::Answered, now);
        assert_eq!((booked.state, booked.visit_task()), (State::Booked, None));
        assert!(booked.deadlines.get(Deadline::Notify).is_some());
    }

    #[test]
    fn a_late_yes_is_undone() {
        let (mut his, now) = (Hospital::default(), at(NOW));
        let locked = tell(&visit(NumberOwner::His, false), &mut his, Luck::Answered, now);
        let paid = locked.after(Command::Book, Actor::Schedule, CancelPolicy::default(), now).unwrap();
        let late = tell(&paid, &mut his, Luck::Late, now);
        assert_eq!(
            late.his_silent(900, CancelPolicy::default(), time::add_minutes(now, 14)),
            Err(MoveError::AlreadyDone)
        );
        let given_up = late.his_silent(900, CancelPolicy::default(), time::add_minutes(now, 15)).unwrap();
        assert_eq!(given_up.state, State::Refused { why: RefusedWhy::HisSilent });
        assert!(given_up.deadlines.get(Deadline::Release).is_some(), "money, number and gate follow");
        his.arrives(now);
        let (after, _) = settled(&given_up, &mut his, time::add_minutes(now, 15));
        assert_eq!((his.visits.get(&after.id), after.visit_task()), (Some(&Standing::Over), None));
    }
}
