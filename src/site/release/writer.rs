//! The writer: puts objects on the shelf and publishes a manifest that names them.
//!
//! The order is the promise. Objects first, then the manifest, then `current` by rename:
//! killed at any instant, the live release is whole. `public/` follows, file by file, and
//! `checkout` says when it is done; a build that finds it missing looks at every file that it
//! writes. Which older files are ours it cannot know then, so it leaves them.
//!
//! A name is no proof: what already stands under an object's name is compared with the
//! bytes that belong there, for a killed build may have left half of them, and whoever
//! edits a file of `public/` edits the object, since both are one file.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::manifest::{Access, BuildId, Entry, Manifest};
use super::object::{Listing, Object, Written};
use super::shelf::Shelf;
use crate::site::digest::Digest;
use crate::site::permalink::{Permalink, is_path};

/// How many releases stay on the shelf: the live one, and those that a running edge may
/// still be answering from or an author may want to go back to.
const KEPT_RELEASES: usize = 4;

/// At how many those beyond the kept ones are removed.
const MOST_RELEASES: usize = 12;

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

/// What is known of `public/`, so that few of its files must be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The release of which it was a whole copy.
    pub release: BuildId,
    /// That release's files: path in the site, and object. They are as [`Writer::stands_at`]
    /// found them.
    pub files: &'a [(String, Object)],
    /// Those of them that may be another after all.
    pub doubtful: &'a HashSet<&'a str>,
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
    /// Objects this build has put, and when each was written. Sharded, because every
    /// rendering thread asks.
    put: Vec<Mutex<HashMap<Digest, Written>>>,
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
        let put = (0..SHARDS).map(|_| Mutex::default()).collect();
        Ok(Self { shelf, put, _lock: lock })
    }

    /// Keeps `bytes`; their digest is their name from now on.
    pub fn put(&self, bytes: &[u8]) -> io::Result<Object> {
        let (digest, length) = (Digest::of(bytes), bytes.len() as u64);
        let path = self.shelf.object_file(digest);
        let written = self.once(digest, || {
            let stands = |found: &fs::Metadata| found.len() == length && fs::read(&path).is_ok_and(|old| old == bytes);
            self.create(&path, stands, |file| file.write_all(bytes)).map_err(|cause| at(&path, cause))
        })?;
        Ok(Object { digest, length, written })
    }

    /// Keeps the bytes of the file at `source`, which are not held in memory.
    pub fn put_file(&self, source: &Path) -> io::Result<Object> {
        let open = |path: &Path| File::open(path).map_err(|cause| at(path, cause));
        let (digest, length) = Digest::of_reader(open(source)?).map_err(|cause| at(source, cause))?;
        let path = self.shelf.object_file(digest);
        let is_whole = || Ok::<_, io::Error>(Digest::of_reader(open(&path)?)? == (digest, length));
        let written = self.once(digest, || {
            let stands = |found: &fs::Metadata| found.len() == length && is_whole().unwrap_or(false);
            let written = self
                .create(&path, stands, |file| io::copy(&mut open(source)?, file).map(drop))
                .map_err(|cause| at(&path, cause))?;
            // The source changed between the two readings: its object would bear a wrong name.
            if !is_whole()? {
                let _ = fs::remove_file(&path);
                return Err(at(source, io::Error::other("it changed while it was read: build again")));
            }
            Ok(written)
        })?;
        Ok(Object { digest, length, written })
    }

    /// Whether the release `id` is live, and its objects and `public/` are as it made them.
    pub fn stands(&self, id: BuildId, public: &[(String, Object)], hidden: &[Object]) -> bool {
        let record = |name: &str| fs::read_to_string(self.shelf.derived().join(name)).ok();
        self.shelf.current().ok() == Some(id)
            && (self.shelf.public().is_none() || record("checkout") == Some(id.to_string()))
            && record("checkout-unfinished").is_none()
            && self.shelf.manifest_file(id).exists()
            && hidden.par_iter().all(|object| self.is_whole(object))
            && {
                let listing = self.listing();
                public.par_iter().all(|(path, object)| self.stands_at(path, object, &listing))
            }
    }

    /// The objects that are on the shelf now.
    pub fn listing(&self) -> Listing {
        Listing::of(&self.shelf.derived().join("objects"))
    }

    /// Whether the object stands as it was written, and in `public/` at `path`.
    pub fn stands_at(&self, path: &str, object: &Object, listing: &Listing) -> bool {
        let Some(public) = self.shelf.public() else { return self.is_whole(object) };
        let path = public.join(Permalink::file(path).output_file());
        let Ok(found) = fs::symlink_metadata(&path) else { return false };
        if listing.names(object.digest, &found) {
            return object.is_as_in(&found);
        }
        let file = self.shelf.object_file(object.digest);
        fs::symlink_metadata(&file).is_ok_and(|of_object| {
            object.is_as_in(&of_object) && (is_one_file(&found, &of_object) || is_copy(&file, &path))
        })
    }

    /// Whether the object stands as it was written.
    pub fn is_whole(&self, object: &Object) -> bool {
        fs::symlink_metadata(self.shelf.object_file(object.digest)).is_ok_and(|found| object.is_as_in(&found))
    }

    /// Makes `manifest` the live release and `public/` its checkout. Looks at all files of
    /// `public/`, or at few if `known` says what most of them are.
    pub fn publish(&self, manifest: &Manifest, known: Option<Known<'_>>) -> Result<Published, PublishError> {
        let published = self.make_live(manifest).map_err(PublishError::NotLive)?;
        let id = published.id;
        let checked_out = self.shelf.public().map_or(Ok(()), |public| self.check_out(public, id, manifest, known));
        checked_out.and_then(|()| self.remove_unkept(id)).map_err(PublishError::NotCheckedOut)?;
        Ok(published)
    }

    fn make_live(&self, manifest: &Manifest) -> io::Result<Published> {
        let bytes = manifest.to_json()?;
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

    /// Runs `write` if this build has not put the object before. Another thread that puts
    /// the same one waits until it is whole.
    fn once(&self, digest: Digest, write: impl FnOnce() -> io::Result<Written>) -> io::Result<Written> {
        let shard = usize::from(digest.bytes()[0]) % SHARDS;
        let mut put = self.put[shard].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(written) = put.get(&digest) {
            return Ok(*written);
        }
        let written = write()?;
        put.insert(digest, written);
        Ok(written)
    }

    /// Fills a new file at `path`, unless what is there `stands`.
    fn create(
        &self,
        path: &Path,
        stands: impl Fn(&fs::Metadata) -> bool,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<Written> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
        let mut file = match options.open(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(path))?;
                options.open(path)?
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(path)?;
                if found.is_file() && stands(&found) {
                    return Ok(Written::of(&found));
                }
                fs::remove_file(path)?;
                options.open(path)?
            }
            other => other?,
        };
        fill(&mut file)?;
        Ok(Written::of(&file.metadata()?))
    }

    fn check_out(&self, public: &Path, id: BuildId, manifest: &Manifest, known: Option<Known<'_>>) -> io::Result<()> {
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
        match known.filter(|known| !was_cut && last == Some(known.release)) {
            Some(known) => self.check_out_new(public, manifest, &known)?,
            None => self.check_out_all(public, id, manifest, &begun, last)?,
        }
        if last != Some(id) || was_cut {
            replace(&record, id.to_string().as_bytes())?;
            let _ = fs::remove_file(&unfinished);
        }
        Ok(())
    }

    /// Looks at every file: what `public/` is like is not known, or was cut short.
    fn check_out_all(
        &self,
        public: &Path,
        id: BuildId,
        manifest: &Manifest,
        begun: &str,
        last: Option<BuildId>,
    ) -> io::Result<()> {
        let begun = begun.lines().filter_map(|line| line.parse().ok()).filter(|begun| *begun != id);
        let before: Vec<Manifest> = begun.chain(last).filter_map(|id| self.shelf.manifest(id).ok()).collect();
        remove_half_made(public);
        let files: Vec<(&str, Digest, u64)> = public_files(manifest).collect();
        let wanted: HashSet<&str> = files.iter().map(|(path, ..)| *path).collect();
        let gone = before.iter().flat_map(public_files).filter(|(path, ..)| !wanted.contains(path));
        remove_gone(public, gone.map(|(path, _, length)| (path, length)))?;
        files.par_iter().try_for_each(|file| self.check_out_one(public, file))
    }

    /// Looks at the files that another object answers than the one that is known to be there.
    fn check_out_new(&self, public: &Path, manifest: &Manifest, known: &Known<'_>) -> io::Result<()> {
        let before: FxHashMap<&str, &Object> =
            known.files.iter().map(|(path, object)| (path.as_str(), object)).collect();
        let mut wanted: FxHashSet<&str> = FxHashSet::default();
        wanted.reserve(before.len());
        let mut new = Vec::new();
        for file in public_files(manifest) {
            wanted.insert(file.0);
            let is_known = before.get(file.0).is_some_and(|object| object.digest == file.1);
            if !is_known || known.doubtful.contains(file.0) {
                new.push(file);
            }
        }
        let gone = known.files.iter().filter(|(path, _)| !wanted.contains(path.as_str()));
        remove_gone(public, gone.map(|(path, object)| (path.as_str(), object.length)))?;
        new.par_iter().try_for_each(|file| self.check_out_one(public, file))
    }

    fn check_out_one(&self, public: &Path, (path, digest, length): &(&str, Digest, u64)) -> io::Result<()> {
        let (path, object) = (public.join(Permalink::file(path).output_file()), self.shelf.object_file(*digest));
        match (fs::symlink_metadata(&path), fs::symlink_metadata(&object)) {
            (Ok(found), Ok(of_object)) if is_one_file(&found, &of_object) => Ok(()),
            // A copy stays where no link can be made.
            (Ok(found), Ok(_)) if found.is_file() && found.len() == *length && is_copy(&object, &path) => {
                let beside = beside(&path);
                if fs::hard_link(&object, &beside).is_ok() { fs::rename(&beside, &path) } else { Ok(()) }
            }
            _ => self.link(*digest, &path),
        }
        .map_err(|cause| at(&path, cause))
    }

    /// `path` becomes the object, in one step for whoever reads it.
    fn link(&self, digest: Digest, path: &Path) -> io::Result<()> {
        let object = self.shelf.object_file(digest);
        match fs::hard_link(&object, path) {
            Ok(()) => return Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(path))?;
                if fs::hard_link(&object, path).is_ok() {
                    return Ok(());
                }
            }
            Err(_) => {}
        }
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            return Err(io::Error::other("a folder stands where a file is to be written"));
        }
        let beside = beside(path);
        let _ = fs::remove_file(&beside);
        // No hard links here, or too many of one object.
        if fs::hard_link(&object, &beside).is_err() {
            fs::copy(&object, &beside)?;
        }
        fs::rename(&beside, path)
    }

    /// Removes the releases beyond the kept ones, and the objects and indexes that only
    /// they named.
    fn remove_unkept(&self, live: BuildId) -> io::Result<()> {
        let mut ids: Vec<(std::time::SystemTime, BuildId)> = release_ids(&self.shelf)?
            .into_iter()
            .filter_map(|id| Some((fs::metadata(self.shelf.manifest_file(id)).ok()?.modified().ok()?, id)))
            .collect();
        ids.sort_by_key(|(written, id)| (std::cmp::Reverse(*id == live), std::cmp::Reverse(*written)));
        // A sweep looks at every object: once for several builds, not for each.
        if ids.len() < MOST_RELEASES {
            return Ok(());
        }
        let unkept = ids.split_off(KEPT_RELEASES);
        let kept: Vec<Manifest> = ids.par_iter().filter_map(|(_, id)| self.shelf.manifest(*id).ok()).collect();
        let named: FxHashSet<Digest> = kept.iter().flat_map(objects_of).collect();
        let indexes: HashSet<&str> = kept.iter().flat_map(Manifest::indexes).collect();
        for (_, id) in unkept {
            let _ = fs::remove_file(self.shelf.manifest_file(id));
        }
        let objects = self.shelf.derived().join("objects");
        fs::read_dir(&objects)?.flatten().par_bridge().for_each(|folder| {
            for object in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let digest = object.file_name().to_str().and_then(|name| name.parse::<Digest>().ok());
                if !digest.is_some_and(|digest| named.contains(&digest)) {
                    let _ = fs::remove_file(object.path());
                }
            }
        });
        for index in fs::read_dir(self.shelf.derived().join("search"))?.flatten() {
            if !index.file_name().to_str().is_some_and(|name| indexes.contains(name)) {
                let _ = fs::remove_dir_all(index.path());
            }
        }
        Ok(())
    }
}

/// The files that a release checks out: path in the site, object, length.
fn public_files(manifest: &Manifest) -> impl Iterator<Item = (&str, Digest, u64)> {
    let entries = manifest.entries.iter().filter(|entry| entry.access == Access::Public);
    let entries = entries.map(|entry| (entry.path.as_str(), entry.object, entry.length));
    // Where no edge sends a redirect, the page at the old path does.
    let stubs = manifest.redirects.iter().map(|redirect| (redirect.from.as_str(), redirect.stub, redirect.length));
    // A second lock: the plan has refused such paths, and a manifest may come from elsewhere.
    entries.chain(stubs).filter(|(path, ..)| is_path(path))
}

/// Removes files that are no longer part of the site. They go before new ones come: a file
/// `a` may have become a folder `a/`.
fn remove_gone<'p>(public: &Path, files: impl Iterator<Item = (&'p str, u64)>) -> io::Result<()> {
    for (path, length) in files {
        let path = public.join(Permalink::file(path).output_file());
        // One of another length is the author's: put there since.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() == length) {
            fs::remove_file(&path).map_err(|cause| at(&path, cause))?;
            remove_empty_above(public, &path);
        }
    }
    Ok(())
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
    let full = |entry: &Entry| entry.full.as_ref().map(|full| full.object);
    let entries = manifest.entries.iter().flat_map(move |entry| [Some(entry.object), full(entry)]).flatten();
    let shells = manifest.shells.values().map(|shell| shell.object);
    let stubs = manifest.redirects.iter().map(|redirect| redirect.stub);
    let texts = manifest.feed.iter().map(|item| item.text);
    entries.chain(shells).chain(stubs).chain(texts).chain(manifest.templates.values().copied())
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

/// Whether `path` is a copy of `object`, made because it could not be a link.
fn is_copy(object: &Path, path: &Path) -> bool {
    match (fs::read(object), fs::read(path)) {
        (Ok(object), Ok(copy)) => object == copy,
        _ => false,
    }
}

#[cfg(unix)]
fn is_one_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.dev() == other.dev() && one.ino() == other.ino()
}

#[cfg(not(unix))]
fn is_one_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

/// `cause` with the path that it is about.
fn at(path: &Path, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("{}: {cause}", path.display()))
}
