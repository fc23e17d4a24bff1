//! Entry point: start, then answer.

use lambda_http::{Error, Request, run, service_fn};
use runtime::{Desk, config, secrets};
use signup::{App, handle};
use wechat::api::{Api, Timeouts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let desk = Desk::from_env(&aws).await?;
    let now = desk.clock.now();
    let app = &App {
        desk,
        account: secrets::wechat_account(&aws)?.warmed(now).await,
        identity: secrets::identity(&aws)?.warmed(now).await,
        api: Api::new(config::wechat_api_url(), Timeouts::default())?,
        open_url: config::wechat_open_url(),
    };
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
