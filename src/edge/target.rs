//! The path that a request asks for: decoded once, or refused.
//!
//! What comes out is looked up in tables and never becomes a path of the file system, so a
//! clever spelling can reach nothing. It is refused all the same: a proxy or a log in front
//! of us may read `%252e%252e` otherwise than we do, and no honest link holds it.

use std::borrow::Cow;

use hyper::Uri;
use percent_encoding::percent_decode_str;

/// Why a target has no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not a path of this site")]
pub(super) struct NotAPath;

/// The decoded path of `uri`: begins with `/`, is UTF-8 without control characters,
/// backslashes, encoded slashes and dot segments, also when it is decoded a second time.
pub(super) fn decoded_path(uri: &Uri) -> Result<Cow<'_, str>, NotAPath> {
    let is_ours = |scheme: &str| matches!(scheme, "http" | "https");
    let of_another = uri.scheme_str().is_some_and(|scheme| !is_ours(scheme));
    let with_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if of_another || with_user {
        return Err(NotAPath);
    }
    let raw = uri.path();
    if !raw.starts_with('/') {
        return Err(NotAPath);
    }
    let decoded = decode(raw)?;
    if decoded.contains('%') {
        // A lone `%` is a name; one that decodes to a trick is a trick.
        let twice = percent_decode_str(&decoded).decode_utf8_lossy();
        check(&twice, slashes(&decoded))?;
    }
    Ok(decoded)
}

fn decode(raw: &str) -> Result<Cow<'_, str>, NotAPath> {
    let bytes = raw.as_bytes();
    for at in memchr::memchr_iter(b'%', bytes) {
        let whole = bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !whole {
            return Err(NotAPath);
        }
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| NotAPath)?;
    check(&decoded, slashes(raw))?;
    Ok(decoded)
}

/// `slashes`: how many there were before decoding; an encoded one is no separator to us,
/// and would be one to others.
fn check(path: &str, slashes_before: usize) -> Result<(), NotAPath> {
    let bad_character = |character: char| character.is_control() || character == '\\';
    let dots = |segment: &str| matches!(segment, "." | "..");
    if path.chars().any(bad_character) || path.split('/').any(dots) || slashes(path) != slashes_before {
        return Err(NotAPath);
    }
    Ok(())
}

fn slashes(text: &str) -> usize {
    memchr::memchr_iter(b'/', text.as_bytes()).count()
}
