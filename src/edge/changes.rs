//! Following the changes of the site's tables that others make: other nodes on one store, a
//! command on this machine.
//!
//! What this node has made of a table that changed is made anew ([`Edge::changed`]), and who
//! waits for changes is told. On PostgreSQL the server says when there is something; on SQLite
//! one row is looked at now and then.

use std::time::Duration;

use tokio::sync::mpsc;

use super::node::Edge;
use crate::store::{Changes, Store, StoreError};

/// How many changes are taken at once.
const AT_ONCE: u32 = 1000;
/// How often one looks although the server would say it: a connection may break unheard.
const IN_ANY_CASE: Duration = Duration::from_secs(5);

/// Follows for ever.
pub(super) async fn follow(edge: Edge, store: Store) {
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
                }
            }
        }
    }
}

/// Takes what came after `seen`.
async fn take(edge: &Edge, store: &Store, seen: &mut Option<i64>) -> Result<(), StoreError> {
    let last = store.last_change().await?;
    let Some(before) = seen.replace(last).filter(|before| *before != last) else { return Ok(()) };
    let mut after = before;
    loop {
        match store.changes(None, after, AT_ONCE).await? {
            Changes::Since(changes) => {
                for table in changes.iter().filter_map(|change| change.table.parse().ok()) {
                    edge.changed_elsewhere(&table);
                }
                match changes.last() {
                    Some(change) if changes.len() == AT_ONCE as usize => after = change.number,
                    _ => break,
                }
            }
            // Another store has been put in its place.
            Changes::Forgotten => {
                edge.release().site.edge.data.keys().for_each(|table| edge.changed_elsewhere(table));
                break;
            }
        }
    }
    edge.tell_of_changes();
    Ok(())
}
