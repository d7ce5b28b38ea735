//! What is taken from a text before it is rendered: the heading that is its title, and some
//! words for lists of pages that describe themselves nowhere else.
//!
//! Reads no more than it must: a list of ten thousand pages needs ten thousand of these.

use memchr::memmem;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// How many bytes of a body are looked at.
const LOOKED_AT: usize = 4096;

fn parser_options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_HEADING_ATTRIBUTES
}

/// A heading of the first level with which a text begins.
#[derive(Debug, PartialEq)]
pub(super) struct FirstHeading {
    /// Its words.
    pub(super) text: String,
    /// Where what follows it begins in the body.
    pub(super) end: usize,
}

/// The `# Heading` with which `body` begins; comments may stand before it. One that runs
/// over lines, or holds a shortcode, an image or HTML, says more than a title can.
pub(super) fn first_heading(body: &str) -> Option<FirstHeading> {
    // Most texts begin with something else, and need no parser to be told so.
    let mut lines = body.trim_start().lines();
    let (first, second) = (lines.next()?, lines.next().unwrap_or_default());
    if !first.starts_with("# ") && !first.starts_with("#\t") && !first.starts_with("<!--") && !second.starts_with('=') {
        return None;
    }
    let head = head_of(body);
    let mut text: Option<String> = None;
    for (event, range) in Parser::new_ext(head, parser_options()).into_offset_iter() {
        match (event, &mut text) {
            (Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock), None) => {}
            (Event::Html(html), None) if is_comment(&html) => {}
            (Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }), None) => text = Some(String::new()),
            (Event::Text(piece) | Event::Code(piece), Some(text)) => text.push_str(&piece),
            (Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. }), Some(_))
            | (Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link), Some(_)) => {}
            (Event::End(TagEnd::Heading(_)), Some(text)) => {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let is_plain = !words.is_empty() && !words.contains("{{") && !words.contains("{%");
                // At the end of what was looked at the heading may be half of one.
                let is_whole = head.len() == body.len() || range.end < head.len();
                return (is_plain && is_whole).then_some(FirstHeading { text: words, end: range.end });
            }
            _ => return None,
        }
    }
    None
}

/// Whether all of `html` is one comment, which is not shown.
fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.find("-->").is_some_and(|end| end + 3 == html.len())
}

/// The words before `<!-- more -->`, headings, code and tables left out; none without that
/// sign, or when it stands in code.
pub(super) fn before_more(body: &str) -> Option<String> {
    let last = memmem::rfind_iter(body.as_bytes(), b"<!--").find_map(|at| Some(at + more_length(&body[at..])?))?;
    let (mut text, mut left_out) = (String::new(), 0_usize);
    for event in Parser::new_ext(&body[..last], parser_options()) {
        match event {
            Event::Start(tag) if is_left_out(&tag) => left_out += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table | TagEnd::FootnoteDefinition) => {
                left_out = left_out.saturating_sub(1)
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item) => text.push(' '),
            Event::Text(piece) | Event::Code(piece) if left_out == 0 => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::Html(html) | Event::InlineHtml(html) if more_length(html.trim()).is_some() => {
                return Some(without_shortcodes(&text)).filter(|words| !words.is_empty());
            }
            _ => {}
        }
    }
    None
}

fn is_left_out(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_) | Tag::FootnoteDefinition(_))
}

/// How long the `<!-- more -->` is with which `text` begins.
fn more_length(text: &str) -> Option<usize> {
    let (comment, _) = text.strip_prefix("<!--")?.split_once("-->")?;
    (comment.trim() == "more").then_some(comment.len() + "<!---->".len())
}

/// The words of the first paragraph of `body`, without markup and shortcodes; empty when
/// there is none near its head.
pub(super) fn first_paragraph(body: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for event in Parser::new_ext(head_of(body), parser_options()) {
        match event {
            Event::Start(Tag::Paragraph) => inside = true,
            Event::End(TagEnd::Paragraph) => {
                let words = without_shortcodes(&text);
                if !words.is_empty() {
                    return words;
                }
                text.clear();
                inside = false;
            }
            Event::Text(piece) | Event::Code(piece) if inside => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak if inside => text.push(' '),
            _ => {}
        }
    }
    String::new()
}

/// As much of `body` as is looked at.
fn head_of(body: &str) -> &str {
    let mut end = body.len().min(LOOKED_AT);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    &body[..end]
}

fn without_shortcodes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let close = if rest[at..].starts_with("{{") { "}}" } else { "%}" };
        let Some(end) = rest[at..].find(close) else { break };
        kept.push_str(&rest[..at]);
        rest = &rest[at + end + 2..];
    }
    kept.push_str(rest);
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_shortcodes_are_left_out() {
        assert_eq!(
            first_paragraph("# Tides\n\n{{ figure(\"a\") }}\n\nThe *sea* {{ x }}rises\ntwice.\n\nMore."),
            "The sea rises twice."
        );
    }

    #[test]
    fn a_body_without_one_has_none() {
        assert_eq!(first_paragraph("# Only a heading\n"), "");
    }

    #[test]
    fn what_stands_before_more_is_the_summary() {
        let check = |body: &str, expected: Option<&str>| assert_eq!(before_more(body).as_deref(), expected, "{body}");
        check("One.\n\nTwo\nlines.\n\n<!-- more -->\n\nThree.", Some("One. Two lines."));
        check("## H\n\nOne {{ x }}*two*.\n\n- a\n- b\n\n<!--more-->", Some("One two. a b"));
        check("One <!-- more --> two", Some("One"));
        check("<!-- more -->\n\nOne.", None);
        check("One. <!-- less -->", None);
        check("`<!-- more -->`\n\n```\n<!-- more -->\n```\n", None);
        check("`<!-- more -->`\n\nTwo.\n\n<!-- more -->\n", Some("<!-- more --> Two."));
    }

    #[test]
    fn a_heading_at_the_head_is_found() {
        let check = |body: &str, expected: Option<(&str, &str)>| {
            let found = first_heading(body);
            assert_eq!(found.as_ref().map(|found| (found.text.as_str(), &body[found.end..])), expected, "{body}");
        };
        check("# The `low` *water*\n\nText.", Some(("The low water", "\nText.")));
        check("\n<!-- lint off -->\n\n# A {#b}\nText.", Some(("A", "Text.")));
        check("A\n===\nText.", Some(("A", "Text.")));
        check("# A", Some(("A", "")));
        check("## A\n", None);
        check("Text.\n\n# A\n", None);
        check("# {{ x }}\n", None);
        check("# ![a](b.png)\n", None);
        check("A\nb\n===\n", None);
        check("<p>\n# A\n", None);
        check("#\n", None);
    }
}
