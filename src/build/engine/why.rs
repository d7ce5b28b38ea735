//! Why an output was made: for `build --why`, and for a key in `watch`.

use std::fmt;

use rustc_hash::FxHashMap;

use super::kept::Kept;
use crate::build::output::Planned;
use crate::build::trace::{Read, ReadId};

/// Why one output was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It was not there before.
    New,
    /// Its file was changed.
    Files,
    /// It shows the site as a whole.
    Site,
    /// It has another layout.
    OtherLayout,
    /// Something else answers its path now.
    OtherSubject,
    /// These reads have other answers: some of the table, and some of its own.
    Reads(Vec<ReadId>, Vec<Read>),
    /// The search index is gone, and needs its text.
    NoIndex,
    /// Its object is not as it was written.
    Damaged,
}

/// Why each output was made, by path; empty for a clean build, in which all are new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why(pub Vec<(String, String)>);

impl Why {
    pub(super) fn of(dirty: &[(&Planned, Reason)], kept: &Kept) -> Self {
        if dirty.is_empty() {
            return Self::default();
        }
        let mut ids: Vec<ReadId> = dirty
            .iter()
            .flat_map(|(_, reason)| match reason {
                Reason::Reads(ids, _) => ids.as_slice(),
                _ => &[],
            })
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let all: FxHashMap<ReadId, String> = kept.reads.names(&ids);
        let in_words = |reason: &Reason| match reason {
            Reason::Reads(ids, own) => {
                let shared = ids.iter().filter_map(|id| all.get(id).cloned());
                let mut reads: Vec<String> = shared.chain(own.iter().map(Read::to_string)).collect();
                reads.sort_unstable();
                reads.join("; ")
            }
            other => other.to_string(),
        };
        Self(dirty.iter().map(|(output, reason)| (output.path.as_str().to_owned(), in_words(reason))).collect())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "it is new",
            Self::Files => "its file was changed",
            Self::Site => "it shows the site as a whole",
            Self::OtherLayout => "it has another layout",
            Self::OtherSubject => "something else has its path now",
            Self::Reads(..) => "something that it reads has changed",
            Self::NoIndex => "the search index is gone, and needs its text",
            Self::Damaged => "its object was damaged or deleted",
        })
    }
}
