//! The sources of the built-in fragments. Their templates are in `dynamic/fragments/`, as
//! those of authors; a site's own template of the same name gets the same data.

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::source::{Asked, Finding, Found, Source};
use crate::edge::access;
use crate::edge::comment;
use crate::edge::history;
use crate::edge::listing;
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::notification;
use crate::edge::refusal::Refusal;
use crate::edge::session::Sessions;
use crate::site::release::Took;
use crate::site::table::TableName;
use crate::store::StoreError;

/// The source of the fragment `name`, if the edge has one.
pub(super) fn source(name: &str) -> Option<&'static dyn Source> {
    match name {
        "bell" => Some(&Bell),
        "comment-form" => Some(&comment::FormSource),
        "comments" => Some(&comment::ListSource),
        "costs" => Some(&Costs),
        "meter" => Some(&MeterShown),
        "pages" => Some(&Pages),
        "recently-read" => Some(&RecentlyRead),
        other => super::of_reading::source(other),
    }
}

/// Pages of the release, listed at this moment.
#[derive(Debug)]
struct Pages;

impl Source for Pages {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let wanted = listing::Wanted {
                below: asked.parameter("below").and_then(Value::as_str).unwrap_or("/"),
                only_leaves: asked.parameter("leaves").and_then(Value::as_bool).unwrap_or(false),
                limit: number(asked, "limit", listing::MOST),
            };
            let listing = json!(listing::list(asked.release(), &wanted));
            let values = listing.as_object().cloned().unwrap_or_default();
            Ok(Found { values, ..Found::default() })
        })
    }
}

/// One at a time: what is asked costs what the site and the table are large, and anybody can
/// ask it. Who waits too long for it gets the fallback.
static COUNTING: Semaphore = Semaphore::const_new(1);

/// What a part of the release costs, and what a table of the site does: for who compares.
#[derive(Debug)]
struct Costs;

impl Source for Costs {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let (edge, release) = (asked.edge().clone(), asked.release().clone());
            let below = asked.parameter("below").and_then(Value::as_str).unwrap_or("/").to_owned();
            let table: Option<TableName> = asked
                .parameter("table")
                .and_then(Value::as_str)
                .and_then(|name| name.parse().ok())
                // How many rows a table has that nobody is shown is nobody's business.
                .filter(|name| release.data_pages.show_to_all(name));
            let reads = table.iter().cloned().collect();
            let place = COUNTING.acquire().await.map_err(|_| Refusal::Fault)?;
            // It goes through all that it counts: never on a thread that answers.
            let counted = tokio::task::spawn_blocking(move || {
                // Held until it is done, though nobody may wait for it any longer.
                let _place = place;
                let mut values = Map::from_iter([("built".to_owned(), built(&edge, &release, &below))]);
                let size = match (edge.store(), table) {
                    (Some(store), Some(table)) => Handle::current().block_on(store.size_of(&table))?,
                    _ => None,
                };
                let size =
                    size.map(|size| json!({ "rows": size.rows, "bytes": size.bytes, "size": in_words(size.bytes) }));
                values.insert("table".to_owned(), size.into());
                Ok::<_, StoreError>(values)
            });
            let values = counted
                .await
                .map_err(|error| Refusal::fault("counting what is built panicked", &error))?
                .map_err(|error| Refusal::fault("a table could not be measured", &error))?;
            Ok(Found { values, reads, ..Found::default() })
        })
    }
}

fn built(edge: &Edge, release: &LiveRelease, below: &str) -> Value {
    let (files, bytes) = release.weight_below(below);
    let took = Took::of(edge.shelf(), release.id).map(|(took, ended)| {
        let ended = Timestamp::try_from(ended).unwrap_or_default().round(Unit::Second).unwrap_or_default();
        let seconds = format!("{:.2}", took.time().as_secs_f64());
        let on = ended.strftime("%-d %B %Y, %H:%M UTC").to_string();
        json!({ "seconds": seconds, "rendered": took.rendered, "ended": ended.to_string(), "on": on })
    });
    json!({ "files": files, "bytes": bytes, "size": in_words(bytes), "took": took })
}

/// `6.1 MB`
fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// The pages that the reader has read last, with where they stopped. Nothing for who keeps
/// no history.
#[derive(Debug)]
struct RecentlyRead;

impl Source for RecentlyRead {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let limit = number(asked, "limit", history::SHOWN);
            let pages = match (Sessions::of(asked.edge()), asked.member()) {
                (Some(sessions), Some(member)) => history::list(&sessions, member.id, limit).await?,
                _ => Vec::new(),
            };
            Ok(Found { values: Map::from_iter([("pages".to_owned(), pages.into())]), ..Found::default() })
        })
    }
}

/// How many of the metered pages are free for the reader yet.
#[derive(Debug)]
struct MeterShown;

impl Source for MeterShown {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let values = access::meter_shown(asked.edge(), asked.release(), asked.reader.as_deref()).await?;
            Ok(Found { values, ..Found::default() })
        })
    }
}

/// How many notifications the reader has not read.
#[derive(Debug)]
struct Bell;

impl Source for Bell {
    fn find<'a>(&'a self, asked: &'a Asked) -> Finding<'a> {
        Box::pin(async {
            let unread = match (Sessions::of(asked.edge()), asked.member()) {
                (Some(sessions), Some(member)) => notification::unread(&sessions, member.id).await?,
                _ => 0,
            };
            let values = json!({ "unread": unread, "words": notification::in_words(unread) });
            Ok(Found { values: values.as_object().cloned().unwrap_or_default(), ..Found::default() })
        })
    }
}

/// A number that the parameter says; `most` where a site's own template has no such parameter.
fn number(asked: &Asked, name: &str, most: usize) -> usize {
    let said = asked.parameter(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    said.map_or(most, |number| number.min(most))
}
