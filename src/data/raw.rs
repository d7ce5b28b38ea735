//! Cells as a file has them, and what they become in a column.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::site::table::ColumnType;
use crate::store::Value;

/// A cell as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw<'r> {
    /// Nothing there.
    Null,
    /// A cell of CSV: only its look says whether it is a number.
    Cell(&'r str),
    /// A string of JSON.
    String(Cow<'r, str>),
    /// A number of JSON, with the digits that its author wrote.
    Number(&'r str),
    /// `true` or `false` of JSON.
    Bool(bool),
    /// An array or an object of JSON, as it is written.
    Json(&'r str),
    /// The values of SQLite.
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
}

/// What a column expected and did not find.
pub(super) type Expected = &'static str;

const INTEGER: Expected = "expected a whole number of 64 bits";
const REAL: Expected = "expected a number";
const TEXT: Expected = "expected a text in UTF-8, without NUL";
const BLOB: Expected = "expected bytes in base64";

impl Raw<'_> {
    /// The value of this cell in a column of `kind`.
    pub(super) fn value(&self, kind: ColumnType) -> Result<Value<'_>, Expected> {
        if *self == Self::Null {
            return Ok(Value::Null);
        }
        match kind {
            ColumnType::Integer => self.integer().map(Value::Integer).ok_or(INTEGER),
            ColumnType::Real => self.real().filter(|number| number.is_finite()).map(Value::Real).ok_or(REAL),
            ColumnType::Text => {
                self.text().filter(|text| memchr::memchr(0, text.as_bytes()).is_none()).map(Value::Text).ok_or(TEXT)
            }
            ColumnType::Blob => self.blob().map(Value::Blob).ok_or(BLOB),
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Cell(text) | Self::Number(text) | Self::Text(text) => text.parse().ok(),
            Self::String(text) => text.parse().ok(),
            Self::Bool(is_true) => Some(i64::from(*is_true)),
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn real(&self) -> Option<f64> {
        match self {
            Self::Cell(text) | Self::Number(text) | Self::Text(text) => text.parse().ok(),
            Self::String(text) => text.parse().ok(),
            Self::Bool(is_true) => Some(f64::from(u8::from(*is_true))),
            #[allow(clippy::cast_precision_loss, reason = "what a column of reals does with any integer")]
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Cell(text) | Self::Number(text) | Self::Json(text) | Self::Text(text) => (*text).into(),
            Self::String(text) => text.as_ref().into(),
            Self::Bool(is_true) => if *is_true { "true" } else { "false" }.into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Real(number) => format!("{number:?}").into(),
            Self::Blob(bytes) => std::str::from_utf8(bytes).ok()?.into(),
            Self::Null => return None,
        })
    }

    fn blob(&self) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Self::Cell(text) => BASE64.decode(text).ok()?.into(),
            Self::String(text) => BASE64.decode(text.as_bytes()).ok()?.into(),
            Self::Text(text) => text.as_bytes().into(),
            Self::Blob(bytes) => (*bytes).into(),
            _ => return None,
        })
    }

    /// As a message shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Blob(bytes) => format!("{} bytes", bytes.len()),
            other => other.text().unwrap_or_default().into_owned(),
        }
    }
}

/// How the bytes of a blob are written where only texts can be.
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: Raw<'_>, kind: ColumnType, expected: Result<Value<'_>, Expected>) {
        assert_eq!(raw.value(kind), expected);
    }

    #[test]
    fn a_column_takes_what_can_be_its_type_and_says_what_it_expected() {
        check(Raw::Cell("42"), ColumnType::Integer, Ok(Value::Integer(42)));
        check(Raw::Cell("4.2"), ColumnType::Integer, Err(INTEGER));
        check(Raw::Number("9223372036854775808"), ColumnType::Integer, Err(INTEGER));
        check(Raw::Cell("1e3"), ColumnType::Real, Ok(Value::Real(1000.0)));
        check(Raw::Cell("1e999"), ColumnType::Real, Err(REAL));
        check(Raw::Cell("NaN"), ColumnType::Real, Err(REAL));
        check(Raw::String("a\0b".into()), ColumnType::Text, Err(TEXT));
        check(Raw::Cell("AAEC"), ColumnType::Blob, Ok(Value::Blob([0, 1, 2].as_slice().into())));
        check(Raw::Cell("AAE"), ColumnType::Blob, Err(BLOB));
        check(Raw::Blob(&[0xff]), ColumnType::Text, Err(TEXT));
    }

    #[test]
    fn a_text_keeps_what_its_author_wrote() {
        check(Raw::Number("1.50"), ColumnType::Text, Ok(Value::Text("1.50".into())));
        check(Raw::Json("[1, 2]"), ColumnType::Text, Ok(Value::Text("[1, 2]".into())));
        check(Raw::Bool(true), ColumnType::Text, Ok(Value::Text("true".into())));
        check(Raw::Bool(true), ColumnType::Integer, Ok(Value::Integer(1)));
    }
}
