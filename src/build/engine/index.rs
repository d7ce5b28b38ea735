//! What can be found: from the texts that were rendered to the search indexes of a release.
//!
//! Each text stands in one index. What everybody may read is in one; what stands on the open
//! pages of an audience, and what only that audience may read, are in two others. So a word of a
//! restricted text is in nothing that the edge asks for somebody else: no count, no suggestion
//! and no weight of a word can tell of it.

use std::collections::BTreeMap;
use std::io;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::{BuildError, Request};
use crate::build::model::Page;
use crate::build::output::plan::Subject;
use crate::build::output::version::path_of_full;
use crate::build::search_index;
use crate::build::world::World;
use crate::site::audience::Audience;
use crate::site::digest::Digest;
use crate::site::release::{SearchPart, Shelf};
use crate::site::search::Document;

/// The index for everybody.
const EVERYBODYS: &str = "";

/// An index, and what is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Index {
    /// Whose it is: [`part_of`].
    pub(super) part: String,
    /// The name of its folder.
    pub(super) name: String,
    /// The pages in it, and the digest of what can be found in each, in order of path.
    pub(super) pages: Vec<(String, Digest)>,
}

/// Of which index that is which the output `name` about `page` says.
pub(super) fn part_of(name: &str, page: &Page) -> String {
    match (path_of_full(name), &page.access) {
        (_, Audience::Public) => EVERYBODYS.to_owned(),
        (None, access) => format!("open {access}"),
        (Some(_), access) => format!("full {access}"),
    }
}

/// What can be found, on its way to the indexes.
pub(super) struct Finds {
    shelf: Shelf,
    language: String,
    /// Indexes that are written beside rendering, in a clean build.
    writing: Option<BTreeMap<String, search_index::Indexing>>,
    /// What comes to the indexes that stand.
    waiting: BTreeMap<String, Vec<Document>>,
}

impl Finds {
    /// Begins: with indexes of everything, or with what is new to those that stand.
    pub(super) fn begin(request: &Request<'_>, world: &World, is_clean: bool) -> io::Result<Self> {
        let (shelf, language) = (request.shelf.clone(), world.site.config.language.clone());
        let mut writing = BTreeMap::new();
        if is_clean {
            writing.insert(EVERYBODYS.to_owned(), search_index::Indexing::begin(&shelf, &language)?);
        }
        Ok(Self { shelf, language, writing: is_clean.then_some(writing), waiting: BTreeMap::new() })
    }

    /// Adds what an output has.
    pub(super) fn add(&mut self, part: String, documents: Vec<Document>) -> io::Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        match &mut self.writing {
            Some(writing) => match writing.get_mut(&part) {
                Some(index) => index.add(documents),
                None => {
                    let mut index = search_index::Indexing::begin_small(&self.shelf, &self.language)?;
                    index.add(documents);
                    writing.insert(part, index);
                }
            },
            None => self.waiting.entry(part).or_default().extend(documents),
        }
        Ok(())
    }

    /// Brings the indexes of `kept` to what its outputs have now.
    pub(super) fn finish(mut self, world: &World, kept: &Kept) -> Result<Vec<Index>, BuildError> {
        let mut indexes = Vec::new();
        for (part, pages) in found_in(world, kept) {
            let named = pages.iter().map(|(path, digest)| (path.as_str(), *digest));
            let name = search_index::name(&self.language, named);
            let waiting = self.waiting.remove(&part).unwrap_or_default();
            let before = kept.whole.indexes.iter().find(|index| index.part == part);
            match (&mut self.writing, before) {
                (Some(writing), _) => match writing.remove(&part) {
                    Some(index) => index.finish(&name)?,
                    None => return Err(incomplete()),
                },
                (None, Some(before)) => self.update(before, &name, &pages, waiting)?,
                (None, None) => {
                    // All that is in it was rendered just now.
                    if search_index::write(&self.shelf, &self.language, waiting)? != name {
                        return Err(incomplete());
                    }
                }
            }
            indexes.push(Index { part, name, pages });
        }
        Ok(indexes)
    }

    fn update(
        &self,
        before: &Index,
        name: &str,
        pages: &[(String, Digest)],
        documents: Vec<Document>,
    ) -> Result<(), BuildError> {
        let by_path = |pages: &[(String, Digest)]| -> FxHashMap<String, Digest> { pages.iter().cloned().collect() };
        let (were, are) = (by_path(&before.pages), by_path(pages));
        let mut gone: Vec<&str> = before
            .pages
            .iter()
            .map(|(path, _)| path.as_str())
            .filter(|path| are.get(*path) != were.get(*path))
            .collect();
        gone.sort_unstable();
        let new = documents.into_iter().filter(|document| are.get(&document.path) != were.get(&document.path));
        search_index::update(&self.shelf, &self.language, &before.name, name, &gone, new.collect())
            .map_err(BuildError::DamagedIndex)
    }
}

/// A text is not among those that were rendered: they all must be, then.
fn incomplete() -> BuildError {
    BuildError::DamagedIndex(io::Error::other("the search index: it lacks a text"))
}

/// The pages in which something can be found, in order of path, by index. That for everybody is
/// there in any case.
fn found_in(world: &World, kept: &Kept) -> BTreeMap<String, Vec<(String, Digest)>> {
    let mut parts = BTreeMap::from([(EVERYBODYS.to_owned(), Vec::new())]);
    for (name, output) in kept.outputs.iter() {
        let path = path_of_full(name).unwrap_or(name);
        let (Some(digest), Some(Subject::Page(id, _))) = (output.documents, world.plan.about(name)) else { continue };
        let part = part_of(name, world.site.page(*id));
        parts.entry(part).or_insert_with(Vec::new).push((path.to_owned(), digest));
    }
    parts.values_mut().for_each(|pages| pages.sort_unstable_by(|(one, _), (other, _)| one.cmp(other)));
    parts
}

/// The indexes as the edge is told of them: that for everybody, and those of each audience.
pub(super) fn for_the_edge(indexes: &[Index]) -> (Option<String>, Vec<SearchPart>) {
    let mut parts: BTreeMap<Audience, SearchPart> = BTreeMap::new();
    let mut everybodys = None;
    for Index { part, name, .. } in indexes {
        let Some((version, audience)) =
            part.split_once(' ').and_then(|(version, audience)| Some((version, audience.parse::<Audience>().ok()?)))
        else {
            everybodys = Some(name.clone());
            continue;
        };
        let part = parts.entry(audience.clone()).or_insert(SearchPart { audience, open: None, full: None });
        match version {
            "open" => part.open = Some(name.clone()),
            _ => part.full = Some(name.clone()),
        }
    }
    (everybodys, parts.into_values().collect())
}
