use super::*;

const URL: &str = "https://desk.example.com";
const NOW: &str = "2026-11-22T04:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn scenes() -> SceneKey {
    SceneKey::new([7; 32])
}

/// The profile the demo hospital is deployed with.
fn profile() -> HospitalProfile {
    serde_json::from_str(include_str!("../../../../infra/hospital/profile.json")).unwrap()
}

fn decided(kind: &Kind) -> Option<Answer> {
    decide(kind, &profile(), &scenes())
}

fn written(content: &str) -> Answer {
    decided(&Kind::Message(Message::Text { content: content.into(), menu_id: None })).unwrap()
}

fn paths(answer: &Answer) -> Vec<&str> {
    answer.links.iter().map(|link| link.path.as_str()).collect()
}

fn followed(scene: Option<&str>) -> Answer {
    decided(&Kind::Event(Event::Subscribe { scene: scene.map(str::to_owned), ticket: None })).unwrap()
}

fn scanned(scene: &str) -> Answer {
    decided(&Kind::Event(Event::Scan { scene: scene.into(), ticket: None })).unwrap()
}

#[test]
fn words_lead_to_pages_and_the_first_match_wins() {
    let cases = [
        ("我要挂号", vec!["/booking"], false),
        ("  怎么退号？ ", vec!["/appointments"], true),
        ("我的号呢", vec!["/appointments"], true),
        ("电话多少", vec!["/guide"], false),
        ("化验报告在哪看", vec!["/reports"], false),
        // An emergency comes before everything else it names.
        ("胸痛，想挂号，我的号呢", vec![], false),
    ];
    for (content, links, with_numbers) in cases {
        let answer = written(content);
        assert_eq!((paths(&answer), answer.with_numbers), (links, with_numbers), "{content}");
    }
    assert!(written("胸痛").text.contains("120"));
}

#[test]
fn what_nothing_matches_gets_the_fallback() {
    for content in ["", "   ", "xyzzy", "👋"] {
        assert_eq!(written(content).text, profile().fallback, "{content}");
    }
}

#[test]
fn own_numbers_are_understood_whatever_the_profile_says() {
    let bare = HospitalProfile { replies: Vec::new(), ..profile() };
    for content in OWN_NUMBERS_WORDS {
        let kind = Kind::Message(Message::Text { content: content.into(), menu_id: None });
        assert!(decide(&kind, &bare, &scenes()).unwrap().with_numbers, "{content}");
    }
}

#[test]
fn an_empty_word_matches_nothing() {
    let mut profile = profile();
    profile.replies[0].words = vec![String::new()];
    let kind = Kind::Message(Message::Text { content: "xyzzy".into(), menu_id: None });
    assert_eq!(decide(&kind, &profile, &scenes()).unwrap().text, profile.fallback);
}

#[test]
fn a_recognised_voice_is_text_and_everything_else_is_told_that_only_text_is_read() {
    let voice = |recognition: Option<&str>| Message::Voice {
        media_id: "m".into(),
        format: "amr".into(),
        recognition: recognition.map(str::to_owned),
    };
    assert_eq!(decided(&Kind::Message(voice(Some("我要挂号")))), Some(written("我要挂号")));
    let place =
        wechat::message::Place { latitude: "1".into(), longitude: "2".into(), scale: "3".into(), label: "x".into() };
    let unreadable = [
        voice(None),
        Message::Image { pic_url: "p".into(), media_id: "m".into() },
        Message::Video { media_id: "m".into(), thumb_media_id: "t".into() },
        Message::ShortVideo { media_id: "m".into(), thumb_media_id: "t".into() },
        Message::Location(place),
        Message::Link { title: "t".into(), description: "d".into(), url: "u".into() },
    ];
    for message in unreadable {
        let answer = decided(&Kind::Message(message.clone())).unwrap();
        assert!(answer.text.starts_with(TEXT_ONLY) && !answer.with_numbers, "{message:?}");
    }
}

#[test]
fn a_key_is_answered_by_key_only() {
    let click = |key: &str| decided(&Kind::Event(Event::Click { key: key.into() })).unwrap();
    assert!(click("help_cancel").with_numbers);
    assert_eq!(paths(&click("help_contact")), ["/guide"]);
    assert_eq!(click("挂号").text, profile().fallback);
    let scanned =
        wechat::message::Scanned { key: "help_contact".into(), scan_type: "qrcode".into(), result: "x".into() };
    assert_eq!(decided(&Kind::Event(Event::ScanCodeWait(scanned))), Some(click("help_contact")));
}

#[test]
fn a_signed_scene_leads_to_its_page_and_any_other_is_a_plain_welcome() {
    let sign = |payload: &str| scenes().sign(payload).unwrap();
    let good = [
        ("clinic:20261123-am-NK-pool", "/clinics/20261123-am-NK-pool"),
        ("dept:NK", "/booking/NK"),
        ("desk", "/appointments"),
    ];
    for (payload, path) in good {
        assert_eq!(paths(&followed(Some(&sign(payload))))[0], path, "{payload}");
        assert_eq!(paths(&scanned(&sign(payload)))[0], path, "{payload}");
    }
    let plain = followed(None);
    assert_eq!(paths(&plain), ["/booking", "/appointments", "/bills", "/patients"]);
    let forged = SceneKey::new([8; 32]).sign("dept:NK").unwrap();
    for scene in [&forged, "dept:NK", "", &sign("dept"), &sign("other:NK"), &sign("dept:"), &sign("desk:1")] {
        assert_eq!(followed(Some(scene)), plain, "{scene}");
        assert_eq!(scanned(scene), plain, "{scene}");
    }
    // A page stands there once.
    assert_eq!(paths(&scanned(&sign("desk"))), ["/appointments", "/booking", "/bills", "/patients"]);
}

#[test]
fn what_gets_no_answer_gets_none() {
    let silent = [
        Kind::Message(Message::Unknown { msg_type: "hologram".into() }),
        Kind::Event(Event::Unsubscribe),
        Kind::Event(Event::View { url: "u".into(), menu_id: None }),
        Kind::Event(Event::Location { latitude: "1".into(), longitude: "2".into(), precision: "3".into() }),
        Kind::Event(Event::TemplateSent { msg_id: "1".into(), delivery: wechat::message::Delivery::Success }),
        Kind::Event(Event::UserInfoModified),
        Kind::Event(Event::Unknown { event: "later".into() }),
    ];
    for kind in silent {
        assert_eq!(decided(&kind), None, "{kind:?}");
    }
}

fn alone(appointment: Appointment) -> Number {
    Number { appointment, standing: None }
}

fn appointment(state: State) -> Appointment {
    kit::visit(state, now())
}

#[test]
fn an_answer_names_the_hospital_the_next_numbers_and_full_addresses() {
    let profile = HospitalProfile { name: "某院".into(), phone: "123".into(), ..profile() };
    let answer = Answer::new("{name} {phone}", vec![Link::new("查看", OWN_NUMBERS)]);
    let page = r#"<a href="https://desk.example.com/appointments">查看</a>"#;
    assert_eq!(answer.text(&profile, URL, None, now()), format!("某院 123\n{page}"));
    assert_eq!(answer.text(&profile, URL, Some(&[]), now()), format!("某院 123\n{NO_NUMBERS}\n{page}"));
    let held = appointment(State::Held { expires_at: time::add_seconds(now(), 60) });
    let told = answer.text(&profile, URL, Some(&[alone(appointment(State::Booked)), alone(held)]), now());
    let key = appointment(State::Booked).key();
    let line =
        format!(r#"<a href="{URL}/appointments/{key}">明天 11月23日 周一 9:00-9:30 内科 普通门诊 3号</a> 林*梅"#);
    assert_eq!(told, format!("某院 123\n{line} 二楼 201\n{line}（待支付） 二楼 201\n{page}"));
}

#[test]
fn without_a_profile_there_is_still_a_way_to_the_pages() {
    assert!(without_profile(URL).ends_with(r#"<a href="https://desk.example.com/">门诊首页</a>"#));
}

#[test]
fn a_desks_code_checks_in_when_it_is_ours_and_the_hospital_prints_codes() {
    let scene = scenes().sign("checkin:dept:NK").unwrap();
    assert_eq!(scanned(&scene).check_in, Some("dept:NK".parse().unwrap()));
    assert_eq!(followed(Some(&scene)).check_in, Some("dept:NK".parse().unwrap()));
    let nonsense = scenes().sign("checkin:nowhere").unwrap();
    assert_eq!(scanned(&nonsense).check_in, None);
    let forged = SceneKey::new([8; 32]).sign("checkin:dept:NK").unwrap();
    assert_eq!(scanned(&forged).check_in, None);
    let mut on_screen_only = profile();
    on_screen_only.queue.printed_code = false;
    let scan = Kind::Event(Event::Scan { scene, ticket: None });
    let answer = decide(&scan, &on_screen_only, &scenes()).unwrap();
    assert_eq!((answer.check_in.clone(), paths(&answer)), (None, vec![CHECK_IN_PAGE]));
}

#[test]
fn a_visit_of_today_is_told_with_its_place_and_leads_to_its_page() {
    let visit = Number { appointment: appointment(State::CheckedIn), standing: Some("候诊中。".into()) };
    let told = Answer::plain("您的号", Vec::new()).text(&profile(), URL, Some(std::slice::from_ref(&visit)), now());
    assert!(
        told.contains(&format!("{URL}/visits/{}", visit.appointment.key())) && told.ends_with("候诊中。"),
        "{told}"
    );
}
