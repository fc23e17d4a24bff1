use super::*;
use crate::due::{Deadline, TRIES_MAX};
use crate::id::OutRefundNo;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn now() -> Timestamp {
    "2026-11-22T04:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    time::add_seconds(now(), seconds)
}

fn line(name: &str, fen: u16, item: Option<&str>) -> Line {
    let item = item.map(|item| BillItem { bill: "B1".parse().unwrap(), item: item.parse().unwrap() });
    Line { name: name.into(), amount: Fen::of(fen), item }
}

fn new(subject: Subject, lines: Vec<Line>) -> NewOrder {
    NewOrder {
        out_trade_no: OutTradeNo::of(&AppointmentId::from_bytes([1; 10]), 1),
        subject,
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        payer: "oLin".parse().unwrap(),
        lines,
        expires_at: later(600),
    }
}

fn registration() -> Order {
    let appointment = AppointmentId::from_bytes([1; 10]);
    let subject = Subject::Registration { appointment, date: jiff::civil::date(2026, 11, 23) };
    Order::open(new(subject, vec![line("挂号费", 2500, None)]), now()).unwrap()
}

fn bills() -> Order {
    let subject = Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] };
    let lines = vec![line("血常规", 2000, Some("1")), line("胸片", 8000, Some("2")), line("阿莫西林", 1500, Some("3"))];
    Order::open(new(subject, lines), now()).unwrap()
}

fn payment(order: &Order) -> Payment {
    Payment { transaction_id: "42000".into(), total: order.amount, paid_at: None }
}

fn paid(order: &Order) -> Order {
    order.paid(&payment(order), Actor::WechatPay, now()).unwrap()
}

fn ask(cause: Cause, share: Share) -> RefundRequest {
    RefundRequest { share, cause, by: Actor::Staff("shou".into()), key: None, needs_checker: false }
}

fn lines(places: &[usize]) -> Share {
    Share::Lines(places.iter().copied().collect())
}

fn answered(order: &Order, number: &OutRefundNo, answer: RefundAnswer, now: Timestamp) -> Result<Order, OrderError> {
    let amount = order.refund_of(number).map_or(Fen::ZERO, |refund| refund.amount);
    order.refund_answered(number, &RefundReport { answer, amount, accepted_at: None, refund_id: None }, now)
}

fn receipt() -> Receipt {
    Receipt { receipt_no: "R1".into(), places: Vec::new(), invoice_url: None }
}

fn posted() -> Order {
    let due = paid(&bills()).settled(now()).unwrap();
    let asked = due.his_asked(&HisTask::Post, now()).unwrap();
    asked.his_answered(&HisTask::Post, HisAnswer::Posted(receipt()), now()).unwrap()
}

#[test]
fn money_seen_after_closing_is_still_money() {
    let closed = registration().closed(now()).unwrap();
    assert_eq!(closed.deadlines.earliest(), None);
    let paid = closed.paid(&payment(&closed), Actor::WechatPay, now()).unwrap();
    assert_eq!(paid.deadlines.get(Deadline::Settle), Some(now()));
    assert_eq!(paid.paid(&payment(&closed), Actor::WechatPay, now()), Err(OrderError::AlreadyDone));
    let other = Payment { transaction_id: "43000".into(), ..payment(&closed) };
    assert_eq!(paid.paid(&other, Actor::WechatPay, now()), Err(OrderError::OtherTransaction));
    let less = Payment { total: Fen::of(2499), ..payment(&closed) };
    assert_eq!(registration().paid(&less, Actor::WechatPay, now()), Err(OrderError::AmountDiffers));
}

#[test]
fn nothing_to_pay_skips_wechat() {
    let subject = Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] };
    let free = Order::open(new(subject.clone(), vec![line("复查", 0, Some("1"))]), now()).unwrap();
    assert_eq!(free.state, OrderState::Paid { transaction_id: None, paid_at: now() });
    assert_eq!(free.deadlines.earliest().map(|(_, at)| at), Some(now()));
    assert_eq!(Order::open(new(subject.clone(), vec![]), now()).err(), Some(OrderError::Lines));
    let many = vec![line("x", 1, None); LINES_MAX + 1];
    assert_eq!(Order::open(new(subject, many), now()).err(), Some(OrderError::Lines));
}

#[test]
fn an_unpaid_order_is_asked_about_by_the_schedule_and_then_closed() {
    let mut order = registration();
    let mut asked = Vec::new();
    while let Some(at) = order.deadlines.get(Deadline::Query).filter(|at| *at < later(3600)) {
        asked.push((at.as_second() - now().as_second(), order.is_over(at)));
        order = order.queried(at).unwrap();
    }
    // 600 s is both a look and the end; a minute later the order is closed, and tried again while WeChat is away.
    assert_eq!(asked[..4], [(60, false), (300, false), (600, false), (660, true)]);
    assert!(asked[4..].iter().all(|(_, over)| *over));
}

#[test]
fn one_obligation_is_refunded_once() {
    let paid = paid(&registration());
    let due = paid.refund(&ask(Cause::VisitOff, Share::Everything), now()).unwrap();
    let first = due.refund_due(Deadline::Refund).unwrap();
    assert!(first.out_refund_no.as_str().ends_with("_R1"));
    assert_eq!(due.refund(&ask(Cause::VisitOff, Share::Everything), now()), Err(OrderError::AlreadyDone));
    assert_eq!(due.refund(&ask(Cause::Staff, Share::Everything), now()), Err(OrderError::NotRefundable));
    assert_eq!(due.kept(), Ok(Fen::ZERO));
    let unpaid = registration().refund(&ask(Cause::VisitOff, Share::Everything), now());
    assert_eq!(unpaid, Err(OrderError::Illegal));
}

#[test]
fn accepted_is_not_refunded() {
    let due = paid(&registration()).refund(&ask(Cause::VisitOff, Share::Everything), now()).unwrap();
    let due = due.leased(Deadline::Refund, now());
    assert_eq!(due.deadlines.get(Deadline::Refund), Some(later(60)));
    let number = due.refund_due(Deadline::Refund).unwrap().out_refund_no.clone();
    let accepted = answered(&due, &number, RefundAnswer::Processing, now()).unwrap();
    assert_eq!(accepted.deadlines.get(Deadline::RefundQuery), Some(later(60)));
    let back = answered(&accepted, &number, RefundAnswer::Success, now()).unwrap();
    assert_eq!(
        (back.deadlines.due(later(9999)).collect::<Vec<_>>(), back.ev.as_ref().unwrap().kind),
        (vec![Deadline::Book], EventKind::OrderRefunded)
    );
    let late = answered(&back, &number, RefundAnswer::Failed(ManualWhy::Abnormal), now());
    assert_eq!(late, Err(OrderError::AlreadyDone));
}

#[test]
fn items_are_given_free_by_the_hospital_before_the_money_goes_back() {
    let asked = posted().refund(&ask(Cause::PatientAsked, lines(&[2])), now()).unwrap();
    let number = asked.in_sequence().next().unwrap().out_refund_no.clone();
    assert_eq!(asked.refund_due(Deadline::Refund), None);
    let task = HisTask::Return(number.clone());
    assert_eq!(asked.his_task(), Some(task.clone()));
    let told = asked.his_asked(&task, now()).unwrap();
    // The answer is lost: ask by serial, never tell again.
    assert_eq!(told.his_task(), Some(HisTask::FindReturned(number.clone())));
    let released = told.his_answered(&HisTask::FindReturned(number.clone()), HisAnswer::Returned, now()).unwrap();
    assert_eq!(released.refund_of(&number).unwrap().amount, Fen::of(8000));
    assert_eq!(released.refund_due(Deadline::Refund).unwrap().out_refund_no, number);
    assert_eq!(released.kept(), Ok(Fen::of(3500)));
    let declined = told.his_answered(&task, HisAnswer::Refused("PERFORMED".into()), now()).unwrap();
    assert_eq!((declined.kept(), declined.ev.unwrap().kind), (Ok(Fen::of(11500)), EventKind::RefundDeclined));
}

#[test]
fn what_the_hospital_refuses_goes_back_whole() {
    let due = paid(&bills()).settled(now()).unwrap();
    let asked = due.his_asked(&HisTask::Post, now()).unwrap();
    let refused = asked.his_answered(&HisTask::Post, HisAnswer::Refused("BILL_PAID".into()), now()).unwrap();
    assert_eq!((refused.kept(), refused.his_task()), (Ok(Fen::ZERO), None));
    assert_eq!(refused.ev.unwrap().kind, EventKind::OrderRefused);
}

#[test]
fn a_late_yes_after_our_no_is_undone() {
    let asked = paid(&bills()).settled(now()).unwrap().his_asked(&HisTask::Post, now()).unwrap();
    assert_eq!(asked.his_given_up(900, later(899)), Err(OrderError::AlreadyDone));
    let gone = asked.his_given_up(900, later(900)).unwrap();
    assert_eq!(gone.kept(), Ok(Fen::ZERO));
    assert_eq!(gone.his_task(), Some(HisTask::FindPosted));
    let found = gone.his_answered(&HisTask::FindPosted, HisAnswer::Posted(receipt()), later(900)).unwrap();
    let number = found.in_sequence().next().unwrap().out_refund_no.clone();
    let back = answered(&found, &number, RefundAnswer::Success, later(960)).unwrap();
    assert_eq!(back.his_task(), None, "not before the day is known");
    let report = RefundReport {
        answer: RefundAnswer::Success,
        amount: Fen::ZERO,
        accepted_at: Some(later(950)),
        refund_id: None,
    };
    let dated = back.refund_dated(&number, &report, later(960)).unwrap();
    assert!(matches!(dated.his_task(), Some(HisTask::Return(_))));
    // A request that may still arrive is waited for; afterwards the HIS can never know.
    let early = asked.refund(&ask(Cause::VisitOff, Share::Everything), now()).unwrap();
    let waiting = early.his_answered(&HisTask::FindPosted, HisAnswer::NotFound, later(30)).unwrap();
    assert_eq!(waiting.deadlines.get(Deadline::Post), Some(later(posting::LATE_REQUEST_S)));
    let over = waiting.his_answered(&HisTask::FindPosted, HisAnswer::NotFound, later(400)).unwrap();
    assert_eq!(over.his_task(), Some(HisTask::Drop));
}

#[test]
fn where_nothing_was_paid_nothing_is_on_its_way_back() {
    let subject = Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] };
    let free = Order::open(new(subject, vec![line("复查", 0, Some("1"))]), now()).unwrap().settled(now()).unwrap();
    let asked = free.his_asked(&HisTask::Post, now()).unwrap();
    let refused = asked.his_answered(&HisTask::Post, HisAnswer::Refused("BILL_VOID".into()), now()).unwrap();
    assert_eq!(refused.in_sequence().next().unwrap().state, RefundState::Succeeded);
    assert_eq!(refused.refund_due(Deadline::Refund), None);
}

#[test]
fn maker_and_checker_are_two_people() {
    let wanted = RefundRequest { needs_checker: true, ..ask(Cause::Staff, lines(&[1])) };
    let proposed = posted().refund(&wanted, now()).unwrap();
    let number = proposed.in_sequence().next().unwrap().out_refund_no.clone();
    assert_eq!((proposed.his_task(), proposed.refund_due(Deadline::Refund)), (None, None));
    let maker = Actor::Staff("shou".into());
    assert_eq!(proposed.approved(&number, &maker, now()), Err(OrderError::SamePerson));
    let checker = Actor::Staff("kuai".into());
    let approved = proposed.approved(&number, &checker, now()).unwrap();
    assert!(matches!(approved.his_task(), Some(HisTask::Return(_))));
    let declined = proposed.declined(&number, &checker, now()).unwrap();
    assert_eq!(declined.kept(), Ok(Fen::of(11500)));
    assert_eq!(declined.lines_left().len(), 3);
}

#[test]
fn what_wechat_would_refuse_goes_to_people() {
    let old = posted().refund(&ask(Cause::VisitOff, Share::Everything), later(refund::REFUND_WITHIN_S + 1)).unwrap();
    let refund = old.in_sequence().next().unwrap();
    assert_eq!(refund.state, RefundState::Manual { why: ManualWhy::TooOld });
    assert_eq!(old.refund_due(Deadline::Refund), None);
    let number = refund.out_refund_no.clone();
    let by = Actor::Staff("kuai".into());
    assert_eq!(old.retried(&number, &by, now()), Err(OrderError::NotRefundable));
    let outside = old.returned_outside(&number, now()).unwrap();
    assert_eq!(outside.refund_of(&number).unwrap().state, RefundState::Outside);

    let subject = Subject::Bills { card: "C1".parse().unwrap(), bills: vec!["B1".parse().unwrap()] };
    let items = (1..=51).map(|item| line("x", 10, Some(&item.to_string()))).collect();
    let mut order = paid(&Order::open(new(subject, items), now()).unwrap());
    for place in 1..=51 {
        order = order.refund(&ask(Cause::Staff, lines(&[place])), now()).unwrap();
    }
    let manual: Vec<_> =
        order.refunds.values().filter(|refund| matches!(refund.state, RefundState::Manual { .. })).collect();
    assert_eq!((manual.len(), manual[0].state), (1, RefundState::Manual { why: ManualWhy::TooMany }));
}

#[test]
fn closed_by_wechat_may_start_anew_under_a_new_number() {
    let due = paid(&registration()).refund(&ask(Cause::VisitOff, Share::Everything), now()).unwrap();
    let number = due.in_sequence().next().unwrap().out_refund_no.clone();
    let failed = |why| answered(&due, &number, RefundAnswer::Failed(why), now()).unwrap();
    let by = Actor::Staff("kuai".into());
    let again = failed(ManualWhy::Closed).retried(&number, &by, now()).unwrap();
    assert!(again.refund_due(Deadline::Refund).unwrap().out_refund_no.as_str().ends_with("_R2"));
    assert_eq!(again.kept(), Ok(Fen::ZERO));
    let abnormal = failed(ManualWhy::Abnormal).retried(&number, &by, now()).unwrap();
    assert_eq!(abnormal.refund_due(Deadline::RefundQuery).unwrap().out_refund_no, number);
}

#[derive(Clone, Debug)]
enum Step {
    Paid(bool),
    Closed,
    Queried,
    Settled,
    Refund(Cause, Option<usize>, bool),
    Check(bool),
    Answer(RefundAnswer),
    His(HisAnswer),
    GiveUp,
    Retry,
    Pass(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    use RefundAnswer::{Failed, Processing, Success, Unknown};
    let cause = prop_oneof![Just(Cause::VisitOff), Just(Cause::PatientAsked), Just(Cause::Staff)];
    let his = prop_oneof![
        Just(HisAnswer::Posted(receipt())),
        Just(HisAnswer::Returned),
        Just(HisAnswer::NotFound),
        Just(HisAnswer::Refused("NO".into())),
        Just(HisAnswer::Unknown),
    ];
    prop_oneof![
        2 => any::<bool>().prop_map(Step::Paid),
        1 => Just(Step::Closed),
        1 => Just(Step::Queried),
        2 => Just(Step::Settled),
        3 => (cause, proptest::option::of(1_usize..5), any::<bool>()).prop_map(|(c, l, k)| Step::Refund(c, l, k)),
        1 => any::<bool>().prop_map(Step::Check),
        2 => prop_oneof![Just(Processing), Just(Success), Just(Failed(ManualWhy::Closed)), Just(Unknown)].prop_map(Step::Answer),
        5 => his.prop_map(Step::His),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Retry),
        1 => (1_i64..1000).prop_map(Step::Pass),
    ]
}

fn take(order: &Order, step: Step, now: Timestamp) -> Result<Order, OrderError> {
    let in_state = |wanted: fn(&Refund) -> bool| {
        let found = order.in_sequence().find(|refund| wanted(refund));
        found.map_or(OutRefundNo::of(&order.out_trade_no, 99), |refund| refund.out_refund_no.clone())
    };
    match step {
        Step::Paid(right) => {
            let total = if right { order.amount } else { Fen::of(1) };
            order.paid(&Payment { total, ..payment(order) }, Actor::WechatPay, now)
        }
        Step::Closed => order.closed(now),
        Step::Queried => order.queried(now),
        Step::Settled => order.settled(now),
        Step::Refund(cause, place, needs_checker) => {
            let share = place.map_or(Share::Everything, |place| lines(&[place]));
            order.refund(&RefundRequest { needs_checker, ..ask(cause, share) }, now)
        }
        Step::Check(yes) => {
            let (number, checker) = (in_state(|r| r.state == RefundState::Proposed), Actor::Staff("kuai".into()));
            if yes { order.approved(&number, &checker, now) } else { order.declined(&number, &checker, now) }
        }
        Step::Answer(answer) => {
            let number = in_state(|r| matches!(r.state, RefundState::Requested | RefundState::Accepted));
            answered(order, &number, answer, now)
        }
        Step::His(answer) => match order.his_task() {
            Some(task) => order.his_asked(&task, now)?.his_answered(&task, answer, now),
            None => Err(OrderError::AlreadyDone),
        },
        Step::GiveUp => order.his_given_up(900, now),
        Step::Retry => {
            order.retried(&in_state(|r| matches!(r.state, RefundState::Manual { .. })), &Actor::Schedule, now)
        }
        Step::Pass(_) => Err(OrderError::AlreadyDone),
    }
}

/// Whatever happened: no line goes back twice, what is unfinished has a deadline, and what has a deadline is unfinished.
fn holds(order: &Order) {
    let live: Vec<_> = order.refunds.values().filter(|refund| refund.is_live()).collect();
    let given: Vec<usize> = live.iter().flat_map(|refund| &refund.lines).copied().collect();
    assert_eq!(given.len(), given.iter().collect::<BTreeSet<_>>().len(), "a line goes back twice: {order:?}");
    let back: i64 = live.iter().map(|refund| refund.amount.get()).sum();
    assert_eq!(order.kept().unwrap().get(), if order.is_paid() { order.amount.get() - back } else { 0 });
    let planned = |kind| order.deadlines.get(kind).is_some();
    assert_eq!(order.refund_due(Deadline::Refund).is_some(), planned(Deadline::Refund), "{order:?}");
    assert_eq!(order.refund_due(Deadline::RefundQuery).is_some(), planned(Deadline::RefundQuery), "{order:?}");
    assert_eq!(order.his_task().is_some(), planned(Deadline::Post), "{order:?}");
    assert_eq!(order.state == OrderState::AwaitingPay, planned(Deadline::Query), "{order:?}");
    let waits = order.refunds.values().any(|refund| refund.state == RefundState::Releasing);
    assert!(!waits || order.his_task().is_some() || planned(Deadline::Settle), "nobody will release this: {order:?}");
}

proptest! {
    #[test]
    fn no_sequence_loses_or_makes_a_fen(of_bills: bool, steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut order = if of_bills { bills() } else { registration() };
        let mut now = now();
        for step in steps {
            if let Step::Pass(seconds) = step {
                now = time::add_seconds(now, seconds);
            }
            let was_paid = order.is_paid();
            order = take(&order, step, now).unwrap_or(order);
            prop_assert!(!was_paid || order.is_paid());
            holds(&order);
        }
    }

    #[test]
    fn a_working_outside_brings_every_order_to_an_end(of_bills: bool, steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut order = paid(&if of_bills { bills() } else { registration() });
        let mut now = now();
        for step in steps {
            order = take(&order, step, now).unwrap_or(order);
        }
        // What the HIS has is not known after lost answers: say no payment arrived, and every refund may be told.
        for _ in 0..40 {
            now = time::add_seconds(now, 400);
            if let Ok(settled) = order.settled(now) {
                order = settled;
            }
            if let Some(task) = order.his_task() {
                let answer = match &task {
                    HisTask::Post => HisAnswer::Posted(receipt()),
                    HisTask::FindPosted | HisTask::FindReturned(_) => HisAnswer::NotFound,
                    HisTask::Return(_) | HisTask::Drop => HisAnswer::Returned,
                };
                order = order.his_asked(&task, now).unwrap().his_answered(&task, answer, now).unwrap();
            }
            if let Some(refund) = order.undated_refund() {
                let report = RefundReport { answer: RefundAnswer::Success, amount: refund.amount, accepted_at: Some(now), refund_id: None };
                order = order.refund_dated(&refund.out_refund_no.clone(), &report, now).unwrap();
            }
            for kind in [Deadline::Refund, Deadline::RefundQuery] {
                if let Some(refund) = order.refund_due(kind) {
                    let number = refund.out_refund_no.clone();
                    order = answered(&order, &number, RefundAnswer::Success, now).unwrap();
                }
            }
        }
        let left: Vec<_> = [Deadline::Settle, Deadline::Post, Deadline::Refund, Deadline::RefundQuery, Deadline::Query]
            .into_iter().filter(|kind| order.deadlines.get(*kind).is_some()).collect();
        prop_assert!(left.is_empty(), "{left:?} {order:?}");
    }
}

#[test]
fn what_needs_people_follows_from_the_order() {
    let paid = paid(&registration());
    let other = Payment { transaction_id: "43000".into(), ..payment(&paid) };
    let disputed = paid.disputed(&other, now()).unwrap();
    assert_eq!(disputed.disputed(&other, now()), Err(OrderError::AlreadyDone));
    let work = disputed.work();
    assert_eq!(work.iter().map(Work::key).collect::<Vec<_>>(), ["disputed-43000"]);
    let by = Actor::Staff("kuai".into());
    let done = disputed.remarked(&work[0].key(), by.clone(), "已线下退款", now()).unwrap();
    assert_eq!((done.work(), done.remarks[0].text.as_str()), (vec![], "已线下退款"));
    // A refund is settled by what becomes of it, not by a remark.
    let old = paid.refund(&ask(Cause::VisitOff, Share::Everything), later(refund::REFUND_WITHIN_S + 1)).unwrap();
    assert_eq!(old.remarked(&old.work()[0].key(), by, "x", now()), Err(OrderError::Illegal));
    let stuck = Order { tries: (0..TRIES_MAX).fold(Tries::none(), |tries, _| tries.more(Deadline::Settle)), ..paid };
    assert_eq!(stuck.work(), [Work::Stuck]);
    assert_eq!(stuck.unstuck(later(5)).unwrap().deadlines.get(Deadline::Settle), Some(later(5)));
}
