//! Sign-in: what is kept between the redirect to WeChat and a session.
//!
//! Everything here is known by the hash of a secret the browser holds, so a copy of the table opens no session.

use crate::key::Key;
use crate::table::{StoreError, Table, Write, from_item, number, to_item};
use domain::Timestamp;
use domain::id::OpenId;
use domain::time::add_seconds;
use serde::{Deserialize, Serialize};

/// A sign-in that has been sent to WeChat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// Where to go afterwards, a path of ours.
    pub return_to: String,
    /// Hash of the secret in the browser that began it.
    pub browser: String,
    /// How often it was begun again after a used code: a guard against loops.
    pub round: u8,
    /// Good until.
    #[serde(with = "domain::clinic::epoch_s")]
    pub expires_at: Timestamp,
}

/// How long a session lasts: its end tells when it began. Short, because signing in again is silent.
pub const SESSION_LIFE_S: u32 = 2 * 3600;

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who.
    pub account: OpenId,
    /// Good until.
    #[serde(with = "domain::clinic::epoch_s")]
    pub expires_at: Timestamp,
}

impl Session {
    /// A session that begins.
    pub fn begin(account: OpenId, now: Timestamp) -> Self {
        Self { account, expires_at: add_seconds(now, SESSION_LIFE_S.into()) }
    }

    /// When WeChat last said who this is.
    pub fn began_at(&self) -> Timestamp {
        add_seconds(self.expires_at, -i64::from(SESSION_LIFE_S))
    }
}

/// An exchanged code: a second request with it gets the same account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangedCode {
    /// Who it was for.
    pub account: OpenId,
    /// Hash of the secret in the browser it was exchanged for.
    pub browser: String,
    /// Where that browser was going.
    pub return_to: String,
    /// Good until.
    #[serde(with = "domain::clinic::epoch_s")]
    pub expires_at: Timestamp,
}

const PENDING: &str = "SIGNIN";
const SESSION: &str = "SESSION";
const CODE: &str = "CODE";
const NONCE: &str = "NONCE";

impl Table {
    async fn put_expiring(
        &self,
        kind: &str,
        hash: &str,
        value: &impl Serialize,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = to_item(&Key::hashed(kind, hash), value)?;
        item.insert("ttl".into(), number(expires_at.as_second()));
        self.put(item).await
    }

    /// Takes the nonce of a signed request, once; false when it was used before. Remembered `until` no request with it
    /// could be taken any more.
    pub async fn take_nonce(&self, who: &str, nonce: &str, until: Timestamp) -> Result<bool, StoreError> {
        let key = Key::hashed(NONCE, &format!("{who}#{nonce}"));
        let ttl = [("ttl".to_owned(), until.as_second())].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        Ok(self.put_new(to_item(&key, &ttl)?).await?.is_done())
    }

    /// Whether a nonce was taken ([`Table::take_nonce`]).
    pub async fn is_nonce_taken(&self, who: &str, nonce: &str) -> Result<bool, StoreError> {
        Ok(self.get_item(&Key::hashed(NONCE, &format!("{who}#{nonce}"))).await?.is_some())
    }

    /// Keeps a sign-in under the hash of its state.
    pub async fn put_pending_sign_in(&self, hash: &str, pending: &PendingSignIn) -> Result<(), StoreError> {
        self.put_expiring(PENDING, hash, pending, pending.expires_at).await
    }

    /// Takes a sign-in out: a state is good once.
    pub async fn take_pending_sign_in(&self, hash: &str, now: Timestamp) -> Result<Option<PendingSignIn>, StoreError> {
        let item = self.take(&Key::hashed(PENDING, hash)).await?;
        let pending: Option<PendingSignIn> = item.map(from_item).transpose()?;
        Ok(pending.filter(|pending| pending.expires_at > now))
    }

    /// Keeps an exchanged code for a second request with it.
    pub async fn put_exchanged_code(&self, hash: &str, exchanged: &ExchangedCode) -> Result<(), StoreError> {
        self.put_expiring(CODE, hash, exchanged, exchanged.expires_at).await
    }

    /// The account a code was exchanged for.
    pub async fn exchanged_code(&self, hash: &str, now: Timestamp) -> Result<Option<ExchangedCode>, StoreError> {
        let exchanged: Option<ExchangedCode> = self.get(&Key::hashed(CODE, hash)).await?;
        Ok(exchanged.filter(|exchanged| exchanged.expires_at > now))
    }

    /// Starts a session under the hash of its secret.
    pub async fn put_session(&self, hash: &str, session: &Session) -> Result<(), StoreError> {
        self.put_expiring(SESSION, hash, session, session.expires_at).await
    }

    /// A session that has not ended. TTL deletion may lag by days, so the end is checked here.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let session: Option<Session> = self.get(&Key::hashed(SESSION, hash)).await?;
        Ok(session.filter(|session| session.expires_at > now))
    }

    /// Ends a session.
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        self.take(&Key::hashed(SESSION, hash)).await.map(drop)
    }
}

/// The WeChat access token everybody shares, kept by one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedToken {
    /// The token.
    pub token: String,
    /// When it ends.
    #[serde(with = "domain::clinic::epoch_s")]
    pub expires_at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

impl Table {
    /// The shared access token; none before the first fetch.
    pub async fn wechat_token(&self) -> Result<Option<SharedToken>, StoreError> {
        self.get(&Key::wechat_token()).await
    }

    /// Replaces the shared token if it is still version `seen` (0: none yet).
    pub async fn put_wechat_token(&self, token: &SharedToken, seen: u64) -> Result<Write, StoreError> {
        self.put_versioned(to_item(&Key::wechat_token(), token)?, seen).await
    }

    /// Marks the shared token as ended, if it is still the one WeChat refused: a newer one stays (compare and expire).
    pub async fn expire_wechat_token(&self, refused: &str) -> Result<(), StoreError> {
        let Some(seen) = self.wechat_token().await? else { return Ok(()) };
        if seen.token != refused {
            return Ok(());
        }
        let ended = SharedToken { expires_at: Timestamp::UNIX_EPOCH, ver: seen.ver + 1, ..seen.clone() };
        self.put_wechat_token(&ended, seen.ver).await.map(drop)
    }
}
