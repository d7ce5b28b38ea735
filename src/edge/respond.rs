//! The order in which a request is answered.
//!
//! [`at_once`] is the short way: a plain GET for a kept file, without waiting. [`in_full`]
//! is the whole order: the target is checked, then the static table, redirects, the rooms,
//! and at last the site's own page for what is not there.
//!
//! Redirects keep the query; they are 301 for GET and HEAD and nothing for other methods.
//! Nothing but a whole path from the release's tables gets into a `Location`.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use warp::{Rejection, Reply};

use super::access;
use super::body::Body;
use super::crowd::{Crowd, Place};
use super::files::{self, NotAnswered, ObjectGone};
use super::form;
use super::fragment;
use super::headers::{self, NO_STORE, PRIVATE, REVALIDATE};
use super::live_release::{File, LiveRelease};
use super::node::Edge;
use super::options::Statics;
use super::page::{Document, Page};
use super::refusal::Refusal;
use super::room::{self, Allowed, Peer};
use super::service::Rooms;
use super::session::{self, Reader};
use super::target::decoded_path;
use crate::site::permalink::encode_path;
use crate::site::reserved;

/// Bytes of a body that any form fits in; longer ones, or of unknown length, are counted.
const SMALL_BODY: u64 = 64 * 1024;
/// How many of those may be on their way at once, and from one client.
static LARGE_BODIES: LazyLock<Crowd> = LazyLock::new(|| Crowd::of(32, 8));

/// What a static path allows.
const STATIC_METHODS: &str = "GET, HEAD, OPTIONS";
/// When to come back after an object was gone: by then the next release is there.
const SOON: Duration = Duration::from_secs(1);

/// The answer to a request for a kept file, if that is what it is.
pub(super) fn at_once(edge: &Edge, request: &Request<Incoming>) -> Option<Response<Body>> {
    let is_plain = (request.method() == Method::GET || request.method() == Method::HEAD)
        && request.uri().authority().is_none()
        && edge.options().statics == Statics::Served
        && has_one_host(request.version(), request.headers());
    if !is_plain {
        return None;
    }
    // The table holds decoded paths without dot segments: a raw path that stands in it
    // needs no decoding, unless a `%` in it means something else.
    let path = request.uri().path();
    if memchr::memchr(b'%', path.as_bytes()).is_some() {
        return None;
    }
    let release = edge.borrow_release();
    let file = release.file(path)?;
    if !file.is_open() {
        return files::answer_at_once(edge, &release, file, request.method(), request.headers());
    }
    if !access::open_at_once(&release, path, request.headers(), request.uri().query()) {
        return None;
    }
    let mut response = files::answer_at_once(edge, &release, file, request.method(), request.headers())?;
    access::mark_open(&release, response.headers_mut());
    Some(response)
}

/// The answer to any request.
pub(super) async fn in_full(edge: Edge, rooms: Rooms, peer: Peer, request: Request<Incoming>) -> Response<Body> {
    let release = edge.release();
    let (parts, body) = request.into_parts();
    let asked = Asked { edge: &edge, rooms: &rooms, peer, parts: &parts };
    let result = asked.answer(&release, body).await;
    let mut response = match result {
        Ok(response) => response,
        Err(refusal) => asked.refused(&release, refusal).await,
    };
    edge.notices().counts.note(&edge, &parts, peer, response.status());
    headers::secure_dynamic(response.headers_mut());
    if parts.method == Method::HEAD {
        without_body(&mut response);
    }
    response
}

/// The answer after a panic, which the panic hook has told already.
pub(super) fn after_a_panic() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    headers::secure_dynamic(response.headers_mut());
    response
}

/// Turns warp's rejections into refusals.
pub(super) async fn rejected(rejection: Rejection) -> Result<room::Response, Infallible> {
    use warp::{filters::body::BodyDeserializeError, reject};
    let refusal = if rejection.find::<reject::PayloadTooLarge>().is_some() {
        Refusal::TooLarge
    } else if rejection.find::<reject::UnsupportedMediaType>().is_some() {
        Refusal::UnsupportedMedia
    } else if rejection.find::<BodyDeserializeError>().is_some() {
        Refusal::BadRequest("What was sent lacks something, or is not in the form that is expected.".into())
    } else if rejection.find::<reject::InvalidQuery>().is_some() {
        Refusal::BadRequest("The part of the address after `?` is not in the form that is expected.".into())
    } else if rejection.find::<reject::InvalidHeader>().is_some() || rejection.find::<reject::MissingHeader>().is_some()
    {
        Refusal::BadRequest("A header is missing or not in the form that is expected.".into())
    } else {
        // Not somebody's route; or none for this method, which `Allowed` knows.
        Refusal::NotFound
    };
    Ok(refusal.into_response())
}

/// A request, and all that is needed to answer it.
struct Asked<'a> {
    edge: &'a Edge,
    rooms: &'a Rooms,
    peer: Peer,
    parts: &'a Parts,
}

impl Asked<'_> {
    async fn answer(&self, release: &Arc<LiveRelease>, body: Incoming) -> Result<Response<Body>, Refusal> {
        let parts = self.parts;
        if parts.uri.path_and_query().is_some_and(|all| all.as_str().len() > self.edge.options().limits.target_bytes) {
            return Err(Refusal::TargetTooLong);
        }
        if !has_one_host(parts.version, &parts.headers) {
            return Err(Refusal::BadRequest("The request does not say which host it is for.".into()));
        }
        if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
            return Ok(options(STATIC_METHODS));
        }
        let path = decoded_path(&parts.uri).map_err(|error| Refusal::BadRequest(error.to_string().into()))?;
        let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
        // Who has `public/` elsewhere has the open pages there, and no whole one.
        if self.edge.options().statics == Statics::Served || release.restricted(&path).is_some() {
            // Nothing is said of what is there for some only, but to them.
            if is_read && let Some(response) = self.file(release, &path).await? {
                return Ok(response);
            }
            if !is_read && release.file(&path).is_some() {
                return match &parts.method {
                    &Method::OPTIONS => Ok(options(STATIC_METHODS)),
                    _ => Err(Refusal::MethodNotAllowed(STATIC_METHODS)),
                };
            }
            if is_read && let Some(to) = moved(release, &path) {
                return Ok(self.redirect(&to));
            }
        }
        let is_peoples = || reserved::claimed(&path).is_some_and(|claimed| claimed != reserved::MACHINES);
        if is_read && path.ends_with('/') && is_peoples() {
            return Ok(self.redirect(&encode_path(path.trim_end_matches('/'))));
        }
        self.room(release, &path, body).await
    }

    /// A static file, if there is one for who asks. When its object is gone, the release is old:
    /// the answer comes from the new one, in which it may be for others.
    async fn file(&self, release: &Arc<LiveRelease>, path: &str) -> Result<Option<Response<Body>>, Refusal> {
        match self.file_in(release, path).await {
            Err(NotAnswered::Gone(ObjectGone)) => {}
            Err(NotAnswered::Refused(refusal)) => return Err(refusal),
            Ok(response) => return Ok(response),
        }
        if let Err(error) = self.edge.reload().await {
            tracing::error!(%error, path, "an object of the live release is gone, and there is no other release");
        }
        let release = self.edge.release();
        match self.file_in(&release, path).await {
            Ok(response) => Ok(response),
            Err(NotAnswered::Refused(refusal)) => Err(refusal),
            Err(NotAnswered::Gone(ObjectGone)) => {
                let object = release.file(path).map(|file| file.object);
                tracing::error!(path, ?object, "an object of the live release is gone or damaged");
                Err(Refusal::Unavailable(SOON))
            }
        }
    }

    /// The same, of this release.
    async fn file_in(&self, release: &Arc<LiveRelease>, path: &str) -> Result<Option<Response<Body>>, NotAnswered> {
        let Some(restricted) = release.restricted(path) else {
            return match release.file(path) {
                Some(file) => self.file_of(release, file, self.parts).await.map(Some),
                None => Ok(None),
            };
        };
        let given = access::given(self.edge, release, path, restricted, (self.parts, self.peer)).await;
        let Some(file) = given.file else { return Ok(None) };
        let parts = given.parts.as_deref().unwrap_or(self.parts);
        let mut response = self.file_of(release, file, parts).await?;
        given.mark(release, response.headers_mut());
        Ok(Some(response))
    }

    async fn file_of(
        &self,
        release: &Arc<LiveRelease>,
        file: &File,
        parts: &Parts,
    ) -> Result<Response<Body>, NotAnswered> {
        match release.holes(file) {
            // The fragments of a long page are filled by its script.
            Some(holes) if !files::is_long(file) => {
                fragment::answer(self.edge, release, file, holes, parts, self.peer).await
            }
            _ => files::answer(self.edge, release, file, &parts.method, &parts.headers).await,
        }
    }

    fn redirect(&self, to: &str) -> Response<Body> {
        let mut location = to.to_owned();
        if let Some(query) = self.parts.uri.query() {
            // A target's own query and fragment stay: ours is put between them.
            let fragment = location.find('#').map(|at| location.split_off(at)).unwrap_or_default();
            location.push(if location.contains('?') { '&' } else { '?' });
            location.push_str(query);
            location.push_str(&fragment);
        }
        let mut response = Response::new(Body::Empty);
        // What cannot stand in a header cannot be gone to; both parts were checked before.
        if let Ok(location) = HeaderValue::from_str(&location) {
            *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
            response.headers_mut().insert(LOCATION, location);
        } else {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let keep = if self.edge.options().live.is_some() { NO_STORE } else { REVALIDATE };
        response.headers_mut().insert(CACHE_CONTROL, keep);
        response
    }

    /// Whatever a room answers, with its page or refusal made into bytes.
    async fn room(&self, release: &Arc<LiveRelease>, path: &str, body: Incoming) -> Result<Response<Body>, Refusal> {
        let allowed = Allowed::default();
        let Parts { method, headers, .. } = self.parts;
        // A form with files is the one body that may be longer than what is held in memory.
        let (bytes, brought) = match form::addressed(release, method, path, headers) {
            Some(form) => {
                let _permit = self.place_for(&body)?;
                (Bytes::new(), Some(form::receive(self.edge, form, headers, body).await?))
            }
            None => (self.read(body).await?, None),
        };
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = self.parts.uri.clone();
        *request.version_mut() = self.parts.version;
        *request.headers_mut() = self.parts.headers.clone();
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.parts.uri.clone());
        request.extensions_mut().insert(allowed.clone());
        if let Some(brought) = brought {
            request.extensions_mut().insert(brought);
        }
        let (mut parts, body) = self.rooms.answer(request).await.into_parts();
        if let Some(refusal) = parts.extensions.remove::<Refusal>() {
            let Some(methods) = allowed.header().filter(|_| refusal == Refusal::NotFound) else {
                return Err(refusal);
            };
            if self.parts.method == Method::OPTIONS {
                return Ok(options(methods));
            }
            let is_allowed = methods.split(", ").any(|method| method == self.parts.method.as_str());
            return Err(if is_allowed { refusal } else { Refusal::MethodNotAllowed(methods) });
        }
        parts.headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
        if let Some(page) = parts.extensions.remove::<Page>() {
            let document = page.render(self.edge, release).await?;
            parts.headers.insert(CONTENT_TYPE, headers::HTML);
            if document.fragments.is_some() {
                // They may be this reader's, whatever the room knows of its page.
                parts.headers.remove(ETAG);
                parts.headers.insert(CACHE_CONTROL, PRIVATE);
            }
            return Ok(Response::from_parts(parts, self.body_of(release, document)));
        }
        let exact = body.size_hint().exact();
        Ok(Response::from_parts(parts, if exact == Some(0) { Body::Empty } else { Body::streamed(body) }))
    }

    fn body_of(&self, release: &Arc<LiveRelease>, document: Document) -> Body {
        match document.fragments {
            Some(holes) => fragment::stream(self.edge, release, &holes, &document.bytes, (self.parts, self.peer)),
            None => document.bytes.into(),
        }
    }

    /// The whole body of the request, within its limits of length and time.
    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let limits = &self.edge.options().limits;
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        if body.size_hint().lower() > limits.body_bytes as u64 {
            return Err(Refusal::TooLarge);
        }
        let _permit = self.place_for(&body)?;
        match tokio::time::timeout(limits.body, Limited::new(body, limits.body_bytes).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
            Ok(Err(_)) => Err(Refusal::BadRequest("The request ended before its body did.".into())),
            Err(_) => Err(Refusal::TimedOut),
        }
    }

    /// A place among the large bodies, if `body` is one: ten thousand connections could each hold
    /// one that never ends, and one client all that others want.
    fn place_for(&self, body: &Incoming) -> Result<Option<Place>, Refusal> {
        if body.size_hint().upper().is_some_and(|length| length <= SMALL_BODY) {
            return Ok(None);
        }
        let proxies = &self.edge.borrow_release().site.edge.proxies;
        let client = session::client(&self.parts.headers, self.peer.0.ip(), proxies);
        LARGE_BODIES.enter(client, proxies).map(Some).ok_or(Refusal::Unavailable(SOON))
    }

    async fn refused(&self, release: &Arc<LiveRelease>, refusal: Refusal) -> Response<Body> {
        let for_people = !self.parts.uri.path().starts_with("/_/");
        let reader = if for_people { session::reader_of(self.edge, self.parts, self.peer).await } else { None };
        let mut response = if !for_people {
            let mut response = Response::new(Body::from(refusal.json().to_string()));
            response.headers_mut().insert(CONTENT_TYPE, headers::JSON);
            response
        } else if refusal == Refusal::NotFound
            && let look = reader.as_ref().map(Reader::look).unwrap_or_default()
            && let Ok(own) = files::not_found_page(self.edge, release, &self.parts.headers, &look).await
        {
            own
        } else {
            self.page_of(release, &refusal, reader).await
        };
        refusal.mark(&mut response);
        response
    }

    async fn page_of(&self, release: &Arc<LiveRelease>, refusal: &Refusal, reader: Option<Reader>) -> Response<Body> {
        let is_offered = *refusal == Refusal::NotFound && release.search_folder.is_some();
        let words = is_offered.then(|| words_of(self.parts.uri.path())).filter(|words| !words.is_empty());
        let page = refusal.page(words);
        let page = match reader {
            Some(reader) => reader.dress(page),
            None => page,
        };
        match page.render(self.edge, release).await {
            Ok(document) => {
                let mut response = Response::new(self.body_of(release, document));
                response.headers_mut().insert(CONTENT_TYPE, headers::HTML);
                response
            }
            // The site's own template for refusals fails: the status says enough.
            Err(_) => Response::new(Body::Empty),
        }
    }
}

/// Where `path` is to be found now, percent-encoded.
fn moved(release: &LiveRelease, path: &str) -> Option<String> {
    if let Some(to) = release.redirect(path) {
        return Some(to.to_owned());
    }
    let slashed = match path.strip_suffix("/index.html") {
        Some(folder) => format!("{folder}/"),
        None if path.ends_with('/') => return None,
        None => format!("{path}/"),
    };
    if let Some(to) = release.redirect(&slashed) {
        return Some(to.to_owned());
    }
    release.file(&slashed).is_some().then(|| encode_path(&slashed))
}

/// The words of a path, to search for: `/docs/old-page.html` → `docs old page`.
fn words_of(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let without_end = decoded.strip_suffix(".html").or_else(|| decoded.strip_suffix(".htm")).unwrap_or(&decoded);
    let words = without_end.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(8).collect::<Vec<_>>().join(" ")
}

/// RFC 9112 §3.2: a request without a host, or with two, is refused.
fn has_one_host(version: Version, headers: &hyper::HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let first = hosts.next();
    hosts.next().is_none() && (first.is_some() || version != Version::HTTP_11)
}

fn options(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// The same headers as with the body (RFC 9110 §9.3.2).
fn without_body(response: &mut Response<Body>) {
    let length = response.body().size_hint().exact();
    if let Some(length) = length.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    *response.body_mut() = Body::Empty;
}
