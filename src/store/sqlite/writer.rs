//! The writer: one thread, one connection, many deeds a commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::door::Durability;

/// How many jobs share one commit at most: a bound on how long the first of them waits.
const JOBS_A_COMMIT: usize = 512;

#[derive(Default)]
pub(super) struct Counters {
    pub(super) jobs: AtomicU64,
    pub(super) commits: AtomicU64,
}

pub(super) enum Message {
    Job(Durability, Job),
    Close,
}

/// Runs inside the transaction; what it gives back is called when the commit has a result.
pub(super) type Job = Box<dyn FnOnce(&Connection) -> Acknowledge + Send>;
pub(super) type Acknowledge = Box<dyn FnOnce(Committed) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    Yes,
    No,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) counters: Arc<Counters>,
    /// What the connection is set to; a pragma a commit would be wasted.
    pub(super) durability: Option<Durability>,
}

impl Writer {
    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
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
pub(super) fn in_savepoint<T>(
    connection: &Connection,
    deed: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    // A panic would end the only writing thread, and with it every later write.
    let result = catch_unwind(AssertUnwindSafe(|| deed(connection)));
    let end = if matches!(result, Ok(Ok(_))) { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    if !connection.is_autocommit() {
        connection.execute_batch(end)?;
    }
    match result {
        Ok(result) => result,
        Err(_) => Err(StoreError::Interrupted),
    }
}
