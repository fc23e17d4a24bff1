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
    pub async fn get<V: Into<Arc<T>>, E>(
        &self,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<Arc<T>, E> {
        match self.young(now) {
            Some(value) => Ok(value),
            None => self.reload(now, load).await,
        }
    }

    /// What `load` answers, however young the kept value is. That one stays when loading fails.
    pub async fn reload<V: Into<Arc<T>>, E>(
        &self,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<Arc<T>, E> {
        let value: Arc<T> = load().await?.into();
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

/// Lets something happen at most once in a while.
#[derive(Debug)]
pub struct Throttle {
    pause_s: i64,
    last: Mutex<Option<Timestamp>>,
}

impl Throttle {
    /// Once in `pause_s` seconds.
    pub const fn new(pause_s: i64) -> Self {
        Self { pause_s, last: Mutex::new(None) }
    }

    /// Whether it may happen now; if so, it counts as having happened. A clock that was moved back also lets it happen.
    pub fn passes(&self, now: Timestamp) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since_s = |at: Timestamp| now.as_second().saturating_sub(at.as_second());
        let passes = !last.is_some_and(|at| (0..self.pause_s).contains(&since_s(at)));
        if passes {
            *last = Some(now);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_passes_once_in_a_while() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let throttle = Throttle::new(60);
        let passes = [1000, 1000, 1059, 1060, 1119, 1121, 900, 901].map(|second| throttle.passes(at(second)));
        assert_eq!(passes, [true, false, false, true, false, true, true, false]);
    }
}
