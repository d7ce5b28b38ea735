//! The statements that make and fill tables, from checked names.

use super::{Column, Table};
use crate::site::table::{ColumnName, ColumnType};
use crate::store::sql::Dialect;

/// Makes a table with the columns of `table`, called `called`.
///
/// SQLite's `STRICT` gives it what PostgreSQL has anyway: a column holds its type and no
/// other. PostgreSQL's `COLLATE "C"` gives it what SQLite has: texts in the order of their
/// bytes, so that a list reads alike on both.
pub(super) fn create(table: &Table, called: &str, dialect: Dialect) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let key = if table.is_key(column) { " PRIMARY KEY NOT NULL" } else { "" };
            format!("{} {}{key}", column.name.quoted(), kind(column, dialect))
        })
        .collect();
    let strict = match dialect {
        Dialect::Sqlite => " STRICT",
        Dialect::Postgres => "",
    };
    format!("CREATE TABLE {called} ({}){strict}", columns.join(", "))
}

fn kind(column: &Column, dialect: Dialect) -> &'static str {
    match (column.kind, dialect) {
        (ColumnType::Integer, Dialect::Sqlite) => "INTEGER",
        (ColumnType::Integer, Dialect::Postgres) => "BIGINT",
        (ColumnType::Real, Dialect::Sqlite) => "REAL",
        (ColumnType::Real, Dialect::Postgres) => "DOUBLE PRECISION",
        (ColumnType::Text, Dialect::Sqlite) => "TEXT",
        (ColumnType::Text, Dialect::Postgres) => "TEXT COLLATE \"C\"",
        (ColumnType::Blob, Dialect::Sqlite) => "BLOB",
        (ColumnType::Blob, Dialect::Postgres) => "BYTEA",
    }
}

/// The names of the columns, as a statement lists them.
pub(super) fn list<'c>(columns: impl IntoIterator<Item = &'c Column>) -> String {
    let names: Vec<String> = columns.into_iter().map(|column| column.name.quoted()).collect();
    names.join(", ")
}

/// Puts the rows of `from` into the standing table of the same name: those whose key is
/// there take the place of what is in their columns.
pub(super) fn upsert(table: &Table, from: &str) -> String {
    let names = list(&table.columns);
    let set = |name: &ColumnName| format!("{0} = excluded.{0}", name.quoted());
    let others: Vec<String> =
        table.columns.iter().filter(|column| !table.is_key(column)).map(|column| set(&column.name)).collect();
    let conflict = if others.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", others.join(", ")) };
    // `WHERE true`: without it SQLite takes `ON CONFLICT` for the condition of a join.
    format!(
        "INSERT INTO {} ({names}) SELECT {names} FROM {from} WHERE true ON CONFLICT ({}) DO {conflict}",
        table.name.quoted(),
        table.key.quoted()
    )
}
