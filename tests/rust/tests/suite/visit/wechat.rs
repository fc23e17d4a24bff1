//! The stand-in WeChat and its people.

use kit::StandIn;

/// Openid of a person of the demo.
pub(crate) async fn openid(wechat: &StandIn, person: &str) -> String {
    wechat.get(&format!("people/{person}")).await["openid"].as_str().unwrap().to_owned()
}
