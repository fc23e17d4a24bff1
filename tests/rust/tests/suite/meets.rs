//! Where paying and something else meet (E13-E19, E30-E32): each ends in a visit, or in exactly one refund of everything,
//! and the payer is told which and why.

use crate::visit::hospital::{Hospital, Person, appointment_key};
use crate::visit::proxy::{Fault, Plan};
use domain::appointment::{AppointmentKey, RefusedWhy, State};
use domain::clinic::Claim;
use domain::id::{ClinicId, OutTradeNo};
use domain::notice::{About, Moment, NoticeField, NoticeKind};
use domain::order::{Order, OrderState, RefundState};
use serde_json::{Value, json};

const FEE_FEN: i64 = 2500;
const HOLD_OVER_MIN: i64 = 11;

/// A number held, with the payment sheet open.
struct Sheet {
    hospital: Hospital,
    person: Person,
    clinic: ClinicId,
    key: AppointmentKey,
    prepay: Value,
}

impl Sheet {
    async fn open() -> Self {
        let hospital = Hospital::open().await;
        let person = hospital.patient("lin").await;
        let clinic = hospital.clinic_at(1, FEE_FEN).await;
        let (status, held) = hospital.hold(&person, &clinic, "first").await;
        assert_eq!(status, 200, "{held}");
        let key = appointment_key(&held);
        let (status, prepay) = hospital.prepay(&person, &key).await;
        assert_eq!(status, 200, "{prepay}");
        Self { hospital, person, clinic, key, prepay }
    }

    async fn pays_and_wechat_tells(&self) {
        let notification = self.hospital.pay(&self.person, &self.prepay).await;
        assert_eq!(self.hospital.notify(&notification).await, 200);
    }

    /// A minute's tick, and another when refunds have had their time.
    async fn time_passes(&self) {
        for minutes in [1, 2, 2, 2] {
            self.hospital.pass_minutes(minutes).await;
            self.hospital.tick().await;
        }
    }

    async fn state(&self) -> State {
        self.hospital.table.appointment(&self.key).await.unwrap().unwrap().state
    }

    async fn order(&self) -> Order {
        let order = self.hospital.table.order(&OutTradeNo::of(&self.key.id, 1)).await.unwrap();
        order.expect("the order was written before WeChat heard of it")
    }

    async fn is_a_visit(&self) {
        assert_eq!(self.state().await, State::Booked);
        let order = self.order().await;
        assert!(order.is_paid() && order.refunds.is_empty(), "{order:?}");
        assert_eq!(self.hospital.notices(&self.key).await, [NoticeKind::Booked]);
    }

    /// Refused with `why`, everything back once, in WeChat's books too, and said in `words`.
    async fn is_refunded(&self, why: RefusedWhy, words: &str) {
        assert_eq!(self.state().await, State::Refused { why });
        self.everything_is_back_once().await;
        assert_eq!(self.hospital.notices(&self.key).await, [NoticeKind::Refused]);
        let appointment = self.hospital.table.appointment(&self.key).await.unwrap().unwrap();
        let moment = Moment { cancel: self.hospital.profile.cancel, now: self.hospital.now() };
        let about = About::Appointment(Box::new(appointment));
        let told = about.field_text(NoticeKind::Refused, NoticeField::Remark, moment);
        assert!(told.contains(words), "{told}");
    }

    async fn everything_is_back_once(&self) {
        let order = self.order().await;
        let refunds: Vec<_> = order.refunds.values().map(|refund| (refund.amount.get(), refund.state)).collect();
        assert_eq!(refunds, [(FEE_FEN, RefundState::Succeeded)]);
        let books = self.hospital.wechat.get("books").await;
        let theirs = books["refunds"].as_array().unwrap().iter();
        let theirs = theirs.filter(|refund| refund["out_trade_no"] == order.out_trade_no.as_str());
        assert_eq!(theirs.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paid_while_expiring_is_a_visit() {
    let sheet = Sheet::open().await;
    let _lost = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    sheet.hospital.pass_minutes(HOLD_OVER_MIN).await;
    sheet.hospital.tick().await;
    sheet.is_a_visit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_nobody_tells_of_is_found_within_minutes() {
    let sheet = Sheet::open().await;
    let _lost = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    sheet.hospital.pass_minutes(2).await;
    sheet.hospital.tick().await;
    sheet.is_a_visit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_again_and_again_is_one_visit() {
    let sheet = Sheet::open().await;
    let notification = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    for _ in 0..3 {
        assert_eq!(sheet.hospital.notify(&notification).await, 200);
    }
    assert_eq!(sheet.hospital.check(&sheet.person, &sheet.key).await.0, 200);
    sheet.hospital.tick().await;
    sheet.is_a_visit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_noted_and_left_there_is_followed_to_its_end_by_the_page() {
    let sheet = Sheet::open().await;
    let notification = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    // The order is read and written, and then the notification's process is gone.
    sheet.hospital.switch.arm(Some(Plan { at: 2, fault: Fault::Before, crash: true }));
    sheet.hospital.notify(&notification).await;
    sheet.hospital.switch.arm(None);
    assert!(sheet.order().await.is_paid(), "noted");
    assert!(matches!(sheet.state().await, State::Held { .. }), "and left there");
    let (status, check) = sheet.hospital.check(&sheet.person, &sheet.key).await;
    assert_eq!((status, &check["state"]), (200, &json!("paid")), "{check}");
    sheet.is_a_visit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paid_after_the_number_is_gone_goes_back() {
    let sheet = Sheet::open().await;
    // WeChat takes the money, and its answers and notifications are lost until somebody else has the number.
    let notification = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    sheet.take_the_number_away().await;
    assert_eq!(sheet.hospital.notify(&notification).await, 200);
    sheet.time_passes().await;
    sheet.is_refunded(RefusedWhy::NumberGone, "号源已释放").await;
}

impl Sheet {
    /// As if the hold had ended before the payment was seen: the next person holds the only number.
    async fn take_the_number_away(&self) {
        let (table, profile, now) = (&self.hospital.table, &self.hospital.profile, self.hospital.now());
        let slot = table.slot(&self.clinic, crate::visit::hospital::slot()).await.unwrap().unwrap();
        let over = domain::time::add_minutes(now, HOLD_OVER_MIN);
        table.expire_hold(profile, &slot, &self.key, over).await.unwrap();
        let resting = table.slot(&self.clinic, crate::visit::hospital::slot()).await.unwrap().unwrap();
        let rested = domain::time::add_minutes(over, i64::from(profile.booking.rest.most_min));
        table.end_rest(&resting, &self.key.id, rested).await.unwrap();
        let other = self.hospital.patient("zhou").await;
        assert_eq!(self.hospital.hold(&other, &self.clinic, "second").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paid_while_the_number_rests_is_a_visit() {
    let sheet = Sheet::open().await;
    let notification = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    let (table, profile, now) = (&sheet.hospital.table, &sheet.hospital.profile, sheet.hospital.now());
    let slot = || async { table.slot(&sheet.clinic, crate::visit::hospital::slot()).await.unwrap().unwrap() };
    let over = domain::time::add_minutes(now, HOLD_OVER_MIN);
    table.expire_hold(profile, &slot().await, &sheet.key, over).await.unwrap();
    assert!(slot().await.holder(&sheet.key.id).is_none() && slot().await.free_numbers.is_empty(), "it rests");
    assert_eq!(sheet.hospital.notify(&notification).await, 200);
    sheet.is_a_visit().await;
    assert!(slot().await.holder(&sheet.key.id).is_some_and(|mine| mine.claim == Claim::Booked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_closed_between_hold_and_payment_goes_back() {
    let sheet = Sheet::open().await;
    sheet.hospital.table.close_clinic(&sheet.clinic, sheet.hospital.now()).await.unwrap().unwrap();
    sheet.pays_and_wechat_tells().await;
    sheet.time_passes().await;
    sheet.is_refunded(RefusedWhy::ClinicClosed, "停诊").await;
    let slot = sheet.hospital.table.slot(&sheet.clinic, crate::visit::hospital::slot()).await.unwrap().unwrap();
    assert_eq!(slot.holders().count(), 0, "{slot:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_fee_between_hold_and_payment_goes_back() {
    let sheet = Sheet::open().await;
    sheet.hospital.change_fee(&sheet.clinic, FEE_FEN + 500).await;
    sheet.pays_and_wechat_tells().await;
    sheet.time_passes().await;
    sheet.is_refunded(RefusedWhy::ClinicChanged, "出诊信息已变更").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_banned_between_hold_and_payment_goes_back() {
    let sheet = Sheet::open().await;
    sheet.hospital.ban(&sheet.person).await;
    sheet.pays_and_wechat_tells().await;
    sheet.time_passes().await;
    sheet.is_refunded(RefusedWhy::NoAdvanceBooking, "预约资格").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paid_by_two_people_one_of_them_gets_all_of_it_back() {
    let sheet = Sheet::open().await;
    let (hospital, key) = (&sheet.hospital, &sheet.key);
    let daughter = hospital.linked("chen", &sheet.person).await;
    // The mother's sheet is open when the daughter asks for one of her own: the mother's order is closed first.
    let (status, second) = hospital.prepay(&daughter, key).await;
    assert_eq!(status, 200, "{second}");
    let mothers = hospital.table.order(&OutTradeNo::of(&key.id, 1)).await.unwrap().unwrap();
    assert_eq!(mothers.state, OrderState::Closed);
    let refused = hospital.try_to_pay(&sheet.person, &sheet.prepay).await;
    assert_ne!(refused["result"], "ok", "{refused}");
    let notification = hospital.pay(&daughter, &second).await;
    assert_eq!(hospital.notify(&notification).await, 200);
    assert_eq!(sheet.state().await, State::Booked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_while_paying_goes_back() {
    let sheet = Sheet::open().await;
    let notification = sheet.hospital.pay(&sheet.person, &sheet.prepay).await;
    assert_eq!(sheet.hospital.cancel(&sheet.person, &sheet.key).await.0, 200);
    assert_eq!(sheet.hospital.notify(&notification).await, 200);
    sheet.time_passes().await;
    assert!(matches!(sheet.state().await, State::Cancelled { .. }));
    sheet.everything_is_back_once().await;
    assert_eq!(sheet.hospital.notices(&sheet.key).await, [NoticeKind::Cancelled]);
}
