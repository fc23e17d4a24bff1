//! Rules of ten real places, as data. `[Sn]` is the source in the project's table of presets; numbers are what a hospital
//! published at some time, not law.

use super::policy::{BanLength, Count, CutOff, InTime, Rule, Scope, Step, Terms, Threshold, Window};
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// The end of a day: a cancellation "one working day before" counts until then.
const END_OF_DAY: Time = Time::constant(23, 59, 59, 0);
const NO_SHOW: [Count; 1] = [Count::NoShow];
const NO_SHOW_OR_LATE_CANCEL: [Count; 2] = [Count::NoShow, Count::LateCancel];

/// A policy by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The study's own (2.4.2): three and more, ever, end advance booking until staff lift it.
    #[default]
    Paper,
    /// Zhongshan Hospital, Shanghai, 2023: three within 90 days of the first, 90 days; cancel one working day before
    /// [S51].
    #[serde(rename = "zhongshan-shanghai-2023")]
    ZhongshanShanghai2023,
    /// Zhongshan People's Hospital, Guangdong: 14 days, one month, three months for the first, second and third of a
    /// calendar year; cancel before the slot starts [S23].
    ZhongshanGd,
    /// Changzhou: three ever, six months at all campuses; cancel by 15:00 one working day before [S44].
    Changzhou,
    /// A Jilin hospital of Chinese medicine: more than three, six months; cancel before the day of the visit [S42].
    JilinTcm,
    /// guahao platform: three no-shows a year, or three cancellations a month, or three on the day itself a month: one
    /// month [S39].
    GuahaoeStrict,
    /// Three no-shows in six months, six months; three cancellations a month, the rest of it; cancel an expert half a day
    /// before, others half an hour [S40].
    ExpertHalfDay,
    /// More than three in a calendar month, the rest of it; cancel by 17:00 of the day before [S37].
    CalendarMonth,
    /// Beijing: three absent or late within three months, three months [S52].
    BeijingLate,
    /// An eye hospital: the first, six months without experts; cancel two working days before [S53].
    Ophthalmology,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 10] = [
        Self::Paper,
        Self::ZhongshanShanghai2023,
        Self::ZhongshanGd,
        Self::Changzhou,
        Self::JilinTcm,
        Self::GuahaoeStrict,
        Self::ExpertHalfDay,
        Self::CalendarMonth,
        Self::BeijingLate,
        Self::Ophthalmology,
    ];

    /// What it says.
    pub fn terms(self) -> Terms {
        let terms = |ordinary, rules: &[Rule]| Terms { rules: rules.to_vec(), in_time: InTime::all(ordinary) };
        match self {
            Self::Paper => terms(
                CutOff::Online,
                &[rule(&NO_SHOW_OR_LATE_CANCEL, Window::Lifetime, reaches(3), BanLength::UntilLifted)],
            ),
            Self::ZhongshanShanghai2023 => terms(
                working_days(1, END_OF_DAY),
                &[rule(&NO_SHOW_OR_LATE_CANCEL, Window::DaysFromFirst(90), reaches(3), BanLength::Days(90))],
            ),
            Self::ZhongshanGd => terms(CutOff::BeforeStart { minutes: 0 }, &[zhongshan_gd()]),
            Self::Changzhou => terms(
                working_days(1, Time::constant(15, 0, 0, 0)),
                &[rule(&NO_SHOW_OR_LATE_CANCEL, Window::Lifetime, reaches(3), BanLength::Months(6))],
            ),
            Self::JilinTcm => terms(
                BEFORE_THE_DAY,
                &[rule(&NO_SHOW_OR_LATE_CANCEL, Window::Lifetime, exceeds(3), BanLength::Months(6))],
            ),
            Self::GuahaoeStrict => terms(BEFORE_THE_DAY, &guahaoe_strict()),
            Self::ExpertHalfDay => expert_half_day(),
            Self::CalendarMonth => terms(
                CutOff::DaysBefore { days: 1, time: Time::constant(17, 0, 0, 0) },
                &[rule(&NO_SHOW_OR_LATE_CANCEL, Window::CalendarMonth, exceeds(3), BanLength::RestOfMonth)],
            ),
            Self::BeijingLate => terms(
                CutOff::Online,
                &[rule(
                    &[Count::NoShow, Count::LateArrival],
                    Window::RollingMonths(3),
                    reaches(3),
                    BanLength::Months(3),
                )],
            ),
            Self::Ophthalmology => terms(working_days(2, END_OF_DAY), &[ophthalmology()]),
        }
    }
}

/// 就诊日零时前
const BEFORE_THE_DAY: CutOff = CutOff::DaysBefore { days: 0, time: Time::midnight() };

const fn working_days(days: u32, time: Time) -> CutOff {
    CutOff::WorkingDaysBefore { days, time }
}

const fn reaches(count: u32) -> Threshold {
    Threshold::Reaches(count)
}

const fn exceeds(count: u32) -> Threshold {
    Threshold::Exceeds(count)
}

fn rule(counts: &[Count], window: Window, at: Threshold, ban: BanLength) -> Rule {
    let counts = counts.iter().copied().collect();
    Rule { counts, window, ladder: vec![Step { at, ban }], scope: Scope::AdvanceBooking }
}

fn zhongshan_gd() -> Rule {
    let lengths = [BanLength::Days(14), BanLength::Months(1), BanLength::Months(3)];
    let ladder = (1..).zip(lengths).map(|(count, ban)| Step { at: reaches(count), ban }).collect();
    Rule { ladder, ..rule(&NO_SHOW_OR_LATE_CANCEL, Window::CalendarYear, reaches(1), BanLength::Days(14)) }
}

fn guahaoe_strict() -> [Rule; 3] {
    let month = BanLength::Months(1);
    [
        rule(&NO_SHOW, Window::RollingMonths(12), reaches(3), month),
        rule(&[Count::Cancel], Window::RollingMonths(1), reaches(3), month),
        rule(&[Count::SameDayCancel], Window::RollingMonths(1), reaches(3), month),
    ]
}

/// Half a day is twelve hours.
const HALF_A_DAY_MIN: i64 = 12 * 60;

fn expert_half_day() -> Terms {
    Terms {
        rules: vec![
            rule(&NO_SHOW_OR_LATE_CANCEL, Window::RollingMonths(6), reaches(3), BanLength::Months(6)),
            rule(&[Count::Cancel], Window::CalendarMonth, reaches(3), BanLength::RestOfMonth),
        ],
        in_time: InTime {
            ordinary: CutOff::BeforeStart { minutes: 30 },
            expert: Some(CutOff::BeforeStart { minutes: HALF_A_DAY_MIN }),
        },
    }
}

fn ophthalmology() -> Rule {
    let first = rule(&NO_SHOW_OR_LATE_CANCEL, Window::Lifetime, reaches(1), BanLength::Months(6));
    Rule { scope: Scope::Experts, ..first }
}
