//! Likes and reports: each reader once.

use jiff::Timestamp;

use super::{CommentId, CommentState, note, one};
use crate::store::StoreError;
use crate::store::accounts::MemberId;
use crate::store::changes::ChangeDeed;
use crate::store::door::{Durability, Store};
use crate::store::sql::params;

/// What became of a like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liked {
    /// The member likes it now, or no more; so many do.
    Now {
        /// Whether they like it.
        likes: bool,
        /// How many do.
        count: i64,
        /// The path of the page.
        page: String,
    },
    /// It cannot be read.
    Gone,
    /// It is their own.
    Own,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Moderators see it.
    Now,
    /// The same reader has reported it before.
    Before,
    /// It cannot be read.
    Gone,
}

impl Store {
    /// A member likes a comment, or likes it no more.
    pub async fn like_comment(&self, id: CommentId, member: MemberId, now: Timestamp) -> Result<Liked, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let Some(comment) = one(sql, id)?.filter(|comment| comment.state == CommentState::Shown) else {
                return Ok(Liked::Gone);
            };
            if comment.member == Some(member) {
                return Ok(Liked::Own);
            }
            let taken = sql.run(
                "DELETE FROM littoral_comment_like WHERE comment_id = $1 AND member_id = $2",
                params![id.0, member.0],
            )?;
            let likes = taken == 0;
            if likes {
                sql.run(
                    "INSERT INTO littoral_comment_like (comment_id, member_id) VALUES ($1, $2)",
                    params![id.0, member.0],
                )?;
            }
            let by: i64 = if likes { 1 } else { -1 };
            sql.run(
                "UPDATE littoral_comment SET likes = likes + $1, rank = rank - $1 WHERE id = $2",
                params![by, id.0],
            )?;
            note(sql, &comment.page, ChangeDeed::Changed, now)?;
            Ok(Liked::Now { likes, count: comment.likes + by, page: comment.page })
        })
        .await
    }

    /// Whether a member likes a comment.
    pub async fn likes_comment(&self, id: CommentId, member: MemberId) -> Result<bool, StoreError> {
        self.read(move |sql| {
            let found = sql.row(
                "SELECT member_id FROM littoral_comment_like WHERE comment_id = $1 AND member_id = $2",
                params![id.0, member.0],
                |row| row.get::<i64>(0),
            )?;
            Ok(found.is_some())
        })
        .await
    }

    /// A reader says that a moderator should look at a comment.
    pub async fn report_comment(
        &self,
        id: CommentId,
        reporter: [u8; 32],
        why: String,
        now: Timestamp,
    ) -> Result<Reported, StoreError> {
        self.write(Durability::Durable, move |sql| {
            if one(sql, id)?.is_none_or(|comment| comment.state != CommentState::Shown) {
                return Ok(Reported::Gone);
            }
            let made = sql.run(
                "INSERT INTO littoral_comment_report (comment_id, reporter, why, at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (comment_id, reporter) DO NOTHING",
                params![id.0, reporter, why, now.as_microsecond()],
            )?;
            if made == 0 {
                return Ok(Reported::Before);
            }
            sql.run("UPDATE littoral_comment SET reports = reports + 1 WHERE id = $1", params![id.0])?;
            Ok(Reported::Now)
        })
        .await
    }

    /// What was said by who reported a comment, a few of them.
    pub async fn reports_of(&self, id: CommentId) -> Result<Vec<String>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT why FROM littoral_comment_report WHERE comment_id = $1 AND why <> '' ORDER BY reporter LIMIT 20",
                params![id.0],
                |row| row.get(0),
            )
        })
        .await
    }
}
