//! A hospital with one patient and one visit, and everything outside of it as values.

use crate::proxy::{self, Switch};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, Command, State};
use domain::civil::date;
use domain::due::Worker;
use domain::event::{Actor, DomainEvent, EventKind, ItemEvent};
use domain::id::PatientId;
use domain::notice::{NoticeKind, Recipient};
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::profile::HospitalProfile;
use domain::{Timestamp, time};
use notifier::{App, SpentQuota, handle};
use runtime::secrets::{Secret, SmsAccount};
use runtime::tokens::SharedTokens;
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use store::Table;
use store::account::Relation;
use store::identity::{Identity, IdentityNonces};
use store::key::Key;
use store::notices::{NoticeRecord, Outcome};
use store::patients::{Registered, Registrar, Registration};
use store::seal::Keyring;
use store::signin::SharedToken;
use wechat::api::{Api, Timeouts};

pub(crate) use kit::BOOKER;
pub(crate) const PHONE: &str = "19900000001";
/// The visit begins at nine on the 23rd; this is noon of the day before.
pub(crate) const NOON: &str = "2026-11-22T04:00:00Z";
/// Half past ten in the evening before.
pub(crate) const NIGHT: &str = "2026-11-22T14:30:00Z";
/// Seven in the morning.
pub(crate) const MORNING: &str = "2026-11-22T23:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A service outside: what it was asked, and what it answers next; when nothing is left, `usual`.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<Value>>>,
    always: Arc<Mutex<Option<Value>>>,
}

impl Outside {
    async fn start(usual: fn(&Value) -> Value) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let outside = Self { url, asked: Arc::default(), answers: Arc::default(), always: Arc::default() };
        let this = outside.clone();
        let answer = move |body: Bytes| {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let next = this.answers.lock().unwrap().pop_front();
            let always = this.always.lock().unwrap().clone();
            let answer = next.or(always).unwrap_or_else(|| usual(&asked));
            this.asked.lock().unwrap().push(asked);
            async move {
                match answer {
                    Value::Number(status) => (
                        axum::http::StatusCode::from_u16(status.as_u64().unwrap().try_into().unwrap()).unwrap(),
                        String::new(),
                    ),
                    answer => (axum::http::StatusCode::OK, answer.to_string()),
                }
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        outside
    }

    /// What it answers next: JSON, or a bare HTTP status.
    pub(crate) fn answer(&self, answer: Value) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// What it answers from now on.
    pub(crate) fn always(&self, answer: Value) {
        *self.always.lock().unwrap() = Some(answer);
    }

    /// What it was asked since the last time.
    pub(crate) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

pub(crate) fn errcode(code: i64) -> Value {
    json!({ "errcode": code, "errmsg": "as wished" })
}

pub(crate) fn sms_refusal(code: &str) -> Value {
    json!({ "Response": { "Error": { "Code": code, "Message": "as wished" }, "RequestId": "r" } })
}

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) table: Table,
    pub(crate) wechat: Outside,
    pub(crate) sms: Outside,
    pub(crate) queue: Outside,
    pub(crate) key: AppointmentKey,
    born: String,
}

impl World {
    /// At noon before the visit, booked by [`BOOKER`] for somebody born in `born`.
    pub(crate) async fn start(born: &str) -> Self {
        Self::start_behind(born, &Switch::default()).await
    }

    /// The same with every call that leaves the notifier going through a switch.
    pub(crate) async fn start_behind(born: &str, switch: &Switch) -> Self {
        let wechat =
            Outside::start(|_| json!({ "errcode": 0, "errmsg": "ok", "msgid": 2_500_000_000_000_000_001_u64 })).await;
        let sms = Outside::start(|_| {
            let status = json!({ "SerialNo": "5000:1", "Code": "Ok", "Message": "send success" });
            json!({ "Response": { "SendStatusSet": [status], "RequestId": "r" } })
        })
        .await;
        let queue = Outside::start(|_| json!({ "MessageId": "1", "MD5OfMessageBody": "-" })).await;
        let (clock, engine) = (Clock::standing_at(at(NOON)), kit::engine().await);
        let table = Table::new(kit::client(&engine), kit::TABLE);
        let through = async |url: &str| proxy::start(url, switch).await;
        let queue_url = through(&queue.url).await;
        let app = App {
            desk: Desk::new(
                Table::new(kit::impatient_client(&through(&engine).await), kit::TABLE),
                clock.clone(),
                "https://desk.example.com",
            ),
            api: Api::new(through(&wechat.url).await, Timeouts { connect_ms: 400, request_ms: 400 }).unwrap(),
            tokens: SharedTokens::default(),
            identity: Secret::fixed(keyring()),
            sms: Secret::fixed(sms_account(&through(&sms.url).await)),
            quota: SpentQuota::default(),
            queue: sqs(&queue_url),
            queue_url: format!("{queue_url}/0/notice"),
        };
        table.put_profile(&profile()).await.unwrap();
        let token = SharedToken { token: "t".repeat(32), expires_at: time::add_minutes(at(NOON), 9_999), ver: 1 };
        table.put_wechat_token(&token, 0).await.unwrap();
        let patient = register(&table, born).await;
        let visit = visit(&patient);
        table.create_appointment(&visit).await.unwrap();
        Self { app, clock, table, wechat, sms, queue, key: visit.key(), born: born.to_owned() }
    }

    /// Moves the visit on, as the functions do.
    pub(crate) async fn go(&self, command: Command, actor: Actor) {
        let now = self.clock.now();
        self.table.move_appointment(&self.key, command, &actor, profile().cancel, now).await.unwrap();
    }

    pub(crate) async fn closed(&self) {
        self.go(Command::Cancel(CancelledBy::Hospital), Actor::Staff("console".into())).await;
    }

    /// The notifier takes a job about the visit; true when it is done, false when it is put back or left.
    pub(crate) async fn tell(&self, kind: EventKind, attempt: u32) -> bool {
        let key = Key::appointment(&self.key);
        self.take(&key, kind, attempt).await
    }

    /// As SQS does it: again and again, a minute apart, until it is done.
    pub(crate) async fn tell_until_done(&self, kind: EventKind) -> u32 {
        let key = Key::appointment(&self.key);
        for attempt in 0..12 {
            if self.take(&key, kind, attempt).await {
                return attempt;
            }
            self.clock.set(time::add_seconds(self.clock.now(), 61));
        }
        panic!("never done");
    }

    pub(crate) async fn take(&self, key: &Key, kind: EventKind, attempt: u32) -> bool {
        let event = ItemEvent { seq: 0, kind, actor: Actor::Schedule, at: self.clock.now() };
        let mut job = serde_json::to_value(DomainEvent { pk: key.pk.clone(), sk: key.sk.clone(), event }).unwrap();
        job["attempt"] = json!(attempt);
        let mut message = SqsMessage::default();
        (message.message_id, message.body) = (Some("m".into()), Some(job.to_string()));
        let mut batch = SqsEvent::default();
        batch.records.push(message);
        let response = handle(&self.app, batch).await;
        response.batch_item_failures.is_empty() && self.queue.take().is_empty()
    }

    /// What the reminder would queue about messages of the ledger.
    pub(crate) async fn due_letters(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for shard in 0..store::due::SHARDS {
            keys.extend(self.table.due(Worker::Reminder, shard, self.clock.now(), 100).await.unwrap());
        }
        keys.retain(|key| key.pk.starts_with("NOTICE#"));
        keys
    }

    pub(crate) async fn record(&self, kind: NoticeKind, to: &Recipient) -> Option<NoticeRecord> {
        self.table.notice(&Key::notice(self.key.id.as_str(), kind, to)).await.unwrap()
    }

    /// What became of the message to who booked.
    pub(crate) async fn outcome(&self, kind: NoticeKind) -> Outcome {
        self.record(kind, &account(BOOKER)).await.expect("the ledger has it").outcome
    }

    pub(crate) async fn by_phone(&self, kind: NoticeKind) -> Option<Outcome> {
        self.record(kind, &Recipient::Phone).await.map(|record| record.outcome)
    }

    /// Another account that acts for the patient.
    pub(crate) async fn link(&self, name: &str, copies: bool) {
        let registered = join(&self.table, name, &identity(&self.born)).await;
        let Registered::Linked(patient) = registered else { panic!("{registered:?}") };
        self.table.put_copies(&name.parse().unwrap(), &patient, copies).await.unwrap();
    }
}

pub(crate) fn account(name: &str) -> Recipient {
    Recipient::Account(name.parse().unwrap())
}

pub(crate) fn dropped(why: &str) -> Outcome {
    Outcome::Dropped { why: why.into() }
}

/// The demo hospital with the stand-ins' templates.
pub(crate) fn profile() -> HospitalProfile {
    let mut profile: Value = serde_json::from_str(include_str!("../../../../infra/hospital/profile.json")).unwrap();
    let templates: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/wechat/templates.json")).unwrap();
    for template in templates {
        let name = template["name"].as_str().unwrap();
        profile["templates"][name] = json!({ "template_id": template["id"], "fields": template["fields"] });
    }
    let sms: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/sms/templates.json")).unwrap();
    // The code of a card is sent by the function that asks for it.
    let sms = sms.iter().filter(|one| one["name"] != "card_code").map(|one| {
        (one["name"].as_str().unwrap().to_owned(), json!({ "template_id": one["id"], "fields": one["fields"] }))
    });
    profile["messages"]["sms"] =
        json!({ "signature": "云杉市人民医院", "templates": sms.collect::<serde_json::Map<_, _>>() });
    serde_json::from_value(profile).unwrap()
}

fn keyring() -> Keyring {
    let key = |letter: char| letter.to_string().repeat(43) + "=";
    let secret = json!({ "current": 1, "keys": { "1": { "seal": key('A'), "index": key('A') } } });
    Keyring::from_secret(&secret.to_string()).unwrap()
}

fn sms_account(url: &str) -> SmsAccount {
    let account = sms::TencentAccount {
        secret_id: "AKIDtest".into(),
        secret_key: sms::SecretKey::new("key"),
        sdk_app_id: "1400000000".into(),
        region: "ap-guangzhou".into(),
    };
    SmsAccount { client: sms::TencentSms::new(url, account).unwrap() }
}

fn sqs(url: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn identity(born: &str) -> Identity {
    let today = date(2026, 11, 22);
    let body = format!("110105{born}0101001");
    let mut numbers = "0123456789X".chars().map(|check| format!("{body}{check}"));
    let document = numbers.find_map(|number| IdDocument::parse(DocumentKind::ResidentId, &number, today).ok());
    Identity {
        name: PersonName::parse("林晓梅").unwrap(),
        document: document.unwrap(),
        phone: Phone::parse(PHONE).unwrap(),
    }
}

async fn join(table: &Table, name: &str, identity: &Identity) -> Registered {
    let registration = Registration {
        by: Registrar::Account { account: name.parse().unwrap(), relation: Relation::Family },
        patient: PatientId::from_bytes([2; 10]),
        consent_version: "1".into(),
        at: at(NOON),
    };
    let nonces = IdentityNonces { name: [1; 12], document: [2; 12], phone: [3; 12] };
    table.register(&keyring(), identity, &nonces, &registration).await.unwrap()
}

async fn register(table: &Table, born: &str) -> PatientId {
    match join(table, BOOKER, &identity(born)).await {
        Registered::New(patient) => patient,
        other => panic!("{other:?}"),
    }
}

fn visit(patient: &PatientId) -> Appointment {
    Appointment { patient: patient.clone(), ..kit::visit(State::Booked, at(NOON)) }
}
