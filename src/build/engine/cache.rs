//! The cache: [`Kept`] on disk, for the next process.
//!
//! ```text
//! magic, digest of the rest, length of the first part
//! first part: what is needed to see that nothing has changed
//! second part: the rest
//! ```
//!
//! One of another version of this program, a damaged one, or none at all is the same: the
//! next build is clean. It is replaced by rename, after the release it belongs to is live.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::kept::{Kept, Output, SeenFile, Settings, Whole};
use crate::build::model::Head;
use crate::build::trace::{Answer, Read, ReadId, Reads};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;
use crate::site::release::{Object, Shelf};

const MAGIC: &[u8; 16] = b"littoral cache\n\0";
const DIGEST_AT: usize = MAGIC.len();
const LENGTH_AT: usize = DIGEST_AT + 32;
const BODY_AT: usize = LENGTH_AT + 8;

/// What made the cache: another program may render the same sources differently.
const PROGRAM: &str = env!("LITTORAL_SOURCES");

#[derive(Serialize, Deserialize)]
struct First {
    program: String,
    settings: Settings,
    today: Date,
    files: BTreeMap<String, SeenFile>,
    whole: Whole,
}

#[derive(Serialize, Deserialize)]
struct Second<S, H, O> {
    heads: Vec<(S, H)>,
    taxonomies: Vec<String>,
    reads: Vec<(Read, Answer)>,
    outputs: Vec<(S, O)>,
    names: Answer,
    found: Vec<Diagnostic>,
    broken_anchors: Vec<Diagnostic>,
    templates: BTreeMap<String, Object>,
}

/// A cache of which the first part is read.
pub(super) struct Cached {
    pub(super) today: Date,
    pub(super) files: BTreeMap<String, SeenFile>,
    pub(super) whole: Whole,
    settings: Settings,
    bytes: Vec<u8>,
    second: usize,
}

fn file(shelf: &Shelf) -> PathBuf {
    shelf.derived().join("cache")
}

/// The cache of `shelf`, if there is one that a build with these settings can use.
pub(super) fn open(shelf: &Shelf, settings: &Settings) -> Option<Cached> {
    open_any(shelf).filter(|cached| cached.settings == *settings)
}

/// The same, whatever it was built with.
pub(super) fn open_any(shelf: &Shelf) -> Option<Cached> {
    let bytes = fs::read(file(shelf)).ok()?;
    let body = bytes.get(BODY_AT..)?;
    let is_whole = bytes.starts_with(MAGIC) && Digest::of(body).bytes() == bytes.get(DIGEST_AT..LENGTH_AT)?;
    let length = u64::from_le_bytes(bytes.get(LENGTH_AT..BODY_AT)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|_| is_whole)?;
    let first: First = postcard::from_bytes(body.get(..length)?).ok()?;
    (first.program == PROGRAM).then_some(())?;
    let First { settings, today, files, whole, .. } = first;
    Some(Cached { today, files, whole, settings, bytes, second: BODY_AT + length })
}

impl Cached {
    /// All of it.
    pub(super) fn load(self) -> Option<Kept> {
        let second: Second<String, Head, Output> = postcard::from_bytes(self.bytes.get(self.second..)?).ok()?;
        Some(Kept {
            settings: self.settings,
            today: self.today,
            files: self.files,
            heads: second.heads.into_iter().map(|(source, head)| (source, Arc::new(head))).collect(),
            taxonomies: second.taxonomies,
            reads: Arc::new(Reads::of(second.reads)),
            outputs: second.outputs.into_iter().collect(),
            names: second.names,
            found: second.found,
            broken_anchors: second.broken_anchors,
            templates: second.templates,
            whole: self.whole,
        })
    }
}

/// Writes it. A failure costs the next build its speed, so the caller may go on.
pub(super) fn save(shelf: &Shelf, kept: &Kept) -> io::Result<()> {
    let as_io = |error: postcard::Error| io::Error::other(format!("the cache: {error}"));
    let first = First {
        program: PROGRAM.to_owned(),
        settings: kept.settings.clone(),
        today: kept.today,
        files: kept.files.clone(),
        whole: kept.whole.clone(),
    };
    let first = postcard::to_allocvec(&first).map_err(as_io)?;
    // Only reads that an output has are written, numbered anew.
    let by_number = kept.reads.by_number();
    let mut numbers: FxHashMap<ReadId, ReadId> = FxHashMap::default();
    let mut reads = Vec::new();
    let mut outputs: Vec<(&str, Output)> = Vec::with_capacity(kept.outputs.len());
    let mut paths: Vec<&String> = kept.outputs.keys().collect();
    paths.sort_unstable();
    for path in paths {
        let mut output = kept.outputs[path].clone();
        for id in &mut output.reads {
            let next = ReadId::try_from(reads.len()).unwrap_or(ReadId::MAX);
            *id = match numbers.entry(*id) {
                std::collections::hash_map::Entry::Occupied(known) => *known.get(),
                std::collections::hash_map::Entry::Vacant(new) => {
                    let Some(read) = by_number.get(id) else { continue };
                    reads.push(read.clone());
                    *new.insert(next)
                }
            };
        }
        output.reads.sort_unstable();
        outputs.push((path, output));
    }
    let mut heads: Vec<(&str, &Head)> =
        kept.heads.iter().map(|(source, head)| (source.as_str(), head.as_ref())).collect();
    heads.sort_unstable_by_key(|(source, _)| *source);
    let second = Second {
        heads,
        taxonomies: kept.taxonomies.clone(),
        reads,
        outputs,
        names: kept.names,
        found: kept.found.clone(),
        broken_anchors: kept.broken_anchors.clone(),
        templates: kept.templates.clone(),
    };
    let mut bytes = Vec::with_capacity(first.len() * 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[0; 32]);
    bytes.extend_from_slice(&(first.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&first);
    let mut bytes = postcard::to_extend(&second, bytes).map_err(as_io)?;
    let digest = Digest::of(&bytes[BODY_AT..]);
    bytes[DIGEST_AT..LENGTH_AT].copy_from_slice(digest.bytes());
    let new = shelf.derived().join("cache.new");
    fs::write(&new, &bytes)?;
    fs::rename(&new, file(shelf))
}
