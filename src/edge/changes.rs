//! Following the changes of the site's tables that others make: other nodes on one store, a
//! command on this machine.
//!
//! What this node has made of a table that changed is made anew ([`Edge::changed`]), and who
//! waits for changes is told. On PostgreSQL the server says when there is something; on SQLite
//! one row is looked at now and then.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;

use super::node::{CommentNews, Edge};
use crate::site::table::TableName;
use crate::store::{COMMENTS, Change, ChangeDeed, Changes, Store, StoreError};

/// How many changes are taken at once.
const AT_ONCE: u32 = 1000;
/// How often one looks although the server would say it: a connection may break unheard.
const IN_ANY_CASE: Duration = Duration::from_secs(5);

/// How long one waits to listen again.
const IN_A_MOMENT: Duration = Duration::from_millis(200);

/// Follows for ever, once there is a store.
pub(super) async fn follow(edge: Edge) {
    let store = edge.store_to_come().await;
    let mut seen = None;
    let mut hearing: Option<mpsc::Receiver<()>> = None;
    loop {
        if hearing.is_none() {
            hearing = store.hear_of_changes().await.unwrap_or_default();
        }
        // After one has begun to listen, so that nothing falls between.
        match take(&edge, &store, &mut seen).await {
            Ok(()) => {}
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "what has changed in the store could not be read"),
        }
        let every = if hearing.is_some() { IN_ANY_CASE } else { edge.options().follow_every };
        tokio::select! {
            () = edge.own_change() => {}
            () = tokio::time::sleep(every) => {}
            Some(heard) = async { Some(hearing.as_mut()?.recv().await) } => {
                if heard.is_none() {
                    hearing = None;
                    // A server that goes away takes a moment to come back.
                    tokio::time::sleep(IN_A_MOMENT).await;
                }
            }
        }
    }
}

/// Comments have changed; their key is the path of the page.
fn hear(edge: &Edge, change: &Change) {
    let page = change.key.as_ref().and_then(|key| key.as_str()).map(Into::into);
    edge.comments_changed_somewhere(CommentNews { page, is_new: change.deed == ChangeDeed::Created.word() });
}

/// Takes what came after `seen`, which goes on only when all of it was taken.
async fn take(edge: &Edge, store: &Store, seen: &mut Option<i64>) -> Result<(), StoreError> {
    let Some(mut after) = *seen else {
        *seen = Some(store.last_change().await?);
        return Ok(());
    };
    let mut changed = BTreeSet::new();
    loop {
        match store.changes(None, after, AT_ONCE).await? {
            Changes::Since { changes, until } => {
                changed.extend(changes.iter().filter_map(|change| change.table.parse::<TableName>().ok()));
                changes.iter().filter(|change| change.table == COMMENTS).for_each(|change| hear(edge, change));
                after = until;
                if changes.len() < AT_ONCE as usize {
                    break;
                }
            }
            // Another store has been put in its place.
            Changes::Forgotten => {
                changed.extend(edge.release().site.edge.data.keys().cloned());
                edge.comments_changed_somewhere(CommentNews { page: None, is_new: false });
                after = store.last_change().await?;
                break;
            }
        }
    }
    *seen = Some(after);
    if !changed.is_empty() {
        changed.iter().for_each(|table| edge.changed_elsewhere(table));
        edge.tell_of_changes(changed.into_iter().collect());
    }
    Ok(())
}
