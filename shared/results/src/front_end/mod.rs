//! Results as the front-end machines (前置机) of Chinese laboratory and imaging systems send them: JSON or XML, in UTF-8
//! or GB18030, a report with its items flat below it.
//!
//! There is no standard, only habits: `reportId`, `report_id` and `REPORTID` are one name, several names mean one thing,
//! and the report lies in one of a few envelopes (`<request><params>…`, `{"data": …}`). So names are looked up in lists
//! ([`names`]), in any order; codes without words (`1`, `2`) mean what the hospital's profile says ([`Codes`]); what
//! identifies a report is required; and what no name is known for is kept. The signature of a body is the transport's.

mod codes;
mod fields;
pub mod names;
mod read;

pub use domain::report::Codes;
pub use read::{ITEMS_MAX, REPORTS_MAX, Results, charset_of, read};
