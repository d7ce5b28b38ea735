//! The outbox: what is to be sent to others, and is sent after the transaction of its cause.
//!
//! A deed that has something to send puts a message here, in its own transaction: both are
//! kept or neither is. Whoever carries messages of a kind takes those that are due for one
//! [`Addressee`] by [`Store::claim_messages`], sends them, and says what became of each by
//! [`Store::message_delivered`] or [`Store::message_failed`]. A claim is a lease: when its
//! holder is gone it ends, and the message is due again. So a message is sent at least once;
//! twice, with the same id, when somebody is gone after sending and before saying so. Nothing
//! is promised about order.
//!
//! One that cannot be delivered within [`Backoff::tries`] is given up and kept, for somebody
//! to look at, to [try again](Store::retry_message) or to [forget](Store::forget_message).
//!
//! Knows nothing of how anything is sent: a kind, an address and a text.

mod backoff;
mod carry;
mod keep;

pub use backoff::Backoff;
pub use carry::{Claimed, Fate, Next};
pub use keep::{ListedMessage, MESSAGES_AT_ONCE, MessagePlace, MessageState, Retry};

use jiff::Timestamp;

use super::StoreError;
use super::accounts::random_id;
use super::sql::{Sql, params};

/// How long a message that was delivered is still listed among those in the store.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// To whom a message goes, and by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addressee {
    /// What carries it, such as `webhook`.
    pub kind: String,
    /// To whom, as its carrier understands it.
    pub address: String,
}

/// Puts a message into the outbox, in the transaction of `sql`. Gives its id.
pub(super) fn put(sql: &Sql<'_>, to: &Addressee, payload: &str, now: Timestamp) -> Result<i64, StoreError> {
    let id = random_id();
    sql.run(
        "INSERT INTO littoral_outbox (id, kind, address, payload, created_at, due_at, tries, gave_up)
             VALUES ($1, $2, $3, $4, $5, $5, 0, 0)",
        params![id, to.kind, to.address, payload, now.as_microsecond()],
    )?;
    Ok(id)
}

/// Removes what was delivered long enough ago. Says how many.
pub(super) fn forget_delivered(sql: &Sql<'_>, now: i64, limit: i64) -> Result<u64, StoreError> {
    let before = now.saturating_sub(i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX));
    sql.run(
        "DELETE FROM littoral_outbox WHERE id IN
             (SELECT id FROM littoral_outbox WHERE gave_up = 0 AND finished_at <= $1 ORDER BY finished_at LIMIT $2)",
        params![before, limit],
    )
}
