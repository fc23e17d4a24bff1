use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::message::{Event, Kind, Message};

const TOKEN: &str = "a-token-of-tests";
const APP_ID: &str = "wx00000000000000ff";
const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const OLD_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TEXT: &str = "<xml><ToUserName>gh_x</ToUserName><FromUserName>o-user</FromUserName><CreateTime>1700000000</CreateTime>\
     <MsgType>text</MsgType><Content>挂号</Content><MsgId>7</MsgId></xml>";
const NOW_S: i64 = 1_700_000_000;

fn key(text: &str) -> AesKey {
    AesKey::parse(text).unwrap()
}

fn callback(keys: &[&str], mode: Mode) -> Callback {
    Callback::new(TOKEN, keys.iter().map(|text| key(text)).collect(), APP_ID, mode).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A query with both signatures right for `sealed`.
fn query(callback: &Callback, sealed: Option<&str>) -> Query {
    let (timestamp, nonce) = (NOW_S.to_string(), "n1");
    let signature = hex(&sha1_sorted([TOKEN.as_bytes(), timestamp.as_bytes(), nonce.as_bytes()]));
    Query {
        msg_signature: sealed.map(|sealed| hex(&callback.message_digest(&timestamp, nonce, sealed))),
        encrypt_type: sealed.map(|_| "aes".to_owned()),
        signature: Some(signature),
        timestamp: Some(timestamp),
        nonce: Some(nonce.to_owned()),
        echostr: None,
    }
}

fn envelope(sealed: &str) -> String {
    format!("<xml><ToUserName>gh_x</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
}

/// Opens `message` sealed with `sealing`.
fn open_sealed(callback: &Callback, sealing: &str, message: &str) -> Result<Opened, CallbackError> {
    let sealed = callback.encrypt(&key(sealing), message, [3; RANDOM_BYTES]);
    callback.open(&query(callback, Some(&sealed)), envelope(&sealed).as_bytes(), at(NOW_S))
}

/// Encrypts a clear text as it is: no layout is added.
fn open_clear_text(callback: &Callback, clear: &[u8]) -> Result<Opened, CallbackError> {
    open_cipher(callback, &key(KEY).encrypt(clear.to_vec()))
}

fn open_cipher(callback: &Callback, cipher: &[u8]) -> Result<Opened, CallbackError> {
    let sealed = STANDARD.encode(cipher);
    callback.open(&query(callback, Some(&sealed)), envelope(&sealed).as_bytes(), at(NOW_S))
}

fn vectors(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/wechat.json")).unwrap();
    let found: Vec<_> = all["vectors"].as_array().unwrap().iter().filter(|v| v["group"] == group).cloned().collect();
    assert!(!found.is_empty());
    found
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn published_queries_verify() {
    for vector in vectors("oa-signature") {
        let input = |name: &str| text_of(&vector["input"][name]);
        let callback = Callback::new(input("token"), vec![], APP_ID, Mode::Plain).unwrap();
        let mut query: Query =
            [("timestamp", input("timestamp")), ("nonce", input("nonce")), ("echostr", "4375".to_owned())]
                .into_iter()
                .collect();
        query.signature = Some(text_of(&vector["expect"]["signature"]));
        let now = at(input("timestamp").parse().unwrap());
        assert_eq!(callback.verify(&query, now), Ok("4375"));
        query.nonce = Some("1".to_owned());
        assert_eq!(callback.verify(&query, now), Err(CallbackError::Signature));
    }
}

#[test]
fn published_messages_open() {
    for vector in vectors("oa-decrypt") {
        let input = |name: &str| text_of(&vector["input"][name]);
        let keys = vec![key(&input("encoding_aes_key"))];
        let callback = Callback::new(input("token"), keys, input("appid"), Mode::Safe).unwrap();
        let sealed = input("encrypt");
        let digest = callback.message_digest(&input("timestamp"), &input("nonce"), &sealed);
        assert_eq!(hex(&digest), input("msg_signature"), "{}", vector["id"]);
        assert_eq!(callback.decrypt(&sealed), Ok((text_of(&vector["expect"]["msg"]), 0)), "{}", vector["id"]);
    }
}

#[test]
fn the_official_json_body_opens_whole() {
    let vector = vectors("oa-decrypt").into_iter().find(|v| v["id"] == "oa.decrypt.official.json").unwrap();
    let input = |name: &str| text_of(&vector["input"][name]);
    let keys = vec![key(&input("encoding_aes_key"))];
    let callback = Callback::new(input("token"), keys, input("appid"), Mode::Safe).unwrap();
    let query: Query = [
        ("signature", input("signature")),
        ("timestamp", input("timestamp")),
        ("nonce", input("nonce")),
        ("encrypt_type", "aes".to_owned()),
        ("msg_signature", input("msg_signature")),
        ("openid", "ignored".to_owned()),
    ]
    .into_iter()
    .collect();
    let body = serde_json::json!({ "ToUserName": "gh_97417a04a28d", "Encrypt": input("encrypt") }).to_string();
    let opened = callback.open(&query, body.as_bytes(), at(1_714_112_445)).unwrap();
    assert_eq!(opened.message.from, "o9AgO5Kd5ggOC-bXrbNODIiE3bGY");
    assert!(matches!(opened.message.kind, Kind::Event(Event::Unknown { .. })));
    assert_eq!((opened.key_index, opened.is_encrypted()), (Some(0), true));
}

#[test]
fn a_message_another_implementation_sealed_opens_whole() {
    let push: Value = serde_json::from_str(include_str!("../../tests/vectors/callback_1kb.json")).unwrap();
    let keys = vec![key(&text_of(&push["encoding_aes_key"]))];
    let callback = Callback::new(text_of(&push["token"]), keys, text_of(&push["app_id"]), Mode::Safe).unwrap();
    let query: Query = serde_json::from_value(push["query"].clone()).unwrap();
    let opened = callback.open(&query, text_of(&push["body"]).as_bytes(), at(NOW_S)).unwrap();
    assert_eq!(opened.message, Inbound::parse(push["clear"].as_str().unwrap()).unwrap());
}

#[test]
fn published_replies_come_out() {
    for vector in vectors("oa-encrypt") {
        let input = |name: &str| text_of(&vector["input"][name]);
        let aes_key = key(&input("encoding_aes_key"));
        let callback = Callback::new(input("token"), vec![aes_key.clone()], input("appid"), Mode::Safe).unwrap();
        let random: [u8; RANDOM_BYTES] = input("random16").as_bytes().try_into().unwrap();
        let now_s = input("timestamp").parse().unwrap();
        let sealed = callback.seal_with(&aes_key, &input("msg"), &input("nonce"), random, now_s);
        let node = Node::parse(&sealed).unwrap();
        assert_eq!(node.required("Encrypt"), Ok(text_of(&vector["expect"]["encrypt"]).as_str()));
        assert_eq!(node.required("MsgSignature"), Ok(text_of(&vector["expect"]["msg_signature"]).as_str()));
        assert_eq!(node.required("TimeStamp"), Ok(input("timestamp").as_str()));
        assert_eq!(node.required("Nonce"), Ok(input("nonce").as_str()));
    }
}

#[test]
fn keys_are_43_symbols_with_spare_bits() {
    for bad in ["", "short", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43), &"密".repeat(43)] {
        assert_eq!(AesKey::parse(bad).err(), Some(AesKeyError), "{bad}");
    }
    assert_eq!(format!("{:?}", key(KEY)), "AesKey(…)");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    assert_eq!(Callback::new("", vec![], APP_ID, Mode::Plain).err(), Some(ConfigError::EmptyToken));
    assert_eq!(Callback::new(TOKEN, vec![], APP_ID, Mode::Safe).err(), Some(ConfigError::NoAesKey));
    assert_eq!(Callback::new(TOKEN, vec![], APP_ID, Mode::Compatible).err(), Some(ConfigError::NoAesKey));
}

#[test]
fn the_window_is_five_minutes_either_way() {
    let callback = callback(&[KEY], Mode::Plain);
    let query = query(&callback, None);
    for skew_s in [-300, 0, 300] {
        assert!(callback.open(&query, TEXT.as_bytes(), at(NOW_S - skew_s)).is_ok());
    }
    for skew_s in [-301, 301] {
        let refused = callback.open(&query, TEXT.as_bytes(), at(NOW_S - skew_s));
        assert_eq!(refused, Err(CallbackError::OutsideWindow { skew_s }));
    }
}

#[test]
fn requests_that_are_not_wechats_are_refused_each_for_its_reason() {
    let safe = callback(&[KEY], Mode::Safe);
    let plain = callback(&[KEY], Mode::Plain);
    let sealed = safe.encrypt(&key(KEY), TEXT, [0; RANDOM_BYTES]);
    let right = query(&safe, Some(&sealed));
    let body = envelope(&sealed);
    assert!(safe.open(&right, body.as_bytes(), at(NOW_S)).is_ok());
    let refused = |query: Query, body: &[u8]| safe.open(&query, body, at(NOW_S)).unwrap_err();

    let cases: [(Query, CallbackError); 8] = [
        (Query { timestamp: None, ..right.clone() }, CallbackError::MissingParameter("timestamp")),
        (Query { nonce: None, ..right.clone() }, CallbackError::MissingParameter("nonce")),
        (Query { msg_signature: None, ..right.clone() }, CallbackError::MissingParameter("msg_signature")),
        (Query { timestamp: Some("soon".into()), ..right.clone() }, CallbackError::BadTimestamp),
        // `signature` is right, but it does not cover the body.
        (Query { msg_signature: right.signature.clone(), ..right.clone() }, CallbackError::Signature),
        (Query { msg_signature: Some(String::new()), ..right.clone() }, CallbackError::Signature),
        (Query { encrypt_type: None, ..right.clone() }, CallbackError::Downgrade),
        (Query { encrypt_type: Some("rot13".into()), ..right.clone() }, CallbackError::EncryptionType),
    ];
    for (query, error) in cases {
        assert_eq!(refused(query, body.as_bytes()), error);
    }
    assert_eq!(refused(right.clone(), &vec![b' '; MAX_BODY_BYTES + 1]), CallbackError::BodyTooLarge);
    assert_eq!(refused(right.clone(), b"\xff"), CallbackError::BodyNotUtf8);
    assert_eq!(refused(right.clone(), b"<xml/>"), CallbackError::Envelope(DocumentError::Missing("Encrypt")));
    assert_eq!(refused(right.clone(), b"nothing"), CallbackError::Envelope(DocumentError::NoRoot));
    assert_eq!(refused(right, envelope("AAAA").as_bytes()), CallbackError::Signature);
    let clear = query(&plain, None);
    assert_eq!(
        plain.open(&Query { signature: None, ..clear.clone() }, TEXT.as_bytes(), at(NOW_S)),
        Err(CallbackError::MissingParameter("signature"))
    );
    assert_eq!(
        plain.open(&clear, b"<xml/>", at(NOW_S)),
        Err(CallbackError::Message(DocumentError::Missing("FromUserName")))
    );
    assert_eq!(plain.verify(&clear, at(NOW_S)), Err(CallbackError::MissingParameter("echostr")));
    assert_eq!(
        callback(&[KEY], Mode::Compatible).open(&clear, TEXT.as_bytes(), at(NOW_S)),
        Err(CallbackError::Downgrade)
    );
}

#[test]
fn envelopes_that_were_tampered_with_are_refused_each_for_its_reason() {
    let callback = callback(&[KEY], Mode::Safe);
    let layout = |length: u32, rest: &[u8]| [&[0; RANDOM_BYTES][..], &length.to_be_bytes(), rest].concat();
    let with_app_id = |message: &[u8]| [message, APP_ID.as_bytes()].concat();
    let clear_cases = [
        (vec![], EnvelopeError::TooShort),
        (vec![0; HEADER_BYTES - 1], EnvelopeError::TooShort),
        (layout(1, b""), EnvelopeError::MessageLength),
        (layout(u32::MAX, b"message"), EnvelopeError::MessageLength),
        (layout(7, b"message"), EnvelopeError::AppId),
        (layout(7, b"messagewx00000000000000f"), EnvelopeError::AppId),
        (layout(7, &[&with_app_id(b"message")[..], b"0"].concat()), EnvelopeError::AppId),
        (layout(6, &with_app_id(b"message")), EnvelopeError::AppId),
        (layout(1, &with_app_id(b"\xff")), EnvelopeError::NotUtf8),
    ];
    for (clear, error) in clear_cases {
        assert_eq!(open_clear_text(&callback, &clear), Err(CallbackError::Sealed(error)), "{clear:?}");
    }
    assert_eq!(open_cipher(&callback, &[7; 33]), Err(CallbackError::Sealed(EnvelopeError::CipherLength)));
    // Encrypt without padding by giving whole blocks and cutting the added block off.
    let unpadded = |last: &[u8; 32]| {
        let mut cipher = key(KEY).encrypt(last.to_vec());
        cipher.truncate(32);
        cipher
    };
    for last in [[0; 32], [33; 32], [255; 32], {
        let mut uneven = [2; 32];
        uneven[30] = 1;
        uneven
    }] {
        assert_eq!(open_cipher(&callback, &unpadded(&last)), Err(CallbackError::Sealed(EnvelopeError::Padding)));
    }
    // A whole block of padding is right; nothing is left before it.
    assert_eq!(open_cipher(&callback, &unpadded(&[32; 32])), Err(CallbackError::Sealed(EnvelopeError::TooShort)));
    let broken = "%%%";
    assert_eq!(
        callback.open(&query(&callback, Some(broken)), envelope(broken).as_bytes(), at(NOW_S)),
        Err(CallbackError::Sealed(EnvelopeError::Base64))
    );
    let plain = Callback::new(TOKEN, vec![], APP_ID, Mode::Plain).unwrap();
    assert_eq!(open_cipher(&plain, &[7; 32]), Err(CallbackError::Sealed(EnvelopeError::NoKey)));
}

#[test]
fn of_a_compatible_body_only_the_sealed_half_counts() {
    let callback = callback(&[KEY], Mode::Compatible);
    let sealed = callback.encrypt(&key(KEY), TEXT, [0; RANDOM_BYTES]);
    let body = TEXT.replace("挂号", "forged").replace("</xml>", &format!("<Encrypt>{sealed}</Encrypt></xml>"));
    let opened = callback.open(&query(&callback, Some(&sealed)), body.as_bytes(), at(NOW_S)).unwrap();
    assert_eq!(opened.message.kind, Kind::Message(Message::Text { content: "挂号".into(), menu_id: None }));
}

#[test]
fn the_previous_key_opens_and_seals_the_answer() {
    let callback = callback(&[KEY, OLD_KEY], Mode::Safe);
    for (index, sealing) in [KEY, OLD_KEY].into_iter().enumerate() {
        let opened = open_sealed(&callback, sealing, TEXT).unwrap();
        assert_eq!(opened.key_index, Some(index));
        let answer = callback.answer(&opened, &Reply::text("好的"), [9; RANDOM_BYTES], at(NOW_S));
        let node = Node::parse(&answer).unwrap();
        let only = Callback::new(TOKEN, vec![key(sealing)], APP_ID, Mode::Safe).unwrap();
        let (clear, _) = only.decrypt(node.required("Encrypt").unwrap()).unwrap();
        assert!(clear.contains("<Content><![CDATA[好的]]></Content>"));
        assert_eq!(node.required("Nonce"), Ok("n1"));
    }
    let other = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    assert!(matches!(open_sealed(&callback, other, TEXT), Err(CallbackError::Sealed(_))));
}

#[test]
fn a_clear_request_gets_a_clear_answer() {
    let callback = callback(&[KEY], Mode::Plain);
    let opened = callback.open(&query(&callback, None), TEXT.as_bytes(), at(NOW_S)).unwrap();
    assert!(!opened.is_encrypted());
    let answer = callback.answer(&opened, &Reply::text("好的"), [9; RANDOM_BYTES], at(NOW_S));
    assert!(answer.starts_with("<xml><ToUserName><![CDATA[o-user]]></ToUserName><FromUserName><![CDATA[gh_x]]>"));
}

proptest! {
    #[test]
    fn what_is_sealed_opens(content in "\\PC{0,80}", random: [u8; RANDOM_BYTES]) {
        let callback = callback(&[KEY], Mode::Safe);
        let sealed = callback.encrypt(&key(KEY), &content, random);
        prop_assert_eq!(callback.decrypt(&sealed), Ok((content, 0)));
    }

    #[test]
    fn every_padding_length_works(length in 0_usize..200) {
        let message = "x".repeat(length);
        let callback = callback(&[KEY], Mode::Safe);
        let sealed = callback.encrypt(&key(KEY), &message, [1; RANDOM_BYTES]);
        prop_assert_eq!(STANDARD.decode(&sealed).unwrap().len() % PADDING_BLOCK_BYTES, 0);
        prop_assert_eq!(callback.decrypt(&sealed), Ok((message, 0)));
    }

    #[test]
    fn garbage_that_is_signed_never_panics(cipher in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open_cipher(&callback(&[KEY, OLD_KEY], Mode::Safe), &cipher).is_err());
    }

    #[test]
    fn a_clear_text_of_any_bytes_never_panics(clear in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open_clear_text(&callback(&[KEY], Mode::Safe), &clear).is_err());
    }

    #[test]
    fn any_body_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let callback = callback(&[KEY], Mode::Plain);
        let _ = callback.open(&query(&callback, None), &body, at(NOW_S));
    }
}
