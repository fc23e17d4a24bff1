//! 公众号: what WeChat delivers (messages, menu clicks, scans, follows) and what the chat answers.
//!
//! # What a delivery may do
//! Only following, unfollowing, the scan of a desk's code, and how a message of ours ended change anything. WeChat
//! delivers up to four times, in any order and at once, so each is a write that may be repeated: following is ordered by
//! WeChat's own clock, an older event arriving later changes nothing; a message ends once; checking in answers every time
//! alike. The record of the delivery comes *after* it. The other way round, a crash between the two
//! would lose the change, because the retry would look like a repeat. Every reply is computed from the message, so a
//! repeat is answered like the first delivery.
//!
//! # When something fails
//! | what | answer | why |
//! |---|---|---|
//! | not WeChat's, or not readable | 4xx with a code, nothing stored | nobody follows it up; the log has the code |
//! | the secret cannot be read | 503 | nothing can be checked; WeChat delivers again |
//! | a follow, an unfollow or the end of a message cannot be stored | 500 | WeChat delivers again, so nothing is lost |
//! | the record of a delivery cannot be stored | as if it had been | it only tells repeats from first deliveries |
//! | profile or appointments cannot be read, or not in time | 200 with a plain text and a link | anything else shows the patient an outage notice |
//!
//! # Time
//! WeChat hangs up after five seconds. At most four calls follow one another (profile, secret, follow, record), each
//! within [`AWS_TIMEOUT_MS`]; the look-up of appointments runs beside the last two.
//!
//! # Unfollowing and the right to be forgotten
//! WeChat asks that a user's data be deleted when they unfollow. We keep nothing of their WeChat profile (no nickname,
//! no picture). The account is marked as unreachable and nothing else: its links to people, their appointments and
//! their payments are records of visits, which law obliges a hospital to keep, and a number paid for stays good. Who
//! wants a link ended does that in 就诊人, or asks the hospital.

mod arrival;
pub mod chat;
mod delivery;
mod numbers;
mod refused;

use lambda_http::{Request, http::Method};
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Desk, http::serve};
use std::convert::Infallible;
use web::Response;
use web::route::{Access, Route};

/// How long one call to AWS may take: four of them fit well below WeChat's five seconds.
pub const AWS_TIMEOUT_MS: u64 = 900;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Opens and seals the callback, verifies scenes.
    pub account: Secret<WechatAccount>,
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// WeChat's console checks that the address is ours.
    Verify,
    /// WeChat delivers a message or an event.
    Receive,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 2] = [
    Route { method: Method::GET, path: "/wechat", access: Access::Signed, action: Action::Verify },
    Route { method: Method::POST, path: "/wechat", access: Access::Signed, action: Action::Receive },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, None, &ROUTES, request, async |call| match call.action {
        Action::Verify => delivery::verify(app, call).await,
        // On the heap: it holds two calls to the table at once.
        Action::Receive => Box::pin(delivery::receive(app, call)).await,
    })
    .await
}
