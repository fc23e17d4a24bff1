//! The differences of a day as a file that spreadsheet programs open as it is meant.

use super::views::{case_state_words, class_text, kind_text};
use domain::civil::Date;
use domain::money::Fen;
use domain::reconciliation::Side;
use domain::reconciliation::worklist::{Case, CaseState, Note};
use domain::{Timestamp, time};
use std::borrow::Cow;

/// Without it Excel takes UTF-8 for the code page of the computer, and Chinese is lost.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// More digits than these Excel rounds away.
const DIGITS_MAX: usize = 11;
const HEADER: [&str; 12] = [
    "日期",
    "差异编号",
    "差异",
    "类型",
    "单号",
    "微信金额（元）",
    "本系统金额（元）",
    "HIS金额（元）",
    "补记归属日",
    "处理状态",
    "处理人",
    "说明",
];

/// The file could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the file could not be made")]
pub(crate) struct ExportError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// UTF-8 with a byte order mark, lines ended by CRLF.
pub(crate) fn csv(date: Date, cases: &[Case]) -> Result<String, ExportError> {
    let failed = |error: csv::Error| ExportError(error.into());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER).map_err(failed)?;
    for case in cases {
        let cells = row(date, case);
        writer.write_record(cells.iter().map(|text| cell(text).into_owned())).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| ExportError(error.into_error().into()))?;
    let text = String::from_utf8(bytes).map_err(|error| ExportError(error.into()))?;
    Ok(format!("{BYTE_ORDER_MARK}{text}"))
}

fn row(date: Date, case: &Case) -> [String; 12] {
    let difference = &case.difference;
    let amount = |side| difference.amounts.get(side).map(|fen: Fen| fen.to_string()).unwrap_or_default();
    let by = match &case.state {
        CaseState::Resolved { resolved_by, .. } => resolved_by.as_str(),
        CaseState::Open | CaseState::Gone => "",
    };
    [
        date.to_string(),
        difference.id.to_string(),
        class_text(difference.class()).to_owned(),
        kind_text(difference.kind).to_owned(),
        difference.number.clone(),
        amount(Side::Wechat),
        amount(Side::Ours),
        amount(Side::His),
        difference.late_for.map(|day| day.to_string()).unwrap_or_default(),
        case_state_words(&case.state).1.to_owned(),
        by.to_owned(),
        case.notes.iter().map(note_text).collect::<Vec<_>>().join("\n"),
    ]
}

fn note_text(note: &Note) -> String {
    format!("{} {}：{}", moment(note.at), note.by, note.text.as_str())
}

fn moment(at: Timestamp) -> String {
    time::wall_clock(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A cell that stays what it is. What begins like a formula gets a quote before it, so that it is never computed; what
/// looks like a number too long for a spreadsheet gets a tab, so that it stays text.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        return Cow::Owned(format!("'{text}"));
    }
    let long_number = text.len() > DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    if long_number || is_power_of_ten(text) { Cow::Owned(format!("\t{text}")) } else { Cow::Borrowed(text) }
}

/// `12e34` is read as a number with an exponent.
fn is_power_of_ten(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| digits(mantissa) && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::civil::date;
    use domain::reconciliation::worklist::NoteText;
    use domain::reconciliation::{Difference, Kind, PerSide};
    use proptest::prelude::*;

    fn case(number: &str, note: &str) -> Case {
        let amounts = PerSide { wechat: Fen::new(2_500).ok(), ours: None, his: Fen::new(2_501).ok() };
        let id = "amount-0123456789abcdef0123456789abcdef".parse().unwrap();
        let difference = Difference { id, kind: Kind::Payment, number: number.into(), amounts, late_for: None };
        let text = NoteText::try_from(note.to_owned()).unwrap();
        Case::found(difference, 1).resolved("an", text, "2026-11-23T02:31:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_file_is_what_excel_takes_for_utf_8() {
        let csv = csv(date(2026, 11, 22), &[case("abc_01", "已核实，\"次日\"补记\n退费")]).unwrap();
        let expected = "\u{feff}日期,差异编号,差异,类型,单号,微信金额（元）,本系统金额（元）,HIS金额（元）,补记归属日,处理状态,处理人,说明\r\n\
            2026-11-22,amount-0123456789abcdef0123456789abcdef,金额不符,支付,abc_01,25.00,,25.01,,已处理,an,\
            \"2026-11-23 10:31 an：已核实，\"\"次日\"\"补记\n退费\"\r\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn no_cell_is_computed_or_rounded() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+86", "'+86"),
            ("-1", "'-1"),
            ("@cmd", "'@cmd"),
            ("123456789012", "\t123456789012"),
            ("12e34", "\t12e34"),
            ("12345678901", "12345678901"),
            ("25.00", "25.00"),
            ("林", "林"),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    proptest! {
        /// Whatever a foreign system takes for a number: one row stays one row, and no cell begins like a formula.
        #[test]
        fn any_number_stays_in_its_cell(number in "\\PC{1,64}", note in "[^\\p{Cc}]{1,80}") {
            prop_assume!(!note.trim().is_empty());
            let text = csv(date(2026, 11, 22), &[case(&number, &note)]).unwrap();
            let mut reader = csv::Reader::from_reader(text.trim_start_matches(BYTE_ORDER_MARK).as_bytes());
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), 1);
            prop_assert!(rows[0].iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
            prop_assert_eq!(rows[0][4].trim_start_matches(['\'', '\t']), number.trim_start_matches(['\'', '\t']));
        }
    }
}
