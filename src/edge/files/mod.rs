//! Static files: from the kept bodies at once, otherwise from the shelf.
//!
//! | a request has             | it is answered with                                    |
//! |---|---|
//! | `If-None-Match`, `If-Match` | 304 or 412 (RFC 9110 §13)                            |
//! | `Range`                   | 206 or 416, of the bytes as they are, never of encoded |
//! | `Accept-Encoding`         | the encoding it wants most, made once and kept         |
//!
//! Bodies up to [`LARGEST_KEPT`] are kept in memory with their headers, within
//! `edge.cache_mib`; longer ones are streamed from the disk. An encoded body is made off the
//! async threads: the first request waits for it when the body is small, and otherwise is
//! answered with the bytes as they are.

pub(super) mod condition;
mod kept;
pub mod negotiate;
pub mod range;
mod stream;
mod variant;

use std::sync::Arc;

use bytes::Bytes;
pub(in crate::edge) use condition::none_matches;
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE, RANGE,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

pub(super) use self::kept::Kept;
use self::kept::{KeptFile, Key};
use self::negotiate::Coding;
use self::range::Ranges;
pub(super) use self::variant::splice_script as with_script;
use super::body::Body;
use super::live_release::{File, Kind, LiveRelease};
use super::node::Edge;
use super::refusal::Refusal;

/// The longest body kept in memory, in bytes.
const LARGEST_KEPT: u64 = 1024 * 1024;

/// The shortest body worth encoding: below, it fits the packet that carries the head.
const SMALLEST_ENCODED: u64 = 860;

/// The object is not on the shelf, or is not what its name says.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectGone;

/// Why a file is not answered.
#[derive(Debug)]
pub(super) enum NotAnswered {
    /// Another release is to be tried.
    Gone(ObjectGone),
    /// As it should be.
    Refused(Refusal),
}

impl From<ObjectGone> for NotAnswered {
    fn from(gone: ObjectGone) -> Self {
        Self::Gone(gone)
    }
}

/// The answer to a plain request for a kept file; `None` when it takes more than that.
pub(super) fn answer_at_once(
    edge: &Edge,
    release: &LiveRelease,
    file: &File,
    method: &Method,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    if file.has_fragments() {
        return None;
    }
    const NOT_PLAIN: [hyper::header::HeaderName; 3] = [RANGE, IF_NONE_MATCH, IF_MATCH];
    if NOT_PLAIN.iter().any(|name| headers.contains_key(name)) {
        return None;
    }
    let kind = release.kind(file);
    let coding = coding_for(file, kind, headers);
    let kept = edge.kept().get(&Key::of(file, kind, coding))?;
    Some(whole(method, &kept))
}

/// Whether `file` is so long that it is never in memory whole.
pub(super) fn is_long(file: &File) -> bool {
    file.length > LARGEST_KEPT
}

/// The answer to any request for a file with GET or HEAD.
pub(super) async fn answer(
    edge: &Edge,
    release: &LiveRelease,
    file: &File,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<Body>, NotAnswered> {
    let kind = release.kind(file);
    let is_spliced = kind.is_html && edge.options().live.is_some();
    if is_long(file) {
        return answer_from_disk(edge, file, kind, method, headers).await;
    }
    // In watch mode a page is another with each event: no version of it has a name.
    let ranges = if is_spliced { Ranges::Whole } else { wanted_ranges(file, headers) };
    let coding = if ranges == Ranges::Whole { coding_for(file, kind, headers) } else { Coding::Identity };
    let kept = variant::find_or_make(edge, file, kind, coding).await?;
    let tag = kept.headers.get(ETAG).cloned();
    if let Some(tag) = tag.as_ref().and_then(|tag| tag.to_str().ok()) {
        if condition::fails_match(headers, tag) {
            return Err(NotAnswered::Refused(Refusal::PreconditionFailed));
        }
        if none_matches(headers, tag) {
            return Ok(not_modified(&kept.headers));
        }
    }
    Ok(match ranges {
        Ranges::Whole => whole(method, &kept),
        Ranges::Unsatisfiable => unsatisfiable(file.length, kept.headers.clone()),
        Ranges::Parts(parts) => {
            let mut response = in_parts(file, kind, &parts, kept.headers.clone());
            *response.body_mut() = range::assemble(&kept.bytes, &parts, &range::Frame::of(file, kind, &parts)).into();
            response
        }
    })
}

/// The bytes of `file` as they are, and the headers they would be sent with. For a page that
/// is put together with something else.
pub(super) async fn plain(edge: &Edge, release: &LiveRelease, file: &File) -> Result<Arc<KeptFile>, ObjectGone> {
    variant::find_or_make(edge, file, release.kind(file), Coding::Identity).await
}

/// The site's own page for what is not there, as a body with headers; the status is the
/// caller's. `look`: attributes for its `<html>`.
pub(super) async fn not_found_page(
    edge: &Edge,
    release: &LiveRelease,
    headers: &HeaderMap,
    look: &str,
) -> Result<Response<Body>, ObjectGone> {
    let file = release.not_found_page().filter(|file| file.length <= LARGEST_KEPT).ok_or(ObjectGone)?;
    let kind = release.kind(file);
    let coding = if look.is_empty() { coding_for(file, kind, headers) } else { Coding::Identity };
    let kept = variant::find_or_make(edge, file, kind, coding).await?;
    let mut response = whole(&Method::GET, &kept);
    if !look.is_empty() {
        *response.body_mut() = with_look(&kept.bytes, look).into();
    }
    if edge.options().live.is_some() && file.has_fragments() {
        *response.body_mut() = Bytes::from(with_script(&kept.bytes)).into();
    }
    // It is no version of what was asked for.
    response.headers_mut().remove(ETAG);
    response.headers_mut().remove(ACCEPT_RANGES);
    Ok(response)
}

/// `document` with attributes in its `<html>`, before its own: of two the first counts. The
/// tag is the layout's, near the beginning; where there is none, nothing is changed.
fn with_look(document: &Bytes, look: &str) -> Bytes {
    const TAG: &[u8] = b"<html";
    match memchr::memmem::find(document, TAG).map(|at| document.split_at(at + TAG.len())) {
        Some((before, after)) => [before, look.as_bytes(), after].concat().into(),
        None => document.clone(),
    }
}

/// A long file: never in memory whole, never encoded.
async fn answer_from_disk(
    edge: &Edge,
    file: &File,
    kind: &Kind,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<Body>, NotAnswered> {
    let own = kept::headers_of(file, kind, Coding::Identity);
    let tag = kept::tag(file, Coding::Identity);
    if condition::fails_match(headers, &tag) {
        return Err(NotAnswered::Refused(Refusal::PreconditionFailed));
    }
    if none_matches(headers, &tag) {
        return Ok(not_modified(&own));
    }
    let path = edge.shelf().object_file(file.object);
    let opened = stream::open(&path, file.length).await.map_err(|_| ObjectGone)?;
    let (mut response, pieces) = match wanted_ranges(file, headers) {
        Ranges::Unsatisfiable => return Ok(unsatisfiable(file.length, own)),
        Ranges::Whole => {
            let mut response = Response::new(Body::Empty);
            *response.headers_mut() = own;
            response.headers_mut().insert(CONTENT_LENGTH, file.length.into());
            (response, vec![range::Piece::File(0..file.length)])
        }
        Ranges::Parts(parts) => {
            let pieces = range::pieces(&parts, &range::Frame::of(file, kind, &parts));
            let mut response = in_parts(file, kind, &parts, own);
            let length: u64 = pieces.iter().map(range::Piece::length).sum();
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
            (response, pieces)
        }
    };
    if *method != Method::HEAD {
        *response.body_mut() = Body::streamed(stream::send(opened, pieces));
    }
    Ok(response)
}

fn whole(method: &Method, kept: &KeptFile) -> Response<Body> {
    let mut response =
        Response::new(if *method == Method::HEAD { Body::Empty } else { Body::from(kept.bytes.clone()) });
    *response.headers_mut() = kept.headers.clone();
    if *method == Method::HEAD {
        response.headers_mut().insert(CONTENT_LENGTH, kept.bytes.len().into());
    }
    response
}

/// RFC 9110 §15.4.5: what caches need, nothing about the body.
pub(super) fn not_modified(headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers.clone();
    response.headers_mut().remove(CONTENT_TYPE);
    response.headers_mut().remove(hyper::header::CONTENT_ENCODING);
    response
}

fn unsatisfiable(length: u64, headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    *response.headers_mut() = headers;
    response.headers_mut().remove(CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes */{length}")));
    response
}

fn in_parts(file: &File, kind: &Kind, parts: &[std::ops::Range<u64>], headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    *response.headers_mut() = headers;
    match parts {
        [only] => {
            response.headers_mut().insert(CONTENT_RANGE, header(&range::content_range(only, file.length)));
        }
        _ => {
            let frame = range::Frame::of(file, kind, parts);
            response.headers_mut().insert(CONTENT_TYPE, header(&frame.content_type()));
        }
    }
    response
}

/// The ranges asked for, unless `If-Range` names another version (RFC 9110 §13.1.5).
fn wanted_ranges(file: &File, headers: &HeaderMap) -> Ranges {
    let Some(wanted) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Ranges::Whole;
    };
    let tag = kept::tag(file, Coding::Identity);
    if headers.get(IF_RANGE).is_some_and(|known| known.as_bytes() != tag.as_bytes()) {
        return Ranges::Whole;
    }
    range::parse(wanted, file.length)
}

/// Whether `file`, put together with something else, is to be sent as gzip.
pub(super) fn wants_gzip(release: &LiveRelease, file: &File, headers: &HeaderMap) -> bool {
    release.kind(file).is_compressible
        && file.length >= SMALLEST_ENCODED
        && negotiate::takes_gzip(headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()))
}

/// The encoding that the answer to `headers` is to have.
fn coding_for(file: &File, kind: &Kind, headers: &HeaderMap) -> Coding {
    if !kind.is_compressible || !(SMALLEST_ENCODED..=LARGEST_KEPT).contains(&file.length) {
        return Coding::Identity;
    }
    negotiate::choose(headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()))
}

/// A header of characters that we have put together from numbers and checked words.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
