//! The adapter for Tencent Cloud SMS: `SendSms` and `PullSmsSendStatusByPhoneNumber` of version 2021-01-11, through API 3.0.
//! The latter is asked about one phone and tells the same again, unlike the service's queue of reports, which gives each away
//! once, and its callback, which nobody has signed.

use crate::signature::{CONTENT_TYPE, SecretKey, Signed};
use crate::{Delivery, Sms, SmsError, SmsMessage, TakenSms};
use domain::person::Phone;
use domain::{Timestamp, time};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long connecting may take, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 2_000;
/// How long a connection waits for its next request: shorter than servers keep it (Node 5 s, nginx 75 s). A request written
/// into one that is just being closed has an unknown outcome.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// How long sending may take, in milliseconds. After it the outcome is unknown.
pub const SEND_TIMEOUT_MS: u64 = 5_000;
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

const SERVICE: &str = "sms";
const SEND: &str = "SendSms";
const REPORTS_OF_PHONE: &str = "PullSmsSendStatusByPhoneNumber";
const VERSION: &str = "2021-01-11";
const OK: &str = "Ok";
const ARRIVED: &str = "SUCCESS";
const FAILED: &str = "FAIL";
/// Most reports in one answer. No phone gets as many in the days a message is asked after.
const REPORTS_MAX: u32 = 100;
/// By how much the service's clock may differ from ours, in seconds, as it does for signatures.
const CLOCK_S: i64 = 300;
const AGENT: &str = concat!("menzhen/", env!("CARGO_PKG_VERSION"));

/// Settings that make no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is an https origin. On this machine itself http will do.
    #[error("the address of the SMS service is not an https origin")]
    Address,
    /// The TLS settings of this machine do not work.
    #[error("no connections can be made")]
    Connections,
}

/// The hospital's account with the service.
#[derive(Clone, Debug)]
pub struct TencentAccount {
    /// Names the key.
    pub secret_id: String,
    /// The key.
    pub secret_key: SecretKey,
    /// The application messages are sent under.
    pub sdk_app_id: String,
    /// Such as `ap-guangzhou`.
    pub region: String,
}

/// The adapter. One per process: it keeps connections.
#[derive(Debug)]
pub struct TencentSms {
    http: reqwest::Client,
    origin: String,
    host: String,
    account: TencentAccount,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    phone_number_set: [String; 1],
    sms_sdk_app_id: &'a str,
    sign_name: &'a str,
    template_id: &'a str,
    template_param_set: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReportsRequest<'a> {
    begin_time: i64,
    end_time: i64,
    offset: u32,
    limit: u32,
    phone_number: String,
    sms_sdk_app_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    error: Option<Refusal>,
    #[serde(default)]
    send_status_set: Vec<Status>,
    pull_sms_send_status_set: Option<Vec<Report>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    code: String,
    #[serde(default)]
    serial_no: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    serial_no: String,
    report_status: String,
}

impl TencentSms {
    /// A client of the service at `origin`: `https://sms.tencentcloudapi.com`.
    pub fn new(origin: &str, account: TencentAccount) -> Result<Self, SettingsError> {
        let url = Url::parse(origin).map_err(|_| SettingsError::Address)?;
        let host = host_of(&url).ok_or(SettingsError::Address)?;
        let http = reqwest::Client::builder()
            .user_agent(AGENT)
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .timeout(Duration::from_millis(SEND_TIMEOUT_MS))
            .pool_idle_timeout(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| SettingsError::Connections)?;
        Ok(Self { http, origin: url.origin().ascii_serialization(), host, account })
    }

    /// The library's error is dropped: it holds nothing to act on beyond whether anything was sent.
    async fn call(&self, action: &str, body: Vec<u8>, now: Timestamp) -> Result<Response, SmsError> {
        let sent = self.request(action, body, now).send().await;
        let answer =
            sent.map_err(|error| if error.is_connect() { SmsError::NotSent } else { SmsError::UnknownOutcome })?;
        read(&read_body(answer).await?)
    }

    fn request(&self, action: &str, body: Vec<u8>, now: Timestamp) -> reqwest::RequestBuilder {
        let signed = Signed { service: SERVICE, host: &self.host, body: &body, now };
        let authorization = signed.authorization(&self.account.secret_id, &self.account.secret_key);
        self.http
            .post(format!("{}/", self.origin))
            .header("content-type", CONTENT_TYPE)
            .header("authorization", authorization)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-region", &self.account.region)
            .header("x-tc-timestamp", now.as_second())
            .body(body)
    }

    fn body(&self, message: &SmsMessage) -> Result<Vec<u8>, SmsError> {
        let request = Request {
            phone_number_set: [number_of(&message.to)],
            sms_sdk_app_id: &self.account.sdk_app_id,
            sign_name: &message.signature,
            template_id: &message.template_id,
            template_param_set: &message.values,
        };
        serde_json::to_vec(&request).map_err(|_| SmsError::NotSent)
    }

    fn reports_body(&self, taken: &TakenSms, now: Timestamp) -> Result<Vec<u8>, SmsError> {
        let request = ReportsRequest {
            begin_time: time::add_seconds(taken.at, -CLOCK_S).as_second(),
            end_time: time::add_seconds(now, CLOCK_S).as_second(),
            // The only value there is.
            offset: 0,
            limit: REPORTS_MAX,
            phone_number: number_of(&taken.to),
            sms_sdk_app_id: &self.account.sdk_app_id,
        };
        serde_json::to_vec(&request).map_err(|_| SmsError::NotSent)
    }
}

/// A number of the mainland as the service writes it (E.164).
fn number_of(phone: &Phone) -> String {
    format!("+86{}", phone.expose())
}

impl Sms for TencentSms {
    async fn send(&self, message: &SmsMessage, now: Timestamp) -> Result<String, SmsError> {
        taken(&self.call(SEND, self.body(message)?, now).await?)
    }

    async fn delivery(&self, taken: &TakenSms, now: Timestamp) -> Result<Option<Delivery>, SmsError> {
        let answer = self.call(REPORTS_OF_PHONE, self.reports_body(taken, now)?, now).await?;
        reported(&answer, &taken.serial)
    }
}

/// API 3.0 answers 200 whatever happened; without an answer it can be read from, nothing is known.
fn read(body: &[u8]) -> Result<Response, SmsError> {
    let Answer { response } = serde_json::from_slice(body).map_err(|_| SmsError::UnknownOutcome)?;
    match response.error {
        Some(refusal) => Err(SmsError::from_code(&refusal.code)),
        None => Ok(response),
    }
}

/// The service's number of a message it took.
fn taken(response: &Response) -> Result<String, SmsError> {
    match response.send_status_set.first() {
        Some(status) if status.code == OK => Ok(status.serial_no.clone()),
        Some(status) => Err(SmsError::from_code(&status.code)),
        None => Err(SmsError::UnknownOutcome),
    }
}

/// What the carrier says of one message among those of its phone; a word nobody knows says nothing.
fn reported(response: &Response, serial: &str) -> Result<Option<Delivery>, SmsError> {
    let reports = response.pull_sms_send_status_set.as_ref().ok_or(SmsError::UnknownOutcome)?;
    let is = |wanted: &str| reports.iter().any(|one| one.serial_no == serial && one.report_status == wanted);
    Ok(if is(ARRIVED) {
        Some(Delivery::Arrived)
    } else if is(FAILED) {
        Some(Delivery::Failed)
    } else {
        None
    })
}

async fn read_body(mut answer: reqwest::Response) -> Result<Vec<u8>, SmsError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| SmsError::UnknownOutcome)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(SmsError::UnknownOutcome);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The host as it is signed and sent: with its port where that is not the scheme's own.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let is_local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let with_port = || url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    (is_safe && is_bare && is_anonymous).then(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::person::Phone;

    fn client(origin: &str) -> Result<TencentSms, SettingsError> {
        let account = TencentAccount {
            secret_id: "AKIDexample".into(),
            secret_key: SecretKey::new("key"),
            sdk_app_id: "1400000000".into(),
            region: "ap-guangzhou".into(),
        };
        TencentSms::new(origin, account)
    }

    #[test]
    fn the_address_is_an_https_origin() {
        assert_eq!(client("https://sms.tencentcloudapi.com").unwrap().host, "sms.tencentcloudapi.com");
        assert_eq!(client("http://127.0.0.1:9300").unwrap().host, "127.0.0.1:9300");
        for wrong in ["", "http://sms.example", "https://sms.example/x", "https://a:b@sms.example"] {
            assert_eq!(client(wrong).unwrap_err(), SettingsError::Address, "{wrong}");
        }
    }

    #[test]
    fn the_request_is_as_documented() {
        let values = vec!["内科".into(), "2026年11月23日 09:00~09:30".into()];
        let message = SmsMessage::new(Phone::parse("19900000001").unwrap(), "云杉医院", "1110", values).unwrap();
        let body = client("https://sms.tencentcloudapi.com").unwrap().body(&message).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"PhoneNumberSet":["+8619900000001"],"SmsSdkAppId":"1400000000","SignName":"云杉医院","TemplateId":"1110","TemplateParamSet":["内科","2026年11月23日 09:00~09:30"]}"#
        );
    }

    #[test]
    fn the_question_after_a_message_is_as_documented() {
        let at = Timestamp::from_second(1_795_400_000).unwrap();
        let taken = TakenSms { to: Phone::parse("19900000001").unwrap(), serial: "5000:1".into(), at };
        let body = client("https://sms.tencentcloudapi.com").unwrap().reports_body(&taken, at).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"BeginTime":1795399700,"EndTime":1795400300,"Offset":0,"Limit":100,"PhoneNumber":"+8619900000001","SmsSdkAppId":"1400000000"}"#
        );
    }

    #[test]
    fn a_report_is_of_the_message_alone() {
        let of = |reports: &str| {
            let body = format!(r#"{{"Response":{{"PullSmsSendStatusSet":[{reports}],"RequestId":"r"}}}}"#);
            read(body.as_bytes()).and_then(|response| reported(&response, "5000:1"))
        };
        let report = |serial: &str, status: &str| {
            format!(
                r#"{{"UserReceiveTime":1620734188,"CountryCode":"86","SubscriberNumber":"199","PhoneNumber":"+86199","SerialNo":"{serial}","ReportStatus":"{status}","Description":"x","SessionContext":""}}"#
            )
        };
        assert_eq!(of(""), Ok(None));
        assert_eq!(of(&report("5000:2", "FAIL")), Ok(None));
        assert_eq!(of(&report("5000:1", "LATER")), Ok(None));
        assert_eq!(of(&report("5000:1", "FAIL")), Ok(Some(Delivery::Failed)));
        assert_eq!(
            of(&[report("5000:1", "FAIL"), report("5000:1", "SUCCESS")].join(",")),
            Ok(Some(Delivery::Arrived)),
            "sent on by another carrier"
        );
        assert!(read(br#"{"Response":{"RequestId":"r"}}"#).is_ok_and(|none| reported(&none, "5000:1").is_err()));
    }

    #[test]
    fn an_answer_says_whether_it_was_taken() {
        let taken = br#"{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+86199","Fee":1,"SessionContext":"","Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"r"}}"#;
        let read = |body: &[u8]| read(body).and_then(|response| super::taken(&response));
        assert_eq!(read(taken), Ok("5000:1".into()));
        let refused = br#"{"Response":{"SendStatusSet":[{"SerialNo":"","Code":"LimitExceeded.PhoneNumberDailyLimit","Message":"x"}],"RequestId":"r"}}"#;
        assert!(matches!(read(refused), Err(SmsError::Number(_))));
        let forbidden =
            br#"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"x"},"RequestId":"r"}}"#;
        assert!(matches!(read(forbidden), Err(SmsError::Configuration(_))));
        for nothing in [&b""[..], b"<html>", br#"{"Response":{"RequestId":"r"}}"#] {
            assert_eq!(read(nothing), Err(SmsError::UnknownOutcome));
        }
    }
}
