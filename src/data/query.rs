//! What a query gives, as a file.

use std::io::{self, Write};

use super::write::Writer;
use super::{DataError, Format};
use crate::store::Value;
use crate::store::site_reads::Row;

/// Writes `rows` to `out`. The columns are those of the first row.
pub fn write<W: Write>(rows: &[Row], format: Format, out: W) -> Result<(), DataError> {
    let failed = |cause: io::Error| DataError::File { doing: "write", file: "standard output".to_owned(), cause };
    let names: Vec<&str> = rows.first().map(|row| row.keys().map(String::as_str).collect()).unwrap_or_default();
    let Some(mut writer) = Writer::new(format, &names, out) else {
        let why = "SQLite is a format to read, not to write: csv, json or ndjson".to_owned();
        return Err(DataError::DoesNotFit(why));
    };
    writer.begin().map_err(failed)?;
    for row in rows {
        let values: Vec<Value<'_>> = names.iter().map(|name| row.get(*name).map_or(Value::Null, value)).collect();
        writer.row(&values).map_err(failed)?;
    }
    writer.end().and_then(|mut out| out.flush()).map_err(failed)
}

fn value(json: &serde_json::Value) -> Value<'_> {
    match json {
        serde_json::Value::String(text) => Value::Text(text.into()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        _ => Value::Null,
    }
}
