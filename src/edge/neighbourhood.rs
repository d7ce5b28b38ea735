//! Where a client is, as far as counting goes.
//!
//! [`Neighbourhood`] is an address, or the network of one: a subscriber of IPv6 has 2^64
//! addresses, and would be counted as so many.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address of IPv4, or a network (/64) of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// That of an address. One of IPv4 in the clothes of IPv6 is one of IPv4.
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        })
    }
}

impl fmt::Display for Neighbourhood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}
