//! Entry point: start, then answer.

use content::{Settings, handle};
use lambda_http::{Error, Request, run, service_fn};
use runtime::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::start_telemetry();
    let desk = Desk::from_env(&runtime::desk::aws().await).await?;
    let settings = Settings { public_url: desk.public_url.clone(), frame_ancestors: desk.frame_ancestors.clone() };
    let (desk, settings) = (&desk, &settings);
    run(service_fn(async |request: Request| Ok::<_, Error>(handle(desk, settings, &request).await))).await
}
