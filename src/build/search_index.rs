//! The search index: made from the sections of a site's pages, read by the edge.
//!
//! [`write`] is the whole of it. An index is named by what is in it: the same sections give
//! the same name, whatever order they come in, and what already stands is not made again. A
//! build that keeps each page's [`page_digest`] asks [`name`] first and need not even gather
//! the texts.
//!
//! One thread writes, in order of path, so that the same sections give the same segment; the
//! folder appears under its name by rename, whole or not at all. Knows nothing of Markdown
//! and nothing of questions.

use std::fs;
use std::io;
use std::path::Path;

use tantivy::indexer::NoMergePolicy;
use tantivy::{Index, IndexSettings, IndexWriter, TantivyDocument};

use crate::site::digest::Digest;
use crate::site::release::Shelf;
use crate::site::search::{Analysis, Document, FORMAT, Fields, Place};

/// How many bytes the writer may hold before it spills a segment, to be merged at the end.
/// 10,000 pages of 5 KB fit without a spill.
const MEMORY_BUDGET: usize = 96 << 20;

/// Begins the name of a folder that is not whole yet.
const UNFINISHED: &str = ".new-";

/// The digest of a page's sections, which must be in order.
pub fn page_digest(sections: &[Document]) -> Digest {
    let mut bytes = Vec::new();
    for section in sections {
        for part in [&section.path, &section.anchor, &section.title, &section.heading, &section.text] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    Digest::of(&bytes)
}

/// The name of the index of these pages: the path and [`page_digest`] of each that has any
/// section, in order of path.
pub fn name<'p>(language: &str, pages: impl IntoIterator<Item = (&'p str, Digest)>) -> String {
    let mut text = format!("littoral search {FORMAT} {language}\n");
    for (path, digest) in pages {
        text.push_str(&digest.hex());
        text.push(' ');
        text.push_str(path);
        text.push('\0');
    }
    Digest::of(text.as_bytes()).hex()
}

/// Whether the index of that name stands on the shelf.
pub fn stands(shelf: &Shelf, name: &str) -> bool {
    shelf.search_folder(name).join("meta.json").is_file()
}

/// Writes the index of `documents`, unless it stands already, and gives its name: what
/// belongs into the manifest. To be called by a build that holds the shelf.
pub fn write(shelf: &Shelf, language: &str, documents: impl IntoIterator<Item = Document>) -> io::Result<String> {
    let mut documents: Vec<Document> = documents.into_iter().collect();
    documents.sort_by(|a, b| (&a.path, a.position).cmp(&(&b.path, b.position)));
    let pages = documents.chunk_by(|a, b| a.path == b.path).map(|page| (page[0].path.as_str(), page_digest(page)));
    let name = name(language, pages);
    if stands(shelf, &name) {
        return Ok(name);
    }
    let folder = shelf.search_folder(&name);
    let above = shelf.derived().join("search");
    fs::create_dir_all(&above)?;
    remove_unfinished(&above)?;
    let unfinished = above.join(format!("{UNFINISHED}{}-{}", std::process::id(), &name[..8]));
    fs::create_dir(&unfinished)?;
    fill(&unfinished, language, documents, MEMORY_BUDGET)
        .map_err(|error| io::Error::other(format!("the search index: {error}")))?;
    // What stands under the name without being whole was damaged by somebody else.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::rename(&unfinished, &folder)?;
    Ok(name)
}

/// Only one build has the shelf, so any unfinished index is what a killed one left.
fn remove_unfinished(above: &Path) -> io::Result<()> {
    for entry in fs::read_dir(above)?.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn fill(folder: &Path, language: &str, documents: Vec<Document>, budget: usize) -> tantivy::Result<()> {
    let (schema, fields) = Fields::schema();
    // Texts are compressed in the writing thread: a second one would take a core from rendering.
    let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let directory = tantivy::directory::MmapDirectory::open(folder)?;
    let mut index = Index::create(directory, schema, settings)?;
    index.set_tokenizers(Analysis::of(language).tokenizers());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, budget)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    let mut page = 0;
    let mut path = None;
    for document in documents {
        if path.as_ref().is_some_and(|path| *path != document.path) {
            page += 1;
        }
        path = Some(document.path.clone());
        writer.add_document(fields_of(&fields, page, document))?;
    }
    writer.commit()?;
    merge(&index, &mut writer)?;
    writer.wait_merging_threads()?;
    drop(index);
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(".lock")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn fields_of(fields: &Fields, page: u64, document: Document) -> TantivyDocument {
    let mut out = TantivyDocument::new();
    out.add_u64(fields.place, Place::of(page, document.position).number());
    let name = if document.anchor.is_empty() { document.title.clone() } else { document.heading.clone() };
    out.add_text(fields.name, &name);
    for part in [&document.title, &document.heading, &document.text] {
        if !part.is_empty() {
            out.add_text(fields.words, part);
        }
    }
    out.add_text(fields.path, document.path);
    out.add_text(fields.anchor, document.anchor);
    out.add_text(fields.title, document.title);
    out.add_text(fields.heading, name);
    out.add_text(fields.text, document.text);
    out
}

/// Makes one segment of all, in order of place: the edge finds the sections of a page beside
/// each other.
fn merge(index: &Index, writer: &mut IndexWriter) -> tantivy::Result<()> {
    let searcher = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual).try_into()?.searcher();
    let mut segments = Vec::new();
    for segment in searcher.segment_readers() {
        let first = segment.fast_fields().u64("place")?.first(0);
        segments.push((first, segment.segment_id()));
    }
    if segments.len() > 1 {
        segments.sort_unstable_by_key(|(first, _)| *first);
        let ids: Vec<_> = segments.into_iter().map(|(_, id)| id).collect();
        drop(searcher);
        writer.merge(&ids).wait()?;
        writer.garbage_collect_files().wait()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spilled_index_is_one_segment_in_order_of_place() {
        let folder = tempfile::tempdir().unwrap();
        let documents: Vec<Document> = (0..18_000)
            .map(|n| Document {
                path: format!("/{:05}/", n / 3),
                position: n % 3,
                title: format!("title{n} of{n}"),
                text: format!("alpha{n} beta{n} gamma{n} delta{n} epsilon{n} zeta{n}"),
                ..Document::default()
            })
            .collect();
        fill(folder.path(), "en", documents, 16 << 20).unwrap();
        let index = Index::open_in_dir(folder.path()).unwrap();
        let searcher = index.reader().unwrap().searcher();
        assert_eq!(searcher.segment_readers().len(), 1);
        let segment = &searcher.segment_readers()[0];
        assert_eq!(segment.num_docs(), 18_000);
        let place = segment.fast_fields().u64("place").unwrap();
        let places: Vec<u64> = (0..segment.max_doc()).filter_map(|doc| place.first(doc)).collect();
        assert!(places.is_sorted() && places.len() == 18_000);
        assert!(Place::from_number(places[17_999]).page() == 5_999);
    }

    fn three() -> Vec<Document> {
        let section = |path: &str, position, text: &str| Document {
            path: path.to_owned(),
            position,
            title: "Tides".to_owned(),
            text: text.to_owned(),
            ..Document::default()
        };
        vec![section("/a/", 0, "high"), section("/a/", 1, "low"), section("/b/", 0, "neap")]
    }

    /// The bytes of the segment, whatever its files are called.
    fn segment(shelf: &Shelf, name: &str) -> Vec<Vec<u8>> {
        let files = fs::read_dir(shelf.search_folder(name)).unwrap().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|end| end != "json"));
        let mut bytes: Vec<Vec<u8>> = files.map(|file| fs::read(file.path()).unwrap()).collect();
        bytes.sort();
        bytes
    }

    #[test]
    fn the_same_sections_in_another_order_are_the_same_index() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, other) = (Shelf::of(one.path()), Shelf::of(other.path()));
        let mut turned = three();
        turned.reverse();
        let name = write(&one, "en", three()).unwrap();
        assert_eq!(write(&other, "en", turned).unwrap(), name);
        assert_eq!(segment(&one, &name), segment(&other, &name));
        assert!(segment(&one, &name).len() > 3);
        let pages = [("/a/", page_digest(&three()[..2])), ("/b/", page_digest(&three()[2..]))];
        assert_eq!(super::name("en", pages), name);
    }

    #[test]
    fn another_text_or_language_is_another_index() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(folder.path());
        let name = write(&shelf, "en", three()).unwrap();
        let mut changed = three();
        changed[1].text.push('!');
        assert_ne!(write(&shelf, "en", changed).unwrap(), name);
        assert_ne!(write(&shelf, "de", three()).unwrap(), name);
        assert!(stands(&shelf, &name));
    }

    #[test]
    fn what_a_killed_build_left_is_not_taken_for_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(folder.path());
        let name = write(&shelf, "en", three()).unwrap();
        let whole = segment(&shelf, &name);
        let left = shelf.derived().join("search").join(".new-1-0badc0de");
        fs::rename(shelf.search_folder(&name), &left).unwrap();
        fs::create_dir(shelf.search_folder(&name)).unwrap();
        assert!(!stands(&shelf, &name));
        assert_eq!(write(&shelf, "en", three()).unwrap(), name);
        assert!(!left.exists());
        assert_eq!(segment(&shelf, &name), whole);
    }
}
