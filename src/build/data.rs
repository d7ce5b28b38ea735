//! Data files: the YAML, JSON and TOML of `data/`, for layouts to show.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::sources::{Sources, read_text};
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// Path below `data/` → value.
#[derive(Debug, Default)]
pub struct DataFiles(FxHashMap<String, Value>);

impl DataFiles {
    /// Reads those among `files`.
    pub fn load(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Self {
        let mut values = FxHashMap::default();
        for file in files {
            let Some(name) = file.strip_prefix("data/") else { continue };
            let read: fn(&str) -> Result<Value, Wrong> = match name.rsplit_once('.') {
                Some((_, "yaml" | "yml")) => yaml,
                Some((_, "json")) => json,
                Some((_, "toml")) => toml,
                _ => continue,
            };
            match read_text(sources, file) {
                Err(diagnostic) => found.push(diagnostic),
                Ok(text) => match read(&text) {
                    Ok(value) => {
                        values.insert(name.to_owned(), value);
                    }
                    Err(Wrong { line, column, message }) => {
                        found.push(Diagnostic::error(Code::Data, Place::at(file, &text, line, column), message))
                    }
                },
            }
        }
        Self(values)
    }

    /// The value of the file at `name` below `data/`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

struct Wrong {
    line: usize,
    column: usize,
    message: String,
}

fn yaml(text: &str) -> Result<Value, Wrong> {
    serde_yaml::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let said = error.to_string();
        Wrong { line, column, message: said.split(" at line ").next().unwrap_or(&said).to_owned() }
    })
}

fn json(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        Wrong {
            line: error.line(),
            column: error.column(),
            message: said.split(" at line ").next().unwrap_or(&said).to_owned(),
        }
    })
}

fn toml(text: &str) -> Result<Value, Wrong> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let place = Place::of("", text, error.span().unwrap_or(0..0));
        Wrong { line: place.line, column: place.column, message: error.message().replace('\n', " ") }
    })?;
    serde_json::to_value(table).map_err(|error| Wrong { line: 1, column: 1, message: error.to_string() })
}
