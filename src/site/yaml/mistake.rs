//! YAML's mistakes in the words of an author.
//!
//! The reader of YAML speaks of mappings in contexts, and of `usize`. [`diagnostic`] says
//! what was found and what was expected instead, where, and what to do.

use crate::site::diagnostic::{Code, Diagnostic, Place, nearest};

/// The diagnostic for `error`, met in `text`, the whole of `file`. `lines_before` says how
/// many lines of the file stand before what was read as YAML.
pub fn diagnostic(code: Code, file: &str, text: &str, lines_before: usize, error: &serde_yaml::Error) -> Diagnostic {
    let whole = error.to_string();
    let Said { message, hint, word } = in_words(&whole, lines_before);
    let mut place = match error.location() {
        Some(at) => Place::at(file, text, lines_before + at.line(), at.column()),
        None => Place::file(file),
    };
    match word {
        Word::None => {}
        Word::Value => {
            let rest: String = place.text.chars().skip(place.column - 1).collect();
            place.width = rest.split(" #").next().unwrap_or_default().trim_end().chars().count().max(1);
        }
        Word::Key(key) => place.width = key.chars().count(),
        // The reader tells where the keys begin, not where the second of the two is.
        Word::Twice(key) => {
            let lines = text.lines().enumerate().skip(place.line.saturating_sub(1));
            let is_key =
                |line: &str| line.trim_start().strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(':'));
            if let Some((number, line)) = lines.filter(|(_, line)| is_key(line)).nth(1) {
                place = Place::at(file, text, number + 1, line.chars().count() - line.trim_start().chars().count() + 1);
                place.width = key.chars().count();
            }
        }
    }
    let diagnostic = Diagnostic::error(code, place, message);
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// A mistake of the reader's in an author's words.
pub(super) struct Said {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    word: Word,
}

/// What the place is about, beyond where it begins.
enum Word {
    None,
    /// The value that begins there.
    Value,
    /// The key that begins there.
    Key(String),
    /// A key that is there a second time.
    Twice(String),
}

pub(super) fn in_words(whole: &str, lines_before: usize) -> Said {
    // "… at line 3 column 5, while parsing a flow sequence at line 2 column 7"
    let said = whole.split(" at line ").next().unwrap_or(whole);
    let (path, said) = match said.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') => (path, rest),
        _ => ("", said),
    };
    let of_path = |message: String| if path.is_empty() { message } else { format!("`{path}`: {message}") };
    if let Some((found, expected)) = said
        .strip_prefix("invalid type: ")
        .or_else(|| said.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        let message = of_path(format!("expected {}, found {}", expected_in_words(expected), found_in_words(found)));
        return Said { message, hint: None, word: Word::Value };
    }
    if let Some((wanted, rest)) = named(said, "unknown field `") {
        let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let message = format!("no setting is called `{wanted}`{inside}");
        return Said { message, hint: Some(near_or_all(wanted, rest)), word: Word::Key(wanted.to_owned()) };
    }
    if let Some((wanted, rest)) = named(said, "unknown variant `") {
        let expected = rest.split_once("expected ").map_or(rest, |(_, expected)| expected);
        let message = of_path(format!("expected {expected}, found `{wanted}`"));
        let near = nearest(wanted, names_in(rest)).map(|near| format!("did you mean `{near}`?"));
        return Said { message, hint: near, word: Word::Value };
    }
    if let Some((key, _)) = named(said, "missing field `") {
        return Said { message: of_path(format!("the key `{key}` is missing")), hint: None, word: Word::None };
    }
    if let Some((key, _)) = named(said, "duplicate field `") {
        let hint = Some("keep one of the two".to_owned());
        return Said { message: format!("`{key}` stands here twice"), hint, word: Word::Twice(key.to_owned()) };
    }
    let (message, hint) = match said {
        "mapping values are not allowed in this context" => (
            "found `: ` where no key can be",
            Some("put a value that holds `: ` in quotes; keys of one level begin in one column"),
        ),
        "did not find expected ',' or ']'" => ("expected `,` or `]`", None),
        "did not find expected ',' or '}'" => ("expected `,` or `}`", None),
        "did not find expected key" => ("expected a key", Some("keys of one level begin in one column")),
        "found character that cannot start any token" => {
            ("found a sign that begins no value", Some("put the value in quotes, and indent by spaces, not by tabs"))
        }
        "found unexpected end of stream" => ("found the end of the keys inside a value", None),
        "recursion limit exceeded" => {
            ("lists and keys stand in each other more than 128 deep", Some("name what is inside by keys of its own"))
        }
        other => (other, None),
    };
    let context = whole.split_once(", while parsing ").or_else(|| whole.split_once(", while scanning "));
    let opened = context.and_then(|(_, context)| {
        let (what, at) = context.split_once(" at line ")?;
        let what = match what {
            "a flow sequence" => "list",
            "a flow mapping" => "group of keys and values",
            "a quoted scalar" => "quote",
            _ => return None,
        };
        let line: usize = at.split(' ').next()?.parse().ok()?;
        Some(format!("the {what} is opened on line {}", line + lines_before))
    });
    Said { message: message.to_owned(), hint: opened.or(hint.map(str::to_owned)), word: Word::None }
}

/// The name in backticks behind `before`, and the rest.
fn named<'s>(said: &'s str, before: &str) -> Option<(&'s str, &'s str)> {
    said.strip_prefix(before)?.split_once('`')
}

fn names_in(list: &str) -> impl Iterator<Item = &str> {
    list.split('`').skip(1).step_by(2)
}

fn near_or_all(wanted: &str, expected: &str) -> String {
    match nearest(wanted, names_in(expected)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the settings here are {}", names_in(expected).collect::<Vec<_>>().join(", ")),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "usize" | "u8" | "u16" | "u32" | "u64" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a boolean" => "`true` or `false`",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "keys and values",
        other if other.starts_with("struct ") => "keys and values",
        other => other,
    }
}

fn found_in_words(found: &str) -> String {
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "keys and values".to_owned(),
        "unit value" | "null" => "nothing".to_owned(),
        "enum" => "a tag (`!name`)".to_owned(),
        _ => match found.split_once(['`', '"']) {
            Some((_, value)) => format!("`{}`", &value[..value.len().saturating_sub(1)]),
            None => found.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    fn check(said: &str, expected: &str) {
        assert_eq!(in_words(said, 0).message, expected);
    }

    #[test]
    fn types_have_names_that_people_know() {
        check(
            "paginate: invalid type: string \"many\", expected usize at line 2 column 11",
            "`paginate`: expected a whole number, 0 or more, found `many`",
        );
        check("invalid type: sequence, expected a map", "expected keys and values, found a list");
        check(
            "search: invalid type: unit value, expected a boolean",
            "`search`: expected `true` or `false`, found nothing",
        );
    }

    #[test]
    fn what_is_opened_and_not_closed_is_told_with_its_line() {
        let said =
            "did not find expected ',' or ']' at line 3 column 5, while parsing a flow sequence at line 2 column 7";
        assert_eq!(in_words(said, 1).hint.as_deref(), Some("the list is opened on line 3"));
    }
}
