//! A page's key makes a repeat the same wish, and never another wish a repeat.

use crate::visit::hospital::{Hospital, appointment_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_with_another_wish_is_another_appointment() {
    let hospital = Hospital::open().await;
    let (mother, child) = (hospital.patient("lin").await, hospital.patient("lin").await);
    let clinic = hospital.clinic(3).await;
    let (_, first) = hospital.hold(&mother, &clinic, "page").await;
    let (_, again) = hospital.hold(&mother, &clinic, "page").await;
    assert_eq!(first["appointment"], again["appointment"]);
    let (status, other) = hospital.hold(&child, &clinic, "page").await;
    assert_eq!(status, 200, "{other}");
    assert_ne!(appointment_key(&other).id, appointment_key(&first).id);
    assert_ne!(other["number"], first["number"]);
    let prepay = hospital.prepay(&mother, &appointment_key(&first)).await.1;
    let notification = hospital.pay(&mother, &prepay).await;
    assert_eq!(hospital.notify(&notification).await, 200);
    // Giving the child's number back leaves the mother's number and money alone.
    assert_eq!(hospital.cancel(&child, &appointment_key(&other)).await.0, 200);
    let kept = hospital.table.appointment(&appointment_key(&first)).await.unwrap().unwrap();
    assert_eq!(kept.state, domain::appointment::State::Booked);
    let order = hospital.table.order(&kept.out_trade_no()).await.unwrap().unwrap();
    assert!(order.refunds.is_empty(), "{order:?}");
}
