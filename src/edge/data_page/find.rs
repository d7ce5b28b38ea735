//! Rows that a search of the site finds, by the full-text index of their tables: a group for
//! each data page that says `search: true`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::ready::Ready;
use super::routes::Named;
use super::sitemap::{path_of, text, wanted_rows};
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::site::audience::Standing;
use crate::site::data_page::Each;
use crate::store::site_reads::{At, Row};

/// Rows that are shown of one page.
const SHOWN: u32 = 5;
/// How much of a row's text is shown, in characters.
const EXCERPT: usize = 200;
/// How long the results wait for all rows; then they are shown without those that did not come.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether it matters to a search who asks.
pub(in crate::edge) fn matters_who_asks(release: &LiveRelease) -> bool {
    release.data_pages.all().iter().any(|page| page.declared.search && !page.declared.audience.is_public())
}

/// What is found, as a template gets it. What cannot be read is left out, and the log says so.
pub(in crate::edge) async fn groups(
    edge: &Edge,
    release: &Arc<LiveRelease>,
    question: &str,
    standing: &Standing,
) -> Vec<Value> {
    let is_open = |page: &&Named| page.declared.search && page.declared.audience.admits(standing);
    let mut pages = release.data_pages.all().iter().filter(is_open).peekable();
    if question.trim().is_empty() || pages.peek().is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let asking = async {
        let Ok(ready) = edge.data_ready(release, "").await else { return };
        for page in pages {
            found.extend(group(edge, &ready, page, question).await);
        }
    };
    if timeout(PATIENCE, asking).await.is_err() {
        tracing::warn!("a search is answered without the rows that took too long");
    }
    found
}

async fn group(edge: &Edge, ready: &Arc<Ready>, page: &Named, question: &str) -> Option<Value> {
    let each = page.declared.each.as_ref()?;
    // It has been told.
    ready.fault(&page.name).ok()?;
    let mut wanted = wanted_rows(&page.declared, each, SHOWN, At::First);
    // Of a question without a word nothing is found, not everything.
    wanted.search = Some(question.to_owned()).filter(|question| question.chars().any(char::is_alphanumeric));
    wanted.search.as_ref()?;
    let rows = match ready.reads.ask(move |snapshot| snapshot.page(&wanted)).await {
        Ok(found) => found.rows,
        Err(error) => {
            if error.query_fault() == crate::store::QueryFault::Tables {
                edge.data_differs(ready);
            }
            tracing::warn!(file = page.file, %error, "a search does without the rows of a data page");
            return None;
        }
    };
    let results: Vec<Value> = rows.iter().filter_map(|row| result(page, each, row)).collect();
    let name = page.name.rsplit('/').next().unwrap_or_default();
    let heading = each.heading.as_deref().unwrap_or(name);
    (!results.is_empty()).then(|| json!({ "heading": heading, "results": results }))
}

fn result(page: &Named, each: &Each, row: &Row) -> Option<Value> {
    let url = path_of(&page.declared, each, row)?;
    let title = each.title.as_ref().and_then(|column| text(row, column));
    let said = each.text.as_ref().and_then(|column| text(row, column)).map(|text| cut(&text));
    Some(json!({ "title": title.unwrap_or_else(|| url.clone()), "url": url, "text": said }))
}

/// The beginning of a text, up to the end of a word.
fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(EXCERPT) else { return text.to_owned() };
    let cut = text.get(..end).unwrap_or_default();
    format!("{}…", cut.rsplit_once(char::is_whitespace).map_or(cut, |(words, _)| words))
}
