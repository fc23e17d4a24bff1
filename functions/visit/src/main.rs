//! Entry point: start, then answer.

use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, secrets};
use visit::{App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let keys = secrets::visit_keys(&aws)?.warmed(desk.clock.now()).await;
    let his = secrets::his_account(&aws)?;
    let app = &App { desk, keys, his };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
