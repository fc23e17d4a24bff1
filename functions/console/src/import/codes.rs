//! Codes of the hospital's own system (编码对照).

use std::collections::BTreeMap;

use domain::his::{CODE_CHARS_MAX, CodeEntry, CodeKind};

use super::Import;
use super::cells::{Column, read};
use super::problem::Problem;

const NAME_CHARS_MAX: usize = 80;

const KIND: Column = Column::required("类别", &["编码类别", "kind"]);
const THEIRS: Column = Column::required("医院编码", &["his编码", "外部编码", "theirs", "his_code"]);
const OURS: Column = Column::required("本系统编码", &["系统编码", "ours", "code"]);
const NAME: Column = Column::optional("名称", &["name"]);
const COLUMNS: &[&Column] = &[&KIND, &THEIRS, &OURS, &NAME];

/// Reads a file of codes. A code of the hospital's stands for one thing; several may stand for the same.
pub fn codes(bytes: &[u8]) -> Import<CodeEntry> {
    let mut lines = BTreeMap::new();
    read(bytes, COLUMNS, |cells| {
        let kind = cells.needed(&KIND);
        let kind =
            kind.and_then(|text| cells.parsed(&KIND, text, "应为科室、医生、项目、证件类型、性别或费用类别", kind_of));
        let theirs = cells.name(&THEIRS, CODE_CHARS_MAX);
        if let (Some(kind), Some(theirs)) = (kind, &theirs) {
            cells.unique(THEIRS.title, &mut lines, (kind, theirs.clone()));
        }
        let ours = cells.name(&OURS, CODE_CHARS_MAX);
        if let (Some(kind), Some(ours)) = (kind, &ours)
            && !kind.has(ours)
        {
            cells.note(Problem::Invalid { column: OURS.title, value: ours.clone(), hint: "不是本系统的编码" });
        }
        let name = cells.words(&NAME, NAME_CHARS_MAX);
        Some(CodeEntry { kind: kind?, theirs: theirs?, ours: ours?, name: name? })
    })
}

fn kind_of(text: &str) -> Option<CodeKind> {
    CodeKind::ALL.into_iter().find(|kind| kind.staff_text() == text || kind.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named() {
        let file = "类别,医院编码,本系统编码\n科室,0203,XNK\n费用类别,02,meal\n颜色,1,2\n科室,0203,NK\n性别,1,\n";
        let read = codes(file.as_bytes());
        assert_eq!(read.rows.len(), 1);
        assert_eq!(
            read.errors.iter().map(|error| error.line).collect::<Vec<_>>(),
            [2, 3, 4, 5].map(|line| Some(line + 1))
        );
    }
}
