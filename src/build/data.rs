//! Data files: the YAML, JSON and TOML of `data/`, for layouts to show.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::sources::{Sources, read_text};
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// What stands for a file that could not be read: whoever goes through it finds nothing.
static NOTHING: Value = Value::Array(Vec::new());

/// Path below `data/` → value.
#[derive(Debug, Default)]
pub struct DataFiles {
    values: FxHashMap<String, Value>,
    /// Files that are there and could not be read. Each has its own diagnostic; a layout
    /// that asks for one has done nothing wrong.
    broken: FxHashSet<String>,
}

impl DataFiles {
    /// Reads those among `files`.
    pub fn load(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Self {
        let mut files_read = Self::default();
        for file in files {
            let Some(name) = file.strip_prefix("data/") else { continue };
            let read: fn(&str, &str) -> Result<Value, Diagnostic> = match name.rsplit_once('.') {
                Some((_, "yaml" | "yml")) => yaml,
                Some((_, "json")) => json,
                Some((_, "toml")) => toml,
                _ => continue,
            };
            match read_text(sources, file).and_then(|text| read(file, &text)) {
                Ok(value) => {
                    files_read.values.insert(name.to_owned(), value);
                }
                Err(diagnostic) => {
                    found.push(diagnostic);
                    files_read.broken.insert(name.to_owned());
                }
            }
        }
        files_read
    }

    /// The value of the file at `name` below `data/`; an empty list for one that could not
    /// be read.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).or_else(|| self.is_broken(name).then_some(&NOTHING))
    }

    /// Whether the file at `name` is there and could not be read.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Whether every file could be read.
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().chain(&self.broken).map(String::as_str)
    }
}

fn yaml(file: &str, text: &str) -> Result<Value, Diagnostic> {
    crate::site::yaml::value(Code::Data, file, text)
}

fn json(file: &str, text: &str) -> Result<Value, Diagnostic> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let place = Place::at(file, text, error.line(), error.column());
        Diagnostic::error(Code::Data, place, said.split(" at line ").next().unwrap_or(&said))
    })
}

fn toml(file: &str, text: &str) -> Result<Value, Diagnostic> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| super::front_matter::toml_mistake(Code::Data, file, text, 0, &error))?;
    serde_json::to_value(table).map_err(|error| Diagnostic::error(Code::Data, Place::file(file), error.to_string()))
}
