//! The server: accepts connections and holds each to its limits.
//!
//! Our own loop and not warp's, which never sets `TCP_NODELAY` (44 ms a request beside
//! delayed acknowledgements) and has no limits. HTTP/1 and HTTP/2 without TLS; a proxy in
//! front brings TLS.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::changes;
use super::comment;
use super::connection::{Heads, Patient};
use super::follow::follow;
use super::form;
use super::mail;
use super::newsletter;
use super::node::Edge;
use super::notification;
use super::options::Limits;
use super::service::{Rooms, Service};
use super::slots::{Slot, Slots};
use super::webhook;
use crate::store::StoreError;

/// How often what has expired in the store is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Requests that one HTTP/2 connection may have open.
const STREAMS: u32 = 128;
/// What one HTTP/2 stream may have waiting to be sent.
const STREAM_BUFFER: usize = 64 * 1024;
/// How long nothing is accepted after the system had no file or memory left for a connection.
const OUT_OF_FILES: Duration = Duration::from_millis(50);

/// A listening edge.
#[derive(Debug)]
pub struct Server {
    edge: Edge,
    listener: TcpListener,
    address: SocketAddr,
}

/// All that can wake the server.
enum Event {
    Connection(TcpStream, SocketAddr, Slot),
    /// Somebody who has all of their connections wanted another.
    TurnedAway(SocketAddr),
    Failed(io::Error),
    Shutdown,
}

impl Server {
    /// Listens at `address`; port 0 is any free one.
    pub async fn bind(edge: Edge, address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { edge, listener, address })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then lets requests in flight end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let limits = self.edge.options().limits.clone();
        let rooms = Rooms::of(&self.edge);
        let protocol = Arc::new(protocol(&limits));
        let slots = Slots::of(&limits);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        self.edge.ready_data().await;
        let follower = tokio::spawn(follow(self.edge.clone()));
        // Nobody waits for it: it is for the log.
        let prepared = tokio::spawn(form::prepare(self.edge.clone()));
        let changes = tokio::spawn(changes::follow(self.edge.clone()));
        let letters = tokio::spawn(comment::resume(self.edge.clone()));
        let sweeper = tokio::spawn(sweep(self.edge.clone()));
        // In a set, so that it ends with this server however that does.
        let mut carriers = JoinSet::new();
        carriers.spawn(webhook::carry(self.edge.clone()));
        carriers.spawn(mail::carry(self.edge.clone()));
        carriers.spawn(newsletter::feed(self.edge.clone()));
        carriers.spawn(notification::post(self.edge.clone()));
        carriers.spawn(notification::watch(self.edge.clone()));
        let bells = tokio::spawn(notification::follow(self.edge.clone()));
        tokio::pin!(shutdown);
        loop {
            let event = tokio::select! {
                biased;
                () = &mut shutdown => Event::Shutdown,
                event = accept(&self.edge, &self.listener, &slots) => event,
            };
            match event {
                Event::Connection(stream, peer, slot) => {
                    let heads = Arc::new(Heads::default());
                    let service = Service::new(self.edge.clone(), rooms.clone(), peer, Arc::clone(&heads));
                    let io = TokioIo::new(Patient::new(stream, limits.clone(), heads));
                    let (protocol, watcher) = (Arc::clone(&protocol), graceful.watcher());
                    connections.spawn(async move {
                        let _slot = slot;
                        if let Err(error) = watcher.watch(protocol.serve_connection(io, service)).await {
                            tracing::debug!(error, %peer, "a connection ended");
                        }
                    });
                    // Those that have ended: their results would be kept until asked for.
                    while connections.try_join_next().is_some() {}
                }
                Event::TurnedAway(peer) => tracing::debug!(%peer, "a client has all the connections it may have"),
                Event::Failed(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(OUT_OF_FILES).await;
                }
                Event::Shutdown => break,
            }
        }
        drop(self.listener);
        follower.abort();
        changes.abort();
        bells.abort();
        prepared.abort();
        letters.abort();
        self.edge.close();
        let latest = Instant::now() + limits.grace;
        if timeout_at(latest, graceful.shutdown()).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests in flight took too long and were cut");
        }
        connections.shutdown().await;
        let all_ended = async { while carriers.join_next().await.is_some() {} };
        if timeout_at(latest, all_ended).await.is_err() {
            tracing::warn!("what was being sent to others took too long and was cut: it is sent again later");
        }
        carriers.shutdown().await;
        sweeper.abort();
        // The last requests have been answered: what they wrote is folded into one file.
        if let Some(store) = self.edge.store() {
            store.close().await;
        }
    }
}

/// Removes what has expired, now and then, in bites.
async fn sweep(edge: Edge) {
    let store = edge.store_to_come().await;
    loop {
        match store.sweep(Timestamp::now()).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(SWEEP_EVERY).await,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "what has expired in the store could not be removed");
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        }
    }
}

/// The next connection, once there is room for one.
async fn accept(edge: &Edge, listener: &TcpListener, slots: &Slots) -> Event {
    let permit = match slots.any().await {
        Ok(permit) => permit,
        // Never closed by us.
        Err(closed) => return Event::Failed(io::Error::other(closed)),
    };
    match listener.accept().await {
        Ok((stream, peer)) => {
            let Some(slot) = slots.give(permit, peer.ip(), &edge.borrow_release().site.edge.proxies) else {
                return Event::TurnedAway(peer);
            };
            // A refused option costs time, not truth.
            let _ = stream.set_nodelay(true);
            Event::Connection(stream, peer, slot)
        }
        Err(error) => Event::Failed(error),
    }
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Time is kept by `Patient`. More than 100 headers are refused by default; to say so
    // costs an allocation a request. hyper refuses a buffer below 8 KiB by a panic.
    builder.http1().header_read_timeout(None).max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(STREAM_BUFFER);
    builder
}
