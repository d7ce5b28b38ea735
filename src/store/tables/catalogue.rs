//! Describing tables, from what the engine itself keeps of them.
//!
//! Each engine has a catalogue of its own, so here the statements stand twice.

use super::{Column, Table};
use crate::site::table::{ColumnType, TableName};
use crate::store::StoreError;
use crate::store::door::Store;
use crate::store::sql::{Dialect, Sql, Value};

/// Table, column, type, and whether the column is of the primary key. Virtual tables, and
/// those that they keep their content in, are none of the site's.
const OF_SQLITE: &str = "SELECT t.name, c.name, c.type, c.pk > 0
    FROM pragma_table_list t JOIN pragma_table_info(t.name) c
    WHERE t.schema = 'main' AND t.type = 'table'";

/// The same, in the schema in which a table is made when none is named.
const OF_POSTGRES: &str = "SELECT t.relname::text, c.attname::text, y.typname::text,
        COALESCE(c.attnum = ANY (k.indkey), false)::int::bigint
    FROM pg_class t
    JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
    JOIN pg_type y ON y.oid = c.atttypid
    LEFT JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary
    WHERE t.relkind IN ('r', 'p')";

impl Store {
    /// Every table of the site, by name.
    pub async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        self.read(|sql| described(sql, None)).await
    }

    /// The table called `name`, if there is one.
    pub async fn table(&self, name: &TableName) -> Result<Option<Table>, StoreError> {
        let name = name.clone();
        self.read(move |sql| described(sql, Some(&name)).map(|mut tables| tables.pop())).await
    }
}

/// The tables, or the one that is called `name`.
pub(in crate::store) fn described(sql: &Sql<'_>, name: Option<&TableName>) -> Result<Vec<Table>, StoreError> {
    let (statement, which, order) = match sql.dialect() {
        Dialect::Sqlite => (OF_SQLITE, "t.name", "t.name, c.cid"),
        Dialect::Postgres => (OF_POSTGRES, "t.relname", "t.relname, c.attnum"),
    };
    let (filter, parameters) = match name {
        Some(name) => (format!(" AND {which} = $1"), vec![Value::Text(name.as_str().into())]),
        None => (String::new(), Vec::new()),
    };
    let statement = format!("{statement}{filter} ORDER BY {order}");
    let columns = sql.rows(&statement, &parameters, |row| {
        let is_of_key = row.get::<i64>(3)? != 0;
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?, is_of_key))
    })?;
    let of_one_table = columns.chunk_by(|one, next| one.0 == next.0);
    Ok(of_one_table.filter_map(table).collect())
}

/// Whether anything is called so: a table, a view, an index.
pub(super) fn is_taken(sql: &Sql<'_>, name: &TableName) -> Result<bool, StoreError> {
    let statement = match sql.dialect() {
        Dialect::Sqlite => "SELECT 1 FROM main.sqlite_schema WHERE name = $1",
        Dialect::Postgres => {
            "SELECT 1::bigint FROM pg_class t
             JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
             WHERE t.relname = $1"
        }
    };
    let found = sql.row(statement, &[Value::Text(name.as_str().into())], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// What the columns of one table make; nothing when one of them is not of our kinds.
fn table(rows: &[(String, String, String, bool)]) -> Option<Table> {
    let mut columns = Vec::with_capacity(rows.len());
    let mut key = Vec::new();
    for (_, name, kind, is_of_key) in rows {
        let column = Column { name: name.parse().ok()?, kind: kind_called(kind)? };
        if *is_of_key {
            key.push(column.name.clone());
        }
        columns.push(column);
    }
    let [key] = <[_; 1]>::try_from(key).ok()?;
    Some(Table { name: rows.first()?.0.parse().ok()?, columns, key })
}

/// Our name for a type that an engine calls so.
fn kind_called(name: &str) -> Option<ColumnType> {
    Some(match name.to_ascii_lowercase().as_str() {
        "integer" | "int" | "int8" => ColumnType::Integer,
        "real" | "float8" => ColumnType::Real,
        "text" => ColumnType::Text,
        "blob" | "bytea" => ColumnType::Blob,
        _ => return None,
    })
}
