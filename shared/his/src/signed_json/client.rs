//! The client of the front-end machine.

use super::breaker::Breaker;
use super::keys::{Answer, Keys, Request, hex};
use super::numbers::{ConfirmBody, Done, LockBody, RescheduleBody, StandingData};
use super::timetable::{
    DepartmentsData, DoctorsData, EventsBody, EventsData, Nothing, SchedulesBody, SchedulesData, SlotsData,
};
use super::wire::{
    BillsData, CardBody, CardQueuesData, ClinicBody, ClinicQueueData, FeesBody, ReceiptData, RefundBody,
    RefundCheckBody, RefundNoData, RefundabilityData, SerialBody, VisitBody, VisitStatusData, data_of, unauthorized,
};
use crate::bill::UnpaidBills;
use crate::day_file::{DAY_FILE_PACKED_BYTES_MAX, DayFile, DayFileError};
use crate::error::HisError;
use crate::events::Events;
use crate::fees::{FeesPost, Receipt};
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::port::{Call, His};
use crate::queues::{CardQueue, Told};
use crate::refund::{RefundCheck, RefundPost, Refundability};
use crate::timetable::{Department, Doctor, Listed, Mark, ScheduleQuery, Schedules, SlotNumbers};
use crate::visit::{VisitQuery, VisitStatus};
use domain::Timestamp;
use domain::civil::Date;
use domain::id::{AppointmentId, CardNo, ClinicId, OutRefundNo, OutTradeNo, RefundReceiptNo};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long connecting may take, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 2_000;
/// How long a read may take, in milliseconds.
pub const READ_TIMEOUT_MS: u64 = 4_000;
/// How long a write may take, in milliseconds. After it the outcome is unknown.
pub const WRITE_TIMEOUT_MS: u64 = 8_000;
/// How long locking a number may take, in milliseconds: somebody waits for the page.
pub const LOCK_TIMEOUT_MS: u64 = 3_000;
/// How long fetching a day's file may take, in milliseconds.
pub const DAY_FILE_TIMEOUT_MS: u64 = 60_000;
/// The largest answer but for files, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

const AGENT: &str = concat!("menzhen/", env!("CARGO_PKG_VERSION"));
const APP_HEADER: &str = "x-his-app";
const TIMESTAMP_HEADER: &str = "x-his-timestamp";
const NONCE_HEADER: &str = "x-his-nonce";
const SIGNATURE_HEADER: &str = "x-his-signature";
const DIGEST_HEADER: &str = "x-his-sha256";
const GZIP: &str = "application/gzip";
const JSON: &str = "application/json";

/// Settings that make no client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is an https origin: no path, no credentials. On this machine itself http will do.
    #[error("the address of the HIS is not an https origin")]
    Address,
    /// The TLS settings of this machine do not work.
    #[error("no connections can be made")]
    Connections,
}

/// The signed-JSON adapter. One per process: it keeps connections, and remembers how the HIS has fared.
#[derive(Debug)]
pub struct SignedJson {
    http: reqwest::Client,
    origin: String,
    keys: Keys,
    breaker: Mutex<Breaker>,
}

/// One request before it is signed.
struct Outgoing {
    method: Method,
    /// Path with query.
    target: String,
    body: Vec<u8>,
    timeout_ms: u64,
    answer_bytes_max: usize,
}

/// An answer whose signature holds.
struct Verified {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Outgoing {
    fn post(operation: &str, body: &impl Serialize, timeout_ms: u64) -> Result<Self, HisError> {
        let body = serde_json::to_vec(body).map_err(|_| HisError::Unavailable)?;
        let target = format!("/his/v1/{operation}");
        Ok(Self { method: Method::POST, target, body, timeout_ms, answer_bytes_max: ANSWER_BYTES_MAX })
    }

    fn day_file(day: Date) -> Self {
        Self {
            method: Method::GET,
            target: format!("/his/v1/day-file?day={day}"),
            body: Vec::new(),
            timeout_ms: DAY_FILE_TIMEOUT_MS,
            answer_bytes_max: DAY_FILE_PACKED_BYTES_MAX,
        }
    }
}

impl SignedJson {
    /// A client of the front-end machine at `origin`.
    pub fn new(origin: &str, keys: Keys) -> Result<Self, SettingsError> {
        let url = Url::parse(origin).map_err(|_| SettingsError::Address)?;
        let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        if !(is_bare && is_anonymous && is_safe) {
            return Err(SettingsError::Address);
        }
        let http = http_client().map_err(|_| SettingsError::Connections)?;
        Ok(Self { http, origin: url.origin().ascii_serialization(), keys, breaker: Mutex::default() })
    }

    async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<Option<T>, HisError> {
        data_of(&self.exchange(Outgoing::post(operation, body, READ_TIMEOUT_MS)?, call).await?.body)
    }

    async fn write<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<T, HisError> {
        let answer = self.exchange(Outgoing::post(operation, body, WRITE_TIMEOUT_MS)?, call).await?;
        data_of(&answer.body)?.ok_or(HisError::Unreadable)
    }

    /// A write that answers nothing but that it was done, or that there was nothing to do.
    async fn tell(&self, operation: &str, body: &impl Serialize, timeout_ms: u64, call: Call) -> Result<(), HisError> {
        let answer = self.exchange(Outgoing::post(operation, body, timeout_ms)?, call).await?;
        data_of::<Done>(&answer.body).map(drop)
    }

    /// Sends once, unless the circuit is open.
    async fn exchange(&self, outgoing: Outgoing, call: Call) -> Result<Verified, HisError> {
        self.breaker().admit(call.now)?;
        let outcome = self.attempt(outgoing, call).await;
        self.breaker().learn(&outcome, call.now);
        outcome
    }

    /// A panic elsewhere leaves at worst a wrong count.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, outgoing: Outgoing, call: Call) -> Result<Verified, HisError> {
        let nonce = hex(&call.random);
        let bytes_max = outgoing.answer_bytes_max;
        // The library's error is dropped on purpose: its text holds the address.
        let response = self.request(outgoing, &nonce, call.now).send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() { HisError::Unavailable } else { HisError::UnknownOutcome }
        })?;
        let status = response.status().as_u16();
        // Any other status is not from the HIS but from something before it.
        if !matches!(status, 200 | 401) {
            return Err(HisError::UnknownOutcome);
        }
        let headers = response.headers().clone();
        let body = read_body(response, bytes_max).await?;
        let signature = text_of(&headers, SIGNATURE_HEADER);
        if !self.keys.verifies(Answer { status, nonce: &nonce, body: &body }, signature) {
            return Err(HisError::Forged);
        }
        if status == 401 { Err(unauthorized(&body)) } else { Ok(Verified { headers, body }) }
    }

    fn request(&self, outgoing: Outgoing, nonce: &str, now: Timestamp) -> reqwest::RequestBuilder {
        let Outgoing { method, target, body, timeout_ms, .. } = outgoing;
        let signature = self.keys.sign(Request { method: method.as_str(), target: &target, now, nonce, body: &body });
        self.http
            .request(method, format!("{}{target}", self.origin))
            .timeout(Duration::from_millis(timeout_ms))
            .header(CONTENT_TYPE, JSON)
            .header(APP_HEADER, self.keys.app_id())
            .header(TIMESTAMP_HEADER, now.as_second())
            .header(NONCE_HEADER, nonce)
            .header(SIGNATURE_HEADER, signature)
            .body(body)
    }
}

impl His for SignedJson {
    async fn fees_unpaid(&self, card_no: &CardNo, call: Call) -> Result<UnpaidBills, HisError> {
        let data: Option<BillsData> = self.read("fees-unpaid", &CardBody { card_no: card_no.as_str() }, call).await?;
        Ok(data.map(UnpaidBills::from).unwrap_or_default())
    }

    async fn fees_post(&self, post: &FeesPost, call: Call) -> Result<Receipt, HisError> {
        let data: ReceiptData = self.write("fees-post", &FeesBody::from(post), call).await?;
        Ok(data.into())
    }

    async fn fees_posted(&self, serial: &OutTradeNo, call: Call) -> Result<Option<Receipt>, HisError> {
        let data: Option<ReceiptData> = self.read("fees-posted", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(Receipt::from))
    }

    async fn refund_check(&self, check: &RefundCheck, call: Call) -> Result<Refundability, HisError> {
        let data: Option<RefundabilityData> = self.read("refund-check", &RefundCheckBody::from(check), call).await?;
        Ok(data.map(Refundability::from).unwrap_or_default())
    }

    async fn refund_post(&self, post: &RefundPost, call: Call) -> Result<RefundReceiptNo, HisError> {
        let data: RefundNoData = self.write("refund-post", &RefundBody::from(post), call).await?;
        Ok(data.refund_no)
    }

    async fn refund_posted(&self, serial: &OutRefundNo, call: Call) -> Result<Option<RefundReceiptNo>, HisError> {
        let data: Option<RefundNoData> =
            self.read("refund-posted", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(|data| data.refund_no))
    }

    async fn clinic_queue(&self, clinic: &ClinicId, call: Call) -> Result<Vec<Told>, HisError> {
        let body = ClinicBody { clinic: clinic.as_str() };
        let data: Option<ClinicQueueData> = self.read("clinic-queue", &body, call).await?;
        Ok(data.map(Vec::from).unwrap_or_default())
    }

    async fn card_queues(&self, card_no: &CardNo, call: Call) -> Result<Vec<CardQueue>, HisError> {
        let data: Option<CardQueuesData> =
            self.read("card-queues", &CardBody { card_no: card_no.as_str() }, call).await?;
        Ok(data.map(Vec::from).unwrap_or_default())
    }

    async fn visit_status(&self, visit: &VisitQuery, call: Call) -> Result<Option<VisitStatus>, HisError> {
        let data: Option<VisitStatusData> = self.read("visit-status", &VisitBody::from(visit), call).await?;
        Ok(data.map(VisitStatus::from))
    }

    async fn departments(&self, call: Call) -> Result<Listed<Department>, HisError> {
        let data: Option<DepartmentsData> = self.read("departments", &Nothing {}, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn doctors(&self, call: Call) -> Result<Listed<Doctor>, HisError> {
        let data: Option<DoctorsData> = self.read("doctors", &Nothing {}, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn schedules(&self, query: &ScheduleQuery, call: Call) -> Result<Schedules, HisError> {
        let data: Option<SchedulesData> = self.read("schedules", &SchedulesBody::from(query), call).await?;
        let none = || Ok(Schedules { list: Listed::none(), mark: query.since.clone() });
        data.map_or_else(none, Schedules::try_from)
    }

    async fn slots(&self, clinic: &ClinicId, call: Call) -> Result<Listed<SlotNumbers>, HisError> {
        let data: Option<SlotsData> = self.read("slots", &ClinicBody { clinic: clinic.as_str() }, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn lock(&self, lock: &NumberLock, call: Call) -> Result<(), HisError> {
        self.tell("lock", &LockBody::from(lock), LOCK_TIMEOUT_MS, call).await
    }

    async fn unlock(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.tell("unlock", &SerialBody { serial: serial.as_str() }, WRITE_TIMEOUT_MS, call).await
    }

    async fn confirm(&self, visit: &VisitBooking, call: Call) -> Result<(), HisError> {
        self.tell("confirm", &ConfirmBody::from(visit), WRITE_TIMEOUT_MS, call).await
    }

    async fn cancel(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.tell("cancel", &SerialBody { serial: serial.as_str() }, WRITE_TIMEOUT_MS, call).await
    }

    async fn reschedule(&self, from: &AppointmentId, to: &VisitBooking, call: Call) -> Result<(), HisError> {
        self.tell("reschedule", &RescheduleBody::new(from, to), WRITE_TIMEOUT_MS, call).await
    }

    async fn standing(&self, serial: &AppointmentId, call: Call) -> Result<Option<Standing>, HisError> {
        let data: Option<StandingData> = self.read("standing", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(Standing::from))
    }

    async fn events(&self, since: Option<&Mark>, call: Call) -> Result<Events, HisError> {
        let data: Option<EventsData> =
            self.read("events", &EventsBody { since: since.map(Mark::as_str) }, call).await?;
        data.map_or_else(|| Ok(Events::default()), Events::try_from)
    }

    async fn day_file(&self, day: Date, call: Call) -> Result<DayFile, HisError> {
        let answer = self.exchange(Outgoing::day_file(day), call).await?;
        if text_of(&answer.headers, CONTENT_TYPE.as_str()) != GZIP {
            // Not a file: why there is none.
            let refused = data_of::<serde_json::Value>(&answer.body).err();
            return Err(refused.unwrap_or(HisError::Unreadable));
        }
        let digest = text_of(&answer.headers, DIGEST_HEADER).to_owned();
        DayFile::new(answer.body, &digest).map_err(|error| match error {
            DayFileError::TooLarge => HisError::TooLarge,
            _ => HisError::Unreadable,
        })
    }
}

/// Follows no redirect: the protocol has none, and a followed one would take the request elsewhere.
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(AGENT)
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn read_body(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, HisError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| HisError::UnknownOutcome)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(HisError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_an_https_origin() {
        let client = |origin: &str| {
            let keys = Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap();
            SignedJson::new(origin, keys).map(|client| client.origin)
        };
        assert_eq!(client("https://his.hospital.example:8443/").unwrap(), "https://his.hospital.example:8443");
        assert_eq!(client("http://127.0.0.1:9200").unwrap(), "http://127.0.0.1:9200");
        for wrong in [
            "",
            "his.hospital.example",
            "http://his.hospital.example",
            "https://his.hospital.example/gateway",
            "https://a:b@his.hospital.example",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(client(wrong).unwrap_err(), SettingsError::Address, "{wrong}");
        }
    }
}
