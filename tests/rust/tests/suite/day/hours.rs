//! The hours a day is walked through: time only passes, and much happens at its landmarks.

use super::steps::World;
use crate::money::dice::Dice;
use domain::civil::{Date, Time};
use domain::{Timestamp, time};

/// What is worth getting to: the day counts from the one before the clinics.
const LANDMARKS: [(i32, i8, i8); 17] = [
    (0, 16, 50),
    (0, 18, 1),
    (0, 22, 40),
    (1, 0, 10),
    (1, 8, 2),
    (1, 8, 31),
    (1, 8, 58),
    (1, 9, 12),
    (1, 9, 31),
    (1, 9, 50),
    (1, 10, 5),
    (1, 10, 40),
    (1, 23, 55),
    (2, 0, 10),
    (2, 2, 5),
    (2, 8, 10),
    (2, 9, 20),
];
/// The day begins at noon of the day before.
const BEGINS: Time = Time::constant(12, 0, 0, 0);
/// Doors open and everybody is gone: most of a desk's work lies in between.
const MORNING: std::ops::Range<i8> = 8..12;

/// What people are busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// Booking, on the day before.
    Before,
    /// At the hospital.
    Morning,
    /// Neither.
    Between,
}

/// The first noon that has not come yet.
pub(super) fn next_noon(now: Timestamp) -> (Date, Timestamp) {
    let today = time::today(now);
    let date = if time::instant(today, BEGINS) > now { today } else { time::add_days(today, 1) };
    (date, time::instant(date, BEGINS))
}

impl World<'_> {
    pub(super) fn hours(&self) -> Hours {
        let clock = time::wall_clock(self.hospital.now());
        match clock.date() {
            date if date <= self.eve => Hours::Before,
            _ if MORNING.contains(&clock.hour()) => Hours::Morning,
            _ => Hours::Between,
        }
    }

    pub(super) async fn pass_until(&self, at: Timestamp) {
        let wait_s = at.as_second() - self.hospital.now().as_second();
        if wait_s > 0 {
            self.hospital.pass_minutes(wait_s / 60 + 1).await;
        }
    }

    /// A few minutes, or until the next landmark.
    pub(super) async fn pass(&self, dice: &mut Dice) -> String {
        let now = self.hospital.now();
        let marks = LANDMARKS.iter().map(|(day, hour, minute)| {
            time::instant(time::add_days(self.eve, *day), Time::constant(*hour, *minute, 0, 0))
        });
        match marks.filter(|at| *at > now).min().filter(|_| !dice.one_in(3)) {
            Some(at) => self.pass_until(at).await,
            None => self.hospital.pass_minutes(*dice.pick(&[1, 2, 5, 9]).unwrap()).await,
        }
        let clock = time::wall_clock(self.hospital.now());
        format!("it is {} {:02}:{:02}", clock.date(), clock.hour(), clock.minute())
    }
}
