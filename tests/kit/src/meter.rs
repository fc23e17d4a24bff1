//! A proxy in front of an engine that asks each call for its consumed capacity and adds it up.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The longest request the kit's engine takes.
const BODY_BYTES_MAX: usize = 16 << 20;

/// What calls have cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Units {
    /// Calls.
    pub calls: u32,
    /// Read units.
    pub read: f64,
    /// Write units, index included. A write whose condition failed counts as one: DynamoDB charges for it and does not say so.
    pub write: f64,
}

impl std::ops::Add for Units {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { calls: self.calls + other.calls, read: self.read + other.read, write: self.write + other.write }
    }
}

/// A running meter.
#[derive(Clone, Debug)]
pub struct Meter {
    /// Where it stands in for the engine.
    pub url: String,
    units: Arc<Mutex<Units>>,
}

#[derive(Clone)]
struct Forwarding {
    engine: String,
    units: Arc<Mutex<Units>>,
    http: reqwest::Client,
}

impl Meter {
    /// Starts one in front of `engine`.
    pub async fn start(engine: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let units = Arc::new(Mutex::new(Units::default()));
        let state = Forwarding { engine: engine.to_owned(), units: units.clone(), http: reqwest::Client::new() };
        let app = Router::new().fallback(forward).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, units }
    }

    /// What the calls since the last time have cost.
    pub fn take(&self) -> Units {
        std::mem::take(&mut self.units.lock().unwrap())
    }
}

async fn forward(State(state): State<Forwarding>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap();
    let operation = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = operation.and_then(|target| target.split('.').next_back()).unwrap_or_default().to_owned();
    let mut asked: Value = serde_json::from_slice(&body).unwrap();
    if operation != "CreateTable" {
        asked["ReturnConsumedCapacity"] = json!("INDEXES");
    }
    for name in [HOST, CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    let sent = state.http.post(&state.engine).headers(head.headers).body(asked.to_string());
    let answer = sent.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    let cost = cost(&operation, &serde_json::from_slice(&body).unwrap_or(Value::Null));
    let mut units = state.units.lock().unwrap();
    *units = *units + cost;
    drop(units);
    let mut response = Response::builder().status(status).body(Body::from(body)).unwrap();
    *response.headers_mut() = headers;
    response.headers_mut().remove(TRANSFER_ENCODING);
    response
}

fn cost(operation: &str, answer: &Value) -> Units {
    let refused = answer["__type"].as_str().is_some_and(|kind| kind.ends_with("ConditionalCheckFailedException"));
    let consumed = &answer["ConsumedCapacity"];
    let total: f64 = match consumed.as_array() {
        Some(tables) => tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum(),
        None => consumed["CapacityUnits"].as_f64().unwrap_or_else(|| f64::from(u8::from(refused))),
    };
    match operation {
        "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems" => {
            Units { calls: 1, read: total, write: 0.0 }
        }
        _ => Units { calls: 1, read: 0.0, write: total },
    }
}
