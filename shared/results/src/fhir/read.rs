//! Results in: `DiagnosticReport` with its `Observation`s, or observations alone.

use super::bundle::{Bundle, Resource};
use super::parts::{Parts, human_name, missing, own_extras, party, sex};
use super::{is_xml, narrative};
use crate::fault::{Fault, FaultKind};
use crate::file::FileBody;
use crate::tree::Node;
use domain::report::{
    Category, Concept, Extra, Identifier, ImageReference, Item, Party, Report, ReportKey, ReportText, Role, Section,
    Specimen, Status, Subject, Text, TextKind, Transmission, Wire,
};
use std::collections::BTreeSet;

/// The most reports of one message.
pub const REPORTS_MAX: usize = 1_000;
/// The most items of one message, each counted as often as it is referred to.
pub const ITEMS_MAX: usize = 10_000;
/// The deepest nesting of panels.
const MEMBERS_DEPTH_MAX: usize = 10;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The reports, in order.
    pub reports: Vec<Report>,
    /// The bytes of the files the reports refer to by digest.
    pub files: Vec<FileBody>,
}

/// Reads a `Bundle`, a `DiagnosticReport` or an `Observation`, as JSON or XML. An observation that no report and no panel
/// refers to is a report of its own. References are followed within the message only, and of bundles within a bundle
/// within each.
pub fn read(text: &str) -> Result<Results, Fault> {
    let document =
        if is_xml(text) { super::xml::read(text)? } else { Node::from_json(text.trim_start_matches('\u{FEFF}'))? };
    let bundles = Bundle::all(document)?;
    let mut results = Results { reports: Vec::new(), files: Vec::new() };
    let (mut items, mut former) = (0, None);
    for bundle in &bundles {
        if let Some(former) = former.replace(bundle) {
            bundle.continue_from(former);
        }
        items = read_bundle(bundle, items, &mut results)?;
    }
    if results.reports.is_empty() {
        return Err(Fault::at("entry", FaultKind::Unsupported));
    }
    refuse_twice(&results.reports)?;
    Ok(results)
}

/// Reads one bundle after `items` of others, and says how many they are now.
fn read_bundle(bundle: &Bundle, items: usize, results: &mut Results) -> Result<usize, Fault> {
    let files = std::mem::take(&mut results.files);
    let mut reader = Reader { bundle, files, items, used: BTreeSet::new(), patient: None };
    for resource in bundle.resources.iter().filter(|resource| resource.kind() == "DiagnosticReport") {
        results.reports.push(reader.report(resource)?);
    }
    reader.use_members();
    for (at, resource) in bundle.resources.iter().enumerate() {
        if resource.kind() == "Observation" && !reader.used.contains(&at) {
            results.reports.push(reader.observation_alone(at, resource)?);
        }
        if results.reports.len() > REPORTS_MAX {
            return Err(Fault::at(resource.place.as_str(), FaultKind::TooMany));
        }
    }
    if bundle.is_exhausted() {
        return Err(Fault::at("entry", FaultKind::TooLarge));
    }
    results.files = reader.files;
    Ok(reader.items)
}

struct Reader<'a> {
    bundle: &'a Bundle,
    files: Vec<FileBody>,
    items: usize,
    used: BTreeSet<usize>,
    /// Whose report is being read: no observation of anybody else may get into it.
    patient: Option<Whose>,
}

/// Whose something is: by the addresses of the patient, and by all numbers.
struct Whose {
    addresses: BTreeSet<String>,
    numbers: BTreeSet<(String, String)>,
}

impl Whose {
    /// Whether two are certainly of one patient: a number in common, or the address.
    fn is_same(&self, other: &Self) -> bool {
        !self.addresses.is_disjoint(&other.addresses) || !self.numbers.is_disjoint(&other.numbers)
    }
}

impl Reader<'_> {
    fn parts(&mut self) -> Parts<'_> {
        Parts { files: &mut self.files, extras: Vec::new() }
    }

    fn report(&mut self, resource: &Resource) -> Result<Report, Fault> {
        let place = resource.place.as_str();
        let mut node = resource.node.clone();
        node.take("resourceType");
        let status = node.take_text("status").ok_or_else(|| missing(place, "status"))?;
        let status =
            read_status(&status).ok_or_else(|| Fault::at(format!("{place}.status"), FaultKind::UnknownCode))?;
        let mut parts = self.parts();
        let identifiers = identifiers(&mut parts, &mut node);
        let code = parts.concept(&mut node, "code").ok_or_else(|| missing(place, "code"))?;
        let categories = parts.concepts(&mut node, "category");
        let extras = parts.extras;
        let key = key(resource, &mut node, &identifiers).ok_or_else(|| missing(place, "identifier"))?;
        let mut report = Report::new(key, self.transmission(&mut node), status);
        report.extras = extras;
        report.category = category(&categories);
        report.categories = categories;
        report.code = code;
        report.identifiers = identifiers;
        self.patient = self.whose(resource);
        self.subject(resource, &mut node, &mut report);
        effective(&mut node, &mut report);
        report.times.issued = Parts::when(&mut node, "issued");
        self.based_on(resource, &mut node, &mut report);
        report.parties.extend(self.people(resource, &mut node, "performer", Role::Performer));
        report.parties.extend(self.people(resource, &mut node, "resultsInterpreter", Role::Reviewer));
        let mut specimens = self.specimens(resource, &mut node);
        report.specimens.append(&mut specimens);
        report.sections = vec![Section { title: None, items: self.results(resource, &mut node, &mut report, status)? }];
        pictures(&mut node, &mut report);
        self.written(place, &mut node, &mut report)?;
        report.extras.extend(left(node));
        Ok(report)
    }

    fn observation_alone(&mut self, at: usize, resource: &Resource) -> Result<Report, Fault> {
        let mut node = resource.node.clone();
        let mut parts = self.parts();
        let identifiers = identifiers(&mut parts, &mut node);
        let key =
            key(resource, &mut node.clone(), &identifiers).ok_or_else(|| missing(&resource.place, "identifier"))?;
        let categories = parts.concepts(&mut node, "category");
        self.used.insert(at);
        self.patient = self.whose(resource);
        let item = self.item(resource, &mut Vec::new())?;
        let mut report = Report::new(key, self.transmission(&mut node), item.status);
        report.category = category(&categories);
        report.code = item.code.clone();
        report.identifiers = identifiers;
        self.subject(resource, &mut node, &mut report);
        report.times.collected.clone_from(&item.observed);
        report.times.issued.clone_from(&item.analysed);
        report.specimens = self.specimens(resource, &mut node);
        self.based_on(resource, &mut node, &mut report);
        report.sections = vec![Section { title: None, items: vec![item] }];
        Ok(report)
    }

    fn transmission(&self, node: &mut Node) -> Transmission {
        let mut meta = node.take("meta").unwrap_or(Node::Object(Vec::new()));
        let updated = Parts::when(&mut meta, "lastUpdated");
        if meta != Node::Object(Vec::new())
            && let Node::Object(fields) = node
        {
            fields.push(("meta".to_owned(), meta));
        }
        let stamped = self.bundle.timestamp.as_deref().and_then(|text| domain::report::When::from_iso(text).ok());
        Transmission {
            wire: Wire::Fhir,
            control_id: self.bundle.id.clone().and_then(Text::some),
            sent_at: updated.or(stamped),
        }
    }

    /// Whose a resource is, as far as it says so: the patient it refers to, whatever the version.
    fn whose(&self, resource: &Resource) -> Option<Whose> {
        let subject = resource.node.get("subject")?;
        let sent = subject.get("reference").and_then(Node::as_text);
        let sent = sent.map(|sent| sent.split_once("/_history/").map_or(sent, |(sent, _)| sent));
        let found = sent.and_then(|sent| self.bundle.look(resource, sent));
        let mut numbers = BTreeSet::new();
        add_numbers(subject, &mut numbers);
        if let Some(patient) = &found {
            add_numbers(patient.node, &mut numbers);
        }
        let addresses = match (found, sent) {
            (Some(found), _) => BTreeSet::from([found.place]),
            (None, Some(sent)) => BTreeSet::from([sent.to_owned(), format!("{}/{sent}", resource.base())]),
            (None, None) => BTreeSet::new(),
        };
        let is_said = !addresses.is_empty() || !numbers.is_empty();
        is_said.then_some(Whose { addresses, numbers })
    }

    /// The patient: by reference, number, and what a patient resource in the message says.
    fn subject(&mut self, resource: &Resource, node: &mut Node, report: &mut Report) {
        let Some(mut subject) = node.take("subject") else { return };
        let mut parts = Parts { files: &mut self.files, extras: Vec::new() };
        report.subject.name = subject.take_text("display").and_then(Text::some);
        if let Some(identifier) = subject.take("identifier") {
            report.subject.identifiers.push(parts.read_identifier(identifier, "subject.identifier"));
        }
        let reference = subject.take_text("reference");
        if let Some(patient) = reference.as_deref().and_then(|reference| self.bundle.resolve(resource, reference)) {
            read_patient(patient.node, &mut report.subject, &mut parts);
        }
        report.subject.reference = reference.and_then(Text::some);
        parts.leave(subject, "subject");
        report.extras.append(&mut parts.extras);
    }

    /// What it was ordered by: the number, the doctor and the time of the order, where the message has it.
    fn based_on(&mut self, resource: &Resource, node: &mut Node, report: &mut Report) {
        for mut order in node.take_list("basedOn") {
            let reference = order.take_text("reference");
            let mut parts = Parts { files: &mut self.files, extras: Vec::new() };
            if let Some(found) = reference.as_deref().and_then(|reference| self.bundle.resolve(resource, reference)) {
                let mut request = found.node.clone();
                report.identifiers.extend(identifiers(&mut parts, &mut request));
                report.times.ordered = Parts::when(&mut request, "authoredOn");
                let people = self.people(&found, &mut request, "requester", Role::Orderer);
                report.parties.extend(people);
            }
            report.based_on.extend(reference.and_then(Text::some));
            report.extras.extend(order.into_extras("basedOn"));
        }
    }

    /// The people of a field, named as the reference names them, else as the resource it means does.
    fn people(&mut self, resource: &Resource, node: &mut Node, field: &str, role: Role) -> Vec<Party> {
        let read = |mut reference: Node| {
            let id = reference.take_text("reference");
            let found = id.as_deref().and_then(|id| self.bundle.resolve(resource, id));
            let is_organisation = id.as_deref().is_some_and(|id| id.contains("Organization/"))
                || found.as_ref().is_some_and(|found| found.kind() == "Organization");
            let name = reference.take_text("display").or_else(|| name_of(&found?.node));
            let role = if is_organisation && role == Role::Performer { Role::Laboratory } else { role };
            party(role, id, name)
        };
        node.take_list(field).into_iter().filter_map(read).collect()
    }

    fn specimens(&mut self, resource: &Resource, node: &mut Node) -> Vec<Specimen> {
        let references = node.take_list("specimen");
        references.into_iter().map(|reference| self.specimen(resource, reference)).collect()
    }

    fn specimen(&mut self, resource: &Resource, mut reference: Node) -> Specimen {
        let id = reference.take_text("reference");
        let display = reference.take_text("display");
        let mut specimen = Specimen { id: id.as_deref().and_then(Text::some), ..Specimen::default() };
        let found = id.and_then(|id| self.bundle.resolve(resource, &id));
        let mut parts = self.parts();
        if let Some(mut found) = found {
            found.node.take("resourceType");
            found.node.take("subject");
            // Its number says more than its address.
            let mut numbers = identifiers(&mut parts, &mut found.node).into_iter();
            specimen.id = numbers.next().and_then(|number| number.value).or(specimen.id);
            let others = numbers.filter_map(|number| number.value);
            parts.extras.extend(others.map(|value| Extra { place: "specimen.identifier".to_owned(), value }));
            specimen.kind = parts.concept(&mut found.node, "type");
            specimen.received = Parts::when(&mut found.node, "receivedTime");
            if let Some(mut collection) = found.node.take("collection") {
                specimen.collected = Parts::when(&mut collection, "collectedDateTime");
                specimen.source = parts.concept(&mut collection, "bodySite");
                parts.leave(collection, "collection");
            }
            specimen.conditions = parts.concepts(&mut found.node, "condition");
            parts.extras.extend(left(found.node));
        }
        if let Some(display) = display {
            match &mut specimen.kind {
                None => specimen.kind = Some(Concept::words(display)),
                Some(kind) if kind.text.is_none() => kind.text = Text::some(display),
                Some(_) => parts.leave(Node::Text(display), "specimen.display"),
            }
        }
        parts.leave(reference, "specimen");
        specimen.extras = parts.extras;
        specimen
    }

    /// The results of a report. One that is also a member of another stands there only.
    fn results(
        &mut self,
        resource: &Resource,
        node: &mut Node,
        report: &mut Report,
        status: Status,
    ) -> Result<Vec<Item>, Fault> {
        let references = node.take_list("result");
        let nested = self.nested(resource, &references);
        let mut items = Vec::new();
        for (at, mut reference) in references.into_iter().enumerate() {
            let place = format!("{}.result[{at}]", resource.place);
            let target = reference.take_text("reference");
            let found = target.as_deref().and_then(|target| self.bundle.resolve(resource, target));
            let index = target.as_deref().and_then(|target| self.bundle.find(resource, target));
            if index.is_some_and(|index| nested.contains(&index)) {
                continue;
            }
            let display = reference.take_text("display");
            match found {
                Some(found) if found.kind() == "Observation" => {
                    self.used.extend(index);
                    items.push(self.item(&found, &mut Vec::new())?);
                    report.extras.extend(display.map(|display| extra("result.display", display)));
                }
                // What is not in the message is not followed: the page says that it is not here.
                _ => items.push(self.absent(target, display, status, &place)?),
            }
            report.extras.extend(reference.into_extras("result"));
        }
        Ok(items)
    }

    /// The observations that are members of an observation the report lists.
    fn nested(&self, resource: &Resource, references: &[Node]) -> BTreeSet<usize> {
        let target = |from: &Resource, reference: &Node| self.bundle.find(from, reference.get("reference")?.as_text()?);
        let listed: BTreeSet<usize> = references.iter().filter_map(|reference| target(resource, reference)).collect();
        let mut nested = BTreeSet::new();
        for at in &listed {
            let Some(observation) = self.bundle.resources.get(*at) else { continue };
            let members = members_of(observation);
            nested
                .extend(members.iter().filter_map(|member| target(observation, member)).filter(|member| member != at));
        }
        nested
    }

    /// Members of panels are used, whether a report lists the panel or not.
    fn use_members(&mut self) {
        for observation in self.bundle.resources.iter().filter(|resource| resource.kind() == "Observation") {
            let references = members_of(observation);
            let targets = references.iter().filter_map(|member| member.get("reference")?.as_text());
            let found: Vec<usize> = targets.filter_map(|target| self.bundle.find(observation, target)).collect();
            self.used.extend(found);
        }
    }

    fn absent(
        &mut self,
        target: Option<String>,
        display: Option<String>,
        status: Status,
        place: &str,
    ) -> Result<Item, Fault> {
        let name = display.or_else(|| target.clone()).ok_or_else(|| missing(place, "reference"))?;
        self.count(place)?;
        let mut item = Item::new(Concept::words(name), status);
        item.id = target.and_then(Text::some);
        let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
        item.absent = Some(Concept::coded(system, "unknown", Some("Unknown")));
        Ok(item)
    }

    fn count(&mut self, place: &str) -> Result<(), Fault> {
        self.items += 1;
        if self.items > ITEMS_MAX { Err(Fault::at(place, FaultKind::TooMany)) } else { Ok(()) }
    }

    /// An observation as an item, with its members. `path` holds the places of those it is a member of.
    fn item(&mut self, resource: &Resource, path: &mut Vec<String>) -> Result<Item, Fault> {
        let place = resource.place.as_str();
        self.count(place)?;
        if path.iter().any(|above| above == place) {
            return Err(Fault::at(format!("{place}.hasMember"), FaultKind::Dangling));
        }
        if path.len() > MEMBERS_DEPTH_MAX {
            return Err(Fault::at(place, FaultKind::TooDeep));
        }
        let mut node = resource.node.clone();
        node.take("resourceType");
        if let (Some(patient), Some(other)) = (&self.patient, self.whose(resource))
            && !patient.is_same(&other)
        {
            return Err(Fault::at(format!("{place}.subject"), FaultKind::OtherPatient));
        }
        let status = node.take_text("status").ok_or_else(|| missing(place, "status"))?;
        let status = observation_status(&status);
        let status = status.ok_or_else(|| Fault::at(format!("{place}.status"), FaultKind::UnknownCode))?;
        let fault = |kind| Fault::at(format!("{place}.value"), kind);
        let mut parts = self.parts();
        let code = parts.concept(&mut node, "code").ok_or_else(|| missing(place, "code"))?;
        let mut item = Item::new(code, status);
        parts.measurement(&mut node, &mut item).map_err(fault)?;
        item.id = node.take_text("id").and_then(Text::some);
        item.method = parts.concept(&mut node, "method");
        item.body_site = parts.concept(&mut node, "bodySite");
        item.observed = Parts::when(&mut node, "effectiveDateTime");
        item.analysed = Parts::when(&mut node, "issued");
        let notes = node.take_list("note").into_iter().filter_map(|mut note| {
            let text = note.take_text("text").and_then(Text::some);
            parts.leave(note, "note");
            text
        });
        item.notes = notes.collect();
        for mut component in node.take_list("component") {
            let code = parts.concept(&mut component, "code").ok_or_else(|| missing(place, "component.code"))?;
            let mut part = Item::new(code, status);
            let outer = std::mem::take(&mut parts.extras);
            parts.measurement(&mut component, &mut part).map_err(fault)?;
            parts.extras.extend(own_extras(&mut component));
            parts.leave(component, "component");
            part.extras = std::mem::replace(&mut parts.extras, outer);
            item.components.push(part);
        }
        item.extras = parts.extras;
        item.performers = self.people(resource, &mut node, "performer", Role::Performer);
        if let Some(mut specimen) = node.take("specimen") {
            item.specimen = specimen.take_text("reference").and_then(Text::some);
            item.extras.extend(specimen.into_extras("specimen"));
        }
        item.derived_from = references(&mut node, "derivedFrom", &mut item.extras);
        path.push(place.to_owned());
        item.members = self.members(resource, &mut node, status, path)?;
        path.pop();
        // The patient and the narrative are those of the report; a reference of its own would still be there.
        item.extras.extend(left(node));
        Ok(item)
    }

    fn members(
        &mut self,
        resource: &Resource,
        node: &mut Node,
        status: Status,
        path: &mut Vec<String>,
    ) -> Result<Vec<Item>, Fault> {
        let mut members = Vec::new();
        for (at, mut reference) in node.take_list("hasMember").into_iter().enumerate() {
            let target = reference.take_text("reference");
            let display = reference.take_text("display");
            let found = target.as_deref().and_then(|target| self.bundle.resolve(resource, target));
            members.push(match found {
                Some(found) if found.kind() == "Observation" => self.item(&found, path)?,
                _ => self.absent(target, display, status, &format!("{}.hasMember[{at}]", resource.place))?,
            });
        }
        Ok(members)
    }

    fn written(&mut self, place: &str, node: &mut Node, report: &mut Report) -> Result<(), Fault> {
        if let Some(text) = node.take_text("conclusion").and_then(Text::some) {
            report.texts.push(ReportText { kind: TextKind::Conclusion, text });
        }
        let mut parts = self.parts();
        report.conclusions = parts.concepts(node, "conclusionCode");
        for (at, form) in node.take_list("presentedForm").into_iter().enumerate() {
            let fault = |kind| Fault::at(format!("{place}.presentedForm[{at}]"), kind);
            let file = parts.read_attachment(form, "presentedForm").map_err(fault)?;
            report.texts.extend(parts.words_of(&file).map(|text| ReportText { kind: TextKind::Narrative, text }));
            report.files.push(file);
        }
        report.extras.extend(parts.extras);
        // A generated narrative says what the fields say; any other says more.
        if let Some(mut text) = node.take("text") {
            let is_generated = text.get("status").and_then(Node::as_text) == Some("generated");
            let words = text.take("div").filter(|_| !is_generated).map(|div| match div {
                Node::Text(xhtml) => narrative::plain(&xhtml),
                // XML: the markup is part of the tree.
                tree => tree.into_extras("").iter().map(|words| words.value.as_str()).collect::<Vec<_>>().join("\n"),
            });
            let words = words.and_then(Text::some);
            report.texts.extend(words.map(|text| ReportText { kind: TextKind::Narrative, text }));
        }
        Ok(())
    }
}

fn pictures(node: &mut Node, report: &mut Report) {
    for mut study in node.take_list("imagingStudy") {
        let reference = study.take_text("reference").and_then(Text::some);
        let title = study.take_text("display").and_then(Text::some);
        report.images.push(ImageReference { reference, title, ..ImageReference::default() });
        report.extras.extend(study.into_extras("imagingStudy"));
    }
    for mut media in node.take_list("media") {
        let title = media.take_text("comment").and_then(Text::some);
        let mut link = media.take("link").unwrap_or(Node::Null);
        let reference = link.take_text("reference").and_then(Text::some);
        report.images.push(ImageReference { reference, title, ..ImageReference::default() });
        report.extras.extend(link.into_extras("media.link"));
        report.extras.extend(media.into_extras("media"));
    }
}

/// What is left of a resource, without what stands elsewhere: its id, its patient, the resources it contains, and a
/// narrative that was made from its fields.
fn left(mut node: Node) -> Vec<Extra> {
    for elsewhere in ["id", "contained", "subject"] {
        node.take(elsewhere);
    }
    if node.get("text").and_then(|text| text.get("status")).and_then(Node::as_text) == Some("generated") {
        node.take("text");
    }
    let mut extras = own_extras(&mut node);
    extras.extend(node.into_extras(""));
    extras
}

fn extra(place: &str, value: String) -> Extra {
    Extra { place: place.to_owned(), value: Text::new(value) }
}

/// The numbers under `identifier`, each with whose it is.
fn add_numbers(node: &Node, numbers: &mut BTreeSet<(String, String)>) {
    let listed = match node.get("identifier") {
        Some(Node::List(nodes)) => nodes.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let text = |node: &Node, name: &str| node.get(name).and_then(Node::as_text).unwrap_or_default().trim().to_owned();
    numbers.extend(listed.iter().map(|number| (text(number, "system"), text(number, "value"))));
    numbers.retain(|(_, value)| !value.is_empty());
}

fn members_of(observation: &Resource) -> Vec<Node> {
    observation.node.clone().take_list("hasMember")
}

fn references(node: &mut Node, field: &str, extras: &mut Vec<Extra>) -> Vec<Text> {
    let read = |mut reference: Node| {
        let target = reference.take_text("reference");
        extras.extend(reference.into_extras(field));
        target.and_then(Text::some)
    };
    node.take_list(field).into_iter().filter_map(read).collect()
}

fn identifiers(parts: &mut Parts, node: &mut Node) -> Vec<Identifier> {
    node.take_list("identifier").into_iter().map(|identifier| parts.read_identifier(identifier, "identifier")).collect()
}

/// The filler's number, else the first, else the address of the resource, else its id.
fn key(resource: &Resource, node: &mut Node, identifiers: &[Identifier]) -> Option<ReportKey> {
    let is_filler =
        |identifier: &&Identifier| identifier.kind.as_ref().is_some_and(|kind| kind.codes().any(|code| code == "FILL"));
    let numbered = || identifiers.iter().filter(|identifier| identifier.value.is_some());
    let chosen = numbered().find(is_filler).or_else(|| numbered().next());
    let id = node.take_text("id");
    let (sender, number) = match chosen {
        Some(identifier) => (identifier.system.clone().unwrap_or_default(), identifier.value.clone()?),
        None if !resource.full_url.is_empty() => (Text::default(), Text::from(resource.full_url.as_str())),
        None => (Text::default(), Text::some(id?)?),
    };
    Some(ReportKey { sender, number, service: Text::default() })
}

fn effective(node: &mut Node, report: &mut Report) {
    report.times.collected = Parts::when(node, "effectiveDateTime");
    if let Some(mut period) = node.take("effectivePeriod") {
        report.times.collected = Parts::when(&mut period, "start");
        report.times.collected_until = Parts::when(&mut period, "end");
    }
}

fn read_patient(mut patient: Node, subject: &mut Subject, parts: &mut Parts) {
    subject.identifiers.extend(identifiers(parts, &mut patient));
    subject.sex = patient.take_text("gender").and_then(|gender| sex(&gender));
    subject.birth = Parts::when(&mut patient, "birthDate");
    let names = patient.take_list("name");
    subject.name = names.first().and_then(human_name).and_then(Text::some).or_else(|| subject.name.take());
}

fn name_of(node: &Node) -> Option<String> {
    match node.get("name")? {
        Node::Text(name) => Some(name.clone()),
        Node::List(names) => names.first().and_then(human_name),
        one => human_name(one),
    }
}

fn read_status(code: &str) -> Option<Status> {
    Some(match code {
        "registered" => Status::Registered,
        "partial" => Status::Partial,
        "preliminary" => Status::Preliminary,
        "final" => Status::Final,
        "appended" => Status::Appended,
        "amended" => Status::Amended,
        "corrected" => Status::Corrected,
        "cancelled" => Status::Cancelled,
        "entered-in-error" => Status::EnteredInError,
        _ => return None,
    })
}

/// As of a report; `unknown` is a status of FHIR, and nothing to rely on.
fn observation_status(code: &str) -> Option<Status> {
    if code == "unknown" { Some(Status::Registered) } else { read_status(code) }
}

/// Table 0074 and `observation-category`.
fn category(categories: &[Concept]) -> Category {
    let codes = || categories.iter().flat_map(Concept::codes);
    let has = |known: &[&str]| codes().any(|code| known.contains(&code));
    match () {
        () if has(&["MB", "MCB", "MYC", "VR", "PAR"]) => Category::Microbiology,
        () if has(&["PAT", "SP", "CP", "394595002", "394597005"]) => Category::Pathology,
        () if has(&["RAD", "RUS", "RX", "CT", "CUS", "NMR", "NMS", "OUS", "VUS", "XRC", "imaging", "394914008"]) => {
            Category::Imaging
        }
        () if has(&["LAB", "CH", "HM", "BLB", "IMM", "SR", "TX", "GE", "laboratory"]) => Category::Laboratory,
        () => Category::Other,
    }
}

/// Two resources of one message under one key cannot be two versions of one report: which one counts would be chance.
fn refuse_twice(reports: &[Report]) -> Result<(), Fault> {
    let mut keys: Vec<&ReportKey> = reports.iter().map(|report| &report.key).collect();
    keys.sort();
    let is_twice = keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    if is_twice { Err(Fault::at("identifier", FaultKind::Twice)) } else { Ok(()) }
}
