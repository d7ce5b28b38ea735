//! Reading for a site on SQLite: connections with an authorizer and a clock.
//!
//! The authorizer is asked while a statement is prepared: about each table and column, each
//! function, each other thing that a statement could do. What is not a read of something
//! open is denied, whoever wrote the statement.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Open, index};
use crate::site::data_page::may_be_called;
use crate::store::StoreError;
use crate::store::sqlite;

/// Idle connections that are kept.
const IDLE: usize = 16;
/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 1_000;
/// The longest text or blob that a query may make, in bytes.
const LONGEST_VALUE: i32 = 16 * 1024 * 1024;
/// What stands for the number of a row in the authorizer's words.
const ROWID: &str = "ROWID";

/// Connections that read what is open. A clone is another handle on the same ones.
#[derive(Clone)]
pub(super) struct Reading(Arc<Inner>);

struct Inner {
    path: PathBuf,
    allowed: Arc<Allowed>,
    /// SQLite counts it up when a table is made, changed or dropped.
    version: i64,
    idle: Mutex<Vec<Clocked>>,
}

/// What the authorizer goes by.
struct Allowed {
    /// Table → its open columns.
    open: FxHashMap<String, FxHashSet<String>>,
    /// Everything else that has a name in the file.
    closed: FxHashSet<String>,
}

/// A connection, and when what it does must end.
struct Clocked {
    connection: Connection,
    /// Microseconds since `began`.
    until: Arc<AtomicU64>,
    began: Instant,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reading").field(&self.0.path).finish()
    }
}

impl Reading {
    /// Those of the file at `path`, which has these tables and views in it, in this version.
    pub(super) fn of(path: &Path, open: &Open, (there, version): (Vec<String>, i64)) -> Self {
        let mut names: FxHashMap<String, FxHashSet<String>> = FxHashMap::default();
        for (table, opened) in open {
            let columns = opened.columns.iter().map(|column| column.as_str().to_owned());
            names.insert(table.as_str().to_owned(), columns.collect());
        }
        let there = there.into_iter().map(|name| name.to_lowercase());
        let closed = there.filter(|name| !names.contains_key(name)).collect();
        let allowed = Arc::new(Allowed { open: names, closed });
        Self(Arc::new(Inner { path: path.to_owned(), allowed, version, idle: Mutex::default() }))
    }

    /// Runs `job` in one read transaction, until the time is over.
    pub(super) fn at_one_moment<T>(
        &self,
        time: Duration,
        job: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let clocked = match idle {
            Some(clocked) => clocked,
            None => self.connect()?,
        };
        clocked.until.store(micros(clocked.began.elapsed().saturating_add(time)), Ordering::Relaxed);
        let connection = &clocked.connection;
        connection.execute_batch("BEGIN")?;
        let version = connection.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0));
        let answer = match version {
            Ok(version) if version == self.0.version => job(connection),
            Ok(_) => Err(StoreError::TablesDiffer),
            Err(error) => Err(error.into()),
        };
        // Nothing was written; this only lets go of the moment.
        let ended = connection.execute_batch("ROLLBACK");
        clocked.until.store(u64::MAX, Ordering::Relaxed);
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_ok() && idle.len() < IDLE {
            idle.push(clocked);
        }
        answer
    }

    fn connect(&self) -> Result<Clocked, StoreError> {
        let mut connection = sqlite::connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
        let (until, began) = (Arc::new(AtomicU64::new(u64::MAX)), Instant::now());
        let clock = Arc::clone(&until);
        connection.progress_handler(STEPS, Some(move || micros(began.elapsed()) > clock.load(Ordering::Relaxed)))?;
        let allowed = Arc::clone(&self.0.allowed);
        connection.authorizer(Some(move |asked: AuthContext<'_>| {
            if allowed.allows(&asked.action) { Authorization::Allow } else { Authorization::Deny }
        }))?;
        Ok(Clocked { connection, until, began })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Allowed {
    fn allows(&self, action: &AuthAction<'_>) -> bool {
        match action {
            AuthAction::Select | AuthAction::Recursive => true,
            // Ours: no statement of a site begins or ends a transaction.
            AuthAction::Transaction { .. } => true,
            // Only that there are rows: of a table, or of a part of the query that has a name.
            AuthAction::Read { table_name, column_name: "" } => !self.closed.contains(&table_name.to_lowercase()),
            AuthAction::Read { table_name, column_name } => {
                // The index of a search and the tables it keeps itself in. No statement of a
                // site can name them: what begins with `littoral_` is refused when it is parsed.
                table_name.starts_with(index::SEARCH)
                    || self
                        .open
                        .get(*table_name)
                        .is_some_and(|columns| *column_name == ROWID || columns.contains(*column_name))
            }
            AuthAction::Function { function_name } => {
                let name = function_name.to_lowercase();
                may_be_called(&name) || matches!(&*name, "like" | "glob" | "match" | "bm25")
            }
            // The search asks whether somebody has written, and we, whether a table is another.
            AuthAction::Pragma { pragma_name, pragma_value: None } => {
                ["data_version", "schema_version"].contains(pragma_name)
            }
            _ => false,
        }
    }
}
