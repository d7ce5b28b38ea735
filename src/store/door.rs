//! The door of the store: where it is, and how it is asked.

use std::path::{Path, PathBuf};

use super::StoreError;
use super::postgres::{Isolation, Postgres};
use super::sql::Sql;
use super::sqlite::Sqlite;

/// Where a store is.
#[derive(Clone, Debug)]
pub enum Address {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    Server(Box<tokio_postgres::Config>),
}

impl Address {
    /// The address as it stands in `littoral.yaml` of the site in `root`: a URL that begins
    /// with `postgres://` or `postgresql://`, or a path.
    pub fn parse(root: &Path, text: &str) -> Result<Self, StoreError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Ok(Self::File(root.join(text)));
        }
        let config: tokio_postgres::Config =
            text.parse().map_err(|error| StoreError::NotAnAddress { why: super::error::said(&error) })?;
        Ok(Self::Server(Box::new(config)))
    }
}

/// The store. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Store(Engine);

#[derive(Clone, Debug)]
pub(super) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// How much has been written since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Deeds asked for.
    pub jobs: u64,
    /// Commits made for them.
    pub commits: u64,
}

/// Whether a deed outlives the loss of power the moment it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Flushed to the disk before it is acknowledged: what people would miss.
    Durable,
    /// Outlives the program, but the last second may be lost with the machine: when a
    /// session was last seen, which page was read, how many attempts there were.
    Relaxed,
}

impl Store {
    /// Opens the store at `address` and brings its tables to what this program knows. A file
    /// that is not there is made; a database is not.
    pub fn open(address: &Address) -> Result<Self, StoreError> {
        Ok(Self(match address {
            Address::File(path) => Engine::Sqlite(Sqlite::open(path)?),
            Address::Server(config) => Engine::Postgres(Postgres::open(config)?),
        }))
    }

    /// What is behind the door, for those who need a connection to themselves.
    pub(super) fn engine(&self) -> &Engine {
        &self.0
    }

    /// Finishes what was asked for and closes. Deeds asked for afterwards answer
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// How much has been written.
    pub fn work(&self) -> Work {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.work(),
            Engine::Postgres(postgres) => postgres.work(),
        }
    }

    /// Asks. `question` is one statement, answered through an index. It may be asked again
    /// when a connection turns out to be dead.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.read(|connection| question(&Sql::sqlite(connection))),
            Engine::Postgres(postgres) => postgres.read(question).await,
        }
    }

    /// Does `deed` in a transaction that no other deed can come between, and waits until it
    /// is committed. When it fails, nothing of it is kept. It may be done over, when another
    /// node did something that it would have seen.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        deed: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in(durability, Isolation::Serializable, deed).await
    }

    /// Does `deed`, which is one statement, in a transaction that sees what others have
    /// committed meanwhile. So rows can be taken with `FOR UPDATE SKIP LOCKED`, by two nodes at
    /// once and each its own: a serialisable transaction would only be done over, and would
    /// have those done over, too, who put such rows.
    pub(super) async fn write_one<T: Send + 'static>(
        &self,
        durability: Durability,
        deed: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in(durability, Isolation::ReadCommitted, deed).await
    }

    /// SQLite's single writer lets nothing come between, whatever the isolation.
    async fn write_in<T: Send + 'static>(
        &self,
        durability: Durability,
        isolation: Isolation,
        deed: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.write(durability, move |connection| deed(&Sql::sqlite(connection))).await,
            Engine::Postgres(postgres) => postgres.write(durability, isolation, deed).await,
        }
    }
}
