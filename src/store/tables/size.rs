//! How large a table is: its rows, and what it takes of the disk with its indexes.

use crate::site::table::TableName;
use crate::store::StoreError;
use crate::store::door::{Engine, Store};
use crate::store::site_reads::index::SEARCH;
use crate::store::sql::{Dialect, Sql, Value};

/// How large a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many rows it has.
    pub rows: u64,
    /// On the disk, with all of its indexes.
    pub bytes: u64,
}

/// The pages of the table, of its indexes, and of the tables in which its search is kept.
const OF_SQLITE: &str = "SELECT COALESCE(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN (
        SELECT name FROM main.sqlite_schema WHERE tbl_name = $1
        UNION SELECT parts.name FROM main.sqlite_schema searches JOIN main.sqlite_schema parts
            ON instr(parts.name, searches.name || '_') = 1
            WHERE searches.type = 'table' AND instr(searches.name, $2) = 1
            AND instr(searches.sql, 'content=''' || $1 || '''') > 0)";

const OF_POSTGRES: &str = "SELECT COALESCE(sum(pg_total_relation_size(t.oid)), 0)::bigint FROM pg_class t
    JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
    WHERE t.relname = $1 AND $2 <> ''";

impl Store {
    /// How large the table `name` is; none if it is not there. It reads all of the table's
    /// pages, and may block: it is called where it may.
    pub async fn size_of(&self, name: &TableName) -> Result<Option<Size>, StoreError> {
        if self.table(name).await?.is_none() {
            return Ok(None);
        }
        let name = name.clone();
        let size = match self.engine() {
            Engine::Sqlite(store) => store.read_apart(|connection| size(&Sql::sqlite(connection), &name))?,
            Engine::Postgres(store) => store.read(move |sql| size(sql, &name)).await?,
        };
        Ok(Some(size))
    }
}

fn size(sql: &Sql<'_>, name: &TableName) -> Result<Size, StoreError> {
    let statement = match sql.dialect() {
        Dialect::Sqlite => OF_SQLITE,
        Dialect::Postgres => OF_POSTGRES,
    };
    let values = [Value::Text(name.as_str().into()), Value::Text(SEARCH.into())];
    let bytes: i64 = sql.row(statement, &values, |row| row.get(0))?.unwrap_or_default();
    let rows: i64 =
        sql.row(&format!("SELECT count(*) FROM {}", name.quoted()), &[], |row| row.get(0))?.unwrap_or_default();
    let count = |number: i64| u64::try_from(number).map_err(|_| StoreError::OutOfRange(number));
    Ok(Size { rows: count(rows)?, bytes: count(bytes)? })
}
