//! One delivery: check, open, note what it changes, answer.

use crate::chat;
use crate::refused::refusal;
use crate::{Action, App, arrival, numbers};
use domain::id::OpenId;
use domain::{Timestamp, time};
use lambda_http::http::{HeaderName, HeaderValue, header};
use runtime::Refusal;
use runtime::http::Call;
use runtime::secrets::WechatAccount;
use store::StoreError;
use store::notices::End;
use web::{Response, StatusCode};
use wechat::callback::{ACKNOWLEDGED, CallbackError, Opened, Query};
use wechat::message::{Delivery, Event, Inbound, Kind};
use wechat::reply::Reply;

/// The query parameters of the callback.
const PARAMETERS: [&str; 6] = ["signature", "timestamp", "nonce", "echostr", "encrypt_type", "msg_signature"];
/// What WeChat says of a message whose reader has blocked the account.
const USER_BLOCK: &str = "user block";
const TEXT: &str = "text/plain; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";

/// GET: the echo text alone, so that WeChat's console accepts the address.
pub(crate) async fn verify(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let account = app.account.get(call.now).await?;
    Ok(match account.callback.verify(&query(call), call.now) {
        Ok(echo) => respond(StatusCode::OK, TEXT, echo),
        Err(error) => refuse(&error),
    })
}

/// POST: a message or an event.
pub(crate) async fn receive(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let account = app.account.get(call.now).await?;
    let opened = match account.callback.open(&query(call), call.request.body(), call.now) {
        Ok(opened) => opened,
        Err(error) => return Ok(refuse(&error)),
    };
    // Both at once: the answer does not wait for the record, nor the record for the answer.
    let (noted, answer) = tokio::join!(note(app, &opened.message, call.now), answer(app, call, &account, &opened));
    if let Err(error) = noted {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(code = "change_not_stored", %error, cause, "what a delivery changes is not stored");
        return Ok(respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "change_not_stored"));
    }
    Ok(send(app, call, &account, &opened, answer))
}

fn query(call: &Call<Action>) -> Query {
    PARAMETERS.iter().filter_map(|name| Some((*name, call.meta.query(name)?))).collect()
}

/// Notes what the delivery changes, then that it was here. Only the former may fail the delivery (see the crate).
async fn note(app: &App, message: &Inbound, now: Timestamp) -> Result<(), StoreError> {
    note_change(app, message, now).await?;
    match app.desk.table.take_inbound(message.dedupe_key(), now).await {
        Ok(write) if write.is_done() => {}
        Ok(_) => tracing::info!(code = "repeat", "delivered again"),
        Err(error) => tracing::error!(code = "delivery_not_recorded", %error, "a delivery is not recorded"),
    }
    Ok(())
}

async fn note_change(app: &App, message: &Inbound, now: Timestamp) -> Result<(), StoreError> {
    match &message.kind {
        Kind::Event(Event::Subscribe { .. }) => note_follow(app, message, true).await,
        Kind::Event(Event::Unsubscribe) => note_follow(app, message, false).await,
        Kind::Event(Event::TemplateSent { msg_id, delivery }) => {
            app.desk.table.note_end(msg_id, end_of(delivery), now).await
        }
        Kind::Event(_) | Kind::Message(_) => Ok(()),
    }
}

fn end_of(delivery: &Delivery) -> End {
    match delivery {
        Delivery::Success => End::Delivered,
        Delivery::Failed(why) if why == USER_BLOCK => End::Blocked,
        Delivery::Failed(_) => End::Failed,
    }
}

async fn note_follow(app: &App, message: &Inbound, followed: bool) -> Result<(), StoreError> {
    let at = time::add_seconds(Timestamp::UNIX_EPOCH, message.created_s);
    let Ok(account) = message.from.parse::<OpenId>() else {
        // Delivering it again would not make it one.
        tracing::error!(code = "bad_openid", "the sender of a follow event is no openid");
        return Ok(());
    };
    app.desk.table.note_follow(&account, followed, at).await
}

/// What the chat answers; nothing when WeChat would not show it.
async fn answer(app: &App, call: &Call<Action>, account: &WechatAccount, opened: &Opened) -> Option<String> {
    if !opened.message.can_be_answered() {
        return None;
    }
    let Ok(profile) = call.profile() else {
        tracing::error!(code = "no_profile", "the chat answers without a profile");
        return Some(chat::without_profile(&app.desk.public_url));
    };
    let answer = chat::decide(&opened.message.kind, profile, &account.scene_key)?;
    if let Some(point) = &answer.check_in {
        return Some(arrival::check_in(app, opened, profile, point, call.now).await);
    }
    let numbers = if answer.with_numbers { numbers::next_of(app, opened, profile, call.now).await } else { None };
    Some(answer.text(profile, &app.desk.public_url, numbers.as_deref(), call.now))
}

/// The answer, sealed as the delivery was; without one, or without randomness to seal it, the acknowledgement.
fn send(app: &App, call: &Call<Action>, account: &WechatAccount, opened: &Opened, answer: Option<String>) -> Response {
    let Some(text) = answer else { return respond(StatusCode::OK, TEXT, ACKNOWLEDGED) };
    match app.desk.random.bytes() {
        Ok(random) => {
            respond(StatusCode::OK, XML, &account.callback.answer(opened, &Reply::text(text), random, call.now))
        }
        Err(error) => {
            tracing::error!(code = "no_randomness", %error, "an answer cannot be sealed");
            respond(StatusCode::OK, TEXT, ACKNOWLEDGED)
        }
    }
}

/// The code and nothing else: what is refused may hold anything.
fn refuse(error: &CallbackError) -> Response {
    let (status, code) = refusal(error);
    tracing::warn!(code, status = status.as_u16(), "refused");
    respond(status, TEXT, code)
}

fn respond(status: StatusCode, content_type: &'static str, body: &str) -> Response {
    let mut response = Response::new(body.to_owned().into());
    *response.status_mut() = status;
    let headers: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        // The echo text is the caller's: no browser may take it for a page.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
