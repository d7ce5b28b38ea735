//! Migrations: how the tables of an older store become those that this program knows.
//!
//! Numbered files, each applied once, in its own transaction, and noted with its digest in
//! the table `migration`. One that was applied is never edited: the digest tells. A store
//! with a number that this program does not have is refused, by name.
//!
//! Our own runner, because the libraries for it (refinery 0.10) stop at an older rusqlite
//! than ours, and because it is one page.

use jiff::Timestamp;

use super::StoreError;
use super::sql::{Dialect, Sql, params};
use crate::site::digest::Digest;

/// Number, name, SQL. In order; never edited, only added to.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "accounts", include_str!("migrations/0001_accounts.sql")),
    (2, "sessions", include_str!("migrations/0002_sessions.sql")),
    (3, "history", include_str!("migrations/0003_history.sql")),
    (4, "allowances", include_str!("migrations/0004_allowances.sql")),
    (5, "names", include_str!("migrations/0005_names.sql")),
    (6, "forms", include_str!("migrations/0006_forms.sql")),
    (7, "api", include_str!("migrations/0007_api.sql")),
    (8, "outbox", include_str!("migrations/0008_outbox.sql")),
    (9, "people", include_str!("migrations/0009_people.sql")),
    (10, "accounts and mail", include_str!("migrations/0010_accounts.sql")),
    (11, "access", include_str!("migrations/0011_access.sql")),
    (12, "comments", include_str!("migrations/0012_comments.sql")),
    (13, "letters", include_str!("migrations/0013_letters.sql")),
    (14, "reading", include_str!("migrations/0014_reading.sql")),
];

/// Applies what is missing. Two programs that open one new store at once do it once: each
/// looks again when the other is done.
pub(super) fn apply(sql: &Sql<'_>, now: Timestamp) -> Result<(), StoreError> {
    let table = "CREATE TABLE IF NOT EXISTS migration (
        number     INTEGER PRIMARY KEY,
        name       TEXT NOT NULL,
        digest     TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    )";
    alone(sql, || sql.batch(&in_dialect(table, sql.dialect())))?;
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    let last = "SELECT number, name FROM migration ORDER BY number DESC LIMIT 1";
    let last = sql.row(last, &[], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    if let Some((found, name)) = last.filter(|(found, _)| *found > known) {
        return Err(StoreError::NewerThanThisProgram { found, name, known });
    }
    for (number, name, text) in MIGRATIONS {
        let digest = Digest::of(text.as_bytes()).hex();
        alone(sql, || {
            let applied = "SELECT name, digest FROM migration WHERE number = $1";
            let applied =
                sql.row(applied, params![number], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
            match applied {
                Some((_, found)) if found == digest => Ok(()),
                Some((name, _)) => Err(StoreError::OtherMigration { number: *number, name }),
                None => {
                    sql.batch(&in_dialect(text, sql.dialect()))?;
                    let noted = "INSERT INTO migration (number, name, digest, applied_at) VALUES ($1, $2, $3, $4)";
                    sql.run(noted, params![number, name, digest, now.as_microsecond()]).map(drop)
                }
            }
        })?;
    }
    Ok(())
}

/// Does `deed` in a transaction, while no other program migrates this store.
fn alone(sql: &Sql<'_>, deed: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    sql.batch(match sql.dialect() {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        // The number is ours alone: "Litt".
        Dialect::Postgres => "BEGIN; SELECT pg_advisory_xact_lock(1281979508)",
    })?;
    match deed().and_then(|()| sql.batch("COMMIT")) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = sql.batch("ROLLBACK");
            Err(error)
        }
    }
}

/// The types of columns are written as SQLite calls them; PostgreSQL's `INTEGER` has 32 bits.
fn in_dialect(text: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => text.to_owned(),
        Dialect::Postgres => [(" INTEGER", " BIGINT"), (" BLOB", " BYTEA"), (" REAL", " DOUBLE PRECISION")]
            .iter()
            .fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs)),
    }
}
