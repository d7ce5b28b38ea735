//! The cache: [`Kept`] on disk, for the next process.
//!
//! ```text
//! magic, digest of the rest, lengths of the sections
//! first section: what is needed to see that nothing has changed
//! the others: the rest, in pieces that are read on all cores
//! ```
//!
//! One of another version of this program, a damaged one, or none at all is the same: the
//! next build is clean. It is replaced by rename, after the release it belongs to is live.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::kept::{Kept, Output, SeenFile, Settings, Whole};
use crate::build::model::Head;
use crate::build::trace::{Answer, Read, ReadId, Reads};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;
use crate::site::release::{Object, Shelf};

const MAGIC: &[u8; 16] = b"littoral cache\n\0";
const DIGEST_AT: usize = MAGIC.len();
const LENGTHS_AT: usize = DIGEST_AT + 32;

/// How many pieces heads, reads and outputs are written in, each.
const PIECES: usize = 8;
/// The first section, the small parts, and the pieces.
const SECTIONS: usize = 2 + 3 * PIECES;
const BODY_AT: usize = LENGTHS_AT + 8 * SECTIONS;

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
struct Small {
    taxonomies: Vec<String>,
    names: Answer,
    found: Vec<Diagnostic>,
    broken_anchors: Vec<Diagnostic>,
    templates: BTreeMap<String, Object>,
    /// See [`Reads::at_first`].
    first_reads: u32,
}

/// A cache of which the first section is read.
pub(super) struct Cached {
    pub(super) today: Date,
    pub(super) files: BTreeMap<String, SeenFile>,
    pub(super) whole: Whole,
    settings: Settings,
    bytes: Vec<u8>,
    sections: Vec<Range<usize>>,
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
    let digest = bytes.get(DIGEST_AT..LENGTHS_AT)?;
    let is_whole = bytes.starts_with(MAGIC) && digest_of(bytes.get(LENGTHS_AT..)?).bytes() == digest;
    let mut at = BODY_AT;
    let lengths = bytes.get(LENGTHS_AT..BODY_AT).filter(|_| is_whole)?.chunks_exact(8);
    let sections: Option<Vec<Range<usize>>> = lengths
        .map(|length| {
            let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
            let start = at;
            at = at.checked_add(length).filter(|end| *end <= bytes.len())?;
            Some(start..at)
        })
        .collect();
    let sections = sections?;
    let first: First = postcard::from_bytes(bytes.get(sections[0].clone())?).ok()?;
    (first.program == PROGRAM).then_some(())?;
    let First { settings, today, files, whole, .. } = first;
    Some(Cached { today, files, whole, settings, bytes, sections })
}

/// The digest of the whole, on all cores.
fn digest_of(bytes: &[u8]) -> Digest {
    let parts: Vec<Digest> = bytes.par_chunks(1 << 20).map(Digest::of).collect();
    Digest::of(&parts.iter().flat_map(|digest| *digest.bytes()).collect::<Vec<u8>>())
}

impl Cached {
    /// All of it.
    pub(super) fn load(self) -> Option<Kept> {
        let small: Small = postcard::from_bytes(&self.bytes[self.sections[1].clone()]).ok()?;
        let piece = |kind: usize, number: usize| &self.bytes[self.sections[2 + kind * PIECES + number].clone()];
        let reads = Reads::default();
        // The three kinds beside each other, each in pieces.
        let pieces = 0..PIECES;
        let (heads, (outputs, read)) = rayon::join(
            || {
                let pieces = pieces.clone().into_par_iter();
                pieces
                    .map(|number| postcard::from_bytes(piece(0, number)).ok())
                    .collect::<Option<Vec<Vec<(String, Head)>>>>()
            },
            || {
                rayon::join(
                    || {
                        let pieces = pieces.clone().into_par_iter();
                        let outputs = pieces.map(|number| postcard::from_bytes(piece(2, number)).ok());
                        outputs.collect::<Option<Vec<Vec<(String, Output)>>>>()
                    },
                    || {
                        let pieces = pieces.clone().into_par_iter();
                        pieces.try_for_each(|number| {
                            let known: Vec<(Read, ReadId, Answer)> = postcard::from_bytes(piece(1, number)).ok()?;
                            reads.put_back(known);
                            Some(())
                        })
                    },
                )
            },
        );
        read?;
        reads.set_at_first(Some(small.first_reads));
        Some(Kept {
            settings: self.settings,
            today: self.today,
            files: self.files,
            heads: heads?.into_iter().flatten().map(|(source, head)| (source, Arc::new(head))).collect(),
            taxonomies: small.taxonomies,
            reads: Arc::new(reads),
            outputs: outputs?.into_iter().flatten().collect(),
            names: small.names,
            found: small.found,
            broken_anchors: small.broken_anchors,
            templates: small.templates,
            whole: self.whole,
        })
    }
}

/// Writes it. A failure costs the next build its speed, so the caller may go on.
pub(super) fn save(shelf: &Shelf, kept: &mut Kept) -> io::Result<()> {
    if let Some(reads) = Arc::get_mut(&mut kept.reads).filter(|reads| reads.are_mostly_unused()) {
        reads.retain(&kept.outputs.values().flat_map(|output| output.reads.iter().copied()).collect::<FxHashSet<_>>());
    }
    if kept.reads.at_first() == 0 {
        kept.reads.set_at_first(None);
    }
    let kept = &*kept;
    let sections = sections(kept).map_err(|error| io::Error::other(format!("the cache: {error}")))?;
    let mut bytes = Vec::with_capacity(BODY_AT + sections.iter().map(Vec::len).sum::<usize>());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[0; 32]);
    sections.iter().for_each(|section| bytes.extend_from_slice(&(section.len() as u64).to_le_bytes()));
    sections.iter().for_each(|section| bytes.extend_from_slice(section));
    let digest = digest_of(&bytes[LENGTHS_AT..]);
    bytes[DIGEST_AT..LENGTHS_AT].copy_from_slice(digest.bytes());
    let new = shelf.derived().join("cache.new");
    fs::write(&new, &bytes)?;
    fs::rename(&new, file(shelf))
}

fn sections(kept: &Kept) -> postcard::Result<Vec<Vec<u8>>> {
    let heads: Vec<(&String, &Head)> = kept.heads.iter().map(|(source, head)| (source, head.as_ref())).collect();
    let outputs: Vec<(&String, &Output)> = kept.outputs.iter().collect();
    let piece_of = |length: usize| length.div_ceil(PIECES).max(1);
    let (heads, outputs) = (heads.chunks(piece_of(heads.len())), outputs.chunks(piece_of(outputs.len())));
    let (heads, outputs): (Vec<_>, Vec<_>) = (heads.collect(), outputs.collect());
    let write = |number: usize| match number {
        0 => postcard::to_allocvec(&First {
            program: PROGRAM.to_owned(),
            settings: kept.settings.clone(),
            today: kept.today,
            files: kept.files.clone(),
            whole: kept.whole.clone(),
        }),
        1 => postcard::to_allocvec(&Small {
            taxonomies: kept.taxonomies.clone(),
            names: kept.names,
            found: kept.found.clone(),
            broken_anchors: kept.broken_anchors.clone(),
            templates: kept.templates.clone(),
            first_reads: kept.reads.at_first(),
        }),
        number => match ((number - 2) / PIECES, (number - 2) % PIECES) {
            (0, piece) => postcard::to_allocvec(heads.get(piece).unwrap_or(&&[][..])),
            (1, piece) => kept.reads.with_piece(piece, PIECES, |reads| postcard::to_allocvec(reads)),
            (_, piece) => postcard::to_allocvec(outputs.get(piece).unwrap_or(&&[][..])),
        },
    };
    (0..SECTIONS).into_par_iter().map(write).collect()
}
