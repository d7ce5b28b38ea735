//! How PostgreSQL is held: a few connections, each with one thread while it works.
//!
//! Deeds run in serialisable transactions: what two nodes do at once comes out as if one had
//! been first, which is what SQLite's single writer gives for nothing. PostgreSQL says so
//! when it cannot keep that, and the deed is done over.
//!
//! The same closures run here as on SQLite, and they do not wait: each runs on a thread
//! that may block, and its statements on the runtime of this module. Statements are
//! prepared once a connection.
//!
//! A connection that has broken is left behind and another opened; a question is then asked
//! again. A deed is not, once its commit was sent: whether it took place cannot be known.

mod bulk;
mod value;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Statement};
use tokio_stream::StreamExt;

use super::StoreError;
use super::door::{Durability, Work};
use super::error::said;
use super::migrations;
use super::site_reads::is_shown;
use super::sql::{Sql, Value};

/// How many connections one node has at most: PostgreSQL admits a hundred by default.
const CONNECTIONS: usize = 16;
/// How long a server may take to answer a knock.
const KNOCK: Duration = Duration::from_secs(5);
/// What each connection is told first: no statement of ours takes this long, and one that
/// hangs must not keep a connection for ever.
const GREETING: &str = "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'";
/// How often a deed is done over when others come between.
const TRIES: u32 = 30;
/// How many statements one connection keeps prepared. Those of an API are as many as there are
/// sets of columns to be changed.
const STATEMENTS: usize = 512;
/// The wait before the first of these; it grows with each.
const STEP_BACK: Duration = Duration::from_millis(1);

/// A store in PostgreSQL. A clone is another handle on the same one.
#[derive(Clone)]
pub(super) struct Postgres(Arc<Inner>);

struct Inner {
    config: Config,
    /// What each connection is told first.
    greeting: String,
    /// Drives the connections. Its own, so that a store can be opened before there is
    /// another, and outlives none.
    runtime: Option<Runtime>,
    idle: Mutex<Vec<Connection>>,
    slots: Semaphore,
    is_closed: AtomicBool,
    jobs: AtomicU64,
    commits: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A plain drop waits, which a thread of another runtime may not.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Postgres").field(&shown(&self.0.config)).finish()
    }
}

impl Postgres {
    pub(super) fn open(config: &Config) -> Result<Self, StoreError> {
        let postgres = Self::at(config.clone(), GREETING.to_owned())?;
        let inner = &postgres.0;
        // A thread of its own: whoever opens may stand on one that must not block.
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| {
                let connection = inner.connect()?;
                migrations::apply(&Sql::postgres(&connection), jiff::Timestamp::now())?;
                inner.put_back(connection);
                Ok(())
            });
            opening.join().unwrap_or(Err(StoreError::Interrupted))
        })?;
        Ok(postgres)
    }

    /// Other connections to the same server, each told this first.
    pub(super) fn with_greeting(&self, greeting: String) -> Result<Self, StoreError> {
        Self::at(self.0.config.clone(), greeting)
    }

    fn at(mut config: Config, greeting: String) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store-postgres")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unreachable { address: shown(&config), why: error.to_string() })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(KNOCK);
        }
        if config.get_application_name().is_none() {
            config.application_name("littoral");
        }
        Ok(Self(Arc::new(Inner {
            config,
            greeting,
            runtime: Some(runtime),
            idle: Mutex::default(),
            slots: Semaphore::new(CONNECTIONS),
            is_closed: AtomicBool::new(false),
            jobs: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        })))
    }

    pub(super) async fn close(&self) {
        self.0.is_closed.store(true, Ordering::Relaxed);
        // What is under way holds a slot.
        let _all = self.0.slots.acquire_many(CONNECTIONS as u32).await;
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn work(&self) -> Work {
        Work { jobs: self.0.jobs.load(Ordering::Relaxed), commits: self.0.commits.load(Ordering::Relaxed) }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_a_thread(move |inner| {
            let ask = |connection: Connection| {
                let answer = question(&Sql::postgres(&connection));
                let is_broken = answer.as_ref().err().is_some_and(is_lost);
                if !is_broken {
                    inner.put_back(connection);
                }
                (answer, is_broken)
            };
            match inner.take_idle() {
                Some(connection) => match ask(connection) {
                    (Err(_), true) => ask(inner.connect()?).0,
                    (Err(error), false) if is_stale(&error) => {
                        ask(inner.take_idle().map_or_else(|| inner.connect(), Ok)?).0
                    }
                    (answer, _) => answer,
                },
                None => ask(inner.connect()?).0,
            }
        })
        .await
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        isolation: Isolation,
        deed: impl Fn(&Sql<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_a_thread(move |inner| {
            inner.jobs.fetch_add(1, Ordering::Relaxed);
            let mut connection = match inner.take_idle() {
                Some(connection) => connection,
                None => inner.connect()?,
            };
            let mut wait = STEP_BACK;
            for tries in 1..=TRIES {
                if begin(&connection, durability, isolation).is_err() {
                    // It may have broken while it lay idle.
                    connection = inner.connect()?;
                    begin(&connection, durability, isolation)?;
                }
                let (done, may_again) = match deed(&Sql::postgres(&connection)) {
                    Ok(value) => {
                        let done = connection.batch("COMMIT").map(|()| value);
                        let may_again = done.as_ref().err().is_some_and(came_between);
                        (done, may_again)
                    }
                    Err(error) => {
                        let may_again = came_between(&error) || is_lost(&error) || is_stale(&error);
                        (Err(error), may_again)
                    }
                };
                match done {
                    Ok(value) => {
                        inner.commits.fetch_add(1, Ordering::Relaxed);
                        inner.put_back(connection);
                        return Ok(value);
                    }
                    Err(error) if tries == TRIES || !may_again => {
                        if connection.batch("ROLLBACK").is_ok() {
                            inner.put_back(connection);
                        }
                        return Err(error);
                    }
                    // If this fails, the next beginning does too, on which another is opened.
                    Err(_) => drop(connection.batch("ROLLBACK")),
                }
                // Not all for the same time, or they meet again.
                let mut jitter = [0];
                let _ = getrandom::fill(&mut jitter);
                std::thread::sleep(wait.mul_f64(0.5 + f64::from(jitter[0]) / 255.0));
                wait = (wait * 2).min(Duration::from_millis(50));
            }
            Err(StoreError::Interrupted)
        })
        .await
    }

    /// Listens to `channel` on a connection of its own: something comes each time that
    /// somebody has notified, and nothing any more once the connection has broken.
    pub(super) async fn listen(&self, channel: &str) -> Result<mpsc::Receiver<()>, StoreError> {
        let channel = channel.to_owned();
        self.on_a_thread(move |inner| {
            // One that waits is enough to say that there is something.
            let (tell, told) = mpsc::channel(1);
            let (connection, driven) = inner.connect_telling(Some(tell))?;
            connection.batch(&format!("LISTEN {channel}"))?;
            // A client that is dropped closes its connection: it lives as long as that does.
            connection.handle.spawn(async move {
                let _ = driven.await;
                drop(connection.client);
            });
            Ok(told)
        })
        .await
    }

    /// Runs `job` where it may block, when a connection is free for it.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = self.0.slots.acquire().await.map_err(|_| StoreError::Closed)?;
        if self.0.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let inner = Arc::clone(&self.0);
        // A panic in the job is its own affair: the connection it held is dropped with it.
        let done = tokio::task::spawn_blocking(move || job(&inner)).await;
        drop(slot);
        done.unwrap_or(Err(StoreError::Interrupted))
    }
}

/// What a transaction sees of those that run beside it.
#[derive(Clone, Copy)]
pub(super) enum Isolation {
    /// Nothing, as if it were alone.
    Serializable,
    /// What they have committed, and it may pass over rows that they hold.
    ReadCommitted,
}

fn begin(connection: &Connection, durability: Durability, isolation: Isolation) -> Result<(), StoreError> {
    connection.batch(match (isolation, durability) {
        (Isolation::Serializable, Durability::Durable) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        (Isolation::Serializable, Durability::Relaxed) => {
            "BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL synchronous_commit = off"
        }
        (Isolation::ReadCommitted, Durability::Durable) => "BEGIN ISOLATION LEVEL READ COMMITTED",
        (Isolation::ReadCommitted, Durability::Relaxed) => {
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off"
        }
    })
}

/// Whether another transaction came between, so that doing it over is right.
pub(super) fn came_between(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else { return false };
    // Two nodes that start at once make the same index or role, and the catalogue takes one.
    let in_the_catalogue = |said: &tokio_postgres::error::DbError| {
        said.constraint().is_some_and(|name| name.starts_with("pg_")) || said.message() == "tuple concurrently updated"
    };
    let codes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
    ];
    error.code().is_some_and(|code| codes.contains(code)) || error.as_db_error().is_some_and(in_the_catalogue)
}

/// Whether a statement was prepared for a table that is another now.
fn is_stale(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else { return false };
    // "cached plan must not change result type"; a table may come back with the same columns.
    matches!(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED | &SqlState::INVALID_SQL_STATEMENT_NAME))
}

/// Whether the connection is of no use any more: it broke, or the server is going away.
fn is_lost(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else { return false };
    let going = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];
    error.is_closed() || error.code().is_some_and(|code| going.contains(code)) || is_broken_wire(error)
}

fn is_broken_wire(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

impl Inner {
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.client.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Opens one more.
    fn connect(&self) -> Result<Connection, StoreError> {
        self.connect_telling(None).map(|(connection, _)| connection)
    }

    /// Opens one more, which tells of each notification for as long as somebody hears, and what
    /// drives it.
    fn connect_telling(&self, tell: Option<mpsc::Sender<()>>) -> Result<(Connection, JoinHandle<()>), StoreError> {
        let handle = self.runtime.as_ref().ok_or(StoreError::Closed)?.handle().clone();
        let unreachable =
            |error: &tokio_postgres::Error| StoreError::Unreachable { address: shown(&self.config), why: said(error) };
        let (client, driven) = handle.block_on(async {
            let (client, mut connection) = self.config.connect(NoTls).await.map_err(|error| unreachable(&error))?;
            let driven = handle.spawn(async move {
                loop {
                    let message = tokio::select! {
                        message = poll_fn(|cx| connection.poll_message(cx)) => message,
                        () = unheard(tell.as_ref()) => break,
                    };
                    let Some(message) = message else { break };
                    match (message, &tell) {
                        // Nobody misses one that has no room: there is one to be heard already.
                        (Ok(AsyncMessage::Notification(_)), Some(tell)) => drop(tell.try_send(())),
                        (Ok(_), _) => {}
                        (Err(error), _) => {
                            tracing::warn!(error = said(&error), "a connection to the store broke");
                            break;
                        }
                    }
                }
            });
            client.batch_execute(&self.greeting).await?;
            Ok::<_, StoreError>((client, driven))
        })?;
        Ok((Connection { client, handle, statements: RefCell::default() }, driven))
    }
}

/// Ready when nobody hears any more of what a connection tells; never for one that tells nothing.
async fn unheard(tell: Option<&mpsc::Sender<()>>) {
    match tell {
        Some(tell) => tell.closed().await,
        None => std::future::pending().await,
    }
}

/// Host and port, without user and password.
fn shown(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => format!("{host}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "no host".to_owned(),
    }
}

/// One connection, with one thread at a time.
pub(super) struct Connection {
    client: Client,
    handle: Handle,
    statements: RefCell<FxHashMap<String, Statement>>,
}

impl Connection {
    pub(super) fn run(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let prepared = self.prepare_for(statement, parameters)?;
        let done = self.wait(self.client.execute_raw(&prepared, parameters.iter().map(as_parameter)));
        self.unless_stale(statement, done)
    }

    /// A statement that was prepared before its table was replaced is prepared anew next time.
    fn unless_stale<T>(&self, statement: &str, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.as_ref().err().is_some_and(is_stale) {
            self.statements.borrow_mut().remove(statement);
        }
        done
    }

    /// Every row, as `read` understands it. Rows are read as they come, so that a reader who has
    /// read enough leaves the rest on the wire, and never in memory.
    pub(super) fn rows<T>(
        &self,
        statement: &str,
        parameters: &[Value<'_>],
        mut read: impl FnMut(&tokio_postgres::Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let prepared = self.prepare_for(statement, parameters)?;
        let found = self.handle.block_on(async {
            let found = self.client.query_raw(&prepared, parameters.iter().map(as_parameter)).await?;
            let mut found = std::pin::pin!(found);
            let mut rows = Vec::new();
            while let Some(row) = found.next().await {
                rows.push(read(&row?)?);
            }
            Ok(rows)
        });
        self.unless_stale(statement, found)
    }

    /// The names of the columns that a statement gives.
    pub(super) fn columns(&self, statement: &str) -> Result<Vec<String>, StoreError> {
        let prepared = self.prepare(statement)?;
        let named = prepared.columns().iter().map(|column| match is_shown(column.type_()) {
            true => Ok(column.name().to_owned()),
            false => {
                Err(StoreError::UnknownType { column: column.name().to_owned(), kind: column.type_().to_string() })
            }
        });
        named.collect()
    }

    pub(super) fn batch(&self, statements: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(statements))
    }

    /// The statement, prepared for parameters that these values fit; anew when it was prepared
    /// before its table got columns of other types.
    fn prepare_for(&self, statement: &str, values: &[Value<'_>]) -> Result<Statement, StoreError> {
        let prepared = self.prepare(statement)?;
        if values.iter().zip(prepared.params()).all(|(value, wanted)| value.fits(wanted)) {
            return Ok(prepared);
        }
        self.statements.borrow_mut().remove(statement);
        self.prepare(statement)
    }

    fn prepare(&self, statement: &str) -> Result<Statement, StoreError> {
        if let Some(prepared) = self.statements.borrow().get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.wait(self.client.prepare(statement))?;
        if self.statements.borrow().len() >= STATEMENTS {
            self.statements.borrow_mut().clear();
        }
        self.statements.borrow_mut().insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    fn wait<T>(&self, doing: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
        Ok(self.handle.block_on(doing)?)
    }
}

fn as_parameter<'p>(value: &'p Value<'p>) -> &'p (dyn ToSql + Sync) {
    value
}
