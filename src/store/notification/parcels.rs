//! Parcels: notifications that go by mail, until a letter is made of them.
//!
//! A parcel is claimed for a while, as messages of the outbox are, its letter is made outside
//! of the store, and one transaction puts that into the outbox and ends the parcel, if the claim
//! is still ours. What has come meanwhile goes with the next.

use jiff::{SignedDuration, Timestamp};

use super::choices::OffToken;
use super::list::ListedNotice;
use crate::store::StoreError;
use crate::store::accounts::{MemberId, random_id, time};
use crate::store::door::{Durability, Store};
use crate::store::letters::{Lane, Letter, post};
use crate::store::sessions::moment_after;
use crate::store::sql::{Dialect, params};

/// How many notifications one letter names; it counts the others.
const NAMED: i64 = 50;

/// A parcel that is ours until the lease ends.
#[derive(Clone, Debug)]
pub struct ClaimedParcel {
    /// Whose.
    pub member: MemberId,
    /// The word of a kind, `daily` or `weekly`.
    pub parcel: String,
    claim: i64,
}

/// What is in a parcel, and for whom it is.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The address.
    pub email: String,
    /// What the member is called.
    pub name: String,
    /// Those that were not read meanwhile, the newest first, at most so many as a letter names.
    pub notices: Vec<ListedNotice>,
    /// How many there are beside these.
    pub more: usize,
    /// For "no more of these".
    pub off: OffToken,
}

impl Store {
    /// When the next parcel goes; none when there is none.
    pub async fn next_parcel(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |sql| {
            sql.row("SELECT due_at FROM littoral_parcel ORDER BY due_at LIMIT 1", &[], |row| time(row, 0))
        })
        .await
    }

    /// Takes parcels that are due. Nobody else gets them before `lease` is over.
    pub async fn claim_parcels(
        &self,
        limit: usize,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<ClaimedParcel>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write_one(Durability::Relaxed, move |sql| {
            let claim = random_id();
            let pass_over = match sql.dialect() {
                Dialect::Sqlite => "",
                Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
            };
            let statement = format!(
                "WITH due AS MATERIALIZED (
                     SELECT member_id AS due_member, parcel AS due_parcel FROM littoral_parcel
                         WHERE due_at <= $1 ORDER BY due_at LIMIT $2 {pass_over})
                 UPDATE littoral_parcel SET due_at = $3, claim = $4
                     FROM due WHERE member_id = due_member AND parcel = due_parcel RETURNING member_id, parcel"
            );
            sql.rows(&statement, params![now.as_microsecond(), limit, moment_after(now, lease), claim], |row| {
                Ok(ClaimedParcel { member: MemberId(row.get(0)?), parcel: row.get(1)?, claim })
            })
        })
        .await
    }

    /// What is in a parcel; nothing when its member is gone.
    pub async fn contents(&self, parcel: &ClaimedParcel) -> Result<Option<Contents>, StoreError> {
        let (member, name) = (parcel.member, parcel.parcel.clone());
        self.read(move |sql| {
            let found = sql.row(
                "SELECT m.email, m.name, s.secret FROM littoral_member m
                     JOIN littoral_letter_secret s ON s.member_id = m.id WHERE m.id = $1",
                params![member.0],
                |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<Vec<u8>>(2)?)),
            )?;
            let Some((email, called, secret)) = found else { return Ok(None) };
            let notices = sql.rows(
                "SELECT id, kind, subject, link, created_at FROM littoral_notification
                     WHERE member_id = $1 AND parcel = $2 AND read_at IS NULL
                     ORDER BY created_at DESC, id DESC LIMIT $3",
                params![member.0, name, NAMED],
                |row| {
                    Ok(ListedNotice {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        subject: row.get(2)?,
                        link: row.get(3)?,
                        created_at: time(row, 4)?,
                        is_read: false,
                    })
                },
            )?;
            let all: Option<i64> = sql.row(
                "SELECT COUNT(*) FROM littoral_notification
                     WHERE member_id = $1 AND parcel = $2 AND read_at IS NULL",
                params![member.0, name],
                |row| row.get(0),
            )?;
            let more = usize::try_from(all.unwrap_or_default()).unwrap_or_default().saturating_sub(notices.len());
            let off = OffToken::of(member, &name, &secret);
            Ok(Some(Contents { email, name: called, notices, more, off }))
        })
        .await
    }

    /// Ends a parcel, and puts its letter into the outbox, if the claim is still ours. Says
    /// whether it was.
    pub async fn send_parcel(
        &self,
        parcel: &ClaimedParcel,
        contents: Option<&Contents>,
        letter: Option<Letter>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let parcel = parcel.clone();
        let last = contents.and_then(|contents| contents.notices.first()).map(|newest| newest.created_at);
        self.write(Durability::Durable, move |sql| {
            let ClaimedParcel { member, parcel: name, claim } = &parcel;
            let ours = sql.row(
                "SELECT claim FROM littoral_parcel WHERE member_id = $1 AND parcel = $2 AND claim = $3",
                params![member.0, name, claim],
                |row| row.get::<Option<i64>>(0),
            )?;
            if ours.is_none() {
                return Ok(false);
            }
            let until = last.map_or(i64::MIN, Timestamp::as_microsecond);
            sql.run(
                "UPDATE littoral_notification SET parcel = NULL
                     WHERE member_id = $1 AND parcel = $2 AND (created_at <= $3 OR read_at IS NOT NULL)",
                params![member.0, name, until],
            )?;
            let left = sql.row(
                "SELECT id FROM littoral_notification WHERE member_id = $1 AND parcel = $2 LIMIT 1",
                params![member.0, name],
                |row| row.get::<i64>(0),
            )?;
            match left {
                Some(_) => sql.run(
                    "UPDATE littoral_parcel SET due_at = $1, claim = NULL WHERE member_id = $2 AND parcel = $3",
                    params![now.as_microsecond(), member.0, name],
                )?,
                None => sql
                    .run("DELETE FROM littoral_parcel WHERE member_id = $1 AND parcel = $2", params![member.0, name])?,
            };
            let lane = if matches!(name.as_str(), "daily" | "weekly") { Lane::Bulk } else { Lane::Prompt };
            if let Some(letter) = &letter {
                post(sql, lane, letter, now)?;
            }
            Ok(true)
        })
        .await
    }
}
