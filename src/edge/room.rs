//! What every room is made with.
//!
//! A room is a module with `pub fn routes(edge: Edge) -> BoxedFilter<(Response,)>`,
//! named in [`service::rooms`](super::service). Its routes take their method from [`get`]
//! and [`post`] of this module, not of warp: these remember what the path allows, so that
//! 405 and OPTIONS are answered with a whole `Allow` by `respond`. A handler returns
//! `Result<impl Reply, Refusal>`, brought to a [`Response`] by [`answer`]:
//!
//! ```text
//! warp::path!("search").and(room::get()).and(room::with(edge)).and(warp::query())
//!     .then(search).map(room::answer).boxed()
//! ```
//!
//! The body has been read, within its limits, before a room sees the request:
//! `warp::body::form()` and `warp::body::json()` wait for nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use hyper::{Method, Uri};
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use super::node::Edge;
use super::refusal::Refusal;

/// What a room answers. [`Page`](super::Page) and [`Refusal`] are carried in it as they
/// are, and made into HTML by `respond`, which knows the release.
pub type Response = warp::reply::Response;

/// The routes of a room. What is not theirs they reject, as [`warp::reject()`] does.
pub type Room = fn(Edge) -> BoxedFilter<(Response,)>;

/// The address at the other end of the connection: the client, or the last proxy.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Gives each handler its edge.
pub fn with(edge: Edge) -> impl Filter<Extract = (Edge,), Error = Infallible> + Clone {
    warp::any().map(move || edge.clone())
}

/// Gives what is asked for, path and query.
pub fn uri() -> impl Filter<Extract = (Uri,), Error = Rejection> + Copy {
    warp::ext::get::<Uri>()
}

/// Gives the address of the peer.
pub fn peer() -> impl Filter<Extract = (Peer,), Error = Rejection> + Copy {
    warp::ext::get::<Peer>()
}

/// GET and HEAD.
pub fn get() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    method(Allowed::GET)
}

/// POST.
pub fn post() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    method(Allowed::POST)
}

/// No route at all: a room that this site does not have.
pub(super) fn nothing() -> BoxedFilter<(Response,)> {
    warp::any().and_then(|| async { Err::<Response, _>(warp::reject()) }).boxed()
}

/// What a handler returns, as a response.
pub fn answer<R: Reply>(result: Result<R, Refusal>) -> Response {
    match result {
        Ok(reply) => reply.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The methods of the routes that a path has led to, as bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(Arc<AtomicU8>);

impl Allowed {
    const GET: u8 = 1;
    const POST: u8 = 2;

    /// The value of `Allow`, unless the path has led to no route.
    pub(super) fn header(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Relaxed) {
            Self::GET => Some("GET, HEAD, OPTIONS"),
            Self::POST => Some("POST, OPTIONS"),
            0 => None,
            _ => Some("GET, HEAD, POST, OPTIONS"),
        }
    }
}

fn method(wanted: u8) -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::method()
        .and(warp::ext::get::<Allowed>())
        .and_then(move |method: Method, allowed: Allowed| async move {
            allowed.0.fetch_or(wanted, Ordering::Relaxed);
            let bit = match method {
                Method::GET | Method::HEAD => Allowed::GET,
                Method::POST => Allowed::POST,
                _ => 0,
            };
            if bit == wanted { Ok(()) } else { Err(warp::reject()) }
        })
        .untuple_one()
}
