//! What a report says that its page has no place for: codes, numbers, references, fields nobody foresaw.
//!
//! Taken from the report as it is written down, not field by field, so that a field that is added is shown, too: nothing
//! that was sent is lost.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Something said of a report, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Fact {
    /// Where, in words as far as there are any.
    pub(crate) place: String,
    /// What.
    pub(crate) text: String,
}

/// Texts that only say how another text is meant.
const MEANT: [&str; 10] =
    ["status", "precision", "at", "offset_minutes", "inclusive", "wire", "role", "expected", "category", "kind"];
/// The patient: for matching only.
const NEVER: [&str; 1] = ["subject"];
/// What is shown in a place of its own.
const ELSEWHERE: [&str; 3] = ["sections", "components", "members"];

/// Everything `thing` says besides what is shown already.
pub(crate) fn beyond(thing: &impl Serialize, shown: &BTreeSet<String>) -> Vec<Fact> {
    let mut found = Vec::new();
    if let Ok(value) = serde_json::to_value(thing) {
        walk("", &value, &mut found);
    }
    let mut said = BTreeSet::new();
    found.retain(|fact| !shown.contains(&fact.text) && said.insert((fact.place.clone(), fact.text.clone())));
    found
}

fn walk(place: &str, value: &Value, found: &mut Vec<Fact>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => {
            found.push(Fact { place: place.to_owned(), text: text.clone() });
        }
        Value::Number(number) => found.push(Fact { place: place.to_owned(), text: number.to_string() }),
        Value::Bool(yes) => found.push(Fact { place: place.to_owned(), text: yes.to_string() }),
        Value::Array(values) => values.iter().for_each(|value| walk(place, value, found)),
        Value::Object(fields) => match (fields.get("place"), fields.get("value"), fields.len()) {
            (Some(Value::String(stood)), Some(value), 2) => walk(&joined(place, stood), value, found),
            _ => {
                for (name, value) in fields {
                    let is_leaf = !value.is_object() && !value.is_array();
                    let is_meant = is_leaf && MEANT.contains(&name.as_str());
                    let is_left_out = NEVER.contains(&name.as_str()) || ELSEWHERE.contains(&name.as_str());
                    if !is_meant && !is_left_out {
                        walk(&joined(place, word(name)), value, found);
                    }
                }
            }
        },
        Value::String(_) | Value::Null => {}
    }
}

fn joined(place: &str, word: &str) -> String {
    match (place, word) {
        ("", word) => word.to_owned(),
        (place, "") => place.to_owned(),
        (place, word) => format!("{place}·{word}"),
    }
}

/// The word of a field; none for those that only group.
fn word(name: &str) -> &str {
    match name {
        "codings" | "extras" | "value" | "sent" | "text" | "values" | "number" | "quantity" | "coded" => "",
        "key" | "identifiers" | "identifier" | "id" | "control_id" | "reference" => "编号",
        "sender" => "发送方",
        "service" => "项目",
        "transmission" => "传输",
        "sent_at" => "发送时间",
        "categories" => "类别",
        "code" => "编码",
        "system" => "编码体系",
        "version" => "版本",
        "display" | "name" => "名称",
        "times" => "时间",
        "ordered" => "申请",
        "collected" => "采样",
        "collected_until" => "采样至",
        "received" => "接收",
        "issued" => "报告",
        "reviewed" => "审核",
        "observed" => "观察",
        "analysed" => "分析",
        "parties" | "performers" => "人员",
        "specimens" | "specimen" => "标本",
        "source" => "来源",
        "kind" => "种类",
        "conditions" => "状态",
        "unit" => "单位",
        "absent" => "未出结果的原因",
        "ranges" | "range_sent" | "range" => "参考范围",
        "low" | "lower_limit" => "下限",
        "high" | "upper_limit" => "上限",
        "condition" | "applies_to" => "适用人群",
        "age_low" => "年龄自",
        "age_high" => "年龄至",
        "meaning" => "含义",
        "flags" => "提示",
        "method" => "方法",
        "body_site" | "body_part" => "部位",
        "notes" | "texts" => "说明",
        "sub_id" => "分组",
        "derived_from" | "based_on" => "依据",
        "reading" => "数值",
        "comparator" => "比较",
        "conclusions" => "结论",
        "files" | "file" => "附件",
        "images" => "影像",
        "modality" => "设备",
        "title" => "标题",
        "content_type" => "格式",
        "language" => "语言",
        "created_at" => "生成时间",
        "location" => "位置",
        "sha256_hex" => "校验值",
        "size_bytes" => "字节数",
        "samples" | "data" => "波形数据",
        "origin" => "零点",
        "period_ms" => "间隔毫秒",
        "factor" => "倍数",
        "dimensions" => "维数",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::report::{Concept, Extra, Item, Status};

    #[test]
    fn what_is_shown_is_not_said_again_and_the_rest_is() {
        let mut item = Item::new(Concept::coded("http://loinc.org", "718-7", Some("血红蛋白")), Status::Final);
        item.extras = vec![Extra { place: "OBX-24".into(), value: "三楼".into() }];
        item.notes = vec!["复查".into()];
        let shown = ["血红蛋白", "复查"].map(str::to_owned).into_iter().collect();
        let facts: Vec<_> = beyond(&item, &shown).into_iter().map(|fact| (fact.place, fact.text)).collect();
        let said = |place: &str, text: &str| (place.to_owned(), text.to_owned());
        assert_eq!(facts.len(), 3, "{}", facts.len());
        for fact in [said("编码·编码", "718-7"), said("编码·编码体系", "http://loinc.org"), said("OBX-24", "三楼")]
        {
            assert!(facts.contains(&fact), "{fact:?}");
        }
    }
}
