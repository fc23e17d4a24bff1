//! Entry point: start, then answer.

use lambda_http::{Error, Request, run, service_fn};
use result_notify::{App, handle};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let identity = secrets::identity(&aws)?.warmed(desk.clock.now()).await;
    let machine = secrets::his_keys(&aws)?.warmed(desk.clock.now()).await;
    let app = &App { desk, identity, machine };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
