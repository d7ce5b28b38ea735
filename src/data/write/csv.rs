//! CSV (RFC 4180), with lines that end with LF.
//!
//! What is absent has nothing in its cell, the empty text is `""`. That the format itself does
//! not tell them apart is why other readers may take both for the empty text.

use std::io::{self, Write};

use super::real;
use crate::data::raw::base64;
use crate::store::Value;

pub(in crate::data) struct Csv<W> {
    out: W,
    headings: Vec<String>,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(names: &[&str], out: W) -> Self {
        Self { out, headings: names.iter().copied().map(str::to_owned).collect() }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        let headings = std::mem::take(&mut self.headings);
        let headings: Vec<Value<'_>> = headings.iter().map(|name| Value::Text(name.into())).collect();
        self.row(&headings)
    }

    pub(super) fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.out.write_all(b",")?;
            }
            match value {
                Value::Null => {}
                Value::Integer(number) => write!(self.out, "{number}")?,
                Value::Real(number) => self.out.write_all(real(*number)?.as_bytes())?,
                Value::Text(text) => self.text(text)?,
                Value::Blob(bytes) => self.text(&base64(bytes))?,
            }
        }
        self.out.write_all(b"\n")
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        if !text.is_empty() && !text.contains(['"', ',', '\n', '\r']) {
            return self.out.write_all(text.as_bytes());
        }
        write!(self.out, "\"{}\"", text.replace('"', "\"\""))
    }

    pub(super) fn end(self) -> W {
        self.out
    }
}
