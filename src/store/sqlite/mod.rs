//! How SQLite is held: many readers, one writer that groups commits.
//!
//! A commit costs a flush to the disk however small it is, and SQLite has one writer at a
//! time anyway. So one thread owns the only writing connection. It takes the job that came
//! first and all that have come meanwhile, runs them in one transaction, each inside a
//! savepoint (one that fails undoes itself and no other), commits once, and only then
//! tells each caller. Under load a commit is shared by hundreds; alone, a job waits for
//! nobody.
//!
//! Readers run in place, on the caller's thread: an indexed read takes a few microseconds,
//! a hop to another thread takes more. That holds only while every query has its index and
//! its `LIMIT`, which is a rule of this folder.
//!
//! The files are created for their owner alone (mode 0600, the folder 0700): they hold
//! addresses and the digests of passwords.

mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OpenFlags, TransactionBehavior};
use tokio::sync::oneshot;

use self::writer::{Committed, Counters, Job, Message, Writer, in_savepoint};
use super::StoreError;
use super::door::{Durability, Work};
use super::migrations;
use super::sql::Sql;

/// Written into the header of the file, so that `file` and we can tell it: "Litt".
const APPLICATION_ID: i32 = 0x4c69_7474;

/// How long a statement waits for another process that is writing, such as a backup.
const BUSY: Duration = Duration::from_secs(5);
/// Bytes: after a burst the log is cut to so much again instead of keeping its largest size.
const LOG: i64 = 8 * 1024 * 1024;
/// How many idle reading connections are kept; each holds up to 2 MB of pages.
const IDLE_READERS: usize = 16;
/// Prepared statements kept by each connection: more than there are in this folder.
const STATEMENTS: usize = 64;

/// A store in a file. A clone is another handle on the same one.
#[derive(Clone)]
pub(super) struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Taken for one read and put back. One more is opened when all are in use, so there
    /// are as many as threads that read at once.
    idle: Mutex<Vec<Connection>>,
    jobs: Sender<Message>,
    /// Taken by whoever closes.
    writer: Mutex<Option<JoinHandle<()>>>,
    work: Arc<Counters>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sqlite").field(&self.0.path).finish()
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path).map_err(|cause| StoreError::Unopenable { path: path.to_owned(), cause })?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| foreign(path, error))?;
        claim(&mut connection, path).map_err(|error| match error {
            StoreError::Sqlite(error) => foreign(path, error),
            other => other,
        })?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG)?;
        migrations::apply(&Sql::sqlite(&connection), Timestamp::now())?;

        let (jobs, inbox) = channel();
        let work = Arc::new(Counters::default());
        let counters = Arc::clone(&work);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || Writer { connection, counters, durability: None }.run(&inbox))
            .map_err(|cause| StoreError::Unopenable { path: path.to_owned(), cause })?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            idle: Mutex::default(),
            jobs,
            writer: Mutex::new(Some(writer)),
            work,
        })))
    }

    /// Moves the log into the database file, too.
    pub(super) async fn close(&self) {
        let _ = self.0.jobs.send(Message::Close);
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn work(&self) -> Work {
        Work { jobs: self.0.work.jobs.load(Ordering::Relaxed), commits: self.0.work.commits.load(Ordering::Relaxed) }
    }

    /// Asks, on this thread. `question` must be answered through an index.
    pub(super) fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let answer = question(&connection);
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        answer
    }

    /// A connection that writes past the writer, for what takes too long for it.
    pub(super) fn connect_apart(&self) -> Result<Connection, StoreError> {
        let connection = connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG)?;
        Ok(connection)
    }

    /// Asks, on a connection of its own, what takes too long for one of those that are shared.
    pub(super) fn read_apart<T, E: From<StoreError>>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(StoreError::from)?;
        question(&connection)
    }

    /// Does `deed` in the writer's next transaction and waits until it is committed. When
    /// it fails, nothing of it is kept.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        deed: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, deed);
            Box::new(move |committed| {
                let answer = match (result, committed) {
                    (Ok(value), Committed::Yes) => Ok(value),
                    (Ok(_), Committed::No) => Err(StoreError::Interrupted),
                    (Err(error), _) => Err(error),
                };
                // Who no longer waits has dropped the other end; the deed is done all the same.
                let _ = tell.send(answer);
            })
        });
        self.0.jobs.send(Message::Job(durability, job)).map_err(|_| StoreError::Closed)?;
        told.await.unwrap_or(Err(StoreError::Interrupted))
    }
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // No mutex inside SQLite: a connection is with one thread at a time. No URI: a file
    // called `file:x?mode=memory` is a file.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// `sql` prepared, or taken from those this connection has prepared before.
pub(super) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    let statement = connection.prepare_cached(sql)?;
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|number| statement.parameter_name(number) == Some(&format!("${number}")[..])),
        "the parameters are not in order: {sql}"
    );
    Ok(statement)
}

/// Makes the file, and the folder if it is not there, for the owner alone. SQLite gives its
/// log files the mode of the database.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().read(true).write(true).open(path).map(drop)
        }
        other => other.map(drop),
    }
}

fn foreign(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            StoreError::NotAStore { path: path.to_owned(), why: "it is no SQLite database".to_owned() }
        }
        _ => StoreError::Sqlite(error),
    }
}

/// Refuses a database that another program made; marks a new one as ours.
fn claim(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
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
