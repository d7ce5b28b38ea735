//! The forms other than HTML: the same data as JSON, CSV and XML.

use serde_json::{Map, Value};

use crate::site::data_page::{DataPage, Format, Rows};

/// How a document of XML begins.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// What is for templates alone.
const FOR_TEMPLATES: [&str; 1] = ["path"];

/// RFC 8259: what the template would have got.
pub(super) fn json(data: &mut Map<String, Value>) -> String {
    FOR_TEMPLATES.iter().for_each(|name| drop(data.shift_remove(*name)));
    serde_json::to_string(data).unwrap_or_default()
}

/// RFC 4180: the rows of the list, or of the first query that has some; the columns are those
/// of its first row.
pub(super) fn csv(page: &DataPage, data: &Map<String, Value>) -> String {
    let of_list = data.get("list").and_then(|list| list.get("rows"));
    let many = page.queries.iter().find(|(_, query)| query.rows == Rows::Many);
    let one = page.queries.keys().next();
    let found = of_list.or_else(|| data.get(many.map(|(name, _)| name).or(one)?));
    let rows = match found {
        Some(Value::Array(rows)) => rows.as_slice(),
        Some(row) => std::slice::from_ref(row),
        None => &[],
    };
    let names: Vec<&String> =
        rows.first().and_then(Value::as_object).map(|row| row.keys().collect()).unwrap_or_default();
    if names.is_empty() {
        return String::new();
    }
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let cells = rows.iter().map(|row| names.iter().map(|name| cell(row.get(name.as_str()))).collect::<Vec<_>>());
    let written = out.write_record(&names).and_then(|()| cells.into_iter().try_for_each(|row| out.write_record(row)));
    // Memory takes what is written, and each row has as many cells as the first line.
    written
        .ok()
        .and_then(|()| out.into_inner().ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// XML 1.0: an element for each name, `row` for each row; what has no value is absent.
pub(super) fn xml(data: &mut Map<String, Value>) -> String {
    FOR_TEMPLATES.iter().for_each(|name| drop(data.shift_remove(*name)));
    let mut out = DECLARATION.to_owned();
    element(&mut out, "page", &Value::Object(std::mem::take(data)));
    out.push('\n');
    out
}

/// Why a request is not answered, in the form that was asked for.
pub(super) fn refusal(why: &Value, format: Format) -> (&'static str, String) {
    match format {
        Format::Html | Format::Json => ("application/json", why.to_string()),
        Format::Csv => {
            let row = why.as_object().map(|why| why.values().map(|value| cell(Some(value))).collect::<Vec<_>>());
            let names = why.as_object().map(|why| why.keys().cloned().collect::<Vec<_>>());
            let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            // Memory takes what is written.
            for line in names.into_iter().chain(row) {
                let _ = out.write_record(line);
            }
            let bytes = out.into_inner().unwrap_or_default();
            ("text/csv; charset=utf-8; header=present", String::from_utf8_lossy(&bytes).into_owned())
        }
        Format::Xml => {
            let mut out = DECLARATION.to_owned();
            element(&mut out, "refusal", why);
            out.push('\n');
            ("application/xml; charset=utf-8", out)
        }
    }
}

fn element(out: &mut String, name: &str, value: &Value) {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let (tag, attribute) = if is_name {
        (name, String::new())
    } else {
        let mut escaped = String::new();
        text(&mut escaped, name);
        ("value", format!(" name=\"{escaped}\""))
    };
    match value {
        Value::Null => return,
        Value::Array(rows) => {
            out.push_str(&format!("<{tag}{attribute}>"));
            rows.iter().for_each(|row| element(out, "row", row));
        }
        Value::Object(map) => {
            out.push_str(&format!("<{tag}{attribute}>"));
            map.iter().for_each(|(name, value)| element(out, name, value));
        }
        Value::String(string) => {
            out.push_str(&format!("<{tag}{attribute}>"));
            text(out, string);
        }
        other => out.push_str(&format!("<{tag}{attribute}>{other}")),
    }
    out.push_str(&format!("</{tag}>"));
}

/// Escaped; what no document may hold (XML 1.0 §2.2) becomes U+FFFD.
fn text(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A reader would make a newline of it.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn page() -> DataPage {
        let text = "---\nroute: /a\ntitle: A\nquery:\n  b: SELECT 1\n---\n";
        DataPage::parse("dynamic/pages/a.hbs", text).unwrap()
    }

    #[test]
    fn a_cell_with_what_divides_cells_stands_in_quotes() {
        let data = data(json!({ "b": [{ "x": "a\"b", "y": null }, { "x": "c,\nd", "y": 1.5 }] }));
        assert_eq!(csv(&page(), &data), "x,y\r\n\"a\"\"b\",\r\n\"c,\nd\",1.5\r\n");
    }

    #[test]
    fn xml_holds_any_text_and_any_name() {
        let mut data = data(json!({ "path": "/a", "b": [{ "x": "<&\u{1}>", "count(*)": 3, "z": null }] }));
        let body = "<page><b><row><x>&lt;&amp;\u{FFFD}&gt;</x><value name=\"count(*)\">3</value></row></b></page>\n";
        assert_eq!(xml(&mut data), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"));
    }
}
