//! Keeps WeChat's access token in the table, where every other function reads it.
//!
//! The only caller of `stable_token`, and the one function whose address WeChat has to know (40164 otherwise). It
//! never asks with `force_refresh`: that would end the token the others are using. Two runs at once are harmless:
//! WeChat gives both the same token, and the second write is refused.
//!
//! # When it fails
//! | code | what | invocation |
//! |---|---|---|
//! | `wechat_ip_not_listed` | 40164: our address is not in WeChat's list | fails, at once |
//! | `wechat_configuration` | app id, secret or permission are wrong, or the quota is used up | fails, at once |
//! | `wechat_no_answer` | busy, unreachable, or an answer nobody can read | succeeds while the kept token still works |
//!
//! The first two do not pass by themselves, so the alarm on failed invocations must ring although messages still go
//! out. The third usually passes within a minute, when the next tick tries again; it fails the invocation once
//! nobody has a working token. A table or secret that cannot be read always fails it.

use domain::{Timestamp, time};
use runtime::Desk;
use runtime::secrets::{Secret, SecretError, WechatAccount};
use store::StoreError;
use store::signin::SharedToken;
use wechat::api::{Api, ApiError, FreshToken};

/// A token with less left than this is replaced. WeChat hands out the next one in the last five minutes of the old
/// one, which goes on working; asking a minute earlier costs one call and forgives a clock that is off.
pub const REFRESH_BEFORE_S: i64 = 6 * 60;

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table and clock.
    pub desk: Desk,
    /// App id and secret.
    pub account: Secret<WechatAccount>,
    /// Where tokens come from.
    pub api: Api,
}

/// Why there is no fresh token.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// WeChat gave none.
    #[error("{code}: {source}")]
    Wechat {
        /// Stable, for the alarm.
        code: &'static str,
        /// What WeChat said.
        source: ApiError,
    },
}

/// Whether a token has to be fetched: there is none, it was refused (its end is then long past), or it ends soon.
pub fn is_due(kept: Option<&SharedToken>, now: Timestamp) -> bool {
    kept.is_none_or(|token| left_s(token, now) < REFRESH_BEFORE_S)
}

fn left_s(token: &SharedToken, now: Timestamp) -> i64 {
    token.expires_at.as_second().saturating_sub(now.as_second())
}

/// The stable code of a failure, and whether it needs somebody at once.
pub fn sort(error: &ApiError) -> (&'static str, bool) {
    match error {
        ApiError::IpNotListed(_) => ("wechat_ip_not_listed", true),
        ApiError::Busy(_)
        | ApiError::Status(_)
        | ApiError::UnknownOutcome
        | ApiError::NotSent
        | ApiError::Unreadable => ("wechat_no_answer", false),
        _ => ("wechat_configuration", true),
    }
}

/// One tick: replaces the token if that is due.
pub async fn keep(app: &App) -> Result<(), KeepError> {
    let now = app.desk.clock.now();
    let kept = app.desk.table.wechat_token().await?;
    if !is_due(kept.as_ref(), now) {
        return Ok(());
    }
    let account = app.account.get(now).await?;
    match app.api.stable_token(&account.app_id, &account.app_secret).await {
        Ok(fresh) => replace(app, kept.as_ref(), &fresh, now).await,
        Err(source) => failed(kept.as_ref(), source, now),
    }
}

async fn replace(app: &App, kept: Option<&SharedToken>, fresh: &FreshToken, now: Timestamp) -> Result<(), KeepError> {
    let seen = kept.map_or(0, |token| token.ver);
    let expires_at = time::add_seconds(now, fresh.expires_in_s);
    let token = SharedToken { token: fresh.token.expose().to_owned(), expires_at, ver: seen + 1 };
    let is_written = app.desk.table.put_wechat_token(&token, seen).await?.is_done();
    tracing::info!(expires_in_s = fresh.expires_in_s, is_written, "token fetched");
    Ok(())
}

fn failed(kept: Option<&SharedToken>, source: ApiError, now: Timestamp) -> Result<(), KeepError> {
    let (code, needs_somebody) = sort(&source);
    if needs_somebody || kept.is_none_or(|token| left_s(token, now) <= 0) {
        tracing::error!(code, error = %source, "no token from WeChat");
        return Err(KeepError::Wechat { code, source });
    }
    tracing::warn!(code, error = %source, "no token from WeChat; the kept one still works");
    Ok(())
}

#[cfg(test)]
mod tests;
