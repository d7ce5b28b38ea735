//! What a site lets its readers read: its own tables, by queries that its author wrote.
//!
//! [`Store::site_reads`] makes ready what is read: the indexes that the site's lists want,
//! the index of a search, and connections that can do nothing else. On SQLite such a
//! connection is read-only and asks an authorizer about every table, column and function;
//! on PostgreSQL it has put on a role that was granted the open columns alone, and reads
//! only. So a query is held three times: when it is parsed, when it is prepared, and when it
//! runs, where a clock and a number of rows end it.
//!
//! [`SiteReads::ask`] runs a job on a thread that may wait. All that one job reads is of one
//! moment.
//!
//! Knows nothing of pages, and nothing of Littoral's own tables: nobody here can read them.

pub(super) mod index;
mod list;
mod postgres;
mod row;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use list::{At, Chosen, Cursor, Operator, Page, Wanted};

use self::sqlite::Reading;
use super::StoreError;
use super::door::{Durability, Engine, Store};
use super::postgres::Postgres;
use super::sql::{Dialect, Sql, Value};
use super::tables::{self, Table};
use crate::site::config::OpenTable;
use crate::site::data_page::{List, Statement};
use crate::site::parameter::Given;
use crate::site::table::TableName;

/// Rows that one query may give. Who needs more needs a list, which has pages.
const MOST_ROWS: usize = 10_000;
/// Bytes that one query may give.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// How long one job may read.
pub const MOST_TIME: Duration = Duration::from_secs(2);

/// Jobs that read at once: each has a thread that may wait, and the cores are shared with all
/// other answers.
const AT_ONCE: usize = 8;
/// Jobs that wait for their turn. At the longest time of a job the last would wait two minutes,
/// at the usual one a fraction of a second.
const MOST_WAITING: usize = 512;

/// A row, as a template or a reader of JSON gets it.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// The tables that a site opens, and what of them.
pub type Open = BTreeMap<TableName, OpenTable>;

/// Connections that can read what a site opens, and nothing else.
#[derive(Clone, Debug)]
pub struct SiteReads {
    engine: Reads,
    /// Those of the open tables that are there.
    tables: Arc<BTreeMap<TableName, Table>>,
    open: Arc<Open>,
    /// The tables of which the search could not be made, and why.
    without_search: Arc<BTreeMap<TableName, String>>,
    /// Counts those that wait and those that are answered.
    waiting: Arc<Semaphore>,
    answering: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Reads {
    Sqlite(Reading),
    Postgres(Postgres),
}

/// What a job reads with.
pub struct Snapshot<'s> {
    sql: Sql<'s>,
    tables: &'s BTreeMap<TableName, Table>,
    open: &'s Open,
}

impl Store {
    /// Makes ready for reading what the site has opened, and what these lists want. May take
    /// seconds, when a large table has no index yet.
    pub async fn site_reads(&self, open: &Open, lists: &[List]) -> Result<SiteReads, StoreError> {
        let (opened, lists) = (open.clone(), lists.to_vec());
        let (tables, there, without) = self
            .write(Durability::Durable, move |sql| {
                let all = tables::described(sql, None)?;
                let known = all.into_iter().filter(|table| opened.contains_key(&table.name));
                let tables: BTreeMap<_, _> = known.map(|table| (table.name.clone(), table)).collect();
                let without = index::make(sql, &opened, &tables, &lists)?;
                let there = match sql.dialect() {
                    Dialect::Sqlite => names(sql)?,
                    // Its role sees nothing that was not granted.
                    Dialect::Postgres => (Vec::new(), 0),
                };
                Ok((tables, there, without))
            })
            .await?;
        let engine = match self.engine() {
            Engine::Sqlite(store) => Reads::Sqlite(Reading::of(store.path(), open, there)),
            Engine::Postgres(store) => {
                let (opened, granted) = (open.clone(), tables.clone());
                let role = self.write(Durability::Durable, move |sql| postgres::grant(sql, &opened, &granted)).await?;
                Reads::Postgres(store.with_greeting(postgres::greeting(&role))?)
            }
        };
        Ok(SiteReads {
            engine,
            tables: Arc::new(tables),
            open: Arc::new(open.clone()),
            without_search: Arc::new(without),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            answering: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }
}

impl Store {
    /// What a query gives that whoever runs the site asks: all tables of the site are open to
    /// it, none of Littoral's.
    pub async fn query(&self, statement: &Statement) -> Result<Vec<Row>, StoreError> {
        let tables = self.tables().await?;
        let all = |table: &Table| {
            let columns = table.columns.iter().map(|column| column.name.clone()).collect();
            (table.name.clone(), OpenTable { columns, ..OpenTable::default() })
        };
        let open: Arc<Open> = Arc::new(tables.iter().map(all).collect());
        let (sql, none) = (statement.sql.clone(), BTreeMap::new());
        match self.engine() {
            Engine::Sqlite(store) => {
                let reading = Reading::of(store.path(), &open, self.read(names).await?);
                reading.at_one_moment(Duration::MAX, |connection| {
                    Snapshot { sql: Sql::sqlite(connection), tables: &none, open: &open }.rows(&sql, &[])
                })
            }
            // Whoever has its address may read all of it anyway; the statement was parsed.
            Engine::Postgres(store) => {
                store
                    .read(move |connection| {
                        postgres::at_one_moment(connection, || {
                            Snapshot { sql: connection.clone(), tables: &none, open: &open }.rows(&sql, &[])
                        })
                    })
                    .await
            }
        }
    }
}

/// What has a name in a file of SQLite, and the version of all that.
fn names(sql: &Sql<'_>) -> Result<(Vec<String>, i64), StoreError> {
    let names = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')";
    let version = sql.row("PRAGMA schema_version", &[], |row| row.get(0))?;
    Ok((sql.rows(names, &[], |row| row.get(0))?, version.unwrap_or_default()))
}

impl SiteReads {
    /// The open table `name`, if it is there.
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Why nothing can be searched in the table `name`; none when it can.
    pub fn without_search(&self, name: &TableName) -> Option<&str> {
        self.without_search.get(name).map(String::as_str)
    }

    /// What is open of the table `name`.
    pub fn open(&self, name: &TableName) -> Option<&OpenTable> {
        self.open.get(name)
    }

    /// Runs `job` where it may wait, and all it reads is of one moment. It may be run again
    /// when a connection turns out to be dead.
    pub async fn ask<T: Send + 'static>(
        &self,
        job: impl Fn(&Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| StoreError::TooManyWaiting)?;
        let answering = Arc::clone(&self.answering).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (tables, open) = (Arc::clone(&self.tables), Arc::clone(&self.open));
        let job = move |sql: Sql<'_>| job(&Snapshot { sql, tables: &tables, open: &open });
        let answer = match &self.engine {
            Reads::Sqlite(reading) => {
                let reading = reading.clone();
                let asked = tokio::task::spawn_blocking(move || {
                    // Held until the work is done, though the one who asked may have gone.
                    let _held = (waiting, answering);
                    reading.at_one_moment(MOST_TIME, |connection| job(Sql::sqlite(connection)))
                });
                asked.await.unwrap_or(Err(StoreError::Interrupted))
            }
            Reads::Postgres(server) => {
                server
                    .read(move |sql| {
                        let _held = (&waiting, &answering);
                        postgres::at_one_moment(sql, || job(sql.clone()))
                    })
                    .await
            }
        };
        answer.map_err(in_time)
    }

    /// Asks the engine what it thinks of a statement, with values such as it will get.
    /// Nothing is read.
    pub async fn check(&self, statement: &str, values: Vec<Given>) -> Result<(), StoreError> {
        let statement = format!("SELECT * FROM ({statement}) AS checked LIMIT 0");
        self.ask(move |snapshot| snapshot.rows(&statement, &values).map(drop)).await
    }
}

impl Snapshot<'_> {
    /// The rows of a statement with these parameters.
    pub fn rows(&self, statement: &str, parameters: &[Given]) -> Result<Vec<Row>, StoreError> {
        let values: Vec<Value<'_>> = parameters.iter().map(value).collect();
        let mut left = (MOST_ROWS, MOST_BYTES);
        self.sql.rows(&self.bounded(statement), &values, |row| {
            let (row, bytes) = row::named(row)?;
            left = match (left.0.checked_sub(1), left.1.checked_sub(bytes)) {
                (Some(rows), Some(bytes)) => (rows, bytes),
                _ => return Err(StoreError::TooMuchRead { rows: MOST_ROWS, bytes: MOST_BYTES }),
            };
            Ok(row)
        })
    }

    /// One page of a list.
    pub fn page(&self, wanted: &Wanted) -> Result<Page, StoreError> {
        list::page(&self.sql, self.tables, self.open, wanted)
    }

    /// PostgreSQL's answer comes whole; SQLite's row by row, and is left when it is too long.
    fn bounded<'t>(&self, statement: &'t str) -> std::borrow::Cow<'t, str> {
        match self.sql.dialect() {
            Dialect::Sqlite => statement.into(),
            Dialect::Postgres => format!("SELECT * FROM ({statement}) AS bounded LIMIT {}", MOST_ROWS + 1).into(),
        }
    }
}

fn value(given: &Given) -> Value<'_> {
    match given {
        Given::Nothing => Value::Null,
        Given::Boolean(is) => Value::Integer(i64::from(*is)),
        Given::Integer(number) => Value::Integer(*number),
        Given::Real(number) => Value::Real(*number),
        Given::Text(text) => Value::Text(text.into()),
    }
}

/// The engines' words for a statement that was ended by its clock.
fn in_time(error: StoreError) -> StoreError {
    let is_late = match &error {
        StoreError::Sqlite(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted),
        StoreError::Postgres(error) => error.code() == Some(&tokio_postgres::error::SqlState::QUERY_CANCELED),
        _ => false,
    };
    if is_late { StoreError::TookTooLong { allowed: MOST_TIME } } else { error }
}
