//! Reports in.

use super::codes::{self, sex};
use super::fields::{Fields, plain};
use super::names;
use crate::charset::Charset;
use crate::fault::{Fault, FaultKind};
use crate::fhir::is_xml;
use crate::tree::{DOCUMENT_BYTES_MAX, Node};
use domain::report::{
    Attachment, Bound, Category, Codes, Coding, Concept, Decimal, Flag, Identifier, ImageReference, Item, Meaning,
    Party, ReferenceRange, Report, ReportKey, ReportText, Role, Section, Specimen, Status, Subject, Text, TextKind,
    Times, Transmission, Unit, Value, Wire,
};
use std::cmp::Ordering;

/// The most reports of one body.
pub const REPORTS_MAX: usize = 1_000;
/// The most items of one report.
pub const ITEMS_MAX: usize = 2_000;
/// The deepest envelope.
const ENVELOPE_DEPTH_MAX: usize = 6;
/// How far into an XML document its encoding is declared.
const DECLARATION_BYTES_MAX: usize = 200;

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The reports, in order.
    pub reports: Vec<Report>,
    /// The encoding it came in: answers go back in it.
    pub charset: Charset,
}

/// Reads a body. `declared` is the charset of its content type, where HTTP said one.
pub fn read(bytes: &[u8], declared: Option<&str>, codes: &Codes) -> Result<Results, Fault> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Fault::at("$", FaultKind::TooLarge));
    }
    let charset = charset_of(bytes, declared).ok_or_else(|| Fault::at("$", FaultKind::Encoding))?;
    let text = charset.decode(bytes).map_err(|_| Fault::at("$", FaultKind::Encoding))?;
    let document = if is_xml(&text) { Node::from_xml(&text)?.1 } else { Node::from_json(&text)? };
    let envelope = Envelope { control_id: None, sent_at: None, patient: Vec::new() };
    let mut reports = Vec::new();
    unwrap(document, envelope, 0, codes, &mut reports)?;
    if reports.is_empty() {
        return Err(Fault::at("reportId", FaultKind::Missing));
    }
    let mut keys: Vec<&ReportKey> = reports.iter().map(|report| &report.key).collect();
    keys.sort();
    if keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return Err(Fault::at("reportId", FaultKind::Twice));
    }
    Ok(Results { reports, charset })
}

/// The encoding of a body. XML says it itself, HTTP for JSON; else the bytes tell. A declaration the bytes contradict is a
/// fault when it is read.
pub fn charset_of(bytes: &[u8], declared: Option<&str>) -> Option<Charset> {
    let seen = Charset::detect(bytes);
    if let Some(Charset::Other(_)) = seen {
        return seen;
    }
    let head = encoding_rs::mem::decode_latin1(bytes.get(..DECLARATION_BYTES_MAX).unwrap_or(bytes));
    let in_xml = head.split_once("?>").and_then(|(declaration, _)| {
        let (_, rest) = declaration.split_once("encoding")?;
        let name = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = name.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Charset::named(name.strip_prefix(quote)?.split(quote).next()?)
    });
    declared.and_then(Charset::named).or(in_xml).or(seen)
}

/// What the envelope says of the message.
#[derive(Clone)]
struct Envelope {
    control_id: Option<Text>,
    sent_at: Option<domain::report::When>,
    /// Whose reports lie in it, where that is said once for all.
    patient: Vec<(String, Node)>,
}

/// Looks for reports through the envelopes.
fn unwrap(
    node: Node,
    mut envelope: Envelope,
    depth: usize,
    codes: &Codes,
    reports: &mut Vec<Report>,
) -> Result<(), Fault> {
    if depth > ENVELOPE_DEPTH_MAX {
        return Err(Fault::at("$", FaultKind::TooDeep));
    }
    match node {
        Node::List(nodes) => {
            nodes.into_iter().try_for_each(|node| unwrap(node, envelope.clone(), depth + 1, codes, reports))
        }
        Node::Object(fields) => {
            let mut fields = Fields::of(Node::Object(fields));
            envelope.patient.extend(patient(&mut fields)?);
            if fields.has(&names::NUMBER) {
                if reports.len() >= REPORTS_MAX {
                    return Err(Fault::at("reports", FaultKind::TooMany));
                }
                reports.push(report(fields.with(envelope.patient.clone()), &envelope, codes)?);
                return Ok(());
            }
            envelope.patient.extend(fields.take_all(is_patients_number));
            envelope.control_id = fields.text(&names::CONTROL_ID).or(envelope.control_id);
            envelope.sent_at = fields.when(&names::SENT_AT).or(envelope.sent_at);
            while let Some(inner) = fields.take(&names::ENVELOPES) {
                unwrap(inner, envelope.clone(), depth + 1, codes, reports)?;
            }
            refuse_unnumbered(fields)
        }
        _ => Ok(()),
    }
}

/// Takes what an object apart says of the patient. Reports are not looked for in there.
fn patient(fields: &mut Fields) -> Result<Vec<(String, Node)>, Fault> {
    let mut objects = fields.objects(&names::PATIENT);
    let Some(object) = objects.pop() else { return Ok(Vec::new()) };
    if !objects.is_empty() {
        return Err(Fault::at("patient", FaultKind::Twice));
    }
    let mut inner = Fields::of(object);
    let mut said = inner.take_all(|name| is_patients_number(name) || is_of_a_person(name));
    let rest = inner.into_fields();
    refuse_unnumbered(Fields::of(Node::Object(rest.clone())))?;
    said.push(("patient".to_owned(), Node::Object(rest)));
    Ok(said)
}

/// A number that can only be a patient's.
fn is_patients_number(name: &str) -> bool {
    names::CARD.contains(&name) || names::PATIENT_NUMBERS.iter().any(|(number, _)| *number == name)
}

/// What else is said of a person; beside a report it may be of something else.
fn is_of_a_person(name: &str) -> bool {
    let known: [&[&str]; 4] = [&names::PATIENT_NAME, &names::SEX, &names::AGE, &names::BIRTH];
    known.iter().any(|known| known.contains(&name))
}

/// A report without a number, or one where none is looked for, is refused: skipped, it would be lost beside its neighbours.
fn refuse_unnumbered(mut fields: Fields) -> Result<(), Fault> {
    let of_a_report: [&[&str]; 4] = [&names::ITEMS, &names::ORGANISMS, &names::FINDINGS, &names::IMPRESSION];
    if of_a_report.iter().any(|known| !fields.list(known).is_empty()) {
        return Err(Fault::at("reportId", FaultKind::Missing));
    }
    let mut open: Vec<Node> = fields.into_fields().into_iter().map(|(_, node)| node).collect();
    while let Some(node) = open.pop() {
        match node {
            Node::List(nodes) => open.extend(nodes),
            Node::Object(inner) => {
                let inner = Fields::of(Node::Object(inner));
                if inner.has(&names::NUMBER) {
                    return Err(Fault::at("reports", FaultKind::Unsupported));
                }
                open.extend(inner.into_fields().into_iter().map(|(_, node)| node));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A value that identifies: there, and only one.
fn identity(fields: &mut Fields, known: &[&str], place: &str) -> Result<Option<Text>, Fault> {
    let mut values = fields.all_texts(known);
    values.retain(|value| !value.is_empty());
    values.dedup();
    if values.len() > 1 {
        return Err(Fault::at(place, FaultKind::Twice));
    }
    Ok(fields.text(known))
}

fn report(mut fields: Fields, envelope: &Envelope, codes: &Codes) -> Result<Report, Fault> {
    let number = identity(&mut fields, &names::NUMBER, "reportId")?;
    let number = number.ok_or_else(|| Fault::at("reportId", FaultKind::Missing))?;
    let sender = identity(&mut fields, &names::SENDER, "hospitalId")?.unwrap_or_default();
    let card = identity(&mut fields, &names::CARD, "cardNo")?;
    let control_id = fields.text(&names::CONTROL_ID).or_else(|| envelope.control_id.clone());
    let sent_at = fields.when(&names::SENT_AT).or_else(|| envelope.sent_at.clone());
    let unknown = |place: &str| Fault::at(place, FaultKind::UnknownCode);
    let status = match fields.text(&names::STATUS) {
        // A machine that says no state sends what is reviewed.
        None => Status::Final,
        Some(code) => codes::status(codes, code.as_str()).ok_or_else(|| unknown("status"))?,
    };
    let key = ReportKey { sender, number, service: Text::default() };
    let mut report = Report::new(key, Transmission { wire: Wire::FrontEnd, control_id, sent_at }, status);
    if let Some(code) = fields.text(&names::CATEGORY) {
        report.category = codes::category(codes, code.as_str()).ok_or_else(|| unknown("reportType"))?;
        report.categories = vec![Concept::coded("", code.as_str(), None)];
    }
    report.code = concept(fields.text(&names::SERVICE), fields.text(&names::TITLE), None);
    report.subject = subject(&mut fields, card, codes);
    report.times = times(&mut fields);
    report.parties = parties(&mut fields);
    report.specimens = specimens(&mut fields);
    report.texts = texts(&mut fields);
    report.images = images(&mut fields);
    report.files = files(&mut fields);
    let mut items = Vec::new();
    let (listed, repeated) = (fields.list(&names::ITEMS), fields.objects(&names::ITEM));
    for (at, node) in listed.into_iter().chain(repeated).enumerate() {
        if at >= ITEMS_MAX {
            return Err(Fault::at("items", FaultKind::TooMany));
        }
        items.push(item(node, status, codes, &format!("items[{at}]"))?);
    }
    for (at, node) in fields.list(&names::ORGANISMS).into_iter().enumerate() {
        if at >= ITEMS_MAX {
            return Err(Fault::at("bacteria", FaultKind::TooMany));
        }
        items.push(organism(node, status, codes, &format!("bacteria[{at}]"))?);
        if report.category == Category::Other {
            report.category = Category::Microbiology;
        }
    }
    report.sections = vec![Section { title: None, items }];
    refuse_unread_items(&fields, "items")?;
    report.extras = fields.extras();
    Ok(report)
}

fn concept(code: Option<Text>, name: Option<Text>, loinc: Option<Text>) -> Concept {
    let local = code.map(|code| Coding { code: Some(code), ..Coding::default() });
    let loinc =
        loinc.map(|code| Coding { system: Some("http://loinc.org".into()), code: Some(code), ..Coding::default() });
    Concept { codings: loinc.into_iter().chain(local).collect(), text: name }
}

fn subject(fields: &mut Fields, card: Option<Text>, codes: &Codes) -> Subject {
    let numbered = |kind: &str, value: Text| Identifier {
        system: None,
        value: Some(value),
        kind: Some(Concept::coded("HL70203", kind, None)),
    };
    let mut identifiers: Vec<Identifier> = card.map(|card| numbered("CARD", card)).into_iter().collect();
    for (name, kind) in names::PATIENT_NUMBERS {
        identifiers.extend(fields.text(&[name]).map(|value| numbered(kind, value)));
    }
    // A sex nobody knows stays with what no field is made for, and so does the hospital's own code: what was said is the
    // same before and after somebody has mapped it.
    let sexes = fields.all_texts(&names::SEX);
    let known = sexes.iter().find_map(|code| sex(codes, code));
    let is_own = sexes.iter().any(|code| codes.sexes.contains_key(*code));
    if known.is_some() && !is_own {
        fields.text(&names::SEX);
    }
    Subject {
        identifiers,
        name: fields.text(&names::PATIENT_NAME),
        sex: known,
        birth: fields.when(&names::BIRTH),
        age: fields.text(&names::AGE),
        reference: None,
    }
}

fn times(fields: &mut Fields) -> Times {
    Times {
        ordered: fields.when(&names::ORDERED),
        collected: fields.when(&names::COLLECTED),
        collected_until: None,
        received: fields.when(&names::RECEIVED),
        issued: fields.when(&names::ISSUED),
        reviewed: fields.when(&names::REVIEWED),
        expected: fields.when(&names::EXPECTED),
    }
}

fn parties(fields: &mut Fields) -> Vec<Party> {
    const PEOPLE: [(&[&str], Role); 6] = [
        (&["hospitalname", "orgname", "hospital"], Role::Hospital),
        (&["labname", "execdept", "execdeptname", "testdept", "examdept"], Role::Laboratory),
        (&["applydept", "applydeptname", "orderdept", "deptname", "department"], Role::OrderingDepartment),
        (&["applydoctor", "applydoctorname", "orderdoctor", "doctorname"], Role::Orderer),
        (&["reportdoctor", "tester", "testername", "inspector", "operator", "examdoctor"], Role::Performer),
        (&["auditdoctor", "reviewer", "auditor", "checker", "auditname", "verifydoctor"], Role::Reviewer),
    ];
    let person = |(known, role): (&[&str], Role)| Some(Party { role, id: None, name: Some(fields.text(known)?) });
    PEOPLE.into_iter().filter_map(person).collect()
}

fn specimens(fields: &mut Fields) -> Vec<Specimen> {
    let (id, kind) = (fields.text(&names::SPECIMEN_ID), fields.text(&names::SPECIMEN_KIND));
    if id.is_none() && kind.is_none() {
        return Vec::new();
    }
    let kind = kind.map(|kind| Concept::words(kind.as_str()));
    vec![Specimen { id, kind, ..Specimen::default() }]
}

fn texts(fields: &mut Fields) -> Vec<ReportText> {
    let kinds: [(&[&str], TextKind); 4] = [
        (&names::FINDINGS, TextKind::Findings),
        (&names::IMPRESSION, TextKind::Impression),
        (&names::CONCLUSION, TextKind::Conclusion),
        (&names::REMARK, TextKind::Note),
    ];
    kinds.into_iter().filter_map(|(known, kind)| Some(ReportText { kind, text: fields.text(known)? })).collect()
}

/// Addresses of pictures: several in a list or apart by commas. They are kept, never opened.
fn images(fields: &mut Fields) -> Vec<ImageReference> {
    let (modality, body_part) = (fields.text(&names::MODALITY), fields.text(&names::BODY_PART));
    let of = |reference: Option<Text>| ImageReference {
        reference,
        title: None,
        modality: modality.clone(),
        body_part: body_part.clone(),
    };
    let found: Vec<ImageReference> =
        addresses(fields, &names::IMAGES).into_iter().map(|address| of(Some(address))).collect();
    let is_named = modality.is_some() || body_part.is_some();
    if found.is_empty() && is_named { vec![of(None)] } else { found }
}

fn files(fields: &mut Fields) -> Vec<Attachment> {
    let file = |location| Attachment { location: Some(location), ..Attachment::default() };
    addresses(fields, &names::FILES).into_iter().map(file).collect()
}

fn addresses(fields: &mut Fields, known: &[&str]) -> Vec<Text> {
    let mut found = Vec::new();
    for name in known {
        for node in fields.list(&[name]) {
            found.extend(
                node.as_text()
                    .into_iter()
                    .flat_map(|text| text.split([',', ';']))
                    .filter_map(|text| Text::some(text.trim())),
            );
        }
    }
    found
}

fn item(node: Node, status: Status, codes: &Codes, place: &str) -> Result<Item, Fault> {
    let mut fields = Fields::of(node);
    let code = fields.text(&names::ITEM_CODE);
    let name = fields.text(&names::ITEM_NAME);
    if code.is_none() && name.is_none() {
        return Err(Fault::at(format!("{place}.itemName"), FaultKind::Missing));
    }
    let code = concept(code, name, fields.text(&names::LOINC));
    let mut item = Item::new(code, item_status(&fields, status, codes));
    item.unit = fields.text(&names::UNIT).and_then(|unit| Unit::words(unit.as_str()));
    let value = fields.text(&names::VALUE);
    item.values = value.iter().map(|value| Value::read(value.as_str(), item.unit.as_ref())).collect();
    item.flags = flags(&mut fields, codes);
    item.range_sent = fields.text(&names::RANGE);
    item.ranges = item.range_sent.as_ref().map(|text| ReferenceRange::read(text.as_str())).unwrap_or_default();
    ends_apart(&mut fields, &mut item);
    item.method = fields.text(&names::METHOD).map(|method| Concept::words(method.as_str()));
    item.notes = fields.text(&names::REMARK).into_iter().collect();
    refuse_unread_items(&fields, place)?;
    item.extras = fields.extras();
    Ok(item)
}

/// The state of one item, where it says one in words: a letter or a digit there may be a flag. Nothing is left of a report
/// that was taken back.
fn item_status(fields: &Fields, of_report: Status, codes: &Codes) -> Status {
    let is_word = |code: &&str| code.chars().nth(1).is_some() && !code.bytes().all(|byte| byte.is_ascii_digit());
    let mut sent = fields.all_texts(&names::ITEM_STATUS).into_iter().filter(is_word);
    let own = sent.find_map(|code| codes::status(codes, code));
    own.filter(|_| !matches!(of_report, Status::Cancelled | Status::EnteredInError)).unwrap_or(of_report)
}

/// An item where none is looked for is refused: it would have no flag, and a critical value no alarm.
fn refuse_unread_items(fields: &Fields, place: &str) -> Result<(), Fault> {
    let mut open: Vec<&Node> = fields.nodes().collect();
    while let Some(node) = open.pop() {
        match node {
            Node::List(nodes) => open.extend(nodes),
            Node::Object(inner) => {
                let has = |known: &[&str]| inner.iter().any(|(name, _)| known.contains(&plain(name).as_str()));
                if has(&names::OF_AN_ITEM) && has(&names::VALUE) {
                    return Err(Fault::at(place, FaultKind::Unsupported));
                }
                open.extend(inner.iter().map(|(_, node)| node));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the machine sends both ends as numbers, they count; the text stays beside them. Two ends that leave nothing
/// between them (0 and 0) fill fields nobody filled.
fn ends_apart(fields: &mut Fields, item: &mut Item) {
    let end = |fields: &Fields, known: &[&str]| {
        let number = fields.all_texts(known).into_iter().find_map(|text| Decimal::parse(text).ok())?;
        Some(Bound { number, inclusive: true })
    };
    let (low, high) = (end(fields, &names::RANGE_LOW), end(fields, &names::RANGE_HIGH));
    if low.as_ref().zip(high.as_ref()).is_some_and(|(low, high)| low.number.compare(&high.number) != Ordering::Less) {
        return;
    }
    for (end, known) in [(&low, &names::RANGE_LOW), (&high, &names::RANGE_HIGH)] {
        if end.is_some() {
            fields.text(known);
        }
    }
    if low.is_some() || high.is_some() {
        item.ranges = vec![ReferenceRange { text: item.range_sent.clone(), low, high, ..ReferenceRange::default() }];
    }
}

fn flags(fields: &mut Fields, codes: &Codes) -> Vec<Flag> {
    let flag = |code: Text| {
        // A number means what the profile says; it is written beside the number, which stays as it was sent.
        let text = codes::flag(codes, code.as_str()).map(|meaning| Text::from(meaning.code()));
        Flag { system: None, text, code: Some(code) }
    };
    let mut found: Vec<Flag> = fields.text(&names::FLAG).map(flag).into_iter().collect();
    let is_critical = |text: &str| {
        let says_no = text.contains(['非', '不', '无', '否']);
        matches!(text.to_lowercase().as_str(), "1" | "true" | "t" | "y" | "yes" | "是" | "有")
            || text.contains('危') && !says_no
            || Meaning::of(text).is_some_and(|meaning| !meaning.is_normal() && !meaning.is_susceptibility())
    };
    if let Some(critical) = fields.text(&names::CRITICAL).filter(|text| is_critical(text.as_str())) {
        // What was sent may mean something else as a flag: `H` in this place is no mere high.
        let code = Some(Text::from(Meaning::Critical.code()));
        found.push(Flag { system: None, code, text: Some(critical) });
    }
    found
}

fn organism(mut node: Node, status: Status, codes: &Codes, place: &str) -> Result<Item, Fault> {
    let drugs = match &mut node {
        Node::Object(fields) => {
            let mut taken = Fields::of(Node::Object(std::mem::take(fields)));
            let drugs = taken.list(&names::DRUGS);
            *fields = taken.into_fields();
            drugs
        }
        _ => Vec::new(),
    };
    let mut organism = item(node, status, codes, place)?;
    // The organism is what was found; a count beside it is its quantity.
    let count = std::mem::take(&mut organism.values);
    let found = Concept { codings: organism.code.codings.clone(), text: organism.code.text.clone() };
    organism.values = std::iter::once(Value::coded(found)).chain(count).collect();
    for (at, drug) in drugs.into_iter().enumerate() {
        if at >= ITEMS_MAX {
            return Err(Fault::at(format!("{place}.drugs"), FaultKind::TooMany));
        }
        organism.members.push(antibiotic(drug, status, codes, &format!("{place}.drugs[{at}]"))?);
    }
    Ok(organism)
}

/// An antibiotic: `result` is how the organism fares, `mic` the number; machines also send both in one.
fn antibiotic(node: Node, status: Status, codes: &Codes, place: &str) -> Result<Item, Fault> {
    let mut fields = Fields::of(node);
    let is_fate = |text: &str| codes::flag(codes, text).is_some_and(Meaning::is_susceptibility);
    let fate = fields.all_texts(&["result"]).into_iter().find(|text| is_fate(text)).map(str::to_owned);
    if fate.is_some() {
        fields.take(&["result"]);
    }
    let mut item = item(Node::Object(fields.into_fields()), status, codes, place)?;
    if let Some(fate) = fate {
        let text = codes::flag(codes, &fate).map(|meaning| Text::from(meaning.code()));
        item.flags.push(Flag { system: None, code: Some(Text::new(fate)), text });
    }
    Ok(item)
}
