//! A value kept for a while: the profile, secrets, the access token.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// A value that is loaded again once it is older than its age. Two loads at once are harmless.
#[derive(Debug)]
pub struct Cached<T> {
    age_max_s: i64,
    kept: Mutex<Option<(Timestamp, Arc<T>)>>,
}

impl<T> Cached<T> {
    /// Nothing yet; values will be kept for `age_max_s` seconds.
    pub const fn new(age_max_s: i64) -> Self {
        Self { age_max_s, kept: Mutex::new(None) }
    }

    /// The kept value if it is young enough, else what `load` answers. A clock that was moved back also loads again.
    pub async fn get<E>(&self, now: Timestamp, load: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(value) = self.young(now) {
            return Ok(value);
        }
        let value = Arc::new(load().await?);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, value.clone()));
        Ok(value)
    }

    /// Forgets the kept value.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn young(&self, now: Timestamp) -> Option<Arc<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = kept.as_ref()?;
        let age_s = now.as_second().saturating_sub(at.as_second());
        (0..self.age_max_s).contains(&age_s).then(|| value.clone())
    }
}
