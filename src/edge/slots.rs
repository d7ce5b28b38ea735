//! Places for connections: so many in all, and so many for one client.
//!
//! When all are taken, the next client waits to be accepted. Who has all of their own is
//! turned away at once instead: were they to wait, everybody behind them would.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::neighbourhood::Neighbourhood;
use super::options::Limits;

/// How many places each client has taken; none stands here with nought.
type Taken = Mutex<FxHashMap<Neighbourhood, usize>>;

/// The places of one server.
#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    most_each: usize,
    taken: Arc<Taken>,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    /// `None` for who is not counted.
    client: Option<(Neighbourhood, Arc<Taken>)>,
}

impl Slots {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            most_each: limits.connections_each,
            taken: Arc::default(),
        }
    }

    /// Waits until there is a place for somebody.
    pub(super) async fn any(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.all).acquire_owned().await
    }

    /// Gives the place to the client at `address`; `None` when they have enough. A client of
    /// this machine and the proxies that the site names stand for many, and are not counted.
    pub(super) fn give(&self, permit: OwnedSemaphorePermit, address: IpAddr, proxies: &[IpAddr]) -> Option<Slot> {
        let address = address.to_canonical();
        if address.is_loopback() || proxies.contains(&address) {
            return Some(Slot { _permit: permit, client: None });
        }
        let client = Neighbourhood::of(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(client).or_default();
        // With nought allowed the entry would stay; the first is always let in.
        if *count >= self.most_each.max(1) {
            return None;
        }
        *count += 1;
        Some(Slot { _permit: permit, client: Some((client, Arc::clone(&self.taken))) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((client, taken)) = &self.client else { return };
        let mut taken = lock(taken);
        if let Some(count) = taken.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                taken.remove(client);
            }
        }
    }
}

/// Nothing in here panics half-way, so a poisoned lock holds what is true.
fn lock(taken: &Taken) -> MutexGuard<'_, FxHashMap<Neighbourhood, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "192.0.2.99";

    fn slots() -> Slots {
        Slots::of(&Limits { connections: 9, connections_each: 2, ..Limits::default() })
    }

    fn give(slots: &Slots, address: &str) -> Option<Slot> {
        let permit = Arc::clone(&slots.all).try_acquire_owned().ok()?;
        slots.give(permit, address.parse().unwrap(), &[PROXY.parse().unwrap()])
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
        assert!(lock(&slots.taken).is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_ipv4_is_itself_in_any_spelling() {
        let slots = slots();
        let _held = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "::ffff:192.0.2.1"].map(|at| give(&slots, at).unwrap());
        for more in ["2001:db8::3", "192.0.2.1", "::ffff:192.0.2.1"] {
            assert!(give(&slots, more).is_none(), "{more}");
        }
        assert!(give(&slots, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn this_machine_and_the_sites_proxies_stand_for_many() {
        let slots = slots();
        let held: Vec<Slot> =
            ["127.0.0.1", "::1", PROXY].iter().flat_map(|at| (0..3).map(|_| give(&slots, at).unwrap())).collect();
        assert_eq!(held.len(), 9);
    }
}
