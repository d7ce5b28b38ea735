//! Migrations: how the tables of an older store become those that this program knows.
//!
//! Numbered files, each applied once, in its own transaction, and noted with its digest in
//! the table `migration`. One that was applied is never edited: the digest tells. A store
//! with a number that this program does not have is refused, by name.
//!
//! Our own runner, because the libraries for it (refinery 0.10) stop at an older rusqlite
//! than ours, and because it is one page.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::sqlite::StoreError;
use crate::site::digest::Digest;

/// Written into the header of the file, so that `file` and we can tell it: "Litt".
const APPLICATION_ID: i32 = 0x4c69_7474;

/// Number, name, SQL. In order; never edited, only added to.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "accounts", include_str!("migrations/0001_accounts.sql")),
    (2, "sessions", include_str!("migrations/0002_sessions.sql")),
    (3, "history", include_str!("migrations/0003_history.sql")),
    (4, "allowances", include_str!("migrations/0004_allowances.sql")),
];

/// Refuses a database that another program made; marks a new one as ours.
pub(super) fn claim(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if found == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if found != 0 || tables != 0 {
        let why = "another program made this database".to_owned();
        return Err(StoreError::NotAStore { path: path.to_owned(), why });
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(transaction.commit()?)
}

/// Applies what is missing. Two programs that open one new store at once do it once: each
/// looks again inside its transaction.
pub(super) fn apply(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (
            number     INTEGER PRIMARY KEY,
            name       TEXT NOT NULL,
            digest     TEXT NOT NULL,
            applied_at INTEGER NOT NULL
        )",
    )?;
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    let last = connection
        .query_row("SELECT number, name FROM migration ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    if let Some((found, name)) = last.filter(|(found, _)| *found > known) {
        return Err(StoreError::NewerThanThisProgram { found, name, known });
    }
    for (number, name, sql) in MIGRATIONS {
        let digest = Digest::of(sql.as_bytes()).hex();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let applied = transaction
            .query_row("SELECT name, digest FROM migration WHERE number = $1", [number], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        match applied {
            Some((_, found)) if found == digest => {}
            Some((name, _)) => return Err(StoreError::OtherMigration { number: *number, name }),
            None => {
                transaction.execute_batch(sql)?;
                transaction.execute(
                    "INSERT INTO migration (number, name, digest, applied_at) VALUES ($1, $2, $3, $4)",
                    params![number, name, digest, now.as_microsecond()],
                )?;
                transaction.commit()?;
            }
        }
    }
    Ok(())
}
