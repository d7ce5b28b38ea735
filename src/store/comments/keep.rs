//! Comments going out and coming in; what becomes of those whose author goes; what expires.

use jiff::{SignedDuration, Timestamp};

use super::guests;
use super::post::CONFIRMED_WITHIN;
use super::{COLUMNS, Comment, CommentId, CommentState, FROM, comment, count, one, paths, place};
use crate::store::StoreError;
use crate::store::accounts::{MemberId, random_id};
use crate::store::audit;
use crate::store::changes::{ChangeDeed, note_in};
use crate::store::door::{Durability, Store};
use crate::store::email_address::EmailAddress;
use crate::store::sql::{Sql, params};

/// How long what was refused, or is spam, is kept.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long the digest of a network is kept.
const NETWORK_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What became of moving the comments of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// They are moved; so many can be read.
    Now(i64),
    /// There are none.
    Nothing,
    /// The other page has comments of its own.
    Taken,
}

/// What becomes of the texts of somebody who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextsOfTheGone {
    /// They stay, without a name.
    Kept,
    /// They are taken away; their places stay while they have replies.
    Removed,
}

/// A comment that comes from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct CommentRecord {
    /// What it is called there: a second import of it changes nothing.
    pub id: String,
    /// What it answers there.
    pub parent: Option<String>,
    /// The path of the page.
    pub page: String,
    /// What its author is called.
    pub name: String,
    /// Their address, if it is known.
    pub email: Option<EmailAddress>,
    /// As it was typed, and as it is shown, by which version of the writer.
    pub source: String,
    /// As it is shown.
    pub html: String,
    /// By which version of the writer.
    pub writer: i64,
    /// What has become of it.
    pub state: CommentState,
    /// When it came.
    pub created_at: Timestamp,
}

/// Takes the name off what a member has written, in the transaction that deletes them.
pub(in crate::store) fn anonymise(
    sql: &Sql<'_>,
    member: MemberId,
    texts: TextsOfTheGone,
    now: Timestamp,
) -> Result<(), StoreError> {
    let has_any: Option<i64> =
        sql.row("SELECT id FROM littoral_comment WHERE member_id = $1 LIMIT 1", params![member.0], |row| row.get(0))?;
    sql.run(
        "DELETE FROM littoral_comment_subscription WHERE email_key = (SELECT email_key FROM littoral_member WHERE id = $1)",
        params![member.0],
    )?;
    // What they like no more is counted no more.
    sql.run(
        "UPDATE littoral_comment SET likes = likes - 1, rank = rank + 1
             WHERE id IN (SELECT comment_id FROM littoral_comment_like WHERE member_id = $1)",
        params![member.0],
    )?;
    sql.run("DELETE FROM littoral_comment_like WHERE member_id = $1", params![member.0])?;
    if has_any.is_none() {
        return Ok(());
    }
    if texts == TextsOfTheGone::Removed {
        let ids = sql.rows("SELECT id FROM littoral_comment WHERE member_id = $1", params![member.0], |row| {
            row.get(0).map(CommentId)
        })?;
        for id in ids {
            let Some(comment) = one(sql, id)? else { continue };
            sql.run(
                "UPDATE littoral_comment SET state = 'deleted', source = '', html = '', why = '' WHERE id = $1",
                params![id.0],
            )?;
            if comment.state == CommentState::Shown {
                count(sql, id, -1)?;
            }
            place(sql, id)?;
        }
    }
    sql.run(
        "UPDATE littoral_comment SET name = '', member_id = NULL, once = NULL, network = NULL WHERE member_id = $1",
        params![member.0],
    )?;
    // Of no page: of all.
    note_in(sql, super::COMMENTS, ChangeDeed::Changed, None, now)
}

/// Removes what is kept no longer, a bounded number of rows. Says of how many.
pub(in crate::store) fn forget(sql: &Sql<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let before =
        |span: SignedDuration| now.as_microsecond().saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX));
    let mut most = 0;
    for (state, span) in [("unconfirmed", CONFIRMED_WITHIN), ("refused", REFUSED_FOR), ("spam", REFUSED_FOR)] {
        let gone = sql.run(
            "DELETE FROM littoral_comment WHERE id IN
                 (SELECT id FROM littoral_comment WHERE state = $1 AND created_at < $2 AND listed = 0
                      ORDER BY created_at LIMIT $3)",
            params![state, before(span), limit],
        )?;
        most = most.max(gone);
    }
    let tokens = sql.run(
        "DELETE FROM littoral_comment_guest_token WHERE digest IN
             (SELECT digest FROM littoral_comment_guest_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        params![now.as_microsecond(), limit],
    )?;
    let guests = sql.run(
        "DELETE FROM littoral_comment_guest WHERE id IN
             (SELECT g.id FROM littoral_comment_guest g
                  WHERE NOT EXISTS (SELECT 1 FROM littoral_comment c WHERE c.guest_id = g.id)
                    AND NOT EXISTS (SELECT 1 FROM littoral_comment_guest_token t WHERE t.guest_id = g.id) LIMIT $1)",
        params![limit],
    )?;
    most = most.max(guests);
    let networks = sql.run(
        "UPDATE littoral_comment SET network = NULL, once = NULL WHERE id IN
             (SELECT id FROM littoral_comment WHERE once IS NOT NULL AND created_at < $1
                  ORDER BY created_at LIMIT $2)",
        params![before(NETWORK_FOR), limit],
    )?;
    Ok(most.max(tokens).max(networks))
}

impl Store {
    /// A part of all comments behind `after`, in the order of their numbers, whatever has become
    /// of them.
    pub async fn all_comments(&self, after: i64, limit: usize) -> Result<Vec<Comment>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                &format!("SELECT {COLUMNS} FROM {FROM} WHERE c.id > $1 ORDER BY c.id LIMIT $2"),
                params![after, limit],
                comment,
            )
        })
        .await
    }

    /// Takes comments in that come from elsewhere, those before their replies. Says how many were
    /// new. What answers something that is not there begins a thread of its own.
    pub async fn import_comments(&self, records: Vec<CommentRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let mut new = 0;
            for record in &records {
                new += u64::from(import(sql, record, now)?);
            }
            if new > 0 {
                audit::note(sql, None, "comment.import", &format!("{new} comments"), now)?;
                note_in(sql, super::COMMENTS, ChangeDeed::Imported, None, now)?;
            }
            Ok(new)
        })
        .await
    }
}

/// The number that a comment from elsewhere has here: always the same, so that it is taken once. A
/// number stays what it is: what was brought out can be brought in again, and links hold.
fn id_of(page: &str, id: &str) -> i64 {
    if let Ok(number @ 1..=9_007_199_254_740_991) = id.parse() {
        return number;
    }
    let digest = blake3::hash(format!("{page}\0{id}").as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    i64::from_le_bytes(bytes) & ((1 << 53) - 1)
}

fn import(sql: &Sql<'_>, record: &CommentRecord, now: Timestamp) -> Result<bool, StoreError> {
    let id = id_of(&record.page, &record.id);
    if one(sql, CommentId(id))?.is_some() {
        return Ok(false);
    }
    let at = record.created_at.as_microsecond();
    sql.run(
        "INSERT INTO littoral_comment_page (id, path, last, shown, last_at) VALUES ($1, $2, 0, 0, $3)
             ON CONFLICT (path) DO NOTHING",
        params![random_id(), record.page, at],
    )?;
    let (page, number): (i64, i64) = sql
        .row(
            "UPDATE littoral_comment_page SET last = last + 1,
                 last_at = CASE WHEN last_at < $1 THEN $1 ELSE last_at END WHERE path = $2 RETURNING id, last",
            params![at, record.page],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .ok_or(StoreError::Interrupted)?;
    let parent = record.parent.as_ref().map(|parent| id_of(&record.page, parent));
    let above: Option<(String, i64, i64)> = match parent {
        Some(parent) => {
            sql.row("SELECT path, root, level FROM littoral_comment WHERE id = $1", params![parent], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
        }
        None => None,
    };
    let parent = parent.filter(|_| above.is_some());
    let root = above.as_ref().map_or(number, |(_, root, _)| *root);
    let level = above.as_ref().map_or(0, |(_, _, level)| level + 1);
    let (path, newest) = paths(above.as_ref().map(|(path, ..)| path.as_str()), root, number);
    let guest = match &record.email {
        Some(email) => Some(guests::met(sql, email, now)?),
        None => None,
    };
    sql.run(
        "INSERT INTO littoral_comment (id, page_id, parent_id, number, root, level, path, newest, rank, guest_id, name,
             source, html, writer, state, listed, replies, why, likes, reports, created_at, wants)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14, 0, 0, '', 0, 0, $15, 'nothing')",
        params![
            id,
            page,
            parent,
            number,
            root,
            level,
            path,
            newest,
            guest.map(|guest| guest.0),
            record.name,
            record.source,
            record.html,
            record.writer,
            record.state.word(),
            at
        ],
    )?;
    if record.state == CommentState::Shown {
        count(sql, CommentId(id), 1)?;
    }
    place(sql, CommentId(id))?;
    Ok(true)
}
