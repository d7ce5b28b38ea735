//! What the forms of this room say, looked at: checked types out, or words for each field.

use serde_json::{Map, Value};

use crate::edge::session::Form;
use crate::store::{EmailAddress, display_name};

/// What is wrong, by the name of the field; shown beside it.
#[derive(Debug, Default)]
pub(in crate::edge) struct Errors(Map<String, Value>);

impl Errors {
    /// One thing that is wrong.
    pub(super) fn one(field: &'static str, words: &str) -> Self {
        let mut errors = Self::default();
        errors.add(field, words);
        errors
    }

    fn add(&mut self, field: &'static str, words: &str) {
        self.0.insert(field.to_owned(), words.into());
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a template.
    pub(super) fn json(self) -> Value {
        Value::Object(self.0)
    }
}

/// A form for registering that can be tried.
pub(super) struct Registering {
    pub(super) email: EmailAddress,
    pub(super) name: String,
}

impl Registering {
    pub(super) fn parse(form: &Form) -> Result<Self, Errors> {
        let mut errors = Errors::default();
        let email = EmailAddress::parse(form.get("email"));
        if email.is_err() {
            errors.add("email", "Please give an e-mail address, such as ann@example.org.");
        }
        let name = display_name(form.get("name"));
        if name.is_none() {
            errors.add("name", "Please give a name of up to 80 characters, in plain letters.");
        }
        match (email, name) {
            (Ok(email), Some(name)) => Ok(Self { email, name }),
            _ => Err(errors),
        }
    }
}
