//! The cache: [`Kept`] on disk, for the next process.
//!
//! ```text
//! magic, digest of the table, table: length and digest of each section
//! first section: what is needed to see that nothing has changed
//! the others: the rest, in pieces that are read on all cores
//! ```
//!
//! One of another version of this program, a damaged one, or none at all is the same: the
//! next build is clean. It is replaced by rename, after the release it belongs to is live.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
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
use crate::site::release::{Object, Shelf};

const MAGIC: &[u8; 16] = b"littoral cache\n\0";
/// The first section, the small parts, and the pieces of heads, reads and outputs.
const SECTIONS: usize = 2 + 3 * PIECES;

const DIGEST_AT: usize = MAGIC.len();
const TABLE_AT: usize = DIGEST_AT + DIGEST;
const BODY_AT: usize = TABLE_AT + SECTIONS * ROW;
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
    /// Of the record, in bytes.
    length: usize,
}

/// A cache of which the first section is read.
pub(super) struct Cached {
    pub(super) today: Date,
    pub(super) files: BTreeMap<String, SeenFile>,
    pub(super) whole: Whole,
    settings: Settings,
    bytes: Bytes,
    rows: Vec<Row>,
}

/// Where a section is, and what its bytes must be.
struct Row {
    range: Range<usize>,
    digest: Digest,
}

impl Row {
    /// The section, if its bytes are as they were written.
    fn of(&self, bytes: &Bytes) -> Option<Section> {
        let bytes = bytes.slice(self.range.clone());
        (Digest::of(&bytes) == self.digest).then_some(Section { bytes, digest: self.digest })
    }
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
    let bytes = Bytes::from(fs::read(file(shelf)).ok()?);
    let table = bytes.get(TABLE_AT..BODY_AT)?;
    let is_whole = bytes.starts_with(MAGIC) && Digest::of(table).bytes() == bytes.get(DIGEST_AT..TABLE_AT)?;
    let mut at = BODY_AT;
    let rows = table.chunks_exact(ROW).filter(|_| is_whole).map(|row| {
        let length = usize::try_from(u64::from_le_bytes(row[..8].try_into().ok()?)).ok()?;
        let range = at..at.checked_add(length).filter(|end| *end <= bytes.len())?;
        at = range.end;
        Some(Row { range, digest: <[u8; DIGEST]>::try_from(&row[8..]).ok()?.into() })
    });
    let rows: Vec<Row> = rows.collect::<Option<_>>()?;
    let first = rows.first()?.of(&bytes)?;
    let first: First<'_> = postcard::from_bytes(&first.bytes).ok()?;
    (first.program == PROGRAM).then_some(())?;
    let First { settings, today, files, whole, .. } = first;
    let (settings, files, whole) = (settings.into_owned(), files.into_owned(), whole.into_owned());
    Some(Cached { today, files, whole, settings, bytes, rows })
}

impl Cached {
    /// All of it.
    pub(super) fn load(self) -> Option<Kept> {
        let section = |at: usize| self.rows.get(at)?.of(&self.bytes);
        let small: Small = postcard::from_bytes(&section(1)?.bytes).ok()?;
        let piece = |kind: usize, number: usize| section(2 + kind * PIECES + number);
        let reads = Reads::default();
        let pieces = || (0..PIECES).into_par_iter();
        // The three kinds beside each other, each in pieces.
        let (heads, (outputs, read)) = rayon::join(
            || pieces().map(|number| heads(piece(0, number)?)).collect::<Option<Vec<_>>>(),
            || {
                rayon::join(
                    || pieces().map(|number| outputs(piece(2, number)?)).collect::<Option<Vec<_>>>(),
                    || {
                        pieces().try_for_each(|number| {
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
        reads.set_at_first(Some(small.first_reads));
        reads.note_fields(small.fields);
        Some(Kept {
            settings: self.settings,
            today: self.today,
            files: self.files,
            heads: Pieces::of(heads?),
            taxonomies: small.taxonomies,
            reads: Arc::new(reads),
            outputs: Pieces::of(outputs?),
            names: small.names,
            found: small.found,
            broken_anchors: small.broken_anchors,
            templates: small.templates,
            whole: self.whole,
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
    let kept = &*kept;
    let sections = sections(kept).map_err(|error| io::Error::other(format!("the cache: {error}")))?;
    let table: Vec<u8> = sections
        .iter()
        .flat_map(|section| [&(section.bytes.len() as u64).to_le_bytes()[..], section.digest.bytes()].concat())
        .collect();
    let new = shelf.derived().join("cache.new");
    let mut out = fs::File::create(&new)?;
    out.write_all(MAGIC)?;
    out.write_all(Digest::of(&table).bytes())?;
    out.write_all(&table)?;
    sections.iter().try_for_each(|section| out.write_all(&section.bytes))?;
    drop(out);
    fs::rename(&new, file(shelf))
}

fn sections(kept: &Kept) -> postcard::Result<Vec<Section>> {
    let heads: Vec<_> = kept.heads.pieces().collect();
    let outputs: Vec<_> = kept.outputs.pieces().collect();
    let write = |number: usize| {
        let bytes = match (number, number.saturating_sub(2) / PIECES, number.saturating_sub(2) % PIECES) {
            (0, ..) => postcard::to_allocvec(&First {
                program: PROGRAM.into(),
                settings: Cow::Borrowed(&kept.settings),
                today: kept.today,
                files: Cow::Borrowed(&kept.files),
                whole: Cow::Borrowed(&kept.whole),
            })?,
            (1, ..) => postcard::to_allocvec(&Small {
                taxonomies: kept.taxonomies.clone(),
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
                    postcard::to_allocvec(&heads.collect::<Vec<_>>())?
                }
            },
            (_, 1, piece) => kept.reads.with_piece(piece, PIECES, |reads| postcard::to_allocvec(reads))?,
            (_, _, piece) => match outputs[piece] {
                (_, Some(section)) => return Ok(section.clone()),
                (outputs, None) => output_bytes(&outputs.iter().collect::<Vec<_>>())?,
            },
        };
        Ok(Section { digest: Digest::of(&bytes), bytes: bytes.into() })
    };
    (0..SECTIONS).into_par_iter().map(write).collect()
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
        length: output.record.bytes().len(),
    });
    let mut bytes = postcard::to_allocvec(&heads.collect::<Vec<_>>())?;
    outputs.iter().for_each(|(_, output)| bytes.extend_from_slice(output.record.bytes()));
    Ok(bytes)
}
