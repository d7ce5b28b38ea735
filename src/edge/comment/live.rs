//! Tells open pages that there are new comments: server-sent events, without what they say. A
//! page that is told offers to load itself again, so that nothing is read that its reader may
//! not read.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{BroadcastStream, WatchStream};
use warp::{Reply, sse};

use super::page::Commented;
use crate::edge::crowd::Crowd;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions};

/// How many pages may listen at once, on this node; others hear it when they load again.
const MOST: usize = 2_000;
/// How often something is sent when there is nothing to say.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// When to ask again, where too many listen.
const SOON: Duration = Duration::from_secs(60);

/// How many of them one client may have open.
const EACH: usize = 16;

static LISTENING: LazyLock<Crowd> = LazyLock::new(|| Crowd::of(MOST, EACH));

enum Step {
    New,
    Close,
}

/// `GET /_/comments/live`
pub(super) async fn stream(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let page = Commented::of(&sessions, &reader, query.get("page"))?;
    let edge = sessions.edge();
    let place = LISTENING.enter(reader.client(), &edge.borrow_release().site.edge.proxies);
    let place = place.ok_or(Refusal::Unavailable(SOON))?;
    let path = page.path;
    let news = BroadcastStream::new(edge.comments_heard()).filter_map(Result::ok);
    let news = news.filter(move |news| news.is_new && news.page.as_deref() == Some(path.as_str())).map(|_| Step::New);
    let closing = WatchStream::new(edge.closing()).filter(|closing| *closing).map(|_| Step::Close);
    let frames = news.merge(closing).map_while(move |step| {
        let _held = &place;
        match step {
            Step::New => Some(Ok::<_, Infallible>(sse::Event::default().event("new").data("1"))),
            Step::Close => None,
        }
    });
    // Something at once: the page knows that it is heard.
    let begun = tokio_stream::once(Ok(sse::Event::default().comment("listening")));
    Ok(sse::reply(sse::keep_alive().interval(KEEP_ALIVE).stream(begun.chain(frames))).into_response())
}

/// `GET /_/comments.js`
pub(super) fn script() -> Response {
    let mut response = include_str!("live.js").into_response();
    let media = HeaderValue::from_static("text/javascript; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
