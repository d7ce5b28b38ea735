//! Kept bodies: what was asked for lately, with its headers, within a bound of memory.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rustc_hash::FxBuildHasher;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::headers;
use super::super::live_release::{File, Kind};
use super::negotiate::Coding;
use crate::site::digest::Digest;

/// What a kept body costs beside its bytes: headers, key, the cache's own books.
const OVERHEAD: u64 = 2048;

/// How many bodies the cache makes room for at first, for each MiB; more is not refused.
const BODIES_A_MIB: usize = 64;

/// Which body: in which release does not matter, so an unchanged page stays warm over a
/// build. The tag is that of the [`Kind`], because two paths with the same bytes may have
/// two media types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    object: Digest,
    kind: u64,
    coding: Coding,
}

impl Key {
    pub(super) fn of(file: &File, kind: &Kind, coding: Coding) -> Self {
        Self { object: file.object, kind: kind.tag, coding }
    }
}

/// A body with the headers it is sent with.
#[derive(Debug)]
pub(in super::super) struct KeptFile {
    pub(in super::super) headers: HeaderMap,
    pub(in super::super) bytes: Bytes,
}

/// The kept bodies.
pub(in super::super) struct Kept {
    bodies: Cache<Key, Arc<KeptFile>, ByBytes, FxBuildHasher>,
    makers: Semaphore,
}

impl Kept {
    /// Room for so many MiB of bodies.
    pub(in super::super) fn of_mib(mib: u32) -> Self {
        let mib = mib.max(1);
        let bodies = BODIES_A_MIB * mib as usize;
        let bodies = Cache::with(bodies, u64::from(mib) << 20, ByBytes, FxBuildHasher, Default::default());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { bodies, makers: Semaphore::new(cores) }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<KeptFile>> {
        self.bodies.get(key)
    }

    pub(super) fn cache(&self) -> &Cache<Key, Arc<KeptFile>, ByBytes, FxBuildHasher> {
        &self.bodies
    }

    /// A turn to read or encode. As many as there are cores: more gain nothing, and each
    /// thread that encodes keeps megabytes for its tables.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.makers.acquire().await.ok()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} bodies, {} bytes)", self.bodies.len(), self.bodies.weight())
    }
}

/// Weighs a body in bytes.
#[derive(Clone, Copy)]
pub(super) struct ByBytes;

impl Weighter<Key, Arc<KeptFile>> for ByBytes {
    fn weight(&self, _: &Key, file: &Arc<KeptFile>) -> u64 {
        file.bytes.len() as u64 + OVERHEAD
    }
}

/// The strong `ETag` of `file` in `coding`: half the digest is enough to tell versions apart.
pub(super) fn tag(file: &File, coding: Coding) -> String {
    let tag = file.object.tag();
    match coding {
        Coding::Identity => format!("\"{tag}\""),
        coding => format!("\"{tag}-{}\"", coding.name()),
    }
}

/// The headers that `file` in `coding` is sent with.
pub(super) fn headers_of(file: &File, kind: &Kind, coding: Coding) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(10);
    map.insert(CONTENT_TYPE, kind.media.clone());
    map.insert(ETAG, super::header(&tag(file, coding)));
    map.insert(CACHE_CONTROL, kind.cache_control.clone());
    map.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if kind.is_compressible {
        map.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if coding != Coding::Identity {
        map.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    headers::secure_static(&mut map);
    map
}
