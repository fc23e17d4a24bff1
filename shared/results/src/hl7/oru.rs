//! ORU^R01: results.
//!
//! Each order (OBR) is one report, known by its filler number and service; an order whose parent (OBR-29) is in the same
//! message hangs on it: the antibiotics on their organism (OBR-26). Strict in identity and status, lenient in the rest:
//! what cannot be read as what it should be is kept as it was sent, field by field.

use super::fields::{Fields, full_name, identifier, kept};
use super::header::Header;
use super::message::{Message, Repetition, Segment};
use super::values;
use crate::fault::{Fault, FaultKind};
use crate::file::FileBody;
use domain::report::{
    Category, Concept, Extra, Flag, Identifier, Item, Party, ReferenceRange, Report, ReportKey, ReportText, Role,
    Section, Specimen, Status, Subject, Text, TextKind, Transmission, Wire,
};
use std::collections::HashMap;

/// The most items of one message.
pub const ITEMS_MAX: usize = 10_000;
/// The most orders of one message: each may hang on any other.
pub const ORDERS_MAX: usize = 1_000;
/// The LOINC codes under which an organism is named.
const ORGANISM_CODES: [&str; 5] = ["600-7", "6463-4", "630-4", "634-6", "11475-1"];

/// What an ORU^R01 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// Who sends, and under which number.
    pub header: Header,
    /// The reports, in order.
    pub reports: Vec<Report>,
    /// The bytes of the files the reports refer to by digest.
    pub files: Vec<FileBody>,
}

/// Reads an ORU^R01.
pub fn read(message: &Message) -> Result<Results, Fault> {
    let header = Header::read(message)?;
    if !header.is("ORU", "R01") {
        return Err(Fault::at("MSH-9", FaultKind::Unsupported));
    }
    let mut files = Vec::new();
    let mut orders = read_orders(&header, message, &mut files)?;
    let mut reports = Vec::new();
    while let Some(mut order) = (!orders.is_empty()).then(|| orders.remove(0)) {
        adopt_children(&mut order, &mut orders);
        let Order { mut report, parent, .. } = order;
        report.extras.extend(parent.into_iter().flat_map(|parent| parent.extras));
        reports.push(settle_status(report));
    }
    refuse_twice(&reports)?;
    Ok(Results { header, reports, files })
}

/// Every order of a message; one without any is no message of orders.
pub(super) fn read_orders(header: &Header, message: &Message, files: &mut Vec<FileBody>) -> Result<Vec<Order>, Fault> {
    let groups = groups(message)?;
    if groups.is_empty() {
        return Err(Fault::at("OBR", FaultKind::Missing));
    }
    groups.iter().map(|group| read_order(header, group, files)).collect()
}

/// The segments of one order, with their places.
#[derive(Default)]
struct Group<'a> {
    patient: Option<(usize, &'a Segment)>,
    visit: Option<(usize, &'a Segment)>,
    order: Option<(usize, &'a Segment)>,
    request: Option<(usize, &'a Segment)>,
    notes: Vec<&'a Segment>,
    items: Vec<(usize, &'a Segment, Vec<&'a Segment>)>,
    specimens: Vec<(usize, &'a Segment, Vec<Extra>)>,
    others: Vec<(usize, &'a Segment)>,
}

impl Group<'_> {
    fn patient_number(&self) -> Option<usize> {
        self.patient.map(number_of)
    }
}

fn number_of((number, _): (usize, &Segment)) -> usize {
    number
}

/// Sorts the segments into orders. Places are counted by name, as ERR-2 counts them.
fn groups(message: &Message) -> Result<Vec<Group<'_>>, Fault> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut patient, mut visit, mut order) = (None, None, None);
    // Notes before an order are of the order that follows.
    let mut notes = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    let mut items = 0;
    for segment in message.segments.iter().skip(1) {
        let count = counts.entry(segment.name.as_str()).or_insert(0_usize);
        *count += 1;
        let placed = (*count, segment);
        let is_full = groups.len() >= ORDERS_MAX;
        // After the next patient, or the next order's beginning, nothing is of the order before any more.
        let open =
            groups.last_mut().filter(|group| group.patient_number() == patient.map(number_of) && order.is_none());
        match (segment.name.as_str(), open) {
            ("PID", _) => {
                (patient, visit, order) = (Some(placed), None, None);
                notes.clear();
            }
            ("PV1", _) => visit = Some(placed),
            ("ORC", _) => order = Some(placed),
            ("OBR", _) if is_full => {
                return Err(Fault::at(format!("OBR[{}]", placed.0), FaultKind::TooMany));
            }
            ("OBR", _) => {
                let (order, notes, request) = (order.take(), std::mem::take(&mut notes), Some(placed));
                groups.push(Group { patient, visit, order, request, notes, ..Group::default() });
            }
            ("OBX", group) => {
                items += 1;
                let fault = || Fault::at(format!("OBX[{}]", placed.0), FaultKind::Missing);
                if items > ITEMS_MAX {
                    return Err(Fault::at(format!("OBX[{}]", placed.0), FaultKind::TooMany));
                }
                // An observation before any order (of the patient, in newer versions) has no report to stand in.
                add_observation(group.ok_or_else(fault)?, placed);
            }
            // A field or a message that goes on elsewhere: taken for whole, half a finding would be read as one.
            (name @ ("ADD" | "DSC"), _) => {
                return Err(Fault::at(format!("{name}[{}]", placed.0), FaultKind::Dangling));
            }
            ("NTE", Some(group)) => match group.items.last_mut() {
                Some((_, _, notes)) => notes.push(segment),
                None => group.notes.push(segment),
            },
            ("NTE", None) => notes.push(segment),
            ("SPM", Some(group)) => group.specimens.push((placed.0, segment, Vec::new())),
            (_, Some(group)) => group.others.push(placed),
            // Software, kin and visit details before an order say nothing of a result.
            _ => {}
        }
    }
    Ok(groups)
}

/// An OBX after SPM is about the specimen, unless the results have not come yet: some send SPM first.
fn add_observation<'a>(group: &mut Group<'a>, (number, segment): (usize, &'a Segment)) {
    match group.specimens.last_mut() {
        Some((_, _, extras)) if !group.items.is_empty() => extras.extend(kept(segment, number)),
        _ => group.items.push((number, segment, Vec::new())),
    }
}

/// An order as a report, and what its children know it by.
pub(super) struct Order {
    pub(super) report: Report,
    /// ORC-1: what the sender wants done (table 0119).
    pub(super) control: String,
    numbers: Vec<String>,
    /// Which of the message's patients it is of.
    patient: Option<usize>,
    parent: Option<Parent>,
}

/// Where a child hangs.
struct Parent {
    numbers: Vec<String>,
    code: String,
    sub_id: String,
    /// The same as it was sent, for a child whose parent is not in the message.
    extras: Vec<Extra>,
}

fn read_order(header: &Header, group: &Group, files: &mut Vec<FileBody>) -> Result<Order, Fault> {
    let (number, request) = group.request.ok_or_else(|| Fault::at("OBR", FaultKind::Missing))?;
    let obr = Fields::of(request, number);
    let orc = group.order.map(|(number, segment)| Fields::of(segment, number));
    let key = read_key(header, &obr, orc.as_ref())?;
    let code = obr.concept(4).ok_or_else(|| Fault::at(obr.at(4), FaultKind::Missing))?;
    let sent_status = obr.text(25, 1);
    let status = read_status(sent_status).ok_or_else(|| Fault::at(obr.at(25), FaultKind::UnknownCode))?;
    let transmission = Transmission {
        wire: Wire::Hl7,
        control_id: Some(Text::from(header.control_id.as_str())),
        sent_at: header.sent_at.clone(),
    };
    let mut report = Report::new(key, transmission, status.unwrap_or(Status::Registered));
    report.code = code;
    report.identifiers = identifiers(&obr, orc.as_ref());
    if let Some((number, patient)) = group.patient {
        let pid = Fields::of(patient, number);
        report.subject = read_subject(&pid);
        let unread = patient.text(7, 1);
        if report.subject.birth.is_none() && !unread.is_empty() {
            report.extras.push(Extra { place: pid.at(7), value: unread.into() });
        }
    }
    read_times(&mut report, &obr, orc.as_ref());
    read_people(&mut report, header, &obr, orc.as_ref(), group.visit);
    report.specimens = specimens(&obr, group);
    let items = group.items.iter().map(|(number, segment, notes)| read_item(*number, segment, notes, status, files));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    if status.is_none() {
        report.status = status_of(&items);
    }
    report.category = category(obr.text(24, 1), &items);
    report.sections = vec![Section { title: None, items: by_organism(items) }];
    report.texts = group
        .notes
        .iter()
        .flat_map(|note| note_lines(note))
        .map(|text| ReportText { kind: TextKind::Note, text })
        .collect();
    let parent = read_parent(&obr);
    let numbers = own_numbers(&obr, orc.as_ref());
    report.extras.extend(obr.extras());
    report.extras.extend(orc.iter().flat_map(Fields::extras));
    report.extras.extend(group.others.iter().flat_map(|(number, segment)| kept(segment, *number)));
    let control = orc.as_ref().map(|orc| orc.text(1, 1).to_owned()).unwrap_or_default();
    let patient = group.patient_number();
    Ok(Order { report, control, numbers, patient, parent })
}

/// The filler's number, else the placer's, with whose it is.
fn read_key(header: &Header, obr: &Fields, orc: Option<&Fields>) -> Result<ReportKey, Fault> {
    let entity = |fields: &Fields, field: usize| {
        let number = fields.text(field, 1).to_owned();
        let authority = [2, 3].into_iter().map(|component| fields.text(field, component)).find(|text| !text.is_empty());
        (!number.is_empty()).then(|| (number, authority.map(str::to_owned)))
    };
    let found = entity(obr, 3).or_else(|| orc.and_then(|orc| entity(orc, 3)));
    let found = found.or_else(|| entity(obr, 2)).or_else(|| orc.and_then(|orc| entity(orc, 2)));
    let (number, authority) = found.ok_or_else(|| Fault::at(obr.at(3), FaultKind::Missing))?;
    let service =
        [1, 4, 2, 5].into_iter().map(|component| obr.segment.text(4, component)).find(|text| !text.is_empty());
    Ok(ReportKey {
        sender: Text::new(authority.unwrap_or_else(|| header.sender_name())),
        number: Text::new(number),
        service: service.unwrap_or_default().into(),
    })
}

/// Every number of the order: the filler's, the placer's, the group's.
fn identifiers(obr: &Fields, orc: Option<&Fields>) -> Vec<Identifier> {
    let entity = |fields: &Fields, field: usize, kind: &str| {
        let value = Text::some(fields.text(field, 1))?;
        let systems = [fields.text(field, 2), fields.text(field, 3)];
        let system = systems.into_iter().find_map(Text::some);
        Some(Identifier { system, value: Some(value), kind: Some(Concept::coded("HL70203", kind, None)) })
    };
    let mut found: Vec<Identifier> = Vec::new();
    let of_order =
        orc.into_iter().flat_map(|orc| [entity(orc, 2, "PLAC"), entity(orc, 3, "FILL"), entity(orc, 4, "PGN")]);
    for identifier in [entity(obr, 2, "PLAC"), entity(obr, 3, "FILL")].into_iter().chain(of_order).flatten() {
        if !found.contains(&identifier) {
            found.push(identifier);
        }
    }
    found
}

fn read_subject(pid: &Fields) -> Subject {
    let mut identifiers: Vec<Identifier> =
        [3, 2, 4].into_iter().flat_map(|field| pid.repetitions(field)).filter_map(identifier).collect();
    identifiers.dedup();
    let name = pid.repetitions(5).next().map(|name| full_name(name.text(1), name.text(2), name.text(3)));
    Subject {
        identifiers,
        name: name.and_then(Text::some),
        sex: super::fields::sex(pid.text(8, 1)),
        birth: pid.when(7, 1),
        age: None,
        reference: None,
    }
}

fn read_times(report: &mut Report, obr: &Fields, orc: Option<&Fields>) {
    let times = &mut report.times;
    times.ordered = orc.and_then(|orc| orc.when(9, 1)).or_else(|| obr.when(6, 1));
    times.collected = obr.when(7, 1);
    times.collected_until = obr.when(8, 1);
    times.received = obr.when(14, 1);
    times.issued = obr.when(22, 1);
    // OBR-36 is when the examination is planned for: the nearest to an expected time there is.
    times.expected = obr.when(36, 1);
    times.reviewed = obr.when(32, 2);
}

fn read_people(
    report: &mut Report,
    header: &Header,
    obr: &Fields,
    orc: Option<&Fields>,
    visit: Option<(usize, &Segment)>,
) {
    let parties = &mut report.parties;
    let named = |role: Role, name: &str| Text::some(name).map(|name| Party { role, id: None, name: Some(name) });
    let [_, facility] = &header.sender;
    let facility = facility.0.first().map_or("", |first| first.text(1));
    parties.extend(named(Role::Laboratory, facility));
    parties.extend(obr.parties(16, Role::Orderer));
    if let Some(orc) = orc {
        parties.extend(orc.parties(12, Role::Orderer));
        parties.extend(named(Role::OrderingDepartment, orc.text(17, 2)));
        parties.extend(named(Role::Hospital, orc.text(21, 1)));
    }
    if let Some((_, visit)) = visit {
        parties.extend(named(Role::OrderingDepartment, visit.text(3, 1)));
    }
    parties.extend(obr.parties(32, Role::Reviewer));
    parties.extend(obr.parties(33, Role::Reviewer));
    parties.extend(obr.parties(34, Role::Performer));
    let mut seen = Vec::new();
    parties.retain(|party| {
        !seen.contains(party) && {
            seen.push(party.clone());
            true
        }
    });
}

/// SPM, or before 2.5 the specimen of OBR-15.
fn specimens(obr: &Fields, group: &Group) -> Vec<Specimen> {
    let mut found: Vec<Specimen> = group
        .specimens
        .iter()
        .map(|(number, segment, more)| {
            let spm = Fields::of(segment, *number);
            // SPM-2 is a pair: placer's number & filler's number.
            let pair = spm.repetitions(2).next().map(Repetition::joined);
            let mut specimen = Specimen {
                id: pair.and_then(Text::some),
                kind: spm.concept(4),
                source: spm.concept(8),
                collected: spm.when(17, 1),
                received: spm.when(18, 1),
                conditions: spm.repetitions(24).map(super::fields::concept).collect(),
                extras: Vec::new(),
            };
            specimen.extras = spm.extras();
            specimen.extras.extend(more.iter().cloned());
            specimen
        })
        .collect();
    let old = obr.repetitions(15).next();
    if let (true, Some(old)) = (found.is_empty(), old) {
        let component = |number: usize| {
            old.component(number).map(|part| {
                Concept::coded(part.part(3), part.part(1), Some(part.part(2)).filter(|text| !text.is_empty()))
            })
        };
        // What else the old composite holds stays as it was sent.
        let whole = Text::some(old.joined()).map(|value| Extra { place: obr.at(15), value });
        let extras = whole.into_iter().collect();
        found.push(Specimen { kind: component(1), source: component(4), extras, ..Specimen::default() });
    }
    found
}

fn read_item(
    number: usize,
    segment: &Segment,
    notes: &[&Segment],
    order_status: Option<Status>,
    files: &mut Vec<FileBody>,
) -> Result<Item, Fault> {
    let obx = Fields::of(segment, number);
    let code = obx.concept(3).ok_or_else(|| Fault::at(obx.at(3), FaultKind::Missing))?;
    let status = match obx.text(11, 1) {
        // Required, yet some leave it out where the order says it.
        "" => order_status.unwrap_or(Status::Final),
        sent => item_status(sent).ok_or_else(|| Fault::at(obx.at(11), FaultKind::UnknownCode))?,
    };
    let mut item = Item::new(code, status);
    item.id = Text::some(obx.text(1, 1));
    item.sub_id = obx.whole(4).map(super::message::Field::joined).and_then(Text::some);
    item.unit = values::unit(&obx);
    item.values = values::read(&obx, item.unit.as_ref(), files)?;
    let range = obx.whole(7).map(super::message::Field::joined).unwrap_or_default();
    item.ranges = ReferenceRange::read(&range);
    item.range_sent = Text::some(range);
    item.flags = obx.repetitions(8).map(flag).collect();
    item.observed = obx.when(14, 1);
    item.analysed = obx.when(19, 1);
    item.performers = obx.parties(16, Role::Performer);
    item.performers.extend(obx.parties(25, Role::Reviewer));
    let laboratory =
        Party { role: Role::Laboratory, id: Text::some(obx.text(23, 10)), name: Text::some(obx.text(23, 1)) };
    item.performers.extend(laboratory.name.is_some().then_some(laboratory));
    item.method = obx.concept(17);
    item.body_site = obx.concept(20);
    item.notes = notes.iter().flat_map(|note| note_lines(note)).collect();
    item.extras = obx.extras();
    Ok(item)
}

fn flag(repetition: &Repetition) -> Flag {
    Flag {
        system: Text::some(repetition.text(3)),
        code: Text::some(repetition.text(1)),
        text: Text::some(repetition.text(2)),
    }
}

fn note_lines(note: &Segment) -> Vec<Text> {
    note.field(3)
        .into_iter()
        .flat_map(super::message::Field::repetitions)
        .filter_map(|line| Text::some(line.joined()))
        .collect()
}

/// OBR-25 (table 0123). None where nothing was sent; an error (none) where it is not a status of a result.
#[allow(clippy::option_option, reason = "not sent and not known are two answers")]
fn read_status(code: &str) -> Option<Option<Status>> {
    Some(match code {
        "" => None,
        "O" | "I" | "S" | "N" => Some(Status::Registered),
        "A" => Some(Status::Partial),
        "P" | "R" | "M" => Some(Status::Preliminary),
        "F" => Some(Status::Final),
        "C" => Some(Status::Corrected),
        "X" => Some(Status::Cancelled),
        _ => return None,
    })
}

/// OBX-11 (table 0085).
fn item_status(code: &str) -> Option<Status> {
    Some(match code {
        "I" => Status::Registered,
        "S" => Status::Partial,
        "P" | "R" => Status::Preliminary,
        // `O` tells of the order, and nothing more will come of it.
        "F" | "U" | "V" | "O" => Status::Final,
        "B" => Status::Appended,
        "A" => Status::Amended,
        "C" => Status::Corrected,
        "X" | "N" => Status::Cancelled,
        "D" | "W" => Status::EnteredInError,
        _ => return None,
    })
}

/// The status of an order that does not say one.
fn status_of(items: &[Item]) -> Status {
    let open = items.iter().filter(|item| !item.status.is_settled()).count();
    match open {
        0 => {
            items.iter().map(|item| item.status).filter(|status| status.is_valid()).max().unwrap_or(Status::Registered)
        }
        open if open == items.len() => items.iter().map(|item| item.status).max().unwrap_or(Status::Registered),
        _ => Status::Partial,
    }
}

/// A report that calls itself final while items are still open is partial; one of which every item was taken back is
/// taken back.
fn settle_status(mut report: Report) -> Report {
    let (any, any_open, all_withdrawn) = {
        let statuses = || report.items().map(|item| item.status);
        (
            statuses().next().is_some(),
            statuses().any(|status| !status.is_settled()),
            statuses().all(|status| status == Status::EnteredInError),
        )
    };
    if any && all_withdrawn {
        report.status = Status::EnteredInError;
    } else if report.status.is_valid() && any_open {
        report.status = Status::Partial;
    }
    report
}

/// OBR-24 (table 0074); where it says nothing, whether something was measured.
fn category(section: &str, items: &[Item]) -> Category {
    match section {
        "MB" | "MCB" | "MYC" | "VR" | "PAR" => Category::Microbiology,
        "PAT" | "SP" | "CP" | "CT/P" | "PA" => Category::Pathology,
        "RAD" | "RUS" | "RX" | "CT" | "CTH" | "CUS" | "NMR" | "NMS" | "OUS" | "VUS" | "XRC" | "US" | "MR" | "DR" => {
            Category::Imaging
        }
        "LAB" | "CH" | "HM" | "BG" | "BLB" | "IMM" | "SR" | "TX" | "OSL" | "CG" | "GE" => Category::Laboratory,
        _ if items.iter().any(|item| item.code.codes().any(|code| ORGANISM_CODES.contains(&code))) => {
            Category::Microbiology
        }
        _ if items.iter().any(|item| !item.ranges.is_empty() || !item.flags.is_empty() || item.unit.is_some()) => {
            Category::Laboratory
        }
        _ => Category::Other,
    }
}

fn read_parent(obr: &Fields) -> Option<Parent> {
    let parent = obr.repetitions(29).next()?;
    let numbers: Vec<String> = [1, 2]
        .into_iter()
        .map(|component| parent.text(component).to_owned())
        .filter(|number| !number.is_empty())
        .collect();
    let result = obr.repetitions(26).next();
    let text = |component: usize| result.map_or("", |result| result.text(component)).to_owned();
    let sent = |field: usize| {
        let value = obr.whole(field).map(super::message::Field::joined).and_then(Text::some)?;
        Some(Extra { place: obr.at(field), value })
    };
    let extras = [26, 29].into_iter().filter_map(sent).collect();
    (!numbers.is_empty()).then(|| Parent { numbers, code: text(1), sub_id: text(2), extras })
}

fn own_numbers(obr: &Fields, orc: Option<&Fields>) -> Vec<String> {
    let of_order = orc.into_iter().flat_map(|orc| [orc.text(2, 1), orc.text(3, 1)]);
    [obr.text(2, 1), obr.text(3, 1)]
        .into_iter()
        .chain(of_order)
        .filter(|number| !number.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Hangs the children of an order on it: on the item they name, else as a section of their own. All of one request may
/// have one placer number: what a child has itself does not name its parent.
fn adopt_children(order: &mut Order, orders: &mut Vec<Order>) {
    let mut at = 0;
    while let Some(other) = orders.get(at) {
        let names_it = |number: &String| order.numbers.contains(number) && !other.numbers.contains(number);
        let is_named = other.parent.as_ref().is_some_and(|parent| parent.numbers.iter().any(names_it));
        if !is_named || other.patient != order.patient {
            at += 1;
            continue;
        }
        let mut child = orders.remove(at);
        adopt_children(&mut child, orders);
        adopt(&mut order.report, child.report, child.parent);
        at = 0;
    }
}

fn adopt(report: &mut Report, child: Report, parent: Option<Parent>) {
    let is_parent = |item: &&mut Item| {
        parent.as_ref().is_some_and(|parent| {
            let is_code = item.code.codes().any(|code| code == parent.code);
            let sub_id = item.sub_id.as_ref().map_or("", Text::as_str);
            is_code && (parent.sub_id.is_empty() || parent.sub_id == sub_id)
        })
    };
    let mut items = report.sections.iter_mut().flat_map(|section| &mut section.items);
    let (title, sections) = (child.code, child.sections);
    if let Some(item) = items.find(is_parent) {
        item.members.extend(sections.into_iter().flat_map(|section| section.items));
    } else {
        let title = |section: &Section| section.title.clone().unwrap_or_else(|| title.clone());
        let sections = sections.into_iter().map(|section| Section { title: Some(title(&section)), ..section });
        report.sections.extend(sections);
        report.extras.extend(parent.into_iter().flat_map(|parent| parent.extras));
    }
    report.identifiers.extend(child.identifiers);
    for specimen in child.specimens {
        if !report.specimens.contains(&specimen) {
            report.specimens.push(specimen);
        }
    }
    report.texts.extend(child.texts);
    report.extras.extend(child.extras);
}

/// In one flat order the antibiotics follow their organism and carry its sub-number (OBX-4): `1`, or `1.1` below `1`.
fn by_organism(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    // Where the last organism of each sub-number stands.
    let mut organisms: HashMap<String, usize> = HashMap::new();
    for item in items {
        let sub_id = item.sub_id.as_ref().map_or("", Text::as_str).to_owned();
        let is_antibiotic =
            domain::report::flag::gravest(&item.flags).is_some_and(domain::report::Meaning::is_susceptibility);
        let above = if is_antibiotic { organism_of(&sub_id, &organisms) } else { None };
        if let Some(organism) = above.and_then(|at| kept.get_mut(at)) {
            organism.members.push(item);
            continue;
        }
        if !sub_id.is_empty() && item.code.codes().any(|code| ORGANISM_CODES.contains(&code)) {
            organisms.insert(sub_id, kept.len());
        }
        kept.push(item);
    }
    kept
}

/// The last organism whose sub-number an antibiotic's is, or lies below.
fn organism_of(sub_id: &str, organisms: &HashMap<String, usize>) -> Option<usize> {
    let above = sub_id.match_indices('.').filter_map(|(at, _)| sub_id.get(..at));
    above.chain([sub_id]).filter_map(|sub_id| organisms.get(sub_id)).copied().max()
}

/// Two orders of one message under one key cannot be two versions of one report: which one counts would be chance.
pub(super) fn refuse_twice(reports: &[Report]) -> Result<(), Fault> {
    let mut keys: Vec<&ReportKey> = reports.iter().map(|report| &report.key).collect();
    keys.sort();
    let is_twice = keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    if is_twice { Err(Fault::at("OBR-3", FaultKind::Twice)) } else { Ok(()) }
}
