//! The keys of a declaration, as they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::site::form::{Limit, ShownAs};
use crate::site::table::TableName;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) title: String,
    #[serde(default)]
    pub(super) intro: String,
    pub(super) fields: InOrder<WrittenField>,
    #[serde(default = "send")]
    pub(super) submit: String,
    #[serde(default = "thank_you")]
    pub(super) thanks: String,
    pub(super) thanks_page: Option<String>,
    pub(super) goes_to: Option<WrittenGoesTo>,
}

fn send() -> String {
    "Send".to_owned()
}

fn thank_you() -> String {
    "Thank you. We have what you sent.".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGoesTo {
    pub(super) table: Option<TableName>,
    pub(super) columns: Option<InOrder<String>>,
    pub(super) webhook: Option<String>,
    pub(super) mail: Option<Addresses>,
    pub(super) reply_to: Option<String>,
}

/// One address, or a list.
#[derive(Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct Addresses(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an e-mail address, or a list of them")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Addresses {
    fn from(written: OneOrMany) -> Self {
        match written {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenField {
    pub(super) label: String,
    #[serde(rename = "type")]
    pub(super) kind: TypeName,
    pub(super) hint: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) min: Option<Scalar>,
    pub(super) max: Option<Scalar>,
    pub(super) step: Option<Scalar>,
    pub(super) pattern: Option<String>,
    pub(super) options: Option<Options>,
    pub(super) shown_as: Option<ShownAs>,
    pub(super) accept: Option<Vec<String>>,
    pub(super) max_bytes: Option<Scalar>,
    pub(super) autocomplete: Option<String>,
    #[serde(default)]
    pub(super) messages: BTreeMap<Limit, String>,
}

impl WrittenField {
    /// The keys that are given and depend on the type.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        let given = [
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("step", self.step.is_some()),
            ("pattern", self.pattern.is_some()),
            ("options", self.options.is_some()),
            ("shown_as", self.shown_as.is_some()),
            ("accept", self.accept.is_some()),
            ("max_bytes", self.max_bytes.is_some()),
            ("autocomplete", self.autocomplete.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TypeName {
    Text,
    LongText,
    Email,
    Url,
    Number,
    Integer,
    Date,
    Choice,
    Choices,
    Yes,
    File,
}

impl TypeName {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long-text",
            Self::Email => "email",
            Self::Url => "url",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Date => "date",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::Yes => "yes",
            Self::File => "file",
        }
    }

    /// The keys that it takes beside those of every field.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["min", "max", "pattern", "autocomplete"],
            Self::LongText => &["min", "max", "autocomplete"],
            Self::Email | Self::Url => &["autocomplete"],
            Self::Number => &["min", "max", "step"],
            Self::Integer => &["min", "max"],
            Self::Date => &["min", "max", "autocomplete"],
            Self::Choice => &["options", "shown_as", "autocomplete"],
            Self::Choices => &["options", "min", "max"],
            Self::Yes => &[],
            Self::File => &["accept", "max_bytes"],
        }
    }
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a text")]
pub(super) enum Scalar {
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Scalar {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "as a browser reads it")]
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number).filter(|number| number.is_finite()),
            Self::Text(_) => None,
        }
    }

    /// A size: bytes, or with one of `kB`, `MB`, `KiB`, `MiB` behind it.
    pub(super) fn bytes(&self) -> Option<u64> {
        let text = match self {
            Self::Integer(number) => return u64::try_from(*number).ok(),
            Self::Real(_) => return None,
            Self::Text(text) => text,
        };
        let unit = text.find(|one: char| one.is_ascii_alphabetic())?;
        let (count, unit) = text.split_at(unit);
        let size = match unit {
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "KiB" => 1_024,
            "MiB" => 1_024 * 1_024,
            _ => return None,
        };
        count.trim().parse::<u64>().ok()?.checked_mul(size)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of texts, or values with their labels")]
pub(super) enum Options {
    List(Vec<Scalar>),
    Named(InOrder<String>),
}

/// Keys and values, in the order in which they are written; none may be there twice.
pub(super) struct InOrder<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = InOrder<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<InOrder<T>, A::Error> {
                let mut pairs: Vec<(String, T)> = Vec::new();
                while let Some(key) = access.next_key::<String>()? {
                    if pairs.iter().any(|(known, _)| *known == key) {
                        return Err(Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    pairs.push((key, access.next_value()?));
                }
                Ok(InOrder(pairs))
            }
        }

        deserializer.deserialize_map(Pairs(PhantomData))
    }
}
