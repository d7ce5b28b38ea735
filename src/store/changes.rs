//! The log of what has changed in the site's own tables: for other programs that follow a
//! table, and for other nodes that keep what they have made of one.
//!
//! Whoever changes rows notes it in the same transaction. What another program does with SQL
//! of its own is not seen.
//!
//! Rows themselves are not here: who hears of a change reads the row as it is now.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::StoreError;
use super::accounts::time;
use super::announce::Subscriptions;
use super::door::{Engine, Store};
use super::site_reads::Row;
use super::sql::{Dialect, Sql, params};
use crate::site::table::TableName;

/// How long a change is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// On PostgreSQL, what is listened to.
const CHANNEL: &str = "littoral_change";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeDeed {
    /// A row came.
    Created,
    /// It became another.
    Changed,
    /// It went.
    Removed,
    /// Many rows came from a file: any row may be another.
    Imported,
}

impl ChangeDeed {
    /// Its word, in the store and in the feed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Imported => "imported",
        }
    }
}

/// A change, as it was noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Counted over all tables, in the order of the commits.
    pub number: i64,
    /// The table, as it was called then.
    pub table: String,
    /// A word of [`ChangeDeed`].
    pub deed: String,
    /// The key of the row; nothing when it was about many.
    pub key: Option<Json>,
    /// When.
    pub at: Timestamp,
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Changes {
    /// What came after, in order.
    Since {
        /// At most as many as were asked for.
        changes: Vec<Change>,
        /// Up to which number all that there is was found.
        until: i64,
    },
    /// What came after is not kept any more, or never was.
    Forgotten,
}

/// A row that is not as it was.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Where it is.
    pub table: TableName,
    /// What was done to it.
    pub deed: ChangeDeed,
    /// The value of its key; null when the table has none that is known.
    pub key: Json,
    /// Column → value: as it is now, or as it was before it was removed.
    pub row: Row,
}

/// Notes what has become of a row in the transaction that does it, as its last deed, and puts
/// messages into the outbox for those who listen.
pub(super) fn happened(
    sql: &Sql<'_>,
    subscriptions: &Subscriptions,
    change: &RowChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    subscriptions.announce(sql, change, now)?;
    let key = Some(&change.key).filter(|key| !key.is_null());
    note(sql, &change.table, change.deed, key, now)
}

/// Notes a change in the transaction that makes it, as its last deed.
pub(super) fn note(
    sql: &Sql<'_>,
    table: &TableName,
    deed: ChangeDeed,
    key: Option<&Json>,
    now: Timestamp,
) -> Result<(), StoreError> {
    note_in(sql, table.as_str(), deed, key, now)
}

/// The same of what is none of the site's tables, and of no row that others could ask for.
pub(super) fn note_in(
    sql: &Sql<'_>,
    table: &str,
    deed: ChangeDeed,
    key: Option<&Json>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let count = "UPDATE littoral_change_count SET last = last + 1 WHERE one = 1 RETURNING last";
    let number: i64 = sql.row(count, &[], |row| row.get(0))?.ok_or(StoreError::Interrupted)?;
    sql.run(
        "INSERT INTO littoral_change (number, site_table, deed, row_key, changed_at) VALUES ($1, $2, $3, $4, $5)",
        params![number, table, deed.word(), key.map(Json::to_string), now.as_microsecond()],
    )?;
    if sql.dialect() == Dialect::Postgres {
        sql.batch(&format!("NOTIFY {CHANNEL}"))?;
    }
    Ok(())
}

/// Removes what is kept no longer, a bounded number of rows. Says of how many.
pub(super) fn forget(sql: &Sql<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let before = now.as_microsecond().saturating_sub(i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX));
    let old =
        "SELECT max(number) FROM (SELECT number, changed_at FROM littoral_change ORDER BY number LIMIT $1) AS oldest
               WHERE changed_at < $2";
    let Some(Some(last)) = sql.row(old, params![limit, before], |row| row.get::<Option<i64>>(0))? else { return Ok(0) };
    sql.run("UPDATE littoral_change_count SET forgotten = $1 WHERE one = 1 AND forgotten < $1", params![last])?;
    sql.run("DELETE FROM littoral_change WHERE number <= $1", params![last])
}

impl Store {
    /// The number of the last change; 0 before the first.
    pub async fn last_change(&self) -> Result<i64, StoreError> {
        self.read(|sql| {
            let last = sql.row("SELECT last FROM littoral_change_count WHERE one = 1", &[], |row| row.get(0))?;
            Ok(last.unwrap_or_default())
        })
        .await
    }

    /// At most `limit` changes after the one numbered `after`: of one table, or of all.
    pub async fn changes(&self, table: Option<&TableName>, after: i64, limit: u32) -> Result<Changes, StoreError> {
        let table = table.map(TableName::to_string);
        self.read(move |sql| {
            // Asked first: whatever has this number or a smaller one is there for the next question.
            let count = "SELECT last FROM littoral_change_count WHERE one = 1";
            let last = sql.row(count, &[], |row| row.get::<i64>(0))?.unwrap_or_default();
            let columns = "SELECT number, site_table, deed, row_key, changed_at FROM littoral_change";
            let found = match &table {
                Some(table) => sql.rows(
                    &format!("{columns} WHERE site_table = $1 AND number > $2 ORDER BY number LIMIT $3"),
                    params![table, after, i64::from(limit)],
                    change,
                ),
                None => sql.rows(
                    &format!("{columns} WHERE number > $1 ORDER BY number LIMIT $2"),
                    params![after, i64::from(limit)],
                    change,
                ),
            }?;
            // Asked afterwards: what is forgotten meanwhile was perhaps not found.
            let count = "SELECT forgotten FROM littoral_change_count WHERE one = 1";
            let forgotten = sql.row(count, &[], |row| row.get::<i64>(0))?.unwrap_or_default();
            if !(forgotten..=last).contains(&after) {
                return Ok(Changes::Forgotten);
            }
            let until = match found.last() {
                Some(change) if found.len() as u64 == u64::from(limit) => change.number,
                Some(change) => last.max(change.number),
                None => last,
            };
            Ok(Changes::Since { changes: found, until })
        })
        .await
    }

    /// Says that something was noted, each time, until the connection breaks; on SQLite there
    /// is nobody who would say it, and one looks now and then.
    pub async fn hear_of_changes(&self) -> Result<Option<mpsc::Receiver<()>>, StoreError> {
        match self.engine() {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(postgres) => postgres.listen(CHANNEL).await.map(Some),
        }
    }
}

fn change(row: &super::sql::Row<'_>) -> Result<Change, StoreError> {
    let key: Option<String> = row.get(3)?;
    Ok(Change {
        number: row.get(0)?,
        table: row.get(1)?,
        deed: row.get(2)?,
        key: key.and_then(|key| serde_json::from_str(&key).ok()),
        at: time(row, 4)?,
    })
}
