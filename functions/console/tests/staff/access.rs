//! Who may come in.

use crate::world::{ALL, CATALOG, World};
use console::ROUTES;
use lambda_http::http::Method;
use web::route::{Access, Scope};

#[tokio::test]
async fn no_route_lets_a_stranger_in_and_none_goes_beyond_its_scope() {
    let world = World::start("{}").await;
    for route in &ROUTES {
        let path = route.path.replace("{kind}", "departments").replace("{clinic}", "c").replace("{appointment}", "a");
        let path = path.replace("{date}", "2026-11-21").replace("{difference}", "d");
        for token in ["", "wrong", &ALL[1..]] {
            let answer = world.send(route.method.clone(), &path, token, "").await;
            assert_eq!((answer.status, answer.code()), (401, "staff_token_required"), "{path}");
        }
        let Access::Staff(scope) = route.access else { panic!("{path} is open") };
        let answer = world.send(route.method.clone(), &path, CATALOG, "").await;
        assert_eq!(answer.status == 403, scope != Scope::Catalog, "{path}");
    }
    assert!(world.items().await.is_empty());
}

#[tokio::test]
async fn only_known_kinds_and_clear_wishes() {
    let world = World::start("{}").await;
    assert_eq!(world.import("patients", "x").await.status, 404);
    let answer = world.send(Method::POST, "/staff/import/departments?dry_run=yes", ALL, "x").await;
    assert_eq!((answer.status, answer.code()), (400, "bad_dry_run"));
}
