//! Entry point: start, then act on each tick.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Desk, secrets};
use sweeper::{App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let pay = secrets::pay_account(&aws)?.warmed(desk.clock.now()).await;
    let app = &App { desk, pay };
    run(service_fn(async |_tick: LambdaEvent<serde_json::Value>| Ok::<_, Error>(handle(app).await))).await
}
