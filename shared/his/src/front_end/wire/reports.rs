//! Reports: each in the shape in which the machine sends it by itself ([`results::front_end`]).

use crate::error::HisError;
use crate::front_end::data::Data;
use crate::reports::{CriticalAlert, HeardReport, HeardReports, REPORTS_MAX, ReportsQuery, SentReport};
use crate::timetable::Mark;
use domain::id::CardNo;
use domain::report::Wire;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(in crate::front_end) struct ReportsBody<'a> {
    card_no: Option<&'a str>,
    since: Option<&'a str>,
}

impl<'a> From<&'a ReportsQuery> for ReportsBody<'a> {
    fn from(query: &'a ReportsQuery) -> Self {
        Self { card_no: query.card_no.as_ref().map(CardNo::as_str), since: query.since.as_ref().map(Mark::as_str) }
    }
}

#[derive(Serialize)]
pub(in crate::front_end) struct ReportBody<'a> {
    pub(in crate::front_end) report_no: &'a str,
}

#[derive(Deserialize)]
pub(in crate::front_end) struct ReportData {
    report: Data,
}

impl From<ReportData> for SentReport {
    fn from(data: ReportData) -> Self {
        // In its own tree, so that XML is read as XML is.
        Self { wire: Wire::FrontEnd, body: data.report.into_node().to_json().into_bytes() }
    }
}

#[derive(Deserialize)]
pub(in crate::front_end) struct ReportsData {
    reports: Vec<Data>,
    more: bool,
}

impl TryFrom<ReportsData> for HeardReports {
    type Error = HisError;

    fn try_from(data: ReportsData) -> Result<Self, HisError> {
        let has_more = data.more || data.reports.len() > REPORTS_MAX;
        let reports = data.reports.into_iter().take(REPORTS_MAX).map(heard).collect::<Result<_, _>>()?;
        Ok(Self { reports, has_more })
    }
}

/// Without its mark nobody could ask on behind it.
fn heard(data: Data) -> Result<HeardReport, HisError> {
    let mark = data.text("mark").and_then(|mark| mark.parse().ok()).ok_or(HisError::Unreadable)?;
    let report: ReportData = data.read().map_err(|_| HisError::Unreadable)?;
    Ok(HeardReport { mark, report: report.into() })
}

#[derive(Serialize)]
pub(in crate::front_end) struct AlertBody<'a> {
    serial: &'a str,
    report_no: &'a str,
    card_no: Option<&'a str>,
    since: String,
    overdue: bool,
}

impl<'a> From<&'a CriticalAlert> for AlertBody<'a> {
    fn from(alert: &'a CriticalAlert) -> Self {
        Self {
            serial: alert.serial.as_str(),
            report_no: alert.report.as_str(),
            card_no: alert.card_no.as_ref().map(CardNo::as_str),
            since: alert.since.to_string(),
            overdue: alert.is_overdue,
        }
    }
}
