//! Front matter: the YAML (`---`) or TOML (`+++`) at the head of a page.
//!
//! [`read`] splits a text and gives what its head says. Known keys are checked for their
//! type, each mistake with its line; unknown ones are the author's own and go to `extra`.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::build::rows::{self, PagesFrom};
use crate::site::audience::Audience;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::is_path;
use crate::site::yaml;

/// What the head of a page says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrontMatter {
    /// `title`; the heading that begins the text or else the file's name stands in for a
    /// missing one.
    pub title: Option<String>,
    /// `date`: when it was published.
    pub date: Option<When>,
    /// `updated`: when it was last changed.
    pub updated: Option<When>,
    /// `description`: one sentence, for lists, feeds and search engines.
    pub description: Option<String>,
    /// `summary`: some sentences, for lists; what stands before `<!-- more -->`, the
    /// description, or else the first paragraph stands in for it.
    pub summary: Option<String>,
    /// `slug`: the page's name in its URL.
    pub slug: Option<String>,
    /// `url`: the page's whole path.
    pub url: Option<String>,
    /// `aliases`: paths it had before.
    pub aliases: Vec<String>,
    /// `weight`: its place in its section; lighter comes first.
    pub weight: Option<i64>,
    /// `draft`: shown by `watch` only.
    pub draft: bool,
    /// `layout`: another layout than its kind's.
    pub layout: Option<String>,
    /// `paginate`, in a section: pages on one list page.
    pub paginate: Option<usize>,
    /// `sort_by`, in a section: `date`, `weight`, `title` or `path`.
    pub sort_by: Option<String>,
    /// `pages_from`, in a section: its pages from data.
    pub pages_from: Option<Box<PagesFrom>>,
    /// `in_search`: whether it can be found.
    pub in_search: bool,
    /// `in_feed`: whether the feed names it.
    pub in_feed: bool,
    /// `access`: for whom its text is; in a section, also that of the pages below which say
    /// nothing of their own.
    #[serde(with = "as_words")]
    pub access: Option<Audience>,
    /// `letter`: whether it can be sent as a letter of the newsletter.
    pub letter: bool,
    /// Taxonomy → terms, for the taxonomies that the configuration names.
    pub terms: Vec<(String, Vec<String>)>,
    /// `extra`, and every key that is not known.
    #[serde(with = "as_text")]
    pub extra: Map<String, Value>,
}

/// An audience as it is written in one word, for a form that must know its types beforehand.
mod as_words {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::site::audience::Audience;

    pub(super) fn serialize<S: Serializer>(access: &Option<Audience>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&access.as_ref().map_or_else(String::new, Audience::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Audience>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
    }
}

/// Any value as the text of its JSON, for a form that must know its types beforehand.
mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::{Map, Value};

    pub(super) fn serialize<S: Serializer>(map: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
        if map.is_empty() {
            return serializer.serialize_str("");
        }
        serializer.serialize_str(&serde_json::to_string(map).unwrap_or_default())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.is_empty() { Ok(Map::new()) } else { serde_json::from_str(&text).map_err(D::Error::custom) }
    }
}

/// For whom a page is: a word, or a map with one key.
fn audience(value: Value) -> Result<Audience, String> {
    match value {
        Value::String(word) => word.parse(),
        other => serde_json::from_value(other).map_err(|error: serde_json::Error| error.to_string()),
    }
}

/// A date, with or without a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// As templates see it: `2020-01-31` or `2020-01-31T08:00:00Z` (RFC 3339).
    pub text: String,
    /// Microseconds since 1970 in UTC; what pages are sorted by.
    pub micros: i64,
    /// The calendar day as the author wrote it.
    pub day: Date,
}

impl When {
    /// Reads a date (`2020-01-31`), a date with time (a space or `T`, UTC when no zone is
    /// given) or an RFC 3339 time.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(day) = text.parse::<Date>()
            && text.len() <= 10
        {
            let micros = TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()?.as_microsecond();
            return Some(Self { text: day.to_string(), micros, day });
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            let day = text.get(..10)?.parse().ok()?;
            return Some(Self { text: text.replacen(' ', "T", 1), micros: instant.as_microsecond(), day });
        }
        let local: DateTime = text.parse().ok()?;
        let instant = TimeZone::UTC.to_timestamp(local).ok()?;
        Some(Self { text: instant.to_string(), micros: instant.as_microsecond(), day: local.date() })
    }
}

/// A text without its head.
#[derive(Clone, Debug)]
pub struct Split {
    /// What the head says.
    pub front: FrontMatter,
    /// Where the body is in the text.
    pub body: Range<usize>,
}

/// Reads the head of `text`, the whole of `file`. A text without one is all body.
pub fn read(file: &str, text: &str, taxonomies: &[String]) -> (Split, Vec<Diagnostic>) {
    let all_body = |start| Split {
        front: FrontMatter { in_search: true, in_feed: true, ..FrontMatter::default() },
        body: start..text.len(),
    };
    let start = text.len() - text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).len();
    let (fence, is_toml) = match text.get(start..start + 3) {
        Some("---") => ("---", false),
        Some("+++") => ("+++", true),
        _ => return (all_body(0), Vec::new()),
    };
    let Some(first_line) =
        text[start + 3..].find('\n').filter(|end| text[start + 3..start + 3 + end].trim().is_empty())
    else {
        return (all_body(0), Vec::new());
    };
    let head_start = start + 3 + first_line + 1;
    let Some((head_end, body_start)) = closing_fence(text, head_start, fence) else {
        let found = Diagnostic::error(
            Code::FrontMatter,
            Place::of(file, text, start..start + 3),
            format!("front matter is opened by `{fence}` and never closed"),
        )
        .hint(format!("write `{fence}` on a line of its own after the last key"));
        return (all_body(text.len()), vec![found]);
    };
    let head = Head { file, text, range: head_start..head_end };
    match head.values(is_toml) {
        Ok(values) => {
            let mut found = Vec::new();
            let front = head.front_matter(values, taxonomies, &mut found);
            (Split { front, body: body_start..text.len() }, found)
        }
        Err(diagnostic) => (all_body(body_start), vec![diagnostic]),
    }
}

/// Where the body is in `text`.
pub fn body_of(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).len();
    let Some(fence) = text.get(start..start + 3).filter(|fence| matches!(*fence, "---" | "+++")) else {
        return 0..text.len();
    };
    let line_end = text[start + 3..].find('\n').filter(|end| text[start + 3..start + 3 + end].trim().is_empty());
    let Some(line_end) = line_end else { return 0..text.len() };
    let body = closing_fence(text, start + 3 + line_end + 1, fence).map_or(text.len(), |(_, body)| body);
    body..text.len()
}

/// The line that is the fence alone: where it begins, and where the line after it does.
fn closing_fence(text: &str, from: usize, fence: &str) -> Option<(usize, usize)> {
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        if line.trim_end() == fence {
            return Some((at, at + line.len()));
        }
        at += line.len();
    }
    None
}

/// The head of one file, to say where a mistake is.
struct Head<'a> {
    file: &'a str,
    text: &'a str,
    range: Range<usize>,
}

impl Head<'_> {
    fn values(&self, is_toml: bool) -> Result<Map<String, Value>, Diagnostic> {
        let head = &self.text[self.range.clone()];
        if is_toml {
            let table: toml::Table = toml::from_str(head)
                .map_err(|error| toml_mistake(Code::FrontMatter, self.file, self.text, self.range.start, &error))?;
            return Ok(table.into_iter().map(|(key, value)| (key, json_of_toml(value))).collect());
        }
        if head.trim().is_empty() {
            return Ok(Map::new());
        }
        yaml::keys(Code::FrontMatter, self.file, self.text, self.range.clone())
    }

    fn front_matter(
        &self,
        values: Map<String, Value>,
        taxonomies: &[String],
        found: &mut Vec<Diagnostic>,
    ) -> FrontMatter {
        let mut front = FrontMatter { in_search: true, in_feed: true, ..FrontMatter::default() };
        for (key, value) in values {
            let mut wrong = |expected: &str, value: &Value| {
                found.push(Diagnostic::error(
                    Code::FrontMatter,
                    self.place_of(&key),
                    format!("`{key}`: expected {expected}, found {}", shown(value)),
                ));
            };
            match key.as_str() {
                "title" => front.title = text_of(&value).or_else(|| (wrong("a text", &value), None).1),
                "description" => front.description = text_of(&value).or_else(|| (wrong("a text", &value), None).1),
                "summary" => front.summary = text_of(&value).or_else(|| (wrong("a text", &value), None).1),
                "slug" => front.slug = path_of(&value).or_else(|| (wrong("a name for the URL", &value), None).1),
                "url" => front.url = path_of(&value).or_else(|| (wrong("a path in the site", &value), None).1),
                "layout" => front.layout = text_of(&value).or_else(|| (wrong("the name of a layout", &value), None).1),
                "sort_by" => match value.as_str() {
                    Some(by @ ("date" | "weight" | "title" | "path")) => front.sort_by = Some(by.to_owned()),
                    _ => wrong("`date`, `weight`, `title` or `path`", &value),
                },
                "date" | "updated" => match text_of(&value).as_deref().and_then(When::parse) {
                    Some(when) if key == "date" => front.date = Some(when),
                    Some(when) => front.updated = Some(when),
                    None if value.is_null() => {}
                    None => wrong("a date such as `2024-05-01` or `2024-05-01T08:00:00Z`", &value),
                },
                "weight" => match value.as_i64() {
                    Some(weight) => front.weight = Some(weight),
                    None => wrong("a whole number", &value),
                },
                "paginate" => match value.as_u64().filter(|number| *number > 0) {
                    Some(number) => front.paginate = usize::try_from(number).ok(),
                    None => wrong("a number of pages, at least 1", &value),
                },
                "draft" | "in_search" | "in_feed" | "letter" => match (key.as_str(), value.as_bool()) {
                    ("draft", Some(yes)) => front.draft = yes,
                    ("in_search", Some(yes)) => front.in_search = yes,
                    ("letter", Some(yes)) => front.letter = yes,
                    (_, Some(yes)) => front.in_feed = yes,
                    (_, None) => wrong("`true` or `false`", &value),
                },
                "access" => match audience(value) {
                    Ok(access) => front.access = Some(access),
                    Err(why) => {
                        let message = format!("`{key}`: {why}");
                        found.push(Diagnostic::error(Code::FrontMatter, self.place_of(&key), message));
                    }
                },
                rows::KEY => match self.pages_from(&value) {
                    Ok(from) => front.pages_from = Some(Box::new(from)),
                    Err(why) => {
                        let message = format!("`{key}`: {why}");
                        found.push(Diagnostic::error(Code::FrontMatter, self.place_of(&key), message));
                    }
                },
                "aliases" => match texts_of(&value) {
                    Some(aliases) => front.aliases = aliases,
                    None => wrong("a list of paths", &value),
                },
                "extra" => match value {
                    Value::Object(extra) => front.extra.extend(extra),
                    Value::Null => {}
                    other => wrong("keys and values", &other),
                },
                "taxonomies" if value.is_object() => {
                    for (taxonomy, terms) in value.as_object().into_iter().flatten() {
                        if let Some(terms) = texts_of(terms)
                            && taxonomies.contains(taxonomy)
                        {
                            front.terms.push((taxonomy.clone(), terms));
                        }
                    }
                }
                _ if taxonomies.contains(&key) => match texts_of(&value) {
                    Some(terms) => front.terms.push((key, terms)),
                    None => wrong("a list of words", &value),
                },
                _ => {
                    front.extra.insert(key, value);
                }
            }
        }
        front
    }

    fn pages_from(&self, value: &Value) -> Result<PagesFrom, String> {
        if self.file.rsplit('/').next() != Some("_index.md") {
            return Err("a section has pages from data: write it into an `_index.md`".to_owned());
        }
        PagesFrom::of(value)
    }

    fn place_of(&self, key: &str) -> Place {
        key_place(self.file, self.text, self.range.end, key)
    }
}

/// The line of `key` in the front matter of `text`, the whole of `file`, whose body begins at
/// `body_start`; the file as a whole when the key is written in a way of its own.
pub fn key_place(file: &str, text: &str, body_start: usize, key: &str) -> Place {
    match key_line(text, body_start, key) {
        Some(line) => Place::of(file, text, line),
        None => Place::file(file),
    }
}

/// The place of `term` among the terms of `taxonomy`, as [`key_place`] finds a key.
pub fn term_place(file: &str, text: &str, body_start: usize, taxonomy: &str, term: &str) -> Place {
    let from = match key_line(text, body_start, taxonomy) {
        Some(line) => line.start + taxonomy.len(),
        // Below `taxonomies` the key is indented.
        None => key_line(text, body_start, "taxonomies").map_or(0, |line| line.end),
    };
    let is_whole = |at: &usize| {
        let before = text[..*at].chars().next_back();
        let after = text[at + term.len()..].chars().next();
        before.is_none_or(|sign| sign.is_whitespace() || matches!(sign, '[' | ',' | '"' | '\'' | ':'))
            && after.is_none_or(|sign| sign.is_whitespace() || matches!(sign, ']' | ',' | '"' | '\''))
    };
    let found =
        text.get(from..body_start).and_then(|head| head.match_indices(term).map(|(at, _)| from + at).find(is_whole));
    match found {
        Some(at) => Place::of(file, text, at..at + term.len()),
        None => key_place(file, text, body_start, taxonomy),
    }
}

/// Where the line is, without the white space at its end.
fn key_line(text: &str, body_start: usize, key: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.get(..body_start)?.split_inclusive('\n') {
        let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
        let rest = rest.map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        if rest.is_some_and(|rest| rest.starts_with([':', '='])) {
            return Some(at..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

/// What TOML could not read; `start` is where it begins in `text`, the whole of `file`.
pub fn toml_mistake(code: Code, file: &str, text: &str, start: usize, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let message = match error.message().trim() {
        // The reader's own bound is 80.
        said if said.starts_with("cannot recurse") || said == "recursion limit" => {
            "lists and keys stand in each other too deep".to_owned()
        }
        said => said.replace('\n', " "),
    };
    let is_bare_text = message.starts_with("invalid boolean") || message.starts_with("string values must be quoted");
    let diagnostic = Diagnostic::error(code, Place::of(file, text, start + span.start..start + span.end), message);
    if is_bare_text { diagnostic.hint("put a text in quotes") } else { diagnostic }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// A text that is safe as a part of a path: no `..`, no control characters, no `\`.
fn path_of(value: &Value) -> Option<String> {
    text_of(value).filter(|text| is_path(text))
}

fn texts_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(text_of).collect(),
        Value::Null => Some(Vec::new()),
        one => text_of(one).map(|text| vec![text]),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "keys and values".to_owned(),
        other => format!("`{}`", text_of(other).unwrap_or_default()),
    }
}

fn json_of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Datetime(when) => Value::String(when.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json_of_toml).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json_of_toml(value))).collect(),
    }
}
