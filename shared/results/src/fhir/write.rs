//! A report as a FHIR R4 bundle (`collection`): the report first, then its patient, specimens and observations.

use super::parts::EXTRA_URL;
use crate::tree::Node;
use domain::person::Sex;
use domain::report::{
    Attachment, Bound, Comparator, Concept, Decimal, Extra, Flag, Identifier, Item, Party, Quantity, Reading,
    ReferenceRange, Report, ReportText, Role, Samples, Specimen, Status, Text, TextKind, Unit, Value, When, is_ucum,
};

/// Where the codes of flags come from.
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// The addresses of what the bundle holds; they mean something within it only.
const BASE: &str = "https://menzhen.invalid/fhir";

/// Writes a report as JSON, numbers digit by digit.
pub fn write(report: &Report) -> String {
    let mut writer = Writer { entries: Vec::new(), observations: 0 };
    let items = report.sections.iter().flat_map(|section| &section.items);
    let results: Vec<Node> = items.map(|item| writer.observation(item)).collect();
    let specimens: Vec<Node> =
        report.specimens.iter().enumerate().map(|(at, specimen)| writer.specimen(at + 1, specimen)).collect();
    writer.patient(report);
    let mut entries = vec![entry("DiagnosticReport/1", diagnostic_report(report, results, specimens))];
    entries.append(&mut writer.entries);
    let timestamp = report.transmission.sent_at.as_ref().map(|when| text(&when.iso()));
    Node::object([
        ("resourceType", Some(text("Bundle"))),
        ("identifier", report.transmission.control_id.as_ref().map(|id| Node::object([("value", Some(words(id)))]))),
        ("type", Some(text("collection"))),
        ("timestamp", timestamp),
        ("entry", Some(Node::List(entries))),
    ])
    .to_json()
}

struct Writer {
    entries: Vec<Node>,
    observations: usize,
}

fn text(text: &str) -> Node {
    Node::text(text)
}

fn words(text: &Text) -> Node {
    Node::text(text.as_str())
}

fn some(text: Option<&Text>) -> Option<Node> {
    text.map(words)
}

fn entry(id: &str, resource: Node) -> Node {
    Node::object([("fullUrl", Some(text(&format!("{BASE}/{id}")))), ("resource", Some(resource))])
}

fn reference(id: &str) -> Node {
    Node::object([("reference", Some(text(id)))])
}

fn diagnostic_report(report: &Report, results: Vec<Node>, specimens: Vec<Node>) -> Node {
    let of = |kind: TextKind| report.texts.iter().filter(move |text| text.kind == kind);
    let conclusion: Vec<&str> = [TextKind::Findings, TextKind::Impression, TextKind::Conclusion, TextKind::Note]
        .into_iter()
        .flat_map(of)
        .map(|text: &ReportText| text.text.as_str())
        .collect();
    let laboratories = |party: &&Party| matches!(party.role, Role::Laboratory | Role::Performer | Role::Hospital);
    let (times, updated) = (&report.times, report.transmission.sent_at.as_ref());
    Node::object([
        ("resourceType", Some(text("DiagnosticReport"))),
        ("id", Some(text("1"))),
        ("meta", updated.map(|when| Node::object([("lastUpdated", Some(text(&instant(when))))]))),
        ("extension", extensions(&report.extras)),
        ("identifier", Node::list(identifiers(report))),
        ("basedOn", Node::list(report.based_on.iter().map(|order| reference(order.as_str())))),
        ("status", Some(text(status(report.status)))),
        ("category", Node::list(report.categories.iter().filter_map(concept))),
        ("code", Some(concept(&report.code).unwrap_or_else(|| Node::object([("text", Some(text("-")))])))),
        ("subject", Some(reference("Patient/1"))),
        ("effectiveDateTime", times.collected.as_ref().filter(|_| times.collected_until.is_none()).map(when)),
        ("effectivePeriod", times.collected_until.as_ref().map(|until| period(times.collected.as_ref(), Some(until)))),
        ("issued", times.issued.as_ref().map(|when| text(&instant(when)))),
        ("performer", Node::list(report.parties.iter().filter(laboratories).map(person))),
        (
            "resultsInterpreter",
            Node::list(report.parties.iter().filter(|party| party.role == Role::Reviewer).map(person)),
        ),
        ("specimen", Node::list(specimens)),
        ("result", Node::list(results)),
        (
            "imagingStudy",
            Node::list(report.images.iter().map(|image| named(image.reference.as_ref(), image.title.as_ref()))),
        ),
        ("conclusion", Text::some(conclusion.join("\n")).as_ref().map(words)),
        ("conclusionCode", Node::list(report.conclusions.iter().filter_map(concept))),
        ("presentedForm", Node::list(report.files.iter().map(attachment))),
    ])
}

/// The number of the report first, marked as the filler's, so that it is read back as the same report.
fn identifiers(report: &Report) -> Vec<Node> {
    let filler = Concept::coded("http://terminology.hl7.org/CodeSystem/v2-0203", "FILL", None);
    let own = Identifier {
        system: Some(report.key.sender.clone()).filter(|sender| !sender.is_empty()),
        value: Some(report.key.number.clone()),
        kind: Some(filler),
    };
    let is_other = |identifier: &&Identifier| identifier.value != own.value || identifier.system != own.system;
    let others: Vec<&Identifier> = report.identifiers.iter().filter(is_other).collect();
    std::iter::once(&own).chain(others).map(identifier).collect()
}

fn identifier(identifier: &Identifier) -> Node {
    Node::object([
        ("type", identifier.kind.as_ref().and_then(concept)),
        ("system", some(identifier.system.as_ref())),
        ("value", some(identifier.value.as_ref())),
    ])
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Registered => "registered",
        Status::Partial => "partial",
        Status::Preliminary => "preliminary",
        Status::Final => "final",
        Status::Appended => "appended",
        Status::Amended => "amended",
        Status::Corrected => "corrected",
        Status::Cancelled => "cancelled",
        Status::EnteredInError => "entered-in-error",
    }
}

/// An observation knows neither partial nor appended.
fn observation_status(of: Status) -> &'static str {
    match of {
        Status::Partial => "preliminary",
        Status::Appended => "amended",
        other => status(other),
    }
}

fn concept(concept: &Concept) -> Option<Node> {
    let codings = concept.codings.iter().map(|coding| {
        Node::object([
            ("system", some(coding.system.as_ref())),
            ("version", some(coding.version.as_ref())),
            ("code", some(coding.code.as_ref())),
            ("display", some(coding.display.as_ref())),
        ])
    });
    (!concept.is_empty())
        .then(|| Node::object([("coding", Node::list(codings)), ("text", some(concept.text.as_ref()))]))
}

fn when(when: &When) -> Node {
    text(&when.iso())
}

/// `instant` knows no partial times: the earliest instant it can mean.
fn instant(when: &When) -> String {
    let is_exact = when.precision == domain::report::Precision::Time;
    if is_exact { when.iso() } else { when.at.to_string() }
}

fn period(start: Option<&When>, end: Option<&When>) -> Node {
    Node::object([("start", start.map(when)), ("end", end.map(when))])
}

fn person(party: &Party) -> Node {
    // A number in somebody's system is no address: only what looks like a reference is written as one.
    let is_address = |id: &&Text| id.as_str().contains('/') || id.as_str().starts_with("urn:");
    let address = party.id.as_ref().filter(is_address);
    let number = party.id.as_ref().filter(|id| !is_address(id));
    Node::object([
        ("reference", address.map(words)),
        ("identifier", number.map(|number| Node::object([("value", Some(words(number)))]))),
        ("display", some(party.name.as_ref())),
    ])
}

fn named(reference: Option<&Text>, display: Option<&Text>) -> Node {
    Node::object([("reference", some(reference)), ("display", some(display))])
}

fn attachment(file: &Attachment) -> Node {
    let by_digest = || file.sha256_hex.as_ref().map(|digest| text(&format!("urn:sha256:{}", digest.as_str())));
    Node::object([
        ("contentType", some(file.content_type.as_ref())),
        ("language", some(file.language.as_ref())),
        ("url", some(file.location.as_ref()).or_else(by_digest)),
        ("size", file.size_bytes.map(|size| Node::Number(size.to_string()))),
        ("title", some(file.title.as_ref())),
        ("creation", file.created_at.as_ref().map(when)),
    ])
}

fn extensions(extras: &[Extra]) -> Option<Node> {
    let part = |url: &str, value: &str| Node::object([("url", Some(text(url))), ("valueString", Some(text(value)))]);
    Node::list(extras.iter().filter(|extra| !extra.value.is_empty()).map(|extra| {
        let parts = vec![part("place", &extra.place), part("value", extra.value.as_str())];
        Node::object([("url", Some(text(EXTRA_URL))), ("extension", Some(Node::List(parts)))])
    }))
}

impl Writer {
    fn patient(&mut self, report: &Report) {
        let subject = &report.subject;
        let gender = subject.sex.map(|sex| match sex {
            Sex::Male => text("male"),
            Sex::Female => text("female"),
        });
        let name = subject.name.as_ref().map(|name| Node::List(vec![Node::object([("text", Some(words(name)))])]));
        let birth = subject.birth.as_ref().map(|birth| match birth.precision {
            domain::report::Precision::Time => text(&birth.date().to_string()),
            _ => when(birth),
        });
        let patient = Node::object([
            ("resourceType", Some(text("Patient"))),
            ("id", Some(text("1"))),
            ("identifier", Node::list(subject.identifiers.iter().map(identifier))),
            ("name", name),
            ("gender", gender),
            ("birthDate", birth),
        ]);
        self.entries.insert(0, entry("Patient/1", patient));
    }

    fn specimen(&mut self, number: usize, specimen: &Specimen) -> Node {
        let id = format!("Specimen/{number}");
        let collection = Node::object([
            ("collectedDateTime", specimen.collected.as_ref().map(when)),
            ("bodySite", specimen.source.as_ref().and_then(concept)),
        ]);
        let has_collection = specimen.collected.is_some() || specimen.source.is_some();
        let own = specimen.id.as_ref().map(|id| Node::List(vec![Node::object([("value", Some(words(id)))])]));
        let node = Node::object([
            ("resourceType", Some(text("Specimen"))),
            ("id", Some(text(&number.to_string()))),
            ("extension", extensions(&specimen.extras)),
            ("identifier", own),
            ("type", specimen.kind.as_ref().and_then(concept)),
            ("receivedTime", specimen.received.as_ref().map(when)),
            ("collection", has_collection.then_some(collection)),
            ("condition", Node::list(specimen.conditions.iter().filter_map(concept))),
        ]);
        self.entries.push(entry(&id, node));
        reference(&id)
    }

    /// Writes an observation and its members, and answers with the reference to it.
    fn observation(&mut self, item: &Item) -> Node {
        self.observations += 1;
        let id = format!("Observation/{}", self.observations);
        let number = self.observations;
        let members: Vec<Node> = item.members.iter().map(|member| self.observation(member)).collect();
        let notes = item.notes.iter().map(|note| Node::object([("text", Some(words(note)))]));
        let mut fields = vec![
            ("resourceType", Some(text("Observation"))),
            ("id", Some(text(&number.to_string()))),
            ("extension", extensions(&item.extras)),
            ("status", Some(text(observation_status(item.status)))),
            ("code", Some(concept(&item.code).unwrap_or_else(|| Node::object([("text", Some(text("-")))])))),
            ("subject", Some(reference("Patient/1"))),
            ("effectiveDateTime", item.observed.as_ref().map(when)),
            ("issued", item.analysed.as_ref().map(|when| text(&instant(when)))),
            ("performer", Node::list(item.performers.iter().map(person))),
        ];
        fields.extend(measurement(item));
        fields.extend([
            ("note", Node::list(notes)),
            ("bodySite", item.body_site.as_ref().and_then(concept)),
            ("method", item.method.as_ref().and_then(concept)),
            ("hasMember", Node::list(members)),
            ("derivedFrom", Node::list(item.derived_from.iter().map(|from| reference(from.as_str())))),
            ("component", Node::list(item.components.iter().map(component))),
        ]);
        self.entries.push(entry(&id, Node::object(fields)));
        reference(&id)
    }
}

fn component(item: &Item) -> Node {
    let code = concept(&item.code).unwrap_or_else(|| Node::object([("text", Some(text("-")))]));
    let head = [("extension", extensions(&item.extras)), ("code", Some(code))];
    Node::object(head.into_iter().chain(measurement(item)))
}

type Field = (&'static str, Option<Node>);

/// What observation and component have in common.
fn measurement(item: &Item) -> Vec<Field> {
    let value = match item.values.as_slice() {
        [] => None,
        [value] => Some(value_of(value, item.unit.as_ref())),
        // R4 has one value: several are lines of one text.
        several => {
            let lines: Vec<&str> = several.iter().map(|value| value.sent.as_str()).collect();
            Some(("valueString", text(&lines.join("\n"))))
        }
    };
    // A flag of more than a code is a concept of its own; `Observation` needs no value then.
    let (name, value) = value.map_or(("valueString", None), |(name, value)| (name, Some(value)));
    vec![
        (name, value),
        ("dataAbsentReason", item.absent.as_ref().filter(|_| item.values.is_empty()).and_then(concept)),
        ("interpretation", Node::list(item.flags.iter().map(flag))),
        ("referenceRange", Node::list(ranges(item))),
    ]
}

fn flag(flag: &Flag) -> Node {
    let Some(code) = &flag.code else { return Node::object([("text", some(flag.text.as_ref()))]) };
    // A code of table 0078 is one of v3; anything else stays whose it was.
    let known = flag.meaning().filter(|meaning| meaning.code() == code.as_str());
    let system = some(flag.system.as_ref()).or_else(|| known.map(|_| text(INTERPRETATION)));
    let coding = Node::object([("system", system), ("code", Some(words(code))), ("display", some(flag.text.as_ref()))]);
    Node::object([("coding", Some(Node::List(vec![coding])))])
}

fn value_of(value: &Value, unit: Option<&Unit>) -> (&'static str, Node) {
    let as_text = || ("valueString", words(&value.sent));
    match &value.reading {
        Reading::Quantity(quantity) => ("valueQuantity", beyond_comparison(value, quantity_of(quantity, unit))),
        Reading::Coded(coded) => concept(coded).map_or_else(as_text, |coded| ("valueCodeableConcept", coded)),
        Reading::Boolean(boolean) => ("valueBoolean", Node::Boolean(*boolean)),
        Reading::Ratio(one, other) => {
            let parts = [("numerator", Some(quantity_of(one, None))), ("denominator", Some(quantity_of(other, None)))];
            ("valueRatio", Node::object(parts))
        }
        Reading::Range(low, high) => {
            let end = |end: &Option<Quantity>| end.as_ref().map(|end| quantity_of(end, unit));
            ("valueRange", Node::object([("low", end(low)), ("high", end(high))]))
        }
        Reading::When(time) => ("valueDateTime", when(time)),
        Reading::Period(start, end) if start.is_some() || end.is_some() => {
            ("valuePeriod", period(start.as_ref(), end.as_ref()))
        }
        Reading::Samples(samples) => ("valueSampledData", samples_of(samples)),
        // A titre as written, and what R4 has no value for: files, times of day with fewer parts than it wants.
        Reading::File(file) => {
            let name = file.title.as_ref().or(file.location.as_ref()).or(file.sha256_hex.as_ref());
            ("valueString", name.map_or_else(|| words(&value.sent), words))
        }
        Reading::Text | Reading::Titer(..) | Reading::Clock | Reading::Period(..) => as_text(),
    }
}

fn quantity_of(quantity: &Quantity, beside: Option<&Unit>) -> Node {
    let unit = quantity.unit.as_ref().or(beside);
    let comparator = quantity.comparator.map(|comparator| text(comparator.as_str()));
    let mut fields = vec![("value", quantity.number.as_ref().map(number)), ("comparator", comparator)];
    fields.extend(unit.map(unit_fields).unwrap_or_default());
    Node::object(fields)
}

/// A number that cannot be compared is written as it was sent.
fn beyond_comparison(value: &Value, mut quantity: Node) -> Node {
    let (_, digits) = Comparator::leading(value.sent.as_str());
    let is_number = serde_json::from_str::<serde_json::Number>(digits).is_ok();
    if let Node::Object(fields) = &mut quantity
        && is_number
        && !fields.iter().any(|(name, _)| name == "value")
    {
        fields.push(("value".to_owned(), Node::Number(digits.to_owned())));
    }
    quantity
}

fn unit_fields(unit: &Unit) -> Vec<Field> {
    // HL7 v2 names UCUM by its short name; FHIR by its address. A code needs a system.
    let system = unit
        .system
        .as_ref()
        .map(|system| if is_ucum(system.as_str()) { text("http://unitsofmeasure.org") } else { words(system) });
    let code = unit.code.as_ref().filter(|_| system.is_some()).map(words);
    vec![("unit", some(unit.sent.as_ref())), ("system", system.filter(|_| code.is_some())), ("code", code)]
}

/// JSON knows no `+1`, `.5` or `007`; these keep their value and lose a sign or a zero that means nothing.
fn number(decimal: &Decimal) -> Node {
    let sent = decimal.as_str().trim_start_matches('+');
    let (sign, digits) = sent.strip_prefix('-').map_or(("", sent), |digits| ("-", digits));
    let digits = digits.trim_start_matches('0');
    let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    let exponent_at = digits.find(['e', 'E']).unwrap_or(digits.len());
    let (whole, exponent) = digits.split_at_checked(exponent_at).unwrap_or((digits, ""));
    let whole = whole.strip_suffix('.').unwrap_or(whole);
    Node::Number(format!("{sign}{zero}{whole}{exponent}"))
}

fn samples_of(samples: &Samples) -> Node {
    Node::object([
        ("origin", Some(quantity_of(&samples.origin, None))),
        ("period", Some(number(&samples.period_ms))),
        ("factor", samples.factor.as_ref().map(number)),
        ("lowerLimit", samples.lower_limit.as_ref().map(number)),
        ("upperLimit", samples.upper_limit.as_ref().map(number)),
        ("dimensions", Some(number(&samples.dimensions))),
        ("data", some(samples.data.as_ref())),
    ])
}

fn ranges(item: &Item) -> Vec<Node> {
    let written: Vec<Node> = item.ranges.iter().map(|range| reference_range(range, item.unit.as_ref())).collect();
    match (&item.range_sent, written.is_empty()) {
        (Some(sent), true) => vec![Node::object([("text", Some(words(sent)))])],
        _ => written,
    }
}

fn reference_range(range: &ReferenceRange, unit: Option<&Unit>) -> Node {
    // FHIR's ends are always within; an end that is not is said in words only.
    let end = |bound: &Option<Bound>| {
        let bound = bound.as_ref().filter(|bound| bound.inclusive)?;
        let quantity = Quantity { comparator: None, number: Some(bound.number.clone()), unit: range.unit.clone() };
        Some(quantity_of(&quantity, unit))
    };
    let condition = &range.condition;
    let sex = condition.sex.map(|sex| Concept::words(sex.label()));
    let age = |age: &Option<Quantity>| age.as_ref().map(|age| quantity_of(age, None));
    let has_age = condition.age_low.is_some() || condition.age_high.is_some();
    let ages = Node::object([("low", age(&condition.age_low)), ("high", age(&condition.age_high))]);
    let is_bare = range.low.is_none() && range.high.is_none() && range.text.is_none();
    Node::object([
        ("low", end(&range.low)),
        ("high", end(&range.high)),
        ("type", range.meaning.as_ref().and_then(concept)),
        ("appliesTo", Node::list(condition.applies_to.iter().chain(&sex).filter_map(concept))),
        ("age", has_age.then_some(ages)),
        ("text", some(range.text.as_ref()).or_else(|| is_bare.then(|| text("-")))),
    ])
}
