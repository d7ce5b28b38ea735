//! Kept fragments: what was rendered lately, for whom, until when, and of which tables.
//!
//! A piece is fresh until its time is over or a row of a table that it has read changes.
//! Changes are counted: a piece bears the count of the moment *before* it was begun, so one
//! that was being made while a row changed is never taken for fresh. Whoever comes while a
//! piece is being made waits for it, and makes it anew if it has become old meanwhile.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use rustc_hash::{FxBuildHasher, FxHashMap};
use tokio::task;

use super::splice::Holes;
use super::squeeze::Squeezed;
use crate::site::digest::Digest;
use crate::site::table::TableName;
use crate::store::MemberId;

/// What a kept piece costs beside its bytes: key, tables, the cache's own books.
const OVERHEAD: u64 = 256;

/// How many pieces the cache makes room for at first, for each MiB; more is not refused.
const PIECES_A_MIB: usize = 256;

/// For whom a piece was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whom {
    Everyone,
    /// Whoever is not signed in: they are all told the same.
    Visitor,
    Member(MemberId),
}

/// Which piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// See `Call::digest`.
    pub(super) call: Digest,
    pub(super) whom: Whom,
}

/// What a piece has read, of what can change.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    pub(super) tables: Vec<TableName>,
    /// The comments of a page.
    pub(super) comments: Option<Thread>,
}

impl Reads {
    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.comments.is_none()
    }
}

/// The comments of one page, as far as changes are told apart: 65,536 of them, so that the books
/// do not grow with the pages, and two pages in a hundred thousand are made anew together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Thread(u16);

impl Thread {
    pub(super) fn of(path: &str) -> Self {
        let hash = std::hash::BuildHasher::hash_one(&FxBuildHasher, path);
        Self((hash >> 48) as u16)
    }
}

/// A rendered fragment.
#[derive(Debug)]
pub(in crate::edge) struct Piece {
    pub(super) html: Bytes,
    pub(super) digest: Digest,
    reads: Reads,
    /// How many changes there had been when it was begun.
    begun: u64,
    until: Instant,
}

impl Piece {
    /// One that has read these; it is not kept.
    pub(super) fn new(html: Bytes, reads: Reads) -> Self {
        Self { digest: Digest::of(&html), html, reads, begun: 0, until: Instant::now() }
    }

    /// The same, kept for a time. `begun` was asked before anything was read for it.
    pub(super) fn kept(self, begun: Begun, time: Duration) -> Self {
        Self { begun: begun.0, until: Instant::now() + time, ..self }
    }
}

/// The moment at which a piece was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun(u64);

#[derive(Debug, Default)]
struct Changes {
    count: u64,
    /// Table → the count at its last change.
    last: FxHashMap<TableName, u64>,
    /// The same of the comments of pages.
    threads: FxHashMap<Thread, u64>,
    /// The count when those of any page may have changed.
    all_threads: u64,
}

/// The kept pieces.
pub(in crate::edge) struct KeptPieces {
    pieces: Cache<Key, Arc<Piece>, ByBytes, FxBuildHasher>,
    /// What stands around the fragments of a page: its object, and where they are in it.
    squeezed: Cache<(Digest, u64), Arc<Squeezed>, ByBytes, FxBuildHasher>,
    changes: RwLock<Changes>,
}

impl KeptPieces {
    /// Room for so many MiB: half of it for pieces, half for the pages around them.
    pub(in crate::edge) fn of_mib(mib: u32) -> Self {
        let mib = mib.max(1);
        let (count, half) = (PIECES_A_MIB * mib as usize / 2, u64::from(mib) << 19);
        let pieces = Cache::with(count, half, ByBytes, FxBuildHasher, Default::default());
        let squeezed = Cache::with(count, half, ByBytes, FxBuildHasher, Default::default());
        Self { pieces, squeezed, changes: RwLock::default() }
    }

    /// What stands around these fragments of the page `object`, as gzip; squeezed once for all
    /// who want it. None if that cannot be done.
    pub(super) async fn squeezed(&self, object: Digest, holes: &Holes, page: &Bytes) -> Option<Arc<Squeezed>> {
        let squeeze = async {
            let around = holes.around(page);
            let made = task::spawn_blocking(move || Squeezed::of(&around)).await;
            made.map_err(|_| ())?.map(Arc::new).map_err(|_| ())
        };
        self.squeezed.get_or_insert_async(&(object, holes.tag()), squeeze).await.ok()
    }

    /// Notes that rows of `table` are others now: what has read it is old from here on.
    pub(in crate::edge) fn changed(&self, table: &TableName) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.count += 1;
        let count = changes.count;
        changes.last.insert(table.clone(), count);
    }

    /// Notes that the comments of the page at `path` are others now; of all pages, without one.
    pub(in crate::edge) fn comments_changed(&self, path: Option<&str>) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.count += 1;
        let count = changes.count;
        match path {
            Some(path) => drop(changes.threads.insert(Thread::of(path), count)),
            None => changes.all_threads = count,
        }
    }

    /// To be asked before anything is read for a piece.
    pub(super) fn begin(&self) -> Begun {
        Begun(self.changes.read().unwrap_or_else(PoisonError::into_inner).count)
    }

    /// The piece, if there is one and it is fresh.
    pub(super) fn fresh(&self, key: &Key) -> Option<Arc<Piece>> {
        self.pieces.get(key).filter(|piece| self.is_fresh(piece))
    }

    /// The piece; made by `make` if there is none that is fresh and nobody is making it.
    pub(super) async fn find_or_make<E>(
        &self,
        key: Key,
        make: impl Future<Output = Result<Piece, E>>,
    ) -> Result<Arc<Piece>, E> {
        let look = |_: &Key, piece: &mut Arc<Piece>| match self.is_fresh(piece) {
            true => EntryAction::Retain(piece.clone()),
            false => EntryAction::ReplaceWithGuard,
        };
        match self.pieces.entry_async(&key, look).await {
            EntryResult::Retained(piece) => Ok(piece),
            EntryResult::Vacant(guard) | EntryResult::Replaced(guard, _) => {
                // Dropped when it fails, and the next who waits tries.
                let piece = Arc::new(make.await?);
                // Refused only when somebody has removed the place meanwhile.
                let _ = guard.insert(piece.clone());
                Ok(piece)
            }
            // Nothing here removes, and nothing waits for a time.
            EntryResult::Removed(..) | EntryResult::Timeout => make.await.map(Arc::new),
        }
    }

    fn is_fresh(&self, piece: &Piece) -> bool {
        if Instant::now() >= piece.until {
            return false;
        }
        if piece.reads.is_empty() {
            return true;
        }
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        let is_old = |at: u64| at > piece.begun;
        let has_old_table = piece.reads.tables.iter().any(|table| changes.last.get(table).copied().is_some_and(is_old));
        let has_old_thread = piece.reads.comments.is_some_and(|thread| {
            is_old(changes.all_threads) || changes.threads.get(&thread).copied().is_some_and(is_old)
        });
        !has_old_table && !has_old_thread
    }
}

impl fmt::Debug for KeptPieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pieces, pages) = (&self.pieces, &self.squeezed);
        write!(f, "KeptPieces({} of {} bytes, {} pages)", pieces.len(), pieces.weight(), pages.len())
    }
}

/// Weighs a piece in bytes.
#[derive(Clone, Copy)]
struct ByBytes;

impl Weighter<(Digest, u64), Arc<Squeezed>> for ByBytes {
    fn weight(&self, _: &(Digest, u64), page: &Arc<Squeezed>) -> u64 {
        page.length() as u64 + OVERHEAD
    }
}

impl Weighter<Key, Arc<Piece>> for ByBytes {
    fn weight(&self, _: &Key, piece: &Arc<Piece>) -> u64 {
        piece.html.len() as u64 + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn key(name: &str) -> Key {
        Key { call: Digest::of(name.as_bytes()), whom: Whom::Everyone }
    }

    fn table(name: &str) -> TableName {
        name.parse().unwrap()
    }

    fn piece(html: &'static str, reads: &[&str], begun: Begun) -> Piece {
        let tables = reads.iter().map(|name| table(name)).collect();
        Piece::new(html.into(), Reads { tables, comments: None }).kept(begun, HOUR)
    }

    async fn put(kept: &KeptPieces, name: &str, reads: &[&str]) {
        let begun = kept.begin();
        let made = async { Ok::<_, Infallible>(piece("x", reads, begun)) };
        kept.find_or_make(key(name), made).await.unwrap();
    }

    #[tokio::test]
    async fn a_changed_table_makes_old_what_has_read_it_and_nothing_else() {
        let kept = KeptPieces::of_mib(1);
        put(&kept, "both", &["product", "price"]).await;
        put(&kept, "one", &["product"]).await;
        put(&kept, "none", &[]).await;
        kept.changed(&table("price"));
        let fresh = |name: &str| kept.fresh(&key(name)).is_some();
        assert_eq!((fresh("both"), fresh("one"), fresh("none")), (false, true, true));
        put(&kept, "both", &["product", "price"]).await;
        assert!(kept.fresh(&key("both")).is_some());
    }

    #[tokio::test]
    async fn comments_of_one_page_make_old_what_shows_them_and_those_of_all_pages_everything_that_does() {
        let kept = KeptPieces::of_mib(1);
        put(&kept, "table", &["product"]).await;
        for path in ["/a/", "/b/"] {
            let begun = kept.begin();
            let reads = Reads { tables: Vec::new(), comments: Some(Thread::of(path)) };
            let made = async { Ok::<_, Infallible>(Piece::new("x".into(), reads).kept(begun, HOUR)) };
            kept.find_or_make(key(path), made).await.unwrap();
        }
        let fresh = |name: &str| kept.fresh(&key(name)).is_some();
        kept.comments_changed(Some("/a/"));
        assert_eq!((fresh("/a/"), fresh("/b/"), fresh("table")), (false, true, true));
        kept.comments_changed(None);
        assert_eq!((fresh("/b/"), fresh("table")), (false, true));
    }

    #[tokio::test]
    async fn what_was_being_made_while_a_row_changed_is_not_taken_for_fresh() {
        let kept = KeptPieces::of_mib(1);
        let begun = kept.begin();
        let make = async {
            kept.changed(&table("product"));
            Ok::<_, Infallible>(piece("old", &["product"], begun))
        };
        kept.find_or_make(key("a"), make).await.unwrap();
        let begun = kept.begin();
        let again = kept.find_or_make(key("a"), async { Ok::<_, Infallible>(piece("new", &["product"], begun)) });
        assert_eq!(again.await.unwrap().html, "new");
    }

    #[tokio::test]
    async fn what_is_over_is_made_anew() {
        let kept = KeptPieces::of_mib(1);
        let begun = kept.begin();
        let short =
            async { Ok::<_, Infallible>(Piece::new("old".into(), Reads::default()).kept(begun, Duration::ZERO)) };
        kept.find_or_make(key("a"), short).await.unwrap();
        assert!(kept.fresh(&key("a")).is_none());
    }

    #[tokio::test]
    async fn many_who_miss_one_piece_make_it_once() {
        let (kept, made, go) = (KeptPieces::of_mib(1), AtomicUsize::new(0), Notify::new());
        let begun = kept.begin();
        let ask = || {
            kept.find_or_make(key("a"), async {
                made.fetch_add(1, Ordering::Relaxed);
                go.notified().await;
                Ok::<_, Infallible>(piece("x", &[], begun))
            })
        };
        let release = async { go.notify_one() };
        let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), release);
        assert_eq!([one, two, three].map(|piece| piece.unwrap().html.clone()), ["x"; 3]);
        assert_eq!(made.into_inner(), 1);
    }

    #[tokio::test]
    async fn memory_is_bounded_whatever_is_asked_for() {
        let kept = KeptPieces::of_mib(1);
        let begun = kept.begin();
        for number in 0..200 {
            let long = async {
                Ok::<_, Infallible>(Piece::new(vec![b'x'; 20_000].into(), Reads::default()).kept(begun, HOUR))
            };
            kept.find_or_make(key(&number.to_string()), long).await.unwrap();
        }
        assert!(kept.pieces.weight() <= 1 << 20, "{kept:?}");
    }
}
