use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::prelude::*;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};
use wechat::pay::{
    ApiV3Key, Attach, Call, Client, CloseOutcome, Description, Hosts, Merchant, MerchantError, Notification,
    NotificationError, Notifications, NotifyUrl, OutRefundNo, OutTradeNo, PayError, PlatformKey, PlatformKeyError,
    Prepay, PrepayId, Refund, RefundReason, RefundStatus, ResourceError, SignatureHeaders, TimeExpire, Timeouts,
    TradeState, Verifier, VerifyError,
};

use crate::server::{Answer, Request, Server};

const NOW_S: i64 = 1_800_000_000;
const MCH_ID: &str = "1900000001";
const APP_ID: &str = "wx00000000000000ff";
const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000000012026112200000000000001";
const API_V3_KEY: &str = "an0API0v3key0that0is0only0a0test";

/// Keys made for this run: one for us, one that plays WeChat Pay.
struct Pair {
    der: Vec<u8>,
    pem: String,
    public_pem: String,
    key: KeyPair,
}

fn pair() -> Pair {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref().to_vec();
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap().as_ref().to_vec();
    Pair { pem: pem("PRIVATE KEY", &der), public_pem: pem("PUBLIC KEY", &public), der, key }
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

static OURS: LazyLock<Pair> = LazyLock::new(pair);
static THEIRS: LazyLock<Pair> = LazyLock::new(pair);

fn sign(pair: &Pair, text: &str) -> String {
    let mut signature = vec![0; pair.key.public_modulus_len()];
    #[expect(clippy::disallowed_methods, reason = "PKCS #1 v1.5 is deterministic: the random source is never read")]
    pair.key.sign(&RSA_PKCS1_SHA256, &aws_lc_rs::rand::SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW_S).unwrap()
}

pub(crate) fn call() -> Call {
    Call { now: now(), random: [0xab; 16] }
}

fn merchant() -> Merchant {
    Merchant::new(MCH_ID, APP_ID, "5157F09EFDC096DE15EBE81A47057A72", &OURS.pem).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(vec![PlatformKey::public_key(PUBLIC_KEY_ID, &THEIRS.public_pem).unwrap()]).unwrap()
}

fn vector(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../vectors/wechat.json")).unwrap();
    all["vectors"].as_array().unwrap().iter().find(|vector| vector["id"] == id).unwrap().clone()
}

/// Headers as WeChat Pay sends them.
pub(crate) fn signed(body: &str) -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let timestamp = NOW_S.to_string();
    vec![
        header("Wechatpay-Timestamp", &timestamp),
        header("Wechatpay-Nonce", "n1"),
        header("Wechatpay-Serial", PUBLIC_KEY_ID),
        header("Wechatpay-Signature", &sign(&THEIRS, &format!("{timestamp}\nn1\n{body}\n"))),
    ]
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer::Full(status, signed(body), body.into())
}

pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    answer(status, &json!({ "code": code, "message": "某人" }).to_string())
}

pub(crate) fn client(primary: &Server, fallback: &Server) -> Client {
    let hosts = Hosts { primary: primary.url.clone(), fallback: fallback.url.clone() };
    Client::new(hosts, Timeouts { connect_ms: 500, request_ms: 300 }, merchant(), verifier()).unwrap()
}

fn number() -> OutTradeNo {
    OutTradeNo::parse("MZ2026|1*").unwrap()
}

fn prepay() -> Prepay {
    Prepay {
        description: Description::parse("门诊服务费").unwrap(),
        out_trade_no: number(),
        time_expire: TimeExpire::at(Timestamp::from_second(NOW_S + 900).unwrap(), now()).unwrap(),
        attach: Some(Attach::parse("a1").unwrap()),
        notify_url: NotifyUrl::parse("https://api.example.com/pay/notify").unwrap(),
        total_fen: 2500,
        payer_openid: "o1".into(),
    }
}

fn refund() -> Refund {
    Refund {
        out_trade_no: number(),
        out_refund_no: OutRefundNo::parse("MZ2026|1*R1").unwrap(),
        reason: Some(RefundReason::parse("门诊费用退款").unwrap()),
        notify_url: NotifyUrl::parse("https://api.example.com/pay/notify").unwrap(),
        refund_fen: 1000,
        total_fen: 2500,
    }
}

fn transaction(state: &str) -> Value {
    json!({
        "appid": APP_ID, "mchid": MCH_ID, "out_trade_no": number().as_str(), "trade_state": state,
        "trade_state_desc": "x", "amount": { "total": 2500, "currency": "CNY" },
    })
}

fn paid() -> Value {
    let mut value = transaction("SUCCESS");
    value["transaction_id"] = "42000000".into();
    value["success_time"] = "2027-01-15T16:00:00+08:00".into();
    value["attach"] = "a1".into();
    value["payer"] = json!({ "openid": "o1" });
    value["amount"] = json!({ "total": 2500, "payer_total": 2000, "currency": "CNY", "payer_currency": "CNY" });
    value
}

fn refunded(status_name: &str, status: &str) -> Value {
    json!({
        "mchid": MCH_ID, "out_trade_no": number().as_str(), "out_refund_no": "MZ2026|1*R1", "refund_id": "5000",
        "transaction_id": "42000000", status_name: status, "success_time": "2027-01-15T16:00:00+08:00",
        "user_received_account": "x", "amount": { "total": 2500, "refund": 1000, "payer_total": 2500, "payer_refund": 1000 },
    })
}

// ---- signatures ----

#[test]
fn both_crates_sign_alike() {
    let other = SigningKey::<rsa::sha2::Sha256>::new(rsa::RsaPrivateKey::from_pkcs8_der(&OURS.der).unwrap());
    let header = merchant().authorization("POST", "/v3/x?y=1", b"{}", "nonce", now()).unwrap();
    let text = format!("POST\n/v3/x?y=1\n{NOW_S}\nnonce\n{{}}\n");
    let expected = STANDARD.encode(other.sign(text.as_bytes()).to_bytes());
    assert_eq!(
        header,
        format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{MCH_ID}\",nonce_str=\"nonce\",timestamp=\"{NOW_S}\",\
             serial_no=\"5157F09EFDC096DE15EBE81A47057A72\",signature=\"{expected}\""
        )
    );
}

#[test]
fn the_page_gets_what_the_payment_sheet_takes() {
    let other = SigningKey::<rsa::sha2::Sha256>::new(rsa::RsaPrivateKey::from_pkcs8_der(&OURS.der).unwrap());
    let parameters = merchant().bridge_parameters(&PrepayId::new("wx201"), "nonce", now()).unwrap();
    let text = format!("{APP_ID}\n{NOW_S}\nnonce\nprepay_id=wx201\n");
    let expected = STANDARD.encode(other.sign(text.as_bytes()).to_bytes());
    assert_eq!(
        serde_json::to_value(&parameters).unwrap(),
        json!({
            "appId": APP_ID, "timeStamp": NOW_S.to_string(), "nonceStr": "nonce", "package": "prepay_id=wx201",
            "signType": "RSA", "paySign": expected,
        })
    );
}

#[test]
fn a_merchant_needs_its_key_and_its_ids() {
    let with = |mch_id: &str, serial: &str, key: &str| Merchant::new(mch_id, APP_ID, serial, key).err();
    assert_eq!(with(MCH_ID, "5157", "none"), Some(MerchantError::Key));
    assert_eq!(with(MCH_ID, "5157", &OURS.public_pem), Some(MerchantError::Key));
    assert_eq!(with("", "5157", &OURS.pem), Some(MerchantError::Identifier("mch_id")));
    assert_eq!(with(MCH_ID, "5\"7", &OURS.pem), Some(MerchantError::Identifier("merchant serial")));
    assert!(!format!("{:?}", merchant()).contains("key"));
}

#[test]
fn the_official_answer_verifies() {
    let example = vector("pay.response.verify.official");
    let input = |name: &str| example["input"][name].as_str().unwrap();
    let key = PlatformKey::public_key(input("serial"), input("public_key_pem")).unwrap();
    let verifier = Verifier::new(vec![key]).unwrap();
    let headers = SignatureHeaders {
        timestamp: input("timestamp"),
        nonce: input("nonce"),
        signature: input("signature"),
        serial: input("serial"),
    };
    let at = |second| Timestamp::from_second(second).unwrap();
    let signed_s: i64 = input("timestamp").parse().unwrap();
    assert_eq!(verifier.verify(&headers, input("body").as_bytes(), at(signed_s)), Ok(()));
    assert_eq!(verifier.verify(&headers, b"{}", at(signed_s)), Err(VerifyError::Mismatch));
    for (skew_s, is_accepted) in [(299, true), (-299, true), (300, false), (-300, false), (301, false), (-301, false)] {
        let verdict = verifier.verify(&headers, input("body").as_bytes(), at(signed_s - skew_s));
        assert_eq!(verdict, if is_accepted { Ok(()) } else { Err(VerifyError::OutsideWindow { skew_s }) });
    }
}

fn go_headers(example: &Value) -> (SignatureHeaders<'_>, &str, Timestamp) {
    let header = |name: &str| example["input"]["headers"][name].as_str().unwrap();
    let headers = SignatureHeaders {
        timestamp: header("Wechatpay-Timestamp"),
        nonce: header("Wechatpay-Nonce"),
        signature: header("Wechatpay-Signature"),
        serial: header("Wechatpay-Serial"),
    };
    let now = Timestamp::from_second(example["input"]["now"].as_i64().unwrap()).unwrap();
    (headers, example["input"]["body"].as_str().unwrap(), now)
}

#[test]
fn certificates_and_public_keys_verify_side_by_side() {
    let example = vector("pay.notify.wechatpay-go");
    let certificate_pem = example["input"]["platform_certificate_pem"].as_str().unwrap();
    let (headers, body, signed_at) = go_headers(&example);
    let public = || PlatformKey::public_key(PUBLIC_KEY_ID, &THEIRS.public_pem).unwrap();
    for serial in [headers.serial.to_owned(), headers.serial.to_lowercase(), format!("00{}", headers.serial)] {
        let certificate = PlatformKey::certificate(&serial, certificate_pem).unwrap();
        let verifier = Verifier::new(vec![public(), certificate]).unwrap();
        assert_eq!(verifier.current_id(), PUBLIC_KEY_ID);
        assert_eq!(verifier.verify(&headers, body.as_bytes(), signed_at), Ok(()));
        let padded = format!("0{}", headers.serial);
        assert_eq!(
            verifier.verify(&SignatureHeaders { serial: &padded, ..headers }, body.as_bytes(), signed_at),
            Ok(())
        );
        // The named key alone decides: another one is not tried.
        let swapped = SignatureHeaders { serial: PUBLIC_KEY_ID, ..headers };
        assert_eq!(verifier.verify(&swapped, body.as_bytes(), signed_at), Err(VerifyError::Mismatch));
    }
    let verifier = Verifier::new(vec![public()]).unwrap();
    assert_eq!(verifier.verify(&headers, body.as_bytes(), signed_at), Err(VerifyError::UnknownSerial));
}

#[test]
fn platform_keys_that_are_none_are_refused() {
    let certificate =
        vector("pay.notify.wechatpay-go")["input"]["platform_certificate_pem"].as_str().unwrap().to_owned();
    let public = || PlatformKey::public_key(PUBLIC_KEY_ID, &THEIRS.public_pem);
    assert_eq!(PlatformKey::public_key("5157", &THEIRS.public_pem).err(), Some(PlatformKeyError::Id));
    assert_eq!(PlatformKey::public_key(PUBLIC_KEY_ID, "x").err(), Some(PlatformKeyError::PublicKey));
    assert_eq!(PlatformKey::public_key(PUBLIC_KEY_ID, &pem("PUBLIC KEY", b"x")).err(), Some(PlatformKeyError::Rsa));
    assert_eq!(PlatformKey::certificate("5157", &certificate).err(), Some(PlatformKeyError::Serial));
    assert_eq!(PlatformKey::certificate("5157", &pem("CERTIFICATE", b"x")).err(), Some(PlatformKeyError::Certificate));
    assert_eq!(PlatformKey::certificate("5157", &THEIRS.public_pem).err(), Some(PlatformKeyError::Certificate));
    assert_eq!(Verifier::new(vec![]).err(), Some(PlatformKeyError::None));
    assert_eq!(Verifier::new(vec![public().unwrap(), public().unwrap()]).err(), Some(PlatformKeyError::Twice));
}

#[test]
fn every_wrong_signature_has_its_own_reason() {
    let timestamp = NOW_S.to_string();
    let signature = sign(&THEIRS, &format!("{timestamp}\nn1\n\n"));
    let right = SignatureHeaders { timestamp: &timestamp, nonce: "n1", signature: &signature, serial: PUBLIC_KEY_ID };
    let verifier = verifier();
    assert_eq!(verifier.verify(&right, b"", now()), Ok(()));
    let verdict = |headers: SignatureHeaders<'_>| verifier.verify(&headers, b"", now()).unwrap_err();
    let probe = format!("WECHATPAY/SIGNTEST/{signature}");
    assert_eq!(verdict(SignatureHeaders { signature: &probe, ..right }), VerifyError::Probe);
    assert_eq!(verdict(SignatureHeaders { signature: "WECHATPAY/SIGNTEST/%%", ..right }), VerifyError::Probe);
    assert_eq!(verdict(SignatureHeaders { timestamp: "soon", ..right }), VerifyError::BadTimestamp);
    assert_eq!(verdict(SignatureHeaders { serial: "", ..right }), VerifyError::UnknownSerial);
    assert_eq!(verdict(SignatureHeaders { signature: "%%", ..right }), VerifyError::NotBase64);
    assert_eq!(verdict(SignatureHeaders { signature: "", ..right }), VerifyError::Mismatch);
    assert_eq!(verdict(SignatureHeaders { nonce: "n2", ..right }), VerifyError::Mismatch);
    for missing in ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial"] {
        let found = SignatureHeaders::from_lookup(|name| (name != missing).then_some("x"));
        assert_eq!(found, Err(VerifyError::MissingHeader(missing)));
    }
}

#[test]
fn a_sensitive_field_is_readable_for_the_platform_only() {
    let sealed = verifier().encrypt("测试").unwrap();
    assert_eq!(sealed.serial, PUBLIC_KEY_ID);
    let key = rsa::RsaPrivateKey::from_pkcs8_der(&THEIRS.der).unwrap();
    let cipher = STANDARD.decode(sealed.ciphertext).unwrap();
    let clear = key.decrypt(rsa::Oaep::new::<sha1::Sha1>(), &cipher).unwrap();
    assert_eq!(clear, "测试".as_bytes());
    assert_eq!(verifier().encrypt(&"x".repeat(215)), None);
}

// ---- notifications ----

fn notification(event_type: &str, clear: &Value, key: &str) -> String {
    let mut buffer = clear.to_string().into_bytes();
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).unwrap())
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(*b"abcdefghijkl"), Aad::from("x"), &mut buffer)
        .unwrap();
    json!({
        "id": "e1", "create_time": "2027-01-15T16:00:00+08:00", "event_type": event_type,
        "resource_type": "encrypt-resource", "summary": "x",
        "resource": {
            "algorithm": "AEAD_AES_256_GCM", "original_type": "transaction", "ciphertext": STANDARD.encode(buffer),
            "associated_data": "x", "nonce": "abcdefghijkl",
        },
    })
    .to_string()
}

fn open(body: &str) -> Result<Notification, NotificationError> {
    let headers = signed(body);
    let lookup =
        |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let headers = SignatureHeaders::from_lookup(lookup).unwrap();
    let keys = vec![ApiV3Key::parse(&"n".repeat(32)).unwrap(), ApiV3Key::parse(API_V3_KEY).unwrap()];
    let opened = Notifications::new(MCH_ID, APP_ID, keys).open(&verifier(), &headers, body.as_bytes(), now())?;
    assert_eq!(opened.id, "e1");
    Ok(opened.notification)
}

#[test]
fn a_payment_and_refunds_are_read() {
    let clear = paid();
    let Ok(Notification::PaymentSucceeded(payment)) = open(&notification("TRANSACTION.SUCCESS", &clear, API_V3_KEY))
    else {
        panic!("no payment");
    };
    assert_eq!(payment.state, TradeState::Success);
    assert_eq!((payment.total_fen, payment.payer_total_fen), (Some(2500), Some(2000)));
    assert_eq!(payment.paid_at, Some("2027-01-15T08:00:00Z".parse().unwrap()));
    for (event, status, expected) in [
        ("REFUND.SUCCESS", "SUCCESS", RefundStatus::Success),
        ("REFUND.ABNORMAL", "ABNORMAL", RefundStatus::Abnormal),
        ("REFUND.CLOSED", "CLOSED", RefundStatus::Closed),
    ] {
        let body = notification(event, &refunded("refund_status", status), API_V3_KEY);
        let Ok(Notification::Refund(refund)) = open(&body) else { panic!("no refund") };
        assert_eq!((refund.status, refund.refund_fen, refund.total_fen), (expected, 1000, 2500));
    }
    let other = open(&notification("SOMETHING.NEW", &json!({}), API_V3_KEY));
    assert_eq!(other, Ok(Notification::Other { event_type: "SOMETHING.NEW".into() }));
}

#[test]
fn every_refused_notification_has_its_own_reason() {
    let key = API_V3_KEY;
    let changed = |field: &str, value: &str| {
        let mut clear = paid();
        clear[field] = value.into();
        notification("TRANSACTION.SUCCESS", &clear, key)
    };
    assert_eq!(open(&changed("mchid", "1900000002")), Err(NotificationError::Foreign));
    assert_eq!(open(&changed("appid", "wx2")), Err(NotificationError::Foreign));
    assert_eq!(open(&changed("success_time", "soon")), Err(NotificationError::UnreadableResource));
    assert_eq!(open(&notification("TRANSACTION.SUCCESS", &json!([]), key)), Err(NotificationError::UnreadableResource));
    assert_eq!(
        open(&notification("TRANSACTION.SUCCESS", &paid(), &"x".repeat(32))),
        Err(NotificationError::Resource(ResourceError::Authentication))
    );
    assert_eq!(open("{}"), Err(NotificationError::Unreadable));
    assert_eq!(open(""), Err(NotificationError::Unreadable));
    assert_eq!(open(&" ".repeat(70_000)), Err(NotificationError::TooLarge));
    let mut stranger = refunded("refund_status", "SUCCESS");
    stranger["mchid"] = "1900000002".into();
    assert_eq!(open(&notification("REFUND.SUCCESS", &stranger, key)), Err(NotificationError::Foreign));
}

proptest! {
    #[test]
    fn any_signed_body_never_panics(body in "\\PC{0,60}") {
        prop_assert_eq!(open(&body), Err(NotificationError::Unreadable));
    }

    #[test]
    fn any_signature_is_refused(signature in "\\PC{0,60}", serial in "\\PC{0,10}", timestamp in "\\PC{0,12}") {
        let headers = SignatureHeaders { timestamp: &timestamp, nonce: "n", signature: &signature, serial: &serial };
        let verdict = verifier().verify(&headers, b"{}", now());
        prop_assert!(verdict.is_err());
    }
}

// ---- calls ----

/// Checks the request's own signature as WeChat Pay does, from the bytes that came over the wire.
fn assert_signed(request: &Request) {
    let header = request.header("authorization").unwrap();
    let part = |name: &str| header.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
    let body = String::from_utf8(request.body.clone()).unwrap();
    let text =
        format!("{}\n{}\n{}\n{}\n{body}\n", request.method, request.target, part("timestamp"), part("nonce_str"));
    assert_eq!(part("signature"), sign(&OURS, &text));
    assert_eq!(request.header("wechatpay-serial"), Some(PUBLIC_KEY_ID));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert!(request.header("user-agent").is_some());
}

#[tokio::test]
async fn every_call_sends_what_is_documented() {
    let server = Server::start(|request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", "/v3/pay/transactions/jsapi") => answer(200, r#"{"prepay_id":"wx201"}"#),
        ("POST", target) if target.ends_with("/close") => answer(204, ""),
        ("POST", _) => answer(200, &refunded("status", "PROCESSING").to_string()),
        ("GET", target) if target.contains("refunds") => answer(200, &refunded("status", "SUCCESS").to_string()),
        _ => answer(200, &paid().to_string()),
    })
    .await;
    let client = client(&server, &server);
    assert_eq!(client.prepay(&prepay(), call()).await, Ok(PrepayId::new("wx201")));
    assert_eq!(client.query(&number(), call()).await.unwrap().state, TradeState::Success);
    assert_eq!(client.close(&number(), call()).await, Ok(CloseOutcome::Closed));
    assert_eq!(client.refund(&refund(), call()).await.unwrap().status, RefundStatus::Processing);
    assert_eq!(client.query_refund(&refund().out_refund_no, call()).await.unwrap().status, RefundStatus::Success);
    let requests = server.requests();
    requests.iter().for_each(assert_signed);
    let sent: Vec<_> = requests
        .iter()
        .map(|r| (&r.method, &r.target, if r.body.is_empty() { Value::Null } else { r.json() }))
        .collect();
    insta::assert_json_snapshot!(sent);
}

#[tokio::test]
async fn an_unpaid_order_has_no_payer_yet() {
    let server = Server::start(|_| answer(200, &transaction("NOTPAY").to_string())).await;
    let order = client(&server, &server).query(&number(), call()).await.unwrap();
    assert_eq!((order.state, order.paid_at, order.payer_openid), (TradeState::NotPay, None, None));
    assert_eq!(order.total_fen, Some(2500));
}

#[tokio::test]
async fn a_paid_order_cannot_be_closed() {
    let server = Server::start(|_| refusal(400, "ORDER_PAID")).await;
    assert_eq!(client(&server, &server).close(&number(), call()).await, Ok(CloseOutcome::AlreadyPaid));
}

#[tokio::test]
async fn refusals_are_not_repeated_and_keep_their_reason() {
    let server = Server::start(|_| refusal(404, "ORDER_NOT_EXIST")).await;
    let error = client(&server, &server).query(&number(), call()).await.unwrap_err();
    assert!(matches!(&error, PayError::OrderNotExist(problem) if problem.is_signed));
    assert!(!error.is_outcome_unknown());
    assert!(!format!("{error} {error:?}").contains("某人"));
    assert_eq!(server.requests().len(), 1);
    let unsigned = Server::start(|_| Answer::Full(404, vec![], r#"{"code":"ORDER_NOT_EXIST"}"#.into())).await;
    let error = client(&unsigned, &unsigned).query(&number(), call()).await.unwrap_err();
    assert!(matches!(error, PayError::OrderNotExist(problem) if !problem.is_signed));
}

#[tokio::test]
async fn the_third_try_goes_to_the_second_host_with_the_same_body() {
    let primary = Server::start(|_| refusal(500, "SYSTEM_ERROR")).await;
    let fallback = Server::start(|_| answer(200, r#"{"prepay_id":"wx202"}"#)).await;
    assert_eq!(client(&primary, &fallback).prepay(&prepay(), call()).await, Ok(PrepayId::new("wx202")));
    let (first, second) = (primary.requests(), fallback.requests());
    assert_eq!((first.len(), second.len()), (2, 1));
    let all: Vec<_> = first.iter().chain(&second).collect();
    assert!(all.iter().all(|request| request.body == all[0].body));
    let nonces: std::collections::HashSet<_> = all.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(nonces.len(), 3);
    for request in all {
        assert_signed(request);
    }
}

#[tokio::test]
async fn without_an_answer_the_outcome_is_unknown() {
    for silent in [true, false] {
        let server = Server::start(move |_| if silent { Answer::Silence } else { Answer::HangUp }).await;
        let error = client(&server, &server).refund(&refund(), call()).await.unwrap_err();
        assert_eq!(error, PayError::UnknownOutcome);
        assert!(error.is_outcome_unknown());
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let hosts = Hosts { primary: "http://127.0.0.1:1".into(), fallback: "http://127.0.0.1:1".into() };
    let client = Client::new(hosts, Timeouts::default(), merchant(), verifier()).unwrap();
    let error = client.prepay(&prepay(), call()).await.unwrap_err();
    assert_eq!((error.is_outcome_unknown(), error), (false, PayError::NotSent));
}

#[tokio::test]
async fn one_try_that_may_have_arrived_makes_the_outcome_unknown() {
    let server = Server::start(|_| Answer::HangUp).await;
    let hosts = Hosts { primary: server.url.clone(), fallback: "http://127.0.0.1:1".into() };
    let client = Client::new(hosts, Timeouts::default(), merchant(), verifier()).unwrap();
    assert_eq!(client.prepay(&prepay(), call()).await, Err(PayError::UnknownOutcome));
}

#[tokio::test]
async fn a_success_that_is_not_signed_is_forged() {
    let body = r#"{"prepay_id":"wx201"}"#;
    let unsigned = Server::start(move |_| Answer::Full(200, vec![], body.into())).await;
    let error = client(&unsigned, &unsigned).prepay(&prepay(), call()).await.unwrap_err();
    assert_eq!(error, PayError::Forged(VerifyError::MissingHeader("wechatpay-timestamp")));
    let altered = Server::start(move |_| Answer::Full(200, signed("{}"), body.into())).await;
    let error = client(&altered, &altered).prepay(&prepay(), call()).await.unwrap_err();
    assert_eq!(error, PayError::Forged(VerifyError::Mismatch));
    let closed = Server::start(|_| Answer::Full(204, vec![], vec![])).await;
    let error = client(&closed, &closed).close(&number(), call()).await.unwrap_err();
    assert!(matches!(error, PayError::Forged(_)));
    let refused = Server::start(|_| Answer::Full(404, signed("{}"), r#"{"code":"ORDER_NOT_EXIST"}"#.into())).await;
    let error = client(&refused, &refused).query(&number(), call()).await.unwrap_err();
    assert!(error.is_outcome_unknown() && matches!(error, PayError::Forged(VerifyError::Mismatch)));
}

#[tokio::test]
async fn a_probe_is_followed_by_the_real_answer() {
    let mut count = 0;
    let body = r#"{"prepay_id":"wx201"}"#;
    let server = Server::start(move |_| {
        count += 1;
        let mut headers = signed(body);
        if count == 1 {
            headers[3].1.insert_str(0, "WECHATPAY/SIGNTEST/");
        }
        Answer::Full(200, headers, body.into())
    })
    .await;
    assert_eq!(client(&server, &server).prepay(&prepay(), call()).await, Ok(PrepayId::new("wx201")));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_about_something_else_is_not_taken() {
    let mut other = paid();
    other["out_trade_no"] = "MZ9999".into();
    let text = other.to_string();
    let server = Server::start(move |_| answer(200, &text)).await;
    let client = client(&server, &server);
    assert_eq!(client.query(&number(), call()).await, Err(PayError::Unreadable));
    assert_eq!(client.prepay(&prepay(), call()).await, Err(PayError::Unreadable));
    assert_eq!(client.refund(&refund(), call()).await, Err(PayError::Unreadable));
}

#[tokio::test]
async fn amounts_that_make_no_sense_are_not_sent() {
    let server = Server::start(|_| answer(200, "{}")).await;
    let client = client(&server, &server);
    assert_eq!(client.prepay(&Prepay { total_fen: 0, ..prepay() }, call()).await, Err(PayError::Amount));
    for refund_fen in [0, -1, 2501] {
        assert_eq!(client.refund(&Refund { refund_fen, ..refund() }, call()).await, Err(PayError::Amount));
    }
    assert_eq!(server.requests().len(), 0);
}
