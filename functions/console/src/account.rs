//! The service account in WeChat: its menu and its QR codes.

use crate::views::{MenuView, QrCodeView};
use crate::{Action, App, body};
use domain::profile::{MenuAction, MenuItem};
use runtime::Refusal;
use runtime::http::Call;
use runtime::tokens::NoToken;
use serde::Deserialize;
use web::problem::Problem;
use web::{Response, StatusCode};
use wechat::api::{self, ApiError, Button, MAX_QR_EXPIRE_S, Menu, QrCode, showqrcode_url};
use wechat::scene::{MAX_PAYLOAD_CHARS, SceneError};
use wechat::token::{TokenCallError, with_token};

/// Where WeChat draws QR codes.
const MP_URL: &str = "https://mp.weixin.qq.com";
/// Seconds until `wechat-token` has certainly tried again.
const NO_TOKEN_RETRY_S: u32 = 60;
/// Seconds after which WeChat may be asked again.
const BUSY_RETRY_S: u32 = 5;

pub(crate) async fn publish_menu(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let profile = app.profile().await?;
    let menu = menu_of(&profile.menu, &app.desk.public_url);
    let (api, wanted) = (&app.api, &menu);
    let create = |token| async move { api.create_menu(&token, wanted).await };
    with_token(&app.tokens.of(&app.desk), create).await.map_err(refused)?;
    app.desk.note(call, "publish_menu", "menu").await?;
    Ok(call.show(&MenuView::of(&menu)))
}

/// The profile's menu as WeChat takes it: pages get our origin.
fn menu_of(items: &[MenuItem], public_url: &str) -> Menu {
    Menu { buttons: items.iter().map(|item| button(item, public_url)).collect() }
}

fn button(item: &MenuItem, public_url: &str) -> Button {
    let plain = |action| Button { name: item.name.clone(), action: Some(action), buttons: Vec::new() };
    match &item.action {
        MenuAction::Page { path } => plain(api::Action::View { url: format!("{public_url}{path}") }),
        MenuAction::Ask { key } => plain(api::Action::Click { key: key.clone() }),
        MenuAction::List { items } => {
            let buttons = menu_of(items, public_url).buttons;
            Button { name: item.name.clone(), action: None, buttons }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QrCodeRequest {
    /// What a scan means, such as `dept:XNK`.
    payload: String,
    /// Seconds it works; for ever when absent.
    expire_s: Option<u32>,
}

pub(crate) async fn make_qrcode(app: &App, call: &Call<Action>) -> Result<Response, Refusal> {
    let request: QrCodeRequest = body::json(call)?;
    let account = app.wechat.get(call.now).await?;
    let scene = account.scene_key.sign(&request.payload).map_err(bad_scene)?;
    let code = match request.expire_s {
        Some(expire_s) if (1..=MAX_QR_EXPIRE_S).contains(&expire_s) => {
            QrCode::Temporary { scene: scene.clone(), expire_s }
        }
        Some(_) => return Err(bad_expiry().into()),
        None => QrCode::Permanent { scene: scene.clone() },
    };
    let (api, wanted) = (&app.api, &code);
    let create = |token| async move { api.create_qrcode(&token, wanted).await };
    let ticket = with_token(&app.tokens.of(&app.desk), create).await.map_err(refused)?;
    app.desk.note(call, "make_qrcode", &request.payload).await?;
    let image_url = showqrcode_url(MP_URL, &ticket.ticket);
    Ok(call.show(&QrCodeView { scene, url: ticket.url, expire_s: ticket.expire_s, image_url, ticket: ticket.ticket }))
}

fn bad_scene(error: SceneError) -> Problem {
    let text = match error {
        SceneError::Length => format!("二维码内容应为 1 至 {MAX_PAYLOAD_CHARS} 个字符"),
        SceneError::Character | SceneError::Unsigned | SceneError::Forged => {
            "二维码内容只能用字母、数字、- _ 和 :".to_owned()
        }
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_payload", text)
}

fn bad_expiry() -> Problem {
    let text = format!("有效期应为 1 至 {MAX_QR_EXPIRE_S} 秒；长期有效请不填");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_expiry", text)
}

/// What staff are told when WeChat did not do it.
fn refused(error: TokenCallError<NoToken>) -> Refusal {
    match error {
        TokenCallError::Source(NoToken::Store(error)) => error.into(),
        TokenCallError::Source(NoToken::NotYet) => {
            let text = "尚未取得微信接口凭证，请一分钟后再试；若仍如此，请检查微信账号配置";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_wechat_token", text)
                .with_retry_after(NO_TOKEN_RETRY_S)
                .into()
        }
        TokenCallError::Api(error) => by_wechat(&error).into(),
    }
}

fn by_wechat(error: &ApiError) -> Problem {
    tracing::warn!(%error, "WeChat did not do it");
    match error.errcode() {
        _ if error.is_transient() => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "wechat_busy", "微信暂时没有答复，请稍后再试")
                .with_retry_after(BUSY_RETRY_S)
        }
        Some(errcode) => {
            let text = format!("微信拒绝了这次操作（错误码 {errcode}），请检查内容或账号权限");
            Problem::new(StatusCode::BAD_GATEWAY, "wechat_refused", text)
        }
        None => Problem::new(StatusCode::BAD_GATEWAY, "wechat_refused", "微信的答复无法识别"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_our_origin_and_lists_nest() {
        let items: Vec<MenuItem> = serde_json::from_str(
            r#"[{"name":"挂号","type":"page","path":"/booking"},
                {"name":"帮助","type":"list","items":[{"name":"怎样退号","type":"ask","key":"help_cancel"}]}]"#,
        )
        .unwrap();
        let menu = serde_json::to_value(menu_of(&items, "https://desk.example.org")).unwrap();
        assert_eq!(
            menu,
            serde_json::json!({"button": [
                {"name": "挂号", "type": "view", "url": "https://desk.example.org/booking"},
                {"name": "帮助", "sub_button": [{"name": "怎样退号", "type": "click", "key": "help_cancel"}]},
            ]})
        );
    }
}
