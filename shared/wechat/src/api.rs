//! The account API (`api.weixin.qq.com`).

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{self, NoAnswer};
use crate::template::TemplateData;
use crate::token::AccessToken;

pub use crate::http::Timeouts;

/// Largest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longest `client_msg_id`, in characters. WeChat names no limit for it; this is the one of mass messages.
pub const MAX_CLIENT_MSG_ID_CHARS: usize = 64;
/// Longest life of a temporary QR code, in seconds.
pub const MAX_QR_EXPIRE_S: u32 = 2_592_000;
/// Longest error text of WeChat that is kept, in characters.
const MAX_ERRMSG_CHARS: usize = 200;

/// The account's secret. Never printed.
#[derive(Clone)]
pub struct AppSecret(String);

impl AppSecret {
    /// As shown once in WeChat's console.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AppSecret(…)")
    }
}

/// What WeChat said, for logs. Tokens and secrets are taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// WeChat's code.
    pub errcode: i64,
    /// WeChat's text, cut to a sensible length.
    pub errmsg: String,
    /// WeChat's request id, which its support asks for.
    pub rid: Option<String>,
}

impl fmt::Display for Detail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.errcode, self.errmsg)
    }
}

/// Why a call failed, sorted by what there is to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The token does not work (40001, 40014, 42001): [`crate::token::with_token`] replaces it once.
    #[error("the access token is refused ({0})")]
    TokenRejected(Detail),
    /// Our address is not in the console's list (40164); the text shows it. Stop and alarm.
    #[error("our IP address is not listed ({0})")]
    IpNotListed(Detail),
    /// App id, secret, permission or a punishment (40013, 40125, 41002, 41004, 48001, 48004, 50002). Stop and alarm.
    #[error("the account is not set up for this ({0})")]
    Configuration(Detail),
    /// The day's quota is used up (45009). Stop until tomorrow, alarm.
    #[error("the daily quota is used up ({0})")]
    Quota(Detail),
    /// WeChat is busy or we are too fast (-1, 45011). Nothing was done; back off.
    #[error("WeChat is busy ({0})")]
    Busy(Detail),
    /// This user cannot be reached on this channel (40003, 43004, 43019, 50005).
    #[error("the user cannot be reached here ({0})")]
    UnreachableUser(Detail),
    /// The consent is refused or used up (43101, 43108).
    #[error("there is no consent left ({0})")]
    ConsentUsedUp(Detail),
    /// The template was removed (40037). Alarm, stop this template.
    #[error("the template is gone ({0})")]
    TemplateGone(Detail),
    /// A value breaks its keyword's rule (47001, 47003): our bug. The value itself is not kept.
    #[error("a value is refused, keyword {key:?}")]
    BadValue {
        /// The keyword WeChat names.
        key: Option<String>,
        /// WeChat's code.
        errcode: i64,
    },
    /// The time in which the account may write first is over (45015, 45047).
    #[error("the service window is over ({0})")]
    WindowOver(Detail),
    /// The same `client_msg_id` was sent before (43116).
    #[error("this message was sent before ({0})")]
    Duplicate(Detail),
    /// Another refusal.
    #[error("WeChat refuses ({0})")]
    Refused(Detail),
    /// HTTP 5xx or another status without an answer: whether it was done is unknown.
    #[error("WeChat answers HTTP {0}")]
    Status(u16),
    /// Sent without an answer: whether it was done is unknown. This is not "busy".
    #[error("no answer from WeChat; the outcome is unknown")]
    UnknownOutcome,
    /// No connection: nothing was sent.
    #[error("no connection to WeChat")]
    NotSent,
    /// An answer that cannot be read.
    #[error("the answer of WeChat cannot be read")]
    Unreadable,
    /// The configured address is none, or a value of the request is out of its limits. Nothing was sent.
    #[error("the request is not valid: {0}")]
    Request(&'static str),
}

impl ApiError {
    /// WeChat's code, when it answered with one.
    pub fn errcode(&self) -> Option<i64> {
        match self {
            Self::TokenRejected(detail)
            | Self::IpNotListed(detail)
            | Self::Configuration(detail)
            | Self::Quota(detail)
            | Self::Busy(detail)
            | Self::UnreachableUser(detail)
            | Self::ConsentUsedUp(detail)
            | Self::TemplateGone(detail)
            | Self::WindowOver(detail)
            | Self::Duplicate(detail)
            | Self::Refused(detail) => Some(detail.errcode),
            Self::BadValue { errcode, .. } => Some(*errcode),
            Self::Status(_) | Self::UnknownOutcome | Self::NotSent | Self::Unreadable | Self::Request(_) => None,
        }
    }

    /// Whether the same call may work a little later. After an unknown outcome repeat only what is idempotent or
    /// carries a `client_msg_id`.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::Status(500..) | Self::UnknownOutcome | Self::NotSent | Self::TokenRejected(_)
        )
    }

    /// Whether the call may have had its effect all the same.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Status(_) | Self::UnknownOutcome | Self::Unreadable)
    }

    /// Sorts a refusal by its code.
    fn from_detail(detail: Detail) -> Self {
        match detail.errcode {
            40001 | 40014 | 42001 => Self::TokenRejected(detail),
            40164 => Self::IpNotListed(detail),
            40013 | 40125 | 41002 | 41004 | 48001 | 48004 | 50002 => Self::Configuration(detail),
            45009 => Self::Quota(detail),
            -1 | 45011 => Self::Busy(detail),
            40003 | 43004 | 43019 | 50005 => Self::UnreachableUser(detail),
            43101 | 43108 => Self::ConsentUsedUp(detail),
            40037 => Self::TemplateGone(detail),
            47001 | 47003 => Self::BadValue { key: keyword_in(&detail.errmsg), errcode: detail.errcode },
            45015 | 45047 => Self::WindowOver(detail),
            43116 => Self::Duplicate(detail),
            _ => Self::Refused(detail),
        }
    }
}

impl From<NoAnswer> for ApiError {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::NotSent => Self::NotSent,
            NoAnswer::Unknown => Self::UnknownOutcome,
            NoAnswer::TooLong => Self::Unreadable,
        }
    }
}

/// The keyword in `argument invalid! data.thing1.value invalid …`.
fn keyword_in(errmsg: &str) -> Option<String> {
    let (_, rest) = errmsg.split_once("data.")?;
    let key: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!key.is_empty()).then_some(key)
}

/// A fresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshToken {
    /// The token.
    pub token: AccessToken,
    /// How long it works, in seconds; 300 at least.
    pub expires_in_s: i64,
}

/// The ticket that signs pages. It must be kept centrally: its quota is small.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct JsapiTicket {
    /// The ticket.
    pub ticket: String,
    /// How long it works, in seconds.
    #[serde(rename = "expires_in")]
    pub expires_in_s: i64,
}

impl fmt::Debug for JsapiTicket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("JsapiTicket").field("expires_in_s", &self.expires_in_s).finish_non_exhaustive()
    }
}

/// A template message to a follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateMessage {
    /// Openid.
    #[serde(rename = "touser")]
    pub to: String,
    /// From the settings: ids change when the account's categories do.
    pub template_id: String,
    /// The page it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Sent once per openid within ten minutes; every send has one.
    pub client_msg_id: String,
    /// The values.
    pub data: TemplateData,
}

/// A subscription notice. It has no `client_msg_id`: after an unknown outcome it cannot be repeated safely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionMessage {
    /// Openid.
    #[serde(rename = "touser")]
    pub to: String,
    /// The subscription template, not one of template messages.
    pub template_id: String,
    /// The page it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The values.
    pub data: TemplateData,
}

/// The menu under the chat: up to three buttons, or lists of up to five.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// From left to right.
    #[serde(rename = "button")]
    pub buttons: Vec<Button>,
}

/// A button, or a list of buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// 16 bytes at most; 60 within a list.
    pub name: String,
    /// What it does; absent for a list.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The list that opens.
    #[serde(rename = "sub_button", default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Sends a CLICK event.
    Click {
        /// 128 bytes at most.
        key: String,
    },
    /// Opens a page.
    View {
        /// 1,024 bytes at most.
        url: String,
    },
    /// Opens a mini program.
    #[serde(rename = "miniprogram")]
    MiniProgram {
        /// For clients without mini programs.
        url: String,
        /// The mini program.
        appid: String,
        /// The page in it.
        pagepath: String,
    },
    /// Scans a code and sends the result.
    ScancodePush {
        /// 128 bytes at most.
        key: String,
    },
    /// Scans a code and waits for a reply.
    ScancodeWaitmsg {
        /// 128 bytes at most.
        key: String,
    },
    /// Sends a place.
    LocationSelect {
        /// 128 bytes at most.
        key: String,
    },
}

/// A QR code to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QrCode {
    /// Works for a time.
    Temporary {
        /// 1 to 64 characters.
        scene: String,
        /// Up to [`MAX_QR_EXPIRE_S`].
        expire_s: u32,
    },
    /// Works for ever; an account has 100,000 of them.
    Permanent {
        /// 1 to 64 characters.
        scene: String,
    },
}

/// A QR code that was made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QrTicket {
    /// Names it to [`showqrcode_url`].
    pub ticket: String,
    /// How long it works, in seconds; absent for a permanent one.
    #[serde(rename = "expire_seconds")]
    pub expire_s: Option<u32>,
    /// What the code says, to draw it ourselves.
    pub url: String,
}

/// What WeChat tells of a user. Nickname and avatar are no longer part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// Whether the user follows the account; if not, the rest is empty.
    pub is_following: bool,
    /// Openid.
    pub openid: String,
    /// Common to the subject's accounts.
    pub unionid: Option<String>,
    /// Since when, epoch seconds.
    pub following_since_s: Option<i64>,
    /// How the user came (`ADD_SCENE_QR_CODE`…).
    pub subscribe_scene: Option<String>,
    /// The QR code's scene.
    pub qr_scene: Option<String>,
}

/// The picture of a QR code. `mp_url`: `https://mp.weixin.qq.com`.
pub fn showqrcode_url(mp_url: &str, ticket: &str) -> String {
    format!("{mp_url}/cgi-bin/showqrcode?ticket={}", utf8_percent_encode(ticket, NON_ALPHANUMERIC))
}

/// A client of the account API.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base_url: String,
}

#[derive(Deserialize)]
struct StableToken {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize)]
struct Sent {
    msgid: u64,
}

#[derive(Deserialize)]
struct WireUser {
    subscribe: u8,
    openid: String,
    unionid: Option<String>,
    subscribe_time: Option<i64>,
    subscribe_scene: Option<String>,
    qr_scene_str: Option<String>,
}

#[derive(Deserialize)]
struct MenuAnswer {
    menu: Menu,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

impl Api {
    /// A client with its own connections. `base_url`: `https://api.weixin.qq.com`, without trailing slash.
    pub fn new(base_url: impl Into<String>, timeouts: Timeouts) -> Result<Self, ApiError> {
        let http = http::client(timeouts).map_err(|_| ApiError::Request("the HTTP client cannot be built"))?;
        Ok(Self { http, base_url: base_url.into() })
    }

    /// The current stable token: repeated calls return the same one until its last five minutes.
    pub async fn stable_token(&self, app_id: &str, secret: &AppSecret) -> Result<FreshToken, ApiError> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": app_id,
            "secret": secret.expose(),
            "force_refresh": false,
        });
        let answer: StableToken = self.post("/cgi-bin/stable_token", None, &body).await?;
        Ok(FreshToken { token: AccessToken::new(&answer.access_token), expires_in_s: answer.expires_in })
    }

    /// The ticket that signs pages.
    pub async fn jsapi_ticket(&self, token: &AccessToken) -> Result<JsapiTicket, ApiError> {
        self.get("/cgi-bin/ticket/getticket", &[("access_token", token.expose()), ("type", "jsapi")]).await
    }

    /// Sends a template message; the answer is WeChat's message id. Accepted is not delivered: the end comes as
    /// [`crate::message::Event::TemplateSent`].
    pub async fn send_template(&self, token: &AccessToken, message: &TemplateMessage) -> Result<u64, ApiError> {
        if !(1..=MAX_CLIENT_MSG_ID_CHARS).contains(&message.client_msg_id.chars().count()) {
            return Err(ApiError::Request("client_msg_id has the wrong length"));
        }
        let sent: Sent = self.post("/cgi-bin/message/template/send", Some(token), message).await?;
        Ok(sent.msgid)
    }

    /// Sends a subscription notice.
    pub async fn send_subscription(&self, token: &AccessToken, message: &SubscriptionMessage) -> Result<(), ApiError> {
        self.post("/cgi-bin/message/subscribe/bizsend", Some(token), message).await.map(|IgnoredAny| ())
    }

    /// Writes into the chat, within the service window.
    pub async fn send_text(&self, token: &AccessToken, openid: &str, content: &str) -> Result<(), ApiError> {
        let body = json!({ "touser": openid, "msgtype": "text", "text": { "content": content } });
        self.post("/cgi-bin/message/custom/send", Some(token), &body).await.map(|IgnoredAny| ())
    }

    /// Replaces the menu.
    pub async fn create_menu(&self, token: &AccessToken, menu: &Menu) -> Result<(), ApiError> {
        self.post("/cgi-bin/menu/create", Some(token), menu).await.map(|IgnoredAny| ())
    }

    /// The menu, if there is one.
    pub async fn menu(&self, token: &AccessToken) -> Result<Option<Menu>, ApiError> {
        /// "No menu".
        const NO_MENU: i64 = 46003;
        match self.get("/cgi-bin/menu/get", &[("access_token", token.expose())]).await {
            Ok(MenuAnswer { menu }) => Ok(Some(menu)),
            Err(ApiError::Refused(detail)) if detail.errcode == NO_MENU => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a QR code with a scene.
    pub async fn create_qrcode(&self, token: &AccessToken, code: &QrCode) -> Result<QrTicket, ApiError> {
        self.post("/cgi-bin/qrcode/create", Some(token), &code.body()?).await
    }

    /// What WeChat tells of a user.
    pub async fn user_info(&self, token: &AccessToken, openid: &str) -> Result<UserInfo, ApiError> {
        let query = [("access_token", token.expose()), ("openid", openid), ("lang", "zh_CN")];
        let user: WireUser = self.get("/cgi-bin/user/info", &query).await?;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(UserInfo {
            is_following: user.subscribe == 1,
            openid: user.openid,
            unionid: filled(user.unionid),
            following_since_s: user.subscribe_time.filter(|since_s| *since_s > 0),
            subscribe_scene: filled(user.subscribe_scene),
            qr_scene: filled(user.qr_scene_str),
        })
    }

    /// Any call by POST. With a token it is added to the query.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&AccessToken>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, ApiError> {
        let query: Vec<_> = token.map(|token| ("access_token", token.expose())).into_iter().collect();
        // Raw UTF-8: some fields show `\u` escapes literally, and `serde_json` writes none.
        let body = serde_json::to_vec(body).map_err(|_| ApiError::Request("the body cannot be written"))?;
        let request = self.http.post(self.url(path, &query)?).header("content-type", "application/json").body(body);
        self.settle(request, &query).await
    }

    /// Any call by GET.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ApiError> {
        let request = self.http.get(self.url(path, query)?);
        self.settle(request, query).await
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, ApiError> {
        let mut url = Url::parse(&format!("{}{path}", self.base_url))
            .map_err(|_| ApiError::Request("the address is not valid"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn settle<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        let response = http::send(request).await?;
        let status = response.status();
        let body = http::read_body(response, MAX_ANSWER_BYTES).await?;
        if !status.is_success() {
            return Err(ApiError::Status(status.as_u16()));
        }
        // A success may lack `errcode`: absent or 0 is success.
        let refusal: Refusal = serde_json::from_slice(&body).map_err(|_| ApiError::Unreadable)?;
        if refusal.errcode != 0 {
            return Err(ApiError::from_detail(detail_of(refusal, query)));
        }
        serde_json::from_slice(&body).map_err(|_| ApiError::Unreadable)
    }
}

impl QrCode {
    fn body(&self) -> Result<Value, ApiError> {
        let scene = match self {
            Self::Temporary { scene, .. } | Self::Permanent { scene } => scene,
        };
        if !(1..=crate::scene::MAX_SCENE_CHARS).contains(&scene.chars().count()) {
            return Err(ApiError::Request("a scene has 1 to 64 characters"));
        }
        let info = json!({ "scene": { "scene_str": scene } });
        match self {
            Self::Temporary { expire_s, .. } if (1..=MAX_QR_EXPIRE_S).contains(expire_s) => {
                Ok(json!({ "expire_seconds": expire_s, "action_name": "QR_STR_SCENE", "action_info": info }))
            }
            Self::Temporary { .. } => Err(ApiError::Request("a temporary QR code lives 1 s to 30 days")),
            Self::Permanent { .. } => Ok(json!({ "action_name": "QR_LIMIT_STR_SCENE", "action_info": info })),
        }
    }
}

/// What may be logged of a refusal: no value that was sent in the query (token, secret, code, openid).
fn detail_of(refusal: Refusal, query: &[(&str, &str)]) -> Detail {
    /// Shorter values are words of the protocol, not secrets.
    const MIN_SECRET_CHARS: usize = 8;
    let secrets = query.iter().map(|(_, value)| *value).filter(|value| value.len() >= MIN_SECRET_CHARS);
    let scrubbed = secrets.fold(refusal.errmsg, |text, secret| text.replace(secret, "…"));
    let rid = scrubbed.split_once("rid:").map(|(_, rid)| rid.trim().to_owned()).filter(|rid| !rid.is_empty());
    let errmsg = scrubbed.chars().take(MAX_ERRMSG_CHARS).collect();
    Detail { errcode: refusal.errcode, errmsg, rid }
}
