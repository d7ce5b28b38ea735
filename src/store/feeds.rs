//! Members' own feeds: who asks for one is known by the token in its address.

use jiff::Timestamp;

use super::StoreError;
use super::accounts::{self, COLUMNS, Member, MemberId, time};
use super::door::{Durability, Store};
use super::sql::params;

/// The digest of the token in a feed's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedDigest([u8; 32]);

impl FeedDigest {
    /// The digest of a token.
    pub fn of(token: &[u8; 32]) -> Self {
        Self(blake3::derive_key("littoral 2026 feed of a member", token))
    }
}

impl Store {
    /// Gives a member's feed an address; the one that it had leads nowhere then.
    pub async fn make_feed(&self, member: MemberId, digest: FeedDigest, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            // The member may have gone since the request was let in.
            sql.run(
                "INSERT INTO littoral_feed (digest, made_at, member_id)
                     SELECT $1, $2, id FROM littoral_member WHERE id = $3
                 ON CONFLICT (member_id) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at",
                params![digest.0, now.as_microsecond(), member.0],
            )
            .map(drop)
        })
        .await
    }

    /// Takes the address of a member's feed away. Says whether there was one.
    pub async fn revoke_feed(&self, member: MemberId) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            Ok(sql.run("DELETE FROM littoral_feed WHERE member_id = $1", params![member.0])? > 0)
        })
        .await
    }

    /// Since when a member's feed has its address.
    pub async fn feed_made_at(&self, member: MemberId) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |sql| {
            sql.row("SELECT made_at FROM littoral_feed WHERE member_id = $1", params![member.0], |row| time(row, 0))
        })
        .await
    }

    /// Whose feed it is.
    pub async fn member_of_feed(&self, digest: FeedDigest) -> Result<Option<Member>, StoreError> {
        self.read(move |sql| {
            let statement = format!(
                "SELECT {COLUMNS} FROM littoral_feed f JOIN littoral_member m ON m.id = f.member_id
                     WHERE f.digest = $1 AND m.disabled_at IS NULL AND m.delete_at IS NULL"
            );
            sql.row(&statement, params![digest.0], |row| accounts::member(row, 0))
        })
        .await
    }
}
