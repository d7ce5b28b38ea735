//! The writer: puts objects on the shelf and publishes a manifest that names them.
//!
//! The order is the promise. Objects first, then the manifest, then `current` by rename:
//! killed at any instant, the live release is whole. `public/` follows, file by file, and
//! `checkout` says when it is done; a build that finds it missing looks at every file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use super::manifest::{Access, BuildId, Manifest};
use super::shelf::Shelf;
use crate::site::digest::Digest;
use crate::site::permalink::{Permalink, is_path};

/// How many releases stay on the shelf: the live one, and those that a running edge may
/// still be answering from or an author may want to go back to.
const KEPT_RELEASES: usize = 4;

/// How many locks the set of written objects is spread over.
const SHARDS: usize = 64;

/// How the name of a file begins that is not whole yet.
const HALF_MADE: &str = ".littoral-new-";

/// What a publication did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The live release now.
    pub id: BuildId,
    /// Whether it was another one before.
    pub changed: bool,
}

/// What a publication could not do.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The release before is still the live one.
    #[error("cannot write the release: {0}")]
    NotLive(#[source] io::Error),
    /// The edge answers from the new release; `public/` is between the two.
    #[error("the release is live, but public/ is no whole copy of it: {0}")]
    NotCheckedOut(#[source] io::Error),
}

/// One build's hold on the shelf. Only one exists for a folder at a time, over all
/// processes.
pub struct Writer {
    shelf: Shelf,
    /// Objects that a kept manifest names: whole, because a manifest is written after them.
    trusted: HashSet<Digest>,
    /// Objects this build has put. Sharded, because every rendering thread asks.
    put: Vec<Mutex<HashSet<Digest>>>,
    /// Held, not read: the lock ends with it.
    _lock: File,
}

impl Writer {
    /// Takes hold of the shelf. Waits while another build has it.
    pub fn open(shelf: Shelf) -> io::Result<Self> {
        for folder in ["objects", "releases", "search"] {
            let path = shelf.derived().join(folder);
            fs::create_dir_all(&path).map_err(|cause| at(&path, cause))?;
        }
        let path = shelf.derived().join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|cause| at(&path, cause))?;
        lock.lock().map_err(|cause| at(&path, cause))?;
        let mut trusted = HashSet::new();
        for id in release_ids(&shelf)? {
            if let Ok(manifest) = shelf.manifest(id) {
                trusted.extend(objects_of(&manifest));
            }
        }
        let put = (0..SHARDS).map(|_| Mutex::default()).collect();
        Ok(Self { shelf, trusted, put, _lock: lock })
    }

    /// Keeps `bytes`; their digest is their name from now on.
    pub fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        if self.is_new(digest, bytes.len() as u64) {
            let path = self.shelf.object_file(digest);
            self.create(&path).and_then(|mut file| file.write_all(bytes)).map_err(|cause| at(&path, cause))?;
        }
        Ok(digest)
    }

    /// Keeps the bytes of the file at `source`, which are not held in memory. Gives their
    /// digest and their number.
    pub fn put_file(&self, source: &Path) -> io::Result<(Digest, u64)> {
        let open = || File::open(source).map_err(|cause| at(source, cause));
        let (digest, length) = Digest::of_reader(open()?).map_err(|cause| at(source, cause))?;
        if self.is_new(digest, length) {
            let path = self.shelf.object_file(digest);
            let written = self
                .create(&path)
                .map_err(|cause| at(&path, cause))
                .and_then(|mut file| io::copy(&mut open()?, &mut file).map_err(|cause| at(&path, cause)))?;
            // The source changed between the two readings: its object would bear a wrong name.
            if Digest::of_reader(File::open(&path)?)?.0 != digest || written != length {
                let _ = fs::remove_file(&path);
                return Err(at(source, io::Error::other("it changed while it was read: build again")));
            }
        }
        Ok((digest, length))
    }

    /// Makes `manifest` the live release and `public/` its checkout.
    pub fn publish(&self, manifest: &Manifest) -> Result<Published, PublishError> {
        let published = self.make_live(manifest).map_err(PublishError::NotLive)?;
        let id = published.id;
        let checked_out = self.shelf.public().map_or(Ok(()), |public| self.check_out(public, id, manifest));
        checked_out.and_then(|()| self.remove_unkept(id)).map_err(PublishError::NotCheckedOut)?;
        Ok(published)
    }

    fn make_live(&self, manifest: &Manifest) -> io::Result<Published> {
        let bytes = serde_json::to_vec(manifest)?;
        let id = BuildId::of(&bytes);
        let before = self.shelf.current().ok();
        let path = self.shelf.manifest_file(id);
        if fs::read(&path).ok().as_deref() != Some(&bytes[..]) {
            replace(&path, &bytes)?;
        }
        if before != Some(id) {
            replace(&self.shelf.current_file(), id.to_string().as_bytes())?;
        }
        Ok(Published { id, changed: before != Some(id) })
    }

    /// Whether the object must be written, and marks it as put.
    fn is_new(&self, digest: Digest, length: u64) -> bool {
        let shard = usize::from_str_radix(&digest.hex()[..4], 16).unwrap_or(0) % SHARDS;
        let mut put = self.put[shard].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !put.insert(digest) {
            return false;
        }
        let whole = || fs::metadata(self.shelf.object_file(digest)).is_ok_and(|found| found.len() == length);
        !(self.trusted.contains(&digest) && whole())
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
        match options.open(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(path))?;
                options.open(path)
            }
            // What a killed build left: its name says nothing about its bytes.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(path)?;
                options.open(path)
            }
            other => other,
        }
    }

    fn check_out(&self, public: &Path, id: BuildId, manifest: &Manifest) -> io::Result<()> {
        let record = self.shelf.derived().join("checkout");
        let last = fs::read_to_string(&record).ok().and_then(|text| text.parse::<BuildId>().ok());
        // From here until the end `public/` is between releases. The name of the one it was
        // stays, and those of all it was on the way to when builds were killed: the next
        // build must know which files are ours.
        let unfinished = self.shelf.derived().join("checkout-unfinished");
        let mut begun = fs::read_to_string(&unfinished).unwrap_or_default();
        let was_cut = !begun.is_empty();
        if last != Some(id) || was_cut {
            begun.push_str(&format!("{id}\n"));
            replace(&unfinished, begun.as_bytes())?;
        }
        let before: Vec<Manifest> = begun
            .lines()
            .filter_map(|line| line.parse().ok())
            .filter(|begun| *begun != id)
            .chain(last)
            .filter_map(|id| self.shelf.manifest(id).ok())
            .collect();
        if was_cut {
            remove_half_made(public);
        }
        // The last in the list wins: what `public/` was when it was whole.
        let last_files: HashMap<PathBuf, (Digest, u64)> =
            before.iter().flat_map(|manifest| public_files(public, manifest)).collect();
        let files: Vec<(PathBuf, (Digest, u64))> = public_files(public, manifest).collect();
        let folders: BTreeSet<&Path> = files.iter().filter_map(|(path, _)| path.parent()).collect();
        // Old files go first: a file `a` may have become a folder `a/`.
        let wanted: HashSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
        for (path, (_, length)) in before.iter().flat_map(|manifest| public_files(public, manifest)) {
            // One of another length is the author's: put there since.
            let is_ours = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() == length);
            if is_ours && !wanted.contains(path.as_path()) {
                fs::remove_file(&path).map_err(|cause| at(&path, cause))?;
                remove_empty_above(public, &path);
            }
        }
        for folder in folders {
            fs::create_dir_all(folder).map_err(|cause| at(folder, cause))?;
        }
        files.par_iter().try_for_each(|(path, (digest, length))| {
            let same = !was_cut
                && last_files.get(path).is_some_and(|(last, _)| last == digest)
                && fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == *length);
            if same { Ok(()) } else { self.link(*digest, path).map_err(|cause| at(path, cause)) }
        })?;
        if last != Some(id) || was_cut {
            replace(&record, id.to_string().as_bytes())?;
            let _ = fs::remove_file(&unfinished);
        }
        Ok(())
    }

    /// `path` becomes the object, in one step for whoever reads it.
    fn link(&self, digest: Digest, path: &Path) -> io::Result<()> {
        let object = self.shelf.object_file(digest);
        match fs::hard_link(&object, path) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                if fs::symlink_metadata(path)?.is_dir() {
                    return Err(io::Error::other("a folder stands where a file is to be written"));
                }
                if is_one_file(&object, path) {
                    return Ok(());
                }
                let beside = beside(path);
                let _ = fs::remove_file(&beside);
                if fs::hard_link(&object, &beside).is_err() {
                    fs::copy(&object, &beside)?;
                }
                fs::rename(&beside, path)
            }
            // No hard links here, or too many of one object.
            Err(_) => {
                let beside = beside(path);
                let _ = fs::remove_file(&beside);
                fs::copy(&object, &beside)?;
                fs::rename(&beside, path)
            }
        }
    }

    /// Removes the releases beyond the kept ones, and the objects and indexes that only
    /// they named.
    fn remove_unkept(&self, live: BuildId) -> io::Result<()> {
        let mut ids: Vec<(std::time::SystemTime, BuildId)> = release_ids(&self.shelf)?
            .into_iter()
            .filter_map(|id| Some((fs::metadata(self.shelf.manifest_file(id)).ok()?.modified().ok()?, id)))
            .collect();
        ids.sort_by_key(|(written, id)| (std::cmp::Reverse(*id == live), std::cmp::Reverse(*written)));
        let unkept = ids.split_off(ids.len().min(KEPT_RELEASES));
        let wrote_nothing = self.put.iter().all(|shard| {
            let shard = shard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.iter().all(|digest| self.trusted.contains(digest))
        });
        if unkept.is_empty() && wrote_nothing {
            return Ok(());
        }
        let mut named = HashSet::new();
        let mut indexes = HashSet::new();
        for (_, id) in &ids {
            if let Ok(manifest) = self.shelf.manifest(*id) {
                named.extend(objects_of(&manifest));
                indexes.extend(manifest.search);
            }
        }
        for (_, id) in unkept {
            let _ = fs::remove_file(self.shelf.manifest_file(id));
        }
        let objects = self.shelf.derived().join("objects");
        for folder in fs::read_dir(&objects)?.flatten() {
            for object in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let digest = object.file_name().to_str().and_then(|name| name.parse::<Digest>().ok());
                if !digest.is_some_and(|digest| named.contains(&digest)) {
                    let _ = fs::remove_file(object.path());
                }
            }
        }
        for index in fs::read_dir(self.shelf.derived().join("search"))?.flatten() {
            if !index.file_name().to_str().is_some_and(|name| indexes.contains(name)) {
                let _ = fs::remove_dir_all(index.path());
            }
        }
        Ok(())
    }
}

/// The files of `public` that a release checks out.
fn public_files<'m>(public: &'m Path, manifest: &'m Manifest) -> impl Iterator<Item = (PathBuf, (Digest, u64))> + 'm {
    let entries = manifest.entries.iter().filter(|entry| entry.access == Access::Public);
    let entries = entries.map(|entry| (&entry.path, (entry.object, entry.length)));
    // Where no edge sends a redirect, the page at the old path does.
    let stubs = manifest.redirects.iter().map(|redirect| (&redirect.from, (redirect.stub, redirect.length)));
    // A second lock: the plan has refused such paths, and a manifest may come from elsewhere.
    let inside = entries.chain(stubs).filter(|(path, _)| is_path(path));
    inside.map(|(path, object)| (public.join(Permalink::file(path).output_file()), object))
}

/// Removes what a killed build was about to give its name.
fn remove_half_made(public: &Path) {
    let half_made = |entry: &walkdir::DirEntry| entry.file_name().to_string_lossy().starts_with(HALF_MADE);
    for entry in walkdir::WalkDir::new(public).into_iter().flatten().filter(half_made) {
        let _ = fs::remove_file(entry.path());
    }
}

fn remove_empty_above(public: &Path, path: &Path) {
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != public) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

fn objects_of(manifest: &Manifest) -> impl Iterator<Item = Digest> + '_ {
    let entries = manifest.entries.iter().map(|entry| entry.object);
    let shells = manifest.shells.values().map(|shell| shell.object);
    let stubs = manifest.redirects.iter().map(|redirect| redirect.stub);
    entries.chain(shells).chain(stubs).chain(manifest.templates.values().copied())
}

fn release_ids(shelf: &Shelf) -> io::Result<Vec<BuildId>> {
    let folder = shelf.derived().join("releases");
    let entries = fs::read_dir(&folder).map_err(|cause| at(&folder, cause))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// Replaces the file at `path` in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(|cause| at(path, cause))
}

/// A name in the same folder that no output has.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(HALF_MADE);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}

/// `cause` with the path that it is about.
fn at(path: &Path, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("{}: {cause}", path.display()))
}
