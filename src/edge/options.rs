//! What the one who starts an edge decides, and its limits. Every default stands here.

use std::sync::Arc;
use std::time::Duration;

use super::fragment::Source;
use super::live::LiveChannel;
use super::mail::Postage;
use super::room::Room;
use super::webhook::Deliveries;

/// How an edge runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who serves the static files.
    pub statics: Statics,
    /// Where the store is, instead of what the site's configuration says.
    pub store: Option<String>,
    /// Tells open pages what the build does; only `watch` has one.
    pub live: Option<LiveChannel>,
    /// Rooms beside the edge's own, of whoever has it in another program.
    pub rooms: Vec<Room>,
    /// Where fragments get their data from, beside the edge's own, of whoever has it in another
    /// program: the name of the fragment, and its source.
    pub fragments: Vec<(&'static str, Arc<dyn Source>)>,
    /// How often the edge looks whether there is a new release.
    pub follow_every: Duration,
    /// What one client may cost.
    pub limits: Limits,
    /// Whether tries to sign in and the like are counted, and slowed down when they are many.
    pub tries: Tries,
    /// How messages are sent to webhooks.
    pub deliveries: Deliveries,
    /// How letters are sent.
    pub postage: Postage,
    /// How often the machine and what requests have come to are looked at, for administrators. The
    /// thresholds of `edge.alerts` are for a minute.
    pub watch_every: Duration,
    /// The variables of the environment, for the secrets that the site's configuration names:
    /// the edge itself does not look.
    pub variables: fn(&str) -> Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            statics: Statics::Served,
            store: None,
            live: None,
            rooms: Vec::new(),
            fragments: Vec::new(),
            follow_every: Duration::from_millis(200),
            limits: Limits::default(),
            tries: Tries::Counted,
            deliveries: Deliveries::default(),
            postage: Postage::default(),
            watch_every: Duration::from_secs(60),
            variables: |_| None,
        }
    }
}

/// Whether tries to sign in and the like are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// Each is.
    Counted,
    /// None is: for measuring, and not to be had by any configuration.
    Uncounted,
}

/// Who serves the static files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statics {
    /// This edge.
    Served,
    /// A file server or a CDN in front of it: the edge knows none, but keeps the site's
    /// shells and its 404 page.
    LeftToOthers,
}

/// What one client may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many connections are served at once; more wait to be accepted.
    pub connections: usize,
    /// How many of them one client may have (an address, or a /64 of IPv6); more are closed
    /// at once. This machine and the proxies that the site names are not counted.
    pub connections_each: usize,
    /// From the first byte of a request's head (or from the connection) to its last.
    pub head: Duration,
    /// How long a connection lives without a request that gets on.
    pub idle: Duration,
    /// How long the whole body of a request may take.
    pub body: Duration,
    /// How long requests in flight may take after the edge was told to stop.
    pub grace: Duration,
    /// Bytes of a request's head, beyond which it is answered 431. At least 8192.
    pub head_bytes: usize,
    /// Bytes of a request's target, beyond which it is answered 414.
    pub target_bytes: usize,
    /// Bytes of a request's body, beyond which it is answered 413.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_each: 256,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            target_bytes: 4 * 1024,
            body_bytes: 1024 * 1024,
        }
    }
}
