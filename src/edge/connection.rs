//! One connection's patience: when nothing comes, or too slowly, it is closed.
//!
//! hyper's own time-out for a request's head covers neither a client that sends nothing nor
//! half an HTTP/2 preface, and costs a timer a request. So the time is kept here, around the
//! socket, with one timer a connection that is only looked at when there is nothing to do:
//!
//! - a head must be whole in `Limits::head` from its first byte (the first one: from the
//!   connection), however it trickles;
//! - between two bytes read or written at most `Limits::idle` may pass, so a reader that
//!   stops reading is let go as well.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::options::Limits;

/// What the service of a connection knows and its socket must: the service counts, the
/// socket looks.
#[derive(Debug, Default)]
pub(super) struct Heads {
    whole: AtomicU32,
    /// Requests being answered: bytes that arrive meanwhile may be a body, which has a
    /// time limit of its own.
    answering: AtomicU32,
}

impl Heads {
    /// A request has arrived.
    pub(super) fn count(&self) {
        self.whole.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is being answered, until the guard is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> InFlight {
        self.answering.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Heads>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket with little patience.
#[derive(Debug)]
pub(super) struct Patient {
    stream: TcpStream,
    limits: Limits,
    heads: Arc<Heads>,
    heads_seen: u32,
    /// Since when a head is coming in; `None` when none is.
    head_since: Option<Instant>,
    last_byte: Instant,
    /// HTTP/2 sends bytes that belong to no head (window updates, pings) at any time.
    is_http2: bool,
    timer: Pin<Box<Sleep>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, limits: Limits, heads: Arc<Heads>) -> Self {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now + limits.head));
        Self { stream, limits, heads, heads_seen: 0, head_since: Some(now), last_byte: now, is_http2: false, timer }
    }

    fn heard(&mut self, bytes: &[u8]) {
        self.last_byte = Instant::now();
        self.is_http2 |= self.heads_seen == 0 && bytes.starts_with(b"PRI ");
        self.look_at_heads();
        if self.head_since.is_none() && !self.is_http2 && !self.is_answering() {
            self.head_since = Some(self.last_byte);
        }
    }

    fn said(&mut self) {
        self.last_byte = Instant::now();
        self.head_since = None;
    }

    fn is_answering(&self) -> bool {
        self.heads.answering.load(Ordering::Relaxed) > 0
    }

    fn look_at_heads(&mut self) {
        let heads = self.heads.whole.load(Ordering::Relaxed);
        if heads != self.heads_seen || self.is_answering() {
            self.heads_seen = heads;
            self.head_since = None;
        }
    }

    /// Called when there is nothing to do. Ready with an error when patience has ended.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.look_at_heads();
        let idle = self.last_byte + self.limits.idle;
        let deadline = self.head_since.map_or(idle, |since| idle.min(since + self.limits.head));
        // The timer may be early, never late: it is moved when it must be sooner, or has rung.
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return this.wait(cx).map(Err);
        }
        if buffer.filled().len() > before {
            this.heard(&buffer.filled()[before..]);
        }
        read
    }
}

impl Patient {
    fn after_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.wait(cx).map(Err);
        }
        self.said();
        written
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.after_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
