//! For tests: a real DynamoDB engine in the test's own process, with the table of `infra/foundation.yaml`; the stand-ins
//! of the outside as processes of their own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up has failed"
)]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use domain::Timestamp;
use domain::civil::Date;
use domain::clinic::{Clinic, ClinicKind, ClinicState, Period};
use domain::id::ClinicId;
use domain::money::Fen;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::Table;

mod browser;
mod clock;
mod meter;
mod stand_in;
mod visit;

pub use browser::{cookie, form};
pub use clock::start_clock;
pub use meter::{Meter, Units};
pub use stand_in::StandIn;
pub use visit::{BOOKER, visit};

/// The table's name on an engine of its own.
pub const TABLE: &str = "menzhen";
/// How long an impatient client waits.
const IMPATIENCE: Duration = Duration::from_millis(400);

/// Starts an engine and creates the table; its URL.
pub async fn engine() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    create(&client(&url), TABLE).await;
    url
}

/// An empty table: in this process, or on the engine `STORE_ENDPOINT` names, for a second opinion.
pub async fn table() -> Table {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(endpoint) = std::env::var("STORE_ENDPOINT") else {
        return Table::new(client(&engine().await), TABLE);
    };
    let name = format!("store-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    let client = client(&endpoint);
    create(&client, &name).await;
    Table::new(client, name)
}

/// A client of an engine.
pub fn client(url: &str) -> Client {
    Client::from_conf(config(url).build())
}

/// A client that gives up soon and never repeats: a fault stays a fault.
pub fn impatient_client(url: &str) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(IMPATIENCE).build();
    Client::from_conf(config(url).retry_config(RetryConfig::disabled()).timeout_config(timeouts).build())
}

/// A table nobody answers for.
pub fn table_that_is_down() -> Table {
    Table::new(impatient_client("http://127.0.0.1:9"), TABLE)
}

/// An open morning clinic of a department's pool, released at `release_at`.
pub fn clinic(department: &str, date: Date, fee_fen: i64, release_at: Timestamp) -> Clinic {
    let department = department.parse().unwrap();
    Clinic {
        id: ClinicId::of(date, Period::Morning, &department, None).unwrap(),
        date,
        period: Period::Morning,
        department,
        department_name: "内科".into(),
        doctor: None,
        doctor_name: String::new(),
        doctor_title: String::new(),
        kind: ClinicKind::Ordinary,
        fee: Fen::new(fee_fen).unwrap(),
        room: "201".into(),
        campus: "本部".into(),
        queue_group: None,
        release_at,
        state: ClinicState::Open,
    }
}

fn config(url: &str) -> Builder {
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url)
}

/// Creates the table of `infra/foundation.yaml`.
pub async fn create(client: &Client, name: &str) {
    let index = GlobalSecondaryIndex::builder()
        .index_name(store::due::INDEX)
        .key_schema(key("due_pk", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    let request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    request
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(index.build().unwrap())
        .send()
        .await
        .unwrap();
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}
