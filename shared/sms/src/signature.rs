//! The signature of API 3.0: TC3-HMAC-SHA256, over the very bytes that are sent.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use domain::Timestamp;
use std::fmt;

/// The signed headers, in order.
const SIGNED_HEADERS: &str = "content-type;host";
/// The content type that is signed and sent.
pub(crate) const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// The account's secret key. Never printed.
#[derive(Clone)]
pub struct SecretKey(String);

impl SecretKey {
    /// As shown in the service's console.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What is signed.
pub(crate) struct Signed<'a> {
    pub(crate) service: &'a str,
    pub(crate) host: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) now: Timestamp,
}

impl Signed<'_> {
    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self, secret_id: &str, key: &SecretKey) -> String {
        let scope = format!("{}/{}/tc3_request", self.day(), self.service);
        let signature = hex(&self.signature(key, &scope));
        format!("TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}")
    }

    /// The UTC day: the service's rule, whatever the hospital's day is.
    fn day(&self) -> String {
        self.now.strftime("%Y-%m-%d").to_string()
    }

    fn signature(&self, key: &SecretKey, scope: &str) -> Vec<u8> {
        let request = format!(
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{}\n\n{SIGNED_HEADERS}\n{}",
            self.host,
            hex(digest(&SHA256, self.body).as_ref())
        );
        let request_hash = hex(digest(&SHA256, request.as_bytes()).as_ref());
        let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{request_hash}", self.now.as_second());
        let day_key = hmac_sha256(format!("TC3{}", key.0).as_bytes(), &self.day());
        let service_key = hmac_sha256(&day_key, self.service);
        let signing_key = hmac_sha256(&service_key, "tc3_request");
        hmac_sha256(&signing_key, &text)
    }
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the service's documentation.
    #[test]
    fn the_documented_example_has_the_documented_signature() {
        let body = br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        let now = Timestamp::from_second(1_551_113_065).unwrap();
        let signed = Signed { service: "cvm", host: "cvm.tencentcloudapi.com", body, now };
        let key = SecretKey::new("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
        assert_eq!(
            signed.authorization("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", &key),
            "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );
    }
}
