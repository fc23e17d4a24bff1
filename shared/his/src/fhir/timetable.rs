//! Departments, doctors, schedules and numbers. Resources are read one by one: one that is wrong does not hide the others.

use super::bundle::Found;
use super::client::{Errand, Fhir, token};
use super::codebook::{Codebook, clinic_of_theirs};
use super::resource::{
    code_in, entries, extension, identifier, instant_of, money_in, names, own_reference, reference, text,
};
use super::systems;
use crate::error::{HisError, Refusal};
use crate::label::Label;
use crate::port::Call;
use crate::timetable::{Department, Doctor, LISTED_MAX, Listed, Schedule, ScheduleQuery, Schedules, SlotNumbers};
use domain::Timestamp;
use domain::clinic::{ClinicKind, NUMBERS_PER_SLOT_MAX, Period, SlotStart};
use domain::his::CodeKind;
use domain::id::{ClinicId, DepartmentId, DoctorId};
use domain::time::wall_clock;
use results::tree::Node;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How many resources a page should have.
const PAGE: &str = "200";
/// The longest prose that is kept, in characters: as an import allows.
const PROSE_CHARS_MAX: usize = 2_000;

/// Hours from which a clinic is one of the afternoon, the evening, the night, where nothing else says so.
const AFTERNOON_FROM: i8 = 12;
const EVENING_FROM: i8 = 17;
const NIGHT_FROM: i8 = 21;

impl Fhir {
    /// Organizations of the type `dept`, each with the `HealthcareService` it provides.
    pub(crate) async fn departments(&self, call: Call) -> Result<Listed<Department>, HisError> {
        let mut errand = Errand::new("departments", None, call);
        let kind = token(systems::ORGANIZATION_TYPE, "dept");
        let params = [("type", kind.as_str()), ("_revinclude", "HealthcareService:organization"), ("_count", PAGE)];
        let found = self.search(&mut errand, "Organization", &params).await?;
        let mut codebook = Codebook::new(self.machine.codes());
        let list = departments_in(&found, &mut codebook);
        self.note_unknown(codebook, &errand).await;
        Ok(list)
    }

    /// `PractitionerRole`s with whom they are of and where.
    pub(crate) async fn doctors(&self, call: Call) -> Result<Listed<Doctor>, HisError> {
        let mut errand = Errand::new("doctors", None, call);
        let params = [
            ("active", "true"),
            ("_include", "PractitionerRole:practitioner"),
            ("_include", "PractitionerRole:organization"),
            ("_count", PAGE),
        ];
        let found = self.search(&mut errand, "PractitionerRole", &params).await?;
        let mut codebook = Codebook::new(self.machine.codes());
        let list = doctors_in(&found, &mut codebook);
        self.note_unknown(codebook, &errand).await;
        Ok(list)
    }

    /// Schedules that changed, and those of which a slot did.
    pub(crate) async fn schedules(&self, query: &ScheduleQuery, call: Call) -> Result<Schedules, HisError> {
        let mut errand = Errand::new("schedules", None, call);
        let (from, to) = (format!("ge{}", query.from), format!("le{}", query.to));
        let since = query.since.as_ref().map(|mark| format!("ge{}", mark.as_str()));
        let mut params = vec![("date", from.as_str()), ("date", to.as_str()), ("_count", PAGE)];
        params.extend(since.as_deref().map(|since| ("_lastUpdated", since)));
        let changed = self.search(&mut errand, "Schedule", &params).await?;
        let mut all = vec![changed];
        if let Some(since) = &since {
            let params = [
                ("_lastUpdated", since.as_str()),
                ("schedule.date", from.as_str()),
                ("schedule.date", to.as_str()),
                ("_include", "Slot:schedule"),
                ("_count", PAGE),
            ];
            all.push(self.search(&mut errand, "Slot", &params).await?);
        }
        let mut codebook = Codebook::new(self.machine.codes());
        let list = schedules_in(&all, &mut codebook);
        self.note_unknown(codebook, &errand).await;
        let looked_at = all.first().and_then(Found::looked_at).and_then(|mark| mark.parse().ok());
        Ok(Schedules { list, mark: looked_at.or_else(|| query.since.clone()) })
    }

    /// The Slots of a Schedule, each one number.
    pub(crate) async fn slots(&self, clinic: &ClinicId, call: Call) -> Result<Listed<SlotNumbers>, HisError> {
        let mut errand = Errand::new("slots", None, call);
        let theirs = clinic_of_theirs(self.machine.codes(), clinic)?;
        let by = token(systems::CLINIC, &theirs);
        let params = [("identifier", by.as_str()), ("_revinclude", "Slot:schedule"), ("_count", PAGE)];
        let found = self.search(&mut errand, "Schedule", &params).await?;
        if found.all("Schedule").next().is_none() {
            return Err(HisError::Refused { code: Refusal::NoSuchClinic });
        }
        Ok(slots_in(&found, &theirs))
    }
}

fn label(text: Option<&str>) -> String {
    Label::new(text.unwrap_or_default()).as_str().to_owned()
}

/// Lines stay, other control characters go, and what is too long is cut.
fn prose(text: Option<&str>) -> String {
    let plain = text.unwrap_or_default().chars().filter(|c| *c == '\n' || !c.is_control());
    plain.take(PROSE_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// What a list of references calls its first.
fn shown<'a>(holder: &'a Node, name: &str) -> Option<&'a str> {
    entries(holder, name).first().and_then(|reference| text(reference, "display"))
}

fn listed<'a, T>(nodes: impl Iterator<Item = &'a Node>, mut read: impl FnMut(&'a Node) -> Option<T>) -> Listed<T> {
    let mut list = Listed::none();
    for node in nodes {
        match read(node).filter(|_| list.entries.len() < LISTED_MAX) {
            Some(entry) => list.entries.push(entry),
            None => list.rejected += 1,
        }
    }
    list
}

// Departments --------------------------------------------------------------------------------

fn departments_in(found: &Found, codebook: &mut Codebook<'_>) -> Listed<Department> {
    let services: HashMap<String, &Node> = found
        .all("HealthcareService")
        .filter_map(|service| Some((reference(service.get("providedBy")?)?, service)))
        .collect();
    listed(found.all("Organization"), |organization| {
        let service = own_reference(organization).and_then(|place| services.get(&place).copied());
        department(found, organization, service.unwrap_or(&Node::Null), codebook)
    })
}

fn department(found: &Found, organization: &Node, service: &Node, codebook: &mut Codebook<'_>) -> Option<Department> {
    let id = department_id(identifier(organization, systems::DEPARTMENT)?, codebook)?;
    // A department within something that is none, as the hospital itself, is at the top.
    let above = organization.get("partOf").and_then(|part_of| department_named(found, part_of));
    let parent = above.map(|code| department_id(&code, codebook));
    let name = label(text(organization, "name"));
    if name.is_empty() || matches!(parent, Some(None)) {
        return None;
    }
    Some(Department {
        id,
        name,
        parent: parent.flatten(),
        location: label(shown(service, "location")),
        campus: label(shown(service, "coverageArea")),
        intro: prose(text(service, "extraDetails")),
    })
}

/// The code of the department a reference means: said beside it, or of what was found with it.
fn department_named(found: &Found, holder: &Node) -> Option<String> {
    let said = holder.get("identifier").filter(|id| text(id, "system") == Some(systems::DEPARTMENT));
    let said = said.and_then(|identifier| text(identifier, "value"));
    said.or_else(|| identifier(found.at(holder)?, systems::DEPARTMENT)).map(str::to_owned)
}

fn department_id(theirs: &str, codebook: &mut Codebook<'_>) -> Option<DepartmentId> {
    codebook.ours(CodeKind::Department, theirs)?.parse().ok()
}

fn doctor_id(theirs: &str, codebook: &mut Codebook<'_>) -> Option<DoctorId> {
    codebook.ours(CodeKind::Doctor, theirs)?.parse().ok()
}

// Doctors ------------------------------------------------------------------------------------

/// Who has several roles is listed with the first.
fn doctors_in(found: &Found, codebook: &mut Codebook<'_>) -> Listed<Doctor> {
    let mut seen = HashSet::new();
    let roles = found.all("PractitionerRole");
    let first_roles = roles.filter(|role| seen.insert(role.get("practitioner").and_then(reference)));
    let first_roles: Vec<&Node> = first_roles.collect();
    listed(first_roles.into_iter(), |role| doctor(found, role, codebook))
}

fn doctor(found: &Found, role: &Node, codebook: &mut Codebook<'_>) -> Option<Doctor> {
    let person = found.at(role.get("practitioner")?)?;
    let department = department_named(found, role.get("organization")?)?;
    let (name, pinyin) = names(person);
    let title =
        entries(person, "qualification").first().and_then(|one| one.get("code")).and_then(|code| text(code, "text"));
    let doctor = Doctor {
        id: doctor_id(identifier(person, systems::DOCTOR)?, codebook)?,
        name: label(name),
        pinyin: label(pinyin),
        title: label(title),
        department: department_id(&department, codebook)?,
        expert: entries(role, "code").iter().any(|code| code_in(code, systems::ROLE) == Some("expert")),
        specialty: label(entries(role, "specialty").first().and_then(|specialty| text(specialty, "text"))),
        intro: prose(extension(person, systems::INTRO).and_then(|intro| text(intro, "valueMarkdown"))),
    };
    (!doctor.name.is_empty()).then_some(doctor)
}

// Schedules ----------------------------------------------------------------------------------

/// A Schedule, whatever of it makes a clinic here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) is_active: bool,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) department: Option<String>,
    pub(super) doctor: Option<String>,
    pub(super) place: Option<String>,
}

impl Session {
    pub(super) fn read(node: &Node) -> Self {
        let horizon = node.get("planningHorizon").unwrap_or(&Node::Null);
        let actor = |system: &str| entries(node, "actor").iter().find_map(|actor| named_in(actor, system));
        let is_place = |actor: &&Node| {
            text(actor, "type") == Some("Location")
                || reference(actor).is_some_and(|place| place.starts_with("Location/"))
        };
        let place = entries(node, "actor").iter().find(is_place).and_then(|actor| text(actor, "display"));
        Self {
            is_active: text(node, "active") != Some("false"),
            start: instant_of(horizon, "start"),
            end: instant_of(horizon, "end"),
            department: actor(systems::DEPARTMENT),
            doctor: actor(systems::DOCTOR),
            place: place.map(str::to_owned),
        }
    }
}

fn named_in(actor: &Node, system: &str) -> Option<String> {
    let identifier = actor.get("identifier").filter(|identifier| text(identifier, "system") == Some(system))?;
    text(identifier, "value").map(str::to_owned)
}

fn schedules_in(all: &[Found], codebook: &mut Codebook<'_>) -> Listed<Schedule> {
    let mut seen = HashSet::new();
    let nodes = all.iter().flat_map(|found| found.all("Schedule"));
    let once: Vec<&Node> = nodes.filter(|node| seen.insert(own_reference(node))).collect();
    listed(once.into_iter(), |node| schedule(node, codebook))
}

/// One that says no department, time or fee is left out, as is an expert's without the expert.
fn schedule(node: &Node, codebook: &mut Codebook<'_>) -> Option<Schedule> {
    let session = Session::read(node);
    let begins = wall_clock(session.start?);
    let doctor = session.doctor.map(|theirs| doctor_id(&theirs, codebook));
    let schedule = Schedule {
        date: begins.date(),
        period: coded(node, "serviceCategory", systems::PERIOD, period_at(begins.hour()))?,
        department: department_id(&session.department?, codebook)?,
        doctor: doctor.map_or(Some(None), |read| read.map(Some))?,
        kind: coded(node, "serviceType", systems::CLINIC_KIND, ClinicKind::Ordinary)?,
        fee: money_in(node, systems::FEE)?,
        room: Label::new(session.place.as_deref().unwrap_or_default()),
        campus: Label::new(
            extension(node, systems::CAMPUS).and_then(|campus| text(campus, "valueString")).unwrap_or_default(),
        ),
        is_closed: !session.is_active,
    };
    let needs_doctor = matches!(schedule.kind, ClinicKind::Expert | ClinicKind::Special);
    (schedule.clinic().is_ok() && (schedule.doctor.is_some() || !needs_doctor)).then_some(schedule)
}

/// A code that is one of ours, or what it is where nothing is said; none when nobody knows the code.
fn coded<T: serde::de::DeserializeOwned>(node: &Node, name: &str, system: &str, unsaid: T) -> Option<T> {
    match entries(node, name).iter().find_map(|concept| code_in(concept, system)) {
        Some(code) => serde_json::from_value(serde_json::Value::from(code)).ok(),
        None => Some(unsaid),
    }
}

fn period_at(hour: i8) -> Period {
    match hour {
        NIGHT_FROM.. => Period::Night,
        EVENING_FROM.. => Period::Evening,
        AFTERNOON_FROM.. => Period::Afternoon,
        _ => Period::Morning,
    }
}

// Numbers ------------------------------------------------------------------------------------

/// A Slot, whatever of it makes a number here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) schedule: Option<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) is_free: Option<bool>,
    pub(super) number: Option<String>,
}

impl Unit {
    pub(super) fn read(node: &Node) -> Self {
        let is_free = match text(node, "status") {
            Some("free") => Some(true),
            Some("busy" | "busy-unavailable" | "busy-tentative") => Some(false),
            _ => None,
        };
        Self {
            schedule: node.get("schedule").and_then(reference),
            start: instant_of(node, "start"),
            end: instant_of(node, "end"),
            is_free,
            number: identifier(node, systems::NUMBER).map(str::to_owned),
        }
    }

    /// The number within a clinic, if it is one of it.
    fn number_of(&self, their_clinic: &str) -> Option<u16> {
        let number = self.number.as_ref()?.strip_prefix(their_clinic)?.strip_prefix('.')?;
        number.parse().ok().filter(|number| *number > 0)
    }
}

/// Half hours with what is free and what is taken. A slot that is no number, or twice, is left out; of a half hour with more
/// than can be, nothing counts.
fn slots_in(found: &Found, their_clinic: &str) -> Listed<SlotNumbers> {
    let mut halves: BTreeMap<SlotStart, SlotNumbers> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut rejected = 0;
    for unit in found.all("Slot").map(Unit::read) {
        let (Some(number), Some(start), Some(is_free)) = (unit.number_of(their_clinic), unit.start, unit.is_free)
        else {
            rejected += 1;
            continue;
        };
        if !seen.insert(number) {
            rejected += 1;
            continue;
        }
        let start = SlotStart::containing(wall_clock(start).time());
        let half =
            halves.entry(start).or_insert_with(|| SlotNumbers { start, free: BTreeSet::new(), taken: BTreeSet::new() });
        if is_free {
            half.free.insert(number)
        } else {
            half.taken.insert(number)
        };
    }
    let is_sound = |half: &SlotNumbers| half.free.len() + half.taken.len() <= usize::from(NUMBERS_PER_SLOT_MAX);
    let all = halves.len();
    let entries: Vec<SlotNumbers> = halves.into_values().filter(is_sound).collect();
    Listed { rejected: rejected + all - entries.len(), entries }
}
