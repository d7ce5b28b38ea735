//! A page with fragments: what stands around them is sent at once, they as they come.
//!
//! | the page's fragments                          | the answer                                |
//! |---|---|
//! | are all for everyone, and kept and fresh      | whole, with an `ETag` of page and pieces  |
//! | are all for everyone, and one is still made   | streamed; others may not keep it          |
//! | are not all for everyone                      | streamed; `private, no-store`             |
//!
//! A streamed page has no tag: its bytes are not known when its head is sent. To who takes it, a
//! page is sent as gzip, its fragments stored in it as they are (`squeeze`): brotli and zstd
//! are shorter, but have no pieces that could be made in advance. `Range` is not looked at.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderValue};
use hyper::http::request::Parts as Head;
use hyper::{HeaderMap, Method, Response};
use tokio::sync::oneshot;

use super::call::Call;
use super::kept::{Key, Piece, Whom};
use super::render::{NotRendered, Order};
use super::splice::{Holes, Part, Parts, cut};
use super::squeeze::{Gzip, Squeezed};
use crate::edge::body::Body;
use crate::edge::files::{self, NotAnswered, condition};
use crate::edge::headers::{NO_STORE, PRIVATE, REVALIDATE};
use crate::edge::live_release::{File, LiveRelease};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Peer;
use crate::edge::session;
use crate::site::digest::Digest;
use crate::site::fragment::Scope;

/// The answer to a request with GET or HEAD for the page `file`, which has these fragments.
pub(in crate::edge) async fn answer(
    edge: &Edge,
    release: &Arc<LiveRelease>,
    file: &File,
    holes: &Holes,
    head: &Head,
    peer: Peer,
) -> Result<Response<Body>, NotAnswered> {
    let page = files::plain(edge, release, file).await?;
    let is_watched = edge.options().live.is_some();
    let mut headers = page.headers.clone();
    headers.remove(ETAG);
    headers.remove(ACCEPT_RANGES);
    let squeezed = match !is_watched && files::wants_gzip(release, file, &head.headers) {
        true => edge.pieces().squeezed(file.object, holes, &page.bytes).await,
        false => None,
    };
    if squeezed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let page = Spread { bytes: &page.bytes, holes, squeezed };
    if !is_watched && let Some(pieces) = all_at_hand(edge, holes) {
        return whole(&page, file, &pieces, headers, head);
    }
    let is_everyones = holes.iter().all(|hole| is_everyones(&hole.call));
    headers.insert(CACHE_CONTROL, if is_everyones { NO_STORE } else { PRIVATE });
    let mut parts = parts(edge, release, &page, (head, peer));
    if is_watched {
        splice_script(&mut parts.left);
    }
    let mut response = Response::new(Body::streamed(parts));
    *response.headers_mut() = headers;
    Ok(response)
}

/// A dynamic page with fragments in its dress, as a stream.
pub(in crate::edge) fn stream(
    edge: &Edge,
    release: &Arc<LiveRelease>,
    holes: &Holes,
    bytes: &Bytes,
    asked: (&Head, Peer),
) -> Body {
    Body::streamed(parts(edge, release, &Spread { bytes, holes, squeezed: None }, asked))
}

/// A page, its fragments, and what stands around them.
struct Spread<'p> {
    bytes: &'p Bytes,
    holes: &'p Holes,
    /// As gzip, if it is sent so.
    squeezed: Option<Arc<Squeezed>>,
}

fn is_everyones(call: &Call) -> bool {
    call.known.declaration.cache.scope == Scope::Everyone
}

/// The pieces for all holes, if they are kept and the same for everyone.
fn all_at_hand(edge: &Edge, holes: &Holes) -> Option<Vec<Arc<Piece>>> {
    let piece = |call: &Call| {
        let key = Key { call: call.digest, whom: Whom::Everyone };
        is_everyones(call).then(|| edge.pieces().fresh(&key)).flatten()
    };
    holes.iter().map(|hole| piece(&hole.call)).collect()
}

fn whole(
    page: &Spread<'_>,
    file: &File,
    pieces: &[Arc<Piece>],
    mut headers: HeaderMap,
    head: &Head,
) -> Result<Response<Body>, NotAnswered> {
    let mut named = file.object.bytes().to_vec();
    pieces.iter().for_each(|piece| named.extend_from_slice(piece.digest.bytes()));
    let coding = if page.squeezed.is_some() { "-gzip" } else { "" };
    let tag = format!("\"{}{coding}\"", Digest::of(&named).tag());
    if condition::fails_match(&head.headers, &tag) {
        return Err(NotAnswered::Refused(Refusal::PreconditionFailed));
    }
    headers.insert(CACHE_CONTROL, REVALIDATE);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, value);
    }
    if condition::none_matches(&head.headers, &tag) {
        return Ok(files::not_modified(&headers));
    }
    let length: usize = pieces.iter().map(|piece| piece.html.len()).sum();
    let mut document = Vec::with_capacity(page.bytes.len() + length);
    let mut pieces = pieces.iter();
    match &page.squeezed {
        None => {
            for before in page.holes.around(page.bytes) {
                document.extend_from_slice(&before);
                pieces.next().into_iter().for_each(|piece| document.extend_from_slice(&piece.html));
            }
        }
        Some(squeezed) => {
            let mut gzip = Gzip::default();
            for before in &squeezed.0 {
                document.extend_from_slice(&gzip.piece(before));
                pieces.next().into_iter().for_each(|piece| document.extend_from_slice(&gzip.stored(&piece.html)));
            }
            document.extend_from_slice(&gzip.end());
        }
    }
    headers.insert(CONTENT_LENGTH, document.len().into());
    let is_head = head.method == Method::HEAD;
    let mut response = Response::new(if is_head { Body::Empty } else { Body::from(Bytes::from(document)) });
    *response.headers_mut() = headers;
    Ok(response)
}

/// The page in parts; the fragments among them have been begun, all at once.
fn parts(edge: &Edge, release: &Arc<LiveRelease>, page: &Spread<'_>, (head, peer): (&Head, Peer)) -> Parts {
    if head.method == Method::HEAD {
        // A stream all the same: how long it would be is not known, and must not be said.
        return Parts { left: VecDeque::new(), gzip: None };
    }
    let begun = Instant::now();
    let mut around: VecDeque<Part> = match &page.squeezed {
        None => page.holes.around(page.bytes).into_iter().map(Part::Ready).collect(),
        Some(squeezed) => (0..squeezed.0.len()).map(Part::Squeezed).collect(),
    };
    let (mut left, mut for_everyone, mut for_reader) = (VecDeque::new(), Vec::new(), Vec::new());
    for hole in page.holes.iter() {
        left.extend(around.pop_front());
        let (sender, coming) = oneshot::channel();
        left.push_back(Part::Coming(coming, cut(page.bytes, hole.fallback.clone())));
        let begin = if is_everyones(&hole.call) { &mut for_everyone } else { &mut for_reader };
        begin.push((hole.call.clone(), sender));
    }
    left.append(&mut around);
    let order = |call| Order { edge: edge.clone(), release: release.clone(), call, reader: None };
    for (call, sender) in for_everyone {
        tokio::spawn(send(order(call), sender, begun));
    }
    if !for_reader.is_empty() {
        let orders: Vec<_> = for_reader.into_iter().map(|(call, sender)| (order(call), sender)).collect();
        let (edge, head) = (edge.clone(), session::Head::of(head, peer));
        tokio::spawn(async move {
            // Once for all of them. Whoever cannot be known is not taken for a visitor.
            let Ok(reader) = session::Reader::of(&edge, &head).await.map(Arc::new) else { return };
            for (order, sender) in orders {
                tokio::spawn(send(Order { reader: Some(reader.clone()), ..order }, sender, begun));
            }
        });
    }
    Parts { left, gzip: page.squeezed.clone().map(|squeezed| (squeezed, Gzip::default())) }
}

async fn send(order: Order, sender: oneshot::Sender<Arc<Piece>>, begun: Instant) {
    let call = order.call.clone();
    match order.piece(begun).await {
        // Nobody may wait any longer.
        Ok(piece) => drop(sender.send(piece)),
        // It was told when the pause began; and a fallback for visitors is no fault.
        Err(NotRendered::Paused | NotRendered::NotForThem) => {}
        Err(error) => tracing::warn!(fragment = call.known.name, %error, "a fallback stands"),
    }
}

/// The watcher's script goes before the end of the body, behind the last fragment.
fn splice_script(parts: &mut VecDeque<Part>) {
    if let Some(Part::Ready(last)) = parts.back_mut() {
        *last = files::with_script(last).into();
    }
}
