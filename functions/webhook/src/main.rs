//! Entry point: start, then answer.

use aws_config::timeout::TimeoutConfig;
use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, secrets};
use std::time::Duration;
use webhook::{AWS_TIMEOUT_MS, App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(AWS_TIMEOUT_MS)).build();
    let aws = runtime::desk::aws().await.into_builder().timeout_config(timeouts).build();
    let desk = Desk::from_env(&aws).await?;
    let account = secrets::wechat_account(&aws)?.warmed(desk.clock.now()).await;
    let app = &App { desk, account };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
