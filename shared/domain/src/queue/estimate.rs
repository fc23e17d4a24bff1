//! When somebody's turn is, as a range of minutes, from the queue's own pace.
//!
//! The pace is the mean of this session's service times, each counted as at most three medians, and their spread;
//! together with what the hospital says of such clinics, which weighs as much as a few visits and fades as the session
//! shows its own. A visit in progress that already lasts longer than the median counts, too: finished ones alone would
//! make a slow morning look fast. Whole numbers only: the figures are seconds and thousandths.

use super::{Entry, Queue, QueuePolicy, Stage, line};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Visits seen before the session's own pace says anything.
pub const SAMPLES_MIN: usize = 2;
/// Half an hour: the reminder's distance (the study, 3.2).
const NEAR_S: i64 = crate::appointment::REMIND_BEFORE_MIN * 60;
/// Or so few ahead.
const NEAR_AHEAD: usize = 3;
/// What the hospital says of such clinics weighs as much as this many visits.
const PRIOR_VISITS: i64 = 3;
/// The spread of visits before any was seen, in thousandths of their length: as wide as outpatient visits are.
const PRIOR_SPREAD_PERMILLE: i64 = 600;
/// A visit counts as at most so many medians: one that was forgotten open does not slow the rest of the morning.
const MEDIANS_MAX: i64 = 3;
/// Of those who have a number of an earlier slot and are not here yet, so many will come in time, in thousandths.
const COMING_PERMILLE: i64 = 700;
/// How far the range goes below its middle, in thousandths of the deviation.
const BELOW_PERMILLE: i64 = 1_300;
/// And above: visits that last long last longer than short ones are short, and people missed, back with results or
/// urgent come in between. Four turns in five fall into the range (the bench measures it).
const ABOVE_PERMILLE: i64 = 1_900;
/// A session that has not begun begins at most so late, ordinarily.
const LATE_START_S: i64 = 600;
/// As long as the session has not shown its pace, wider by this factor, in thousandths.
const ROUGH_PERMILLE: i64 = 1_500;
/// A range is at most this far below its middle, in thousandths.
const BELOW_MAX_PERMILLE: i64 = 900;
/// Ranges are told in steps of five minutes: more would claim to know more.
const STEP_S: i64 = 300;
/// What is left of a visit that already lasts longer than most, in thousandths of one.
const REST_PERMILLE: i64 = 300;
/// Furthest a range is told.
const FURTHEST_S: i64 = 12 * 3600;

/// From so many to so many minutes from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minutes {
    /// At the earliest.
    pub from: u16,
    /// At the latest, most likely.
    pub to: u16,
}

/// When somebody's turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// People who wait and are called before.
    pub ahead: usize,
    /// How long it takes; none while every room is paused.
    pub minutes: Option<Minutes>,
    /// The session has not shown its pace yet: the range comes from what such clinics usually need.
    pub is_rough: bool,
}

/// The pace of a queue: how long a visit takes and how much that varies, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    typical_s: i64,
    spread_s: i64,
    samples: i64,
}

/// What lies before somebody, in seconds of one room's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    /// Until the session begins.
    delay_s: i64,
    /// How much later than that it may begin.
    late_s: i64,
    /// Visits in progress and to come.
    visits_s: i64,
    /// How many visits that is, in thousandths.
    visits_permille: i64,
    rooms: i64,
}

impl Queue {
    /// When the turn of somebody is who waits, or who is expected and would check in now; none for anybody else.
    pub fn estimate(&self, entry: &Entry, policy: &QueuePolicy, now: Timestamp) -> Option<Estimate> {
        if !matches!(entry.stage, Stage::Waiting | Stage::Expected) {
            return None;
        }
        let ahead = line::ahead(self, entry, policy);
        let pace = self.pace(policy, now);
        let minutes = self.work(entry, ahead, pace, now).map(|work| range(work, pace));
        Some(Estimate { ahead, minutes, is_rough: self.served_s.len() < SAMPLES_MIN })
    }

    /// Those whose turn is half an hour away or a few people, and who have not been reminded early: the reminder is due
    /// by the queue, whatever the slot says. At most `limit`.
    pub fn near(&self, policy: &QueuePolicy, now: Timestamp, limit: usize) -> Vec<&Entry> {
        let pace = self.pace(policy, now);
        let is_near = |entry: &&Entry| !entry.reminded && self.is_near(entry, pace, policy, now);
        self.entries.iter().filter(is_near).take(limit).collect()
    }

    /// The same with somebody noted as reminded.
    #[must_use]
    pub fn with_reminded(mut self, appointments: &[crate::id::AppointmentId]) -> Self {
        for entry in self.entries.iter_mut().filter(|entry| appointments.contains(&entry.appointment)) {
            entry.reminded = true;
        }
        self
    }

    fn is_near(&self, entry: &Entry, pace: Pace, policy: &QueuePolicy, now: Timestamp) -> bool {
        let could_be_here = match entry.stage {
            Stage::Waiting => true,
            // Who could not check in yet is not called here because the hour before is quiet.
            Stage::Expected => time::add_minutes(entry.start.instant(self.date), -policy.check_in_before_min) <= now,
            Stage::Called { .. } | Stage::InRoom { .. } | Stage::Missed | Stage::Done | Stage::Left => false,
        };
        if !could_be_here {
            return false;
        }
        let waiting = line::ahead(self, entry, policy);
        let Some(work) = self.work(entry, waiting, pace, now) else { return false };
        let middle_s = work.delay_s.saturating_add(work.visits_s / work.rooms);
        let few = waiting.saturating_add(self.coming_before(entry, now)) <= NEAR_AHEAD;
        middle_s <= NEAR_S || (few && work.delay_s <= NEAR_S)
    }

    fn pace(&self, policy: &QueuePolicy, now: Timestamp) -> Pace {
        let prior_s = i64::from(policy.visit_min.of(self.kind).max(1)) * 60;
        let prior_spread_s = prior_s * PRIOR_SPREAD_PERMILLE / 1_000;
        let mut seen: Vec<i64> = self.served_s.iter().map(|seconds| i64::from(*seconds)).collect();
        seen.sort_unstable();
        if let Some(median) = median(&seen) {
            let lasting = self.entries.iter().filter_map(|entry| elapsed_s(&entry.stage, now));
            seen.extend(lasting.filter(|seconds| *seconds > median));
            let most = median.saturating_mul(MEDIANS_MAX);
            for seconds in &mut seen {
                *seconds = (*seconds).min(most);
            }
        }
        let count = i64::try_from(seen.len()).unwrap_or(i64::MAX - PRIOR_VISITS);
        let weight = PRIOR_VISITS + count;
        let typical_s = ((prior_s * PRIOR_VISITS + seen.iter().sum::<i64>()) / weight).max(60);
        let square = |deviation: i64| deviation.saturating_mul(deviation);
        let spread: i64 = seen.iter().map(|seconds| square(seconds - typical_s)).sum();
        let variance = (square(prior_spread_s) * PRIOR_VISITS + spread) / weight;
        Pace { typical_s, spread_s: root(variance), samples: count }
    }

    /// None while nobody calls.
    fn work(&self, entry: &Entry, ahead: usize, pace: Pace, now: Timestamp) -> Option<Work> {
        let rooms = i64::try_from(self.open_rooms().count()).ok().filter(|rooms| *rooms > 0)?;
        let (delay_s, late_s) = match self.begins_at() {
            // Nobody is called before the session: who has called somebody has begun.
            Some(begins_at) if self.last_call.is_none() => {
                (begins_at.as_second().saturating_sub(now.as_second()).max(0), LATE_START_S)
            }
            _ => (0, 0),
        };
        let in_progress: Vec<i64> = self.entries.iter().filter_map(|entry| elapsed_s(&entry.stage, now)).collect();
        let rest_s = |elapsed: &i64| (pace.typical_s - elapsed).max(pace.typical_s * REST_PERMILLE / 1_000);
        let waiting = i64::try_from(ahead).unwrap_or(i64::MAX / 1_000_000);
        let coming = i64::try_from(self.coming_before(entry, now)).unwrap_or(0);
        let to_come_permille = waiting * 1_000 + coming * COMING_PERMILLE;
        let visits_s = in_progress.iter().map(rest_s).sum::<i64>() + to_come_permille * pace.typical_s / 1_000;
        let visits_permille = to_come_permille + i64::try_from(in_progress.len()).unwrap_or(0) * 1_000;
        // A room that is free takes the next one at once, another that is not makes nobody wait.
        Some(Work { delay_s, late_s, visits_s, visits_permille, rooms })
    }

    /// Those with a number of an earlier slot who are not here and still can be in time for it.
    fn coming_before(&self, entry: &Entry, now: Timestamp) -> usize {
        let in_time = |other: &&Entry| {
            other.stage == Stage::Expected && other.band < entry.band && other.start.end_instant(self.date) > now
        };
        self.entries.iter().filter(in_time).count()
    }
}

fn elapsed_s(stage: &Stage, now: Timestamp) -> Option<i64> {
    let (_, since) = stage.room()?;
    Some(now.as_second().saturating_sub(since.as_second()).max(0))
}

fn range(work: Work, pace: Pace) -> Minutes {
    let middle_s = work.visits_s / work.rooms;
    let rough = usize::try_from(pace.samples).is_ok_and(|samples| samples < SAMPLES_MIN);
    let wider = |permille: i64| if rough { permille * ROUGH_PERMILLE / 1_000 } else { permille };
    // The deviation of the mean of the visits to come, and of the pace itself, both in thousandths of one visit.
    let of_pace = pace.spread_s * 1_000 / pace.typical_s;
    let visits = work.visits_permille.max(1_000);
    let relative = root(of_pace * of_pace * 1_000 / visits + of_pace * of_pace / (PRIOR_VISITS + pace.samples));
    let below = (relative * wider(BELOW_PERMILLE) / 1_000).min(BELOW_MAX_PERMILLE);
    let above = relative * wider(ABOVE_PERMILLE) / 1_000;
    let from_s = work.delay_s + middle_s * (1_000 - below) / 1_000;
    let to_s = work.delay_s + work.late_s + middle_s * (1_000 + above) / 1_000;
    let step = |seconds: i64| u16::try_from(seconds.clamp(0, FURTHEST_S) / STEP_S * (STEP_S / 60)).unwrap_or(u16::MAX);
    let from = step(from_s);
    Minutes { from, to: step(to_s + STEP_S - 1).max(from + 5) }
}

/// The middle of sorted values.
fn median(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len() / 2).copied()
}

/// The whole square root; 0 of what is negative.
fn root(value: i64) -> i64 {
    u64::try_from(value).map_or(0, |value| i64::try_from(value.isqrt()).unwrap_or(i64::MAX))
}

/// `约 10–25 分钟`.
impl std::fmt::Display for Minutes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "约 {}–{} 分钟", self.from, self.to)
    }
}

/// The wall-clock times of a range from `now` on: `9:40–9:55`.
pub fn clock_text(minutes: Minutes, now: Timestamp) -> String {
    let clock = |after: u16| {
        let at = time::wall_clock(time::add_minutes(now, i64::from(after)));
        format!("{}:{:02}", at.hour(), at.minute())
    };
    format!("{}–{}", clock(minutes.from), clock(minutes.to))
}
