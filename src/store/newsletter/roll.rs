//! All subscribers: brought in from a file, listed, written out.

use jiff::Timestamp;

use super::{apart, joined};
use crate::store::StoreError;
use crate::store::accounts::{random_id, time};
use crate::store::door::{Durability, Store};
use crate::store::email_address::EmailAddress;
use crate::store::sql::params;

/// How many subscribers one question gives at most.
pub const ROLL_AT_ONCE: usize = 1000;

/// An address to bring in, whose owner has agreed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscriber {
    /// The address.
    pub email: EmailAddress,
    /// The topics chosen.
    pub topics: Vec<String>,
}

/// What became of addresses that were brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// They get letters from now on.
    pub new: u64,
    /// They did before; nothing was changed.
    pub known: u64,
    /// They had left, and nothing was changed: who has left comes back by themselves.
    pub left: u64,
}

/// A subscriber as they are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSubscriber {
    /// The address.
    pub email: String,
    /// `pending`, `subscribed` or `left`.
    pub state: String,
    /// The topics chosen.
    pub topics: Vec<String>,
    /// When the address was first given.
    pub created_at: Timestamp,
}

impl Store {
    /// Brings all of them in, or none.
    pub async fn import_subscribers(&self, all: Vec<NewSubscriber>, now: Timestamp) -> Result<Imported, StoreError> {
        let mut secrets = vec![0; 16 * all.len()];
        getrandom::fill(&mut secrets).map_err(|_| StoreError::Interrupted)?;
        self.write(Durability::Durable, move |sql| {
            let mut done = Imported::default();
            for (number, new) in all.iter().enumerate() {
                let secret: [u8; 16] = secrets[16 * number..][..16].try_into().map_err(|_| StoreError::Interrupted)?;
                let key = new.email.key();
                let found = "SELECT state FROM littoral_subscriber WHERE email_key = $1";
                match sql.row(found, params![key], |row| row.get::<String>(0))?.as_deref() {
                    Some("subscribed") => done.known += 1,
                    Some("left") => done.left += 1,
                    _ => {
                        sql.run(
                            "INSERT INTO littoral_subscriber
                                     (id, email, email_key, state, secret, topics, wish, created_at, confirmed_at)
                                 VALUES ($1, $2, $3, 'subscribed', $4, $5, '', $6, $6)
                                 ON CONFLICT (email_key) DO UPDATE SET state = excluded.state,
                                     topics = excluded.topics, confirm = NULL, confirmed_at = excluded.confirmed_at",
                            params![
                                random_id(),
                                new.email.as_str(),
                                key,
                                secret,
                                joined(&new.topics),
                                now.as_microsecond()
                            ],
                        )?;
                        done.new += 1;
                    }
                }
            }
            Ok(done)
        })
        .await
    }

    /// Subscribers behind the address `after` (in small letters), in order of address, up to
    /// [`ROLL_AT_ONCE`].
    pub async fn subscribers(&self, after: &str) -> Result<Vec<ListedSubscriber>, StoreError> {
        let after = after.to_ascii_lowercase();
        self.read(move |sql| {
            sql.rows(
                "SELECT email, state, topics, created_at FROM littoral_subscriber
                     WHERE email_key > $1 ORDER BY email_key LIMIT $2",
                params![after, ROLL_AT_ONCE as i64],
                |row| {
                    Ok(ListedSubscriber {
                        email: row.get(0)?,
                        state: row.get(1)?,
                        topics: apart(&row.get::<String>(2)?),
                        created_at: time(row, 3)?,
                    })
                },
            )
        })
        .await
    }
}
