//! The table of reads that outputs share.

use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::{Answer, Read};
use crate::build::model::Fields;

/// How many locks the reads are spread over.
const SHARDS: usize = 64;

/// A read's number, for as long as a table of them lives.
pub type ReadId = u32;

/// Every different read, with the digest of its answer.
#[derive(Debug)]
pub struct Reads {
    shards: Vec<Mutex<FxHashMap<Read, (ReadId, Answer)>>>,
    next: AtomicU32,
    /// The next number when the table was last known to hold no read that is not asked.
    at_first: AtomicU32,
    /// Fields of pages that any of them sees.
    seen: Mutex<Fields>,
    /// Those that ask for an asset.
    assets: Mutex<Vec<(ReadId, String)>>,
}

impl Default for Reads {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            next: AtomicU32::new(0),
            at_first: AtomicU32::new(0),
            seen: Mutex::default(),
            assets: Mutex::default(),
        }
    }
}

impl Reads {
    /// Puts reads back that another table gave, with their numbers.
    pub fn put_back(&self, reads: Vec<(Read, ReadId, Answer)>) {
        for (read, id, answer) in reads {
            self.next.fetch_max(id.saturating_add(1), Ordering::Relaxed);
            self.index(id, &read);
            self.shard(&read).insert(read, (id, answer));
        }
    }

    /// The next number when the table held no read that is not asked; 0 if that was never
    /// noted.
    pub fn at_first(&self) -> u32 {
        self.at_first.load(Ordering::Relaxed)
    }

    /// Notes that number; `next` for a table that was made by a clean build.
    pub fn set_at_first(&self, number: Option<u32>) {
        self.at_first.store(number.unwrap_or_else(|| self.next.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Gives the `piece`-th of so many `pieces` of the table, for [`Reads::put_back`]: in
    /// order of number, so that the same reads are the same bytes.
    pub fn with_piece<T>(&self, piece: usize, pieces: usize, give: impl FnOnce(&[(&Read, ReadId, Answer)]) -> T) -> T {
        let shards: Vec<_> = self.shards.iter().skip(piece).step_by(pieces).map(locked).collect();
        let reads = shards.iter().flat_map(|shard| shard.iter().map(|(read, (id, answer))| (read, *id, *answer)));
        let mut reads: Vec<_> = reads.collect();
        reads.sort_unstable_by_key(|(_, id, _)| *id);
        give(&reads)
    }

    /// Whether more numbers were given away than are likely in use: a read that no output
    /// asks any more stays until then.
    pub fn are_mostly_unused(&self) -> bool {
        let first = self.at_first.load(Ordering::Relaxed);
        first > 0 && self.next.load(Ordering::Relaxed) / 2 > first + 1_000
    }

    /// Forgets all but these.
    pub fn retain(&mut self, used: &FxHashSet<ReadId>) {
        for shard in &mut self.shards {
            let shard = shard.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.retain(|_, (id, _)| used.contains(id));
        }
        locked(&self.assets).retain(|(id, _)| used.contains(id));
        self.at_first = AtomicU32::new(self.next.load(Ordering::Relaxed));
    }

    /// Notes what must be found without a look at all reads.
    fn index(&self, id: ReadId, read: &Read) {
        if let Some(fields) = read.fields() {
            let mut seen = locked(&self.seen);
            *seen = seen.and(fields);
        }
        if let Read::Asset(name) = read {
            locked(&self.assets).push((id, name.clone()));
        }
    }

    fn shard(&self, read: &Read) -> std::sync::MutexGuard<'_, FxHashMap<Read, (ReadId, Answer)>> {
        // The map takes the hash's high bits for its own; a shard is chosen by low ones.
        let hash = FxBuildHasher.hash_one(read);
        let at = usize::try_from(hash >> 20).unwrap_or(0) % SHARDS;
        locked(&self.shards[at])
    }

    /// The number of `read`. `answer` is called if it is met for the first time.
    pub fn record(&self, read: &Read, answer: impl FnOnce() -> Answer) -> ReadId {
        if let Some((id, _)) = self.shard(read).get(read) {
            return *id;
        }
        let answer = answer();
        let mut shard = self.shard(read);
        let entry = shard.entry(read.clone()).or_insert_with(|| {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            self.index(id, read);
            (id, answer)
        });
        entry.0
    }

    /// Notes that reads which are not in the table see these.
    pub fn note_fields(&self, fields: Fields) {
        let mut seen = locked(&self.seen);
        *seen = seen.and(fields);
    }

    /// The fields that any read sees.
    pub fn fields(&self) -> Fields {
        *locked(&self.seen)
    }

    /// Whether any read sees one of `fields`.
    pub fn see(&self, fields: Fields) -> bool {
        locked(&self.seen).meets(fields)
    }

    /// Asks those again that `may_differ`, and gives the numbers of those whose answer is
    /// another one now.
    pub fn ask_again(
        &mut self,
        may_differ: impl Fn(&Read) -> bool + Sync,
        answer: impl Fn(&Read) -> Answer + Sync,
    ) -> FxHashSet<ReadId> {
        let changed = self.shards.par_iter_mut().map(|shard| {
            let shard = shard.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut changed = Vec::new();
            for (read, (id, known)) in shard.iter_mut().filter(|(read, _)| may_differ(read)) {
                let now = answer(read);
                if now != *known {
                    *known = now;
                    changed.push(*id);
                }
            }
            changed
        });
        changed.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Those that ask for an asset, with its name.
    pub fn assets(&self) -> Vec<(ReadId, String)> {
        locked(&self.assets).clone()
    }

    /// What those with these numbers are called, as an author is told of them.
    pub fn names(&self, ids: &[ReadId]) -> FxHashMap<ReadId, String> {
        let wanted: FxHashSet<ReadId> = ids.iter().copied().collect();
        let mut names = FxHashMap::default();
        for shard in &self.shards {
            let shard = locked(shard);
            let named = shard.iter().filter(|(_, (id, _))| wanted.contains(id));
            names.extend(named.map(|(read, (id, _))| (*id, read.to_string())));
        }
        names
    }
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
