//! The catalogue and the hospital profile: written by the console, read by everybody.

use crate::key::Key;
use crate::table::{StoreError, Table, to_item};
use domain::catalog::{Department, Doctor};
use domain::id::{DepartmentId, DoctorId};
use domain::profile::HospitalProfile;

/// Departments or doctors read at most.
pub const CATALOG_MAX: i32 = 2_000;

impl Table {
    /// The hospital profile; none before the console wrote one.
    pub async fn profile(&self) -> Result<Option<HospitalProfile>, StoreError> {
        self.get(&Key::profile()).await
    }

    /// Replaces the hospital profile.
    pub async fn put_profile(&self, profile: &HospitalProfile) -> Result<(), StoreError> {
        self.put(to_item(&Key::profile(), profile)?).await
    }

    /// All departments, by code.
    pub async fn departments(&self) -> Result<Vec<Department>, StoreError> {
        self.query("CATALOG", "DEPT#", CATALOG_MAX).await
    }

    /// A department.
    pub async fn department(&self, id: &DepartmentId) -> Result<Option<Department>, StoreError> {
        self.get(&Key::department(id)).await
    }

    /// Writes a department. Repeating writes the same.
    pub async fn put_department(&self, department: &Department) -> Result<(), StoreError> {
        self.put(to_item(&Key::department(&department.id), department)?).await
    }

    /// All doctors, by code.
    pub async fn doctors(&self) -> Result<Vec<Doctor>, StoreError> {
        self.query("CATALOG", "DOCTOR#", CATALOG_MAX).await
    }

    /// A doctor.
    pub async fn doctor(&self, id: &DoctorId) -> Result<Option<Doctor>, StoreError> {
        self.get(&Key::doctor(id)).await
    }

    /// Writes a doctor. Repeating writes the same.
    pub async fn put_doctor(&self, doctor: &Doctor) -> Result<(), StoreError> {
        self.put(to_item(&Key::doctor(&doctor.id), doctor)?).await
    }
}
