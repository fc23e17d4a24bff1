//! Numbers and visits: kept, booked, moved, given back, and where they stand.

use super::appointment::{APPOINTMENT, Appointment, Place, Status, booked, cancelled, kept, serial_of};
use super::bundle::{Found, Step};
use super::client::{Errand, Fhir, TRIES_MAX, Written, condition, token};
use super::codebook::clinic_of_theirs;
use super::resource::{Versioned, text};
use super::systems;
use crate::error::{HisError, Refusal};
use crate::front_end::{LOCK_TIMEOUT_MS, NoCode, TheirPlace};
use crate::machine::WRITE_TIMEOUT_MS;
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::port::Call;
use crate::visit::{VisitQuery, VisitStatus};
use domain::id::AppointmentId;
use results::tree::Node;

/// What an encounter is called from the patient's arrival on.
const BEGUN: [&str; 5] = ["arrived", "triaged", "in-progress", "onleave", "finished"];

/// A visit the server has.
struct Held {
    read: Versioned,
    told: Appointment,
    status: Status,
}

impl Held {
    fn of(node: &Node) -> Result<Self, HisError> {
        let told = Appointment::read(node);
        let status = told.status.ok_or(HisError::Unreadable)?;
        Ok(Self { read: Versioned::of(node.clone()).ok_or(HisError::Unreadable)?, told, status })
    }

    fn standing(&self) -> Standing {
        self.status.standing()
    }
}

impl Fhir {
    /// A new appointment, `pending`; the same again is the same.
    pub(crate) async fn lock(&self, lock: &NumberLock, call: Call) -> Result<(), HisError> {
        let clinic = clinic_of_theirs(self.machine.codes(), &lock.clinic)?;
        let place = Place::of_lock(lock, &clinic).ok_or(HisError::Unmapped)?;
        let mut errand = Errand::new("lock", Some(lock.serial.as_str()), call);
        let node = kept(&place, lock.until);
        match self.create(&mut errand, APPOINTMENT, &node, place.unless(), LOCK_TIMEOUT_MS).await? {
            Written::Existed(Some(there)) => {
                let held = Held::of(&there)?;
                needs_same(&held, &place)?;
                if held.standing() == Standing::Over { Err(refused(Refusal::SerialOver)) } else { Ok(()) }
            }
            Written::Done(_) => Ok(()),
            Written::Existed(None) | Written::Stale => Err(HisError::Unreadable),
        }
    }

    /// Given back, if it was kept.
    pub(crate) async fn unlock(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.give_back("unlock", serial, call).await
    }

    /// Given back, kept or certain.
    pub(crate) async fn cancel(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.give_back("cancel", serial, call).await
    }

    /// `booked`: what is kept becomes certain, or the number is taken now.
    pub(crate) async fn confirm(&self, visit: &VisitBooking, call: Call) -> Result<(), HisError> {
        let theirs = self.place_of(visit)?;
        let place = Place::of_visit(visit, &theirs);
        let serial = &visit.registration.appointment;
        let mut errand = Errand::new("confirm", Some(serial.as_str()), call);
        for _ in 0..TRIES_MAX {
            let written = match self.held(&mut errand, serial).await? {
                None => {
                    let node = booked(None, visit, &theirs, None);
                    self.create(&mut errand, APPOINTMENT, &node, place.unless(), WRITE_TIMEOUT_MS).await?
                }
                Some(held) => {
                    needs_same(&held, &place)?;
                    match held.standing() {
                        Standing::Over => return Err(refused(Refusal::SerialOver)),
                        Standing::Confirmed => return Ok(()),
                        Standing::Locked => {
                            let node = booked(Some(held.read.node.clone()), visit, &theirs, None);
                            self.update(&mut errand, APPOINTMENT, &held.read, &node).await?
                        }
                    }
                }
            };
            if matches!(written, Written::Done(_)) {
                return Ok(());
            }
        }
        Err(HisError::Unavailable)
    }

    /// One transaction: the former is `cancelled`, the other `booked`, and says what it took the place of.
    pub(crate) async fn reschedule(&self, from: &AppointmentId, to: &VisitBooking, call: Call) -> Result<(), HisError> {
        let theirs = self.place_of(to)?;
        let place = Place::of_visit(to, &theirs);
        let serial = &to.registration.appointment;
        let mut errand = Errand::new("reschedule", Some(serial.as_str()), call);
        for _ in 0..TRIES_MAX {
            let both = format!("{},{}", token(systems::VISIT, from.as_str()), token(systems::VISIT, serial.as_str()));
            let found = self.search(&mut errand, APPOINTMENT, &[("identifier", &both)]).await?;
            let (before, after) = (held_in(&found, from)?, held_in(&found, serial)?);
            if let Some(after) = &after {
                needs_same(after, &place)?;
                let is_moved = after.told.former.as_deref() == Some(from.as_str());
                match after.standing() {
                    Standing::Confirmed if is_moved => return Ok(()),
                    Standing::Over => return Err(refused(Refusal::SerialOver)),
                    Standing::Confirmed | Standing::Locked => {}
                }
            }
            let before = before.filter(|held| held.standing() == Standing::Confirmed);
            let before = before.ok_or_else(|| refused(Refusal::NoSuchSerial))?;
            let node = booked(after.as_ref().map(|held| held.read.node.clone()), to, &theirs, Some(from.as_str()));
            let given_back = put(&before.read, cancelled(&before.read));
            let taken = match &after {
                Some(held) => put(&held.read, node),
                None => Step::Post {
                    kind: APPOINTMENT,
                    unless: Some(condition(place.unless())),
                    full_url: None,
                    resource: node,
                },
            };
            if let Written::Done(_) = self.transact(&mut errand, APPOINTMENT, vec![given_back, taken]).await? {
                return Ok(());
            }
        }
        Err(HisError::Unavailable)
    }

    /// By its status.
    pub(crate) async fn standing(&self, serial: &AppointmentId, call: Call) -> Result<Option<Standing>, HisError> {
        let mut errand = Errand::new("standing", Some(serial.as_str()), call);
        Ok(self.held(&mut errand, serial).await?.map(|held| held.standing()))
    }

    /// By its status, or an encounter that began with it.
    pub(crate) async fn visit_status(&self, visit: &VisitQuery, call: Call) -> Result<Option<VisitStatus>, HisError> {
        let serial = visit.appointment.as_str();
        let mut errand = Errand::new("visit-status", Some(serial), call);
        let params =
            [("identifier", token(systems::VISIT, serial)), ("_revinclude", "Encounter:appointment".to_owned())];
        let params = params.each_ref().map(|(name, value)| (*name, value.as_str()));
        let found = self.search(&mut errand, APPOINTMENT, &params).await?;
        let Some(held) = held_in(&found, &visit.appointment)? else { return Ok(None) };
        let has_begun =
            found.all("Encounter").filter_map(|encounter| text(encounter, "status")).any(|s| BEGUN.contains(&s));
        Ok(if has_begun { Some(VisitStatus::Visited) } else { held.status.visited() })
    }

    async fn give_back(&self, operation: &'static str, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        let mut errand = Errand::new(operation, Some(serial.as_str()), call);
        for _ in 0..TRIES_MAX {
            let Some(held) = self.held(&mut errand, serial).await? else { return Ok(()) };
            if held.standing() == Standing::Over {
                return Ok(());
            }
            let given_back = cancelled(&held.read);
            if let Written::Done(_) = self.update(&mut errand, APPOINTMENT, &held.read, &given_back).await? {
                return Ok(());
            }
        }
        Err(HisError::Unavailable)
    }

    async fn held(&self, errand: &mut Errand<'_>, serial: &AppointmentId) -> Result<Option<Held>, HisError> {
        let by = token(systems::VISIT, serial.as_str());
        let found = self.search(errand, APPOINTMENT, &[("identifier", &by)]).await?;
        held_in(&found, serial)
    }

    fn place_of(&self, visit: &VisitBooking) -> Result<TheirPlace, HisError> {
        TheirPlace::of(self.machine.codes(), &visit.registration).map_err(|NoCode| HisError::Unmapped)
    }
}

/// The one appointment of a serial. Of two nobody knows which counts.
fn held_in(found: &Found, serial: &AppointmentId) -> Result<Option<Held>, HisError> {
    let mut of_serial = found.all(APPOINTMENT).filter(|node| serial_of(node) == Some(serial.as_str()));
    match (of_serial.next(), of_serial.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Held::of(one).map(Some),
        (Some(_), Some(_)) => Err(HisError::Unreadable),
    }
}

/// A serial means one number for ever.
fn needs_same(held: &Held, place: &Place<'_>) -> Result<(), HisError> {
    if held.told.is_of(place) { Ok(()) } else { Err(refused(Refusal::SerialReused)) }
}

fn refused(code: Refusal) -> HisError {
    HisError::Refused { code }
}

fn put(read: &Versioned, resource: Node) -> Step {
    Step::Put { place: read.place.clone(), tag: read.tag.clone(), resource }
}
