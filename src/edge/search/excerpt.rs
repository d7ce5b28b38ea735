//! Excerpts: the stretch of a text that answers best, with the words asked for marked.
//!
//! [`Marker::excerpt`] gives HTML in which all of the text is escaped and `<mark>` is the
//! only element. A word is marked when the index would have found it: by its stem, its
//! spelling, its beginning, or as one that was perhaps meant. Takes time in proportion to
//! the text.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::site::search::Analysis;

/// About how many bytes of text an excerpt has: two to three lines. In bytes on purpose:
/// letters of three bytes are mostly twice as wide.
const LENGTH: usize = 240;

/// How much of an endless section is looked through for words to mark.
const MOST_READ: usize = 256 << 10;

/// What is marked.
#[derive(Clone)]
pub(super) struct Marker {
    analysis: Analysis,
    /// Spelling → number of the part asked for.
    plain: FxHashMap<String, usize>,
    /// Stem → number of the part asked for.
    stems: FxHashMap<String, usize>,
    /// What the last word begins with, and its number.
    beginning: Option<(String, usize)>,
}

/// A word to be marked.
struct Hit {
    range: Range<usize>,
    part: usize,
}

impl Marker {
    /// A marker that marks nothing yet.
    pub(super) fn new(analysis: Analysis) -> Self {
        Self { analysis, plain: FxHashMap::default(), stems: FxHashMap::default(), beginning: None }
    }

    /// Marks a word as it is spelt, for that part of the question.
    pub(super) fn mark_spelling(&mut self, word: &str, part: usize) {
        self.plain.entry(word.to_owned()).or_insert(part);
    }

    /// Marks all words of a stem.
    pub(super) fn mark_stem(&mut self, stem: &str, part: usize) {
        self.stems.entry(stem.to_owned()).or_insert(part);
    }

    /// Marks all words that begin so.
    pub(super) fn mark_beginning(&mut self, beginning: &str, part: usize) {
        self.beginning = Some((beginning.to_owned(), part));
    }

    /// The best stretch of `text`, as HTML.
    pub(super) fn excerpt(&self, text: &str) -> String {
        let hits = self.hits(&text[..text.floor_char_boundary(MOST_READ)]);
        let window = around(text, &best_hits(&hits));
        let mut html = String::with_capacity(LENGTH + 64);
        if !text[..window.start].trim().is_empty() {
            html.push('…');
        }
        write_marked(&mut html, text, window.clone(), &hits);
        if !text[window.end..].trim().is_empty() {
            html.push('…');
        }
        html
    }

    /// All of `text`, as HTML: for a title.
    pub(super) fn marked(&self, text: &str) -> String {
        let mut html = String::with_capacity(text.len() + 16);
        write_marked(&mut html, text, 0..text.len(), &self.hits(text));
        html
    }

    fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.analysis.visit(text, |plain, stem| {
            let begins = || {
                let (beginning, part) = self.beginning.as_ref()?;
                plain.text.starts_with(beginning.as_str()).then_some(part)
            };
            let part = self.plain.get(&plain.text).or_else(|| self.stems.get(&stem.text)).or_else(begins);
            if let Some(part) = part {
                hits.push(Hit { range: plain.offset_from..plain.offset_to, part: *part });
            }
        });
        hits
    }
}

/// The range from the first to the last of those hits that say most in one excerpt's length:
/// different parts of the question before more of the same.
fn best_hits(hits: &[Hit]) -> Range<usize> {
    let mut counts: FxHashMap<usize, usize> = FxHashMap::default();
    let mut best = (0, 0..0);
    let mut first = 0;
    for (last, hit) in hits.iter().enumerate() {
        *counts.entry(hit.part).or_default() += 1;
        while hit.range.end - hits[first].range.start > LENGTH && first < last {
            if let Some(count) = counts.get_mut(&hits[first].part) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&hits[first].part);
                }
            }
            first += 1;
        }
        let worth = counts.len() * LENGTH + (last - first);
        if worth > best.0 {
            best = (worth, hits[first].range.start..hit.range.end);
        }
    }
    best.1
}

/// The stretch to show around `wanted`: from the beginning of a sentence if one is near, in
/// whole words if there are spaces.
fn around(text: &str, wanted: &Range<usize>) -> Range<usize> {
    let slack = LENGTH.saturating_sub(wanted.len());
    let earliest = text.floor_char_boundary(wanted.start.saturating_sub(slack / 2));
    let start = if earliest == 0 {
        0
    } else {
        let before = &text[earliest..wanted.start];
        earliest + after_sentence(before).or_else(|| after_space(before)).unwrap_or(0)
    };
    let latest = text.floor_char_boundary((start + LENGTH).max(wanted.end));
    let end = if latest >= text.len() {
        text.len()
    } else {
        let from = wanted.end.max(start);
        // Not a space that would leave nearly nothing.
        let space = text[from..latest].rfind(char::is_whitespace).map(|at| from + at);
        space.filter(|space| *space > start + LENGTH / 2).unwrap_or(latest)
    };
    start..end
}

fn after_sentence(text: &str) -> Option<usize> {
    let mut end = None;
    for (at, c) in text.char_indices() {
        if end == Some(at) && c.is_whitespace() {
            return Some(at + c.len_utf8());
        }
        match c {
            '.' | '!' | '?' | ':' => end = Some(at + 1),
            '。' | '！' | '？' | '\n' => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn after_space(text: &str) -> Option<usize> {
    text.char_indices().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8())
}

/// Writes a stretch of the text with its hits marked. Hits that overlap, as pairs of letters
/// do, become one mark.
fn write_marked(html: &mut String, text: &str, window: Range<usize>, hits: &[Hit]) {
    let mut at = window.start;
    let mut hits = hits.iter().map(|hit| &hit.range).filter(|hit| hit.start < window.end && hit.end > window.start);
    let mut next = hits.next().cloned();
    while let Some(mut mark) = next.take() {
        for hit in hits.by_ref() {
            if hit.start >= mark.end {
                next = Some(hit.clone());
                break;
            }
            mark.end = mark.end.max(hit.end);
        }
        let (from, to) = (mark.start.max(at), mark.end.min(window.end));
        if from < to {
            write_escaped(html, &text[at..from]);
            html.push_str("<mark>");
            write_escaped(html, &text[from..to]);
            html.push_str("</mark>");
            at = to;
        }
    }
    write_escaped(html, &text[at..window.end]);
}

/// Escapes for HTML, and makes one space of each stretch of white space and control
/// characters.
fn write_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_whitespace() || c.is_control() => {
                if !html.ends_with(' ') {
                    html.push(' ');
                }
            }
            c => html.push(c),
        }
    }
}

/// All parts that a marker knows of, for tests of what is marked.
#[cfg(test)]
impl Marker {
    fn of(language: &str, question: &str) -> Self {
        let analysis = Analysis::of(language);
        let mut marker = Self::new(analysis.clone());
        for (part, word) in analysis.words(question).iter().enumerate() {
            marker.mark_spelling(&word.plain, part);
            marker.mark_stem(&word.stem, part);
        }
        marker
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(question: &str, text: &str, expected: &str) {
        assert_eq!(Marker::of("en", question).excerpt(text), expected);
    }

    #[test]
    fn words_of_one_stem_are_marked() {
        check("tide", "Tides & a tidal pool.", "<mark>Tides</mark> &amp; a tidal pool.");
    }

    #[test]
    fn what_stands_in_the_text_stays_text() {
        check(
            "script",
            "<script>alert('x')</script>",
            "&lt;<mark>script</mark>&gt;alert(&#39;x&#39;)&lt;/<mark>script</mark>&gt;",
        );
    }

    #[test]
    fn pairs_that_overlap_are_one_mark() {
        check("東京都", "新東京都庁", "新<mark>東京都</mark>庁");
    }

    #[test]
    fn the_stretch_with_most_of_the_question_is_shown() {
        let text = format!("{} The high water comes. {}", "High and dry. ".repeat(80), "Nothing more. ".repeat(80));
        let excerpt = Marker::of("en", "high water").excerpt(&text);
        assert!(excerpt.contains("<mark>high</mark> <mark>water</mark>"), "{excerpt}");
        assert!(excerpt.starts_with('…') && excerpt.ends_with('…'), "{excerpt}");
    }

    #[test]
    fn both_parts_are_found() {
        let hits = Marker::of("en", "high water").hits("water, high water");
        let parts: Vec<usize> = hits.iter().map(|hit| hit.part).collect();
        assert_eq!(parts, [1, 0, 1]);
    }

    proptest! {
        #[test]
        fn an_excerpt_is_escaped_and_its_marks_are_balanced(
            text in "([a-c<>&\"'é東京都น้ำ\u{301}\u{200d} .\n]|\\PC){0,600}",
            question in "[a-cé東京都น้ำ ]{0,12}",
            beginning in proptest::option::of("[a-c]{1,2}"),
        ) {
            let mut marker = Marker::of("en", &question);
            if let Some(beginning) = beginning {
                marker.mark_beginning(&beginning, 9);
            }
            for html in [marker.excerpt(&text), marker.marked(&text)] {
                let mut is_open = false;
                let mut rest = html.as_str();
                while let Some(at) = rest.find(['<', '>', '"', '\'']) {
                    let tag = if is_open { "</mark>" } else { "<mark>" };
                    prop_assert!(rest[at..].starts_with(tag), "{html}");
                    is_open = !is_open;
                    rest = &rest[at + tag.len()..];
                }
                prop_assert!(!is_open, "{html}");
                for (at, _) in html.match_indices('&') {
                    let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
                    prop_assert!(known.iter().any(|entity| html[at..].starts_with(entity)), "{html}");
                }
            }
            prop_assert!(marker.excerpt(&text).len() < LENGTH * 20);
        }
    }
}
