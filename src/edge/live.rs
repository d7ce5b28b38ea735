//! Live reload: tells open pages what the build has done. Only `watch` has it.
//!
//! | route              | does                                          |
//! |---|---|
//! | `GET /_/events`    | streams the events, the last one first (SSE)  |
//! | `GET /_/watch.js`  | the script that listens to them               |
//!
//! The events and the script are the watcher's; this room only carries them. Without a
//! channel in the options there is no such route.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{BroadcastStream, WatchStream};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply, sse};

use super::node::Edge;
use super::room::{self, Response};

/// How many events a slow page may be behind before it misses some; each tells the whole
/// state, so the last one is enough.
const BACKLOG: usize = 16;
/// How often a comment is sent when there is nothing to say, so that nobody in between
/// takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The path of the script, spliced into each page.
pub(super) const SCRIPT_TAG: &str = r#"<script src="/_/watch.js" defer></script>"#;

/// What the build has to say to open pages.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveEvent {
    /// The name of the event, as the script listens for it.
    pub name: &'static str,
    /// Whatever the script needs.
    pub data: serde_json::Value,
}

/// The way from the watcher to open pages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveChannel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<LiveEvent>,
    /// A page that connects after a failed build must hear of the failure.
    last: Mutex<Option<LiveEvent>>,
    script: &'static str,
}

impl LiveChannel {
    /// A channel whose pages run `script`.
    pub fn new(script: &'static str) -> Self {
        Self(Arc::new(Inner { sender: broadcast::Sender::new(BACKLOG), last: Mutex::default(), script }))
    }

    /// Tells all open pages, and those that open before the next event.
    pub fn send(&self, event: LiveEvent) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(event.clone());
        // No page is open: nobody to tell.
        let _ = self.0.sender.send(event);
    }

    fn subscribe(&self) -> (Option<LiveEvent>, broadcast::Receiver<LiveEvent>) {
        // Under the lock, so that an event is either the last one or received.
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        (last.clone(), self.0.sender.subscribe())
    }
}

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let live = room::with(edge).and_then(|edge: Edge| async move {
        match edge.options().live.clone() {
            Some(channel) => Ok((edge, channel)),
            None => Err(warp::reject()),
        }
    });
    let events = warp::path!("_" / "events")
        .and(room::get())
        .and(live.clone())
        .map(|(edge, channel): (Edge, LiveChannel)| stream_events(&edge, &channel).into_response());
    let script = warp::path!("_" / "watch.js").and(room::get()).and(live).map(|(_, channel): (Edge, LiveChannel)| {
        warp::reply::with_header(channel.0.script, "content-type", "text/javascript; charset=utf-8").into_response()
    });
    events.or(script).unify().boxed()
}

/// Ends when the edge closes: an endless answer would otherwise hold up every restart for
/// the whole grace period.
fn stream_events(edge: &Edge, channel: &LiveChannel) -> impl Reply + use<> {
    enum Step {
        Event(LiveEvent),
        Close,
    }
    let (last, receiver) = channel.subscribe();
    let coming = BroadcastStream::new(receiver).filter_map(Result::ok);
    let closing = WatchStream::new(edge.closing()).filter(|closing| *closing).map(|_| Step::Close);
    let steps = tokio_stream::iter(last).chain(coming).map(Step::Event).merge(closing);
    let frames = steps.map_while(|step| match step {
        Step::Event(event) => {
            Some(Ok::<_, Infallible>(sse::Event::default().event(event.name).data(event.data.to_string())))
        }
        Step::Close => None,
    });
    sse::reply(sse::keep_alive().interval(KEEP_ALIVE).stream(frames))
}
