//! Parameters: what a request or a call may say, and what that becomes.
//!
//! Data pages and fragments declare them alike. [`Parameter::read`] is the only way from a
//! text to a [`Given`] value, so that nothing comes to a query or a template that its author
//! did not allow.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::ColumnType;

/// How long a text may be when its parameter does not say, in characters.
const LONGEST_TEXT: u32 = 200;
/// How long it may be when it does. What is given stands in addresses.
const LONGEST_ANY: u32 = 1000;

/// A parameter, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Parameter {
    kind: Kind,
    /// The only values that it may have, as they are given; any when there are none.
    values: Vec<String>,
    /// What it is when it is not given.
    default: Option<Given>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Real {
        min: Option<f64>,
        max: Option<f64>,
    },
    /// So many characters.
    Text {
        min: u32,
        max: u32,
    },
    /// A day, as `2026-11-25`; a text in queries.
    Date,
    Boolean,
}

/// A parameter as it stands in YAML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    #[serde(rename = "type")]
    kind: Word,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    values: Vec<Scalar>,
    default: Option<Scalar>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Integer,
    Real,
    Text,
    Date,
    Boolean,
}

/// A value without parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, `true` or `false`")]
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

/// A value that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, `true` or `false`")]
pub enum Given {
    /// It was not given, and there is no default.
    Nothing,
    /// Of a boolean; 0 or 1 in queries.
    Boolean(bool),
    /// Of an integer.
    Integer(i64),
    /// Of a real.
    Real(f64),
    /// Of a text or a date.
    Text(String),
}

impl Given {
    /// As a template gets it.
    pub fn json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Boolean(is) => Value::from(*is),
            Self::Integer(number) => Value::from(*number),
            Self::Real(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
        }
    }

    /// As it is given again, in an address; nothing when it was not.
    pub fn written(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => Some(text.clone()),
            other => Some(other.json().to_string()),
        }
    }
}

impl TryFrom<Written> for Parameter {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { kind, min, max, values, default } = written;
        if matches!((min, max), (Some(min), Some(max)) if min > max) {
            return Err("`min` is greater than `max`".to_owned());
        }
        let whole = |bound: f64| match bound.fract() == 0.0 && bound.abs() < 2f64.powi(53) {
            true => Ok(bound as i64),
            false => Err(format!("expected a whole number, found {bound}")),
        };
        let length = |bound: Option<f64>, otherwise: u32| match bound.map_or(Ok(i64::from(otherwise)), whole)? {
            length @ 0.. if length <= i64::from(LONGEST_ANY) => Ok(length as u32),
            _ => Err(format!("a text has at most {LONGEST_ANY} characters")),
        };
        let kind = match kind {
            Word::Integer => Kind::Integer { min: min.map(whole).transpose()?, max: max.map(whole).transpose()? },
            Word::Real => Kind::Real { min, max },
            Word::Text => Kind::Text { min: length(min, 0)?, max: length(max, LONGEST_TEXT)? },
            Word::Date | Word::Boolean if min.is_some() || max.is_some() => {
                return Err("a date or a boolean has no `min` and no `max`".to_owned());
            }
            Word::Date => Kind::Date,
            Word::Boolean => Kind::Boolean,
        };
        let parameter = Self { kind, values: values.into_iter().map(Scalar::text).collect(), default: None };
        let allowed = |what: &str, text: &str| {
            parameter.read(text).map_err(|expected| format!("{what} is {expected}, found `{text}`"))
        };
        parameter.values.iter().try_for_each(|value| allowed("one of `values`", value).map(drop))?;
        let default = default.map(|default| allowed("the default", &default.text())).transpose()?;
        Ok(Self { default, ..parameter })
    }
}

impl Parameter {
    /// A text of at most so many characters.
    pub fn text(max: u32) -> Self {
        Self { kind: Kind::Text { min: 0, max }, values: Vec::new(), default: None }
    }

    /// One of these words.
    pub fn one_of(values: Vec<String>) -> Self {
        Self { values, ..Self::text(LONGEST_TEXT) }
    }

    /// Anything that a column of this type may hold and an address may say.
    pub fn of_column(kind: ColumnType) -> Self {
        let kind = match kind {
            ColumnType::Integer => Kind::Integer { min: None, max: None },
            ColumnType::Real => Kind::Real { min: None, max: None },
            ColumnType::Text | ColumnType::Blob => return Self::default(),
        };
        Self { kind, ..Self::default() }
    }

    /// The type of the columns that it can be compared with.
    pub fn column(&self) -> ColumnType {
        match self.kind {
            Kind::Integer { .. } | Kind::Boolean => ColumnType::Integer,
            Kind::Real { .. } => ColumnType::Real,
            Kind::Text { .. } | Kind::Date => ColumnType::Text,
        }
    }

    /// Some value of its type, for asking what a query is worth.
    pub fn sample(&self) -> Given {
        match self.kind {
            Kind::Integer { .. } => Given::Integer(1),
            Kind::Real { .. } => Given::Real(1.5),
            Kind::Text { .. } => Given::Text("a".to_owned()),
            Kind::Date => Given::Text("2026-01-01".to_owned()),
            Kind::Boolean => Given::Boolean(true),
        }
    }

    /// What it is when it is not given.
    pub fn default_value(&self) -> Option<&Given> {
        self.default.as_ref()
    }

    /// The value that `text` stands for; or else what is expected, for people.
    pub fn read(&self, text: &str) -> Result<Given, String> {
        let is_allowed = self.values.is_empty() || self.values.iter().any(|value| value == text);
        self.kind.read(text).filter(|_| is_allowed).ok_or_else(|| self.expected())
    }

    fn expected(&self) -> String {
        if self.values.is_empty() { self.kind.expected() } else { format!("one of `{}`", self.values.join("`, `")) }
    }
}

impl Default for Parameter {
    /// A text, of which nothing else is said.
    fn default() -> Self {
        Self::text(LONGEST_TEXT)
    }
}

impl Kind {
    fn read(&self, text: &str) -> Option<Given> {
        match self {
            Self::Integer { min, max } => {
                let number: i64 = text.parse().ok()?;
                is_between(number, *min, *max).then_some(Given::Integer(number))
            }
            Self::Real { min, max } => {
                let number: f64 = text.parse().ok()?;
                (number.is_finite() && is_between(number, *min, *max)).then_some(Given::Real(number))
            }
            Self::Text { min, max } => {
                let is_long_enough = (*min as usize..=*max as usize).contains(&text.chars().count());
                let is_plain = !text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t');
                (is_long_enough && is_plain).then(|| Given::Text(text.to_owned()))
            }
            Self::Date => {
                let day: Date = text.parse().ok()?;
                (day.to_string() == text).then(|| Given::Text(text.to_owned()))
            }
            Self::Boolean => text.parse().ok().map(Given::Boolean),
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Integer { min, max } => in_range("a whole number", *min, *max),
            Self::Real { min, max } => in_range("a number", *min, *max),
            Self::Text { min: 0, max } => format!("a text of at most {max} characters"),
            Self::Text { min, max } => format!("a text of {min} to {max} characters"),
            Self::Date => "a day such as 2026-11-25".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
        }
    }
}

fn is_between<N: PartialOrd>(number: N, min: Option<N>, max: Option<N>) -> bool {
    min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
}

fn in_range<N: std::fmt::Display>(what: &str, min: Option<N>, max: Option<N>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
        (Some(min), None) => format!("{what} from {min} on"),
        (None, Some(max)) => format!("{what} up to {max}"),
        (None, None) => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(yaml: &str) -> Parameter {
        serde_yaml::from_str(yaml).unwrap()
    }

    fn mistake(yaml: &str) -> String {
        serde_yaml::from_str::<Parameter>(yaml).unwrap_err().to_string()
    }

    #[test]
    fn a_number_is_taken_within_its_range() {
        let page = declared("{ type: integer, min: 1, max: 10 }");
        assert_eq!(page.read("7"), Ok(Given::Integer(7)));
        for text in ["0", "11", "", "1.5", "seven", "99999999999999999999", " 7"] {
            assert_eq!(page.read(text), Err("a whole number from 1 to 10".to_owned()), "{text}");
        }
        for text in ["NaN", "inf", "1e999"] {
            assert!(declared("{ type: real }").read(text).is_err(), "{text}");
        }
        assert_eq!(declared("{ type: integer }").read(&i64::MIN.to_string()), Ok(Given::Integer(i64::MIN)));
    }

    #[test]
    fn a_text_has_a_length_and_no_control_characters() {
        let word = declared("{ type: text, min: 1, max: 3 }");
        assert_eq!(word.read("été"), Ok(Given::Text("été".to_owned())));
        assert_eq!(word.read(""), Err("a text of 1 to 3 characters".to_owned()));
        assert!(word.read("four").is_err());
        assert!(word.read("a\0").is_err());
        assert!(Parameter::default().read(&"a".repeat(201)).is_err());
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        let day = declared("{ type: date }");
        assert_eq!(day.read("2026-11-25"), Ok(Given::Text("2026-11-25".to_owned())));
        for text in ["2026-11-31", "20261125", "2026-11-25T00:00", "yesterday", ""] {
            assert!(day.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_choice_is_one_of_its_values() {
        let order = declared("{ type: text, values: [name, size], default: name }");
        assert_eq!(order.default_value(), Some(&Given::Text("name".to_owned())));
        assert_eq!(order.read("age"), Err("one of `name`, `size`".to_owned()));
        let figure = declared("{ type: integer, values: [1, 2] }");
        assert_eq!(figure.read("2"), Ok(Given::Integer(2)));
        assert!(figure.read("3").is_err());
    }

    #[test]
    fn a_declaration_can_contradict_itself() {
        assert!(mistake("{ type: integer, max: 3, default: 4 }").contains("the default is a whole number up to 3"));
        assert!(mistake("{ type: integer, min: 3, max: 2 }").contains("`min` is greater than `max`"));
        assert!(mistake("{ type: integer, max: 3, values: [3, 4] }").contains("one of `values` is"));
        assert!(mistake("{ type: integer, min: 0.5 }").contains("expected a whole number"));
        assert!(mistake("{ type: text, max: 5000 }").contains("at most 1000 characters"));
        assert!(mistake("{ type: date, min: 1 }").contains("has no `min`"));
    }
}
