//! Rows that cannot be taken, as plain data: where, what was found, what was expected.

use std::fmt;

use super::limits::SHOWN;

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The line on which it begins, from 1; in a file of SQLite the number of the row.
    pub line: u64,
    /// The column that is wrong; none when the row is.
    pub column: Option<Place>,
    /// What stands there, shortened.
    pub value: Option<String>,
    /// What is wrong, or what was expected.
    pub why: String,
    /// What its author can do, when it is a matter of the type.
    pub hint: Option<String>,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number from 1, where columns have an order.
    pub number: Option<usize>,
    /// Its name.
    pub name: String,
}

impl BadRow {
    pub(super) fn new(line: u64, why: impl Into<String>) -> Self {
        Self { line, column: None, value: None, why: why.into(), hint: None }
    }

    pub(super) fn at(self, column: Place) -> Self {
        Self { column: Some(column), ..self }
    }

    pub(super) fn value(self, value: &str) -> Self {
        Self { value: Some(shortened(value)), ..self }
    }
}

/// So much of a text as one line can show, without what would move a terminal's cursor.
pub(super) fn shortened(text: &str) -> String {
    let mut characters = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(Place { number: Some(number), name }) => write!(f, "column {number} (`{name}`): ")?,
            Some(Place { number: None, name }) => write!(f, "column `{name}`: ")?,
            None => {}
        }
        match &self.value {
            Some(value) => write!(f, "found `{value}`, {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}
