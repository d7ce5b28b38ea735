//! History: which pages a member has read, and where they stopped.
//!
//! Only for members who keep one; the last [`KEPT_READS`] pages. What they looked for (`reading`)
//! goes with it.

use jiff::Timestamp;

use super::StoreError;
use super::accounts::{MemberId, time};
use super::door::{Durability, Store};
use super::sql::params;

/// How many pages are remembered for one member.
pub const KEPT_READS: usize = 500;

/// A page that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRead {
    /// Decoded path in the site.
    pub path: String,
    /// How far: 0 at the top, 1 at the end.
    pub position: f64,
    /// Id of the heading that was being read; empty above the first.
    pub anchor: String,
    /// When last.
    pub read_at: Timestamp,
}

impl Store {
    /// Notes that a member has read a page, unless they keep no history. The last second
    /// of such notes may be lost with the machine.
    pub async fn note_read(&self, member: MemberId, read: PageRead) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            let at = read.read_at.as_microsecond();
            let again = sql.run("UPDATE littoral_page_read SET read_at = $1, position = $2, anchor = $3
                     WHERE member_id = $4 AND path = $5
                       AND EXISTS (SELECT 1 FROM littoral_member WHERE id = $4 AND keeps_history = 1)", params![at, read.position, read.anchor, member.0, read.path])?;
            if again > 0 {
                return Ok(());
            }
            // The member may have gone, or switched it off, since the request was let in.
            sql.run("INSERT INTO littoral_page_read (member_id, path, read_at, position, anchor)
                     SELECT id, $1, $2, $3, $4 FROM littoral_member WHERE id = $5 AND keeps_history = 1", params![read.path, at, read.position, read.anchor, member.0])?;
            sql.run("DELETE FROM littoral_page_read WHERE member_id = $1 AND path IN
                     (SELECT path FROM littoral_page_read WHERE member_id = $1 ORDER BY read_at DESC LIMIT 1000 OFFSET $2)", params![member.0, KEPT_READS as i64])
            .map(drop)
        })
        .await
    }

    /// The pages that a member read last, the latest first.
    pub async fn history(&self, member: MemberId, limit: usize) -> Result<Vec<PageRead>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT path, position, anchor, read_at FROM littoral_page_read
                     WHERE member_id = $1 ORDER BY read_at DESC LIMIT $2",
                params![member.0, limit.min(KEPT_READS) as i64],
                |row| {
                    Ok(PageRead {
                        path: row.get(0)?,
                        position: row.get(1)?,
                        anchor: row.get(2)?,
                        read_at: time(row, 3)?,
                    })
                },
            )
        })
        .await
    }

    /// Forgets every page that a member has read, and what they looked for.
    pub async fn clear_history(&self, member: MemberId) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_looked_for WHERE member_id = $1", params![member.0])?;
            sql.run("DELETE FROM littoral_page_read WHERE member_id = $1", params![member.0]).map(drop)
        })
        .await
    }

    /// Switches the history on, or off and forgets it.
    pub async fn keep_history(&self, member: MemberId, keep: bool) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run("UPDATE littoral_member SET keeps_history = $1 WHERE id = $2", params![keep, member.0])?;
            if !keep {
                sql.run("DELETE FROM littoral_looked_for WHERE member_id = $1", params![member.0])?;
                sql.run("DELETE FROM littoral_page_read WHERE member_id = $1", params![member.0])?;
            }
            Ok(())
        })
        .await
    }
}
