//! The adapter for HL7 v2 over HTTP: visits confirmed, moved and cancelled (SIU^S12, S13, S15), people made known (ADT^A28) and
//! cards they use (A31), each known by our serial.
//!
//! HL7 v2 tells; it does not ask where a booking stands. A hospital that takes bookings in it answers that in another
//! language ([`domain::his::HisOperation::Standing`]). A repeat says the same of the same serial and changes nothing.

use crate::call_log::{Outcome, masked};
use crate::error::{HisError, Refusal};
use crate::front_end::{NoCode, TheirPlace, refused_signature};
use crate::machine::{ANSWER_BYTES_MAX, Answered, Machine, Outgoing, WRITE_TIMEOUT_MS, hex};
use crate::numbers::VisitBooking;
use crate::person::{CardBinding, PersonPost, PersonReceipt};
use crate::port::Call;
use domain::clinic::SLOT_MIN;
use domain::his::{CodeKind, HisAdapter};
use domain::id::{AppointmentId, CardNo};
use domain::person::{IdDocument, Phone};
use domain::time::add_minutes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use results::Charset;
use results::hl7::adt::BookingEvent;
use results::hl7::frame;
use results::hl7::message::Message;
use results::hl7::people::{Document, NewPerson, UsedCard, write_new_person, write_used_card};
use results::hl7::siu::{
    Answer, BookingNotice, CONTROL_ID_SENT_CHARS_MAX, Envelope, VisitPlace, read_answer, write_booking,
};
use results::tree::Node;
use std::sync::Arc;

const TARGET: &str = "/his/v1/hl7";
const STATUS_OK: u16 = 200;
const STATUS_UNAUTHORIZED: u16 = 401;
/// A refusal without a code of its own.
const REFUSED: &str = "HL7_REFUSED";

/// The adapter: the machine, and the encoding it is written to in.
#[derive(Debug, Clone)]
pub(crate) struct Hl7 {
    charset: Charset,
    machine: Arc<Machine>,
}

impl Hl7 {
    /// A machine that takes HL7 in an encoding. Its answers say their own.
    pub(crate) fn new(charset: Charset, machine: Arc<Machine>) -> Self {
        Self { charset, machine }
    }

    /// S12.
    pub(crate) async fn confirm(&self, visit: &VisitBooking, call: Call) -> Result<(), HisError> {
        let place = self.place(visit)?;
        let notice = BookingNotice {
            event: BookingEvent::Booked,
            serial: visit.registration.appointment.as_str(),
            former: None,
            visit: Some(told(visit, &place)),
        };
        self.tell("confirm", &notice, call).await
    }

    /// S13: the booking that is over stands in SCH-23.
    pub(crate) async fn reschedule(&self, from: &AppointmentId, to: &VisitBooking, call: Call) -> Result<(), HisError> {
        let place = self.place(to)?;
        let notice = BookingNotice {
            event: BookingEvent::Rescheduled,
            serial: to.registration.appointment.as_str(),
            former: Some(from.as_str()),
            visit: Some(told(to, &place)),
        };
        self.tell("reschedule", &notice, call).await
    }

    /// S15.
    pub(crate) async fn cancel(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        let notice =
            BookingNotice { event: BookingEvent::Cancelled, serial: serial.as_str(), former: None, visit: None };
        self.tell("cancel", &notice, call).await
    }

    /// A28. What number the person has there is not said.
    pub(crate) async fn make_known(&self, post: &PersonPost, call: Call) -> Result<(), HisError> {
        let document =
            |document: &IdDocument| self.document_kind(document).map(|kind| (kind, document.expose().to_owned()));
        let paper = document(&post.document)?;
        let guardian =
            post.guardian.as_ref().map(|one| Ok((one.name.expose(), document(&one.document)?))).transpose()?;
        let told = NewPerson {
            serial: post.serial.as_str(),
            name: post.name.expose(),
            document: document_of(&paper),
            phone: post.phone.as_ref().map(Phone::expose),
            guardian: guardian.as_ref().map(|(name, paper)| (*name, document_of(paper))),
        };
        self.say("person-create", post.serial.as_str(), |envelope| write_new_person(&told, envelope), call).await
    }

    /// A31.
    pub(crate) async fn card_bind(&self, binding: &CardBinding, call: Call) -> Result<PersonReceipt, HisError> {
        let CardBinding { serial, person, card } = binding;
        let told = UsedCard { serial: serial.as_str(), person: person.as_str(), card: card.as_str() };
        self.say("card-bind", serial.as_str(), |envelope| write_used_card(&told, envelope), call).await?;
        Ok(PersonReceipt { person: person.clone(), card: Some(card.clone()) })
    }

    /// The hospital's code of a kind of document.
    fn document_kind(&self, document: &IdDocument) -> Result<String, HisError> {
        self.machine.codes().theirs(CodeKind::DocumentKind, document.kind().code()).ok_or(HisError::Unmapped)
    }

    /// Says something of a person, once. Nothing of it is kept but its serial.
    async fn say(
        &self,
        operation: &str,
        serial: &str,
        write: impl FnOnce(&Envelope<'_>) -> Message,
        call: Call,
    ) -> Result<(), HisError> {
        let noted = self.machine.note((HisAdapter::Hl7, operation), Some(serial), || serial.to_owned(), call);
        let answer = self.exchange(write, call).await;
        noted.end(answer.as_ref().map(|()| Outcome::Told), || None).await;
        answer
    }

    fn place(&self, visit: &VisitBooking) -> Result<TheirPlace, HisError> {
        TheirPlace::of(self.machine.codes(), &visit.registration).map_err(|NoCode| HisError::Unmapped)
    }

    /// Sent once.
    async fn tell(&self, operation: &str, notice: &BookingNotice<'_>, call: Call) -> Result<(), HisError> {
        let request = || masked(&outline(notice));
        let noted = self.machine.note((HisAdapter::Hl7, operation), Some(notice.serial), request, call);
        let answer = self.exchange(|envelope| write_booking(notice, envelope), call).await;
        noted.end(answer.as_ref().map(|()| Outcome::Told), || None).await;
        answer
    }

    async fn exchange(&self, write: impl FnOnce(&Envelope<'_>) -> Message, call: Call) -> Result<(), HisError> {
        let control_id: String = hex(&call.random).chars().rev().take(CONTROL_ID_SENT_CHARS_MAX).collect();
        let envelope = Envelope { control_id: &control_id, sent_at: call.now, charset: self.charset };
        let message = write(&envelope);
        let outgoing = Outgoing {
            method: Method::POST,
            target: TARGET.to_owned(),
            headers: vec![(CONTENT_TYPE.as_str(), self.content_type())],
            body: frame::write(&message, self.charset, false).map_err(|_| HisError::Unavailable)?,
            timeout_ms: WRITE_TIMEOUT_MS,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.machine.exchange(outgoing, expects, call).await?;
        if answer.status == STATUS_UNAUTHORIZED {
            return Err(refused_signature(&answer));
        }
        read(&answer, &control_id)
    }

    fn content_type(&self) -> String {
        let charset = if self.charset == Charset::Gb18030 { "GB18030" } else { "UTF-8" };
        format!("x-application/hl7-v2+er7; charset={charset}")
    }
}

fn document_of((kind, number): &(String, String)) -> Document<'_> {
    Document { kind, number }
}

fn expects(status: u16) -> bool {
    matches!(status, STATUS_OK | STATUS_UNAUTHORIZED)
}

/// An acknowledgement of this very message, in an MLLP frame or without.
fn read(answer: &Answered, control_id: &str) -> Result<(), HisError> {
    let body = frame::read(&answer.body).map_err(|_| HisError::Unreadable)?;
    let message = body.messages.into_iter().next().and_then(Result::ok).ok_or(HisError::Unreadable)?;
    match read_answer(&message, control_id).map_err(|_| HisError::Unreadable)? {
        Answer::Accepted => Ok(()),
        Answer::Refused(reason) => {
            let code = reason.as_deref().and_then(Refusal::from_code);
            Err(HisError::Refused { code: code.unwrap_or_else(|| Refusal::Other(REFUSED.to_owned())) })
        }
    }
}

/// A visit as it is told. Midnight does not part a half hour.
fn told<'a>(visit: &'a VisitBooking, place: &'a TheirPlace) -> VisitPlace<'a> {
    let begins = visit.start.instant(visit.registration.date);
    VisitPlace {
        clinic: &place.clinic,
        number: visit.registration.number,
        department: &place.department,
        doctor: place.doctor.as_deref(),
        begins,
        ends: add_minutes(begins, i64::from(SLOT_MIN)),
        card_no: visit.card_no.as_ref().map(CardNo::as_str),
    }
}

/// What is kept of a message.
fn outline(notice: &BookingNotice<'_>) -> Node {
    let visit = notice.visit.as_ref();
    Node::object([
        ("serial", Some(Node::text(notice.serial))),
        ("from", notice.former.map(Node::text)),
        ("clinic", visit.map(|visit| Node::text(visit.clinic))),
        ("number", visit.map(|visit| Node::text(visit.number.to_string()))),
        ("department", visit.map(|visit| Node::text(visit.department))),
        ("doctor", visit.and_then(|visit| visit.doctor).map(Node::text)),
        ("start", visit.map(|visit| Node::text(visit.begins.to_string()))),
        ("card_no", visit.and_then(|visit| visit.card_no).map(Node::text)),
    ])
}
