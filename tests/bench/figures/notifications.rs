//! Payment notifications through the handler: verified, opened, settled, and the same once more.

use crate::visit::hospital::{Captured, Hospital, appointment_key};
use domain::id::ClinicId;
use serde_json::json;
use std::time::Instant;

const NOTIFICATIONS: u16 = 40;

pub(crate) async fn report() {
    let hospital = Hospital::open().await;
    let clinic = hospital.clinic(NOTIFICATIONS).await;
    let mut notifications = Vec::new();
    for serial in 0..NOTIFICATIONS {
        notifications.push(paid(&hospital, &clinic, serial).await);
    }
    let first = deliver_all(&hospital, &notifications).await;
    let again = deliver_all(&hospital, &notifications).await;
    println!("### Payment notifications\n");
    println!(
        "{NOTIFICATIONS} payments, one notification after the other through the handler, with the table behind a proxy \
         in the same process, this side compiled without optimisation.\n"
    );
    println!("| | a second |\n|---|---|");
    println!("| first: verified, opened, order, number, gate and appointment written | {first:.0} |");
    println!("| the same again: verified, opened, found settled | {again:.0} |\n");
}

/// Somebody holds a number and pays; what WeChat sends about it.
async fn paid(hospital: &Hospital, clinic: &ClinicId, serial: u16) -> Captured {
    // Demo people have names of static life, and a bench ends soon.
    let who: &'static str = Box::leak(format!("payer-{serial}").into_boxed_str());
    hospital.wechat.post("/control/people", json!({ "id": who, "name": who })).await;
    let person = hospital.patient(who).await;
    let (status, held) = hospital.hold(&person, clinic, &serial.to_string()).await;
    assert_eq!(status, 200, "{held}");
    let (status, prepay) = hospital.prepay(&person, &appointment_key(&held)).await;
    assert_eq!(status, 200, "{prepay}");
    hospital.pay(&person, &prepay).await
}

/// How many a second.
async fn deliver_all(hospital: &Hospital, notifications: &[Captured]) -> f64 {
    let started = Instant::now();
    for notification in notifications {
        assert_eq!(hospital.notify(notification).await, 200);
    }
    f64::from(NOTIFICATIONS) / started.elapsed().as_secs_f64()
}
