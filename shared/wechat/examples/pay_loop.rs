//! CPU microseconds of one piece of WeChat Pay's cryptography, by our code.
//!
//! `cargo run --release -p wechat --example pay_loop -- FIXTURE sign|verify|notification [times]` prints one number.
//! `tests/bench/pay.py` makes the fixture and sets it beside Python's wechatpayv3.

use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;

use jiff::Timestamp;
use wechat::pay::{ApiV3Key, Merchant, Notifications, PlatformKey, SignatureHeaders, Verifier};

const DEFAULT_TIMES: u64 = 2_000;
const NANOSECONDS_PER_HUNDREDTH: u64 = 10;
const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";

#[derive(serde::Deserialize)]
struct Fixture {
    now_s: i64,
    mch_id: String,
    app_id: String,
    merchant_serial: String,
    merchant_key_pem: String,
    api_v3_key: String,
    public_key_id: String,
    public_key_pem: String,
    path: String,
    order: String,
    timestamp: String,
    nonce: String,
    signature: String,
    body: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let fixture = std::fs::read_to_string(arguments.next().ok_or("the fixture is missing")?)?;
    let fixture: Fixture = serde_json::from_str(&fixture)?;
    let what = arguments.next().ok_or("say what: sign, verify or notification")?;
    let times = arguments.next().map_or(Ok(DEFAULT_TIMES), |text| text.parse())?.max(1);
    let spent_ns = match what.as_str() {
        "sign" => sign(&fixture, times)?,
        "verify" => verify(&fixture, times)?,
        "notification" => notification(&fixture, times)?,
        _ => return Err("it is sign, verify or notification".into()),
    };
    let hundredths = spent_ns / NANOSECONDS_PER_HUNDREDTH / times;
    writeln!(std::io::stdout(), "{}.{:02}", hundredths / 100, hundredths % 100)?;
    Ok(())
}

/// The `Authorization` header of a request.
fn sign(fixture: &Fixture, times: u64) -> Result<u64, Box<dyn Error>> {
    let merchant =
        Merchant::new(&fixture.mch_id, &fixture.app_id, &fixture.merchant_serial, &fixture.merchant_key_pem)?;
    let now = Timestamp::from_second(fixture.now_s)?;
    cpu_of(times, || {
        let header = merchant.authorization("POST", &fixture.path, black_box(fixture.order.as_bytes()), NONCE, now)?;
        black_box(header);
        Ok(())
    })
}

/// The signature of a notification.
fn verify(fixture: &Fixture, times: u64) -> Result<u64, Box<dyn Error>> {
    let (verifier, now) = (fixture.verifier()?, Timestamp::from_second(fixture.now_s)?);
    cpu_of(times, || Ok(verifier.verify(&fixture.headers(), black_box(fixture.body.as_bytes()), now)?))
}

/// A whole notification: its signature, its seal, and what is in it.
fn notification(fixture: &Fixture, times: u64) -> Result<u64, Box<dyn Error>> {
    let (verifier, now) = (fixture.verifier()?, Timestamp::from_second(fixture.now_s)?);
    let keys = vec![ApiV3Key::parse(&fixture.api_v3_key)?];
    let notifications = Notifications::new(&fixture.mch_id, &fixture.app_id, keys);
    cpu_of(times, || {
        black_box(notifications.open(&verifier, &fixture.headers(), black_box(fixture.body.as_bytes()), now)?);
        Ok(())
    })
}

impl Fixture {
    fn verifier(&self) -> Result<Verifier, Box<dyn Error>> {
        Ok(Verifier::new(vec![PlatformKey::public_key(&self.public_key_id, &self.public_key_pem)?])?)
    }

    fn headers(&self) -> SignatureHeaders<'_> {
        SignatureHeaders {
            timestamp: &self.timestamp,
            nonce: &self.nonce,
            signature: &self.signature,
            serial: &self.public_key_id,
        }
    }
}

fn cpu_of(times: u64, mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<u64, Box<dyn Error>> {
    let started_ns = cpu_ns()?;
    for _ in 0..times {
        work()?;
    }
    Ok(cpu_ns()? - started_ns)
}

/// Time this thread has spent on a processor, by the kernel's account.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(schedstat.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}
