//! From a held number to a paid one.

use crate::paying::{self, Offer};
use crate::views::{CheckView, PayView, PrepayView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::booking::PREPAY_MARGIN_S;
use domain::id::OpenId;
use domain::order::{Line, NewOrder, Order, OrderState, Subject};
use domain::{Timestamp, time};
use runtime::http::Call;
use runtime::payments::Followed;
use runtime::{Refusal, enrolment};
use store::appointments::MoveFailed;
use store::settlement::Settled;
use web::Response;
use web::pay::PaymentState;
use web::problem::Problem;

/// What the one line of a registration is called.
const LINE_NAME: &str = "挂号费";

/// The appointment of the path, if the caller may act for its patient.
async fn own(app: &App, call: &Call<Action>) -> Result<Appointment, Refusal> {
    let key: AppointmentKey = call.params.parse("appointment")?;
    app.desk.table.link(call.account()?, &key.patient).await?.ok_or_else(Problem::not_found)?;
    Ok(app.desk.table.appointment(&key).await?.ok_or_else(Problem::not_found)?)
}

pub(crate) async fn show(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let appointment = own(app, call).await?;
    match appointment.state {
        State::Held { expires_at } if expires_at > call.now => {
            Ok(call.show(&PayView::of(&appointment, expires_at, call.now)))
        }
        // Paid, cancelled or over: the page of the appointment says so.
        _ => Ok(call.go(&format!("/appointments/{}", appointment.key()))),
    }
}

pub(crate) async fn prepay(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let appointment = own(app, call).await?;
    let State::Held { expires_at } = appointment.state else {
        return Ok(call.show(&PrepayView::settled()));
    };
    if expires_at <= call.now {
        return Err(hold_over().into());
    }
    if time::add_seconds(call.now, PREPAY_MARGIN_S) > expires_at {
        return Err(Problem::conflict("hold_ending", "剩余支付时间不足，请稍后重新挂号").into());
    }
    let appointment = locked(app, appointment, call.now).await?;
    let Some(order) = open_order(app, &appointment, expires_at, call.account()?, call.now).await? else {
        return Ok(call.show(&PrepayView::settled()));
    };
    let still_held = async || still_held(app, &appointment.key(), &order).await;
    match paying::offer(app, &order, call.now, still_held).await? {
        Offer::Sheet(request) => Ok(call.show(&PrepayView::open(request))),
        Offer::Settled => Ok(call.show(&PrepayView::settled())),
        Offer::Over if still_held().await? => {
            // Closed at the provider, not by us: the next tap takes the next number.
            Err(Problem::conflict("order_over", "这次支付已关闭，请再点一次支付").into())
        }
        Offer::Over => Err(hold_over().into()),
    }
}

/// Nobody pays for a number that the hospital's own system, which gives it, does not keep.
async fn locked(app: &App, appointment: Appointment, now: Timestamp) -> Result<Appointment, Refusal> {
    if !appointment.awaits_lock() {
        return Ok(appointment);
    }
    let his = app.his.get(now).await?;
    Ok(enrolment::lock(&app.desk, &his.client, appointment, now).await?)
}

fn hold_over() -> Problem {
    Problem::conflict("hold_over", "支付时间已过，号源已释放，请重新挂号")
}

async fn still_held(app: &App, key: &AppointmentKey, order: &Order) -> Result<bool, Refusal> {
    let appointment = app.desk.table.appointment(key).await?;
    Ok(appointment
        .is_some_and(|held| matches!(held.state, State::Held { .. }) && held.out_trade_no() == order.out_trade_no))
}

/// The order this caller pays; none when another one turns out to be paid. Written before the provider hears of it, so
/// that a notification always finds it. An order belongs to one payer: another one closes it and takes the next number.
async fn open_order(
    app: &App,
    appointment: &Appointment,
    expires_at: Timestamp,
    payer: &OpenId,
    now: Timestamp,
) -> Result<Option<Order>, Refusal> {
    let order = app.desk.table.create_order(&order_of(appointment, expires_at, payer, now)?).await?;
    match order.state {
        OrderState::Paid { .. } => Ok(None),
        OrderState::AwaitingPay if order.payer == *payer => Ok(Some(order)),
        OrderState::AwaitingPay => match paying::close(app, &order, now).await? {
            Followed::Settled(_) => Ok(None),
            Followed::Open | Followed::Closed => next_order(app, appointment, expires_at, payer, now).await.map(Some),
        },
        OrderState::Closed => next_order(app, appointment, expires_at, payer, now).await.map(Some),
    }
}

async fn next_order(
    app: &App,
    appointment: &Appointment,
    expires_at: Timestamp,
    payer: &OpenId,
    now: Timestamp,
) -> Result<Order, Refusal> {
    let next = match app.desk.table.next_pay_attempt(&appointment.key(), appointment.pay_attempt).await {
        Ok(next) => next,
        // Another tap took the next number a moment ago: ask again.
        Err(MoveFailed::Refused(_)) => return Err(Problem::too_many_requests(1).into()),
        Err(error) => return Err(error.into()),
    };
    let order = app.desk.table.create_order(&order_of(&next, expires_at, payer, now)?).await?;
    if order.payer == *payer { Ok(order) } else { Err(Problem::too_many_requests(1).into()) }
}

fn order_of(
    appointment: &Appointment,
    expires_at: Timestamp,
    payer: &OpenId,
    now: Timestamp,
) -> Result<Order, Refusal> {
    let new = NewOrder {
        out_trade_no: appointment.out_trade_no(),
        subject: Subject::Registration { appointment: appointment.id.clone(), date: appointment.place.date },
        patient: appointment.patient.clone(),
        patient_name_masked: appointment.patient_name_masked.clone(),
        payer: payer.clone(),
        lines: vec![Line { name: LINE_NAME.to_owned(), amount: appointment.fee, item: None }],
        expires_at,
    };
    Ok(Order::open(new, now)?)
}

pub(crate) async fn check(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let appointment = own(app, call).await?;
    let followed = match app.desk.table.order(&appointment.out_trade_no()).await? {
        Some(order) => paying::follow(app, &order, call.now).await?,
        None => Followed::Open,
    };
    let state = match followed {
        Followed::Settled(Settled::Booked(visit)) => stands(&paying::tell_visit(app, *visit, call.now).await, call.now),
        Followed::Settled(Settled::Refunding(_) | Settled::Bills(_)) => PaymentState::Refunding,
        Followed::Closed => PaymentState::Closed,
        Followed::Open => stands(&paying::tell_visit(app, appointment, call.now).await, call.now),
    };
    Ok(call.show(&CheckView::of_registration(state)))
}

fn stands(appointment: &Appointment, now: Timestamp) -> PaymentState {
    match appointment.state {
        State::Held { expires_at } if expires_at > now => PaymentState::Pending,
        State::Held { .. } | State::Expired | State::Cancelled { .. } => PaymentState::Closed,
        State::Confirming { .. } | State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow => {
            PaymentState::Paid
        }
        State::Refused { .. } => PaymentState::Refunding,
    }
}
