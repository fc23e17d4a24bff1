//! A morning: who comes, who is called, who misses the turn.

use crate::world::{Answer, Browser, TODAY, World};
use domain::appointment::State;
use domain::clinic::{Clinic, Period};
use domain::id::ClinicId;
use domain::staff::Role;
use lambda_http::http::Method;

async fn here(world: &World, nurse: &Browser, start: &str) -> domain::appointment::Appointment {
    let booked = world.book(start).await;
    world.later(1);
    let answer = Box::pin(world.check_in(nurse, &booked.key().to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    booked
}

#[tokio::test]
async fn from_the_door_to_the_end_of_the_visit() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let (first, second, third) =
        (here(&world, &nurse, "0900").await, here(&world, &nurse, "0900").await, here(&world, &nurse, "0930").await);
    let queue = world.get(&nurse, &world.queue_path()).await;
    let mut early = [first.place.number, second.place.number].map(u64::from);
    early.sort_unstable();
    assert_eq!(queue.numbers("waiting").len(), 3);
    assert_eq!(*queue.numbers("waiting").last().unwrap(), u64::from(third.place.number), "slot before check-in");

    let called = world.deed(&nurse, "call_next", &[]).await;
    assert_eq!(called.in_room(0), Some(u64::from(first.place.number)));
    let taken = world.deed(&nurse, "call_next", &[]).await;
    assert_eq!((taken.status, taken.code()), (409, "room_taken"));

    let id = first.id.to_string();
    world.deed(&nurse, "call_again", &[("appointment", &id)]).await;
    let missed = world.deed(&nurse, "miss", &[("appointment", &id)]).await;
    assert_eq!(missed.in_room(0), None);
    assert_eq!(missed.body["waiting"].as_array().unwrap().last().unwrap()["turn"], "过号");

    let called = world.deed(&nurse, "call_next", &[]).await;
    assert_eq!(called.in_room(0), Some(u64::from(second.place.number)));
    let id = second.id.to_string();
    let entered = world.deed(&nurse, "enter", &[("appointment", &id)]).await;
    assert_eq!(entered.body["rooms"][0]["calls"], serde_json::Value::Null);
    world.later(300);
    let finished = world.deed(&nurse, "finish_next", &[("appointment", &id)]).await;
    assert_eq!(finished.numbers("done"), [u64::from(second.place.number)]);
    assert!(finished.in_room(0).is_some(), "{}", finished.text);
    let state = world.table().appointment(&second.key()).await.unwrap().unwrap().state;
    assert_eq!(state, State::Fulfilled);

    let back = world.deed(&nurse, "results", &[("appointment", &id)]).await;
    assert!(back.numbers("waiting").contains(&u64::from(second.place.number)));
    for deed in ["call_next", "call_again", "miss", "enter", "finish_next", "results", "check_in"] {
        assert!(world.deeds().await.contains(&format!("nurse {deed}")), "{deed}: {:?}", world.deeds().await);
    }
}

#[tokio::test]
async fn who_stays_away_too_often_is_brought_back_by_hand() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let booked = here(&world, &nurse, "0900").await;
    let id = booked.id.to_string();
    let times = world.profile().await.queue.missed_max + 1;
    let mut answer = None;
    for _ in 0..times {
        world.deed(&nurse, "call_next", &[]).await;
        answer = Some(world.deed(&nurse, "miss", &[("appointment", &id)]).await);
    }
    let number = u64::from(booked.place.number);
    assert_eq!(answer.unwrap().numbers("missed"), [number]);
    assert_eq!(world.deed(&nurse, "return", &[("appointment", &id)]).await.numbers("waiting"), [number]);
    assert_eq!(world.deed(&nurse, "leave", &[("appointment", &id)]).await.numbers("left"), [number]);
    let twice = world.deed(&nurse, "leave", &[("appointment", &id)]).await;
    assert_eq!((twice.status, twice.code()), (409, "queue_moved"));
}

#[tokio::test]
async fn priorities_pauses_and_rooms() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let (_, second) = (here(&world, &nurse, "0900").await, here(&world, &nurse, "0930").await);
    let id = second.id.to_string();
    let urgent = world.deed(&nurse, "prioritise", &[("appointment", &id), ("priority", "emergency")]).await;
    assert_eq!(urgent.numbers("waiting")[0], u64::from(second.place.number));
    assert_eq!(urgent.body["waiting"][0]["badge"], "急诊");
    assert_eq!(world.deed(&nurse, "pause", &[("words", "医生查房")]).await.body["rooms"][0]["paused"], "医生查房");
    assert_eq!(world.deed(&nurse, "call_next", &[]).await.code(), "room_paused");
    assert_eq!(world.deed(&nurse, "pause", &[]).await.code(), "bad_words");
    world.deed(&nurse, "resume", &[]).await;
    let two = world.deed(&nurse, "open_room", &[("to", "202 诊室"), ("words", "李明")]).await;
    assert_eq!(two.body["rooms"].as_array().unwrap().len(), 2);
    let fields = [("deed", "call_next"), ("room", "202 诊室")];
    let called = world.post(&nurse, &format!("{}/queue", world.queue_path()), &fields).await;
    assert_eq!(called.in_room(1), Some(u64::from(second.place.number)));
    let moved = world.deed(&nurse, "move_room", &[("to", "203 诊室")]).await;
    assert_eq!(moved.body["rooms"][0]["name"], "203 诊室");
}

#[tokio::test]
async fn a_request_sent_twice_takes_effect_once() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    here(&world, &nurse, "0900").await;
    here(&world, &nurse, "0900").await;
    let path = format!("{}/queue", world.queue_path());
    let fields = [("deed", "call_next"), ("room", world.clinic.room.as_str())];
    let once = world.post_keyed(&nurse, &path, &fields, "the-same-key-0001").await;
    let twice = world.post_keyed(&nurse, &path, &fields, "the-same-key-0001").await;
    assert_eq!((once.status, twice.status), (200, 200), "{}", twice.text);
    assert_eq!(once.body["ver"], twice.body["ver"]);
    let id = once.body["rooms"][0]["current"]["id"].as_str().unwrap().to_owned();
    let other_wish = [("deed", "miss"), ("room", world.clinic.room.as_str()), ("appointment", id.as_str())];
    assert_eq!(world.post_keyed(&nurse, &path, &other_wish, "the-same-key-0001").await.in_room(0), None);
    let bare = world.submit(&nurse, &path, &[("deed", "undo")]).await;
    assert_eq!(bare.status, 400);
}

#[tokio::test]
async fn a_form_without_script_leads_back_to_the_room() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let booked = world.book("0900").await;
    let path = world.queue_path();
    let here = world.submit(&nurse, &format!("{path}/check-in"), &[("who", &booked.key().to_string())]).await;
    assert_eq!((here.status, here.header("location")), (303, path.as_str()));
    let fields = [("deed", "call_next"), ("room", world.clinic.room.as_str())];
    let called = world.submit(&nurse, &format!("{path}/queue"), &fields).await;
    assert_eq!(called.status, 303);
    assert_eq!(called.header("location"), format!("{path}?room=201%20%E8%AF%8A%E5%AE%A4"));
    let page = world.page(&nurse, called.header("location")).await;
    assert!(page.text.contains(&format!("{} 号", booked.place.number)) && page.text.contains("重叫"), "{}", page.text);
}

#[tokio::test]
async fn whoever_comes_is_known_by_card_code_number_or_name() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    let booked = world.book_for(&lin, &world.clinic, "0900").await;
    let by_card = world.check_in(&nurse, "8800000001").await;
    assert_eq!(by_card.body["said"], format!("{} 号 林*梅 已报到", booked.place.number), "{}", by_card.text);
    assert_eq!(by_card.numbers("waiting"), [u64::from(booked.place.number)]);
    let again = world.check_in(&nurse, "8800000001").await;
    assert_eq!((again.status, again.numbers("waiting").len()), (200, 1), "coming twice is coming once");

    let second = world.book("0900").await;
    let full_width: String = second.place.number.to_string().chars().map(full_width).collect();
    let by_number = world.check_in(&nurse, &full_width).await;
    assert_eq!(by_number.numbers("waiting").len(), 2, "{full_width}: {}", by_number.text);

    let third = world.book("0930").await;
    let by_name = world.check_in(&nurse, "林晓梅").await;
    let choices = by_name.body["choices"].as_array().unwrap();
    assert_eq!((choices.len(), choices[0]["number"].as_u64()), (1, Some(third.place.number.into())));
    let chosen = world.check_in(&nurse, choices[0]["appointment"].as_str().unwrap()).await;
    assert_eq!(chosen.numbers("waiting").len(), 3);

    let fourth = world.book("0930").await;
    let code = format!("https://desk.example.com/appointments/{}", fourth.key());
    assert_eq!(world.check_in(&nurse, &code).await.numbers("waiting").len(), 4);
    for nobody in ["8800000009", "99", "王小明", "?", &"x".repeat(300)] {
        let answer = world.check_in(&nurse, nobody).await;
        assert_eq!((answer.status, answer.code()), (404, "nobody_found"), "{nobody}");
    }
}

/// As a keyboard left in Chinese types a digit.
fn full_width(digit: char) -> char {
    char::from_u32(u32::from(digit) + 0xFEE0).unwrap()
}

#[tokio::test]
async fn a_priority_given_with_a_name_stays_when_the_person_is_chosen() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    here(&world, &nurse, "0900").await;
    let booked = world.book("0900").await;
    let room = "?room=201%20%E8%AF%8A%E5%AE%A4";
    let check_in = format!("{}/check-in{room}", world.queue_path());
    let choices = world.submit(&nurse, &check_in, &[("who", "林晓梅"), ("priority", "military")]).await;
    for kept in [&check_in, &format!("{}{room}", world.queue_path()), "name=\"priority\" value=\"military\""] {
        assert!(choices.text.contains(kept), "{kept}: {}", choices.text);
    }
    let chosen = [("who", &*booked.key().to_string()), ("priority", "military")];
    let here = world.submit(&nurse, &check_in, &chosen).await;
    assert_eq!(here.header("location"), format!("{}{room}", world.queue_path()));
    let queue = world.get(&nurse, &world.queue_path()).await;
    assert_eq!(queue.body["waiting"][0]["number"], booked.place.number, "{}", queue.text);
}

#[tokio::test]
async fn old_age_goes_first_without_being_asked_for() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    here(&world, &nurse, "0900").await;
    // Eighty this year.
    let old = world.person("周建国", "110105194601150014", "8800000002").await;
    let booked = world.book_for(&old, &world.clinic, "0900").await;
    let answer = world.check_in(&nurse, "8800000002").await;
    assert_eq!(answer.numbers("waiting")[0], u64::from(booked.place.number), "{}", answer.text);
    assert_eq!(answer.body["waiting"][0]["badge"], "优先");
}

#[tokio::test]
async fn the_wrong_desk_says_which_is_right() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let department = "SNK".parse().unwrap();
    let elsewhere = Clinic {
        id: ClinicId::of(TODAY, Period::Morning, &department, None).unwrap(),
        department,
        department_name: "神经内科".into(),
        room: "501 诊室".into(),
        ..world.clinic.clone()
    };
    world.add(&elsewhere, &["0900"], 3).await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    let booked = world.book_for(&lin, &elsewhere, "0900").await;
    for who in ["8800000001".to_owned(), booked.key().to_string()] {
        let answer = world.check_in(&nurse, &who).await;
        assert_eq!((answer.status, answer.code()), (409, "wrong_desk"));
        assert!(answer.text.contains("神经内科") && answer.text.contains("501 诊室"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_screen_that_asks_again_is_told_only_what_changed() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let path = world.queue_path();
    let first = world.get(&nurse, &path).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let headers = [("accept", "application/json"), ("if-none-match", tag.as_str())];
    let again = world.send(Method::GET, &path, Some(&nurse), &headers, "").await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    here(&world, &nurse, "0900").await;
    let changed = world.send(Method::GET, &path, Some(&nurse), &headers, "").await;
    assert_eq!(changed.status, 200);
    assert!(changed.body["ver"].as_u64() > first.body["ver"].as_u64());
}

#[tokio::test]
async fn who_takes_a_number_later_is_expected_within_a_minute() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    assert!(world.get(&nurse, &world.queue_path()).await.numbers("expected").is_empty());
    let booked = world.book("0930").await;
    world.later(60);
    let seen = world.get(&nurse, &world.queue_path()).await;
    assert_eq!(seen.numbers("expected"), [u64::from(booked.place.number)]);
    world.later(59);
    assert_eq!(world.get(&nurse, &world.queue_path()).await.body["ver"], seen.body["ver"], "one write a minute");
}

#[tokio::test]
async fn another_day_has_no_queue_and_ones_own_clinics_come_first() {
    let world = World::open().await;
    let doctor = world.browser("doctor", &[Role::Doctor]).await;
    let tomorrow = domain::time::add_days(TODAY, 1);
    let later = Clinic {
        id: ClinicId::of(tomorrow, Period::Morning, &world.clinic.department, None).unwrap(),
        date: tomorrow,
        ..world.clinic.clone()
    };
    world.add(&later, &["0900"], 1).await;
    let answer = world.get(&doctor, &format!("/desk/clinics/{}", later.id)).await;
    assert_eq!((answer.status, answer.code()), (409, "not_today"));
    let department = "AAA".parse().unwrap();
    let own = Clinic {
        id: ClinicId::of(TODAY, Period::Afternoon, &world.clinic.department, Some(&"D1".parse().unwrap())).unwrap(),
        period: Period::Afternoon,
        doctor: Some("D1".parse().unwrap()),
        ..world.clinic.clone()
    };
    let other = Clinic {
        id: ClinicId::of(TODAY, Period::Morning, &department, None).unwrap(),
        department,
        ..world.clinic.clone()
    };
    world.add(&own, &["1400"], 1).await;
    world.add(&other, &["0900"], 1).await;
    let login = "doctor".parse().unwrap();
    let change =
        |seen: &domain::staff::StaffAccount| domain::staff::StaffAccount { doctor: own.doctor.clone(), ..seen.clone() };
    world.table().change_staff_account(&login, change).await.unwrap();
    let board = world.get(&doctor, "/desk").await;
    let first = &board.body["clinics"][0];
    assert_eq!((first["clinic"].as_str(), first["own"].as_bool()), (Some(own.id.as_str()), Some(true)));
    assert_eq!(board.body["clinics"].as_array().unwrap().len(), 3);
}

fn assert_masked(answer: &Answer) {
    for clear in ["林晓梅", "11010519491231002X", "19900000001"] {
        assert!(!answer.text.contains(clear), "{}", answer.text);
    }
}

#[tokio::test]
async fn nothing_clear_is_shown_or_noted() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    world.book_for(&lin, &world.clinic, "0900").await;
    assert_masked(&world.check_in(&nurse, "8800000001").await);
    assert_masked(&world.page(&nurse, &world.queue_path()).await);
    assert_masked(&world.get(&nurse, &format!("/desk/people/{lin}")).await);
}
