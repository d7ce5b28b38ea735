//! Fragments: the moving pieces of static pages, in their pages and alone.
//!
//! | route                        | does                                                    |
//! |---|---|
//! | `GET /_/fragment/NAME?args`  | one fragment as a piece of HTML                         |
//! | `GET /_/fragment.js`         | the script that fills them where no edge served the page |
//!
//! ```text
//! call       which fragments a release has, and where they are in its pages: checked at load
//! page       a page with fragments: what is around them at once, they as they come
//!   splice   the page in its pieces, at offsets that the build wrote down
//!   squeeze  the same as gzip, without an encoder that runs
//!   render   one fragment, within its budget: [`source`] finds data, a template shows them
//!     pace   how a template is stopped
//!     pause  how one that had to be is left alone for a moment
//!   kept     what was rendered lately, until its time is over or a table changes
//! ```
//!
//! When a fragment does not come in time, or fails, its fallback stands and the log says why.
//! A fragment `for everyone` is never told who reads: what is kept of it can hold nobody's
//! name. No request chooses a template or a table: names and arguments are looked up and
//! checked against what the fragment declares.

mod built_in;
mod call;
mod kept;
mod of_reading;
mod pace;
mod page;
mod pause;
mod query;
mod render;
mod source;
mod splice;
mod squeeze;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

pub(super) use call::{Fragments, Known, Placing, Row};
pub(super) use kept::KeptPieces;
pub(super) use pace::{guard, register};
pub(super) use page::{answer, stream};
pub use source::{Asked, Finding, Found, Source};
pub(super) use splice::{Holes, Put};

use self::call::Call;
use self::render::{NotRendered, Order};
use super::files::condition;
use super::headers::{HTML, PRIVATE, REVALIDATE};
use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Head, Reader, Sent, fields_of, route};
use crate::site::fragment::{NotAccepted, PATH, Scope};

/// Whether the data of the fragment `name` are found by the edge itself.
pub(super) fn has_built_in_source(name: &str) -> bool {
    built_in::source(name).is_some()
}

/// Fills the elements that no edge has filled.
const SCRIPT: &str = include_str!("fragment.js");

/// When to ask again for a fragment that took too long.
const SOON: Duration = Duration::from_secs(1);

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let one = warp::path!("_" / "fragment" / ..).and(room::get()).and(route(edge, For::Everybody, show));
    let script = warp::path!("_" / "fragment.js").and(room::get()).map(|| {
        let mut response = SCRIPT.into_response();
        let script = HeaderValue::from_static("text/javascript; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, script);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        response
    });
    one.or(script).unify().boxed()
}

/// A fragment that is asked for alone.
struct Question {
    name: String,
    given: Vec<(String, String)>,
    head: hyper::HeaderMap,
}

impl Sent for Question {
    fn read(_: &Edge, _: For, head: &Head, _: &[u8]) -> Result<Self, Refusal> {
        let name = head.path().strip_prefix(PATH).unwrap_or_default().to_owned();
        let given = fields_of(head.query()).ok_or(Refusal::BadRequest(
            "What stands after `?` is `name=value`, joined by `&`, and no name twice.".into(),
        ))?;
        Ok(Self { name, given, head: head.headers().clone() })
    }

    fn check(&self, _: For, _: &Reader) -> Result<(), Refusal> {
        Ok(())
    }

    fn comes_back_to(head: &Head) -> Cow<'_, str> {
        head.path().into()
    }
}

/// `GET /_/fragment/NAME`
async fn show(edge: Edge, reader: Reader, question: Question) -> Result<Response, Refusal> {
    let release = edge.release();
    let known = release.fragments.get(&question.name).ok_or(Refusal::NotFound)?;
    let given = question.given.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let call =
        Call::of(release.id, known, given).map_err(|error: NotAccepted| Refusal::Invalid(error.to_string().into()))?;
    let scope = known.declaration.cache.scope;
    let reader = (scope == Scope::Reader).then(|| Arc::new(reader));
    let order = Order { edge: edge.clone(), release: release.clone(), call: Arc::new(call), reader };
    let piece = order.piece(Instant::now()).await.map_err(|error| match error {
        NotRendered::TooSlow | NotRendered::Paused => {
            tracing::warn!(fragment = known.name, %error, "a fragment is not shown");
            Refusal::Unavailable(SOON)
        }
        NotRendered::NotForThem => Refusal::Unauthorized,
        other => Refusal::fault("a fragment cannot be shown", &other),
    })?;
    let tag = format!("\"{}\"", piece.digest.tag());
    let mut response = if scope == Scope::Everyone && condition::none_matches(&question.head, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(piece.html.clone().into());
        response.headers_mut().insert(CONTENT_TYPE, HTML);
        response
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, if scope == Scope::Everyone { REVALIDATE } else { PRIVATE });
    if let Some(tag) = HeaderValue::from_str(&tag).ok().filter(|_| scope == Scope::Everyone) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}
