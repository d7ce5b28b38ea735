//! A look at the files: which are there, and which are not as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::kept::{Kept, SeenFile};
use crate::build::model::Head;
use crate::build::sources::{Sources, Stamp, Stamped, is_page, read_text};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;

/// What was seen.
pub(super) struct Look {
    /// What stood in the way.
    pub(super) found: Vec<Diagnostic>,
    /// Those that are new, or may be another version.
    pub(super) changed: FxHashSet<String>,
    /// Those that are gone.
    pub(super) removed: FxHashSet<String>,
    /// Whether one was added or removed.
    pub(super) has_other_files: bool,
    /// Of those that may be another version; none where it cannot be trusted.
    stamps: FxHashMap<String, Option<Stamp>>,
}

/// The head of a page that may be another version.
pub(super) struct ReadHead {
    /// Below `content/`.
    pub(super) source: String,
    pub(super) seen: SeenFile,
    /// None if its bytes are the same after all.
    pub(super) head: Option<Result<Head, Diagnostic>>,
    pub(super) text: Option<Arc<str>>,
}

impl Look {
    /// Looks at all files, or when that is known at those `only` that may have changed.
    pub(super) fn at(
        sources: &dyn Sources,
        before: &BTreeMap<String, SeenFile>,
        only: Option<&BTreeSet<String>>,
    ) -> Self {
        if let Some(only) = only {
            let stamps: Vec<Option<Stamp>> = only.iter().map(|file| sources.stamp(file)).collect();
            // A file that came or went, or a folder: the list itself must be made again.
            if only.iter().zip(&stamps).all(|(file, stamp)| before.contains_key(file) && stamp.is_some()) {
                let settled = stamps.into_iter().map(|stamp| stamp.filter(|stamp| sources.is_settled(stamp)));
                let stamps = only.iter().cloned().zip(settled).collect();
                return Self {
                    found: Vec::new(),
                    changed: only.iter().cloned().collect(),
                    removed: FxHashSet::default(),
                    has_other_files: false,
                    stamps,
                };
            }
        }
        Self::among(sources, sources.files(), before, only)
    }

    /// Looks at `files`, which are all that there are, with their stamps.
    pub(super) fn among(
        sources: &dyn Sources,
        (files, found): (Vec<Stamped>, Vec<Diagnostic>),
        before: &BTreeMap<String, SeenFile>,
        only: Option<&BTreeSet<String>>,
    ) -> Self {
        let mut changed = FxHashSet::default();
        let mut is_new = false;
        let mut kept = FxHashMap::default();
        for (file, stamp) in &files {
            match before.get(file) {
                Some(seen) if seen.stamp.is_some() && seen.stamp == *stamp && !is_named(only, file) => continue,
                Some(_) => {}
                None => is_new = true,
            }
            changed.insert(file.clone());
            // Now, before the file is read: what is written after that has another stamp.
            kept.insert(file.clone(), stamp.filter(|stamp| sources.is_settled(stamp)));
        }
        let removed: FxHashSet<String> = if files.len() == before.len() && !is_new {
            FxHashSet::default()
        } else {
            let there: FxHashSet<&str> = files.iter().map(|(file, _)| file.as_str()).collect();
            before.keys().filter(|file| !there.contains(file.as_str())).cloned().collect()
        };
        changed.extend(removed.iter().cloned());
        Self { found, changed, has_other_files: is_new || !removed.is_empty(), removed, stamps: kept }
    }

    /// Reads the pages that may be another version. All of them, if the heads that are
    /// known hold no more.
    pub(super) fn read_heads(&self, sources: &dyn Sources, kept: &Kept, taxonomies: &[String]) -> Vec<ReadHead> {
        let heads_hold = kept.taxonomies == taxonomies;
        let known = kept.files.keys().filter(|_| !heads_hold);
        let pages = self.changed.iter().chain(known).filter(|file| is_page(file));
        let mut files: Vec<&String> = pages.filter(|file| !self.removed.contains(*file)).collect();
        files.sort_unstable();
        files.dedup();
        files.into_par_iter().map(|file| self.read_head(sources, kept, taxonomies, file)).collect()
    }

    fn read_head(&self, sources: &dyn Sources, kept: &Kept, taxonomies: &[String], file: &str) -> ReadHead {
        let heads_hold = kept.taxonomies == taxonomies;
        let source = file.strip_prefix("content/").unwrap_or(file).to_owned();
        let stamp = match self.stamps.get(file) {
            Some(stamp) => *stamp,
            None => sources.stamp(file).filter(|stamp| sources.is_settled(stamp)),
        };
        match read_text(sources, file) {
            Ok(text) => {
                let digest = Digest::of(text.as_bytes());
                let before = kept.files.get(file).and_then(|seen| seen.digest);
                let is_same = heads_hold && before == Some(digest) && kept.heads.contains_key(&source);
                let head = (!is_same).then(|| Ok(Head::read(file, &text, taxonomies)));
                let text = (!is_same).then(|| Arc::from(text));
                ReadHead { source, seen: SeenFile { stamp, digest: Some(digest) }, head, text }
            }
            Err(diagnostic) => {
                let seen = SeenFile { stamp: None, digest: None };
                ReadHead { source, seen, head: Some(Err(diagnostic)), text: None }
            }
        }
    }

    /// Notes the files that are no pages, and forgets those that are gone.
    pub(super) fn note_others(&self, files: &mut BTreeMap<String, SeenFile>) {
        // In no order: each is a key of its own.
        self.stamps.iter().filter(|(file, _)| !is_page(file)).for_each(|(file, stamp)| {
            files.insert(file.clone(), SeenFile { stamp: *stamp, digest: None });
        });
        files.retain(|file, _| !self.removed.contains(file));
    }
}

fn is_named(only: Option<&BTreeSet<String>>, file: &str) -> bool {
    only.is_some_and(|only| only.contains(file))
}
