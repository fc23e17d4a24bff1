//! A proxy in front of an engine or of WeChat that counts calls and makes the one it is told to fail.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call never arrives.
    Before,
    /// The call takes effect, the answer is lost.
    After,
    /// The call takes effect, the answer comes too late.
    Timeout,
    /// The other side takes no more calls for a while, and says so.
    Throttled,
}

impl Fault {
    /// The ways a call can fail that make a difference: a read that fails late has changed as little as one that never
    /// arrived.
    pub(crate) fn of(writes: bool) -> &'static [Self] {
        if writes { &[Self::Before, Self::After, Self::Timeout] } else { &[Self::Before] }
    }
}

/// Which call fails, and whether anything works after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Position of the failing call, from 0.
    pub(crate) at: usize,
    /// How.
    pub(crate) fault: Fault,
    /// A crash: no later call arrives either.
    pub(crate) crash: bool,
}

#[derive(Debug, Default)]
struct Control {
    plan: Option<Plan>,
    calls: usize,
    /// For each call, whether it changes anything.
    writes: Vec<bool>,
}

/// The switch shared by all proxies of one hospital: calls are counted across them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<Mutex<Control>>);

enum Decision {
    Forward,
    Refuse,
    Throttle,
    Lose,
    Delay,
}

impl Switch {
    /// Counts from zero again and follows `plan`.
    pub(crate) fn arm(&self, plan: Option<Plan>) {
        *self.0.lock().unwrap() = Control { plan, ..Control::default() };
    }

    /// Calls since it was armed: whether each changes anything.
    pub(crate) fn calls(&self) -> Vec<bool> {
        self.0.lock().unwrap().writes.clone()
    }

    fn decide(&self, writes: bool) -> Decision {
        let mut control = self.0.lock().unwrap();
        let at = control.calls;
        control.calls += 1;
        control.writes.push(writes);
        match control.plan {
            Some(plan) if plan.at == at => match plan.fault {
                Fault::Before => Decision::Refuse,
                Fault::After => Decision::Lose,
                Fault::Timeout => Decision::Delay,
                Fault::Throttled => Decision::Throttle,
            },
            Some(plan) if plan.crash && at > plan.at => match plan.fault {
                Fault::Throttled => Decision::Throttle,
                Fault::Before | Fault::After | Fault::Timeout => Decision::Refuse,
            },
            _ => Decision::Forward,
        }
    }
}

#[derive(Clone)]
struct Forwarding {
    target: String,
    switch: Switch,
    http: reqwest::Client,
}

/// Longer than any time-out of the kit's clients.
const DELAY: Duration = Duration::from_millis(900);

/// Starts a proxy in front of `target`; its URL.
pub(crate) async fn start(target: &str, switch: &Switch) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let state = Forwarding { target: target.to_owned(), switch: switch.clone(), http: reqwest::Client::new() };
    let app = Router::new().fallback(handle).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn handle(State(state): State<Forwarding>, request: Request) -> Response {
    match state.switch.decide(is_write(&request)) {
        Decision::Forward => forward(&state, request).await,
        Decision::Refuse => failure(),
        Decision::Throttle => throttled(),
        Decision::Lose => {
            forward(&state, request).await;
            failure()
        }
        Decision::Delay => {
            let answer = forward(&state, request).await;
            tokio::time::sleep(DELAY).await;
            answer
        }
    }
}

/// The table's reads say so in a header; the others' are GETs.
fn is_write(request: &Request) -> bool {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.split('.').next_back()) {
        Some(operation) => !matches!(operation, "GetItem" | "Query" | "BatchGetItem"),
        None => request.method() != axum::http::Method::GET,
    }
}

async fn forward(state: &Forwarding, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = head.headers;
    headers.remove("host");
    let sent = state.http.request(head.method, format!("{}{path}", state.target)).headers(headers).body(body).send();
    let Ok(answer) = sent.await else { return failure() };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "transfer-encoding" && name != "connection" {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.unwrap_or_default();
    response.body(Body::from(body)).unwrap()
}

/// As DynamoDB says it; whoever speaks to somebody else reads the status.
fn throttled() -> Response {
    let says = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}"#;
    let answer = Response::builder().status(400).header("content-type", "application/x-amz-json-1.0");
    answer.body(Body::from(says)).unwrap()
}

fn failure() -> Response {
    Response::builder().status(502).body(Body::empty()).unwrap()
}
