use std::sync::Mutex;

use wechat::api::{
    Action, Api, ApiError, AppSecret, Button, Menu, QrCode, SubscriptionMessage, TemplateMessage, Timeouts,
    showqrcode_url,
};
use wechat::oauth::OAuthError;
use wechat::template::TemplateData;
use wechat::token::{AccessToken, TokenCallError, TokenSource, with_token};

use crate::server::{Answer, Server};

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

fn api(server: &Server) -> Api {
    Api::new(&server.url, Timeouts { connect_ms: 1_000, request_ms: 300 }).unwrap()
}

fn token() -> AccessToken {
    AccessToken::new("TOKEN_THAT_IS_SECRET")
}

fn template_message() -> TemplateMessage {
    TemplateMessage {
        to: "o1".into(),
        template_id: "T1".into(),
        url: Some("https://h5.example/appointments/1".into()),
        client_msg_id: "appointment-1-booked".into(),
        data: TemplateData::new().with("thing1", "内科").unwrap().with("time2", "2026年11月23日 09:30").unwrap(),
    }
}

fn menu() -> Menu {
    let leaf = |name: &str, action| Button { name: name.into(), action: Some(action), buttons: vec![] };
    Menu {
        buttons: vec![
            leaf("预约挂号", Action::View { url: "https://h5.example/booking".into() }),
            Button {
                name: "就医服务".into(),
                action: None,
                buttons: vec![
                    leaf("扫码", Action::ScancodeWaitmsg { key: "scan".into() }),
                    leaf(
                        "小程序",
                        Action::MiniProgram {
                            url: "https://h5.example".into(),
                            appid: "wx2".into(),
                            pagepath: "pages/index".into(),
                        },
                    ),
                ],
            },
            leaf("帮助", Action::Click { key: "help".into() }),
        ],
    }
}

/// The only request a call made: method, target, body.
fn only(server: &Server) -> (String, String, serde_json::Value) {
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let body = if requests[0].body.is_empty() { serde_json::Value::Null } else { requests[0].json() };
    (requests[0].method.clone(), requests[0].target.clone(), body)
}

#[tokio::test]
async fn every_call_sends_what_is_documented() {
    let mut sent = Vec::new();
    let server = Server::start(|_| Answer::json(r#"{"errcode":0,"errmsg":"ok","msgid":2400000000000000001}"#)).await;
    assert_eq!(api(&server).send_template(&token(), &template_message()).await, Ok(2_400_000_000_000_000_001));
    assert!(String::from_utf8(server.requests()[0].body.clone()).unwrap().contains("内科"));
    sent.push(only(&server));

    let server = Server::start(|_| Answer::json(OK)).await;
    let notice = SubscriptionMessage {
        to: "o1".into(),
        template_id: "S1".into(),
        page: None,
        data: TemplateData::new().with("phrase1", "已预约").unwrap(),
    };
    assert_eq!(api(&server).send_subscription(&token(), &notice).await, Ok(()));
    sent.push(only(&server));

    let server = Server::start(|_| Answer::json(OK)).await;
    assert_eq!(api(&server).send_text(&token(), "o1", "您好").await, Ok(()));
    sent.push(only(&server));

    let server = Server::start(|_| Answer::json(OK)).await;
    assert_eq!(api(&server).create_menu(&token(), &menu()).await, Ok(()));
    sent.push(only(&server));

    let server =
        Server::start(|_| Answer::json(r#"{"ticket":"gQ==","expire_seconds":600,"url":"http://weixin.qq.com/q/1"}"#))
            .await;
    for code in [
        QrCode::Temporary { scene: "department:ent.tag".into(), expire_s: 600 },
        QrCode::Permanent { scene: "window:1.tag".into() },
    ] {
        let ticket = api(&server).create_qrcode(&token(), &code).await.unwrap();
        assert_eq!((ticket.ticket.as_str(), ticket.expire_s), ("gQ==", Some(600)));
    }
    sent.extend(server.requests().iter().map(|r| (r.method.clone(), r.target.clone(), r.json())));

    let server = Server::start(|_| Answer::json(r#"{"access_token":"T","expires_in":7200}"#)).await;
    let fresh = api(&server).stable_token("wx1", &AppSecret::new("an-app-secret")).await.unwrap();
    assert_eq!((fresh.token.expose(), fresh.expires_in_s), ("T", 7200));
    sent.push(only(&server));

    insta::assert_json_snapshot!(sent);
}

#[tokio::test]
async fn answers_without_errcode_are_read() {
    let server = Server::start(|request| {
        Answer::json(match request.target.split('?').next().unwrap() {
            "/cgi-bin/user/info" if request.target.contains("gone") => r#"{"subscribe":0,"openid":"gone"}"#,
            "/cgi-bin/user/info" => {
                r#"{"subscribe":1,"openid":"o1","language":"zh_CN","subscribe_time":1700000000,"unionid":"u1",
                    "remark":"","groupid":0,"tagid_list":[],"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":0,"qr_scene_str":"d.tag"}"#
            }
            "/cgi-bin/ticket/getticket" => r#"{"errcode":0,"errmsg":"ok","ticket":"J","expires_in":7200}"#,
            _ => r#"{"menu":{"button":[{"type":"click","name":"帮助","key":"help","sub_button":[]}]}}"#,
        })
    })
    .await;
    let api = api(&server);
    let user = api.user_info(&token(), "o1").await.unwrap();
    assert!(user.is_following && user.unionid.as_deref() == Some("u1") && user.qr_scene.as_deref() == Some("d.tag"));
    assert!(!api.user_info(&token(), "gone").await.unwrap().is_following);
    assert_eq!(api.jsapi_ticket(&token()).await.unwrap().ticket, "J");
    let menu = api.menu(&token()).await.unwrap().unwrap();
    assert_eq!(menu.buttons[0].action, Some(Action::Click { key: "help".into() }));
    let server = Server::start(|_| Answer::json(r#"{"errcode":46003,"errmsg":"menu no exist"}"#)).await;
    assert_eq!(self::api(&server).menu(&token()).await, Ok(None));
}

#[tokio::test]
async fn refusals_are_sorted_by_what_to_do() {
    let cases = [
        (40001, "TokenRejected"),
        (40014, "TokenRejected"),
        (42001, "TokenRejected"),
        (40164, "IpNotListed"),
        (40013, "Configuration"),
        (40125, "Configuration"),
        (41004, "Configuration"),
        (48001, "Configuration"),
        (50002, "Configuration"),
        (45009, "Quota"),
        (-1, "Busy"),
        (45011, "Busy"),
        (40003, "UnreachableUser"),
        (43004, "UnreachableUser"),
        (43019, "UnreachableUser"),
        (50005, "UnreachableUser"),
        (43101, "ConsentUsedUp"),
        (40037, "TemplateGone"),
        (47003, "BadValue"),
        (45015, "WindowOver"),
        (45047, "WindowOver"),
        (43116, "Duplicate"),
        (99999, "Refused"),
    ];
    for (code, expected) in cases {
        let server =
            Server::start(move |_| Answer::json(&format!(r#"{{"errcode":{code},"errmsg":"x rid: 6a-b"}}"#))).await;
        let error = api(&server).send_text(&token(), "o1", "x").await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{code}: {error:?}");
        assert_eq!(error.errcode(), Some(code));
    }
}

#[tokio::test]
async fn a_bad_value_names_its_keyword_and_nothing_else() {
    let server = Server::start(|_| {
        Answer::json(r#"{"errcode":47003,"errmsg":"argument invalid! data.thing1.value invalid 某人 rid: 6"}"#)
    })
    .await;
    let error = api(&server).send_template(&token(), &template_message()).await.unwrap_err();
    assert_eq!(error, ApiError::BadValue { key: Some("thing1".into()), errcode: 47003 });
    assert!(!error.to_string().contains("某人"));
}

#[tokio::test]
async fn no_error_text_holds_a_token_or_a_secret() {
    let errors = [
        Server::start(|r| Answer::json(&format!(r#"{{"errcode":40001,"errmsg":"bad {} rid: 7"}}"#, r.target))).await,
        Server::start(|_| Answer::Full(502, vec![], "bad gateway".into())).await,
        Server::start(|_| Answer::HangUp).await,
        Server::start(|_| Answer::Silence).await,
        Server::start(|_| Answer::json("<html>")).await,
    ];
    let expected = ["TokenRejected", "Status(502)", "UnknownOutcome", "UnknownOutcome", "Unreadable"];
    for (server, expected) in errors.iter().zip(expected) {
        let error = api(server).jsapi_ticket(&token()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("TOKEN_THAT_IS_SECRET"), "{text}");
        let secret = AppSecret::new("SECRET_OF_THE_APP");
        let error = api(server).exchange_code("wx1", &secret, "CODE_ONE_USE").await.unwrap_err();
        let text = format!("{error} {error:?} {secret:?}");
        assert!(!text.contains("SECRET_OF_THE_APP") && !text.contains("CODE_ONE_USE"), "{text}");
    }
    let nobody = Api::new("http://127.0.0.1:1", Timeouts::default()).unwrap();
    assert_eq!(nobody.jsapi_ticket(&token()).await, Err(ApiError::NotSent));
    let nowhere = Api::new("nowhere", Timeouts::default()).unwrap();
    assert!(matches!(nowhere.jsapi_ticket(&token()).await, Err(ApiError::Request(_))));
    assert_eq!(format!("{:?}", token()), "AccessToken(…)");
}

#[tokio::test]
async fn values_out_of_limits_are_not_sent() {
    let server = Server::start(|_| Answer::json(OK)).await;
    let api = api(&server);
    let nameless = TemplateMessage { client_msg_id: String::new(), ..template_message() };
    assert!(matches!(api.send_template(&token(), &nameless).await, Err(ApiError::Request(_))));
    for code in [
        QrCode::Permanent { scene: String::new() },
        QrCode::Permanent { scene: "x".repeat(65) },
        QrCode::Temporary { scene: "x".into(), expire_s: 0 },
        QrCode::Temporary { scene: "x".into(), expire_s: 2_592_001 },
    ] {
        assert!(matches!(api.create_qrcode(&token(), &code).await, Err(ApiError::Request(_))));
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_ticket_is_escaped_in_the_pictures_address() {
    let url = showqrcode_url("https://mp.weixin.qq.com", "gQH+/=");
    assert_eq!(url, "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQH%2B%2F%3D");
}

#[tokio::test]
async fn a_code_is_exchanged_once() {
    let answers = [
        (
            r#"{"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"o1","scope":"snsapi_base"}"#,
            Ok(("o1", false)),
        ),
        (r#"{"access_token":"A","openid":"o2","scope":"snsapi_base","is_snapshotuser":1}"#, Ok(("o2", true))),
        (r#"{"errcode":40163,"errmsg":"code been used"}"#, Err(OAuthError::CodeUsed)),
        (r#"{"errcode":40029,"errmsg":"invalid code"}"#, Err(OAuthError::CodeInvalid)),
        (r#"{"errcode":42003,"errmsg":"code expired"}"#, Err(OAuthError::CodeInvalid)),
    ];
    for (answer, expected) in answers {
        let server = Server::start(move |_| Answer::json(answer)).await;
        let user = api(&server).exchange_code("wx1", &AppSecret::new("s"), "c+1").await;
        assert_eq!(
            user.map(|user| (user.openid, user.is_snapshot)),
            expected.map(|(openid, is)| (openid.to_owned(), is))
        );
        let target = "/sns/oauth2/access_token?appid=wx1&secret=s&code=c%2B1&grant_type=authorization_code";
        assert_eq!(server.requests()[0].target, target);
    }
}

/// Keeps one token and counts what is asked of it.
struct Tokens {
    kept: Mutex<(u32, Vec<String>)>,
}

impl Tokens {
    fn new() -> Self {
        Self { kept: Mutex::new((1, Vec::new())) }
    }
}

impl TokenSource for Tokens {
    type Error = std::convert::Infallible;

    async fn current(&self) -> Result<AccessToken, Self::Error> {
        Ok(AccessToken::new(&format!("token-{}", self.kept.lock().unwrap().0)))
    }

    async fn expire(&self, refused: &AccessToken) -> Result<(), Self::Error> {
        let mut kept = self.kept.lock().unwrap();
        kept.1.push(refused.expose().to_owned());
        if refused.expose() == format!("token-{}", kept.0) {
            kept.0 += 1;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    for code in [40001, 40014, 42001] {
        let server = Server::start(move |request| {
            if request.target.contains("token-1") {
                Answer::json(&format!(r#"{{"errcode":{code},"errmsg":"x"}}"#))
            } else {
                Answer::json(OK)
            }
        })
        .await;
        let (api, tokens) = (api(&server), Tokens::new());
        let sent = with_token(&tokens, |token| {
            let api = api.clone();
            async move { api.send_text(&token, "o1", "x").await }
        })
        .await;
        assert!(sent.is_ok());
        assert_eq!(server.requests().len(), 2);
        assert_eq!(tokens.kept.lock().unwrap().1, ["token-1"]);
    }
}

#[tokio::test]
async fn a_token_that_stays_refused_is_not_tried_a_third_time() {
    let server = Server::start(|_| Answer::json(r#"{"errcode":40001,"errmsg":"x"}"#)).await;
    let (api, tokens) = (api(&server), Tokens::new());
    let sent = with_token(&tokens, |token| {
        let api = api.clone();
        async move { api.send_text(&token, "o1", "x").await }
    })
    .await;
    assert!(matches!(sent, Err(TokenCallError::Api(ApiError::TokenRejected(_)))));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn other_failures_are_not_repeated() {
    let server = Server::start(|_| Answer::Silence).await;
    let (api, tokens) = (api(&server), Tokens::new());
    let sent = with_token(&tokens, |token| {
        let api = api.clone();
        async move { api.send_text(&token, "o1", "x").await }
    })
    .await;
    assert!(matches!(sent, Err(TokenCallError::Api(ApiError::UnknownOutcome))));
    assert_eq!(server.requests().len(), 1);
    assert!(tokens.kept.lock().unwrap().1.is_empty());
}

#[tokio::test]
async fn twenty_refusals_at_once_replace_the_token_once() {
    let server = Server::start(|request| {
        let is_old = request.target.contains("token-1");
        Answer::json(if is_old { r#"{"errcode":42001,"errmsg":"x"}"# } else { OK })
    })
    .await;
    let tokens = std::sync::Arc::new(Tokens::new());
    let api = Api::new(&server.url, Timeouts::default()).unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (api, tokens) = (api.clone(), std::sync::Arc::clone(&tokens));
            tokio::spawn(async move {
                let call = |token| {
                    let api = api.clone();
                    async move { api.send_text(&token, "o1", "x").await }
                };
                with_token(&*tokens, call).await.is_ok()
            })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert_eq!(tokens.kept.lock().unwrap().0, 2);
}
