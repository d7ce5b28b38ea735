//! Reading: pages that a member put aside, terms that they follow, and what they looked for.
//!
//! What is put aside and followed stays until it is taken back; of searches the last
//! [`KEPT_SEARCHES`] are kept, and only for members who keep a history. All goes with the account.

use jiff::Timestamp;

use super::StoreError;
use super::accounts::{MemberId, time};
use super::door::{Durability, Store};
use super::sql::params;

/// How many pages one member can put aside.
pub const MOST_KEPT: i64 = 500;
/// How many terms one member can follow.
pub const MOST_FOLLOWED: i64 = 100;
/// How many searches are remembered for one member.
pub const KEPT_SEARCHES: i64 = 20;

/// What a member has chosen, of which there are two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingList {
    /// Pages put aside for later.
    Kept,
    /// Terms that are followed.
    Followed,
}

impl ReadingList {
    /// Its table, the column with its time, and how long it may be.
    fn place(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Kept => ("littoral_kept_page", "kept_at", MOST_KEPT),
            Self::Followed => ("littoral_followed", "since", MOST_FOLLOWED),
        }
    }
}

/// What became of a wish to add to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It is there, now or since before.
    Yes,
    /// The list is as long as it may be.
    Full,
}

impl Store {
    /// Adds a path to a list of a member's.
    pub async fn add_to_list(
        &self,
        list: ReadingList,
        member: MemberId,
        path: &str,
        now: Timestamp,
    ) -> Result<Listed, StoreError> {
        let path = path.to_owned();
        let (table, column, most) = list.place();
        self.write(Durability::Durable, move |sql| {
            // The member may have gone since the request was let in.
            let statement = format!(
                "INSERT INTO {table} (member_id, path, {column})
                     SELECT id, $1, $2 FROM littoral_member
                         WHERE id = $3 AND (SELECT count(*) FROM {table} WHERE member_id = $3) < $4
                     ON CONFLICT (member_id, path) DO NOTHING"
            );
            let added = sql.run(&statement, params![path, now.as_microsecond(), member.0, most])?;
            if added > 0 {
                return Ok(Listed::Yes);
            }
            let statement = format!("SELECT member_id FROM {table} WHERE member_id = $1 AND path = $2");
            let known = sql.row(&statement, params![member.0, path], |row| row.get::<i64>(0))?;
            Ok(if known.is_some() { Listed::Yes } else { Listed::Full })
        })
        .await
    }

    /// Takes a path off a list of a member's, whether it is on it or not.
    pub async fn take_off_list(&self, list: ReadingList, member: MemberId, path: &str) -> Result<(), StoreError> {
        let path = path.to_owned();
        self.write(Durability::Durable, move |sql| {
            let statement = format!("DELETE FROM {} WHERE member_id = $1 AND path = $2", list.place().0);
            sql.run(&statement, params![member.0, path]).map(drop)
        })
        .await
    }

    /// A list of a member's, the latest first, with since when.
    pub async fn reading_list(
        &self,
        list: ReadingList,
        member: MemberId,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.read(move |sql| {
            let (table, column, most) = list.place();
            let statement = format!(
                "SELECT path, {column} FROM {table} WHERE member_id = $1 ORDER BY {column} DESC, path LIMIT $2"
            );
            sql.rows(&statement, params![member.0, most], |row| Ok((row.get(0)?, time(row, 1)?)))
        })
        .await
    }

    /// Whether a path is on a list of a member's.
    pub async fn is_on_list(&self, list: ReadingList, member: MemberId, path: &str) -> Result<bool, StoreError> {
        let path = path.to_owned();
        self.read(move |sql| {
            let statement = format!("SELECT member_id FROM {} WHERE member_id = $1 AND path = $2", list.place().0);
            Ok(sql.row(&statement, params![member.0, path], |row| row.get::<i64>(0))?.is_some())
        })
        .await
    }

    /// Notes what a member has looked for, unless they keep no history. The last second of such
    /// notes may be lost with the machine.
    pub async fn note_search(&self, member: MemberId, words: &str, now: Timestamp) -> Result<(), StoreError> {
        let words = words.to_owned();
        self.write(Durability::Relaxed, move |sql| {
            sql.run(
                "INSERT INTO littoral_looked_for (member_id, words, searched_at)
                     SELECT id, $1, $2 FROM littoral_member WHERE id = $3 AND keeps_history = 1
                     ON CONFLICT (member_id, words) DO UPDATE SET searched_at = excluded.searched_at",
                params![words, now.as_microsecond(), member.0],
            )?;
            sql.run(
                "DELETE FROM littoral_looked_for WHERE member_id = $1 AND words IN
                     (SELECT words FROM littoral_looked_for WHERE member_id = $1
                          ORDER BY searched_at DESC LIMIT 1000 OFFSET $2)",
                params![member.0, KEPT_SEARCHES],
            )
            .map(drop)
        })
        .await
    }

    /// What a member has looked for, the latest first.
    pub async fn searches(&self, member: MemberId, limit: i64) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT words, searched_at FROM littoral_looked_for
                     WHERE member_id = $1 ORDER BY searched_at DESC LIMIT $2",
                params![member.0, limit.min(KEPT_SEARCHES)],
                |row| Ok((row.get(0)?, time(row, 1)?)),
            )
        })
        .await
    }
}
