//! The indexes that lists and searches want. They are made when a site is opened, and those
//! that nobody wants any more are taken away.

use std::collections::{BTreeMap, BTreeSet};

use super::Open;
use crate::site::data_page::{Direction, Filter, List};
use crate::site::digest::Digest;
use crate::site::table::{ColumnName, TableName};
use crate::store::StoreError;
use crate::store::postgres::came_between;
use crate::store::sql::{Dialect, Sql};
use crate::store::tables::Table;

/// What the index of a search is called: this, and a digest. It is Littoral's, so that no
/// statement of a site can name it.
pub(in crate::store) const SEARCH: &str = "littoral_search_";
/// What the index of a list is called: this, and a digest of what it is.
const OF_LIST: &str = "littoral_index_";

/// Makes what is missing. Gives the tables of which the search could not be made, and why: an
/// index that cannot be made is no reason to answer nothing.
pub(super) fn make(
    sql: &Sql<'_>,
    open: &Open,
    tables: &BTreeMap<TableName, Table>,
    lists: &[List],
) -> Result<BTreeMap<TableName, String>, StoreError> {
    if sql.dialect() == Dialect::Postgres {
        // The limit that each connection is greeted with is for the questions of a request.
        sql.batch("SET LOCAL statement_timeout = 0")?;
    }
    let there: BTreeSet<String> = names(sql)?.into_iter().collect();
    let mut wanted = BTreeSet::new();
    for list in lists {
        let Some(table) = tables.get(&list.table) else { continue };
        for columns in of_list(list, table) {
            let columns: Vec<String> = columns.into_iter().map(ColumnName::quoted).collect();
            let on = format!("{} ({})", table.name.quoted(), columns.join(", "));
            let name = format!("{OF_LIST}{}", Digest::of(on.as_bytes()).hex().get(..16).unwrap_or_default());
            if !there.contains(&name) && wanted.insert(name.clone()) {
                tracing::info!(table = %table.name, columns = columns.join(", "), "making an index for a list");
                if let Err(error) = apart(sql, &format!("CREATE INDEX {name} ON {on}"))? {
                    if came_between(&error) {
                        return Err(error);
                    }
                    tracing::error!(%error, table = %table.name, "the index of a list cannot be made: it will be slow");
                }
            }
            wanted.insert(name);
        }
    }
    for name in there.iter().filter(|name| name.starts_with(OF_LIST) && !wanted.contains(*name)) {
        sql.batch(&format!("DROP INDEX {name}"))?;
    }
    let mut without = BTreeMap::new();
    let mut searches = BTreeSet::new();
    for (name, opened) in open {
        let searched: Vec<&ColumnName> = opened
            .search
            .iter()
            .filter(|column| tables.get(name).is_some_and(|table| table.column(column).is_some()))
            .collect();
        if !searched.is_empty() {
            let index = search_name(name, &searched);
            if !there.contains(&index)
                && let Err(error) = make_search(sql, name, &index, &searched)?
            {
                without.insert(name.clone(), error.said_of_query());
            }
            searches.insert(index);
        }
    }
    // Beside the index of a search SQLite has tables whose names begin with its name.
    let is_search = |name: &&String| name.starts_with(SEARCH) && name.len() == SEARCH.len() + DIGITS;
    for old in there.iter().filter(is_search).filter(|name| !searches.contains(*name)) {
        drop_search(sql, old)?;
    }
    Ok(without)
}

/// Does it, or nothing of it.
fn apart(sql: &Sql<'_>, statements: &str) -> Result<Result<(), StoreError>, StoreError> {
    sql.batch("SAVEPOINT apart")?;
    let done = sql.batch(statements);
    if done.is_err() {
        sql.batch("ROLLBACK TO SAVEPOINT apart")?;
    }
    sql.batch("RELEASE SAVEPOINT apart")?;
    Ok(done)
}

/// Takes the index of a search away, and what keeps it up.
pub(in crate::store) fn drop_search(sql: &Sql<'_>, name: &str) -> Result<(), StoreError> {
    match sql.dialect() {
        Dialect::Postgres => sql.batch(&format!("DROP INDEX IF EXISTS {name}")),
        Dialect::Sqlite => {
            let triggers = ["insert", "update", "delete"].map(|deed| format!("DROP TRIGGER IF EXISTS {name}_{deed};"));
            sql.batch(&format!("{} DROP TABLE IF EXISTS {name};", triggers.concat()))
        }
    }
}

/// The columns of each index that a list wants: what is fixed first, then what a reader may
/// choose, then the order, then the key.
fn of_list<'l>(list: &'l List, table: &'l Table) -> Vec<Vec<&'l ColumnName>> {
    let is_there = |column: &&ColumnName| table.column(column).is_some();
    let fixed: Vec<&ColumnName> = list.fixed.keys().filter(is_there).collect();
    let orders = || list.sort.iter().map(|order| &order.column).filter(is_there);
    let equal = list.filters.iter().filter(|(_, filter)| **filter == Filter::Equals).map(|(column, _)| column);
    let ranges = list.filters.iter().filter(|(_, filter)| **filter == Filter::Range).map(|(column, _)| column);
    let key = std::iter::once(&table.key);
    let mut all: Vec<Vec<&ColumnName>> = Vec::new();
    let mut push = |columns: &mut dyn Iterator<Item = &'l ColumnName>| {
        let mut index: Vec<&ColumnName> = Vec::new();
        for column in columns {
            if !index.contains(&column) {
                index.push(column);
            }
        }
        if index != [&table.key] && !all.contains(&index) {
            all.push(index);
        }
    };
    push(&mut fixed.iter().copied().chain(key.clone()));
    for order in orders() {
        push(&mut fixed.iter().copied().chain([order]).chain(key.clone()));
    }
    for column in equal.filter(is_there) {
        push(&mut fixed.iter().copied().chain([column]).chain(orders().take(1)).chain(key.clone()));
    }
    for column in ranges.filter(is_there) {
        push(&mut fixed.iter().copied().chain([column]).chain(key.clone()));
    }
    all
}

/// The names of all indexes and tables that are ours to make.
fn names(sql: &Sql<'_>) -> Result<Vec<String>, StoreError> {
    let statement = match sql.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE name LIKE 'littoral%'",
        Dialect::Postgres => {
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'littoral%'"
        }
    };
    sql.rows(statement, &[], |row| row.get(0))
}

/// On SQLite a table of FTS5 over the content of the table itself, kept by triggers; on
/// PostgreSQL an index over an expression, which keeps itself.
fn make_search(
    sql: &Sql<'_>,
    table: &TableName,
    name: &str,
    columns: &[&ColumnName],
) -> Result<Result<(), StoreError>, StoreError> {
    tracing::info!(%table, "making the index of its search");
    let made = match sql.dialect() {
        // Until it has looked at them, PostgreSQL guesses how many rows have a word.
        Dialect::Postgres => {
            let on = table.quoted();
            format!("CREATE INDEX {name} ON {on} USING gin ({}); ANALYZE {on}", document(columns))
        }
        Dialect::Sqlite => search_of_sqlite(name, table, columns),
    };
    apart(sql, &made)
}

/// Figures of the digest in the name of a search.
const DIGITS: usize = 24;

/// What the index of a search is called: a digest of its table and columns, so that a search
/// over other columns is another one.
pub(super) fn search_name(table: &TableName, columns: &[&ColumnName]) -> String {
    let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let digest = Digest::of(format!("{table}({})", columns.join(",")).as_bytes()).hex();
    format!("{SEARCH}{}", digest.get(..DIGITS).unwrap_or(&digest))
}

/// What PostgreSQL searches in; the same words in the index and in the question.
pub(super) fn document(columns: &[&ColumnName]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("coalesce({}::text, '')", column.quoted())).collect();
    format!("to_tsvector('simple', {})", columns.join(" || ' ' || "))
}

fn search_of_sqlite(name: &str, table: &TableName, columns: &[&ColumnName]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| column.quoted()).collect();
    let list = quoted.join(", ");
    let of = |row: &str| quoted.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let (new, old, on) = (of("new"), of("old"), table.quoted());
    let add = format!("INSERT INTO {name}(rowid, {list}) VALUES (new.rowid, {new});");
    let remove = format!("INSERT INTO {name}({name}, rowid, {list}) VALUES ('delete', old.rowid, {old});");
    format!(
        "CREATE VIRTUAL TABLE {name} USING fts5({list}, content='{table}', content_rowid='rowid', tokenize='unicode61 remove_diacritics 2');
         INSERT INTO {name}({name}) VALUES ('rebuild');
         CREATE TRIGGER {name}_insert AFTER INSERT ON {on} BEGIN {add} END;
         CREATE TRIGGER {name}_delete AFTER DELETE ON {on} BEGIN {remove} END;
         CREATE TRIGGER {name}_update AFTER UPDATE ON {on} BEGIN {remove} {add} END;"
    )
}

/// `ASC` or `DESC`.
pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    }
}
