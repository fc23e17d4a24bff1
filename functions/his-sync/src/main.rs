//! Entry point: start, then act on each tick.

use his_sync::{App, handle};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Desk, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let identity = secrets::identity(&aws)?;
    let his = secrets::his_account(&aws)?.warmed(desk.clock.now()).await;
    let app = &App { desk, his, identity };
    run(service_fn(async |_tick: LambdaEvent<serde_json::Value>| Ok::<_, Error>(handle(app).await))).await
}
