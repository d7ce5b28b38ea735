//! Rows on their way into a table, kept apart until all of them are there.
//!
//! [`Staging`] is a database of SQLite without a name, in the system's folder for temporary
//! files, whichever engine the store has: the file is unlinked the moment it is made, so that
//! nothing is left of it when the program ends, however it does. Filling it blocks nobody,
//! and a key that comes twice is found here, where the line it came from is still known.
//!
//! Memory does not grow with the rows: 64 MiB of pages are kept, the rest is on the disk.

use rusqlite::Connection;

use super::{Table, statement};
use crate::store::StoreError;
use crate::store::door::{Engine, Store};
use crate::store::sql::{Dialect, Value};

/// What the rows are called while they wait.
pub(super) const STAGED: &str = "staging.staged";
/// KiB of pages in memory: a key of random texts is put in order there.
const CACHE: i64 = 64 * 1024;

/// Rows that wait to be loaded by [`Store::load`].
#[derive(Debug)]
pub struct Staging {
    /// Its main database is the store when that is SQLite, so that loading is one statement
    /// on one connection; else it is empty.
    pub(super) connection: Connection,
    pub(super) table: Table,
    rows: u64,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It waits.
    Kept,
    /// A row before it has the same key; this one is not kept.
    KeyIsTaken,
}

/// Takes rows, one by one.
pub struct Sink<'s> {
    statement: rusqlite::Statement<'s>,
    rows: u64,
}

impl Store {
    /// Room for rows that have the columns of `table`: all that the table shall have, or some
    /// of it when they are to be merged with what stands there.
    pub fn stage(&self, table: Table) -> Result<Staging, StoreError> {
        let connection = match self.engine() {
            Engine::Sqlite(sqlite) => sqlite.connect_apart()?,
            Engine::Postgres(_) => Connection::open_in_memory()?,
        };
        // What is lost with the machine is lost anyway, and nothing is ever taken back.
        connection.execute_batch(&format!(
            "ATTACH '' AS staging;
             PRAGMA staging.journal_mode = OFF;
             PRAGMA staging.synchronous = OFF;
             PRAGMA staging.cache_size = -{CACHE}"
        ))?;
        connection.execute_batch(&statement::create(&table, STAGED, Dialect::Sqlite))?;
        Ok(Staging { connection, table, rows: 0 })
    }
}

impl Staging {
    /// Gives `put` the sink for its rows. When it fails, what came until then stays, and
    /// loading is for the caller to leave alone.
    pub fn fill<E: From<StoreError>>(&mut self, put: impl FnOnce(&mut Sink<'_>) -> Result<(), E>) -> Result<(), E> {
        let run = |statement| self.connection.execute_batch(statement).map_err(StoreError::from);
        run("BEGIN")?;
        let places = vec!["?"; self.table.columns.len()].join(", ");
        let insert = format!("INSERT INTO {STAGED} VALUES ({places}) ON CONFLICT DO NOTHING");
        let statement = self.connection.prepare(&insert).map_err(StoreError::from)?;
        let mut sink = Sink { statement, rows: 0 };
        put(&mut sink)?;
        self.rows += sink.rows;
        drop(sink);
        Ok(run("COMMIT")?)
    }

    /// How many rows wait.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The table that they are for, with the columns that they have.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

impl Sink<'_> {
    /// Takes a row: a value for each column, in their order. The key must be there.
    pub fn put(&mut self, row: &[Value<'_>]) -> Result<Put, StoreError> {
        let put = self.statement.execute(rusqlite::params_from_iter(row))?;
        self.rows += put as u64;
        Ok(if put == 0 { Put::KeyIsTaken } else { Put::Kept })
    }
}
