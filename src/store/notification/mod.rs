//! Notifications: what members are told, in the site and by mail.
//!
//! Whoever has something to tell does it by [`notify`], in the transaction of its cause. How a
//! member wants to be told is looked up there: by mail at once, once a day, once a week, or in
//! the site alone. What goes by mail is put into a *parcel*, one for each member and kind, or
//! one for each member and digest; `parcels` has the letters made of them. So nothing is told
//! that did not take place, and a letter is made once, whoever is killed in between.
//!
//! Knows nothing of templates.

mod alerts;
mod choices;
mod list;
mod parcels;

pub use alerts::{Alert, Device};
pub use choices::{ByMail, Choice, OffToken};
pub use list::{ListedNotice, NoticePlace, UNREAD_COUNTED};
pub use parcels::{ClaimedParcel, Contents};

use jiff::Timestamp;
use serde_json::Value as Json;

use super::StoreError;
use super::accounts::{MemberId, random_id};
use super::sql::{Dialect, Sql, params};
use choices::by_mail;

/// On PostgreSQL, what other nodes listen to.
const CHANNEL: &str = "littoral_notification";
/// How long one is kept.
const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(180 * 24);
/// How long a subject may be, in bytes; it stands in lists and is the subject of a letter.
const SUBJECT: usize = 200;

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Somebody has answered to them.
    Reply,
    /// Somebody has named them.
    Mention,
    /// Something waits for a moderator.
    Moderation,
    /// Their account.
    Account,
    /// The newsletter.
    Newsletter,
    /// Something is wrong with the site: for administrators.
    Alert,
}

impl NoticeKind {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Reply, Self::Mention, Self::Moderation, Self::Account, Self::Newsletter, Self::Alert];

    /// As it stands in the store, in forms and in links.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Mention => "mention",
            Self::Moderation => "moderation",
            Self::Account => "account",
            Self::Newsletter => "newsletter",
            Self::Alert => "alert",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How members are told of it by mail who have not chosen.
    pub fn usual(self) -> ByMail {
        match self {
            Self::Reply | Self::Mention | Self::Account | Self::Alert => ByMail::AtOnce,
            Self::Moderation => ByMail::Daily,
            Self::Newsletter => ByMail::Never,
        }
    }
}

/// Something to tell a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Whom.
    pub member: MemberId,
    /// What it is about.
    pub kind: NoticeKind,
    /// In one line.
    pub subject: String,
    /// Where it leads: a path of the site.
    pub link: String,
    /// For templates: whatever the cause has.
    pub data: Json,
}

/// Tells a member, in the transaction of `sql`. The edge is to be told afterwards
/// (`Edge::notified`), so that nobody waits.
pub(super) fn notify(sql: &Sql<'_>, notice: &Notice, now: Timestamp) -> Result<(), StoreError> {
    let Notice { member, kind, subject, link, data } = notice;
    let subject: String = subject.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let subject = &subject[..subject.floor_char_boundary(SUBJECT)];
    // Nobody is led out of the site.
    let is_path = link.starts_with('/') && !link.starts_with("//") && !link.contains(['\\', '\n', '\r', '\0']);
    let link = if is_path { link.as_str() } else { "/notifications" };
    let by_mail = by_mail(sql, *member, *kind)?;
    let parcel = by_mail.parcel(*kind);
    sql.run(
        "INSERT INTO littoral_notification (id, member_id, kind, subject, link, data, created_at, parcel)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![random_id(), member.0, kind.word(), subject, link, data.to_string(), now.as_microsecond(), parcel],
    )?;
    if let Some(parcel) = parcel {
        sql.run(
            "INSERT INTO littoral_parcel (member_id, parcel, due_at) VALUES ($1, $2, $3)
                 ON CONFLICT (member_id, parcel) DO NOTHING",
            params![member.0, parcel, by_mail.due(now)],
        )?;
        choices::have_secret(sql, *member)?;
    }
    if sql.dialect() == Dialect::Postgres {
        // Sent when the transaction is committed; the same twice is told once.
        sql.batch("NOTIFY littoral_notification")?;
    }
    Ok(())
}

/// Removes what is too old. Says how many.
pub(super) fn forget_notices(sql: &Sql<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let before = now.saturating_sub(KEPT).map_or(i64::MIN, Timestamp::as_microsecond);
    sql.run(
        "DELETE FROM littoral_notification WHERE id IN
             (SELECT id FROM littoral_notification WHERE created_at <= $1 ORDER BY created_at LIMIT $2)",
        params![before, limit],
    )
}
