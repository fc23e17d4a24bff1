//! Calls to WeChat Pay.

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, USER_AGENT};
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{PayError, Problem};
use super::fields::{OutRefundNo, OutTradeNo};
use super::merchant::Merchant;
use super::types::{Prepay, PrepayId, Refund, RefundNotice, Transaction, WireRefund, WireTransaction};
use super::verifier::{SignatureHeaders, Verifier, VerifyError};
use crate::crypto::hex;
use crate::http::{self, NoAnswer, Timeouts};

/// Most tries of one call; the last goes to the fallback host.
pub const MAX_TRIES: u32 = 3;
/// Pause before the second try, in milliseconds; doubled before the third, each with up to as much again at random.
pub const RETRY_PAUSE_MS: u64 = 200;
/// Largest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

const AGENT: &str = concat!("menzhen/", env!("CARGO_PKG_VERSION"));
const SERIAL_HEADER: &str = "wechatpay-serial";
const REQUEST_ID_HEADER: &str = "request-id";
/// Bytes of randomness a call takes.
const RANDOM_BYTES: usize = 16;

/// What may stand unescaped in a path segment or a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where WeChat Pay answers, without trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// `https://api.mch.weixin.qq.com`
    pub primary: String,
    /// `https://api2.mch.weixin.qq.com`
    pub fallback: String,
}

impl Hosts {
    /// An address as WeChat Pay gave it, if it is on one of these hosts and reached by https (or loopback).
    fn own(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address.trim()).ok()?;
        let is_ours = |host: &String| Url::parse(host).is_ok_and(|host| host.origin() == url.origin());
        let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
        (is_safe && [&self.primary, &self.fallback].into_iter().any(is_ours)).then_some(url)
    }
}

/// Why a file did not arrive.
#[derive(Debug)]
pub(super) enum DownloadError {
    /// Longer than the caller takes.
    TooLarge,
    /// Not given.
    Pay(PayError),
}

impl From<PayError> for DownloadError {
    fn from(error: PayError) -> Self {
        Self::Pay(error)
    }
}

/// What a call takes from outside: the time, and fresh random bytes for its nonces.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Now.
    pub now: Timestamp,
    /// Fresh for each call.
    pub random: [u8; RANDOM_BYTES],
}

impl Call {
    /// Each try has its own nonce: the same random bytes with the try's number mixed in.
    fn nonce(&self, attempt: u32) -> String {
        let mut bytes = self.random;
        if let Some(last) = bytes.last_mut() {
            *last = last.wrapping_add(u8::try_from(attempt).unwrap_or_default());
        }
        hex(&bytes).to_ascii_uppercase()
    }

    /// The pause before a try.
    fn pause(&self, attempt: u32) -> Duration {
        let base_ms = RETRY_PAUSE_MS.saturating_mul(1 << attempt.saturating_sub(1).min(8));
        let [first, ..] = self.random;
        Duration::from_millis(base_ms + base_ms * u64::from(first) / 256)
    }
}

/// How closing an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseOutcome {
    /// Closed: it can no longer be paid.
    Closed,
    /// It was paid before; query it.
    AlreadyPaid,
}

/// A client of one merchant.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    hosts: Hosts,
    merchant: Merchant,
    verifier: Verifier,
}

#[derive(Serialize)]
struct PrepayBody<'a> {
    appid: &'a str,
    mchid: &'a str,
    description: &'a str,
    out_trade_no: &'a str,
    time_expire: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<&'a str>,
    notify_url: &'a str,
    amount: TotalBody,
    payer: PayerBody<'a>,
}

#[derive(Serialize)]
struct TotalBody {
    total: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct PayerBody<'a> {
    openid: &'a str,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    out_trade_no: &'a str,
    out_refund_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    notify_url: &'a str,
    amount: RefundAmountBody,
}

#[derive(Serialize)]
struct RefundAmountBody {
    refund: i64,
    total: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct CloseBody<'a> {
    mchid: &'a str,
}

#[derive(Deserialize)]
struct PrepayAnswer {
    prepay_id: PrepayId,
}

#[derive(Deserialize, Default)]
struct ErrorAnswer {
    #[serde(default)]
    code: String,
}

/// The only currency of a direct merchant in mainland China.
const CNY: &str = "CNY";

impl Client {
    /// A client with its own connections.
    pub fn new(hosts: Hosts, timeouts: Timeouts, merchant: Merchant, verifier: Verifier) -> Result<Self, PayError> {
        let http = http::client(timeouts).map_err(|_| PayError::NotSent)?;
        Ok(Self { http, hosts, merchant, verifier })
    }

    /// The merchant this client acts for.
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// The keys answers are checked with.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Prepares an order for the payment sheet. Safe to repeat with the same values.
    pub async fn prepay(&self, order: &Prepay, call: Call) -> Result<PrepayId, PayError> {
        let body = self.prepay_body(order)?;
        let answer: PrepayAnswer = self.read(Method::POST, "/v3/pay/transactions/jsapi", body, call).await?;
        Ok(answer.prepay_id)
    }

    /// How an order stands, by our number.
    pub async fn query(&self, out_trade_no: &OutTradeNo, call: Call) -> Result<Transaction, PayError> {
        let path = format!(
            "/v3/pay/transactions/out-trade-no/{}?mchid={}",
            escape(out_trade_no.as_str()),
            escape(self.merchant.mch_id())
        );
        let wire: WireTransaction = self.read(Method::GET, &path, Vec::new(), call).await?;
        if wire.mch_id != self.merchant.mch_id() || wire.app_id != self.merchant.app_id() {
            return Err(PayError::Unreadable);
        }
        let transaction = Transaction::try_from(wire).map_err(|_| PayError::Unreadable)?;
        if transaction.out_trade_no == out_trade_no.as_str() { Ok(transaction) } else { Err(PayError::Unreadable) }
    }

    /// Closes an unpaid order. Only [`CloseOutcome::Closed`] makes sure that no payment comes any more.
    pub async fn close(&self, out_trade_no: &OutTradeNo, call: Call) -> Result<CloseOutcome, PayError> {
        let path = format!("/v3/pay/transactions/out-trade-no/{}/close", escape(out_trade_no.as_str()));
        let body = to_json(&CloseBody { mchid: self.merchant.mch_id() })?;
        match self.send(Method::POST, &path, body, call).await {
            Ok(_) => Ok(CloseOutcome::Closed),
            Err(PayError::OrderPaid(_)) => Ok(CloseOutcome::AlreadyPaid),
            Err(error) => Err(error),
        }
    }

    /// Asks for a refund. Safe to repeat with the same refund number and values; accepted is not done.
    pub async fn refund(&self, refund: &Refund, call: Call) -> Result<RefundNotice, PayError> {
        let body = refund_body(refund)?;
        let wire: WireRefund = self.read(Method::POST, "/v3/refund/domestic/refunds", body, call).await?;
        refund_of(wire, &refund.out_refund_no)
    }

    /// How a refund stands, by our number.
    pub async fn query_refund(&self, out_refund_no: &OutRefundNo, call: Call) -> Result<RefundNotice, PayError> {
        let path = format!("/v3/refund/domestic/refunds/{}", escape(out_refund_no.as_str()));
        let wire: WireRefund = self.read(Method::GET, &path, Vec::new(), call).await?;
        refund_of(wire, out_refund_no)
    }

    fn prepay_body(&self, order: &Prepay) -> Result<Vec<u8>, PayError> {
        if order.total_fen < 1 {
            return Err(PayError::Amount);
        }
        to_json(&PrepayBody {
            appid: self.merchant.app_id(),
            mchid: self.merchant.mch_id(),
            description: order.description.as_str(),
            out_trade_no: order.out_trade_no.as_str(),
            time_expire: order.time_expire.as_str(),
            attach: order.attach.as_ref().map(super::fields::Attach::as_str),
            notify_url: order.notify_url.as_str(),
            amount: TotalBody { total: order.total_fen, currency: CNY },
            payer: PayerBody { openid: &order.payer_openid },
        })
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        call: Call,
    ) -> Result<T, PayError> {
        let answer = self.send(method, path, body, call).await?;
        serde_json::from_slice(&answer).map_err(|_| PayError::Unreadable)
    }

    /// Sends until there is an answer to rely on, at most [`MAX_TRIES`] times with identical parameters.
    ///
    /// An earlier try may have arrived, so "not sent" is only said when no try was.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>, call: Call) -> Result<Vec<u8>, PayError> {
        let mut worst = PayError::NotSent;
        for attempt in 0..MAX_TRIES {
            if attempt > 0 {
                tokio::time::sleep(call.pause(attempt)).await;
            }
            match self.attempt(&method, path, &body, call, attempt).await {
                Err(PayError::NotSent) => {}
                Err(error) if error.is_worth_a_try() => worst = error,
                outcome => return outcome,
            }
        }
        Err(worst)
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        body: &[u8],
        call: Call,
        attempt: u32,
    ) -> Result<Vec<u8>, PayError> {
        let host = if attempt + 1 == MAX_TRIES { &self.hosts.fallback } else { &self.hosts.primary };
        let url = Url::parse(&format!("{host}{path}")).map_err(|_| PayError::Address)?;
        let response = http::send(self.request(method, url, body, call, attempt)?).await?;
        self.settle(response, call.now).await
    }

    /// A signed request, not sent yet.
    fn request(
        &self,
        method: &Method,
        url: Url,
        body: &[u8],
        call: Call,
        attempt: u32,
    ) -> Result<RequestBuilder, PayError> {
        let signed_path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let nonce = call.nonce(attempt);
        let authorization = self.merchant.authorization(method.as_str(), &signed_path, body, &nonce, call.now)?;
        let request = self.http.request(method.clone(), url);
        Ok(request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header(AUTHORIZATION, authorization)
            .header(SERIAL_HEADER, self.verifier.current_id())
            .body(body.to_vec()))
    }

    /// Fetches a file WeChat Pay named, signed like every request. The answer carries no signature: whoever calls has a
    /// hash of the file. Only our own hosts are asked, so that no signed request goes anywhere else.
    pub(super) async fn download(
        &self,
        address: &str,
        timeout_ms: u64,
        max_bytes: usize,
        call: Call,
    ) -> Result<Vec<u8>, DownloadError> {
        let url = self.hosts.own(address).ok_or(PayError::Address)?;
        // The call that gave the address used up the first numbers.
        let attempt = MAX_TRIES;
        let request = self.request(&Method::GET, url, &[], call, attempt)?.timeout(Duration::from_millis(timeout_ms));
        let response = http::send(request).await.map_err(PayError::from)?;
        let limit = if response.status() == 200 { max_bytes } else { MAX_ANSWER_BYTES };
        let (status, request_id) = (response.status().as_u16(), request_id(response.headers()));
        let body = http::read_body(response, limit).await.map_err(|reason| match reason {
            NoAnswer::TooLong => DownloadError::TooLarge,
            reason => DownloadError::Pay(reason.into()),
        })?;
        if status == 200 {
            return Ok(body);
        }
        let ErrorAnswer { code } = serde_json::from_slice(&body).unwrap_or_default();
        Err(PayError::from_problem(Problem { status, code, request_id, is_signed: false }).into())
    }

    /// Takes an answer apart: a 2xx has to be signed; a refusal may be unsigned, but not wrongly signed.
    async fn settle(&self, response: reqwest::Response, now: Timestamp) -> Result<Vec<u8>, PayError> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = http::read_body(response, MAX_ANSWER_BYTES).await?;
        let verified = self.verify(&headers, &body, now);
        if matches!(status, 200 | 204) {
            return verified.map(|()| body).map_err(PayError::Forged);
        }
        let is_signed = match verified {
            Ok(()) => true,
            Err(VerifyError::MissingHeader(_)) => false,
            Err(error) => return Err(PayError::Forged(error)),
        };
        let ErrorAnswer { code } = serde_json::from_slice(&body).unwrap_or_default();
        Err(PayError::from_problem(Problem { status, code, request_id: request_id(&headers), is_signed }))
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), VerifyError> {
        let lookup = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        self.verifier.verify(&SignatureHeaders::from_lookup(lookup)?, body, now)
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).map(str::to_owned)
}

fn refund_body(refund: &Refund) -> Result<Vec<u8>, PayError> {
    if refund.refund_fen < 1 || refund.refund_fen > refund.total_fen {
        return Err(PayError::Amount);
    }
    to_json(&RefundBody {
        out_trade_no: refund.out_trade_no.as_str(),
        out_refund_no: refund.out_refund_no.as_str(),
        reason: refund.reason.as_ref().map(super::fields::RefundReason::as_str),
        notify_url: refund.notify_url.as_str(),
        amount: RefundAmountBody { refund: refund.refund_fen, total: refund.total_fen, currency: CNY },
    })
}

fn refund_of(wire: WireRefund, asked: &OutRefundNo) -> Result<RefundNotice, PayError> {
    let notice = RefundNotice::try_from(wire).map_err(|_| PayError::Unreadable)?;
    if notice.out_refund_no == asked.as_str() { Ok(notice) } else { Err(PayError::Unreadable) }
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, PayError> {
    serde_json::to_vec(body).map_err(|_| PayError::Unreadable)
}

fn escape(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, UNRESERVED)
}
