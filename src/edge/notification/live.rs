//! Telling open pages how many notifications are unread.
//!
//! A page that listens is one task with a short way to its connection. It asks the store when
//! its member was told something, and when they have read something, and for nothing else. It
//! ends when the edge does, and after a while in any case: the page comes back, and is looked at
//! as any request is, so a session that was ended hears no more.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::header::{CACHE_CONTROL, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use serde_json::json;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use warp::{Reply, sse};

use super::{Notices, in_words};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions};
use crate::store::{MemberId, Store, StoreError};

/// How many pages may listen to one edge.
const LISTENERS: usize = 2_000;
/// How many of one member.
const LISTENERS_EACH: usize = 8;
/// How long one listens before it comes back.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// When to come back, when there is no room.
const LATER: Duration = Duration::from_secs(60);
/// How often a comment is sent when there is nothing to say.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often one looks although one would hear: a connection to the store may break unheard.
const IN_ANY_CASE: Duration = Duration::from_secs(5);
/// How long one waits to listen again.
const IN_A_MOMENT: Duration = Duration::from_millis(200);
/// How far one looks back: notifications are not committed in the order of their times.
const OVERLAP: SignedDuration = SignedDuration::from_secs(30);

/// Who listens.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<FxHashMap<MemberId, usize>>);

/// A place among them, until it is dropped.
#[derive(Debug)]
struct Place {
    of: Arc<Listeners>,
    member: MemberId,
}

impl Listeners {
    fn enter(self: &Arc<Self>, member: MemberId) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.values().sum::<usize>() >= LISTENERS || all.get(&member).is_some_and(|own| *own >= LISTENERS_EACH) {
            return None;
        }
        *all.entry(member).or_default() += 1;
        Some(Place { of: Arc::clone(self), member })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.member) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.member);
            }
        }
    }
}

impl Notices {
    /// Another number of them is unread, in every window of this member.
    pub(super) fn count_differs(&self, member: MemberId) {
        // Perhaps nobody listens.
        let _ = self.new.send(Arc::from([member]));
    }
}

/// `GET /_/notifications/live`
pub(super) async fn listen(sessions: Sessions, reader: Reader, _: Query) -> Result<Response, Refusal> {
    let member = reader.member().ok_or(Refusal::Unauthorized)?.id;
    let notices = sessions.edge().notices();
    let place = notices.listeners.enter(member).ok_or(Refusal::TooMany(LATER))?;
    let (told, counts) = mpsc::channel(1);
    // Before the first question, so that nothing falls between.
    let new = notices.new.subscribe();
    tokio::spawn(tell(sessions.edge().clone(), sessions.store().clone(), member, new, told, place));
    let frames = ReceiverStream::new(counts).map(|unread| {
        let data = json!({ "unread": unread, "words": in_words(unread) });
        Ok::<_, Infallible>(sse::Event::default().event("unread").data(data.to_string()))
    });
    let mut response = sse::reply(sse::keep_alive().interval(KEEP_ALIVE).stream(frames)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Tells one page, for as long as it listens.
async fn tell(
    edge: Edge,
    store: Store,
    member: MemberId,
    mut new: broadcast::Receiver<Arc<[MemberId]>>,
    told: mpsc::Sender<i64>,
    _place: Place,
) {
    let mut closing = edge.closing();
    let end = Instant::now() + LIFE;
    let mut last = None;
    loop {
        match store.unread_notices(member).await {
            Ok(unread) if last == Some(unread) => {}
            Ok(unread) => {
                last = Some(unread);
                if told.send(unread).await.is_err() {
                    return;
                }
            }
            Err(error) => return tracing::warn!(%error, "a page cannot be told of notifications"),
        }
        loop {
            tokio::select! {
                biased;
                _ = closing.wait_for(|is_closing| *is_closing) => return,
                () = told.closed() => return,
                () = sleep_until(end) => return,
                heard = new.recv() => match heard {
                    Ok(members) if members.contains(&member) => break,
                    Ok(_) => {}
                    // Some were missed: perhaps they were this member's.
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    }
}

/// Finds out who was told something, here or elsewhere, and tells those who listen; for ever.
pub(in crate::edge) async fn follow(edge: Edge) {
    let store = edge.store_to_come().await;
    if edge.accounts().is_none() {
        return;
    }
    let notices = edge.notices();
    let mut told = notices.told.subscribe();
    let mut hearing: Option<mpsc::Receiver<()>> = None;
    let mut since = Timestamp::now();
    loop {
        if hearing.is_none() {
            hearing = store.hear_of_notices().await.unwrap_or_default();
        }
        told.mark_unchanged();
        let now = Timestamp::now();
        // Nobody listens: nothing is asked.
        if notices.new.receiver_count() > 0 {
            match store.notified_since(since).await {
                Ok(found) if found.is_empty() => {}
                // Who was told in the last half minute may be named twice, and asks twice.
                Ok(found) => drop(notices.new.send(found.into())),
                Err(StoreError::Closed) => return,
                Err(error) => tracing::warn!(%error, "it could not be found out who was told something"),
            }
        }
        since = now.saturating_sub(OVERLAP).unwrap_or(now);
        tokio::select! {
            _ = told.changed() => {}
            () = tokio::time::sleep(IN_ANY_CASE.min(edge.options().deliveries.look_every)) => {}
            Some(heard) = async { Some(hearing.as_mut()?.recv().await) } => {
                if heard.is_none() {
                    hearing = None;
                    // A server that goes away takes a moment to come back.
                    tokio::time::sleep(IN_A_MOMENT).await;
                }
            }
        }
    }
}
