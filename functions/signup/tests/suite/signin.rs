use crate::world::{Browser, World, now};
use domain::time::add_seconds;

#[tokio::test]
async fn signing_in_leads_back_to_where_one_was() {
    let (world, mut browser) = (World::start().await, Browser::default());
    let away = browser.get(&world, "/patients").await;
    assert_eq!((away.status, away.location.as_str()), (303, "/signin?to=%2Fpatients"));
    let state = browser.begin(&world, &away.location).await;
    assert!(state.len() >= 32);
    let back = browser.get(&world, &format!("/signin/callback?code=A.o1&state={state}")).await;
    assert_eq!((back.status, back.location.as_str()), (303, "/patients"));
    assert_eq!(browser.get(&world, "/patients").await.status, 200);
    let again = browser.get(&world, "/signin?to=%2Fappointments").await;
    assert_eq!(again.location, "/appointments", "whoever is signed in does not go to WeChat");
}

#[tokio::test]
async fn foreign_return_paths_are_not_followed() {
    let (world, mut browser) = (World::start().await, Browser::default());
    let state = browser.begin(&world, "/signin?to=https%3A%2F%2Fevil.example").await;
    let back = browser.get(&world, &format!("/signin/callback?code=A.o1&state={state}")).await;
    assert_eq!(back.location, "/");
}

#[tokio::test]
async fn the_second_request_with_one_code_is_let_in_too() {
    let (world, mut browser) = (World::start().await, Browser::default());
    let state = browser.begin(&world, "/signin?to=%2Fpatients").await;
    let path = format!("/signin/callback?code=A.o1&state={state}");
    let mut twin = browser.clone();
    let (first, second) = tokio::join!(browser.get(&world, &path), twin.get(&world, &path));
    assert_eq!((first.location.as_str(), second.location.as_str()), ("/patients", "/patients"));
    for mut one in [browser, twin] {
        assert_eq!(one.get(&world, "/patients").await.status, 200);
    }
    let stranger = Browser::default().get(&world, &path).await;
    assert_eq!(stranger.status, 409, "{}", stranger.body);
}

#[tokio::test]
async fn a_state_is_bound_to_its_browser_and_runs_out() {
    let (world, mut browser) = (World::start().await, Browser { json: true, ..Browser::default() });
    let path = |state: &str| format!("/signin/callback?code=A.o1&state={state}");
    let mut other = browser.clone();
    let state = browser.begin(&world, "/signin").await;
    other.begin(&world, "/signin").await;
    assert_eq!(other.get(&world, &path(&state)).await.code(), "sign_in_stale");
    let state = browser.begin(&world, "/signin").await;
    world.clock.set(add_seconds(now(), 601));
    assert_eq!(browser.get(&world, &path(&state)).await.code(), "sign_in_stale");
    for nonsense in ["", "?state=", "?code=x", "?code=x&state=%20"] {
        assert_eq!(browser.get(&world, &format!("/signin/callback{nonsense}")).await.code(), "sign_in_stale");
    }
}

#[tokio::test]
async fn a_code_that_does_not_work_begins_again_once() {
    let (world, mut browser) = (World::start().await, Browser { json: true, ..Browser::default() });
    let state = browser.begin(&world, "/signin?to=%2Fpatients").await;
    let again = browser.begin(&world, &format!("/signin/callback?code=bad&state={state}")).await;
    assert_ne!(again, state);
    let last = browser.get(&world, &format!("/signin/callback?code=bad&state={again}")).await;
    assert_eq!((last.status, last.code().as_str()), (409, "sign_in_failed"));
}

#[tokio::test]
async fn whoever_declines_is_asked_again() {
    let (world, mut browser) = (World::start().await, Browser::default());
    let state = browser.begin(&world, "/signin?to=%2Fpatients").await;
    let page = browser.get(&world, &format!("/signin/callback?state={state}")).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("href=\"/signin?to=%2Fpatients\""), "{}", page.body);
}

#[tokio::test]
async fn a_preview_signs_nobody_in_and_leaving_it_goes_on() {
    let (world, mut browser) = (World::start().await, Browser::default());
    let state = browser.begin(&world, "/signin?to=%2Fpatients").await;
    let path = format!("/signin/callback?code=A.virtual.snapshot&state={state}");
    let preview = browser.get(&world, &path).await;
    assert_eq!(preview.status, 403);
    assert!(preview.body.contains("使用完整服务"));
    assert_eq!(browser.get(&world, "/patients").await.status, 303);
    let state = browser.begin(&world, &path).await;
    let back = browser.get(&world, &format!("/signin/callback?code=B.o1&state={state}")).await;
    assert_eq!(back.location, "/patients");
}

#[tokio::test]
async fn a_session_ends_by_itself_and_by_signing_out() {
    let world = World::start().await;
    let mut browser = Browser::signed_in(&world, "o1").await;
    let stolen = browser.clone();
    assert_eq!(browser.post(&world, "/signout", &[]).await.status, 303);
    for mut one in [browser, stolen] {
        assert_eq!(one.get(&world, "/patients").await.code(), "sign_in_required");
    }
    let mut browser = Browser::signed_in(&world, "o2").await;
    world.clock.set(add_seconds(now(), 2 * 3600));
    assert_eq!(browser.get(&world, "/patients").await.code(), "sign_in_required");
}
