//! A receiver of webhooks: a real server that answers as it is told to, and shows what came.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::support::PATIENCE;

/// How one message is answered.
pub enum Reply {
    /// At once, with this status, these headers and this body.
    Now(u16, Vec<(&'static str, String)>, String),
    /// Taken, when the test says so; never, when it drops the other end.
    When(oneshot::Receiver<()>),
    /// Never: the connection stays open.
    Never,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Now(status, Vec::new(), String::new())
    }
}

/// A message as it came.
#[derive(Debug)]
pub struct Message {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Receiver {
    pub address: SocketAddr,
    is_encrypted: bool,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    messages: mpsc::UnboundedReceiver<Message>,
    // Ends with it, connections too.
    _running: JoinSet<()>,
}

impl Receiver {
    /// On a port that the system chooses. Takes everything, unless it is told otherwise.
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// The same, encrypted.
    pub async fn over_tls(acceptor: TlsAcceptor) -> Self {
        Self::listening("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await
    }

    pub async fn at(address: SocketAddr) -> Self {
        Self::listening(address, None).await
    }

    async fn listening(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let is_encrypted = tls.is_some();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::default();
        let (sender, messages) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        running.spawn(accept(listener, tls, replies.clone(), sender));
        Self { address, is_encrypted, replies, messages, _running: running }
    }

    pub fn url(&self) -> String {
        match self.is_encrypted {
            true => format!("https://localhost:{}/hooks/littoral", self.address.port()),
            false => format!("http://{}/hooks/littoral?from=tides", self.address),
        }
    }

    /// The next messages are answered so; those behind them are taken.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    /// The next message.
    pub async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.messages.recv()).await.expect("a message must come").unwrap()
    }

    /// A message that has come already.
    pub fn has_come(&mut self) -> Option<Message> {
        self.messages.try_recv().ok()
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    sender: mpsc::UnboundedSender<Message>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, replies, sender) = (tls.clone(), replies.clone(), sender.clone());
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, replies.clone(), sender.clone()));
            let builder = auto::Builder::new(TokioExecutor::new());
            match tls {
                // Who does not believe who we are goes away.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                    }
                }
                None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    sender: mpsc::UnboundedSender<Message>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A sender that was killed in the middle.
    let Ok(body) = body.collect().await else { return Ok(Response::default()) };
    let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let reply = replies.lock().unwrap().pop_front();
    let _ = sender.send(Message { method: head.method, path, headers: head.headers, body });
    let (status, headers, body) = match reply.unwrap_or_else(|| Reply::status(204)) {
        Reply::Now(status, headers, body) => (status, headers, body),
        Reply::When(told) => match told.await {
            Ok(()) => (200, Vec::new(), String::new()),
            Err(_) => std::future::pending().await,
        },
        Reply::Never => std::future::pending().await,
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
}
