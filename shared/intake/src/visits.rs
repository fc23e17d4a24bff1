//! The hospital's word about visits (SIU^S12 to S15 and S26, ADT^A04): which visit of ours it means, and what became of it.
//!
//! A visit is known by our serial, which the hospital has from us. It is looked for among those of the person who is named,
//! then among those who have a number of the clinic. A booking with no serial of ours was made at the hospital's own window:
//! that is the hospital's business, and its numbers come with the next pull. What follows is the same as when the change
//! stands on the hospital's list ([`Table::follow_hospital`](store::Table::follow_hospital)). A visit the hospital has moved
//! to another time waits for staff: the number it has there is not ours to take.

use crate::Inbox;
use crate::place::numbers_of;
use domain::appointment::{Appointment, Place};
use domain::event::Actor;
use domain::his::{CodeKind, Codes};
use domain::id::{AppointmentId, CardNo};
use domain::report::unplaced::{Obstacle, Why};
use domain::report::{Concept, Precision, When};
use domain::visit::VisitFate;
use results::hl7::adt::{Booking, BookingEvent, Number, Visit};
use store::StoreError;

/// Whose numbers are ours, where a number says whose it is.
const OURS: &str = "MENZHEN";
/// Where an unknown code was met, on the list for staff.
const SEEN_IN: &str = "bookings";
/// Moves from one visit to the next that are followed: no profile allows as many.
const MOVES_FOLLOWED_MAX: usize = 16;

/// What a message says of one visit.
#[derive(Clone, Debug)]
pub(crate) struct VisitNews {
    /// Numbers it may be known by here.
    serials: Vec<AppointmentId>,
    /// Numbers of the person.
    pub(crate) numbers: Vec<String>,
    /// The clinic, by the hospital's key of it.
    clinic: Option<String>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Became(VisitFate),
    /// It is then, by the hospital's word.
    IsAt(Option<When>),
}

/// Why a word about a visit leads nowhere.
enum Lost {
    /// Nobody here knows the visit.
    Unknown,
    /// A code of its clinic is not mapped.
    Code(CodeKind, String),
}

impl VisitNews {
    /// What a SIU says.
    pub(crate) fn of_booking(booking: &Booking) -> Self {
        let named = booking.person.iter().flat_map(|person| numbers_of(&person.identifiers, None));
        Self {
            serials: serials(booking.placer.iter().chain(&booking.filler)),
            numbers: named.collect(),
            clinic: booking.clinic.as_ref().map(|clinic| clinic.as_str().to_owned()),
            what: what(booking),
        }
    }

    /// What an A04 says beside the person: a visit begins.
    pub(crate) fn of_arrival(visit: &Visit) -> Self {
        Self {
            serials: serials(&visit.numbers),
            numbers: numbers_of(&visit.person.identifiers, None),
            clinic: None,
            what: What::Became(VisitFate::Came),
        }
    }
}

/// Which of these may be numbers of ours: an appointment has sixteen letters and digits.
fn serials<'a>(numbers: impl IntoIterator<Item = &'a Number>) -> Vec<AppointmentId> {
    let is_ours = |number: &&Number| number.authority.as_ref().is_none_or(|authority| authority.as_str() == OURS);
    let found = numbers.into_iter().filter(is_ours).filter_map(|number| number.value.as_str().parse().ok());
    found.filter(AppointmentId::is_made_here).collect()
}

fn what(booking: &Booking) -> What {
    match booking.event {
        BookingEvent::Booked => What::Became(VisitFate::Confirmed),
        BookingEvent::Cancelled => What::Became(VisitFate::Cancelled),
        BookingEvent::NoShow => What::Became(VisitFate::Missed),
        BookingEvent::Rescheduled | BookingEvent::Modified => {
            let fate = booking.status.as_ref().and_then(fate_of);
            fate.map_or_else(|| What::IsAt(booking.begins.clone()), What::Became)
        }
    }
}

/// SCH-25 (table 0278), where it says that something became of the visit.
fn fate_of(status: &Concept) -> Option<VisitFate> {
    let code = status.codes().next().unwrap_or(status.name()).to_lowercase();
    match code.as_str() {
        "started" => Some(VisitFate::Came),
        "complete" => Some(VisitFate::Seen),
        "noshow" => Some(VisitFate::Missed),
        "cancelled" | "dc" | "deleted" => Some(VisitFate::Cancelled),
        _ => None,
    }
}

fn obstacle(why: Why, place: &str) -> Obstacle {
    Obstacle { why, place: place.into() }
}

impl Inbox<'_> {
    /// Does what the hospital says of a visit. `card`: the card staff have found its patient by.
    pub(crate) async fn heed_visit(
        &self,
        news: &VisitNews,
        card: Option<&CardNo>,
        sender: &str,
    ) -> Result<Result<(), Obstacle>, StoreError> {
        let Some(serial) = news.serials.first() else {
            tracing::info!(sender, "a booking the hospital has made itself");
            return Ok(Ok(()));
        };
        match self.find_visit(news, card).await? {
            Ok(Some(visit)) => self.follow(&visit, news, sender).await,
            // Its clinic is known, and nobody there has it any more.
            Ok(None) => Ok(Ok(())),
            Err(Lost::Code(kind, code)) => {
                self.table.note_unknown_code((kind, &code), SEEN_IN, self.now).await?;
                Ok(Err(obstacle(Why::UnknownCode, "SCH-5")))
            }
            // Sixteen digits may just as well be a number of theirs.
            Err(Lost::Unknown) if serial.as_str().bytes().all(|byte| byte.is_ascii_digit()) => Ok(Ok(())),
            Err(Lost::Unknown) => Ok(Err(obstacle(Why::UnknownVisit, "SCH-1"))),
        }
    }

    async fn follow(
        &self,
        visit: &Appointment,
        news: &VisitNews,
        sender: &str,
    ) -> Result<Result<(), Obstacle>, StoreError> {
        match &news.what {
            What::Became(fate) => {
                let by = Actor::Staff(sender.to_owned());
                self.table.follow_hospital(self.profile, visit, *fate, &by, self.now).await?;
                Ok(Ok(()))
            }
            What::IsAt(begins) => self.compare(visit, begins.as_ref(), news.clinic.as_deref()).await,
        }
    }

    /// Whether a visit, or the one that has taken its place, is where the hospital has it. What is over here is nowhere.
    async fn compare(
        &self,
        visit: &Appointment,
        begins: Option<&When>,
        clinic: Option<&str>,
    ) -> Result<Result<(), Obstacle>, StoreError> {
        let mut visit = visit.clone();
        for _ in 0..MOVES_FOLLOWED_MAX {
            let Some(next) = &visit.history.moved_to else { break };
            let Some(found) = self.table.appointment(next).await? else { break };
            visit = found;
        }
        let clinic = match clinic {
            Some(key) => self.clinic_codes().await?.our_clinic(key).ok().flatten(),
            None => None,
        };
        let is_there = begins.is_none_or(|begins| is_at(&visit.place, begins))
            && clinic.is_none_or(|clinic| clinic == visit.place.clinic);
        let is_fine = is_there || !visit.is_live(self.now);
        Ok(if is_fine { Ok(()) } else { Err(obstacle(Why::OtherTime, "SCH-11")) })
    }

    /// None: the clinic is known, and nobody has a number of it under this serial.
    async fn find_visit(
        &self,
        news: &VisitNews,
        card: Option<&CardNo>,
    ) -> Result<Result<Option<Appointment>, Lost>, StoreError> {
        let named = card.map_or_else(|| news.numbers.clone(), |card| vec![card.to_string()]);
        for number in &named {
            let Some(person) = self.holder(number).await? else { continue };
            for serial in &news.serials {
                if let Some(visit) = self.table.visit_of(&person, serial).await? {
                    return Ok(Ok(Some(visit)));
                }
            }
        }
        let Some(key) = &news.clinic else { return Ok(Err(Lost::Unknown)) };
        let clinic = match self.clinic_codes().await?.our_clinic(key) {
            Ok(Some(clinic)) => clinic,
            Ok(None) => return Ok(Err(Lost::Unknown)),
            Err((kind, code)) => return Ok(Err(Lost::Code(kind, code))),
        };
        if self.table.clinic_alone(&clinic).await?.is_none() {
            return Ok(Err(Lost::Unknown));
        }
        for serial in &news.serials {
            if let Some(visit) = self.table.visit_in(&clinic, serial).await? {
                return Ok(Ok(Some(visit)));
            }
        }
        Ok(Ok(None))
    }

    async fn clinic_codes(&self) -> Result<Codes, StoreError> {
        let mut entries = self.table.codes_of(CodeKind::Department).await?;
        entries.extend(self.table.codes_of(CodeKind::Doctor).await?);
        Ok(Codes::new(entries, self.profile.his.mapped_only.clone()))
    }
}

/// Whether a time is within the half hour of a place, as far as it says.
fn is_at(place: &Place, begins: &When) -> bool {
    if begins.precision < Precision::Time {
        return begins.date() == place.date;
    }
    (place.starts_at()..place.ends_at()).contains(&begins.at)
}
