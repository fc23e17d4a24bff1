//! Entry point: start, then relay each batch of the table's stream.

use aws_lambda_events::event::dynamodb::Event;
use event_relay::{App, handle};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let app = &App {
        bus: aws_sdk_eventbridge::Client::new(&aws),
        bus_name: config::required("BUS_NAME")?,
        quarantine: aws_sdk_sqs::Client::new(&aws),
        quarantine_url: config::required("RELAY_DLQ_URL")?,
    };
    run(service_fn(async |batch: LambdaEvent<Event>| Ok::<_, Error>(handle(app, batch.payload).await))).await
}
