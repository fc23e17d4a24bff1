//! Time in the hospital: instants are UTC, dates are civil dates in Asia/Shanghai, fixed at +08:00 (no DST since 1991).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// Asia/Shanghai. A constant, so that no time-zone database is needed and none can disagree.
pub const SHANGHAI: Offset = Offset::constant(8);

/// Seconds of a day at the hospital, whose offset never changes.
pub const DAY_S: i64 = 24 * 3600;

/// The wall clock of the hospital at `now`.
pub fn wall_clock(now: Timestamp) -> DateTime {
    SHANGHAI.to_datetime(now)
}

/// "Today" at the hospital: decided by Shanghai alone, whatever zone the process runs in (E05).
pub fn today(now: Timestamp) -> Date {
    wall_clock(now).date()
}

/// The instant of a civil date and time at the hospital.
pub fn instant(date: Date, time: Time) -> Timestamp {
    // A fixed offset has no gaps or folds; only dates at the edge of jiff's range (year ±9999) can fail.
    date.to_datetime(time).to_zoned(TimeZone::fixed(SHANGHAI)).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// `days` after `date` (negative: before). Saturates at the edge of the calendar.
pub fn add_days(date: Date, days: i32) -> Date {
    date.saturating_add(Span::new().days(days))
}

/// `seconds` after `at` (negative: before). Saturates at the edge of the range.
pub fn add_seconds(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// `minutes` after `at` (negative: before).
pub fn add_minutes(at: Timestamp, minutes: i64) -> Timestamp {
    add_seconds(at, minutes.saturating_mul(60))
}

/// 周一 … 周日.
pub fn weekday_text(date: Date) -> &'static str {
    match date.weekday() {
        jiff::civil::Weekday::Monday => "周一",
        jiff::civil::Weekday::Tuesday => "周二",
        jiff::civil::Weekday::Wednesday => "周三",
        jiff::civil::Weekday::Thursday => "周四",
        jiff::civil::Weekday::Friday => "周五",
        jiff::civil::Weekday::Saturday => "周六",
        jiff::civil::Weekday::Sunday => "周日",
    }
}

/// `11月23日 周一`, with 今天 or 明天 in front where it applies: people read days, not dates.
pub fn day_text(date: Date, today: Date) -> String {
    let relative = match date {
        d if d == today => "今天 ",
        d if d == add_days(today, 1) => "明天 ",
        d if d == add_days(today, 2) => "后天 ",
        _ => "",
    };
    format!("{relative}{}月{}日 {}", date.month(), date.day(), weekday_text(date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn today_is_decided_in_shanghai() {
        let before_midnight: Timestamp = "2026-11-22T15:59:59Z".parse().unwrap();
        let midnight: Timestamp = "2026-11-22T16:00:00Z".parse().unwrap();
        assert_eq!(today(before_midnight), date(2026, 11, 22));
        assert_eq!(today(midnight), date(2026, 11, 23));
    }

    #[test]
    fn a_civil_time_is_an_instant() {
        assert_eq!(instant(date(2026, 11, 23), Time::midnight()).to_string(), "2026-11-22T16:00:00Z");
    }

    #[test]
    fn days_read_like_speech() {
        let today = date(2026, 11, 22);
        assert_eq!(day_text(today, today), "今天 11月22日 周日");
        assert_eq!(day_text(date(2026, 11, 23), today), "明天 11月23日 周一");
        assert_eq!(day_text(date(2026, 12, 1), today), "12月1日 周二");
    }
}
