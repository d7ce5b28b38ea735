//! What a fragment declares, and the check of what it is given.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::head::{Split, split};
use crate::site::audience::Audience;
use crate::site::data_page::{Query, Source, Statement, Written};
use crate::site::diagnostic::{Code, Diagnostic, nearest};
use crate::site::parameter::{Given, Parameter};
use crate::site::table::ColumnName;
use crate::site::{time_span, yaml};

/// How long a page waits for a fragment that does not say.
const BUDGET: Duration = Duration::from_millis(200);
/// How long it waits for any.
const LONGEST_BUDGET: Duration = Duration::from_secs(2);
/// How long a fragment is kept at most.
const LONGEST_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What every template is told, whatever it reads.
const TOLD: [&str; 4] = ["now", "site", "parameters", "reader"];
/// How much of a wrong value is told again, in characters.
const SHOWN: usize = 40;

/// What stays as it is in the address of a fragment (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What the head of a fragment's template says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declaration {
    #[serde(deserialize_with = "parameters")]
    parameters: BTreeMap<String, Parameter>,
    /// For whom it is the same, and for how long.
    pub cache: Cache,
    /// For whom it is; for others the fallback stands.
    #[serde(rename = "access")]
    pub audience: Audience,
    #[serde(rename = "budget")]
    written_budget: Option<String>,
    /// How long a page waits for it; then the fallback stands.
    #[serde(skip, default = "usual_budget")]
    pub budget: Duration,
    #[serde(rename = "query")]
    written: BTreeMap<String, Written>,
    /// What it reads of the site's own tables, by the name that its template knows it by.
    #[serde(skip)]
    pub queries: BTreeMap<String, Query>,
}

impl Default for Declaration {
    fn default() -> Self {
        Self {
            parameters: BTreeMap::new(),
            cache: Cache::default(),
            audience: Audience::default(),
            written_budget: None,
            budget: BUDGET,
            written: BTreeMap::new(),
            queries: BTreeMap::new(),
        }
    }
}

/// For whom a fragment is the same, and for how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// For whom it is the same.
    pub scope: Scope,
    /// How long it is kept; nought: it is rendered for each page.
    #[serde(rename = "for", deserialize_with = "kept")]
    pub kept: Duration,
}

impl Default for Cache {
    /// What an author has said nothing of may be one reader's, and may be another in a moment.
    fn default() -> Self {
        Self { scope: Scope::Reader, kept: Duration::ZERO }
    }
}

/// For whom a fragment is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everyone; its template is not told who reads.
    Everyone,
    /// One reader.
    Reader,
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "everyone" => Ok(Self::Everyone),
            "reader" => Ok(Self::Reader),
            "tier" => Err(D::Error::custom("`scope: tier` has to wait until members have tiers: take `reader`")),
            other => Err(D::Error::custom(format_args!("`scope` is `everyone` or `reader`, not `{other}`"))),
        }
    }
}

/// Their names stand in addresses and in Handlebars.
fn parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Parameter>, D::Error> {
    let parameters = BTreeMap::<String, Parameter>::deserialize(deserializer)?;
    match parameters.keys().find(|name| name.parse::<ColumnName>().is_err()) {
        Some(name) => Err(D::Error::custom(format_args!(
            "`{name}` can be no parameter: small letters, figures and `_`, a letter first"
        ))),
        None => Ok(parameters),
    }
}

fn usual_budget() -> Duration {
    BUDGET
}

fn budget(text: &str) -> Result<Duration, String> {
    match time(text, "budget", LONGEST_BUDGET, "2s")? {
        Duration::ZERO => Err("`budget` is at least `1ms`".to_owned()),
        time => Ok(time),
    }
}

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    time(&String::deserialize(deserializer)?, "for", LONGEST_KEPT, "7d").map_err(D::Error::custom)
}

fn time(text: &str, key: &str, longest: Duration, in_words: &str) -> Result<Duration, String> {
    time_span::parse(text, longest).ok_or_else(|| {
        format!("`{key}` is a time such as `200ms`, `60s`, `5m`, `1h`, at most `{in_words}`, not `{text}`")
    })
}

/// Arguments that a fragment accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// A value for each parameter.
    pub values: Map<String, Value>,
    /// Those that are not the defaults, by name, as they stand in an address. The same
    /// arguments are always the same text.
    pub query: String,
}

/// Why arguments are not accepted. What was found is cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It has no such parameter.
    #[error("`{}` is none of its parameters{}", short(name), known(all))]
    Unknown {
        /// What was given.
        name: String,
        /// What it has.
        all: Vec<String>,
    },
    /// One was given twice.
    #[error("`{}` is given twice", short(.0))]
    Twice(String),
    /// One is missing.
    #[error("`{0}` is missing: it has no default")]
    Missing(String),
    /// One has a value that it cannot have.
    #[error("`{name}` is {expected}, not `{}`", short(found))]
    Wrong {
        /// Which.
        name: String,
        /// What it can be.
        expected: String,
        /// What it was.
        found: String,
    },
}

impl NotAccepted {
    /// The parameter that may have been meant.
    pub fn near(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, all } => nearest(name, all.iter().map(String::as_str)),
            _ => None,
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

fn known(all: &[String]) -> String {
    if all.is_empty() { ": it has none".to_owned() } else { format!(": it has `{}`", all.join("`, `")) }
}

impl Declaration {
    /// What the head of `text`, the whole of `file`, declares; and where the Handlebars
    /// behind it begins. Without a head nothing is declared.
    pub fn read(file: &str, text: &str) -> Result<(Self, usize), Box<Diagnostic>> {
        let Split { head, body } = split(file, text)?;
        let Some(head) = head else { return Ok((Self::default(), body)) };
        let written = &text[head.clone()];
        if written.trim().is_empty() {
            return Ok((Self::default(), body));
        }
        if let Some(mistake) = yaml::grows_too_much(Code::Fragment, file, written) {
            return Err(Box::new(mistake));
        }
        let lines_before = text[..head.start].matches('\n').count();
        let mut declaration = serde_yaml::from_str::<Self>(written)
            .map_err(|error| Box::new(yaml::diagnostic(Code::Fragment, file, text, lines_before, &error)))?;
        let source = Source { code: Code::Fragment, file, text, head: written, head_at: head.start };
        // Here, because the reader of YAML does not know where a value stands that is refused so.
        if let Some(text) = declaration.written_budget.take() {
            let refused = |message| Diagnostic::error(Code::Fragment, source.place_of("budget:"), message);
            declaration.budget = budget(&text).map_err(|message| Box::new(refused(message)))?;
        }
        if !declaration.audience.is_public() && declaration.cache.scope == Scope::Everyone {
            let message = "what is for members cannot be the same for everyone";
            let mistake = Diagnostic::error(Code::Fragment, source.place_of("access:"), message);
            return Err(Box::new(mistake.hint("take `scope: reader`")));
        }
        for (name, query) in std::mem::take(&mut declaration.written) {
            if TOLD.contains(&name.as_str()) {
                let message = format!("`{name}` is what every fragment is told: call the query otherwise");
                return Err(Box::new(Diagnostic::error(Code::Fragment, source.place_of(&format!("{name}:")), message)));
            }
            let parameters = declaration.parameters.keys().map(String::as_str);
            let query = query.query(&source, &name, parameters)?;
            declaration.queries.insert(name, query);
        }
        Ok((declaration, body))
    }

    /// Checks what is given, name and text, and adds the defaults.
    pub fn arguments<'a>(&self, given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Arguments, NotAccepted> {
        let mut values = Map::new();
        for (name, text) in given {
            let Some(parameter) = self.parameters.get(name) else {
                let all = self.parameters.keys().cloned().collect();
                return Err(NotAccepted::Unknown { name: name.to_owned(), all });
            };
            let wrong = |expected| NotAccepted::Wrong { name: name.to_owned(), expected, found: text.to_owned() };
            if values.insert(name.to_owned(), parameter.read(text).map_err(wrong)?.json()).is_some() {
                return Err(NotAccepted::Twice(name.to_owned()));
            }
        }
        let mut query = String::new();
        for (name, parameter) in &self.parameters {
            let default = parameter.default_value().map(Given::json);
            match (values.get(name), &default) {
                (None, None) => return Err(NotAccepted::Missing(name.clone())),
                (None, Some(default)) => drop(values.insert(name.clone(), default.clone())),
                (Some(value), default) if Some(value) != default.as_ref() => {
                    query.push_str(if query.is_empty() { "" } else { "&" });
                    query.push_str(name);
                    query.push('=');
                    query.extend(utf8_percent_encode(&text_of(value), ENCODED));
                }
                (Some(_), _) => {}
            }
        }
        Ok(Arguments { values, query })
    }

    /// A value for each parameter of `statement`, of the type that it will get.
    pub fn samples(&self, statement: &Statement) -> Vec<Given> {
        let parameters = statement.parameters.iter();
        parameters.filter_map(|name| self.parameters.get(name)).map(|parameter| parameter.sample()).collect()
    }

    /// A value for each parameter, such as it might be given.
    pub fn sample_arguments(&self) -> Map<String, Value> {
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.sample().json())).collect()
    }

    /// What decides which arguments are accepted, as text: while it is the same, so are they.
    pub fn signature(&self) -> String {
        format!("{:?}", self.parameters)
    }
}

/// A value as it is given.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Declaration, String> {
        let text = format!("---\n{head}---\n<p>\n");
        let (declaration, body) = Declaration::read("dynamic/fragments/a.hbs", &text).map_err(|mistake| {
            let place = mistake.place.unwrap();
            format!("{}:{} {}", place.line, place.column, mistake.message)
        })?;
        assert_eq!(&text[body..], "<p>\n");
        Ok(declaration)
    }

    fn arguments(given: &[(&str, &str)]) -> Result<String, String> {
        let head = "parameters:\n  limit: { type: integer, min: 1, max: 9, default: 5 }\n  \
                    word: { type: text, max: 5, default: \"\" }\n  share: { type: real, default: 0.5 }\n  \
                    sort: { type: text, values: [date, title], default: date }\n  open: { type: boolean, default: no }\n";
        let head = head.replace("no }", "false }");
        let arguments = read(&head).unwrap().arguments(given.iter().copied()).map_err(|error| error.to_string())?;
        assert_eq!(arguments.values.len(), 5);
        Ok(arguments.query)
    }

    #[test]
    fn a_template_without_a_head_declares_nothing() {
        let (declaration, body) = Declaration::read("a.hbs", "<p>---</p>").unwrap();
        assert_eq!((declaration, body), (Declaration::default(), 0));
    }

    #[test]
    fn times_have_a_unit_and_an_end() {
        let head = |budget: &str| format!("budget: {budget}\ncache: {{ scope: everyone, for: 5m }}\n");
        let read = |budget: &str| read(&head(budget)).map(|declaration| declaration.budget.as_millis());
        assert_eq!(read("2s"), Ok(2000));
        for wrong in ["3s", "0ms", "200", "fast", "-1s", "99999999999999999999s"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_same_arguments_are_always_the_same_text() {
        assert_eq!(arguments(&[]).unwrap(), "");
        assert_eq!(arguments(&[("limit", "5"), ("sort", "date")]).unwrap(), "");
        assert_eq!(arguments(&[("word", "é&"), ("limit", "07")]).unwrap(), "limit=7&word=%C3%A9%26");
        assert_eq!(arguments(&[("open", "true"), ("share", "1")]).unwrap(), "open=true&share=1.0");
    }

    #[test]
    fn what_is_not_declared_is_not_accepted() {
        let said = |name, text| arguments(&[(name, text)]).unwrap_err();
        assert_eq!(said("limit", "10"), "`limit` is a whole number from 1 to 9, not `10`");
        assert_eq!(said("word", "abcdef"), "`word` is a text of at most 5 characters, not `abcdef`");
        assert_eq!(said("sort", "x"), "`sort` is one of `date`, `title`, not `x`");
        assert_eq!(said("open", "1"), "`open` is `true` or `false`, not `1`");
        assert_eq!(said("share", "NaN"), "`share` is a number, not `NaN`");
        assert!(said("word", "a\0b").starts_with("`word` is a text"));
        assert!(said("lmit", "1").starts_with("`lmit` is none of its parameters"));
        assert!(said(&"x".repeat(5000), "1").len() < 200);
        assert_eq!(arguments(&[("limit", "1"), ("limit", "1")]).unwrap_err(), "`limit` is given twice");
    }

    #[test]
    fn a_parameter_without_a_default_must_be_given() {
        let declaration = read("parameters:\n  slug: { type: text }\n").unwrap();
        assert_eq!(declaration.arguments([]), Err(NotAccepted::Missing("slug".to_owned())));
    }

    #[test]
    fn mistakes_in_a_head_are_told_with_their_line() {
        let check = |head: &str, line: usize, words: &str| {
            let said = read(head).unwrap_err();
            assert!(said.starts_with(&format!("{line}:")) && said.contains(words), "{said}");
        };
        check("budget: 1s\nchache: 1\n", 3, "chache");
        check("cache:\n  scope: tier\n  for: 1m\n", 3, "tiers");
        check("cache:\n  scope: all\n  for: 1m\n", 3, "`everyone` or `reader`");
        check("parameters:\n  a: { type: integer, default: x }\n", 3, "the default is a whole number");
        check("parameters:\n  a: { type: list }\n", 3, "list");
    }
}
