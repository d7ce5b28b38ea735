//! A table of somebody else's SQLite file.
//!
//! The file is opened for reading alone, in one transaction for both readings. Only ordinary
//! tables are read: a view or a virtual table is a program of whoever made the file.

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::{Row, Take};
use crate::data::DataError;
use crate::data::bad_row::{BadRow, shortened};
use crate::data::headings::{Headings, NotAColumn};
use crate::data::input::Input;
use crate::data::limits::{CELL, COLUMNS, ROW};
use crate::data::raw::Raw;
use crate::site::table::ColumnType;

/// How often progress is told, in rows.
const OFTEN: u64 = 10_000;

/// A file of SQLite, and the table of it that is meant.
pub(in crate::data) struct Database {
    connection: Connection,
    table: String,
}

impl Database {
    pub(super) fn open(input: &Input, wanted: Option<&str>) -> Result<Self, DataError> {
        if input.is_packed() {
            return Err(DataError::DoesNotFit("a database cannot be read compressed: unpack it first".to_owned()));
        }
        let path = input.path.as_ref().ok_or_else(|| {
            DataError::DoesNotFit("a database cannot be read from a pipe: give the name of its file".to_owned())
        })?;
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(ROW).unwrap_or(i32::MAX))?;
            connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; BEGIN")?;
            let tables = "SELECT name FROM pragma_table_list
                WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
            let tables: Vec<String> =
                connection.prepare(tables)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok((connection, tables))
        };
        let (connection, tables) = open().map_err(|error| failed(input, &error))?;
        let shown = || tables.iter().map(|table| shortened(table)).collect::<Vec<_>>().join(", ");
        let table = match (wanted, tables.as_slice()) {
            (_, []) => return Err(input.refused(0, "there is no table in it")),
            (Some(wanted), _) => match tables.iter().find(|table| *table == wanted) {
                Some(table) => table.clone(),
                None => {
                    return Err(input.refused(0, format!("no table of it is called `{wanted}`: it has {}", shown())));
                }
            },
            (None, [table]) => table.clone(),
            (None, _) => {
                return Err(input.refused(0, format!("say which table of it you mean: `--from-table` {}", shown())));
            }
        };
        Ok(Self { connection, table })
    }

    pub(super) fn each_row(
        &self,
        input: &Input,
        headings: &mut Headings,
        progress: &dyn Fn(u64, u64),
        take: &mut Take<'_>,
    ) -> Result<(), DataError> {
        let failed = |error: rusqlite::Error| failed(input, &error);
        let quoted = format!("\"{}\"", self.table.replace('"', "\"\""));
        let of = format!("SELECT count(*) FROM {quoted}");
        let of: i64 = self.connection.query_row(&of, [], |row| row.get(0)).map_err(failed)?;
        let of = u64::try_from(of).unwrap_or_default();
        let places = self.places(input, headings)?;
        let mut statement = self.connection.prepare(&format!("SELECT * FROM {quoted}")).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut line = 0;
        while let Some(found) = rows.next().map_err(failed)? {
            line += 1;
            let row = cells(line, found, &places, headings).map(|cells| Row { line, cells });
            take(headings, row)?;
            if line % OFTEN == 0 {
                progress(line, of);
            }
        }
        progress(of, of);
        Ok(())
    }

    /// For each column of the table, its place among the headings.
    fn places(&self, input: &Input, headings: &mut Headings) -> Result<Vec<usize>, DataError> {
        let columns = || {
            let mut statement =
                self.connection.prepare("SELECT name, type FROM pragma_table_xinfo($1) WHERE hidden <> 1")?;
            let columns = statement.query_map([&self.table], |row| Ok((row.get(0)?, row.get(1)?)))?;
            columns.collect::<rusqlite::Result<Vec<(String, String)>>>()
        };
        let columns = columns().map_err(|error| failed(input, &error))?;
        if columns.len() > COLUMNS {
            return Err(input.refused(0, format!("the table has more than {COLUMNS} columns")));
        }
        let mut places = Vec::with_capacity(columns.len());
        for (at, (name, declared)) in columns.iter().enumerate() {
            let index = headings.index_of(name).map_err(|wrong| {
                input.refused(
                    0,
                    match wrong {
                        NotAColumn::NotDeclared(name) => {
                            format!("its column `{name}` is none of those that were declared")
                        }
                        NotAColumn::Refused(why) => why,
                    },
                )
            })?;
            headings.note(index, at + 1, affinity(declared));
            places.push(index);
        }
        Ok(places)
    }
}

/// SQLite's own words for what is wrong with a file are good enough.
fn failed(input: &Input, error: &rusqlite::Error) -> DataError {
    let why = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "it is no file of SQLite".to_owned(),
        _ => error.to_string(),
    };
    input.refused(0, why)
}

fn cells<'r>(
    line: u64,
    row: &'r rusqlite::Row<'_>,
    places: &[usize],
    headings: &Headings,
) -> Result<Vec<Raw<'r>>, BadRow> {
    let mut cells = vec![Raw::Null; headings.len()];
    for (at, index) in places.iter().enumerate() {
        let bad = |why: &str| BadRow::new(line, why).at(headings.place(*index));
        let raw = match row.get_ref(at).map_err(|error| bad(&error.to_string()))? {
            ValueRef::Null => Raw::Null,
            ValueRef::Integer(number) => Raw::Integer(number),
            ValueRef::Real(number) => Raw::Real(number),
            ValueRef::Text(text) if text.len() > CELL => return Err(bad("the value is longer than 16 MiB")),
            ValueRef::Blob(bytes) if bytes.len() > CELL => return Err(bad("the value is longer than 16 MiB")),
            ValueRef::Text(text) => Raw::Text(
                std::str::from_utf8(text).map_err(|_| bad("expected UTF-8").value(&String::from_utf8_lossy(text)))?,
            ),
            ValueRef::Blob(bytes) => Raw::Blob(bytes),
        };
        if let Some(cell) = cells.get_mut(*index) {
            *cell = raw;
        }
    }
    Ok(cells)
}

/// What a declared type means to SQLite (<https://www.sqlite.org/datatype3.html> §3.1).
fn affinity(declared: &str) -> Option<ColumnType> {
    let declared = declared.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if says(&["INT"]) => Some(ColumnType::Integer),
        () if says(&["CHAR", "CLOB", "TEXT"]) => Some(ColumnType::Text),
        () if says(&["BLOB"]) => Some(ColumnType::Blob),
        () if says(&["REAL", "FLOA", "DOUB"]) => Some(ColumnType::Real),
        () => None,
    }
}
