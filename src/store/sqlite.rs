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

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use tokio::sync::oneshot;

use super::migrations;

/// How long a statement waits for another process that is writing, such as a backup.
const BUSY: Duration = Duration::from_secs(5);
/// How many jobs share one commit at most: a bound on how long the first of them waits.
const JOBS_A_COMMIT: usize = 512;
/// How many idle reading connections are kept; each holds up to 2 MB of pages.
const IDLE_READERS: usize = 16;
/// Prepared statements kept by each connection: more than there are in this folder.
const STATEMENTS: usize = 64;

/// The store. A clone is another handle on the same one.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

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

#[derive(Default)]
struct Counters {
    jobs: AtomicU64,
    commits: AtomicU64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.0.path).finish()
    }
}

/// How much the writer has done since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Deeds asked for.
    pub jobs: u64,
    /// Commits made for them.
    pub commits: u64,
}

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
    Failed(#[from] rusqlite::Error),
    /// The writing thread has ended.
    #[error("the store is closed")]
    Closed,
    /// The job failed without a word; nothing of it is kept.
    #[error("the store's work was interrupted")]
    Interrupted,
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

enum Message {
    Job(Durability, Job),
    Close,
}

/// Runs inside the transaction; what it gives back is called when the commit has a result.
type Job = Box<dyn FnOnce(&Connection) -> Acknowledge + Send>;
type Acknowledge = Box<dyn FnOnce(Committed) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Committed {
    Yes,
    No,
}

impl Store {
    /// Opens the store at `path`, makes it if there is none, and brings its tables to what
    /// this program knows.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path).map_err(|cause| StoreError::Unopenable { path: path.to_owned(), cause })?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| foreign(path, error))?;
        migrations::claim(&mut connection, path).map_err(|error| match error {
            StoreError::Failed(error) => foreign(path, error),
            other => other,
        })?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // After a burst the log is cut to 8 MiB again instead of keeping its largest size.
        connection.pragma_update(None, "journal_size_limit", 8 * 1024 * 1024)?;
        migrations::apply(&mut connection, Timestamp::now())?;

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

    /// Finishes what was asked for, moves the log into the database file and closes. Deeds
    /// asked for afterwards answer [`StoreError::Closed`].
    pub async fn close(&self) {
        let _ = self.0.jobs.send(Message::Close);
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }

    /// How much the writer has done.
    pub fn work(&self) -> Work {
        Work { jobs: self.0.work.jobs.load(Ordering::Relaxed), commits: self.0.work.commits.load(Ordering::Relaxed) }
    }

    /// Asks, on this thread. `question` must be answered through an index.
    pub(super) fn read<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
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
        Ok(answer?)
    }

    /// Does `deed` in the writer's next transaction and waits until it is committed. When
    /// it fails, nothing of it is kept.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        deed: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
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

struct Writer {
    connection: Connection,
    counters: Arc<Counters>,
    /// What the connection is set to; a pragma a commit would be wasted.
    durability: Option<Durability>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) {
        let mut open = true;
        while open {
            let mut batch = Vec::new();
            // Ends when every `Store` is gone, too.
            match inbox.recv() {
                Ok(Message::Job(durability, job)) => batch.push((durability, job)),
                Ok(Message::Close) | Err(_) => break,
            }
            while batch.len() < JOBS_A_COMMIT {
                match inbox.try_recv() {
                    Ok(Message::Job(durability, job)) => batch.push((durability, job)),
                    Ok(Message::Close) => {
                        open = false;
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.commit(batch);
        }
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the store's log stays beside it");
        }
    }

    fn commit(&mut self, batch: Vec<(Durability, Job)>) {
        self.counters.jobs.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let durable = batch.iter().any(|(durability, _)| *durability == Durability::Durable);
        let begun = self.set(if durable { Durability::Durable } else { Durability::Relaxed });
        let begun = begun.and_then(|()| self.connection.execute_batch("BEGIN IMMEDIATE"));
        if let Err(error) = &begun {
            tracing::error!(%error, "the store cannot begin a transaction");
        }
        let mut acknowledge = Vec::with_capacity(batch.len());
        let mut whole = begun.is_ok();
        for (_, job) in batch {
            // Without a transaction the savepoint in the job would commit by itself, so it
            // is run into a transaction of its own that is rolled back below.
            if self.connection.is_autocommit() && self.connection.execute_batch("BEGIN").is_err() {
                continue;
            }
            acknowledge.push(job(&self.connection));
            // Some failures (a full disk) end the whole transaction, the others' work with it.
            whole &= !self.connection.is_autocommit();
        }
        let committed = if whole && self.connection.execute_batch("COMMIT").is_ok() {
            self.counters.commits.fetch_add(1, Ordering::Relaxed);
            Committed::Yes
        } else {
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            Committed::No
        };
        for tell in acknowledge {
            tell(committed);
        }
    }

    fn set(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != Some(durability) {
            let level = match durability {
                Durability::Durable => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = Some(durability);
        }
        Ok(())
    }
}

/// Runs `deed` so that its failure, or its panic, undoes it and nothing else.
fn in_savepoint<T>(
    connection: &Connection,
    deed: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    // A panic would end the only writing thread, and with it every later write.
    let result = catch_unwind(AssertUnwindSafe(|| deed(connection)));
    let end = if matches!(result, Ok(Ok(_))) { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    if !connection.is_autocommit() {
        connection.execute_batch(end)?;
    }
    match result {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::Interrupted),
    }
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // No mutex inside SQLite: a connection is with one thread at a time. No URI: a file
    // called `file:x?mode=memory` is a file.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// `sql` prepared, or taken from those this connection has prepared before.
///
/// To PostgreSQL `$2` is the second parameter; to SQLite it is a *name*, and parameters are
/// numbered as they first appear. So they must first appear in order, or values go to wrong
/// places without a word: the tests look at every statement they come through.
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
        _ => StoreError::Failed(error),
    }
}
