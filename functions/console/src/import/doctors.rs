//! Doctors (医生). A fee belongs to a clinic, so it stands in the schedules.

use std::collections::BTreeMap;

use domain::catalog::Doctor;
use domain::id::{DepartmentId, DoctorId};

use super::cells::{Column, read};
use super::problem::Problem;
use super::{Import, Known};

const NAME_CHARS_MAX: usize = 40;
const SPECIALTY_CHARS_MAX: usize = 300;
const INTRO_CHARS_MAX: usize = 2_000;

const CODE: Column = Column::required("医生编码", &["医生代码", "工号", "编码", "代码", "code", "doctor_code"]);
const NAME: Column = Column::required("姓名", &["医生姓名", "医生", "name", "doctor"]);
const PINYIN: Column = Column::optional("拼音", &["姓名拼音", "pinyin"]);
const TITLE: Column = Column::required("职称", &["title"]);
const DEPARTMENT: Column = Column::required("科室编码", &["科室代码", "科室", "department", "department_code"]);
const EXPERT: Column = Column::optional("是否专家", &["专家", "expert"]);
const SPECIALTY: Column = Column::optional("擅长", &["专长", "擅长领域", "specialty"]);
const INTRO: Column = Column::optional("医生介绍", &["介绍", "简介", "医生简介", "intro"]);
const COLUMNS: &[&Column] = &[&CODE, &NAME, &PINYIN, &TITLE, &DEPARTMENT, &EXPERT, &SPECIALTY, &INTRO];

/// Reads a file of doctors. Departments must be in the catalogue.
pub fn doctors(bytes: &[u8], known: &Known) -> Import<Doctor> {
    let mut lines = BTreeMap::new();
    read(bytes, COLUMNS, |cells| {
        let id: Option<DoctorId> = cells.id(&CODE);
        if let Some(id) = &id {
            cells.unique(CODE.title, &mut lines, id.clone());
        }
        let name = cells.name(&NAME, NAME_CHARS_MAX);
        let pinyin = cells.words(&PINYIN, NAME_CHARS_MAX).map(|pinyin| pinyin.to_lowercase());
        let title = cells.name(&TITLE, NAME_CHARS_MAX);
        let department: Option<DepartmentId> = cells.id(&DEPARTMENT);
        if let Some(department) = department.as_ref().filter(|id| !known.departments.contains(*id)) {
            cells.note(Problem::NotFound { column: DEPARTMENT.title, value: department.to_string() });
        }
        let expert = cells.plain(&EXPERT).unwrap_or_else(|| "否".to_owned());
        let expert = cells.parsed(&EXPERT, expert, "请填写“是”或“否”", yes_or_no);
        let specialty = cells.words(&SPECIALTY, SPECIALTY_CHARS_MAX);
        let intro = cells.prose(&INTRO, INTRO_CHARS_MAX);
        Some(Doctor {
            id: id?,
            name: name?,
            pinyin: pinyin?,
            title: title?,
            department: department?,
            expert: expert?,
            specialty: specialty?,
            intro: intro?,
        })
    })
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "是" | "专家" | "y" | "yes" | "true" | "1" => Some(true),
        "否" | "不是" | "n" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}
