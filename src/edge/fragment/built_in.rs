//! The sources of the built-in fragments. Their templates are in `dynamic/fragments/`, as
//! those of authors; a site's own template of the same name gets the same data.

use serde_json::{Map, Value, json};

use super::source::{Asked, Finding, Found, Source};
use crate::edge::history;
use crate::edge::listing;
use crate::edge::session::Sessions;

/// The source of the fragment `name`, if the edge has one.
pub(super) fn source(name: &str) -> Option<&'static dyn Source> {
    match name {
        "pages" => Some(&Pages),
        "recently-read" => Some(&RecentlyRead),
        _ => None,
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
            Ok(Found { values, reads: Vec::new() })
        })
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
            Ok(Found { values: Map::from_iter([("pages".to_owned(), pages.into())]), reads: Vec::new() })
        })
    }
}

/// A number that the parameter says; `most` where a site's own template has no such parameter.
fn number(asked: &Asked, name: &str, most: usize) -> usize {
    let said = asked.parameter(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    said.map_or(most, |number| number.min(most))
}
