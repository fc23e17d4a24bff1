//! The shared access token, as functions that send messages see it: read from the table, where `wechat-token` keeps it.

use crate::Desk;
use crate::cached::Cached;
use store::StoreError;
use wechat::token::{AccessToken, TokenSource};

/// A token this close to its end is not used any more.
const MARGIN_S: i64 = 60;
/// How long an instance trusts its copy.
const COPY_AGE_MAX_S: i64 = 300;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// `wechat-token` has not fetched one, or WeChat refused the last: it will be there within a minute.
    #[error("no access token yet")]
    NotYet,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The shared token with this instance's copy of it.
#[derive(Debug)]
pub struct SharedTokens {
    copy: Cached<AccessToken>,
}

impl Default for SharedTokens {
    fn default() -> Self {
        Self { copy: Cached::new(COPY_AGE_MAX_S) }
    }
}

impl SharedTokens {
    /// As a source for [`wechat::token::with_token`].
    pub fn of<'a>(&'a self, desk: &'a Desk) -> impl TokenSource<Error = NoToken> + 'a {
        DeskTokens { shared: self, desk }
    }
}

struct DeskTokens<'a> {
    shared: &'a SharedTokens,
    desk: &'a Desk,
}

impl TokenSource for DeskTokens<'_> {
    type Error = NoToken;

    async fn current(&self) -> Result<AccessToken, NoToken> {
        let now = self.desk.clock.now();
        let load = async || {
            let kept = self.desk.table.wechat_token().await?.ok_or(NoToken::NotYet)?;
            let left_s = kept.expires_at.as_second().saturating_sub(now.as_second());
            if left_s > MARGIN_S { Ok(AccessToken::new(&kept.token)) } else { Err(NoToken::NotYet) }
        };
        self.shared.copy.get(now, load).await.map(|token| (*token).clone())
    }

    async fn expire(&self, refused: &AccessToken) -> Result<(), NoToken> {
        self.shared.copy.forget();
        Ok(self.desk.table.expire_wechat_token(refused.expose()).await?)
    }
}
