//! The page around everything.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Icon, STAFF_STYLE, STYLE};
use crate::{assets, view::PageContext};

/// The four places of the bottom bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// 首页
    Home,
    /// 挂号
    Booking,
    /// 我的号
    Appointments,
    /// 就诊人
    Patients,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Home, Self::Booking, Self::Appointments, Self::Patients];

    const fn parts(self) -> (&'static str, &'static str, Icon) {
        match self {
            Self::Home => ("首页", "/", Icon::Home),
            Self::Booking => ("挂号", "/booking", Icon::Book),
            Self::Appointments => ("我的号", "/appointments", Icon::Ticket),
            Self::Patients => ("就诊人", "/patients", Icon::People),
        }
    }
}

/// A script of ours that makes a page better; pages work without (paying excepted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Pays inside WeChat.
    Pay,
    /// Counts a remaining time down, then loads the page again.
    Countdown,
    /// Adds up what is ticked.
    Sum,
    /// Keeps the place in the queue up to date.
    Visit,
    /// Keeps the desk's queue fresh and its keys working.
    Desk,
    /// Keeps the waiting-room screen fresh and speaks.
    Screen,
    /// Prints.
    Print,
}

/// What differs from page to page outside its body.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    title: &'a str,
    tab: Option<Tab>,
    scripts: &'a [Script],
    without_script: Option<&'a str>,
    style: Option<&'static str>,
}

impl<'a> Page<'a> {
    /// A page of this title. WeChat shows it in its own bar, so it is not repeated inside the page.
    pub const fn new(title: &'a str) -> Self {
        Self { title, tab: None, scripts: &[], without_script: None, style: None }
    }

    /// Marks where in the bottom bar the page belongs.
    #[must_use]
    pub const fn tab(mut self, tab: Tab) -> Self {
        self.tab = Some(tab);
        self
    }

    /// Adds scripts.
    #[must_use]
    pub const fn scripts(mut self, scripts: &'a [Script]) -> Self {
        self.scripts = scripts;
        self
    }

    /// Adds a style sheet of ours to the one of every page.
    #[must_use]
    pub const fn style(mut self, style: &'static str) -> Self {
        self.style = Some(style);
        self
    }

    /// Where a browser without script goes after a few seconds, to keep up with what changes.
    #[must_use]
    pub const fn without_script(mut self, path: Option<&'a str>) -> Self {
        self.without_script = path;
        self
    }
}

const STAFF: &str = "/staff";
const DESK: &str = "/desk";

/// Whose page it is follows from its address.
fn is_for_staff(context: &PageContext<'_>) -> bool {
    is_below(context, STAFF) || is_below(context, DESK)
}

fn is_below(context: &PageContext<'_>, root: &str) -> bool {
    context.request.path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The whole document: style inline; for patients the hospital's telephone and the bottom bar on every page, for staff a
/// bar that leads back to what they may do.
#[allow(clippy::needless_pass_by_value, reason = "a body is made for one page and used up by it")]
pub fn page(context: &PageContext<'_>, page: &Page<'_>, body: Markup) -> Markup {
    let staff = is_for_staff(context);
    html! {
        (DOCTYPE)
        html lang="zh-CN" class=[context.large_type().then_some("large")] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover";
                // Digits here are numbers and dates, not telephones.
                meta name="format-detection" content="telephone=no";
                title { (page.title) }
                link rel="icon" href="data:,";
                @if let Some(path) = page.without_script {
                    noscript { meta http-equiv="refresh" content={ "20;url=" (path) }; }
                }
                style { (PreEscaped(STYLE)) }
                @if staff { style { (PreEscaped(STAFF_STYLE)) } }
                @if let Some(style) = page.style { style { (PreEscaped(style)) } }
                @for script in page.scripts {
                    script src=(assets::script_url(*script)) defer {}
                }
            }
            @if staff { body.staff { (staff_bar(context)) main { (body) } } }
            @else { body { main { (body) } (foot_and_tabs(context, page)) } }
        }
    }
}

fn staff_bar(context: &PageContext<'_>) -> Markup {
    html! {
        header.bar {
            a.name href=(STAFF) { (context.site.hospital_name) " 工作台" }
            // Not everybody may open the desk; who is there may.
            @if context.csrf.is_some() {
                @if is_below(context, DESK) { a href=(DESK) { "门诊" } }
                a href=(STAFF) { "账号" }
            }
        }
    }
}

fn foot_and_tabs(context: &PageContext<'_>, page: &Page<'_>) -> Markup {
    let (name, phone) = (&context.site.hospital_name, &context.site.hospital_phone);
    html! {
        footer.foot {
            p { (name) }
            @if !phone.is_empty() { p { a href={ "tel:" (phone) } { "电话 " (phone) } } }
        }
        nav.tabs aria-label="主要功能" {
            @for tab in Tab::ALL {
                @let (text, href, icon) = tab.parts();
                a href=(href) aria-current=[(page.tab == Some(tab)).then_some("page")] { (icon) (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::{
        components::{Cell, Day, DayState, Person, days, list, people},
        request::tests::meta,
        view::tests::site,
    };

    /// The first flight of a TCP connection: what arrives after one round trip.
    const PAGE_MAX_BYTES: usize = 14 * 1024;

    fn sample(headers: &[(&str, &str)]) -> String {
        let (site, request) = (site(), meta("GET", "/booking", headers));
        let context = PageContext { site: &site, request: &request, csrf: None };
        let day =
            Day { name: "周三", date: "11/25", state: DayState::Open, href: "?date=2026-11-25", current: false };
        let row = Cell {
            text: "心血管内科", below: Some("门诊楼 3 层"), href: Some("/booking/c"), ..Cell::default()
        };
        let doctor = Person {
            name: "李明", role: "主任医师", below: Some("冠心病、心力衰竭"), ..Person::default()
        };
        let body = html! { (days(&[day; 28])) (list(&vec![row; 60])) (people(&vec![doctor; 60])) };
        page(&context, &Page::new("选择科室").tab(Tab::Booking), body).into_string()
    }

    #[test]
    fn a_full_page_arrives_in_one_flight() {
        let html = sample(&[]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(html.as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap().len();
        assert!(bytes <= PAGE_MAX_BYTES, "{bytes} bytes");
    }

    #[test]
    fn the_first_paint_asks_for_nothing_else() {
        let html = sample(&[]);
        for request in ["<script", "<img", "stylesheet", "@import", "http:", "https:"] {
            assert!(!html.replace("http://www.w3.org/2000/svg", "").contains(request), "{request}");
        }
    }

    #[test]
    fn no_style_or_script_that_the_policy_would_block() {
        let html = sample(&[]);
        assert!(!html.contains(" style=") && !html.contains(" onclick=") && !html.contains("javascript:"));
    }

    #[test]
    fn large_type_is_a_matter_of_a_cookie() {
        assert!(sample(&[("cookie", "large=1")]).contains(r#"<html lang="zh-CN" class="large">"#));
        assert!(sample(&[]).contains(r#"<html lang="zh-CN">"#));
    }

    #[test]
    fn staff_have_a_bar_of_their_own() {
        let (site, request) = (site(), meta("GET", "/desk/clinics/c", &[]));
        let context = PageContext { site: &site, request: &request, csrf: None };
        let html = page(&context, &Page::new("分诊"), html! {}).into_string();
        assert!(html.contains(r#"<body class="staff">"#) && !html.contains("<nav class=\"tabs\""), "{html}");
    }

    #[test]
    fn every_page_has_the_telephone_and_its_place() {
        let html = sample(&[]);
        assert!(html.contains(r#"href="tel:021-00000000""#));
        assert!(html.contains(r#"href="/booking" aria-current="page""#));
    }
}
