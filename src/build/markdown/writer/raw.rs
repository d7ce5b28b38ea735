//! HTML that an author wrote: kept byte for byte, but for where its links lead.

use std::ops::Range;

use super::Writer;
use crate::build::markdown::html_scan::{self, Token};
use crate::build::markdown::mask::Piece;
use crate::build::markdown::render::Words;
use crate::build::markdown::{LinkKind, escape};

/// A block of HTML, which the parser gives line by line and a tag may run over.
#[derive(Default)]
pub(super) struct HtmlBlock {
    html: String,
    /// (offset in `html`, offset in the text) of each line.
    lines: Vec<(usize, usize)>,
}

impl HtmlBlock {
    pub(super) fn push(&mut self, html: &str, at: usize) {
        self.lines.push((self.html.len(), at));
        self.html.push_str(html);
    }
}

impl Writer<'_, '_, '_> {
    pub(super) fn end_html_block(&mut self) {
        let Some(block) = self.html.take() else { return };
        // The end of the summary is a sign for the model of the site, and nothing to be read.
        let comment = block.html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
        if comment.is_some_and(|comment| comment.trim() == "more") {
            return;
        }
        self.fresh_line();
        self.raw(&block.html, &block.lines);
        self.word_break();
    }

    pub(super) fn inline_html(&mut self, html: &str, range: Range<usize>) {
        // In the alternative text of an image there are no tags.
        if self.image.is_none() {
            self.open_paragraph();
            self.raw(html, &[(0, range.start)]);
        }
    }

    /// Writes `html`; `lines` says where its parts stand in the text.
    pub(super) fn raw(&mut self, html: &str, lines: &[(usize, usize)]) {
        for token in html_scan::tokens(html) {
            match token {
                Token::Text(range) => {
                    let text = &html[range];
                    self.raw_text(text, Words::Inside);
                }
                Token::Hidden(range) => {
                    // Calls in a comment were never masked; those in a script are meant.
                    self.raw_text(&html[range], Words::Gathered);
                }
                Token::Tag { span, name, end } => {
                    if !html_scan::is_text_level(&html[name.clone()]) {
                        self.word_break();
                    }
                    if end {
                        self.out.push_str(&html[span]);
                    } else {
                        self.raw_tag(html, span, name, lines);
                    }
                }
            }
        }
    }

    /// Text between tags, and calls in it. With [`Words::Gathered`] the words are not for
    /// readers.
    fn raw_text(&mut self, text: &str, words: Words) {
        let masked = self.masked;
        for piece in masked.pieces(text) {
            match piece {
                Piece::Text(text) => {
                    self.push_unescaped(text);
                    if words == Words::Inside {
                        self.state.outline.text.push_str(&html_scan::decoded(text));
                    }
                }
                Piece::Call(node) => {
                    let answer = self.page.answer(node, self.state, self.depth);
                    let html = answer.html.trim();
                    self.out.push_str(html);
                    if words == Words::Inside && answer.words == Words::Inside {
                        html_scan::push_words(&mut self.state.outline.text, html);
                    }
                }
            }
        }
    }

    /// `\{{` prints `{{` in HTML as in prose, where it is the Markdown parser that takes
    /// the backslash away.
    fn push_unescaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find("\\{") {
            self.out.push_str(&rest[..at]);
            let braces = &rest[at + 1..];
            if !braces.starts_with("{{") && !braces.starts_with("{%") {
                self.out.push('\\');
            }
            self.out.push('{');
            rest = &braces[1..];
        }
        self.out.push_str(rest);
    }

    fn raw_tag(&mut self, html: &str, span: Range<usize>, name: Range<usize>, lines: &[(usize, usize)]) {
        let element = html[name.clone()].to_ascii_lowercase();
        let link = match element.as_str() {
            "a" => Some(("href", LinkKind::Link)),
            "img" => Some(("src", LinkKind::Image)),
            _ => None,
        };
        let mut written = span.start;
        for attribute in html_scan::attributes(html, &span, name.end) {
            let key = &html[attribute.name.clone()];
            if key.eq_ignore_ascii_case("id") || (element == "a" && key.eq_ignore_ascii_case("name")) {
                let id = html_scan::decoded(&html[attribute.value.clone()]).into_owned();
                let id = self.expanded(&id).into_owned();
                self.state.anchors.push(id);
            }
            let Some((_, kind)) = link.filter(|(wanted, _)| key.eq_ignore_ascii_case(wanted)) else { continue };
            let value = html_scan::decoded(&html[attribute.value.clone()]).into_owned();
            let destination = self.expanded(&value).into_owned();
            let line = lines.partition_point(|(at, _)| *at <= attribute.value.start).saturating_sub(1);
            let (line_html, line_text) = lines.get(line).copied().unwrap_or_default();
            let from = line_text + (attribute.value.start - line_html);
            let place = self.masked.origin_of(&(from..from + attribute.value.len()));
            let resolved = self.page.surroundings.resolve_link(destination.trim(), kind, place);
            let Some(resolved) = resolved.or_else(|| (destination != value).then(|| destination.clone())) else {
                continue;
            };
            self.raw_text(&html[written..attribute.value.start], Words::Gathered);
            self.out.push_str(if attribute.quoted { "" } else { "\"" });
            escape::push_attribute(&mut self.out, &resolved);
            self.out.push_str(if attribute.quoted { "" } else { "\"" });
            written = attribute.value.end;
        }
        self.raw_text(&html[written..span.end], Words::Gathered);
    }
}
