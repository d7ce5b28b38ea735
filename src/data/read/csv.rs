//! CSV as [`site::csv`](crate::site::csv) reads it: a line of headings, then rows.

use std::io::BufRead;

use super::{Row, Take};
use crate::data::DataError;
use crate::data::bad_row::BadRow;
use crate::data::headings::{Headings, NotAColumn};
use crate::data::input::Input;
use crate::data::raw::Raw;
use crate::site::csv::{Fault, Record, Records};

/// Gives each row after the headings to `take`.
pub(super) fn each_row(
    input: &Input,
    bytes: impl BufRead,
    headings: &mut Headings,
    take: &mut Take<'_>,
) -> Result<(), DataError> {
    let mut records = Records::new(bytes);
    let failed = |cause| input.failed(cause);
    if !records.read().map_err(failed)? {
        return Err(input.refused(0, "it is empty: expected a line of headings"));
    }
    let places = places(input, &records.record, headings)?;
    while records.read().map_err(failed)? {
        take(headings, row(&records.record, &places, headings))?;
    }
    Ok(())
}

/// For each column of the file, its place among the headings.
fn places(input: &Input, record: &Record, headings: &mut Headings) -> Result<Vec<usize>, DataError> {
    let refused = |why: String| input.refused(record.line, why);
    if let Some(fault) = record.fault {
        return Err(refused(fault.why().to_owned()));
    }
    let mut places = Vec::new();
    for number in 1..=record.count {
        let text = std::str::from_utf8(record.cell(number - 1).bytes).map_err(|_| {
            refused("the headings are not UTF-8: save the file as UTF-8 (spreadsheets call it `CSV UTF-8`)".to_owned())
        })?;
        if text.is_empty() {
            return Err(refused(format!("column {number} has no heading: expected a name for each column")));
        }
        let index = headings.index_of(text).map_err(|wrong| match wrong {
            NotAColumn::NotDeclared(name) => refused(format!(
                "column {number} (`{name}`) is none of those that were declared: take it out of the file, or declare it"
            )),
            NotAColumn::Refused(why) => refused(why),
        })?;
        if places.contains(&index) {
            return Err(refused(format!("two columns have the heading `{text}`: rename one of them")));
        }
        headings.note(index, number, None);
        places.push(index);
    }
    Ok(places)
}

fn row<'r>(record: &'r Record, places: &[usize], headings: &Headings) -> Result<Row<'r>, BadRow> {
    let line = record.line;
    let place = |at: usize| headings.place(places.get(at).copied().unwrap_or(usize::MAX));
    if let Some(fault) = record.fault {
        let bad = BadRow::new(line, fault.why());
        return Err(match fault {
            Fault::CellTooLong(at) | Fault::TextAfterQuote(at) if at < places.len() => bad.at(place(at)),
            _ => bad,
        });
    }
    if record.count != places.len() {
        let cells = if record.count == 1 { "1 cell".to_owned() } else { format!("{} cells", record.count) };
        return Err(BadRow::new(line, format!("it has {cells}, and there are {} headings", places.len())));
    }
    let mut cells = vec![Raw::Null; headings.len()];
    for (at, index) in places.iter().enumerate() {
        let cell = record.cell(at);
        if cell.is_absent() {
            continue;
        }
        let text = std::str::from_utf8(cell.bytes).map_err(|_| {
            BadRow::new(line, "expected UTF-8").at(place(at)).value(&String::from_utf8_lossy(cell.bytes))
        })?;
        if let Some(found) = cells.get_mut(*index) {
            *found = Raw::Cell(text);
        }
    }
    Ok(Row { line, cells })
}
