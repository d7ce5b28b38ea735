//! Placing: from a call to an element in the output, and to its place there.
//!
//! While an output is made, its fragments are elements with marks in them: characters of
//! private use around the number of the call. An element goes through everything that is
//! done with HTML, in order and in any number; a text that holds such characters itself does
//! no harm, because only elements of calls that were made are taken.

use std::fmt::Write as _;

use memchr::memmem;
use serde_json::Value;

use super::known::Known;
use crate::build::world::Reader;
use crate::site::diagnostic::{Code, nearest};
use crate::site::fragment::{ELEMENT, PATH, SCRIPT};
use crate::site::release::Fragment;

const MARK: &str = "\u{F8FE}fragment:";
const MARK_END: &str = "\u{F8FF}";

/// A call that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which fragment.
    pub name: String,
    /// Its arguments, as they stand in an address.
    pub query: String,
}

/// Why a call cannot be placed; who called knows where.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// Which mistake.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Mistake {
    fn new(message: String) -> Self {
        Self { code: Code::Fragment, message, hint: None }
    }
}

/// The element for a call of `name`, noted in `reader`. What is null is not given; `fallback`
/// is HTML.
pub fn element<'a>(
    reader: &Reader,
    name: &str,
    given: impl IntoIterator<Item = (&'a str, &'a Value)>,
    fallback: &str,
) -> Result<String, Mistake> {
    let Some(known) = reader.fragment(name) else {
        let hint = match nearest(name, reader.unnoted().fragments.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a fragment is a file, `dynamic/fragments/{name}.hbs`"),
        };
        let message = format!("no fragment is called `{name}`");
        return Err(Mistake { code: Code::UnknownFragment, message, hint: Some(hint) });
    };
    let Known::Declared(declaration) = known else { return Ok(fallback.to_owned()) };
    let mut texts = Vec::new();
    for (key, value) in given {
        match text_of(value) {
            Ok(text) => texts.extend(text.map(|text| (key, text))),
            Err(found) => {
                let expected = "a text, a number, `true` or `false`";
                return Err(Mistake::new(format!("the fragment `{name}`: `{key}` is {expected}, not {found}")));
            }
        }
    }
    let query = match declaration.arguments(texts.iter().map(|(key, text)| (*key, text.as_str()))) {
        Ok(arguments) => arguments.query,
        Err(error) => {
            let hint = error.near().map(|near| format!("did you mean `{near}`?"));
            return Err(Mistake { hint, ..Mistake::new(format!("the fragment `{name}`: {error}")) });
        }
    };
    if fallback.contains(MARK) {
        let message = format!("the fallback of the fragment `{name}` holds a fragment");
        let hint = Some("let the fallback be text and links: it is what stands when nothing else can".to_owned());
        return Err(Mistake { hint, ..Mistake::new(message) });
    }
    let number = reader.place(Call { name: name.to_owned(), query });
    let mark = format!("{MARK}{number}{MARK_END}");
    Ok(format!("<{ELEMENT} src=\"{mark}\">{fallback}</{ELEMENT}{mark}>"))
}

/// `rendered` without marks, and where each fragment of `calls` is in it. A call whose
/// element is not whole, as when it was escaped, is an error: its number.
pub fn cut(rendered: &[u8], calls: &[Call]) -> Result<(Vec<u8>, Vec<Fragment>), usize> {
    let opening = format!("<{ELEMENT} src=\"{MARK}");
    let mut bytes = Vec::with_capacity(rendered.len());
    let (mut fragments, mut rest) = (Vec::new(), rendered);
    while let Some(at) = memmem::find(rest, opening.as_bytes()) {
        let after = &rest[at + opening.len()..];
        let Some((number, inside)) = number_of(after).filter(|(number, _)| *number < calls.len()) else {
            // Somebody's text.
            bytes.extend_from_slice(&rest[..at + opening.len()]);
            rest = after;
            continue;
        };
        let call = &calls[number];
        let inside = inside.strip_prefix(b"\">").ok_or(number)?;
        let closing = format!("</{ELEMENT}{MARK}{number}{MARK_END}>");
        let end = memmem::find(inside, closing.as_bytes()).ok_or(number)?;
        bytes.extend_from_slice(&rest[..at]);
        let begin = bytes.len();
        bytes.extend_from_slice(opening_tag(call).as_bytes());
        let from = bytes.len();
        bytes.extend_from_slice(&inside[..end]);
        let to = bytes.len();
        bytes.extend_from_slice(format!("</{ELEMENT}>").as_bytes());
        if fragments.is_empty() {
            // Once a page, and it goes with the element where an edge fills it.
            bytes.extend_from_slice(format!("<script src=\"{SCRIPT}\" defer></script>").as_bytes());
        }
        let Call { name, query } = call.clone();
        fragments.push(Fragment { name, query, element: (begin, bytes.len()), fallback: (from, to) });
        rest = &inside[end + closing.len()..];
    }
    bytes.extend_from_slice(rest);
    for at in memmem::find_iter(&bytes, MARK.as_bytes()) {
        if let Some((number, _)) = number_of(&bytes[at + MARK.len()..]).filter(|(number, _)| *number < calls.len()) {
            return Err(number);
        }
    }
    Ok((bytes, fragments))
}

/// An argument as text; nothing for null, and what was found when it has parts.
fn text_of(value: &Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(yes) => Ok(Some(yes.to_string())),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("keys and values"),
    }
}

fn opening_tag(call: &Call) -> String {
    let mut tag = format!("<{ELEMENT} src=\"{PATH}{}", call.name);
    if !call.query.is_empty() {
        // All else that HTML minds is encoded.
        let _ = write!(tag, "?{}", call.query.replace('&', "&amp;"));
    }
    tag.push_str("\">");
    tag
}

/// The number at the head of `after`, and what stands behind its end.
fn number_of(after: &[u8]) -> Option<(usize, &[u8])> {
    let end = memmem::find(after, MARK_END.as_bytes()).filter(|end| *end <= 20)?;
    let number = std::str::from_utf8(&after[..end]).ok()?.parse().ok()?;
    Some((number, &after[end + MARK_END.len()..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(query: &str) -> Call {
        Call { name: "tide".to_owned(), query: query.to_owned() }
    }

    fn marked(number: usize, fallback: &str) -> String {
        let mark = format!("{MARK}{number}{MARK_END}");
        format!("<{ELEMENT} src=\"{mark}\">{fallback}</{ELEMENT}{mark}>")
    }

    #[test]
    fn the_marks_are_gone_and_the_places_are_known() {
        let text = format!("<p>{}é{}</p>", marked(1, "one"), marked(0, ""));
        let (bytes, fragments) = cut(text.as_bytes(), &[call("a=1&b=2"), call("")]).unwrap();
        let html = String::from_utf8(bytes).unwrap();
        assert_eq!(
            html,
            "<p><littoral-fragment src=\"/_/fragment/tide\">one</littoral-fragment>\
             <script src=\"/_/fragment.js\" defer></script>é\
             <littoral-fragment src=\"/_/fragment/tide?a=1&amp;b=2\"></littoral-fragment></p>"
        );
        let fallbacks: Vec<&str> = fragments.iter().map(|found| &html[found.fallback.0..found.fallback.1]).collect();
        assert_eq!(fallbacks, ["one", ""]);
        assert!(html[fragments[0].element.1..].starts_with('é') && html[fragments[1].element.1..] == *"</p>");
    }

    #[test]
    fn an_element_that_was_escaped_or_cut_is_told() {
        for text in [marked(0, "x").replace('<', "&lt;"), marked(0, "x")[..40].to_owned()] {
            assert_eq!(cut(text.as_bytes(), &[call("")]), Err(0));
        }
    }

    #[test]
    fn marks_that_an_author_wrote_are_text() {
        let text = marked(7, "x");
        assert_eq!(cut(text.as_bytes(), &[call("")]), Ok((text.into_bytes(), Vec::new())));
    }

    proptest! {
        #[test]
        fn what_stands_around_the_elements_is_kept_byte_for_byte(
            parts in proptest::collection::vec(("[a-z<>&é\n]{0,12}", "[a-z<>é]{0,8}"), 1..6)
        ) {
            let calls: Vec<Call> = parts.iter().map(|_| call("")).collect();
            let text: String =
                parts.iter().enumerate().map(|(at, (before, inside))| format!("{before}{}", marked(at, inside))).collect();
            let (bytes, fragments) = cut(text.as_bytes(), &calls).unwrap();
            let (mut at, mut around, mut inside) = (0, Vec::new(), Vec::new());
            for found in &fragments {
                around.extend_from_slice(&bytes[at..found.element.0]);
                inside.extend_from_slice(&bytes[found.fallback.0..found.fallback.1]);
                at = found.element.1;
            }
            prop_assert_eq!(at, bytes.len());
            prop_assert_eq!(around, parts.iter().map(|(before, _)| before.as_str()).collect::<String>().into_bytes());
            prop_assert_eq!(inside, parts.iter().map(|(_, inside)| inside.as_str()).collect::<String>().into_bytes());
        }
    }
}
