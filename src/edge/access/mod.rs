//! Access: who gets the whole of a page that is not for everybody, and what the others get.
//!
//! | who asks                                   | gets                                            |
//! |---|---|
//! | somebody for whom the page is              | the whole page                                  |
//! | who has some of them free (`meter`)        | the whole page, which is counted                |
//! | anybody else                               | the open page at the same path                  |
//! | who has a signed link (`preview`)          | the whole page                                  |
//! | anybody else, for a file beside the page   | what is said of a path that is not there (404)  |
//!
//! Each of these answers is `private, no-store` and varies by the cookie: which one it is says who
//! asked. Everything that is asked of a page (a range, a head, whether it has changed) is asked of
//! the one that this reader gets, so the tag and the length of the other are told to nobody.

mod feed;
mod meter;
mod preview;

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, COOKIE, HeaderName, HeaderValue, REFERRER_POLICY, SET_COOKIE, VARY};
use hyper::http::request::Parts;

use super::headers::PRIVATE;
use super::live_release::{File, LiveRelease, Restricted};
use super::node::Edge;
use super::room::Peer;
use super::session::{self, Cookie};
use crate::site::audience::Audience;
use crate::site::meter::SearchEngines;

pub(super) use feed::routes;
pub(super) use meter::{merge as merge_meter, shown as meter_shown};

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// What a reader gets.
pub(super) struct Given<'r> {
    /// Nothing, when there is nothing at the path for them.
    pub(super) file: Option<&'r File>,
    /// Whether it is what is for everybody.
    is_open: bool,
    /// The head of the request, if it is read as another one than it came: with the cookie.
    pub(super) parts: Option<Box<Parts>>,
    cookies: Vec<HeaderValue>,
    /// Whether a link shows it to somebody whom it is not for.
    is_preview: bool,
}

/// What the reader who has sent `parts` gets at `path`, where `restricted` stands.
pub(super) async fn given<'r>(
    edge: &Edge,
    release: &'r LiveRelease,
    path: &str,
    restricted: &'r Restricted,
    (parts, peer): (&Parts, Peer),
) -> Given<'r> {
    let open =
        || Given { file: release.file(path), is_open: true, parts: None, cookies: Vec::new(), is_preview: false };
    let whole = || Given { file: Some(&restricted.file), is_open: false, ..open() };
    if let Some(token) = preview::shown_by(edge, path, restricted, parts).await {
        let cookies = if restricted.page.is_none() { vec![preview::cookie(path, &token)] } else { Vec::new() };
        return Given { cookies, is_preview: true, ..whole() };
    }
    // Whoever cannot be known gets what is for everybody.
    let Ok(reader) = session::Reader::of(edge, &session::Head::of(parts, peer)).await else { return open() };
    if restricted.audience.admits(&reader.standing()) {
        return whole();
    }
    if restricted.audience != Audience::Metered {
        return open();
    }
    let meter::Counted { is_free, cookie } = meter::count(edge, release, (path, restricted), &reader, parts).await;
    if !is_free {
        return open();
    }
    // What the page shows of the meter is to count this read, too.
    let counted = cookie.as_ref().map(|cookie| {
        let mut parts = parts.clone();
        parts.headers.append(COOKIE, cookie.sent());
        Box::new(parts)
    });
    let cookies = cookie.iter().map(Cookie::header).collect();
    Given { parts: counted, cookies, ..whole() }
}

impl Given<'_> {
    /// Says in the headers of its answer that it is one reader's.
    pub(super) fn mark(&self, release: &LiveRelease, headers: &mut HeaderMap) {
        if self.is_open {
            mark_open(release, headers)
        } else {
            mark_private(headers)
        }
        for cookie in &self.cookies {
            headers.append(SET_COOKIE, cookie.clone());
        }
        if self.is_preview {
            // The token stands in the address.
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
        }
    }
}

/// Whether who asks can be nobody but a visitor, so that the open page is theirs at once.
pub(super) fn open_at_once(release: &LiveRelease, path: &str, headers: &HeaderMap, query: Option<&str>) -> bool {
    let is_visitor = !headers.contains_key(COOKIE) && query.is_none();
    is_visitor && release.restricted(path).is_some_and(|restricted| restricted.audience != Audience::Metered)
}

/// Says that an answer is the open page.
pub(super) fn mark_open(release: &LiveRelease, headers: &mut HeaderMap) {
    mark_private(headers);
    if release.site.edge.meter.search_engines == SearchEngines::None {
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
}

fn mark_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, PRIVATE);
    headers.append(VARY, HeaderValue::from_static("cookie"));
}
