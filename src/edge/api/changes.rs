//! The feed of changes: what has become of a table's rows since a number that one has seen.
//!
//! It names rows and does not hold them: who follows it reads each as it is now, and so never
//! an old one. A request may wait until there is something, for as long as it says.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;
use super::{Call, rows, with_json};
use crate::edge::data_page::request;
use crate::edge::headers::NO_STORE;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::api::{LIMIT, MOST_ROWS, ROWS, Right};
use crate::site::table::TableName;
use crate::store::{Change, Changes, Store};

/// The longest that a request may wait, in seconds: shorter than proxies wait.
const LONGEST_WAIT: u64 = 25;
/// How many requests may wait at once; the others are answered without.
static WAITING: Semaphore = Semaphore::const_new(512);

/// What a request wants of the feed.
struct Asked {
    after: Option<i64>,
    limit: u32,
    wait: Duration,
}

/// `GET /tables/T/changes`
pub(super) async fn feed(call: &Call, name: &TableName) -> Result<Response, Problem> {
    rows::opened(call, name, Right::Read).await?;
    let asked = asked(call)?;
    let store = call.edge.store().ok_or(Refusal::Unavailable(rows::SOON))?;
    let Some(after) = asked.after else {
        let last = store.last_change().await.map_err(|error| Refusal::fault("changes cannot be read", &error))?;
        return Ok(answer(&[], last));
    };
    let changes = changes(call, store, name, after, &asked).await?;
    Ok(answer(&changes, changes.last().map_or(after, |change| change.number)))
}

async fn changes(
    call: &Call,
    store: &Store,
    name: &TableName,
    after: i64,
    asked: &Asked,
) -> Result<Vec<Change>, Problem> {
    let until = Instant::now() + asked.wait;
    let (mut heard, mut closing) = (call.edge.changes_heard(), call.edge.closing());
    let place = WAITING.try_acquire().ok();
    loop {
        heard.mark_unchanged();
        let found = store.changes(Some(name), after, asked.limit).await;
        let found = match found.map_err(|error| Refusal::fault("changes cannot be read", &error))? {
            Changes::Since(found) => found,
            Changes::Forgotten => return Err(Problem::Gone),
        };
        if !found.is_empty() || place.is_none() || Instant::now() >= until || *closing.borrow() {
            return Ok(found);
        }
        let something = async {
            tokio::select! {
                _ = heard.changed() => {}
                _ = closing.changed() => {}
            }
        };
        let _ = timeout_at(until, something).await;
    }
}

fn asked(call: &Call) -> Result<Asked, Problem> {
    let mut said = request::said(call.uri.query().unwrap_or_default())?;
    let mut number = |name: &str, least: u64, most: u64, otherwise: u64| match said.remove(name) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| Problem::invalid(format!("“{name}” must be a whole number from {least} to {most}"))),
    };
    let limit = number(LIMIT, 1, u64::from(MOST_ROWS), u64::from(ROWS))?;
    let wait = number("wait", 0, LONGEST_WAIT, 0)?;
    let after = number("after", 0, i64::MAX as u64, u64::MAX)?;
    if let Some(unknown) = said.keys().next() {
        return Err(Problem::invalid(format!("“{unknown}” means nothing here: expected `after`, `{LIMIT}`, `wait`")));
    }
    let limit = u32::try_from(limit).unwrap_or(ROWS);
    Ok(Asked { after: i64::try_from(after).ok(), limit, wait: Duration::from_secs(wait) })
}

fn answer(changes: &[Change], next: i64) -> Response {
    let changes: Vec<Value> = changes
        .iter()
        .map(|Change { number, deed, key, at, .. }| json!({ "number": number, "deed": deed, "key": key, "at": at.to_string() }))
        .collect();
    let mut response = with_json(hyper::StatusCode::OK, json!({ "changes": changes, "next": next }).to_string());
    response.headers_mut().insert(hyper::header::CACHE_CONTROL, NO_STORE);
    response
}
