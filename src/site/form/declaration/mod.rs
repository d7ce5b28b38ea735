//! Reading a declaration: YAML in, a form out, and every mistake with its line.
//!
//! The keys and their types are [`written`]'s; what they mean together is decided here. An
//! unknown key is a mistake, and so is one that means nothing for the type of its field.

mod destination;
mod written;

use std::collections::BTreeMap;

use jiff::civil::Date;

use self::destination::Destinations;
use self::written::{Options, Scalar, TypeName, Written, WrittenField};
use super::{Choosable, Field, Form, Kind, ShownAs, TOKEN, TRAP, content, pattern};
use crate::site::config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::is_path;
use crate::site::webhook::Webhook;
use crate::site::yaml;

/// How many fields a form may have.
const MOST_FIELDS: usize = 50;
/// How many options a choice may have, and their length.
const MOST_OPTIONS: usize = 500;
const LONGEST_OPTION: usize = 200;
/// How long a name may be: it becomes a key, an id and a part of an address.
const LONGEST_NAME: usize = 40;
/// How long a line, and a long text, may be unless the author says otherwise.
const LINE: usize = 500;
const TEXT: usize = 10_000;
/// What nobody can declare away: a text longer than this is a file.
const LONGEST_TEXT: usize = 100_000;
/// How large a file may be unless the author says otherwise: 2 MB.
const FILE: u64 = 2_000_000;
/// Up to so many options are shown at once.
const SHOWN_AT_ONCE: usize = 5;
/// Whole numbers up to here are the same in JSON, in a browser and in a store.
const WHOLE: i64 = (1 << 53) - 1;

/// HTML's autofill fields that a form of ours may ask for.
const AUTOFILL: &[&str] = &[
    "off",
    "on",
    "name",
    "honorific-prefix",
    "given-name",
    "additional-name",
    "family-name",
    "honorific-suffix",
    "nickname",
    "username",
    "organization-title",
    "organization",
    "street-address",
    "address-line1",
    "address-line2",
    "address-line3",
    "address-level1",
    "address-level2",
    "country",
    "country-name",
    "postal-code",
    "language",
    "bday",
    "sex",
    "url",
    "photo",
    "tel",
    "email",
];
/// Names that say by themselves what a browser may fill in.
const KNOWN_NAMES: &[(&str, &str)] = &[
    ("name", "name"),
    ("first_name", "given-name"),
    ("last_name", "family-name"),
    ("phone", "tel"),
    ("tel", "tel"),
    ("company", "organization"),
    ("organization", "organization"),
    ("street", "street-address"),
    ("city", "address-level2"),
    ("postcode", "postal-code"),
    ("postal_code", "postal-code"),
    ("zip", "postal-code"),
    ("country", "country-name"),
];

impl Form {
    /// Reads `text`, the whole of `file`, which declares the form `name` for a site whose edge is
    /// configured so. Without a form there is a mistake; with one there may be.
    pub fn parse(name: &str, file: &str, text: &str, edge: &config::Edge) -> (Option<Self>, Vec<Diagnostic>) {
        if let Some(mistake) = yaml::grows_too_much(Code::Form, file, text) {
            return (None, vec![mistake]);
        }
        let written: Written = match serde_yaml::from_str(text) {
            Ok(written) => written,
            Err(error) => return (None, vec![yaml::diagnostic(Code::Form, file, text, 0, &error)]),
        };
        let most_bytes = u64::from(edge.upload_mib) * 1024 * 1024;
        let mut reading = Reading { file, text, most_bytes, webhooks: &edge.webhooks, found: Vec::new() };
        let form = reading.form(name, written);
        (Some(form), reading.found)
    }
}

struct Reading<'t> {
    file: &'t str,
    text: &'t str,
    /// What a file may have on this site.
    most_bytes: u64,
    webhooks: &'t BTreeMap<String, Webhook>,
    found: Vec<Diagnostic>,
}

/// A mistake with a key: which one, and what to say.
struct Wrong {
    key: &'static str,
    message: String,
    hint: Option<String>,
}

impl Wrong {
    fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into(), hint: None }
    }
}

impl Reading<'_> {
    fn form(&mut self, name: &str, written: Written) -> Form {
        if !is_name(name, b"-_") {
            let message = format!(
                "`{name}` cannot be the name of a form: expected small letters, figures, `-` and `_`, at most {LONGEST_NAME}"
            );
            self.found.push(Diagnostic::error(Code::Form, Place::file(self.file), message).hint("rename the file"));
        }
        let Written { title, intro, fields, submit, thanks, thanks_page, goes_to } = written;
        if let Some(page) = thanks_page.as_deref()
            && (!is_path(page) || !page.starts_with('/') || page.starts_with("//"))
        {
            let message = format!("`thanks_page`: expected a path of this site such as `/thanks/`, found `{page}`");
            self.mistake(self.top("thanks_page"), message, None);
        }
        if fields.0.is_empty() || fields.0.len() > MOST_FIELDS {
            let message = format!("expected 1 to {MOST_FIELDS} fields, found {}", fields.0.len());
            self.mistake(self.top("fields"), message, None);
        }
        let fields: Vec<Field> = fields.0.into_iter().map(|(name, field)| self.field(name, field)).collect();
        let Destinations { goes_to, webhook, mail } =
            goes_to.map(|written| self.goes_to(written, &fields)).unwrap_or_default();
        Form { name: name.to_owned(), title, intro, submit, thanks, thanks_page, fields, goes_to, webhook, mail }
    }

    fn field(&mut self, name: String, mut written: WrittenField) -> Field {
        if !is_name(&name, b"_") || [TOKEN, TRAP].contains(&name.as_str()) {
            let message = format!(
                "`{name}` cannot be the name of a field: expected small letters, figures and `_`, at most {LONGEST_NAME}, and not `{TOKEN}` or `{TRAP}`"
            );
            self.mistake(self.of_field(&name, None), message, None);
        }
        let (kind_name, given) = (written.kind, written.keys());
        let known = kind_name.keys();
        for key in given.into_iter().filter(|key| !known.contains(key)) {
            let message = format!("`{key}` means nothing for a field of type `{}`", kind_name.name());
            let hint = match known {
                [] => "it takes `label`, `hint`, `required` and `messages`".to_owned(),
                known => {
                    format!("it takes {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
                }
            };
            self.mistake(self.of_field(&name, Some(key)), message, Some(hint));
        }
        if let Some(word) = written.autocomplete.as_deref().filter(|word| !AUTOFILL.contains(word)) {
            let place = self.of_field(&name, Some("autocomplete"));
            let message = format!("`{word}` is no word of HTML for what a browser may fill in");
            self.found.push(Diagnostic::error(Code::Form, place, message).near(word, AUTOFILL.iter().copied()));
        }
        let is_line = matches!(kind_name, TypeName::Text);
        let by_name =
            KNOWN_NAMES.iter().find(|(known, _)| is_line && *known == name).map(|(_, word)| (*word).to_owned());
        let (kind, wrong) = kind_of(&mut written, self.most_bytes);
        for Wrong { key, message, hint } in wrong {
            self.mistake(self.of_field(&name, Some(key)), message, hint);
        }
        let WrittenField { label, hint, required, autocomplete, messages, .. } = written;
        Field {
            name,
            label,
            hint: hint.unwrap_or_default(),
            required,
            autocomplete: autocomplete.or(by_name),
            kind,
            messages: messages.into_iter().collect(),
        }
    }

    fn mistake(&mut self, place: Place, message: String, hint: Option<String>) {
        let diagnostic = Diagnostic::error(Code::Form, place, message);
        self.found.push(hint.into_iter().fold(diagnostic, Diagnostic::hint));
    }

    /// The place of an outermost key.
    fn top(&self, key: &str) -> Place {
        let begins = |at: &usize| self.text[..*at].ends_with('\n') || *at == 0;
        let at = self.text.match_indices(&format!("{key}:")).map(|(at, _)| at).find(begins);
        self.at(at.map(|at| at..at + key.len()))
    }

    /// The place of a field, or of a key of it.
    fn of_field(&self, name: &str, key: Option<&str>) -> Place {
        let field = key_at(self.text, "fields", 0).and_then(|fields| key_at(self.text, name, fields));
        let Some(field) = field else { return self.at(None) };
        match key.and_then(|key| Some((key, key_at(self.text, key, field)?))) {
            Some((key, at)) => self.at(Some(at..at + key.len())),
            None => self.at(Some(field..field + name.len())),
        }
    }

    fn at(&self, span: Option<std::ops::Range<usize>>) -> Place {
        span.map_or_else(|| Place::file(self.file), |span| Place::of(self.file, self.text, span))
    }
}

/// Where `key:` begins, from `from` on.
fn key_at(text: &str, key: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let is_key = |at: &usize| {
        rest[..*at].chars().next_back().is_none_or(|before| before.is_whitespace() || matches!(before, '{' | ','))
            && rest[at + key.len() + 1..].chars().next().is_none_or(char::is_whitespace)
    };
    rest.match_indices(&format!("{key}:")).map(|(at, _)| at).find(is_key).map(|at| from + at)
}

fn is_name(name: &str, more: &[u8]) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte))
}

/// What the keys of a field mean together. What is wrong is left at its default.
fn kind_of(written: &mut WrittenField, most_bytes: u64) -> (Kind, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let kind = match written.kind {
        TypeName::Text => {
            let (min, max) = lengths(written, LINE, LONGEST_TEXT, &mut wrong);
            let pattern = written.pattern.take().filter(|pattern| match pattern::compile(pattern) {
                Ok(_) => true,
                Err(message) => {
                    wrong.push(Wrong {
                        hint: Some(
                            r"what both know: characters, `[a-z]`, `\d`, `\w`, groups, `|`, `?`, `*`, `+`, `{2,3}`"
                                .to_owned(),
                        ),
                        ..Wrong::new("pattern", message)
                    });
                    false
                }
            });
            Kind::Text { min, max, pattern }
        }
        TypeName::LongText => {
            let (min, max) = lengths(written, TEXT, LONGEST_TEXT, &mut wrong);
            Kind::LongText { min, max }
        }
        TypeName::Email => Kind::Email,
        TypeName::Url => Kind::Url,
        TypeName::Number => number(written, &mut wrong),
        TypeName::Integer => {
            let mut whole = |key, scalar: &Option<Scalar>, otherwise| match scalar {
                None => otherwise,
                Some(Scalar::Integer(number)) if number.unsigned_abs() <= WHOLE.unsigned_abs() => *number,
                Some(other) => {
                    wrong.push(Wrong::new(key, format!("`{key}`: expected a whole number, found `{other}`")));
                    otherwise
                }
            };
            let (min, max) = (whole("min", &written.min, -WHOLE), whole("max", &written.max, WHOLE));
            if min > max {
                wrong.push(in_order(min, max));
            }
            Kind::Integer { min, max }
        }
        TypeName::Date => {
            let mut day = |key, scalar: &Option<Scalar>| match scalar {
                Some(Scalar::Text(text)) if text.len() == 10 && text.parse::<Date>().is_ok() => text.parse().ok(),
                Some(other) => {
                    wrong.push(Wrong::new(key, format!("`{key}`: expected a day such as 2026-05-31, found `{other}`")));
                    None
                }
                None => None,
            };
            let (min, max): (Option<Date>, Option<Date>) = (day("min", &written.min), day("max", &written.max));
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                wrong.push(in_order(min, max));
            }
            Kind::Date { min, max }
        }
        TypeName::Choice => {
            let options = options(written.options.take(), &mut wrong);
            let by_count = if options.len() <= SHOWN_AT_ONCE { ShownAs::Radio } else { ShownAs::Select };
            Kind::Choice { options, shown_as: written.shown_as.unwrap_or(by_count) }
        }
        TypeName::Choices => {
            let options = options(written.options.take(), &mut wrong);
            let (min, max) = lengths(written, options.len(), options.len(), &mut wrong);
            Kind::Choices { options, min, max }
        }
        TypeName::Yes => Kind::Yes,
        TypeName::File => file(written, most_bytes, &mut wrong),
    };
    (kind, wrong)
}

fn in_order(min: impl std::fmt::Display, max: impl std::fmt::Display) -> Wrong {
    Wrong::new("max", format!("expected `max` to be at least `min`, found {max} and {min}"))
}

fn lengths(written: &WrittenField, otherwise: usize, most: usize, wrong: &mut Vec<Wrong>) -> (usize, usize) {
    let mut count = |key, scalar: &Option<Scalar>, otherwise| match scalar {
        None => otherwise,
        Some(Scalar::Integer(number)) if usize::try_from(*number).is_ok_and(|number| number <= most) => {
            usize::try_from(*number).unwrap_or(otherwise)
        }
        Some(other) => {
            wrong.push(Wrong::new(key, format!("`{key}`: expected a whole number from 0 to {most}, found `{other}`")));
            otherwise
        }
    };
    let (min, max) = (count("min", &written.min, 0), count("max", &written.max, otherwise));
    if min > max {
        wrong.push(in_order(min, max));
    }
    (min, max)
}

fn number(written: &WrittenField, wrong: &mut Vec<Wrong>) -> Kind {
    let mut number = |key, scalar: &Option<Scalar>| {
        let found = scalar.as_ref()?;
        if found.number().is_none() {
            wrong.push(Wrong::new(key, format!("`{key}`: expected a number, found `{found}`")));
        }
        found.number()
    };
    let (min, max, step) = (number("min", &written.min), number("max", &written.max), number("step", &written.step));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        wrong.push(in_order(min, max));
    }
    match step {
        Some(step) if step <= 0.0 => {
            wrong.push(Wrong::new("step", format!("`step`: expected more than 0, found {step}")))
        }
        Some(_) if min.is_none() => wrong.push(Wrong {
            hint: Some(
                "give `min`: a browser counts steps from there, or else from whatever was typed before".to_owned(),
            ),
            ..Wrong::new("step", "`step` has nothing to count from")
        }),
        _ => {}
    }
    Kind::Number { min, max, step: step.filter(|step| *step > 0.0) }
}

fn options(written: Option<Options>, wrong: &mut Vec<Wrong>) -> Vec<Choosable> {
    let options: Vec<Choosable> = match written {
        Some(Options::List(values)) => values
            .into_iter()
            .map(|value| value.to_string())
            .map(|value| Choosable { label: value.clone(), value })
            .collect(),
        Some(Options::Named(pairs)) => pairs.0.into_iter().map(|(value, label)| Choosable { value, label }).collect(),
        None => Vec::new(),
    };
    if !(1..=MOST_OPTIONS).contains(&options.len()) {
        wrong.push(Wrong::new("options", format!("`options`: expected 1 to {MOST_OPTIONS}, found {}", options.len())));
    }
    let mut seen = std::collections::BTreeSet::new();
    for Choosable { value, .. } in &options {
        if value.is_empty() || value.len() > LONGEST_OPTION || value.contains(char::is_control) {
            wrong.push(Wrong::new(
                "options",
                format!("`options`: expected texts of 1 to {LONGEST_OPTION} bytes, found {value:?}"),
            ));
        } else if !seen.insert(value) {
            wrong.push(Wrong::new("options", format!("`options`: `{value}` stands here twice")));
        }
    }
    options
}

fn file(written: &mut WrittenField, most_bytes: u64, wrong: &mut Vec<Wrong>) -> Kind {
    let accept = written.accept.take().unwrap_or_default();
    if accept.is_empty() {
        let hint = Some("name the media types that you can use, such as `[image/png, image/jpeg]`".to_owned());
        wrong.push(Wrong { hint, ..Wrong::new("accept", "`accept`: expected at least one media type") });
    }
    for media in accept.iter().filter(|media| !content::can_be_told(media)) {
        let message = format!("`accept`: no file can be told to be `{media}` by its bytes");
        let hint = Some("write a media type such as `image/png`, `application/pdf` or `text/plain`".to_owned());
        wrong.push(Wrong { hint, ..Wrong::new("accept", message) });
    }
    let max_bytes = match written.max_bytes.as_ref().map(|size| (size, size.bytes())) {
        None => FILE.min(most_bytes),
        Some((_, Some(bytes))) if bytes > 0 && bytes <= most_bytes => bytes,
        Some((size, Some(bytes))) if bytes > 0 => {
            let message = format!("`max_bytes`: {size} is more than this site takes, {most_bytes} bytes");
            let hint = Some("raise `edge.upload_mib` in littoral.yaml, or take less".to_owned());
            wrong.push(Wrong { hint, ..Wrong::new("max_bytes", message) });
            FILE.min(most_bytes)
        }
        Some((size, _)) => {
            wrong.push(Wrong::new(
                "max_bytes",
                format!("`max_bytes`: expected a size such as `500 kB` or `2 MB`, found `{size}`"),
            ));
            FILE.min(most_bytes)
        }
    };
    Kind::File { accept, max_bytes }
}
