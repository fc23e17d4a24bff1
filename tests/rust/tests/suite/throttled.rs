//! A table that takes no more calls (E97): whoever asks is told to come back, nothing is half done, and coming back with
//! the same request ends where it would have ended.

use crate::visit::hospital::{Hospital, appointment_key, slot};
use crate::visit::proxy::{Fault, Plan};

const NUMBERS: u16 = 3;

fn from(at: usize) -> Plan {
    Plan { at, fault: Fault::Throttled, crash: true }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holding_a_number_waits_for_the_table_at_whatever_call_it_stops() {
    let hospital = Hospital::open().await;
    let measured = (hospital.patient("lin").await, hospital.clinic(NUMBERS).await);
    hospital.switch.arm(None);
    assert_eq!(hospital.hold(&measured.0, &measured.1, "measured").await.0, 200);
    let calls = hospital.switch.calls().len();
    assert!(calls > 3, "{calls}");
    for at in 0..calls {
        let (person, clinic) = (hospital.patient("lin").await, hospital.clinic(NUMBERS).await);
        let key = format!("throttled{at}");
        hospital.switch.arm(Some(from(at)));
        let (status, refused) = hospital.hold(&person, &clinic, &key).await;
        let (page_status, retry_after, page) = hospital.hold_page(&person, &clinic, &key).await;
        hospital.switch.arm(None);
        assert_eq!(status, 503, "call {at}: {refused}");
        assert!(matches!(refused["error"]["code"].as_str(), Some("unavailable" | "busy")), "call {at}: {refused}");
        assert_eq!((page_status, retry_after.as_str()), (503, "3"), "call {at}");
        assert!(page.contains("系统正忙，请稍等片刻再试"), "call {at}: {page}");
        // Back again: the same request, one number, nobody else's lost.
        let (status, held) = hospital.hold(&person, &clinic, &key).await;
        assert_eq!(status, 200, "call {at}: {held}");
        let found = hospital.table.slot(&clinic, slot()).await.unwrap().unwrap();
        let mine = found.holder(&appointment_key(&held).id).map(|taken| taken.number);
        assert_eq!(held["number"].as_u64(), mine.map(u64::from), "call {at}: {found:?}");
        assert_eq!(
            (found.taken.len(), found.free_numbers.len()),
            (1, usize::from(NUMBERS) - 1),
            "call {at}: {found:?}"
        );
        let visits = hospital.table.appointments_of(&person.patient).await.unwrap();
        assert_eq!(visits.len(), 1, "call {at}: {visits:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_of_a_payment_is_asked_for_again() {
    let hospital = Hospital::open().await;
    let (person, clinic) = (hospital.patient("lin").await, hospital.clinic_at(NUMBERS, 2500).await);
    let (_, held) = hospital.hold(&person, &clinic, "paid").await;
    let (_, prepay) = hospital.prepay(&person, &appointment_key(&held)).await;
    let notification = hospital.pay(&person, &prepay).await;
    hospital.switch.arm(Some(from(0)));
    assert!(hospital.notify(&notification).await >= 500, "WeChat sends it again");
    hospital.switch.arm(None);
    assert_eq!(hospital.notify(&notification).await, 200);
    let visit = hospital.table.appointment(&appointment_key(&held)).await.unwrap().unwrap();
    assert_eq!(visit.state, domain::appointment::State::Booked);
}
