//! Who may come in.

use crate::world::{SCREENS, World};
use desk::ROUTES;
use domain::staff::Role;
use lambda_http::http::Method;
use web::route::{Access, Scope};

fn filled(path: &str) -> String {
    let path = path.replace("{clinic}", "c").replace("{appointment}", "a").replace("{patient}", "p");
    path.replace("{screen}", "XNK")
}

#[tokio::test]
async fn every_role_opens_what_its_scopes_say_and_nothing_else() {
    let world = World::open().await;
    for role in Role::ALL {
        let browser = world.browser(role.code(), &[role]).await;
        for route in &ROUTES {
            let Access::Staff(scope) = route.access else { continue };
            let path = filled(route.path);
            let answer = match route.method {
                Method::GET => world.get(&browser, &path).await,
                _ => world.post(&browser, &path, &[]).await,
            };
            assert_eq!(answer.code() == "forbidden", !role.scopes().contains(&scope), "{role:?} {path}");
            assert_ne!(answer.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn strangers_and_foreign_pages_are_refused() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let json = [("accept", "application/json")];
    for route in ROUTES.iter().filter(|route| route.access != Access::Signed) {
        let path = filled(route.path);
        let answer = world.send(route.method.clone(), &path, None, &json, "").await;
        assert_eq!((answer.status, answer.code()), (401, "staff_token_required"), "{path}");
        if route.method == Method::POST {
            let foreign = [("accept", "application/json"), ("x-csrf-token", "Zm9yZWlnbg")];
            let answer = world.send(Method::POST, &path, Some(&nurse), &foreign, "").await;
            assert_eq!((answer.status, answer.code()), (403, "csrf"), "{path}");
        }
    }
    let page = world.send(Method::GET, "/desk?x=1", None, &[("accept", "text/html")], "").await;
    assert_eq!((page.status, page.header("location")), (303, "/staff/signin?to=%2Fdesk%3Fx%3D1"));
}

#[tokio::test]
async fn a_television_shows_screens_and_nothing_else() {
    let world = World::open().await;
    let token = format!("Bearer {SCREENS}");
    let headers = [("accept", "application/json"), ("authorization", token.as_str())];
    for route in &ROUTES {
        let Access::Staff(scope) = route.access else { continue };
        let answer = world.send(route.method.clone(), &filled(route.path), None, &headers, "").await;
        assert_eq!(answer.status == 403, scope != Scope::Screens, "{}", route.path);
    }
}
