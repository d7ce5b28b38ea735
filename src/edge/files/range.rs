//! Ranges of bytes: RFC 9110 §14.
//!
//! What is no range, or too many of them, is ignored: the whole file is always a right
//! answer. Parts that overlap or nearly touch are sent as one, so nobody gets more bytes
//! than the file has by asking for the same ones often.

use std::ops::Range;

use bytes::Bytes;

use super::super::live_release::{File, Kind};

/// How many parts a request may name.
const MOST_PARTS: usize = 16;
/// Parts nearer than the head of a part is long are one part.
const NEAR: u64 = 80;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// All of it: no range that we know.
    Whole,
    /// These parts, each within the file, not empty, in the order asked for.
    Parts(Vec<Range<u64>>),
    /// Nothing that there is.
    Unsatisfiable,
}

/// Reads the value of `Range` for a file of `length` bytes.
pub fn parse(value: &str, length: u64) -> Ranges {
    let Some(list) = value.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes")) else {
        return Ranges::Whole;
    };
    let mut parts = Vec::new();
    for (at, item) in list.1.split(',').map(str::trim).filter(|item| !item.is_empty()).enumerate() {
        if at == MOST_PARTS {
            return Ranges::Whole;
        }
        let Some(part) = parse_one(item, length) else {
            return Ranges::Whole;
        };
        // Outside the file: it counts for nothing beside a part that is inside.
        if !part.is_empty() {
            add(&mut parts, part);
        }
    }
    if !parts.is_empty() {
        Ranges::Parts(parts)
    } else if list.1.trim_matches([',', ' ', '\t']).is_empty() {
        Ranges::Whole
    } else {
        Ranges::Unsatisfiable
    }
}

/// One part, empty when it is outside the file; `None` when it is no range.
fn parse_one(item: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = item.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let from_end = number(last)?;
        return Some(length.saturating_sub(from_end)..length);
    }
    let first = number(first)?;
    let end = if last.is_empty() { length } else { number(last)?.saturating_add(1) };
    if end <= first && !last.is_empty() {
        return None;
    }
    Some(first.min(length)..end.min(length))
}

/// Digits only; what is too large for us is larger than any file.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Adds `part`, made one with those it meets.
fn add(parts: &mut Vec<Range<u64>>, mut part: Range<u64>) {
    let meets = |one: &Range<u64>, other: &Range<u64>| {
        one.start <= other.end.saturating_add(NEAR) && other.start <= one.end.saturating_add(NEAR)
    };
    let mut place = parts.len();
    while let Some(at) = parts.iter().position(|other| meets(other, &part)) {
        let other = parts.remove(at);
        part = part.start.min(other.start)..part.end.max(other.end);
        place = place.min(at);
    }
    parts.insert(place.min(parts.len()), part);
}

/// The value of `Content-Range` for `part`.
pub(super) fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// What stands between the parts of `multipart/byteranges` (RFC 9110 §14.6); nothing when
/// there is one part only.
pub(super) struct Frame {
    /// The digest of the file, which the file cannot hold.
    boundary: String,
    heads: Vec<Bytes>,
    end: Bytes,
}

impl Frame {
    pub(super) fn of(file: &File, kind: &Kind, parts: &[Range<u64>]) -> Self {
        let boundary = file.object.hex();
        if let [_] = parts {
            return Self { boundary, heads: vec![Bytes::new()], end: Bytes::new() };
        }
        let media = kind.media.to_str().unwrap_or("application/octet-stream");
        let head = |(at, part): (usize, &Range<u64>)| {
            let before = if at == 0 { "" } else { "\r\n" };
            let range = content_range(part, file.length);
            format!("{before}--{boundary}\r\nContent-Type: {media}\r\nContent-Range: {range}\r\n\r\n").into()
        };
        let heads = parts.iter().enumerate().map(head).collect();
        let end = format!("\r\n--{boundary}--\r\n").into();
        Self { boundary, heads, end }
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }
}

/// A piece of a body: of the file, or between two pieces of it.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    File(Range<u64>),
    Between(Bytes),
}

impl Piece {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File(part) => part.end - part.start,
            Self::Between(bytes) => bytes.len() as u64,
        }
    }
}

/// The pieces of the body that `parts` in `frame` make.
pub(super) fn pieces(parts: &[Range<u64>], frame: &Frame) -> Vec<Piece> {
    let framed = parts.iter().zip(&frame.heads);
    let mut pieces: Vec<Piece> =
        framed.flat_map(|(part, head)| [Piece::Between(head.clone()), Piece::File(part.clone())]).collect();
    pieces.push(Piece::Between(frame.end.clone()));
    pieces
}

/// The body that `parts` in `frame` make of `bytes`.
pub(super) fn assemble(bytes: &Bytes, parts: &[Range<u64>], frame: &Frame) -> Bytes {
    // Kept files are short, so their lengths fit; a part beyond the bytes would be empty.
    let slice = |part: &Range<u64>| {
        let bound = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        bytes.slice(bound(part.start)..bound(part.end))
    };
    if let [only] = parts {
        return slice(only);
    }
    let pieces = pieces(parts, frame).into_iter().map(|piece| match piece {
        Piece::File(part) => slice(&part),
        Piece::Between(between) => between,
    });
    pieces.collect::<Vec<_>>().concat().into()
}
