//! Headings: their ids and the table of contents.

use rustc_hash::{FxHashMap, FxHashSet};

use super::escape;
use crate::site::config::Dialect;

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// What a link's fragment names.
    pub id: String,
    /// Its inside without links and footnote marks: can stand inside a link.
    pub html: String,
    /// Its words.
    pub text: String,
}

/// The ids of one page: each given once.
#[derive(Debug)]
pub(super) struct Ids {
    dialect: Dialect,
    taken: FxHashSet<String>,
    /// How often each text has been asked for, so that a thousand headings of one text
    /// need no thousand tries each.
    repeats: FxHashMap<String, usize>,
}

impl Ids {
    /// For a page whose text is `body`. Ids that the author gives by `{#id}`, also further
    /// down, are never given to another heading.
    pub(super) fn new(dialect: Dialect, body: &str) -> Self {
        let mut taken = FxHashSet::default();
        for at in memchr::memmem::find_iter(body.as_bytes(), b"{#") {
            let word = body[at + 2..].split(|c: char| c.is_whitespace() || c == '}').next().unwrap_or_default();
            if !word.is_empty() && word.len() <= 200 {
                taken.insert(word.to_owned());
            }
        }
        Self { dialect, taken, repeats: FxHashMap::default() }
    }

    /// An id for the heading or term that says `text`.
    pub(super) fn give(&mut self, text: &str) -> String {
        let (base, separator, second) = match self.dialect {
            Dialect::Github => (github(text), '-', 1),
            Dialect::Mdn => (mdn(text), '_', 2),
        };
        if !base.is_empty() && !self.repeats.contains_key(&base) && self.taken.insert(base.clone()) {
            self.repeats.insert(base.clone(), second);
            return base;
        }
        let next = self.repeats.entry(base.clone()).or_insert(second);
        loop {
            let id =
                if base.is_empty() { format!("section{separator}{next}") } else { format!("{base}{separator}{next}") };
            *next += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// GitHub's rule: lower case, spaces to hyphens, and of the rest only letters, digits,
/// hyphens and underscores stay, in every script.
fn github(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            ' ' | '\t' | '\n' => id.push('-'),
            '-' | '_' => id.push(character),
            _ if character.is_alphanumeric() || is_combining(character) => id.extend(character.to_lowercase()),
            _ => {}
        }
    }
    id
}

/// Marks that belong to a letter but are none: without them Hindi or Thai words would lose
/// their vowels.
fn is_combining(character: char) -> bool {
    matches!(u32::from(character), 0x300..=0x36F | 0x900..=0x903 | 0x93A..=0x94F | 0xE31..=0xE4E | 0x200D | 0x3099..=0x309A)
}

/// MDN's rule: some signs deleted, trimmed, lower case, spaces to underscores.
fn mdn(text: &str) -> String {
    const DELETED: &str = "*<>\"$#%&+,/:;=?@[]^`{|}~')(\\";
    let kept: String = text.chars().filter(|character| !DELETED.contains(*character)).collect();
    let id = kept.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("_");
    if id.is_empty() { "sect".to_owned() } else { id }
}

/// `html` without the tags of links and without footnote marks.
pub(super) fn without_links(html: &str) -> String {
    use super::html_scan::{Token, tokens};
    if !html.contains("<a") {
        return html.to_owned();
    }
    let mut out = String::with_capacity(html.len());
    let mut in_mark = false;
    for token in tokens(html) {
        let range = match token {
            Token::Text(range) | Token::Hidden(range) => range,
            Token::Tag { span, name, end } => {
                let name = &html[name];
                if name.eq_ignore_ascii_case("sup") {
                    if end && std::mem::take(&mut in_mark) {
                        continue;
                    }
                    in_mark |= html[span.clone()].contains("footnote-ref");
                }
                if name.eq_ignore_ascii_case("a") {
                    continue;
                }
                span
            }
        };
        if !in_mark {
            out.push_str(&html[range]);
        }
    }
    out
}

/// A table of contents of the headings from level `min` to `max`, as nested lists of links;
/// empty when there are none. A level that is skipped opens no empty list.
pub fn toc_html(headings: &[Heading], min: u8, max: u8) -> String {
    let mut out = String::new();
    // Levels of the open lists: each deeper than the one before.
    let mut open: Vec<u8> = Vec::new();
    for heading in headings.iter().filter(|heading| (min..=max).contains(&heading.level)) {
        while open.len() > 1 && open.last().is_some_and(|level| *level > heading.level) {
            open.pop();
            out.push_str("</li></ol>");
        }
        match open.last_mut() {
            Some(level) if *level >= heading.level => {
                // The outermost list takes what is higher than its first entry, too.
                *level = heading.level;
                out.push_str("</li>");
            }
            _ => {
                open.push(heading.level);
                out.push_str("<ol>");
            }
        }
        out.push_str("<li><a href=\"#");
        escape::push_destination(&mut out, &heading.id);
        out.push_str("\">");
        out.push_str(&heading.html);
        out.push_str("</a>");
    }
    for _ in open {
        out.push_str("</li></ol>");
    }
    out
}
