//! The hospital says what became of visits, over the wire that results come by.

use crate::world::{World, now, profile};
use domain::appointment::{Appointment, Booker, CancelledBy, State};
use domain::clinic::{Channel, Clinic, Slot};
use domain::his::{CodeEntry, CodeKind};
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::report::Wire;
use domain::report::unplaced::{Obstacle, Why};
use domain::time::add_days;
use intake::{Delivery, Inbox, Replayed};
use store::registration::HoldRequest;

const CARD: &str = "V20180031";
const DAY: i32 = 2;

fn siu(event: &str, control_id: &str, serial: &str, rest: &str, pid: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|H|DESK|H|20261125083000||SIU^{event}|{control_id}|P|2.5.1\r\
         SCH|{serial}|F7|{rest}\r{pid}RGS|1|U\rAIL|1|U|XNK\r"
    )
}

fn pid(card: &str) -> String {
    format!("PID|1||{card}^^^H^MR||林^晓梅\r")
}

struct Desk {
    world: World,
    patient: PatientId,
    clinic: Clinic,
    visit: Appointment,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let patient = world.person(1, "林晓梅", CARD).await;
        let date = add_days(domain::time::today(now()), DAY);
        let clinic = kit::clinic("XNK", date, 0, profile().booking.release_at(date));
        let slots = ["0830", "0900"]
            .map(|start| Slot::fresh(&clinic, start.parse().unwrap(), if start == "0830" { 1 } else { 5 }, 4));
        assert!(world.table().put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
        let mut desk = Self { visit: book(&world, &patient, &clinic, 1).await, world, patient, clinic };
        desk.visit = desk.now(&desk.visit.clone()).await;
        desk
    }

    async fn now(&self, visit: &Appointment) -> Appointment {
        self.world.table().appointment(&visit.key()).await.unwrap().unwrap()
    }

    async fn says(&self, message: &str, code: &str) {
        assert_eq!(self.world.hl7(message.as_bytes()).await.codes(), [code], "{message}");
    }

    async fn kept(&self) -> Vec<Obstacle> {
        let kept = self.world.table().open_unplaced().await.unwrap();
        kept.into_iter().map(|kept| kept.obstacle).collect()
    }

    async fn replays(&self) -> Replayed {
        let kept = self.world.table().open_unplaced().await.unwrap().remove(0);
        let (profile, desk) = (profile(), &self.world.app.desk);
        let inbox =
            Inbox { table: &desk.table, keys: &self.world.keys, profile: &profile, nonces: &desk.random, now: now() };
        inbox.replay(&kept.id, "his-sync", None).await.unwrap()
    }
}

async fn book(world: &World, patient: &PatientId, clinic: &Clinic, n: u8) -> Appointment {
    let request = HoldRequest {
        appointment: AppointmentId::from_bytes([n; 10]),
        booker: Booker::Staff("window".into()),
        patient: patient.clone(),
        patient_name_masked: "林*梅".into(),
        clinic: clinic.clone(),
        start: "0830".parse().unwrap(),
        channel: Channel::Window,
        rest_min: 0,
        follow_up_of: None,
    };
    world.table().hold(&profile(), &request, now()).await.unwrap()
}

#[tokio::test]
async fn a_number_given_back_at_the_hospital_is_given_back_here_once() {
    let desk = Desk::new().await;
    assert_eq!(desk.visit.state, State::Booked);
    let serial = desk.visit.id.as_str();
    let message = siu("S15", "B1", serial, "", &pid(CARD));
    for _ in 0..2 {
        desk.says(&message, "AA").await;
    }
    desk.says(&message.replace("|B1|", "|B2|"), "AA").await;
    let cancelled = desk.now(&desk.visit).await;
    assert_eq!(cancelled.state, State::Cancelled { by: CancelledBy::Window, refund: false });
    assert!(desk.world.table().gate(&desk.patient).await.unwrap().entries.is_empty());
    // A word that comes late, or says the opposite, does no harm.
    for (event, control_id) in [("S12", "B3"), ("S26", "B4"), ("S14", "B5")] {
        desk.says(&siu(event, control_id, serial, "", &pid(CARD)), "AA").await;
    }
    assert_eq!(desk.now(&desk.visit).await.state, cancelled.state);
    assert_eq!(desk.kept().await, []);
}

#[tokio::test]
async fn a_visit_is_found_by_its_clinic_where_nobody_is_named() {
    let desk = Desk::new().await;
    let serial = format!("{}^MENZHEN", desk.visit.id);
    let clinic = |key: &str| siu("S15", "B1", &serial, &format!("||{key}"), "");
    let theirs = desk.clinic.id.as_str().replace("XNK", "0203");
    desk.says(&clinic(&theirs), "AE").await;
    assert_eq!(desk.kept().await, [Obstacle { why: Why::UnknownVisit, place: "SCH-1".into() }]);
    let entry =
        CodeEntry { kind: CodeKind::Department, theirs: "0203".into(), ours: "XNK".into(), name: String::new() };
    desk.world.table().put_code(&entry).await.unwrap();
    assert!(matches!(desk.replays().await, Replayed::Placed(_)));
    assert!(desk.now(&desk.visit).await.is_cancelled());
    // Nobody has a number there any more: nothing is left to do.
    desk.says(&clinic(desk.clinic.id.as_str()).replace("|B1|", "|B2|"), "AA").await;
}

#[tokio::test]
async fn a_code_of_a_clinic_that_has_to_be_mapped_waits() {
    let desk = Desk::new().await;
    let mut strict: HospitalProfile = profile();
    strict.his.mapped_only.insert(CodeKind::Department);
    let key = desk.clinic.id.as_str().replace("XNK", "0203");
    let message = siu("S15", "B1", desk.visit.id.as_str(), &format!("||{key}"), "");
    let app = &desk.world.app.desk;
    let inbox = Inbox { table: &app.table, keys: &desk.world.keys, profile: &strict, nonces: &app.random, now: now() };
    let delivery = Delivery { wire: Wire::Hl7, sender: "his", charset: None, body: message.as_bytes() };
    let kept = inbox.take(&delivery).await.unwrap().kept.unwrap();
    assert_eq!(kept.obstacle, Obstacle { why: Why::UnknownCode, place: "SCH-5".into() });
    let unknown = app.table.unknown_codes().await.unwrap().remove(0);
    assert_eq!((unknown.kind, unknown.theirs.as_str()), (CodeKind::Department, "0203"));
}

#[tokio::test]
async fn a_booking_of_the_hospitals_own_is_its_own_business() {
    let desk = Desk::new().await;
    for (control_id, serial) in [("B1", "HIS-20261125-17"), ("B2", "2026112500000017"), ("B3", "0000000000000001^HIS")]
    {
        for event in ["S12", "S13", "S14", "S15", "S26"] {
            desk.says(&siu(event, &format!("{control_id}{event}"), serial, "", &pid(CARD)), "AA").await;
        }
    }
    let of_theirs = format!("{}^HIS", desk.visit.id);
    desk.says(&siu("S15", "B4", &of_theirs, "", &pid(CARD)), "AA").await;
    assert_eq!((desk.now(&desk.visit).await.state, desk.kept().await), (State::Booked, vec![]));
}

#[tokio::test]
async fn a_visit_nobody_knows_waits_until_somebody_is_known() {
    let desk = Desk::new().await;
    let message = siu("S15", "B1", desk.visit.id.as_str(), "", &pid("V9"));
    desk.says(&message, "AE").await;
    assert_eq!(desk.kept().await, [Obstacle { why: Why::UnknownVisit, place: "SCH-1".into() }]);
    desk.world.table().name_person(&"V9".parse().unwrap(), &desk.patient).await.unwrap();
    assert_eq!(desk.world.table().hurry_unplaced(&desk.world.keys, "V9", now()).await.unwrap(), 1);
    assert!(matches!(desk.replays().await, Replayed::Placed(_)));
    assert!(desk.now(&desk.visit).await.is_cancelled());
    desk.says("MSH|^~\\&|HIS|H|DESK|H|20261125083000||SIU^S15|B2|P|2.5.1\rRGS|1|U\r", "AE").await;
    desk.says("MSH|^~\\&|HIS|H|DESK|H|20261125083000||SIU^S17|B3|P|2.5.1\rSCH|1|2\r", "AR").await;
}

#[tokio::test]
async fn another_time_at_the_hospital_waits_for_staff_to_move_the_visit() {
    let desk = Desk::new().await;
    let date = desk.visit.place.date.strftime("%Y%m%d").to_string();
    let at = |event: &str, control_id: &str, clock: &str| {
        let when = format!("||||||||^^^{date}{clock}00");
        siu(event, control_id, desk.visit.id.as_str(), &when, &pid(CARD))
    };
    desk.says(&at("S14", "B1", "0845"), "AA").await;
    assert_eq!(desk.kept().await, [], "the same half hour, to the minute");
    desk.says(&at("S13", "B2", "0900"), "AE").await;
    assert_eq!(desk.kept().await, [Obstacle { why: Why::OtherTime, place: "SCH-11".into() }]);
    assert_eq!(desk.now(&desk.visit).await.state, State::Booked, "nothing is done half");
    assert!(matches!(desk.replays().await, Replayed::Kept(_)));
    let profile = profile();
    let request = store::reschedule::MoveRequest {
        from: desk.visit.key(),
        to: AppointmentId::from_bytes([9; 10]),
        clinic: desk.clinic.clone(),
        start: "0900".parse().unwrap(),
        rest_min: 0,
    };
    let by = domain::event::Actor::Staff("window".into());
    let moved = desk.world.table().reschedule(&profile, &request, &by, now(), async |_, _| Ok(())).await.unwrap();
    assert!(matches!(desk.replays().await, Replayed::Placed(_)), "{:?}", moved.place);
    desk.says(&at("S13", "B3", "0930"), "AE").await;
}

#[tokio::test]
async fn a_visit_that_is_registered_with_no_number_of_ours_is_about_a_person_only() {
    let desk = Desk::new().await;
    let a04 = |control_id: &str, number: &str| {
        format!(
            "MSH|^~\\&|HIS|H|DESK|H|20261125083000||ADT^A04|{control_id}|P|2.5\rEVN|A04\r{}PV1|1|O|||{number}\r",
            pid(CARD)
        )
    };
    desk.says(&a04("A1", "17^^^HIS"), "AA").await;
    desk.says(&a04("A2", desk.visit.id.as_str()), "AA").await;
    assert_eq!(desk.now(&desk.visit).await.state, State::Booked, "it is not today");
    desk.says(&a04("A3", "zzzzzzzzzzzzzzzz"), "AE").await;
    assert_eq!(desk.kept().await[0].why, Why::UnknownVisit);
}
