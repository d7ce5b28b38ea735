//! Declared columns: what `littoral data schema --json` prints and `--schema` reads.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::DataError;
use super::limits::{COLUMNS, SCHEMA};
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::tables::{Column, Table};

/// What the columns of a table are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The table, when the file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The column that no two rows share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ColumnName>,
    /// In their order.
    pub columns: Vec<DeclaredColumn>,
    /// How many rows there were when it was printed; of no meaning when it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredColumn {
    /// What it is called.
    pub name: ColumnName,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// A file with one table, or with several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tables: Vec<Declaration>,
    table: Option<TableName>,
    key: Option<ColumnName>,
    #[serde(default)]
    columns: Vec<DeclaredColumn>,
    rows: Option<u64>,
}

impl Declaration {
    /// What a table of the store is.
    pub fn of(table: &Table, rows: u64) -> Self {
        let declared = |column: &Column| DeclaredColumn { name: column.name.clone(), kind: column.kind };
        Self {
            table: Some(table.name.clone()),
            key: Some(table.key.clone()),
            columns: table.columns.iter().map(declared).collect(),
            rows: Some(rows),
        }
    }

    /// Reads a file of YAML, or of JSON, which is YAML too. Of several tables it is `wanted`.
    pub fn read(path: &Path, wanted: &TableName) -> Result<Self, DataError> {
        let file = path.display().to_string();
        let refused = |line: u64, why: String| DataError::NotReadable { file: file.clone(), line, why };
        let unreadable = |cause| DataError::File { doing: "read", file: file.clone(), cause };
        if std::fs::metadata(path).map_err(unreadable)?.len() > SCHEMA {
            return Err(refused(0, "a schema has 1 MiB at most".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let found: File = serde_yaml::from_str(&text).map_err(|error| {
            let line = error.location().map_or(0, |location| location.line() as u64);
            refused(line, format!("{error}; expected `columns`, each with `name` and `type`"))
        })?;
        let declared = if found.tables.is_empty() {
            Self { table: found.table, key: found.key, columns: found.columns, rows: found.rows }
        } else {
            let is_wanted = |declared: &Self| declared.table.as_ref() == Some(wanted);
            let declared = found.tables.into_iter().find(is_wanted);
            declared.ok_or_else(|| refused(0, format!("none of its tables is called `{wanted}`")))?
        };
        declared.checked().map_err(|why| refused(0, why))
    }

    fn checked(self) -> Result<Self, String> {
        if self.columns.is_empty() || self.columns.len() > COLUMNS {
            return Err(format!("expected 1 to {COLUMNS} columns, found {}", self.columns.len()));
        }
        for (at, column) in self.columns.iter().enumerate() {
            if self.columns.iter().take(at).any(|other| other.name == column.name) {
                return Err(format!("the column `{}` is declared twice", column.name));
            }
        }
        match &self.key {
            Some(key) if !self.columns.iter().any(|column| column.name == *key) => {
                Err(format!("the key `{key}` is none of the columns"))
            }
            _ => Ok(self),
        }
    }
}
