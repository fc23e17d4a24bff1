//! The desk and the stand-in HIS it calls, as the tests of every language need them.

use domain::Timestamp;
use domain::his::{CodeEntry, CodeKind, HisCall, HisPolicy};
use domain::time::add_seconds;
use his::{Call, CallLog, His, Hospital, Keys, NumberLock, Standing};
use kit::StandIn;
use serde_json::Value;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What the log was told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) calls: Mutex<Vec<HisCall>>,
    pub(crate) unknown: Mutex<Vec<(CodeKind, String)>>,
}

impl CallLog for Heard {
    fn monotonic_ms(&self) -> u64 {
        0
    }

    fn keep(&self, call: HisCall) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.calls.lock().unwrap().push(call);
        Box::pin(std::future::ready(()))
    }

    fn note_unknown<'a>(
        &'a self,
        kind: CodeKind,
        theirs: &'a str,
        _operation: &'a str,
        _at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.unknown.lock().unwrap().push((kind, theirs.to_owned()));
        Box::pin(std::future::ready(()))
    }
}

/// A desk with a stand-in of its own, gone with it.
pub(crate) struct Desk {
    pub(crate) his: Hospital,
    pub(crate) heard: Arc<Heard>,
    pub(crate) stand_in: StandIn,
    pub(crate) now: Timestamp,
    nonces: AtomicU64,
    folder: PathBuf,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Desk {
    /// A hospital that speaks as `policy` says, with these codes, and knows this timetable.
    pub(crate) async fn open(name: &str, policy: HisPolicy, codes: Vec<CodeEntry>, timetable: Value) -> Self {
        let folder = std::env::temp_dir().join(format!("his-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stand_in = StandIn::start("his", &folder, &[]).await;
        let config = stand_in.config();
        let key = config["key"].as_str().unwrap().to_owned();
        let keys = Keys::new(config["app_id"].as_str().unwrap(), &[key]).unwrap();
        let heard = Arc::new(Heard::default());
        let log: Arc<dyn CallLog> = heard.clone();
        let his = Hospital::described(&stand_in.url, keys, (policy, codes), log).unwrap();
        let now = stand_in.get("clock").await["now"].as_str().unwrap().parse().unwrap();
        stand_in.post("timetable", timetable).await;
        Self { his, heard, stand_in, now, nonces: AtomicU64::new(1), folder }
    }

    pub(crate) fn call(&self) -> Call {
        let mut random = [0; 16];
        random[8..].copy_from_slice(&self.nonces.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Call { now: self.now, random }
    }

    pub(crate) fn lock(&self, serial: &str, clinic: &str, number: u16) -> NumberLock {
        NumberLock {
            serial: serial.parse().unwrap(),
            clinic: clinic.parse().unwrap(),
            start: "0800".parse().unwrap(),
            number,
            until: add_seconds(self.now, 600),
        }
    }

    pub(crate) async fn standing(&self, serial: &str) -> Option<Standing> {
        self.his.standing(&serial.parse().unwrap(), self.call()).await.unwrap()
    }
}

/// The hospital's `0203` is the department `XNK` here.
pub(crate) fn code() -> CodeEntry {
    let (theirs, ours, name) = ("0203".into(), "XNK".into(), "心血管内科".into());
    CodeEntry { kind: CodeKind::Department, theirs, ours, name }
}
