//! Search: the pages that a question finds, and how a question may go on.
//!
//! | route                          | does                                                |
//! |---|---|
//! | `GET /search?q=&page=`         | the page for people: a form, the results, no script |
//! | `GET /_/search?q=&limit=`      | the same as JSON                                    |
//! | `GET /_/suggest?q=&limit=`     | pages, headings and words that begin so, as JSON    |
//!
//! The index comes with the release, so each answer is of the release it is asked in. A
//! question is words and quotes, never a query language: nothing one can type is an error
//! but its length.

mod excerpt;
mod indexes;
mod query;
mod question;
mod ranking;
mod read_only;
mod reader;
mod statistics;
mod vocabulary;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

pub(super) use indexes::Indexes;
pub use reader::{Found, Page, Reader, SearchError, Section, Suggestion};

use super::data_page::find;
use super::live_release::LiveRelease;
use super::node::Edge;
use super::page;
use super::reading;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{self, Head};
use crate::site::audience::Standing;

/// The longest question, in characters; a paragraph pasted in has fewer.
const LONGEST_QUESTION: usize = 400;
/// Results on one page.
const PAGE_RESULTS: usize = 10;
/// The last page of results. Who has not found it there asks another question.
const LAST_PAGE: usize = 50;
/// Results as JSON, when it is not said how many.
const RESULTS: usize = 10;
const MOST_RESULTS: usize = 50;
const SUGGESTIONS: usize = 8;
const MOST_SUGGESTIONS: usize = 20;

/// How many questions may wait for a thread. At a millisecond each, the last waits half a
/// second.
const MOST_WAITING: usize = 512;

/// When one may ask again if that many wait.
const BUSY: Duration = Duration::from_secs(1);
/// When one may ask again if the index is damaged: a build is needed.
const OUT_OF_SERVICE: Duration = Duration::from_secs(60);

/// What one reader asked is nothing for others' caches; the browser may show it again on
/// the way back.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=0, must-revalidate");

/// The parameters of all three routes, as they came.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    page: Option<String>,
    limit: Option<String>,
}

/// Where questions are answered: on threads of their own, as many as there are cores.
#[derive(Clone)]
struct Desk {
    edge: Edge,
    /// Counts those that wait and those that are answered.
    waiting: Arc<Semaphore>,
    answering: Arc<Semaphore>,
}

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let desk =
        Desk { edge, waiting: Arc::new(Semaphore::new(MOST_WAITING)), answering: Arc::new(Semaphore::new(cores)) };
    let desk = warp::any().map(move || desk.clone());
    let asked = || desk.clone().and(warp::query::<Asked>());
    let by = || asked().and(session::head());
    let page = warp::path!("search").and(room::get()).and(by()).then(show).map(room::answer);
    let search = warp::path!("_" / "search").and(room::get()).and(by()).then(search).map(room::answer);
    let suggest = warp::path!("_" / "suggest").and(room::get()).and(by()).then(suggest).map(room::answer);
    page.or(search).unify().or(suggest).unify().boxed()
}

async fn show(desk: Desk, asked: Asked, head: Head) -> Result<impl Reply, Refusal> {
    desk.is_open()?;
    let number = number(asked.page.as_deref(), "page", 1, LAST_PAGE)?;
    let question = asked.q.trim().to_owned();
    let standing = desk.standing(&head).await;
    let (found, status) = if is_too_long(&question) {
        (Err(too_long()), StatusCode::UNPROCESSABLE_ENTITY)
    } else {
        let found = desk.ask(question.clone(), (number - 1) * PAGE_RESULTS, PAGE_RESULTS, &standing).await?;
        (Ok(found.0), StatusCode::OK)
    };
    let title =
        if question.is_empty() || found.is_err() { "Search".to_owned() } else { format!("{question} – Search") };
    // Rows stand beneath the first results; who turns the page has seen them.
    let groups = if number == 1 && found.is_ok() { desk.rows(&question, &standing).await } else { Vec::new() };
    if number == 1 && found.as_ref().is_ok_and(|found| found.total > 0) {
        reading::note_search(&desk.edge, &head, &question).await;
    }
    let mut data = shown(&question, number, found);
    data["groups"] = groups.into();
    let page = page::Page::new("search/results", title, data).with_status(status);
    Ok(warp::reply::with_header(page, CACHE_CONTROL, CACHE))
}

async fn search(desk: Desk, asked: Asked, head: Head) -> Result<impl Reply, Refusal> {
    desk.is_open()?;
    let limit = number(asked.limit.as_deref(), "limit", RESULTS, MOST_RESULTS)?;
    let question = checked(asked.q)?;
    let standing = desk.standing(&head).await;
    let (found, took) = desk.ask(question.clone(), 0, limit, &standing).await?;
    let results: Vec<Value> = found.pages.iter().map(result).collect();
    let groups = desk.rows(&question, &standing).await;
    let answer = json!({
        "query": question,
        "total": found.total,
        "with_all_words": found.with_all,
        "took_us": took.as_micros() as u64,
        "results": results,
        "suggestion": found.suggestion,
        "groups": groups,
    });
    Ok(warp::reply::with_header(warp::reply::json(&answer), CACHE_CONTROL, CACHE))
}

async fn suggest(desk: Desk, asked: Asked, head: Head) -> Result<impl Reply, Refusal> {
    desk.is_open()?;
    let limit = number(asked.limit.as_deref(), "limit", SUGGESTIONS, MOST_SUGGESTIONS)?;
    let question = checked(asked.q)?;
    let typed = question.clone();
    let standing = desk.standing(&head).await;
    let suggestions = desk.on_a_thread(move |indexes| indexes.suggest(&typed, limit, &standing)).await?;
    let suggestions: Vec<Value> = suggestions.iter().map(suggestion).collect();
    let answer = json!({ "query": question, "suggestions": suggestions });
    Ok(warp::reply::with_header(warp::reply::json(&answer), CACHE_CONTROL, CACHE))
}

impl Desk {
    /// Whether this site has search at all; asked before anything is said about parameters.
    fn is_open(&self) -> Result<(), Refusal> {
        indexes(&self.edge.release()).map(|_| ())
    }

    /// Who asks, as far as it matters. Whoever cannot be known is a visitor.
    async fn standing(&self, head: &Head) -> Standing {
        let release = self.edge.release();
        let has_parts = release.search.as_ref().is_some_and(|indexes| indexes.has_parts());
        if !has_parts && !find::matters_who_asks(&release) {
            return Standing::Visitor;
        }
        session::Reader::of(&self.edge, head).await.map_or(Standing::Visitor, |reader| reader.standing())
    }

    /// The rows of data pages that have the words, as far as they are for who asks.
    async fn rows(&self, question: &str, standing: &Standing) -> Vec<Value> {
        find::groups(&self.edge, &self.edge.release(), question, standing).await
    }

    async fn ask(
        &self,
        question: String,
        skipped: usize,
        limit: usize,
        standing: &Standing,
    ) -> Result<(Found, Duration), Refusal> {
        let standing = standing.clone();
        self.on_a_thread(move |indexes| {
            let start = Instant::now();
            Ok((indexes.search(&question, skipped, limit, &standing)?, start.elapsed()))
        })
        .await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Indexes) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Refusal::Unavailable(BUSY))?;
        let answering = Arc::clone(&self.answering).acquire_owned().await.map_err(|_| Refusal::Unavailable(BUSY))?;
        let release = self.edge.release();
        let answered = task::spawn_blocking(move || {
            // Held until the work is done, though the one who asked may have gone.
            let _held = (waiting, answering);
            indexes(&release).map(work)
        });
        match answered.await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(Refusal::fault("a question could not be answered", &error)),
            Ok(Err(refusal)) => Err(refusal),
            Err(panic) => Err(Refusal::fault("answering a question panicked", &panic)),
        }
    }
}

fn indexes(release: &LiveRelease) -> Result<&Indexes, Refusal> {
    let missing =
        if release.search_folder.is_some() { Refusal::Unavailable(OUT_OF_SERVICE) } else { Refusal::NotFound };
    release.search.as_deref().ok_or(missing)
}

fn is_too_long(question: &str) -> bool {
    question.chars().nth(LONGEST_QUESTION).is_some()
}

fn too_long() -> String {
    format!("A question may have {LONGEST_QUESTION} characters: ask with fewer words.")
}

fn checked(question: String) -> Result<String, Refusal> {
    if is_too_long(&question) { Err(Refusal::Invalid(too_long().into())) } else { Ok(question) }
}

/// The number in a parameter, from 1 to `most`.
fn number(value: Option<&str>, name: &str, default: usize, most: usize) -> Result<usize, Refusal> {
    let Some(value) = value else { return Ok(default) };
    let found = value.parse().ok().filter(|number| (1..=most).contains(number));
    found.ok_or_else(|| Refusal::Invalid(format!("The parameter “{name}” must be a number from 1 to {most}.").into()))
}

fn result(page: &Page) -> Value {
    let mut sections = page.sections.iter().map(|section| {
        json!({
            "url": section.url,
            "title": page.title,
            "heading": section.heading,
            "title_html": page.title_html,
            "heading_html": section.heading_html,
            "score": section.score,
        })
    });
    let mut best = sections.next().unwrap_or_default();
    best["excerpt_html"] = page.excerpt_html.as_str().into();
    best["more"] = sections.collect();
    best
}

fn suggestion(suggestion: &Suggestion) -> Value {
    match suggestion {
        Suggestion::Place { url, title, heading } => {
            let kind = if heading.is_empty() { "page" } else { "heading" };
            let text = if heading.is_empty() { title } else { heading };
            json!({ "kind": kind, "text": text, "title": title, "heading": heading, "url": url })
        }
        Suggestion::Words(text) => {
            json!({ "kind": "words", "text": text, "title": "", "heading": "", "url": url_of(text, 1) })
        }
    }
}

/// The data of `dynamic/search/results.hbs`. Each key is always there: templates are strict.
fn shown(question: &str, number: usize, found: Result<Found, String>) -> Value {
    let (found, problem) = match found {
        Ok(found) => (found, None),
        Err(problem) => (Found::default(), Some(problem)),
    };
    let typed: String = question.chars().take(LONGEST_QUESTION).collect();
    let last = found.total.div_ceil(PAGE_RESULTS).clamp(1, LAST_PAGE);
    let to = |number: usize| (1..=last).contains(&number).then(|| url_of(&typed, number));
    let pager = (last > 1).then(|| {
        // Beyond the end, the way back is to the last page there is.
        json!({
            "number": number,
            "last": last,
            "previous": if number > 1 { to((number - 1).min(last)) } else { None },
            "next": to(number + 1),
        })
    });
    let results: Vec<Value> = found.pages.iter().map(result).collect();
    json!({
        "question": typed,
        "problem": problem,
        "is_asked": !question.is_empty(),
        "total": found.total,
        "is_one": found.total == 1,
        "with_all": found.with_all,
        "is_with_all": found.with_all == found.total,
        "without_quotes": found.without_quotes,
        "suggestion": found.suggestion.map(|text| json!({ "url": url_of(&text, 1), "text": text })),
        "first": (number - 1) * PAGE_RESULTS + 1,
        "results": results,
        "pager": pager,
    })
}

/// The address of a page of results.
fn url_of(question: &str, number: usize) -> String {
    let question = percent_encoding::utf8_percent_encode(question, percent_encoding::NON_ALPHANUMERIC);
    if number == 1 { format!("/search?q={question}") } else { format!("/search?q={question}&page={number}") }
}
