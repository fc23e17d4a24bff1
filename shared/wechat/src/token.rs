//! The access token: who keeps it is the caller's business, how a refused one is replaced is settled here.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::api::ApiError;

/// An access token of the account API. Cheap to clone; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Arc<str>);

impl AccessToken {
    /// A token as received; WeChat says to provide for 512 characters.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The token, for the store and the query of a call.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AccessToken(…)")
    }
}

/// Where tokens come from: a cache before a shared store before `stable_token`.
pub trait TokenSource {
    /// Why there is no token.
    type Error;

    /// A token that should work.
    fn current(&self) -> impl Future<Output = Result<AccessToken, Self::Error>> + Send;

    /// Forgets `refused`, if it is still the one kept. When another caller has replaced it already, the fresh one
    /// stays: without this comparison concurrent failures would expire each other's new token.
    fn expire(&self, refused: &AccessToken) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a call with a token failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenCallError<E> {
    /// There was no token to call with.
    #[error("no access token: {0}")]
    Source(E),
    /// The call failed.
    #[error(transparent)]
    Api(ApiError),
}

/// Calls with the current token. When WeChat refuses it (40001, 40014, 42001), expires exactly that token, takes the
/// next one and repeats once, never more.
pub async fn with_token<S, T, F>(source: &S, call: impl Fn(AccessToken) -> F) -> Result<T, TokenCallError<S::Error>>
where
    S: TokenSource,
    F: Future<Output = Result<T, ApiError>>,
{
    let token = source.current().await.map_err(TokenCallError::Source)?;
    match call(token.clone()).await {
        Err(ApiError::TokenRejected(_)) => {}
        outcome => return outcome.map_err(TokenCallError::Api),
    }
    source.expire(&token).await.map_err(TokenCallError::Source)?;
    let token = source.current().await.map_err(TokenCallError::Source)?;
    call(token).await.map_err(TokenCallError::Api)
}
