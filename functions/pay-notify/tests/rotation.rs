//! Keys roll over and clocks differ: what is taken, what is refused, and that nothing needs a restart.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod platform;

use domain::Timestamp;
use lambda_http::http::{Method, Request};
use lambda_http::{Body, RequestExt};
use pay_notify::{App, handle};
use platform::{APP_ID, MCH_ID, SigningKey, body, encoded_again, merchant_pem, v3_key};
use runtime::secrets::{PayAccount, SECRET_REFRESH_PAUSE_S, Secret};
use runtime::{Clock, Desk};
use std::sync::{Arc, LazyLock, Mutex};
use wechat::pay::{Client, Hosts, Merchant, Notifications, PlatformKey, Timeouts, Verifier};

const NOW_S: i64 = 1_795_320_000;
const URL: &str = "https://desk.example.com";
const CERTIFICATE_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
const TAKEN: u16 = 200;
/// The signature is not one the hospital can trust.
const UNSIGNED: u16 = 401;
/// Signed well, and not to be opened.
const UNREADABLE: u16 = 400;

/// Making RSA keys takes longer than everything else here.
static PUBLIC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::public("0119000000010000000000000000000001"));
static NEXT_PUBLIC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::public("0119000000010000000000000000000002"));
static CERTIFICATE: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::certificate(CERTIFICATE_SERIAL));
static MERCHANT_PEM: LazyLock<String> = LazyLock::new(merchant_pem);

/// The function with a secret that can be changed beneath it.
struct Desks {
    app: App,
    secret: Arc<Mutex<Arc<PayAccount>>>,
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW_S).unwrap()
}

fn account(platform_keys: Vec<PlatformKey>, v3: &[char]) -> PayAccount {
    let hosts = Hosts { primary: "http://127.0.0.1:9".into(), fallback: "http://127.0.0.1:9".into() };
    let merchant = Merchant::new(MCH_ID, APP_ID, "5157", &MERCHANT_PEM).unwrap();
    let client = Client::new(hosts, Timeouts::default(), merchant, Verifier::new(platform_keys).unwrap()).unwrap();
    let v3 = v3.iter().map(|letter| v3_key(*letter)).collect();
    PayAccount { client, notifications: Notifications::new(MCH_ID, APP_ID, v3) }
}

impl Desks {
    /// No notification of these tests reaches the table.
    fn with(account: PayAccount) -> Self {
        let secret = Arc::new(Mutex::new(Arc::new(account)));
        let desk = Desk::new(kit::table_that_is_down(), Clock::standing_at(now()), URL);
        Self { app: App { desk, pay: Secret::held(Arc::clone(&secret)) }, secret }
    }

    fn store(&self, account: PayAccount) {
        *self.secret.lock().unwrap() = Arc::new(account);
    }

    /// Sends `sent` with a signature over `signed`, made `skew_s` from now: the status.
    async fn deliver(&self, key: &SigningKey, signed: &str, sent: &str, skew_s: i64) -> u16 {
        let timestamp = (self.app.desk.clock.now().as_second() + skew_s).to_string();
        let signature = key.sign(&format!("{timestamp}\nn1\n{signed}\n"));
        self.post(&key.id, &timestamp, &signature, sent).await
    }

    async fn notify(&self, key: &SigningKey, body: &str) -> u16 {
        self.deliver(key, body, body, 0).await
    }

    async fn post(&self, serial: &str, timestamp: &str, signature: &str, body: &str) -> u16 {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{URL}/pay/notify"))
            .header("wechatpay-serial", serial)
            .header("wechatpay-timestamp", timestamp)
            .header("wechatpay-nonce", "n1")
            .header("wechatpay-signature", signature);
        let request = request.body(Body::Text(body.to_owned())).unwrap().with_raw_http_path("/pay/notify");
        handle(&self.app, request).await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn both_kinds_of_key_are_taken_for_days() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key(), CERTIFICATE.platform_key()], &['k']));
    for key in [&*PUBLIC, &*CERTIFICATE, &*PUBLIC, &*CERTIFICATE] {
        assert_eq!(desks.notify(key, &body('k')).await, TAKEN);
    }
    // The key is the one that is named, never the other.
    let signature = CERTIFICATE.sign(&format!("{NOW_S}\nn1\n{}\n", body('k')));
    assert_eq!(desks.post(&PUBLIC.id, &NOW_S.to_string(), &signature, &body('k')).await, UNSIGNED);
}

#[tokio::test]
async fn a_key_the_secret_just_got_is_taken_at_once() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['k']));
    assert_eq!(desks.notify(&PUBLIC, &body('k')).await, TAKEN);
    desks.store(account(vec![NEXT_PUBLIC.platform_key(), PUBLIC.platform_key()], &['k']));
    for key in [&*NEXT_PUBLIC, &*PUBLIC] {
        assert_eq!(desks.notify(key, &body('k')).await, TAKEN);
    }
}

#[tokio::test]
async fn an_apiv3_key_the_secret_just_got_opens_at_once() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['o']));
    assert_eq!(desks.notify(&PUBLIC, &body('o')).await, TAKEN);
    assert_eq!(desks.notify(&PUBLIC, &body('x')).await, UNREADABLE);
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['o']));
    assert_eq!(desks.notify(&PUBLIC, &body('o')).await, TAKEN);
    desks.store(account(vec![PUBLIC.platform_key()], &['n', 'o']));
    for v3 in ['n', 'o', 'n'] {
        assert_eq!(desks.notify(&PUBLIC, &body(v3)).await, TAKEN);
    }
}

#[tokio::test]
async fn a_key_nobody_knows_costs_one_reading_a_minute() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['k']));
    assert_eq!(desks.notify(&NEXT_PUBLIC, &body('k')).await, UNSIGNED);
    // The secret is there now, and was read out of turn a moment ago.
    desks.store(account(vec![NEXT_PUBLIC.platform_key()], &['k']));
    assert_eq!(desks.notify(&NEXT_PUBLIC, &body('k')).await, UNSIGNED);
    desks.app.desk.clock.set(Timestamp::from_second(NOW_S + SECRET_REFRESH_PAUSE_S).unwrap());
    assert_eq!(desks.notify(&NEXT_PUBLIC, &body('k')).await, TAKEN);
    // What the secret no longer names is no longer taken.
    assert_eq!(desks.notify(&PUBLIC, &body('k')).await, UNSIGNED);
}

#[tokio::test]
async fn a_probe_is_refused_and_the_event_taken_when_it_comes_again() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['k']));
    let signature = PUBLIC.sign(&format!("{NOW_S}\nn1\n{}\n", body('k')));
    for probe in [format!("WECHATPAY/SIGNTEST/{}", &signature[19..]), "WECHATPAY/SIGNTEST/%%%".to_owned()] {
        assert_eq!(desks.post(&PUBLIC.id, &NOW_S.to_string(), &probe, &body('k')).await, UNSIGNED);
    }
    assert_eq!(desks.post(&PUBLIC.id, &NOW_S.to_string(), &signature, &body('k')).await, TAKEN);
}

#[tokio::test]
async fn a_body_a_proxy_wrote_again_is_refused_and_the_original_taken() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['k']));
    let original = body('k');
    assert_ne!(encoded_again(&original), original);
    assert_eq!(desks.deliver(&PUBLIC, &original, &encoded_again(&original), 0).await, UNSIGNED);
    assert_eq!(desks.deliver(&PUBLIC, &original, &original, 0).await, TAKEN);
}

#[tokio::test]
async fn clocks_may_differ_by_less_than_five_minutes() {
    let desks = Desks::with(account(vec![PUBLIC.platform_key()], &['k']));
    for skew_s in [0, 299, -299] {
        assert_eq!(desks.deliver(&PUBLIC, &body('k'), &body('k'), skew_s).await, TAKEN, "{skew_s}");
    }
    for skew_s in [300, -300, 301, -301] {
        assert_eq!(desks.deliver(&PUBLIC, &body('k'), &body('k'), skew_s).await, UNSIGNED, "{skew_s}");
    }
}
