//! Looking after the site: memory, disk, mail, and what requests come to. What is wrong is told
//! to administrators.
//!
//! Requests are counted in memory, each node its own; once in a while the counts are looked at
//! and begin again. What was told rests for a time, for all nodes together (the store knows), so
//! that a night of trouble is one letter an hour and not a thousand.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;

use crate::edge::neighbourhood::Neighbourhood;
use crate::edge::node::Edge;
use crate::edge::room::Peer;
use crate::edge::session::{Reader, Sessions, client};
use crate::site::alerts::Alerts;
use crate::store::{Alert, Device, MemberId, Store, StoreError};

/// How many networks are counted apart; those beyond are not: a scanner is one that comes often.
const NETWORKS: usize = 4096;
const MIB: u64 = 1024 * 1024;

/// What requests have come to since the counts were last looked at.
#[derive(Debug, Default)]
pub(in crate::edge) struct Counts {
    faults: AtomicU32,
    failed_logins: AtomicU32,
    not_found: Mutex<FxHashMap<Neighbourhood, u32>>,
}

impl Counts {
    /// Counts an answer that no static file was.
    pub(in crate::edge) fn note(&self, edge: &Edge, parts: &Parts, peer: Peer, status: StatusCode) {
        // Who has to wait is no fault: a stranger can make others wait.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        let is_refused = status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::TOO_MANY_REQUESTS;
        if is_refused && parts.method == Method::POST && parts.uri.path() == "/login" {
            self.failed_logins.fetch_add(1, Ordering::Relaxed);
        }
        if status == StatusCode::NOT_FOUND {
            let proxies = &edge.borrow_release().site.edge.proxies;
            let network = Neighbourhood::of(client(&parts.headers, peer.0.ip(), proxies));
            let mut all = self.not_found.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < NETWORKS || all.contains_key(&network) {
                *all.entry(network).or_default() += 1;
            }
        }
    }
}

/// Watches until the edge is told to stop.
pub(in crate::edge) async fn watch(edge: Edge) {
    let mut closing = edge.closing();
    tokio::select! {
        _ = closing.wait_for(|is_closing| *is_closing) => {}
        () = watch_for_ever(&edge) => {}
    }
}

async fn watch_for_ever(edge: &Edge) {
    let store = edge.store_to_come().await;
    if edge.accounts().is_none() {
        // There is nobody to tell.
        return;
    }
    loop {
        tokio::time::sleep(edge.options().watch_every).await;
        match look(edge, &store).await {
            Ok(()) => {}
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "administrators could not be told what is wrong"),
        }
    }
}

async fn look(edge: &Edge, store: &Store) -> Result<(), StoreError> {
    let alerts = edge.borrow_release().site.edge.alerts.clone();
    let mut wrong = Vec::new();
    let root = edge.root().to_owned();
    // Files of the kernel and of a disk that may be slow.
    let measured = tokio::task::spawn_blocking(move || (memory_left(), room_left(&root))).await;
    let (memory, room) = measured.unwrap_or_default();
    if let Some(left) = memory.filter(|left| *left < alerts.memory_mib) {
        wrong.push(("memory", format!("Little memory is left on the machine: {left} MiB")));
    }
    if let Some(left) = room.filter(|left| *left < alerts.disk_mib) {
        wrong.push(("disk", format!("Little room is left on the disk of the site: {left} MiB")));
    }
    let now = Timestamp::now();
    if alerts.given_up > 0 {
        let day_ago = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now);
        let given_up = store.given_up_since(day_ago, alerts.given_up).await?;
        if given_up >= i64::from(alerts.given_up) {
            wrong.push(("outbox", format!("{given_up} letters or messages, or more, were given up within a day")));
        }
    }
    wrong.extend(requests(&edge.notices().counts, &alerts));
    let rest = SignedDuration::from_mins(i64::from(alerts.rest_minutes));
    for (kind, subject) in wrong {
        match store.alert(kind, subject.clone(), rest, now).await? {
            Alert::Told(0) => tracing::warn!(kind, "{subject}; there is no administrator who could be told"),
            Alert::Told(_) => {
                tracing::warn!(kind, "{subject}");
                edge.notified();
            }
            Alert::Resting => {}
        }
    }
    Ok(())
}

/// What is wrong with requests. The counts begin again.
fn requests(counts: &Counts, alerts: &Alerts) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let faults = counts.faults.swap(0, Ordering::Relaxed);
    if alerts.faults > 0 && faults >= alerts.faults {
        wrong.push(("faults", format!("{faults} requests were answered with a fault of ours within a minute")));
    }
    let failed = counts.failed_logins.swap(0, Ordering::Relaxed);
    if alerts.failed_logins > 0 && failed >= alerts.failed_logins {
        wrong.push(("logins", format!("{failed} logins failed within a minute")));
    }
    let not_found = std::mem::take(&mut *counts.not_found.lock().unwrap_or_else(PoisonError::into_inner));
    // In no order: the one that asked most.
    if let Some((network, count)) = not_found.into_iter().max_by_key(|(_, count)| *count)
        && alerts.not_found > 0
        && count >= alerts.not_found
    {
        let subject = format!("{network} has asked for {count} addresses that are not there within a minute");
        wrong.push(("scanner", subject));
    }
    wrong
}

/// How much memory the machine has left, in MiB; none where nobody says it.
fn memory_left() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// How much room the disk of a folder has left, in MiB.
#[cfg(target_os = "linux")]
fn room_left(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize) / MIB)
}

#[cfg(not(target_os = "linux"))]
fn room_left(_: &Path) -> Option<u64> {
    None
}

/// Notes the browser that a member has signed in with. Nobody waits for it.
pub(in crate::edge) fn see_device(sessions: &Sessions, reader: &Reader, member: MemberId) {
    let alerts = sessions.edge().borrow_release().site.edge.alerts.clone();
    if !alerts.new_device {
        return;
    }
    // Without its figures: a browser is the same when it has been updated.
    let kind: String = reader.agent().chars().filter(|sign| !sign.is_ascii_digit()).collect();
    let device = blake3::derive_key("littoral 2026 browser of an administrator", kind.as_bytes());
    let described = crate::edge::account::described(reader.agent());
    let (edge, store) = (sessions.edge().clone(), sessions.store().clone());
    let rest = SignedDuration::from_mins(i64::from(alerts.rest_minutes));
    tokio::spawn(async move {
        match store.see_device(member, device, described, rest, Timestamp::now()).await {
            Ok(Device::New) => edge.notified(),
            Ok(Device::Known | Device::First) => {}
            Err(error) => tracing::warn!(%error, "the browser of a member could not be noted"),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_its_disk_has_room() {
        if cfg!(target_os = "linux") {
            assert!(memory_left().is_some_and(|left| left > 0));
            assert!(room_left(Path::new("/")).is_some());
            assert_eq!(room_left(Path::new("/nobody/is/here")), None);
        }
    }

    #[test]
    fn what_was_counted_is_told_once_it_is_enough_and_begins_again() {
        let counts = Counts::default();
        let alerts = Alerts { faults: 2, failed_logins: 1, not_found: 3, ..Alerts::default() };
        counts.faults.fetch_add(1, Ordering::Relaxed);
        assert_eq!(requests(&counts, &alerts), []);
        counts.faults.fetch_add(2, Ordering::Relaxed);
        counts.failed_logins.fetch_add(1, Ordering::Relaxed);
        let scanner = Neighbourhood::of("198.51.100.7".parse().unwrap());
        counts.not_found.lock().unwrap().insert(scanner, 3);
        let kinds: Vec<&str> = requests(&counts, &alerts).iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["faults", "logins", "scanner"]);
        assert_eq!(requests(&counts, &alerts), []);
    }
}
