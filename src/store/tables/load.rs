//! Loading: from the staged rows to a table, in one transaction.
//!
//! All or nothing. Whatever happens (a full disk, a lost connection, `kill -9`), the table is
//! the one before or the one after, with its indexes and triggers.
//!
//! What waits meanwhile. On SQLite: readers never; other writers while the rows are copied
//! from one file to the other, or merged, which took one to two seconds for a million rows of
//! seventy bytes on two cores. A server's write waits five seconds for it before it fails. (Copying in many short transactions would shorten the wait, and
//! leave half a table behind when it is killed.) On PostgreSQL: nobody while the rows come
//! in, because a table that is to be replaced is filled under another name; then, for the
//! moment of the change of names, those who use that table.

use jiff::Timestamp;

use super::staging::{STAGED, Staging};
use super::{Table, catalogue, statement};
use crate::site::table::{ColumnType, TableName};
use crate::store::StoreError;
use crate::store::changes::{self, ChangeDeed};
use crate::store::door::{Engine, Store};
use crate::store::postgres;
use crate::store::site_reads::index::drop_search;
use crate::store::sql::{Dialect, Sql, Value};

/// What becomes of a table that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// Loading is refused.
    Refuse,
    /// It gives way to the new rows and their columns.
    Replace,
    /// Rows with a key that is there take the place of its values in their columns; the others
    /// are added.
    Upsert,
}

/// The table of PostgreSQL that rows come into before they are part of the one they are for.
/// Its beginning is reserved, so that no table of the site is called so.
const INCOMING: &str = "littoral_incoming";

/// The indexes of the searches in a table.
const OF_SEARCHES: &str = "SELECT name FROM main.sqlite_schema
    WHERE type = 'table' AND name LIKE 'littoral!_search!_%' ESCAPE '!'
    AND instr(sql, 'content=''' || $1 || '''') > 0";

impl Store {
    /// Loads what is staged. Makes the table if it is not there.
    pub async fn load(&self, staging: Staging, if_there: IfThere, now: Timestamp) -> Result<u64, StoreError> {
        match self.engine() {
            Engine::Sqlite(_) => tokio::task::spawn_blocking(move || into_sqlite(&staging, if_there, now))
                .await
                .unwrap_or(Err(StoreError::Interrupted)),
            Engine::Postgres(postgres) => {
                postgres.apart(move |server| into_postgres(server, &staging, if_there, now)).await
            }
        }
    }
}

fn into_sqlite(staging: &Staging, if_there: IfThere, now: Timestamp) -> Result<u64, StoreError> {
    let connection = &staging.connection;
    connection.execute_batch("PRAGMA main.synchronous = FULL; BEGIN IMMEDIATE")?;
    let sql = Sql::sqlite(connection);
    // A transaction that is left open is rolled back when the connection is closed.
    let table = &staging.table;
    let name = table.name.quoted();
    match standing(&sql, &table.name, if_there)? {
        None => {
            sql.batch(&statement::create(table, &name, Dialect::Sqlite))?;
            sql.batch(&copy_rows(&name))?;
        }
        Some(_) if if_there == IfThere::Upsert => {
            sql.run(&statement::upsert(table, STAGED), &[])?;
        }
        Some(_) => {
            let belongings = "SELECT sql FROM main.sqlite_schema
                WHERE tbl_name = $1 AND type IN ('index', 'trigger') AND sql IS NOT NULL";
            let belongings = texts(&sql, belongings, &table.name)?;
            sql.batch(&format!("DROP TABLE {name}"))?;
            sql.batch(&statement::create(table, &name, Dialect::Sqlite))?;
            sql.batch(&copy_rows(&name))?;
            make_again(&sql, &belongings)?;
            // The rows came in before the triggers that keep an index of their words.
            for search in texts(&sql, OF_SEARCHES, &table.name)? {
                sql.batch("SAVEPOINT search")?;
                if let Err(error) = sql.batch(&format!("INSERT INTO {search}({search}) VALUES ('rebuild')")) {
                    tracing::warn!(%error, table = %table.name, "its search goes: a column that it looked into is gone");
                    sql.batch("ROLLBACK TO SAVEPOINT search")?;
                    drop_search(&sql, &search)?;
                }
                sql.batch("RELEASE SAVEPOINT search")?;
            }
        }
    }
    changes::note(&sql, &table.name, ChangeDeed::Imported, None, now)?;
    sql.batch("COMMIT")?;
    Ok(staging.rows())
}

/// Between two tables of one form SQLite copies whole records, unread.
fn copy_rows(name: &str) -> String {
    format!("INSERT INTO main.{name} SELECT * FROM {STAGED}")
}

fn into_postgres(
    server: &postgres::Connection,
    staging: &Staging,
    if_there: IfThere,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = Sql::postgres(server);
    // The limits that each connection is greeted with are for the questions of a request.
    sql.batch("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")?;
    let table = &staging.table;
    let name = table.name.quoted();
    let come_in = |called: &str| {
        let copy = format!("COPY {called} ({}) FROM STDIN BINARY", statement::list(&table.columns));
        let kinds: Vec<_> = table.columns.iter().map(|column| column.kind).collect();
        let mut rows = staging.connection.prepare(&format!("SELECT * FROM {STAGED}"))?;
        server.copy_in(&copy, &kinds, rows.query([])?)
    };
    match standing(&sql, &table.name, if_there)? {
        None => {
            sql.batch(&statement::create(table, &name, Dialect::Postgres))?;
            come_in(&name)?;
        }
        Some(_) if if_there == IfThere::Upsert => {
            let incoming = statement::create(table, INCOMING, Dialect::Postgres);
            sql.batch(&format!("{} ON COMMIT DROP", incoming.replacen("CREATE TABLE", "CREATE TEMP TABLE", 1)))?;
            come_in(INCOMING)?;
            sql.run(&statement::upsert(table, INCOMING), &[])?;
        }
        Some(_) => {
            // Two imports into one table come one after the other.
            sql.batch(&statement::create(table, INCOMING, Dialect::Postgres))?;
            come_in(INCOMING)?;
            let belongings = "SELECT pg_get_indexdef(k.indexrelid) FROM pg_index k
                    WHERE k.indrelid = to_regclass(quote_ident($1)) AND NOT k.indisprimary
                UNION ALL SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g
                    WHERE g.tgrelid = to_regclass(quote_ident($1)) AND NOT g.tgisinternal
                UNION ALL SELECT format('GRANT SELECT (%I) ON %I TO %I', p.column_name, p.table_name, p.grantee)
                    FROM information_schema.column_privileges p
                    WHERE p.table_schema = current_schema() AND p.table_name = $1
                    AND p.privilege_type = 'SELECT' AND p.grantee LIKE 'littoral_reads_%'";
            let belongings = texts(&sql, belongings, &table.name)?;
            sql.batch(&format!("DROP TABLE {name}; ALTER TABLE {INCOMING} RENAME TO {name}"))?;
            sql.batch(&format!("ALTER INDEX {INCOMING}_pkey RENAME TO \"{}\"", pkey(&table.name)))?;
            make_again(&sql, &belongings)?;
        }
    }
    if table.column(&table.key).is_some_and(|key| key.kind == ColumnType::Integer) {
        sql.batch(&statement::count_on(table))?;
    }
    // Until it has looked at the rows, PostgreSQL guesses how many there are.
    sql.batch(&format!("ANALYZE {name}"))?;
    changes::note(&sql, &table.name, ChangeDeed::Imported, None, now)?;
    sql.batch("COMMIT")?;
    Ok(staging.rows())
}

/// What PostgreSQL itself calls the index of a key; a name has 63 bytes at most.
fn pkey(name: &TableName) -> String {
    let stem = name.as_str();
    format!("{}_pkey", stem.get(..stem.len().min(58)).unwrap_or(stem))
}

/// The table that stands under the name, if it may be touched.
fn standing(sql: &Sql<'_>, name: &TableName, if_there: IfThere) -> Result<Option<Table>, StoreError> {
    match catalogue::described(sql, Some(name))?.pop() {
        Some(_) if if_there == IfThere::Refuse => Err(StoreError::TableIsThere { name: name.clone() }),
        Some(table) => Ok(Some(table)),
        None if catalogue::is_taken(sql, name)? => Err(StoreError::NotATableOfTheSite { name: name.clone() }),
        None => Ok(None),
    }
}

fn texts(sql: &Sql<'_>, statement: &str, name: &TableName) -> Result<Vec<String>, StoreError> {
    sql.rows(statement, &[Value::Text(name.as_str().into())], |row| row.get::<String>(0))
}

/// Makes the indexes and triggers again that belonged to a table before it was replaced. One
/// that names a column which is gone goes with it.
fn make_again(sql: &Sql<'_>, belongings: &[String]) -> Result<(), StoreError> {
    for belonging in belongings {
        sql.batch("SAVEPOINT belonging")?;
        if let Err(error) = sql.batch(belonging) {
            tracing::warn!(%error, "what belonged to the table before is not made again: {belonging}");
            sql.batch("ROLLBACK TO SAVEPOINT belonging")?;
        }
        sql.batch("RELEASE SAVEPOINT belonging")?;
    }
    Ok(())
}
