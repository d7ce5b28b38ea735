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
            let read: fn(&str, &str) -> Result<Value, Diagnostic> = match name.rsplit_once('.') {
                Some((_, "yaml" | "yml")) => yaml,
                Some((_, "json")) => json,
                Some((_, "toml")) => toml,
                _ => continue,
            };
            match read_text(sources, file) {
                Err(diagnostic) => found.push(diagnostic),
                Ok(text) => match read(file, &text) {
                    Ok(value) => {
                        values.insert(name.to_owned(), value);
                    }
                    Err(diagnostic) => found.push(diagnostic),
                },
            }
        }
        Self(values)
    }

    /// The value of the file at `name` below `data/`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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
