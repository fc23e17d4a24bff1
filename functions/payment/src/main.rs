//! Entry point: start, then answer.

use lambda_http::{Error, Request, run, service_fn};
use payment::{App, handle};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let pay = secrets::pay_account(&aws)?.warmed(desk.clock.now()).await;
    let his = secrets::his_account(&aws)?.warmed(desk.clock.now()).await;
    let app = &App { desk, pay, his };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
