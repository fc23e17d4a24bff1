//! The merchant's own signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::pem;
use super::types::PrepayId;

/// Name of the scheme in the `Authorization` header.
const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// Settings that make no merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MerchantError {
    /// The private key is no PEM of an RSA key.
    #[error("the merchant's private key cannot be read")]
    Key,
    /// An id is empty or holds characters a header cannot carry.
    #[error("{0} is not an identifier")]
    Identifier(&'static str),
}

/// A direct merchant and its API key.
pub struct Merchant {
    mch_id: String,
    app_id: String,
    serial: String,
    key: KeyPair,
}

impl std::fmt::Debug for Merchant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Merchant").field("mch_id", &self.mch_id).field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// What the page hands to `WeixinJSBridge.invoke("getBrandWCPayRequest", …)`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BridgeParameters {
    /// The account.
    pub app_id: String,
    /// Epoch seconds, as text.
    pub time_stamp: String,
    /// Random text.
    pub nonce_str: String,
    /// `prepay_id=…`
    pub package: String,
    /// `RSA`; not part of the signed text.
    pub sign_type: &'static str,
    /// Base64.
    pub pay_sign: String,
}

impl Merchant {
    /// `serial`: of the merchant's API certificate. `key_pem`: PKCS #8 or PKCS #1.
    pub fn new(
        mch_id: impl Into<String>,
        app_id: impl Into<String>,
        serial: impl Into<String>,
        key_pem: &str,
    ) -> Result<Self, MerchantError> {
        let der = pem::decode(key_pem, &["PRIVATE KEY", "RSA PRIVATE KEY"]).ok_or(MerchantError::Key)?;
        let key = KeyPair::from_pkcs8(&der).or_else(|_| KeyPair::from_der(&der)).map_err(|_| MerchantError::Key)?;
        Ok(Self {
            mch_id: identifier("mch_id", mch_id.into())?,
            app_id: identifier("app_id", app_id.into())?,
            serial: identifier("merchant serial", serial.into())?,
            key,
        })
    }

    /// The merchant's number.
    pub fn mch_id(&self) -> &str {
        &self.mch_id
    }

    /// The service account orders belong to.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The `Authorization` header of a request. `path_and_query` exactly as sent, `body` the very bytes sent.
    pub fn authorization(
        &self,
        method: &str,
        path_and_query: &str,
        body: &[u8],
        nonce: &str,
        now: Timestamp,
    ) -> Result<String, MerchantError> {
        let timestamp = now.as_second();
        let mut text = format!("{method}\n{path_and_query}\n{timestamp}\n{nonce}\n").into_bytes();
        text.extend_from_slice(body);
        text.push(b'\n');
        let signature = self.sign(&text)?;
        Ok(format!(
            "{SCHEME} mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",serial_no=\"{}\",signature=\"{signature}\"",
            self.mch_id, self.serial
        ))
    }

    /// The parameters with which the page opens the payment sheet.
    pub fn bridge_parameters(
        &self,
        prepay_id: &PrepayId,
        nonce: impl Into<String>,
        now: Timestamp,
    ) -> Result<BridgeParameters, MerchantError> {
        let (nonce_str, time_stamp) = (nonce.into(), now.as_second().to_string());
        let package = format!("prepay_id={}", prepay_id.as_str());
        let text = format!("{}\n{time_stamp}\n{nonce_str}\n{package}\n", self.app_id);
        let pay_sign = self.sign(text.as_bytes())?;
        Ok(BridgeParameters { app_id: self.app_id.clone(), time_stamp, nonce_str, package, sign_type: "RSA", pay_sign })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, base64.
    #[expect(clippy::disallowed_methods, reason = "PKCS #1 v1.5 is deterministic: the random source is never read")]
    pub(crate) fn sign(&self, text: &[u8]) -> Result<String, MerchantError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).map_err(|_| MerchantError::Key)?;
        Ok(STANDARD.encode(signature))
    }
}

fn identifier(name: &'static str, text: String) -> Result<String, MerchantError> {
    let is_right = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_right { Ok(text) } else { Err(MerchantError::Identifier(name)) }
}
