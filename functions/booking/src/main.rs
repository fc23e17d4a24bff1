//! Entry point: start, then answer.

use booking::{App, handle};
use lambda_http::{Error, Request, run, service_fn};
use runtime::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let app = &App::new(Desk::from_env(&aws).await?);
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
