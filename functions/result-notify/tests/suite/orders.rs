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
