//! Pieces: a map that is read and written in parts.
//!
//! A key's piece is known from the key. A piece in which nothing is new is as it was in the
//! cache, and need not be written again.

use std::hash::BuildHasher;

use bytes::Bytes;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::site::digest::Digest;

/// How many pieces a map has.
pub(super) const PIECES: usize = 16;

/// Some bytes of the cache, and their digest.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) bytes: Bytes,
    pub(super) digest: Digest,
}

#[derive(Debug)]
struct Piece<V> {
    map: FxHashMap<String, V>,
    /// It in the cache, while it is the same.
    section: Option<Section>,
}

/// A map by name.
#[derive(Debug)]
pub(super) struct Pieces<V>(Vec<Piece<V>>);

impl<V> Default for Pieces<V> {
    fn default() -> Self {
        Self((0..PIECES).map(|_| Piece { map: FxHashMap::default(), section: None }).collect())
    }
}

impl<V> Pieces<V> {
    /// The map that these make, each with its section of the cache.
    pub(super) fn of(pieces: Vec<(FxHashMap<String, V>, Section)>) -> Self {
        Self(pieces.into_iter().map(|(map, section)| Piece { map, section: Some(section) }).collect())
    }

    fn place(key: &str) -> usize {
        // A map takes the low and the highest bits for its own; pieces are told apart by others.
        usize::try_from(FxBuildHasher.hash_one(key) >> 40).unwrap_or(0) % PIECES
    }

    /// The pieces, in order; each with its section, if it is as it was there.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&FxHashMap<String, V>, Option<&Section>)> {
        self.0.iter().map(|piece| (&piece.map, piece.section.as_ref()))
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.0.get(Self::place(key))?.map.get(key)
    }

    pub(super) fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn insert(&mut self, key: String, value: V) -> Option<V> {
        let piece = self.0.get_mut(Self::place(&key))?;
        piece.section = None;
        piece.map.insert(key, value)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        let piece = self.0.get_mut(Self::place(key))?;
        let removed = piece.map.remove(key);
        if removed.is_some() {
            piece.section = None;
        }
        removed
    }

    /// Removes those that `keep` does not want.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        for piece in &mut self.0 {
            let before = piece.map.len();
            piece.map.retain(|key, _| keep(key));
            if piece.map.len() != before {
                piece.section = None;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|piece| piece.map.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.0.iter().flat_map(|piece| piece.map.iter())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<V: Sync> Pieces<V> {
    pub(super) fn par_iter(&self) -> impl ParallelIterator<Item = (&String, &V)> {
        self.0.par_iter().flat_map(|piece| piece.map.par_iter())
    }
}
