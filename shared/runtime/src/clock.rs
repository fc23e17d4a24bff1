//! The one clock.
//!
//! Local builds may move it (feature `movable-clock`), so that a reminder can be seen without waiting for it. Such a
//! build cannot be made in release: a deployed function whose time can be changed from outside would be a hole.

use jiff::Timestamp;

#[cfg(all(feature = "movable-clock", not(debug_assertions)))]
compile_error!("movable-clock is for local builds only");

/// Where now comes from. Whole seconds: what is stored and compared has no finer grain.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    #[cfg(feature = "movable-clock")]
    moved: Moved,
}

#[cfg(feature = "movable-clock")]
#[derive(Clone, Debug, Default)]
enum Moved {
    #[default]
    No,
    /// Seconds ahead, read from a file each time.
    ByFile(std::path::PathBuf),
    /// Epoch seconds set by a test.
    ByHand(std::sync::Arc<std::sync::atomic::AtomicI64>),
}

impl Clock {
    /// The clock of a function: the system's, moved by `CLOCK_FILE` in local builds.
    pub fn from_env() -> Self {
        #[cfg(feature = "movable-clock")]
        if let Ok(file) = std::env::var("CLOCK_FILE") {
            return Self::moved_by(file);
        }
        Self::default()
    }

    /// The system's clock moved by the seconds in a file.
    #[cfg(feature = "movable-clock")]
    pub fn moved_by(file: impl Into<std::path::PathBuf>) -> Self {
        Self { moved: Moved::ByFile(file.into()) }
    }

    /// A clock that stands still until [`set`](Self::set).
    #[cfg(feature = "movable-clock")]
    pub fn standing_at(now: Timestamp) -> Self {
        Self { moved: Moved::ByHand(std::sync::Arc::new(now.as_second().into())) }
    }

    /// Moves a clock made by [`standing_at`](Self::standing_at), and every clone of it.
    #[cfg(feature = "movable-clock")]
    pub fn set(&self, now: Timestamp) {
        if let Moved::ByHand(at) = &self.moved {
            at.store(now.as_second(), std::sync::atomic::Ordering::SeqCst);
        }
    }

    /// Now to the millisecond: for nothing but who of two came first.
    pub fn now_in_order(&self) -> Timestamp {
        self.now().saturating_add(jiff::SignedDuration::from_millis(system_subsec_ms())).unwrap_or_else(|_| self.now())
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        #[cfg(feature = "movable-clock")]
        return self.moved_now();
        #[cfg(not(feature = "movable-clock"))]
        system_now()
    }

    #[cfg(feature = "movable-clock")]
    fn moved_now(&self) -> Timestamp {
        match &self.moved {
            Moved::No => system_now(),
            Moved::ByFile(file) => {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                domain::time::add_seconds(system_now(), text.trim().parse().unwrap_or(0))
            }
            Moved::ByHand(at) => {
                let second = at.load(std::sync::atomic::Ordering::SeqCst);
                Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one clock")]
fn system_subsec_ms() -> i64 {
    i64::from(Timestamp::now().subsec_millisecond())
}

#[expect(clippy::disallowed_methods, reason = "the one clock")]
fn system_now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
