//! Rows of the site's own tables, one at a time: what the API and the programs behind it do.
//!
//! [`Store::write_row`] makes a row, changes it or takes it away, if it still is what the
//! caller believes it to be, and says so to who listens, in the same transaction.
//!
//! Names come into statements between quotation marks, from the description of the table,
//! which is compared with the table as it is: a statement for another key would hit other
//! rows. Values come only as parameters.

use jiff::Timestamp;

use super::StoreError;
use super::announce::Subscriptions;
use super::changes::{self, ChangeDeed, RowChange};
use super::door::{Durability, Store};
use super::forms::Cell;
use super::site_reads::{Row, row};
use super::sql::{Sql, Value};
use super::tables::{Table, described};
use crate::site::digest::Digest;
use crate::site::table::{ColumnName, ColumnType, TableName};

/// What is to be done to a row.
#[derive(Clone, Debug)]
pub struct RowWrite {
    /// The table, as it was described a moment ago.
    pub table: Table,
    /// The columns of the answer; the key is among them.
    pub shown: Vec<ColumnName>,
    /// What.
    pub deed: RowDeed,
    /// If.
    pub only_if: OnlyIf,
    /// Who is told.
    pub subscriptions: Subscriptions,
}

/// What is done to a row.
#[derive(Clone, Debug)]
pub enum RowDeed {
    /// A new one, with these values; the key is given by the store when it is not among them.
    Create(Vec<(ColumnName, Cell)>),
    /// The row with this key has these values; it is made if it is not there.
    Put(Cell, Vec<(ColumnName, Cell)>),
    /// The row with this key gets these values.
    Change(Cell, Vec<(ColumnName, Cell)>),
    /// The row with this key goes.
    Remove(Cell),
}

/// What must be so, or nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnlyIf {
    /// Whatever is there.
    Always,
    /// No row has the key.
    Absent,
    /// A row has it.
    There,
    /// The row has one of these versions, as [`version`] calls them.
    Versions(Vec<String>),
    /// It has none of them.
    OtherThan(Vec<String>),
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum RowDone {
    /// The row is new.
    Created(Row),
    /// It was there, and is this now.
    Changed(Row),
    /// It is gone.
    Removed,
    /// There was none.
    Missing,
    /// It is not what it must be; nothing was done.
    Otherwise,
}

/// Why the store does not take a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// Another row has a value that no two rows may have.
    Taken,
    /// This column must have a value; unnamed when it is none of those that are shown.
    Empty(Option<String>),
    /// It refers to a row that is not there, or another row refers to it.
    Reference,
    /// A value is none that its column can hold.
    Value,
    /// A rule of the table forbids it; the words of a trigger, if it has some.
    Forbidden(Option<String>),
}

/// The version of a row, as it is shown: another when a shown value is another.
pub fn version(row: &Row) -> String {
    Digest::of(serde_json::to_string(row).unwrap_or_default().as_bytes()).tag()
}

impl Store {
    /// Does it, and notes that it was done.
    pub async fn write_row(&self, write: RowWrite, now: Timestamp) -> Result<RowDone, StoreError> {
        self.write(Durability::Durable, move |sql| write.run(sql, now)).await
    }
}

impl RowWrite {
    fn run(&self, sql: &Sql<'_>, now: Timestamp) -> Result<RowDone, StoreError> {
        if described(sql, Some(&self.table.name))?.pop().as_ref() != Some(&self.table) {
            return Err(StoreError::TablesDiffer);
        }
        let key = match &self.deed {
            RowDeed::Create(cells) => {
                let row = insert(sql, &self.table, cells)?;
                return self.done(sql, row, now, ChangeDeed::Created);
            }
            RowDeed::Put(key, _) | RowDeed::Change(key, _) | RowDeed::Remove(key) => key,
        };
        let before = read(sql, &self.table, key)?;
        let is_of = |versions: &Vec<String>, row: &Row| versions.contains(&version(&self.shown(row.clone())));
        let is_so = match (&self.only_if, &before) {
            (OnlyIf::Always, _) | (OnlyIf::Absent | OnlyIf::OtherThan(_), None) | (OnlyIf::There, Some(_)) => true,
            (OnlyIf::Versions(versions), Some(row)) => is_of(versions, row),
            (OnlyIf::OtherThan(versions), Some(row)) => !is_of(versions, row),
            (OnlyIf::Absent, Some(_)) | (OnlyIf::There | OnlyIf::Versions(_), None) => false,
        };
        match (&self.deed, before) {
            _ if !is_so => Ok(RowDone::Otherwise),
            (RowDeed::Put(_, cells), None) => {
                let cells: Vec<_> = [(self.table.key.clone(), key.clone())].into_iter().chain(cells.clone()).collect();
                let row = insert(sql, &self.table, &cells)?;
                self.done(sql, row, now, ChangeDeed::Created)
            }
            (_, None) => Ok(RowDone::Missing),
            (RowDeed::Remove(_), Some(row)) => {
                let statement = format!("DELETE FROM {} WHERE {} = $1", self.name(), self.table.key.quoted());
                one(sql.run(&statement, &[key.value()])?)?;
                self.done(sql, row, now, ChangeDeed::Removed)?;
                Ok(RowDone::Removed)
            }
            (RowDeed::Put(_, cells) | RowDeed::Change(_, cells), Some(_)) if !cells.is_empty() => {
                self.update(sql, key, cells)?;
                let row = read(sql, &self.table, key)?.ok_or(StoreError::NotDone)?;
                self.done(sql, row, now, ChangeDeed::Changed)
            }
            (_, Some(row)) => Ok(RowDone::Changed(self.shown(row))),
        }
    }

    fn name(&self) -> String {
        self.table.name.quoted()
    }

    /// What of a row is shown, in the order of the columns that are.
    fn shown(&self, mut row: Row) -> Row {
        let shown = self.shown.iter().filter_map(|name| row.remove_entry(name.as_str()));
        shown.collect()
    }

    fn update(&self, sql: &Sql<'_>, key: &Cell, cells: &[(ColumnName, Cell)]) -> Result<(), StoreError> {
        let numbered = cells.iter().zip(1..);
        let sets: Vec<String> = numbered.map(|((name, _), number)| format!("{} = ${number}", name.quoted())).collect();
        let (key_column, number) = (self.table.key.quoted(), cells.len() + 1);
        let statement = format!("UPDATE {} SET {} WHERE {key_column} = ${number}", self.name(), sets.join(", "));
        let values: Vec<Value<'_>> = cells.iter().map(|(_, cell)| cell.value()).chain([key.value()]).collect();
        one(sql.run(&statement, &values)?)
    }

    /// Says that it was done to `row`, with all its columns.
    fn done(&self, sql: &Sql<'_>, row: Row, now: Timestamp, deed: ChangeDeed) -> Result<RowDone, StoreError> {
        let key = row.get(self.table.key.as_str()).cloned().unwrap_or_default();
        let change = RowChange { table: self.table.name.clone(), deed, key, row };
        changes::happened(sql, &self.subscriptions, &change, now)?;
        let row = self.shown(change.row);
        Ok(if deed == ChangeDeed::Created { RowDone::Created(row) } else { RowDone::Changed(row) })
    }
}

/// A trigger may have kept a row as it was, without a word.
fn one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::NotDone) }
}

/// The statement that makes a row with these values, and its parameters.
pub(super) fn insertion<'c>(table: &TableName, cells: &'c [(ColumnName, Cell)]) -> (String, Vec<Value<'c>>) {
    let names: Vec<String> = cells.iter().map(|(name, _)| name.quoted()).collect();
    let places: Vec<String> = (1..=cells.len()).map(|number| format!("${number}")).collect();
    let values = match cells {
        [] => "DEFAULT VALUES".to_owned(),
        _ => format!("({}) VALUES ({})", names.join(", "), places.join(", ")),
    };
    (format!("INSERT INTO {} {values}", table.quoted()), cells.iter().map(|(_, cell)| cell.value()).collect())
}

/// Makes a row, and gives all its columns as they are now.
pub(super) fn insert(sql: &Sql<'_>, table: &Table, cells: &[(ColumnName, Cell)]) -> Result<Row, StoreError> {
    let (statement, values) = insertion(&table.name, cells);
    let statement = format!("{statement} RETURNING {}", table.key.quoted());
    let kind = table.column(&table.key).map_or(ColumnType::Text, |key| key.kind);
    let key = sql.row(&statement, &values, |row| {
        Ok(match kind {
            ColumnType::Integer => Cell::Integer(row.get(0)?),
            ColumnType::Real => Cell::Real(row.get(0)?),
            ColumnType::Text => Cell::Text(row.get(0)?),
            ColumnType::Blob => Cell::Blob(row.get(0)?),
        })
    })?;
    read(sql, table, &key.ok_or(StoreError::NotDone)?)?.ok_or(StoreError::NotDone)
}

/// The row with this key, with all its columns.
fn read(sql: &Sql<'_>, table: &Table, key: &Cell) -> Result<Option<Row>, StoreError> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.quoted()).collect();
    let of = format!("{} WHERE {} = $1", table.name.quoted(), table.key.quoted());
    let statement = format!("SELECT {} FROM {of}", columns.join(", "));
    sql.row(&statement, &[key.value()], |found| row::named(found).map(|(row, _)| row))
}

impl StoreError {
    /// What keeps the store from taking a row, when it is the row's own fault. Names of columns
    /// that are not `shown` are in none of it, nor is what the database says in its own words.
    pub fn row_fault(&self, shown: &[ColumnName]) -> Option<RowFault> {
        let fault = self.fault_of_row(shown);
        if fault.is_some() {
            tracing::info!("a row was not taken: {self}");
        }
        fault
    }

    fn fault_of_row(&self, shown: &[ColumnName]) -> Option<RowFault> {
        use rusqlite::ffi;
        let open = |name: &str| shown.iter().any(|column| column.as_str() == name).then(|| name.to_owned());
        match self {
            Self::NotDone => Some(RowFault::Forbidden(None)),
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, said)) => match error.extended_code {
                ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
                    Some(RowFault::Taken)
                }
                ffi::SQLITE_CONSTRAINT_NOTNULL => {
                    // `NOT NULL constraint failed: table.column`
                    Some(RowFault::Empty(said.as_ref().and_then(|said| open(said.rsplit('.').next()?))))
                }
                ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(RowFault::Reference),
                ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG => Some(RowFault::Value),
                // What `RAISE` says is meant for whoever writes.
                ffi::SQLITE_CONSTRAINT_TRIGGER => Some(RowFault::Forbidden(said.clone())),
                _ if error.code == rusqlite::ErrorCode::ConstraintViolation => Some(RowFault::Forbidden(None)),
                _ => None,
            },
            // Appendix A of PostgreSQL's manual.
            Self::Postgres(error) => {
                let said = error.as_db_error()?;
                match said.code().code() {
                    "23505" => Some(RowFault::Taken),
                    "23502" => Some(RowFault::Empty(said.column().and_then(open))),
                    "23503" => Some(RowFault::Reference),
                    "P0001" => Some(RowFault::Forbidden(Some(said.message().to_owned()))),
                    code if code.starts_with("23") => Some(RowFault::Forbidden(None)),
                    code if code.starts_with("22") => Some(RowFault::Value),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
