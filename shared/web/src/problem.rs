//! The one error answer, as a page or as `{"error":{"code","text"}}`.
//!
//! Codes are stable: programs decide by them, texts are for people and may change.
//!
//! | code | status | when |
//! |---|---|---|
//! | `bad_request` | 400 | the body or a parameter cannot be read |
//! | `sign_in_required` | 401 | nobody is signed in; a page goes to sign-in and comes back |
//! | `staff_token_required` | 401 | neither a staff session nor a token; a page goes to staff sign-in and comes back |
//! | `password_change_required` | 403 | somebody else chose the password; a page goes where it is changed |
//! | `forbidden` | 403 | signed in, but this is not theirs to do |
//! | `csrf` | 403 | the form is stale, or comes from another site |
//! | `not_found` | 404 | nothing there, or nothing the caller may know of |
//! | `method_not_allowed` | 405 | the path exists under another method (`Allow`) |
//! | `body_too_large` | 413 | the body exceeds the limit of the route |
//! | `unsupported_body` | 415 | neither a form nor JSON |
//! | `bad_form` | 422 | fields are missing or wrong; `fields` names each |
//! | `too_many_requests` | 429 | asked too often (`Retry-After`) |
//! | `internal` | 500 | our fault; only a trace id is shown |
//! | `unavailable` | 503 | a part we need does not answer (`Retry-After`) |
//!
//! Functions add their own with [`Problem::conflict`], such as `number_taken` (409).

use std::{borrow::Cow, collections::BTreeMap};

use http::{Method, StatusCode, header};
use serde::Serialize;

use crate::{
    Response,
    components::{Button, Link, Page, State, page, state},
    form::Form,
    negotiate::{Cache, Face},
    session::{STAFF_SIGN_IN, sign_in_path, staff_sign_in_path},
    view::{PageContext, answer, see_other, set},
};

/// Where staff change their password.
pub const STAFF_PASSWORD: &str = "/staff/password";
/// Tells whose sign-in is meant.
const STAFF_REQUIRED: &str = "staff_token_required";

/// What went wrong, in a code for programs and words for people. Never holds personal data or internals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What the reader is told, in Chinese: what happened and what to do.
    pub text: Cow<'static, str>,
    /// Where the reader may go on.
    pub action: Option<Box<Link>>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
    fields: BTreeMap<&'static str, Cow<'static, str>>,
    allow: Option<String>,
}

/// The JSON face.
#[derive(Serialize)]
struct Body<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'a BTreeMap<&'static str, Cow<'static, str>>,
}

impl Problem {
    /// A problem with a code of the function's own.
    pub fn new(status: StatusCode, code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { status, code, text, action: None, retry_after_s: None, fields: BTreeMap::new(), allow: None }
    }

    /// The state of things forbids it (409): taken, closed, too late.
    pub fn conflict(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, text)
    }

    /// 400.
    pub fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "提交的内容无法识别，请返回重试。")
    }

    /// 401.
    pub fn sign_in_required() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign_in_required", "请先登录，再继续操作。")
    }

    /// 401 for what staff and machines do: machines are not sent to any sign-in, people to that of staff.
    pub fn staff_required() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, STAFF_REQUIRED, "需要员工登录，或有效的员工、接口令牌")
    }

    /// 403 until a password that somebody else chose is changed.
    pub fn password_change_required() -> Self {
        let text = "请先修改初始密码，再继续操作。";
        let action = Link::new("修改密码", STAFF_PASSWORD);
        Self::new(StatusCode::FORBIDDEN, "password_change_required", text).with_action(action)
    }

    /// 403.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "您没有权限进行此操作。")
    }

    /// 403 for a stale or foreign form.
    pub fn csrf() -> Self {
        Self::new(StatusCode::FORBIDDEN, "csrf", "页面已过期，请返回上一页，刷新后再提交。")
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "您要找的内容不存在，或已不再提供。")
    }

    /// 405; `allow` lists the methods that exist, comma-separated.
    pub fn method_not_allowed(allow: String) -> Self {
        let text = "不支持这种访问方式，请返回重试。";
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text) }
    }

    /// 413.
    pub fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "提交的内容太大，请减少后重试。")
    }

    /// 415.
    pub fn unsupported_body() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_body", "不支持这种提交格式。")
    }

    /// 422 with a message per wrong field; carries no value that was typed.
    pub fn bad_form(form: &Form) -> Self {
        let text = "有内容未填写或填写有误，请修改后再提交。";
        Self { fields: form.errors().clone(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_form", text) }
    }

    /// 429.
    pub fn too_many_requests(retry_after_s: u32) -> Self {
        let text = "操作太频繁，请稍等片刻再试。";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text).with_retry_after(retry_after_s)
    }

    /// 500. The reader sees the trace id and nothing else; the log has the rest under the same id.
    pub fn internal(trace_id: &str) -> Self {
        let text = format!("系统出了点问题，请稍后再试。如需帮助，请致电医院并告知编号：{trace_id}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", text)
    }

    /// 503.
    pub fn unavailable(retry_after_s: u32) -> Self {
        let text = "系统正忙，请稍等片刻再试。";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text).with_retry_after(retry_after_s)
    }

    /// Adds where the reader may go on.
    #[must_use]
    pub fn with_action(mut self, action: Link) -> Self {
        self.action = Some(Box::new(action));
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Answers the request. Someone who merely opened a page that needs sign-in is taken there and back.
    pub fn respond(&self, context: &PageContext<'_>) -> Response {
        let face = context.request.face();
        let back_to = context.request.path_and_query();
        let to_sign_in =
            if self.code == STAFF_REQUIRED { staff_sign_in_path(&back_to) } else { sign_in_path(&back_to) };
        let needs_sign_in = self.status == StatusCode::UNAUTHORIZED;
        if needs_sign_in && face == Face::Page && context.request.method == Method::GET {
            return see_other(context, &to_sign_in);
        }
        let body = match face {
            Face::Page => self.page(context).into_string(),
            Face::Json => self.json(),
        };
        let mut response = answer(context, self.status, face, Cache::Personal, body);
        if let Some(seconds) = self.retry_after_s {
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
        }
        if let Some(allow) = &self.allow {
            set(&mut response, header::ALLOW, allow);
        }
        response
    }

    fn json(&self) -> String {
        let Self { code, text, retry_after_s, fields, .. } = self;
        let error = ErrorBody { code, text, retry_after_s: *retry_after_s, fields };
        serde_json::to_string(&Body { error }).unwrap_or_else(|_| r#"{"error":{"code":"internal"}}"#.into())
    }

    fn page(&self, context: &PageContext<'_>) -> maud::Markup {
        let title = match self.status {
            StatusCode::UNAUTHORIZED => "请先登录",
            StatusCode::NOT_FOUND => "没有找到",
            status if status.is_server_error() => "暂时无法处理",
            _ => "未能完成",
        };
        let mut actions: Vec<Button<'_>> = Vec::new();
        if self.status == StatusCode::UNAUTHORIZED {
            let sign_in = if self.code == STAFF_REQUIRED { STAFF_SIGN_IN } else { "/signin" };
            actions.push(Button::primary_link("去登录", sign_in));
        }
        if let Some(link) = &self.action {
            actions.push(Button::primary_link(&link.text, &link.href));
        }
        actions.push(Button::plain_link("返回首页", "/"));
        let telephone = format!("tel:{}", context.site.hospital_phone);
        if self.status.is_server_error() && !context.site.hospital_phone.is_empty() {
            actions.push(Button::plain_link("致电医院", &telephone));
        }
        page(context, &Page::new(title), state(State::Failure, title, &self.text, &actions))
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;
    use crate::{form::Fields, request::tests::meta, view::tests::site};

    fn answer_to(problem: &Problem, method: &str, accept: &str) -> Response {
        let (site, request) = (site(), meta(method, "/patients?page=2", &[("accept", accept)]));
        problem.respond(&PageContext { site: &site, request: &request, csrf: None })
    }

    fn text(response: &Response) -> &str {
        match response.body() {
            Body::Text(text) => text,
            _ => "",
        }
    }

    fn every_problem() -> Vec<Problem> {
        let mut form = Form::new(Fields::default());
        form.reject("name", "请填写姓名。");
        vec![
            Problem::bad_request(),
            Problem::sign_in_required(),
            Problem::forbidden(),
            Problem::csrf(),
            Problem::not_found(),
            Problem::method_not_allowed("GET, POST".into()),
            Problem::body_too_large(),
            Problem::unsupported_body(),
            Problem::bad_form(&form),
            Problem::too_many_requests(30),
            Problem::internal("1-67a0b2c4"),
            Problem::unavailable(5),
            Problem::conflict("number_taken", "这个号刚被别人约走了，请换一个时段。"),
        ]
    }

    #[test]
    fn json_faces_are_stable() {
        let lines: Vec<_> = every_problem()
            .iter()
            .map(|problem| answer_to(problem, "POST", "application/json"))
            .map(|response| format!("{} {}", response.status().as_u16(), text(&response)))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_page_says_what_happened_and_where_to_go() {
        let link = Link::new("换一个时段", "/clinics/c-1");
        let response =
            answer_to(&Problem::conflict("number_taken", "这个号刚被别人约走了。").with_action(link), "POST", "");
        let (_, body) = text(&response).split_once("<body>").unwrap();
        insta::assert_snapshot!(body.replace('>', ">\n"));
    }

    #[test]
    fn every_code_is_in_the_table() {
        let table = include_str!("problem.rs");
        for problem in every_problem().iter().filter(|problem| problem.status != StatusCode::CONFLICT) {
            let row = format!("//! | `{}` | {} |", problem.code, problem.status.as_u16());
            assert!(table.contains(&row), "{row}");
        }
    }

    #[test]
    fn headers_tell_programs_what_to_do() {
        let header = |problem: &Problem, name: &str| {
            answer_to(problem, "POST", "application/json").headers().get(name).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(header(&Problem::too_many_requests(30), "retry-after"), "30");
        assert_eq!(header(&Problem::method_not_allowed("GET".into()), "allow"), "GET");
        assert_eq!(header(&Problem::internal("t"), "cache-control"), "no-store");
    }

    #[test]
    fn a_page_that_needs_sign_in_goes_there_and_back() {
        let response = answer_to(&Problem::sign_in_required(), "GET", "text/html");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers().get("location").unwrap(), "/signin?to=%2Fpatients%3Fpage%3D2");
        assert_eq!(answer_to(&Problem::sign_in_required(), "POST", "text/html").status(), StatusCode::UNAUTHORIZED);
        let json = answer_to(&Problem::sign_in_required(), "GET", "application/json");
        assert_eq!(json.status(), StatusCode::UNAUTHORIZED);
    }
}
