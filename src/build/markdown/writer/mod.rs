//! The writer: the parser's events become HTML, and what a page says is gathered.
//!
//! One [`Writer`] for one text: the page, or the inside of a block shortcode. The page's
//! own [`State`] goes through all of them. `mod.rs` sees each event once and leads it on;
//! `blocks` writes what begins and ends, `inline` what stands in a line, `raw` the HTML of
//! authors and shortcodes, `notes` the footnotes.

mod blocks;
mod inline;
mod notes;
mod raw;

use std::ops::Range;

use pulldown_cmark::{Alignment, CowStr, Event};

use self::notes::Footnotes;
use super::fence::Fence;
use super::mask::Masked;
use super::render::{Page, State};

/// How far a paragraph has come. Its `<p>` waits for the first word, because a shortcode
/// that prints a block may stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paragraph {
    /// We are in none.
    None,
    /// Begun, nothing written; `only_calls` when nothing but shortcodes stand in it.
    Pending { only_calls: bool },
    /// `<p>` is written.
    Open,
}

/// A heading while its inside is written.
struct OpenHeading<'e> {
    id: Option<CowStr<'e>>,
    classes: Vec<CowStr<'e>>,
    attributes: Vec<(CowStr<'e>, Option<CowStr<'e>>)>,
    /// Where its inside begins in the HTML and in the words.
    html_from: usize,
    text_from: usize,
}

/// An image while its alternative text is gathered.
struct OpenImage<'e> {
    destination: CowStr<'e>,
    title: CowStr<'e>,
    range: Range<usize>,
    alternative: String,
    /// Images inside the brackets: only their text counts.
    nested: usize,
}

#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    cell: usize,
    in_head: bool,
    has_rows: bool,
    /// Where in the HTML its label is to be put.
    label_at: usize,
    text_from: usize,
}

struct OpenCode {
    fence: Fence,
    code: String,
}

pub(super) struct Writer<'p, 'a, 'e> {
    page: &'p Page<'a>,
    state: &'p mut State,
    masked: &'p Masked<'p>,
    /// How many blocks of shortcodes are around this text.
    depth: usize,
    out: String,
    paragraph: Paragraph,
    /// Lists, quotations and the like that are open.
    containers: usize,
    /// Emphasis, links and the like that are open.
    marks: usize,
    links: usize,
    heading: Option<OpenHeading<'e>>,
    image: Option<OpenImage<'e>>,
    code: Option<OpenCode>,
    html: Option<raw::HtmlBlock>,
    table: Table,
    /// Where the term of a definition list begins in the HTML and in the words.
    term_from: Option<(usize, usize)>,
    /// A `[!CALLOUT]` ends here: what is before is not written.
    skip_to: usize,
    /// Typographic signs in the running heading or term: where they are in the words, and
    /// what the author wrote. Ids are made of what was written.
    typographic: Vec<(usize, Range<usize>)>,
    notes: Footnotes<'e>,
    /// The bare URL that was written last: what the parser says of its inside is not heard.
    autolinked: Range<usize>,
}

impl<'p, 'a, 'e> Writer<'p, 'a, 'e> {
    pub(super) fn new(page: &'p Page<'a>, state: &'p mut State, masked: &'p Masked<'p>, depth: usize) -> Self {
        Self {
            page,
            state,
            masked,
            depth,
            out: String::with_capacity(masked.text.len() + masked.text.len() / 4),
            paragraph: Paragraph::None,
            containers: 0,
            marks: 0,
            links: 0,
            heading: None,
            image: None,
            code: None,
            html: None,
            table: Table::default(),
            term_from: None,
            skip_to: 0,
            typographic: Vec::new(),
            notes: Footnotes::default(),
            autolinked: 0..0,
        }
    }

    /// Writes all of `events`.
    pub(super) fn run(mut self, events: impl Iterator<Item = (Event<'e>, Range<usize>)>) -> String {
        for (event, range) in events {
            self.event(event, range);
        }
        self.write_footnotes();
        self.out
    }

    fn event(&mut self, event: Event<'e>, range: Range<usize>) {
        if range.end <= self.skip_to && !matches!(event, Event::Start(_) | Event::End(_)) {
            return;
        }
        if range.start >= self.autolinked.start && range.end <= self.autolinked.end {
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => self.code_span(&code),
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push(&html, range.start),
                None => self.raw(&html, &[(0, range.start)]),
            },
            Event::InlineHtml(html) => self.inline_html(&html, range),
            Event::FootnoteReference(name) => self.footnote_reference(name),
            Event::SoftBreak => self.line_break("\n"),
            Event::HardBreak => self.line_break("<br>\n"),
            Event::Rule => {
                self.fresh_line();
                self.out.push_str("<hr>\n");
            }
            Event::TaskListMarker(done) => {
                self.open_paragraph();
                self.out.push_str(if done {
                    "<input type=\"checkbox\" checked disabled aria-label=\"done\"> "
                } else {
                    "<input type=\"checkbox\" disabled aria-label=\"to do\"> "
                });
            }
            // Mathematics is not switched on: its text stays what it is.
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text, range),
        }
    }

    fn fresh_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Words end here, though no space does.
    fn word_break(&mut self) {
        self.state.outline.text.push(' ');
    }

    /// The author's file, front matter included.
    fn whole_file(&self) -> &'p str
    where
        'a: 'p,
    {
        self.page.source.text
    }
}
