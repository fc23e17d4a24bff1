//! Orders and what points to them, on a real engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use domain::id::{BillNo, OutTradeNo, PatientId};

#[tokio::test]
async fn the_newest_bills_come_first_and_the_last_order_counts() {
    let table = kit::table().await;
    let (patient, other) = (PatientId::from_bytes([1; 10]), PatientId::from_bytes([2; 10]));
    let bills: Vec<BillNo> = ["B0007", "B0012", "B0009"].map(|bill| bill.parse().unwrap()).into();
    let (first, second) = (OutTradeNo::of_bills([3; 10], 1), OutTradeNo::of_bills([4; 10], 1));
    table.put_bill_orders(&patient, &bills, &first).await.unwrap();
    table.put_bill_orders(&patient, &bills[1..2], &second).await.unwrap();
    table.put_bill_orders(&other, &bills, &first).await.unwrap();
    let noted = table.bill_orders(&patient).await.unwrap();
    let noted: Vec<_> = noted.iter().map(|entry| (entry.bill.as_str(), &entry.order)).collect();
    assert_eq!(noted, [("B0012", &second), ("B0009", &first), ("B0007", &first)]);
    let of_one = table.bill_order(&patient, &bills[2]).await.unwrap().map(|entry| entry.order);
    assert_eq!(of_one, Some(first));
}
