//! A payment in time that nobody heard of until the turn was over: no visit can come of it, so the money goes back.

use crate::visit::hospital::{Hospital, appointment_key};
use domain::appointment::{RefusedWhy, State};
use domain::order::Cause;

const THREE_DAYS_MIN: i64 = 3 * 24 * 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_learnt_of_after_the_turn_goes_back_once() {
    let hospital = Hospital::open().await;
    let person = hospital.patient("lin").await;
    let clinic = hospital.clinic(1).await;
    let (_, held) = hospital.hold(&person, &clinic, "page").await;
    let prepay = hospital.prepay(&person, &appointment_key(&held)).await.1;
    hospital.pay(&person, &prepay).await;
    // No tick has ended the hold: it still has the number when the poller hears of the payment at last.
    hospital.pass_minutes(THREE_DAYS_MIN).await;
    for _ in 0..3 {
        hospital.tick().await;
        hospital.pass_minutes(2).await;
    }
    let visit = hospital.table.appointment(&appointment_key(&held)).await.unwrap().unwrap();
    assert_eq!(visit.state, State::Refused { why: RefusedWhy::NumberGone });
    let order = hospital.table.order(&visit.out_trade_no()).await.unwrap().unwrap();
    let refunds: Vec<_> = order.in_sequence().map(|refund| (refund.cause, refund.amount)).collect();
    assert_eq!(refunds, [(Cause::VisitOff, order.amount)]);
    assert!(order.kept().unwrap().is_zero());
}
