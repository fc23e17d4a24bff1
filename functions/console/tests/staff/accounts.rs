//! Members of staff: signing in, and who may still do what after a change.

use crate::world::{ALL, NOW, PASSWORD, World, at};
use domain::staff::{PAUSE_FIRST_S, Role, SESSION_IDLE_S, SESSION_LIFE_S, TRIES_FREE};
use domain::time::add_seconds;
use lambda_http::http::Method;

const CHANGE: &str = "change";

fn change(what: &str) -> String {
    format!("{CHANGE}={what}")
}

#[tokio::test]
async fn the_first_sign_in_leads_to_a_password_of_ones_own() {
    let world = World::start("{}").await;
    let initial = world.open_account("liu.fang", &[Role::Finance]).await;
    let first = world.sign_in("Liu.Fang", &initial).await.unwrap();
    let refused = world.browse(Method::GET, "/staff/worklist", &first, "").await;
    assert_eq!((refused.status, refused.code()), (403, "password_change_required"));
    for (fields, field) in [
        (format!("password=wrong&new_password={PASSWORD}&repeated={PASSWORD}"), "password"),
        (format!("password={initial}&new_password=short&repeated=short"), "new_password"),
        (format!("password={initial}&new_password={PASSWORD}&repeated=other"), "repeated"),
        (format!("password={initial}&new_password={initial}&repeated={initial}"), "new_password"),
    ] {
        let answer = world.browse(Method::POST, "/staff/password", &first, &fields).await;
        assert_eq!((answer.status, answer.code()), (422, "bad_form"), "{fields}");
        assert!(answer.body["error"]["fields"][field].is_string(), "{fields}: {}", answer.body);
    }
    let fields = format!("password={initial}&new_password={PASSWORD}&repeated={PASSWORD}");
    assert_eq!(world.browse(Method::POST, "/staff/password", &first, &fields).await.status, 200);
    assert_eq!(world.browse(Method::GET, "/staff/worklist", &first, "").await.status, 401, "the old session is over");
    assert!(world.sign_in("liu.fang", &initial).await.is_err());
    let own = world.sign_in("liu.fang", PASSWORD).await.unwrap();
    assert_eq!(world.browse(Method::GET, "/staff/worklist", &own, "").await.status, 200);
}

#[tokio::test]
async fn whoever_cannot_sign_in_learns_nothing() {
    let world = World::start("{}").await;
    world.signed_in("liu.fang", &[Role::Doctor]).await;
    world.signed_in("closed", &[Role::Doctor]).await;
    world.send_form("/staff/accounts/closed", &change("disable")).await;
    let mut answers = Vec::new();
    for (login, password) in
        [("liu.fang", "not-the-password"), ("nobody", PASSWORD), ("closed", PASSWORD), ("%27--", PASSWORD)]
    {
        let answer = world.sign_in(login, password).await.unwrap_err();
        assert_eq!((answer.status, answer.code()), (401, "sign_in_wrong"), "{login}");
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn guessing_is_slowed_down_whether_there_is_an_account_or_not() {
    let world = World::start("{}").await;
    world.signed_in("liu.fang", &[Role::Doctor]).await;
    for login in ["liu.fang", "nobody"] {
        for _ in 0..TRIES_FREE {
            assert_eq!(world.sign_in(login, "wrong").await.unwrap_err().code(), "sign_in_wrong");
        }
        let paused = world.sign_in(login, PASSWORD).await.unwrap_err();
        assert_eq!((paused.status, paused.code()), (429, "sign_in_paused"));
    }
    world.clock.set(add_seconds(at(NOW), PAUSE_FIRST_S));
    assert!(world.sign_in("liu.fang", PASSWORD).await.is_ok());
    assert_eq!(world.sign_in("liu.fang", "wrong").await.unwrap_err().code(), "sign_in_wrong", "and is forgotten");
}

#[tokio::test]
async fn a_session_ends_unused_and_after_a_shift() {
    let world = World::start("{}").await;
    let browser = world.signed_in("liu.fang", &[Role::Finance]).await;
    let open = async |after_s: i64| {
        world.clock.set(add_seconds(at(NOW), after_s));
        world.browse(Method::GET, "/staff/worklist", &browser, "").await.status
    };
    assert_eq!(open(SESSION_IDLE_S - 1).await, 200);
    assert_eq!(open(SESSION_IDLE_S).await, 401, "a script that asks is nobody at the desk");
    let busy = world.sign_in("liu.fang", PASSWORD).await.unwrap();
    let begun = SESSION_IDLE_S;
    let mut after_s = begun;
    while after_s + 1200 < begun + SESSION_LIFE_S {
        after_s += 1200;
        world.clock.set(add_seconds(at(NOW), after_s));
        // A refused change is a use, too.
        let used = world.browse(Method::POST, "/staff/orders/x/remarks", &busy, "").await;
        assert_ne!(used.status, 401, "after {after_s} s");
    }
    world.clock.set(add_seconds(at(NOW), begun + SESSION_LIFE_S));
    assert_eq!(world.browse(Method::GET, "/staff/worklist", &busy, "").await.status, 401);
}

#[tokio::test]
async fn every_session_ends_when_rights_change() {
    let world = World::start("{}").await;
    for what in ["disable", "reset_password", "save&name=刘芳&roles=content"] {
        let login = format!("liu.{}", what.split(['&', '_']).next().unwrap());
        let browser = world.signed_in(&login, &[Role::Finance]).await;
        assert_eq!(world.browse(Method::GET, "/staff/worklist", &browser, "").await.status, 200);
        let answer = world.send_form(&format!("/staff/accounts/{login}"), &change(what)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(world.browse(Method::GET, "/staff/worklist", &browser, "").await.status, 401, "{what}");
    }
    let browser = world.signed_in("liu.out", &[Role::Finance]).await;
    world.browse(Method::POST, "/staff/signout", &browser, "").await;
    assert_eq!(world.browse(Method::GET, "/staff/worklist", &browser, "").await.status, 401);
}

#[tokio::test]
async fn a_change_needs_the_token_of_the_page() {
    let world = World::start("{}").await;
    let mut browser = world.signed_in("boss", &[Role::Admin]).await;
    let own = browser.csrf.clone();
    browser.csrf = world.signed_in("other", &[Role::Admin]).await.csrf;
    let answer = world.browse(Method::POST, "/staff/accounts/other", &browser, &change("disable")).await;
    assert_eq!((answer.status, answer.code()), (403, "csrf"));
    browser.csrf = own;
    assert_eq!(world.browse(Method::POST, "/staff/accounts/other", &browser, &change("disable")).await.status, 200);
}

#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let world = World::start("{}").await;
    let boss = world.signed_in("boss", &[Role::Admin]).await;
    for fields in [change("disable"), change("save&name=王&roles=doctor")] {
        let answer = world.browse(Method::POST, "/staff/accounts/boss", &boss, &fields).await;
        assert_eq!((answer.status, answer.code()), (409, "own_account"));
    }
    let renamed = world.browse(Method::POST, "/staff/accounts/boss", &boss, &change("save&name=王&roles=admin")).await;
    assert_eq!((renamed.status, renamed.body["name"].as_str()), (200, Some("王")));
    let twice = world.browse(Method::POST, "/staff/accounts", &boss, "login=boss&name=王&roles=admin").await;
    assert_eq!((twice.status, twice.code()), (409, "login_taken"));
    let wrong = world.browse(Method::POST, "/staff/accounts", &boss, "login=x&roles=root&departments=内科").await;
    let fields = wrong.body["error"]["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["departments", "login", "name", "roles"]);
}

#[tokio::test]
async fn what_was_done_is_on_record_without_secrets() {
    let world = World::start("{}").await;
    let boss = world.signed_in("boss", &[Role::Admin]).await;
    world.browse(Method::POST, "/staff/accounts", &boss, "login=liu.fang&name=刘芳&roles=doctor").await;
    let audit = world.send(Method::GET, "/staff/audit?date=2026-11-22", ALL, "").await;
    let entries = audit.body["entries"].as_array().unwrap();
    let deeds: Vec<_> = entries
        .iter()
        .map(|entry| format!("{} {} {}", entry["who"], entry["what"], entry["about"]).replace('"', ""))
        .collect();
    for deed in
        ["office create_account boss", "boss sign_in boss", "boss change_password boss", "boss create_account liu.fang"]
    {
        assert!(deeds.iter().any(|seen| seen == deed), "{deed}: {deeds:?}");
    }
    assert!(!audit.body.to_string().contains("刘芳"));
    let accounts = world.send(Method::GET, "/staff/accounts", ALL, "").await;
    assert!(!accounts.body.to_string().contains("argon2"));
    for (key, item) in world.items().await {
        assert!(!format!("{item:?}").contains(PASSWORD), "{key}");
    }
}
