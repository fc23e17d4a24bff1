//! Booking rules: what may be booked when, by whom, how often, and until when it may be cancelled.
//!
//! What is per person is decided on the person's [`Gate`]; what is per number is decided by the slot's own write.

use crate::appointment::{NOTIFY_WITHIN_S, Place};
use crate::clinic::{Clinic, ClinicKind, ClinicState, Period, SlotStart};
use crate::credit::{Ban, CreditNews, Judge, Owner, Record, change};
use crate::due::{Deadline, Deadlines};
use crate::event::{Actor, EventKind, ItemEvent};
use crate::id::{AppointmentId, ClinicId, DepartmentId, DoctorId, PatientId};
use crate::quota::Quotas;
use crate::time;
use crate::waitlist::{Ticket, WaitlistPolicy};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Until when a paid number may be cancelled online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum CancelPolicy {
    /// So many minutes before the slot starts.
    BeforeStart {
        /// Minutes before the start; 0 = until the start itself.
        minutes: i64,
    },
    /// Until a time on the day before the visit.
    DayBefore {
        /// Wall-clock time on the day before.
        time: Time,
    },
}

impl Default for CancelPolicy {
    fn default() -> Self {
        Self::BeforeStart { minutes: 60 }
    }
}

impl CancelPolicy {
    /// The last instant that still counts, inclusive (E02).
    pub fn deadline(self, date: Date, starts_at: Timestamp) -> Timestamp {
        match self {
            Self::BeforeStart { minutes } => time::add_minutes(starts_at, -minutes),
            Self::DayBefore { time: at } => time::instant(time::add_days(date, -1), at),
        }
    }
}

/// How often one person may book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Numbers of one doctor on one day.
    pub per_doctor_day: u32,
    /// Numbers of one department on one day.
    pub per_department_day: u32,
    /// Numbers on one day.
    pub per_day: u32,
    /// Unpaid holds at one time (against hoarding).
    pub held: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_doctor_day: 1, per_department_day: 1, per_day: 3, held: 1 }
    }
}

/// How long a number rests that comes back, in minutes: a random time between the two, drawn when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestPolicy {
    /// At least.
    pub least_min: u16,
    /// At most.
    pub most_min: u16,
}

impl Default for RestPolicy {
    fn default() -> Self {
        Self { least_min: 1, most_min: 30 }
    }
}

impl RestPolicy {
    /// The rest that random bytes mean.
    pub fn drawn(&self, random: [u8; 8]) -> u16 {
        let choices = u64::from(self.most_min.saturating_sub(self.least_min)) + 1;
        let extra = u16::try_from(u64::from_be_bytes(random) % choices).unwrap_or(0);
        self.least_min.saturating_add(extra)
    }
}

/// The hospital's booking policy; defaults are the middle of what real hospitals do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookingPolicy {
    /// Days ahead that can be booked, today not counted.
    pub horizon_days: i32,
    /// Wall-clock time at which a day's numbers are released, `horizon_days` before.
    pub release_time: Time,
    /// On the day before, advance booking closes at this time; the same-day window opens at midnight.
    pub advance_close: Time,
    /// Same-day registration for the morning closes at this time.
    pub same_day_close_morning: Time,
    /// Same-day registration for the afternoon closes at this time.
    pub same_day_close_afternoon: Time,
    /// Minutes a number is held for payment; WeChat's `time_expire` is the same instant.
    pub hold_min: i64,
    /// How often one person may book.
    pub limits: Limits,
    /// How long a number rests that comes back.
    pub rest: RestPolicy,
    /// What is set apart for those who cannot use a phone, unless a schedule says otherwise.
    pub quotas: Quotas,
    /// Numbers set apart for old people are for whoever is so old in the year of the visit.
    pub elder_age_years: u16,
    /// From this time on the day itself, what is left of it is everybody's.
    pub pool_time: Time,
    /// How often one visit may be moved to another time.
    pub moves_max: u8,
    /// Days, the day of the visit included, on which following it up is free (复诊); 0 = never.
    pub free_followup_days: i32,
    /// Waiting for a number of a full clinic.
    pub waitlist: WaitlistPolicy,
}

impl Default for BookingPolicy {
    fn default() -> Self {
        Self {
            horizon_days: 7,
            release_time: Time::constant(7, 0, 0, 0),
            advance_close: Time::constant(17, 0, 0, 0),
            same_day_close_morning: Time::constant(11, 0, 0, 0),
            same_day_close_afternoon: Time::constant(16, 0, 0, 0),
            hold_min: 10,
            limits: Limits::default(),
            rest: RestPolicy::default(),
            quotas: Quotas::NONE,
            elder_age_years: 60,
            pool_time: Time::constant(6, 0, 0, 0),
            moves_max: 1,
            free_followup_days: 3,
            waitlist: WaitlistPolicy::default(),
        }
    }
}

impl BookingPolicy {
    /// Whether somebody born in a year takes numbers set apart for old people, for a visit on `date`. The year alone is
    /// known: who comes of this age in it counts.
    pub fn is_elder(&self, birth_year: Option<i16>, date: Date) -> bool {
        birth_year.is_some_and(|year| date.year() - year >= i16::try_from(self.elder_age_years).unwrap_or(i16::MAX))
    }

    /// When the numbers of a clinic on `date` are released.
    pub fn release_at(&self, date: Date) -> Timestamp {
        time::instant(time::add_days(date, -self.horizon_days), self.release_time)
    }

    /// When what is set apart of a clinic on `date` becomes everybody's.
    pub fn pooled_at(&self, date: Date) -> Timestamp {
        time::instant(date, self.pool_time)
    }
}

/// A prepay is not started in the last seconds of a hold: it could be paid after the number was freed.
pub const PREPAY_MARGIN_S: i64 = 90;

/// A number is not sold in the last minutes of its slot: paying and walking there take longer.
pub const SELL_BEFORE_END_S: i64 = 300;

/// The two products of the study: registration on the day (2.4.1) and advance booking (2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// 当日挂号
    SameDay,
    /// 预约挂号
    Advance,
}

/// Why a slot cannot be booked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// 停诊.
    #[error("the clinic is closed")]
    Closed,
    /// The slot, or same-day registration for its period, is over.
    #[error("too late for this slot")]
    Over,
    /// Numbers are released later.
    #[error("not released until {0}")]
    NotReleased(Timestamp),
    /// Emergency clinics take no advance bookings.
    #[error("bookable on the day itself only")]
    SameDayOnly,
    /// Booking for tomorrow has closed for today.
    #[error("advance booking for this day has closed")]
    AdvanceClosed,
}

/// Which product a slot can be booked as at `now`, or why not.
pub fn window(
    clinic: &Clinic,
    start: SlotStart,
    policy: &BookingPolicy,
    now: Timestamp,
) -> Result<Product, WindowError> {
    if clinic.state == ClinicState::Closed {
        return Err(WindowError::Closed);
    }
    if time::add_seconds(start.end_instant(clinic.date), -SELL_BEFORE_END_S) <= now {
        return Err(WindowError::Over);
    }
    if clinic.release_at > now {
        return Err(WindowError::NotReleased(clinic.release_at));
    }
    let wall = time::wall_clock(now);
    if clinic.date == wall.date() {
        // An emergency has no earlier close than the slot's own end.
        let emergency = clinic.kind == ClinicKind::Emergency;
        return if emergency { Ok(Product::SameDay) } else { same_day_open(clinic.period, policy, wall.time()) };
    }
    if !clinic.kind.bookable_ahead() {
        return Err(WindowError::SameDayOnly);
    }
    let tomorrow = time::add_days(wall.date(), 1);
    if clinic.date == tomorrow && wall.time() > policy.advance_close {
        return Err(WindowError::AdvanceClosed);
    }
    Ok(Product::Advance)
}

fn same_day_open(period: Period, policy: &BookingPolicy, clock: Time) -> Result<Product, WindowError> {
    let close = match period {
        Period::Morning => policy.same_day_close_morning,
        Period::Afternoon => policy.same_day_close_afternoon,
        // Evening and night have no earlier close than the slot's own end.
        Period::Evening | Period::Night => return Ok(Product::SameDay),
    };
    if clock > close { Err(WindowError::Over) } else { Ok(Product::SameDay) }
}

/// Whether a clinic is one in which a visit can be followed up free of charge (复诊): the same department and campus, and
/// not an expert's. Which days count is [`follow_up_days`].
pub fn follows_up(visit: &Place, clinic: &Clinic) -> bool {
    let same_house = visit.department == clinic.department && visit.campus == clinic.campus;
    same_house && clinic.kind == ClinicKind::Ordinary && clinic.state == ClinicState::Open
}

/// The days on which a visit on `date` can be followed up free of charge: `days` with the visit's own, or, when the clinic
/// is held on none of those left, the next on which it is. `held` are the days with such a clinic, in order.
pub fn follow_up_days(date: Date, days: i32, held: &[Date], today: Date) -> Vec<Date> {
    let last = time::add_days(date, days - 1);
    let ahead = || held.iter().copied().filter(|day| *day >= today && *day >= date);
    let within: Vec<Date> = ahead().filter(|day| *day <= last).collect();
    if days > 0 && within.is_empty() { ahead().take(1).collect() } else { within }
}

/// How a number stands on a person's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Pass {
    /// Held until then. Past it the slot decides: an entry here never locks anybody out by itself.
    Held {
        /// End of the hold.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
    /// Paid.
    Booked,
    /// Offered to somebody who waited, until then: it keeps nobody from holding another number.
    Offered {
        /// End of the offer.
        #[serde(with = "crate::clinic::epoch_s")]
        expires_at: Timestamp,
    },
}

impl Pass {
    /// When it ends by itself, if it does.
    pub fn expires_at(self) -> Option<Timestamp> {
        match self {
            Self::Held { expires_at } | Self::Offered { expires_at } => Some(expires_at),
            Self::Booked => None,
        }
    }
}

/// One live number on a person's gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateEntry {
    /// The clinic.
    pub clinic: ClinicId,
    /// The slot, to ask it when in doubt.
    pub start: SlotStart,
    /// Service day.
    pub date: Date,
    /// Department.
    pub department: DepartmentId,
    /// Doctor, if any.
    pub doctor: Option<DoctorId>,
    /// Held or booked.
    #[serde(flatten)]
    pub pass: Pass,
}

/// A person's gate: live numbers and credit in one item, so that limits are decided by one write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Live numbers by appointment.
    #[serde(default)]
    pub entries: BTreeMap<AppointmentId, GateEntry>,
    /// Places on waitlists by clinic.
    #[serde(default)]
    pub waiting: BTreeMap<ClinicId, Ticket>,
    /// The credit record.
    #[serde(default)]
    pub record: Record,
    /// What of the record its owner is to be told.
    #[serde(default)]
    pub news: Option<CreditNews>,
    /// What happened to the record last.
    #[serde(default)]
    pub ev: Option<ItemEvent>,
    /// What still has to be done.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// The person this one was merged into: theirs is the gate that counts, this one is what was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<PatientId>,
    /// Counts writes; 0 = never written.
    #[serde(default)]
    pub ver: u64,
}

/// Why a person cannot have another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Already has a number of this clinic.
    #[error("already has a number of this clinic")]
    SameClinic,
    /// An unpaid hold is running.
    #[error("an unpaid hold is running")]
    UnpaidHold,
    /// The day's limit for this doctor.
    #[error("limit per doctor and day")]
    DoctorDay,
    /// The day's limit for this department.
    #[error("limit per department and day")]
    DepartmentDay,
    /// The day's limit.
    #[error("limit per day")]
    Day,
    /// The credit record of the person: no advance booking.
    #[error("credit record ends advance booking")]
    NoAdvanceBooking(Ban),
    /// The credit record of the account that books for others.
    #[error("credit record of the booking account ends advance booking")]
    AccountNoAdvanceBooking(Ban),
    /// On the blacklist: no booking online.
    #[error("no booking online")]
    Blocked,
}

impl Gate {
    /// Entries whose hold has run out by `now`: live only if their slot still says so.
    pub fn doubtful(&self, now: Timestamp) -> impl Iterator<Item = (&AppointmentId, &GateEntry)> {
        self.entries.iter().filter(move |(_, entry)| entry.pass.expires_at().is_some_and(|end| end <= now))
    }

    /// The gate without entries of days gone by and without `stale` (doubtful entries their slots no longer know).
    #[must_use]
    pub fn tidied(&self, stale: &[AppointmentId], today: Date) -> Self {
        let keep = |id: &AppointmentId, entry: &GateEntry| entry.date >= today && !stale.contains(id);
        let entries = self.entries.iter().filter(|(id, entry)| keep(id, entry));
        let waiting = self.waiting.iter().filter(|(clinic, _)| clinic.date().is_none_or(|date| date >= today));
        let waiting = waiting.map(|(clinic, ticket)| (clinic.clone(), ticket.clone())).collect();
        Self { waiting, entries: entries.map(|(id, entry)| (id.clone(), entry.clone())).collect(), ..self.clone() }
    }

    /// The gate without an appointment that is over.
    #[must_use]
    pub fn left_by(&self, appointment: &AppointmentId) -> Self {
        let mut after = self.clone();
        after.entries.remove(appointment);
        after
    }

    /// Whether its owner may book such a clinic online at all. Emergency clinics, like the window, are open to everybody.
    pub fn admits_online(&self, kind: ClinicKind, now: Timestamp) -> Result<(), GateError> {
        let is_blocked = kind != ClinicKind::Emergency && self.record.block(now).is_some();
        if is_blocked { Err(GateError::Blocked) } else { Ok(()) }
    }

    /// With another record and nothing to tell: of an account's gate.
    #[must_use]
    pub fn with_plain(&self, record: Record) -> Self {
        Self { record, ..self.clone() }
    }

    /// With another record. What that means for its owner is part of the same write: a ban that begins or is gone is
    /// announced once.
    #[must_use]
    pub fn with_record(&self, record: Record, judge: &Judge<'_>, owner: &Owner, by: &Actor, now: Timestamp) -> Self {
        let (kind, ban) = change(&self.record, &record, judge, now);
        let after = Self { record, ..self.clone() };
        match kind {
            Some(kind) => after.announcing(kind, CreditNews { owner: owner.clone(), ban, granted: None }, by, now),
            None => after,
        }
    }

    /// With the answer to an appeal on record, to be announced.
    #[must_use]
    pub fn with_answer(
        &self,
        record: Record,
        granted: bool,
        judge: &Judge<'_>,
        owner: &Owner,
        by: &Actor,
        now: Timestamp,
    ) -> Self {
        let ban = judge.standing(&record, now).ban().copied();
        let news = CreditNews { owner: owner.clone(), ban, granted: Some(granted) };
        Self { record, ..self.clone() }.announcing(EventKind::AppealAnswered, news, by, now)
    }

    fn announcing(self, kind: EventKind, news: CreditNews, by: &Actor, now: Timestamp) -> Self {
        let seq = self.ev.as_ref().map_or(0, |event| event.seq) + 1;
        let deadlines = self.deadlines.clone().with(Deadline::Notify, time::add_seconds(now, NOTIFY_WITHIN_S));
        Self { news: Some(news), ev: Some(ItemEvent { seq, kind, actor: by.clone(), at: now }), deadlines, ..self }
    }

    /// Whether one more number may be taken. Call on a [`tidied`](Self::tidied) gate: every entry counts.
    /// The entry of `appointment` itself does not count, so that a repeat of a request is not refused.
    pub fn admits(
        &self,
        appointment: &AppointmentId,
        clinic: &Clinic,
        product: Product,
        limits: &Limits,
        judge: &Judge<'_>,
        now: Timestamp,
    ) -> Result<(), GateError> {
        if let Some(ban) = judge.standing(&self.record, now).bars(clinic.kind, product) {
            return Err(GateError::NoAdvanceBooking(*ban));
        }
        let others = || self.entries.iter().filter(|(id, _)| *id != appointment).map(|(_, entry)| entry);
        let count = |test: &dyn Fn(&GateEntry) -> bool| {
            u32::try_from(others().filter(|entry| test(entry)).count()).unwrap_or(u32::MAX)
        };
        let same_day = |entry: &GateEntry| entry.date == clinic.date;
        if count(&|entry| entry.clinic == clinic.id) > 0 {
            return Err(GateError::SameClinic);
        }
        if count(&|entry| matches!(entry.pass, Pass::Held { .. })) >= limits.held {
            return Err(GateError::UnpaidHold);
        }
        if clinic.doctor.is_some() && count(&|e| same_day(e) && e.doctor == clinic.doctor) >= limits.per_doctor_day {
            return Err(GateError::DoctorDay);
        }
        if count(&|entry| same_day(entry) && entry.department == clinic.department) >= limits.per_department_day {
            return Err(GateError::DepartmentDay);
        }
        if count(&same_day) >= limits.per_day {
            return Err(GateError::Day);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::credit::{Block, BlockWhy, Breach, CreditPolicy, Decision, Scope, Strike, StrikeState};
    use crate::money::Fen;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn clinic(date: Date, period: Period, kind: ClinicKind, doctor: Option<&str>) -> Clinic {
        let department: DepartmentId = "NK".parse().unwrap();
        let doctor: Option<DoctorId> = doctor.map(|id| id.parse().unwrap());
        Clinic {
            id: ClinicId::of(date, period, &department, doctor.as_ref()).unwrap(),
            date,
            period,
            department,
            department_name: "内科".into(),
            doctor,
            doctor_name: String::new(),
            doctor_title: String::new(),
            kind,
            fee: Fen::ZERO,
            room: String::new(),
            campus: String::new(),
            queue_group: None,
            release_at: BookingPolicy::default().release_at(date),
            state: ClinicState::Open,
        }
    }

    fn ask(clinic: &Clinic, start: &str, now: &str) -> Result<Product, WindowError> {
        window(clinic, start.parse().unwrap(), &BookingPolicy::default(), at(now))
    }

    #[test]
    fn release_is_decided_to_the_second() {
        let expert = clinic(date(2026, 11, 30), Period::Morning, ClinicKind::Expert, Some("D1"));
        // 07:00 in Shanghai, seven days before.
        assert_eq!(
            ask(&expert, "0900", "2026-11-22T22:59:59Z"),
            Err(WindowError::NotReleased(at("2026-11-22T23:00:00Z")))
        );
        assert_eq!(ask(&expert, "0900", "2026-11-22T23:00:00Z"), Ok(Product::Advance));
    }

    #[test]
    fn the_same_day_has_its_own_window() {
        let morning = clinic(date(2026, 11, 23), Period::Morning, ClinicKind::Ordinary, None);
        assert_eq!(ask(&morning, "0900", "2026-11-22T09:00:00Z"), Ok(Product::Advance));
        assert_eq!(ask(&morning, "0900", "2026-11-22T09:00:01Z"), Err(WindowError::AdvanceClosed));
        assert_eq!(ask(&morning, "0900", "2026-11-22T16:00:00Z"), Ok(Product::SameDay));
        assert_eq!(ask(&morning, "1130", "2026-11-23T03:00:00Z"), Ok(Product::SameDay));
        assert_eq!(ask(&morning, "1130", "2026-11-23T03:00:01Z"), Err(WindowError::Over));
        assert_eq!(ask(&morning, "0900", "2026-11-23T01:30:00Z"), Err(WindowError::Over));
    }

    #[test]
    fn yesterday_closed_and_emergency_ahead_are_refused() {
        let yesterday = clinic(date(2026, 11, 21), Period::Morning, ClinicKind::Ordinary, None);
        assert_eq!(ask(&yesterday, "0900", "2026-11-22T02:00:00Z"), Err(WindowError::Over));
        let ahead = clinic(date(2026, 11, 24), Period::Night, ClinicKind::Emergency, None);
        assert_eq!(ask(&ahead, "2330", "2026-11-22T02:00:00Z"), Err(WindowError::SameDayOnly));
        let closed = Clinic {
            state: ClinicState::Closed,
            ..clinic(date(2026, 11, 24), Period::Morning, ClinicKind::Expert, None)
        };
        assert_eq!(ask(&closed, "0900", "2026-11-22T02:00:00Z"), Err(WindowError::Closed));
    }

    #[test]
    fn a_visit_is_followed_up_within_three_days_or_on_the_next_clinic_day() {
        let day = |n| date(2026, 11, n);
        let held = [day(23), day(24), day(25), day(26), day(30)];
        assert_eq!(follow_up_days(day(23), 3, &held, day(24)), [day(24), day(25)]);
        assert_eq!(follow_up_days(day(25), 3, &held, day(26)), [day(26)]);
        assert_eq!(follow_up_days(day(27), 3, &held, day(28)), [day(30)], "closed on the three days");
        assert_eq!(follow_up_days(day(23), 0, &held, day(24)), []);
    }

    #[test]
    fn a_rest_lies_between_its_bounds() {
        let policy = RestPolicy { least_min: 5, most_min: 8 };
        let drawn: std::collections::BTreeSet<_> = (0..40_u64).map(|n| policy.drawn(n.to_be_bytes())).collect();
        assert_eq!(drawn, (5..=8).collect());
        assert_eq!(RestPolicy { least_min: 3, most_min: 1 }.drawn([255; 8]), 3);
    }

    #[test]
    fn cancelling_until_the_evening_before() {
        let policy = CancelPolicy::DayBefore { time: Time::constant(17, 0, 0, 0) };
        assert_eq!(policy.deadline(date(2026, 3, 1), at("2026-03-01T01:00:00Z")), at("2026-02-28T09:00:00Z"));
    }

    fn entry(clinic: &Clinic, pass: Pass) -> GateEntry {
        GateEntry {
            clinic: clinic.id.clone(),
            start: "0900".parse().unwrap(),
            date: clinic.date,
            department: clinic.department.clone(),
            doctor: clinic.doctor.clone(),
            pass,
        }
    }

    fn id(n: u8) -> AppointmentId {
        AppointmentId::from_bytes([n; 10])
    }

    fn admits(gate: &Gate, who: u8, clinic: &Clinic, product: Product) -> Result<(), GateError> {
        admits_id(gate, &id(who), clinic, product)
    }

    fn admits_id(gate: &Gate, who: &AppointmentId, clinic: &Clinic, product: Product) -> Result<(), GateError> {
        let (credit, calendar) = (CreditPolicy::default(), Calendar::default());
        let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
        gate.admits(who, clinic, product, &Limits::default(), &judge, at("2026-11-22T04:00:00Z"))
    }

    #[test]
    fn one_number_per_clinic_and_doctor_and_one_unpaid_hold() {
        let day = date(2026, 11, 24);
        let morning = clinic(day, Period::Morning, ClinicKind::Expert, Some("D1"));
        let afternoon = clinic(day, Period::Afternoon, ClinicKind::Expert, Some("D1"));
        let gate = Gate { entries: [(id(1), entry(&morning, Pass::Booked))].into(), ..Gate::default() };
        assert_eq!(admits(&gate, 2, &morning, Product::Advance), Err(GateError::SameClinic));
        assert_eq!(admits(&gate, 1, &morning, Product::Advance), Ok(()));
        assert_eq!(admits(&gate, 2, &afternoon, Product::Advance), Err(GateError::DoctorDay));
        let other_day = clinic(date(2026, 11, 25), Period::Morning, ClinicKind::Expert, Some("D1"));
        assert_eq!(admits(&gate, 2, &other_day, Product::Advance), Ok(()));
        let expires_at = at("2026-11-22T04:10:00Z");
        let holding = Gate { entries: [(id(1), entry(&morning, Pass::Held { expires_at }))].into(), ..Gate::default() };
        assert_eq!(admits(&holding, 2, &other_day, Product::Advance), Err(GateError::UnpaidHold));
        assert_eq!(holding.doubtful(expires_at).count(), 1);
        let tidied = holding.tidied(&[id(1)], date(2026, 11, 22));
        assert_eq!(admits(&tidied, 2, &morning, Product::Advance), Ok(()));
    }

    fn missed() -> Strike {
        Strike {
            breach: Breach::Missed,
            at: at("2026-11-01T00:30:00Z"),
            visit: at("2026-11-01T00:00:00Z"),
            kind: ClinicKind::Ordinary,
            state: StrikeState::Final,
            seq: 1,
            decision: None,
        }
    }

    fn gate_with(strikes: u8) -> Gate {
        let record = Record { strikes: (1..=strikes).map(|n| (id(n), missed())).collect(), ..Record::default() };
        Gate { record, ..Gate::default() }
    }

    #[test]
    fn three_no_shows_leave_the_same_day_open() {
        let expert = clinic(date(2026, 11, 24), Period::Morning, ClinicKind::Expert, Some("D1"));
        let ban = Ban { scope: Scope::AdvanceBooking, since: missed().at, until: None };
        assert_eq!(admits(&gate_with(3), 9, &expert, Product::Advance), Err(GateError::NoAdvanceBooking(ban)));
        assert_eq!(admits(&gate_with(3), 9, &expert, Product::SameDay), Ok(()));
        assert_eq!(admits(&gate_with(2), 9, &expert, Product::Advance), Ok(()));
    }

    #[test]
    fn a_ban_is_announced_with_the_strike_that_begins_it_and_lifted_with_the_waiver() {
        let (credit, calendar) = (CreditPolicy::default(), Calendar::default());
        let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
        let owner = Owner {
            patient: crate::id::PatientId::from_bytes([2; 10]),
            patient_name_masked: "林*梅".into(),
            account: None,
        };
        let now = at("2026-11-22T04:00:00Z");
        let third = gate_with(2).record.noted(&id(3), missed()).unwrap();
        let banned = gate_with(2).with_record(third, &judge, &owner, &Actor::Schedule, now);
        assert_eq!(banned.ev.as_ref().unwrap().kind, EventKind::CreditSuspended);
        assert!(banned.deadlines.get(Deadline::Notify).is_some());
        assert!(banned.news.as_ref().unwrap().ban.is_some());
        let staff = Actor::Staff("chen".into());
        let decision = Decision { by: staff.clone(), at: now, why: "住院".into() };
        let record = banned.record.answered(&id(2), true, &decision).unwrap();
        let waived = banned.with_answer(record, true, &judge, &owner, &staff, now);
        let news = waived.news.clone().unwrap();
        assert_eq!((news.granted, news.ban), (Some(true), None));
        assert_eq!(waived.ev.unwrap().seq, 2);
    }

    #[test]
    fn a_block_ends_booking_online_but_not_emergencies() {
        let now = at("2026-11-22T04:00:00Z");
        let put_on = Decision { by: Actor::Staff("chen".into()), at: now, why: String::new() };
        let until = at("2026-12-22T04:00:00Z");
        let block = Block {
            why: BlockWhy::Scalping,
            evidence_sealed: String::new(),
            put_on: put_on.clone(),
            until: Some(until),
            lifted: None,
        };
        let with =
            |block: Block| Gate { record: Record { blocks: vec![block], ..Record::default() }, ..Gate::default() };
        assert_eq!(with(block.clone()).admits_online(ClinicKind::Ordinary, now), Err(GateError::Blocked));
        assert_eq!(with(block.clone()).admits_online(ClinicKind::Emergency, now), Ok(()));
        assert_eq!(with(block.clone()).admits_online(ClinicKind::Ordinary, until), Ok(()));
        assert_eq!(with(Block { lifted: Some(put_on), ..block }).admits_online(ClinicKind::Ordinary, now), Ok(()));
    }

    proptest! {
        /// However entries come about, admitting one at a time never exceeds a limit.
        #[test]
        fn limits_hold_under_any_sequence(picks in proptest::collection::vec((0..3_i32, 0..3_usize, 0..4_usize), 0..40)) {
            let mut gate = Gate::default();
            for (n, (day, doctor, period)) in picks.into_iter().enumerate() {
                let doctor = ["D1", "D2", "D3"][doctor];
                let day = time::add_days(date(2026, 11, 24), day);
                let mut clinic = clinic(day, Period::ALL[period], ClinicKind::Expert, Some(doctor));
                clinic.department = ["A", "B", "C"][n % 3].parse().unwrap();
                let who = id(u8::try_from(n).unwrap());
                if admits_id(&gate, &who, &clinic, Product::Advance).is_ok() {
                    gate.entries.insert(who, entry(&clinic, Pass::Booked));
                }
            }
            let of = |f: &dyn Fn(&GateEntry) -> String| {
                let mut counts = BTreeMap::<String, u32>::new();
                for entry in gate.entries.values() { *counts.entry(f(entry)).or_default() += 1; }
                counts.into_values().max().unwrap_or(0)
            };
            prop_assert!(of(&|e| e.clinic.to_string()) <= 1);
            let per_doctor_day = of(&|e| format!("{} {:?}", e.date, e.doctor));
            let per_department_day = of(&|e| format!("{} {}", e.date, e.department));
            prop_assert!(per_doctor_day <= 1 && per_department_day <= 1);
            prop_assert!(of(&|e| e.date.to_string()) <= 3);
        }
    }
}
