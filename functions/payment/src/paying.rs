//! From a held number to a paid one. What the browser reports proves nothing: the server asks WeChat.

use crate::views::{CheckView, PayView, PrepayView};
use crate::{Action, App};
use domain::appointment::{Appointment, AppointmentKey, State};
use domain::booking::PREPAY_MARGIN_S;
use domain::due::Deadlines;
use domain::id::OpenId;
use domain::order::{Order, OrderState};
use domain::time;
use runtime::Refusal;
use runtime::http::Call;
use runtime::payments::{self, FollowError, Followed, call as pay_call};
use runtime::random::hex;
use runtime::secrets::PayAccount;
use store::appointments::MoveFailed;
use store::registration::Settled;
use web::Response;
use web::pay::{PaymentState, SheetRequest};
use web::problem::Problem;
use wechat::pay::{Description, OutTradeNo, PayError, Prepay, TimeExpire};

/// Stands in the payer's WeChat bill, so it names neither department nor doctor.
const DESCRIPTION: &str = "门诊服务费";

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
    let pay = app.pay.get(call.now).await?;
    let Some(order) = open_order(app, &pay, &appointment, call.account()?, call.now).await? else {
        return Ok(call.show(&PrepayView::settled()));
    };
    match sheet(app, &pay, &order, call.now).await {
        Ok(request) if still_held(app, &appointment.key(), &order).await? => Ok(call.show(&PrepayView::open(request))),
        Ok(_) => {
            // Cancelled while WeChat was asked: nobody else would look at this order again.
            payments::close(&app.desk, &pay, &order, call.now).await?;
            Err(hold_over().into())
        }
        // Paid on another phone in the meantime.
        Err(FollowError::Pay(PayError::OrderPaid(_))) => {
            payments::query(&app.desk, &pay, &order, call.now).await?;
            Ok(call.show(&PrepayView::settled()))
        }
        Err(error) => Err(error.into()),
    }
}

fn hold_over() -> Problem {
    Problem::conflict("hold_over", "支付时间已过，号源已释放，请重新挂号")
}

async fn still_held(app: &App, key: &AppointmentKey, order: &Order) -> Result<bool, Refusal> {
    let appointment = app.desk.table.appointment(key).await?;
    Ok(appointment
        .is_some_and(|held| matches!(held.state, State::Held { .. }) && held.out_trade_no() == order.out_trade_no))
}

/// The order this caller pays; none when another one turns out to be paid. Written before WeChat hears of it, so that
/// a notification always finds it. An order belongs to one payer: another one closes it and takes the next number.
async fn open_order(
    app: &App,
    pay: &PayAccount,
    appointment: &Appointment,
    payer: &OpenId,
    now: domain::Timestamp,
) -> Result<Option<Order>, Refusal> {
    let order = app.desk.table.create_order(&order_of(appointment, payer)).await?;
    match order.state {
        OrderState::Paid { .. } => Ok(None),
        OrderState::AwaitingPay if order.payer == *payer => Ok(Some(order)),
        OrderState::AwaitingPay => match payments::close(&app.desk, pay, &order, now).await? {
            Followed::Settled(_) => Ok(None),
            Followed::Open | Followed::Closed => next_order(app, appointment, payer).await.map(Some),
        },
        OrderState::Closed => next_order(app, appointment, payer).await.map(Some),
    }
}

async fn next_order(app: &App, appointment: &Appointment, payer: &OpenId) -> Result<Order, Refusal> {
    let next = match app.desk.table.next_pay_attempt(&appointment.key(), appointment.pay_attempt).await {
        Ok(next) => next,
        // Another tap took the next number a moment ago: ask again.
        Err(MoveFailed::Refused(_)) => return Err(Problem::too_many_requests(1).into()),
        Err(error) => return Err(error.into()),
    };
    let order = app.desk.table.create_order(&order_of(&next, payer)).await?;
    if order.payer == *payer { Ok(order) } else { Err(Problem::too_many_requests(1).into()) }
}

fn order_of(appointment: &Appointment, payer: &OpenId) -> Order {
    let expires_at = match appointment.state {
        State::Held { expires_at } => expires_at,
        _ => appointment.created_at,
    };
    Order {
        out_trade_no: appointment.out_trade_no(),
        appointment: appointment.id.clone(),
        patient: appointment.patient.clone(),
        date: appointment.place.date,
        payer: payer.clone(),
        amount: appointment.fee,
        state: OrderState::AwaitingPay,
        refunds: std::collections::BTreeMap::new(),
        tries: 0,
        deadlines: Deadlines::none(),
        ev: None,
        expires_at,
        ver: 1,
    }
}

/// Prepares the order at WeChat and signs what opens the payment sheet. Repeating asks for the very same order.
async fn sheet(
    app: &App,
    pay: &PayAccount,
    order: &Order,
    now: domain::Timestamp,
) -> Result<SheetRequest, FollowError> {
    let prepay = Prepay {
        description: Description::parse(DESCRIPTION)?,
        out_trade_no: OutTradeNo::parse(order.out_trade_no.as_str())?,
        time_expire: TimeExpire::repeated(order.expires_at)?,
        attach: None,
        notify_url: payments::notify_url(&app.desk)?,
        total_fen: order.amount.get(),
        payer_openid: order.payer.to_string(),
    };
    let prepay_id = pay.client.prepay(&prepay, pay_call(&app.desk, now)?).await?;
    let nonce: [u8; 16] = app.desk.random.bytes()?;
    let signed = pay.client.merchant().bridge_parameters(&prepay_id, hex(&nonce), now).map_err(PayError::from)?;
    Ok(SheetRequest {
        app_id: signed.app_id,
        time_stamp: signed.time_stamp,
        nonce_str: signed.nonce_str,
        package: signed.package,
        sign_type: signed.sign_type.to_owned(),
        pay_sign: signed.pay_sign,
    })
}

pub(crate) async fn check(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let appointment = own(app, call).await?;
    let order = app.desk.table.order(&appointment.out_trade_no()).await?;
    let followed = match order {
        Some(order) if order.state == OrderState::AwaitingPay => {
            let pay = app.pay.get(call.now).await?;
            payments::query(&app.desk, &pay, &order, call.now).await?
        }
        _ => Followed::Open,
    };
    let state = match followed {
        Followed::Settled(Settled::Booked(_)) => PaymentState::Paid,
        Followed::Settled(Settled::Refunding(_)) => PaymentState::Refunding,
        Followed::Closed => PaymentState::Closed,
        Followed::Open => stands(&appointment, call.now),
    };
    Ok(call.show(&CheckView::of(state)))
}

fn stands(appointment: &Appointment, now: domain::Timestamp) -> PaymentState {
    match appointment.state {
        State::Held { expires_at } if expires_at > now => PaymentState::Pending,
        State::Held { .. } | State::Expired | State::Cancelled { .. } => PaymentState::Closed,
        State::Booked | State::CheckedIn | State::Fulfilled | State::NoShow => PaymentState::Paid,
        State::Refused { .. } => PaymentState::Refunding,
    }
}
