use super::*;
use jiff::civil::date;
use proptest::prelude::*;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn held(expires_at: Timestamp) -> Appointment {
    Appointment {
        id: AppointmentId::from_bytes([1; 10]),
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        booker: Booker::Account("oLin".parse().unwrap()),
        place: Place {
            clinic: "20261123-am-NK-pool".parse().unwrap(),
            date: date(2026, 11, 23),
            period: Period::Morning,
            start: "0900".parse().unwrap(),
            number: 3,
            kind: ClinicKind::Ordinary,
            department: "NK".parse().unwrap(),
            department_name: "内科".into(),
            doctor: None,
            who: "普通门诊".into(),
            room: "二楼 201".into(),
            campus: "本部".into(),
        },
        fee: Fen::new(2500).unwrap(),
        pay_attempt: 1,
        state: State::Held { expires_at },
        deadlines: Deadlines::none(),
        ev: None,
        credit: VisitCredit::default(),
        enrolment: Box::default(),
        history: Box::default(),
        created_at: expires_at,
        ver: 1,
    }
}

const NOW: &str = "2026-11-22T04:00:00Z";

fn go(appointment: &Appointment, command: Command) -> Result<Appointment, MoveError> {
    appointment.after(command, Actor::Schedule, CancelPolicy::default(), at(NOW))
}

#[test]
fn a_key_round_trips_and_refuses_anything_else() {
    let key = held(at(NOW)).key();
    assert_eq!(key.to_string().parse::<AppointmentKey>(), Ok(key));
    for wrong in
        ["", "a", "a-20261123", "a-20261123-b-c", "a-20261323-b", "a-2026112-b", "a-20261123-", "号-20261123-b"]
    {
        assert_eq!(wrong.parse::<AppointmentKey>(), Err(AppointmentKeyError), "{wrong}");
    }
}

#[test]
fn a_booked_visit_announces_itself_and_has_a_reminder() {
    let booked = go(&held(at("2026-11-22T04:10:00Z")), Command::Book).unwrap();
    assert_eq!(booked.ev.as_ref().unwrap().kind, EventKind::AppointmentBooked);
    assert_eq!(booked.deadlines.get(Deadline::Remind), Some(at("2026-11-23T00:30:00Z")));
    assert_eq!(booked.deadlines.get(Deadline::Notify), Some(at("2026-11-22T04:02:00Z")));
    assert_eq!(go(&booked, Command::Book), Err(MoveError::AlreadyDone));
}

#[test]
fn who_books_within_the_half_hour_is_not_reminded() {
    let held = held(at("2026-11-23T01:05:00Z"));
    let book = |now: &str| held.after(Command::Book, Actor::Schedule, CancelPolicy::default(), at(now)).unwrap();
    assert!(book("2026-11-23T00:29:59Z").deadlines.get(Deadline::Remind).is_some());
    assert!(book("2026-11-23T00:30:00Z").deadlines.get(Deadline::Remind).is_none());
}

#[test]
fn the_deadline_second_still_counts() {
    let booked = go(&held(at("2026-11-22T04:10:00Z")), Command::Book).unwrap();
    let policy = CancelPolicy::BeforeStart { minutes: 30 };
    let cancel = |now: &str| booked.after(Command::Cancel(CancelledBy::Patient), Actor::Schedule, policy, at(now));
    assert!(cancel("2026-11-23T00:30:00Z").is_ok());
    assert_eq!(cancel("2026-11-23T00:30:01Z"), Err(MoveError::CancelDeadlinePassed));
    let at_window = |now: &str| booked.after(Command::Cancel(CancelledBy::Window), Actor::Schedule, policy, at(now));
    assert!(at_window("2026-11-23T01:00:00Z").is_ok());
    assert_eq!(at_window("2026-11-23T01:00:01Z"), Err(MoveError::CancelDeadlinePassed));
    let by_hospital = Command::Cancel(CancelledBy::Hospital);
    assert!(booked.after(by_hospital, Actor::Schedule, policy, at("2026-11-23T00:59:00Z")).is_ok());
}

#[test]
fn cancelling_wins_over_a_later_payment_and_a_hold_expires_only_in_time() {
    let held = held(at("2026-11-22T04:10:00Z"));
    assert_eq!(go(&held, Command::Expire), Err(MoveError::StillHeld));
    let cancelled = go(&held, Command::Cancel(CancelledBy::Patient)).unwrap();
    assert_eq!(cancelled.state, State::Cancelled { by: CancelledBy::Patient, refund: false });
    assert_eq!(go(&cancelled, Command::Book), Err(MoveError::Illegal));
    assert_eq!(cancelled.deadlines.get(Deadline::Release), Some(at(NOW)));
}

/// Missed at nine, on record at ten, in question until the third night is over.
#[test]
fn a_missed_visit_is_told_of_and_put_to_the_hospital_at_night() {
    let booked = go(&held(at("2026-11-22T04:10:00Z")), Command::Book).unwrap();
    let miss = |now| booked.after(Command::MissVisit, Actor::Schedule, CancelPolicy::default(), at(now));
    assert_eq!(miss("2026-11-23T01:29:59Z"), Err(MoveError::NotOver));
    let now = at("2026-11-23T02:00:00Z");
    let missed = miss("2026-11-23T02:00:00Z").unwrap();
    assert_eq!(missed.deadlines.earliest(), Some((crate::due::Worker::Sweeper, now)));
    let strike = missed.strike().unwrap();
    assert_eq!((strike.breach, strike.state, strike.seq), (Breach::Missed, StrikeState::Provisional, 1));
    assert_eq!(strike.at, at("2026-11-23T01:30:00Z"));
    let credited = missed.credited(None, now);
    assert_eq!(credited.ev.as_ref().unwrap().kind, EventKind::AppointmentMissed);
    assert_eq!(credited.deadlines.get(Deadline::Check), Some(at("2026-11-23T18:00:00Z")));
    assert!(credited.deadlines.get(Deadline::Credit).is_none());
}

#[test]
fn what_came_of_a_missed_visit_is_on_record_in_order() {
    let booked = go(&held(at("2026-11-22T04:10:00Z")), Command::Book).unwrap();
    let next = |before: &Appointment, command, now| {
        before.after(command, Actor::Schedule, CancelPolicy::default(), at(now)).unwrap()
    };
    let strike =
        |appointment: &Appointment| appointment.strike().map(|strike| (strike.breach, strike.state, strike.seq));
    let missed = next(&booked, Command::MissVisit, "2026-11-23T02:00:00Z");
    let late = next(&missed, Command::CheckIn, "2026-11-23T02:30:00Z");
    assert_eq!(strike(&late), Some((Breach::CameLate, StrikeState::Final, 2)));
    assert!(late.deadlines.get(Deadline::Credit).is_some());
    let next_day = missed.after(Command::CheckIn, Actor::Schedule, CancelPolicy::default(), at("2026-11-23T16:00:00Z"));
    assert_eq!(next_day, Err(MoveError::Illegal));
    let seen = next(&missed, Command::Fulfil, "2026-11-23T18:00:00Z");
    assert_eq!(strike(&seen), Some((Breach::Missed, StrikeState::Cleared, 2)));
    let closed = next(&missed, Command::Cancel(CancelledBy::Hospital), "2026-11-23T03:00:00Z");
    assert_eq!(strike(&closed), Some((Breach::Missed, StrikeState::Voided, 2)));
    assert_eq!(closed.state, State::Cancelled { by: CancelledBy::Hospital, refund: true });
    // In time and late alike: what a cancellation is worth is for the policy.
    let given_back = next(&booked, Command::Cancel(CancelledBy::Patient), "2026-11-22T05:00:00Z");
    assert_eq!(strike(&given_back), Some((Breach::Cancelled, StrikeState::Final, 1)));
    assert_eq!(strike(&next(&booked, Command::CheckIn, "2026-11-23T01:00:00Z")), None);
    assert_eq!(strike(&next(&booked, Command::Cancel(CancelledBy::Hospital), "2026-11-23T01:00:00Z")), None);
    assert_eq!(strike(&go(&held(at("2026-11-22T04:10:00Z")), Command::Cancel(CancelledBy::Patient)).unwrap()), None);
}

#[test]
fn three_nights_and_then_the_doubt_is_the_patients() {
    let date = date(2026, 11, 23);
    let again = |now: &str| check_again_at(date, at(now)).map(|again| again.to_string());
    // 02:00 and 05:50 of the first night, noon, 01:00 before the third.
    assert_eq!(again("2026-11-23T18:00:00Z").unwrap(), "2026-11-23T18:30:00Z");
    assert_eq!(again("2026-11-23T21:50:00Z").unwrap(), "2026-11-23T22:20:00Z");
    assert_eq!(again("2026-11-24T04:00:00Z").unwrap(), "2026-11-24T18:00:00Z");
    assert_eq!(again("2026-11-25T17:00:00Z").unwrap(), "2026-11-25T18:00:00Z");
    assert_eq!(again("2026-11-25T21:59:59Z").unwrap(), "2026-11-25T22:29:59Z");
    assert_eq!(again("2026-11-25T22:00:00Z"), None);
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![
        (-3600..3600_i64).prop_map(|s| State::Held { expires_at: time::add_seconds(at(NOW), s) }),
        Just(State::Confirming { since: at(NOW) }),
        Just(State::Booked),
        Just(State::CheckedIn),
        Just(State::Fulfilled),
        Just(State::NoShow),
        Just(State::Expired),
        Just(State::Cancelled { by: CancelledBy::Patient, refund: true }),
        Just(State::Refused { why: RefusedWhy::NumberGone }),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Book),
        Just(Command::Refuse(RefusedWhy::ClinicClosed)),
        Just(Command::Expire),
        Just(Command::Drop),
        Just(Command::Cancel(CancelledBy::Patient)),
        Just(Command::Cancel(CancelledBy::Hospital)),
        Just(Command::CheckIn),
        Just(Command::Fulfil),
        Just(Command::MissVisit),
    ]
}

proptest! {
    /// Every pair answers; a repeat of what was just done is a repeat; what is over stays over.
    #[test]
    fn every_state_answers_every_command(state in any_state(), command in any_command()) {
        let before = Appointment { state, ..held(at(NOW)) };
        match go(&before, command) {
            Ok(after) => {
                prop_assert!(after.ver == before.ver + 1);
                let was_over = matches!(before.state, State::Cancelled { .. } | State::Refused { .. } | State::Fulfilled);
                prop_assert!(!was_over);
                prop_assert_eq!(go(&after, command), Err(MoveError::AlreadyDone));
            }
            Err(error) => {
                let held = matches!(before.state, State::Held { .. });
                prop_assert!(!held || error != MoveError::AlreadyDone);
            }
        }
    }

    /// Money never follows a cancellation of something unpaid, and always one of something paid.
    #[test]
    fn a_refund_is_due_exactly_when_it_was_paid(state in any_state()) {
        let before = Appointment { state, ..held(at(NOW)) };
        if let Ok(after) = go(&before, Command::Cancel(CancelledBy::Hospital)) {
            let refund = matches!(after.state, State::Cancelled { refund: true, .. });
            prop_assert_eq!(refund, matches!(state, State::Confirming { .. } | State::Booked | State::CheckedIn | State::NoShow));
        }
    }
}
