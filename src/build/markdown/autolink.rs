//! Bare URLs in prose, as GitHub links them: `https://`, `http://`, `ftp://` and `www.`.
//! Bare e-mail addresses stay text: whoever wants a link, and the mail it brings, writes
//! `<gull@example.org>`.
//!
//! The parser has no such extension. It gives a line's text in pieces, cut at every sign
//! that could have meant something, so a URL is looked for where a piece shows its
//! beginning, and its end in the text itself.

use std::ops::Range;

/// A URL in the text.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
    /// What the destination needs before it: `www.` is no scheme.
    pub(super) scheme: &'static str,
}

/// The first URL that begins in `piece`, which the parser gave for `range` of `text`.
pub(super) fn find(text: &str, piece: &str, range: &Range<usize>) -> Option<Found> {
    // A piece that is not what the author wrote, an entity or a smart quote, begins none.
    if piece.len() < 4 || text.get(range.clone()) != Some(piece) {
        return None;
    }
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b':', b'.', &piece.as_bytes()[from..]).map(|at| from + at) {
        from = at + 1;
        let (start, scheme) = if piece[..at].ends_with("https") && piece[at..].starts_with("://") {
            (at - 5, "")
        } else if piece[..at].ends_with("http") && piece[at..].starts_with("://") {
            (at - 4, "")
        } else if piece[..at].ends_with("ftp") && piece[at..].starts_with("://") {
            (at - 3, "")
        } else if piece[..at].ends_with("www") && piece.as_bytes()[at] == b'.' {
            (at - 3, "http://")
        } else {
            continue;
        };
        let begins = range.start + start;
        // GFM: at the beginning of a line, after white space, or any of `*_~(`.
        let before = text[..begins].chars().next_back();
        if !before.is_none_or(|before| before.is_whitespace() || "*_~(".contains(before)) {
            continue;
        }
        let host = if scheme.is_empty() { range.start + at + 3 } else { begins };
        if let Some(end) = end(text, begins, host) {
            return Some(Found { span: begins..end, scheme });
        }
    }
    None
}

/// Where the URL that begins at `begins` with the host at `host` ends, if it is one.
fn end(text: &str, begins: usize, host: usize) -> Option<usize> {
    let rest = &text[host..];
    let host_length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(rest.len());
    let labels: Vec<&str> = rest[..host_length].trim_end_matches(['.', '-', '_']).split('.').collect();
    let (last, before) = labels.split_last()?;
    let second = before.last()?;
    if labels.iter().any(|label| label.is_empty()) || last.contains('_') || second.contains('_') {
        return None;
    }
    // What Markdown takes for the end of a link, of a cell or of a quotation ends the URL.
    let stops = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '`' | '|' | '[' | ']' | '"' | '\\');
    let mut url = &text[begins..host + rest.find(stops).unwrap_or(rest.len())];
    loop {
        let trimmed = url.trim_end_matches(['?', '!', '.', ',', ':', '*', '_', '~', '\'']);
        let trimmed = match trimmed.strip_suffix(')') {
            Some(shorter) if trimmed.matches(')').count() > trimmed.matches('(').count() => shorter,
            _ => trimmed,
        };
        let trimmed = match trimmed.strip_suffix(';') {
            // `&amp;` at the end belongs to the sentence, not to the URL.
            Some(entity) => match entity.rfind('&') {
                Some(at) if entity[at + 1..].bytes().all(|byte| byte.is_ascii_alphanumeric()) => &trimmed[..at],
                _ => trimmed,
            },
            None => trimmed,
        };
        if trimmed.len() == url.len() {
            break;
        }
        url = trimmed;
    }
    (begins + url.len() > host).then_some(begins + url.len())
}
