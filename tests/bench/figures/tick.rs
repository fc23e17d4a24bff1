//! One tick of the reminder: with ten appointments due, in a small and in a large table; and with ten thousand.

use crate::median;
use crate::stub;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::appointment::{Appointment, Booker, State};
use domain::civil::date;
use domain::due::{Deadline, Deadlines, Worker};
use domain::id::{AppointmentId, ClinicId, PatientId};
use domain::{Timestamp, time};
use futures_util::{StreamExt, stream};
use kit::{Meter, Units};
use runtime::{Clock, Desk};
use std::collections::HashMap;
use std::time::Instant;
use store::Table;
use store::key::Key;

const SMALL: u32 = 1_000;
const LARGE: u32 = 100_000;
const DUE: u32 = 10;
const TICKS: u32 = 15;
/// A whole hospital's morning, due in one minute.
const RUSH: u32 = 10_000;
/// `BatchWriteItem` takes this many at once.
const BATCH: usize = 25;
const BATCHES_AT_ONCE: usize = 4;
const PUBLIC_URL: &str = "http://127.0.0.1:9000";

pub(crate) async fn report() {
    let hospitals = [Hospital::with(SMALL).await, Hospital::with(LARGE).await];
    let mut times_ms = [Vec::new(), Vec::new()];
    // In turn; the first tick of each warms it up.
    for tick in 0..=TICKS {
        for (hospital, times_ms) in hospitals.iter().zip(&mut times_ms) {
            let spent_ms = hospital.timed_tick().await;
            if tick > 0 {
                times_ms.push(spent_ms);
            }
        }
    }
    let [small_ms, large_ms] = times_ms.map(median);
    let (small, large) = (hospitals[0].counted_tick().await, hospitals[1].counted_tick().await);
    println!("### One reminder tick, {DUE} due\n");
    println!(
        "| appointments in the table | calls | read units | write units | ms | to {SMALL} |\n|---|---|---|---|---|---|"
    );
    for (count, units, ms) in [(SMALL, small, small_ms), (LARGE, large, large_ms)] {
        let (calls, read, write) = (units.calls, units.read, units.write);
        println!("| {count} | {calls} | {read:.1} | {write:.1} | {ms:.1} | {:.2}× |", ms / small_ms);
    }
    println!();
}

/// Ten thousand due at once are queued by one tick.
pub(crate) async fn rush() {
    let hospital = Hospital::with(0).await;
    write(&hospital.client, (0..RUSH).map(|n| appointment(n, now()))).await;
    let started = Instant::now();
    let reminded = reminder::handle(&hospital.direct).await;
    let spent_s = started.elapsed().as_secs_f64();
    assert_eq!((reminded.queued, reminded.failed), (usize::try_from(RUSH).unwrap(), 0));
    assert_eq!(reminder::handle(&hospital.direct).await.queued, 0, "nothing is left for the next tick");
    println!("### {RUSH} reminders due in one minute\n");
    println!(
        "One tick on the engine in this process, with a queue that answers at once, compiled without optimisation.\n"
    );
    println!("| queued | s | a second |\n|---|---|---|");
    println!("| {RUSH} | {spent_s:.1} | {:.0} |\n", f64::from(RUSH) / spent_s);
}

/// An engine with appointments that all wait in the time index.
struct Hospital {
    client: Client,
    direct: reminder::App,
    metered: reminder::App,
    meter: Meter,
}

impl Hospital {
    async fn with(appointments: u32) -> Self {
        let engine = kit::engine().await;
        let meter = Meter::start(&engine).await;
        let client = kit::client(&engine);
        let later = (DUE..appointments).map(|n| appointment(n, time::add_seconds(now(), 3_600 + i64::from(n) * 6)));
        write(&client, later).await;
        Self { direct: app(&engine).await, metered: app(&meter.url).await, client, meter }
    }

    async fn make_due(&self) {
        write(&self.client, (0..DUE).map(|n| appointment(n, now()))).await;
    }

    async fn timed_tick(&self) -> f64 {
        self.make_due().await;
        let started = Instant::now();
        tick(&self.direct).await;
        started.elapsed().as_secs_f64() * 1_000.0
    }

    async fn counted_tick(&self) -> Units {
        self.make_due().await;
        self.meter.take();
        tick(&self.metered).await;
        self.meter.take()
    }
}

async fn tick(app: &reminder::App) {
    let reminded = reminder::handle(app).await;
    assert_eq!((reminded.queued, reminded.failed), (usize::try_from(DUE).unwrap(), 0));
}

async fn app(engine: &str) -> reminder::App {
    let (queue, queue_url) = stub::queue().await;
    let table = Table::new(kit::client(engine), kit::TABLE);
    reminder::App { desk: Desk::new(table, Clock::standing_at(now()), PUBLIC_URL), queue, queue_url }
}

fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

/// A booked appointment whose reminder is due at `at`.
fn appointment(n: u32, at: Timestamp) -> Appointment {
    let mut name = [0; 10];
    name[..4].copy_from_slice(&n.to_be_bytes());
    let mut visit = kit::visit(State::Booked, now());
    visit.id = AppointmentId::from_bytes(name);
    visit.patient = PatientId::from_bytes(name);
    visit.booker = Booker::Account(format!("o{n}").parse().unwrap());
    let (day, place) = (date(2026, 11, 25), &mut visit.place);
    place.clinic = ClinicId::of(day, place.period, &place.department, None).unwrap();
    place.date = day;
    visit.deadlines = Deadlines::none().with(Deadline::Remind, at);
    visit
}

/// Writes the items as the store writes them, many at once.
async fn write(client: &Client, appointments: impl Iterator<Item = Appointment>) {
    let requests: Vec<WriteRequest> = appointments.map(|appointment| put(&appointment)).collect();
    stream::iter(requests.chunks(BATCH).map(<[WriteRequest]>::to_vec))
        .for_each_concurrent(BATCHES_AT_ONCE, |batch| async move {
            let answer = client.batch_write_item().request_items(kit::TABLE, batch).send().await.unwrap();
            assert!(answer.unprocessed_items.is_none_or(|left| left.is_empty()));
        })
        .await;
}

fn put(appointment: &Appointment) -> WriteRequest {
    let key = Key::appointment(&appointment.key());
    let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(appointment).unwrap();
    let due_at = appointment.deadlines.get(Deadline::Remind).unwrap();
    let due_pk = store::due::partition(Worker::Reminder, &key.pk);
    item.insert("due_pk".into(), AttributeValue::S(due_pk));
    item.insert("due_at".into(), AttributeValue::N(due_at.as_second().to_string()));
    item.insert("pk".into(), AttributeValue::S(key.pk));
    item.insert("sk".into(), AttributeValue::S(key.sk));
    WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
}
