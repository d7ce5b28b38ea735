//! Notifications: what a member is told, in the site and by mail.
//!
//! | route                         | does                                                   |
//! |---|---|
//! | `GET /notifications`          | lists them, the newest first                           |
//! | `POST /notifications/read`    | notes that one was read, or all that are shown         |
//! | `GET /notifications/off`      | asks whether letters of a kind shall end               |
//! | `POST /notifications/off`     | ends them (also RFC 8058: one click, no cookie)        |
//! | `GET, POST /account/letters`  | which letters a member gets, the newsletter among them |
//! | `GET /_/notifications/live`   | how many are unread, told again whenever it changes (SSE) |
//!
//! Rooms tell members by `store::notification::notify`, in the transaction of what has happened,
//! and say so to the edge ([`Edge::notified`](super::node::Edge::notified)): then `live` tells
//! open pages, and `post` makes letters, both without waiting. What other nodes have done is
//! heard of (PostgreSQL), or found by looking.
//!
//! `watch` looks after the machine and the requests, and tells administrators what is wrong.

mod letters;
mod live;
mod off;
mod page;
mod post;
mod watch;

use std::sync::Arc;

use tokio::sync::{broadcast, watch as channel};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Sessions, route, visit};
use crate::store::{MemberId, NoticeKind, UNREAD_COUNTED};

pub(super) use live::follow;
pub(super) use post::post;
pub(super) use watch::{Counts, see_device, watch};

/// How many wake-ups a slow page may be behind; it then asks for the count in any case.
const BACKLOG: usize = 64;

/// What one edge knows of notifications.
#[derive(Debug)]
pub(super) struct Notices {
    /// Somebody here has told somebody something.
    told: channel::Sender<()>,
    /// Who has something new, here or elsewhere.
    new: broadcast::Sender<Arc<[MemberId]>>,
    listeners: Arc<live::Listeners>,
    /// What requests have come to.
    pub(super) counts: Counts,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            told: channel::Sender::new(()),
            new: broadcast::Sender::new(BACKLOG),
            listeners: Arc::default(),
            counts: Counts::default(),
        }
    }
}

impl Notices {
    /// Somebody was told something, and it is committed.
    pub(super) fn told(&self) {
        self.told.send_replace(());
    }
}

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let edge = sessions.edge().clone();
    let off = warp::path!("notifications" / "off");
    let letters = warp::path!("account" / "letters");
    warp::path!("notifications")
        .and(room::get())
        .and(route(s(), For::Members, page::list))
        .or(warp::path!("notifications" / "read").and(room::post()).and(route(s(), For::Members, page::read)))
        .unify()
        .or(off.and(room::get()).and(route(s(), For::Everybody, off::ask)))
        .unify()
        .or(off
            .and(room::post())
            .and(room::with(edge.clone()).and(visit(edge)))
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::headers_cloned().and(warp::body::bytes()))
            .then(off::switch_off)
            .map(room::answer))
        .unify()
        .or(letters.and(room::get()).and(route(s(), For::Members, letters::show)))
        .unify()
        .or(letters.and(room::post()).and(route(s(), For::Members, letters::choose)))
        .unify()
        .or(warp::path!("_" / "notifications" / "live").and(room::get()).and(route(s(), For::Everybody, live::listen)))
        .unify()
        .boxed()
}

/// What a kind is called, and what it is about.
fn described(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Reply => ("Replies", "Somebody has answered to you"),
        NoticeKind::Mention => ("Mentions", "Somebody has named you"),
        NoticeKind::Moderation => ("Moderation", "Something waits for you to decide"),
        NoticeKind::Account => ("Your account", "Something has changed in your account"),
        NoticeKind::Newsletter => ("Newsletter", "News of the newsletter"),
        NoticeKind::Alert => ("Alerts", "Something is wrong with the site"),
    }
}

/// A count as it is shown: beyond what is counted it is many.
pub(super) fn in_words(unread: i64) -> String {
    if unread >= UNREAD_COUNTED { format!("{}+", UNREAD_COUNTED - 1) } else { unread.to_string() }
}

/// How many a member has not read.
pub(super) async fn unread(sessions: &Sessions, member: MemberId) -> Result<i64, Refusal> {
    Ok(sessions.store().unread_notices(member).await?)
}
