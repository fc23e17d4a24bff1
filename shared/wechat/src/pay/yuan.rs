//! Yuan as files and bills write them. The interface itself speaks fen.

/// Digits before the point that still are an amount; more is a broken file.
const MAX_WHOLE_DIGITS: usize = 12;

/// Fen of a text in yuan (`12`, `12.3`, `12.34`), by digits, never through a float. `None` for anything else.
pub(super) fn fen_of_yuan(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) || whole.len() > MAX_WHOLE_DIGITS || decimals.len() > 2 {
        return None;
    }
    let tens = if decimals.len() == 1 { 10 } else { 1 };
    let (whole, decimals): (i64, i64) = (whole.parse().ok()?, decimals.parse().ok()?);
    Some(whole * 100 + decimals * tens)
}

#[cfg(test)]
mod tests {
    use super::fen_of_yuan;
    use proptest::prelude::*;

    #[test]
    fn yuan_are_read_by_their_digits() {
        let cases = [("0", 0), ("0.0", 0), ("0.01", 1), ("0.1", 10), ("12.34", 1234), ("25", 2500), ("0012.30", 1230)];
        for (text, fen) in cases {
            assert_eq!(fen_of_yuan(text), Some(fen), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "-1.00", "+1", "1,000.00", "1.234", "1e3", "１", "1.0x", " 1", "1000000000000.00"]
        {
            assert_eq!(fen_of_yuan(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(fen in 0_i64..1_000_000_000_000) {
            prop_assert_eq!(fen_of_yuan(&format!("{}.{:02}", fen / 100, fen % 100)), Some(fen));
        }
    }
}
