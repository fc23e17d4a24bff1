//! The stand-in HIS, as the desk calls it.

use kit::StandIn;

/// What the desk signs with, at `url`.
pub(crate) fn client(his: &StandIn, url: &str) -> his::SignedJson {
    let config = his.config();
    let key = config["key"].as_str().unwrap().to_owned();
    his::SignedJson::new(url, his::Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap()).unwrap()
}
