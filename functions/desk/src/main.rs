//! Entry point: start, then answer.

use desk::{App, handle};
use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let now = desk.clock.now();
    let app = &App {
        desk,
        staff: secrets::staff_tokens(&aws)?.warmed(now).await,
        identity: secrets::identity(&aws)?.warmed(now).await,
        codes: secrets::visit_keys(&aws)?,
    };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
