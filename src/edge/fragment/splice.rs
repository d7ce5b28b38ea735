//! Splicing: a page as its pieces, shared with the cache, and what comes between them.
//!
//! The build has said where each fragment is. Nothing is parsed here, and no byte of the
//! page is copied unless all of it is in hand.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Frame;
use rustc_hash::FxBuildHasher;
use tokio::sync::oneshot;

use super::call::Call;
use super::kept::Piece;
use super::squeeze::{Gzip, Squeezed};

/// A fragment in a page.
#[derive(Debug)]
pub(super) struct Hole {
    /// What goes when the fragment comes.
    pub(super) element: Range<usize>,
    /// What stays of it otherwise.
    pub(super) fallback: Range<usize>,
    pub(super) call: Arc<Call>,
}

/// The fragments of one page, in order of place.
#[derive(Debug)]
pub(in crate::edge) struct Holes(Box<[Hole]>);

impl Holes {
    /// `None` when one of them is not within the `length` of the page, or within another.
    pub(super) fn of(holes: Vec<Hole>, length: u64) -> Option<Self> {
        let mut at = 0;
        for Hole { element, fallback, .. } in &holes {
            let is_in_order = at <= element.start
                && element.start <= fallback.start
                && fallback.start <= fallback.end
                && fallback.end <= element.end;
            if !is_in_order {
                return None;
            }
            at = element.end;
        }
        (at as u64 <= length).then(|| Self(holes.into()))
    }

    /// All of them.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Hole> {
        self.0.iter()
    }

    /// Whether one of them is the fragment `name`.
    pub(in crate::edge) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|hole| hole.call.known.name == name)
    }

    /// Tells the places of these from those of others in a page with the same bytes.
    pub(super) fn tag(&self) -> u64 {
        let places = self.0.iter().map(|hole| (hole.element.start, hole.element.end));
        FxBuildHasher.hash_one(places.collect::<Vec<_>>())
    }

    /// The same in a page that has more in it. `further` says how far what is at an offset has
    /// moved: with what was put there before it, or without.
    pub(in crate::edge) fn moved(&self, further: impl Fn(usize, Put) -> usize) -> Self {
        let moved = |hole: &Hole| {
            let (element, fallback) = (&hole.element, &hole.fallback);
            let inside = |at: usize| at + further(at, Put::After);
            Hole {
                element: element.start + further(element.start, Put::Before)..inside(element.end),
                fallback: inside(fallback.start)..inside(fallback.end),
                call: hole.call.clone(),
            }
        };
        Self(self.0.iter().map(moved).collect())
    }

    /// The pieces of `page` around its fragments: one more than there are fragments.
    pub(super) fn around(&self, page: &Bytes) -> Vec<Bytes> {
        let mut at = 0;
        let mut pieces = Vec::with_capacity(self.0.len() + 1);
        for hole in &self.0 {
            pieces.push(cut(page, at..hole.element.start));
            at = hole.element.end;
        }
        pieces.push(cut(page, at..page.len()));
        pieces
    }
}

/// On which side of an offset something is that was put just there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum Put {
    Before,
    After,
}

/// `page[range]`; nothing of it where the page is shorter than its release says.
pub(super) fn cut(page: &Bytes, range: Range<usize>) -> Bytes {
    let end = range.end.min(page.len());
    page.slice(range.start.min(end)..end)
}

/// A fragment on its way: nothing when it does not come.
pub(super) type Coming = oneshot::Receiver<Arc<Piece>>;

/// A part of a page.
#[derive(Debug)]
pub(super) enum Part {
    /// Bytes of the page.
    Ready(Bytes),
    /// The same in gzip: which of the squeezed pieces.
    Squeezed(usize),
    /// A fragment, with what stands there otherwise.
    Coming(Coming, Bytes),
}

/// A page as it is sent, part by part.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) left: VecDeque<Part>,
    /// As gzip, in which its bytes are already; none when they are as they are, or all sent.
    pub(super) gzip: Option<(Arc<Squeezed>, Gzip)>,
}

impl Parts {
    /// What has come, as it is sent.
    fn encoded(&mut self, bytes: Bytes) -> Bytes {
        match &mut self.gzip {
            Some((_, gzip)) => gzip.stored(&bytes).into(),
            None => bytes,
        }
    }
}

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let parts = self.get_mut();
        while let Some(part) = parts.left.front_mut() {
            let bytes = match part {
                Part::Ready(bytes) => std::mem::take(bytes),
                Part::Squeezed(number) => {
                    let number = *number;
                    parts.gzip.as_mut().and_then(|(all, gzip)| Some(gzip.piece(all.0.get(number)?))).unwrap_or_default()
                }
                Part::Coming(coming, fallback) => {
                    let html = match Pin::new(coming).poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(piece)) => piece.html.clone(),
                        Poll::Ready(Err(_)) => std::mem::take(fallback),
                    };
                    parts.encoded(html)
                }
            };
            parts.left.pop_front();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        Poll::Ready(parts.gzip.take().map(|(_, gzip)| Ok(Frame::data(gzip.end().into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.gzip.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::super::kept::Reads;
    use super::*;
    use crate::edge::fragment::call::Fragments;
    use crate::site::digest::Digest;
    use crate::site::fragment::Declaration;
    use crate::site::release::BuildId;

    fn call() -> Arc<Call> {
        let mut fragments = Fragments::default();
        fragments.add("fragments/tide", Declaration::default());
        Arc::new(Call::of(BuildId::of(b""), fragments.get("tide").unwrap(), []).unwrap())
    }

    fn hole(element: Range<usize>, fallback: Range<usize>) -> Hole {
        Hole { element, fallback, call: call() }
    }

    #[test]
    fn holes_in_each_other_or_outside_the_page_are_refused() {
        let refused = |holes: Vec<Hole>| Holes::of(holes, 10).is_none();
        assert!(refused(vec![hole(0..5, 1..2), hole(4..9, 5..6)]));
        assert!(refused(vec![hole(0..11, 1..2)]));
        assert!(refused(vec![hole(3..5, 2..4)]));
        assert!(refused(vec![hole(3..5, 4..6)]));
        assert!(!refused(vec![hole(0..5, 1..1), hole(5..10, 5..10)]));
    }

    proptest! {
        #[test]
        fn a_spliced_page_is_its_pieces_and_what_came_between_them(
            parts in proptest::collection::vec(
                ("[a-zé]{0,9}", "[<a]{0,4}", "[a-zé]{0,9}", proptest::option::of("[A-Z]{0,9}")), 0..6),
            end in "[a-zé]{0,9}",
        ) {
            let (mut page, mut holes, mut expected) = (String::new(), Vec::new(), String::new());
            for (before, tag, fallback, came) in &parts {
                page.push_str(before);
                let start = page.len();
                page.push_str(tag);
                let from = page.len();
                page.push_str(fallback);
                let to = page.len();
                page.push_str(tag);
                holes.push(hole(start..page.len(), from..to));
                expected.push_str(before);
                expected.push_str(came.as_ref().unwrap_or(fallback));
            }
            page.push_str(&end);
            expected.push_str(&end);
            let page = Bytes::from(page);
            let holes = Holes::of(holes, page.len() as u64).unwrap();
            let mut sent = VecDeque::new();
            let mut around = holes.around(&page).into_iter();
            for (hole, (.., came)) in holes.iter().zip(&parts) {
                sent.extend(around.next().map(Part::Ready));
                let (sender, coming) = oneshot::channel();
                if let Some(came) = came {
                    let html = Bytes::from(came.clone());
                    sender.send(Arc::new(Piece::new(html, Reads::default()))).unwrap();
                }
                sent.push_back(Part::Coming(coming, cut(&page, hole.fallback.clone())));
            }
            sent.extend(around.map(Part::Ready));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let whole = runtime.block_on(Parts { left: sent, gzip: None }.collect()).unwrap().to_bytes();
            prop_assert_eq!(Digest::of(&whole), Digest::of(expected.as_bytes()));
        }
    }
}
