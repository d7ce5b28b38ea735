//! Importing: from a file to staged rows that the store can take.
//!
//! [`prepare`] reads the file twice and gives back [`Prepared`]; [`Store::load`] does the
//! rest. Every bad row is told, to the end of the file, so that all can be mended at once.
//!
//! Which columns: those of the file, in its order; or those that were declared; or, when rows
//! are merged with a table, those of the table that the file has.

use std::path::Path;

use super::bad_row::BadRow;
use super::guess::Guess;
use super::headings::Headings;
use super::raw::Raw;
use super::read::{Row, Source, looking, taking};
use super::{DataError, Declaration, Format, Input, Step};
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::tables::{Column, IfThere, Put, Staging, Table};
use crate::store::{Store, Value};

/// What identifies rows when nothing is said: a column of this name, or one that is added.
const KEY: &str = "id";
const KEY_IS_ABSENT: &str = "the key is absent: expected a value in every row";

/// What is to be imported, and how.
#[derive(Debug)]
pub struct Request<'r> {
    /// Into which table.
    pub table: TableName,
    /// The file.
    pub input: &'r Input,
    /// How it is written.
    pub format: Format,
    /// Which table of a database.
    pub from_table: Option<&'r str>,
    /// What becomes of a table that is there.
    pub if_there: IfThere,
    /// What identifies a row.
    pub key: Option<ColumnName>,
    /// Types that are said and not guessed.
    pub types: Vec<(ColumnName, ColumnType)>,
    /// All columns, said and not guessed.
    pub schema: Option<Declaration>,
    /// What becomes of the good rows when there are bad ones.
    pub bad_rows: BadRows,
}

/// What becomes of the good rows when there are bad ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRows {
    /// Nothing is imported.
    Refused,
    /// The good ones are imported.
    LeftOut,
}

/// Rows that can be loaded.
#[derive(Debug)]
pub struct Prepared {
    /// The rows.
    pub staging: Staging,
    /// How many were left out.
    pub left_out: u64,
}

/// A column of the table, and where its values come from.
struct Planned {
    column: Column,
    origin: Origin,
}

#[derive(Clone, Copy)]
enum Origin {
    /// This place among the headings.
    File(usize),
    /// The number of the row, from 1.
    Number,
    /// It is declared, and the file does not have it.
    Nowhere,
}

/// The columns of the table, and its key.
struct Plan {
    columns: Vec<Planned>,
    key: ColumnName,
}

/// Reads the file and stages its rows. `standing` is the table that is there. Each bad row is
/// given to `tell`.
pub fn prepare(
    store: &Store,
    request: &Request<'_>,
    standing: Option<&Table>,
    progress: &dyn Fn(Step),
    tell: &mut dyn FnMut(BadRow) -> Result<(), DataError>,
) -> Result<Prepared, DataError> {
    let merged_into = standing.filter(|_| request.if_there == IfThere::Upsert);
    let source = Source::open(request.input, request.format, request.from_table)?;
    let mut headings = declared_headings(request, merged_into);
    let mut guesses: Vec<Guess> = Vec::new();
    source.each_row(&mut headings, &looking(progress), &mut |_, row| {
        if let Ok(row) = row {
            guesses.resize(guesses.len().max(row.cells.len()), Guess::default());
            for (guess, cell) in guesses.iter_mut().zip(&row.cells) {
                guess.see(cell);
            }
        }
        Ok(())
    })?;
    if headings.len() == 0 {
        return Err(request.input.refused(0, "no row of it can be read, and no columns were declared: expected rows"));
    }
    let plan = match merged_into {
        Some(table) => plan_merge(request, table, &headings)?,
        None => plan_table(request, &headings, &guesses)?,
    };
    stage(store, request, &source, &plan, &mut headings, progress, tell)
}

fn declared_headings(request: &Request<'_>, merged_into: Option<&Table>) -> Headings {
    match (merged_into, &request.schema) {
        (Some(table), _) => Headings::declared(table.columns.iter().map(|column| column.name.clone())),
        (None, Some(schema)) => Headings::declared(schema.columns.iter().map(|column| column.name.clone())),
        (None, None) => Headings::default(),
    }
}

/// The columns of the standing table that the file has.
fn plan_merge(request: &Request<'_>, table: &Table, headings: &Headings) -> Result<Plan, DataError> {
    if let Some(key) = request.key.as_ref().filter(|key| **key != table.key) {
        return Err(DataError::DoesNotFit(format!(
            "`{key}` is not the key of the table `{}`: rows are told apart by `{}`",
            table.name, table.key
        )));
    }
    if !request.types.is_empty() || request.schema.is_some() {
        return Err(DataError::DoesNotFit(format!(
            "the table `{}` has its types already: leave `--type` and `--schema` out, or say `--replace`",
            table.name
        )));
    }
    if headings.in_file(&table.key).is_none() {
        return Err(no_such_column(&table.key, headings));
    }
    let of_file = |column: &Column| {
        let origin = Origin::File(headings.in_file(&column.name)?);
        Some(Planned { column: column.clone(), origin })
    };
    Ok(Plan { columns: table.columns.iter().filter_map(of_file).collect(), key: table.key.clone() })
}

/// The columns of a new table.
fn plan_table(request: &Request<'_>, headings: &Headings, guesses: &[Guess]) -> Result<Plan, DataError> {
    let said = |name: &ColumnName| {
        let declared = request.schema.iter().flat_map(|schema| &schema.columns);
        let declared = declared.map(|column| (&column.name, column.kind));
        let types = request.types.iter().map(|(name, kind)| (name, *kind));
        types.chain(declared).find(|(said, _)| *said == name).map(|(_, kind)| kind)
    };
    let mut columns: Vec<Planned> = headings
        .iter()
        .enumerate()
        .map(|(index, heading)| {
            let guessed = || guesses.get(index).and_then(|guess| guess.kind()).or(heading.declared);
            let kind = said(&heading.name).or_else(guessed).unwrap_or(ColumnType::Text);
            let origin = if heading.text.is_some() { Origin::File(index) } else { Origin::Nowhere };
            Planned { column: Column { name: heading.name.clone(), kind }, origin }
        })
        .collect();
    let key = plan_key(request, headings, &mut columns)?;
    for (name, _) in &request.types {
        if !columns.iter().any(|planned| planned.column.name == *name) {
            return Err(no_such_column(name, headings));
        }
    }
    Ok(Plan { columns, key })
}

/// The column that identifies a row; adds one when the file has none.
fn plan_key(request: &Request<'_>, headings: &Headings, columns: &mut Vec<Planned>) -> Result<ColumnName, DataError> {
    let declared = request.schema.as_ref().and_then(|schema| schema.key.as_ref());
    let key = match request.key.as_ref().or(declared) {
        Some(key) => key.clone(),
        None => KEY.parse().map_err(|error| DataError::DoesNotFit(format!("{error}")))?,
    };
    let is_asked_for = request.key.is_some() || (declared.is_some() && key.as_str() != KEY);
    match columns.iter_mut().find(|planned| planned.column.name == key) {
        Some(Planned { column, origin: Origin::File(_) }) => match column.kind {
            ColumnType::Integer | ColumnType::Text => {}
            kind => {
                return Err(DataError::DoesNotFit(format!(
                    "the column `{key}` holds {} and cannot be the key: a key is integer or text; `--key` names another column",
                    kind.name()
                )));
            }
        },
        Some(_) if headings.shown().is_empty() => {}
        _ if is_asked_for => return Err(no_such_column(&key, headings)),
        Some(Planned { column: Column { kind: ColumnType::Integer, .. }, origin }) => *origin = Origin::Number,
        Some(_) => return Err(no_such_column(&key, headings)),
        None => {
            let column = Column { name: key.clone(), kind: ColumnType::Integer };
            columns.insert(0, Planned { column, origin: Origin::Number });
        }
    }
    Ok(key)
}

fn no_such_column(name: &ColumnName, headings: &Headings) -> DataError {
    DataError::DoesNotFit(format!("the file has no column `{name}`: it has {}", headings.shown()))
}

/// The second reading.
fn stage(
    store: &Store,
    request: &Request<'_>,
    source: &Source<'_>,
    plan: &Plan,
    headings: &mut Headings,
    progress: &dyn Fn(Step),
    tell: &mut dyn FnMut(BadRow) -> Result<(), DataError>,
) -> Result<Prepared, DataError> {
    let columns = plan.columns.iter().map(|planned| planned.column.clone()).collect();
    let mut staging = store.stage(Table { name: request.table.clone(), columns, key: plan.key.clone() })?;
    let mut bad_rows = 0;
    staging.fill(|sink| {
        let mut number = 0;
        source.each_row(headings, &taking(progress), &mut |headings, row| {
            let put = row.and_then(|row| {
                let values = values(&row, number + 1, plan, headings)?;
                Ok(match sink.put(&values) {
                    Ok(Put::Kept) => Ok(()),
                    Ok(Put::KeyIsTaken) => return Err(key_is_taken(row.line, &values, plan, headings)),
                    Err(error) => Err(error),
                })
            });
            let bad = match put {
                Ok(put) => {
                    number += 1;
                    return Ok(put?);
                }
                Err(bad) => bad,
            };
            bad_rows += 1;
            tell(bad)
        })
    })?;
    if bad_rows > 0 && request.bad_rows == BadRows::Refused {
        return Err(DataError::BadRows { count: bad_rows });
    }
    Ok(Prepared { staging, left_out: bad_rows })
}

/// A value for each column of the table.
fn values<'r>(row: &'r Row<'_>, number: i64, plan: &Plan, headings: &Headings) -> Result<Vec<Value<'r>>, BadRow> {
    let line = row.line;
    let mut values = Vec::with_capacity(plan.columns.len());
    for Planned { column, origin } in &plan.columns {
        let index = match origin {
            Origin::Number => {
                values.push(Value::Integer(number));
                continue;
            }
            // A file with no rows has not even a key.
            Origin::Nowhere if column.name == plan.key => return Err(BadRow::new(line, KEY_IS_ABSENT)),
            Origin::Nowhere => {
                values.push(Value::Null);
                continue;
            }
            Origin::File(index) => *index,
        };
        let raw = row.cells.get(index).unwrap_or(&Raw::Null);
        let value = raw.value(column.kind).map_err(|expected| {
            let hint = match column.kind {
                ColumnType::Integer | ColumnType::Real => Some(format!("--type {}=text", column.name)),
                ColumnType::Text | ColumnType::Blob => None,
            };
            BadRow { hint, ..BadRow::new(line, expected).at(headings.place(index)).value(&raw.shown()) }
        })?;
        if value == Value::Null && column.name == plan.key {
            return Err(BadRow::new(line, KEY_IS_ABSENT).at(headings.place(index)));
        }
        values.push(value);
    }
    Ok(values)
}

fn key_is_taken(line: u64, values: &[Value<'_>], plan: &Plan, headings: &Headings) -> BadRow {
    let bad = BadRow::new(line, "but a row before it has the same key");
    let key = plan.columns.iter().zip(values).find(|(planned, _)| planned.column.name == plan.key);
    let Some((Planned { origin: Origin::File(index), .. }, value)) = key else { return bad };
    let shown = match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Null | Value::Real(_) | Value::Blob(_) => return bad.at(headings.place(*index)),
    };
    bad.at(headings.place(*index)).value(&shown)
}

/// The format of the file at `path`: what was said, else what the end of its name says.
pub fn format_of(path: &Path, said: Option<Format>) -> Option<Format> {
    said.or_else(|| Format::of_path(path))
}
