//! A member's notifications in the site: counted, listed, read.

use jiff::Timestamp;

use super::{CHANNEL, Notice, notify};
use crate::store::StoreError;
use crate::store::accounts::{MemberId, time};
use crate::store::door::{Durability, Engine, Store};
use crate::store::sql::params;

/// Up to how many unread ones are counted.
pub const UNREAD_COUNTED: i64 = 100;

/// A notification as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedNotice {
    /// Its number, random.
    pub id: i64,
    /// The word of its kind; one that this program does not know is of a later one.
    pub kind: String,
    /// In one line.
    pub subject: String,
    /// Where it leads.
    pub link: String,
    /// When it came.
    pub created_at: Timestamp,
    /// Whether it was read.
    pub is_read: bool,
}

/// A place in the list: behind a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticePlace {
    /// When that came.
    pub created_at: Timestamp,
    /// Its number.
    pub id: i64,
}

impl NoticePlace {
    /// The beginning: the newest.
    pub const NEWEST: Self = Self { created_at: Timestamp::MAX, id: i64::MAX };
}

impl Store {
    /// Tells members something that has no other cause in the store.
    pub async fn notify(&self, notices: Vec<Notice>, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| notices.iter().try_for_each(|notice| notify(sql, notice, now))).await
    }

    /// How many a member has not read, up to [`UNREAD_COUNTED`].
    pub async fn unread_notices(&self, member: MemberId) -> Result<i64, StoreError> {
        let count = self
            .read(move |sql| {
                sql.row(
                    "SELECT COUNT(*) FROM (SELECT id FROM littoral_notification
                         WHERE member_id = $1 AND read_at IS NULL LIMIT $2) AS unread",
                    params![member.0, UNREAD_COUNTED],
                    |row| row.get(0),
                )
            })
            .await?;
        Ok(count.unwrap_or_default())
    }

    /// The notifications of a member behind `place`, the newest first.
    pub async fn notices(
        &self,
        member: MemberId,
        place: NoticePlace,
        limit: usize,
    ) -> Result<Vec<ListedNotice>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                "SELECT id, kind, subject, link, created_at, read_at FROM littoral_notification
                     WHERE member_id = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4",
                params![member.0, place.created_at.as_microsecond(), place.id, limit],
                |row| {
                    Ok(ListedNotice {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        subject: row.get(2)?,
                        link: row.get(3)?,
                        created_at: time(row, 4)?,
                        is_read: row.get::<Option<i64>>(5)?.is_some(),
                    })
                },
            )
        })
        .await
    }

    /// Notes that a member has read one of theirs. Says whether there is such a one.
    pub async fn read_notice(&self, member: MemberId, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let read =
                "UPDATE littoral_notification SET read_at = COALESCE(read_at, $1) WHERE id = $2 AND member_id = $3";
            sql.run(read, params![now.as_microsecond(), id, member.0]).map(|read| read > 0)
        })
        .await
    }

    /// Notes that a member has read all that came until then.
    pub async fn read_all_notices(
        &self,
        member: MemberId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "UPDATE littoral_notification SET read_at = $1
                     WHERE member_id = $2 AND read_at IS NULL AND created_at <= $3",
                params![now.as_microsecond(), member.0, until.as_microsecond()],
            )
        })
        .await
    }

    /// The members who were told something since then.
    pub async fn notified_since(&self, since: Timestamp) -> Result<Vec<MemberId>, StoreError> {
        self.read(move |sql| {
            sql.rows(
                "SELECT DISTINCT member_id FROM littoral_notification WHERE created_at > $1 LIMIT 10000",
                params![since.as_microsecond()],
                |row| row.get(0).map(MemberId),
            )
        })
        .await
    }

    /// On PostgreSQL, hears each time that somebody was told something, on any node; none where
    /// one has to look.
    pub async fn hear_of_notices(&self) -> Result<Option<tokio::sync::mpsc::Receiver<()>>, StoreError> {
        match self.engine() {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(postgres) => postgres.listen(CHANNEL).await.map(Some),
        }
    }
}
