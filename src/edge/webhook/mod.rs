//! Webhooks: what is in the outbox for them, posted to where the site's author says, signed.
//!
//! [`carry`] is one loop beside the server. It looks when the next message is due, claims as
//! many as may be under way at once for each webhook, and posts each as a task of its own. So
//! one receiver that is dead or slow holds up nobody but itself. It sends what this node has
//! put into the outbox at once, and finds what others have put there, or left, by looking now
//! and then.
//!
//! The form of a message and its signature are those of Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks>, specification 1.0): `secret`
//! signs, `post` sends.
//!
//! Knows nothing of what a message says.

mod post;
mod secret;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use self::post::{Client, Outcome};
use self::secret::Keys;
use super::node::Edge;
use crate::site::release::BuildId;
use crate::site::webhook::Webhook;
use crate::store::{Addressee, Backoff, Claimed, Fate, Next, Store, StoreError, webhook};

/// How messages are sent to webhooks.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// How often each is tried, and when.
    pub backoff: Backoff,
    /// How long one try may take, from the first knock to the head of the answer.
    pub patience: Duration,
    /// How long a message is ours: longer than a try takes. It is tried again after that when
    /// this process is gone.
    pub lease: SignedDuration,
    /// How many are under way to one webhook at once.
    pub at_once: usize,
    /// How often the outbox is looked at for what other nodes have put there.
    pub look_every: Duration,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            patience: Duration::from_secs(10),
            lease: SignedDuration::from_secs(60),
            at_once: 4,
            look_every: Duration::from_secs(5),
        }
    }
}

/// All that can wake the carrier.
enum Event {
    /// A post is over.
    Ended(Result<(Id, ()), JoinError>),
    /// Something was put into the outbox by this node.
    Filled,
    /// The next message is due, or it is time to look.
    Due,
    /// The edge is told to stop.
    Closing,
}

/// Sends what is in the outbox until the edge is told to stop; then lets what is under way
/// end. Whoever cuts it short has it sent again when its lease is over.
pub(super) async fn carry(edge: Edge) {
    let mut closing = edge.closing();
    let mut filled = edge.outbox();
    let mut carrier = match Client::new(edge.options().variables) {
        Ok(client) => Carrier {
            client,
            edge,
            posts: JoinSet::new(),
            to: FxHashMap::default(),
            told: BTreeMap::new(),
            looked_at: None,
        },
        Err(error) => return tracing::error!(%error, "webhooks are out of service: TLS cannot be had"),
    };
    loop {
        filled.mark_unchanged();
        let next = carrier.look().await;
        match event(&mut closing, &mut filled, &mut carrier.posts, next).await {
            Event::Ended(ended) => carrier.ended(&ended),
            Event::Filled | Event::Due => {}
            Event::Closing => break,
        }
    }
    while carrier.posts.join_next().await.is_some() {}
}

async fn event(
    closing: &mut watch::Receiver<bool>,
    filled: &mut watch::Receiver<()>,
    posts: &mut JoinSet<()>,
    next: Instant,
) -> Event {
    tokio::select! {
        biased;
        _ = closing.wait_for(|is_closing| *is_closing) => Event::Closing,
        Some(ended) = posts.join_next_with_id() => Event::Ended(ended),
        _ = filled.changed() => Event::Filled,
        () = sleep_until(next) => Event::Due,
    }
}

struct Carrier {
    edge: Edge,
    client: Client,
    posts: JoinSet<()>,
    /// The webhook of each post that is under way.
    to: FxHashMap<Id, String>,
    /// What the log was told of a webhook, so that it is not told every five seconds.
    told: BTreeMap<String, String>,
    /// The release whose webhooks were looked at for what is missing, before there is a
    /// message for them.
    looked_at: Option<BuildId>,
}

impl Carrier {
    /// Begins all posts that are due and have room. Says when to look again.
    async fn look(&mut self) -> Instant {
        let mut next = Instant::now() + self.edge.options().deliveries.look_every;
        let release = self.edge.release();
        let is_new = self.looked_at.replace(release.id) != Some(release.id);
        for (name, hook) in &release.site.edge.webhooks {
            let begun = async {
                if is_new {
                    self.keys(hook).await?;
                }
                self.begin(name, hook).await
            };
            match begun.await {
                Ok(due) => {
                    self.told.remove(name);
                    next = due.map_or(next, |due| next.min(due));
                }
                Err(error) if self.told.get(name) != Some(&error) => {
                    tracing::error!(webhook = name, "nothing is sent to this webhook: {error}");
                    self.told.insert(name.clone(), error);
                }
                Err(_) => {}
            }
        }
        next
    }

    /// Begins the posts to one webhook. Says when its next message is due, if there is room
    /// for it.
    async fn begin(&mut self, name: &str, hook: &Webhook) -> Result<Option<Instant>, String> {
        let store = self.edge.opened_store().await.map_err(said)?;
        let Deliveries { at_once, lease, .. } = self.edge.options().deliveries;
        let to = webhook(name);
        let mut room = at_once.saturating_sub(self.to.values().filter(|known| *known == name).count());
        while room > 0 {
            let now = Timestamp::now();
            match store.next_message(&to).await.map_err(said)? {
                None => return Ok(None),
                Some(due) if due > now => return Ok(Some(instant(due, now))),
                Some(_) => {}
            }
            // Each time, so that a secret is changed without a restart.
            let keys = self.keys(hook).await?;
            let claimed = store.claim_messages(&to, room, lease, now).await.map_err(said)?;
            if claimed.is_empty() {
                // Another node was quicker, and has more to do with it.
                return Ok(None);
            }
            room -= claimed.len().min(room);
            for message in claimed {
                let post = Post {
                    edge: self.edge.clone(),
                    store: store.clone(),
                    client: self.client.clone(),
                    to: to.clone(),
                    url: hook.url.clone(),
                    keys: keys.clone(),
                    message,
                };
                let id = self.posts.spawn(post.run()).id();
                self.to.insert(id, name.to_owned());
            }
        }
        // There is room again when one of them has ended, and that is an event.
        Ok(None)
    }

    async fn keys(&self, hook: &Webhook) -> Result<Keys, String> {
        Keys::of(self.edge.root(), hook, self.edge.options().variables).await
    }

    fn ended(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "a message to a webhook was dropped, and is sent again later");
                error.id()
            }
        };
        self.to.remove(&id);
    }
}

fn said(error: StoreError) -> String {
    error.to_string()
}

fn instant(due: Timestamp, now: Timestamp) -> Instant {
    Instant::now() + due.duration_since(now).unsigned_abs()
}

/// One message on its way.
struct Post {
    edge: Edge,
    store: Store,
    client: Client,
    to: Addressee,
    url: String,
    keys: Keys,
    message: Claimed,
}

impl Post {
    async fn run(self) {
        let Self { edge, store, client, to, url, keys, message } = self;
        let Deliveries { backoff, patience, .. } = &edge.options().deliveries;
        let name = &to.address;
        let outcome = client.post(&url, &keys, &message, *patience).await;
        let now = Timestamp::now();
        let (why, next) = match outcome {
            Outcome::Delivered => {
                if let Err(error) = store.message_delivered(&message, now).await {
                    tracing::error!(%error, webhook = name, id = message.id, "a message was delivered, which could not be noted: it is sent again");
                }
                return;
            }
            Outcome::Gone(why) => (why, Next::Never),
            Outcome::Failed { why, not_before } => {
                // No receiver can put a message off for longer than we would ourselves.
                let latest = now.saturating_add(backoff.longest).unwrap_or(Timestamp::MAX);
                (why, Next::Again(not_before.map(|time| time.min(latest))))
            }
        };
        match store.message_failed(&message, &why, next, backoff, now).await {
            Ok(Fate::Waits(due)) => {
                tracing::warn!(webhook = name, id = message.id, tries = message.tries, %due, "a message was not taken: {why}");
            }
            Ok(Fate::GivenUp) => tracing::error!(
                webhook = name,
                id = message.id,
                tries = message.tries,
                "a message was given up: {why}; `littoral outbox retry {}` tries again",
                message.id
            ),
            Ok(Fate::NotOurs) => {}
            Err(error) => {
                tracing::error!(%error, webhook = name, id = message.id, "what became of a message could not be noted: {why}");
            }
        }
    }
}
