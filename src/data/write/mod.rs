//! Rows as files: one writer a format.

mod csv;
mod json;

use std::io::{self, Write};

use self::csv::Csv;
use self::json::{Json, Shape};
use super::Format;
use crate::store::Value;

/// Writes rows in one format.
pub(super) enum Writer<W> {
    Csv(Csv<W>),
    Json(Json<W>),
}

impl<W: Write> Writer<W> {
    /// For rows with columns of these names; none for a format that can only be read.
    pub(super) fn new(format: Format, names: &[&str], out: W) -> Option<Self> {
        match format {
            Format::Csv => Some(Self::Csv(Csv::new(names, out))),
            Format::Json => Some(Self::Json(Json::new(Shape::Array, names, out))),
            Format::NdJson => Some(Self::Json(Json::new(Shape::Lines, names, out))),
            Format::Sqlite => None,
        }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.begin(),
            Self::Json(json) => json.begin(),
        }
    }

    pub(super) fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.row(values),
            Self::Json(json) => json.row(values),
        }
    }

    /// Gives back what was written to.
    pub(super) fn end(self) -> io::Result<W> {
        match self {
            Self::Csv(csv) => Ok(csv.end()),
            Self::Json(json) => json.end(),
        }
    }
}

/// The text of a real from which the same real is read, and which no integer has.
fn real(number: f64) -> io::Result<String> {
    if number.is_finite() {
        Ok(format!("{number:?}"))
    } else {
        // Only what was written past Littoral can be so.
        let why = format!("a row has the number {number}, which cannot be written in this format");
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}
