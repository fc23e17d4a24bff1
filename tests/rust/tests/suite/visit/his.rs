//! The stand-in HIS, as the desk calls it.

use kit::StandIn;

/// What the desk signs with, at `url`.
pub(crate) fn client(his: &StandIn, url: &str) -> his::SignedJson {
    let config = his.config();
    let key = config["key"].as_str().unwrap().to_owned();
    his::SignedJson::new(url, his::Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap()).unwrap()
}

/// A hospital whose own system has nothing to say in what is tried: a call would find nobody.
pub(crate) fn nobody() -> his::SignedJson {
    // 32 bytes of nothing.
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    his::SignedJson::new("http://127.0.0.1:9", his::Keys::new("menzhen", &[key]).unwrap()).unwrap()
}
