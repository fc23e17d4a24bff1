//! Entry point: start, then act on each tick.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reminder::{App, handle};
use runtime::{Desk, config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let app = &App {
        desk: Desk::from_env(&aws).await?,
        queue: aws_sdk_sqs::Client::new(&aws),
        queue_url: config::required("NOTICE_QUEUE_URL")?,
    };
    run(service_fn(async |_tick: LambdaEvent<serde_json::Value>| Ok::<_, Error>(handle(app).await))).await
}
