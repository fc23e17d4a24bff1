//! What every function has at hand: the table, the clock, randomness and the hospital's profile.

use crate::cached::Cached;
use crate::config;
use crate::{Clock, Random, StartError};
use domain::profile::HospitalProfile;
use std::sync::Arc;
use store::{StoreError, Table};

/// How long an instance keeps the profile: a change reaches everybody within this time.
pub const PROFILE_AGE_MAX_S: i64 = 60;
/// A table that does not answer within this time counts as not answering.
const TABLE_TIMEOUT_MS: u64 = 4_000;

/// What every function has at hand.
#[derive(Debug)]
pub struct Desk {
    /// The table.
    pub table: Table,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// The origin patients see.
    pub public_url: String,
    /// Who may frame our pages, a CSP source list.
    pub frame_ancestors: String,
    profile: Cached<HospitalProfile>,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The console has not written one yet.
    #[error("the hospital profile has not been set up")]
    Missing,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    /// From its parts.
    pub fn new(table: Table, clock: Clock, public_url: impl Into<String>) -> Self {
        let frame_ancestors = config::or_default("FRAME_ANCESTORS", "'self'");
        let profile = Cached::new(PROFILE_AGE_MAX_S);
        Self { table, clock, random: Random, public_url: public_url.into(), frame_ancestors, profile }
    }

    /// From the environment, with the table's connection warmed: the first TLS handshake belongs into the start, where
    /// Lambda gives a burst of CPU, not into the first patient's request.
    pub async fn from_env(aws: &aws_config::SdkConfig) -> Result<Self, StartError> {
        let client = aws_sdk_dynamodb::Client::new(aws);
        let table = Table::new(client, config::required("TABLE_NAME")?);
        let desk = Self::new(table, Clock::from_env(), config::public_url()?);
        if let Err(error) = desk.profile().await {
            tracing::info!(%error, "started without a profile");
        }
        Ok(desk)
    }

    /// The hospital profile, at most [`PROFILE_AGE_MAX_S`] old.
    pub async fn profile(&self) -> Result<Arc<HospitalProfile>, ProfileError> {
        let load = async || self.table.profile().await?.ok_or(ProfileError::Missing);
        self.profile.get(self.clock.now(), load).await
    }
}

/// The AWS configuration of a function: one for all clients, so that they share connections.
pub async fn aws() -> aws_config::SdkConfig {
    let timeouts = aws_config::timeout::TimeoutConfig::builder()
        .operation_timeout(std::time::Duration::from_millis(TABLE_TIMEOUT_MS))
        .build();
    aws_config::defaults(aws_config::BehaviorVersion::latest()).timeout_config(timeouts).load().await
}
