//! Rows of the site's own tables, one at a time: what the API and the programs behind it do.
//!
//! [`Store::write_row`] makes a row, changes it or takes it away, if it still is what the
//! caller believes it to be, and notes the change in the same transaction.
//!
//! Names come into statements between quotation marks, from the description of the table;
//! values only as parameters.

use jiff::Timestamp;

use super::StoreError;
use super::changes::{self, ChangeDeed};
use super::door::{Durability, Store};
use super::forms::Cell;
use super::site_reads::{Row, row};
use super::sql::{Sql, Value};
use super::tables::{self, Table};
use crate::site::digest::Digest;
use crate::site::table::ColumnName;

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
    /// A rule of the table forbids it, in the words of the database.
    Forbidden(String),
}

/// The version of a row, as it is shown: another when a shown value is another.
pub fn version(row: &Row) -> String {
    let digest = Digest::of(serde_json::to_string(row).unwrap_or_default().as_bytes()).hex();
    digest.get(..32).unwrap_or(&digest).to_owned()
}

impl Store {
    /// Does it, and notes that it was done.
    pub async fn write_row(&self, write: RowWrite, now: Timestamp) -> Result<RowDone, StoreError> {
        self.write(Durability::Durable, move |sql| write.run(sql, now)).await
    }
}

impl RowWrite {
    fn run(&self, sql: &Sql<'_>, now: Timestamp) -> Result<RowDone, StoreError> {
        let key = match &self.deed {
            RowDeed::Create(cells) => {
                let key = self.insert(sql, cells)?;
                return self.done(sql, &key, now, ChangeDeed::Created);
            }
            RowDeed::Put(key, _) | RowDeed::Change(key, _) | RowDeed::Remove(key) => key,
        };
        let before = self.read(sql, key)?;
        let is_so = match (&self.only_if, &before) {
            (OnlyIf::Always, _) | (OnlyIf::Absent, None) | (OnlyIf::There, Some(_)) => true,
            (OnlyIf::Versions(versions), Some(row)) => versions.contains(&version(row)),
            _ => false,
        };
        match (&self.deed, before) {
            _ if !is_so => Ok(RowDone::Otherwise),
            (RowDeed::Put(_, cells), None) => {
                let cells: Vec<_> = [(self.table.key.clone(), key.clone())].into_iter().chain(cells.clone()).collect();
                self.insert(sql, &cells)?;
                self.done(sql, key, now, ChangeDeed::Created)
            }
            (_, None) => Ok(RowDone::Missing),
            (RowDeed::Remove(_), Some(_)) => {
                let statement = format!("DELETE FROM {} WHERE {} = $1", self.name(), self.table.key.quoted());
                sql.run(&statement, &[key.value()])?;
                changes::note(sql, &self.table.name, ChangeDeed::Removed, Some(&key.json()), now)?;
                Ok(RowDone::Removed)
            }
            (RowDeed::Put(_, cells) | RowDeed::Change(_, cells), Some(_)) if !cells.is_empty() => {
                self.update(sql, key, cells)?;
                self.done(sql, key, now, ChangeDeed::Changed)
            }
            (_, Some(row)) => Ok(RowDone::Changed(row)),
        }
    }

    fn name(&self) -> String {
        self.table.name.quoted()
    }

    /// Gives the key that the row has got.
    fn insert(&self, sql: &Sql<'_>, cells: &[(ColumnName, Cell)]) -> Result<Cell, StoreError> {
        let names: Vec<String> = cells.iter().map(|(name, _)| name.quoted()).collect();
        let places: Vec<String> = (1..=cells.len()).map(|number| format!("${number}")).collect();
        let values = match cells {
            [] => "DEFAULT VALUES".to_owned(),
            _ => format!("({}) VALUES ({})", names.join(", "), places.join(", ")),
        };
        let statement = format!("INSERT INTO {} {values}", self.name());
        let values: Vec<Value<'_>> = cells.iter().map(|(_, cell)| cell.value()).collect();
        tables::insert_returning_key(sql, &statement, &values, &self.table)
    }

    fn update(&self, sql: &Sql<'_>, key: &Cell, cells: &[(ColumnName, Cell)]) -> Result<(), StoreError> {
        let numbered = cells.iter().zip(1..);
        let sets: Vec<String> = numbered.map(|((name, _), number)| format!("{} = ${number}", name.quoted())).collect();
        let (key_column, number) = (self.table.key.quoted(), cells.len() + 1);
        let statement = format!("UPDATE {} SET {} WHERE {key_column} = ${number}", self.name(), sets.join(", "));
        let values: Vec<Value<'_>> = cells.iter().map(|(_, cell)| cell.value()).chain([key.value()]).collect();
        sql.run(&statement, &values).map(drop)
    }

    fn read(&self, sql: &Sql<'_>, key: &Cell) -> Result<Option<Row>, StoreError> {
        let columns: Vec<String> = self.shown.iter().map(ColumnName::quoted).collect();
        let of = format!("{} WHERE {} = $1", self.name(), self.table.key.quoted());
        let statement = format!("SELECT {} FROM {of}", columns.join(", "));
        sql.row(&statement, &[key.value()], |found| row::named(found).map(|(row, _)| row))
    }

    fn done(&self, sql: &Sql<'_>, key: &Cell, now: Timestamp, deed: ChangeDeed) -> Result<RowDone, StoreError> {
        let row = self.read(sql, key)?.ok_or(StoreError::Interrupted)?;
        changes::note(sql, &self.table.name, deed, Some(&key.json()), now)?;
        Ok(if deed == ChangeDeed::Created { RowDone::Created(row) } else { RowDone::Changed(row) })
    }
}

impl StoreError {
    /// What keeps the store from taking a row, when it is the row's own fault.
    pub fn row_fault(&self) -> Option<RowFault> {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, said))
                if error.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                let is_taken = matches!(
                    error.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                        | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                        | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID
                );
                Some(if is_taken { RowFault::Taken } else { RowFault::Forbidden(said.clone().unwrap_or_default()) })
            }
            // A row of more than a gigabyte, or a trigger that says no.
            Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::TooBig) => {
                Some(RowFault::Forbidden("it is too large".to_owned()))
            }
            // Classes 22 and 23 (a value, a rule), and what a trigger raises: Appendix A of
            // PostgreSQL's manual.
            Self::Postgres(error) => {
                let said = error.as_db_error()?;
                match said.code().code() {
                    "23505" => Some(RowFault::Taken),
                    code if code.starts_with("22") || code.starts_with("23") || code == "P0001" => {
                        Some(RowFault::Forbidden(said.message().to_owned()))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
