//! Comments: what readers have written below pages, and what moderators have made of it.
//!
//! ```text
//! mod        a comment, its states, and its place in the thread
//! post       one comes, is confirmed, is changed by its author
//! list       the comments of a page, in three orders; queues and feeds
//! judge      what moderators do, each once
//! react      likes and reports
//! guests     people without an account: addresses, cookies
//! blocks     what is not wanted again
//! tell       who gets letters, and what is left to be told
//! keep       out and in again, moved to another page, made nobody's
//! ```
//!
//! **The thread.** Each comment bears the numbers of those above it as one text that sorts as
//! a thread is read, so that a page of a thread is one range of an index, however long and
//! deep the thread is. Ten levels are in it; what is deeper stands behind the tenth in the
//! order it came. A path without a bound would be as long as the thread is deep.
//!
//! **Places.** A comment is *listed* when it is shown, or when a reply to it is: what was
//! deleted keeps its place above what was said to it, and nothing else of it.
//!
//! Texts come here twice, as typed and as HTML; what HTML is safe is `edge::comment`'s affair.

mod blocks;
mod guests;
mod judge;
mod keep;
mod list;
mod post;
mod react;
mod tell;

use jiff::Timestamp;
use serde_json::Value as Json;

pub use blocks::{Block, BlockKind};
pub use guests::{Guest, GuestId};
pub use judge::{Judged, Judgement, Verdict};
pub use keep::{CommentRecord, Moved, TextsOfTheGone};
pub(super) use keep::{anonymise, forget};
pub use list::{CommentOrder, CommentsFrom, CommentsPage, QueuePlace, Queued};
pub use post::{Author, Changed, Confirmed, NewComment, Posted, Rules, Suspicion};
pub use react::{Liked, Reported};
pub use tell::{CommentNotice, Subscriber, Wants};

use super::StoreError;
use super::accounts::{MemberId, time};
use super::changes::{ChangeDeed, note_in};
use super::door::{Durability, Store};
use super::sql::{Row, Sql, params};

/// What changes of comments are noted under among those of tables, with the path of the page as
/// the key: no table of the site can be called so.
pub const COMMENTS: &str = "littoral_comment";

/// How many levels a path holds.
const LEVELS: usize = 10;
/// How many digits each has.
const DIGITS: usize = 8;
/// How far up places are given back when the last reply goes.
const FURTHEST_UP: usize = 1_000;

/// Names a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommentId(pub(super) i64);

impl CommentId {
    /// The number in an address.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The comment with this number; whether there is one is looked at when it is used.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// What has become of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommentState {
    /// Everybody who may read the page can read it.
    Shown,
    /// A moderator is to look at it.
    Waiting,
    /// Its author has not followed the link in the letter yet.
    Unconfirmed,
    /// A moderator does not want it.
    Refused,
    /// It is, or looks like, what nobody has asked for.
    Spam,
    /// Its author or a moderator has taken it away; its text is gone.
    Deleted,
}

impl CommentState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Shown, Self::Waiting, Self::Unconfirmed, Self::Refused, Self::Spam, Self::Deleted];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Waiting => "waiting",
            Self::Unconfirmed => "unconfirmed",
            Self::Refused => "refused",
            Self::Spam => "spam",
            Self::Deleted => "deleted",
        }
    }

    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Who it is.
    pub id: CommentId,
    /// The path of its page, decoded.
    pub page: String,
    /// What it answers, and what its author is called.
    pub parent: Option<(CommentId, String)>,
    /// How deep it is, without a bound.
    pub level: i64,
    /// Its number in the page.
    pub number: i64,
    /// Whose it is.
    pub member: Option<MemberId>,
    /// Or of which guest.
    pub guest: Option<GuestId>,
    /// What its author was called; empty when they are gone.
    pub name: String,
    /// As it was typed.
    pub source: String,
    /// As it is shown.
    pub html: String,
    /// Which version of the writer has made that.
    pub writer: i64,
    /// What has become of it.
    pub state: CommentState,
    /// Why it waits; empty when it just does.
    pub why: String,
    /// How many like it.
    pub likes: i64,
    /// How many have reported it since a moderator looked.
    pub reports: i64,
    /// When it came.
    pub created_at: Timestamp,
    /// When its author changed it.
    pub edited_at: Option<Timestamp>,
    /// Who has decided what it is now.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
}

/// What makes a [`Comment`].
const COLUMNS: &str = "c.id, p.path, c.parent_id, u.name, c.level, c.number, c.member_id, c.guest_id, c.name, c.source,
     c.html, c.writer, c.state, c.why, c.likes, c.reports, c.created_at, c.edited_at, c.decided_by, c.decided_at";
/// Where it comes from. Left joins, although each has a page: so that no planner begins with the
/// pages, as SQLite's does when it has counted only one.
const FROM: &str = "littoral_comment c LEFT JOIN littoral_comment_page p ON p.id = c.page_id
     LEFT JOIN littoral_comment u ON u.id = c.parent_id";

fn comment(row: &Row<'_>) -> Result<Comment, StoreError> {
    let parent: Option<i64> = row.get(2)?;
    let parent_name: Option<String> = row.get(3)?;
    let moment = |column: usize| -> Result<Option<Timestamp>, StoreError> {
        match row.get::<Option<i64>>(column)? {
            Some(_) => time(row, column).map(Some),
            None => Ok(None),
        }
    };
    Ok(Comment {
        id: CommentId(row.get(0)?),
        page: row.get(1)?,
        parent: parent.map(|parent| (CommentId(parent), parent_name.unwrap_or_default())),
        level: row.get(4)?,
        number: row.get(5)?,
        member: row.get::<Option<i64>>(6)?.map(MemberId),
        guest: row.get::<Option<i64>>(7)?.map(GuestId),
        name: row.get(8)?,
        source: row.get(9)?,
        html: row.get(10)?,
        writer: row.get(11)?,
        // A word that a later program has written is shown to nobody.
        state: CommentState::parse(&row.get::<String>(12)?).unwrap_or(CommentState::Refused),
        why: row.get(13)?,
        likes: row.get(14)?,
        reports: row.get(15)?,
        created_at: time(row, 16)?,
        edited_at: moment(17)?,
        decided_by: row.get(18)?,
        decided_at: moment(19)?,
    })
}

fn one(sql: &Sql<'_>, id: CommentId) -> Result<Option<Comment>, StoreError> {
    sql.row(&format!("SELECT {COLUMNS} FROM {FROM} WHERE c.id = $1"), params![id.0], comment)
}

/// The path of the `number`th comment below `parent`, and the same for the order in which the
/// newest thread comes first.
fn paths(parent: Option<&str>, root: i64, number: i64) -> (String, String) {
    let above = parent.map_or("", |path| &path[..path.len().min((LEVELS - 1) * DIGITS)]);
    let path = format!("{above}{number:08x}");
    let newest = format!("{:08x}{}", i64::from(u32::MAX) - root, path.get(DIGITS..).unwrap_or_default());
    (path, newest)
}

/// Notes that something can be read below `page` that could not, or the other way round.
fn note(sql: &Sql<'_>, page: &str, deed: ChangeDeed, now: Timestamp) -> Result<(), StoreError> {
    note_in(sql, COMMENTS, deed, Some(&Json::from(page)), now)
}

/// Gives a comment its place in the thread, or takes it, after its state has become another; and
/// those above it theirs.
fn place(sql: &Sql<'_>, id: CommentId) -> Result<(), StoreError> {
    let mut id = id.0;
    for _ in 0..FURTHEST_UP {
        let found: Option<(String, i64, i64, Option<i64>)> = sql.row(
            "SELECT state, replies, listed, parent_id FROM littoral_comment WHERE id = $1",
            params![id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let Some((state, replies, listed, parent)) = found else { return Ok(()) };
        let is_listed = state == CommentState::Shown.word() || replies > 0;
        if is_listed == (listed != 0) {
            return Ok(());
        }
        sql.run("UPDATE littoral_comment SET listed = $1 WHERE id = $2", params![is_listed, id])?;
        let Some(parent) = parent else { return Ok(()) };
        let by: i64 = if is_listed { 1 } else { -1 };
        sql.run("UPDATE littoral_comment SET replies = replies + $1 WHERE id = $2", params![by, parent])?;
        id = parent;
    }
    Ok(())
}

/// Counts a comment among those of its page that can be read, or no more.
fn count(sql: &Sql<'_>, id: CommentId, by: i64) -> Result<(), StoreError> {
    sql.run(
        "UPDATE littoral_comment_page SET shown = shown + $1
             WHERE id = (SELECT page_id FROM littoral_comment WHERE id = $2)",
        params![by, id.0],
    )
    .map(drop)
}

/// What is to be done when the state of a comment has changed from `before` to `after`.
fn has_changed(
    sql: &Sql<'_>,
    comment: &Comment,
    before: CommentState,
    after: CommentState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let by = i64::from(after == CommentState::Shown) - i64::from(before == CommentState::Shown);
    if by != 0 {
        count(sql, comment.id, by)?;
    }
    place(sql, comment.id)?;
    if by > 0 {
        tell::begin(sql, comment.id, now)?;
    }
    match by {
        0 => Ok(()),
        1 => note(sql, &comment.page, ChangeDeed::Created, now),
        _ => note(sql, &comment.page, ChangeDeed::Removed, now),
    }
}

impl Store {
    /// The comment with this number.
    pub async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError> {
        self.read(move |sql| one(sql, id)).await
    }

    /// What digests of networks and links in letters are derived from: random, and made when
    /// it is first asked for.
    pub async fn comment_key(&self) -> Result<[u8; 32], StoreError> {
        let read = |sql: &Sql<'_>| {
            sql.row("SELECT key FROM littoral_comment_key WHERE one = 1", &[], |row| row.get::<Vec<u8>>(0))
        };
        if let Some(key) = self.read(read).await?.and_then(|key| key.try_into().ok()) {
            return Ok(key);
        }
        let mut new = [0; 32];
        getrandom::fill(&mut new).map_err(|_| StoreError::Interrupted)?;
        let key = self
            .write(Durability::Durable, move |sql| {
                sql.run(
                    "INSERT INTO littoral_comment_key (one, key) VALUES (1, $1) ON CONFLICT (one) DO NOTHING",
                    params![new],
                )?;
                read(sql)
            })
            .await?;
        key.and_then(|key| key.try_into().ok()).ok_or(StoreError::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn paths_sort_as_a_thread_is_read() {
        let (first, _) = paths(None, 1, 1);
        let (second, _) = paths(None, 2, 2);
        let (reply, _) = paths(Some(&first), 1, 3);
        let (deeper, _) = paths(Some(&reply), 1, 9);
        let mut all = [&second, &deeper, &reply, &first];
        all.sort();
        assert_eq!(all, [&first, &reply, &deeper, &second]);
    }

    #[test]
    fn the_newest_thread_comes_first_and_is_read_from_its_beginning() {
        let (first, first_newest) = paths(None, 1, 1);
        let (_, second_newest) = paths(None, 2, 2);
        let (_, reply_newest) = paths(Some(&first), 1, 3);
        let mut all = [&first_newest, &reply_newest, &second_newest];
        all.sort();
        assert_eq!(all, [&second_newest, &first_newest, &reply_newest]);
    }

    #[test]
    fn a_path_has_an_end_however_deep_the_thread() {
        let mut path = paths(None, 1, 1).0;
        for number in 2..2_000 {
            let below = paths(Some(&path), 1, number).0;
            assert!(below > path && below.len() <= 80);
            path = below;
        }
    }
}
