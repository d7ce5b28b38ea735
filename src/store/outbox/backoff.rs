//! How long a message waits after a try that failed, and how often it is tried.

use jiff::SignedDuration;

/// How often a message is tried, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first try that failed.
    pub first: SignedDuration,
    /// How many times longer each further one is.
    pub factor: i32,
    /// How long a wait is at most.
    pub longest: SignedDuration,
    /// How often it is tried, the first time included.
    pub tries: i64,
}

impl Default for Backoff {
    /// 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, then every 6 h: twelve tries within
    /// about 23 hours, so that a receiver may be away over night.
    fn default() -> Self {
        Self { first: SignedDuration::from_secs(5), factor: 3, longest: SignedDuration::from_hours(6), tries: 12 }
    }
}

impl Backoff {
    /// The wait after `tries` tries; none when that was the last. Up to a quarter shorter or
    /// longer by chance, so that what failed together does not come back together.
    pub(super) fn wait(&self, tries: i64) -> Option<SignedDuration> {
        let mut chance = [0; 2];
        // Without chance it is the middle.
        let chance = match getrandom::fill(&mut chance) {
            Ok(()) => f64::from(u16::from_le_bytes(chance)) / f64::from(u16::MAX),
            Err(_) => 0.5,
        };
        (tries < self.tries).then(|| self.wait_by_chance(tries, chance))
    }

    /// `chance` is from 0 to 1.
    fn wait_by_chance(&self, tries: i64, chance: f64) -> SignedDuration {
        let mut wait = self.first;
        for _ in 1..tries {
            if wait >= self.longest {
                break;
            }
            wait = wait.saturating_mul(self.factor);
        }
        wait.min(self.longest).mul_f64(0.75 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_tries_take_about_a_day() {
        let backoff = Backoff::default();
        let waits: Vec<_> = (1..backoff.tries).map(|tries| backoff.wait_by_chance(tries, 0.5)).collect();
        assert_eq!(waits[..4], [5, 15, 45, 135].map(SignedDuration::from_secs));
        assert_eq!(waits.last(), Some(&SignedDuration::from_hours(6)));
        let whole: SignedDuration = waits.iter().sum();
        assert!((20..=26).contains(&whole.as_hours()), "{whole:?}");
        assert_eq!(backoff.wait(12), None);
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let backoff = Backoff::default();
        assert_eq!(backoff.wait_by_chance(3, 0.0), SignedDuration::from_millis(33_750));
        assert_eq!(backoff.wait_by_chance(3, 1.0), SignedDuration::from_millis(56_250));
        let waits: std::collections::HashSet<_> = (0..20).map(|_| backoff.wait(8)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn a_count_that_nobody_expects_is_the_longest_wait() {
        let backoff = Backoff { tries: i64::MAX, ..Backoff::default() };
        assert_eq!(backoff.wait_by_chance(i64::MAX - 1, 0.5), backoff.longest);
    }
}
