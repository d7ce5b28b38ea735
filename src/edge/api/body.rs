//! The values that a request brings: one JSON object, its names those of columns.
//!
//! Everything that is wrong with it is said at once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::CONTENT_TYPE;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::Call;
use super::problem::Problem;
use crate::edge::refusal::Refusal;
use crate::site::api::TableApi;
use crate::site::table::{ColumnName, ColumnType};
use crate::store::Cell;
use crate::store::tables::Table;

/// Column and value, in the order of the body.
pub(super) type Cells = Vec<(ColumnName, Cell)>;

/// Values in one body at most: what a table may have of columns.
const MOST_VALUES: usize = 1000;
/// Faults that are told at once.
const MOST_FAULTS: usize = 20;

/// Names and values, none of them lost when one comes twice.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, such as {\"name\": \"Lisbon\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == MOST_VALUES {
                        return Err(A::Error::custom("more values than a table has columns"));
                    }
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The values for columns of `table` that the request sets. A key in it is given apart.
pub(super) fn cells(call: &Call, table: &Table, api: &TableApi) -> Result<(Option<Cell>, Cells), Problem> {
    let media = call.headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(essence.as_str(), "application/json" | "application/merge-patch+json") {
        return Err(Problem::Media);
    }
    let Pairs(pairs) = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::BadRequest(format!("The body is not the JSON that is expected: {error}").into()))?;
    let mut faults = Vec::new();
    let (mut key, mut cells) = (None, Cells::new());
    for (at, (name, value)) in pairs.iter().enumerate() {
        let column = table.columns.iter().find(|column| column.name.as_str() == name);
        let is_key = column.is_some_and(|column| table.is_key(column));
        // A key says which row it is, which is not setting it.
        let column = column.filter(|column| is_key || api.write.contains(&column.name));
        match column.map(|column| (column, cell(column.kind, value))) {
            _ if pairs[..at].iter().any(|(before, _)| before == name) => faults.push(format!("“{name}” is said twice")),
            None => faults.push(format!("“{name}” is no column that can be set here")),
            Some((_, Err(expected))) => faults.push(format!("“{name}” must be {expected}")),
            Some((_, Ok(Cell::Null))) if is_key => faults.push(format!("“{name}” is the key, and must be something")),
            Some((_, Ok(cell))) if is_key => key = Some(cell),
            Some((column, Ok(cell))) => cells.push((column.name.clone(), cell)),
        }
    }
    // In the order of the table: the same columns are one statement, however they are said.
    cells.sort_by_key(|(name, _)| table.columns.iter().position(|column| column.name == *name));
    if faults.is_empty() {
        return Ok((key, cells));
    }
    let more = faults.len().saturating_sub(MOST_FAULTS);
    faults.truncate(MOST_FAULTS);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Err(Problem::invalid(faults.join("; ")))
}

/// The value for a column of this type, or what is expected.
fn cell(kind: ColumnType, value: &Value) -> Result<Cell, &'static str> {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    match kind {
        ColumnType::Integer => whole(value).map(Cell::Integer).ok_or("a whole number of 64 bits, or null"),
        ColumnType::Real => value.as_f64().filter(|real| real.is_finite()).map(Cell::Real).ok_or("a number, or null"),
        ColumnType::Text => {
            let text = value.as_str().filter(|text| !text.contains('\0'));
            text.map(|text| Cell::Text(text.to_owned())).ok_or("a text without NUL, or null")
        }
        ColumnType::Blob => {
            let bytes = value.as_str().and_then(|text| BASE64.decode(text).ok());
            bytes.map(Cell::Blob).ok_or("bytes in base64, or null")
        }
    }
}

/// A whole number, also when it is written as `7.0`: to JSON that is the same number.
fn whole(value: &Value) -> Option<i64> {
    let exact = 2f64.powi(53);
    value.as_i64().or_else(|| {
        let real = value.as_f64().filter(|real| real.fract() == 0.0 && real.abs() <= exact)?;
        Some(real as i64)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_of_the_type_of_its_column() {
        assert_eq!(cell(ColumnType::Integer, &json!(7)), Ok(Cell::Integer(7)));
        assert_eq!(cell(ColumnType::Integer, &json!(-7.0)), Ok(Cell::Integer(-7)));
        assert_eq!(cell(ColumnType::Real, &json!(7)), Ok(Cell::Real(7.0)));
        assert_eq!(cell(ColumnType::Blob, &json!("AQI=")), Ok(Cell::Blob(vec![1, 2])));
        assert_eq!(cell(ColumnType::Text, &Value::Null), Ok(Cell::Null));
        for (kind, value) in [
            (ColumnType::Integer, json!(1.5)),
            (ColumnType::Integer, json!("7")),
            (ColumnType::Integer, json!(9_223_372_036_854_775_808_u64)),
            (ColumnType::Real, json!(true)),
            (ColumnType::Text, json!("a\0b")),
            (ColumnType::Text, json!(["a"])),
            (ColumnType::Blob, json!("not base64!")),
        ] {
            assert!(cell(kind, &value).is_err(), "{value}");
        }
    }
}
