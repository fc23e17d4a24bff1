//! What the public pages read.

use std::{future::Future, sync::Arc};

use domain::{
    catalog::{Department, Doctor},
    id::{DepartmentId, DoctorId},
    profile::HospitalProfile,
};
use runtime::{Desk, desk::ProfileError};
use store::StoreError;

/// The catalogue, as far as anyone may read it.
pub trait Catalog: Sync {
    /// The hospital profile.
    fn profile(&self) -> impl Future<Output = Result<Arc<HospitalProfile>, ProfileError>> + Send;
    /// All departments.
    fn departments(&self) -> impl Future<Output = Result<Vec<Department>, StoreError>> + Send;
    /// One department.
    fn department(&self, id: &DepartmentId) -> impl Future<Output = Result<Option<Department>, StoreError>> + Send;
    /// All doctors.
    fn doctors(&self) -> impl Future<Output = Result<Vec<Doctor>, StoreError>> + Send;
    /// One doctor.
    fn doctor(&self, id: &DoctorId) -> impl Future<Output = Result<Option<Doctor>, StoreError>> + Send;
}

impl Catalog for Desk {
    async fn profile(&self) -> Result<Arc<HospitalProfile>, ProfileError> {
        Self::profile(self).await
    }

    async fn departments(&self) -> Result<Vec<Department>, StoreError> {
        self.table.departments().await
    }

    async fn department(&self, id: &DepartmentId) -> Result<Option<Department>, StoreError> {
        self.table.department(id).await
    }

    async fn doctors(&self) -> Result<Vec<Doctor>, StoreError> {
        self.table.doctors().await
    }

    async fn doctor(&self, id: &DoctorId) -> Result<Option<Doctor>, StoreError> {
        self.table.doctor(id).await
    }
}
