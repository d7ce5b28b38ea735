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
    /// Somebody has made, changed or dropped a table.
    #[error("the tables of the store have changed")]
    TablesDiffer,
    /// What is ready for reading cannot be made; it is tried again in a moment.
    #[error("the store could not be made ready for reading a moment ago")]
    NotReady,
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
    /// A trigger of the table has kept a row as it was.
    #[error("the table has kept the row as it was")]
    NotDone,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The job failed without a word; nothing of it is kept.
    #[error("the store's work was interrupted")]
    Interrupted,
}

/// Whose fault it is that a query was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryFault {
    /// It was too much, or too many ask: another time.
    NotNow,
    /// A value that was asked with is none that the query can take.
    Value,
    /// The tables are not those that the query was checked with.
    Tables,
    /// Nobody's who asks.
    Ours,
}

impl StoreError {
    /// Whose fault it is. The values are those of a query of the site's author, which a reader
    /// chose.
    pub fn query_fault(&self) -> QueryFault {
        match self {
            Self::TookTooLong { .. }
            | Self::TooManyWaiting
            | Self::NotReady
            | Self::Unreachable { .. }
            | Self::Closed => QueryFault::NotNow,
            Self::TablesDiffer | Self::NoSuchTable { .. } => QueryFault::Tables,
            Self::Sqlite(rusqlite::Error::SqlInputError { .. }) => QueryFault::Tables,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => QueryFault::NotNow,
                Some(rusqlite::ErrorCode::TooBig) => QueryFault::Value,
                Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => QueryFault::Tables,
                _ if error.to_string().contains("integer overflow") => QueryFault::Value,
                _ => QueryFault::Ours,
            },
            // The classes of errors: Appendix A of PostgreSQL's manual.
            Self::Postgres(error) => match error.code().map(tokio_postgres::error::SqlState::code) {
                Some(code) if code.starts_with("22") => QueryFault::Value,
                Some("42P01" | "42703" | "42501" | "0A000") => QueryFault::Tables,
                // Ended by a clock, by who runs the server, or because others came between too often.
                Some("57014" | "57P01" | "57P02" | "57P03" | "55P03" | "40001" | "40P01" | "53300") => {
                    QueryFault::NotNow
                }
                None if error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>()) => {
                    QueryFault::NotNow
                }
                _ => QueryFault::Ours,
            },
            _ => QueryFault::Ours,
        }
    }

    /// What the database said of a query, without the statement that it was put into, and
    /// what to do about it.
    pub fn said_of_query(&self) -> String {
        let said = match self {
            Self::Sqlite(rusqlite::Error::SqlInputError { msg, .. }) => msg.clone(),
            Self::Sqlite(rusqlite::Error::SqliteFailure(_, Some(said))) => said.clone(),
            Self::Postgres(error) => {
                error.as_db_error().map_or_else(|| said(error), |error| error.message().to_owned())
            }
            other => return other.to_string(),
        };
        let hint =
            if said.contains("prohibited") || said.contains("not authorized") || said.contains("permission denied") {
                "; a query sees the tables and columns that `edge.data` in littoral.yaml opens"
            } else if said.contains("no such table") || (said.contains("relation") && said.contains("does not exist")) {
                "; `littoral data import TABLE FILE` makes a table"
            } else {
                ""
            };
        format!("{said}{hint}")
    }
}

/// What PostgreSQL said: the error alone says only that there was one.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.to_string(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
