//! The indexes that lists and searches want. They are made when a site is opened, and those
//! that nobody wants any more are taken away.

use std::collections::{BTreeMap, BTreeSet};

use super::Open;
use crate::site::data_page::{Direction, Filter, List};
use crate::site::digest::Digest;
use crate::site::table::{ColumnName, TableName};
use crate::store::StoreError;
use crate::store::sql::{Dialect, Sql};
use crate::store::tables::Table;

/// What the index of a search is called: this, and the table. It is Littoral's, so that no
/// statement of a site can name it.
pub(super) const SEARCH: &str = "littoral_search_";
/// What the index of a list is called: this, and a digest of what it is.
const OF_LIST: &str = "littoral_index_";

/// Makes what is missing.
pub(super) fn make(
    sql: &Sql<'_>,
    open: &Open,
    tables: &BTreeMap<TableName, Table>,
    lists: &[List],
) -> Result<(), StoreError> {
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
                sql.batch(&format!("CREATE INDEX {name} ON {on}"))?;
            }
            wanted.insert(name);
        }
    }
    for name in there.iter().filter(|name| name.starts_with(OF_LIST) && !wanted.contains(*name)) {
        sql.batch(&format!("DROP INDEX {name}"))?;
    }
    for (name, opened) in open {
        let searched: Vec<&ColumnName> = opened
            .search
            .iter()
            .filter(|column| tables.get(name).is_some_and(|table| table.column(column).is_some()))
            .collect();
        if !searched.is_empty() {
            make_search(sql, name, &searched, &there)?;
        }
    }
    Ok(())
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
/// PostgreSQL an index over an expression, which keeps itself. A search over other columns
/// has another name, so that the one before goes.
fn make_search(
    sql: &Sql<'_>,
    table: &TableName,
    columns: &[&ColumnName],
    there: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let name = search_name(table, columns);
    if there.contains(&name) {
        return Ok(());
    }
    tracing::info!(%table, "making the index of its search");
    match sql.dialect() {
        Dialect::Postgres => {
            sql.batch(&format!("CREATE INDEX {name} ON {} USING gin ({})", table.quoted(), document(columns)))
        }
        Dialect::Sqlite => {
            let prefix = format!("{SEARCH}{table}_");
            for old in there.iter().filter(|old| old.starts_with(&prefix) && old.len() == name.len()) {
                let triggers =
                    ["insert", "update", "delete"].map(|deed| format!("DROP TRIGGER IF EXISTS {old}_{deed};"));
                sql.batch(&format!("{} DROP TABLE {old};", triggers.concat()))?;
            }
            sql.batch(&search_of_sqlite(&name, table, columns))
        }
    }
}

/// What the index of a search is called.
pub(super) fn search_name(table: &TableName, columns: &[&ColumnName]) -> String {
    let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let digest = Digest::of(columns.join(",").as_bytes()).hex();
    // PostgreSQL has 63 bytes for a name.
    let stem = table.as_str().get(..table.as_str().len().min(38)).unwrap_or_default();
    format!("{SEARCH}{stem}_{}", digest.get(..8).unwrap_or_default())
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
