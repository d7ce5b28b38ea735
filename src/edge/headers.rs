//! Headers that many answers share, made once.
//!
//! Two Content-Security-Policies. A *static page* holds what its author put there: images
//! and frames from elsewhere and `style` attributes are theirs to use, inline script is not.
//! A *dynamic page* shows what readers sent, so it takes nothing but the site's own files.

use hyper::HeaderMap;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

/// For what authors wrote.
const STATIC_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; media-src 'self' https:; \
     frame-src 'self' https:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

/// For what is made of data.
const DYNAMIC_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

/// Nothing may keep the answer.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Nothing may keep the answer, and it is one reader's.
pub(super) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
/// May be kept, must be asked for each time.
pub(super) const REVALIDATE: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");
/// May be kept for a year: the path changes with the bytes.
pub(super) const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// HTML.
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// JSON (always UTF-8, RFC 8259 §8.1).
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Secures a static file.
pub(super) fn secure_static(headers: &mut HeaderMap) {
    secure(headers, STATIC_POLICY);
}

/// Secures everything else; a policy that a room has set is kept.
pub(super) fn secure_dynamic(headers: &mut HeaderMap) {
    secure(headers, DYNAMIC_POLICY);
}

fn secure(headers: &mut HeaderMap, policy: HeaderValue) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("strict-origin-when-cross-origin"));
}
