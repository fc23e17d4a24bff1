//! The data types of FHIR that results are made of.

use crate::fault::{Fault, FaultKind};
use crate::file::{self, FileBody};
use crate::tree::Node;
use domain::person::Sex;
use domain::report::{
    Attachment, Bound, Coding, Comparator, Concept, Condition, Decimal, Extra, Flag, Identifier, Item, Party, Quantity,
    Reading, ReferenceRange, Role, Samples, Text, Unit, Value, When,
};

/// Marks what no field of FHIR is made for: its place and its value.
pub(super) const EXTRA_URL: &str = "urn:menzhen:fhir:extra";

/// Reads data types, and keeps what no field is made for.
pub(super) struct Parts<'a> {
    pub(super) files: &'a mut Vec<FileBody>,
    pub(super) extras: Vec<Extra>,
}

impl Parts<'_> {
    /// Keeps what is left of a node.
    pub(super) fn leave(&mut self, node: Node, place: &str) {
        self.extras.extend(node.into_extras(place));
    }

    /// Takes a concept.
    pub(super) fn concept(&mut self, node: &mut Node, name: &str) -> Option<Concept> {
        node.take(name).map(|concept| self.read_concept(concept, name)).filter(|concept| !concept.is_empty())
    }

    /// Takes a list of concepts.
    pub(super) fn concepts(&mut self, node: &mut Node, name: &str) -> Vec<Concept> {
        node.take_list(name).into_iter().map(|concept| self.read_concept(concept, name)).collect()
    }

    fn read_concept(&mut self, mut node: Node, place: &str) -> Concept {
        let codings = node.take_list("coding").into_iter().map(|coding| self.read_coding(coding, place)).collect();
        let text = node.take_text("text").and_then(Text::some);
        self.leave(node, place);
        Concept { codings, text }
    }

    fn read_coding(&mut self, mut node: Node, place: &str) -> Coding {
        let mut text = |name: &str| node.take_text(name).and_then(Text::some);
        let coding =
            Coding { system: text("system"), version: text("version"), code: text("code"), display: text("display") };
        self.leave(node, &format!("{place}.coding"));
        coding
    }

    /// Takes an identifier.
    pub(super) fn read_identifier(&mut self, mut node: Node, place: &str) -> Identifier {
        let system = node.take_text("system").and_then(Text::some);
        let value = node.take_text("value").and_then(Text::some);
        let kind = self.concept(&mut node, "type");
        self.leave(node, place);
        Identifier { system, value, kind }
    }

    /// Takes a time; one that cannot be read stays where it is.
    pub(super) fn when(node: &mut Node, name: &str) -> Option<When> {
        let when = When::from_iso(node.get(name)?.as_text()?).ok()?;
        node.take(name);
        Some(when)
    }

    /// Takes a quantity.
    pub(super) fn quantity(&mut self, node: &mut Node, name: &str) -> Option<Quantity> {
        let quantity = node.take(name)?;
        Some(self.read_quantity(quantity, name))
    }

    fn read_quantity(&mut self, mut node: Node, place: &str) -> Quantity {
        // A number beyond what can be compared stays with what no field is made for.
        let number = node.get("value").and_then(Node::as_text).and_then(|digits| Decimal::parse(digits).ok());
        if number.is_some() {
            node.take("value");
        }
        let sign = node.get("comparator").and_then(Node::as_text).map_or((None, ""), Comparator::leading);
        let comparator = sign.0.filter(|_| sign.1.is_empty());
        if comparator.is_some() {
            node.take("comparator");
        }
        let mut text = |name: &str| node.take_text(name).and_then(Text::some);
        let unit = Unit { sent: text("unit"), system: text("system"), code: text("code") };
        self.leave(node, place);
        Quantity { comparator, number, unit: (unit != Unit::default()).then_some(unit) }
    }

    /// Takes `value[x]`.
    pub(super) fn value(&mut self, node: &mut Node) -> Result<Option<Value>, FaultKind> {
        if let Some(quantity) = node.take("valueQuantity") {
            return Ok(Some(self.quantity_value(quantity)));
        }
        if let Some(concept) = self.concept(node, "valueCodeableConcept") {
            return Ok(Some(Value::coded(concept)));
        }
        if let Some(text) = node.take_text("valueString") {
            return Ok(Some(Value::read(&text, None)));
        }
        if let Some(text) = node.take_text("valueBoolean") {
            let reading = match text.as_str() {
                "true" => Reading::Boolean(true),
                "false" => Reading::Boolean(false),
                _ => return Err(FaultKind::Syntax),
            };
            return Ok(Some(Value { sent: Text::new(text), reading }));
        }
        if let Some(digits) = node.take_text("valueInteger") {
            let quantity = Quantity::read(&digits, None).ok_or(FaultKind::Syntax)?;
            return Ok(Some(Value { sent: Text::new(digits), reading: Reading::Quantity(quantity) }));
        }
        self.other_value(node)
    }

    /// A number beyond what can be compared is shown all the same.
    fn quantity_value(&mut self, mut node: Node) -> Value {
        let is_beyond = |digits: &&str| Decimal::parse(digits).is_err();
        let digits = node.get("value").and_then(Node::as_text).filter(is_beyond).map(str::to_owned);
        if digits.is_some() {
            node.take("value");
        }
        let quantity = self.read_quantity(node, "valueQuantity");
        let sent = quantity.text() + &digits.unwrap_or_default();
        Value { sent: Text::new(sent), reading: Reading::Quantity(quantity) }
    }

    fn other_value(&mut self, node: &mut Node) -> Result<Option<Value>, FaultKind> {
        if let Some(text) = node.take_text("valueDateTime") {
            let reading = When::from_iso(&text).map_or(Reading::Text, Reading::When);
            return Ok(Some(Value { sent: Text::new(text), reading }));
        }
        if let Some(text) = node.take_text("valueTime") {
            return Ok(Some(Value { sent: Text::new(text), reading: Reading::Clock }));
        }
        if let Some(mut ratio) = node.take("valueRatio") {
            let empty = || Quantity { comparator: None, number: None, unit: None };
            let [one, other] =
                ["numerator", "denominator"].map(|name| self.quantity(&mut ratio, name).unwrap_or_else(empty));
            self.leave(ratio, "valueRatio");
            let sent = Text::new(format!("{}:{}", one.text(), other.text()));
            return Ok(Some(Value { sent, reading: Reading::Ratio(one, other) }));
        }
        if let Some(mut range) = node.take("valueRange") {
            let [low, high] = ["low", "high"].map(|name| self.quantity(&mut range, name));
            self.leave(range, "valueRange");
            let text = |end: &Option<Quantity>| end.as_ref().map(Quantity::text).unwrap_or_default();
            let sent = Text::new(format!("{}-{}", text(&low), text(&high)));
            return Ok(Some(Value { sent, reading: Reading::Range(low, high) }));
        }
        if let Some(mut period) = node.take("valuePeriod") {
            let [start, end] = ["start", "end"].map(|name| Self::when(&mut period, name));
            self.leave(period, "valuePeriod");
            let text = |end: &Option<When>| end.as_ref().map(When::iso).unwrap_or_default();
            let sent = Text::new(format!("{}/{}", text(&start), text(&end)));
            return Ok(Some(Value { sent, reading: Reading::Period(start, end) }));
        }
        if let Some(samples) = node.take("valueSampledData") {
            let samples = self.read_samples(samples).ok_or(FaultKind::Missing)?;
            return Ok(Some(Value { sent: Text::new(""), reading: Reading::Samples(Box::new(samples)) }));
        }
        // Not of R4's Observation, but of R5's, and senders mix.
        if let Some(attachment) = node.take("valueAttachment") {
            let attachment = self.read_attachment(attachment, "valueAttachment")?;
            let sent = attachment.title.clone().unwrap_or_default();
            return Ok(Some(Value { sent, reading: Reading::File(Box::new(attachment)) }));
        }
        Ok(None)
    }

    fn read_samples(&mut self, mut node: Node) -> Option<Samples> {
        let origin = self.quantity(&mut node, "origin")?;
        let mut number = |name: &str| {
            let number = Decimal::parse(node.get(name)?.as_text()?).ok()?;
            node.take(name);
            Some(number)
        };
        let samples = Samples {
            origin,
            period_ms: number("period")?,
            factor: number("factor"),
            lower_limit: number("lowerLimit"),
            upper_limit: number("upperLimit"),
            dimensions: number("dimensions")?,
            data: None,
        };
        let data = node.take_text("data").map(Text::new);
        self.leave(node, "valueSampledData");
        Some(Samples { data, ..samples })
    }

    /// Reads an attachment; its bytes are kept apart.
    pub(super) fn read_attachment(&mut self, mut node: Node, place: &str) -> Result<Attachment, FaultKind> {
        let mut text = |name: &str| node.take_text(name).and_then(Text::some);
        let (content_type, title, language, location) =
            (text("contentType"), text("title"), text("language"), text("url"));
        let data = text("data");
        let created_at = Self::when(&mut node, "creation");
        let attachment = match data {
            Some(data) => {
                let plain: String = data.as_str().chars().filter(|c| !c.is_whitespace()).collect();
                file::keep(file::from_base64(&plain)?, content_type, title, self.files)
            }
            None => Attachment { content_type, title, ..Attachment::default() },
        };
        self.leave(node, place);
        Ok(Attachment { language, location, created_at, ..attachment })
    }

    /// What a file says that is nothing but words, and came along.
    pub(super) fn words_of(&self, file: &Attachment) -> Option<Text> {
        let is_words = file.content_type.as_ref().is_some_and(|kind| kind.as_str().starts_with("text/plain"));
        let body = self.files.iter().find(|body| Some(&body.sha256_hex) == file.sha256_hex.as_ref())?;
        let words = is_words.then(|| std::str::from_utf8(&body.bytes).ok()).flatten()?;
        Text::some(words.trim())
    }

    /// Takes the flags of an item: each code is one, and words without a code are one.
    pub(super) fn flags(&mut self, node: &mut Node) -> Vec<Flag> {
        let concepts = self.concepts(node, "interpretation");
        let of_one = |concept: Concept| {
            let by_code = |coding: Coding| Flag { system: coding.system, code: coding.code, text: coding.display };
            let words = concept.text.map(|text| Flag { system: None, code: None, text: Some(text) });
            concept.codings.into_iter().map(by_code).chain(words).collect::<Vec<_>>()
        };
        concepts.into_iter().flat_map(of_one).collect()
    }

    /// Takes the reference ranges of an item, and their texts as sent.
    fn ranges(&mut self, node: &mut Node) -> (Vec<ReferenceRange>, Vec<String>) {
        let ranges = node.take_list("referenceRange");
        let text = |range: &Node| range.get("text").and_then(Node::as_text).map(str::to_owned);
        // Where one has numbers only, all of them are put into words.
        let texts: Option<Vec<String>> = ranges.iter().map(text).collect();
        let texts = texts.unwrap_or_default();
        (ranges.into_iter().flat_map(|range| self.read_range(range)).collect(), texts)
    }

    fn read_range(&mut self, mut node: Node) -> Vec<ReferenceRange> {
        let text = node.take_text("text").and_then(Text::some);
        let [low, high] = ["low", "high"].map(|name| self.quantity(&mut node, name));
        let mut age = node.take("age").unwrap_or(Node::Null);
        let [age_low, age_high] = ["low", "high"].map(|name| self.quantity(&mut age, name));
        self.leave(age, "referenceRange.age");
        let meaning = self.concept(&mut node, "type");
        let applies_to = self.concepts(&mut node, "appliesTo");
        self.leave(node, "referenceRange");
        let condition = Condition { sex: None, age_low, age_high, applies_to };
        if let (Some(text), None, None) = (&text, &low, &high) {
            // Words alone may still be numbers; of whom they are stays what the sender says.
            let read = ReferenceRange::read(text.as_str()).into_iter();
            return read
                .map(|range| {
                    let condition = Condition { sex: range.condition.sex, ..condition.clone() };
                    ReferenceRange { meaning: meaning.clone(), condition, ..range }
                })
                .collect();
        }
        let units: Vec<&Unit> = low.iter().chain(&high).filter_map(|end| end.unit.as_ref()).collect();
        if matches!(units.as_slice(), [one, other] if one != other) {
            // Ends of different units are no range: they are shown, and nothing is compared with them.
            let end = |end: &Option<Quantity>| {
                end.as_ref().map_or(String::new(), |end| {
                    format!("{} {}", end.text(), end.unit.as_ref().map_or("", Unit::as_str))
                })
            };
            let words = Text::new(format!("{} - {}", end(&low), end(&high)));
            return vec![ReferenceRange {
                text: text.or(Some(words)),
                meaning,
                condition,
                ..ReferenceRange::default()
            }];
        }
        let unit = units.first().copied().cloned();
        let bound = |end: Option<Quantity>| Some(Bound { number: end?.number?, inclusive: true });
        vec![ReferenceRange { text, low: bound(low), high: bound(high), unit, expected: None, meaning, condition }]
    }

    /// What observation and component have in common.
    pub(super) fn measurement(&mut self, node: &mut Node, item: &mut Item) -> Result<(), FaultKind> {
        let value = self.value(node)?;
        item.unit = match value.as_ref().map(|value| &value.reading) {
            Some(Reading::Quantity(quantity)) => quantity.unit.clone(),
            _ => None,
        };
        item.values = value.into_iter().collect();
        item.absent = self.concept(node, "dataAbsentReason");
        item.flags = self.flags(node);
        let (ranges, texts) = self.ranges(node);
        item.ranges = ranges;
        item.range_sent = Text::some(texts.join("\n"));
        Ok(())
    }
}

/// Takes the extensions in which a bundle of ours carries what FHIR has no field for.
pub(super) fn own_extras(node: &mut Node) -> Vec<Extra> {
    let is_ours = |extension: &Node| extension.get("url").and_then(Node::as_text) == Some(EXTRA_URL);
    let (ours, others): (Vec<Node>, Vec<Node>) = node.take_list("extension").into_iter().partition(is_ours);
    if let (Some(others), Node::Object(fields)) = (Node::list(others), node) {
        fields.push(("extension".to_owned(), others));
    }
    let read = |mut extension: Node| {
        let parts = extension.take_list("extension");
        let part = |url: &str| {
            let found = parts.iter().find(|part| part.get("url").and_then(Node::as_text) == Some(url))?;
            found.get("valueString")?.as_text().map(str::to_owned)
        };
        Some(Extra { place: part("place")?, value: Text::new(part("value")?) })
    };
    ours.into_iter().filter_map(read).collect()
}

/// Somebody a reference names.
pub(super) fn party(role: Role, id: Option<String>, name: Option<String>) -> Option<Party> {
    let (id, name) = (id.and_then(Text::some), name.and_then(Text::some));
    (id.is_some() || name.is_some()).then_some(Party { role, id, name })
}

/// `HumanName`: its text, else its parts.
pub(super) fn human_name(name: &Node) -> Option<String> {
    let text = |field: &str| name.get(field).and_then(Node::as_text).map(str::to_owned);
    let given = match name.get("given") {
        Some(Node::List(parts)) => parts.iter().filter_map(Node::as_text).collect::<Vec<_>>().join(" "),
        Some(one) => one.as_text().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    let parts = || {
        let family = text("family").unwrap_or_default();
        let joined = crate::hl7::full_name(&family, &given, "");
        (!joined.is_empty()).then_some(joined)
    };
    text("text").or_else(parts)
}

pub(super) fn sex(gender: &str) -> Option<Sex> {
    match gender {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        _ => None,
    }
}

/// A required field is not there.
pub(super) fn missing(place: &str, field: &str) -> Fault {
    Fault::at(format!("{place}.{field}").trim_start_matches('.'), FaultKind::Missing)
}
