//! Looking into the outbox: what waits, what was given up, trying again and forgetting.

use jiff::Timestamp;

use crate::store::StoreError;
use crate::store::accounts::{MemberId, time};
use crate::store::audit;
use crate::store::door::{Durability, Store};
use crate::store::sql::{Row, Sql, params};

/// How many messages one question gives at most, and one deed touches.
pub const MESSAGES_AT_ONCE: usize = 500;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It is tried at this time, or has been due since.
    Waits(Timestamp),
    /// Somebody is sending it, and has until this time.
    IsSent(Timestamp),
    /// It was given up at this time.
    GivenUp(Timestamp),
}

/// A message as it is listed: without its text, which may be about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMessage {
    /// Its number, random.
    pub id: i64,
    /// What carries it.
    pub kind: String,
    /// To whom.
    pub address: String,
    /// Where it stands.
    pub state: MessageState,
    /// How often it was tried.
    pub tries: i64,
    /// When it was put here.
    pub created_at: Timestamp,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// A place in the list: behind this message.
#[derive(Clone, Debug, Default)]
pub struct MessagePlace(Option<ListedMessage>);

impl MessagePlace {
    /// Behind `message`.
    pub fn behind(message: &ListedMessage) -> Self {
        Self(Some(message.clone()))
    }
}

/// What became of a wish to try a message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is due now, with all its tries before it.
    Now,
    /// It is being sent, or was delivered: nothing is to be done.
    NotNeeded,
    /// There is none.
    NotThere,
}

const COLUMNS: &str = "id, kind, address, tries, created_at, last_error, due_at, claim, finished_at";

impl Store {
    /// Messages that wait or were given up, by addressee and time, those given up last: up to
    /// [`MESSAGES_AT_ONCE`] behind `place`; none behind the last.
    pub async fn messages(&self, place: MessagePlace) -> Result<Vec<ListedMessage>, StoreError> {
        let limit = MESSAGES_AT_ONCE as i64;
        let (waiting, given_up) = match place.0 {
            None => (Some((String::new(), String::new(), i64::MIN, 0)), (i64::MIN, 0)),
            Some(ListedMessage { id, kind, address, state, .. }) => match state {
                MessageState::Waits(due) | MessageState::IsSent(due) => {
                    (Some((kind, address, due.as_microsecond(), id)), (i64::MIN, 0))
                }
                MessageState::GivenUp(at) => (None, (at.as_microsecond(), id)),
            },
        };
        let mut found = Vec::new();
        if let Some((kind, address, due, id)) = waiting {
            found = self
                .read(move |sql| {
                    let statement = format!(
                        "SELECT {COLUMNS} FROM littoral_outbox
                             WHERE (kind, address, due_at, id) > ($1, $2, $3, $4) AND due_at IS NOT NULL
                             ORDER BY kind, address, due_at, id LIMIT $5"
                    );
                    sql.rows(&statement, params![kind, address, due, id, limit], listed)
                })
                .await?;
        }
        let left = limit - i64::try_from(found.len()).unwrap_or(limit);
        if left > 0 {
            let more = self.read(move |sql| {
                let statement = format!(
                    "SELECT {COLUMNS} FROM littoral_outbox
                         WHERE gave_up = 1 AND (finished_at, id) > ($1, $2) AND finished_at IS NOT NULL
                         ORDER BY finished_at, id LIMIT $3"
                );
                sql.rows(&statement, params![given_up.0, given_up.1, left], listed)
            });
            found.extend(more.await?);
        }
        Ok(found)
    }

    /// Makes one message due now, be it given up or waiting.
    pub async fn retry_message(&self, id: i64, now: Timestamp) -> Result<Retry, StoreError> {
        self.write(Durability::Durable, move |sql| retry(sql, id, now)).await
    }

    /// The same, and notes in the audit that `by` has done it.
    pub async fn retry_message_by(&self, id: i64, by: MemberId, now: Timestamp) -> Result<Retry, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let done = retry(sql, id, now)?;
            if done == Retry::Now {
                audit::note(sql, Some(by), "outbox.retry", &id.to_string(), now)?;
            }
            Ok(done)
        })
        .await
    }

    /// Forgets a message, and notes in the audit that `by` has done it. Says whether there was one.
    pub async fn forget_message_by(&self, id: i64, by: MemberId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let gone = sql.run("DELETE FROM littoral_outbox WHERE id = $1", params![id])? > 0;
            if gone {
                audit::note(sql, Some(by), "outbox.forget", &id.to_string(), now)?;
            }
            Ok(gone)
        })
        .await
    }

    /// The text of a message that waits or was given up.
    pub async fn message_text(&self, id: i64) -> Result<Option<String>, StoreError> {
        self.read(move |sql| {
            let statement = "SELECT payload FROM littoral_outbox WHERE id = $1 AND (due_at IS NOT NULL OR gave_up = 1)";
            sql.row(statement, params![id], |row| row.get(0))
        })
        .await
    }

    /// Makes messages due now that were given up or wait for a later time, of one kind or of all, a
    /// bounded number of them. Says how many; there may be more unless it says 0.
    pub async fn retry_messages(&self, kind: Option<&str>, now: Timestamp) -> Result<u64, StoreError> {
        let limit = MESSAGES_AT_ONCE as i64;
        let kind = kind.unwrap_or_default().to_owned();
        self.write(Durability::Durable, move |sql| {
            let at = now.as_microsecond();
            let given_up = sql.run(
                "UPDATE littoral_outbox SET due_at = $1, tries = 0, finished_at = NULL, gave_up = 0 WHERE id IN
                     (SELECT id FROM littoral_outbox WHERE gave_up = 1 AND finished_at IS NOT NULL
                          AND ($2 = '' OR kind = $2) LIMIT $3)",
                params![at, kind, limit],
            )?;
            let waiting = sql.run(
                "UPDATE littoral_outbox SET due_at = $1, tries = 0 WHERE id IN
                     (SELECT id FROM littoral_outbox WHERE due_at > $1 AND claim IS NULL
                          AND ($2 = '' OR kind = $2) LIMIT $3)",
                params![at, kind, limit],
            )?;
            Ok(given_up + waiting)
        })
        .await
    }

    /// Forgets a message, whatever its state. Says whether there was one.
    pub async fn forget_message(&self, id: i64) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_outbox WHERE id = $1", params![id]).map(|gone| gone > 0)
        })
        .await
    }
}

fn retry(sql: &Sql<'_>, id: i64, now: Timestamp) -> Result<Retry, StoreError> {
    let is_due = sql.run(
        "UPDATE littoral_outbox SET due_at = $1, tries = 0, finished_at = NULL, gave_up = 0
             WHERE id = $2 AND (gave_up = 1 OR due_at IS NOT NULL AND claim IS NULL)",
        params![now.as_microsecond(), id],
    )?;
    if is_due > 0 {
        return Ok(Retry::Now);
    }
    let there = sql.row("SELECT id FROM littoral_outbox WHERE id = $1", params![id], |row| row.get::<i64>(0))?;
    Ok(if there.is_some() { Retry::NotNeeded } else { Retry::NotThere })
}

fn listed(row: &Row<'_>) -> Result<ListedMessage, StoreError> {
    let state = match (row.get::<Option<i64>>(6)?, row.get::<Option<i64>>(7)?) {
        (Some(_), Some(_)) => MessageState::IsSent(time(row, 6)?),
        (Some(_), None) => MessageState::Waits(time(row, 6)?),
        (None, _) => MessageState::GivenUp(time(row, 8)?),
    };
    Ok(ListedMessage {
        id: row.get(0)?,
        kind: row.get(1)?,
        address: row.get(2)?,
        state,
        tries: row.get(3)?,
        created_at: time(row, 4)?,
        last_error: row.get(5)?,
    })
}
