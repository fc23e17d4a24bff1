//! The hospital's word about visits of ours. It stands on its list of changes or comes as HL7 v2: the same comes of it, with
//! money and credit, however often it is said.

use crate::sender;
use crate::visit::hospital::{Hospital, Person, appointment_key, keyring, slot};
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, State};
use domain::credit::StrikeState;
use domain::id::CardNo;
use domain::profile::{NumbersPolicy, PullPolicy};
use domain::report::Wire;
use domain::time;
use intake::{Delivery, Inbox};
use serde_json::json;

const CARD: &str = "V20180031";
/// More than a number rests.
const REST_MIN: i64 = 31;

/// By which way the hospital speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Changes,
    Hl7,
}

/// What it says, in both languages: a path of the stand-in's control and a message with its status.
#[derive(Clone, Copy)]
struct Word {
    change: &'static str,
    message: &'static str,
    status: &'static str,
}

const CAME: Word = Word { change: "come", message: "ADT^A04", status: "" };
const SEEN: Word = Word { change: "see", message: "SIU^S14", status: "Complete" };
const MISSED: Word = Word { change: "miss", message: "SIU^S26", status: "Noshow" };
const GIVEN_BACK: Word = Word { change: "give-back", message: "SIU^S15", status: "Cancelled" };

struct World {
    hospital: Hospital,
    person: Person,
    way: Way,
}

impl World {
    async fn new(way: Way) -> Self {
        let mut hospital = Hospital::open().await;
        let pull = Some(PullPolicy::default());
        hospital.set_numbers(NumbersPolicy { pull, ..NumbersPolicy::default() }).await;
        let person = hospital.patient("lin").await;
        let card: CardNo = CARD.parse().unwrap();
        hospital.give_card(&person, &card).await;
        Self { hospital, person, way }
    }

    async fn read(&self, key: &AppointmentKey) -> Appointment {
        self.hospital.table.appointment(key).await.unwrap().unwrap()
    }

    /// A number that is paid for; the hospital knows.
    async fn paid(&self, key: &str) -> AppointmentKey {
        let clinic = self.hospital.clinic(1).await;
        let (status, held) = self.hospital.hold(&self.person, &clinic, key).await;
        assert_eq!(status, 200, "{held}");
        let key = appointment_key(&held);
        let (_, prepay) = self.hospital.prepay(&self.person, &key).await;
        let notification = self.hospital.pay(&self.person, &prepay).await;
        assert_eq!(self.hospital.notify(&notification).await, 200);
        self.hospital.tick().await;
        assert_eq!(self.read(&key).await.state, State::Booked);
        key
    }

    /// A free visit.
    async fn booked(&self, key: &str) -> AppointmentKey {
        let clinic = self.hospital.clinic_at(2, 0).await;
        let (status, held) = self.hospital.hold(&self.person, &clinic, key).await;
        assert_eq!((status, held["state"].as_str()), (200, Some("booked")), "{held}");
        self.hospital.tick().await;
        appointment_key(&held)
    }

    /// Says it twice.
    async fn says(&self, word: Word, key: &AppointmentKey) {
        let visit = self.read(key).await;
        for time in 0..2 {
            match self.way {
                Way::Changes => {
                    let body = json!({ "clinic": visit.place.clinic, "appointment": key.id });
                    self.hospital.his.post(word.change, body).await;
                    self.hospital.table.change_pull(|pull| pull.asked(self.hospital.now())).await.unwrap();
                    assert_eq!(his_sync::handle(&self.hospital.his_sync).await.failed, 0);
                }
                Way::Hl7 => self.sends(word, key, &format!("{}-{time}", word.change)).await,
            }
        }
    }

    async fn sends(&self, word: Word, key: &AppointmentKey, number: &str) {
        let Word { message, status, .. } = word;
        let id = &key.id;
        let what = match message {
            "ADT^A04" => format!("EVN|A04\rPID|1||{CARD}^^^H^MR\rPV1|1|O|||{id}^^^MENZHEN\r"),
            _ => format!("SCH|{id}|F{number}|||||||||||||||||||||||{status}\rPID|1||{CARD}^^^H^MR\r"),
        };
        let text = format!("MSH|^~\\&|HIS|H|DESK|H|20261125083000||{message}|{id}-{number}|P|2.5\r{what}");
        let (keys, desk) = (keyring(), &self.hospital.his_sync.desk);
        let inbox = Inbox {
            table: &self.hospital.table,
            keys: &keys,
            profile: &self.hospital.profile,
            nonces: &desk.random,
            now: self.hospital.now(),
        };
        let delivery = Delivery { wire: Wire::Hl7, sender: sender::MACHINE, charset: None, body: text.as_bytes() };
        let taken = inbox.take(&delivery).await.unwrap();
        assert_eq!(taken.kept, None, "{text}");
    }

    async fn pass_until_after(&self, key: &AppointmentKey, minutes: i64) {
        let end = time::add_minutes(self.read(key).await.place.ends_at(), minutes);
        self.hospital.pass_minutes((end.as_second() - self.hospital.now().as_second()) / 60 + 1).await;
    }

    async fn strike(&self, key: &AppointmentKey) -> Option<StrikeState> {
        let record = self.hospital.table.gate(&self.person.patient).await.unwrap().record;
        record.strikes.get(&key.id).map(|strike| strike.state)
    }

    async fn settles(&self) {
        for minutes in [2, 11, REST_MIN, REST_MIN] {
            self.hospital.pass_minutes(minutes).await;
            self.hospital.tick().await;
            self.hospital.tick().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_given_back_at_the_hospital_is_free_and_its_money_goes_back() {
    for way in [Way::Changes, Way::Hl7] {
        let world = World::new(way).await;
        let key = world.paid("given-back").await;
        world.says(GIVEN_BACK, &key).await;
        let cancelled = world.read(&key).await;
        assert_eq!(cancelled.state, State::Cancelled { by: CancelledBy::Window, refund: true }, "{way:?}");
        // What contradicts it changes nothing.
        for word in [CAME, SEEN, MISSED] {
            world.says(word, &key).await;
        }
        world.settles().await;
        assert!(world.read(&key).await.is_cancelled(), "{way:?}");
        let order = world.hospital.table.order(&cancelled.out_trade_no()).await.unwrap().unwrap();
        assert_eq!(order.kept().unwrap().get(), 0, "{way:?}: all of it, once");
        assert_ne!(world.hospital.at_the_his(&key.id).await.as_deref(), Some("confirmed"), "{way:?}");
        assert!(world.hospital.table.gate(&world.person.patient).await.unwrap().entries.is_empty());
        let slot = world.hospital.table.slot(&cancelled.place.clinic, slot()).await.unwrap().unwrap();
        assert_eq!((slot.free_numbers, slot.taken.len()), ([1].into(), 0), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_came_is_certain_once_the_hospital_says_so() {
    for way in [Way::Changes, Way::Hl7] {
        let world = World::new(way).await;
        let key = world.booked("missed").await;
        world.says(MISSED, &key).await;
        assert_eq!(world.read(&key).await.state, State::Booked, "{way:?}: the slot is not over");
        world.pass_until_after(&key, 1).await;
        let again = Word { change: "miss", message: "SIU^S14", ..MISSED };
        world.says(again, &key).await;
        assert_eq!(world.read(&key).await.state, State::NoShow, "{way:?}");
        assert_eq!(world.strike(&key).await, Some(StrikeState::Final), "{way:?}");
        // Seen after all: the doctor knows best.
        world.says(SEEN, &key).await;
        assert_eq!(world.read(&key).await.state, State::Fulfilled, "{way:?}");
        assert_eq!(world.strike(&key).await, Some(StrikeState::Cleared), "{way:?}");
        for word in [MISSED, GIVEN_BACK, CAME] {
            let late = Word {
                message: "SIU^S14",
                status: if word.status.is_empty() { "Started" } else { word.status },
                ..word
            };
            world.says(late, &key).await;
        }
        assert_eq!(world.read(&key).await.state, State::Fulfilled, "{way:?}: a visit that took place stays so");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_registered_at_the_hospital_waits_in_our_queue() {
    for way in [Way::Changes, Way::Hl7] {
        let world = World::new(way).await;
        let key = world.booked("came").await;
        world.says(CAME, &key).await;
        assert_eq!(world.read(&key).await.state, State::Booked, "{way:?}: not today");
        let start = world.read(&key).await.place.starts_at();
        world.hospital.pass_minutes((start.as_second() - world.hospital.now().as_second()) / 60 - 20).await;
        let again = Word { message: "SIU^S14", status: "Started", ..CAME };
        world.says(again, &key).await;
        let visit = world.read(&key).await;
        assert_eq!(visit.state, State::CheckedIn, "{way:?}");
        let clinic = world.hospital.table.clinic_alone(&visit.place.clinic).await.unwrap().unwrap();
        let queue = world.hospital.table.queue(&clinic.queue_id().unwrap()).await.unwrap().unwrap();
        assert!(queue.entry(&key.id).is_some_and(|entry| entry.stage != domain::queue::Stage::Expected), "{way:?}");
        world.says(GIVEN_BACK, &key).await;
        let state = world.read(&key).await.state;
        assert_eq!(
            state,
            State::Cancelled { by: CancelledBy::Hospital, refund: false },
            "{way:?}: too late for a window"
        );
        assert_eq!(world.strike(&key).await, None, "{way:?}");
    }
}
