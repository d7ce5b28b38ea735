//! Statements, as both engines take them.
//!
//! [`Sql`] is what a question or a deed of this folder is given: it runs a statement with
//! its parameters and hands out rows. The statements keep to what SQLite and PostgreSQL
//! both know, so that each stands in the source once; [`Value`] and [`Row`] are what goes
//! in and comes out.
//!
//! Parameters are `$1`, `$2`, ... To PostgreSQL they are numbers; to SQLite they are
//! *names*, numbered as they first appear. So they must first appear in order, which is
//! asserted for every statement that the tests come through.

use std::borrow::Cow;

use rusqlite::types::{FromSql, ToSqlOutput, ValueRef};

use super::StoreError;
use super::postgres;
use super::sqlite;

/// What runs statements: a connection, inside a transaction when it is given to a deed.
#[derive(Clone)]
pub(super) struct Sql<'c>(Engine<'c>);

#[derive(Clone, Copy)]
enum Engine<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c postgres::Connection),
}

/// Which engine a store has; for the few words that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl<'c> Sql<'c> {
    pub(super) fn sqlite(connection: &'c rusqlite::Connection) -> Self {
        Self(Engine::Sqlite(connection))
    }

    pub(super) fn postgres(connection: &'c postgres::Connection) -> Self {
        Self(Engine::Postgres(connection))
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.0 {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement that changes rows. Says how many.
    pub(super) fn run(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        match self.0 {
            Engine::Sqlite(connection) => {
                let changed =
                    sqlite::prepare(connection, statement)?.execute(rusqlite::params_from_iter(parameters))?;
                Ok(changed as u64)
            }
            Engine::Postgres(connection) => connection.run(statement, parameters),
        }
    }

    /// Every row of the answer, as `read` understands it; `read` asks nothing itself. When it
    /// refuses a row, those behind it are not fetched.
    pub(super) fn rows<T>(
        &self,
        statement: &str,
        parameters: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match self.0 {
            Engine::Sqlite(connection) => {
                let mut prepared = sqlite::prepare(connection, statement)?;
                let mut found = prepared.query(rusqlite::params_from_iter(parameters))?;
                let mut rows = Vec::new();
                while let Some(row) = found.next()? {
                    rows.push(read(&Row(Columns::Sqlite(row)))?);
                }
                Ok(rows)
            }
            Engine::Postgres(connection) => {
                connection.rows(statement, parameters, |row| read(&Row(Columns::Postgres(row))))
            }
        }
    }

    /// The names of the columns that a statement gives, without asking it. On PostgreSQL a
    /// column of a type that we cannot show is an error.
    pub(super) fn columns(&self, statement: &str) -> Result<Vec<String>, StoreError> {
        match self.0 {
            Engine::Sqlite(connection) => {
                let prepared = sqlite::prepare(connection, statement)?;
                Ok(prepared.column_names().map(str::to_owned).collect())
            }
            Engine::Postgres(connection) => connection.columns(statement),
        }
    }

    /// The first row of the answer.
    pub(super) fn row<T>(
        &self,
        statement: &str,
        parameters: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.rows(statement, parameters, read)?.into_iter().next())
    }

    /// Runs several statements without parameters. Nothing from outside may be part of them.
    pub(super) fn batch(&self, statements: &str) -> Result<(), StoreError> {
        match self.0 {
            Engine::Sqlite(connection) => Ok(connection.execute_batch(statements)?),
            Engine::Postgres(connection) => connection.batch(statements),
        }
    }
}

/// A row of an answer.
pub(super) struct Row<'r>(Columns<'r>);

/// The same, as each engine has it.
pub(super) enum Columns<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    /// As the engine has it, for who does not know the columns.
    pub(super) fn columns(&self) -> &Columns<'r> {
        &self.0
    }

    /// The value in the column `at`, from 0.
    pub(super) fn get<T: Column>(&self, at: usize) -> Result<T, StoreError> {
        match self.0 {
            Columns::Sqlite(row) => Ok(row.get(at)?),
            Columns::Postgres(row) => Ok(row.try_get(at)?),
        }
    }
}

/// A type that a column can be read as, whatever the engine: `i64`, `f64`, `String`,
/// `Vec<u8>`, and an option of each.
pub(super) trait Column: FromSql + for<'a> tokio_postgres::types::FromSql<'a> {}

impl<T: FromSql + for<'a> tokio_postgres::types::FromSql<'a>> Column for T {}

/// A value that a statement is given or a row has: the only types of columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a point.
    Real(f64),
    /// UTF-8 without NUL.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

/// A value of SQLite; its texts may be no UTF-8.
impl<'a> TryFrom<ValueRef<'a>> for Value<'a> {
    type Error = rusqlite::Error;

    fn try_from(value: ValueRef<'a>) -> rusqlite::Result<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(std::str::from_utf8(text)?.into()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.into()),
        })
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What can be given as a parameter.
pub(super) trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

impl ToValue for i64 {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

/// 0 or 1: there is no other type for it in the store.
impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.into())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.into())
    }
}

impl<const LENGTH: usize> ToValue for [u8; LENGTH] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self.as_slice().into())
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

/// The parameters of a statement.
macro_rules! params {
    ($($parameter:expr),* $(,)?) => { &[$($crate::store::sql::ToValue::to_value(&$parameter)),*] };
}
pub(super) use params;
