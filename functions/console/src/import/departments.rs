//! Departments (科室).

use std::collections::BTreeMap;

use domain::catalog::Department;
use domain::id::DepartmentId;

use super::cells::{Column, capped, read};
use super::problem::{Problem, RowError};
use super::{Import, Known};

const NAME_CHARS_MAX: usize = 40;
const PLACE_CHARS_MAX: usize = 80;
const INTRO_CHARS_MAX: usize = 2_000;

const CODE: Column = Column::required("科室编码", &["科室代码", "编码", "代码", "code", "department_code"]);
const NAME: Column = Column::required("科室名称", &["科室", "名称", "name", "department"]);
const PARENT: Column = Column::optional("上级科室编码", &["上级科室", "上级编码", "parent", "parent_code"]);
const LOCATION: Column = Column::optional("位置", &["楼层", "楼层位置", "地点", "location", "floor"]);
const INTRO: Column = Column::optional("科室介绍", &["介绍", "简介", "科室简介", "intro"]);
const CAMPUS: Column = Column::optional("院区", &["campus"]);
const COLUMNS: &[&Column] = &[&CODE, &NAME, &PARENT, &LOCATION, &INTRO, &CAMPUS];

/// Reads a file of departments. A parent may stand anywhere in the file or in the catalogue.
pub fn departments(bytes: &[u8], known: &Known) -> Import<Department> {
    let mut lines = BTreeMap::new();
    let mut import = read(bytes, COLUMNS, |cells| {
        let id: Option<DepartmentId> = cells.id(&CODE);
        if let Some(id) = &id {
            cells.unique(CODE.title, &mut lines, id.clone());
        }
        let name = cells.name(&NAME, NAME_CHARS_MAX);
        let parent = cells.optional_id(&PARENT);
        let location = cells.words(&LOCATION, PLACE_CHARS_MAX);
        let intro = cells.prose(&INTRO, INTRO_CHARS_MAX);
        let campus = cells.words(&CAMPUS, NAME_CHARS_MAX);
        Some(Department {
            id: id?,
            name: name?,
            parent: parent.ok()?,
            location: location?,
            intro: intro?,
            campus: campus?,
        })
    });
    let problems = parent_problems(&import.rows, &lines, known);
    if !problems.is_empty() {
        import.rows.retain(|row| !problems.contains_key(&row.id));
        let found = problems.into_iter().map(|(id, problem)| RowError { line: lines.get(&id).copied(), problem });
        import.errors.extend(found);
        import.errors.sort_by_key(|error| error.line.unwrap_or(u64::MAX));
        import.errors = capped(import.errors);
    }
    import
}

/// Parents that do not exist, and departments above themselves. A parent on a line with another mistake exists.
fn parent_problems(
    rows: &[Department],
    lines: &BTreeMap<DepartmentId, u64>,
    known: &Known,
) -> BTreeMap<DepartmentId, Problem> {
    let parents: BTreeMap<&DepartmentId, &DepartmentId> =
        rows.iter().filter_map(|row| Some((&row.id, row.parent.as_ref()?))).collect();
    let problem = |id: &DepartmentId, parent: &DepartmentId| {
        if !lines.contains_key(parent) && !known.departments.contains(parent) {
            return Some(Problem::NotFound { column: PARENT.title, value: parent.to_string() });
        }
        let above = std::iter::successors(Some(parent), |above| parents.get(above).copied());
        // A chain without a cycle is never longer than the file.
        above.take(parents.len()).any(|above| above == id).then_some(Problem::ParentCycle)
    };
    parents.iter().filter_map(|(id, parent)| Some(((*id).clone(), problem(id, parent)?))).collect()
}
