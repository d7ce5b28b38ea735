//! The shelf: where releases stand, and how one is read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{BuildId, FORMAT, Manifest};
use crate::site::digest::Digest;

/// The folder `.littoral/` of a site, with `public/` beside it.
#[derive(Clone, Debug)]
pub struct Shelf {
    derived: PathBuf,
    /// Where the public part is checked out, if anywhere.
    public: Option<PathBuf>,
}

/// Why a release could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Nothing was published yet.
    #[error("there is no release yet: `littoral build` makes one")]
    NoRelease,
    /// A file of the release is not there or not readable.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The manifest, or the name of the live one, is not what was written.
    #[error("{path} is damaged ({why}): delete it and build again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A newer program wrote the release.
    #[error(
        "the release has format {found}, this program knows {FORMAT}: use the program that built it, or build again"
    )]
    OtherFormat {
        /// The format it has.
        found: u32,
    },
}

impl Shelf {
    /// The shelf of the site in `root`.
    pub fn of(root: &Path) -> Self {
        Self { derived: root.join(".littoral"), public: Some(root.join("public")) }
    }

    /// The shelf that `watch` uses for the site in `root`: drafts are on it, so nothing of
    /// it is ever checked out into `public/`.
    pub fn for_watch(root: &Path) -> Self {
        Self { derived: root.join(".littoral").join("watch"), public: None }
    }

    /// The shelf for looking at a site and publishing nothing of it: all that is made goes into
    /// `folder`, which is thrown away.
    pub fn for_check(folder: &Path) -> Self {
        Self { derived: folder.join("derived"), public: None }
    }

    /// `.littoral/`.
    pub fn derived(&self) -> &Path {
        &self.derived
    }

    /// `public/`, if this shelf has one.
    pub fn public(&self) -> Option<&Path> {
        self.public.as_deref()
    }

    /// The file that names the live release.
    pub fn current_file(&self) -> PathBuf {
        self.derived.join("current")
    }

    /// The manifest file of a release.
    pub fn manifest_file(&self, id: BuildId) -> PathBuf {
        self.derived.join("releases").join(id.to_string())
    }

    /// The file that holds an object's bytes.
    pub fn object_file(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        let mut path = self.derived.join("objects");
        path.push(&hex[..2]);
        path.push(hex);
        path
    }

    /// The folder of a search index.
    pub fn search_folder(&self, name: &str) -> PathBuf {
        self.derived.join("search").join(name)
    }

    /// The id of the live release.
    pub fn current(&self) -> Result<BuildId, ShelfError> {
        let path = self.current_file();
        match fs::read_to_string(&path) {
            Ok(text) => {
                text.parse().map_err(|_| ShelfError::Damaged { path, why: "not the id of a release".to_owned() })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(ShelfError::NoRelease),
            Err(cause) => Err(ShelfError::Unreadable { path, cause }),
        }
    }

    /// The manifest of a release, checked against its id.
    pub fn manifest(&self, id: BuildId) -> Result<Manifest, ShelfError> {
        let path = self.manifest_file(id);
        let bytes = fs::read(&path).map_err(|cause| ShelfError::Unreadable { path: path.clone(), cause })?;
        if BuildId::of(&bytes) != id {
            return Err(ShelfError::Damaged { path, why: "its digest is not its name".to_owned() });
        }
        #[derive(serde::Deserialize)]
        struct OnlyFormat {
            format: u32,
        }
        let OnlyFormat { format } = serde_json::from_slice(&bytes)
            .map_err(|error| ShelfError::Damaged { path: path.clone(), why: error.to_string() })?;
        if format != FORMAT {
            return Err(ShelfError::OtherFormat { found: format });
        }
        serde_json::from_slice(&bytes).map_err(|error| ShelfError::Damaged { path, why: error.to_string() })
    }

    /// The bytes of an object.
    pub fn object(&self, digest: Digest) -> Result<Vec<u8>, ShelfError> {
        let path = self.object_file(digest);
        fs::read(&path).map_err(|cause| ShelfError::Unreadable { path, cause })
    }
}
