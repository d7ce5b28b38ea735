//! The first paragraph of a text, for lists of pages that describe themselves nowhere else.
//!
//! Reads no more than it must: a list of ten thousand pages needs ten thousand of these.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// How many bytes of a body are looked at.
const LOOKED_AT: usize = 4096;

/// The words of the first paragraph of `body`, without markup and shortcodes; empty when
/// there is none near its head.
pub(super) fn first_paragraph(body: &str) -> String {
    let mut end = body.len().min(LOOKED_AT);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = String::new();
    let mut inside = false;
    for event in Parser::new_ext(&body[..end], Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES) {
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
    use super::first_paragraph;

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
}
