//! One connection's requests: what a static hit takes at once, what the rest takes, and a
//! panic's end.
//!
//! [`ROOMS`] is the one list of rooms. A new one is a line there.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::body::Body;
use super::connection::Heads;
use super::node::Edge;
use super::room::{self, Peer, Room};
use super::{
    access, account, admin, api, comment, data_page, form, fragment, health, history, listing, live, newsletter,
    notification, preferences, reading, respond, search,
};

/// Every room of the edge. Their paths do not overlap: a data page may not claim what another room
/// answers. So the order is that of the alphabet.
const ROOMS: &[Room] = &[
    access::routes,
    account::routes,
    admin::routes,
    api::routes,
    comment::routes,
    data_page::routes,
    form::routes,
    fragment::routes,
    health::routes,
    history::routes,
    listing::routes,
    live::routes,
    newsletter::routes,
    notification::routes,
    preferences::routes,
    reading::routes,
    search::routes,
];

fn rooms(edge: &Edge) -> BoxedFilter<(room::Response,)> {
    ROOMS
        .iter()
        .chain(&edge.options().rooms)
        .fold(room::nothing(), |before, room| before.or(room(edge.clone())).unify().boxed())
        .recover(respond::rejected)
        .unify()
        .boxed()
}

/// The rooms, as one service that takes a request whose body has been read. Boxed, because
/// warp does not name the type of its services.
#[derive(Clone)]
pub(super) struct Rooms(Arc<dyn Fn(Request<Full<Bytes>>) -> Routing + Send + Sync>);

type Routing = Pin<Box<dyn Future<Output = Result<room::Response, Infallible>> + Send>>;

impl Rooms {
    pub(super) fn of(edge: &Edge) -> Self {
        let service = TowerToHyperService::new(warp::service(rooms(edge)));
        Self(Arc::new(move |request| Box::pin(hyper::service::Service::call(&service, request))))
    }

    pub(super) async fn answer(&self, request: Request<Full<Bytes>>) -> room::Response {
        match (self.0)(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// The service of one connection.
pub(super) struct Service {
    edge: Edge,
    rooms: Rooms,
    peer: Peer,
    heads: Arc<Heads>,
}

impl Service {
    pub(super) fn new(edge: Edge, rooms: Rooms, peer: SocketAddr, heads: Arc<Heads>) -> Self {
        Self { edge, rooms, peer: Peer(peer), heads }
    }
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.heads.count();
        let at_once = catch_unwind(AssertUnwindSafe(|| respond::at_once(&self.edge, &request)));
        match at_once {
            Ok(Some(response)) => Answering::Done(Some(response)),
            Ok(None) => {
                let (edge, rooms, peer) = (self.edge.clone(), self.rooms.clone(), self.peer);
                let in_flight = self.heads.answering();
                Answering::Slow(Box::pin(async move {
                    let response = respond::in_full(edge, rooms, peer, request).await;
                    drop(in_flight);
                    response
                }))
            }
            Err(_) => Answering::Done(Some(respond::after_a_panic())),
        }
    }
}

/// The answer to one request.
#[allow(clippy::large_enum_variant, reason = "the large one is the usual one, and must not allocate")]
pub(super) enum Answering {
    /// A static hit. Not boxed: hyper keeps one place for the future of each connection.
    Done(Option<Response<Body>>),
    /// Something had to be waited for.
    Slow(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            Self::Slow(future) => match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(polled) => polled.map(Ok),
                Err(_) => Poll::Ready(Ok(respond::after_a_panic())),
            },
        }
    }
}
