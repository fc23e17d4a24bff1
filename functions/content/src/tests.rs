//! The pages of a small hospital, kept in memory.

use domain::catalog::{Department, Doctor};
use lambda_http::{Body, http};
use runtime::Clock;
use serde_json::json;
use store::Table;

use super::*;

fn department(id: &str, name: &str, parent: Option<&str>) -> Department {
    Department {
        id: id.parse().unwrap(),
        name: name.into(),
        parent: parent.map(|parent| parent.parse().unwrap()),
        location: "门诊楼 3 层".into(),
        campus: "本部".into(),
        intro: format!("{name}诊治常见病。"),
    }
}

fn doctor(id: &str, name: &str, pinyin: &str, department: &str, expert: bool) -> Doctor {
    Doctor {
        id: id.parse().unwrap(),
        name: name.into(),
        pinyin: pinyin.into(),
        title: "主任医师".into(),
        department: department.parse().unwrap(),
        expert,
        specialty: "冠心病、心力衰竭".into(),
        intro: "从医二十余年。".into(),
    }
}

fn app(table: Table) -> App {
    App { desk: Desk::new(table, Clock::default(), "https://desk.example.org") }
}

async fn hospital() -> App {
    let table = kit::table().await;
    let profile = json!({
        "name": "示例医院", "phone": "021-00000000", "address": "示例路 1 号", "intro": ["一所示例医院。"],
        "guide": [{"title": "怎样取号", "paragraphs": ["到达后在候诊区签到。"]}],
        "consent": {"version": "1", "paragraphs": []}, "menu": [], "welcome": "", "replies": [], "fallback": "",
    });
    table.put_profile(&serde_json::from_value(profile).unwrap()).await.unwrap();
    for department in [
        department("NK", "内科", None),
        department("XNK", "心血管内科", Some("NK")),
        department("HXK", "呼吸内科", Some("NK")),
        department("PFK", "皮肤科", None),
        department("YK", "眼科", Some("GONE")),
    ] {
        table.put_department(&department).await.unwrap();
    }
    for doctor in [
        doctor("D1", "李明", "liming", "XNK", true),
        doctor("D2", "王芳", "wangfang", "PFK", false),
        doctor("D3", "无科", "wuke", "GONE", false),
    ] {
        table.put_doctor(&doctor).await.unwrap();
    }
    app(table)
}

async fn get(hospital: &App, uri: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = http::Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    handle(hospital, request.body(Body::Empty).unwrap()).await.unwrap()
}

const JSON: [(&str, &str); 1] = [("accept", "application/json")];

fn text(response: &Response) -> &str {
    match response.body() {
        Body::Text(text) => text,
        _ => "",
    }
}

#[tokio::test]
async fn every_page_has_a_json_face() {
    let hospital = hospital().await;
    let mut faces = Vec::new();
    for uri in [
        "/",
        "/departments",
        "/departments?q=%E5%86%85",
        "/departments/XNK",
        "/departments/NK",
        "/doctors/D1",
        "/guide",
    ] {
        let response = get(&hospital, uri, &JSON).await;
        let value: serde_json::Value = serde_json::from_str(text(&response)).unwrap();
        faces.push(format!("{} {uri}\n{}", response.status().as_u16(), serde_json::to_string_pretty(&value).unwrap()));
    }
    insta::assert_snapshot!(faces.join("\n\n"));
}

#[tokio::test]
async fn every_route_answers_with_a_page_that_may_be_cached() {
    let hospital = hospital().await;
    for route in &ROUTES {
        assert_eq!(route.access, Access::Public);
        let script = assets::script_url(web::components::Script::Pay);
        let uri = route.path.replace("{department}", "XNK").replace("{doctor}", "D1");
        let uri = if route.action == Action::Asset { script } else { uri };
        let response = get(&hospital, &uri, &[]).await;
        assert_eq!(response.status(), 200, "{uri}");
        let cache = response.headers().get("cache-control").unwrap().to_str().unwrap();
        assert!(cache.starts_with("public, max-age="), "{uri}: {cache}");
        let tag = response.headers().get("etag").unwrap().to_str().unwrap().to_owned();
        assert_eq!(get(&hospital, &uri, &[("if-none-match", &tag)]).await.status(), 304, "{uri}");
    }
}

#[tokio::test]
async fn pages_lead_to_the_desk() {
    let hospital = hospital().await;
    for (uri, link) in [
        ("/", "href=\"/booking\""),
        ("/", "href=\"tel:021-00000000\""),
        ("/departments", "href=\"/departments/XNK\""),
        ("/departments/XNK", "href=\"/booking/XNK\""),
        ("/departments/XNK", "href=\"/doctors/D1\""),
        ("/doctors/D1", "href=\"/booking/XNK\""),
        ("/guide", "到达后在候诊区签到。"),
    ] {
        let response = get(&hospital, uri, &[]).await;
        assert!(text(&response).contains(link), "{uri}: {link}");
    }
}

#[tokio::test]
async fn search_finds_departments_and_doctors() {
    let hospital = hospital().await;
    let names = async |query: &str| {
        let response = get(&hospital, &format!("/departments?q={query}"), &JSON).await;
        let value: serde_json::Value = serde_json::from_str(text(&response)).unwrap();
        let lists = [value.pointer("/groups/0/departments"), value.get("doctors")];
        let rows = lists.into_iter().flatten().filter_map(|list| list.as_array()).flatten();
        rows.filter_map(|row| row.get("name")?.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names("%E7%9A%AE").await, ["皮肤科"]);
    assert_eq!(names("%E6%9D%8E").await, ["李明"]);
    assert_eq!(names("WangF").await, ["王芳"]);
    assert_eq!(names("%25%3Cb%3E").await, Vec::<String>::new());
    let page = get(&hospital, "/departments?q=%3Cscript%3E", &[]).await;
    assert!(text(&page).contains("没有找到") && !text(&page).contains("<script>"));
}

#[tokio::test]
async fn no_department_is_lost_between_groups() {
    let page = get(&hospital().await, "/departments", &[]).await;
    for id in ["XNK", "HXK", "PFK", "YK"] {
        assert!(text(&page).contains(&format!("/departments/{id}\"")), "{id}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let hospital = hospital().await;
    for uri in
        ["/departments/NONE", "/departments/a%20b", "/doctors/NONE", "/doctors/D3", "/assets/none.js", "/nowhere"]
    {
        assert_eq!(get(&hospital, uri, &[]).await.status(), 404, "{uri}");
    }
    let post = http::Request::post("/").body(Body::Empty).unwrap();
    assert_eq!(handle(&hospital, post).await.unwrap().status(), 405);
}

#[tokio::test]
async fn without_table_or_profile_it_says_to_come_back() {
    let response = get(&app(kit::table_that_is_down()), "/departments", &JSON).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let bare = app(kit::table().await);
    let response = get(&bare, "/", &JSON).await;
    assert_eq!(response.status(), 503);
    assert!(text(&response).contains("not_set_up"));
    let script = assets::script_url(web::components::Script::Countdown);
    assert_eq!(get(&bare, &script, &[]).await.status(), 200);
}

#[tokio::test]
async fn the_reader_chooses_the_type_size() {
    let hospital = hospital().await;
    let response = get(&hospital, "/?size=large", &[]).await;
    assert_eq!(response.status(), 303);
    let cookie = response.headers().get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("large=1; Path=/; Max-Age=31536000"), "{cookie}");
    let large = get(&hospital, "/", &[("cookie", "large=1")]).await;
    assert!(text(&large).contains("class=\"large\"") && text(&large).contains("/?size=normal"));
}
