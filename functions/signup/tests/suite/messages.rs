//! What an account wants to be told.

use crate::registration::register;
use crate::world::{Browser, World};
use serde_json::json;

const PAGE: &str = "/messages/preferences";

#[tokio::test]
async fn everything_is_told_until_it_is_muted_and_again_after() {
    let world = World::start().await;
    let mut browser = Browser::signed_in(&world, "o1").await;
    // Born in 1949: the age decides until somebody says otherwise.
    let patient = register(&world, &mut browser, &[]).await.json()["patient"].as_str().unwrap().to_owned();
    let before = browser.get(&world, PAGE).await.json();
    assert!(before["groups"].as_array().unwrap().iter().all(|group| group["receives"] == json!(true)), "{before}");
    assert_eq!((&before["patients"][0]["copies"], &before["patients"][0]["sms"]), (&json!(false), &json!(true)));

    let wish = [("save", "on"), ("receive", "visits"), ("copies", patient.as_str())];
    let after = browser.post(&world, PAGE, &wish).await.json();
    let receives: Vec<_> = after["groups"].as_array().unwrap().iter().map(|group| &group["receives"]).collect();
    assert_eq!(receives, [&json!(true), &json!(false), &json!(false), &json!(false), &json!(false)]);
    assert_eq!((&after["patients"][0]["copies"], &after["patients"][0]["sms"]), (&json!(true), &json!(false)));
    assert!(world.app.desk.table.account(&"o1".parse().unwrap()).await.unwrap().unwrap().followed);
    let links = world.app.desk.table.links_to(&patient.parse().unwrap()).await.unwrap();
    assert!(links[0].copies);

    let groups = ["visits", "reminders", "money", "people", "reports"].map(|group| ("receive", group));
    let all = [groups.as_slice(), &[("sms", patient.as_str()), ("save", "on")]].concat();
    let again = browser.post(&world, PAGE, &all).await.json();
    assert_eq!((&again["patients"][0]["copies"], &again["patients"][0]["sms"]), (&json!(false), &json!(true)));
    assert_eq!(again["groups"], before["groups"]);
    assert_eq!(browser.post(&world, PAGE, &[]).await.status, 400);
}

#[tokio::test]
async fn nobody_decides_for_people_they_do_not_act_for() {
    let world = World::start().await;
    let (mut owner, mut other) = (Browser::signed_in(&world, "o1").await, Browser::signed_in(&world, "o2").await);
    let patient = register(&world, &mut owner, &[]).await.json()["patient"].as_str().unwrap().to_owned();
    let fields = [("save", "on"), ("copies", patient.as_str()), ("sms", patient.as_str())];
    assert_eq!(other.post(&world, PAGE, &fields).await.json()["patients"], json!([]));
    let page = owner.get(&world, PAGE).await.json();
    assert_eq!(page["patients"][0]["copies"], json!(false));
    assert_eq!(world.app.desk.table.links_to(&patient.parse().unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_page_shows_what_is_wished() {
    let world = World::start().await;
    let mut browser = Browser { json: false, ..Browser::signed_in(&world, "o1").await };
    browser.post(&world, PAGE, &[("save", "on"), ("receive", "money")]).await;
    let page = browser.get(&world, PAGE).await.body;
    assert!(page.contains(r#"value="money" checked"#) && page.contains(r#"value="visits">"#), "{page}");
}

#[tokio::test]
async fn a_newcomer_is_seen_and_may_be_sent_away_but_not_the_other_way_round() {
    let world = World::start().await;
    let mut owner = Browser::signed_in(&world, "o1").await;
    let patient = register(&world, &mut owner, &[]).await.json()["patient"].as_str().unwrap().to_owned();
    world.clock.set(domain::time::add_minutes(world.clock.now(), 1));
    let mut newcomer = Browser::signed_in(&world, "o2").await;
    let linked = register(&world, &mut newcomer, &[("relation", "family")]).await;
    assert_eq!(linked.status, 200, "{}", linked.body);
    let page = format!("/patients/{patient}/accounts");
    let seen = owner.get(&world, &page).await.json();
    let accounts = seen["accounts"].as_array().unwrap().clone();
    let of = |at: usize, name: &str| accounts[at][name].clone();
    assert_eq!((of(0, "is_own"), of(0, "removable"), of(1, "removable")), (json!(true), json!(false), json!(true)));
    assert!(!seen.to_string().contains("o2"), "no openid: {seen}");
    let remove = |at: usize| format!("{page}/{}/remove", of(at, "account").as_str().unwrap());

    let wrong_way = newcomer.post(&world, &remove(0), &[]).await;
    assert_eq!((wrong_way.status, wrong_way.code().as_str()), (409, "linked_before"));
    assert_eq!(owner.post(&world, &remove(1), &[]).await.json()["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(newcomer.get(&world, &page).await.status, 404);
    assert_eq!(owner.post(&world, &remove(1), &[]).await.status, 404);
    let stranger = Browser::signed_in(&world, "o3").await.get(&world, &page).await;
    assert_eq!(stranger.status, 404);
}
