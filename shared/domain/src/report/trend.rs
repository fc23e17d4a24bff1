//! One item over time.

use super::{About, Decimal, Item, Quantity, Reading, Report, Unit, When};
use jiff::Timestamp;

/// An item of one report.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// The item.
    pub item: &'a Item,
    /// What its ranges may depend on.
    pub about: About,
    /// When the specimen was taken, or the result was found; as exact as the sender says.
    pub when: Option<&'a When>,
}

impl<'a> Point<'a> {
    fn of(report: &'a Report, item: &'a Item) -> Self {
        let times = &report.times;
        let when = item.observed.as_ref().or(times.collected.as_ref()).or(times.received.as_ref());
        let when = when.or(item.analysed.as_ref()).or(times.issued.as_ref());
        Self { item, about: report.about(), when }
    }

    /// The instant to sort by; the beginning of time where the sender says none.
    pub fn at(&self) -> Timestamp {
        self.when.map_or(Timestamp::UNIX_EPOCH, |when| when.at)
    }

    /// The number to draw, if it is exactly one.
    pub fn number(&self) -> Option<&'a Decimal> {
        let quantity = self.quantity()?;
        quantity.number.as_ref().filter(|_| quantity.comparator.is_none())
    }

    /// The unit of its number.
    pub fn unit(&self) -> Option<&'a Unit> {
        self.item.unit.as_ref().or_else(|| self.quantity()?.unit.as_ref())
    }

    fn quantity(&self) -> Option<&'a Quantity> {
        match self.item.values.as_slice() {
            [value] => match &value.reading {
                Reading::Quantity(quantity) => Some(quantity),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_alike(&self, other: &Self) -> bool {
        match (self.unit(), other.unit()) {
            (Some(one), Some(other)) => one.is_same(other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Item {
    /// What it is in other reports, too: its first code with its system, else its name.
    pub fn identity(&self) -> String {
        match self.code.codings.iter().find(|coding| coding.code.is_some()) {
            Some(coding) => {
                let text = |text: &Option<super::Text>| text.as_ref().map_or("", |text| text.as_str()).to_owned();
                format!("{}|{}", text(&coding.system), text(&coding.code))
            }
            None => self.code.name().trim().to_owned(),
        }
    }
}

/// The items that `wanted` picks out of reports, earliest first; only what counts: valid results with a value.
pub fn points<'a>(reports: impl IntoIterator<Item = &'a Report>, wanted: impl Fn(&Item) -> bool) -> Vec<Point<'a>> {
    let mut points: Vec<Point<'a>> = Vec::new();
    for report in reports {
        let items = report.items().filter(|item| item.status.is_valid() && item.has_result() && wanted(item));
        points.extend(items.map(|item| Point::of(report, item)));
    }
    points.sort_by_key(Point::at);
    points
}

/// The points that can be drawn in one picture: exact numbers in the unit of the latest of them. Other units are other
/// pictures: nothing is converted.
pub fn drawable<'p, 'a>(points: &'p [Point<'a>]) -> Vec<&'p Point<'a>> {
    let numbers: Vec<&Point<'a>> = points.iter().filter(|point| point.number().is_some()).collect();
    match numbers.last().copied() {
        Some(latest) => numbers.into_iter().filter(|point| point.is_alike(latest)).collect(),
        None => numbers,
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn report(day: &str, value: &str, unit: &str) -> Report {
        let key = ReportKey { sender: "LIS".into(), number: day.into(), service: "".into() };
        let transmission = Transmission { wire: Wire::FrontEnd, control_id: None, sent_at: None };
        let mut report = Report::new(key, transmission, Status::Final);
        report.times.collected = When::from_iso(day).ok();
        let mut item = Item::new(Concept::words("血糖"), Status::Final);
        item.unit = Unit::words(unit);
        item.values = vec![Value::read(value, item.unit.as_ref())];
        report.sections = vec![Section { title: None, items: vec![item] }];
        report
    }

    #[test]
    fn in_order_of_the_specimens_and_in_one_unit() {
        let reports = [
            report("2026-03-01", "5.6", "mmol/L"),
            report("2025-01-01", "98", "mg/dL"),
            report("2025-06-01", "5.1", "mmol/l"),
            report("2026-01-01", "<0.1", "mmol/L"),
        ];
        let all = points(&reports, |item| item.identity() == "血糖");
        let values: Vec<&str> = all.iter().map(|point| point.item.values[0].sent.as_str()).collect();
        assert_eq!(values, ["98", "5.1", "<0.1", "5.6"]);
        let drawn: Vec<&str> = drawable(&all).iter().filter_map(|point| point.number()).map(Decimal::as_str).collect();
        assert_eq!(drawn, ["5.1", "5.6"], "another unit and an open end are no points");
        assert!(points(&reports, |item| item.identity() == "血脂").is_empty());
    }

    #[test]
    fn what_was_cancelled_is_no_point() {
        let mut cancelled = report("2026-03-01", "5.6", "mmol/L");
        cancelled.sections[0].items[0].status = Status::Cancelled;
        assert!(points([&cancelled], |_| true).is_empty());
    }
}
