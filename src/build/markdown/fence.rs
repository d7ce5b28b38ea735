//! Code blocks: the words behind the fence, and the HTML.

use super::{escape, highlight};
use crate::site::config::{Dialect, Markdown};

/// What the words behind a fence say.
///
/// ```text
/// ```rust {file="src/main.rs" hl_lines="2-3" linenos}
/// ```
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fence {
    /// As written, in lower case; empty when none is named.
    pub(super) language: String,
    /// `file` or `title`: shown above the code.
    pub(super) caption: Option<String>,
    /// `hl_lines`: ranges of lines from 1, ends included.
    pub(super) marked: Vec<(usize, usize)>,
    /// `linenos`: lines are wrapped one by one, so that a style sheet can count them.
    pub(super) numbered: bool,
    /// MDN's `hidden`: part of an example, not shown.
    pub(super) hidden: bool,
}

impl Fence {
    /// Reads `info`. Words it does not know are left unheeded: other programs' words stand
    /// there as well.
    pub(super) fn parse(info: &str, dialect: Dialect) -> Self {
        let info = info.trim();
        let language_end = info.find([' ', '\t', ',', '{']).unwrap_or(info.len());
        let mut language = info[..language_end].to_lowercase();
        let mut fence = Self::default();
        if dialect == Dialect::Mdn {
            language = language.strip_suffix("-nolint").unwrap_or(&language).to_owned();
        }
        fence.language = language;
        let mut rest = info[language_end..].trim_start_matches(SEPARATORS);
        while !rest.is_empty() {
            let word_end = rest.find(|c| c == '=' || SEPARATORS.contains(&c)).unwrap_or(rest.len());
            let word = &rest[..word_end];
            rest = &rest[word_end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
                let from = quote.map_or(0, char::len_utf8);
                let ends = |c: char| quote.map_or_else(|| SEPARATORS.contains(&c), |quote| c == quote);
                let length = after[from..].find(ends).unwrap_or(after.len() - from);
                value = &after[from..from + length];
                rest = after[from + length..].trim_start_matches(['"', '\'']);
            }
            fence.word(word, value, dialect);
            rest = rest.trim_start_matches(SEPARATORS);
        }
        fence
    }

    fn word(&mut self, word: &str, value: &str, dialect: Dialect) {
        match word {
            "file" | "title" if !value.is_empty() => self.caption = Some(value.to_owned()),
            "hl_lines" => self.marked = lines(value),
            "linenos" => self.numbered = !matches!(value, "false" | "0"),
            "hidden" if dialect == Dialect::Mdn => self.hidden = true,
            _ => {}
        }
    }
}

const SEPARATORS: &[char] = &[' ', '\t', ',', '{', '}'];

fn lines(value: &str) -> Vec<(usize, usize)> {
    let ranges = value.split([' ', ',']).filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    });
    ranges.collect()
}

/// Appends the HTML of `code`. A block can be focused: one wider than the screen must be
/// scrollable from the keyboard.
pub(super) fn push_code(out: &mut String, fence: &Fence, code: &str, options: &Markdown) {
    if let Some(caption) = &fence.caption {
        out.push_str("<figure class=\"code\"><figcaption>");
        escape::push_text(out, caption);
        out.push_str("</figcaption>");
    }
    out.push_str("<pre class=\"code\"");
    if !fence.language.is_empty() {
        out.push_str(" data-lang=\"");
        escape::push_attribute(out, &fence.language);
        out.push('"');
    }
    if fence.numbered {
        out.push_str(" data-linenos");
    }
    out.push_str(if fence.hidden { " hidden><code>" } else { " tabindex=\"0\"><code>" });
    let coloured = if options.highlight { highlight::html(&fence.language, code) } else { None };
    if fence.numbered || !fence.marked.is_empty() {
        let html = coloured.map_or_else(|| escaped(code), |html| html.to_string());
        push_lines(out, &html, fence);
    } else if let Some(html) = coloured {
        out.push_str(&html);
    } else {
        escape::push_text(out, code);
    }
    out.push_str("</code></pre>");
    if fence.caption.is_some() {
        out.push_str("</figure>");
    }
    out.push('\n');
}

fn escaped(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + code.len() / 8);
    escape::push_text(&mut out, code);
    out
}

/// Each line in a `<span>` of its own: `l`, or `l hl` for a marked one. A colour that runs
/// over the end of a line is closed there and opened again.
fn push_lines(out: &mut String, html: &str, fence: &Fence) {
    let mut running = "";
    for (index, line) in html.split_inclusive('\n').enumerate() {
        let number = index + 1;
        let marked = fence.marked.iter().any(|(first, last)| (*first..=*last).contains(&number));
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        out.push_str(if marked { "<span class=\"l hl\">" } else { "<span class=\"l\">" });
        out.push_str(running);
        out.push_str(content);
        // Spans of the highlighter never nest: the last tag of the line tells.
        if let Some(at) = content.rfind('<') {
            let tag = &content[at..];
            running = if tag.starts_with("</") { "" } else { &tag[..=tag.find('>').unwrap_or(0)] };
        }
        if !running.is_empty() {
            out.push_str("</span>");
        }
        out.push_str(end);
        out.push_str("</span>");
    }
}
