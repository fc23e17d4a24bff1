//! SIU^S12 to S15 and S26 as they are written (2.5.1): what became of a booking of ours, for the system that keeps the
//! numbers; and what that system answers.

use super::adt::BookingEvent;
use super::build::{charset_name, composite, plain, segment, sparse};
use super::message::{Field, Message, Segment, Separators};
use crate::charset::Charset;
use crate::fault::{Fault, FaultKind};
use domain::Timestamp;
use domain::time::wall_clock;

/// The longest control id others take before 2.7, in characters.
pub const CONTROL_ID_SENT_CHARS_MAX: usize = 20;

const VERSION: &str = "2.5.1";
const TIME_FORMAT: &str = "%Y%m%d%H%M%S+0800";
/// We say that there is a name and not which: a card is enough (table 0200).
const NAME_UNSAID: [&str; 7] = ["", "", "", "", "", "", "U"];

/// What every message says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// MSH-10, at most [`CONTROL_ID_SENT_CHARS_MAX`].
    pub control_id: &'a str,
    /// MSH-7.
    pub sent_at: Timestamp,
    /// MSH-18.
    pub charset: Charset,
}

/// A visit and the number (号) it has, in the receiver's codes.
#[derive(Clone, Copy, Debug)]
pub struct VisitPlace<'a> {
    /// The clinic's key (SCH-5).
    pub clinic: &'a str,
    /// The number (AIG-3).
    pub number: u16,
    /// Where (AIL-3).
    pub department: &'a str,
    /// With whom (AIP-3); none when the clinic has no doctor of choice.
    pub doctor: Option<&'a str>,
    /// The half hour of the number (TQ1-7, TQ1-8).
    pub begins: Timestamp,
    /// When it is over.
    pub ends: Timestamp,
    /// The visit card (PID-3); none for somebody without one, who is then not named at all.
    pub card_no: Option<&'a str>,
}

/// What became of a booking.
#[derive(Clone, Copy, Debug)]
pub struct BookingNotice<'a> {
    /// What happened.
    pub event: BookingEvent,
    /// Our number of the booking (SCH-1).
    pub serial: &'a str,
    /// The booking it was before it was moved (SCH-23).
    pub former: Option<&'a str>,
    /// The visit; none when a booking that is over needs no more than its number.
    pub visit: Option<VisitPlace<'a>>,
}

/// Writes a notice as a message.
pub fn write_booking(notice: &BookingNotice<'_>, envelope: &Envelope<'_>) -> Message {
    let action = action_of(notice.event);
    let kind = ["SIU", event_code(notice.event), "SIU_S12"];
    let mut segments = vec![header(kind, envelope), appointment(notice)];
    if let Some(visit) = &notice.visit {
        segments.push(timing(visit));
        segments.extend(visit.card_no.map(patient));
    }
    segments.push(segment("RGS", [plain("1"), plain(action)]));
    if let Some(visit) = &notice.visit {
        segments.extend(resources(visit, action));
    }
    Message { separators: Separators::default(), segments }
}

fn event_code(event: BookingEvent) -> &'static str {
    match event {
        BookingEvent::Booked => "S12",
        BookingEvent::Rescheduled => "S13",
        BookingEvent::Modified => "S14",
        BookingEvent::Cancelled => "S15",
        BookingEvent::NoShow => "S26",
    }
}

/// Table 0206.
fn action_of(event: BookingEvent) -> &'static str {
    match event {
        BookingEvent::Booked => "A",
        BookingEvent::Rescheduled | BookingEvent::Modified | BookingEvent::NoShow => "U",
        BookingEvent::Cancelled => "D",
    }
}

/// Table 0278.
fn status_of(event: BookingEvent) -> &'static str {
    match event {
        BookingEvent::Booked | BookingEvent::Rescheduled | BookingEvent::Modified => "Booked",
        BookingEvent::Cancelled => "Cancelled",
        BookingEvent::NoShow => "Noshow",
    }
}

pub(super) fn moment(at: Timestamp) -> Field {
    plain(&wall_clock(at).strftime(TIME_FORMAT).to_string())
}

/// MSH of a message of ours: its code, event and structure.
pub(super) fn header(kind: [&str; 3], envelope: &Envelope<'_>) -> Segment {
    sparse(
        "MSH",
        [
            (1, plain("|")),
            (2, plain("^~\\&")),
            (3, plain("MENZHEN")),
            (5, plain("HIS")),
            (7, moment(envelope.sent_at)),
            (9, composite(&kind)),
            (10, plain(envelope.control_id)),
            (11, plain("P")),
            (12, plain(VERSION)),
            (18, plain(charset_name(envelope.charset))),
        ],
    )
}

/// SCH-16 and SCH-20, whom to ask and who entered it, are required: it is the desk.
fn appointment(notice: &BookingNotice<'_>) -> Segment {
    let desk = || composite(&["MENZHEN"]);
    let status = status_of(notice.event);
    let mut fields = vec![
        (1, plain(notice.serial)),
        (6, composite(&[event_code(notice.event), "", "HL70003"])),
        (16, desk()),
        (20, desk()),
        (25, composite(&[status, "", "HL70278"])),
    ];
    fields.extend(notice.visit.map(|visit| (5, plain(visit.clinic))));
    fields.extend(notice.former.map(|former| (23, plain(former))));
    sparse("SCH", fields)
}

fn timing(visit: &VisitPlace<'_>) -> Segment {
    sparse("TQ1", [(1, plain("1")), (7, moment(visit.begins)), (8, moment(visit.ends))])
}

fn patient(card_no: &str) -> Segment {
    sparse("PID", [(1, plain("1")), (3, composite(&[card_no, "", "", "HIS", "MR"])), (5, composite(&NAME_UNSAID))])
}

fn resources(visit: &VisitPlace<'_>, action: &str) -> impl Iterator<Item = Segment> {
    let line = |name: &str, what: Field, more: Option<Field>| {
        segment(name, [plain("1"), plain(action), what].into_iter().chain(more))
    };
    let number = visit.number.to_string();
    [
        line("AIS", plain("OUTPATIENT"), None),
        line("AIG", plain(&number), Some(plain("NUMBER"))),
        line("AIL", plain(visit.department), None),
    ]
    .into_iter()
    .chain(visit.doctor.map(|doctor| line("AIP", plain(doctor), None)))
    .collect::<Vec<_>>()
    .into_iter()
}

/// What the receiver answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `AA` or `CA`.
    Accepted,
    /// `AE`, `AR`, `CE` or `CR`: its own code of why (ERR-5), else that of table 0357 (ERR-3), else none.
    Refused(Option<String>),
}

/// Reads an acknowledgement of the message with this control id. One of another message is no answer.
pub fn read_answer(message: &Message, control_id: &str) -> Result<Answer, Fault> {
    let msa = message.named("MSA").next().ok_or_else(|| Fault::at("MSA", FaultKind::Missing))?;
    if msa.text(2, 1) != control_id {
        return Err(Fault::at("MSA-2", FaultKind::Dangling));
    }
    match msa.text(1, 1) {
        "AA" | "CA" => Ok(Answer::Accepted),
        "AE" | "AR" | "CE" | "CR" => Ok(Answer::Refused(reason(message))),
        _ => Err(Fault::at("MSA-1", FaultKind::UnknownCode)),
    }
}

fn reason(message: &Message) -> Option<String> {
    let err = message.named("ERR").next()?;
    let own = Some(err.text(5, 1)).filter(|code| !code.is_empty()).map(str::to_owned);
    own.or_else(|| Some(err.text(3, 1)).filter(|code| !code.is_empty()).map(|code| format!("HL7_{code}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::adt::read_booking;
    use crate::hl7::frame;

    fn visit() -> VisitPlace<'static> {
        VisitPlace {
            clinic: "20261124-am-0203-D7",
            number: 12,
            department: "0203",
            doctor: Some("D7"),
            begins: "2026-11-24T00:30:00Z".parse().unwrap(),
            ends: "2026-11-24T01:00:00Z".parse().unwrap(),
            card_no: Some("V20180031"),
        }
    }

    fn written(notice: &BookingNotice<'_>) -> Message {
        let sent_at = "2026-11-23T02:00:00Z".parse().unwrap();
        write_booking(notice, &Envelope { control_id: "0123456789abcdef0123", sent_at, charset: Charset::Gb18030 })
    }

    #[test]
    fn a_visit_is_told_as_the_standard_says() {
        let moved =
            BookingNotice { event: BookingEvent::Rescheduled, serial: "b", former: Some("a"), visit: Some(visit()) };
        let over = BookingNotice { event: BookingEvent::Cancelled, serial: "b", former: None, visit: None };
        let text = [moved, over].map(|notice| written(&notice).write().replace('\r', "\n")).concat();
        assert_eq!(
            text,
            "MSH|^~\\&|MENZHEN||HIS||20261123100000+0800||SIU^S13^SIU_S12|0123456789abcdef0123|P|2.5.1||||||GB 18030-2000\n\
             SCH|b||||20261124-am-0203-D7|S13^^HL70003||||||||||MENZHEN||||MENZHEN|||a||Booked^^HL70278\n\
             TQ1|1||||||20261124083000+0800|20261124090000+0800\n\
             PID|1||V20180031^^^HIS^MR||^^^^^^U\n\
             RGS|1|U\nAIS|1|U|OUTPATIENT\nAIG|1|U|12|NUMBER\nAIL|1|U|0203\nAIP|1|U|D7\n\
             MSH|^~\\&|MENZHEN||HIS||20261123100000+0800||SIU^S15^SIU_S12|0123456789abcdef0123|P|2.5.1||||||GB 18030-2000\n\
             SCH|b|||||S15^^HL70003||||||||||MENZHEN||||MENZHEN|||||Cancelled^^HL70278\n\
             RGS|1|D\n"
        );
    }

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        for event in [BookingEvent::Booked, BookingEvent::Rescheduled, BookingEvent::Modified, BookingEvent::NoShow] {
            let message = written(&BookingNotice { event, serial: "b", former: None, visit: Some(visit()) });
            let bytes = frame::write(&message, Charset::Gb18030, true).unwrap();
            let body = frame::read(&bytes).unwrap();
            assert_eq!(body.charset, Charset::Gb18030);
            let read = read_booking(body.messages[0].as_ref().unwrap()).unwrap();
            assert_eq!((read.event, read.placer.unwrap().value.as_str()), (event, "b"));
            assert_eq!(read.begins.unwrap().iso(), "2026-11-24T08:30:00+08:00");
            assert_eq!(
                read.resources.iter().map(|one| one.as_str().to_owned()).collect::<Vec<_>>(),
                ["D7", "0203", "12", "OUTPATIENT"]
            );
            assert_eq!(read.person.unwrap().identifiers[0].value.as_ref().unwrap().as_str(), "V20180031");
        }
    }

    #[test]
    fn an_answer_is_that_to_our_message() {
        let answer = |segments: &str| {
            let text = format!("MSH|^~\\&|HIS||MENZHEN||20261123||ACK|1|P|2.5.1\r{segments}");
            read_answer(&Message::read(&text).unwrap(), "7")
        };
        assert_eq!(answer("MSA|AA|7\r"), Ok(Answer::Accepted));
        assert_eq!(answer("MSA|AE|7\rERR|||207|E|NUMBER_TAKEN\r"), Ok(Answer::Refused(Some("NUMBER_TAKEN".into()))));
        assert_eq!(answer("MSA|AR|7\rERR|||200|E\r"), Ok(Answer::Refused(Some("HL7_200".into()))));
        assert_eq!(answer("MSA|CR|7\r"), Ok(Answer::Refused(None)));
        for (wrong, place) in [("MSA|AA|8\r", "MSA-2"), ("MSA|XX|7\r", "MSA-1"), ("", "MSA")] {
            assert_eq!(answer(wrong).unwrap_err().place, place);
        }
    }
}
