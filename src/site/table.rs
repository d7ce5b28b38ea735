//! The site's own tables: what they and their columns may be called, and what a column holds.
//!
//! [`TableName`] and [`ColumnName`] are the only names that come into a statement, and only
//! between quotation marks. They are kept to what SQLite and PostgreSQL read alike: small
//! letters, figures and `_`, at most 63 bytes.
//!
//! Knows nothing of a store: a table that is well named need not be there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// PostgreSQL cuts longer names without a word.
const LONGEST: usize = 63;
/// What begins so belongs to Littoral, or to an engine.
const RESERVED: [&str; 3] = ["littoral_", "sqlite_", "pg_"];
/// Littoral's own table without its prefix.
const MIGRATION: &str = "migration";

/// Why something cannot be a name; says what may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// It has other characters, or too many.
    #[error("`{0}` cannot be a name: small letters, figures and `_`, a letter first, at most {LONGEST} characters")]
    Form(String),
    /// It is Littoral's, or the engine's.
    #[error("`{0}` is kept for the store itself: call the table otherwise")]
    Reserved(String),
}

/// The name of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName(String);

/// The name of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName(String);

impl FromStr for TableName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let name = well_formed(text)?;
        if name == MIGRATION || RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(NotAName::Reserved(name));
        }
        Ok(Self(name))
    }
}

impl FromStr for ColumnName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        well_formed(text).map(Self)
    }
}

fn well_formed(text: &str) -> Result<String, NotAName> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let is_well = (1..=LONGEST).contains(&text.len())
        && text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit());
    if is_well { Ok(text.to_owned()) } else { Err(NotAName::Form(text.to_owned())) }
}

macro_rules! name {
    ($name:ident) => {
        impl $name {
            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// As it stands in a statement.
            pub fn quoted(&self) -> String {
                format!("\"{}\"", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;

            fn try_from(text: String) -> Result<Self, NotAName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}
name!(TableName);
name!(ColumnName);

impl ColumnName {
    /// The name that a heading of somebody else's file comes to: `Country Code` becomes
    /// `country_code`. `None` when nothing is left of it.
    pub fn of_heading(heading: &str) -> Option<Self> {
        let mut name = String::new();
        for character in heading.trim().chars().flat_map(char::to_lowercase) {
            if character.is_ascii_alphanumeric() {
                name.push(character);
            } else if !name.ends_with('_') && !name.is_empty() {
                name.push('_');
            }
        }
        let name = name.trim_end_matches('_');
        let name =
            if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() };
        name.get(..name.len().min(LONGEST)).unwrap_or_default().parse().ok()
    }
}

/// What a column holds. A value may be absent in any column that is not the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// A whole number of 64 bits.
    Integer,
    /// A number of 64 bits with a point (IEEE 754).
    Real,
    /// UTF-8 without NUL, which PostgreSQL does not take.
    Text,
    /// Bytes.
    Blob,
}

impl ColumnType {
    /// As it is written in a configuration or on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Text => "text",
            Self::Blob => "blob",
        }
    }
}

impl FromStr for ColumnType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Integer, Self::Real, Self::Text, Self::Blob]
            .into_iter()
            .find(|found| found.name() == text)
            .ok_or_else(|| format!("`{text}` is no type of a column: integer, real, text or blob"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(text: &str) -> Option<String> {
        ColumnName::of_heading(text).map(String::from)
    }

    #[test]
    fn a_heading_becomes_a_name() {
        assert_eq!(heading("Country Code"), Some("country_code".to_owned()));
        assert_eq!(heading("  lat/lon (deg) "), Some("lat_lon_deg".to_owned()));
        assert_eq!(heading("2024"), Some("_2024".to_owned()));
        assert_eq!(heading("…"), None);
        assert_eq!(heading(&"a".repeat(80)).map(|name| name.len()), Some(LONGEST));
    }

    #[test]
    fn the_stores_own_tables_cannot_be_named() {
        for name in ["littoral_member", "sqlite_schema", "pg_class", "migration"] {
            assert_eq!(name.parse::<TableName>(), Err(NotAName::Reserved(name.to_owned())));
        }
        assert!("member".parse::<TableName>().is_ok());
    }

    #[test]
    fn what_would_have_to_be_escaped_is_no_name() {
        for name in ["", "a\"b", "A", "a b", "1a", "é", &"a".repeat(64)] {
            assert!(name.parse::<ColumnName>().is_err(), "{name}");
        }
    }
}
