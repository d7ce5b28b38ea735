//! Following: notices a new release on the shelf, and puts it in the old one's place.
//!
//! `current` is read again and again, not watched: it is 64 bytes, replaced by rename, often
//! on a file system (a volume, a share) where events do not arrive.

use tokio::time::{MissedTickBehavior, interval};

use super::node::Edge;
use crate::site::release::{Shelf, ShelfError};

/// Follows the shelf of `edge` for ever. A release that cannot be used is logged once, and
/// the old one goes on.
pub(super) async fn follow(edge: Edge) {
    let mut ticks = interval(edge.options().follow_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refused = None;
    loop {
        ticks.tick().await;
        let current = read_current(edge.shelf().clone()).await;
        let Ok(current) = current else {
            // Deleted, as `.littoral/` may be at any time: the next build brings it back.
            continue;
        };
        if current == edge.borrow_release().id.to_string() || Some(&current) == refused.as_ref() {
            continue;
        }
        match edge.reload().await {
            Ok(_) => refused = None,
            Err(error) => {
                tracing::error!(%error, "the new release cannot be used, the old one goes on");
                refused = Some(current);
            }
        }
    }
}

/// The text of `current`, be it an id or not: damage must be told, too.
async fn read_current(shelf: Shelf) -> Result<String, ShelfError> {
    let path = shelf.current_file();
    match tokio::fs::read_to_string(&path).await {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(cause) => Err(ShelfError::Unreadable { path, cause }),
    }
}
