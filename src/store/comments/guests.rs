//! Guests: people without an account who have confirmed an address.

use jiff::{SignedDuration, Timestamp};

use crate::store::StoreError;
use crate::store::accounts::random_id;
use crate::store::door::Store;
use crate::store::email_address::EmailAddress;
use crate::store::sessions::moment_after;
use crate::store::sql::{Sql, params};

/// How long a browser is known.
pub(super) const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);

/// Names a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuestId(pub(super) i64);

/// Somebody without an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Who.
    pub id: GuestId,
    /// Their address.
    pub email: EmailAddress,
    /// What they called themselves last.
    pub name: String,
}

/// The guest with this address, who is noted when they are new.
pub(super) fn met(sql: &Sql<'_>, email: &EmailAddress, now: Timestamp) -> Result<GuestId, StoreError> {
    sql.run(
        "INSERT INTO littoral_comment_guest (id, email, email_key, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (email_key) DO NOTHING",
        params![random_id(), email.as_str(), email.key(), now.as_microsecond()],
    )?;
    let id =
        sql.row("SELECT id FROM littoral_comment_guest WHERE email_key = $1", params![email.key()], |row| row.get(0))?;
    id.map(GuestId).ok_or(StoreError::Interrupted)
}

/// The guest has followed a link: the address is theirs, and this browser.
pub(super) fn confirm(sql: &Sql<'_>, guest: GuestId, cookie: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
    sql.run(
        "UPDATE littoral_comment_guest SET confirmed_at = $1 WHERE id = $2 AND confirmed_at IS NULL",
        params![now.as_microsecond(), guest.0],
    )?;
    sql.run(
        "INSERT INTO littoral_comment_guest_token (digest, guest_id, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (digest) DO NOTHING",
        params![cookie, guest.0, moment_after(now, KNOWN_FOR)],
    )
    .map(drop)
}

impl Store {
    /// The guest whose browser has the cookie with this digest.
    pub async fn guest(&self, cookie: [u8; 32], now: Timestamp) -> Result<Option<Guest>, StoreError> {
        self.read(move |sql| {
            let found: Option<(i64, String)> = sql.row(
                "SELECT g.id, g.email FROM littoral_comment_guest_token t
                     JOIN littoral_comment_guest g ON g.id = t.guest_id WHERE t.digest = $1 AND t.expires_at > $2",
                params![cookie, now.as_microsecond()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let Some((id, email)) = found else { return Ok(None) };
            let Ok(email) = EmailAddress::parse(&email) else { return Ok(None) };
            let name: Option<String> = sql.row(
                "SELECT name FROM littoral_comment WHERE guest_id = $1 AND state IN ('shown', 'waiting')
                     ORDER BY created_at DESC LIMIT 1",
                params![id],
                |row| row.get(0),
            )?;
            Ok(Some(Guest { id: GuestId(id), email, name: name.unwrap_or_default() }))
        })
        .await
    }
}
