//! The hospital's working days: weekends, public holidays, and the Saturdays and Sundays worked to make up for them
//! (调休). The State Council announces them each autumn, so they are data of the hospital's profile.

use crate::time;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest run of days without work that is looked through: no calendar has one, a mistyped one may.
const IDLE_DAYS_MAX: u32 = 60;

/// What the week alone does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// Days without work beside weekends.
    pub holidays: BTreeSet<Date>,
    /// Saturdays and Sundays that are worked.
    pub make_up_days: BTreeSet<Date>,
}

impl Calendar {
    /// Whether offices work on a day.
    pub fn is_working(&self, date: Date) -> bool {
        let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.make_up_days.contains(&date) || (!is_weekend && !self.holidays.contains(&date))
    }

    /// The `days`-th working day before `date`; `date` itself is not counted.
    pub fn working_days_before(&self, date: Date, days: u32) -> Date {
        self.step(date, days, -1)
    }

    /// The `days`-th working day after `date`; `date` itself is not counted.
    pub fn working_days_after(&self, date: Date, days: u32) -> Date {
        self.step(date, days, 1)
    }

    fn step(&self, from: Date, days: u32, direction: i32) -> Date {
        let mut date = from;
        for _ in 0..days {
            date = time::add_days(date, direction);
            for _ in 0..IDLE_DAYS_MAX {
                if self.is_working(date) {
                    break;
                }
                date = time::add_days(date, direction);
            }
        }
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// National Day 2026 with its make-up days.
    fn calendar() -> Calendar {
        Calendar {
            holidays: (1..=7).map(|day| date(2026, 10, day)).collect(),
            make_up_days: [date(2026, 9, 20), date(2026, 10, 10)].into(),
        }
    }

    #[test]
    fn working_days_step_over_holidays_and_onto_make_up_saturdays() {
        let calendar = calendar();
        // Across an ordinary weekend: Monday's last working day is Friday.
        assert_eq!(calendar.working_days_before(date(2026, 11, 23), 1), date(2026, 11, 20));
        // Across the seven days: the 8th's last working day is 30 September.
        assert_eq!(calendar.working_days_before(date(2026, 10, 8), 1), date(2026, 9, 30));
        // Monday the 12th: the Saturday before is worked.
        assert_eq!(calendar.working_days_before(date(2026, 10, 12), 1), date(2026, 10, 10));
        assert_eq!(calendar.working_days_after(date(2026, 9, 30), 2), date(2026, 10, 9));
        assert_eq!(calendar.working_days_after(date(2026, 10, 9), 1), date(2026, 10, 10));
        assert_eq!(calendar.working_days_after(date(2026, 10, 9), 0), date(2026, 10, 9));
    }

    #[test]
    fn a_mistyped_calendar_ends() {
        let never = Calendar {
            holidays: (0..400).map(|days| time::add_days(date(2026, 1, 1), days)).collect(),
            make_up_days: BTreeSet::new(),
        };
        assert!(never.working_days_after(date(2026, 1, 1), 2) > date(2026, 1, 1));
    }
}
