//! The cache: [`Kept`] on disk, for the next process.
//!
//! ```text
//! cache           magic, digest of the table, table: length and digest of each section,
//!                 and the first section: what is needed to see that nothing has changed
//! pieces/DIGEST   the others, each in a file of its own, read on all cores
//! ```
//!
//! A section that is as it was is not written again: of the megabytes that a large site
//! leaves, an edit of one text changes a few pieces.
//!
//! One of another version of this program, a damaged one, or none at all is the same: the
//! next build is clean. `cache` is replaced by rename, after the release it belongs to is
//! live and the pieces it names are there; those that it does not name are removed then.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::kept::{Kept, Output, Sealed, SeenFile, Settings, Whole};
use super::pieces::{PIECES, Pieces, Section};
use crate::build::model::{Fields, Head};
use crate::build::trace::{Answer, Read, ReadId, Reads};
use crate::site::diagnostic::Diagnostic;
use crate::site::digest::Digest;
use crate::site::release::{Fragment, Object, Shelf};

const MAGIC: &[u8; 16] = b"littoral cache 3";
/// The first section, the small parts, and the pieces of heads, reads and outputs.
const SECTIONS: usize = 2 + 3 * PIECES;

const DIGEST_AT: usize = MAGIC.len();
const TABLE_AT: usize = DIGEST_AT + DIGEST;
const FIRST_AT: usize = TABLE_AT + SECTIONS * ROW;
/// Of a digest, in bytes.
const DIGEST: usize = 32;
/// Of a row of the table: length, digest.
const ROW: usize = 8 + DIGEST;

/// What made the cache: another program may render the same sources differently.
const PROGRAM: &str = env!("LITTORAL_SOURCES");

#[derive(Serialize, Deserialize)]
struct First<'k> {
    program: Cow<'k, str>,
    settings: Cow<'k, Settings>,
    today: Date,
    files: Cow<'k, BTreeMap<String, SeenFile>>,
    whole: Cow<'k, Whole>,
}

#[derive(Serialize, Deserialize)]
struct Small {
    taxonomies: Vec<String>,
    row_files: BTreeMap<String, String>,
    names: Answer,
    found: Vec<Diagnostic>,
    broken_anchors: Vec<Diagnostic>,
    templates: BTreeMap<String, Object>,
    /// See [`Reads::at_first`].
    first_reads: u32,
    /// See [`Reads::fields`].
    fields: Fields,
}

/// An [`Output`]. The records stand behind all of a piece, and are not read but cut.
#[derive(Serialize, Deserialize)]
struct OutputHead<'k> {
    path: Cow<'k, str>,
    object: Object,
    title: Cow<'k, Option<String>>,
    documents: Option<Digest>,
    found: Cow<'k, [Diagnostic]>,
    shared: Cow<'k, [ReadId]>,
    fields: Fields,
    fragments: Cow<'k, [Fragment]>,
    /// Of the record, in bytes.
    length: usize,
}

/// A cache of which the first section is read.
pub(super) struct Cached {
    pub(super) today: Date,
    pub(super) files: BTreeMap<String, SeenFile>,
    pub(super) whole: Whole,
    settings: Settings,
    shelf: Shelf,
    rows: Vec<Row>,
}

/// What a section's bytes must be.
#[derive(Clone, Copy)]
struct Row {
    length: usize,
    digest: Digest,
}

impl Row {
    fn read(row: &[u8]) -> Option<Self> {
        let (length, digest) = row.split_first_chunk::<8>()?;
        let digest = <[u8; DIGEST]>::try_from(digest).ok()?.into();
        Some(Self { length: usize::try_from(u64::from_le_bytes(*length)).ok()?, digest })
    }

    /// The section, if these are its bytes.
    fn of(self, bytes: Bytes) -> Option<Section> {
        (bytes.len() == self.length && Digest::of(&bytes) == self.digest)
            .then_some(Section { bytes, digest: self.digest })
    }
}

fn file(shelf: &Shelf) -> PathBuf {
    shelf.derived().join("cache")
}

fn pieces(shelf: &Shelf) -> PathBuf {
    shelf.derived().join("pieces")
}

/// The cache of `shelf`, if there is one that a build with these settings can use.
pub(super) fn open(shelf: &Shelf, settings: &Settings) -> Option<Cached> {
    open_any(shelf).filter(|cached| cached.settings == *settings)
}

/// The same, whatever it was built with.
pub(super) fn open_any(shelf: &Shelf) -> Option<Cached> {
    let bytes = Bytes::from(fs::read(file(shelf)).ok()?);
    let table = bytes.get(TABLE_AT..FIRST_AT)?;
    let is_whole = bytes.starts_with(MAGIC) && Digest::of(table).bytes() == bytes.get(DIGEST_AT..TABLE_AT)?;
    let rows: Vec<Row> = table.chunks_exact(ROW).filter(|_| is_whole).map(Row::read).collect::<Option<_>>()?;
    let first = rows.first()?.of(bytes.slice(FIRST_AT..))?;
    let first: First<'_> = postcard::from_bytes(&first.bytes).ok()?;
    (first.program == PROGRAM).then_some(())?;
    let First { settings, today, files, whole, .. } = first;
    let (settings, files, whole) = (settings.into_owned(), files.into_owned(), whole.into_owned());
    Some(Cached { today, files, whole, settings, shelf: shelf.clone(), rows })
}

impl Cached {
    fn section(&self, at: usize) -> Option<Section> {
        let row = self.rows.get(at)?;
        row.of(fs::read(pieces(&self.shelf).join(row.digest.to_string())).ok()?.into())
    }

    /// All of it.
    pub(super) fn load(self) -> Option<Kept> {
        let piece = |kind: usize, number: usize| self.section(2 + kind * PIECES + number);
        let reads = Reads::default();
        let numbers = || (0..PIECES).into_par_iter();
        // The three kinds beside each other, each in pieces.
        let (heads, (outputs, read)) = rayon::join(
            || numbers().map(|number| heads(piece(0, number)?)).collect::<Option<Vec<_>>>(),
            || {
                rayon::join(
                    || numbers().map(|number| outputs(piece(2, number)?)).collect::<Option<Vec<_>>>(),
                    || {
                        numbers().try_for_each(|number| {
                            let known: Vec<(Read, ReadId, Answer)> =
                                postcard::from_bytes(&piece(1, number)?.bytes).ok()?;
                            reads.put_back(known);
                            Some(())
                        })
                    },
                )
            },
        );
        read?;
        let small: Small = postcard::from_bytes(&self.section(1)?.bytes).ok()?;
        reads.set_at_first(Some(small.first_reads));
        reads.note_fields(small.fields);
        Some(Kept {
            settings: self.settings,
            today: self.today,
            files: self.files,
            heads: Pieces::of(heads?),
            taxonomies: small.taxonomies,
            row_files: small.row_files,
            reads: Arc::new(reads),
            outputs: Pieces::of(outputs?),
            names: small.names,
            found: small.found,
            broken_anchors: small.broken_anchors,
            templates: small.templates,
            whole: self.whole,
            stored: self.rows.iter().map(|row| row.digest).collect(),
        })
    }
}

fn heads(section: Section) -> Option<(FxHashMap<String, Arc<Head>>, Section)> {
    let heads: Vec<(String, Head)> = postcard::from_bytes(&section.bytes).ok()?;
    Some((heads.into_iter().map(|(source, head)| (source, Arc::new(head))).collect(), section))
}

fn outputs(section: Section) -> Option<(FxHashMap<String, Output>, Section)> {
    let (heads, records): (Vec<OutputHead<'_>>, &[u8]) = postcard::take_from_bytes(&section.bytes).ok()?;
    let records = section.bytes.slice_ref(records);
    let mut at = 0;
    let output = |head: OutputHead<'_>| {
        let end = usize::saturating_add(at, head.length);
        let record = (end <= records.len()).then(|| Sealed::again(records.slice(at..end)))?;
        at = end;
        let output = Output {
            object: head.object,
            title: head.title.into_owned(),
            documents: head.documents,
            found: head.found.into_owned(),
            shared: head.shared.into_owned(),
            fields: head.fields,
            fragments: head.fragments.into_owned(),
            record,
        };
        Some((head.path.into_owned(), output))
    };
    let outputs = heads.into_iter().map(output).collect::<Option<_>>()?;
    Some((outputs, section))
}

/// Writes it. A failure costs the next build its speed, so the caller may go on.
pub(super) fn save(shelf: &Shelf, kept: &mut Kept) -> io::Result<()> {
    if let Some(reads) = Arc::get_mut(&mut kept.reads).filter(|reads| reads.are_mostly_unused()) {
        reads.retain(&kept.outputs.values().flat_map(|output| output.shared.iter().copied()).collect::<FxHashSet<_>>());
    }
    if kept.reads.at_first() == 0 {
        kept.reads.set_at_first(None);
    }
    let sections = sections(kept).map_err(|error| io::Error::other(format!("the cache: {error}")))?;
    let Some((first, others)) = sections.split_first() else { return Ok(()) };
    let folder = pieces(shelf);
    fs::create_dir_all(&folder)?;
    // Two pieces may be the same, as empty ones are: each file is written once.
    let different: FxHashMap<Digest, &Section> = others.iter().map(|section| (section.digest, section)).collect();
    different.into_par_iter().try_for_each(|(_, section)| store(&folder, section, &kept.stored))?;
    let table: Vec<u8> = sections
        .iter()
        .flat_map(|section| [&(section.bytes.len() as u64).to_le_bytes()[..], section.digest.bytes()].concat())
        .collect();
    let new = shelf.derived().join("cache.new");
    let mut out = fs::File::create(&new)?;
    out.write_all(MAGIC)?;
    out.write_all(Digest::of(&table).bytes())?;
    out.write_all(&table)?;
    out.write_all(&first.bytes)?;
    drop(out);
    fs::rename(&new, file(shelf))?;
    kept.stored = others.iter().map(|section| section.digest).collect();
    let names: FxHashSet<String> = kept.stored.iter().map(Digest::to_string).collect();
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.file_name().to_str().is_none_or(|name| !names.contains(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a section, unless it is among those that are known to be `stored`. A file under
/// its name is no proof: it may be damaged.
fn store(folder: &Path, section: &Section, stored: &FxHashSet<Digest>) -> io::Result<()> {
    let path = folder.join(section.digest.to_string());
    let stands = || fs::metadata(&path).is_ok_and(|found| found.len() == section.bytes.len() as u64);
    if stored.contains(&section.digest) && stands() {
        return Ok(());
    }
    let new = path.with_extension("new");
    fs::write(&new, &section.bytes)?;
    fs::rename(new, path)
}

fn sections(kept: &Kept) -> postcard::Result<Vec<Section>> {
    let heads: Vec<_> = kept.heads.pieces().collect();
    let outputs: Vec<_> = kept.outputs.pieces().collect();
    let write = |number: usize| {
        let bytes = match (number, number.saturating_sub(2) / PIECES, number.saturating_sub(2) % PIECES) {
            (0, ..) => {
                let first = First {
                    program: PROGRAM.into(),
                    settings: Cow::Borrowed(&kept.settings),
                    today: kept.today,
                    files: Cow::Borrowed(&kept.files),
                    whole: Cow::Borrowed(&kept.whole),
                };
                {
                    let indexed: usize = kept.whole.indexes.iter().map(|index| index.pages.len()).sum();
                    in_about(128 * (kept.files.len() + kept.whole.public.len() + indexed), &first)?
                }
            }
            (1, ..) => postcard::to_allocvec(&Small {
                taxonomies: kept.taxonomies.clone(),
                row_files: kept.row_files.clone(),
                names: kept.names,
                found: kept.found.clone(),
                broken_anchors: kept.broken_anchors.clone(),
                templates: kept.templates.clone(),
                first_reads: kept.reads.at_first(),
                fields: kept.reads.fields(),
            })?,
            (_, 0, piece) => match heads[piece] {
                (_, Some(section)) => return Ok(section.clone()),
                (heads, None) => {
                    let heads = heads.iter().map(|(source, head)| (source, head.as_ref()));
                    let heads: Vec<_> = heads.collect();
                    in_about(512 * heads.len(), &heads)?
                }
            },
            (_, 1, piece) => kept.reads.with_piece(piece, PIECES, |reads| in_about(64 * reads.len(), reads))?,
            (_, _, piece) => match outputs[piece] {
                (_, Some(section)) => return Ok(section.clone()),
                (outputs, None) => output_bytes(&outputs.iter().collect::<Vec<_>>())?,
            },
        };
        Ok(Section { digest: Digest::of(&bytes), bytes: bytes.into() })
    };
    (0..SECTIONS).into_par_iter().map(write).collect()
}

/// Its bytes, which are about so many: a buffer that grows by doubling is copied each time.
fn in_about<T: Serialize + ?Sized>(length: usize, value: &T) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(value, Vec::with_capacity(length))
}

fn output_bytes(outputs: &[(&String, &Output)]) -> postcard::Result<Vec<u8>> {
    let heads = outputs.iter().map(|(path, output)| OutputHead {
        path: path.as_str().into(),
        object: output.object,
        title: Cow::Borrowed(&output.title),
        documents: output.documents,
        found: output.found.as_slice().into(),
        shared: output.shared.as_slice().into(),
        fields: output.fields,
        fragments: output.fragments.as_slice().into(),
        length: output.record.bytes().len(),
    });
    let records: usize = outputs.iter().map(|(_, output)| output.record.bytes().len()).sum();
    let mut bytes = in_about(records + 192 * outputs.len(), &heads.collect::<Vec<_>>())?;
    outputs.iter().for_each(|(_, output)| bytes.extend_from_slice(output.record.bytes()));
    Ok(bytes)
}
