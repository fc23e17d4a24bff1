//! Entry point: start, then act on each tick.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reconcile::{App, handle};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    // Needed once a day: read when it is.
    let app = &App::new(desk, secrets::pay_account(&aws)?, secrets::his_account(&aws)?);
    run(service_fn(async |_tick: LambdaEvent<serde_json::Value>| Ok::<_, Error>(handle(app).await))).await
}
