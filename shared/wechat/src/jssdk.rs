//! The signature a page needs before it may use the JS-SDK (`wx.config`).

use jiff::Timestamp;

use crate::crypto::{hex, sha1};

/// What `wx.config` takes, apart from the app id and the list of functions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageSignature {
    /// Epoch seconds.
    pub timestamp: i64,
    /// Random text. `wx.config` spells it `nonceStr`, the signed text `noncestr`.
    pub nonce_str: String,
    /// Lower-case hexadecimal SHA-1.
    pub signature: String,
}

/// Signs a page. `url` is the page's full address as the browser reports it; what follows `#` is cut off. Callers must
/// sign for their own origins only, or anyone could mint signatures for the account's domain.
pub fn sign(ticket: &str, nonce_str: impl Into<String>, now: Timestamp, url: &str) -> PageSignature {
    let nonce_str = nonce_str.into();
    let timestamp = now.as_second();
    let signature = hex(&sha1(&[string1(ticket, &nonce_str, timestamp, url).as_bytes()]));
    PageSignature { timestamp, nonce_str, signature }
}

/// The signed text: raw values in this order, without URL encoding.
fn string1(ticket: &str, nonce_str: &str, timestamp: i64, url: &str) -> String {
    let page = url.split_once('#').map_or(url, |(page, _)| page);
    format!("jsapi_ticket={ticket}&noncestr={nonce_str}&timestamp={timestamp}&url={page}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_examples_come_out() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../tests/vectors/wechat.json")).unwrap();
        let examples: Vec<_> =
            vectors["vectors"].as_array().unwrap().iter().filter(|v| v["group"] == "jssdk").collect();
        assert_eq!(examples.len(), 2);
        for example in examples {
            let input = |name: &str| example["input"][name].as_str().unwrap();
            let timestamp = example["input"]["timestamp"].as_i64().unwrap();
            assert_eq!(
                string1(input("jsapi_ticket"), input("noncestr"), timestamp, input("url")),
                example["expect"]["string1"].as_str().unwrap()
            );
            let now = Timestamp::from_second(timestamp).unwrap();
            let url = format!("{}#/page", input("url"));
            let signed = sign(input("jsapi_ticket"), input("noncestr"), now, &url);
            assert_eq!(signed.signature, example["expect"]["signature"].as_str().unwrap());
        }
    }
}
