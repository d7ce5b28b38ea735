//! Parameters: what a fragment may be given, and what that becomes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::site::data_page::Given;

/// How long a text may be when its parameter does not say, in characters.
const LONGEST_TEXT: u64 = 200;
/// How long it may be when it does. Arguments stand in addresses.
const LONGEST_ANY: u64 = 1000;
/// The greatest whole number that JSON carries safely (RFC 8259 §6).
const GREATEST: i64 = (1 << 53) - 1;

/// What a fragment may be given under one name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Parameter {
    kind: Kind,
    /// What it is when it is not given. Without, it must be given.
    default: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Integer {
        min: i64,
        max: i64,
    },
    Real {
        min: f64,
        max: f64,
    },
    /// At most so many characters; one of these words, if there are any.
    Text {
        longest: u64,
        words: Vec<String>,
    },
    Boolean,
}

/// A parameter as it stands in YAML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "type")]
    kind: Word,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    values: Vec<String>,
    default: Option<Scalar>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Integer,
    Real,
    Text,
    Boolean,
}

/// A value without parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Real(value) => value.to_string(),
            Self::Text(value) => value,
        }
    }
}

impl TryFrom<Written> for Parameter {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { kind, min, max, values, default } = written;
        if !values.is_empty() && !matches!(kind, Word::Text) {
            return Err("`values` belongs to `type: text`".to_owned());
        }
        if matches!((min, max), (Some(min), Some(max)) if min > max) {
            return Err("`min` is greater than `max`".to_owned());
        }
        let whole = |bound: Option<f64>, otherwise: i64| match bound {
            None => Ok(otherwise),
            Some(bound) if bound.fract() == 0.0 && bound.abs() <= GREATEST as f64 => Ok(bound as i64),
            Some(bound) => Err(format!("expected a whole number, found {bound}")),
        };
        let kind = match kind {
            Word::Integer => Kind::Integer { min: whole(min, -GREATEST)?, max: whole(max, GREATEST)? },
            Word::Real => Kind::Real { min: min.unwrap_or(f64::MIN), max: max.unwrap_or(f64::MAX) },
            Word::Text => {
                let longest = whole(max, LONGEST_TEXT as i64)?.unsigned_abs();
                if min.is_some() || longest == 0 || longest > LONGEST_ANY {
                    return Err(format!("a text has no `min`, and a `max` of 1 to {LONGEST_ANY} characters"));
                }
                Kind::Text { longest, words: values }
            }
            Word::Boolean if min.is_some() || max.is_some() => {
                return Err("`type: boolean` has no `min` and no `max`".to_owned());
            }
            Word::Boolean => Kind::Boolean,
        };
        let default = default.map(|default| {
            let text = default.text();
            kind.read(&text).ok_or_else(|| format!("the default is {}, found `{text}`", kind.expected()))
        });
        Ok(Self { default: default.transpose()?, kind })
    }
}

impl Kind {
    /// The value that `text` stands for, if it can.
    fn read(&self, text: &str) -> Option<Value> {
        match self {
            Self::Integer { min, max } => {
                text.parse::<i64>().ok().filter(|number| (min..=max).contains(&number)).map(Value::from)
            }
            Self::Real { min, max } => {
                text.parse::<f64>().ok().filter(|number| (min..=max).contains(&number)).map(Value::from)
            }
            Self::Text { longest, words } => {
                let is_word = words.is_empty() || words.iter().any(|word| word == text);
                let is_short = text.chars().count() as u64 <= *longest;
                let is_plain = !text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t');
                (is_word && is_short && is_plain).then(|| text.into())
            }
            Self::Boolean => text.parse::<bool>().ok().map(Value::from),
        }
    }

    /// What is expected, for people.
    fn expected(&self) -> String {
        match self {
            Self::Integer { min, max } if *min == -GREATEST && *max == GREATEST => "a whole number".to_owned(),
            Self::Integer { min, max: GREATEST } => format!("a whole number from {min} on"),
            Self::Integer { min, max } if *min == -GREATEST => format!("a whole number up to {max}"),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Real { min, max } if *min == f64::MIN && *max == f64::MAX => "a number".to_owned(),
            Self::Real { min, max } if *max == f64::MAX => format!("a number from {min} on"),
            Self::Real { min, max } if *min == f64::MIN => format!("a number up to {max}"),
            Self::Real { min, max } => format!("a number from {min} to {max}"),
            Self::Text { words, .. } if !words.is_empty() => format!("one of `{}`", words.join("`, `")),
            Self::Text { longest, .. } => format!("a text of at most {longest} characters"),
            Self::Boolean => "`true` or `false`".to_owned(),
        }
    }
}

impl Parameter {
    /// Some value of its type, for asking what a query is worth.
    pub(super) fn sample(&self) -> Given {
        match &self.kind {
            Kind::Integer { .. } | Kind::Boolean => Given::Integer(1),
            Kind::Real { .. } => Given::Real(1.5),
            Kind::Text { .. } => Given::Text("a".to_owned()),
        }
    }

    /// What it is when it is not given.
    pub(super) fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// The value that `text` stands for; or else what is expected.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        self.kind.read(text).ok_or_else(|| self.kind.expected())
    }
}

/// The parameters of a fragment, by name.
pub(super) type Parameters = BTreeMap<String, Parameter>;
