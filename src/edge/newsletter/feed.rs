//! Putting letters into the outbox: one loop beside the server, which any number of nodes may
//! run.
//!
//! An issue is made on the command line, so nobody tells this process of it: it looks. While
//! letters wait in the outbox, whose carrier decides how fast they go, no more are put.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::edge::node::Edge;
use crate::store::{Fed, StoreError};

/// How many subscribers are gone through in one transaction.
const AT_ONCE: usize = 250;
/// How many letters wait in the outbox at most: each is a copy of the whole text.
const WAITING: usize = 1000;
/// When to look again, with the outbox full.
const SOON: Duration = Duration::from_millis(100);

/// Feeds the outbox until the edge is told to stop.
pub(in crate::edge) async fn feed(edge: Edge) {
    let mut closing = edge.closing();
    tokio::select! {
        _ = closing.wait_for(|is_closing| *is_closing) => {}
        () = feed_for_ever(&edge) => {}
    }
}

async fn feed_for_ever(edge: &Edge) {
    let store = edge.store_to_come().await;
    let look_every = edge.options().deliveries.look_every;
    loop {
        let tiers = edge.release().site.edge.tiers.clone();
        match store.feed_issues(&tiers, AT_ONCE, WAITING, Timestamp::now()).await {
            Ok(Fed::Nothing) => sleep(look_every).await,
            Ok(Fed::Full) => sleep(SOON).await,
            Ok(Fed::Some(0)) => {}
            Ok(Fed::Some(_)) => edge.outbox_filled(),
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "letters of the newsletter could not be put into the outbox: it is tried again");
                sleep(look_every).await;
            }
        }
    }
}
