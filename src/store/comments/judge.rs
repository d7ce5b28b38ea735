//! What moderators do.
//!
//! A moderator judges what they have seen: each judgement says in which state that was. When
//! another has judged meanwhile, nothing is done, and it is said who it was. Each judgement
//! is in the audit.

use jiff::Timestamp;

use super::post::empty;
use super::{CommentId, CommentState, blocks, has_changed, note, one};
use crate::store::StoreError;
use crate::store::accounts::MemberId;
use crate::store::audit;
use crate::store::changes::ChangeDeed;
use crate::store::door::{Durability, Store};
use crate::store::sql::{Sql, params};

/// What a moderator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be read; what was reported is found to be good.
    Approve,
    /// It cannot be read.
    Refuse,
    /// The same, because nobody has asked for it.
    Spam,
    /// Its text is taken away for ever.
    Delete,
    /// It is spam, and its author is blocked.
    Block,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Refuse, Self::Spam, Self::Delete, Self::Block];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Spam => "spam",
            Self::Delete => "delete",
            Self::Block => "block",
        }
    }

    /// The verdict of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }

    /// What becomes of a comment.
    fn state(self) -> CommentState {
        match self {
            Self::Approve => CommentState::Shown,
            Self::Refuse => CommentState::Refused,
            Self::Spam | Self::Block => CommentState::Spam,
            Self::Delete => CommentState::Deleted,
        }
    }
}

/// A comment to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Which.
    pub id: CommentId,
    /// What it was when the moderator saw it; none: whatever it is.
    pub seen: Option<CommentState>,
}

/// What became of a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is done; the page is another now.
    Done {
        /// The path of the page.
        page: String,
    },
    /// Another had decided before; nothing was done.
    Already {
        /// What it is.
        state: CommentState,
        /// Who has decided that; none: its author.
        by: Option<String>,
        /// When.
        at: Option<Timestamp>,
    },
    /// There is no such comment.
    Gone,
}

fn judge(
    sql: &Sql<'_>,
    by: Option<MemberId>,
    verdict: Verdict,
    judgement: Judgement,
    now: Timestamp,
) -> Result<Judged, StoreError> {
    let Some(comment) = one(sql, judgement.id)? else { return Ok(Judged::Gone) };
    let to = verdict.state();
    let is_cleared = verdict == Verdict::Approve && comment.state == CommentState::Shown && comment.reports > 0;
    let is_as_seen = judgement.seen.is_none_or(|seen| seen == comment.state);
    // A text that is gone cannot be shown again.
    let is_final = comment.state == CommentState::Deleted;
    if !is_as_seen || is_final || (comment.state == to && !is_cleared) {
        return Ok(Judged::Already { state: comment.state, by: comment.decided_by, at: comment.decided_at });
    }
    if verdict == Verdict::Block {
        blocks::author_of(sql, by, &comment, now)?;
    }
    let what = format!("comment {} on {}", comment.id.number(), comment.page);
    let name = audit::note(sql, by, &format!("comment.{}", verdict.word()), &what, now)?;
    if verdict == Verdict::Delete {
        empty(sql, &comment, now)?;
    } else {
        sql.run(
            "UPDATE littoral_comment SET state = $1, why = '', reports = 0, confirm = NULL WHERE id = $2",
            params![to.word(), comment.id.0],
        )?;
        sql.run("DELETE FROM littoral_comment_report WHERE comment_id = $1", params![comment.id.0])?;
        has_changed(sql, &comment, comment.state, to, now)?;
    }
    sql.run(
        "UPDATE littoral_comment SET decided_by = $1, decided_at = $2 WHERE id = $3",
        params![name, now.as_microsecond(), comment.id.0],
    )?;
    Ok(Judged::Done { page: comment.page })
}

impl Store {
    /// Judges comments, for a moderator or the command line: all of them in one step, each only
    /// if nobody has judged it since it was seen.
    pub async fn judge_comments(
        &self,
        by: Option<MemberId>,
        verdict: Verdict,
        judgements: Vec<Judgement>,
        now: Timestamp,
    ) -> Result<Vec<(CommentId, Judged)>, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let judged =
                judgements.iter().map(|judgement| Ok((judgement.id, judge(sql, by, verdict, *judgement, now)?)));
            judged.collect()
        })
        .await
    }

    /// Moves the comments of the page at `from` to the page at `to`, which must have none. Says
    /// how many can be read.
    pub async fn move_comments(
        &self,
        by: Option<MemberId>,
        from: &str,
        to: &str,
        now: Timestamp,
    ) -> Result<super::Moved, StoreError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.write(Durability::Durable, move |sql| {
            let page = |path: &str| {
                sql.row("SELECT id, last, shown FROM littoral_comment_page WHERE path = $1", params![path], |row| {
                    Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?))
                })
            };
            let Some((id, _, shown)) = page(&from)?.filter(|(_, last, _)| *last > 0) else {
                return Ok(super::Moved::Nothing);
            };
            if let Some((other, last, _)) = page(&to)? {
                if last > 0 {
                    return Ok(super::Moved::Taken);
                }
                sql.run("DELETE FROM littoral_comment_page WHERE id = $1", params![other])?;
            }
            sql.run("UPDATE littoral_comment_page SET path = $1 WHERE id = $2", params![to, id])?;
            audit::note(sql, by, "comment.move", &format!("the comments of {from} to {to}"), now)?;
            note(sql, &from, ChangeDeed::Removed, now)?;
            note(sql, &to, ChangeDeed::Changed, now)?;
            Ok(super::Moved::Now(shown))
        })
        .await
    }
}
