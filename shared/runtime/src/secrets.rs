//! Secrets: read from Secrets Manager under the names the environment gives, kept for minutes so that a rotation takes
//! effect, never logged.

use crate::StartError;
use crate::cached::{Cached, Throttle};
use crate::config;
use crate::his_account;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use serde::Deserialize;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use store::Table;
use store::seal::Keyring;
use web::pass::PassKeys;
use wechat::api::AppSecret;
use wechat::callback::{AesKey, Callback, Mode};
use wechat::pay::{ApiV3Key, Client, Merchant, Notifications, PlatformKey, Verifier};
use wechat::scene::SceneKey;

/// How long an instance keeps a secret.
pub const SECRET_AGE_MAX_S: i64 = 300;
/// How often an instance reads a secret out of turn, in seconds: who sends it nonsense must not cause a call each time.
pub const SECRET_REFRESH_PAUSE_S: i64 = 60;

/// Why a secret cannot be used. Says which and why, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager did not answer.
    #[error("secret {0} cannot be read")]
    Unavailable(&'static str),
    /// Not what the contract says.
    #[error("secret {0} is not usable: {1}")]
    Unusable(&'static str, String),
}

/// One secret, as a type.
#[derive(Debug)]
pub struct Secret<T> {
    source: Source<T>,
    kept: Cached<T>,
    out_of_turn: Throttle,
}

#[derive(Debug)]
enum Source<T> {
    Manager(Managed<T>),
    Held(Arc<Mutex<Arc<T>>>),
}

/// A secret in Secrets Manager.
struct Managed<T> {
    client: aws_sdk_secretsmanager::Client,
    variable: &'static str,
    id: String,
    make: Make<T>,
}

/// Makes a type of a secret's text.
type Make<T> = Box<dyn Fn(String) -> BoxFuture<'static, Result<T, String>> + Send + Sync>;

impl<T> fmt::Debug for Managed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Managed").field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Secret<T> {
    fn new(
        aws: &aws_config::SdkConfig,
        variable: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Self, StartError> {
        Self::made(aws, variable, Box::new(move |text| ready(parse(&text)).boxed()))
    }
}

impl<T> Secret<T> {
    fn made(aws: &aws_config::SdkConfig, variable: &'static str, make: Make<T>) -> Result<Self, StartError> {
        let id = config::required(variable)?;
        let client = aws_sdk_secretsmanager::Client::new(aws);
        Ok(Self::from(Source::Manager(Managed { client, variable, id, make })))
    }

    fn from(source: Source<T>) -> Self {
        Self { source, kept: Cached::new(SECRET_AGE_MAX_S), out_of_turn: Throttle::new(SECRET_REFRESH_PAUSE_S) }
    }

    /// A secret that is already at hand and never changes: for tests.
    pub fn fixed(value: T) -> Self {
        Self::held(Arc::new(Mutex::new(Arc::new(value))))
    }

    /// A secret that a test holds and may change; it is kept like any other.
    pub fn held(holder: Arc<Mutex<Arc<T>>>) -> Self {
        Self::from(Source::Held(holder))
    }

    /// The same, read once: the TLS handshake and the parsing belong into the start. A secret that cannot be read now is
    /// tried again when it is needed.
    pub async fn warmed(self, now: Timestamp) -> Self {
        if let Err(error) = self.get(now).await {
            tracing::info!(%error, "started without a secret");
        }
        self
    }

    /// The secret, at most [`SECRET_AGE_MAX_S`] old.
    pub async fn get(&self, now: Timestamp) -> Result<Arc<T>, SecretError> {
        self.kept.get(now, async || self.source.load().await).await
    }

    /// The secret read again at once, for a caller that meets a key the kept one lacks. `None` when it was read out of
    /// turn less than [`SECRET_REFRESH_PAUSE_S`] ago.
    pub async fn refreshed(&self, now: Timestamp) -> Result<Option<Arc<T>>, SecretError> {
        if !self.out_of_turn.passes(now) {
            return Ok(None);
        }
        self.kept.reload(now, async || self.source.load().await).await.map(Some)
    }
}

impl<T> Source<T> {
    async fn load(&self) -> Result<Arc<T>, SecretError> {
        match self {
            Self::Manager(managed) => managed.load().await.map(Arc::new),
            Self::Held(holder) => Ok(Arc::clone(&holder.lock().unwrap_or_else(PoisonError::into_inner))),
        }
    }
}

impl<T> Managed<T> {
    async fn load(&self) -> Result<T, SecretError> {
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await;
        let text =
            answer.ok().and_then(|answer| answer.secret_string).ok_or(SecretError::Unavailable(self.variable))?;
        (self.make)(text).await.map_err(|why| SecretError::Unusable(self.variable, why))
    }
}

/// The service account: its callback, its API identity, the key of its QR scenes.
#[derive(Debug)]
pub struct WechatAccount {
    /// App id.
    pub app_id: String,
    /// App secret.
    pub app_secret: AppSecret,
    /// Opens and seals the callback.
    pub callback: Callback,
    /// Signs QR scenes.
    pub scene_key: SceneKey,
}

/// The merchant: what calls WeChat Pay and what opens its notifications.
#[derive(Debug)]
pub struct PayAccount {
    /// Calls WeChat Pay.
    pub client: Client,
    /// Opens notifications.
    pub notifications: Notifications,
}

/// The hospital information system: what calls it.
#[derive(Debug)]
pub struct HisAccount {
    /// Calls the front-end machine. Remembers how it has fared, for as long as the secret is kept.
    pub client: his::Hospital,
}

/// The SMS service: what sends messages.
#[derive(Debug)]
pub struct SmsAccount {
    /// Calls the service.
    pub client: sms::TencentSms,
}

/// Tokens of staff and machines, as hashes.
#[derive(Debug, Deserialize)]
pub struct StaffTokens {
    /// All of them.
    pub tokens: Vec<StaffToken>,
}

/// One token of a staff member or machine client.
#[derive(Debug, Deserialize)]
pub struct StaffToken {
    /// Who, for the audit.
    pub name: String,
    /// SHA-256 of the token, lower-case hex.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
struct WechatText {
    app_id: String,
    app_secret: String,
    token: String,
    aes_keys: Vec<String>,
    mode: String,
    scene_key: String,
}

#[derive(Deserialize)]
struct PayText {
    mch_id: String,
    app_id: String,
    merchant_serial: String,
    merchant_key_pem: String,
    api_v3_keys: Vec<String>,
    platform_keys: Vec<PlatformKeyText>,
}

#[derive(Deserialize)]
struct HisText {
    app_id: String,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct VisitText {
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct SmsText {
    secret_id: String,
    secret_key: String,
    sdk_app_id: String,
    region: String,
}

#[derive(Deserialize)]
struct PlatformKeyText {
    id: String,
    public_key_pem: Option<String>,
    certificate_pem: Option<String>,
}

/// The identity keys (`IDENTITY_SECRET`).
pub fn identity(aws: &aws_config::SdkConfig) -> Result<Secret<Keyring>, StartError> {
    Secret::new(aws, "IDENTITY_SECRET", |text| Keyring::from_secret(text).map_err(|error| error.to_string()))
}

/// The service account (`WECHAT_SECRET`).
pub fn wechat_account(aws: &aws_config::SdkConfig) -> Result<Secret<WechatAccount>, StartError> {
    Secret::new(aws, "WECHAT_SECRET", parse_wechat)
}

/// The merchant (`PAY_SECRET`).
pub fn pay_account(aws: &aws_config::SdkConfig) -> Result<Secret<PayAccount>, StartError> {
    Secret::new(aws, "PAY_SECRET", parse_pay)
}

/// What signs passes and the codes of desks (`VISIT_SECRET`).
pub fn visit_keys(aws: &aws_config::SdkConfig) -> Result<Secret<PassKeys>, StartError> {
    Secret::new(aws, "VISIT_SECRET", parse_visit)
}

/// The hospital information system (`HIS_SECRET`, at `HIS_URL`), spoken to as the profile in the table says.
pub fn his_account(aws: &aws_config::SdkConfig) -> Result<Secret<HisAccount>, StartError> {
    let table = Table::new(aws_sdk_dynamodb::Client::new(aws), config::required("TABLE_NAME")?);
    Secret::made(aws, "HIS_SECRET", Box::new(move |text| parse_his(text, table.clone()).boxed()))
}

/// What the hospital's front-end machine and we sign with (`HIS_SECRET`).
pub fn his_keys(aws: &aws_config::SdkConfig) -> Result<Secret<his::Keys>, StartError> {
    Secret::new(aws, "HIS_SECRET", parse_his_keys)
}

/// The SMS service (`SMS_SECRET`, at `SMS_API_URL`).
pub fn sms_account(aws: &aws_config::SdkConfig) -> Result<Secret<SmsAccount>, StartError> {
    Secret::new(aws, "SMS_SECRET", parse_sms)
}

/// Staff tokens (`STAFF_SECRET`).
pub fn staff_tokens(aws: &aws_config::SdkConfig) -> Result<Secret<StaffTokens>, StartError> {
    Secret::new(aws, "STAFF_SECRET", read)
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    // Only the kind and place of the fault: serde's own text could quote a value.
    serde_json::from_str(text).map_err(|error| format!("{:?} at column {}", error.classify(), error.column()))
}

fn parse_wechat(text: &str) -> Result<WechatAccount, String> {
    use base64::Engine;
    let text: WechatText = read(text)?;
    let mode = match text.mode.as_str() {
        "plain" => Mode::Plain,
        "compatible" => Mode::Compatible,
        "safe" => Mode::Safe,
        _ => return Err("mode is none of plain, compatible, safe".into()),
    };
    let keys = text.aes_keys.iter().map(|key| AesKey::parse(key)).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(|error| error.to_string())?;
    let callback = Callback::new(text.token, keys, &text.app_id, mode).map_err(|error| error.to_string())?;
    let scene = base64::engine::general_purpose::STANDARD.decode(&text.scene_key).ok();
    let scene: [u8; 32] = scene.and_then(|bytes| bytes.try_into().ok()).ok_or("scene_key is not 32 bytes of base64")?;
    let app_secret = AppSecret::new(text.app_secret);
    Ok(WechatAccount { app_id: text.app_id, app_secret, callback, scene_key: SceneKey::new(scene) })
}

fn parse_pay(text: &str) -> Result<PayAccount, String> {
    let text: PayText = read(text)?;
    let merchant = Merchant::new(&text.mch_id, &text.app_id, &text.merchant_serial, &text.merchant_key_pem);
    let merchant = merchant.map_err(|error| error.to_string())?;
    let keys = text.platform_keys.iter().map(platform_key).collect::<Result<Vec<_>, _>>()?;
    let verifier = Verifier::new(keys).map_err(|error| error.to_string())?;
    let v3 = text.api_v3_keys.iter().map(|key| ApiV3Key::parse(key)).collect::<Result<Vec<_>, _>>();
    let v3 = v3.map_err(|error| error.to_string())?;
    if v3.is_empty() {
        return Err("api_v3_keys is empty: WeChat sends no notification without one".into());
    }
    let client = Client::new(config::pay_hosts(), wechat::pay::Timeouts::default(), merchant, verifier);
    let client = client.map_err(|error| error.to_string())?;
    Ok(PayAccount { client, notifications: Notifications::new(text.mch_id, text.app_id, v3) })
}

async fn parse_his(text: String, table: Table) -> Result<HisAccount, String> {
    let text: HisText = read(&text)?;
    let keys = his::Keys::new(&text.app_id, &text.keys).map_err(|error| error.to_string())?;
    let url = config::his_url().map_err(|error| error.to_string())?;
    Ok(HisAccount { client: his_account::hospital(&table, &url, keys).await? })
}

fn parse_his_keys(text: &str) -> Result<his::Keys, String> {
    let text: HisText = read(text)?;
    his::Keys::new(&text.app_id, &text.keys).map_err(|error| error.to_string())
}

fn parse_visit(text: &str) -> Result<PassKeys, String> {
    let text: VisitText = read(text)?;
    PassKeys::parse(&text.keys).map_err(|error| error.to_string())
}

fn parse_sms(text: &str) -> Result<SmsAccount, String> {
    let SmsText { secret_id, secret_key, sdk_app_id, region } = read(text)?;
    let secret_key = sms::SecretKey::new(secret_key);
    let account = sms::TencentAccount { secret_id, secret_key, sdk_app_id, region };
    let client = sms::TencentSms::new(&config::sms_api_url(), account).map_err(|error| error.to_string())?;
    Ok(SmsAccount { client })
}

fn platform_key(key: &PlatformKeyText) -> Result<PlatformKey, String> {
    let parsed = match (&key.public_key_pem, &key.certificate_pem) {
        (Some(pem), None) => PlatformKey::public_key(&key.id, pem),
        (None, Some(pem)) => PlatformKey::certificate(&key.id, pem),
        _ => return Err("a platform key has either public_key_pem or certificate_pem".into()),
    };
    parsed.map_err(|error| error.to_string())
}

impl StaffTokens {
    /// Whose token this is. Every entry is compared, in constant time.
    pub fn find(&self, token: &str) -> Option<&StaffToken> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let hex = crate::random::hex(digest.as_ref());
        let same = |entry: &StaffToken| {
            aws_lc_rs::constant_time::verify_slices_are_equal(entry.sha256.as_bytes(), hex.as_bytes()).is_ok()
        };
        // A fold, not a search: how long it takes says nothing about which entry fits.
        self.tokens.iter().fold(None, |found, entry| if same(entry) { Some(entry) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_kept_until_it_is_old_or_asked_for_again() {
        let holder = Arc::new(Mutex::new(Arc::new(1)));
        let secret = Secret::held(Arc::clone(&holder));
        let at = |second| Timestamp::from_second(1_800_000_000 + second).unwrap();
        assert_eq!(*secret.get(at(0)).await.unwrap(), 1);
        *holder.lock().unwrap() = Arc::new(2);
        assert_eq!(*secret.get(at(299)).await.unwrap(), 1);
        assert_eq!(secret.refreshed(at(299)).await.unwrap().as_deref(), Some(&2));
        *holder.lock().unwrap() = Arc::new(3);
        assert_eq!(secret.refreshed(at(358)).await.unwrap(), None);
        assert_eq!(*secret.get(at(358)).await.unwrap(), 2);
        assert_eq!(secret.refreshed(at(359)).await.unwrap().as_deref(), Some(&3));
        *holder.lock().unwrap() = Arc::new(4);
        assert_eq!(*secret.get(at(359 + SECRET_AGE_MAX_S)).await.unwrap(), 4);
    }
}
