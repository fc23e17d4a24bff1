use super::*;
use wechat::api::Detail;

const NOW_S: i64 = 1_795_320_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW_S).unwrap()
}

fn token_with(left_s: i64) -> SharedToken {
    SharedToken { token: "t".into(), expires_at: time::add_seconds(now(), left_s), ver: 3 }
}

fn detail(errcode: i64) -> Detail {
    Detail { errcode, errmsg: String::new(), rid: None }
}

#[test]
fn a_token_is_fetched_when_missing_refused_or_ending() {
    assert!(is_due(None, now()));
    let refused = SharedToken { expires_at: Timestamp::UNIX_EPOCH, ..token_with(0) };
    assert!(is_due(Some(&refused), now()));
    let cases =
        [(-1, true), (0, true), (299, true), (REFRESH_BEFORE_S - 1, true), (REFRESH_BEFORE_S, false), (7200, false)];
    for (left_s, due) in cases {
        assert_eq!(is_due(Some(&token_with(left_s)), now()), due, "{left_s} s left");
    }
}

#[test]
fn what_does_not_pass_by_itself_fails_at_once() {
    let lasting = [
        (ApiError::IpNotListed(detail(40164)), "wechat_ip_not_listed"),
        (ApiError::Configuration(detail(40125)), "wechat_configuration"),
        (ApiError::TokenRejected(detail(40001)), "wechat_configuration"),
        (ApiError::Quota(detail(45009)), "wechat_configuration"),
        (ApiError::Refused(detail(99999)), "wechat_configuration"),
    ];
    for (error, code) in lasting {
        let outcome = failed(Some(&token_with(300)), error, now());
        assert!(matches!(outcome, Err(KeepError::Wechat { code: told, .. }) if told == code), "{code}");
    }
}

#[test]
fn what_passes_fails_only_without_a_working_token() {
    let passing = [
        ApiError::Busy(detail(-1)),
        ApiError::Status(502),
        ApiError::UnknownOutcome,
        ApiError::NotSent,
        ApiError::Unreadable,
    ];
    for error in passing {
        assert!(failed(Some(&token_with(1)), error.clone(), now()).is_ok(), "{error}");
        assert!(failed(Some(&token_with(0)), error.clone(), now()).is_err(), "{error}");
        assert!(failed(None, error.clone(), now()).is_err(), "{error}");
    }
}
