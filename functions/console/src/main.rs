//! Entry point: start, then answer.

use console::{App, handle};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let app = &App::from_env().await?;
    run(service_fn(async |request: Request| handle(app, request).await)).await
}
