//! Every preset against its own table of cases, and what holds of any policy.

use super::*;
use crate::booking::{CancelPolicy, Product};
use crate::calendar::Calendar;
use crate::clinic::ClinicKind;
use crate::event::Actor;
use crate::id::AppointmentId;
use crate::time;
use jiff::Timestamp;
use proptest::prelude::*;

/// An instant by Shanghai's wall clock.
fn at(wall: &str) -> Timestamp {
    format!("{wall}:00+08:00").parse().unwrap()
}

fn id(n: usize) -> AppointmentId {
    AppointmentId::from_bytes([u8::try_from(n).unwrap(); 10])
}

fn strike(breach: Breach, wall: &str, visit: &str, kind: ClinicKind) -> Strike {
    Strike { breach, at: at(wall), visit: at(visit), kind, state: StrikeState::Final, seq: 1, decision: None }
}

fn missed(wall: &str) -> Strike {
    strike(Breach::Missed, wall, wall, ClinicKind::Ordinary)
}

fn cancelled(wall: &str, visit: &str) -> Strike {
    strike(Breach::Cancelled, wall, visit, ClinicKind::Ordinary)
}

fn record(strikes: impl IntoIterator<Item = Strike>) -> Record {
    let strikes = strikes.into_iter().enumerate().map(|(n, strike)| (id(n), strike)).collect();
    Record { strikes, ..Record::default() }
}

/// National Day 2026 with its make-up days.
fn calendar() -> Calendar {
    let october = |day| jiff::civil::date(2026, 10, day);
    Calendar { holidays: (1..=7).map(october).collect(), make_up_days: [october(10)].into() }
}

fn policy(preset: Preset) -> CreditPolicy {
    CreditPolicy { preset, ..CreditPolicy::default() }
}

fn standing_of(preset: Preset, record: &Record, now: &str) -> Standing {
    Judge::new(&policy(preset), CancelPolicy::default(), &calendar()).standing(record, at(now))
}

/// A ban that only staff end.
const FOREVER: Option<Timestamp> = Some(Timestamp::MAX);

/// The end of the ban at `now`, if there is one.
fn banned(preset: Preset, record: &Record, now: &str) -> Option<Timestamp> {
    let standing = standing_of(preset, record, now);
    standing.bars(ClinicKind::Expert, Product::Advance).map(|ban| ban.until.unwrap_or(Timestamp::MAX))
}

#[test]
fn paper_three_and_more_until_lifted() {
    let walls = ["2024-01-05T10:00", "2025-06-01T10:00", "2026-11-20T10:00"];
    let two = record(walls.iter().take(2).map(|wall| missed(wall)));
    assert!(standing_of(Preset::Paper, &two, "2026-11-20T12:00").is_last_warning());
    assert_eq!(banned(Preset::Paper, &two, "2026-11-20T12:00"), None);
    let three = record(walls.iter().map(|wall| missed(wall)));
    assert_eq!(banned(Preset::Paper, &three, "2036-11-20T12:00"), FOREVER);
    assert!(
        standing_of(Preset::Paper, &three, "2036-11-20T12:00").bars(ClinicKind::Expert, Product::SameDay).is_none()
    );
    // Lifted by staff, everything before is forgotten; it takes three more.
    let lift = Decision { by: Actor::Staff("chen".into()), at: at("2026-11-21T09:00"), why: "已谈话".into() };
    let lifted = three.lifted(lift);
    assert_eq!(banned(Preset::Paper, &lifted, "2026-11-21T09:00"), None);
    assert_eq!(standing_of(Preset::Paper, &lifted, "2026-11-21T09:00").left, 3);
    // One hour before the slot is in time (the hospital's online deadline), a second later is not.
    let cancels = |wall: &str| record([missed(walls[0]), missed(walls[1]), cancelled(wall, "2026-11-20T10:00")]);
    assert_eq!(banned(Preset::Paper, &cancels("2026-11-20T09:00"), "2026-11-20T12:00"), None);
    assert_eq!(banned(Preset::Paper, &cancels("2026-11-20T09:01"), "2026-11-20T12:00"), FOREVER);
}

#[test]
fn zhongshan_shanghai_ninety_days_from_the_first() {
    let preset = Preset::ZhongshanShanghai2023;
    // Exactly 90 x 24 h after the first still belongs to its window (E09).
    let edge = record(["2026-01-01T09:00", "2026-02-01T09:00", "2026-04-01T09:00"].map(missed));
    assert_eq!(banned(preset, &edge, "2026-04-01T09:00"), Some(at("2026-06-30T09:00")));
    assert_eq!(banned(preset, &edge, "2026-06-30T08:59"), Some(at("2026-06-30T09:00")));
    assert_eq!(banned(preset, &edge, "2026-06-30T09:00"), None);
    let over = record(["2026-01-01T09:00", "2026-02-01T09:00", "2026-04-01T09:01"].map(missed));
    assert_eq!(banned(preset, &over, "2026-04-01T10:00"), None);
    // The third began a window of its own: two more are needed in it.
    assert_eq!(standing_of(preset, &over, "2026-04-01T10:00").counted, 1);
    // One working day before: Monday's visit must be cancelled on Friday.
    let cancel = |wall: &str| {
        let first = ["2026-11-01T09:00", "2026-11-02T09:00"].map(missed);
        record(first.into_iter().chain([cancelled(wall, "2026-11-23T09:00")]))
    };
    assert_eq!(banned(preset, &cancel("2026-11-20T23:59"), "2026-11-23T09:00"), None);
    assert!(banned(preset, &cancel("2026-11-21T00:00"), "2026-11-23T09:00").is_some());
}

#[test]
fn zhongshan_gd_climbs_a_ladder_and_starts_anew_in_january() {
    let preset = Preset::ZhongshanGd;
    let walls = ["2026-03-02T09:00", "2026-06-01T09:00", "2026-12-10T09:00", "2027-01-05T09:00"];
    let first = |count: usize| record(walls.iter().take(count).map(|wall| missed(wall)));
    assert_eq!(banned(preset, &first(1), "2026-03-02T10:00"), Some(at("2026-03-16T09:00")));
    assert_eq!(banned(preset, &first(2), "2026-06-01T10:00"), Some(at("2026-07-01T09:00")));
    // Three months begun in December run on into the next year (E08).
    assert_eq!(banned(preset, &first(3), "2027-01-04T10:00"), Some(at("2027-03-10T09:00")));
    // The first of the new year alone is 14 days; the longer ban of December goes on.
    assert_eq!(banned(preset, &record([missed(walls[3])]), "2027-01-05T10:00"), Some(at("2027-01-19T09:00")));
    assert_eq!(standing_of(preset, &first(4), "2027-01-05T10:00").counted, 1);
    assert_eq!(banned(preset, &first(4), "2027-01-05T10:00"), Some(at("2027-03-10T09:00")));
    // Until the slot starts, inclusive.
    assert_eq!(banned(preset, &record([cancelled("2026-03-02T09:00", "2026-03-02T09:00")]), "2026-03-02T10:00"), None);
    assert!(banned(preset, &record([cancelled("2026-03-02T09:01", "2026-03-02T09:00")]), "2026-03-02T10:00").is_some());
}

#[test]
fn changzhou_three_ever_and_three_in_the_afternoon_of_a_working_day() {
    let preset = Preset::Changzhou;
    let three = record(["2020-08-31T09:00", "2023-01-01T09:00", "2026-08-31T09:00"].map(missed));
    // Six months after 31 August: the last day of February.
    assert_eq!(banned(preset, &three, "2026-09-01T09:00"), Some(at("2027-02-28T09:00")));
    assert_eq!(banned(preset, &three, "2027-02-28T09:00"), None);
    assert_eq!(standing_of(preset, &three, "2027-02-28T09:00").left, 1);
    // Across the holiday (E03): a visit on the 8th is cancelled by the 30th, 15:00; one on the 12th by Saturday the 10th,
    // which is worked.
    let cancel = |wall: &str, visit: &str| {
        record(["2026-09-01T09:00", "2026-09-02T09:00"].map(missed).into_iter().chain([cancelled(wall, visit)]))
    };
    let is_banned = |wall: &str, visit: &str| banned(preset, &cancel(wall, visit), visit).is_some();
    assert!(!is_banned("2026-09-30T15:00", "2026-10-08T09:00"));
    assert!(is_banned("2026-09-30T15:01", "2026-10-08T09:00"));
    assert!(is_banned("2026-10-05T09:00", "2026-10-08T09:00"));
    assert!(!is_banned("2026-10-10T15:00", "2026-10-12T09:00"));
    assert!(is_banned("2026-10-10T15:01", "2026-10-12T09:00"));
}

#[test]
fn jilin_needs_more_than_three() {
    let preset = Preset::JilinTcm;
    let walls = ["2026-01-01T09:00", "2026-02-01T09:00", "2026-03-01T09:00", "2026-04-01T09:00"];
    let three = record(walls.iter().take(3).map(|wall| missed(wall)));
    assert_eq!(banned(preset, &three, "2026-04-01T10:00"), None);
    assert!(standing_of(preset, &three, "2026-04-01T10:00").is_last_warning());
    assert_eq!(banned(preset, &record(walls.map(missed)), "2026-04-01T10:00"), Some(at("2026-10-01T09:00")));
    // Midnight of the day itself is the last moment.
    let cancel = |wall: &str| {
        let first = walls.iter().take(3).map(|wall| missed(wall));
        record(first.chain([cancelled(wall, "2026-04-02T09:00")]))
    };
    assert_eq!(banned(preset, &cancel("2026-04-02T00:00"), "2026-04-02T10:00"), None);
    assert!(banned(preset, &cancel("2026-04-02T00:01"), "2026-04-02T10:00").is_some());
}

#[test]
fn guahaoe_counts_cancellations_too() {
    let preset = Preset::GuahaoeStrict;
    let no_shows = record(["2025-12-01T09:00", "2026-05-01T09:00", "2026-12-01T09:00"].map(missed));
    assert_eq!(banned(preset, &no_shows, "2026-12-01T10:00"), Some(at("2027-01-01T09:00")));
    let over_a_year = record(["2025-12-01T08:59", "2026-05-01T09:00", "2026-12-01T09:00"].map(missed));
    assert_eq!(banned(preset, &over_a_year, "2026-12-01T10:00"), None);
    // Three cancellations within a month, however early.
    let visit = "2026-12-20T09:00";
    let days = |walls: [&str; 3]| record(walls.map(|wall| cancelled(wall, visit)));
    assert!(
        banned(preset, &days(["2026-11-01T09:00", "2026-11-15T09:00", "2026-12-01T09:00"]), "2026-12-01T10:00")
            .is_some()
    );
    assert!(
        banned(preset, &days(["2026-11-01T08:59", "2026-11-15T09:00", "2026-12-01T09:00"]), "2026-12-01T10:00")
            .is_none()
    );
}

#[test]
fn expert_half_day_differs_by_clinic() {
    let preset = Preset::ExpertHalfDay;
    let cancel = |wall: &str, kind| {
        let first = ["2026-08-01T09:00", "2026-09-01T09:00"].map(missed);
        record(first.into_iter().chain([strike(Breach::Cancelled, wall, "2026-11-20T10:00", kind)]))
    };
    let is_banned = |wall: &str, kind| banned(preset, &cancel(wall, kind), "2026-11-20T10:00").is_some();
    assert!(!is_banned("2026-11-20T09:30", ClinicKind::Ordinary));
    assert!(is_banned("2026-11-20T09:31", ClinicKind::Ordinary));
    assert!(!is_banned("2026-11-19T22:00", ClinicKind::Expert));
    assert!(is_banned("2026-11-19T22:01", ClinicKind::Expert));
    // Three cancellations in a calendar month end it, and only it.
    let walls = ["2026-11-02T09:00", "2026-11-09T09:00", "2026-11-16T09:00"];
    let three = record(walls.map(|wall| cancelled(wall, "2026-11-30T09:00")));
    assert_eq!(banned(preset, &three, "2026-11-16T09:00"), Some(at("2026-12-01T00:00")));
    assert_eq!(banned(preset, &three, "2026-12-01T00:00"), None);
}

#[test]
fn calendar_month_ends_with_the_month() {
    let preset = Preset::CalendarMonth;
    let four = record(["2026-11-01T00:30", "2026-11-05T09:00", "2026-11-10T09:00", "2026-11-28T09:00"].map(missed));
    assert_eq!(banned(preset, &four, "2026-11-30T23:59"), Some(at("2026-12-01T00:00")));
    assert_eq!(banned(preset, &four, "2026-12-01T00:00"), None);
    assert_eq!(standing_of(preset, &four, "2026-12-01T00:00").counted, 0);
    // By Shanghai's calendar: half past midnight of the 1st is October by UTC.
    let across = record(["2026-10-31T23:30", "2026-11-05T09:00", "2026-11-10T09:00", "2026-11-28T09:00"].map(missed));
    assert_eq!(banned(preset, &across, "2026-11-28T10:00"), None);
    let judge = policy(preset);
    let (calendar, online) = (calendar(), CancelPolicy::default());
    let judge = Judge::new(&judge, online, &calendar);
    let visit = at("2026-11-28T09:00");
    assert_eq!(judge.cancel_in_time_until(ClinicKind::Ordinary, visit), at("2026-11-27T17:00"));
    assert!(!judge.cancelling_counts(ClinicKind::Ordinary, visit, at("2026-11-27T17:00")));
    assert!(judge.cancelling_counts(ClinicKind::Ordinary, visit, at("2026-11-27T17:01")));
}

#[test]
fn beijing_counts_coming_late() {
    let preset = Preset::BeijingLate;
    let late = |wall: &str| strike(Breach::CameLate, wall, wall, ClinicKind::Ordinary);
    let three = record([late("2026-09-01T09:40"), missed("2026-10-01T09:30"), late("2026-12-01T09:40")]);
    assert_eq!(banned(preset, &three, "2026-12-01T10:00"), Some(at("2027-03-01T09:40")));
    let over = record([late("2026-09-01T09:39"), missed("2026-10-01T09:30"), late("2026-12-01T09:40")]);
    assert_eq!(banned(preset, &over, "2026-12-01T10:00"), None);
    assert_eq!(banned(Preset::Paper, &three, "2026-12-01T10:00"), None);
}

#[test]
fn ophthalmology_closes_experts_alone_at_the_first() {
    let one = record([missed("2026-08-31T09:00")]);
    let standing = standing_of(Preset::Ophthalmology, &one, "2026-09-01T09:00");
    let ban = standing.bars(ClinicKind::Expert, Product::Advance).unwrap();
    assert_eq!(ban.until, Some(at("2027-02-28T09:00")));
    assert!(standing.bars(ClinicKind::Special, Product::Advance).is_some());
    assert!(standing.bars(ClinicKind::Ordinary, Product::Advance).is_none());
    // Nobody is warned who has done nothing.
    assert!(!standing_of(Preset::Ophthalmology, &Record::default(), "2026-09-01T09:00").is_last_warning());
    // Two working days before Tuesday the 24th: Friday the 20th.
    let cancel = |wall: &str| record([cancelled(wall, "2026-11-24T09:00")]);
    assert_eq!(banned(Preset::Ophthalmology, &cancel("2026-11-20T23:59"), "2026-11-24T09:00"), None);
    assert!(banned(Preset::Ophthalmology, &cancel("2026-11-21T00:00"), "2026-11-24T09:00").is_some());
}

#[test]
fn an_outage_excuses_every_visit_it_touches() {
    let outage =
        Outage { from: at("2026-11-20T08:00"), until: at("2026-11-20T10:00"), what: "医院系统故障".into() };
    let credit = CreditPolicy { outages: vec![outage], ..CreditPolicy::default() };
    let calendar = calendar();
    let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
    let of = |visit: &str, end: &str| {
        let missed = strike(Breach::Missed, end, visit, ClinicKind::Ordinary);
        judge.standing(&record([missed]), at("2026-11-21T09:00")).counted
    };
    assert_eq!(of("2026-11-20T09:00", "2026-11-20T09:30"), 0);
    assert_eq!(of("2026-11-20T07:30", "2026-11-20T08:00"), 0);
    assert_eq!(of("2026-11-20T10:00", "2026-11-20T10:30"), 1);
    assert_eq!(of("2026-11-20T07:00", "2026-11-20T07:30"), 1);
}

#[test]
fn an_account_may_collect_more_than_a_person() {
    let (credit, calendar) = (CreditPolicy::default(), calendar());
    let judge = Judge::of_accounts(&credit, CancelPolicy::default(), &calendar).unwrap();
    let strikes = |count: usize| record((0..count).map(|_| missed("2026-11-20T09:00")));
    assert!(judge.standing(&strikes(5), at("2026-11-21T09:00")).bans.is_empty());
    assert!(!judge.standing(&strikes(6), at("2026-11-21T09:00")).bans.is_empty());
    let off = CreditPolicy { account_factor: 0, ..credit };
    assert!(Judge::of_accounts(&off, CancelPolicy::default(), &calendar).is_none());
}

#[test]
fn a_strike_is_noted_once_and_what_is_older_changes_nothing() {
    let strike = |seq, state| Strike { state, seq, ..missed("2026-11-20T09:00") };
    let noted = Record::default().noted(&id(1), strike(1, StrikeState::Provisional)).unwrap();
    assert_eq!(noted.noted(&id(1), strike(1, StrikeState::Provisional)), None);
    let answer = Decision { by: Actor::Schedule, at: at("2026-11-21T09:00"), why: String::new() };
    let waived = noted.answered(&id(1), true, &answer).unwrap();
    assert_eq!(waived.strikes[&id(1)].state, StrikeState::Waived);
    assert_eq!(waived.answered(&id(1), true, &answer), None);
    let kept = noted.answered(&id(1), false, &answer).unwrap();
    assert_eq!((kept.strikes[&id(1)].state, &kept.strikes[&id(1)].decision), (StrikeState::Provisional, &Some(answer)));
    assert_eq!(waived.noted(&id(1), strike(1, StrikeState::Provisional)), None);
    assert_eq!(waived.confirmed(&id(1)), None);
    let cleared = noted.noted(&id(1), strike(2, StrikeState::Cleared)).unwrap();
    assert_eq!(cleared.noted(&id(1), strike(1, StrikeState::Provisional)), None);
    assert_eq!(noted.confirmed(&id(1)).unwrap().strikes[&id(1)].state, StrikeState::Final);
}

#[test]
fn a_full_record_forgets_what_weighs_least() {
    let cancel = |n: usize| cancelled(&format!("2026-11-{:02}T09:{:02}", n % 28 + 1, n / 28), "2026-12-01T09:00");
    let full = record((0..STRIKES_KEPT_MAX).map(cancel));
    let after = full.noted(&id(200), missed("2020-01-01T09:00")).unwrap();
    assert_eq!(after.strikes.len(), STRIKES_KEPT_MAX);
    assert!(after.strikes.contains_key(&id(200)));
    assert!(!after.strikes.contains_key(&id(0)));
}

#[test]
fn presets_have_the_names_of_the_sheet() {
    let names: Vec<_> = Preset::ALL.iter().map(|preset| serde_json::to_value(preset).unwrap()).collect();
    let expected = [
        "paper",
        "zhongshan-shanghai-2023",
        "zhongshan-gd",
        "changzhou",
        "jilin-tcm",
        "guahaoe-strict",
        "expert-half-day",
        "calendar-month",
        "beijing-late",
        "ophthalmology",
    ];
    assert_eq!(names, expected);
    let policy: CreditPolicy = serde_json::from_str(r#"{"preset":"paper"}"#).unwrap();
    assert_eq!(policy, CreditPolicy::default());
    // A preset's terms are data: written out, they make the same policy of the hospital's own.
    for preset in Preset::ALL {
        let own = serde_json::to_string(&preset.terms()).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&own).unwrap(), preset.terms());
    }
}

fn any_state() -> impl Strategy<Value = StrikeState> {
    use StrikeState::{Cleared, Final, Provisional, Voided, Waived};
    prop_oneof![Just(Provisional), Just(Final), Just(Cleared), Just(Waived), Just(Voided)]
}

fn any_strike() -> impl Strategy<Value = Strike> {
    let breach = prop_oneof![Just(Breach::Missed), Just(Breach::Cancelled), Just(Breach::CameLate)];
    let kind = prop_oneof![Just(ClinicKind::Ordinary), Just(ClinicKind::Expert)];
    (breach, kind, any_state(), 0..400_i64, -72..72_i64).prop_map(|(breach, kind, state, day, hours)| {
        let visit = time::add_seconds(at("2026-01-01T09:00"), day * 86_400);
        let at = time::add_seconds(visit, hours * 3600);
        Strike { breach, at, visit, kind, state, seq: 1, decision: None }
    })
}

fn any_record() -> impl Strategy<Value = Vec<Strike>> {
    proptest::collection::vec(any_strike(), 0..9)
}

/// The later it ends and the more it ends, the worse.
fn badness(standing: &Standing) -> Vec<(bool, Option<Timestamp>)> {
    let of = |kind| standing.bars(kind, Product::Advance).map(|ban| (ban.until.is_none(), ban.until));
    [ClinicKind::Ordinary, ClinicKind::Expert].map(|kind| of(kind).unwrap_or_default()).to_vec()
}

proptest! {
    /// Forgiving never makes matters worse, whatever the policy and the moment.
    #[test]
    fn waiving_never_worsens(strikes in any_record(), which in 0..9_usize, day in 0..500_i64) {
        let now = time::add_seconds(at("2026-01-01T12:00"), day * 86_400);
        let decision = Decision { by: Actor::Schedule, at: now, why: String::new() };
        let before = record(strikes);
        if let Some(waived) = before.answered(&id(which), true, &decision) {
            for preset in Preset::ALL {
                let (credit, calendar) = (policy(preset), calendar());
                let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
                let (was, is) = (judge.standing(&before, now), judge.standing(&waived, now));
                for (was, is) in badness(&was).into_iter().zip(badness(&is)) {
                    prop_assert!(is <= was, "{preset:?}: {was:?} became {is:?}");
                }
                prop_assert!(judge.standing(&before.lifted(decision.clone()), now).bans.is_empty() || strikes_ahead(&before, now));
            }
        }
    }

    /// Which appointment a strike belongs to, and so in which order they are read, makes no difference.
    #[test]
    fn the_order_of_strikes_does_not_matter(strikes in any_record(), turn in 0..9_usize, day in 0..500_i64) {
        let now = time::add_seconds(at("2026-01-01T12:00"), day * 86_400);
        let mut turned = strikes.clone();
        if !turned.is_empty() { let by = turn % turned.len(); turned.rotate_left(by); }
        for preset in Preset::ALL {
            let (credit, calendar) = (policy(preset), calendar());
            let judge = Judge::new(&credit, CancelPolicy::default(), &calendar);
            prop_assert_eq!(judge.standing(&record(strikes.clone()), now), judge.standing(&record(turned.clone()), now));
        }
    }

    /// However often and in whichever order the moves of an appointment are noted, the last one decides, once.
    #[test]
    fn a_strike_counts_once(moves in proptest::collection::vec((1..5_u32, any_state()), 1..12)) {
        let states: std::collections::BTreeMap<u32, StrikeState> = moves.iter().copied().collect();
        let mut record = Record::default();
        for (seq, _) in &moves {
            let strike = Strike { state: states[seq], seq: *seq, ..missed("2026-11-20T09:00") };
            record = record.noted(&id(1), strike).unwrap_or(record);
        }
        let (last, state) = states.last_key_value().unwrap();
        prop_assert_eq!(record.strikes.len(), 1);
        prop_assert_eq!((record.strikes[&id(1)].seq, record.strikes[&id(1)].state), (*last, *state));
    }
}

/// Strikes of later than `now`, which a lift at `now` leaves.
fn strikes_ahead(record: &Record, now: Timestamp) -> bool {
    record.strikes.values().any(|strike| strike.at > now)
}
