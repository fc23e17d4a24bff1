//! Entry point: start, then answer.

use booking::{App, handle};
use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let app = &App::new(Desk::from_env(&aws).await?, secrets::his_account(&aws)?);
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
