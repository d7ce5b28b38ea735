//! What might be for a reader: pages that the search index finds for the words of what they
//! have read, put aside and looked for, and that they have not read.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::edge::live_release::LiveRelease;
use crate::edge::refusal::Refusal;
use crate::edge::session::{Reader, Sessions};
use crate::site::permalink::encode_path;
use crate::store::{KEPT_READS, ReadingList};

/// How many titles and searches are asked with: the latest.
const READ: usize = 8;
const KEPT: usize = 4;
const SEARCHED: i64 = 4;
/// How much of all of them, in bytes: the index looks at each word.
const LONGEST: usize = 600;

/// So many at most, the best first; none for who has read nothing, or keeps no history.
pub(in crate::edge) async fn suggestions(
    sessions: &Sessions,
    release: &Arc<LiveRelease>,
    reader: &Reader,
    limit: usize,
) -> Result<Vec<Value>, Refusal> {
    let Some(member) = reader.member().filter(|member| member.keeps_history) else { return Ok(Vec::new()) };
    let (store, standing) = (sessions.store(), reader.standing());
    let read = store.history(member.id, KEPT_READS).await?;
    let kept = store.reading_list(ReadingList::Kept, member.id).await?;
    let searches = store.searches(member.id, SEARCHED).await?;
    // The words of a page that is not for them any more are nothing to go on with.
    let title = |path: &str| release.title(path).filter(|_| release.is_for(path, &standing));
    let of_read = read.iter().take(READ).filter_map(|read| title(&read.path));
    let of_kept = kept.iter().take(KEPT).filter_map(|(path, _)| title(path));
    let mut words = String::new();
    for text in searches.iter().map(|(words, _)| words.as_str()).chain(of_read).chain(of_kept) {
        if words.len() + text.len() < LONGEST {
            // Quotes would make a phrase of it, which must be there.
            words.extend(text.chars().map(|one| if one.is_alphanumeric() { one } else { ' ' }));
            words.push(' ');
        }
    }
    let Some(index) = release.search.clone().filter(|_| !words.trim().is_empty()) else { return Ok(Vec::new()) };
    let mut known: HashSet<String> = read.into_iter().map(|read| read.path).collect();
    known.extend(kept.into_iter().map(|(path, _)| path));
    // So many of the first may be known, or not for them.
    let wanted = limit + known.len().min(50) + 20;
    let of_whom = standing.clone();
    let found = tokio::task::spawn_blocking(move || index.akin(&words, wanted, &of_whom)).await;
    let found = found.map_err(|error| Refusal::fault("finding suggestions panicked", &error))?;
    let found = found.map_err(|error| Refusal::fault("suggestions cannot be found", &error))?;
    let shown = found.into_iter().filter(|path| !known.contains(path) && release.is_for(path, &standing));
    let shown = shown.filter_map(|path| {
        let title = release.title(&path)?;
        Some(json!({ "title": title, "url": encode_path(&path) }))
    });
    Ok(shown.take(limit).collect())
}
