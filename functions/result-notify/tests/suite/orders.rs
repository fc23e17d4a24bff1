//! What was asked for waits in the list until its results come.

use crate::world::World;
use domain::report::Status;

const CARD: &str = "V20180031";

fn order(control: &str, id: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125070000||ORM^O01|{id}|P|2.5\r\
         PID|1||{CARD}^^^H^MR||林^晓梅||19800101|F\r\
         ORC|{control}|O1|F1||||||20261125065500\r\
         OBR|1|O1|F1|K^血钾^L|||20261125073000|||||||||||||||||||||||||||||20261125120000\r"
    )
}

fn result(status: &str, id: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125090000||ORU^R01|{id}|P|2.5\r\
         PID|1||{CARD}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|O1|F1|K^血钾^L|||20261125073500|||||||||||||||20261125090000|||{status}\r\
         OBX|1|NM|K^血钾^L||4.1|mmol/L|3.5-5.5|N|||{status}|||20261125073500\r"
    )
}

#[tokio::test]
async fn what_was_asked_for_is_awaited_and_then_comes() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let lines = async || {
        let listed = world.table().reports_of(&world.keys, &patient).await.unwrap();
        listed.into_iter().map(|listed| listed.line).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(world.hl7(order("NW", "M1").as_bytes()).await.codes(), ["AA"]);
    }
    let line = lines().await.remove(0);
    assert_eq!((line.status, line.collected_at.is_none()), (Status::Registered, true));
    assert_eq!(line.expected_at.unwrap().iso(), "2026-11-25T12:00:00+08:00");
    assert_eq!(world.hl7(order("CA", "M2").as_bytes()).await.codes(), ["AA"]);
    assert_eq!(lines().await[0].status, Status::Cancelled);

    assert_eq!(world.hl7(result("F", "M3").as_bytes()).await.codes(), ["AA"]);
    let after = lines().await;
    assert_eq!((after.len(), after[0].status), (1, Status::Final), "the same report");
    let late = order("CA", "M4").replace("20261125070000", "20261125100000");
    assert_eq!(world.hl7(late.as_bytes()).await.codes(), ["AA"]);
    assert_eq!(lines().await[0].status, Status::Final, "what has come is not taken back");
}

#[tokio::test]
async fn an_order_for_somebody_unknown_is_kept() {
    let world = World::new().await;
    assert_eq!(world.hl7(order("NW", "M1").as_bytes()).await.codes(), ["AE"]);
    assert_eq!(world.table().open_unplaced().await.unwrap().len(), 1);
}

/// An order and a result of it by whichever numbers: OBR-2 (and ORC-2) of who asks, OBR-3 (and ORC-3) of who makes it.
fn ordered(id: &str, placer: &str, filler: &str, at: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|H|DESK|H|20261125070000||ORM^O01|{id}|P|2.5\r\
         PID|1||{CARD}^^^H^MR||林^晓梅||19800101|F\r\
         ORC|NW|{placer}|{filler}||||||{at}\r\
         OBR|1|{placer}|{filler}|K^血钾^L\r"
    )
}

fn found(id: &str, placer: &str, filler: &str, value: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125090000||ORU^R01|{id}|P|2.5\r\
         PID|1||{CARD}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|{placer}|{filler}|K^血钾^L|||20261125073500|||||||||||||||20261125090000|||F\r\
         OBX|1|NM|K^血钾^L||{value}|mmol/L|3.5-5.5|N|||F|||20261125073500\r"
    )
}

const EARLY: &str = "20261125065500";
const LATER: &str = "20261125070500";

struct Bench {
    world: World,
    patient: domain::id::PatientId,
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        let patient = world.person(1, "林晓梅", CARD).await;
        Self { world, patient }
    }

    async fn takes(&self, message: &str) {
        assert_eq!(self.world.hl7(message.as_bytes()).await.codes(), ["AA"], "{message}");
    }

    async fn statuses(&self) -> Vec<Status> {
        let listed = self.world.table().reports_of(&self.world.keys, &self.patient).await.unwrap();
        let mut statuses: Vec<_> = listed.into_iter().map(|listed| listed.line.status).collect();
        statuses.sort();
        statuses
    }
}

#[tokio::test]
async fn results_meet_their_order_whichever_number_they_carry() {
    for (order, result, corrected) in [
        (("P1", ""), ("P1", "F1"), ("", "F1")),
        (("P1", ""), ("P1", ""), ("P1", "F1")),
        (("P1", "F1^LAB"), ("P1", ""), ("P1", "")),
        (("P1", "F1^LAB"), ("", "F1^LAB"), ("P1", "F1^LAB")),
        (("P1", ""), ("", "F1"), ("", "F1")),
    ] {
        let bench = Bench::new().await;
        for _ in 0..2 {
            bench.takes(&ordered("M1", order.0, order.1, EARLY)).await;
        }
        assert_eq!(bench.statuses().await, [Status::Registered]);
        let first = found("M2", result.0, result.1, "4.1");
        bench.takes(&first).await;
        assert_eq!(bench.statuses().await, [Status::Final], "{order:?} {result:?}");
        bench.takes(&first).await;
        let second = found("M3", corrected.0, corrected.1, "4.3").replace("|||F", "|||C");
        bench.takes(&second.replace("20261125090000", "20261125093000")).await;
        assert_eq!(bench.statuses().await, [Status::Corrected], "{corrected:?}: a version of the same");
        bench.takes(&ordered("M4", order.0, order.1, EARLY).replace("|NW|", "|CA|")).await;
        assert_eq!(bench.statuses().await, [Status::Corrected], "{order:?}: a late cancellation takes nothing back");
    }
}

#[tokio::test]
async fn an_order_that_gives_the_number_of_who_makes_it_later_is_the_same_order() {
    let bench = Bench::new().await;
    bench.takes(&ordered("M1", "P1", "", EARLY)).await;
    bench.takes(&ordered("M2", "P1", "F1", EARLY).replace("|NW|", "|SC|")).await;
    assert_eq!(bench.statuses().await, [Status::Registered]);
    bench.takes(&found("M3", "", "F1", "4.1").replace("|LIS|LAB|", "|HIS|H|")).await;
    assert_eq!(bench.statuses().await, [Status::Final]);
}

#[tokio::test]
async fn results_that_may_be_of_two_orders_leave_both() {
    let bench = Bench::new().await;
    bench.takes(&ordered("M1", "P1", "", EARLY)).await;
    bench.takes(&ordered("M2", "P2", "", LATER)).await;
    bench.takes(&found("M3", "", "F1", "4.1")).await;
    assert_eq!(bench.statuses().await, [Status::Registered, Status::Registered, Status::Final]);
    // The time it was ordered at says which.
    let named = found("M4", "", "F2", "4.2").replace("OBR|1", &format!("ORC|RE||F2||||||{LATER}\rOBR|1"));
    bench.takes(&named).await;
    assert_eq!(bench.statuses().await, [Status::Registered, Status::Final, Status::Final]);
}

#[tokio::test]
async fn what_is_not_what_was_asked_for_is_not_joined() {
    let bench = Bench::new().await;
    bench.takes(&ordered("M1", "P1", "", EARLY)).await;
    let before = found("M2", "", "F1", "4.1").replace("20261125073500", "20261124073500");
    bench.takes(&before).await;
    let other = found("M3", "", "F2", "140").replace("K^血钾^L", "NA^血钠^L");
    bench.takes(&other).await;
    let elsewhere = found("M4", "P9", "F3", "4.2");
    bench.takes(&elsewhere).await;
    assert_eq!(bench.statuses().await, [Status::Registered, Status::Final, Status::Final, Status::Final]);
    // Two results of one order: the second is a report of its own.
    bench.takes(&found("M5", "P1", "F4", "4.3")).await;
    bench.takes(&found("M6", "P1", "F5", "4.4")).await;
    assert_eq!(bench.statuses().await, [Status::Final; 5]);
    // An order that comes after its results is over before it began.
    bench.takes(&found("M7", "P7", "F7", "4.5")).await;
    bench.takes(&ordered("M8", "P7", "", EARLY)).await;
    assert_eq!(bench.statuses().await, [Status::Final; 6]);
}
