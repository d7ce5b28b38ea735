//! When administrators are told that something is wrong: `edge.alerts`.

use serde::{Deserialize, Serialize};

/// The thresholds; 0 switches one off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// Less memory than this is left on the machine, in MiB.
    pub memory_mib: u64,
    /// Less room than this is left on the disk of the store, in MiB.
    pub disk_mib: u64,
    /// So many messages of the outbox were given up within a day.
    pub given_up: u32,
    /// So many answers within a minute were our own fault (status 500 and above).
    pub faults: u32,
    /// So many logins within a minute failed.
    pub failed_logins: u32,
    /// So many addresses that are not there were asked for by one network within a minute.
    pub not_found: u32,
    /// Whether an administrator is told of a sign-in from a browser that they have not used.
    pub new_device: bool,
    /// For how long nothing more is said of the same thing, in minutes.
    pub rest_minutes: u32,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            disk_mib: 512,
            given_up: 10,
            faults: 10,
            failed_logins: 30,
            not_found: 100,
            new_device: true,
            rest_minutes: 60,
        }
    }
}

impl Alerts {
    /// What is wrong, each with its key.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        if (1..=60 * 24 * 7).contains(&self.rest_minutes) {
            return Vec::new();
        }
        vec![("rest_minutes", format!("expected from 1 minute to a week (10080), found {}", self.rest_minutes))]
    }
}
