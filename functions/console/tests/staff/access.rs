//! Who may come in.

use crate::world::{ALL, CATALOG, World};
use console::ROUTES;
use domain::staff::Role;
use lambda_http::http::Method;
use web::route::{Access, Scope};

/// What anybody may open: the sign-in alone.
const OPEN: &str = "/staff/signin";

fn filled(path: &str) -> String {
    let path = path.replace("{kind}", "departments").replace("{clinic}", "c").replace("{appointment}", "a");
    path.replace("{date}", "2026-11-21").replace("{difference}", "d").replace("{login}", "nobody")
}

#[tokio::test]
async fn no_route_lets_a_stranger_in_and_none_goes_beyond_its_scope() {
    let world = World::start("{}").await;
    let closed = || ROUTES.iter().filter(|route| route.path != OPEN);
    for route in closed() {
        let path = filled(route.path);
        for token in ["", "wrong", &ALL[1..]] {
            let answer = world.send(route.method.clone(), &path, token, "").await;
            assert_eq!((answer.status, answer.code()), (401, "staff_token_required"), "{path}");
        }
    }
    assert!(world.items().await.is_empty());
    for route in closed() {
        let path = filled(route.path);
        let answer = world.send(route.method.clone(), &path, CATALOG, "").await;
        match route.access {
            Access::Staff(scope) => assert_eq!(answer.status == 403, scope != Scope::Catalog, "{path}"),
            Access::StaffSession => assert_eq!(answer.status, 401, "a machine has no session: {path}"),
            other => panic!("{path} is {other:?}"),
        }
    }
    // What it may read it has read, and that is noted; nothing else has come of it.
    assert!(world.items().await.iter().all(|(key, _)| key.starts_with("AUDIT#")));
}

#[tokio::test]
async fn every_role_opens_what_its_scopes_say_and_nothing_else() {
    let world = World::start("{}").await;
    for role in Role::ALL {
        let browser = world.signed_in(role.code(), &[role]).await;
        for route in ROUTES.iter().filter(|route| route.path != OPEN && route.path != "/staff/signout") {
            let answer = world.browse(route.method.clone(), &filled(route.path), &browser, "").await;
            let Access::Staff(scope) = route.access else { continue };
            assert_eq!(answer.code() == "forbidden", !role.scopes().contains(&scope), "{role:?} {}", route.path);
        }
    }
}

#[tokio::test]
async fn only_known_kinds_and_clear_wishes() {
    let world = World::start("{}").await;
    assert_eq!(world.import("patients", "x").await.status, 404);
    let answer = world.send(Method::POST, "/staff/import/departments?dry_run=yes", ALL, "x").await;
    assert_eq!((answer.status, answer.code()), (400, "bad_dry_run"));
}
