//! The stand-in HIS, as the desk calls it.

use domain::Timestamp;
use domain::his::{CodeKind, HisAdapter, HisCall, HisOperation, HisPolicy};
use kit::StandIn;
use std::pin::Pin;
use std::sync::Arc;

/// Keeps nothing.
#[derive(Debug)]
struct Silence;

impl his::CallLog for Silence {
    fn monotonic_ms(&self) -> u64 {
        0
    }

    fn keep(&self, _: HisCall) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn note_unknown<'a>(
        &'a self,
        _: CodeKind,
        _: &'a str,
        _: &'a str,
        _: Timestamp,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }
}

/// A hospital that speaks a language wherever that has the operation, and signed JSON beside it.
pub(crate) fn speaking(adapter: HisAdapter) -> HisPolicy {
    let carried = HisOperation::ALL.into_iter().filter(|operation| adapter.carries(*operation));
    HisPolicy { operations: carried.map(|operation| (operation, adapter)).collect(), ..HisPolicy::default() }
}

/// What the desk signs with, at `url`, in the languages of the hospital.
pub(crate) fn client(his: &StandIn, url: &str, policy: &HisPolicy) -> his::SignedJson {
    let config = his.config();
    let key = config["key"].as_str().unwrap().to_owned();
    let keys = his::Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap();
    his::SignedJson::described(url, keys, (policy.clone(), Vec::new()), Arc::new(Silence)).unwrap()
}

/// A hospital whose own system has nothing to say in what is tried: a call would find nobody.
pub(crate) fn nobody() -> his::SignedJson {
    // 32 bytes of nothing.
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    his::SignedJson::new("http://127.0.0.1:9", his::Keys::new("menzhen", &[key]).unwrap()).unwrap()
}
