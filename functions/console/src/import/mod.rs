//! Files of the hospital, as Excel and hospital systems write them, read into typed rows.
//!
//! A file is CSV with a header line: UTF-8 (with or without BOM), GB18030 or UTF-16; commas, tabs or semicolons;
//! columns in any order under Chinese or English names. All mistakes are reported at once, by line, so that staff
//! correct a file in one round. Nothing is stored here: the caller decides what a dry run or a repeat means, and takes
//! the rows only when [`Import::errors`] is empty.
//!
//! Error texts of card files never quote a value: it may be a name or a document number.

mod cards;
mod cells;
mod codes;
mod departments;
mod doctors;
mod problem;
mod schedules;
mod table;

pub use cards::{CardRow, cards};
pub use codes::codes;
pub use departments::departments;
pub use doctors::doctors;
pub use problem::{Problem, RowError};
pub use schedules::{HORIZON_DAYS_MAX, ScheduleRow, schedules};
pub use table::{FILE_BYTES_MAX, ROWS_MAX};

use std::collections::BTreeSet;

use domain::id::{DepartmentId, DoctorId};

/// The most errors reported for one file; more say that the file as a whole is wrong.
pub const ERRORS_MAX: usize = 200;

/// What a file says: the good rows, and everything that is wrong with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import<T> {
    /// Rows without an error, in the order of the file.
    pub rows: Vec<T>,
    /// All errors, in the order of the file; at most [`ERRORS_MAX`] and one that counts the rest.
    pub errors: Vec<RowError>,
}

/// What the catalogue already holds: rows may refer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Departments.
    pub departments: BTreeSet<DepartmentId>,
    /// Doctors.
    pub doctors: BTreeSet<DoctorId>,
}

#[cfg(test)]
mod tests;
