//! The profile and the service account.

use crate::world::{ALL, SCENE_KEY, World, demo};
use lambda_http::http::Method;
use serde_json::{Value, json};
use wechat::scene::SceneKey;

fn profile() -> Value {
    serde_json::from_slice(&demo("profile.json")).unwrap()
}

async fn put(world: &World, profile: &Value) -> crate::world::Answer {
    world.send(Method::PUT, "/staff/profile", ALL, profile.to_string()).await
}

fn errors(answer: &crate::world::Answer) -> Vec<(&str, &str)> {
    let errors = answer.body["errors"].as_array().unwrap();
    errors.iter().map(|error| (error["path"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn the_demo_profile_is_taken_and_replaced() {
    let world = World::start("{}").await;
    assert_eq!(put(&world, &profile()).await.status, 200);
    let mut changed = profile();
    changed["name"] = json!("云杉市第二医院");
    assert_eq!(put(&world, &changed).await.body["name"], json!("云杉市第二医院"));
    assert_eq!(world.profile().await.name, "云杉市第二医院");
}

#[tokio::test]
async fn a_hospital_that_has_nothing_pulled_is_told_so_and_cannot_ask_for_it() {
    let world = World::start("{}").await;
    assert_eq!(put(&world, &profile()).await.status, 200);
    let seen = world.send(Method::GET, "/staff/his/pull", ALL, String::new()).await;
    assert_eq!((seen.status, &seen.body["is_on"], &seen.body["is_old"]), (200, &json!(false), &json!(false)));
    let asked = world.send(Method::POST, "/staff/his/pull", ALL, String::new()).await;
    assert_eq!((asked.status, asked.code()), (409, "pull_off"));
}

#[tokio::test]
async fn every_mistake_of_form_has_its_path() {
    let world = World::start("{}").await;
    let mut wrong = profile();
    wrong["colour"] = json!("red");
    wrong["phone"] = json!(120);
    wrong["booking"]["horizon"] = json!(7);
    wrong["credit"]["strike"] = json!(3);
    wrong["menu"][1]["items"][0]["colour"] = json!("red");
    wrong["replies"][0]["text"] = json!(["a"]);
    wrong.as_object_mut().unwrap().remove("welcome");
    let answer = put(&world, &wrong).await;
    assert_eq!((answer.status, answer.code()), (422, "profile_errors"));
    let mut found = errors(&answer);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("booking.horizon", "field_unknown"),
            ("colour", "field_unknown"),
            ("credit.strike", "field_unknown"),
            ("menu[1].items[0].colour", "field_unknown"),
            ("phone", "field_type"),
            ("replies[0].text", "field_type"),
            ("welcome", "field_missing"),
        ]
    );
    assert!(world.items().await.is_empty());
}

#[tokio::test]
async fn every_rule_broken_has_its_path() {
    let world = World::start("{}").await;
    let mut wrong = profile();
    wrong["name"] = json!(" ");
    wrong["booking"]["hold_min"] = json!(2);
    wrong["booking"]["horizon_days"] = json!(91);
    wrong["booking"]["limits"]["per_day"] = json!(0);
    wrong["cancel"]["minutes"] = json!(-1);
    wrong["menu"][0]["name"] = json!("预约挂号问诊");
    wrong["menu"][0]["path"] = json!("//evil.example.com");
    wrong["menu"][1]["items"] = json!([]);
    wrong["menu"][2]["items"][2]["key"] = json!("nobody_answers");
    let answer = put(&world, &wrong).await;
    let found = errors(&answer);
    for expected in [
        ("name", "empty"),
        ("booking.hold_min", "out_of_range"),
        ("booking.horizon_days", "out_of_range"),
        ("booking.limits.per_day", "out_of_range"),
        ("booking.limits.per_day", "wrong_order"),
        ("cancel.minutes", "out_of_range"),
        ("menu[0].name", "too_long"),
        ("menu[0].path", "not_a_path"),
        ("menu[1].items", "wrong_count"),
        ("menu[2].items[2].key", "no_reply"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(found.len(), 10, "{found:?}");
    assert_eq!(put(&world, &json!([])).await.status, 422);
}

#[tokio::test]
async fn an_operation_goes_to_a_language_that_has_it() {
    let world = World::start("{}").await;
    let with = |his: Value| {
        let mut changed = profile();
        changed["his"] = his;
        changed
    };
    let told = json!({ "operations": { "confirm": "hl7", "standing": "hl7", "slots": "fhir", "day_file": "fhir" } });
    let answer = put(&world, &with(told)).await;
    let expected = vec![("his.operations.standing", "not_carried"), ("his.operations.day_file", "not_carried")];
    assert_eq!((answer.status, errors(&answer)), (422, expected));
    let everything = put(&world, &with(json!({ "default": "fhir" }))).await;
    assert!(errors(&everything).contains(&("his.operations.fees_post", "not_carried")));
    let chosen = json!({ "operations": { "confirm": "hl7", "slots": "fhir", "standing": "fhir" } });
    assert_eq!(put(&world, &with(chosen)).await.status, 200);
}

#[tokio::test]
async fn what_the_hospital_does_with_money_has_limits_and_defaults() {
    let world = World::start("{}").await;
    assert!(profile().get("money").is_none(), "the demo hospital lives by the defaults");
    assert_eq!(put(&world, &profile()).await.status, 200);
    let money = world.profile().await.money;
    assert_eq!((money.checker_above_fen.get(), money.his_within_min, money.bills_pay_min), (10_000, 15, 30));
    let with = |money: Value| {
        let mut changed = profile();
        changed["money"] = money;
        changed
    };
    for (money, path, code) in [
        (json!({ "his_within_min": 0 }), "money.his_within_min", "out_of_range"),
        (json!({ "his_within_min": 16 }), "money.his_within_min", "out_of_range"),
        (json!({ "bills_pay_min": 4 }), "money.bills_pay_min", "out_of_range"),
        (json!({ "bills_pay_min": 111 }), "money.bills_pay_min", "out_of_range"),
        (json!({ "checker_above_fen": "100.00" }), "money.checker_above_fen", "field_type"),
        (json!({ "checker_above": 1 }), "money.checker_above", "field_unknown"),
    ] {
        let answer = put(&world, &with(money.clone())).await;
        assert_eq!((answer.status, errors(&answer)), (422, vec![(path, code)]), "{money}");
    }
    let limits = json!({ "checker_above_fen": 0, "his_within_min": 1, "bills_pay_min": 110 });
    assert_eq!(put(&world, &with(limits)).await.status, 200);
    assert_eq!(world.profile().await.money.checker_above_fen.get(), 0);
}

#[tokio::test]
async fn the_menu_goes_out_as_the_profile_says() {
    let world = World::start(r#"{"errcode":0,"errmsg":"ok"}"#).await;
    put(&world, &profile()).await;
    let early = world.send(Method::POST, "/staff/wechat/menu", ALL, "{}").await;
    assert_eq!((early.status, early.code()), (503, "no_wechat_token"));
    world.keep_token().await;
    let answer = world.send(Method::POST, "/staff/wechat/menu", ALL, "{}").await;
    assert_eq!((answer.status, &answer.body["buttons"]), (200, &json!(["挂号", "我的号", "帮助"])));
    let asked = world.asked.lock().unwrap().pop().unwrap();
    assert!(asked.starts_with("POST /cgi-bin/menu/create?access_token=kept-token "), "{asked}");
    assert!(asked.contains(r#""url":"https://desk.example.com/booking""#), "{asked}");
    assert!(asked.contains(r#""key":"help_cancel""#), "{asked}");
}

#[tokio::test]
async fn what_wechat_refuses_is_told_by_its_code() {
    let world = World::start(r#"{"errcode":40018,"errmsg":"invalid button name size"}"#).await;
    put(&world, &profile()).await;
    world.keep_token().await;
    let answer = world.send(Method::POST, "/staff/wechat/menu", ALL, "").await;
    assert_eq!((answer.status, answer.code()), (502, "wechat_refused"));
    assert!(answer.body["error"]["text"].as_str().unwrap().contains("40018"));
}

#[tokio::test]
async fn a_qr_code_carries_a_signed_scene() {
    let world = World::start(r#"{"ticket":"g/Q==","url":"http://weixin.qq.com/q/x"}"#).await;
    world.keep_token().await;
    let make = async |body: &str| world.send(Method::POST, "/staff/wechat/qrcodes", ALL, body).await;
    let answer = make(r#"{"payload":"dept:XNK","expire_s":null}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let scene = answer.body["scene"].as_str().unwrap();
    assert_eq!(SceneKey::new(SCENE_KEY).verify(scene), Ok("dept:XNK"));
    assert_eq!(answer.body["image_url"], json!("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=g%2FQ%3D%3D"));
    let asked = world.asked.lock().unwrap().pop().unwrap();
    assert!(asked.contains("QR_LIMIT_STR_SCENE") && asked.contains(scene), "{asked}");
    for (body, status, code) in [
        (r#"{"payload":"科室"}"#, 422, "bad_payload"),
        (r#"{"payload":"dept:XNK","expire_s":0}"#, 422, "bad_expiry"),
        (r#"{"payload":"dept:XNK","expire":5}"#, 400, "bad_request"),
    ] {
        let answer = make(body).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
    }
}

#[tokio::test]
async fn messages_have_limits_and_sms_is_the_hospitals_choice() {
    let world = World::start("{}").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = profile();
        change(&mut changed["messages"]);
        changed
    };
    let sms =
        json!({ "signature": "云杉医院", "templates": { "turn_soon": { "template_id": "1110", "fields": ["room"] } } });
    assert_eq!(put(&world, &with(&|messages| messages["sms"] = sms.clone())).await.status, 200);
    assert_eq!(put(&world, &with(&|messages| messages["day_before"] = json!(null))).await.status, 200);
    assert_eq!(world.profile().await.messages.day_before, None);
    let wrong = with(&|messages| {
        messages["sms_age_years"] = json!(20);
        messages["day_before"] = json!("12:00:00");
        messages["sms"] = json!({ "signature": " ", "templates": { "booked": { "template_id": "", "fields": [] } } });
    });
    let answer = put(&world, &wrong).await;
    let found = errors(&answer);
    for expected in [
        ("messages.sms_age_years", "out_of_range"),
        ("messages.day_before", "out_of_range"),
        ("messages.sms.signature", "empty"),
        ("messages.sms.templates.booked.template_id", "empty"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(put(&world, &with(&|messages| messages["quiet"]["from"] = json!("25:00"))).await.status, 422);
}
