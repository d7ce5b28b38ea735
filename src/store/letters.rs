//! Letters: mail that is to be sent, put into the outbox in the transaction of its cause.
//!
//! A letter is complete when it comes here: rendered, addressed, with its headers. It goes by
//! one of two lanes, so that ten thousand letters of a newsletter do not stand before the one
//! that lets somebody sign in.
//!
//! An address that asked not to be written to, or that a mail server does not know, is on the
//! suppression list: what is put for it is dropped here, whoever puts it, unless the letter
//! [must go](Letter::must_go).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::accounts::time;
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::outbox::{Addressee, put};
use super::sql::{Sql, params};

/// The kind of messages that are letters.
pub const MAIL: &str = "mail";

/// How soon a letter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Somebody waits for it.
    Prompt,
    /// One of many: digests, the letters of a newsletter.
    Bulk,
}

impl Lane {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Prompt, Self::Bulk];

    /// As the outbox knows it.
    pub fn addressee(self) -> Addressee {
        let address = match self {
            Self::Prompt => "prompt",
            Self::Bulk => "bulk",
        };
        Addressee { kind: MAIL.to_owned(), address: address.to_owned() }
    }
}

/// A letter, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// What it is about: one line.
    pub subject: String,
    /// The text for who reads no HTML.
    pub text: String,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Further headers, such as `List-Unsubscribe`: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Sent to an address on the suppression list, too: its owner has asked for it just now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_go: bool,
}

/// Why an address is written to no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// A mail server has said that it does not exist, or takes nothing from us.
    Refused,
    /// Somebody who administers the site.
    ByHand,
}

impl Suppressed {
    fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ByHand => "by hand",
        }
    }
}

/// An address on the suppression list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressedAddress {
    /// In small letters.
    pub address: String,
    /// `refused` or `by hand`.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

/// Puts a letter into the outbox, in the transaction of `sql`. Gives its id; none when its
/// address is suppressed.
pub(super) fn post(sql: &Sql<'_>, lane: Lane, letter: &Letter, now: Timestamp) -> Result<Option<i64>, StoreError> {
    if !letter.must_go {
        let known = sql.row(
            "SELECT address_key FROM littoral_suppressed WHERE address_key = $1",
            params![letter.to.to_ascii_lowercase()],
            |row| row.get::<String>(0),
        )?;
        if known.is_some() {
            return Ok(None);
        }
    }
    // Strings only: it cannot fail.
    let payload = serde_json::to_string(letter).unwrap_or_default();
    put(sql, &lane.addressee(), &payload, now).map(Some)
}

impl Store {
    /// Puts letters into the outbox that have no other cause in the store.
    pub async fn post(&self, lane: Lane, letters: Vec<Letter>, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            letters.iter().try_for_each(|letter| post(sql, lane, letter, now).map(drop))
        })
        .await
    }

    /// Notes that an address is written to no more.
    pub async fn suppress(&self, address: &EmailAddress, why: Suppressed, now: Timestamp) -> Result<(), StoreError> {
        let key = address.key();
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "INSERT INTO littoral_suppressed (address_key, why, since) VALUES ($1, $2, $3)
                     ON CONFLICT (address_key) DO NOTHING",
                params![key, why.word(), now.as_microsecond()],
            )
            .map(drop)
        })
        .await
    }

    /// Takes an address off the list. Says whether it was there.
    pub async fn write_again_to(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        let key = address.key();
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_suppressed WHERE address_key = $1", params![key]).map(|gone| gone > 0)
        })
        .await
    }

    /// The addresses on the suppression list behind `after`, in order, `limit` at most.
    pub async fn suppressed(&self, after: &str, limit: usize) -> Result<Vec<SuppressedAddress>, StoreError> {
        let (after, limit) = (after.to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(move |sql| {
            sql.rows(
                "SELECT address_key, why, since FROM littoral_suppressed
                     WHERE address_key > $1 ORDER BY address_key LIMIT $2",
                params![after, limit],
                |row| Ok(SuppressedAddress { address: row.get(0)?, why: row.get(1)?, since: time(row, 2)? }),
            )
        })
        .await
    }
}
