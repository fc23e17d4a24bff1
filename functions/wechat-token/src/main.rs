//! Entry point: start, then keep the token on each tick.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Desk, config, secrets};
use serde_json::Value;
use wechat::api::{Api, Timeouts};
use wechat_token::{App, keep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let api = Api::new(config::wechat_api_url(), Timeouts::default())?;
    let app = &App { desk: Desk::from_env(&aws).await?, account: secrets::wechat_account(&aws)?, api };
    // A tick says nothing but that it is time.
    run(service_fn(async |_tick: LambdaEvent<Value>| keep(app).await.map_err(Error::from))).await
}
