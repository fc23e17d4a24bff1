//! What a result costs in the table, and the burst of a laboratory's morning through the handler.

use crate::sender::{World, profile};
use futures_util::{StreamExt, stream};
use kit::{Meter, Units};
use std::fmt::Write;
use std::time::Instant;
use store::Table;

/// What a large hospital reports a day.
const DAY: f64 = 20_000.0;
/// What arrives within a minute when an analyser's morning is released at once.
const BURST: u32 = 5_000;
const AT_ONCE: usize = 8;
const PEOPLE: u8 = 50;
/// Items of a blood count.
const ITEMS: u32 = 25;

/// A blood count of somebody, as a laboratory sends it.
fn count(number: u32, person: u32, status: &str, first: &str) -> String {
    let mut message = format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125080000||ORU^R01|M-{number}-{status}|P|2.5.1\r\
         PID|1||V{person:08}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|O{number}|F{number}|XCG^血常规^L|||20261125070000|||||||||||||||20261125080000|||{status}\r"
    );
    for item in 1..=ITEMS {
        let (value, flag) = if item == 1 { (first, "L") } else { ("9.0", "N") };
        write!(
            message,
            "OBX|{item}|NM|I{item}^项目{item}^L||{value}|10*9/L^^UCUM|3.5-9.5|{flag}|||{status}|||20261125070000\r"
        )
        .unwrap();
    }
    message
}

async fn open(meter: &Meter) -> World {
    let table = Table::new(kit::client(&meter.url), kit::TABLE);
    table.put_profile(&profile()).await.unwrap();
    let world = World::with(table);
    for n in 1..=PEOPLE {
        world.person(n, "林晓梅", &format!("V{n:08}")).await;
    }
    world
}

pub(crate) async fn report() {
    let meter = Meter::start(&kit::engine().await).await;
    let world = open(&meter).await;
    let taken = async |message: String, code: &str| {
        meter.take();
        assert_eq!(world.hl7(message.as_bytes()).await.codes(), [code]);
        meter.take()
    };
    // The first request reads the profile.
    taken(count(0, 1, "F", "3.1"), "AA").await;
    let first = taken(count(1, 1, "F", "3.1"), "AA").await;
    let steps = [
        ("a blood count of 25 items, final", first),
        ("the same message again", taken(count(1, 1, "F", "3.1"), "AA").await),
        ("its correction", taken(count(1, 1, "C", "3.2"), "AA").await),
        ("with a critical value", taken(count(2, 1, "F", "1.1").replace("|L|||F", "|LL|||F"), "AA").await),
        ("of somebody unknown: kept whole", taken(count(3, 9_999, "F", "3.1"), "AE").await),
    ];
    println!("### Results in\n");
    println!("Through the handler: signature, placing, filing, acknowledgement; units with the index.\n");
    println!("| message | calls | read units | write units |\n|---|---|---|---|");
    for (name, Units { calls, read, write }) in &steps {
        println!("| {name} | {calls} | {read:.1} | {write:.1} |");
    }
    println!("| **a day of 20,000** | | {:.0} | {:.0} |\n", first.read * DAY, first.write * DAY);
    burst().await;
}

/// A burst through the handler beside as many plain puts of items as large, on the same engine.
async fn burst() {
    let engine = kit::engine().await;
    let meter = Meter::start(&engine).await;
    open(&meter).await;
    // Not through the meter: it would be measured too.
    let world = World::with(Table::new(kit::client(&engine), kit::TABLE));
    let client = kit::client(&engine);
    let started = Instant::now();
    stream::iter(0..BURST)
        .for_each_concurrent(AT_ONCE, |number| {
            let (client, body) = (&client, count(number, 1, "F", "3.1"));
            async move {
                let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
                let put = client.put_item().table_name(kit::TABLE).item("pk", text(format!("RAW#{number}")));
                put.item("sk", text("SELF".into())).item("body", text(body)).send().await.unwrap();
            }
        })
        .await;
    let raw_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let world = &world;
    stream::iter(0..BURST)
        .for_each_concurrent(AT_ONCE, |number| async move {
            let message = count(number, number % u32::from(PEOPLE) + 1, "F", "3.1");
            assert_eq!(world.hl7(message.as_bytes()).await.codes(), ["AA"]);
        })
        .await;
    let spent_s = started.elapsed().as_secs_f64();
    let mut filed = 0;
    for n in 1..=PEOPLE {
        let patient = domain::id::PatientId::from_bytes([n; 10]);
        filed += world.table().reports_of(&world.keys, &patient).await.unwrap().len();
    }
    assert_eq!(filed, usize::try_from(BURST).unwrap(), "none is lost and none is doubled");
    println!(
        "{BURST} blood counts, {AT_ONCE} at once, on the engine in this process, compiled without optimisation; each is \
         filed once.\n"
    );
    println!("| | s | a second | to raw |\n|---|---|---|---|");
    println!("| plain puts of the same bytes | {raw_s:.1} | {:.0} | 1.00× |", f64::from(BURST) / raw_s);
    println!("| results filed | {spent_s:.1} | {:.0} | {:.2}× |\n", f64::from(BURST) / spent_s, spent_s / raw_s);
}
