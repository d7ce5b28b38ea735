//! What stands in a line: words, links, code spans, and calls among them.

use std::borrow::Cow;
use std::ops::Range;

use super::{Paragraph, Writer};
use crate::build::markdown::html_scan::{self, Shape};
use crate::build::markdown::mask::Piece;
use crate::build::markdown::render::Words;
use crate::build::markdown::{LinkKind, autolink, escape};
use crate::site::config::Dialect;

impl Writer<'_, '_, '_> {
    pub(super) fn text(&mut self, text: &str, range: Range<usize>) {
        if let Some(code) = &mut self.code {
            return code.code.push_str(text);
        }
        if range.start < self.autolinked.end && range.end > self.autolinked.end {
            let read = self.autolinked.end - range.start;
            return self.text(text.get(read..).unwrap_or_default(), self.autolinked.end..range.end);
        }
        if (self.heading.is_some() || self.term_from.is_some())
            && matches!(text, "‘" | "’" | "“" | "”" | "–" | "—" | "…")
        {
            self.typographic.push((self.state.outline.text.len(), range.clone()));
        }
        if self.masked.holds_calls() {
            let masked = self.masked;
            for piece in masked.pieces(text) {
                match piece {
                    Piece::Text(words) => self.words(words),
                    Piece::Call(node) => self.call(node),
                }
            }
            return;
        }
        if self.links == 0
            && self.image.is_none()
            && let Some(found) = autolink::find(&self.masked.text, text, &range)
        {
            return self.autolink(text, &range, found);
        }
        self.words(text);
    }

    /// Writes words of the author.
    fn words(&mut self, words: &str) {
        if let Some(image) = &mut self.image {
            return image.alternative.push_str(words);
        }
        if let Paragraph::Pending { .. } = self.paragraph {
            if words.trim().is_empty() {
                return;
            }
            self.open_paragraph();
        }
        escape::push_text(&mut self.out, words);
        self.state.outline.text.push_str(words);
    }

    fn autolink(&mut self, text: &str, range: &Range<usize>, found: autolink::Found) {
        let in_text = found.span.start - range.start;
        self.words(&text[..in_text]);
        let written = self.masked.text[found.span.clone()].to_owned();
        let destination = format!("{}{written}", found.scheme);
        self.start_link(&destination, "", found.span.clone(), false);
        self.words(&written);
        self.end_link();
        self.autolinked = found.span.clone();
        if found.span.end < range.end {
            self.text(&text[found.span.end - range.start..], found.span.end..range.end);
        }
    }

    pub(super) fn code_span(&mut self, code: &str) {
        let file = self.whole_file();
        let code = self.masked.as_written(code, file, &self.page.tree);
        let code = self.unescaped_braces(&code);
        if let Some(image) = &mut self.image {
            return image.alternative.push_str(&code);
        }
        self.open_paragraph();
        self.out.push_str("<code>");
        escape::push_text(&mut self.out, &code);
        self.out.push_str("</code>");
        self.state.outline.text.push_str(&code);
    }

    /// MDN's authors write `\{{` in code too, where other dialects mean a backslash.
    pub(super) fn unescaped_braces<'t>(&self, code: &'t str) -> Cow<'t, str> {
        if self.page.options.dialect == Dialect::Mdn && code.contains("\\{{") {
            Cow::Owned(code.replace("\\{{", "{{"))
        } else {
            Cow::Borrowed(code)
        }
    }

    pub(super) fn line_break(&mut self, html: &str) {
        if let Some(image) = &mut self.image {
            return image.alternative.push(' ');
        }
        if let Paragraph::Pending { .. } = self.paragraph {
            return;
        }
        self.out.push_str(html);
        self.word_break();
    }

    pub(super) fn mark(&mut self, tag: &str) {
        if self.image.is_none() {
            self.open_paragraph();
            self.out.push_str(tag);
        }
        self.marks += 1;
    }

    pub(super) fn unmark(&mut self, tag: &str) {
        self.marks = self.marks.saturating_sub(1);
        if self.image.is_none() {
            self.out.push_str(tag);
        }
    }

    pub(super) fn start_link(&mut self, destination: &str, title: &str, range: Range<usize>, email: bool) {
        self.marks += 1;
        self.links += 1;
        if self.image.is_some() {
            return;
        }
        self.open_paragraph();
        self.out.push_str("<a href=\"");
        if email {
            self.out.push_str("mailto:");
            escape::push_destination(&mut self.out, destination);
        } else {
            let destination = self.resolved(destination, LinkKind::Link, &range);
            escape::push_destination(&mut self.out, &destination);
        }
        self.out.push('"');
        self.push_title(title);
        self.out.push('>');
    }

    pub(super) fn end_link(&mut self) {
        self.links = self.links.saturating_sub(1);
        self.unmark("</a>");
    }

    pub(super) fn push_title(&mut self, title: &str) {
        if !title.is_empty() {
            let title = self.expanded(title);
            self.out.push_str(" title=\"");
            escape::push_attribute(&mut self.out, &title);
            self.out.push('"');
        }
    }

    /// Where `destination`, written somewhere in `range`, leads.
    pub(super) fn resolved<'d>(&self, destination: &'d str, kind: LinkKind, range: &Range<usize>) -> Cow<'d, str> {
        let written = self.masked.text.get(range.clone()).unwrap_or_default();
        // The last: a link's text may show its destination, which stands behind it.
        let span = match memchr::memmem::rfind(written.as_bytes(), destination.as_bytes()) {
            Some(at) if !destination.is_empty() => range.start + at..range.start + at + destination.len(),
            _ => range.clone(),
        };
        match self.page.surroundings.resolve_link(destination, kind, self.masked.origin_of(&span)) {
            Some(resolved) => Cow::Owned(resolved),
            None => Cow::Borrowed(destination),
        }
    }

    /// `text`, from a destination or a title, with what its calls print.
    pub(super) fn expanded<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !self.masked.marks(text) {
            return Cow::Borrowed(text);
        }
        let masked = self.masked;
        let mut out = String::new();
        for piece in masked.pieces(text) {
            match piece {
                Piece::Text(words) => out.push_str(words),
                Piece::Call(node) => out.push_str(self.page.answer(node, self.state, self.depth).html.trim()),
            }
        }
        Cow::Owned(out)
    }

    /// Writes what a call among words prints. A block ends the paragraph around it, and a
    /// new one begins behind it.
    fn call(&mut self, node: usize) {
        let answer = self.page.answer(node, self.state, self.depth);
        let html = answer.html.trim();
        if let Some(image) = &mut self.image {
            return html_scan::push_words(&mut image.alternative, html);
        }
        let shape = html_scan::shape(html);
        let in_paragraph = self.paragraph != Paragraph::None && self.marks == 0;
        let stands_alone = match shape {
            Shape::Empty | Shape::Block => in_paragraph,
            Shape::Embedded => self.paragraph == Paragraph::Pending { only_calls: true } && self.marks == 0,
            Shape::Text => false,
        };
        if shape == Shape::Empty {
            self.out.push_str(html);
        } else if stands_alone {
            if self.paragraph == Paragraph::Open {
                let kept = self.out.trim_end().len();
                self.out.truncate(kept);
                self.out.push_str("</p>");
                self.paragraph = Paragraph::Pending { only_calls: false };
            }
            self.fresh_line();
            self.out.push_str(html);
            self.out.push('\n');
        } else {
            self.open_paragraph();
            self.out.push_str(html);
        }
        if answer.words == Words::Inside {
            html_scan::push_words(&mut self.state.outline.text, html);
        }
    }
}
