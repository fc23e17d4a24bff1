//! Entry point: start, then answer.

use card::{App, handle};
use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let identity = secrets::identity(&aws)?.warmed(desk.clock.now()).await;
    let (his, sms) = (secrets::his_account(&aws)?, secrets::sms_account(&aws)?);
    let app = &App { desk, identity, his, sms };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
