//! The hospital's catalogue: departments (科室) and doctors (医生), as anyone may read them.

use crate::id::{DepartmentId, DoctorId};
use serde::{Deserialize, Serialize};

/// A department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Department {
    /// The hospital's own code.
    pub id: DepartmentId,
    /// Name.
    pub name: String,
    /// The department it belongs to, if any.
    pub parent: Option<DepartmentId>,
    /// Building and floor.
    pub location: String,
    /// Campus (院区).
    pub campus: String,
    /// What it treats.
    pub intro: String,
}

/// A doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    /// The hospital's own code.
    pub id: DoctorId,
    /// Name.
    pub name: String,
    /// Name in pinyin, for search.
    pub pinyin: String,
    /// 职称
    pub title: String,
    /// The department.
    pub department: DepartmentId,
    /// Whether clinics are expert clinics.
    pub expert: bool,
    /// 擅长
    pub specialty: String,
    /// Record and training.
    pub intro: String,
}
