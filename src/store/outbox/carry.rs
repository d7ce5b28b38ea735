//! Carrying: claims of what is due, and what became of it.

use jiff::{SignedDuration, Timestamp};

use super::{Addressee, Backoff};
use crate::store::StoreError;
use crate::store::accounts::{random_id, time};
use crate::store::door::{Durability, Store};
use crate::store::sessions::moment_after;
use crate::store::sql::{Dialect, params};

/// How many bytes of the last error are kept.
const ERROR: usize = 1_000;

/// A message that is ours until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Goes out with it.
    pub id: i64,
    /// What is to be sent.
    pub payload: String,
    /// The how manieth try this is, from 1.
    pub tries: i64,
    /// Tells our claim from a later one.
    claim: i64,
}

/// What is to become of a message that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again: when its wait is over, and not before this time.
    Again(Option<Timestamp>),
    /// Nobody will take it: it is given up at once.
    Never,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again then.
    Waits(Timestamp),
    /// It is kept, and tried no more.
    GivenUp,
    /// Our lease had ended: it is another's by now, or it is gone.
    NotOurs,
}

impl Store {
    /// When the next message for `to` is due, in the past if one is due now; none when none
    /// waits.
    pub async fn next_message(&self, to: &Addressee) -> Result<Option<Timestamp>, StoreError> {
        let to = to.clone();
        self.read(move |sql| {
            sql.row(
                "SELECT due_at FROM littoral_outbox
                     WHERE kind = $1 AND address = $2 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
                params![to.kind, to.address],
                |row| time(row, 0),
            )
        })
        .await
    }

    /// Takes up to `limit` messages for `to` that are due, those that have waited longest
    /// first. Nobody else gets them before `lease` is over.
    pub async fn claim_messages(
        &self,
        to: &Addressee,
        limit: usize,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        let to = to.clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write_one(Durability::Relaxed, move |sql| {
            let claim = random_id();
            // SQLite has one writer, so nobody else is there to be passed over.
            let pass_over = match sql.dialect() {
                Dialect::Sqlite => "",
                Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
            };
            let statement = format!(
                "WITH due AS MATERIALIZED (
                     SELECT id AS due_id FROM littoral_outbox
                         WHERE kind = $1 AND address = $2 AND due_at <= $3 ORDER BY due_at, id LIMIT $4 {pass_over})
                 UPDATE littoral_outbox SET due_at = $5, claim = $6, tries = tries + 1
                     FROM due WHERE id = due_id RETURNING id, payload, tries"
            );
            let (at, until) = (now.as_microsecond(), moment_after(now, lease));
            sql.rows(&statement, params![to.kind, to.address, at, limit, until, claim], |row| {
                Ok(Claimed { id: row.get(0)?, payload: row.get(1)?, tries: row.get(2)?, claim })
            })
        })
        .await
    }

    /// Gives back messages that were claimed and not tried: they are due at once, for anybody.
    pub async fn give_back_messages(&self, messages: Vec<Claimed>, now: Timestamp) -> Result<(), StoreError> {
        self.write_one(Durability::Relaxed, move |sql| {
            messages.iter().try_for_each(|message| {
                sql.run(
                    "UPDATE littoral_outbox SET due_at = $1, claim = NULL, tries = tries - 1
                         WHERE id = $2 AND claim = $3",
                    params![now.as_microsecond(), message.id, message.claim],
                )
                .map(drop)
            })
        })
        .await
    }

    /// Notes that a message was delivered, whoever has claimed it meanwhile: delivered is
    /// delivered. Should this be lost with the machine, it is delivered twice.
    pub async fn message_delivered(&self, message: &Claimed, now: Timestamp) -> Result<(), StoreError> {
        let id = message.id;
        self.write_one(Durability::Relaxed, move |sql| {
            sql.run(
                "UPDATE littoral_outbox SET due_at = NULL, claim = NULL, payload = '', last_error = NULL,
                     finished_at = $1, gave_up = 0 WHERE id = $2",
                params![now.as_microsecond(), id],
            )
            .map(drop)
        })
        .await
    }

    /// Notes that a message was not delivered, and `why`, in words for whoever lists it.
    pub async fn message_failed(
        &self,
        message: &Claimed,
        why: &str,
        next: Next,
        backoff: &Backoff,
        now: Timestamp,
    ) -> Result<Fate, StoreError> {
        let (id, claim) = (message.id, message.claim);
        // PostgreSQL takes no NUL, and a terminal no escapes.
        let why: String = why.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
        let why = why[..why.floor_char_boundary(ERROR)].to_owned();
        let wait = match next {
            Next::Again(not_before) => backoff.wait(message.tries).map(|wait| {
                let due = moment_after(now, wait);
                not_before.map_or(due, |time| time.as_microsecond().max(due))
            }),
            Next::Never => None,
        };
        let is_ours = self
            .write_one(Durability::Relaxed, move |sql| {
                let finished = wait.is_none().then_some(now.as_microsecond());
                sql.run(
                    "UPDATE littoral_outbox SET due_at = $1, claim = NULL, last_error = $2, finished_at = $3,
                         gave_up = $4 WHERE id = $5 AND claim = $6",
                    params![wait, why, finished, finished.is_some(), id, claim],
                )
            })
            .await?;
        Ok(match (is_ours, wait) {
            (0, _) => Fate::NotOurs,
            (_, None) => Fate::GivenUp,
            (_, Some(due)) => Fate::Waits(Timestamp::from_microsecond(due).map_err(|_| StoreError::OutOfRange(due))?),
        })
    }
}
