//! The two services that a step calls and that cost no capacity: SQS and WeChat's messages, both always content.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use runtime::secrets::SmsAccount;
use serde_json::{Value, json};

/// A queue that takes everything.
pub(crate) async fn queue() -> (Client, String) {
    let url = serve(|request| {
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        let taken = entries.iter().map(|entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "-" }));
        json!({ "Successful": taken.collect::<Vec<_>>(), "Failed": [] })
    });
    let url = url.await;
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(&url)
        .build();
    (Client::from_conf(config), format!("{url}/0/notice"))
}

/// A WeChat that accepts every message.
pub(crate) async fn wechat() -> String {
    serve(|_| json!({ "errcode": 0, "errmsg": "ok", "msgid": 2_500_000_000_000_000_001_u64 })).await
}

/// An SMS service that nobody needs: no visit of the figures is an old person's.
pub(crate) fn sms() -> SmsAccount {
    let account = sms::TencentAccount {
        secret_id: "AKIDfigures".into(),
        secret_key: sms::SecretKey::new("key"),
        sdk_app_id: "1400000000".into(),
        region: "ap-guangzhou".into(),
    };
    SmsAccount { client: sms::TencentSms::new("http://127.0.0.1:9", account).unwrap() }
}

async fn serve(answer: fn(&Value) -> Value) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let handle = move |body: Bytes| async move { answer(&serde_json::from_slice(&body).unwrap()).to_string() };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handle)).await.unwrap() });
    url
}
