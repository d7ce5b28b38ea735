//! Forms: what an author declares in `dynamic/forms/NAME.yaml`, and what follows from it.
//!
//! [`Form::parse`] reads a declaration and names every mistake with its line. [`shown`] is
//! what a template makes HTML of: the build for a static page, the edge for its own pages.
//! [`check`] is the one function that decides whether a value is taken; the limits that it
//! holds are those that [`shown`] gives to the browser as attributes, so the two agree as
//! far as HTML can say a limit at all.
//!
//! Knows nothing of files, requests or a store: texts come in, values go out.

mod check;
mod content;
mod declaration;
mod pattern;
mod shown;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use check::{Answer, Fault, Given, SentFile, check};
pub use content::{HEAD, is_text, media_of};
pub use shown::{Filled, shown};

use super::table::{ColumnName, ColumnType, TableName};

/// A field that people do not see, and programs that fill in every field do.
pub const TRAP: &str = "more_about_you";
/// The field with the token against forgery.
pub const TOKEN: &str = "csrf";

/// A form, as its author declared it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The name of its file, without its end; part of its address.
    pub name: String,
    /// The heading of its own page.
    pub title: String,
    /// What stands before the fields on its own page; may be empty.
    pub intro: String,
    /// What the button says.
    pub submit: String,
    /// What is said when an answer is kept.
    pub thanks: String,
    /// A page of the site to go to instead.
    pub thanks_page: Option<String>,
    /// What is asked, in order.
    pub fields: Vec<Field>,
    /// A table of the site's own that gets a row for each answer.
    pub goes_to: Option<GoesTo>,
    /// A webhook of the site that is told of each answer.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Who gets each answer by mail.
    #[serde(default)]
    pub mail: Option<MailTo>,
}

impl Form {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Where it is sent, and shown alone.
    pub fn action(&self) -> String {
        format!("{}/{}", super::reserved::FORM, self.name)
    }

    /// How many bytes its files may have together; 0 when it asks for none.
    pub fn file_bytes(&self) -> u64 {
        let bytes = self.fields.iter().filter_map(|field| match field.kind {
            Kind::File { max_bytes, .. } => Some(max_bytes),
            _ => None,
        });
        bytes.sum()
    }
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its key in the declaration, in what is sent and in what is kept.
    pub name: String,
    /// What people read.
    pub label: String,
    /// What helps them; may be empty.
    pub hint: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// What browsers may fill in by themselves: a word of HTML's list of autofill fields.
    pub autocomplete: Option<String>,
    /// What it takes.
    pub kind: Kind,
    /// The author's own words, by the key of the limit that is not kept.
    pub messages: Vec<(Limit, String)>,
}

/// What a field takes. Lengths are counted as browsers do, in UTF-16 units with one for the
/// end of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the keys of the declaration, told in the manual")]
pub enum Kind {
    /// One line.
    Text { min: usize, max: usize, pattern: Option<String> },
    /// Several lines.
    LongText { min: usize, max: usize },
    /// An address for mail.
    Email,
    /// An address of the web.
    Url,
    /// A number; whole steps count from `min`.
    Number { min: Option<f64>, max: Option<f64>, step: Option<f64> },
    /// A whole number.
    Integer { min: i64, max: i64 },
    /// A day.
    Date { min: Option<Date>, max: Option<Date> },
    /// One of several.
    Choice { options: Vec<Choosable>, shown_as: ShownAs },
    /// Some of several.
    Choices { options: Vec<Choosable>, min: usize, max: usize },
    /// A box to tick.
    Yes,
    /// A file whose content is of one of these media types.
    File { accept: Vec<String>, max_bytes: u64 },
}

impl Kind {
    /// What a column of the site's own table must hold to take its values; a file goes into
    /// none.
    pub fn column(&self) -> Option<ColumnType> {
        Some(match self {
            Self::Number { .. } => ColumnType::Real,
            Self::Integer { .. } | Self::Yes => ColumnType::Integer,
            Self::File { .. } => return None,
            _ => ColumnType::Text,
        })
    }
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choosable {
    /// What is sent and kept.
    pub value: String,
    /// What people read.
    pub label: String,
}

/// How a choice is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShownAs {
    /// All of it at once.
    Radio,
    /// A list that opens.
    Select,
}

/// What a value may fail, by the key of the declaration that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the keys of the declaration, told in the manual")]
pub enum Limit {
    Required,
    Type,
    Min,
    Max,
    Step,
    Pattern,
    Options,
    Accept,
    MaxBytes,
}

/// A value of an answer, as a person reads it.
pub fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(in_words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Who gets answers by mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MailTo {
    /// Their addresses.
    pub to: Vec<String>,
    /// The field with the address that an answer to the letter goes to.
    pub reply_to: Option<String>,
}

/// Where answers go besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoesTo {
    /// A table of the site's own.
    pub table: TableName,
    /// Its columns, and the field that fills each.
    pub columns: Vec<(ColumnName, String)>,
}
