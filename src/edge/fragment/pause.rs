//! The pause of a fragment that took too long: it is not tried again at once.
//!
//! A template that loops costs a thread for the whole budget. Tried for each request, it
//! would take the machine; so after a failure by time its fallbacks stand for [`LENGTH`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a fragment is left alone.
const LENGTH: Duration = Duration::from_secs(1);

/// Until when a fragment is left alone.
#[derive(Debug)]
pub(super) struct Pause {
    made: Instant,
    /// Milliseconds after `made`; 0: it is not paused.
    until: AtomicU64,
}

impl Default for Pause {
    fn default() -> Self {
        Self { made: Instant::now(), until: AtomicU64::new(0) }
    }
}

impl Pause {
    /// Begins.
    pub(super) fn begin(&self) {
        self.until.store(self.millis(Instant::now() + LENGTH), Ordering::Relaxed);
    }

    /// Whether it lasts.
    pub(super) fn lasts(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until != 0 && self.millis(Instant::now()) < until
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.made).as_millis()).unwrap_or(u64::MAX)
    }
}
