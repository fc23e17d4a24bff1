//! Visits as FHIR has them: an Appointment names the Slot of its number, and is known by our serial.

use super::resource::{
    Versioned, concept, entries, identifier, identifier_node, instant_of, money_node, named, resource, text, with,
    with_identifier,
};
use super::systems;
use crate::front_end::TheirPlace;
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::visit::VisitStatus;
use domain::Timestamp;
use domain::civil::Date;
use domain::clinic::{SLOT_MIN, SlotStart};
use domain::time::add_minutes;
use results::tree::Node;

pub(super) const APPOINTMENT: &str = "Appointment";

/// How far an appointment is, by FHIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Kept for somebody who has not decided or paid.
    Pending,
    /// Certain.
    Booked,
    /// The patient is there.
    Arrived,
    /// It took place.
    Fulfilled,
    /// Nobody came.
    NoShow,
    /// Given back, or never meant.
    Over,
}

impl Status {
    /// None for a status of no consequence here: a waiting list is no number.
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            "proposed" | "pending" => Self::Pending,
            "booked" => Self::Booked,
            "arrived" | "checked-in" => Self::Arrived,
            "fulfilled" => Self::Fulfilled,
            "noshow" => Self::NoShow,
            "cancelled" | "entered-in-error" => Self::Over,
            _ => return None,
        })
    }

    /// Where the visit stands.
    pub(super) fn standing(self) -> Standing {
        match self {
            Self::Pending => Standing::Locked,
            Self::Booked | Self::Arrived | Self::Fulfilled | Self::NoShow => Standing::Confirmed,
            Self::Over => Standing::Over,
        }
    }

    /// Whether somebody came; none for what was never certain.
    pub(super) fn visited(self) -> Option<VisitStatus> {
        match self {
            Self::Arrived | Self::Fulfilled => Some(VisitStatus::Visited),
            Self::Booked | Self::NoShow => Some(VisitStatus::NotVisited),
            Self::Pending | Self::Over => None,
        }
    }
}

/// An appointment as it was read.
#[derive(Clone, Debug)]
pub(super) struct Appointment {
    /// Its status; none when it is of no consequence here.
    pub(super) status: Option<Status>,
    /// When it begins.
    pub(super) start: Option<Timestamp>,
    /// The number it is for, where its slot says so.
    pub(super) number: Option<String>,
    /// The serial of the visit it took the place of.
    pub(super) former: Option<String>,
}

impl Appointment {
    /// Whatever its status and slot.
    pub(super) fn read(node: &Node) -> Self {
        let status = text(node, "status").and_then(Status::of);
        let number = entries(node, "slot").iter().find_map(|slot| named_by(slot, systems::NUMBER));
        let former = entries(node, "supportingInformation").iter().find_map(|one| named_by(one, systems::VISIT));
        Self { status, start: instant_of(node, "start"), number, former }
    }

    /// Whether it is for this number; of a server that shows slots by address only, whether it is at the time.
    pub(super) fn is_of(&self, place: &Place<'_>) -> bool {
        self.number.as_ref().map_or(self.start == Some(place.start), |number| *number == place.number)
    }
}

fn named_by(holder: &Node, system: &str) -> Option<String> {
    let identifier = holder.get("identifier").filter(|identifier| text(identifier, "system") == Some(system))?;
    text(identifier, "value").map(str::to_owned)
}

/// The serial of an appointment of ours.
pub(super) fn serial_of(node: &Node) -> Option<&str> {
    identifier(node, systems::VISIT)
}

/// What a number is called: unique in the hospital.
pub(super) fn number_id(their_clinic: &str, number: u16) -> String {
    format!("{their_clinic}.{number}")
}

/// Which number, for which visit.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    serial: &'a str,
    number: String,
    start: Timestamp,
}

impl<'a> Place<'a> {
    /// Of a lock; none when its clinic has no day.
    pub(super) fn of_lock(lock: &'a NumberLock, their_clinic: &str) -> Option<Self> {
        let date = lock.clinic.date()?;
        Some(Self::new(lock.serial.as_str(), number_id(their_clinic, lock.number), lock.start, date))
    }

    /// Of a visit.
    pub(super) fn of_visit(visit: &'a VisitBooking, theirs: &TheirPlace) -> Self {
        let registration = &visit.registration;
        let number = number_id(&theirs.clinic, registration.number);
        Self::new(registration.appointment.as_str(), number, visit.start, registration.date)
    }

    fn new(serial: &'a str, number: String, start: SlotStart, date: Date) -> Self {
        Self { serial, number, start: start.instant(date) }
    }

    /// The condition under which it is made: nobody has made it before.
    pub(super) fn unless(&self) -> (&'static str, &'a str) {
        (systems::VISIT, self.serial)
    }

    fn node(&self, status: &str) -> Node {
        let end = add_minutes(self.start, i64::from(SLOT_MIN));
        resource(
            APPOINTMENT,
            [
                ("identifier", Node::list([identifier_node(systems::VISIT, self.serial)])),
                ("status", Some(Node::text(status))),
                ("slot", Node::list([named("Slot", systems::NUMBER, &self.number)])),
                ("start", Some(Node::text(self.start.to_string()))),
                ("end", Some(Node::text(end.to_string()))),
            ],
        )
    }
}

/// A number that is kept: who it is for is said later.
pub(super) fn kept(place: &Place<'_>, until: Timestamp) -> Node {
    let until = Node::object([
        ("url", Some(Node::text(systems::HELD_UNTIL))),
        ("valueInstant", Some(Node::text(until.to_string()))),
    ]);
    let kept = with(place.node("pending"), "participant", Node::list([somebody()]));
    with(kept, "extension", Node::list([until]))
}

/// A visit that is certain; `held` is what the server has of it, with all that it added.
pub(super) fn booked(held: Option<Node>, visit: &VisitBooking, theirs: &TheirPlace, former: Option<&str>) -> Node {
    let base = held.unwrap_or_else(|| Place::of_visit(visit, theirs).node("booked"));
    let certain = with(base, "status", Some(Node::text("booked")));
    let named = with(certain, "participant", Node::list(participants(visit, theirs)));
    let moved = match former {
        Some(former) => {
            with(named, "supportingInformation", Node::list([self::named(APPOINTMENT, systems::VISIT, former)]))
        }
        None => named,
    };
    paid(moved, visit)
}

/// Notes what paid for it, and that it is no longer kept for a time only.
fn paid(appointment: Node, visit: &VisitBooking) -> Node {
    let is_other = |extension: &&Node| !matches!(text(extension, "url"), Some(systems::HELD_UNTIL | systems::PAID));
    let others = entries(&appointment, "extension").iter().filter(is_other).cloned().collect::<Vec<_>>();
    let amount = visit.paid_by.as_ref().map(|paid| money_node(systems::PAID, paid.total));
    let noted = with(appointment, "extension", Node::list(others.into_iter().chain(amount)));
    match &visit.paid_by {
        Some(paid) if identifier(&noted, systems::ORDER).is_none() => {
            with_identifier(noted, identifier_node(systems::ORDER, paid.order.as_str()))
        }
        _ => noted,
    }
}

/// A visit that is given back.
pub(super) fn cancelled(read: &Versioned) -> Node {
    with(read.node.clone(), "status", Some(Node::text("cancelled")))
}

fn participants(visit: &VisitBooking, theirs: &TheirPlace) -> Vec<Node> {
    let patient = visit.card_no.as_ref().map_or_else(somebody, |card| {
        let subject = with(somebody(), "actor", Some(named("Patient", systems::CARD, card.as_str())));
        with(subject, "status", Some(Node::text("accepted")))
    });
    let department = accepted(named("HealthcareService", systems::DEPARTMENT, &theirs.department));
    let doctor = theirs.doctor.as_ref().map(|doctor| accepted(named("Practitioner", systems::DOCTOR, doctor)));
    [Some(patient), Some(department), doctor].into_iter().flatten().collect()
}

/// The patient, whoever it will be.
fn somebody() -> Node {
    Node::object([
        ("type", Node::list([concept(systems::PARTICIPATION, "SBJ")])),
        ("status", Some(Node::text("needs-action"))),
    ])
}

fn accepted(actor: Node) -> Node {
    Node::object([("actor", Some(actor)), ("status", Some(Node::text("accepted")))])
}
