//! The adapter for Tencent Cloud SMS: `SendSms` of version 2021-01-11, through API 3.0.

use crate::signature::{CONTENT_TYPE, SecretKey, Signed};
use crate::{Sms, SmsError, SmsMessage};
use domain::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long connecting may take, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 2_000;
/// How long sending may take, in milliseconds. After it the outcome is unknown.
pub const SEND_TIMEOUT_MS: u64 = 5_000;
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

const SERVICE: &str = "sms";
const ACTION: &str = "SendSms";
const VERSION: &str = "2021-01-11";
const OK: &str = "Ok";
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

impl TencentSms {
    /// A client of the service at `origin`: `https://sms.tencentcloudapi.com`.
    pub fn new(origin: &str, account: TencentAccount) -> Result<Self, SettingsError> {
        let url = Url::parse(origin).map_err(|_| SettingsError::Address)?;
        let host = host_of(&url).ok_or(SettingsError::Address)?;
        let http = reqwest::Client::builder()
            .user_agent(AGENT)
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .timeout(Duration::from_millis(SEND_TIMEOUT_MS))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| SettingsError::Connections)?;
        Ok(Self { http, origin: url.origin().ascii_serialization(), host, account })
    }

    fn request(&self, body: Vec<u8>, now: Timestamp) -> reqwest::RequestBuilder {
        let signed = Signed { service: SERVICE, host: &self.host, body: &body, now };
        let authorization = signed.authorization(&self.account.secret_id, &self.account.secret_key);
        self.http
            .post(format!("{}/", self.origin))
            .header("content-type", CONTENT_TYPE)
            .header("authorization", authorization)
            .header("x-tc-action", ACTION)
            .header("x-tc-version", VERSION)
            .header("x-tc-region", &self.account.region)
            .header("x-tc-timestamp", now.as_second())
            .body(body)
    }

    fn body(&self, message: &SmsMessage) -> Result<Vec<u8>, SmsError> {
        let request = Request {
            phone_number_set: [format!("+86{}", message.to.expose())],
            sms_sdk_app_id: &self.account.sdk_app_id,
            sign_name: &message.signature,
            template_id: &message.template_id,
            template_param_set: &message.values,
        };
        serde_json::to_vec(&request).map_err(|_| SmsError::NotSent)
    }
}

impl Sms for TencentSms {
    async fn send(&self, message: &SmsMessage, now: Timestamp) -> Result<String, SmsError> {
        let request = self.request(self.body(message)?, now);
        // The library's error is dropped: it holds nothing to act on beyond whether anything was sent.
        let answer = request
            .send()
            .await
            .map_err(|error| if error.is_connect() { SmsError::NotSent } else { SmsError::UnknownOutcome })?;
        read(&read_body(answer).await?)
    }
}

/// API 3.0 answers 200 whatever happened; without an answer it can be read from, nothing is known.
fn read(body: &[u8]) -> Result<String, SmsError> {
    let Answer { response } = serde_json::from_slice(body).map_err(|_| SmsError::UnknownOutcome)?;
    if let Some(refusal) = response.error {
        return Err(SmsError::from_code(&refusal.code));
    }
    match response.send_status_set.first() {
        Some(status) if status.code == OK => Ok(status.serial_no.clone()),
        Some(status) => Err(SmsError::from_code(&status.code)),
        None => Err(SmsError::UnknownOutcome),
    }
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
    fn an_answer_says_whether_it_was_taken() {
        let taken = br#"{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+86199","Fee":1,"SessionContext":"","Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"r"}}"#;
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
