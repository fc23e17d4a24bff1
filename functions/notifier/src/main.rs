//! Entry point: start, then send each batch of the notice queue.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notifier::{App, SpentQuota, handle};
use runtime::tokens::SharedTokens;
use runtime::{Desk, config, secrets};
use wechat::api::{Api, Timeouts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let aws = runtime::desk::aws().await;
    let app = &App {
        desk: Desk::from_env(&aws).await?,
        api: Api::new(config::wechat_api_url(), Timeouts::default())?,
        tokens: SharedTokens::default(),
        identity: secrets::identity(&aws)?,
        sms: secrets::sms_account(&aws)?,
        quota: SpentQuota::default(),
        queue: aws_sdk_sqs::Client::new(&aws),
        queue_url: config::required("NOTICE_QUEUE_URL")?,
    };
    run(service_fn(async |batch: LambdaEvent<SqsEvent>| Ok::<_, Error>(handle(app, batch.payload).await))).await
}
