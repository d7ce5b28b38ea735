//! Sessions: which browsers are remembered, and for whom.
//!
//! The store sees only the digest of a session's token: who reads the file cannot sign in
//! with what stands in it.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{self, COLUMN_COUNT, Member, MemberId, fill_preferences, random_id, time};
use super::changes;
use super::comments;
use super::door::{Durability, Store};
use super::forms::forget_visitors;
use super::links::forget_links;
use super::members::forget_leaving;
use super::newsletter::forget_pending;
use super::notification::forget_notices;
use super::outbox::forget_delivered;
use super::preferences::Preferences;
use super::security::{self, Client, EventKind, forget_events};
use super::sql::{Sql, params};

/// How many sessions one member may have; a further one ends the one unseen for longest.
const SESSIONS_A_MEMBER: i64 = 50;
/// How many expired rows one sweep removes, so that no sweep holds the writer up.
const SWEPT_AT_ONCE: i64 = 1_000;
/// How many members one sweep deletes: with each goes all that is theirs.
const LEAVING_AT_ONCE: i64 = 10;
/// How much of `User-Agent` is kept, in bytes.
pub(super) const AGENT: usize = 200;

/// The BLAKE3 digest of a session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionDigest([u8; 32]);

impl SessionDigest {
    /// The digest of a token.
    pub fn of(token: &[u8]) -> Self {
        Self(*blake3::hash(token).as_bytes())
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

/// What a page names a session by; of no use to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId(pub(super) i64);

impl SessionId {
    /// The number in a form.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The session with this number; whose it is is looked at when it is used.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// A session that lives.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name on a page.
    pub id: SessionId,
    /// Its key.
    pub digest: SessionDigest,
    /// Whose it is; a visitor's when `None`.
    pub member: Option<Member>,
    /// When it began, by signing in if it is a member's.
    pub created_at: Timestamp,
    /// When the last request came that was noted.
    pub seen_at: Timestamp,
    /// What the visitor chose; a member's choices are in `member`.
    pub visitor_preferences: Preferences,
}

/// A session to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The digest of its token.
    pub digest: SessionDigest,
    /// Whose.
    pub member: Option<MemberId>,
    /// What was chosen before: a visitor's go into the session, a member's fill the gaps of
    /// the account.
    pub preferences: Preferences,
    /// The session that this one replaces, which ends.
    pub replaces: Option<SessionDigest>,
    /// `User-Agent`.
    pub agent: String,
    /// How long it lives without a request.
    pub idle: SignedDuration,
    /// How long it lives at most.
    pub longest: SignedDuration,
}

/// A session as its owner sees it in a list.
#[derive(Clone, Debug)]
pub struct ListedSession {
    /// What to revoke it by.
    pub id: SessionId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// `User-Agent`, cut short.
    pub agent: String,
}

impl Store {
    /// The session with this digest, if it lives.
    pub async fn session(&self, digest: &SessionDigest, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let digest = *digest;
        self.read(move |sql| {
            let statement = format!(
                "SELECT {}, s.id, s.seen_at, s.theme, s.text_size, s.created_at
                 FROM littoral_session s LEFT JOIN littoral_member m ON m.id = s.member_id
                 WHERE s.digest = $1 AND s.expires_at > $2 AND m.disabled_at IS NULL AND m.delete_at IS NULL",
                accounts::COLUMNS
            );
            sql.row(&statement, params![digest.0, now.as_microsecond()], |row| {
                let of_member = row.get::<Option<i64>>(0)?.is_some();
                Ok(Session {
                    member: of_member.then(|| accounts::member(row, 0)).transpose()?,
                    id: SessionId(row.get(COLUMN_COUNT)?),
                    digest,
                    seen_at: time(row, COLUMN_COUNT + 1)?,
                    created_at: time(row, COLUMN_COUNT + 4)?,
                    visitor_preferences: Preferences::from_words(
                        row.get(COLUMN_COUNT + 2)?,
                        row.get(COLUMN_COUNT + 3)?,
                    ),
                })
            })
        })
        .await
    }

    /// Begins a session, and ends the one that it replaces, in one step.
    pub async fn begin_session(&self, new: NewSession, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| begin(sql, &new, now)).await
    }

    /// Notes that a session was used, which puts off its end. The last such notes may be
    /// lost with the machine; a session then ends a little early.
    pub async fn see_session(
        &self,
        session: SessionDigest,
        idle: SignedDuration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            sql.run(
                "UPDATE littoral_session SET seen_at = $1, expires_at = CASE WHEN $2 < ends_at THEN $2 ELSE ends_at END
                     WHERE digest = $3 AND expires_at > $1 AND seen_at < $1",
                params![now.as_microsecond(), moment_after(now, idle), session.0],
            )
            .map(drop)
        })
        .await
    }

    /// Ends a session.
    pub async fn end_session(&self, session: SessionDigest) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_session WHERE digest = $1", params![session.0]).map(drop)
        })
        .await
    }

    /// The living sessions of a member, the latest used first.
    pub async fn sessions_of(&self, member: MemberId, now: Timestamp) -> Result<Vec<ListedSession>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT id, created_at, seen_at, agent FROM littoral_session
                     WHERE member_id = $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 100",
                params![member.0, now.as_microsecond()],
                |row| {
                    Ok(ListedSession {
                        id: SessionId(row.get(0)?),
                        created_at: time(row, 1)?,
                        seen_at: time(row, 2)?,
                        agent: row.get(3)?,
                    })
                },
            )
        })
        .await
    }

    /// Ends one session of a member; another's is left alone. Says whether there was one.
    pub async fn revoke_session(
        &self,
        member: MemberId,
        session: SessionId,
        client: Client,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let ended =
                sql.run("DELETE FROM littoral_session WHERE id = $1 AND member_id = $2", params![session.0, member.0])?;
            if ended > 0 {
                security::note(sql, Some(member), EventKind::SessionEnded, &client, now)?;
            }
            Ok(ended > 0)
        })
        .await
    }

    /// Ends all sessions of a member but one. Says how many.
    pub async fn revoke_other_sessions(
        &self,
        member: MemberId,
        kept: SessionDigest,
        client: Client,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let ended = sql
                .run("DELETE FROM littoral_session WHERE member_id = $1 AND digest <> $2", params![member.0, kept.0])?;
            if ended > 0 {
                security::note(sql, Some(member), EventKind::SessionEnded, &client, now)?;
            }
            Ok(ended)
        })
        .await
    }

    /// Removes what has expired, a bounded number of rows. Says whether there may be more.
    pub async fn sweep(&self, moment: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            let now = moment.as_microsecond();
            let sessions = sql.run(
                "DELETE FROM littoral_session WHERE digest IN
                     (SELECT digest FROM littoral_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
                params![now, SWEPT_AT_ONCE],
            )?;
            let attempts = sql.run(
                "DELETE FROM littoral_attempt WHERE subject IN
                     (SELECT subject FROM littoral_attempt WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)",
                params![now, SWEPT_AT_ONCE],
            )?;
            let visitors = forget_visitors(sql, now, SWEPT_AT_ONCE)?;
            let changes = changes::forget(sql, moment, SWEPT_AT_ONCE)?;
            let messages = forget_delivered(sql, now, SWEPT_AT_ONCE)?;
            let comments = comments::forget(sql, moment, SWEPT_AT_ONCE)?;
            let links = forget_links(sql, now, SWEPT_AT_ONCE)?;
            let events = forget_events(sql, moment, SWEPT_AT_ONCE)?;
            let leaving = forget_leaving(sql, moment, LEAVING_AT_ONCE)? * (SWEPT_AT_ONCE / LEAVING_AT_ONCE) as u64;
            let pending = forget_pending(sql, now, SWEPT_AT_ONCE)?;
            let notices = forget_notices(sql, moment, SWEPT_AT_ONCE)?;
            let all =
                [sessions, attempts, visitors, changes, messages, comments, links, events, leaving, pending, notices];
            let most = all.into_iter().max().unwrap_or_default();
            Ok(most as i64 >= SWEPT_AT_ONCE)
        })
        .await
    }
}

/// Begins a session, in the transaction of `sql`.
pub(super) fn begin(sql: &Sql<'_>, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
    let (created, ends) = (now.as_microsecond(), moment_after(now, new.longest));
    let expires = moment_after(now, new.idle).min(ends);
    if let Some(replaced) = new.replaces {
        sql.run("DELETE FROM littoral_session WHERE digest = $1", params![replaced.0])?;
    }
    let (theme, text_size) = match new.member {
        Some(member) => {
            fill_preferences(sql, member, new.preferences)?;
            sql.run(
                "DELETE FROM littoral_session WHERE digest IN (SELECT digest FROM littoral_session WHERE member_id = $1
                     ORDER BY seen_at DESC LIMIT 1000 OFFSET $2)",
                params![member.0, SESSIONS_A_MEMBER - 1],
            )?;
            (None, None)
        }
        None => new.preferences.words(),
    };
    sql.run(
        "INSERT INTO littoral_session
                 (digest, id, member_id, created_at, seen_at, expires_at, ends_at, agent, theme, text_size)
             VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
        params![
            new.digest.0,
            random_id(),
            new.member.map(|member| member.0),
            created,
            expires,
            ends,
            cut(&new.agent, AGENT),
            theme,
            text_size
        ],
    )
    .map(drop)
}

/// Ends all sessions of a member, in the transaction of `sql`.
pub(super) fn end_all(sql: &Sql<'_>, member: MemberId) -> Result<u64, StoreError> {
    sql.run("DELETE FROM littoral_session WHERE member_id = $1", params![member.0])
}

/// `now` and `span` later, in microseconds.
pub(super) fn moment_after(now: Timestamp, span: SignedDuration) -> i64 {
    let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    now.as_microsecond().saturating_add(span).min(Timestamp::MAX.as_microsecond())
}

/// At most the first `limit` bytes of `text`, whole characters.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
