//! Capacity units of each step of a visit, through the handlers, as the engine accounts for them.

use crate::stub;
use crate::visit::hospital::{Hospital, Person, appointment_key};
use domain::appointment::AppointmentKey;
use domain::event::{Actor, DomainEvent, EventKind, ItemEvent};
use domain::id::ClinicId;
use domain::order::RefundState;
use domain::time;
use kit::{Meter, Units};
use runtime::tokens::SharedTokens;
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use store::Table;
use store::key::Key;
use store::signin::SharedToken;
use wechat::api::{Api, Timeouts};

const PUBLIC_URL: &str = "http://127.0.0.1:9000";
const NUMBERS: u16 = 6;
/// Longer than a hold, and than WeChat's wait before a refund may be looked up.
const HOLD_OVER_MIN: i64 = 11;
const MINUTES_PER_DAY: i64 = 24 * 60;

type Steps = Vec<(&'static str, Units)>;

pub(crate) async fn report() {
    let kept = kept().await;
    let whole = kept.iter().fold(Units::default(), |sum, (_, units)| sum + *units);
    println!("### Capacity units\n");
    println!(
        "What each step costs in the table, index included, as the engine accounts for it; through the handlers.\n"
    );
    println!("| step | calls | read units | write units |\n|---|---|---|---|");
    print(&kept);
    print(&[("**a visit**: all of the above", whole)]);
    for others in [second_and_too_late().await, unpaid().await, cancelled().await] {
        print(&others);
    }
    println!();
}

fn print(steps: &[(&'static str, Units)]) {
    for (name, units) in steps {
        println!("| {name} | {} | {:.1} | {:.1} |", units.calls, units.read, units.write);
    }
}

/// Held, paid, told, reminded.
async fn kept() -> Steps {
    let ward = Ward::open().await;
    let (person, clinic) = ward.arrive(NUMBERS).await;
    let mut steps = Steps::new();
    let appointment = ward.hold(&person, &clinic).await;
    steps.push(("hold, the first of its slot", ward.meter.take()));
    let prepay = ward.order(&person, &appointment).await;
    steps.push(("order for the payment", ward.meter.take()));
    ward.pay(&person, &prepay).await;
    steps.push(("paid: number, gate, appointment, order", ward.meter.take()));
    ward.tell(&appointment, None).await;
    steps.push(("told, with the ledger", ward.meter.take()));
    ward.pass_minutes(HOLD_OVER_MIN).await;
    ward.sweep(1).await;
    steps.push(("ticks: the slot leaves the time index, the hospital has the payment", ward.meter.take()));
    let stored = ward.appointment(&appointment).await;
    let until_s = stored.place.starts_at().as_second() - ward.hospital.now().as_second();
    ward.pass_minutes(until_s / 60 - 29).await;
    ward.remind().await;
    steps.push(("reminder tick that finds it due", ward.meter.take()));
    ward.tell(&appointment, Some(EventKind::AppointmentTurnSoon)).await;
    steps.push(("reminded, with the ledger", ward.meter.take()));
    steps
}

/// The second number of a slot, and asking when all are gone.
async fn second_and_too_late() -> Steps {
    let ward = Ward::open().await;
    let (first, clinic) = ward.arrive(2).await;
    ward.hold(&first, &clinic).await;
    let mut steps = Steps::new();
    let second = ward.patient().await;
    ward.hold(&second, &clinic).await;
    steps.push(("hold, a later one of its slot", ward.meter.take()));
    let late = ward.patient().await;
    let (status, answer) = ward.hospital.hold(&late, &clinic, late.patient.as_str()).await;
    assert_eq!(status, 409, "{answer}");
    let units = ward.meter.take();
    assert!(units.write.total_cmp(&0.0).is_eq(), "who comes too late writes nothing: {units:?}");
    steps.push(("asking when all numbers are gone", units));
    steps
}

/// Held, ordered, never paid.
async fn unpaid() -> Steps {
    let ward = Ward::open().await;
    let (person, clinic) = ward.arrive(NUMBERS).await;
    let appointment = ward.hold(&person, &clinic).await;
    ward.order(&person, &appointment).await;
    ward.pass_minutes(HOLD_OVER_MIN).await;
    ward.sweep(1).await;
    let expired = ("expired: order closed, number freed", ward.meter.take());
    ward.sweep(0).await;
    vec![expired, ("sweeper, reconcile and his-sync tick, nothing due", ward.meter.take())]
}

/// Paid, cancelled, refunded, told.
async fn cancelled() -> Steps {
    let ward = Ward::open().await;
    let (person, clinic) = ward.arrive(NUMBERS).await;
    let appointment = ward.hold(&person, &clinic).await;
    let prepay = ward.order(&person, &appointment).await;
    ward.pay(&person, &prepay).await;
    ward.meter.take();
    let mut steps = Steps::new();
    let (status, answer) = ward.hospital.cancel(&person, &appointment).await;
    assert_eq!(status, 200, "{answer}");
    steps.push(("cancelled: refund decided, number freed", ward.meter.take()));
    ward.sweep(1).await;
    steps.push(("refund asked for, hospital told", ward.meter.take()));
    ward.pass_minutes(HOLD_OVER_MIN).await;
    ward.sweep(1).await;
    steps.push(("refund looked up, books written", ward.meter.take()));
    ward.refunded(&appointment).await;
    ward.tell(&appointment, None).await;
    steps.push(("told of the cancellation, with the ledger", ward.meter.take()));
    steps
}

/// A hospital behind a meter.
struct Ward {
    hospital: Hospital,
    meter: Meter,
    queue: (aws_sdk_sqs::Client, String),
    wechat: String,
}

impl Ward {
    async fn open() -> Self {
        let meter = Meter::start(&kit::engine().await).await;
        let hospital = Hospital::open_on(&meter.url).await;
        let expires_at = time::add_minutes(hospital.now(), 30 * MINUTES_PER_DAY);
        let token = SharedToken { token: "a-token".into(), expires_at, ver: 1 };
        assert!(hospital.table.put_wechat_token(&token, 0).await.unwrap().is_done());
        Self { hospital, meter, queue: stub::queue().await, wechat: stub::wechat().await }
    }

    /// A desk of its own, with the profile at hand as in a warm function.
    async fn desk(&self) -> Desk {
        let table = Table::new(kit::client(&self.meter.url), kit::TABLE);
        let desk = Desk::new(table, Clock::standing_at(self.hospital.now()), PUBLIC_URL);
        desk.profile().await.unwrap();
        desk
    }

    /// A patient; registering is not counted.
    async fn patient(&self) -> Person {
        let person = self.hospital.patient("lin").await;
        self.meter.take();
        person
    }

    /// A patient and a clinic; neither is counted.
    async fn arrive(&self, numbers: u16) -> (Person, ClinicId) {
        let clinic = self.hospital.clinic(numbers).await;
        (self.patient().await, clinic)
    }

    async fn appointment(&self, key: &AppointmentKey) -> domain::appointment::Appointment {
        let appointment = self.hospital.table.appointment(key).await.unwrap().unwrap();
        self.meter.take();
        appointment
    }

    async fn hold(&self, person: &Person, clinic: &ClinicId) -> AppointmentKey {
        let (status, held) = self.hospital.hold(person, clinic, person.patient.as_str()).await;
        assert_eq!(status, 200, "{held}");
        appointment_key(&held)
    }

    async fn order(&self, person: &Person, appointment: &AppointmentKey) -> Value {
        let (status, prepay) = self.hospital.prepay(person, appointment).await;
        assert_eq!(status, 200, "{prepay}");
        prepay
    }

    async fn pay(&self, person: &Person, prepay: &Value) {
        let notification = self.hospital.pay(person, prepay).await;
        assert_eq!(self.hospital.notify(&notification).await, 200);
    }

    async fn pass_minutes(&self, minutes: i64) {
        self.hospital.pass_minutes(minutes).await;
        self.meter.take();
    }

    async fn sweep(&self, done: usize) {
        let (did, failed) = self.hospital.tick().await;
        assert!(did >= done && failed == 0, "{did} done, {failed} failed");
    }

    async fn refunded(&self, appointment: &AppointmentKey) {
        let number = self.appointment(appointment).await.out_trade_no();
        let order = self.hospital.table.order(&number).await.unwrap().unwrap();
        assert!(order.refunds.values().all(|refund| refund.state == RefundState::Succeeded), "{order:?}");
    }

    /// Sends the message that the appointment's last event leads to, or another one.
    async fn tell(&self, appointment: &AppointmentKey, kind: Option<EventKind>) {
        let now = self.hospital.now();
        let event = kind.map(|kind| ItemEvent { seq: 0, kind, actor: Actor::Schedule, at: now });
        let event = event.or(self.appointment(appointment).await.ev).unwrap();
        let key = Key::appointment(appointment);
        let body = serde_json::to_string(&DomainEvent { pk: key.pk, sk: key.sk, event }).unwrap();
        let batch = serde_json::from_value(json!({ "Records": [{ "messageId": "1", "body": body }] })).unwrap();
        let api = Api::new(&self.wechat, Timeouts::default()).unwrap();
        let (queue, queue_url) = self.queue.clone();
        let app = notifier::App { desk: self.desk().await, api, tokens: SharedTokens::default(), queue, queue_url };
        self.meter.take();
        assert!(notifier::handle(&app, batch).await.batch_item_failures.is_empty());
    }

    async fn remind(&self) {
        let (queue, queue_url) = self.queue.clone();
        let app = reminder::App { desk: self.desk().await, queue, queue_url };
        self.meter.take();
        let reminded = reminder::handle(&app).await;
        assert_eq!((reminded.queued, reminded.failed), (1, 0));
    }
}
