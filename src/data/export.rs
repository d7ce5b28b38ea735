//! Exporting: a table as a file, in the order of its key, as it stands at one instant.
//!
//! A row is in memory at a time. What is written can be read again by
//! [`import`](super::import) with the table's declaration, and gives the same table.

use std::io::{self, Write};

use super::write::Writer;
use super::{DataError, Format};
use crate::store::Store;
use crate::store::tables::Table;

/// Writes every row of `table` to `out`, which is called `name` when it cannot be written.
/// Gives `out` back, and how many rows there were.
pub async fn export<W: Write + Send + 'static>(
    store: &Store,
    table: &Table,
    format: Format,
    out: W,
    name: &str,
) -> Result<(W, u64), DataError> {
    let name = name.to_owned();
    let failed = move |cause: io::Error| DataError::File { doing: "write", file: name.clone(), cause };
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let Some(mut writer) = Writer::new(format, &names, out) else {
        let why = "SQLite is a format to read, not to write: csv, json or ndjson".to_owned();
        return Err(DataError::DoesNotFit(why));
    };
    writer.begin().map_err(&failed)?;
    let of_row = failed.clone();
    let (writer, rows) = store
        .each_row(table, (writer, 0), move |(writer, rows), values| {
            *rows += 1;
            writer.row(values).map_err(&of_row)
        })
        .await?;
    let mut out = writer.end().map_err(&failed)?;
    out.flush().map_err(&failed)?;
    Ok((out, rows))
}
