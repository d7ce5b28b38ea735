//! One comment comes, is confirmed, is changed or taken away by its author.
//!
//! Whether it is shown at once is decided in the transaction that keeps it: by the rules of the
//! site, by what its author has had let through, and by what moderators have blocked.

use jiff::{SignedDuration, Timestamp};

use super::blocks::{self, Suspect};
use super::guests::{self, GuestId};
use super::tell::{self, Wants};
use super::{COLUMNS, Comment, CommentId, CommentState, FROM, comment, has_changed, note, one, paths};
use crate::site::comments::Moderation;
use crate::store::StoreError;
use crate::store::accounts::{MemberId, random_id};
use crate::store::changes::ChangeDeed;
use crate::store::door::{Durability, Store};
use crate::store::email_address::EmailAddress;
use crate::store::letters::{Lane, Letter, post};
use crate::store::sessions::moment_after;
use crate::store::sql::{Sql, params};

/// How long the same comment of the same author is taken for a second click.
const TWICE_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// How long the link in a letter can be followed.
pub(super) const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A member, with their address.
    Member(MemberId, EmailAddress),
    /// A guest whose browser has a cookie of ours.
    Guest(GuestId, EmailAddress),
    /// Whoever says that this is their address: the digest of what is in the letter, and the
    /// letter.
    Unconfirmed(EmailAddress, [u8; 32], Box<Letter>),
}

impl Author {
    fn email(&self) -> &EmailAddress {
        match self {
            Self::Member(_, email) | Self::Guest(_, email) | Self::Unconfirmed(email, ..) => email,
        }
    }
}

/// Why a comment is not shown at once, whoever its author is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// A moderator shall look at it.
    Waits(String),
    /// It is put where spam is.
    LooksLikeSpam(String),
}

/// What decides whether a comment is shown at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When a moderator looks at it.
    pub moderation: Moderation,
    /// With trust: after how many that were let through.
    pub trusted_after: u32,
    /// A moderator's own.
    pub is_trusted: bool,
    /// What was seen in it.
    pub suspicion: Option<Suspicion>,
}

/// A comment that comes.
#[derive(Clone, Debug)]
pub struct NewComment {
    /// The path of the page.
    pub page: String,
    /// What it answers.
    pub parent: Option<CommentId>,
    /// Whose it is.
    pub author: Author,
    /// What they are called.
    pub name: String,
    /// As it was typed.
    pub source: String,
    /// As it is shown.
    pub html: String,
    /// By which version of the writer.
    pub writer: i64,
    /// What decides whether it is shown.
    pub rules: Rules,
    /// Keyed digest of where it comes from.
    pub network: [u8; 32],
    /// Of content and author: the same twice is one comment.
    pub once: [u8; 32],
    /// What the author wants letters about.
    pub wants: Wants,
    /// Pages whose last comment is older take no more.
    pub closed_before: Option<Timestamp>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is kept.
    Now(CommentId, CommentState),
    /// It was kept a moment ago: a second click.
    Before(CommentId, CommentState),
    /// What it answers is not there any more.
    NoParent,
    /// The page takes no more.
    Closed,
}

/// What became of a confirmation.
#[derive(Clone, Debug, PartialEq)]
pub enum Confirmed {
    /// The comment is the guest's now.
    Now(CommentId, CommentState),
    /// The link is too old, was followed already, or never was one.
    Expired,
}

/// What became of a change by the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is changed.
    Now(CommentState),
    /// It is not theirs, not there, or can be changed no more.
    NotTheirs,
}

/// Whether it is shown, and if not, why.
fn decide(
    sql: &Sql<'_>,
    rules: &Rules,
    author: (Option<MemberId>, Option<GuestId>),
    suspect: &Suspect<'_>,
) -> Result<(CommentState, String), StoreError> {
    if let Some(why) = blocks::of(sql, suspect)? {
        return Ok((CommentState::Spam, why.to_owned()));
    }
    match &rules.suspicion {
        Some(Suspicion::LooksLikeSpam(why)) if !rules.is_trusted => return Ok((CommentState::Spam, why.clone())),
        Some(Suspicion::Waits(why)) if !rules.is_trusted => return Ok((CommentState::Waiting, why.clone())),
        _ => {}
    }
    let is_let_through = rules.is_trusted
        || match rules.moderation {
            Moderation::After => true,
            Moderation::Before => false,
            Moderation::Trust => let_through(sql, author, rules.trusted_after)? >= i64::from(rules.trusted_after),
        };
    Ok(match is_let_through {
        true => (CommentState::Shown, String::new()),
        false => (CommentState::Waiting, String::new()),
    })
}

/// How many comments of this author can be read, up to so many.
fn let_through(sql: &Sql<'_>, author: (Option<MemberId>, Option<GuestId>), most: u32) -> Result<i64, StoreError> {
    let (column, id) = match author {
        (Some(member), _) => ("member_id", member.0),
        (None, Some(guest)) => ("guest_id", guest.0),
        (None, None) => return Ok(0),
    };
    let statement = format!(
        "SELECT count(*) FROM (SELECT 1 FROM littoral_comment WHERE {column} = $1 AND state = 'shown' LIMIT $2) AS found"
    );
    Ok(sql.row(&statement, params![id, i64::from(most)], |row| row.get(0))?.unwrap_or_default())
}

fn keep(sql: &Sql<'_>, id: i64, new: &NewComment, now: Timestamp) -> Result<Posted, StoreError> {
    let at = now.as_microsecond();
    let since = at.saturating_sub(i64::try_from(TWICE_WITHIN.as_micros()).unwrap_or(i64::MAX));
    let before: Option<(i64, String)> = sql.row(
        "SELECT id, state FROM littoral_comment WHERE once = $1 AND created_at > $2",
        params![new.once, since],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if let Some((before, state)) = before {
        let state = CommentState::parse(&state).unwrap_or(CommentState::Waiting);
        return Ok(Posted::Before(CommentId(before), state));
    }
    sql.run(
        "INSERT INTO littoral_comment_page (id, path, last, shown, last_at) VALUES ($1, $2, 0, 0, $3)
             ON CONFLICT (path) DO NOTHING",
        params![id, new.page, at],
    )?;
    if let Some(closed_before) = new.closed_before {
        let last_at: Option<i64> =
            sql.row("SELECT last_at FROM littoral_comment_page WHERE path = $1", params![new.page], |row| row.get(0))?;
        if last_at.is_some_and(|last_at| last_at < closed_before.as_microsecond()) {
            return Ok(Posted::Closed);
        }
    }
    let parent: Option<(String, i64, i64)> = match new.parent {
        None => None,
        Some(parent) => {
            let found = sql.row(
                "SELECT c.path, c.root, c.level FROM littoral_comment c JOIN littoral_comment_page p ON p.id = c.page_id
                     WHERE c.id = $1 AND p.path = $2 AND c.state = 'shown'",
                params![parent.0, new.page],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            match found {
                Some(found) => Some(found),
                None => return Ok(Posted::NoParent),
            }
        }
    };
    let (member, guest, confirm) = match &new.author {
        Author::Member(member, _) => (Some(*member), None, None),
        Author::Guest(guest, _) => (None, Some(*guest), None),
        Author::Unconfirmed(email, digest, _) => (None, Some(guests::met(sql, email, now)?), Some(*digest)),
    };
    let suspect = Suspect { member, email_key: &new.author.email().key(), network: &new.network, text: &new.source };
    let (state, why) = match confirm {
        Some(_) => (CommentState::Unconfirmed, String::new()),
        None => decide(sql, &new.rules, (member, guest), &suspect)?,
    };
    let (page, number): (i64, i64) = sql
        .row(
            "UPDATE littoral_comment_page SET last = last + 1, last_at = $1 WHERE path = $2 RETURNING id, last",
            params![at, new.page],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .ok_or(StoreError::Interrupted)?;
    let root = parent.as_ref().map_or(number, |(_, root, _)| *root);
    let level = parent.as_ref().map_or(0, |(_, _, level)| level + 1);
    let (path, newest) = paths(parent.as_ref().map(|(path, ..)| path.as_str()), root, number);
    sql.run(
        "INSERT INTO littoral_comment (id, page_id, parent_id, number, root, level, path, newest, rank, member_id,
             guest_id, name, source, html, writer, state, listed, replies, why, likes, reports, created_at, network,
             once, confirm, wants)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15, 0, 0, $16, 0, 0, $17, $18, $19,
             $20, $21)",
        params![
            id,
            page,
            new.parent.map(|parent| parent.0),
            number,
            root,
            level,
            path,
            newest,
            member.map(|member| member.0),
            guest.map(|guest| guest.0),
            new.name,
            new.source,
            new.html,
            new.writer,
            state.word(),
            why,
            at,
            new.network,
            new.once,
            confirm,
            new.wants.word()
        ],
    )?;
    let kept = one(sql, CommentId(id))?.ok_or(StoreError::Interrupted)?;
    if confirm.is_none() {
        tell::subscribe(sql, page, new.author.email(), new.wants, now)?;
    }
    if state == CommentState::Shown {
        has_changed(sql, &kept, CommentState::Waiting, state, now)?;
    }
    if let Author::Unconfirmed(_, _, letter) = &new.author {
        post(sql, Lane::Prompt, letter, now)?;
    }
    Ok(Posted::Now(CommentId(id), state))
}

impl Store {
    /// Keeps a comment, unless the same came from the same author a moment ago.
    pub async fn post_comment(&self, new: NewComment, now: Timestamp) -> Result<Posted, StoreError> {
        let id = random_id();
        self.write(Durability::Durable, move |sql| keep(sql, id, &new, now)).await
    }

    /// The comment that the link in a letter confirms, and the address that the letter went to.
    pub async fn comment_to_confirm(
        &self,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<(Comment, EmailAddress)>, StoreError> {
        self.read(move |sql| to_confirm(sql, digest, now)).await
    }

    /// Confirms it: its author has followed the link. Their browser is known by `cookie` from now on.
    pub async fn confirm_comment(
        &self,
        digest: [u8; 32],
        rules: Rules,
        cookie: [u8; 32],
        now: Timestamp,
    ) -> Result<Confirmed, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let Some((comment, email)) = to_confirm(sql, digest, now)? else { return Ok(Confirmed::Expired) };
            let Some(guest) = comment.guest else { return Ok(Confirmed::Expired) };
            guests::confirm(sql, guest, cookie, now)?;
            let (network, page, wants): (Option<Vec<u8>>, i64, String) = sql
                .row(
                    "SELECT network, page_id, wants FROM littoral_comment WHERE id = $1",
                    params![comment.id.0],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )?
                .ok_or(StoreError::Interrupted)?;
            let network = network.and_then(|network| network.try_into().ok()).unwrap_or([0; 32]);
            let suspect = Suspect { member: None, email_key: &email.key(), network: &network, text: &comment.source };
            let (state, why) = decide(sql, &rules, (None, Some(guest)), &suspect)?;
            sql.run(
                "UPDATE littoral_comment SET state = $1, why = $2, confirm = NULL WHERE id = $3",
                params![state.word(), why, comment.id.0],
            )?;
            tell::subscribe(sql, page, &email, Wants::parse(&wants), now)?;
            has_changed(sql, &comment, CommentState::Unconfirmed, state, now)?;
            Ok(Confirmed::Now(comment.id, state))
        })
        .await
    }

    /// Changes a comment for its author, if it came after `since`. It is judged anew where
    /// moderators see comments before others.
    pub async fn change_comment(
        &self,
        id: CommentId,
        author: Author,
        (source, html, writer): (String, String, i64),
        rules: Rules,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let Some(comment) = theirs(sql, id, &author)?.filter(|comment| comment.created_at >= since) else {
                return Ok(Changed::NotTheirs);
            };
            if !matches!(comment.state, CommentState::Shown | CommentState::Waiting) {
                return Ok(Changed::NotTheirs);
            }
            let network: Option<Vec<u8>> = sql
                .row("SELECT network FROM littoral_comment WHERE id = $1", params![id.0], |row| row.get(0))?
                .flatten();
            let network = network.and_then(|network| network.try_into().ok()).unwrap_or([0; 32]);
            let suspect =
                Suspect { member: comment.member, email_key: &author.email().key(), network: &network, text: &source };
            let (state, why) = match decide(sql, &rules, (comment.member, comment.guest), &suspect)? {
                // What a moderator has let through stays, as long as nothing new is to be seen in it.
                (CommentState::Waiting, why)
                    if why.is_empty()
                        && comment.state == CommentState::Shown
                        && rules.moderation != Moderation::Before =>
                {
                    (CommentState::Shown, String::new())
                }
                decided => decided,
            };
            sql.run(
                "UPDATE littoral_comment SET source = $1, html = $2, writer = $3, edited_at = $4, state = $5, why = $6
                     WHERE id = $7",
                params![source, html, writer, now.as_microsecond(), state.word(), why, id.0],
            )?;
            has_changed(sql, &comment, comment.state, state, now)?;
            if state == comment.state && state == CommentState::Shown {
                note(sql, &comment.page, ChangeDeed::Changed, now)?;
            }
            Ok(Changed::Now(state))
        })
        .await
    }

    /// Takes a comment away for its author. Its text is gone; its place stays while it has replies.
    pub async fn take_back_comment(
        &self,
        id: CommentId,
        author: Author,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let Some(comment) = theirs(sql, id, &author)? else { return Ok(Changed::NotTheirs) };
            if comment.state == CommentState::Deleted {
                return Ok(Changed::Now(CommentState::Deleted));
            }
            empty(sql, &comment, now)?;
            Ok(Changed::Now(CommentState::Deleted))
        })
        .await
    }

    /// Whether a comment is this author's.
    pub async fn comment_of(&self, id: CommentId, author: &Author) -> Result<Option<Comment>, StoreError> {
        let author = author.clone();
        self.read(move |sql| theirs(sql, id, &author)).await
    }
}

fn theirs(sql: &Sql<'_>, id: CommentId, author: &Author) -> Result<Option<Comment>, StoreError> {
    let is_theirs = |comment: &Comment| match author {
        Author::Member(member, _) => comment.member == Some(*member),
        Author::Guest(guest, _) => comment.guest == Some(*guest),
        Author::Unconfirmed(..) => false,
    };
    Ok(one(sql, id)?.filter(is_theirs))
}

/// Takes the text of a comment away, and all that was said about it.
pub(super) fn empty(sql: &Sql<'_>, comment: &Comment, now: Timestamp) -> Result<(), StoreError> {
    sql.run(
        "UPDATE littoral_comment SET state = 'deleted', source = '', html = '', why = '', name = '', member_id = NULL,
             guest_id = NULL, once = NULL, confirm = NULL, network = NULL, likes = 0, rank = 0, reports = 0
             WHERE id = $1",
        params![comment.id.0],
    )?;
    sql.run("DELETE FROM littoral_comment_like WHERE comment_id = $1", params![comment.id.0])?;
    sql.run("DELETE FROM littoral_comment_report WHERE comment_id = $1", params![comment.id.0])?;
    has_changed(sql, comment, comment.state, CommentState::Deleted, now)
}

fn to_confirm(sql: &Sql<'_>, digest: [u8; 32], now: Timestamp) -> Result<Option<(Comment, EmailAddress)>, StoreError> {
    // What came before this is too old.
    let since = now.as_microsecond() - (moment_after(now, CONFIRMED_WITHIN) - now.as_microsecond());
    let found = sql.row(
        &format!("SELECT {COLUMNS} FROM {FROM} WHERE c.confirm = $1 AND c.state = 'unconfirmed' AND c.created_at > $2"),
        params![digest, since],
        comment,
    )?;
    let Some(found) = found else { return Ok(None) };
    let guest = found.guest.map(|guest| guest.0);
    let email: Option<String> =
        sql.row("SELECT email FROM littoral_comment_guest WHERE id = $1", params![guest], |row| row.get(0))?;
    Ok(email.and_then(|email| EmailAddress::parse(&email).ok()).map(|email| (found, email)))
}
