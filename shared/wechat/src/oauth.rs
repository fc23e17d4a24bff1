//! Sign-in on web pages (OAuth 2). We ask for the openid only (`snsapi_base`) and throw the web tokens away.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::api::{Api, ApiError, AppSecret};

/// Longest `state`, in characters.
pub const MAX_STATE_CHARS: usize = 128;

/// What the page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The openid, silently.
    Base,
    /// Nickname and avatar too, with the user's consent. Without a real tap WeChat opens the page in snapshot mode.
    UserInfo,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
        }
    }
}

/// What comes back unchanged with the code: random, bound to the browser, used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(String);

/// Text that is no `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a state is 1 to {MAX_STATE_CHARS} letters and digits")]
pub struct StateError;

impl State {
    /// 1 to 128 letters and digits; WeChat takes nothing else.
    pub fn parse(text: impl Into<String>) -> Result<Self, StateError> {
        let text = text.into();
        let is_right = (1..=MAX_STATE_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_right { Ok(Self(text)) } else { Err(StateError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The page that sends the user back to `redirect_uri` with a code. `open_url`: `https://open.weixin.qq.com`.
pub fn authorize_url(open_url: &str, app_id: &str, redirect_uri: &str, scope: Scope, state: &State) -> String {
    format!(
        "{open_url}/connect/oauth2/authorize?appid={app_id}&redirect_uri={}&response_type=code&scope={}&state={}#wechat_redirect",
        utf8_percent_encode(redirect_uri, NON_ALPHANUMERIC),
        scope.as_str(),
        state.as_str()
    )
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUser {
    /// Within this account.
    pub openid: String,
    /// Common to the subject's accounts, when WeChat gives it.
    pub unionid: Option<String>,
    /// A virtual identity of snapshot mode: nothing may be bound to it.
    pub is_snapshot: bool,
}

/// Why a code does not sign anybody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// The code was used before (40163): the page was requested twice. Use the session of the first request.
    #[error("the code was used before")]
    CodeUsed,
    /// The code is not valid or has run out (40029, 42003). Likewise; without a session restart once.
    #[error("the code is not valid")]
    CodeInvalid,
    /// Everything else.
    #[error(transparent)]
    Api(ApiError),
}

#[derive(Deserialize)]
struct Answer {
    openid: String,
    unionid: Option<String>,
    #[serde(default)]
    is_snapshotuser: u8,
}

impl Api {
    /// Exchanges a code, which works once.
    pub async fn exchange_code(&self, app_id: &str, secret: &AppSecret, code: &str) -> Result<WebUser, OAuthError> {
        let query =
            [("appid", app_id), ("secret", secret.expose()), ("code", code), ("grant_type", "authorization_code")];
        let answer: Answer = self.get("/sns/oauth2/access_token", &query).await.map_err(OAuthError::from)?;
        Ok(WebUser {
            openid: answer.openid,
            unionid: answer.unionid.filter(|id| !id.is_empty()),
            is_snapshot: answer.is_snapshotuser == 1,
        })
    }
}

impl From<ApiError> for OAuthError {
    fn from(error: ApiError) -> Self {
        match error.errcode() {
            Some(40163) => Self::CodeUsed,
            Some(40029 | 42003) => Self::CodeInvalid,
            _ => Self::Api(error),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_documented_one() {
        let state = State::parse("aB3").unwrap();
        let url = "https://h5.example/signin/callback?x=1";
        assert_eq!(
            authorize_url("https://open.weixin.qq.com", "wx1", url, Scope::Base, &state),
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1\
             &redirect_uri=https%3A%2F%2Fh5%2Eexample%2Fsignin%2Fcallback%3Fx%3D1\
             &response_type=code&scope=snsapi_base&state=aB3#wechat_redirect"
        );
    }

    #[test]
    fn a_state_is_letters_and_digits() {
        for bad in ["", "a-b", "a b", "态", &"a".repeat(129)] {
            assert_eq!(State::parse(bad), Err(StateError), "{bad}");
        }
        assert!(State::parse("a".repeat(128)).is_ok());
    }
}
