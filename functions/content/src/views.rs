//! The public pages. Every view is the same for everybody and may be cached.

use domain::{
    catalog::{Department, Doctor},
    profile::{GuideSection, HospitalProfile},
};
use maud::{Markup, html};
use serde::Serialize;
use web::{
    components::{
        Button, Cell, Entry, Icon, Page, Person, State, Tab, Tone, entries, heading, key_values, list, page, people,
        prose, search, state, title,
    },
    negotiate::Cache,
    view::{PageContext, View},
};

/// How long a public page may be kept, in seconds: a correction by the hospital shows within a minute.
pub const MAX_AGE_S: u32 = 60;
/// Departments and doctors shown for one search.
pub const RESULTS_MAX: usize = 50;

const PUBLIC: Cache = Cache::Public { max_age_s: MAX_AGE_S };

/// The first page.
#[derive(Debug, Serialize)]
pub struct HomeView {
    name: String,
    phone: String,
    address: String,
    intro: Vec<String>,
}

impl HomeView {
    /// From the hospital profile.
    pub fn of(profile: &HospitalProfile) -> Self {
        let HospitalProfile { name, phone, address, intro, .. } = profile.clone();
        Self { name, phone, address, intro }
    }
}

impl View for HomeView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let telephone = format!("tel:{}", self.phone);
        let ways = [
            Entry { icon: Icon::Book, text: "预约挂号", href: "/booking" },
            Entry { icon: Icon::Ticket, text: "我的号", href: "/appointments" },
            Entry { icon: Icon::Bill, text: "缴费", href: "/bills" },
            Entry { icon: Icon::Report, text: "报告", href: "/reports" },
            Entry { icon: Icon::People, text: "就诊人", href: "/patients" },
            Entry { icon: Icon::Guide, text: "就诊指南", href: "/guide" },
            Entry { icon: Icon::Phone, text: "打电话", href: &telephone },
        ];
        let (size_text, size_href) = if context.large_type() {
            ("换回标准字号", "/?size=normal")
        } else {
            ("换成大字", "/?size=large")
        };
        let more = [
            Cell { text: "科室与医生", href: Some("/departments"), ..Cell::default() },
            Cell { text: size_text, href: Some(size_href), ..Cell::default() },
        ];
        let body = html! {
            header.hero { h1 { (self.name) } p { "在微信里挂号、付费、查看就诊安排" } }
            (entries(&ways))
            (title("医院服务"))
            (list(&more))
            (title("医院地址"))
            (prose(&[&self.address]))
            @if !self.intro.is_empty() { (title("医院简介")) (prose(&self.intro)) }
        };
        page(context, &Page::new(&self.name).tab(Tab::Home), body)
    }

    fn cache(&self) -> Cache {
        PUBLIC
    }
}

/// A department in a list.
#[derive(Debug, Serialize)]
pub struct DepartmentRow {
    id: String,
    name: String,
    location: String,
}

impl DepartmentRow {
    fn of(department: &Department) -> Self {
        Self {
            id: department.id.to_string(),
            name: department.name.clone(),
            location: place(&department.campus, &department.location),
        }
    }
}

/// A doctor in a list.
#[derive(Debug, Serialize)]
pub struct DoctorRow {
    id: String,
    name: String,
    title: String,
    expert: bool,
    specialty: String,
}

impl DoctorRow {
    fn of(doctor: &Doctor) -> Self {
        Self {
            id: doctor.id.to_string(),
            name: doctor.name.clone(),
            title: doctor.title.clone(),
            expert: doctor.expert,
            specialty: doctor.specialty.clone(),
        }
    }
}

/// Departments that belong together.
#[derive(Debug, Serialize)]
pub struct Group {
    name: String,
    departments: Vec<DepartmentRow>,
}

/// All departments, or what a search found.
#[derive(Debug, Serialize)]
pub struct DepartmentsView {
    query: String,
    groups: Vec<Group>,
    doctors: Vec<DoctorRow>,
}

impl DepartmentsView {
    /// All departments: those below another one under its name, the others together.
    pub fn all(departments: &[Department]) -> Self {
        let below = |parent: Option<&Department>| -> Vec<DepartmentRow> {
            let is_here = |it: &&Department| match parent {
                Some(parent) => it.parent.as_ref() == Some(&parent.id),
                None => !is_child(it, departments) && !is_parent(it, departments),
            };
            departments.iter().filter(is_here).map(DepartmentRow::of).collect()
        };
        let mut groups = vec![Group { name: "科室".into(), departments: below(None) }];
        let parents = departments.iter().filter(|department| is_parent(department, departments));
        groups.extend(parents.map(|parent| Group { name: parent.name.clone(), departments: below(Some(parent)) }));
        groups.retain(|group| !group.departments.is_empty());
        Self { query: String::new(), groups, doctors: Vec::new() }
    }

    /// Departments by name, doctors by name or pinyin.
    pub fn found(query: &str, departments: &[Department], doctors: &[Doctor]) -> Self {
        let pinyin = query.to_ascii_lowercase();
        let departments: Vec<_> = departments
            .iter()
            .filter(|department| department.name.contains(query))
            .take(RESULTS_MAX)
            .map(DepartmentRow::of)
            .collect();
        let doctors = doctors
            .iter()
            .filter(|doctor| doctor.name.contains(query) || doctor.pinyin.to_ascii_lowercase().starts_with(&pinyin))
            .take(RESULTS_MAX)
            .map(DoctorRow::of)
            .collect();
        let mut groups = vec![Group { name: "科室".into(), departments }];
        groups.retain(|group| !group.departments.is_empty());
        Self { query: query.to_owned(), groups, doctors }
    }
}

fn is_child(department: &Department, all: &[Department]) -> bool {
    // A parent that is not in the catalogue counts as none, or its children would be shown nowhere.
    department.parent.as_ref().is_some_and(|parent| all.iter().any(|it| it.id == *parent))
}

fn is_parent(department: &Department, all: &[Department]) -> bool {
    all.iter().any(|it| it.parent.as_ref() == Some(&department.id))
}

impl View for DepartmentsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let nothing = self.groups.is_empty() && self.doctors.is_empty();
        let back = [Button::plain_link("查看全部科室", "/departments")];
        let body = html! {
            (heading("科室与医生", Some("不知道看哪个科？请到导诊台或打电话询问。")))
            (search("/departments", "q", "搜索科室、医生", &self.query))
            @if nothing && !self.query.is_empty() {
                (state(State::Empty, "没有找到", "请换一个词，或只输入姓名的一部分。", &back))
            } @else if nothing {
                (state(State::Empty, "还没有科室资料", "医院正在整理，请稍后再来。", &[]))
            }
            @for group in &self.groups { (title(&group.name)) (department_list(&group.departments)) }
            @if !self.doctors.is_empty() { (title("医生")) (doctor_list(&self.doctors)) }
        };
        page(context, &Page::new("科室与医生").tab(Tab::Home), body)
    }

    fn cache(&self) -> Cache {
        PUBLIC
    }
}

fn department_list(rows: &[DepartmentRow]) -> Markup {
    let links: Vec<_> = rows.iter().map(|row| format!("/departments/{}", row.id)).collect();
    let cells: Vec<_> = rows
        .iter()
        .zip(&links)
        .map(|(row, href)| Cell { text: &row.name, below: given(&row.location), href: Some(href), side: None })
        .collect();
    list(&cells)
}

fn doctor_list(rows: &[DoctorRow]) -> Markup {
    let links: Vec<_> = rows.iter().map(|row| format!("/doctors/{}", row.id)).collect();
    let cards: Vec<_> = rows
        .iter()
        .zip(&links)
        .map(|(row, href)| Person {
            name: &row.name,
            role: &row.title,
            below: given(&row.specialty),
            tags: if row.expert { &[(Tone::Plain, "专家门诊")] } else { &[] },
            side: None,
            href: Some(href),
        })
        .collect();
    people(&cards)
}

/// One department with its doctors.
#[derive(Debug, Serialize)]
pub struct DepartmentView {
    id: String,
    name: String,
    location: String,
    intro: String,
    departments: Vec<DepartmentRow>,
    doctors: Vec<DoctorRow>,
}

impl DepartmentView {
    /// A department, the departments below it, and its doctors.
    pub fn of(department: &Department, departments: &[Department], doctors: &[Doctor]) -> Self {
        let DepartmentRow { id, name, location } = DepartmentRow::of(department);
        let below = departments.iter().filter(|it| it.parent.as_ref() == Some(&department.id));
        let here = doctors.iter().filter(|it| it.department == department.id);
        Self {
            id,
            name,
            location,
            intro: department.intro.clone(),
            departments: below.map(DepartmentRow::of).collect(),
            doctors: here.map(DoctorRow::of).collect(),
        }
    }
}

impl View for DepartmentView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let booking = format!("/booking/{}", self.id);
        let body = html! {
            (heading(&self.name, given(&self.location)))
            @if let Some(intro) = given(&self.intro) { (prose(&[intro])) }
            div.acts { (Button::primary_link("挂这个科的号", &booking)) }
            @if !self.departments.is_empty() { (title("下属科室")) (department_list(&self.departments)) }
            @if !self.doctors.is_empty() { (title("医生")) (doctor_list(&self.doctors)) }
        };
        page(context, &Page::new(&self.name).tab(Tab::Home), body)
    }

    fn cache(&self) -> Cache {
        PUBLIC
    }
}

/// One doctor.
#[derive(Debug, Serialize)]
pub struct DoctorView {
    #[serde(flatten)]
    doctor: DoctorRow,
    intro: String,
    department: DepartmentRow,
}

impl DoctorView {
    /// A doctor of a department.
    pub fn of(doctor: &Doctor, department: &Department) -> Self {
        Self { doctor: DoctorRow::of(doctor), intro: doctor.intro.clone(), department: DepartmentRow::of(department) }
    }
}

impl View for DoctorView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let DoctorRow { name, title: role, specialty, expert, .. } = &self.doctor;
        let booking = format!("/booking/{}", self.department.id);
        let department = format!("/departments/{}", self.department.id);
        let tags: &[(Tone, &str)] = if *expert { &[(Tone::Plain, "专家门诊")] } else { &[] };
        let facts = [("科室", html! { (self.department.name) }), ("地点", html! { (self.department.location) })];
        let body = html! {
            (people(&[Person { name, role, tags, ..Person::default() }]))
            (key_values(&facts))
            @if let Some(specialty) = given(specialty) { (title("擅长")) (prose(&[specialty])) }
            @if let Some(intro) = given(&self.intro) { (title("简介")) (prose(&[intro])) }
            div.acts { (Button::primary_link("查看号源", &booking)) (Button::plain_link("科室介绍", &department)) }
        };
        page(context, &Page::new(&format!("{name} {role}")).tab(Tab::Home), body)
    }

    fn cache(&self) -> Cache {
        PUBLIC
    }
}

/// How a visit goes.
#[derive(Debug, Serialize)]
pub struct GuideView {
    address: String,
    sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
struct Section {
    title: String,
    paragraphs: Vec<String>,
}

impl GuideView {
    /// From the hospital profile.
    pub fn of(profile: &HospitalProfile) -> Self {
        let section = |GuideSection { title, paragraphs }| Section { title, paragraphs };
        Self { address: profile.address.clone(), sections: profile.guide.iter().cloned().map(section).collect() }
    }
}

impl View for GuideView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("就诊指南", given(&self.address)))
            @for section in &self.sections { (title(&section.title)) (prose(&section.paragraphs)) }
            div.acts { (Button::primary_link("去挂号", "/booking")) }
        };
        page(context, &Page::new("就诊指南").tab(Tab::Home), body)
    }

    fn cache(&self) -> Cache {
        PUBLIC
    }
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn place(campus: &str, location: &str) -> String {
    format!("{campus} {location}").trim().to_owned()
}
