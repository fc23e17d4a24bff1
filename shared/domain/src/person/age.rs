//! Age in full years.

use jiff::civil::Date;

/// From this age a person's own consent counts; below it the guardian consents (PIPL Art. 28 and 31).
pub const CONSENT_AGE_YEARS: u16 = 14;

/// From this age a person registers without a guardian.
pub const ADULT_AGE_YEARS: u16 = 18;

/// Full years (周岁) of a person born on `birth` on the day `date`; 0 for a day before the birth.
///
/// A year is full on the birthday itself. Whoever was born on 29 February completes the year on 1 March of a common
/// year: the later of the two possible days, so that nobody loses the protection of a minor too early.
pub fn age_on(birth: Date, date: Date) -> u16 {
    let reached = (date.month(), date.day()) >= (birth.month(), birth.day());
    let years = i32::from(date.year()) - i32::from(birth.year()) - i32::from(!reached);
    u16::try_from(years).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_year_is_full_on_the_birthday() {
        let birth = date(2012, 11, 23);
        assert_eq!(age_on(birth, date(2026, 11, 22)), CONSENT_AGE_YEARS - 1);
        assert_eq!(age_on(birth, date(2026, 11, 23)), CONSENT_AGE_YEARS);
        assert_eq!(age_on(birth, date(2030, 11, 22)), ADULT_AGE_YEARS - 1);
        assert_eq!(age_on(birth, date(2030, 11, 23)), ADULT_AGE_YEARS);
    }

    #[test]
    fn born_on_the_leap_day() {
        let birth = date(2012, 2, 29);
        assert_eq!(age_on(birth, date(2026, 2, 28)), 13);
        assert_eq!(age_on(birth, date(2026, 3, 1)), 14);
        assert_eq!(age_on(birth, date(2028, 2, 28)), 15);
        assert_eq!(age_on(birth, date(2028, 2, 29)), 16);
    }

    #[test]
    fn before_and_on_the_day_of_birth() {
        let birth = date(2026, 11, 22);
        assert_eq!(age_on(birth, birth), 0);
        assert_eq!(age_on(birth, date(2020, 1, 1)), 0);
        assert_eq!(age_on(birth, date(2027, 11, 21)), 0);
    }

    proptest! {
        #[test]
        fn age_never_falls_as_days_pass(birth in 0_i32..60_000, later in 0_i32..60_000, step in 0_i32..800) {
            let day = |days: i32| date(1900, 1, 1) + jiff::Span::new().days(days);
            let ages: (Date, Date, Date) = (day(birth), day(later), day(later + step));
            prop_assert!(age_on(ages.0, ages.1) <= age_on(ages.0, ages.2));
        }
    }
}
