//! Pages from data: a section that has a page for each row of a data file.
//!
//! ```yaml
//! pages_from:
//!   data: cities.csv.zst
//!   path: "{slug}"
//!   title: "{name}"
//!   first: 2000
//! ```
//!
//! A row becomes the head of a page that has no text: its cells are `page.extra`. From there on
//! it is a page like any other, with a source (`cities/lisbon-pt.md`) at which no file lies.
//! [`read`] makes the heads; who keeps them knows them again, so that of a changed file only
//! the rows that differ are rendered.
//!
//! Reads the file through [`Sources`](super::sources::Sources), and knows no other page.

mod pattern;
mod read;

pub use pattern::Pattern;
pub use read::{Section, read};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The key in the front matter of a section.
pub const KEY: &str = "pages_from";

/// What a section says of the pages it has from data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PagesFrom {
    /// `data`: the file, below `data/`.
    pub data: String,
    /// `path`: where the page of a row lives, below the section.
    pub path: Pattern,
    /// `title`: what it is called.
    pub title: Pattern,
    /// `description`: one sentence.
    pub description: Option<Pattern>,
    /// `layout`: another layout than a page of the section has.
    pub layout: Option<String>,
    /// `where`: column → the values of which a row must have one.
    pub only: Vec<(String, Vec<String>)>,
    /// `first`: how many rows are taken at most.
    pub first: Option<usize>,
    /// `in_search`: whether they can be found.
    pub in_search: bool,
}

/// The row that a page is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOf {
    /// The source of the section that asks for it, below `content/`.
    pub section: String,
    /// The data file, from the root.
    pub data: String,
    /// Where it begins there, from 1.
    pub line: usize,
}

impl PagesFrom {
    /// Reads what stands at [`KEY`]; or says what is wrong.
    pub fn of(value: &Value) -> Result<Self, String> {
        let Value::Object(keys) = value else {
            return Err("expected keys: `data`, `path`, `title`".to_owned());
        };
        let known = ["data", "path", "title", "description", "layout", "where", "first", "in_search"];
        if let Some(other) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("`{other}` is none of its keys: they are {}", known.join(", ")));
        }
        let text = |key: &str| match keys.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.as_str())),
            Some(_) => Err(format!("`{key}` is a text in quotation marks")),
        };
        let needed = |key: &str| text(key)?.ok_or_else(|| format!("expected `{key}`, which every one of them needs"));
        let pattern = |key: &str, text: &str| Pattern::parse(text).map_err(|why| format!("`{key}`: {why}"));
        let data = needed("data")?.to_owned();
        if data.starts_with('/') || !crate::site::permalink::is_path(&data) {
            return Err(format!("`data` is the path of a file below `data/`, found `{data}`"));
        }
        Ok(Self {
            data,
            path: pattern("path", needed("path")?)?,
            title: pattern("title", needed("title")?)?,
            description: text("description")?.map(|text| pattern("description", text)).transpose()?,
            layout: text("layout")?.map(str::to_owned),
            only: only(keys)?,
            first: match keys.get("first") {
                None | Some(Value::Null) => None,
                Some(number) => {
                    let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
                    Some(number.filter(|number| *number > 0).ok_or("`first` is a number of rows, at least 1")?)
                }
            },
            in_search: match keys.get("in_search") {
                None | Some(Value::Null) => true,
                Some(yes) => yes.as_bool().ok_or("`in_search` is `true` or `false`")?,
            },
        })
    }

    /// The file, from the root.
    pub fn file(&self) -> String {
        format!("data/{}", self.data)
    }
}

fn only(keys: &Map<String, Value>) -> Result<Vec<(String, Vec<String>)>, String> {
    let wrong = || "`where` is a column and the value that a row must have there, or a list of them".to_owned();
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(wrong()),
    };
    let values = |value: &Value| match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    };
    match keys.get("where") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(columns)) => {
            columns.iter().map(|(column, value)| Ok((column.clone(), values(value)?))).collect()
        }
        Some(_) => Err(wrong()),
    }
}
