//! Conditional requests: `If-Match` and `If-None-Match` (RFC 9110 §13.1).
//!
//! There are no dates in a release, so `If-Modified-Since` never applies.

use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

/// Whether `If-Match` is there and names other versions only. Strong comparison: `W/"a"`
/// never matches.
pub(in super::super) fn fails_match(headers: &HeaderMap, tag: &str) -> bool {
    headers.contains_key(IF_MATCH) && !names(headers, IF_MATCH, |listed| listed == tag)
}

/// Whether `If-None-Match` is there and names this version. Weak comparison: a proxy may
/// have weakened our tag.
pub(in crate::edge) fn none_matches(headers: &HeaderMap, tag: &str) -> bool {
    names(headers, IF_NONE_MATCH, |listed| listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

fn names(headers: &HeaderMap, name: HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    // Our own tags hold no comma, so a list may be cut at each.
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|listed| listed == "*" || is_it(listed))
}
