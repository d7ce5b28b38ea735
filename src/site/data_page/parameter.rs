//! The parameters of a data page: what a request may say, and in what bounds.
//!
//! [`Parameter::read`] is the only way from a text to a [`Given`] value, so that nothing
//! comes to a query that its author did not allow.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The longest text when its author has said nothing, in characters.
const LONGEST: u32 = 200;

/// A parameter, as it is declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The least number, or the fewest characters.
    pub min: Option<f64>,
    /// The greatest number, or the most characters.
    pub max: Option<f64>,
    /// The only values that it may have.
    #[serde(default)]
    pub values: Vec<Scalar>,
    /// Its value when the request does not name it; nothing (`NULL` in a query) otherwise.
    pub default: Option<Scalar>,
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Characters, without control characters.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A finite number.
    Real,
    /// A day, as `2026-11-25`; a text in queries.
    Date,
}

/// A value as it is written in YAML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text or a number")]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
}

impl Scalar {
    fn written(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A value that was checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Given {
    /// It was not said, and there is no default.
    Nothing,
    /// Of an integer.
    Integer(i64),
    /// Of a real.
    Real(f64),
    /// Of a text or a date.
    Text(String),
}

impl Parameter {
    /// One that is declared only by being part of a route.
    pub fn text() -> Self {
        Self { kind: Kind::Text, min: None, max: None, values: Vec::new(), default: None }
    }

    /// Its value when a request does not name it.
    pub fn absent(&self, name: &str) -> Result<Given, String> {
        self.default.as_ref().map_or(Ok(Given::Nothing), |default| self.read(name, &default.written()))
    }

    /// The value that `text` is, or what is wrong with it, in words for a reader.
    pub fn read(&self, name: &str, text: &str) -> Result<Given, String> {
        let given = match self.kind {
            Kind::Text => self.text_of(name, text)?,
            Kind::Integer => {
                let number = text.parse().ok().filter(|number| self.admits(*number as f64));
                Given::Integer(number.ok_or_else(|| self.not_in_range(name, "a whole number"))?)
            }
            Kind::Real => {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite() && self.admits(*number));
                Given::Real(number.ok_or_else(|| self.not_in_range(name, "a number"))?)
            }
            Kind::Date => {
                let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
                Given::Text(day.ok_or_else(|| format!("“{name}” must be a day such as 2026-11-25"))?.to_string())
            }
        };
        if self.values.is_empty() || self.values.iter().any(|value| value.written() == text) {
            return Ok(given);
        }
        let values: Vec<String> = self.values.iter().map(Scalar::written).collect();
        Err(format!("“{name}” must be one of: {}", values.join(", ")))
    }

    fn text_of(&self, name: &str, text: &str) -> Result<Given, String> {
        let length = text.chars().count() as f64;
        let (least, most) = (self.min.unwrap_or(0.0), self.max.unwrap_or(f64::from(LONGEST)));
        if !(least..=most).contains(&length) {
            return Err(format!("“{name}” must have {least} to {most} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(format!("“{name}” must not have control characters"));
        }
        Ok(Given::Text(text.to_owned()))
    }

    fn admits(&self, number: f64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }

    fn not_in_range(&self, name: &str, what: &str) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("“{name}” must be {what} from {min} to {max}"),
            (Some(min), None) => format!("“{name}” must be {what}, {min} or more"),
            (None, Some(max)) => format!("“{name}” must be {what}, {max} or less"),
            (None, None) => format!("“{name}” must be {what}"),
        }
    }

    /// What contradicts itself in the declaration.
    pub(super) fn mistake(&self, name: &str) -> Option<String> {
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Some(format!("the parameter `{name}` has `min: {min}` above `max: {max}`"));
        }
        if self.kind == Kind::Date && (self.min.is_some() || self.max.is_some()) {
            return Some(format!("the parameter `{name}` is a date, which has no `min` and no `max`"));
        }
        let written = self.default.iter().chain(&self.values);
        written
            .filter_map(|value| self.read(name, &value.written()).err())
            .next()
            .map(|why| format!("the parameter `{name}` does not allow a value of its own declaration: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(yaml: &str) -> Parameter {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn a_number_is_taken_within_its_range() {
        let page = declared("{ type: integer, min: 1, max: 10 }");
        assert_eq!(page.read("page", "7"), Ok(Given::Integer(7)));
        for text in ["0", "11", "", "1.5", "seven", "99999999999999999999", " 7"] {
            assert_eq!(page.read("page", text), Err("“page” must be a whole number from 1 to 10".to_owned()), "{text}");
        }
        for text in ["NaN", "inf", "1e999"] {
            assert!(declared("{ type: real }").read("x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_has_a_length_and_no_control_characters() {
        let word = declared("{ type: text, min: 1, max: 3 }");
        assert_eq!(word.read("word", "été"), Ok(Given::Text("été".to_owned())));
        assert!(word.read("word", "").is_err());
        assert!(word.read("word", "four").is_err());
        assert!(word.read("word", "a\0").is_err());
        assert!(Parameter::text().read("word", &"a".repeat(201)).is_err());
    }

    #[test]
    fn a_choice_is_one_of_its_values() {
        let order = declared("{ type: text, values: [name, size], default: name }");
        assert_eq!(order.absent("order"), Ok(Given::Text("name".to_owned())));
        assert_eq!(order.read("order", "age"), Err("“order” must be one of: name, size".to_owned()));
    }

    #[test]
    fn a_declaration_can_contradict_itself() {
        assert!(declared("{ type: integer, max: 3, default: 4 }").mistake("x").is_some());
        assert!(declared("{ type: integer, min: 3, max: 2 }").mistake("x").is_some());
        assert!(declared("{ type: integer, min: 1, max: 2, values: [1, 2] }").mistake("x").is_none());
    }
}
