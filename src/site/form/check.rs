//! The check of one submitted value: the only place where it is decided.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Field, Kind, Limit, pattern};

/// Bytes of an address for mail (RFC 5321 §4.5.3.1.3, without its brackets).
pub(super) const EMAIL: usize = 254;
/// UTF-16 units of an address of the web.
pub(super) const URL: usize = 2_000;
/// Of the next step; browsers allow about as much.
const STEP_SLACK: f64 = 1e-7;

/// What came for a field.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// Nothing of its name.
    Nothing,
    /// Texts, in order.
    Texts(&'a [String]),
    /// A file.
    File(&'a SentFile),
}

/// A file as it came, its bytes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// What the sender calls it: for showing, never believed.
    pub name: String,
    /// How many bytes came.
    pub length: u64,
    /// Its media type, as its bytes tell.
    pub media: Option<String>,
}

/// A value that a field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was left empty, and may be.
    Nothing,
    /// A text, an address, a day, a choice.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// What was chosen of several.
    Choices(Vec<String>),
    /// Whether the box was ticked.
    Yes(bool),
    /// The file is taken.
    File,
}

impl Answer {
    /// As it is kept.
    pub fn json(&self) -> Value {
        match self {
            Self::Nothing | Self::File => Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => json!(number),
            Self::Integer(number) => (*number).into(),
            Self::Choices(all) => all.as_slice().into(),
            Self::Yes(yes) => (*yes).into(),
        }
    }
}

/// Why a value is not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The limit that it does not keep.
    pub limit: Limit,
    /// What to do, in the author's words where they gave some.
    pub words: String,
}

/// The value of `field` that `given` is, or what is wrong with it.
pub fn check(field: &Field, given: Given<'_>) -> Result<Answer, Fault> {
    let fault = |limit: Limit| Fault { limit, words: words(field, limit) };
    decide(field, given).map_err(fault)
}

fn decide(field: &Field, given: Given<'_>) -> Result<Answer, Limit> {
    if let Kind::File { accept, max_bytes } = &field.kind {
        return match given {
            Given::File(file) if file.length > *max_bytes => Err(Limit::MaxBytes),
            Given::File(file) if file.media.as_ref().is_some_and(|media| accept.contains(media)) => Ok(Answer::File),
            Given::File(_) => Err(Limit::Accept),
            Given::Texts(texts) if texts.iter().any(|text| !text.is_empty()) => Err(Limit::Type),
            Given::Texts(_) | Given::Nothing => absent(field),
        };
    }
    let texts = match given {
        Given::Nothing => &[][..],
        Given::Texts(texts) => texts,
        Given::File(_) => return Err(Limit::Type),
    };
    if let Kind::Choices { options, min, max } = &field.kind {
        let is_option = |text: &String| options.iter().any(|option| option.value == *text);
        let is_twice = texts.iter().enumerate().any(|(at, text)| texts[..at].contains(text));
        return match texts.len() {
            0 => absent(field),
            _ if is_twice || !texts.iter().all(is_option) => Err(Limit::Options),
            few if few < *min => Err(Limit::Min),
            many if many > *max => Err(Limit::Max),
            _ => Ok(Answer::Choices(texts.to_vec())),
        };
    }
    let text = match texts {
        [] => return absent(field),
        [one] => one,
        _ => return Err(Limit::Type),
    };
    one(field, text)
}

/// The answer to a question that was left out.
fn absent(field: &Field) -> Result<Answer, Limit> {
    match field.kind {
        _ if field.required => Err(Limit::Required),
        Kind::Yes => Ok(Answer::Yes(false)),
        _ => Ok(Answer::Nothing),
    }
}

fn one(field: &Field, text: &str) -> Result<Answer, Limit> {
    match &field.kind {
        Kind::Text { min, max, pattern } => line(field, text, (*min, *max), pattern.as_deref()),
        Kind::LongText { min, max } => {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            let is_odd = |one: char| one.is_control() && !matches!(one, '\n' | '\t');
            if text.is_empty() || (field.required && text.trim().is_empty()) {
                return absent(field);
            }
            if text.contains(is_odd) {
                return Err(Limit::Type);
            }
            within(&text, *min, *max)?;
            Ok(Answer::Text(text))
        }
        Kind::Email => match text.trim_ascii() {
            "" => absent(field),
            long if long.len() > EMAIL => Err(Limit::Max),
            text if is_email(text) => Ok(Answer::Text(text.to_owned())),
            _ => Err(Limit::Type),
        },
        Kind::Url => match text.trim_ascii() {
            "" => absent(field),
            long if length(long) > URL => Err(Limit::Max),
            text if pattern::whole(pattern::URL).is_ok_and(|url| url.is_match(text)) => {
                Ok(Answer::Text(text.to_owned()))
            }
            _ => Err(Limit::Type),
        },
        Kind::Number { min, max, step } => {
            if text.is_empty() {
                return absent(field);
            }
            let number = number(text).ok_or(Limit::Type)?;
            if min.is_some_and(|min| number < min) {
                return Err(Limit::Min);
            }
            if max.is_some_and(|max| number > max) {
                return Err(Limit::Max);
            }
            if step.is_some_and(|step| !is_on_step(number, min.unwrap_or(0.0), step)) {
                return Err(Limit::Step);
            }
            Ok(Answer::Number(number))
        }
        Kind::Integer { min, max } => {
            if text.is_empty() {
                return absent(field);
            }
            // Browsers take `1e3` and `5.0` for whole numbers, too.
            let number = number(text).ok_or(Limit::Type)?;
            if number < *min as f64 {
                return Err(Limit::Min);
            }
            if number > *max as f64 {
                return Err(Limit::Max);
            }
            if number.fract() != 0.0 {
                return Err(Limit::Step);
            }
            #[allow(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
            Ok(Answer::Integer(number as i64))
        }
        Kind::Date { min, max } => {
            if text.is_empty() {
                return absent(field);
            }
            let day = date(text).ok_or(Limit::Type)?;
            if min.is_some_and(|min| day < min) {
                return Err(Limit::Min);
            }
            if max.is_some_and(|max| day > max) {
                return Err(Limit::Max);
            }
            Ok(Answer::Text(day.to_string()))
        }
        Kind::Choice { options, .. } => match text {
            "" => absent(field),
            text if options.iter().any(|option| option.value == text) => Ok(Answer::Text(text.to_owned())),
            _ => Err(Limit::Options),
        },
        Kind::Yes if text == YES => Ok(Answer::Yes(true)),
        Kind::Yes => Err(Limit::Type),
        Kind::Choices { .. } | Kind::File { .. } => Err(Limit::Type),
    }
}

/// What a ticked box sends.
pub(super) const YES: &str = "yes";

fn line(field: &Field, text: &str, (min, max): (usize, usize), pattern: Option<&str>) -> Result<Answer, Limit> {
    if text.is_empty() {
        return absent(field);
    }
    // The same pattern as the browser's, where it has one.
    let is_blank = || pattern::whole(pattern::NOT_BLANK).is_ok_and(|found| !found.is_match(text));
    if field.required && pattern.is_none() && is_blank() {
        return Err(Limit::Required);
    }
    if text.contains(|one: char| (one.is_control() && one != '\t') || matches!(one, '\u{2028}' | '\u{2029}')) {
        return Err(Limit::Type);
    }
    within(text, min, max)?;
    match pattern.map(pattern::compile) {
        Some(Ok(found)) if !found.is_match(text) => Err(Limit::Pattern),
        // Compiled when it was declared; a release that holds another one is damaged.
        Some(Err(_)) => Err(Limit::Pattern),
        _ => Ok(Answer::Text(text.to_owned())),
    }
}

fn within(text: &str, min: usize, max: usize) -> Result<(), Limit> {
    match length(text) {
        short if short < min => Err(Limit::Min),
        long if long > max => Err(Limit::Max),
        _ => Ok(()),
    }
}

/// As browsers count it.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// HTML's valid floating-point number.
fn number(text: &str) -> Option<f64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, part)) => (whole.is_empty() || digits(whole)) && digits(part),
        None => digits(mantissa),
    };
    let is_exponent = exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    if !is_mantissa || !is_exponent {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_on_step(number: f64, from: f64, step: f64) -> bool {
    let steps = (number - from) / step;
    (steps - steps.round()).abs() < STEP_SLACK
}

/// HTML's valid date: four figures for the year, two for month and day.
fn date(text: &str) -> Option<Date> {
    let is_figure = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let is_written = text.len() == 10 && text.bytes().enumerate().all(is_figure);
    text.parse().ok().filter(|day: &Date| is_written && day.year() > 0)
}

/// HTML's valid e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    !local.is_empty() && local.bytes().all(is_local) && host.split('.').all(is_label)
}

/// What to say of `field` when `limit` is not kept.
pub(super) fn words(field: &Field, limit: Limit) -> String {
    if let Some((_, words)) = field.messages.iter().find(|(of, _)| *of == limit) {
        return words.clone();
    }
    match (&field.kind, limit) {
        (Kind::Yes, _) => "Please tick this box.".to_owned(),
        (Kind::Choice { .. } | Kind::Choices { .. }, Limit::Required) => "Please choose one.".to_owned(),
        (Kind::File { .. }, Limit::Required) => "Please choose a file.".to_owned(),
        (Kind::File { .. }, Limit::Type) => "Please choose the file again.".to_owned(),
        (_, Limit::Required) => "Please fill this in.".to_owned(),
        (Kind::Email, Limit::Type) => "Please give an e-mail address, such as ann@example.org.".to_owned(),
        (Kind::Url, Limit::Type) => "Please give an address of the web, such as https://example.org/.".to_owned(),
        (Kind::Integer { .. }, Limit::Type | Limit::Step) => "Please give a whole number, such as 12.".to_owned(),
        (Kind::Number { .. }, Limit::Type) => "Please give a number, such as 12.5.".to_owned(),
        (Kind::Date { .. }, Limit::Type) => "Please give a date, such as 2026-05-31.".to_owned(),
        (Kind::Number { min, step: Some(step), .. }, Limit::Step) => {
            format!("Please give a number in steps of {step} from {}.", min.unwrap_or(0.0))
        }
        (Kind::Text { min, .. } | Kind::LongText { min, .. }, Limit::Min) => {
            format!("Please write at least {min} characters.")
        }
        (Kind::Text { max, .. } | Kind::LongText { max, .. }, Limit::Max) => {
            format!("Please write at most {max} characters.")
        }
        (Kind::Email | Kind::Url, Limit::Max) => "This is too long.".to_owned(),
        (Kind::Number { min: Some(min), .. }, Limit::Min) => format!("Please give {min} or more."),
        (Kind::Number { max: Some(max), .. }, Limit::Max) => format!("Please give {max} or less."),
        (Kind::Integer { min, .. }, Limit::Min) => format!("Please give {min} or more."),
        (Kind::Integer { max, .. }, Limit::Max) => format!("Please give {max} or less."),
        (Kind::Date { min: Some(min), .. }, Limit::Min) => format!("Please give {min} or a later day."),
        (Kind::Date { max: Some(max), .. }, Limit::Max) => format!("Please give {max} or an earlier day."),
        (Kind::Choices { min, .. }, Limit::Min) => format!("Please choose at least {min}."),
        (Kind::Choices { max, .. }, Limit::Max) => format!("Please choose at most {max}."),
        (Kind::File { max_bytes, .. }, Limit::MaxBytes) => {
            format!("This file is too large. It may have {}.", super::shown::bytes(*max_bytes))
        }
        (Kind::File { accept, .. }, Limit::Accept) => {
            format!("This file is of another kind. What is taken: {}.", accept.join(", "))
        }
        (_, Limit::Options) => "Please choose among what is offered.".to_owned(),
        _ => "This is not in the form that is asked for.".to_owned(),
    }
}
