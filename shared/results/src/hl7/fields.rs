//! A segment that remembers what was taken from it, so that the rest can be kept too.

use super::message::{Field, Repetition, Segment};
use domain::person::Sex;
use domain::report::{Coding, Concept, Extra, Identifier, Party, Role, Text, When};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A segment being read.
pub(super) struct Fields<'a> {
    pub(super) segment: &'a Segment,
    /// Its place, as `OBX[3]`.
    pub(super) place: String,
    taken: RefCell<BTreeSet<(usize, usize)>>,
}

/// All components of a field.
const WHOLE: usize = 0;

impl<'a> Fields<'a> {
    pub(super) fn of(segment: &'a Segment, number: usize) -> Self {
        let place = format!("{}[{number}]", segment.name);
        Self { segment, place, taken: RefCell::default() }
    }

    pub(super) fn at(&self, field: usize) -> String {
        format!("{}-{field}", self.place)
    }

    /// A component of the first repetition.
    pub(super) fn text(&self, field: usize, component: usize) -> &'a str {
        self.taken.borrow_mut().insert((field, component));
        self.segment.text(field, component).trim()
    }

    /// A field whole.
    pub(super) fn whole(&self, field: usize) -> Option<&'a Field> {
        self.taken.borrow_mut().insert((field, WHOLE));
        self.segment.field(field)
    }

    /// The repetitions of a field that hold something.
    pub(super) fn repetitions(&self, field: usize) -> impl Iterator<Item = &'a Repetition> {
        self.whole(field).into_iter().flat_map(Field::repetitions)
    }

    /// A time; one that cannot be read is left where it is, and so kept as it was sent.
    pub(super) fn when(&self, field: usize, component: usize) -> Option<When> {
        let when = When::from_hl7(self.segment.text(field, component)).ok()?;
        self.taken.borrow_mut().insert((field, component));
        Some(when)
    }

    /// What a coded field names.
    pub(super) fn concept(&self, field: usize) -> Option<Concept> {
        let concept = self.repetitions(field).next().map(concept).filter(|concept| !concept.is_empty());
        if self.repetitions(field).nth(1).is_some() {
            self.taken.borrow_mut().remove(&(field, WHOLE));
        }
        concept
    }

    /// The people of a field.
    pub(super) fn parties(&self, field: usize, role: Role) -> Vec<Party> {
        let repetitions: Vec<_> = self.segment.field(field).into_iter().flat_map(Field::repetitions).collect();
        let is_nested = repetitions.iter().any(|person| is_nested(person));
        let components = if is_nested { 1..=1 } else { 1..=4 };
        self.taken.borrow_mut().extend(components.map(|component| (field, component)));
        repetitions.into_iter().filter_map(|person| party(person, role)).collect()
    }

    /// What was not taken, field by field.
    pub(super) fn extras(&self) -> Vec<Extra> {
        let taken = self.taken.borrow();
        let is_left = |number: usize, field: &Field| {
            let is_left = |component: usize, is_empty: bool| !is_empty && !taken.contains(&(number, component));
            !taken.contains(&(number, WHOLE))
                && field.repetitions().any(|repetition| {
                    let parts = repetition.0.iter().zip(1..);
                    parts.clone().any(|(part, at)| is_left(at, part.is_empty()))
                })
        };
        let fields = self.segment.fields.iter().zip(1..);
        let left = fields.filter(|(field, number)| is_left(*number, field));
        left.map(|(field, number)| Extra { place: self.at(number), value: Text::new(field.joined()) }).collect()
    }
}

/// A whole segment kept as it was sent.
pub(super) fn kept(segment: &Segment, number: usize) -> Vec<Extra> {
    Fields::of(segment, number).extras()
}

/// CE, CWE, CNE, CF: code, words and system, up to three times, and the words the author wrote.
pub(super) fn concept(repetition: &Repetition) -> Concept {
    let coding = |code: usize, version: usize| {
        let [code, display, system] = [code, code + 1, code + 2].map(|at| Text::some(repetition.text(at)));
        let version = Text::some(repetition.text(version));
        (code.is_some() || display.is_some()).then_some(Coding { system, version, code, display })
    };
    let codings = [coding(1, 7), coding(4, 8), coding(10, 13)].into_iter().flatten().collect();
    Concept { codings, text: Text::some(repetition.text(9)) }
}

/// XCN, XPN without its number, CNN within the first component of NDL.
fn party(person: &Repetition, role: Role) -> Option<Party> {
    let first = person.component(1)?;
    let (id, name) = if is_nested(person) {
        (first.part(1), full_name(first.part(2), first.part(3), first.part(4)))
    } else {
        (person.text(1), full_name(person.text(2), person.text(3), person.text(4)))
    };
    let (id, name) = (Text::some(id), Text::some(name));
    (id.is_some() || name.is_some()).then_some(Party { role, id, name })
}

/// NDL has a whole name in its first component.
fn is_nested(person: &Repetition) -> bool {
    person.component(1).is_some_and(|first| first.0.len() > 2)
}

/// A name in its own order: 欧阳小梅, Nicholas J Radon.
pub(crate) fn full_name(family: &str, given: &str, middle: &str) -> String {
    let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}');
    if family.contains(is_han) || given.contains(is_han) {
        return format!("{family}{given}{middle}");
    }
    [given, middle, family].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Table 0001, and GB/T 2261.1.
pub(super) fn sex(code: &str) -> Option<Sex> {
    match code {
        "M" | "1" | "男" => Some(Sex::Male),
        "F" | "2" | "女" => Some(Sex::Female),
        _ => None,
    }
}

/// CX: a number with its authority and kind.
pub(super) fn identifier(repetition: &Repetition) -> Option<Identifier> {
    let value = Text::some(repetition.text(1).trim())?;
    let authority = repetition.component(4);
    let system = authority.and_then(|authority| [1, 2].into_iter().find_map(|part| Text::some(authority.part(part))));
    let kind = Text::some(repetition.text(5)).map(|code| Concept::coded("HL70203", code.as_str(), None));
    Some(Identifier { system, value: Some(value), kind })
}
