//! The notice queue: it keeps what the reminder puts into it, for a test to deliver.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use domain::event::DomainEvent;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The queue, and where it listens.
pub(crate) struct Letters {
    pub(crate) url: String,
    queued: Arc<Mutex<Vec<DomainEvent>>>,
}

impl Letters {
    pub(crate) async fn open() -> Self {
        let queued = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(keep).with_state(Arc::clone(&queued));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, queued }
    }

    /// What has been queued since, in order.
    pub(crate) fn take(&self) -> Vec<DomainEvent> {
        std::mem::take(&mut *self.queued.lock().unwrap())
    }
}

async fn keep(State(queued): State<Arc<Mutex<Vec<DomainEvent>>>>, body: Bytes) -> String {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let entries = request["Entries"].as_array().unwrap();
    for entry in entries {
        queued.lock().unwrap().push(serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap());
    }
    let taken = entries.iter().map(|entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "-" }));
    json!({ "Successful": taken.collect::<Vec<_>>(), "Failed": [] }).to_string()
}

/// A client of the queue that never repeats: a fault stays a fault.
pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}
