//! A fault at every call that leaves the notifier: whoever matters is told or rung up, nobody twice.

use crate::proxy::{Fault, Plan, Switch};
use crate::world::{World, errcode};
use domain::event::EventKind;
use serde_json::Value;
use std::collections::BTreeSet;
use store::notices::Outcome;

const KIND: EventKind = EventKind::AppointmentCancelled;

/// What was sent in the end.
struct Told {
    /// Messages WeChat was asked for, by what it knows them by.
    wechat: BTreeSet<String>,
    sms: usize,
    calls: usize,
}

/// A clinic is closed, one call fails as planned; then everything works, and SQS brings the job again until it is done.
async fn closed_with(plan: Option<Plan>, refused: Option<&Value>) -> (World, Told, Vec<bool>) {
    let switch = Switch::default();
    let world = World::start_behind("1980", &switch).await;
    world.closed().await;
    if let Some(answer) = refused {
        world.wechat.always(answer.clone());
    }
    // Profiles are cached per instance, and so is the token.
    world.app.desk.profile().await.unwrap();
    switch.arm(plan);
    let done = world.tell(KIND, 0).await;
    let calls = switch.calls();
    switch.arm(None);
    if !done || plan.is_some() {
        world.clock.set(domain::time::add_seconds(world.clock.now(), 61));
        world.tell_until_done(KIND).await;
    }
    let wechat = world.wechat.take().iter().map(|sent| sent["client_msg_id"].as_str().unwrap().to_owned()).collect();
    let told = Told { wechat, sms: world.sms.take().len(), calls: world.table.calls_to_make().await.unwrap().len() };
    (world, told, calls)
}

fn plans(calls: &[bool]) -> Vec<Plan> {
    let of_call = |(at, writes): (usize, &bool)| {
        Fault::of(*writes).iter().flat_map(move |fault| [false, true].map(|crash| Plan { at, fault: *fault, crash }))
    };
    calls.iter().enumerate().flat_map(of_call).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_wechat_one_message_is_known_by_one_number() {
    let (_, told, calls) = closed_with(None, None).await;
    assert_eq!((told.wechat.len(), told.sms, told.calls), (1, 0, 0));
    for plan in plans(&calls) {
        let (world, told, _) = closed_with(Some(plan), None).await;
        assert_eq!((told.wechat.len(), told.sms, told.calls), (1, 0, 0), "{plan:?}");
        assert!(matches!(world.outcome(domain::notice::NoticeKind::Cancelled).await, Outcome::Sent { .. }), "{plan:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_sms_nobody_is_told_twice_and_nobody_is_left_out() {
    let gone = errcode(43_004);
    let (_, told, calls) = closed_with(None, Some(&gone)).await;
    assert_eq!((told.sms, told.calls), (1, 0));
    for plan in plans(&calls) {
        let (_, told, _) = closed_with(Some(plan), Some(&gone)).await;
        assert!(told.sms <= 1, "{plan:?}");
        assert!(told.sms + told.calls >= 1, "{plan:?}");
        assert!(told.calls <= 1, "{plan:?}");
    }
}
