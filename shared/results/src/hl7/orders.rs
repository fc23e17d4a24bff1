//! ORM^O01, OML^O21 and OMG^O19: what was asked for (开单), as reports of which nothing has come yet. The results come later
//! as ORU^R01, under the same filler number and service.

use super::header::Header;
use super::message::Message;
use super::oru;
use crate::fault::{Fault, FaultKind};
use domain::report::{Extra, Report, Status, Text};

/// The messages that order something.
const KINDS: [(&str, &str); 3] = [("ORM", "O01"), ("OML", "O21"), ("OMG", "O19")];
/// Order control codes (table 0119) by which nothing will come any more: cancelled or stopped, by either side.
const ENDS: [&str; 8] = ["CA", "CR", "DC", "DR", "OC", "OD", "UA", "DE"];

/// Whether a message orders something.
pub fn is_order(header: &Header) -> bool {
    KINDS.iter().any(|(kind, event)| header.is(kind, event))
}

/// Reads what was ordered: a report that is registered, or cancelled, for each order.
pub fn read(message: &Message) -> Result<Vec<Report>, Fault> {
    let header = Header::read(message)?;
    if !is_order(&header) {
        return Err(Fault::at("MSH-9", FaultKind::Unsupported));
    }
    // What is said beside an order (a weight, a diagnosis) is no result; files of it are nobody's.
    let orders = oru::read_orders(&header, message, &mut Vec::new())?;
    let reports: Vec<Report> = orders.into_iter().map(|order| awaited(order.report, &order.control)).collect();
    oru::refuse_twice(&reports)?;
    Ok(reports)
}

fn awaited(mut report: Report, control: &str) -> Report {
    report.status = if ENDS.contains(&control) { Status::Cancelled } else { Status::Registered };
    report.sections.clear();
    let times = &mut report.times;
    // OBR-7 is when it is wanted: nothing was taken yet.
    if let Some(wanted) = times.collected.take() {
        let value = Text::new(wanted.sent.as_str());
        report.extras.push(Extra { place: "OBR-7".to_owned(), value });
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(kind: &str, segments: &str) -> Result<Vec<Report>, Fault> {
        let text =
            format!("MSH|^~\\&|HIS||DESK||20261125080000||{kind}|7|P|2.5\rPID|1||V1^^^H^MR||林^晓梅\r{segments}\r");
        read(&Message::read(&text).unwrap())
    }

    #[test]
    fn an_order_is_a_report_that_is_awaited() {
        let order = "ORC|NW|P1|F1||||||20261125075500\rOBR|1|P1|F1|K^血钾^L|||20261125090000\rOBX|1|NM|W^体重^L||60|kg";
        for kind in ["ORM^O01", "OML^O21", "OMG^O19"] {
            let report = read_text(kind, order).unwrap().remove(0);
            assert_eq!((report.status, report.key.number.as_str()), (Status::Registered, "F1"), "{kind}");
            assert_eq!(report.times.ordered.as_ref().unwrap().iso(), "2026-11-25T07:55:00+08:00");
            assert!(report.times.collected.is_none() && report.items().next().is_none(), "nothing was taken or found");
        }
    }

    #[test]
    fn an_order_that_ends_is_cancelled_and_others_are_no_orders() {
        let ends = "ORC|CA|P1|F1\rOBR|1|P1|F1|K^血钾^L\rORC|NW|P2|F2\rOBR|2|P2|F2|Na^血钠^L";
        let statuses = read_text("OML^O21", ends).unwrap().iter().map(|report| report.status).collect::<Vec<_>>();
        assert_eq!(statuses, [Status::Cancelled, Status::Registered]);
        assert_eq!(read_text("ORU^R01", ends).unwrap_err().kind, FaultKind::Unsupported);
        assert_eq!(read_text("ORM^O01", "ORC|NW|P1").unwrap_err().place, "OBR");
        let twice = "ORC|NW|P1|F1\rOBR|1|P1|F1|K^血钾^L\rORC|NW|P1|F1\rOBR|2|P1|F1|K^血钾^L";
        assert_eq!(read_text("ORM^O01", twice).unwrap_err().kind, FaultKind::Twice);
    }
}
