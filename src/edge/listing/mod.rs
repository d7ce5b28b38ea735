//! The listing: the pages of the live release, asked for at this moment.
//!
//! | route               | does                                                    |
//! |---|---|
//! | `GET /_/pages`      | a piece of HTML for a box in a page; JSON when asked for |
//! | `GET /_/pages/view` | the same as a page of its own, for who has no script     |
//!
//! Both take `below=/docs/` (only pages there), `leaves=true` (only those with no pages
//! below them: no sections) and `limit=` (1 to 100). It is the dynamic
//! half of the page that teaches the contrast: what a build writes once into a file is made
//! here for each request, and says how long that took.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::json;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::live_release::LiveRelease;
use super::node::Edge;
use super::page::Page;
use super::refusal::Refusal;
use super::room::{self, Response};
use crate::site::permalink::encode_path;

/// How many pages one answer names.
pub(super) const MOST: usize = 100;
/// How many pages are put in order for it: a request must not cost what the site is large.
const LOOKED_AT: usize = 500;

#[derive(Deserialize)]
struct Question {
    below: Option<String>,
    leaves: Option<String>,
    limit: Option<String>,
}

/// Which pages are wanted, checked.
pub(super) struct Wanted<'w> {
    /// Only pages whose path begins so.
    pub(super) below: &'w str,
    /// Only pages with no pages below them.
    pub(super) only_leaves: bool,
    /// How many; at most [`MOST`].
    pub(super) limit: usize,
}

/// One page of the list.
#[derive(Debug, Serialize)]
struct Listed {
    url: String,
    title: String,
}

/// The list, and what it took.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    pages: Vec<Listed>,
    /// Pages that the release has, listed or not.
    known: usize,
    /// Microseconds.
    took_us: u128,
    /// Now, to the second.
    at: String,
}

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let asked = room::get().and(warp::query::<Question>()).and(room::with(edge));
    let piece = warp::path!("_" / "pages")
        .and(asked.clone())
        .and(warp::header::optional::<String>("accept"))
        .then(piece)
        .map(room::answer);
    let view = warp::path!("_" / "pages" / "view").and(asked).then(view).map(room::answer);
    piece.or(view).unify().boxed()
}

async fn piece(question: Question, edge: Edge, accept: Option<String>) -> Result<Response, Refusal> {
    let release = edge.release();
    let listing = list(&release, &wanted(&question)?);
    if accept.is_some_and(|accept| accept.contains("application/json")) {
        return Ok(warp::reply::json(&listing).into_response());
    }
    let data = json!(listing);
    let html = tokio::task::spawn_blocking(move || release.templates.render("listing/list", &data))
        .await
        .map_err(|error| Refusal::fault("the listing was not rendered", &error))?
        .map_err(|error| Refusal::fault("the template of the listing failed", &error))?;
    Ok(warp::reply::html(html).into_response())
}

async fn view(question: Question, edge: Edge) -> Result<impl Reply, Refusal> {
    let listing = list(&edge.release(), &wanted(&question)?);
    Ok(Page::new("listing/page", "Pages, listed now", json!(listing)))
}

fn wanted(question: &Question) -> Result<Wanted<'_>, Refusal> {
    let limit = match question.limit.as_deref().map(str::parse::<usize>) {
        None => MOST,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return Err(Refusal::Invalid(format!("`limit` is a number from 1 to {MOST}").into())),
    };
    let only_leaves = match question.leaves.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::Invalid("`leaves` is `true` or `false`".into())),
    };
    Ok(Wanted { below: question.below.as_deref().unwrap_or("/"), only_leaves, limit })
}

/// The pages of `release` that are wanted.
pub(super) fn list(release: &LiveRelease, wanted: &Wanted<'_>) -> Listing {
    let began = Instant::now();
    let mut pages: Vec<(&str, &str)> = release.pages_below(wanted.below).take(LOOKED_AT).collect();
    if wanted.only_leaves {
        // In order of path, what is below a page comes right after it.
        let next: Vec<&str> = pages.iter().skip(1).map(|(path, _)| *path).chain([""]).collect();
        let mut next = next.into_iter();
        pages.retain(|(path, _)| !next.next().is_some_and(|next| next.starts_with(path)));
    }
    pages.sort_by_cached_key(|(path, title)| (title.to_lowercase(), path.to_string()));
    pages.truncate(wanted.limit);
    let pages =
        pages.into_iter().map(|(path, title)| Listed { url: encode_path(path), title: title.to_owned() }).collect();
    Listing { pages, known: release.page_count(), took_us: began.elapsed().as_micros(), at: now() }
}

fn now() -> String {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).strftime("%H:%M:%S").to_string()
}
