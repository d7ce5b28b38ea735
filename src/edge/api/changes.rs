//! The feed of changes: what has become of a table's rows since a number that one has seen.
//!
//! It names rows and does not hold them: who follows it reads each as it is now, and so never
//! an old one. A request may wait until there is something, for as long as it says.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, timeout_at};

use super::problem::{Problem, SOON};
use super::{Call, rows, with_json};
use crate::edge::data_page::request;
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::api::{LIMIT, MOST_ROWS, ROWS, Right};
use crate::site::table::TableName;
use crate::store::{Change, Changes, Store};

/// The longest that a request may wait, in seconds: shorter than proxies wait.
const LONGEST_WAIT: i64 = 25;
/// How many requests with a token may wait at once.
static WAITING: Semaphore = Semaphore::const_new(512);
/// How many may without.
static ANYBODY_WAITING: Semaphore = Semaphore::const_new(256);

/// What a request wants of the feed.
struct Asked {
    after: Option<i64>,
    limit: u32,
    wait: Duration,
}

/// `GET /tables/T/changes`
pub(super) async fn feed(call: &Call, name: &TableName) -> Result<Response, Problem> {
    let opened = rows::opened(call, name, Right::Read).await?;
    let asked = asked(call)?;
    let store = call.edge.store().ok_or(Refusal::Unavailable(SOON))?;
    match asked.after {
        None => {
            let last = store.last_change().await.map_err(|error| Problem::of_store("the feed of changes", &error))?;
            Ok(answer(&[], last))
        }
        Some(after) => {
            let (changes, next) = changes(call, store, name, after, &asked, opened.caller.is_known()).await?;
            Ok(answer(&changes, next))
        }
    }
}

/// The changes after a number, and the number to ask with next time.
async fn changes(
    call: &Call,
    store: &Store,
    name: &TableName,
    after: i64,
    asked: &Asked,
    is_known: bool,
) -> Result<(Vec<Change>, i64), Problem> {
    let until = Instant::now() + asked.wait;
    // Before one looks, so that nothing falls between.
    let (mut heard, mut closing) = (call.edge.changes_heard(), call.edge.closing());
    let mut place = None;
    loop {
        let found = store.changes(Some(name), after, asked.limit).await;
        let (found, next) = match found.map_err(|error| Problem::of_store("the feed of changes", &error))? {
            Changes::Since { changes, until } => (changes, until),
            Changes::Forgotten => return Err(Problem::Gone),
        };
        if !found.is_empty() || Instant::now() >= until || *closing.borrow() {
            return Ok((found, next));
        }
        if place.is_none() {
            let places = if is_known { &WAITING } else { &ANYBODY_WAITING };
            // Answered at once, a program would ask again at once.
            place = Some(places.try_acquire().map_err(|_| Refusal::Unavailable(SOON))?);
        }
        let something = async {
            tokio::select! {
                () = heard_of(&mut heard, name) => {}
                _ = closing.changed() => {}
            }
        };
        let _ = timeout_at(until, something).await;
    }
}

/// Ready when something has changed in the table, or may have.
async fn heard_of(heard: &mut broadcast::Receiver<Arc<[TableName]>>, name: &TableName) {
    while let Ok(tables) = heard.recv().await {
        if tables.contains(name) {
            return;
        }
    }
}

fn asked(call: &Call) -> Result<Asked, Problem> {
    let mut said = request::said(call.uri.query().unwrap_or_default())?;
    let mut number = |name: &str, least: i64, most: i64| {
        let Some(text) = said.remove(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let expected = || Problem::invalid(format!("“{name}” must be a whole number from {least} to {most}"));
        number.map(Some).ok_or_else(expected)
    };
    let after = number("after", 0, i64::MAX)?;
    let limit = number(LIMIT, 1, i64::from(MOST_ROWS))?;
    let wait = number("wait", 0, LONGEST_WAIT)?;
    if let Some(unknown) = said.keys().next() {
        return Err(Problem::invalid(format!("“{unknown}” means nothing here: expected `after`, `{LIMIT}`, `wait`")));
    }
    Ok(Asked {
        after,
        limit: limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(ROWS),
        wait: Duration::from_secs(wait.unwrap_or(0).unsigned_abs()),
    })
}

fn answer(changes: &[Change], next: i64) -> Response {
    let changes = changes.iter().map(|Change { number, deed, key, at, .. }| {
        json!({ "number": number, "deed": deed, "key": key, "at": at.to_string() })
    });
    let changes: Vec<Value> = changes.collect();
    let mut response = with_json(StatusCode::OK, json!({ "changes": changes, "next": next }).to_string());
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}
