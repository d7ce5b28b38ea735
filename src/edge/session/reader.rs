//! Who is reading: a visitor without a session, one with, or a member.

use std::net::IpAddr;
use std::time::Duration;

use hyper::header::{HeaderMap, USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use warp::Reply;

use super::cookie::{Brought, Cookie, Transport};
use super::token::Secret;
use super::{Head, days, set};
use crate::edge::neighbourhood::{Neighbourhood, network};
use crate::edge::node::Edge;
use crate::edge::page::Page;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::audience::{Standing, Tiers};
use crate::store::{Client, Member, Preferences, Session, TextSize, Theme, VisitorDigest};

/// How old "last seen" may get: a write for each request would cost more than it tells.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Who is reading.
pub(in crate::edge) struct Reader {
    session: Option<Session>,
    /// What the tokens of forms are derived from: the session's, or that of the other
    /// cookie, or none yet.
    secret: Option<Secret>,
    /// That of the other cookie, beside a session: a form may have been on the screen when
    /// a choice of colours in another window began the session.
    earlier: Option<Secret>,
    /// Of who has confirmed an address without having an account.
    guest: Option<Secret>,
    /// That by which a visitor's metered pages are counted.
    meter: Option<Secret>,
    look: Preferences,
    transport: Transport,
    agent: String,
    client: IpAddr,
    /// Those of the site.
    tiers: Tiers,
    site_url: String,
}

impl Reader {
    pub(in crate::edge) async fn of(edge: &Edge, head: &Head) -> Result<Self, Refusal> {
        let transport = Transport::of(&head.headers, head.host.as_ref());
        let brought = Brought::of(&head.headers, transport);
        let release = edge.release();
        let settings = &release.site.edge;
        let now = Timestamp::now();
        let mut session = None;
        if let (Some(secret), Some(store)) = (&brought.session, edge.accounts()) {
            session = store.session(&secret.digest(), now).await?;
            if let Some(session) = session.as_ref().filter(|session| now.duration_since(session.seen_at) > SEEN_EVERY) {
                let (store, digest, idle) = (store.clone(), session.digest, days(settings.session_idle_days));
                // Nobody waits for it, and losing it ends a session a minute early.
                tokio::spawn(async move { store.see_session(digest, idle, now).await });
            }
        }
        Ok(Self::with(edge, head, brought, session))
    }

    /// The reader, when nobody can be asked for their session.
    pub(super) fn unasked(edge: &Edge, head: &Head) -> Self {
        let brought = Brought::of(&head.headers, Transport::of(&head.headers, head.host.as_ref()));
        Self::with(edge, head, brought, None)
    }

    fn with(edge: &Edge, head: &Head, brought: Brought, session: Option<Session>) -> Self {
        let agent = head.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let release = edge.borrow_release();
        let settings = &release.site.edge;
        let (secret, earlier) = match session {
            Some(_) => (brought.session, brought.form),
            None => (brought.form, None),
        };
        Self {
            secret,
            earlier,
            session,
            guest: brought.guest,
            meter: brought.meter,
            look: brought.look,
            transport: Transport::of(&head.headers, head.host.as_ref()),
            agent: agent.to_owned(),
            client: client(&head.headers, head.peer.0.ip(), &settings.proxies),
            tiers: settings.tiers.clone(),
            site_url: at_home(head).unwrap_or_else(|| release.site.base_url.clone()),
        }
    }

    /// The member, if it is one.
    pub(in crate::edge) fn member(&self) -> Option<&Member> {
        self.session.as_ref()?.member.as_ref()
    }

    /// What decides for whom things are.
    pub(in crate::edge) fn standing(&self) -> Standing {
        match self.member() {
            Some(member) => {
                Standing::Member { role: member.role, tier: member.tier.clone(), tiers: self.tiers.clone() }
            }
            None => Standing::Visitor,
        }
    }

    /// The member, where [`For::Members`](super::For) has let nobody else in.
    pub(in crate::edge) fn must_be_member(&self) -> Result<&Member, Refusal> {
        self.member().ok_or(Refusal::Unauthorized)
    }

    /// The session, if there is one.
    pub(in crate::edge) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// How the site shall look: what the member chose, or the visitor.
    pub(in crate::edge) fn preferences(&self) -> Preferences {
        match self.member() {
            Some(member) => member.preferences,
            None => self.visitor_preferences(),
        }
    }

    /// What was chosen without an account: the cookie first, because the site's script
    /// writes it without asking us, and saving does as well.
    fn visitor_preferences(&self) -> Preferences {
        let saved = self.session.as_ref().map(|session| session.visitor_preferences).unwrap_or_default();
        self.look.or(saved)
    }

    /// What a visitor's choices bring to an account.
    pub(in crate::edge) fn carried(&self) -> Preferences {
        chosen(self.visitor_preferences())
    }

    /// What a reader takes along who stops being a member.
    pub(in crate::edge) fn left_with(&self) -> Preferences {
        chosen(self.preferences())
    }

    /// What a visitor's metered pages are counted by, if their browser has brought it.
    pub(in crate::edge) fn visitor(&self) -> Option<VisitorDigest> {
        self.meter.as_ref().map(|secret| VisitorDigest::of(secret.bytes()))
    }

    /// The same for one who has brought nothing, and the cookie that keeps it so long.
    pub(in crate::edge) fn new_visitor(&self, life: SignedDuration) -> Result<(VisitorDigest, Cookie), Refusal> {
        let secret = Secret::random()?;
        Ok((VisitorDigest::of(secret.bytes()), Cookie::meter(self.transport, &secret, life)))
    }

    pub(in crate::edge) fn transport(&self) -> Transport {
        self.transport
    }

    /// Where the site stands, for links in letters, with a slash at its end: what its author has
    /// configured. The host of a request is believed only when it is this machine's, and the
    /// request comes from there: who tries a site at home follows links there.
    pub(in crate::edge) fn site_url(&self) -> &str {
        &self.site_url
    }

    /// The digest of the cookie of a guest, by which the store knows them.
    pub(in crate::edge) fn guest(&self) -> Option<[u8; 32]> {
        self.guest.as_ref().map(Secret::guest_digest)
    }

    /// A new cookie for a guest, and its digest.
    pub(in crate::edge) fn new_guest(&self) -> Result<(Cookie, [u8; 32]), Refusal> {
        let secret = Secret::random()?;
        Ok((Cookie::guest(self.transport, &secret), secret.guest_digest()))
    }

    /// `User-Agent`.
    pub(in crate::edge) fn agent(&self) -> &str {
        &self.agent
    }

    /// The address of the reader's client.
    pub(in crate::edge) fn client(&self) -> IpAddr {
        self.client
    }

    /// Where the reader is, for counting tries.
    pub(in crate::edge) fn neighbourhood(&self) -> String {
        Neighbourhood::of(self.client).to_string()
    }

    /// By what and from where this is asked, for the events that a member can read.
    pub(in crate::edge) fn seen_as(&self) -> Client {
        Client { agent: self.agent.clone(), network: network(self.client) }
    }

    /// Whether `token` was made for this reader. What was made before a member signed in
    /// is worth nothing after.
    pub(in crate::edge) fn knows(&self, token: &str) -> bool {
        let earlier = self.earlier.as_ref().filter(|_| self.member().is_none());
        self.secret.iter().chain(earlier).any(|secret| secret.made(token))
    }

    /// A token for a form of a reader who has a secret already; makes none.
    pub(in crate::edge) fn token(&self) -> Result<Option<String>, Refusal> {
        self.secret.as_ref().map(Secret::form_token).transpose()
    }

    /// Attributes for `<html>`, each with a space before it: the look that the reader chose.
    pub(in crate::edge) fn look(&self) -> String {
        let Preferences { theme, text_size } = chosen(self.preferences());
        let theme = theme.map(|theme| format!(" data-theme=\"{}\"", theme.word()));
        let size = text_size.map(|size| format!(" data-size=\"{}\"", size.word()));
        [theme, size].into_iter().flatten().collect()
    }

    /// `page` in the look that the reader chose.
    pub(in crate::edge) fn dress(&self, page: Page) -> Page {
        let theme = chosen(self.preferences()).theme;
        let scheme = theme.map(|theme| format!("\n<meta name=\"color-scheme\" content=\"{}\">", theme.word()));
        page.with_head(scheme.unwrap_or_default()).with_look(self.look())
    }

    /// A page with forms: `csrf` is put into its data, and the cookie that the token needs
    /// is set when there is none.
    pub(in crate::edge) fn form_page(
        &self,
        template: &'static str,
        title: &str,
        mut data: Value,
    ) -> Result<Response, Refusal> {
        let (secret, cookie) = match &self.secret {
            Some(secret) => (secret.clone(), None),
            None => {
                let secret = Secret::random()?;
                let cookie = Cookie::form(self.transport, &secret);
                (secret, Some(cookie))
            }
        };
        data["csrf"] = secret.form_token()?.into();
        let response = self.dress(Page::new(template, title, data)).into_response();
        Ok(match cookie {
            Some(cookie) => set(response, &cookie),
            None => response,
        })
    }
}

/// What of it is another look than the site's own. The cookie always names both theme and
/// size, and what is as it would be anyway is no choice.
fn chosen(preferences: Preferences) -> Preferences {
    Preferences {
        theme: preferences.theme.filter(|theme| *theme != Theme::System),
        text_size: preferences.text_size.filter(|size| *size != TextSize::Normal),
    }
}

/// The address of this machine that the request was sent to from this machine.
fn at_home(head: &Head) -> Option<String> {
    let is_direct = head.peer.0.ip().is_loopback() && !head.headers.contains_key("x-forwarded-for");
    let is_plain = Transport::of(&head.headers, head.host.as_ref()) == Transport::PlainLoopback;
    let host = head.host.as_ref().filter(|_| is_direct && is_plain)?;
    Some(format!("http://{host}/"))
}

/// The client's address: the peer's, or what the outermost of the configured proxies saw.
pub(in crate::edge) fn client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.contains(&address.to_canonical());
    if !is_proxy(peer) {
        return peer;
    }
    // Each proxy adds at the right what it saw; what stands left of the first that is no
    // proxy of ours was written by anybody.
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    while let Some(hop) = hops.pop() {
        match hop.parse::<IpAddr>() {
            Ok(address) if is_proxy(address) => {}
            Ok(address) => return address,
            Err(_) => break,
        }
    }
    peer
}

/// A wait of the store, as `Retry-After` tells it.
pub(in crate::edge) fn too_many(wait: SignedDuration) -> Refusal {
    Refusal::TooMany(Duration::try_from(wait).unwrap_or(Duration::from_secs(1)))
}
