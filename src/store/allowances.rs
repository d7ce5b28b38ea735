//! Allowances: what may be tried only so often, counted for all nodes together.
//!
//! A try is counted *before* what it is for is done: a hundred guesses sent at once are a
//! hundred tries, not one. Beyond the free tries each further one makes the wait twice as
//! long. While a wait runs nothing is counted, so that a blocked owner is not kept out by
//! whoever goes on trying.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::door::{Durability, Store};
use super::sessions::moment_after;
use super::sql::params;

/// How often a thing may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What is limited; part of the key, so that two things do not count together.
    pub what: &'static str,
    /// How many tries are free.
    pub free: i64,
    /// How long the first wait is; each further one is twice as long.
    pub first_wait: SignedDuration,
    /// How long a wait is at most.
    pub longest_wait: SignedDuration,
    /// After how long without a try all is forgotten.
    pub forget_after: SignedDuration,
}

/// One thing that somebody tries.
#[derive(Clone, Debug)]
pub struct Attempt {
    allowance: Allowance,
    subject: [u8; 32],
}

impl Attempt {
    /// A try at what `allowance` limits, by or at `subject`: an address, an account.
    pub fn new(allowance: Allowance, subject: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(allowance.what.as_bytes()).update(&[0]).update(subject.as_bytes());
        Self { allowance, subject: *hasher.finalize().as_bytes() }
    }
}

impl Store {
    /// Counts a try for each of `attempts`, or, when one of them has to wait, for none and
    /// says how long.
    pub async fn admit(
        &self,
        attempts: Vec<Attempt>,
        now: Timestamp,
    ) -> Result<Result<(), SignedDuration>, StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            let at = now.as_microsecond();
            let mut counted = Vec::with_capacity(attempts.len());
            let mut wait = 0;
            for attempt in &attempts {
                let found: Option<(i64, i64)> = sql.row(
                    "SELECT tries, blocked_until FROM littoral_attempt WHERE subject = $1 AND forget_at > $2",
                    params![attempt.subject, at],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
                let (tries, blocked_until) = found.unwrap_or((0, 0));
                wait = wait.max(blocked_until - at);
                counted.push(tries + 1);
            }
            if wait > 0 {
                return Ok(Err(SignedDuration::from_micros(wait)));
            }
            for (attempt, tries) in attempts.iter().zip(counted) {
                let allowance = attempt.allowance;
                let blocked_until = match tries - allowance.free {
                    ..0 => 0,
                    // 2^20 first waits are beyond every longest one.
                    over => {
                        let doubled = allowance.first_wait.saturating_mul(1 << over.min(20));
                        moment_after(now, doubled.min(allowance.longest_wait))
                    }
                };
                sql.run(
                    "INSERT INTO littoral_attempt (subject, tries, blocked_until, forget_at) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (subject) DO UPDATE SET
                             tries = excluded.tries, blocked_until = excluded.blocked_until,
                             forget_at = excluded.forget_at",
                    params![attempt.subject, tries, blocked_until, moment_after(now, allowance.forget_after)],
                )?;
            }
            Ok(Ok(()))
        })
        .await
    }

    /// Takes one try off each of `attempts`, and the wait that it made.
    pub async fn take_back(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            for attempt in &attempts {
                sql.run(
                    "UPDATE littoral_attempt SET tries = tries - 1, blocked_until = 0 WHERE subject = $1 AND tries > 0",
                    params![attempt.subject],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets the tries: it went well.
    pub async fn forgive(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            for attempt in &attempts {
                sql.run("DELETE FROM littoral_attempt WHERE subject = $1", params![attempt.subject])?;
            }
            Ok(())
        })
        .await
    }
}
