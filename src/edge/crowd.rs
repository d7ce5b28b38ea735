//! Places that many want: so many in all, and so many for one client, so that nobody can take
//! them all from the others.
//!
//! A client is an address, or a /64 of IPv6. Those of this machine, and the proxies that the
//! site names, stand for many, and are counted only in all.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::neighbourhood::Neighbourhood;

/// How many places each client has taken; none stands here with nought.
type Taken = Mutex<FxHashMap<Neighbourhood, usize>>;

/// Counts what each client has taken.
#[derive(Clone, Debug)]
pub(super) struct Each {
    most: usize,
    taken: Arc<Taken>,
}

/// What one client has taken, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    /// `None` for who is not counted.
    client: Option<(Neighbourhood, Arc<Taken>)>,
}

impl Each {
    /// The first is always let in: with nought allowed its entry would stay.
    pub(super) fn at_most(most: usize) -> Self {
        Self { most: most.max(1), taken: Arc::default() }
    }

    /// A share for the client at `address`; `None` when they have enough.
    pub(super) fn give(&self, address: IpAddr, proxies: &[IpAddr]) -> Option<Share> {
        let address = address.to_canonical();
        if address.is_loopback() || proxies.contains(&address) {
            return Some(Share { client: None });
        }
        let client = Neighbourhood::of(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(client).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { client: Some((client, Arc::clone(&self.taken))) })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.taken).is_empty()
    }
}

impl Drop for Share {
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

/// Places that nobody waits for: there is one, or there is none.
#[derive(Debug)]
pub(super) struct Crowd {
    all: Arc<Semaphore>,
    each: Each,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

impl Crowd {
    /// `most` places, `each` of them for one client.
    pub(super) fn of(most: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), each: Each::at_most(each) }
    }

    /// A place for the client at `address`, if there is one.
    pub(super) fn enter(&self, address: IpAddr, proxies: &[IpAddr]) -> Option<Place> {
        let share = self.each.give(address, proxies)?;
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _permit: permit, _share: share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "192.0.2.99";

    fn enter(crowd: &Crowd, address: &str) -> Option<Place> {
        crowd.enter(address.parse().unwrap(), &[PROXY.parse().unwrap()])
    }

    #[test]
    fn one_client_cannot_take_all_places() {
        let crowd = Crowd::of(5, 2);
        let held: Vec<_> = (0..9).filter_map(|_| enter(&crowd, "192.0.2.1")).collect();
        assert_eq!(held.len(), 2);
        let others: Vec<_> =
            ["192.0.2.2", "192.0.2.3", "192.0.2.4"].iter().filter_map(|at| enter(&crowd, at)).collect();
        assert!(others.len() == 3 && enter(&crowd, "192.0.2.5").is_none());
        drop((held, others));
        assert!(crowd.each.is_empty() && crowd.all.available_permits() == 5);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_ipv4_is_itself_in_any_spelling() {
        let crowd = Crowd::of(9, 2);
        let _held =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1", "::ffff:192.0.2.1"].map(|at| enter(&crowd, at).unwrap());
        for more in ["2001:db8::3", "192.0.2.1", "::ffff:192.0.2.1"] {
            assert!(enter(&crowd, more).is_none(), "{more}");
        }
        assert!(enter(&crowd, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn this_machine_and_the_sites_proxies_stand_for_many() {
        let crowd = Crowd::of(9, 2);
        let held: Vec<_> =
            ["127.0.0.1", "::1", PROXY].iter().flat_map(|at| (0..3).map(|_| enter(&crowd, at).unwrap())).collect();
        assert_eq!(held.len(), 9);
    }
}
