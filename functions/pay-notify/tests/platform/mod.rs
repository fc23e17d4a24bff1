//! WeChat Pay's side: its keys, and the notifications it signs with them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use wechat::pay::{ApiV3Key, PlatformKey};

pub(crate) const MCH_ID: &str = "1900000001";
pub(crate) const APP_ID: &str = "wx00000000000000ff";

/// A key WeChat Pay signs with, and what a hospital is given of it.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    key: KeyPair,
    given: Given,
}

enum Given {
    PublicKey(String),
    Certificate(String),
}

impl SigningKey {
    /// A public key with an id.
    pub(crate) fn public(id: &str) -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap();
        let given = Given::PublicKey(pem("PUBLIC KEY", der.as_ref()));
        Self { id: format!("PUB_KEY_ID_{id}"), key, given }
    }

    /// A certificate. The `openssl` command makes it, as it does for the stand-in WeChat.
    pub(crate) fn certificate(serial: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("pay-notify-{}-{serial}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (key, certificate) = (directory.join("key.pem"), directory.join("certificate.pem"));
        request_certificate(serial, &key, &certificate);
        let lines = std::fs::read_to_string(&key).unwrap();
        let base64: String = lines.lines().filter(|line| !line.starts_with('-')).collect();
        let given = Given::Certificate(std::fs::read_to_string(&certificate).unwrap());
        std::fs::remove_dir_all(&directory).unwrap();
        let key = KeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
        Self { id: serial.to_owned(), key, given }
    }

    /// What the hospital has in its secret.
    pub(crate) fn platform_key(&self) -> PlatformKey {
        match &self.given {
            Given::PublicKey(pem) => PlatformKey::public_key(&self.id, pem).unwrap(),
            Given::Certificate(pem) => PlatformKey::certificate(&self.id, pem).unwrap(),
        }
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        sign(&self.key, text)
    }
}

fn request_certificate(serial: &str, key: &Path, certificate: &Path) {
    let done = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Stand-in WeChat Pay"])
        .args(["-set_serial", &format!("0x{serial}")])
        .args(["-keyout".as_ref(), key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
        .stderr(Stdio::null())
        .status();
    assert!(done.unwrap().success());
}

/// The key of a merchant, as PEM.
pub(crate) fn merchant_pem() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref())
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn sign(key: &KeyPair, text: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    #[expect(clippy::disallowed_methods, reason = "PKCS #1 v1.5 is deterministic: the random source is never read")]
    key.sign(&RSA_PKCS1_SHA256, &aws_lc_rs::rand::SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}

/// An `APIv3` key of one letter.
pub(crate) fn v3_text(letter: char) -> String {
    letter.to_string().repeat(32)
}

/// The same as the hospital has it.
pub(crate) fn v3_key(letter: char) -> ApiV3Key {
    ApiV3Key::parse(&v3_text(letter)).unwrap()
}

/// A notification of a kind this version acknowledges without a table, sealed with an `APIv3` key.
pub(crate) fn body(v3: char) -> String {
    let nonce = *b"abcdefghijkl";
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, v3_text(v3).as_bytes()).unwrap());
    let mut sealed = json!({ "mchid": MCH_ID }).to_string().into_bytes();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from("transaction"), &mut sealed).unwrap();
    json!({
        "id": "n-1", "create_time": "2026-11-22T10:00:00+08:00", "event_type": "COUPON.USE", "summary": "门诊",
        "resource_type": "encrypt-resource",
        "resource": {
            "algorithm": "AEAD_AES_256_GCM", "original_type": "transaction", "associated_data": "transaction",
            "nonce": "abcdefghijkl", "ciphertext": STANDARD.encode(sealed),
        },
    })
    .to_string()
}

/// The same JSON in other bytes, as a proxy might write it.
pub(crate) fn encoded_again(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
