//! JSON: an array with an object a line, or the objects alone.
//!
//! Every column is in every object. Bytes are base64; nested values that came in as JSON are
//! texts here, as they are in the store.

use std::io::{self, Write};

use super::real;
use crate::data::raw::base64;
use crate::store::Value;

pub(in crate::data) struct Json<W> {
    out: W,
    shape: Shape,
    /// What stands before each value: `{"id":`, `,"name":`, ...
    before: Vec<String>,
    is_first: bool,
}

/// What is around the objects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Lines,
}

impl<W: Write> Json<W> {
    pub(super) fn new(shape: Shape, names: &[&str], out: W) -> Self {
        let before = |(at, name): (usize, &&str)| {
            format!("{}{}:", if at == 0 { '{' } else { ',' }, serde_json::Value::from(*name))
        };
        Self { out, shape, before: names.iter().enumerate().map(before).collect(), is_first: true }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.out.write_all(if self.shape == Shape::Array { b"[" } else { b"" })
    }

    pub(super) fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        match self.shape {
            Shape::Array => self.out.write_all(if is_first { b"\n" } else { b",\n" })?,
            Shape::Lines => {}
        }
        for (before, value) in self.before.iter().zip(values) {
            self.out.write_all(before.as_bytes())?;
            match value {
                Value::Null => self.out.write_all(b"null")?,
                Value::Integer(number) => write!(self.out, "{number}")?,
                Value::Real(number) => self.out.write_all(real(*number)?.as_bytes())?,
                Value::Text(text) => serde_json::to_writer(&mut self.out, text.as_ref())?,
                Value::Blob(bytes) => write!(self.out, "\"{}\"", base64(bytes))?,
            }
        }
        self.out.write_all(if self.shape == Shape::Lines { b"}\n" } else { b"}" })
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        if self.shape == Shape::Array {
            self.out.write_all(b"\n]\n")?;
        }
        Ok(self.out)
    }
}
