//! The search index: made from the sections of a site's pages, read by the edge.
//!
//! An index is named by what is in it: the same sections give the same name, whatever order
//! they come in. A clean build writes it beside rendering ([`Indexing`]); a later one copies
//! the segments that stand, by hard links, and adds what is new ([`update`]), so that one
//! changed page costs one small segment and not the index.
//!
//! One thread writes; the folder appears under its name by rename, whole or not at all.
//! Knows nothing of Markdown and nothing of questions.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tantivy::indexer::NoMergePolicy;
use tantivy::{Index, IndexSettings, IndexWriter, TantivyDocument, Term};

use crate::site::digest::Digest;
use crate::site::release::Shelf;
use crate::site::search::{Analysis, Document, FORMAT, Fields, Place};

/// How many bytes the writer may hold before it spills a segment, to be merged at the end.
/// 10,000 pages of 5 KB fit without a spill.
const MEMORY_BUDGET: usize = 96 << 20;

/// The same for what an edit adds; the least that the writer takes.
const SMALL_BUDGET: usize = 15 << 20;

/// Begins the name of a folder that is not whole yet.
const UNFINISHED: &str = ".new-";

/// How many were begun by this process.
static STARTED: AtomicU64 = AtomicU64::new(0);

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

/// Whether the index of that name stands on the shelf. A file of an index is never empty.
pub fn stands(shelf: &Shelf, name: &str) -> bool {
    let folder = shelf.search_folder(name);
    let is_empty = |file: &fs::DirEntry| file.metadata().is_ok_and(|found| found.len() == 0);
    folder.join("meta.json").is_file()
        && fs::read_dir(folder).is_ok_and(|files| !files.flatten().any(|file| is_empty(&file)))
}

/// Writes the index of `documents`, unless it stands already, and gives its name. To be
/// called by a build that holds the shelf.
pub fn write(shelf: &Shelf, language: &str, documents: impl IntoIterator<Item = Document>) -> io::Result<String> {
    let mut documents: Vec<Document> = documents.into_iter().collect();
    documents.sort_by(|a, b| (&a.path, a.position).cmp(&(&b.path, b.position)));
    let pages = documents.chunk_by(|a, b| a.path == b.path).map(|page| (page[0].path.as_str(), page_digest(page)));
    let name = name(language, pages);
    if stands(shelf, &name) {
        return Ok(name);
    }
    let mut indexing = Indexing::begin(shelf, language)?;
    for page in documents.chunk_by(|a, b| a.path == b.path) {
        indexing.add(page.to_vec());
    }
    indexing.finish(&name)?;
    Ok(name)
}

/// An index that is being written by a thread of its own.
pub struct Indexing {
    shelf: Shelf,
    unfinished: Unfinished,
    documents: Option<SyncSender<Vec<Document>>>,
    thread: Option<JoinHandle<tantivy::Result<()>>>,
}

/// How many handfuls of documents may wait for the thread.
const WAITING: usize = 512;

impl Indexing {
    /// Begins one. To be called by a build that holds the shelf.
    pub fn begin(shelf: &Shelf, language: &str) -> io::Result<Self> {
        Self::with_budget(shelf, language, MEMORY_BUDGET)
    }

    /// Begins one of few texts. Several may be begun at once.
    pub fn begin_small(shelf: &Shelf, language: &str) -> io::Result<Self> {
        Self::with_budget(shelf, language, SMALL_BUDGET)
    }

    fn with_budget(shelf: &Shelf, language: &str, budget: usize) -> io::Result<Self> {
        let unfinished = Unfinished::new(shelf)?;
        let (documents, waiting) = sync_channel(WAITING);
        let (folder, language) = (unfinished.0.clone(), language.to_owned());
        let thread = std::thread::Builder::new()
            .name("search index".to_owned())
            .spawn(move || fill(&folder, &language, waiting.into_iter(), budget))?;
        Ok(Self { shelf: shelf.clone(), unfinished, documents: Some(documents), thread: Some(thread) })
    }

    /// Adds all sections of some pages.
    pub fn add(&mut self, documents: Vec<Document>) {
        if let Some(sender) = self.documents.as_ref().filter(|_| !documents.is_empty()) {
            // If the thread has ended, it has failed: `finish` says how.
            let _ = sender.send(documents);
        }
    }

    /// Ends it, and gives it its name.
    pub fn finish(mut self, name: &str) -> io::Result<()> {
        drop(self.documents.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Ok(()))) => self.unfinished.rename(&self.shelf, name),
            Some(Ok(Err(error))) => Err(of_the_index(&error)),
            _ => Err(io::Error::other("the search index: its thread has failed")),
        }
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        drop(self.documents.take());
        // Its folder goes next, and must not be written to then.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Writes the index `name`: the index `before` without the pages at `gone`, and with
/// `documents`. To be called by a build that holds the shelf.
pub fn update(
    shelf: &Shelf,
    language: &str,
    before: &str,
    name: &str,
    gone: &[&str],
    documents: Vec<Document>,
) -> io::Result<()> {
    if before == name || stands(shelf, name) {
        return Ok(());
    }
    let unfinished = Unfinished::new(shelf)?;
    for file in fs::read_dir(shelf.search_folder(before))?.flatten() {
        let to = unfinished.0.join(file.file_name());
        // Segments never change; the lists of them are replaced, not written to.
        if fs::hard_link(file.path(), &to).is_err() {
            fs::copy(file.path(), &to)?;
        }
    }
    change(&unfinished.0, language, gone, documents).map_err(|error| of_the_index(&error))?;
    unfinished.rename(shelf, name)
}

/// How many segments an index may have before the small ones are made one.
const MOST_SEGMENTS: usize = 8;

fn change(folder: &Path, language: &str, gone: &[&str], documents: Vec<Document>) -> tantivy::Result<()> {
    let (_, fields) = Fields::schema();
    let mut index = Index::open_in_dir(folder)?;
    index.set_tokenizers(Analysis::of(language).tokenizers());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, SMALL_BUDGET)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for path in gone {
        writer.delete_term(Term::from_field_text(fields.path, path));
    }
    for document in documents {
        writer.add_document(fields_of(&fields, document))?;
    }
    writer.commit()?;
    let mut segments = index.searchable_segment_metas()?;
    let deleted: u64 = segments.iter().map(|segment| u64::from(segment.num_deleted_docs())).sum();
    let alive: u64 = segments.iter().map(|segment| u64::from(segment.num_docs())).sum();
    // What is deleted counts in the weights of words until its segment is written anew.
    if deleted * 5 > alive {
        let ids: Vec<_> = segments.iter().map(|segment| segment.id()).collect();
        writer.merge(&ids).wait()?;
    } else if segments.len() > MOST_SEGMENTS {
        segments.sort_unstable_by_key(|segment| std::cmp::Reverse(segment.num_docs()));
        let small: Vec<_> = segments[1..].iter().map(|segment| segment.id()).collect();
        writer.merge(&small).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    writer.wait_merging_threads()?;
    drop(index);
    remove_locks(folder)
}

/// A folder that is not an index yet; it goes when it does not become one.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(shelf: &Shelf) -> io::Result<Self> {
        let above = shelf.derived().join("search");
        fs::create_dir_all(&above)?;
        let own = format!("{UNFINISHED}{}-", std::process::id());
        remove_unfinished(&above, &own)?;
        let folder = above.join(format!("{own}{}", STARTED.fetch_add(1, Ordering::Relaxed)));
        // A process that was killed may have had the same number.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn rename(&self, shelf: &Shelf, name: &str) -> io::Result<()> {
        let folder = shelf.search_folder(name);
        if stands(shelf, name) {
            return Ok(());
        }
        // What stands under the name without being whole was damaged by somebody else.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::rename(&self.0, &folder)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn of_the_index(error: &tantivy::TantivyError) -> io::Error {
    io::Error::other(format!("the search index: {error}"))
}

/// Only one build has the shelf, so any unfinished index but its own is what a killed one left.
fn remove_unfinished(above: &Path, own: &str) -> io::Result<()> {
    for entry in fs::read_dir(above)?.flatten() {
        let is_left = |name: &str| name.starts_with(UNFINISHED) && !name.starts_with(own);
        if entry.file_name().to_str().is_some_and(is_left) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn fill(
    folder: &Path,
    language: &str,
    documents: impl Iterator<Item = Vec<Document>>,
    budget: usize,
) -> tantivy::Result<()> {
    let (schema, fields) = Fields::schema();
    // Texts are compressed in the writing thread: a second one would take a core from rendering.
    let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let directory = tantivy::directory::MmapDirectory::open(folder)?;
    let mut index = Index::create(directory, schema, settings)?;
    index.set_tokenizers(Analysis::of(language).tokenizers());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, budget)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for document in documents.flatten() {
        writer.add_document(fields_of(&fields, document))?;
    }
    writer.commit()?;
    merge(&index, &mut writer)?;
    writer.wait_merging_threads()?;
    drop(index);
    remove_locks(folder)
}

fn remove_locks(folder: &Path) -> tantivy::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(".lock")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A page's number: the same in each index, whatever other pages there are.
fn number_of(path: &str) -> u64 {
    let digest = Digest::of(path.as_bytes());
    digest.bytes()[..5].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn fields_of(fields: &Fields, document: Document) -> TantivyDocument {
    let mut out = TantivyDocument::new();
    out.add_u64(fields.place, Place::of(number_of(&document.path), document.position).number());
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

/// Makes one segment of all.
fn merge(index: &Index, writer: &mut IndexWriter) -> tantivy::Result<()> {
    let mut segments = index.searchable_segment_metas()?;
    if segments.len() > 1 {
        segments.sort_unstable_by_key(|segment| std::cmp::Reverse(segment.num_docs()));
        let ids: Vec<_> = segments.into_iter().map(|segment| segment.id()).collect();
        writer.merge(&ids).wait()?;
        writer.garbage_collect_files().wait()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tantivy::schema::Value;

    use super::*;

    #[test]
    fn a_spilled_index_is_one_segment_in_which_the_sections_of_a_page_are_together() {
        let folder = tempfile::tempdir().unwrap();
        let section = |n: u32| Document {
            path: format!("/{:05}/", n / 3),
            position: (n % 3) as usize,
            title: format!("title{n} of{n}"),
            text: format!("alpha{n} beta{n} gamma{n} delta{n} epsilon{n} zeta{n}"),
            ..Document::default()
        };
        let pages = (0..6_000).map(|page| (0..3).map(|n| section(page * 3 + n)).collect());
        fill(folder.path(), "en", pages, 16 << 20).unwrap();
        let index = Index::open_in_dir(folder.path()).unwrap();
        let searcher = index.reader().unwrap().searcher();
        assert_eq!(searcher.segment_readers().len(), 1);
        let segment = &searcher.segment_readers()[0];
        assert_eq!(segment.num_docs(), 18_000);
        let place = segment.fast_fields().u64("place").unwrap();
        let pages: Vec<u64> =
            (0..segment.max_doc()).filter_map(|doc| place.first(doc)).map(|n| Place::from_number(n).page()).collect();
        assert!(pages.chunks(3).all(|page| page[0] == page[1] && page[1] == page[2]));
    }

    /// Path and text of each document of an index.
    fn contents(shelf: &Shelf, name: &str) -> Vec<(String, String)> {
        let (_, fields) = Fields::schema();
        let searcher = Index::open_in_dir(shelf.search_folder(name)).unwrap().reader().unwrap().searcher();
        let all = searcher.search(&tantivy::query::AllQuery, &tantivy::collector::DocSetCollector).unwrap();
        let text = |document: &TantivyDocument, field| {
            document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let mut found: Vec<(String, String)> = all
            .into_iter()
            .map(|address| searcher.doc(address).unwrap())
            .map(|document: TantivyDocument| (text(&document, fields.path), text(&document, fields.text)))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn an_updated_index_holds_what_a_new_one_would() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(folder.path());
        let mut before = write(&shelf, "en", three()).unwrap();
        let kept = contents(&shelf, &before);
        for round in 0..20 {
            let name = format!("round-{round}");
            let new = Document { path: "/b/".to_owned(), text: format!("tide {round}"), ..Document::default() };
            update(&shelf, "en", &before, &name, &["/b/"], vec![new]).unwrap();
            before = name;
        }
        let expected: Vec<(String, String)> =
            [("/a/", "high"), ("/a/", "low"), ("/b/", "tide 19")].map(|(path, text)| (path.into(), text.into())).into();
        assert_eq!(contents(&shelf, &before), expected);
        let segments = Index::open_in_dir(shelf.search_folder(&before)).unwrap().searchable_segment_metas().unwrap();
        assert!(segments.len() <= MOST_SEGMENTS + 1, "{}", segments.len());
        // An index that an edge may still answer from is as it was.
        assert_eq!(contents(&shelf, &write(&shelf, "en", three()).unwrap()), kept);
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
