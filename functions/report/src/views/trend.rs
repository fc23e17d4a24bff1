//! An item over time: a table for everybody, a picture for those who see it.

use super::item::{ItemView, value_text};
use super::times::when_text;
use domain::report::flag::ranges_for;
use domain::report::trend::drawable;
use domain::report::{Bound, Decimal, Point};
use maud::{Markup, html};
use serde::Serialize;
use std::cmp::Ordering;
use web::components::{Button, Page, REPORT_STYLE, Tab, Tone, heading, notice, page};
use web::view::{PageContext, View};

/// The picture, in units of its own.
const WIDTH: i64 = 320;
const HEIGHT: i64 = 150;
/// Left and right of the first and the last point, above and below the highest and the lowest.
const MARGIN: i64 = 16;
const THOUSAND: i64 = 1_000;
/// Points that make a line.
const POINTS_MIN: usize = 2;

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PointView {
    when: String,
    value: String,
    unit: String,
    range: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<String>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    line: String,
    dots: Vec<(i64, i64)>,
    /// Upper and lower end of the range, from the top.
    high: Option<i64>,
    low: Option<i64>,
    text: String,
}

/// An item over time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrendView {
    patient: String,
    name: String,
    /// Latest first.
    points: Vec<PointView>,
    /// Results in another unit, or in words: in the table only.
    undrawn: usize,
    #[serde(skip)]
    picture: Option<Picture>,
    #[serde(skip)]
    patient_id: String,
}

impl TrendView {
    /// Of the results of an item, earliest first.
    pub(crate) fn of(points: &[Point<'_>], name_masked: &str, patient_id: &str) -> Self {
        let name = points.last().map_or("", |point| point.item.code.name()).to_owned();
        let drawn = drawable(points);
        let picture = (drawn.len() >= POINTS_MIN).then(|| picture(&drawn)).flatten();
        Self {
            patient: name_masked.to_owned(),
            name,
            points: points.iter().rev().map(point_view).collect(),
            undrawn: if picture.is_some() { points.len() - drawn.len() } else { 0 },
            picture,
            patient_id: patient_id.to_owned(),
        }
    }
}

fn point_view(point: &Point<'_>) -> PointView {
    let view = ItemView::of(point.item, point.about, &|_| None);
    PointView {
        when: point.when.map_or_else(|| "时间不详".to_owned(), when_text),
        value: point.item.values.iter().map(value_text).collect::<Vec<_>>().join("、"),
        unit: view.unit().to_owned(),
        range: point.item.range_text(),
        flag: view.flag().map(|flag| flag.text.clone()),
    }
}

fn picture(drawn: &[&Point<'_>]) -> Option<Picture> {
    let latest = drawn.last()?;
    let range = match ranges_for(&latest.item.ranges, latest.about)[..] {
        [range] => Some(range),
        _ => None,
    };
    let low = range.and_then(|range| range.low.as_ref());
    let high = range.and_then(|range| range.high.as_ref());
    let numbers: Vec<&Decimal> = drawn.iter().filter_map(|point| point.number()).collect();
    let ends = [low, high].into_iter().flatten().map(|bound: &Bound| &bound.number);
    let all: Vec<&Decimal> = numbers.iter().copied().chain(ends).collect();
    let bottom = all.iter().copied().min_by(|one, other| one.compare(other))?;
    let top = all.iter().copied().max_by(|one, other| one.compare(other))?;
    let y = |number: &Decimal| {
        let thousandths = if bottom.compare(top) == Ordering::Equal {
            THOUSAND / 2
        } else {
            number.thousandths_between(bottom, top)?
        };
        Some(HEIGHT - MARGIN - thousandths * (HEIGHT - 2 * MARGIN) / THOUSAND)
    };
    let (first_at, last_at) = (drawn.first()?.at().as_second(), latest.at().as_second());
    let span = (last_at - first_at).max(1);
    let x = |second: i64| MARGIN + (second - first_at).saturating_mul(WIDTH - 2 * MARGIN) / span;
    let dots: Option<Vec<(i64, i64)>> =
        drawn.iter().zip(&numbers).map(|(point, number)| Some((x(point.at().as_second()), y(number)?))).collect();
    let dots = dots?;
    let line = dots.iter().enumerate().map(|(at, (x, y))| format!("{}{x} {y}", if at == 0 { 'M' } else { 'L' }));
    let line = line.collect::<Vec<_>>().concat();
    let text = course(&numbers)?;
    Some(Picture {
        line,
        dots,
        high: high.and_then(|bound| y(&bound.number)),
        low: low.and_then(|bound| y(&bound.number)),
        text,
    })
}

/// The course in words.
fn course(numbers: &[&Decimal]) -> Option<String> {
    let [.., before, latest] = numbers else { return None };
    let than = match latest.compare(before) {
        Ordering::Greater => "比上一次高",
        Ordering::Less => "比上一次低",
        Ordering::Equal => "与上一次相同",
    };
    Some(format!("共 {} 次，最近一次 {}，{than}（{}）", numbers.len(), latest.as_str(), before.as_str()))
}

fn drawing(picture: &Picture) -> Markup {
    html! {
        svg.trend viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(picture.text) {
            @if let (Some(high), Some(low)) = (picture.high, picture.low) {
                path.band d={ "M0 " (high) "H" (WIDTH) "V" (low) "H0z" } {}
            }
            @for end in [picture.high, picture.low].into_iter().flatten() { path.end d={ "M0 " (end) "H" (WIDTH) } {} }
            path.course d=(picture.line) {}
            @for (x, y) in &picture.dots { circle cx=(x) cy=(y) r="4" {} }
        }
    }
}

impl View for TrendView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let back = format!("/reports?patient={}", self.patient_id);
        let body = html! {
            (heading(&self.name, Some(&format!("{} · 历次结果", self.patient))))
            @if let Some(picture) = &self.picture {
                div.prose { (drawing(picture)) p { (picture.text) } p.soft { "横线之间是最近一次的参考范围" } }
            } @else {
                (notice(Tone::Plain, "同一单位的数值结果不足两次，暂不能画出变化。"))
            }
            @if self.undrawn > 0 {
                (notice(Tone::Plain, &format!("有 {} 次结果单位不同或不是确定的数值，未画入图中。", self.undrawn)))
            }
            table.results {
                caption.hide { "历次结果" }
                thead { tr { th scope="col" { "时间" } th scope="col" { "结果" } th scope="col" { "参考范围" } } }
                tbody {
                    @for point in &self.points {
                        tr {
                            th scope="row" { (point.when) }
                            td { b { (point.value) } " " (point.unit) @if let Some(flag) = &point.flag { br; span.soft-flag { (flag) } } }
                            td { (point.range) }
                        }
                    }
                }
            }
            (notice(Tone::Plain, "不同医院、不同方法的结果不一定能直接比较，请由医生判断。"))
            div.acts { (Button::plain_link("返回报告列表", &back)) }
        };
        page(context, &Page::new("报告").tab(Tab::Appointments).style(REPORT_STYLE), body)
    }
}
