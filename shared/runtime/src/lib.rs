//! What every function starts with: configuration, secrets, clients, the one clock, the one source of randomness.

pub mod audit;
pub mod cached;
pub mod clock;
pub mod config;
pub mod desk;
pub mod enrolment;
pub mod errands;
pub mod follow_up;
mod his_account;
pub mod http;
pub mod payments;
pub mod posting;
pub mod random;
pub mod refusal;
pub mod secrets;
pub mod tokens;
pub mod window;

pub use clock::Clock;
pub use desk::Desk;
pub use random::Random;
pub use refusal::Refusal;

/// Why a function cannot start: reported by the Lambda runtime, which then tries a fresh process.
pub type StartError = lambda_runtime::Error;

/// Structured logs in the form Lambda is configured for.
pub fn start_telemetry() {
    lambda_runtime::tracing::init_default_subscriber();
}
