//! Times as senders write them: to the year, the day or the second, with or without an offset.

use super::text::Text;
use crate::time::SHANGHAI;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest time looked at, in bytes.
const WHEN_BYTES_MAX: usize = 40;
/// Digits of a date to the day.
const DAY_DIGITS: usize = 8;
/// The furthest offset from UTC there is, in hours.
const OFFSET_HOURS_MAX: i32 = 14;

/// How exact a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// A year.
    Year,
    /// A month.
    Month,
    /// A day.
    Day,
    /// A time of day.
    Time,
}

/// A time as sent, and the earliest instant it can mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct When {
    /// As sent.
    pub sent: Text,
    /// The earliest instant it can mean. Without an offset it is the hospital's wall clock (+08:00).
    pub at: Timestamp,
    /// How exact it is.
    pub precision: Precision,
    /// Offset from UTC in minutes, where one was sent.
    pub offset_minutes: Option<i16>,
}

/// The text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time")]
pub struct WhenError;

impl When {
    /// `2013`, `2013-04`, `2013-04-02`, `2013-04-02T09:30[:10[.5]][Z|+01:00]` (FHIR `dateTime`), also with a space and
    /// slashes as front-end machines write it.
    pub fn from_iso(sent: &str) -> Result<Self, WhenError> {
        Self::read(sent, |text| {
            let (day, clock) = text.split_once(['T', ' ']).map_or((text, None), |(day, clock)| (day, Some(clock)));
            let day: String = day.split(['-', '/']).map(padded).collect();
            let Some(clock) = clock else { return Some((day, String::new(), None)) };
            let clock = clock.trim();
            let (clock, offset) = match clock.strip_suffix('Z') {
                Some(clock) => (clock, Some("+0000".to_owned())),
                None => clock
                    .find(['+', '-'])
                    .and_then(|at| clock.split_at_checked(at))
                    .map_or((clock, None), |(clock, offset)| (clock, Some(offset.replace(':', "")))),
            };
            (clock.len() >= 4).then(|| (day, clock.split(':').map(padded).collect(), offset))
        })
    }

    /// `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]` (HL7 v2 `DTM`, `TS`, `DT`).
    pub fn from_hl7(sent: &str) -> Result<Self, WhenError> {
        Self::read(sent, |text| {
            let (digits, offset) = text
                .find(['+', '-'])
                .and_then(|at| text.split_at_checked(at))
                .map_or((text, None), |(d, o)| (d, Some(o)));
            let (day, clock) = digits.split_at_checked(DAY_DIGITS).unwrap_or((digits, ""));
            Some((day.to_owned(), clock.to_owned(), offset.map(str::to_owned)))
        })
    }

    /// A time in milliseconds since 1970, as front-end machines send it.
    pub fn from_epoch_ms(sent: &str) -> Result<Self, WhenError> {
        let at = sent.trim().parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or(WhenError)?;
        Ok(Self { sent: sent.into(), at, precision: Precision::Time, offset_minutes: None })
    }

    /// An instant of ours.
    pub fn of(at: Timestamp) -> Self {
        Self { sent: Text::new(at.to_string()), at, precision: Precision::Time, offset_minutes: Some(0) }
    }

    fn read(
        sent: &str,
        split: impl FnOnce(&str) -> Option<(String, String, Option<String>)>,
    ) -> Result<Self, WhenError> {
        let text = sent.trim();
        if text.len() > WHEN_BYTES_MAX {
            return Err(WhenError);
        }
        let (day, clock, offset) = split(text).ok_or(WhenError)?;
        let offset = offset.map(|offset| read_offset(&offset).ok_or(WhenError)).transpose()?;
        let (date, precision) = read_day(&day).ok_or(WhenError)?;
        let (time, precision) = match clock.as_str() {
            "" => (Time::midnight(), precision),
            clock if precision == Precision::Day => (read_clock(clock).ok_or(WhenError)?, Precision::Time),
            _ => return Err(WhenError),
        };
        let at = date.to_datetime(time).to_zoned(TimeZone::fixed(offset.unwrap_or(SHANGHAI))).map_err(|_| WhenError)?;
        let offset_minutes = offset.and_then(|offset| i16::try_from(offset.seconds() / 60).ok());
        Ok(Self { sent: Text::new(text), at: at.timestamp(), precision, offset_minutes })
    }

    /// The wall clock it was written on.
    pub fn civil(&self) -> DateTime {
        self.offset().to_datetime(self.at)
    }

    /// The day it was written for.
    pub fn date(&self) -> Date {
        self.civil().date()
    }

    /// As FHIR writes it, as exact as it was sent; a time of day has the offset it was read with.
    pub fn iso(&self) -> String {
        let civil = self.civil();
        match self.precision {
            Precision::Year => civil.strftime("%Y").to_string(),
            Precision::Month => civil.strftime("%Y-%m").to_string(),
            Precision::Day => civil.date().to_string(),
            Precision::Time => {
                let offset = self.offset().seconds();
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                format!("{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    fn offset(&self) -> Offset {
        self.offset_minutes.and_then(|minutes| Offset::from_seconds(i32::from(minutes) * 60).ok()).unwrap_or(SHANGHAI)
    }
}

/// One-digit parts of a date or clock get their zero.
fn padded(part: &str) -> String {
    if part.len() == 1 { format!("0{part}") } else { part.to_owned() }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn read_day(digits: &str) -> Option<(Date, Precision)> {
    let year = number(digits.get(..4)?)?;
    let month = |to: usize| number(digits.get(4..to)?);
    match digits.len() {
        4 => Some((Date::new(year, 1, 1).ok()?, Precision::Year)),
        6 => Some((Date::new(year, month(6)?, 1).ok()?, Precision::Month)),
        DAY_DIGITS => Some((Date::new(year, month(6)?, number(digits.get(6..)?)?).ok()?, Precision::Day)),
        _ => None,
    }
}

fn read_clock(text: &str) -> Option<Time> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let part = |from: usize| if digits.len() >= from + 2 { number(digits.get(from..from + 2)?) } else { Some(0) };
    if !matches!(digits.len(), 2 | 4 | 6) || fraction.len() > 9 {
        return None;
    }
    let subsecond = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<9}"))? };
    // A leap second, and midnight at the end of a day, are the instant after them.
    match (part(0)?, part(2)?, part(4)?) {
        (hour, minute, 60) => Some(Time::new(hour, minute, 59, 0).ok()?.wrapping_add(SignedDuration::from_secs(1))),
        (hour, minute, second) => Time::new(hour, minute, second, subsecond).ok(),
    }
}

fn read_offset(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = (number::<i32>(digits.get(..2)?)?, number::<i32>(digits.get(2..4)?)?);
    if digits.len() != 4 || hours > OFFSET_HOURS_MAX || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hl7_times_of_every_length() {
        for (sent, iso) in [
            ("2011", "2011"),
            ("201105", "2011-05"),
            ("20110531", "2011-05-31"),
            ("201105311405", "2011-05-31T14:05:00+08:00"),
            ("20110531140551-0500", "2011-05-31T14:05:51-05:00"),
            ("20210817151943.4+0200", "2021-08-17T15:19:43.4+02:00"),
            ("20110531140551.1234", "2011-05-31T14:05:51.1234+08:00"),
        ] {
            let when = When::from_hl7(sent).unwrap();
            assert_eq!(when.iso(), iso, "{sent}");
            assert_eq!(when.sent.as_str(), sent);
        }
    }

    #[test]
    fn iso_times_and_what_front_end_machines_make_of_them() {
        for (sent, iso) in [
            ("2013-04", "2013-04"),
            ("2013-04-02", "2013-04-02"),
            ("2013-04-02T09:30:10Z", "2013-04-02T09:30:10+00:00"),
            ("2013-04-02T09:30:10.250+01:00", "2013-04-02T09:30:10.25+01:00"),
            ("2013-04-02 09:30", "2013-04-02T09:30:00+08:00"),
            ("2013/4/2 9:30:10", "2013-04-02T09:30:10+08:00"),
        ] {
            assert_eq!(When::from_iso(sent).unwrap().iso(), iso, "{sent}");
        }
        assert_eq!(When::from_epoch_ms("1364866210000").unwrap().iso(), "2013-04-02T09:30:10+08:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in
            ["", "196203520", "20111301", "2011-02-30", "20110531250000", "20110531+9900", "2011-05T10:00", "abc"]
        {
            assert!(When::from_hl7(wrong).is_err() || wrong.contains('-'), "{wrong}");
            assert!(When::from_iso(wrong).is_err() || !wrong.contains('-'), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_answers(text in "\\PC*|[0-9TZ:+. -]{0,30}") {
            let _ = (When::from_hl7(&text), When::from_iso(&text), When::from_epoch_ms(&text));
        }

        #[test]
        fn what_is_written_reads_back(seconds in 0_i64..4_000_000_000, offset in -14_i16..=14) {
            let at = Timestamp::from_second(seconds).unwrap();
            let when = When { sent: "".into(), at, precision: Precision::Time, offset_minutes: Some(offset * 60) };
            let read = When::from_iso(&when.iso()).unwrap();
            prop_assert_eq!(read.at, at);
            prop_assert_eq!(read.iso(), when.iso());
        }
    }
}
