//! One connection's patience: when nothing comes, or too slowly, it is closed.
//!
//! hyper's own time-out for a request's head covers neither a client that sends nothing nor
//! half an HTTP/2 preface, and costs a timer a request. So the time is kept here, around the
//! socket, with one timer a connection that is only looked at when there is nothing to do:
//!
//! - a head must be whole in `Limits::head` from its first byte (the first one: from the
//!   connection), however it trickles;
//! - at most `Limits::idle` may pass in which no request gets on, so a reader that stops
//!   reading is let go as well. In HTTP/1 each byte gets one on. In HTTP/2 only a head, and
//!   some of a body, do: pings and wider windows are no reason to stay (`frames`).

mod frames;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use self::frames::{Frames, Protocol};
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
    /// When a request got on last.
    last_gain: Instant,
    protocol: Protocol,
    /// Both directions of HTTP/2.
    read: Frames,
    written: Frames,
    timer: Pin<Box<Sleep>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, limits: Limits, heads: Arc<Heads>) -> Self {
        let now = Instant::now();
        Self {
            stream,
            timer: Box::pin(sleep_until(now + limits.head)),
            limits,
            heads,
            heads_seen: 0,
            head_since: Some(now),
            last_gain: now,
            protocol: Protocol::UNKNOWN,
            read: Frames::default(),
            written: Frames::default(),
        }
    }

    fn heard(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        let bytes = self.protocol.decide(bytes);
        if self.protocol == Protocol::Http2 {
            let passed = self.read.pass(bytes);
            if self.read.is_head_open() {
                self.head_since.get_or_insert(now);
            } else if passed.head {
                self.head_since = None;
                self.last_gain = now;
            }
            // A body for nobody gets nothing on.
            if passed.data && self.is_answering() {
                self.last_gain = now;
            }
            return;
        }
        self.last_gain = now;
        self.look_at_heads();
        if self.head_since.is_none() && !self.is_answering() {
            self.head_since = Some(now);
        }
    }

    fn said(&mut self, bytes: &[u8]) {
        if self.protocol == Protocol::Http2 {
            let passed = self.written.pass(bytes);
            if !(passed.data || passed.head) {
                return;
            }
        } else {
            self.head_since = None;
        }
        self.last_gain = Instant::now();
    }

    fn is_answering(&self) -> bool {
        self.heads.answering.load(Ordering::Relaxed) > 0
    }

    /// HTTP/1 has one head at a time. In HTTP/2 the next may come beside what is being
    /// answered, and is looked for in the frames.
    fn look_at_heads(&mut self) {
        if self.protocol == Protocol::Http2 {
            return;
        }
        let heads = self.heads.whole.load(Ordering::Relaxed);
        if heads != self.heads_seen || self.is_answering() {
            self.heads_seen = heads;
            self.head_since = None;
        }
    }

    /// Called when there is nothing to do. Ready with an error when patience has ended.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.look_at_heads();
        let idle = self.last_gain + self.limits.idle;
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
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            return self.wait(cx).map(Err);
        }
        if let Poll::Ready(Ok(mut left)) = written {
            for slice in slices {
                let length = slice.len().min(left);
                left -= length;
                self.said(&slice[..length]);
            }
        }
        written
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.after_write(cx, written, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.after_write(cx, written, slices)
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
