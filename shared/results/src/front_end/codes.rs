//! What codes mean: words everywhere alike, numbers as the hospital's profile says.

use domain::person::Sex;
use domain::report::{Category, Codes, Meaning, Status};

/// What a kind of report means.
pub(super) fn category(codes: &Codes, code: &str) -> Option<Category> {
    if let Some(own) = codes.categories.get(code) {
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

/// What a state of a report means.
pub(super) fn status(codes: &Codes, code: &str) -> Option<Status> {
    if let Some(own) = codes.statuses.get(code) {
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

/// What a flag of an item means.
pub(super) fn flag(codes: &Codes, code: &str) -> Option<Meaning> {
    codes.flags.get(code).copied().or_else(|| Meaning::of(code))
}

/// A sex: the hospital's own code, GB/T 2261.1 or words.
pub(super) fn sex(codes: &Codes, code: &str) -> Option<Sex> {
    if let Some(own) = codes.sexes.get(code) {
        return Some(*own);
    }
    match code {
        "1" | "M" | "m" | "男" | "男性" | "male" => Some(Sex::Male),
        "2" | "F" | "f" | "女" | "女性" | "female" => Some(Sex::Female),
        _ => None,
    }
}
