//! The row that an answer becomes in a table of the site's own.
//!
//! Whether the table can take it is asked before anybody fills in a form: [`Store::unfit`]
//! says what is in the way, in words for the log.

use std::borrow::Cow;

use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::StoreError;
use crate::store::announce::Subscriptions;
use crate::store::changes::{self, ChangeDeed, RowChange};
use crate::store::door::Store;
use crate::store::rows;
use crate::store::sql::{Dialect, Sql, Value, params};
use crate::store::tables::described;
use jiff::Timestamp;
use serde_json::Value as Json;

/// A row to be.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The table.
    pub table: TableName,
    /// What goes into which column.
    pub cells: Vec<(ColumnName, Cell)>,
}

/// A value for a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing was given.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Destination {
    /// Makes the row, notes that it was made, and tells those who listen to the table.
    pub(super) fn insert(
        &self,
        sql: &Sql<'_>,
        subscriptions: &Subscriptions,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, row) = match described(sql, Some(&self.table))?.pop() {
            // With the values that the table itself fills in, its key first of all.
            Some(table) => {
                let row = rows::insert(sql, &table, &self.cells)?;
                (row.get(table.key.as_str()).cloned().unwrap_or_default(), row)
            }
            // Made past Littoral: what it fills in may have no form in JSON.
            None => {
                let (statement, values) = rows::insertion(&self.table, &self.cells);
                sql.run(&statement, &values)?;
                let row = self.cells.iter().map(|(name, cell)| (name.to_string(), cell.json()));
                (Json::Null, row.collect())
            }
        };
        let change = RowChange { table: self.table.clone(), deed: ChangeDeed::Created, key, row };
        changes::happened(sql, subscriptions, &change, now)
    }
}

impl Cell {
    /// As JSON; bytes are never a key.
    pub(in crate::store) fn json(&self) -> Json {
        match self {
            Self::Integer(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Null | Self::Blob(_) => Json::Null,
        }
    }

    pub(in crate::store) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Blob(bytes) => Value::Blob(Cow::Borrowed(bytes)),
        }
    }
}

/// Why a table cannot take what a form sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not there.
    #[error("there is no table `{0}` in the store")]
    NoTable(TableName),
    /// A column is not there.
    #[error("the table `{table}` has no column `{column}`")]
    NoColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: ColumnName,
    },
    /// A column holds something else.
    #[error("the column `{column}` of `{table}` holds {found}, and the form sends {sent}")]
    OtherType {
        /// The table.
        table: TableName,
        /// The column.
        column: ColumnName,
        /// As the store calls its type.
        found: String,
        /// As the form would fill it.
        sent: &'static str,
    },
    /// A column must be filled, and nothing fills it.
    #[error("the column `{column}` of `{table}` must be filled, and the form does not fill it")]
    LeftEmpty {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
}

/// A column as the store has it.
struct Found {
    name: String,
    declared: String,
    must_be_filled: bool,
}

impl Store {
    /// What keeps `table` from taking rows with these columns; none when it can.
    pub async fn unfit(
        &self,
        table: &TableName,
        columns: &[(ColumnName, ColumnType)],
    ) -> Result<Option<Unfit>, StoreError> {
        let name = table.to_string();
        let found = self.read(move |sql| found(sql, &name)).await?;
        if found.is_empty() {
            return Ok(Some(Unfit::NoTable(table.clone())));
        }
        for (column, sent) in columns {
            let table = || table.clone();
            let Some(known) = found.iter().find(|known| known.name == column.as_str()) else {
                return Ok(Some(Unfit::NoColumn { table: table(), column: column.clone() }));
            };
            if !takes(&known.declared, *sent) {
                let found = known.declared.clone();
                let (column, sent) = (column.clone(), sent.name());
                return Ok(Some(Unfit::OtherType { table: table(), column, found, sent }));
            }
        }
        let is_filled = |known: &&Found| columns.iter().any(|(column, _)| column.as_str() == known.name);
        let empty = found.iter().find(|known| known.must_be_filled && !is_filled(known));
        Ok(empty.map(|known| Unfit::LeftEmpty { table: table.clone(), column: known.name.clone() }))
    }
}

fn found(sql: &Sql<'_>, table: &str) -> Result<Vec<Found>, StoreError> {
    // A key of one whole number fills itself in SQLite (its rowid).
    let statement = match sql.dialect() {
        Dialect::Sqlite => {
            "SELECT name, type, \"notnull\" = 1 AND dflt_value IS NULL
                     AND NOT (pk > 0 AND upper(type) = 'INTEGER')
                 FROM pragma_table_info($1)"
        }
        Dialect::Postgres => {
            "SELECT column_name::text, data_type::text,
                     (CASE WHEN is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
                         AND is_generated = 'NEVER' THEN 1 ELSE 0 END)::bigint
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = $1"
        }
    };
    sql.rows(statement, params![table], |row| {
        Ok(Found { name: row.get(0)?, declared: row.get(1)?, must_be_filled: row.get::<i64>(2)? != 0 })
    })
}

/// Whether a column that is declared so takes values of this type, without SQLite's silent
/// conversions, which differ from PostgreSQL's refusal.
fn takes(declared: &str, sent: ColumnType) -> bool {
    let declared = declared.to_ascii_lowercase();
    let is = |names: &[&str]| names.iter().any(|name| declared.starts_with(name));
    match sent {
        ColumnType::Integer => is(&["int", "bigint", "real", "double"]),
        ColumnType::Real => is(&["double", "float"]) || declared == "real",
        ColumnType::Text => is(&["text", "varchar", "character"]),
        ColumnType::Blob => is(&["blob", "bytea"]),
    }
}
