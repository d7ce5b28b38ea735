//! Raw HTML, looked through without being changed: tags, their attributes, comments.
//!
//! No HTML parser: it only has to find `href`, `src`, `id` and the text between tags in
//! what an author wrote, and to keep every other byte. What it does not understand is text.

use std::borrow::Cow;
use std::ops::Range;

use crate::site::fragment;

/// A piece of HTML: the pieces of a text follow each other without a gap.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    /// Between tags.
    Text(Range<usize>),
    /// A start or end tag, with the range of its name.
    Tag { span: Range<usize>, name: Range<usize>, end: bool },
    /// A comment, a doctype, or the inside of `<script>` and `<style>`.
    Hidden(Range<usize>),
}

/// An attribute: its name and its value without quotes.
#[derive(Debug, PartialEq)]
pub(super) struct Attribute {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    /// An unquoted value needs quotes when it is replaced.
    pub(super) quoted: bool,
}

/// The pieces of `html`.
pub(super) fn tokens(html: &str) -> Tokens<'_> {
    Tokens { html, at: 0, raw: None, no_comment_end: false }
}

/// The comments of `html`.
pub(super) fn comments(html: &str) -> Vec<Range<usize>> {
    let hidden = tokens(html).filter_map(|token| match token {
        Token::Hidden(range) => Some(range),
        _ => None,
    });
    hidden.filter(|range| html[range.clone()].starts_with("<!--")).collect()
}

/// See [`tokens`].
pub(super) struct Tokens<'h> {
    html: &'h str,
    at: usize,
    /// The element whose inside is no HTML, while in it.
    raw: Option<&'static str>,
    /// A search for `-->` found none: no need to search again.
    no_comment_end: bool,
}

impl Tokens<'_> {
    fn tag(&mut self, start: usize) -> Option<Token> {
        let bytes = self.html.as_bytes();
        let end_tag = bytes.get(start + 1) == Some(&b'/');
        let name_start = start + 1 + usize::from(end_tag);
        if !bytes.get(name_start)?.is_ascii_alphabetic() {
            return None;
        }
        let name_end = name_start + bytes[name_start..].iter().position(|byte| !is_name(*byte))?;
        let end = tag_end(bytes, name_end)?;
        let name = name_start..name_end;
        if !end_tag {
            self.raw = ["script", "style"].into_iter().find(|raw| self.html[name.clone()].eq_ignore_ascii_case(raw));
        }
        Some(Token::Tag { span: start..end, name, end: end_tag })
    }

    fn hidden(&mut self, start: usize) -> Option<Token> {
        let rest = &self.html[start..];
        let length = if rest.starts_with("<!--") && !self.no_comment_end {
            match memchr::memmem::find(&rest.as_bytes()[4..], b"-->") {
                Some(end) => 4 + end + 3,
                None => {
                    self.no_comment_end = true;
                    rest.len()
                }
            }
        } else if rest.starts_with("<!--") {
            rest.len()
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            memchr::memchr(b'>', rest.as_bytes())? + 1
        } else {
            return None;
        };
        Some(Token::Hidden(start..start + length))
    }

    fn raw_end(&self, element: &str) -> usize {
        memchr::memchr_iter(b'<', &self.html.as_bytes()[self.at..])
            .map(|at| self.at + at)
            .find(|at| {
                let after = self.html.get(at + 2..at + 2 + element.len());
                self.html[*at..].starts_with("</") && after.is_some_and(|name| name.eq_ignore_ascii_case(element))
            })
            .unwrap_or(self.html.len())
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        if start >= self.html.len() {
            return None;
        }
        if let Some(element) = self.raw.take() {
            let end = self.raw_end(element);
            if end > start {
                self.at = end;
                return Some(Token::Hidden(start..end));
            }
        }
        let mut search = start;
        while let Some(found) = memchr::memchr(b'<', &self.html.as_bytes()[search..]) {
            let at = search + found;
            let raw_before = self.raw;
            if let Some(token) = self.hidden(at).or_else(|| self.tag(at)) {
                if at > start {
                    // The text before it first; the tag is read again next time.
                    self.raw = raw_before;
                    self.at = at;
                    return Some(Token::Text(start..at));
                }
                self.at = match &token {
                    Token::Tag { span, .. } | Token::Hidden(span) | Token::Text(span) => span.end,
                };
                return Some(token);
            }
            search = at + 1;
        }
        self.at = self.html.len();
        Some(Token::Text(start..self.at))
    }
}

/// How far a tag without its `>` is looked for one: keeps a text full of `<a` linear.
const LONGEST_TAG: usize = 16 * 1024;

/// Behind the `>` that ends a tag whose name ends at `from`: one in quotes does not.
fn tag_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate().skip(from).take(LONGEST_TAG) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if matches!(bytes[at - 1], b'=' | b' ' | b'\t' | b'\n') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_')
}

/// The attributes of the tag `html[span]` whose name ends at `from`.
pub(super) fn attributes(html: &str, span: &Range<usize>, from: usize) -> Vec<Attribute> {
    let bytes = html.as_bytes();
    let end = span.end - 1;
    let mut found = Vec::new();
    let mut at = from;
    let while_at = |mut at: usize, goes_on: &dyn Fn(u8) -> bool| {
        while at < end && goes_on(bytes[at]) {
            at += 1;
        }
        at
    };
    while at < end {
        at = while_at(at, &|byte| byte.is_ascii_whitespace() || byte == b'/');
        let name = at..while_at(at, &|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'/'));
        at = while_at(name.end, &|byte| byte.is_ascii_whitespace());
        if at >= end || bytes[at] != b'=' {
            if name.is_empty() {
                at += 1;
            }
            continue;
        }
        at = while_at(at + 1, &|byte| byte.is_ascii_whitespace());
        let quote = bytes.get(at).copied().filter(|byte| at < end && matches!(byte, b'"' | b'\''));
        let value = match quote {
            Some(quote) => at + 1..while_at(at + 1, &|byte| byte != quote),
            None => at..while_at(at, &|byte| !byte.is_ascii_whitespace()),
        };
        at = value.end + usize::from(quote.is_some());
        found.push(Attribute { name, value, quoted: quote.is_some() });
    }
    found
}

/// `text` with the commonest character references as characters.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((named(&rest[1..end])?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn named(reference: &str) -> Option<char> {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match reference {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "copy" => '©',
        _ => return None,
    })
}

/// Appends the words of `html`, a space where a tag other than one inside a line stood.
pub(super) fn push_words(out: &mut String, html: &str) {
    for token in tokens(html) {
        match token {
            Token::Text(range) => out.push_str(&decoded(&html[range])),
            Token::Tag { name, .. } if !is_text_level(&html[name.clone()]) => out.push(' '),
            Token::Tag { .. } | Token::Hidden(_) => {}
        }
    }
}

/// What a shortcode printed, as far as paragraphs are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing that shows.
    Empty,
    /// Words, perhaps marked up: belongs into a paragraph.
    Text,
    /// An image, a frame, a button: may stand in a paragraph or for itself.
    Embedded,
    /// Cannot stand in a paragraph.
    Block,
}

/// The shape of `html`, by what it begins with.
pub(super) fn shape(html: &str) -> Shape {
    // Around a fragment's fallback, which decides; where there are only words, the fragment
    // may become anything.
    let mut is_fragment = false;
    for token in tokens(html) {
        match token {
            Token::Text(range) if html[range.clone()].trim().is_empty() => {}
            Token::Text(_) if is_fragment => return Shape::Embedded,
            Token::Text(_) => return Shape::Text,
            Token::Hidden(_) => {}
            Token::Tag { name, .. } if &html[name.clone()] == fragment::ELEMENT => is_fragment = true,
            Token::Tag { name, .. } => {
                let name = &html[name];
                return if is_text_level(name) && is_fragment {
                    Shape::Embedded
                } else if is_text_level(name) {
                    Shape::Text
                } else if is_embedded(name) {
                    Shape::Embedded
                } else {
                    Shape::Block
                };
            }
        }
    }
    if is_fragment { Shape::Embedded } else { Shape::Empty }
}

/// Elements that mark up words (HTML, "Text-level semantics").
pub(super) fn is_text_level(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "data", "del", "dfn", "em", "i", "ins", "kbd", "mark",
        "q", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
    ];
    is_one_of(NAMES, name)
}

/// Whether `name`, in any case, is one of `names`, which are sorted.
fn is_one_of(names: &[&str], name: &str) -> bool {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return names.binary_search(&name.to_ascii_lowercase().as_str()).is_ok();
    }
    names.binary_search(&name).is_ok()
}

/// Phrasing content that is more than words.
fn is_embedded(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "audio", "button", "canvas", "embed", "iframe", "img", "input", "label", "math", "meter", "object", "output",
        "picture", "progress", "script", "select", "svg", "template", "textarea", "video",
    ];
    is_one_of(NAMES, name)
}
