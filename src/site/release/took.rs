//! What the build of the live release has cost, beside the release: a time in the manifest
//! would make two builds of one site two releases.
//!
//! A note that is lost, or is of another release, is no mistake: then nothing is known.

use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::manifest::BuildId;
use super::shelf::Shelf;

/// What a build has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// The release that it made.
    pub release: BuildId,
    /// From the look at the files to the live release, in microseconds.
    micros: u64,
    /// Outputs that were rendered; a build that goes on from another renders few.
    pub rendered: usize,
}

impl Took {
    /// A build of so long.
    pub fn new(release: BuildId, took: Duration, rendered: usize) -> Self {
        Self { release, micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX), rendered }
    }

    /// How long it took.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.micros)
    }

    /// Leaves it on `shelf`.
    pub fn note(&self, shelf: &Shelf) -> io::Result<()> {
        let (path, new) = (shelf.derived().join("took"), shelf.derived().join("took.new"));
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }

    /// What is known of the build of `release`, and when it ended.
    pub fn of(shelf: &Shelf, release: BuildId) -> Option<(Self, SystemTime)> {
        let path = shelf.derived().join("took");
        let took: Self = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let ended = fs::metadata(&path).and_then(|about| about.modified()).ok()?;
        (took.release == release).then_some((took, ended))
    }
}
