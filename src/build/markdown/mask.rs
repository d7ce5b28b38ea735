//! Masking: calls hidden from the Markdown parser behind letters of the same length.
//!
//! A mask is one private-use character, two letters that number the call, and `x` up to
//! the length of the call. No Markdown is made of these, so the parser carries a mask
//! through as it is. A text that holds private-use characters itself does no harm: what is
//! not exactly the mask of a call is left as it is.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::html_scan;
use super::shortcode::tree::Tree;

/// U+E000 to U+F8FF.
const FIRST: u32 = 0xE000;
const MARKS: usize = 6400;
/// How many numbers two letters can hold.
const PAIRS: usize = 52 * 52;
const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// The character and its two letters. `{{x}}`, the shortest call, is as long.
const HEAD: usize = 5;

/// A text ready for the Markdown parser.
pub(super) struct Masked<'a> {
    /// What the parser reads.
    pub(super) text: Cow<'a, str>,
    /// (offset in `text`, offset in the author's file): from there on both advance alike.
    /// The first entry is for offset 0.
    jumps: Vec<(usize, usize)>,
    /// (offset in `text`, node of the tree), sorted.
    calls: Vec<(usize, usize)>,
    /// Length of each call's mask.
    lengths: Vec<usize>,
}

/// A piece of a text that may hold masks.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// The author's.
    Text(&'t str),
    /// The call of this node of the tree.
    Call(usize),
}

impl<'a> Masked<'a> {
    /// A text without calls, which begins at `base` of the author's file.
    pub(super) fn plain(text: &'a str, base: usize) -> Self {
        Self { text: Cow::Borrowed(text), jumps: vec![(0, base)], calls: Vec::new(), lengths: Vec::new() }
    }

    /// `file[range]` with each of `nodes` masked. What stands before the block's tag on its
    /// line, `margin`, is taken off the lines of its inside: the indent of a list item, the
    /// `>` of a quotation.
    pub(super) fn new(file: &'a str, range: Range<usize>, tree: &Tree, nodes: &[usize], margin: &str) -> Self {
        if nodes.is_empty() && margin.is_empty() {
            return Self::plain(&file[range.clone()], range.start);
        }
        let mut masked = Self {
            text: Cow::Borrowed(""),
            jumps: vec![(0, range.start)],
            calls: Vec::with_capacity(nodes.len()),
            lengths: Vec::with_capacity(nodes.len()),
        };
        let mut text = String::with_capacity(range.len());
        let mut at = range.start;
        for &node in nodes.iter().take(MARKS * PAIRS) {
            let span = &tree.nodes[node].span;
            masked.copy(&mut text, file, at..span.start, margin);
            push_mask(&mut text, masked.calls.len(), span.len());
            masked.calls.push((text.len() - span.len(), node));
            masked.lengths.push(span.len());
            at = span.end;
        }
        masked.copy(&mut text, file, at..range.end, margin);
        masked.text = Cow::Owned(text);
        masked
    }

    fn copy(&mut self, text: &mut String, file: &str, range: Range<usize>, margin: &str) {
        if margin.is_empty() {
            text.push_str(&file[range]);
            return;
        }
        let mut at = range.start;
        while let Some(end) = memchr::memchr(b'\n', &file.as_bytes()[at..range.end]) {
            let line_end = at + end + 1;
            text.push_str(&file[at..line_end]);
            at = line_end + margin_length(&file[line_end..range.end], margin);
            self.jumps.push((text.len(), at));
        }
        text.push_str(&file[at..range.end]);
    }

    /// The place in the author's file of `at`, an offset in [`Self::text`].
    pub(super) fn origin(&self, at: usize) -> usize {
        let jump = self.jumps.partition_point(|(text, _)| *text <= at).saturating_sub(1);
        self.jumps.get(jump).map_or(at, |(text, file)| file + (at - text))
    }

    /// The range in the author's file of `range`, a range of [`Self::text`].
    pub(super) fn origin_of(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origin(range.start);
        start..self.origin(range.end).max(start)
    }

    /// Whether any call is masked.
    pub(super) fn holds_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether `range` of the text holds calls and otherwise only space and the marks of
    /// quotations.
    pub(super) fn only_calls(&self, range: &Range<usize>) -> bool {
        let first = self.calls.partition_point(|(at, _)| *at < range.start);
        let mut at = range.start;
        for (call, length) in self.calls[first..].iter().zip(&self.lengths[first..]) {
            if call.0 >= range.end {
                break;
            }
            if !blank(&self.text[at..call.0]) {
                return false;
            }
            at = call.0 + length;
        }
        at > range.start && self.text.get(at..range.end).is_some_and(blank)
    }

    /// Takes `text`, which the parser gave, apart into the author's words and the calls.
    pub(super) fn pieces<'t>(&'t self, text: &'t str) -> Pieces<'t> {
        Pieces { masks: self, rest: text }
    }

    /// Whether `text` holds a mask.
    pub(super) fn marks(&self, text: &str) -> bool {
        self.holds_calls() && self.pieces(text).any(|piece| matches!(piece, Piece::Call(_)))
    }

    /// `text` with every call as the author wrote it: for code that turned out to be code
    /// only after masking.
    pub(super) fn as_written<'t>(&'t self, text: &'t str, file: &'t str, tree: &'t Tree) -> Cow<'t, str> {
        if !self.marks(text) {
            return Cow::Borrowed(text);
        }
        let pieces = self.pieces(text).map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Call(node) => &file[tree.nodes[node].span.clone()],
        });
        Cow::Owned(pieces.collect())
    }
}

fn blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace() || byte == b'>')
}

fn push_mask(text: &mut String, number: usize, length: usize) {
    let end = text.len() + length;
    let (mark, pair) = (number / PAIRS, number % PAIRS);
    text.push(u32::try_from(mark).ok().and_then(|mark| char::from_u32(FIRST + mark)).unwrap_or('\u{E000}'));
    text.push(char::from(LETTERS[pair / 52]));
    text.push(char::from(LETTERS[pair % 52]));
    while text.len() < end {
        text.push('x');
    }
}

/// How much of the start of `line` is `margin`. A space stands for any blank; a line that
/// breaks off early (an empty line, a lazy one) gives what it has.
fn margin_length(line: &str, margin: &str) -> usize {
    let mut length = 0;
    for (expected, found) in margin.bytes().zip(line.bytes()) {
        let same = if expected == b'>' { found == b'>' } else { matches!(found, b' ' | b'\t') };
        if !same {
            break;
        }
        length += 1;
    }
    length
}

/// What stands before `at` on its line as a margin for the lines below: `- > ` gives
/// `  > `. Nothing when words stand there.
pub(super) fn margin_before(file: &str, start: usize, at: usize) -> String {
    let line = file[start..at].rfind('\n').map_or(start, |end| start + end + 1);
    let before = &file[line..at];
    if !before.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'>' | b'-' | b'*' | b'+' | b'0'..=b'9' | b'.' | b')'))
    {
        return String::new();
    }
    before.chars().map(|sign| if sign == '>' { '>' } else { ' ' }).collect()
}

/// See [`Masked::pieces`].
pub(super) struct Pieces<'t> {
    masks: &'t Masked<'t>,
    rest: &'t str,
}

impl Pieces<'_> {
    /// The offset, call and length of the first mask.
    fn first_mask(&self) -> Option<(usize, usize, usize)> {
        let bytes = self.rest.as_bytes();
        memchr::memchr2_iter(0xEE, 0xEF, bytes).find_map(|at| {
            let mark = u32::from(self.rest.get(at..)?.chars().next()?).checked_sub(FIRST)?;
            let letter = |at: usize| LETTERS.iter().position(|letter| Some(letter) == bytes.get(at));
            let pair = letter(at + 3)? * 52 + letter(at + 4)?;
            let number = usize::try_from(mark).ok()? * PAIRS + pair;
            let length = *self.masks.lengths.get(number)?;
            let filler = bytes.get(at + HEAD..at + length)?;
            filler.iter().all(|byte| *byte == b'x').then_some((at, self.masks.calls[number].1, length))
        })
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        if !self.masks.holds_calls() {
            return Some(Piece::Text(std::mem::take(&mut self.rest)));
        }
        match self.first_mask() {
            None => Some(Piece::Text(std::mem::take(&mut self.rest))),
            Some((0, node, length)) => {
                self.rest = &self.rest[length..];
                Some(Piece::Call(node))
            }
            Some((at, ..)) => {
                let (text, rest) = self.rest.split_at(at);
                self.rest = rest;
                Some(Piece::Text(text))
            }
        }
    }
}

/// Where calls are left alone in `text`: code spans, code blocks and HTML comments.
pub(super) fn untouched(text: &str, base: usize, options: pulldown_cmark::Options) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Code(_) | Event::Start(Tag::CodeBlock(_)) => found.push(range),
            Event::InlineHtml(html) if html.starts_with("<!--") => found.push(range),
            Event::End(TagEnd::HtmlBlock) => {
                let comments = html_scan::comments(&text[range.clone()]);
                found
                    .extend(comments.into_iter().map(|comment| range.start + comment.start..range.start + comment.end));
            }
            _ => {}
        }
    }
    found.sort_unstable_by_key(|range| range.start);
    found.iter().map(|range| range.start + base..range.end + base).collect()
}
