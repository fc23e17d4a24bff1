//! Times in words, as exact as they were sent.

use domain::report::{Precision, When};

/// The hospital's offset from UTC, in minutes.
const HOME_OFFSET_MINUTES: i16 = 480;

/// `2026年11月23日 09:30`, or less where less was sent; with the offset where it is not the hospital's.
pub(crate) fn when_text(when: &When) -> String {
    let civil = when.civil();
    let text = match when.precision {
        Precision::Year => civil.strftime("%Y年").to_string(),
        Precision::Month => civil.strftime("%Y年%-m月").to_string(),
        Precision::Day => civil.strftime("%Y年%-m月%-d日").to_string(),
        Precision::Time => civil.strftime("%Y年%-m月%-d日 %H:%M").to_string(),
    };
    match when.offset_minutes {
        Some(minutes) if minutes != HOME_OFFSET_MINUTES && when.precision == Precision::Time => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{text}（UTC{sign}{:02}:{:02}）", minutes.abs() / 60, minutes.abs() % 60)
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_exact_as_sent() {
        for (sent, text) in [
            ("2026", "2026年"),
            ("2026-03", "2026年3月"),
            ("2026-03-05", "2026年3月5日"),
            ("2026-03-05T09:30:00+08:00", "2026年3月5日 09:30"),
            ("2026-03-05T09:30", "2026年3月5日 09:30"),
            ("2026-03-05T09:30:00-05:00", "2026年3月5日 09:30（UTC-05:00）"),
        ] {
            assert_eq!(when_text(&When::from_iso(sent).unwrap()), text, "{sent}");
        }
    }
}
