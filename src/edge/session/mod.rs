//! Sessions: who is reading, and proof that a form came from this site.
//!
//! Other rooms take their routes' handlers through [`route`]; a handler that runs has a
//! [`Reader`] that was looked up, and a [`Form`] that was checked. There is no other way to
//! either.
//!
//! **The session.** A random token of 256 bits in a cookie: `__Host-littoral`, `HttpOnly`,
//! `Secure`, `SameSite=Lax`; the store has its digest only. It begins when something must
//! be remembered (somebody logs in, or a visitor saves how the site shall look): reading
//! sets no cookie. A login makes a new one and ends the old, so one that was planted is
//! worth nothing. It ends after `session_idle_days` without a request, and after
//! `session_days` at the latest.
//!
//! **Forms.** Two locks, either of which would do:
//!
//! 1. `Sec-Fetch-Site` and `Origin`, which a page elsewhere cannot forge (`origin`);
//! 2. a token in the form, derived from the secret in a cookie (`token`). With a session
//!    the secret is the session's. Without one, the page with the form, and only it, sets
//!    a second cookie `__Host-littoral-form` with a secret for one day. A page elsewhere can
//!    read neither cookie nor form; and because of `__Host-`, no neighbouring host and no
//!    plain HTTP can plant a secret that it knows. Nothing is stored for it, so showing a
//!    form costs no row.
//!
//! **Plain HTTP.** A browser keeps no `Secure` cookie from `http://`, so on a loopback name
//! (`localhost`, `127.0.0.1`) the cookies are `littoral` and `littoral-form` without it.
//! Anywhere else logging in needs HTTPS.
//!
//! **Without accounts** there is no store, and so no session; forms are locked all the same.

mod cookie;
mod form;
mod origin;
mod reader;
mod token;

use std::borrow::Cow;
use std::future::Future;

use bytes::Bytes;
use hyper::header::{COOKIE, HOST, HeaderMap, LOCATION, SET_COOKIE};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

pub(super) use cookie::Cookie;
pub(super) use form::{Form, Query, fields_of, pairs};
pub(super) use origin::Origin;
pub(super) use reader::{Reader, client, too_many};
pub(super) use token::{letter_digest, letter_token};

use super::node::Edge;
use super::notification;
use super::refusal::Refusal;
use super::room::{self, Peer, Response};
use crate::store::{Entered, LinkDigest, MemberId, NewSession, Preferences, Proof, Store, StoreError};
use token::Secret;

/// 256 random bits.
pub(super) fn random() -> Result<[u8; 32], Refusal> {
    Secret::random().map(|secret| *secret.bytes())
}

/// What the rooms that remember something work with: the edge, and its store.
#[derive(Clone)]
pub(super) struct Sessions {
    edge: Edge,
    store: Store,
}

impl Sessions {
    /// Those of an edge whose site has accounts.
    pub(super) fn of(edge: &Edge) -> Option<Self> {
        Some(Self { edge: edge.clone(), store: edge.accounts()?.clone() })
    }

    /// The edge.
    pub(super) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The store.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a session in the place of the one that `reader` has. `preferences` are kept in
    /// it, or fill the gaps in what the member chose.
    pub(super) async fn begin(
        &self,
        reader: &Reader,
        member: Option<MemberId>,
        preferences: Preferences,
    ) -> Result<Cookie, Refusal> {
        let (secret, mut new) = self.new_session(reader, preferences)?;
        new.member = member;
        let longest = new.longest;
        self.store.begin_session(new, Timestamp::now()).await?;
        Ok(Cookie::session(reader.transport(), &secret, longest))
    }

    /// Lets in who has shown `proof`, in the place of the session that `reader` has. The cookie is
    /// to be set when they are in.
    pub(super) async fn enter(
        &self,
        reader: &Reader,
        proof: Proof,
        stay: LinkDigest,
    ) -> Result<(Entered, Cookie), Refusal> {
        let (secret, new) = self.new_session(reader, reader.carried())?;
        let longest = new.longest;
        let entered = self.store.enter(proof, new, stay, reader.seen_as(), Timestamp::now()).await?;
        if let Entered::In { member, .. } = &entered {
            notification::see_device(self, reader, member.id);
        }
        Ok((entered, Cookie::session(reader.transport(), &secret, longest)))
    }

    fn new_session(&self, reader: &Reader, preferences: Preferences) -> Result<(Secret, NewSession), Refusal> {
        let secret = Secret::random()?;
        let settings = &self.edge.release().site.edge;
        let new = NewSession {
            digest: secret.digest(),
            member: None,
            preferences,
            replaces: reader.session().map(|session| session.digest),
            agent: reader.agent().to_owned(),
            idle: days(settings.session_idle_days),
            longest: days(settings.session_days),
        };
        Ok((secret, new))
    }
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}

/// The head of a request, as far as it says who is reading.
pub(super) struct Head {
    headers: HeaderMap,
    host: Option<Authority>,
    peer: Peer,
    path: String,
    /// What stands after `?`.
    query: String,
}

impl Head {
    /// That of a request which no handler of a room has seen.
    pub(super) fn of(parts: &Parts, peer: Peer) -> Self {
        let named = || parts.headers.get(HOST)?.to_str().ok()?.parse().ok();
        Self {
            host: parts.uri.authority().cloned().or_else(named),
            headers: parts.headers.clone(),
            peer,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
        }
    }

    /// The headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The path, as it was sent.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What stands after `?`, as it was sent.
    pub(super) fn query(&self) -> &str {
        &self.query
    }
}

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Everybody. A form brings the token of a page that was shown to the same reader.
    Everybody,
    /// Members; who is none is sent to log in, and comes back.
    Members,
    /// The site's own script: the request must say that it comes from this site, which every
    /// browser of today does, and needs no token then.
    Script,
}

/// What a handler works with beside the request.
pub(super) trait OfEdge: Clone + Send + Sync + 'static {
    fn edge(&self) -> &Edge;
}

impl OfEdge for Edge {
    fn edge(&self) -> &Edge {
        self
    }
}

impl OfEdge for Sessions {
    fn edge(&self) -> &Edge {
        self.edge()
    }
}

/// What a request brings to its handler: a [`Query`] or a [`Form`].
pub(super) trait Sent: Sized + Send {
    /// Reads it, and refuses what cannot come from this site.
    fn read(edge: &Edge, whom: For, head: &Head, body: &[u8]) -> Result<Self, Refusal>;
    /// Refuses what was not made for this reader.
    fn check(&self, whom: For, reader: &Reader) -> Result<(), Refusal>;
    /// Where somebody goes on after logging in.
    fn comes_back_to(head: &Head) -> Cow<'_, str>;
}

impl Sent for Query {
    fn read(_: &Edge, _: For, head: &Head, _: &[u8]) -> Result<Self, Refusal> {
        Ok(Self::parse(&head.query))
    }

    fn check(&self, _: For, _: &Reader) -> Result<(), Refusal> {
        Ok(())
    }

    fn comes_back_to(head: &Head) -> Cow<'_, str> {
        if head.query.is_empty() { (&*head.path).into() } else { format!("{}?{}", head.path, head.query).into() }
    }
}

impl Sent for Form {
    fn read(edge: &Edge, whom: For, head: &Head, body: &[u8]) -> Result<Self, Refusal> {
        let origin = Origin::of(&head.headers, head.host.as_ref(), &edge.release().site.base_url);
        if origin == Origin::Elsewhere || (whom == For::Script && origin != Origin::ThisSite) {
            return Err(Refusal::Forbidden("This request did not come from a page of this site.".into()));
        }
        Self::parse(&head.headers, body)
    }

    fn check(&self, whom: For, reader: &Reader) -> Result<(), Refusal> {
        if whom == For::Script || reader.knows(self.get("csrf")) {
            return Ok(());
        }
        Err(Refusal::Forbidden(
            "This form is out of date, or did not come from this site. Please go back, load the page again, and \
             send it once more."
                .into(),
        ))
    }

    fn comes_back_to(_: &Head) -> Cow<'_, str> {
        "/account".into()
    }
}

/// A form whose texts must not be lost: its handler looks at where it comes from, and shows it
/// again when nobody says that it is this site.
pub(super) struct Typed {
    pub(super) form: Form,
    origin: Origin,
}

impl Typed {
    /// Whether it comes from a page that was shown to this reader.
    pub(super) fn is_from(&self, reader: &Reader) -> bool {
        self.origin != Origin::Elsewhere && reader.knows(self.form.get("csrf"))
    }
}

impl Sent for Typed {
    fn read(edge: &Edge, _: For, head: &Head, body: &[u8]) -> Result<Self, Refusal> {
        let origin = Origin::of(&head.headers, head.host.as_ref(), &edge.release().site.base_url);
        Ok(Self { form: Form::parse(&head.headers, body)?, origin })
    }

    fn check(&self, _: For, _: &Reader) -> Result<(), Refusal> {
        Ok(())
    }

    fn comes_back_to(_: &Head) -> Cow<'_, str> {
        "/account".into()
    }
}

/// A route of a handler: `handler(of, reader, form)`, or a query in the form's place.
pub(super) fn route<O, S, H, F, R>(of: O, whom: For, handler: H) -> BoxedFilter<(Response,)>
where
    O: OfEdge,
    S: Sent + 'static,
    H: Fn(O, Reader, S) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<R, Refusal>> + Send,
    R: Reply + 'static,
{
    head()
        .and(warp::body::bytes())
        .then(move |head: Head, body: Bytes| {
            let (of, handler) = (of.clone(), handler.clone());
            async move { handle(of, whom, &head, &body, handler).await }
        })
        .map(room::answer)
        .boxed()
}

/// What a [`route`] does with a request: for rooms whose paths hold something that the handler
/// works with.
pub(super) async fn handle<O, S, H, F, R>(
    of: O,
    whom: For,
    head: &Head,
    body: &[u8],
    handler: H,
) -> Result<Response, Refusal>
where
    O: OfEdge,
    S: Sent,
    H: Fn(O, Reader, S) -> F,
    F: Future<Output = Result<R, Refusal>>,
    R: Reply,
{
    let sent = S::read(of.edge(), whom, head, body)?;
    let reader = Reader::of(of.edge(), head).await?;
    sent.check(whom, &reader)?;
    if whom == For::Members && reader.member().is_none() {
        return Ok(to_login(&S::comes_back_to(head)));
    }
    handler(of, reader, sent).await.map(Reply::into_response)
}

/// Who has sent what, for a room that reads it by itself.
pub(super) struct Visit {
    pub(super) reader: Reader,
    pub(super) origin: Origin,
    /// The media type of the body, in small letters, without its parameters.
    pub(super) media: String,
}

/// Gives the visit. A store that does not answer takes away who is signed in, not the visit:
/// a form must not be lost because of it.
pub(super) fn visit(edge: Edge) -> BoxedFilter<(Visit,)> {
    head()
        .then(move |head: Head| {
            let edge = edge.clone();
            async move {
                let reader = match Reader::of(&edge, &head).await {
                    Ok(reader) => reader,
                    Err(_) => Reader::unasked(&edge, &head),
                };
                let media = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
                Visit {
                    reader,
                    origin: Origin::of(&head.headers, head.host.as_ref(), &edge.release().site.base_url),
                    media: media.trim().to_ascii_lowercase(),
                }
            }
        })
        .boxed()
}

/// The reader who has sent a request that no handler of a room has seen, if the request says
/// anything about who that is.
pub(super) async fn reader_of(edge: &Edge, parts: &Parts, peer: Peer) -> Option<Reader> {
    if !parts.headers.contains_key(COOKIE) {
        return None;
    }
    // A store that does not answer has been told of; a look is not worth a second word.
    Reader::of(edge, &Head::of(parts, peer)).await.ok()
}

/// Gives what the request says of who reads.
pub(super) fn head() -> impl Filter<Extract = (Head,), Error = warp::Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::header::headers_cloned().and(warp::host::optional()).and(room::peer()).and(warp::path::full()).and(query).map(
        |headers, host, peer, path: warp::path::FullPath, query| Head {
            headers,
            host,
            peer,
            path: path.as_str().to_owned(),
            query,
        },
    )
}

/// Sends the reader to log in; from there they come to `next`.
pub(super) fn to_login(next: &str) -> Response {
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    see_other(&format!("/login?next={next}"))
}

/// Sends the reader to `path` of this site, with GET (RFC 9110 §15.4.4).
pub(super) fn see_other(path: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = header::HeaderValue::from_str(path).unwrap_or(header::HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// `response` with one more cookie.
pub(super) fn set(mut response: Response, cookie: &Cookie) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie.header());
    response
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::fault("the store did not answer", &error)
    }
}
