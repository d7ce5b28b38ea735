//! Objects: the bytes of one output on the shelf, and how it is seen that they are as they
//! were written.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::site::digest::Digest;

/// An object on the shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub digest: Digest,
    /// How many bytes it has.
    pub length: u64,
    /// When it was written: it was damaged if its file says otherwise later.
    pub written: Written,
}

impl Object {
    /// Whether its file is as it was written.
    pub(super) fn is_as_in(&self, file: &fs::Metadata) -> bool {
        file.is_file() && file.len() == self.length && Written::of(file) == self.written
    }
}

/// The time of a file that is never changed, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written(i128);

impl Written {
    pub(super) fn of(file: &fs::Metadata) -> Self {
        let time = file.modified().ok();
        let since = |time: std::time::SystemTime| match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        Self(time.map_or(0, since))
    }
}

/// The objects on the shelf and the file that each of them is: with it, one look at a file
/// of `public/` says that its object is there too.
#[derive(Debug, Default)]
pub struct Listing {
    /// The device that they are on; none where files have no numbers.
    device: Option<u64>,
    files: FxHashMap<Digest, u64>,
}

impl Listing {
    #[cfg(unix)]
    pub(super) fn of(objects: &Path) -> Self {
        use std::os::unix::fs::{DirEntryExt, MetadataExt};
        let folders: Vec<PathBuf> =
            fs::read_dir(objects).into_iter().flatten().flatten().map(|folder| folder.path()).collect();
        let object = |entry: fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.ino()));
        let files = folders
            .par_iter()
            .flat_map_iter(|folder| fs::read_dir(folder).into_iter().flatten().flatten().filter_map(object));
        let files: Vec<(Digest, u64)> = files.collect();
        let device = fs::metadata(objects).ok().map(|found| found.dev());
        Self { device, files: files.into_iter().collect() }
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Path) -> Self {
        Self::default()
    }

    /// Whether `file` is the object of that name.
    #[cfg(unix)]
    pub(super) fn names(&self, digest: Digest, file: &fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.device == Some(file.dev()) && self.files.get(&digest) == Some(&file.ino())
    }

    #[cfg(not(unix))]
    pub(super) fn names(&self, _: Digest, _: &fs::Metadata) -> bool {
        false
    }
}
