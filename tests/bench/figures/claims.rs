//! Claims of numbers of one slot beside raw conditional updates of one item, on the same engine.

use crate::median;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::civil::date;
use domain::clinic::{Channel, Claim, Slot, SlotStart, Taken};
use domain::id::{AppointmentId, PatientId};
use futures_util::future::join_all;
use kit::Meter;
use std::time::Instant;
use store::Table;
use store::clinics::Claimed;

/// Numbers of one slot: half an hour of a busy pool.
const NUMBERS: u16 = 12;
const CALLERS: u16 = 6;
const ROUNDS: u16 = 100;

pub(crate) async fn report() {
    let engine = kit::engine().await;
    let (client, table) = (kit::client(&engine), Table::new(kit::client(&engine), kit::TABLE));
    let (mut claims, mut raw) = (Vec::new(), Vec::new());
    // The first round warms both up.
    for round in 0..=ROUNDS {
        let both = (claim_all(&table, round).await, update_all(&client, round).await);
        if round > 0 {
            claims.push(both.0);
            raw.push(both.1);
        }
    }
    let (claims, raw) = (median(claims), median(raw));
    let calls = calls_per_claim(&engine).await;
    println!("### Claims on one slot\n");
    println!(
        "{CALLERS} callers at once take the {NUMBERS} numbers of one slot, {ROUNDS} slots in turn with a plain item that \
         is read and updated under a condition just as often; the same engine, this side compiled without optimisation.\n"
    );
    println!("| | a second | to raw | calls each |\n|---|---|---|---|");
    println!("| strong read and conditional update | {raw:.0} | 1.00× | 2.00 |");
    println!("| claim of a number | {claims:.0} | {:.2}× | {calls:.2} |\n", claims / raw);
}

/// One read, one update, and what callers who wanted the same number tried again.
async fn calls_per_claim(engine: &str) -> f64 {
    let meter = Meter::start(engine).await;
    let table = Table::new(kit::client(&meter.url), kit::TABLE);
    let mut calls = 0;
    for round in 1..=ROUNDS {
        let slot = fresh_slot(&table, ROUNDS + round).await;
        meter.take();
        join_all((0..CALLERS).map(|caller| claim_share(&table, &slot, caller))).await;
        calls += meter.take().calls;
    }
    f64::from(calls) / f64::from(NUMBERS * ROUNDS)
}

fn now() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

fn per_second(since: Instant) -> f64 {
    f64::from(NUMBERS) / since.elapsed().as_secs_f64()
}

/// Every number of a fresh slot is claimed once.
async fn claim_all(table: &Table, round: u16) -> f64 {
    let slot = fresh_slot(table, round).await;
    let started = Instant::now();
    join_all((0..CALLERS).map(|caller| claim_share(table, &slot, caller))).await;
    let rate = per_second(started);
    let slot = table.slot(&slot.clinic, slot.start).await.unwrap().unwrap();
    assert_eq!((slot.free_numbers.len(), slot.taken.len()), (0, usize::from(NUMBERS)));
    rate
}

async fn claim_share(table: &Table, slot: &Slot, caller: u16) {
    for turn in 0..NUMBERS / CALLERS {
        let name = u32::from(caller) << 16 | u32::from(turn);
        let (appointment, patient) = (AppointmentId::from_bytes(bytes(name)), PatientId::from_bytes(bytes(name)));
        let claim = Claim::Held { expires_at: now() };
        let taken = |number| Taken { patient: patient.clone(), number, claim, rest_min: 0 };
        let seen = table.slot(&slot.clinic, slot.start).await.unwrap().unwrap();
        // Spread as the hash of an appointment's id spreads callers.
        let probe = u64::from(name).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let claimed = table.claim_number(&seen, &appointment, taken, probe, Channel::Wechat, now()).await.unwrap();
        assert!(matches!(claimed, Claimed::Number(_)), "{claimed:?}");
    }
}

async fn fresh_slot(table: &Table, round: u16) -> Slot {
    let clinic = kit::clinic(&format!("D{round}"), date(2026, 11, 25), 2500, now());
    let start: SlotStart = "0900".parse().unwrap();
    let slot = Slot::fresh(&clinic, start, 1, NUMBERS);
    assert!(table.put_schedule(&clinic, std::slice::from_ref(&slot), &[]).await.unwrap().is_done());
    slot
}

fn bytes(name: u32) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..4].copy_from_slice(&name.to_be_bytes());
    bytes
}

async fn update_all(client: &Client, round: u16) -> f64 {
    let key = AttributeValue::S(format!("RAW#{round}"));
    let sk = AttributeValue::S("SELF".into());
    let count = ("n", AttributeValue::N("0".into()));
    let put = client.put_item().table_name(kit::TABLE).item("pk", key.clone()).item("sk", sk).item(count.0, count.1);
    put.send().await.unwrap();
    let started = Instant::now();
    join_all((0..CALLERS).map(|_| update_share(client, &key))).await;
    per_second(started)
}

async fn update_share(client: &Client, key: &AttributeValue) {
    let sk = AttributeValue::S("SELF".into());
    let number = |value: u16| AttributeValue::N(value.to_string());
    for _ in 0..NUMBERS / CALLERS {
        let read = client.get_item().table_name(kit::TABLE).consistent_read(true);
        read.key("pk", key.clone()).key("sk", sk.clone()).send().await.unwrap();
        let update = client.update_item().table_name(kit::TABLE).key("pk", key.clone()).key("sk", sk.clone());
        let update = update.update_expression("SET n = n + :one").condition_expression("n < :all");
        let update = update.expression_attribute_values(":one", number(1));
        update.expression_attribute_values(":all", number(NUMBERS)).send().await.unwrap();
    }
}
