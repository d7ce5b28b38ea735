//! JSON (RFC 8259): an array of objects, or an object a line.
//!
//! [`Array`] and [`Lines`] find where each object begins and ends without reading it, so that
//! one is in memory at a time; then both are read alike. A value that is itself an array or
//! an object is kept as it is written.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead};

use memchr::memchr;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Row, Take};
use crate::data::DataError;
use crate::data::bad_row::{BadRow, shortened};
use crate::data::headings::{Headings, NotAColumn};
use crate::data::input::Input;
use crate::data::limits::{CELL, ROW};
use crate::data::raw::Raw;

/// Finds the texts of the objects.
pub(super) trait Texts {
    /// The next text, with the line where it begins. Longer ones than a row may be are passed
    /// over, and come without their end.
    fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<Found>, Stopped>;
}

/// A text was found.
pub(super) struct Found {
    line: u64,
    is_too_long: bool,
}

/// Why no more texts can be found.
pub(super) enum Stopped {
    Io(io::Error),
    /// The line, and what is wrong there.
    Broken(u64, &'static str),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Gives each object to `take`.
pub(super) fn each_row(
    input: &Input,
    mut texts: impl Texts,
    headings: &mut Headings,
    take: &mut Take<'_>,
) -> Result<(), DataError> {
    let mut text = Vec::new();
    loop {
        let found = match texts.next(&mut text) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(Stopped::Io(cause)) => return Err(input.failed(cause)),
            Err(Stopped::Broken(line, why)) => return Err(input.refused(line, why)),
        };
        let row = match cells(&found, &text, headings) {
            Ok(cells) => Ok(Row { line: found.line, cells }),
            Err(Wrong::Row(bad)) => Err(bad),
            Err(Wrong::File(why)) => return Err(input.refused(found.line, why)),
        };
        take(headings, row)?;
    }
}

enum Wrong {
    Row(BadRow),
    File(String),
}

fn cells<'t>(found: &Found, text: &'t [u8], headings: &mut Headings) -> Result<Vec<Raw<'t>>, Wrong> {
    let line = found.line;
    let bad = |why: String| Wrong::Row(BadRow::new(line, why));
    if found.is_too_long {
        return Err(bad("the object is longer than 64 MiB".to_owned()));
    }
    let text = std::str::from_utf8(text).map_err(|_| bad("expected UTF-8".to_owned()))?;
    let Object(entries) = serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        let line = line + (error.line() as u64).saturating_sub(1);
        Wrong::Row(BadRow::new(line, format!("character {}: {what}, expected an object of JSON", error.column())))
    })?;
    let mut cells = vec![Raw::Null; headings.len()];
    let mut is_there = vec![false; headings.len()];
    for (Key(key), value) in entries {
        let index = headings.index_of(&key).map_err(|wrong| match wrong {
            NotAColumn::NotDeclared(key) => bad(format!("the key `{key}` is none of those that were declared")),
            NotAColumn::Refused(why) => Wrong::File(why),
        })?;
        if index >= cells.len() {
            cells.resize(index + 1, Raw::Null);
            is_there.resize(index + 1, false);
        }
        let at_column = |bad: BadRow| Wrong::Row(bad.at(headings.place(index)));
        if value.get().len() > CELL {
            return Err(at_column(BadRow::new(line, "the value is longer than 16 MiB")));
        }
        if let (Some(cell), Some(is_there)) = (cells.get_mut(index), is_there.get_mut(index)) {
            if std::mem::replace(is_there, true) {
                return Err(bad(format!("the key `{}` is there twice", shortened(&key))));
            }
            *cell = raw(value).map_err(|why| at_column(BadRow::new(line, why).value(value.get())))?;
        }
    }
    Ok(cells)
}

/// The value as it is written.
fn raw(value: &RawValue) -> Result<Raw<'_>, String> {
    let text = value.get();
    Ok(match text.as_bytes().first() {
        Some(b'n') => Raw::Null,
        Some(b't') => Raw::Bool(true),
        Some(b'f') => Raw::Bool(false),
        Some(b'[' | b'{') => Raw::Json(text),
        Some(b'"') if memchr(b'\\', text.as_bytes()).is_none() => {
            Raw::String(text.get(1..text.len().saturating_sub(1)).unwrap_or_default().into())
        }
        // Half of a surrogate pair is found only here.
        Some(b'"') => Raw::String(Cow::Owned(
            serde_json::from_str(text).map_err(|_| "expected a string of Unicode characters".to_owned())?,
        )),
        _ => Raw::Number(text),
    })
}

/// The entries of an object, in their order.
struct Object<'t>(Vec<(Key<'t>, &'t RawValue)>);

#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'t> Deserialize<'t> for Object<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'t> Visitor<'t> for Entries {
            type Value = Object<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'t>>(self, mut map: M) -> Result<Object<'t>, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// An object a line.
pub(super) struct Lines<B> {
    bytes: B,
    line: u64,
}

impl<B: BufRead> Lines<B> {
    pub(super) fn new(bytes: B) -> Self {
        Self { bytes, line: 0 }
    }
}

impl<B: BufRead> Texts for Lines<B> {
    fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<Found>, Stopped> {
        loop {
            text.clear();
            let mut is_too_long = false;
            let mut is_over = true;
            if self.line == 0 {
                pass_mark(&mut self.bytes)?;
            }
            self.line += 1;
            loop {
                let chunk = self.bytes.fill_buf()?;
                if chunk.is_empty() {
                    break;
                }
                is_over = false;
                let end = memchr(b'\n', chunk);
                let piece = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
                is_too_long |= text.len() + piece.len() > ROW;
                if !is_too_long {
                    text.extend_from_slice(piece);
                }
                let used = piece.len() + usize::from(end.is_some());
                self.bytes.consume(used);
                if end.is_some() {
                    break;
                }
            }
            if is_over {
                return Ok(None);
            }
            if is_too_long || !text.trim_ascii().is_empty() {
                return Ok(Some(Found { line: self.line, is_too_long }));
            }
        }
    }
}

/// One array of objects.
pub(super) struct Array<B> {
    bytes: B,
    /// Of the byte that comes next.
    line: u64,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before `[`.
    Before,
    /// After `[`, where `]` may be.
    First,
    /// After a comma.
    Next,
    /// After a value: `,` or `]`.
    Between,
    /// After `]`.
    After,
}

impl<B: BufRead> Array<B> {
    pub(super) fn new(bytes: B) -> Self {
        Self { bytes, line: 0, place: Place::Before }
    }

    /// The next byte that is no space, left where it is.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.bytes.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let spaces = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.line += chunk.iter().take(spaces).filter(|byte| **byte == b'\n').count() as u64;
            let found = chunk.get(spaces).copied();
            self.bytes.consume(spaces);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes a value up to the comma or bracket that ends it.
    fn value(&mut self, text: &mut Vec<u8>) -> Result<Found, Stopped> {
        let line = self.line;
        let mut is_too_long = false;
        let (mut depth, mut in_string, mut is_escaped) = (0_u64, false, false);
        loop {
            let chunk = self.bytes.fill_buf()?;
            if chunk.is_empty() {
                return Err(Stopped::Broken(line, "the file ends inside the value that begins here"));
            }
            let end = chunk.iter().position(|byte| {
                if in_string {
                    in_string = is_escaped || *byte != b'"';
                    is_escaped = !is_escaped && *byte == b'\\';
                    return false;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth > 0 => depth -= 1,
                    b',' | b']' if depth == 0 => return true,
                    _ => {}
                }
                false
            });
            let piece = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', piece).count() as u64;
            is_too_long |= text.len() + piece.len() > ROW;
            if !is_too_long {
                text.extend_from_slice(piece);
            }
            let used = piece.len();
            self.bytes.consume(used);
            if end.is_some() {
                return Ok(Found { line, is_too_long });
            }
        }
    }
}

impl<B: BufRead> Texts for Array<B> {
    fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<Found>, Stopped> {
        text.clear();
        if self.line == 0 {
            pass_mark(&mut self.bytes)?;
            self.line = 1;
        }
        loop {
            let next = self.peek()?;
            let broken = |why| Err(Stopped::Broken(self.line, why));
            match (self.place, next) {
                (Place::Before, Some(b'[')) => self.place = Place::First,
                (Place::Before, Some(b'{')) => {
                    return broken("expected `[`, an array of objects; for an object a line say `--format ndjson`");
                }
                (Place::Before, _) => return broken("expected `[`, an array of objects"),
                (Place::First | Place::Between, Some(b']')) => self.place = Place::After,
                (Place::Between, Some(b',')) => self.place = Place::Next,
                (Place::After, None) => return Ok(None),
                (Place::After, Some(_)) => return broken("expected nothing after the array"),
                (_, None) => return broken("the file ends before the array does"),
                (Place::Next, Some(b']' | b',')) | (Place::First, Some(b',')) => {
                    return broken("expected an object between the commas");
                }
                (Place::Between, Some(_)) => return broken("expected `,` or `]`"),
                (Place::First | Place::Next, Some(_)) => {
                    self.place = Place::Between;
                    return self.value(text).map(Some);
                }
            }
            self.bytes.consume(1);
        }
    }
}

fn pass_mark(bytes: &mut impl BufRead) -> io::Result<()> {
    let mark = bytes.fill_buf()?.starts_with(b"\xef\xbb\xbf");
    bytes.consume(if mark { 3 } else { 0 });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Lines and texts, or where it stopped.
    fn texts(mut texts: impl Texts) -> (Vec<(u64, String)>, Option<u64>) {
        let (mut found, mut text) = (Vec::new(), Vec::new());
        loop {
            match texts.next(&mut text) {
                Ok(Some(one)) => found.push((one.line, String::from_utf8(text.trim_ascii().to_vec()).unwrap())),
                Ok(None) => return (found, None),
                Err(Stopped::Broken(line, _)) => return (found, Some(line)),
                Err(Stopped::Io(error)) => panic!("{error}"),
            }
        }
    }

    fn check(array: &str, expected: &[(u64, &str)], stops: Option<u64>) {
        let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
        for capacity in [3, 4096] {
            let bytes = BufReader::with_capacity(capacity, array.as_bytes());
            assert_eq!(texts(Array::new(bytes)), (expected.clone(), stops), "{array}");
        }
    }

    #[test]
    fn each_value_of_an_array_is_found_with_its_line() {
        check("[]", &[], None);
        check("\u{feff}[\n{\"a\": 1},\n{\"a\":\n2}\n]\n", &[(2, "{\"a\": 1}"), (3, "{\"a\":\n2}")], None);
        check(r#"[{"a": "]},\"{["}, [1, 2]]"#, &[(1, r#"{"a": "]},\"{["}"#), (1, "[1, 2]")], None);
    }

    #[test]
    fn an_array_that_is_none_stops_where_it_breaks() {
        check("", &[], Some(1));
        check("{\"a\": 1}", &[], Some(1));
        check("[{},\n", &[(1, "{}")], Some(2));
        check("[{},\n]", &[(1, "{}")], Some(2));
        check("[{}] x", &[(1, "{}")], Some(1));
        check("[{\"a", &[], Some(1));
    }

    #[test]
    fn lines_are_found_and_empty_ones_passed_over() {
        let found = texts(Lines::new(&b"{}\n\n \r\n{\"a\":1}\r\n[]"[..]));
        let expected = [(1, "{}"), (4, "{\"a\":1}"), (5, "[]")].map(|(line, text)| (line, text.to_owned()));
        assert_eq!(found, (expected.to_vec(), None));
    }

    fn cells_of(text: &str) -> Result<Vec<Raw<'_>>, String> {
        let found = Found { line: 7, is_too_long: false };
        cells(&found, text.as_bytes(), &mut Headings::default()).map_err(|wrong| match wrong {
            Wrong::Row(bad) => format!("{}: {bad}", bad.line),
            Wrong::File(why) => why,
        })
    }

    #[test]
    fn values_keep_what_their_author_wrote() {
        let found = cells_of(r#"{"a": 1.50, "b": "x\ny", "c": [1, {"d": 2}], "e": null, "f": false, "g": "é"}"#);
        let expected = vec![
            Raw::Number("1.50"),
            Raw::String("x\ny".into()),
            Raw::Json(r#"[1, {"d": 2}]"#),
            Raw::Null,
            Raw::Bool(false),
            Raw::String("é".into()),
        ];
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn what_is_no_object_of_columns_is_told() {
        let wrong = |text| cells_of(text).unwrap_err();
        assert!(wrong("5").contains("expected an object"), "{}", wrong("5"));
        assert!(wrong("{\"a\": 1,\n}").starts_with("8: character 1"), "{}", wrong("{\"a\": 1,\n}"));
        assert_eq!(wrong(r#"{"a": 1, "a": 2}"#), "7: the key `a` is there twice");
        assert!(wrong(r#"{"a b": 1, "a_b": 2}"#).contains("`a b` and `a_b` would both be the column `a_b`"));
        assert!(wrong(r#"{"a": "\ud800"}"#).contains("expected a string of Unicode characters"));
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(cells_of(&deep).is_ok());
    }
}
