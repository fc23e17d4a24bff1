//! A value kept for a while: the profile, secrets, the access token.

use jiff::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Values by key, each loaded again once it is older than its age. Two loads at once are harmless.
#[derive(Debug)]
pub struct CachedBy<K, T> {
    age_max_s: i64,
    count_max: usize,
    kept: Mutex<HashMap<K, (Timestamp, Arc<T>)>>,
}

impl<K: Eq + Hash + Clone, T> CachedBy<K, T> {
    /// Nothing yet; at most `count_max` values will be kept, each for `age_max_s` seconds.
    pub fn new(age_max_s: i64, count_max: usize) -> Self {
        Self { age_max_s, count_max, kept: Mutex::default() }
    }

    /// The kept value of `key` if it is young enough, else what `load` answers. A clock that was moved back also loads
    /// again.
    pub async fn get<V: Into<Arc<T>>, E>(
        &self,
        key: &K,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(value) = self.young(key, now) {
            return Ok(value);
        }
        let value: Arc<T> = load().await?.into();
        self.put(key, value.clone(), now);
        Ok(value)
    }

    /// The kept value of `key`, if it is young enough.
    pub fn young(&self, key: &K, now: Timestamp) -> Option<Arc<T>> {
        self.kept().get(key).filter(|(at, _)| self.is_young(*at, now)).map(|(_, value)| value.clone())
    }

    /// Keeps a value from now on.
    pub fn put(&self, key: &K, value: impl Into<Arc<T>>, now: Timestamp) {
        let mut kept = self.kept();
        if kept.len() >= self.count_max {
            kept.retain(|_, (at, _)| self.is_young(*at, now));
        }
        if kept.len() >= self.count_max {
            kept.clear();
        }
        kept.insert(key.clone(), (now, value.into()));
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<K, (Timestamp, Arc<T>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_young(&self, at: Timestamp, now: Timestamp) -> bool {
        (0..self.age_max_s).contains(&now.as_second().saturating_sub(at.as_second()))
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

    #[tokio::test]
    async fn values_are_kept_by_key_and_not_too_many() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let cached = CachedBy::new(10, 2);
        for (key, now, loaded, wanted) in [
            ("a", 100, 1, 1),
            ("b", 100, 2, 2),
            ("a", 109, 3, 1),
            ("a", 110, 4, 4),
            ("a", 99, 5, 5),
            ("c", 110, 6, 6),
            ("c", 111, 7, 6),
        ] {
            let got = cached.get(&key, at(now), async || Ok::<i32, ()>(loaded)).await.unwrap();
            assert_eq!(*got, wanted, "{key} at {now}");
        }
        assert!(cached.kept().len() <= 2);
    }
}
