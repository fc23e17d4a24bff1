use crate::world::{Answer, Browser, World};
use store::account::{LINKS_MAX, PROOFS_MAX};

const OLD: &str = "11010519491231002X";
const YOUNG: &str = "830000199201300022";

type Typed<'a> = Vec<(&'a str, &'a str)>;

/// 李梅 as oneself, with changes.
fn typed<'a>(changes: &[(&'a str, &'a str)]) -> Typed<'a> {
    let mut fields = vec![
        ("name", "李梅"),
        ("document_kind", "01"),
        ("document", OLD),
        ("phone", "19900000001"),
        ("relation", "oneself"),
        ("consent", "on"),
    ];
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend_from_slice(changes);
    fields
}

pub(crate) async fn register(world: &World, browser: &mut Browser, changes: &[(&str, &str)]) -> Answer {
    browser.post(world, "/patients", &typed(changes)).await
}

async fn listed(world: &World, browser: &mut Browser) -> Vec<serde_json::Value> {
    browser.get(world, "/patients").await.json()["patients"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_person_is_registered_once() {
    let world = World::start().await;
    let mut browser = Browser::signed_in(&world, "o1").await;
    let first = register(&world, &mut browser, &[]).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let again = register(&world, &mut browser, &[]).await;
    assert_eq!(again.json(), first.json());
    let patients = listed(&world, &mut browser).await;
    assert_eq!(patients.len(), 1);
    assert_eq!(patients[0]["name"], "李*");
    assert_eq!(patients[0]["phone"], "199****0001");
    assert!(!first.body.contains(OLD) && !first.body.contains("李梅"));
}

#[tokio::test]
async fn a_page_goes_back_to_where_the_reader_came_from() {
    let world = World::start().await;
    let mut browser = Browser { json: false, ..Browser::signed_in(&world, "o1").await };
    let form = browser.get(&world, "/patients/new?to=%2Fclinics%2Fc1").await;
    assert!(form.body.contains("action=\"/patients?to=%2Fclinics%2Fc1\""), "{}", form.body);
    let wrong = browser.post(&world, "/patients?to=%2Fclinics%2Fc1", &typed(&[("phone", "1")])).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("value=\"李梅\"") && wrong.body.contains("手机号应为 11 位数字"));
    let right = browser.post(&world, "/patients?to=%2Fclinics%2Fc1", &typed(&[])).await;
    assert_eq!((right.status, right.location.as_str()), (303, "/clinics/c1"));
    let window = [("document_kind", "04"), ("document", "军字第0012345号"), ("relation", "family")];
    let window = browser.post(&world, "/patients?to=%2Fclinics%2Fc1", &typed(&window)).await;
    assert_eq!(window.location, "/patients", "{}", window.body);
    assert!(browser.get(&world, "/patients").await.body.contains("待窗口核验"));
}

#[tokio::test]
async fn whoever_knows_the_person_is_linked_and_others_learn_nothing() {
    let world = World::start().await;
    let mut first = Browser::signed_in(&world, "o1").await;
    let mut other = Browser::signed_in(&world, "o2").await;
    register(&world, &mut first, &[]).await;
    let family = ("relation", "family");
    let wrong_name = register(&world, &mut other, &[family, ("name", "王芳")]).await;
    let wrong_phone = register(&world, &mut other, &[family, ("phone", "19900000009")]).await;
    assert_eq!((wrong_name.status, wrong_name.code().as_str()), (409, "not_proven"));
    assert_eq!(wrong_name.body, wrong_phone.body);
    let linked = register(&world, &mut other, &[family]).await;
    assert_eq!(linked.json()["patient"], listed(&world, &mut first).await[0]["patient"]);
}

#[tokio::test]
async fn failed_proofs_are_limited_even_when_they_come_at_once() {
    let world = World::start().await;
    let mut first = Browser::signed_in(&world, "o1").await;
    register(&world, &mut first, &[]).await;
    let other = Browser::signed_in(&world, "o2").await;
    let tries = (0..PROOFS_MAX + 4).map(|at| {
        let (world, mut browser, phone) = (&world, other.clone(), format!("1990000100{at}"));
        async move { register(world, &mut browser, &[("phone", &phone)]).await.code() }
    });
    let mut codes = futures_util::future::join_all(tries).await;
    codes.sort();
    let (refused, limited) = codes.split_at(usize::try_from(PROOFS_MAX).unwrap());
    assert!(refused.iter().all(|code| code == "not_proven"), "{codes:?}");
    assert!(limited.iter().all(|code| code == "too_many_proofs"), "{codes:?}");
    let mut other = other;
    assert_eq!(register(&world, &mut other, &[]).await.code(), "too_many_proofs", "the right answer comes too late");
}

#[tokio::test]
async fn an_account_acts_for_so_many_and_one_is_oneself() {
    let world = World::start().await;
    let mut browser = Browser::signed_in(&world, "o1").await;
    register(&world, &mut browser, &[]).await;
    let young = [("document_kind", "112"), ("document", YOUNG)];
    let second = register(&world, &mut browser, &young).await;
    assert_eq!(second.code(), "already_oneself");
    for at in 1..LINKS_MAX {
        let number = format!("0000000{at}");
        let family = [("document_kind", "07"), ("document", number.as_str()), ("relation", "family")];
        assert_eq!(register(&world, &mut browser, &family).await.status, 200);
    }
    let one_more = register(&world, &mut browser, &[&young[..], &[("relation", "family")]].concat()).await;
    assert_eq!(one_more.code(), "too_many_patients");
    assert_eq!(register(&world, &mut browser, &[]).await.status, 200, "a repeat is no further person");
}

#[tokio::test]
async fn unlinking_ends_the_right_and_does_no_harm_twice() {
    let world = World::start().await;
    let mut browser = Browser::signed_in(&world, "o1").await;
    let patient = register(&world, &mut browser, &[]).await.json()["patient"].as_str().unwrap().to_owned();
    let mut stranger = Browser::signed_in(&world, "o2").await;
    let path = format!("/patients/{patient}/unlink");
    assert_eq!(stranger.post(&world, &path, &[]).await.status, 200);
    assert_eq!(listed(&world, &mut browser).await.len(), 1, "a stranger unlinks nobody");
    for _ in 0..2 {
        let left = browser.post(&world, &path, &[]).await;
        assert_eq!(left.json()["patients"].as_array().unwrap().len(), 0);
    }
    let again = register(&world, &mut browser, &[]).await;
    assert_eq!(again.json()["patient"].as_str(), Some(patient.as_str()), "the person stayed");
}

#[tokio::test]
async fn nothing_happens_without_a_session_or_a_token() {
    let world = World::start().await;
    let mut nobody = Browser { json: true, ..Browser::default() };
    for (method, path) in [
        ("GET", "/patients"),
        ("GET", "/patients/new"),
        ("POST", "/patients"),
        ("POST", "/patients/x/unlink"),
        ("POST", "/signout"),
    ] {
        assert_eq!(nobody.send(&world, method, path, String::new()).await.code(), "sign_in_required", "{path}");
    }
    let mut browser = Browser::signed_in(&world, "o1").await;
    assert_eq!(browser.send(&world, "POST", "/patients", String::new()).await.code(), "csrf");
    assert_eq!(nobody.get(&world, "/consent").await.status, 200);
}
