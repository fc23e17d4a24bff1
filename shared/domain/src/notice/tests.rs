use super::words::{credit_remark, missed_remark, remark, report_remark};
use super::*;
use crate::appointment::tests::{at, held};
use crate::appointment::{CancelledBy, RefusedWhy, Told};

fn moment(now: &str) -> Moment {
    Moment { cancel: CancelPolicy::default(), now: at(now) }
}

#[test]
fn the_day_before_says_until_when_one_may_cancel() {
    let visit = held(at("2026-11-22T04:10:00Z"));
    let about = About::Appointment(Box::new(visit));
    let text = |now| about.field_text(NoticeKind::DayBefore, NoticeField::Remark, moment(now));
    assert_eq!(text("2026-11-22T10:00:00Z"), "11月23日08:00前可点此取消");
    assert_eq!(text("2026-11-23T00:00:01Z"), "不能来请联系窗口或致电医院");
    assert!(about.path(NoticeKind::DayBefore).ends_with("/cancel"));
}

#[test]
fn fields_read_like_a_message() {
    let appointment = held(at("2026-11-22T04:10:00Z"));
    let about = About::Appointment(Box::new(appointment));
    let text = |field| about.field_text(NoticeKind::Booked, field, moment("2026-11-22T04:10:00Z"));
    assert_eq!(text(NoticeField::VisitTime), "2026年11月23日 09:00~09:30");
    assert_eq!(text(NoticeField::Number), "3号");
    assert_eq!(text(NoticeField::Fee), "25.00元");
    assert_eq!(text(NoticeField::Patient), "林*梅");
}

#[test]
fn every_credit_remark_fits_a_thing() {
    use crate::credit::{Ban, Owner, Scope};
    let owner = Owner {
        patient: crate::id::PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        account: None,
    };
    let ban = |until| Ban { scope: Scope::AdvanceBooking, since: at("2026-11-22T04:00:00Z"), until };
    for ban in [None, Some(ban(None)), Some(ban(Some(at("2027-01-22T04:00:00Z"))))] {
        for granted in [None, Some(true), Some(false)] {
            for kind in [NoticeKind::Suspended, NoticeKind::Restored, NoticeKind::AppealAnswered] {
                let text = credit_remark(kind, &CreditNews { owner: owner.clone(), ban, granted });
                assert!((1..=20).contains(&text.chars().count()), "{text}");
            }
        }
    }
    for (counted, left, banned, last_warning) in [
        (0, 3, false, false),
        (1, 2, false, false),
        (2, 1, false, true),
        (120, 1, true, false),
        (120, 120, false, false),
    ] {
        let text = missed_remark(Some(Told { counted, left, banned, last_warning }));
        assert!((1..=20).contains(&text.chars().count()), "{text}");
    }
}

#[test]
fn what_is_said_of_a_report_names_no_test_and_fits_a_thing() {
    for kind in
        [NoticeKind::ReportReady, NoticeKind::ReportCorrected, NoticeKind::ReportRecalled, NoticeKind::ReportCritical]
    {
        let text = report_remark(kind);
        assert!((1..=20).contains(&text.chars().count()), "{text}");
    }
}

#[test]
fn every_remark_fits_a_thing() {
    let by = |by, refund| State::Cancelled { by, refund };
    let states = [
        State::Booked,
        by(CancelledBy::Hospital, true),
        by(CancelledBy::Hospital, false),
        State::Refused { why: RefusedWhy::AlreadyBooked },
        by(CancelledBy::Patient, true),
        by(CancelledBy::Patient, false),
        State::Refused { why: RefusedWhy::NumberGone },
        State::Refused { why: RefusedWhy::ClinicClosed },
        State::Refused { why: RefusedWhy::ClinicChanged },
        State::Refused { why: RefusedWhy::NoAdvanceBooking },
    ];
    for state in states {
        for kind in NoticeKind::ALL {
            let appointment = Appointment { state, ..held(at("2026-11-22T04:10:00Z")) };
            let text = remark(kind, &appointment);
            assert!((1..=20).contains(&text.chars().count()), "{text}");
        }
    }
}
