//! Places for connections: so many in all, and so many for one client.
//!
//! When all are taken, the next client waits to be accepted. Who has all of their own is
//! turned away at once instead: were they to wait, everybody behind them would.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::crowd::{Each, Share};
use super::options::Limits;

/// The places of one server.
#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    each: Each,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

impl Slots {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { all: Arc::new(Semaphore::new(limits.connections)), each: Each::at_most(limits.connections_each) }
    }

    /// Waits until there is a place for somebody.
    pub(super) async fn any(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.all).acquire_owned().await
    }

    /// Gives the place to the client at `address`; `None` when they have enough.
    pub(super) fn give(&self, permit: OwnedSemaphorePermit, address: IpAddr, proxies: &[IpAddr]) -> Option<Slot> {
        let share = self.each.give(address, proxies)?;
        Some(Slot { _permit: permit, _share: share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> Slots {
        Slots::of(&Limits { connections: 9, connections_each: 2, ..Limits::default() })
    }

    fn give(slots: &Slots, address: &str) -> Option<Slot> {
        let permit = Arc::clone(&slots.all).try_acquire_owned().ok()?;
        slots.give(permit, address.parse().unwrap(), &[])
    }

    #[test]
    fn a_client_with_all_its_places_is_turned_away_and_others_are_not() {
        let slots = slots();
        let (first, _second) = (give(&slots, "192.0.2.1"), give(&slots, "192.0.2.1"));
        assert!(first.is_some() && give(&slots, "192.0.2.1").is_none() && give(&slots, "192.0.2.2").is_some());
        drop(first);
        assert!(give(&slots, "192.0.2.1").is_some());
    }

    #[test]
    fn who_was_turned_away_holds_nothing_and_who_has_gone_is_forgotten() {
        let slots = slots();
        let held = [give(&slots, "192.0.2.1"), give(&slots, "192.0.2.1")];
        assert!(give(&slots, "192.0.2.1").is_none());
        assert_eq!(slots.all.available_permits(), 7);
        drop(held);
        assert_eq!(slots.all.available_permits(), 9);
        assert!(slots.each.is_empty());
    }
}
