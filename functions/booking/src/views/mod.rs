//! What the pages of this function show: each view is the page and the JSON alike.

mod appointment;
mod appointments;
mod browse;
mod clinic;

pub use appointment::{AppointmentView, CancelView};
pub use appointments::{AppointmentsView, WaitingRow};
pub use browse::{ClinicRow, DayChoice, DepartmentView, DepartmentsView};
pub use clinic::{ClinicView, PatientChoice, SlotChoice};
