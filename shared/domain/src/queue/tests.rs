use super::*;
use jiff::civil::date;
use proptest::prelude::*;

const ROOM: &str = "201";
const OTHER: &str = "202";

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}+08:00").parse().unwrap()
}

fn id(n: u8) -> AppointmentId {
    AppointmentId::from_bytes([n; 10])
}

fn policy() -> QueuePolicy {
    QueuePolicy::default()
}

fn clinic() -> Clinic {
    Clinic {
        id: "20261123-am-NK-pool".parse().unwrap(),
        date: date(2026, 11, 23),
        period: crate::clinic::Period::Morning,
        department: "NK".parse().unwrap(),
        department_name: "内科".into(),
        doctor: None,
        doctor_name: String::new(),
        doctor_title: String::new(),
        kind: ClinicKind::Ordinary,
        fee: crate::money::Fen::ZERO,
        room: ROOM.into(),
        campus: "本部".into(),
        queue_group: None,
        release_at: Timestamp::UNIX_EPOCH,
        state: crate::clinic::ClinicState::Open,
    }
}

fn booked(n: u8, start: &str) -> Booked {
    Booked {
        appointment: id(n),
        patient: PatientId::from_bytes([n; 10]),
        number: u16::from(n),
        start: start.parse().unwrap(),
    }
}

fn arrival(n: u8, start: &str, priority: Priority) -> Command {
    Command::Arrive(Arrival { booked: booked(n, start), name_masked: "林*".into(), priority })
}

fn queue() -> Queue {
    Queue::open(&clinic(), at("08:00:00")).unwrap()
}

struct Day(Queue, Timestamp);

impl Day {
    fn new() -> Self {
        Self(queue(), at("08:00:00"))
    }

    fn at(&mut self, text: &str) -> &mut Self {
        self.1 = at(text);
        self
    }

    fn go(&mut self, command: &Command) -> Result<&mut Self, QueueError> {
        self.0 = self.0.after(command, &policy(), self.1)?;
        Ok(self)
    }

    fn come(&mut self, n: u8, start: &str) -> &mut Self {
        self.go(&arrival(n, start, Priority::None)).unwrap()
    }

    /// Calls, and whoever was in the room is done.
    fn next(&mut self) -> Option<u16> {
        if let Some(entry) = self.0.in_room(ROOM).map(|entry| entry.appointment.clone()) {
            self.go(&Command::Finish(entry)).unwrap();
        }
        match self.go(&Command::CallNext { room: ROOM.into() }) {
            Ok(day) => day.0.in_room(ROOM).map(|entry| entry.number),
            Err(QueueError::Empty) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn miss(&mut self) -> &mut Self {
        let called = self.0.in_room(ROOM).unwrap().appointment.clone();
        self.go(&Command::Miss(called)).unwrap()
    }

    fn line(&self) -> Vec<u16> {
        line::line(&self.0, &policy()).iter().map(|entry| entry.number).collect()
    }
}

#[test]
fn slot_first_then_priority_then_check_in() {
    let mut day = Day::new();
    day.come(5, "0830").come(3, "0800").at("08:00:01").come(2, "0800");
    day.go(&arrival(9, "0830", Priority::Elder)).unwrap();
    day.go(&arrival(8, "0900", Priority::Emergency)).unwrap();
    assert_eq!(day.line(), [8, 3, 2, 9, 5]);
}

#[test]
fn who_comes_late_goes_by_check_in_in_the_present_slot() {
    let mut day = Day::new();
    day.come(5, "0830").at("08:40:00").come(1, "0800").come(6, "0830");
    assert_eq!(day.line(), [5, 1, 6]);
}

#[test]
fn a_missed_one_comes_up_after_three_others_and_twice_at_most() {
    let mut day = Day::new();
    for n in 1..=9 {
        day.come(n, "0800");
    }
    assert_eq!(day.next(), Some(1));
    day.miss();
    assert_eq!(day.line(), [2, 3, 4, 1, 5, 6, 7, 8, 9]);
    assert_eq!([day.next(), day.next(), day.next(), day.next()], [Some(2), Some(3), Some(4), Some(1)]);
    day.miss();
    assert_eq!([day.next(), day.next(), day.next(), day.next()], [Some(5), Some(6), Some(7), Some(1)]);
    day.miss();
    assert_eq!(day.0.entry(&id(1)).unwrap().stage, Stage::Missed);
    day.go(&Command::Return(id(1))).unwrap().come(10, "0800");
    assert_eq!(day.line(), [8, 9, 10, 1]);
}

#[test]
fn who_was_sent_home_before_they_came_checks_in_as_anybody_else() {
    let mut day = Day::new();
    day.0 = day.0.clone().with_roster(&[booked(1, "0800"), booked(2, "0800")], day.1);
    day.come(2, "0800").go(&Command::Leave(id(1))).unwrap().go(&Command::Leave(id(2))).unwrap();
    let refused = |day: &mut Day, command: &Command| day.go(command).map(|_| ()).unwrap_err();
    let left = QueueError::NotFrom(Box::new(Stage::Left));
    assert_eq!(refused(&mut day, &Command::Return(id(1))), left, "their visit knows of no check-in");
    assert_eq!(refused(&mut day, &arrival(2, "0800", Priority::None)), left, "who was here comes again");
    day.come(1, "0800").go(&Command::Return(id(2))).unwrap();
    assert_eq!(day.line(), [1, 2]);
}

#[test]
fn with_fewer_than_three_others_a_missed_one_comes_up_when_nobody_is_left() {
    let mut day = Day::new();
    day.come(1, "0800").come(2, "0800");
    day.next();
    day.miss();
    assert_eq!([day.next(), day.next(), day.next()], [Some(2), Some(1), None]);
}

#[test]
fn results_come_in_between() {
    let mut day = Day::new();
    for n in 1..=6 {
        day.come(n, "0800");
    }
    day.next();
    day.next();
    day.next();
    day.go(&Command::Finish(id(3))).unwrap();
    day.go(&Command::BackWithResults(id(1))).unwrap().go(&Command::BackWithResults(id(2))).unwrap();
    assert_eq!(day.line(), [1, 4, 2, 5, 6]);
}

#[test]
fn three_calls_a_minute_apart_are_a_miss() {
    let mut day = Day::new();
    day.come(1, "0800").come(2, "0800").next();
    let again = Command::CallAgain(id(1));
    let ver = day.0.ver;
    day.at("08:00:10").go(&again).unwrap();
    assert!(matches!(day.0.entry(&id(1)).unwrap().stage, Stage::Called { times: 1, .. }));
    assert_eq!(day.0.last_call.as_ref().unwrap().ver, ver + 1);
    day.at("08:01:00").go(&again).unwrap().at("08:02:00").go(&again).unwrap();
    assert!(matches!(day.0.entry(&id(1)).unwrap().stage, Stage::Called { times: 3, .. }));
    day.at("08:03:00").go(&again).unwrap();
    assert_eq!(day.0.entry(&id(1)).unwrap().turn, Turn::Behind(3));
}

#[test]
fn two_rooms_never_call_the_same_one() {
    let mut day = Day::new();
    day.come(1, "0800").come(2, "0800");
    day.go(&Command::OpenRoom { room: OTHER.into(), doctor: "普通门诊".into() }).unwrap();
    day.next();
    day.go(&Command::CallNext { room: OTHER.into() }).unwrap();
    assert_eq!(day.0.in_room(OTHER).unwrap().number, 2);
    assert_eq!(day.go(&Command::CallNext { room: ROOM.into() }).err(), Some(QueueError::RoomTaken(id(1))));
    assert_eq!(day.go(&Command::CloseRoom { room: OTHER.into() }).err(), Some(QueueError::RoomTaken(id(2))));
}

#[test]
fn rooms_pause_move_and_change_doctors() {
    let mut day = Day::new();
    day.come(1, "0800").come(2, "0800").next();
    day.go(&Command::MoveRoom { from: ROOM.into(), to: OTHER.into() }).unwrap();
    assert_eq!(day.0.in_room(OTHER).unwrap().number, 1);
    day.go(&Command::Substitute { room: OTHER.into(), doctor: "李明 主任医师".into() }).unwrap();
    day.go(&Command::Finish(id(1))).unwrap();
    day.go(&Command::Pause { room: OTHER.into(), reason: "医生抢救病人".into() }).unwrap();
    assert_eq!(day.go(&Command::CallNext { room: OTHER.into() }).err(), Some(QueueError::Paused));
    let waiting = day.0.entry(&id(2)).unwrap().clone();
    assert_eq!(day.0.estimate(&waiting, &policy(), day.1).unwrap().minutes, None);
    day.go(&Command::Resume { room: OTHER.into() }).unwrap();
    assert_eq!(day.go(&Command::CloseRoom { room: OTHER.into() }).err(), Some(QueueError::LastRoom));
    let empty = Command::Pause { room: OTHER.into(), reason: "  ".into() };
    assert_eq!(day.go(&empty).err(), Some(QueueError::Words));
}

#[test]
fn calling_belongs_to_the_hospital_when_it_says_so_and_to_the_day() {
    let his = QueuePolicy { owner: QueueOwner::His, ..policy() };
    let arrived = queue().after(&arrival(1, "0800", Priority::None), &his, at("08:00:00")).unwrap();
    let next = Command::CallNext { room: ROOM.into() };
    assert_eq!(arrived.after(&next, &his, at("08:00:00")), Err(QueueError::OwnedByHis));
    let tomorrow = "2026-11-24T09:00:00+08:00".parse().unwrap();
    assert_eq!(arrived.after(&next, &policy(), tomorrow), Err(QueueError::Over));
}

#[test]
fn the_roster_adds_who_booked_and_forgets_who_cancelled_before_coming() {
    let seen = queue().with_roster(&[booked(1, "0800"), booked(2, "0830")], at("07:00:00"));
    let seen = seen.after(&arrival(1, "0800", Priority::None), &policy(), at("07:50:00")).unwrap();
    let later = seen.with_roster(&[booked(3, "0900")], at("08:00:00"));
    let numbers: Vec<_> = later.entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn groups_share_a_queue_on_one_day_and_part_of_it() {
    let group = "NK1".parse().unwrap();
    let of = |id: &str| QueueId::of(&id.parse().unwrap(), Some(&group)).unwrap();
    assert_eq!(of("20261123-am-NK-pool"), of("20261123-am-NK-D-7"));
    assert_ne!(of("20261123-am-NK-pool"), of("20261123-pm-NK-pool"));
    assert_eq!(clinic().queue_id().unwrap().as_str(), clinic().id.as_str());
}

#[test]
fn the_first_two_visits_are_waited_for_before_the_pace_counts() {
    let mut day = Day::new();
    for n in 1..=8 {
        day.come(n, "0800");
    }
    let of = |day: &Day, n| day.0.estimate(day.0.entry(&id(n)).unwrap(), &policy(), day.1).unwrap();
    assert!(of(&day, 8).is_rough);
    for clock in ["08:00:00", "08:20:00", "08:40:00"] {
        day.at(clock).next();
    }
    let slow = of(&day, 8);
    assert_eq!((slow.ahead, slow.is_rough), (4, false));
    // Twenty minutes each, not the six such clinics usually take.
    assert!(slow.minutes.unwrap().to >= 80, "{slow:?}");
    day.at("10:00:00");
    assert!(of(&day, 8).minutes.unwrap().to > slow.minutes.unwrap().to, "the visit in progress counts");
}

#[test]
fn before_the_session_the_wait_includes_the_time_until_it_begins() {
    let day = queue().with_roster(&[booked(1, "0830")], at("07:00:00"));
    let wait = day.estimate(&day.entries[0], &policy(), at("07:00:00")).unwrap();
    assert_eq!(wait.minutes, Some(Minutes { from: 90, to: 100 }));
    assert!(day.near(&policy(), at("07:00:00"), 9).is_empty());
    assert_eq!(day.near(&policy(), at("08:00:00"), 9).len(), 1);
}

#[test]
fn a_queue_that_runs_early_reminds_once_whatever_follows() {
    let bookings: Vec<_> = (1..=12).map(|n| booked(n, if n < 7 { "0800" } else { "0930" })).collect();
    let mut day = Day(queue().with_roster(&bookings, at("07:30:00")), at("08:00:00"));
    day.come(1, "0800");
    let near = |day: &Day, clock| -> Vec<u16> {
        day.0.near(&policy(), at(clock), 16).iter().map(|entry| entry.number).collect()
    };
    assert_eq!(near(&day, "08:00:00"), [1, 2, 3, 4, 5, 6], "who may not check in yet is not called here");
    // By half past eight the first slot is over and its people are not here: nobody is before those of half past nine.
    day.0 = day.0.with_reminded(&[id(1), id(7)]);
    let later = near(&day, "08:31:00");
    assert!(later.contains(&8) && !later.contains(&1) && !later.contains(&7), "{later:?}");
}

#[test]
fn an_emergency_lengthens_the_wait() {
    let mut day = Day::new();
    for n in 1..=4 {
        day.come(n, "0800");
    }
    let wait = |day: &Day| day.0.estimate(day.0.entry(&id(4)).unwrap(), &policy(), day.1).unwrap();
    let before = wait(&day);
    day.go(&arrival(40, "0900", Priority::Emergency)).unwrap();
    let after = wait(&day);
    assert_eq!(after.ahead, before.ahead + 1);
    assert!(after.minutes.unwrap().to >= before.minutes.unwrap().to);
}

#[test]
fn the_hospital_tells_who_is_called() {
    let mut day = Day::new();
    day.come(1, "0800").come(2, "0800").come(3, "0800");
    let told = |n, stage| snapshot::Told { appointment: id(n), stage };
    let said = [
        told(3, snapshot::ToldStage::Called { room: OTHER.into(), times: 1 }),
        told(2, snapshot::ToldStage::Waiting),
        told(1, snapshot::ToldStage::Waiting),
        told(99, snapshot::ToldStage::Waiting),
    ];
    let after = day.0.told(&said, at("08:05:00")).unwrap();
    assert_eq!((after.ver, after.in_room(OTHER).unwrap().number), (day.0.ver + 1, 3));
    assert_eq!(line::line(&after, &policy()).iter().map(|entry| entry.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(after.told(&said, at("08:06:00")), None, "a repeat is no new version");
}

#[test]
fn a_queue_of_forty_is_a_few_kilobytes() {
    let mut day = Day::new();
    for n in 1..=40 {
        day.come(n, "0800");
    }
    let json = serde_json::to_string(&day.0).unwrap();
    assert!(json.len() < 7_000, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<Queue>(&json).unwrap(), day.0);
}

fn any_command() -> impl Strategy<Value = Command> {
    let room = prop_oneof![3 => Just(ROOM), 1 => Just(OTHER)].prop_map(str::to_owned);
    let who = (1..12_u8).prop_map(id);
    let start = prop_oneof![Just("0800"), Just("0830"), Just("0900")];
    let priority = prop_oneof![6 => Just(Priority::None), 2 => Just(Priority::Elder), 1 => Just(Priority::Emergency)];
    prop_oneof![
        6 => (1..12_u8, start, priority.clone()).prop_map(|(n, start, priority)| arrival(n, start, priority)),
        6 => room.clone().prop_map(|room| Command::CallNext { room }),
        4 => who.clone().prop_map(Command::Finish),
        3 => who.clone().prop_map(Command::Miss),
        1 => who.clone().prop_map(Command::Enter),
        2 => who.clone().prop_map(Command::CallAgain),
        2 => who.clone().prop_map(Command::Return),
        2 => who.clone().prop_map(Command::BackWithResults),
        1 => who.clone().prop_map(Command::Leave),
        1 => (room.clone(), who.clone()).prop_map(|(room, appointment)| Command::Call { room, appointment }),
        1 => (who, priority).prop_map(|(appointment, priority)| Command::Prioritise { appointment, priority }),
        1 => Just(Command::OpenRoom { room: OTHER.into(), doctor: "张".into() }),
        1 => room.clone().prop_map(|room| Command::Pause { room, reason: "休息".into() }),
        2 => room.prop_map(|room| Command::Resume { room }),
    ]
}

proptest! {
    /// Whatever is asked: nobody is lost or doubled, no room has two and nobody is in two rooms, each change is one
    /// version, and who is called is the first of the line.
    #[test]
    fn the_queue_keeps_its_people(commands in prop::collection::vec((any_command(), 0..120_i64), 0..120)) {
        let mut queue = queue();
        let mut now = at("08:00:00");
        for (command, seconds) in commands {
            now = time::add_seconds(now, seconds);
            let first = line::line(&queue, &policy()).first().map(|entry| entry.appointment.clone());
            let Ok(after) = queue.after(&command, &policy(), now) else { continue };
            prop_assert_eq!(after.ver, queue.ver + 1);
            let ids: BTreeSet<_> = after.entries.iter().map(|entry| entry.appointment.clone()).collect();
            prop_assert_eq!(ids.len(), after.entries.len());
            prop_assert!(queue.entries.iter().all(|entry| ids.contains(&entry.appointment)));
            for room in &after.rooms {
                let inside = after.entries.iter().filter(|e| e.stage.room().is_some_and(|(name, _)| name == room.name));
                prop_assert!(inside.count() <= 1);
            }
            if let Command::CallNext { room } = &command {
                prop_assert_eq!(after.in_room(room).map(|entry| entry.appointment.clone()), first);
            }
            let waiting = after.entries.iter().filter(|entry| entry.is_waiting()).count();
            prop_assert_eq!(line::line(&after, &policy()).len(), waiting);
            let mut turned = after.clone();
            turned.entries.reverse();
            prop_assert_eq!(line::line(&after, &policy()), line::line(&turned, &policy()));
            queue = after;
        }
    }

    /// Once the half hour of somebody's slot is over, ordinary people and those with priority who come later are never
    /// called before them, however many come.
    #[test]
    fn nobody_with_priority_overtakes_who_is_overdue(later in prop::collection::vec((20..60_u8, any::<bool>()), 1..30)) {
        let mut day = Day::new();
        day.come(1, "0800").come(2, "0800").at("08:30:00");
        for (n, elder) in later {
            let priority = if elder { Priority::Elder } else { Priority::None };
            let _ = day.go(&arrival(n, "0800", priority));
        }
        prop_assert_eq!(&day.line()[..2], &[1, 2]);
    }

    /// However often people miss their turn, everybody who is there is called within so many calls.
    #[test]
    fn who_is_there_is_called_in_the_end(absent in prop::collection::btree_set(1..10_u8, 0..9)) {
        let mut day = Day::new();
        for n in 1..=10 {
            day.come(n, "0800");
        }
        let mut calls = 0;
        while let Some(number) = day.next() {
            calls += 1;
            prop_assert!(calls <= 10 * (1 + usize::from(policy().missed_max)));
            if absent.contains(&u8::try_from(number).unwrap()) {
                day.miss();
            }
        }
        let missed = day.0.entries.iter().filter(|entry| entry.stage == Stage::Missed).count();
        prop_assert_eq!(missed, absent.len());
    }

    /// More people ahead never make a wait shorter, and no wait is negative.
    #[test]
    fn a_wait_grows_with_those_ahead(
        served in prop::collection::vec(30..4_000_u16, 0..30), waiting in 1..60_u8, elapsed_s in 0..3_000_i64,
    ) {
        let mut day = Day::new();
        day.0.served_s = served;
        day.come(100, "0800").next();
        day.1 = time::add_seconds(day.1, elapsed_s);
        for n in 1..=waiting {
            day.come(n, "0800");
        }
        let of = |n| day.0.estimate(day.0.entry(&id(n)).unwrap(), &policy(), day.1).unwrap();
        let waits: Vec<_> = (1..=waiting).map(|n| of(n).minutes.unwrap()).collect();
        prop_assert!(waits.iter().all(|wait| wait.from < wait.to));
        prop_assert!(waits.windows(2).all(|pair| pair[0].from <= pair[1].from && pair[0].to <= pair[1].to), "{waits:?}");
    }
}
