//! What comes out of a printer, and what hangs on the wall.

use crate::world::{SCREENS, World, codes};
use domain::clinic::{Clinic, Period};
use domain::queue::check_in::CampusCode;
use domain::time::add_days;
use lambda_http::http::Method;

#[tokio::test]
async fn a_slip_has_all_that_is_needed_and_no_more() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800001234").await;
    let booked = world.book_for(&lin, &world.clinic, "0930").await;
    let path = format!("/desk/appointments/{}/slip", booked.key());
    let slip = world.get(&nurse, &path).await;
    assert_eq!((slip.body["card_last"].as_str(), slip.body["band"].as_str()), (Some("1234"), Some("9:30-10:00")));
    let page = world.page(&nurse, &path).await;
    for text in [&format!("{} 号", booked.place.number), "林*梅", "卡尾号 1234", "201 诊室", "请在 8:30 之后", "<svg"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("8800001234") && !page.text.contains("林晓梅"));
}

#[tokio::test]
async fn the_paper_list_goes_on_without_a_network() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800001234").await;
    let booked = world.book_for(&lin, &world.clinic, "0930").await;
    let other = world.book("0900").await;
    world.later(61);
    world.check_in(&nurse, &booked.key().to_string()).await;
    let path = format!("{}/paper", world.queue_path());
    let list = world.get(&nurse, &path).await;
    assert_eq!(list.numbers("people"), [booked.place.number, other.place.number].map(u64::from), "who is here first");
    assert_eq!(list.body["people"][0]["card_last"], "1234");
    assert_eq!(list.body["people"][0]["state"], "候诊");
    let page = world.page(&nurse, &path).await;
    assert!(page.text.contains("打印于 2026-11-23 09:01") && page.text.contains("1234"), "{}", page.text);
}

#[tokio::test]
async fn the_paper_list_is_in_the_order_of_the_queue() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let paper = async || world.get(&nurse, &format!("{}/paper", world.queue_path())).await.numbers("people");
    let mut people = Vec::new();
    for start in ["0900", "0900", "0930", "0930", "0930"] {
        let booked = world.book(start).await;
        world.later(1);
        world.check_in(&nurse, &booked.key().to_string()).await;
        people.push((booked.id.to_string(), u64::from(booked.place.number)));
    }
    let [(missed, _), (_, second), (last, third), (elder, fourth), (urgent, fifth)] =
        <[_; 5]>::try_from(people).unwrap();
    world.deed(&nurse, "prioritise", &[("appointment", &urgent), ("priority", "emergency")]).await;
    world.deed(&nurse, "prioritise", &[("appointment", &elder), ("priority", "elder")]).await;
    let queue = async || world.get(&nurse, &world.queue_path()).await.numbers("waiting");
    assert_eq!(
        (paper().await[0], &paper().await[3..]),
        (fifth, &[fourth, third][..]),
        "urgent, then by slot and priority"
    );
    assert_eq!(paper().await, queue().await);
    world.deed(&nurse, "call_next", &[]).await;
    world.deed(&nurse, "finish_next", &[("appointment", &urgent)]).await;
    world.deed(&nurse, "miss", &[("appointment", &missed)]).await;
    world.deed(&nurse, "call_next", &[]).await;
    let waiting = world.deed(&nurse, "results", &[("appointment", &urgent)]).await.numbers("waiting");
    assert_eq!(paper().await, [vec![second], waiting].concat(), "who is called, then the queue");
    world.deed(&nurse, "leave", &[("appointment", &last)]).await;
    assert_eq!(paper().await.last(), Some(&third), "who is gone last");
}

#[tokio::test]
async fn the_wall_shows_masked_names_to_whoever_has_its_address() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800001234").await;
    world.book_for(&lin, &world.clinic, "0900").await;
    for _ in 0..4 {
        let booked = world.book("0930").await;
        world.check_in(&nurse, &booked.key().to_string()).await;
    }
    world.check_in(&nurse, "8800001234").await;
    world.deed(&nurse, "call_next", &[]).await;
    let token = format!("Bearer {SCREENS}");
    let headers = [("accept", "application/json"), ("authorization", token.as_str())];
    for screen in [world.clinic.id.as_str(), "XNK"] {
        let link = world.send(Method::GET, &format!("/desk/screens/{screen}/link"), None, &headers, "").await;
        let url = link.body["url"].as_str().unwrap_or_else(|| panic!("{}", link.text)).to_owned();
        let path = url.strip_prefix("https://desk.example.com").unwrap();
        let shown = world.send(Method::GET, path, None, &headers[..1], "").await;
        let section = &shown.body["sections"][0];
        assert_eq!(section["rooms"][0]["called"]["name"], "林*梅", "{}", shown.text);
        assert_eq!(section["next"].as_array().unwrap().len(), 3);
        assert_eq!(
            section["call"]["text"],
            format!("请 {} 号，林姓患者，到 201 诊室 就诊", section["rooms"][0]["called"]["number"])
        );
        assert!(!shown.text.contains("晓梅") && !shown.text.contains(lin.as_str()), "{}", shown.text);
        let page = world.send(Method::GET, path, None, &[("accept", "text/html")], "").await;
        assert!(page.text.contains("开启语音") && page.text.contains("林*梅"), "{}", page.text);
        let desk = format!("dept:XNK:{}", CampusCode::of(&world.clinic.campus));
        let code = codes().desk_code(&desk, world.clock.now().as_second());
        assert_eq!(shown.body["check_in"]["code"], code);
        assert_eq!(
            shown.body["check_in"]["url"],
            format!("https://desk.example.com/visits/checkin?at={desk}&code={code}")
        );
        assert!(page.text.contains(&code) && page.text.contains("二维码"), "who stands before it can check in");

        for bad in [
            path.replace("sign=", "sign=x"),
            path.replace("until=2027", "until=2028"),
            format!("/desk/screens/{screen}"),
        ] {
            let refused = world.send(Method::GET, &bad, None, &headers[..1], "").await;
            assert_eq!((refused.status, refused.code()), (403, "screen_link"), "{bad}");
        }
        let other = path.replace(screen, "SNK");
        assert_eq!(world.send(Method::GET, &other, None, &headers[..1], "").await.code(), "screen_link");
    }
    let id = domain::id::ClinicId::of(crate::world::TODAY, Period::Afternoon, &world.clinic.department, None).unwrap();
    world
        .add(&Clinic { id, period: Period::Afternoon, campus: "东院区".into(), ..world.clinic.clone() }, &["1400"], 5)
        .await;
    let link = world.get(&nurse, "/desk/screens/XNK/link").await;
    let path = link.body["url"].as_str().unwrap().strip_prefix("https://desk.example.com").unwrap().to_owned();
    let shown = world.send(Method::GET, &path, None, &headers[..1], "").await;
    let code = codes().desk_code("dept:XNK", world.clock.now().as_second());
    assert_eq!(shown.body["check_in"]["code"], code, "a screen for two campuses is of neither");
    assert_eq!(link.body["until"], add_days(crate::world::TODAY, 92).to_string());
    world.later(93 * 24 * 3600);
    assert_eq!(world.send(Method::GET, &path, None, &headers[..1], "").await.code(), "screen_link");
}
