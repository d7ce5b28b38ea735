//! Why the store did not answer.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::site::table::TableName;

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder cannot be made or opened.
    #[error("cannot open the store {path}: {cause}")]
    Unopenable {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// There is a file, but another program made it.
    #[error("{path} is not a store of Littoral: {why}")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        why: String,
    },
    /// The address of a server cannot be read. The address is not shown: there may be a
    /// password in it.
    #[error(
        "the address of the store cannot be read: {why}; expected `postgres://user:password@host/database`, or the path of a file"
    )]
    NotAnAddress {
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there, or refuses us.
    #[error("cannot reach the store at {address}: {why}")]
    Unreachable {
        /// Host and port, or where the socket is.
        address: String,
        /// What was said.
        why: String,
    },
    /// A newer program has written it.
    #[error(
        "the store has migration {found} (`{name}`), this program knows them up to {known}: use the newer program, or restore a backup made before it"
    )]
    NewerThanThisProgram {
        /// The last migration of the store.
        found: i64,
        /// Its name.
        name: String,
        /// The last migration that this program has.
        known: i64,
    },
    /// A migration that was applied is not the one in this program.
    #[error(
        "migration {number} (`{name}`) of the store is not the one in this program: they come from different versions"
    )]
    OtherMigration {
        /// Its number.
        number: i64,
        /// Its name in the store.
        name: String,
    },
    /// SQLite refused: the disk is full, the file damaged, another process holds it.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused, or the connection broke.
    #[error("the store failed: {}", said(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// A value in the store is none that this program writes.
    #[error("a value in the store is out of range: {0}")]
    OutOfRange(i64),
    /// A question of the site took longer than it may.
    #[error("the query took longer than {allowed:?}: give it an index, or ask for less")]
    TookTooLong {
        /// How long it may take.
        allowed: Duration,
    },
    /// More questions of the site wait than can be answered soon.
    #[error("too many queries are waiting")]
    TooManyWaiting,
    /// A question of the site has too long an answer.
    #[error("the query gives more than {rows} rows or {bytes} bytes: add a `LIMIT`, or declare a `list`")]
    TooMuchRead {
        /// Rows that it may give.
        rows: usize,
        /// Bytes that it may give.
        bytes: usize,
    },
    /// A question of the site gives what has no form in a page.
    #[error("the column `{column}` is of the type {kind}: write `CAST({column} AS TEXT)`")]
    UnknownType {
        /// The column.
        column: String,
        /// What PostgreSQL calls its type.
        kind: String,
    },
    /// A list is of a table that is not there.
    #[error("there is no table `{name}`: `littoral data import {name} FILE` makes it")]
    NoSuchTable {
        /// What it is called.
        name: TableName,
    },
    /// A table with this name is there.
    #[error("the table `{name}` is already in the store")]
    TableIsThere {
        /// Its name.
        name: TableName,
    },
    /// Something with this name is there that was made past Littoral.
    #[error(
        "`{name}` is in the store, but is no table of the site (it has other types of columns, or another key): call the table otherwise"
    )]
    NotATableOfTheSite {
        /// Its name.
        name: TableName,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The job failed without a word; nothing of it is kept.
    #[error("the store's work was interrupted")]
    Interrupted,
}

/// What PostgreSQL said: the error alone says only that there was one.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.to_string(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
