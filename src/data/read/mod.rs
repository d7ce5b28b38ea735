//! Files as rows of raw cells: one reader a format, all of one face.
//!
//! A reader pushes its rows, a cell for each of the [`Headings`] known so far, and a row that
//! it cannot read as a [`BadRow`] in its place. What makes the rest of the file meaningless
//! stops it. No reader keeps more than one row in memory, and none more than its limits.

pub(super) mod csv;
pub(super) mod json;
pub(super) mod sqlite;

use super::bad_row::BadRow;
use super::headings::Headings;
use super::input::{Format, Input};
use super::raw::Raw;
use super::{DataError, Step};

/// A row of a file.
pub(super) struct Row<'r> {
    /// Where it begins.
    pub(super) line: u64,
    /// May be fewer than there are headings by now: those that came later are not in it.
    pub(super) cells: Vec<Raw<'r>>,
}

/// What is done with each row.
pub(super) type Take<'t> = dyn FnMut(&Headings, Result<Row<'_>, BadRow>) -> Result<(), DataError> + 't;

/// A file that is read, as often as needed.
pub(super) struct Source<'i> {
    input: &'i Input,
    format: Format,
    /// One connection for both readings, so that they see the same rows.
    database: Option<sqlite::Database>,
}

impl<'i> Source<'i> {
    /// `from_table` is the table of a database that is meant.
    pub(super) fn open(input: &'i Input, format: Format, from_table: Option<&str>) -> Result<Self, DataError> {
        let database = match (format, from_table) {
            (Format::Sqlite, _) => Some(sqlite::Database::open(input, from_table)?),
            (_, None) => None,
            (_, Some(_)) => {
                return Err(DataError::DoesNotFit("`--from-table` is for a file of SQLite".to_owned()));
            }
        };
        Ok(Self { input, format, database })
    }

    /// Reads all of it.
    pub(super) fn each_row(
        &self,
        headings: &mut Headings,
        progress: &dyn Fn(u64, u64),
        take: &mut Take<'_>,
    ) -> Result<(), DataError> {
        if let Some(database) = &self.database {
            return database.each_row(self.input, headings, progress, take);
        }
        let tell = |done| progress(done, self.input.length);
        let bytes = self.input.bytes(&tell)?;
        match self.format {
            Format::Csv => csv::each_row(self.input, bytes, headings, take),
            Format::NdJson => json::each_row(self.input, json::Lines::new(bytes), headings, take),
            Format::Json | Format::Sqlite => json::each_row(self.input, json::Array::new(bytes), headings, take),
        }
    }
}

/// Tells of the two readings apart.
pub(super) fn looking(progress: &dyn Fn(Step)) -> impl Fn(u64, u64) {
    move |done, of| progress(Step::Looking(done, of))
}

/// The second one.
pub(super) fn taking(progress: &dyn Fn(Step)) -> impl Fn(u64, u64) {
    move |done, of| progress(Step::Taking(done, of))
}
