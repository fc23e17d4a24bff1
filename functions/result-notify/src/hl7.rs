//! HL7 v2 over HTTP, results (ORU), orders (ORM, OML, OMG), people (ADT) and bookings (SIU): one message, MLLP frames or a
//! batch; each message is acknowledged for itself, in the encoding it came in.

use crate::signed::{Refused, Signed};
use crate::{App, answer};
use domain::report::Wire;
use domain::report::unplaced::{Unplaced, Why};
use intake::{Delivery, Inbox, Parsed};
use lambda_http::Body;
use results::hl7::frame;
use results::hl7::header::{Header, Outcome, acknowledge};
use results::hl7::message::Message;
use results::{Charset, Fault, FaultKind};
use runtime::random::hex;
use web::{Response, StatusCode};

pub(crate) async fn take(app: &App, inbox: &Inbox<'_>, signed: &Signed<'_>) -> Result<Response, Refused> {
    let is_framed = frame::is_framed(signed.body);
    let (charset, answers) = match frame::read(signed.body) {
        Ok(body) => (body.charset, each(app, inbox, signed, &body).await?),
        Err(fault) => {
            let outcome = keep(inbox, signed, signed.body, &Err(fault)).await;
            (Charset::Utf8, acknowledge(&Header::of_unreadable(signed.body), &outcome, &id_of(app)?, inbox.now))
        }
    };
    let mut written = Vec::new();
    for message in &answers {
        // Names of ours and codes: every encoding has them.
        written.extend(frame::write(message, charset, is_framed).map_err(|_| Refused::Unavailable)?);
    }
    Ok(answer(StatusCode::OK, content_type(charset), Body::Binary(written)))
}

async fn each(app: &App, inbox: &Inbox<'_>, signed: &Signed<'_>, body: &frame::Body) -> Result<Vec<Message>, Refused> {
    let mut answers = Vec::new();
    for (message, raw) in body.messages.iter().zip(&body.raw) {
        let header =
            message.clone().and_then(|message| Header::read(&message)).unwrap_or_else(|_| Header::of_unreadable(raw));
        let outcome = keep(inbox, signed, raw, message).await;
        answers.extend(acknowledge(&header, &outcome, &id_of(app)?, inbox.now));
    }
    Ok(answers)
}

/// Files a message, or keeps it whole.
async fn keep(inbox: &Inbox<'_>, signed: &Signed<'_>, raw: &[u8], message: &Result<Message, Fault>) -> Outcome {
    let parsed = message.as_ref().map_err(Clone::clone).and_then(Parsed::of_hl7);
    let fault = parsed.as_ref().err().cloned();
    if let Some(fault) = &fault
        && fault.kind == FaultKind::Unsupported
    {
        // Nothing that is taken here: nothing to keep.
        return Outcome::Rejected(fault.clone());
    }
    let delivery = Delivery { wire: Wire::Hl7, sender: &signed.sender, charset: None, body: raw };
    match inbox.take_read(&delivery, parsed).await {
        Ok(taken) => match taken.kept {
            None => Outcome::Accepted,
            Some(kept) => Outcome::Error(fault.unwrap_or_else(|| fault_of(&kept))),
        },
        Err(error) => {
            crate::later("table", &error);
            Outcome::Rejected(Fault::at("MSH", FaultKind::Unavailable))
        }
    }
}

/// What stands against a message, where HL7 would look for it.
fn fault_of(kept: &Unplaced) -> Fault {
    let (place, kind) = match kept.obstacle.why {
        Why::UnknownPatient => ("PID-3", FaultKind::Dangling),
        Why::NoNumber => ("PID-3", FaultKind::Missing),
        Why::OtherName => ("PID-5", FaultKind::OtherPatient),
        Why::TwoPatients => ("PID-3", FaultKind::OtherPatient),
        Why::OthersReport => ("OBR-3", FaultKind::Twice),
        Why::UnknownVisit => ("SCH-1", FaultKind::Dangling),
        Why::OtherTime => ("SCH-11", FaultKind::Disagrees),
        Why::UnknownCode if kept.obstacle.place.starts_with("SCH") => ("SCH-5", FaultKind::UnknownCode),
        Why::UnknownCode => ("OBX-3", FaultKind::UnknownCode),
        Why::Encoding => ("MSH-18", FaultKind::Encoding),
        Why::Unreadable => ("MSH", FaultKind::Syntax),
    };
    Fault::at(place, kind)
}

/// The control id of an answer.
fn id_of(app: &App) -> Result<String, Refused> {
    let bytes: [u8; 8] = app.desk.random.bytes().map_err(|error| crate::later("randomness", &error))?;
    Ok(hex(&bytes).to_uppercase())
}

fn content_type(charset: Charset) -> &'static str {
    match charset {
        Charset::Gb18030 => "application/hl7-v2; charset=gb18030",
        Charset::Latin1 => "application/hl7-v2; charset=iso-8859-1",
        Charset::Utf8 => "application/hl7-v2; charset=utf-8",
        Charset::Other(_) => "application/hl7-v2",
    }
}
