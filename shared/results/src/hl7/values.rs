//! OBX-5 by its type (OBX-2).

use super::fields::{Fields, concept};
use super::message::Repetition;
use crate::fault::{Fault, FaultKind};
use crate::file::{self, FileBody};
use domain::report::{Attachment, Comparator, Decimal, Quantity, Reading, Text, Unit, Value, When};

/// OBX-6: as sent, and the code with its system. Words beside a code are kept with what no field is made for. A power
/// whose sign is not escaped (`10^9/L`) is one unit all the same.
pub(super) fn unit(obx: &Fields) -> Option<Unit> {
    let is_exponent = |text: &str| text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    if obx.segment.text(6, 1).trim_end().ends_with("10") && is_exponent(obx.segment.text(6, 2)) {
        let sent = obx.repetitions(6).next().map(Repetition::joined)?;
        return Unit::words(&sent);
    }
    let (code, system) = (obx.text(6, 1), obx.text(6, 3));
    let sent = if code.is_empty() { obx.text(6, 2) } else { code };
    let code = Text::some(code).filter(|_| !system.is_empty());
    Some(Unit { sent: Some(Text::some(sent)?), system: Text::some(system), code })
}

/// The values, one for each repetition that holds something.
pub(super) fn read(obx: &Fields, unit: Option<&Unit>, files: &mut Vec<FileBody>) -> Result<Vec<Value>, Fault> {
    let kind = obx.text(2, 1);
    obx.repetitions(5)
        .map(|sent| read_one(kind, sent, unit, files).map_err(|kind| Fault::at(obx.at(5), kind)))
        .collect()
}

fn read_one(kind: &str, sent: &Repetition, unit: Option<&Unit>, files: &mut Vec<FileBody>) -> Result<Value, FaultKind> {
    let joined = sent.joined();
    Ok(match kind {
        "NM" | "ST" | "" => Value::read(&joined, unit),
        "SN" => structured_number(sent, unit),
        "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" | "CX" => Value::coded(concept(sent)),
        "DT" | "TS" | "DTM" => match When::from_hl7(sent.text(1)) {
            Ok(when) => Value { sent: Text::new(joined), reading: Reading::When(when) },
            Err(_) => Value::text(joined),
        },
        "TM" => Value { sent: Text::new(joined), reading: Reading::Clock },
        "DR" => Value {
            sent: Text::new(joined),
            reading: Reading::Period(When::from_hl7(sent.text(1)).ok(), When::from_hl7(sent.text(2)).ok()),
        },
        "CQ" => match Quantity::read(sent.text(1), unit.cloned()) {
            Some(quantity) => Value { sent: Text::new(joined), reading: Reading::Quantity(quantity) },
            None => Value::text(joined),
        },
        "NR" => match [1, 2].map(|at| Quantity::read(sent.text(at), unit.cloned())) {
            [None, None] => Value::text(joined),
            [low, high] => Value { sent: Text::new(joined), reading: Reading::Range(low, high) },
        },
        "ED" => encapsulated(sent, files)?,
        "RP" => pointer(sent),
        // TX, FT and every type that has no meaning here are texts.
        _ => Value::text(joined),
    })
}

/// SN: comparator, number, separator, number.
fn structured_number(sent: &Repetition, unit: Option<&Unit>) -> Value {
    let parts = [1, 2, 3, 4].map(|at| sent.text(at).trim());
    let text = parts.concat();
    let [comparator, first, separator, second] = parts;
    let number = |text: &str| Decimal::parse(text).ok();
    let quantity = |number| Quantity { comparator: None, number: Some(number), unit: unit.cloned() };
    let reading = match (number(first), separator, number(second)) {
        (Some(first), "-", Some(second)) => Some(Reading::Range(Some(quantity(first)), Some(quantity(second)))),
        (Some(first), ":", Some(second)) => Some(Reading::Titer(first, second)),
        (Some(first), "/", Some(second)) => Some(Reading::Ratio(quantity(first), quantity(second))),
        (Some(first), "", None) if second.is_empty() => {
            let (read, rest) = Comparator::leading(comparator);
            let is_known = rest.is_empty() || rest == "=";
            is_known.then_some(Reading::Quantity(Quantity {
                comparator: read,
                number: Some(first),
                unit: unit.cloned(),
            }))
        }
        _ => None,
    };
    Value { sent: Text::new(text), reading: reading.unwrap_or(Reading::Text) }
}

/// ED: source, type, subtype, encoding, data.
fn encapsulated(sent: &Repetition, files: &mut Vec<FileBody>) -> Result<Value, FaultKind> {
    let data: String = sent.text(5).chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = match sent.text(4) {
        "Base64" | "base64" | "BASE64" => file::from_base64(&data)?,
        "Hex" | "HEX" => file::from_hex(&data)?,
        // `A`: no encoding, the text is the file.
        "A" | "" => sent.text(5).as_bytes().to_vec(),
        _ => return Err(FaultKind::UnknownCode),
    };
    let kind = media_type(sent.text(2), sent.text(3));
    let attachment = file::keep(bytes, kind, None, files);
    Ok(Value { sent: Text::new(sent.text(3)), reading: Reading::File(Box::new(attachment)) })
}

/// RP: pointer, application, type, subtype.
fn pointer(sent: &Repetition) -> Value {
    let attachment = Attachment {
        content_type: media_type(sent.text(3), sent.text(4)),
        location: Text::some(sent.text(1)),
        title: sent.component(2).and_then(|application| Text::some(application.part(1))),
        ..Attachment::default()
    };
    Value { sent: Text::new(sent.joined()), reading: Reading::File(Box::new(attachment)) }
}

fn media_type(kind: &str, subtype: &str) -> Option<Text> {
    let kind = match (kind, subtype) {
        (_, "PDF" | "pdf") => "application/pdf".to_owned(),
        (_, "JPEG" | "jpeg" | "JPG") => "image/jpeg".to_owned(),
        (_, "PNG" | "png") => "image/png".to_owned(),
        (_, "DICOM" | "dicom") => "application/dicom".to_owned(),
        ("", subtype) => subtype.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, subtype) => format!("{}/{}", kind.to_lowercase(), subtype.to_lowercase()),
    };
    Text::some(kind)
}
