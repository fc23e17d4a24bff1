//! What codes mean: words everywhere alike, numbers as the hospital's profile says.

use domain::person::Sex;
use domain::report::{Category, Meaning, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A hospital's own codes. They come before the words everybody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Codes {
    /// Kinds of report: `"1"` is laboratory.
    pub categories: BTreeMap<String, Category>,
    /// States of a report.
    pub statuses: BTreeMap<String, Status>,
    /// Flags of an item: `"2"` is high.
    pub flags: BTreeMap<String, Meaning>,
}

impl Codes {
    pub(super) fn category(&self, code: &str) -> Option<Category> {
        if let Some(own) = self.categories.get(code) {
            return Some(*own);
        }
        Some(match code.to_lowercase().as_str() {
            "lab" | "lis" | "检验" | "laboratory" | "化验" => Category::Laboratory,
            "micro" | "mb" | "微生物" | "microbiology" => Category::Microbiology,
            "pathology" | "病理" | "pis" => Category::Pathology,
            "exam" | "ris" | "pacs" | "检查" | "影像" | "放射" | "超声" | "us" | "ct" | "mr" | "dr" | "imaging" => {
                Category::Imaging
            }
            "ecg" | "心电" | "内镜" | "endoscopy" | "other" | "其他" => Category::Other,
            _ => return None,
        })
    }

    pub(super) fn status(&self, code: &str) -> Option<Status> {
        if let Some(own) = self.statuses.get(code) {
            return Some(*own);
        }
        Some(match code.to_lowercase().as_str() {
            "registered" | "已登记" | "已申请" | "已采样" | "已接收" | "检验中" | "检查中" => {
                Status::Registered
            }
            "partial" | "部分" => Status::Partial,
            "p" | "preliminary" | "初步" | "未审核" | "已报告" => Status::Preliminary,
            "f" | "final" | "已审核" | "已发布" | "正式" => Status::Final,
            "appended" | "已补充" => Status::Appended,
            "amended" | "已修订" => Status::Amended,
            "c" | "corrected" | "已更正" | "更正" => Status::Corrected,
            "x" | "cancelled" | "canceled" | "已取消" | "作废" => Status::Cancelled,
            "recalled" | "entered-in-error" | "w" | "已撤回" | "召回" | "撤回" => Status::EnteredInError,
            _ => return None,
        })
    }

    pub(super) fn flag(&self, code: &str) -> Option<Meaning> {
        self.flags.get(code).copied().or_else(|| Meaning::of(code))
    }
}

/// GB/T 2261.1 and words.
pub(super) fn sex(code: &str) -> Option<Sex> {
    match code {
        "1" | "M" | "m" | "男" | "男性" | "male" => Some(Sex::Male),
        "2" | "F" | "f" | "女" | "女性" | "female" => Some(Sex::Female),
        _ => None,
    }
}
