//! Carrying: what is in the outbox for mail, handed to the server that is configured.
//!
//! One loop beside the server looks at both lanes, the prompt one first, claims what is due and
//! hands each letter over as a task of its own, as many at once as there may be connections.
//! When there is no server, it is left alone for a while that grows, and what waits is not
//! tried in vain. A letter whose address no server knows puts that address on the suppression
//! list.
//!
//! Within its lease a letter is handed over once. Whoever is killed between the server's yes
//! and noting it has it sent again when the lease is over, with the same `Message-ID`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lettre::message::Mailbox;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::message::{message, sender};
use super::transport::{Outcome, Transport};
use crate::edge::node::Edge;
use crate::site::mail::Mail;
use crate::store::{Backoff, Claimed, EmailAddress, Fate, Lane, Letter, Next, Store, StoreError, Suppressed};

/// How letters are sent.
#[derive(Clone, Debug)]
pub struct Postage {
    /// How often each is tried, and when.
    pub backoff: Backoff,
    /// How long the server may take for one letter. RFC 5321 §4.5.3.2 would have us wait for half
    /// an hour; what is given up too early may come twice, with one `Message-ID`.
    pub patience: Duration,
    /// How long a letter is ours: longer than one is handed over.
    pub lease: SignedDuration,
    /// How many letters are claimed at once.
    pub claimed: usize,
    /// How often the outbox is looked at for what other nodes have put there.
    pub look_every: Duration,
    /// How long a server that is not there is left alone, first and at most.
    pub pause: (Duration, Duration),
}

impl Default for Postage {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            patience: Duration::from_secs(120),
            lease: SignedDuration::from_secs(300),
            claimed: 64,
            look_every: Duration::from_secs(5),
            pause: (Duration::from_secs(5), Duration::from_secs(120)),
        }
    }
}

/// All that can wake the carrier.
enum Event {
    /// A letter is handed over, or was not.
    Ended(Option<Ended>),
    /// Something was put into the outbox by this node.
    Filled,
    /// A letter is due, there is room in the minute, or it is time to look.
    Due,
    /// The edge is told to stop.
    Closing,
}

/// What one letter has taught of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ServerIsThere,
    NoServer,
}

/// Sends what is in the outbox until the edge is told to stop; then lets what is under way end.
pub(in crate::edge) async fn carry(edge: Edge) {
    let (mut closing, mut filled) = (edge.closing(), edge.outbox());
    let store = tokio::select! {
        _ = closing.wait_for(|is_closing| *is_closing) => return,
        store = edge.store_to_come() => store,
    };
    let mut carrier = Carrier::new(edge, store);
    loop {
        filled.mark_unchanged();
        let next = carrier.look().await;
        match event(&mut closing, &mut filled, &mut carrier.under_way, next).await {
            Event::Ended(Some(ended)) => carrier.ended(ended),
            Event::Ended(None) | Event::Filled | Event::Due => {}
            Event::Closing => break,
        }
    }
    carrier.give_back().await;
    while carrier.under_way.join_next().await.is_some() {}
}

async fn event(
    closing: &mut watch::Receiver<bool>,
    filled: &mut watch::Receiver<()>,
    under_way: &mut JoinSet<Ended>,
    next: Instant,
) -> Event {
    tokio::select! {
        biased;
        _ = closing.wait_for(|is_closing| *is_closing) => Event::Closing,
        Some(ended) = under_way.join_next() => Event::Ended(
            ended.map_err(|error| tracing::error!(%error, "a letter was dropped, and is sent again later")).ok()),
        _ = filled.changed() => Event::Filled,
        () = sleep_until(next) => Event::Due,
    }
}

/// What of a release decides how mail goes.
#[derive(Clone, Debug, PartialEq)]
struct Settings {
    mail: Mail,
    title: String,
    base_url: String,
}

struct Carrier {
    edge: Edge,
    store: Store,
    settings: Option<Settings>,
    way: Option<Arc<(Transport, Mailbox)>>,
    under_way: JoinSet<Ended>,
    lanes: [LaneState; 2],
    /// Since when nothing is tried, and for how long.
    pause: Option<(Instant, Duration)>,
    /// What the log was told, so that it is not told every five seconds.
    told: Option<String>,
}

/// What is claimed of a lane, and how much was sent in this minute.
struct LaneState {
    lane: Lane,
    claimed: VecDeque<Claimed>,
    claimed_at: Timestamp,
    minute: Instant,
    sent: u32,
}

impl Carrier {
    fn new(edge: Edge, store: Store) -> Self {
        let lanes = Lane::ALL.map(|lane| LaneState {
            lane,
            claimed: VecDeque::new(),
            claimed_at: Timestamp::UNIX_EPOCH,
            minute: Instant::now(),
            sent: 0,
        });
        Self { edge, store, settings: None, way: None, under_way: JoinSet::new(), lanes, pause: None, told: None }
    }

    /// Hands over all that is due and has room. Says when to look again.
    async fn look(&mut self) -> Instant {
        let later = Instant::now() + self.edge.options().postage.look_every;
        if let Some((since, length)) = self.pause
            && since.elapsed() < length
        {
            // Tried in vain, they would soon be given up.
            self.give_back().await;
            return since + length;
        }
        match self.begin().await {
            Ok(next) => {
                if self.pause.is_none() {
                    self.told = None;
                }
                next.map_or(later, |next| later.min(next))
            }
            Err(error) => {
                if self.told.as_ref() != Some(&error) {
                    tracing::error!("no mail is sent: {error}");
                    self.told = Some(error);
                }
                later
            }
        }
    }

    async fn begin(&mut self) -> Result<Option<Instant>, String> {
        let mut next: Option<Instant> = None;
        for at in 0..self.lanes.len() {
            let due = self.begin_lane(at).await?;
            next = [next, due].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Hands over letters of one lane. Says when it has more to do, unless that is when one of
    /// those under way ends.
    async fn begin_lane(&mut self, at: usize) -> Result<Option<Instant>, String> {
        let postage = self.edge.options().postage.clone();
        loop {
            // While a server may not be there, one letter tries it.
            let most = if self.pause.is_some() { 1 } else { self.most_at_once() };
            if self.under_way.len() >= most {
                return Ok(None);
            }
            let now = Timestamp::now();
            let lane = &mut self.lanes[at];
            // What could not be handed over within its lease is another's by then.
            let margin = SignedDuration::try_from(postage.patience).unwrap_or(SignedDuration::ZERO);
            if now.duration_since(lane.claimed_at) > postage.lease - margin {
                lane.claimed.clear();
            }
            if lane.claimed.is_empty() {
                let to = lane.lane.addressee();
                match self.store.next_message(&to).await.map_err(said)? {
                    None => return Ok(None),
                    Some(due) if due > now => return Ok(Some(Instant::now() + due.duration_since(now).unsigned_abs())),
                    Some(_) => {}
                }
            }
            // Before anything is claimed: what cannot be sent is not tried in vain.
            let way = self.way().await?;
            let each_minute = self.settings.as_ref().map_or(0, |settings| settings.mail.each_minute);
            let lane = &mut self.lanes[at];
            if each_minute > 0 {
                if lane.minute.elapsed() >= Duration::from_secs(60) {
                    (lane.minute, lane.sent) = (Instant::now(), 0);
                }
                if lane.sent >= each_minute {
                    return Ok(Some(lane.minute + Duration::from_secs(60)));
                }
            }
            if lane.claimed.is_empty() {
                let left = if each_minute > 0 { (each_minute - lane.sent) as usize } else { postage.claimed };
                let wanted = if self.pause.is_some() { 1 } else { postage.claimed.min(left) };
                let claimed = self.store.claim_messages(&lane.lane.addressee(), wanted, postage.lease, now).await;
                let claimed = claimed.map_err(said)?;
                if claimed.is_empty() {
                    return Ok(None);
                }
                lane.claimed = claimed.into();
                lane.claimed_at = now;
            }
            let Some(message) = lane.claimed.pop_front() else { return Ok(None) };
            lane.sent = lane.sent.saturating_add(1);
            let handing = Handing { edge: self.edge.clone(), store: self.store.clone(), way, message };
            self.under_way.spawn(handing.over());
        }
    }

    /// Lets others have what is claimed and not yet under way.
    async fn give_back(&mut self) {
        let claimed: Vec<_> = self.lanes.iter_mut().flat_map(|lane| lane.claimed.drain(..)).collect();
        if claimed.is_empty() {
            return;
        }
        if let Err(error) = self.store.give_back_messages(claimed, Timestamp::now()).await {
            tracing::warn!(%error, "letters wait until their lease is over");
        }
    }

    fn most_at_once(&self) -> usize {
        let connections = self.edge.borrow_release().site.edge.mail.connections;
        usize::try_from(connections).unwrap_or(usize::MAX).max(1)
    }

    /// The way out, made anew when the release has brought other settings.
    async fn way(&mut self) -> Result<Arc<(Transport, Mailbox)>, String> {
        let release = self.edge.release();
        let settings = Settings {
            mail: release.site.edge.mail.clone(),
            title: release.site.title.clone(),
            base_url: release.site.base_url.clone(),
        };
        if let Some(way) = self.way.as_ref().filter(|_| self.settings.as_ref() == Some(&settings)) {
            return Ok(Arc::clone(way));
        }
        let sender = sender(&settings.mail, &settings.title, &settings.base_url)?;
        let options = self.edge.options();
        let patience = options.postage.patience;
        let transport = Transport::of(self.edge.root(), &settings.mail, &sender, patience, options.variables).await?;
        let way = Arc::new((transport, sender));
        (self.settings, self.way) = (Some(settings), Some(Arc::clone(&way)));
        Ok(way)
    }

    fn ended(&mut self, ended: Ended) {
        let (first, longest) = self.edge.options().postage.pause;
        self.pause = match (ended, self.pause) {
            (Ended::ServerIsThere, _) => None,
            // Those that were under way together tell the same thing.
            (Ended::NoServer, Some((since, length))) if since.elapsed() < length => Some((since, length)),
            (Ended::NoServer, Some((_, length))) => Some((Instant::now(), (length * 2).min(longest))),
            (Ended::NoServer, None) => Some((Instant::now(), first)),
        };
        if self.pause.is_some() {
            // Made anew: the password may have been wrong, and is another by now.
            self.way = None;
        }
    }
}

fn said(error: StoreError) -> String {
    error.to_string()
}

/// One letter on its way.
struct Handing {
    edge: Edge,
    store: Store,
    way: Arc<(Transport, Mailbox)>,
    message: Claimed,
}

impl Handing {
    async fn over(self) -> Ended {
        let Self { edge, store, way, message: claimed } = self;
        let backoff = &edge.options().postage.backoff;
        let (id, now) = (claimed.id, Timestamp::now());
        let outcome = match serde_json::from_str::<Letter>(&claimed.payload) {
            Err(error) => Outcome::Refused(format!("it is no letter: {error}")),
            Ok(letter) => match message(&letter, id, &way.1, now) {
                Err(why) => Outcome::Refused(why),
                Ok(message) => {
                    let outcome = way.0.send(message, id, edge.options().postage.patience).await;
                    if matches!(outcome, Outcome::NoSuchAddress(_)) {
                        suppress(&store, &letter.to).await;
                    }
                    outcome
                }
            },
        };
        let now = Timestamp::now();
        let (why, next, ended) = match outcome {
            Outcome::Taken(file) => {
                if let Some(file) = file {
                    tracing::info!(file = %file.display(), "a letter became a file: no mail server is configured");
                }
                if let Err(error) = store.message_delivered(&claimed, now).await {
                    tracing::error!(%error, id, "a letter was sent, which could not be noted: it is sent again");
                }
                return Ended::ServerIsThere;
            }
            Outcome::NoSuchAddress(why) | Outcome::Refused(why) => (why, Next::Never, Ended::ServerIsThere),
            Outcome::NotNow(why) => (why, Next::Again(None), Ended::ServerIsThere),
            Outcome::NoServer(why) => (why, Next::Again(None), Ended::NoServer),
        };
        match store.message_failed(&claimed, &why, next, backoff, now).await {
            Ok(Fate::Waits(due)) => {
                tracing::warn!(id, tries = claimed.tries, %due, "a letter was not taken: {why}");
            }
            Ok(Fate::GivenUp) => tracing::error!(
                id,
                tries = claimed.tries,
                "a letter was given up: {why}; `littoral outbox retry {id}` tries again"
            ),
            Ok(Fate::NotOurs) => {}
            Err(error) => tracing::error!(%error, id, "what became of a letter could not be noted: {why}"),
        }
        ended
    }
}

async fn suppress(store: &Store, address: &str) {
    let Ok(address) = EmailAddress::parse(address) else { return };
    if let Err(error) = store.suppress(&address, Suppressed::Refused, Timestamp::now()).await {
        tracing::error!(%error, "an address that no server knows could not be noted");
    }
}
