//! Who gets letters about a page, and which comments are still to be told of.
//!
//! A comment that can be read for the first time is noted in the transaction that shows it.
//! Whoever works that off takes a few subscribers, writes their letters, and puts these into
//! the outbox in one transaction with the place where the next begins: each is told once,
//! whoever is killed in between.

use jiff::Timestamp;

use super::{COLUMNS, Comment, CommentId, CommentState, FROM, comment};
use crate::store::StoreError;
use crate::store::accounts::random_id;
use crate::store::door::{Durability, Store};
use crate::store::email_address::EmailAddress;
use crate::store::letters::{Lane, Letter, post};
use crate::store::sql::{Sql, params};

/// What somebody wants letters about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    #[default]
    Nothing,
    /// Replies to what they wrote.
    Replies,
    /// Every comment of the page.
    Thread,
}

impl Wants {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Replies => "replies",
            Self::Thread => "thread",
        }
    }

    /// What this word means; nothing, when it is none.
    pub fn parse(word: &str) -> Self {
        match word {
            "replies" => Self::Replies,
            "thread" => Self::Thread,
            _ => Self::Nothing,
        }
    }
}

/// Somebody who gets letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The number of their subscription, random.
    pub id: i64,
    /// Where letters go.
    pub email: EmailAddress,
    /// What they want.
    pub wants: Wants,
}

/// A comment of which some are still to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct CommentNotice {
    /// The comment.
    pub comment: Comment,
    /// Those who come next and want it; perhaps none of those looked at.
    pub subscribers: Vec<Subscriber>,
    /// Who was told last.
    after: i64,
    /// Where the next begins; none when these were the last.
    next: Option<i64>,
}

/// Notes what somebody wants; who wants nothing keeps what they had.
pub(super) fn subscribe(
    sql: &Sql<'_>,
    page: i64,
    email: &EmailAddress,
    wants: Wants,
    now: Timestamp,
) -> Result<(), StoreError> {
    if wants == Wants::Nothing {
        return Ok(());
    }
    sql.run(
        "INSERT INTO littoral_comment_subscription (id, page_id, email, email_key, kind, at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (page_id, email_key) DO UPDATE SET kind = excluded.kind",
        params![random_id(), page, email.as_str(), email.key(), wants.word(), now.as_microsecond()],
    )
    .map(drop)
}

/// Notes that a comment is to be told of, unless it was before or nobody wants to hear.
pub(super) fn begin(sql: &Sql<'_>, id: CommentId, now: Timestamp) -> Result<(), StoreError> {
    sql.run(
        "INSERT INTO littoral_comment_notice (comment_id, page_id, after, at, done)
             SELECT id, page_id, -1, $1, 0 FROM littoral_comment WHERE id = $2
                 AND EXISTS (SELECT 1 FROM littoral_comment_subscription s WHERE s.page_id = littoral_comment.page_id)
             ON CONFLICT (comment_id) DO NOTHING",
        params![now.as_microsecond(), id.0],
    )
    .map(drop)
}

/// The address of who wrote a comment, in small letters.
fn author_key(sql: &Sql<'_>, id: i64) -> Result<Option<String>, StoreError> {
    let found: Option<Option<String>> = sql.row(
        "SELECT COALESCE(m.email_key, g.email_key) FROM littoral_comment c
             LEFT JOIN littoral_member m ON m.id = c.member_id
             LEFT JOIN littoral_comment_guest g ON g.id = c.guest_id WHERE c.id = $1",
        params![id],
        |row| row.get(0),
    )?;
    Ok(found.flatten())
}

impl Store {
    /// The comment that was to be told of first, and the next of those who want it: `limit`
    /// subscriptions are looked at.
    pub async fn next_comment_notice(&self, limit: usize) -> Result<Option<CommentNotice>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            let due: Option<(i64, i64, i64)> = sql.row(
                "SELECT comment_id, page_id, after FROM littoral_comment_notice WHERE done = 0 ORDER BY at LIMIT 1",
                &[],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let Some((id, page, after)) = due else { return Ok(None) };
            let found = sql.row(&format!("SELECT {COLUMNS} FROM {FROM} WHERE c.id = $1"), params![id], comment)?;
            let Some(comment) = found else { return Ok(None) };
            let all: Vec<(i64, String, String, String)> = sql.rows(
                "SELECT id, email, email_key, kind FROM littoral_comment_subscription
                     WHERE page_id = $1 AND id > $2 ORDER BY id LIMIT $3",
                params![page, after, limit],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?;
            let next = all.last().filter(|_| all.len() as i64 == limit).map(|(id, ..)| *id);
            let own = author_key(sql, id)?;
            let answered = match &comment.parent {
                Some((parent, _)) => author_key(sql, parent.0)?,
                None => None,
            };
            let is_for = |key: &String, wants: Wants| match wants {
                _ if Some(key) == own.as_ref() => false,
                Wants::Thread => true,
                Wants::Replies => Some(key) == answered.as_ref(),
                Wants::Nothing => false,
            };
            let is_shown = comment.state == CommentState::Shown;
            let subscribers = all
                .into_iter()
                .filter(|(_, _, key, kind)| is_shown && is_for(key, Wants::parse(kind)))
                .filter_map(|(id, email, _, kind)| {
                    Some(Subscriber { id, email: EmailAddress::parse(&email).ok()?, wants: Wants::parse(&kind) })
                })
                .collect();
            Ok(Some(CommentNotice { comment, subscribers, after, next }))
        })
        .await
    }

    /// Puts the letters for those of a notice into the outbox. Does nothing when another has
    /// been here meanwhile.
    pub async fn comment_notice_written(
        &self,
        notice: &CommentNotice,
        letters: Vec<Letter>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (id, before, next) = (notice.comment.id.0, notice.after, notice.next);
        self.write(Durability::Durable, move |sql| {
            let taken = sql.run(
                "UPDATE littoral_comment_notice SET after = $1, done = $2 WHERE comment_id = $3 AND after = $4 AND done = 0",
                params![next.unwrap_or(before), next.is_none(), id, before],
            )?;
            if taken == 0 {
                return Ok(());
            }
            letters.iter().try_for_each(|letter| post(sql, Lane::Bulk, letter, now).map(drop))
        })
        .await
    }

    /// The page that a subscription is about, by path.
    pub async fn comment_subscription(&self, id: i64) -> Result<Option<String>, StoreError> {
        self.read(move |sql| {
            sql.row(
                "SELECT p.path FROM littoral_comment_subscription s JOIN littoral_comment_page p ON p.id = s.page_id
                     WHERE s.id = $1",
                params![id],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Ends a subscription. Says whether there was one.
    pub async fn end_comment_subscription(&self, id: i64) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            Ok(sql.run("DELETE FROM littoral_comment_subscription WHERE id = $1", params![id])? > 0)
        })
        .await
    }
}
