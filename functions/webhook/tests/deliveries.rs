//! Deliveries as WeChat sends them, encrypted by a little encryptor of the tests' own, against a table in memory.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use domain::id::PatientId;
use lambda_http::http::Method;
use store::account::{Link, Relation};
use store::key::Key;
use wechat::scene::SceneKey;
use world::{FOLLOWER, NOW_S, World, answered, clear_text_of, event, message, query_signature, seal, signed};

#[tokio::test]
async fn the_echo_text_comes_back_alone() {
    let world = World::start().await;
    let query = format!("{}&echostr=5837397576500011341", query_signature(NOW_S));
    let answer = world.send(Method::GET, &query, Vec::new()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "5837397576500011341"));
    let forged = query.replace("signature=", "signature=0");
    assert_eq!(world.send(Method::GET, &forged, Vec::new()).await.status, 403);
    assert_eq!(world.items().await, 0);
}

#[tokio::test]
async fn three_deliveries_at_once_have_one_effect_and_the_same_reply() {
    let world = World::start().await;
    let (query, body) = signed(&message("text", "<Content>挂号</Content>", 7), NOW_S);
    let send = || world.send(Method::POST, &query, body.clone());
    let (one, two, three) = tokio::join!(send(), send(), send());
    let told = answered(&one);
    assert!(told.contains("https://desk.example.com/booking"), "{told}");
    assert_eq!((answered(&two), answered(&three)), (told.clone(), told));
    assert_eq!(world.items().await, 1);
}

#[tokio::test]
async fn following_is_noted_once_and_an_older_event_changes_nothing() {
    let world = World::start().await;
    let follow = signed(&event("subscribe", "", NOW_S - 2), NOW_S);
    let unfollow = signed(&event("unsubscribe", "", NOW_S - 1), NOW_S);
    let send = async |(query, body): &(String, Vec<u8>)| world.send(Method::POST, query, body.clone()).await;
    let (one, two, three) = tokio::join!(send(&follow), send(&follow), send(&follow));
    assert!(answered(&one).contains("云杉市人民医院"));
    assert_eq!((answered(&one), answered(&one)), (answered(&two), answered(&three)));
    // The account and the record of the delivery.
    assert_eq!(world.items().await, 2);
    assert!(world.follows().await);
    let silent = send(&unfollow).await;
    assert_eq!((silent.status, silent.body.as_str()), (200, "success"));
    assert!(!world.follows().await);
    // A late repeat of the first: answered, but they stay unfollowed.
    answered(&send(&follow).await);
    assert!(!world.follows().await);
    assert_eq!(world.items().await, 3);
}

#[tokio::test]
async fn a_scene_leads_to_its_page_only_when_it_is_ours() {
    let world = World::start().await;
    for (key, leads) in [([7; 32], true), ([8; 32], false)] {
        let scene = SceneKey::new(key).sign("dept:NK").unwrap();
        let (query, body) = signed(&event("SCAN", &scene, NOW_S), NOW_S);
        let told = answered(&world.send(Method::POST, &query, body).await);
        assert_eq!(told.contains("/booking/NK"), leads, "{told}");
    }
}

#[tokio::test]
async fn the_next_numbers_are_told_to_whom_they_belong() {
    let world = World::start().await;
    let patient = PatientId::from_bytes([2; 10]);
    world
        .link(&Link {
            patient: patient.clone(),
            account: FOLLOWER.parse().unwrap(),
            relation: Relation::Oneself,
            name_masked: "林*梅".into(),
            copies: false,
            reports: domain::report::FamilyScope::Unsaid,
            since: world::now(),
            by_merge: false,
            former: false,
        })
        .await;
    let booked = world::appointment(&patient);
    world.table().create_appointment(&booked).await.unwrap();
    let (query, body) = signed(&message("text", "<Content>我的号</Content>", 8), NOW_S);
    let told = answered(&world.send(Method::POST, &query, body).await);
    assert!(told.contains(&format!("/appointments/{}", booked.key())) && told.contains("林*梅"), "{told}");
    let other = message("text", "<Content>我的号</Content>", 9).replace(FOLLOWER, "o-somebody-else");
    let (query, body) = signed(&other, NOW_S);
    let told = answered(&world.send(Method::POST, &query, body).await);
    assert!(told.contains("没有待就诊的号") && !told.contains("林*梅"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_answered_is_acknowledged() {
    let world = World::start().await;
    let pushes = [
        event("VIEW", "https://desk.example.com/booking", NOW_S),
        event("something_new", "", NOW_S),
        message("hologram", "", 10),
        event("TEMPLATESENDJOBFINISH", "", NOW_S).replace("</xml>", "<MsgID>7</MsgID><Status>success</Status></xml>"),
    ];
    for push in pushes {
        let (query, body) = signed(&push, NOW_S);
        let answer = world.send(Method::POST, &query, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"), "{push}");
    }
}

#[tokio::test]
async fn a_request_opened_with_the_previous_key_is_answered_with_it() {
    let world = World::start().await;
    let (query, body) = world::signed_with(world::OLD_KEY, &message("text", "<Content>挂号</Content>", 11), NOW_S);
    let answer = world.send(Method::POST, &query, body).await;
    assert!(clear_text_of(world::OLD_KEY, &answer.body).contains("/booking"));
}

#[tokio::test]
async fn what_is_not_wechats_or_not_readable_stores_nothing() {
    let world = World::start().await;
    let good = message("text", "<Content>挂号</Content>", 12);
    let (query, body) = signed(&good, NOW_S);
    let text = String::from_utf8(body.clone()).unwrap();
    let sealed_by = |bytes: &[u8]| world::sign(&seal(world::KEY, bytes), NOW_S);
    let mut long = body.clone();
    long.resize(wechat::callback::MAX_BODY_BYTES + 1, b' ');
    let stale = signed(&good, NOW_S - 301);
    let wrong_length = sealed_by(&[&[0; 16][..], &[0, 0, 0xff, 0xff], b"short"].concat());
    let other_app = sealed_by(&world::layout(&good, "wx0000000000000000"));
    let no_message = sealed_by(&world::layout("<xml></xml>", world::APP_ID));
    let doctype = sealed_by(&world::layout(r#"<!DOCTYPE x [<!ENTITY e "x">]><xml>&e;</xml>"#, world::APP_ID));
    let cases: Vec<(&str, u16, String, Vec<u8>)> = vec![
        ("bad_signature", 403, query.replace("msg_signature=", "msg_signature=0"), body.clone()),
        ("bad_signature", 403, query.clone(), text.replace("<Encrypt><![CDATA[", "<Encrypt><![CDATA[A").into_bytes()),
        ("downgrade", 403, query_signature(NOW_S), good.clone().into_bytes()),
        ("downgrade", 403, query.replace("encrypt_type=aes", "encrypt_type=raw"), body.clone()),
        ("encryption_type", 400, query.replace("encrypt_type=aes", "encrypt_type=rot13"), body.clone()),
        ("stale_timestamp", 403, stale.0, stale.1),
        ("bad_timestamp", 400, query.replace("timestamp=", "timestamp=x"), body.clone()),
        ("missing_parameter", 400, query.replace("msg_signature=", "other="), body.clone()),
        ("missing_parameter", 400, String::new(), body.clone()),
        ("too_large", 413, query.clone(), long),
        ("bad_envelope", 400, query.clone(), vec![0xff, 0xfe]),
        ("bad_envelope", 400, query.clone(), b"{\"not\": \"closed\"".to_vec()),
        ("bad_envelope", 400, query.clone(), b"<xml><ToUserName>gh_x</ToUserName></xml>".to_vec()),
        ("bad_cipher", 400, wrong_length.0, wrong_length.1),
        ("bad_cipher", 400, other_app.0, other_app.1),
        ("bad_message", 400, no_message.0, no_message.1),
        ("bad_message", 400, doctype.0, doctype.1),
    ];
    for (code, status, query, body) in cases {
        let answer = world.send(Method::POST, &query, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, code));
    }
    assert_eq!(world.items().await, 0);
}

#[tokio::test]
async fn without_a_table_the_chat_still_answers_and_a_follow_is_delivered_again() {
    let world = World::without_table().await;
    let (query, body) = signed(&message("text", "<Content>我的号</Content>", 13), NOW_S);
    let told = answered(&world.send(Method::POST, &query, body).await);
    assert!(told.contains(r#"<a href="https://desk.example.com/">"#), "{told}");
    for name in ["subscribe", "unsubscribe", "TEMPLATESENDJOBFINISH"] {
        let end = "<MsgID>7</MsgID><Status>success</Status></xml>";
        let (query, body) = signed(&event(name, "", NOW_S).replace("</xml>", end), NOW_S);
        let answer = world.send(Method::POST, &query, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, "change_not_stored"));
    }
}

#[tokio::test]
async fn a_table_that_fails_later_costs_the_numbers_and_not_the_answer() {
    let world = World::start().await;
    let ask = |id| signed(&message("text", "<Content>我的号</Content>", id), NOW_S);
    let (query, body) = ask(14);
    answered(&world.send(Method::POST, &query, body).await);
    world.stop_table().await;
    let (query, body) = ask(15);
    let told = answered(&world.send(Method::POST, &query, body).await);
    // The profile is still known; the appointments are not, and nobody is told that there are none.
    assert!(told.contains("查看我的挂号") && !told.contains("没有待就诊的号"), "{told}");
}

#[tokio::test]
async fn a_table_that_hangs_delays_the_answer_by_less_than_wechat_waits() {
    let world = World::start().await.in_a_hurry();
    let _open = world.hang_table().await;
    let (query, body) = signed(&message("text", "<Content>我的号</Content>", 16), NOW_S);
    let begun = std::time::Instant::now();
    let told = answered(&world.send(Method::POST, &query, body).await);
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(told.contains("查看我的挂号"), "{told}");
}

#[tokio::test]
async fn a_scan_at_the_desk_checks_in_and_says_where_one_stands() {
    let world = World::start().await;
    let booked = world.booked_today("1230").await;
    let scan = async |desk: &str, at_s| {
        let scene = SceneKey::new([7; 32]).sign(&format!("checkin:{desk}")).unwrap();
        let (query, body) = signed(&event("SCAN", &scene, at_s), NOW_S);
        answered(&world.send(Method::POST, &query, body).await)
    };
    let elsewhere = scan("dept:WK", NOW_S - 3).await;
    assert!(elsewhere.contains("请到内科"), "{elsewhere}");
    let other_campus = scan("dept:NK:00000000", NOW_S - 4).await;
    assert!(other_campus.contains("请到本部签到"), "{other_campus}");
    let told = scan("dept:NK", NOW_S - 2).await;
    assert!(told.contains("已签到：林*梅") && told.contains("前面 0 人") && told.contains("诊室 201"), "{told}");
    assert!(told.contains(&format!("/visits/{}", booked.key())), "{told}");
    assert_eq!(scan("dept:NK", NOW_S - 1).await, told, "a repeat is answered alike");
    let (query, body) = signed(&message("text", "<Content>排队到几号了</Content>", 21), NOW_S);
    let asked = answered(&world.send(Method::POST, &query, body).await);
    assert!(asked.contains("前面 0 人"), "{asked}");
}

#[tokio::test]
async fn who_has_no_number_today_or_comes_too_early_is_told_so() {
    let world = World::start().await;
    let scene = SceneKey::new([7; 32]).sign("checkin:any").unwrap();
    let (query, body) = signed(&event("SCAN", &scene, NOW_S), NOW_S);
    let none = answered(&world.send(Method::POST, &query, body).await);
    assert!(none.contains("今天没有查到您的号"), "{none}");
    world.booked_today("1400").await;
    let (query, body) = signed(&event("SCAN", &scene, NOW_S - 1), NOW_S);
    let early = answered(&world.send(Method::POST, &query, body).await);
    assert!(early.contains("13:00 开始签到"), "{early}");
}

#[tokio::test]
async fn how_a_message_ended_is_noted_whenever_it_comes() {
    let world = World::start().await;
    for (msgid, status) in [("2500000000000000001", "success"), ("2500000000000000002", "failed:user block")] {
        let fields = format!("<MsgID>{msgid}</MsgID><Status><![CDATA[{status}]]></Status>");
        let xml = event("TEMPLATESENDJOBFINISH", "", NOW_S).replace("</xml>", &format!("{fields}</xml>"));
        let (query, body) = signed(&xml, NOW_S);
        for _ in 0..2 {
            assert_eq!(world.send(Method::POST, &query, body.clone()).await.status, 200);
        }
        // The notifier has not written its entry yet: the end waits under WeChat's number.
        assert!(world.has(&Key::msgid(msgid)).await, "{msgid}");
    }
}
