//! The engine: from what has changed to a release.
//!
//! ```text
//! look at the files -> read the heads of new ones -> model, plan, templates: the world
//!   -> ask again what may have another answer -> render what read it -> publish
//! ```
//!
//! Between two builds [`Kept`] says what every output was made from. It lives in the
//! [`Engine`] of a process that watches, and in `.littoral/cache` for the next process;
//! without it the build is clean. An output is rendered when it has no record, when another
//! layout or list page answers its path, when something it read has another answer, or when
//! its object is not as it was written. Nothing of the record is believed beyond that, and
//! it is written last: a build that was killed is done again.

mod before;
mod cache;
mod changes;
mod index;
mod kept;
mod look;
mod make;
mod pieces;
mod publish;
mod renew;
mod rows;
mod select;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashSet;

use self::before::{Before, Opened};
use self::changes::Changes;
use self::kept::{Kept, Sealed, Settings, Whole};
use self::look::{Look, ReadHead};
use self::make::Made;
use self::pieces::Pieces;
use self::renew::Renewed;
use self::select::{Extent, Selection};
pub use self::why::Why;
use super::asset::Naming;
use super::markdown::highlight;
use super::model::{Drafts, Fields, Origin};
use super::output::render::ToAnchor;
use super::sources::{Sources, read_text};
use super::texts::Texts;
use super::trace::{Answer, Read, ReadId};
use super::world::World;
use crate::site::config::{self, Config};
use crate::site::diagnostic::{Diagnostic, Severity};
use crate::site::release::{Entry, Object, PublishError, Published, Shelf, Took, Writer};

/// What is to be built, and how.
pub struct Request<'a> {
    /// Where the release goes.
    pub shelf: Shelf,
    /// Where everything comes from.
    pub sources: &'a dyn Sources,
    /// Whether unpublished pages are part of it.
    pub drafts: Drafts,
    /// Whether assets bear digests.
    pub naming: Naming,
    /// Told how far it is, from any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Told of the outputs that were made anew, as soon as their objects stand and before
    /// the release does: for who wants to answer from them at once.
    pub ready: &'a (dyn Fn(&[Entry]) + Sync),
}

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many outputs will be rendered.
    Planned(usize),
    /// So many are.
    Rendered(usize),
}

/// What a build did.
#[derive(Debug)]
pub struct Report {
    /// The release, if there were no errors.
    pub published: Option<Published>,
    /// Everything that is wrong, in order of place.
    pub diagnostics: Vec<Diagnostic>,
    /// Pages of the site: Markdown files, and rows of data files.
    pub pages: usize,
    /// Outputs that were rendered.
    pub rendered: usize,
    /// Why each of them was.
    pub why: Why,
}

impl Report {
    /// Whether nothing was published.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.diagnostics)
    }
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// What stops a build that its author did nothing wrong in.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The disk is full, or may not be written.
    #[error("cannot write the release: {0}")]
    CannotWrite(#[from] io::Error),
    /// The index of the release before cannot be added to.
    #[error("{0}")]
    DamagedIndex(io::Error),
    /// The same, when all was made.
    #[error(transparent)]
    CannotPublish(#[from] PublishError),
}

impl BuildError {
    /// Whether the release before is the live one still.
    pub fn leaves_the_release_before(&self) -> bool {
        !matches!(self, Self::CannotPublish(PublishError::NotCheckedOut(_)))
    }
}

/// Builds the site and publishes it, unless there are errors: then the release before
/// stays as it is.
pub fn build(request: &Request<'_>) -> Result<Report, BuildError> {
    let mut engine = Engine::default();
    let report = engine.build(request, None)?;
    engine.save(&request.shelf);
    Ok(report)
}

/// Builds one site again and again.
#[derive(Debug, Default)]
pub struct Engine {
    kept: Option<Kept>,
    world: Option<Arc<World>>,
    /// Whether the cache is older than what is kept.
    is_unsaved: bool,
}

impl Engine {
    /// Builds what has changed. `only` names the files that may have since the build
    /// before, if that is known.
    pub fn build(&mut self, request: &Request<'_>, only: Option<&BTreeSet<String>>) -> Result<Report, BuildError> {
        let began = Instant::now();
        let report = self.build_now(request, only)?;
        if let Some(Published { id, changed: true }) = report.published
            && let Err(error) = Took::new(id, began.elapsed(), report.rendered).note(&request.shelf)
        {
            tracing::debug!(%error, "how long the build took could not be noted");
        }
        Ok(report)
    }

    fn build_now(&mut self, request: &Request<'_>, only: Option<&BTreeSet<String>>) -> Result<Report, BuildError> {
        // Before anything is read: of two builds at once, the later one to read is the later to publish.
        let writer = Writer::open(request.shelf.clone())?;
        let settings = Settings {
            drafts: request.drafts,
            naming: request.naming,
            content: request.sources.location("content/").map_or_else(String::new, |path| path.display().to_string()),
        };
        let sources = request.sources;
        let stands = |kept: &Kept| {
            kept.settings == settings
                && kept.whole.release == request.shelf.current().ok()
                && kept.whole.hidden.iter().all(|object| writer.is_whole(object))
        };
        let before = if let Some(kept) = self.kept.take().filter(stands) {
            Before::living(sources, kept, only)
        } else {
            self.world = None;
            match rayon::join(|| cache::open(&request.shelf, &settings), || sources.files()) {
                (None, files) => Before::nothing(sources, files),
                (Some(cached), files) => {
                    let opened = Opened::at(sources, cached, files);
                    if let Some(cached) = opened.same(sources)
                        && let Some(report) = same_again(request, &writer, &cached.whole)
                    {
                        return Ok(report);
                    }
                    opened.load(sources)
                }
            }
        };
        match self.round(request, &writer, settings.clone(), before) {
            // It stays for the release that is live, and a new one is made from all texts.
            Err(BuildError::DamagedIndex(error)) => {
                tracing::warn!(%error, "the search index cannot be added to, and is made again");
                self.world = None;
                self.round(request, &writer, settings, Before::nothing(sources, sources.files()))
            }
            other => other,
        }
    }

    /// Writes the cache, if it is older than what is known. A cache that cannot be written
    /// is no mistake in a site: the next build is slower.
    pub fn save(&mut self, shelf: &Shelf) {
        if let Some(kept) = self.kept.as_mut().filter(|_| self.is_unsaved) {
            // Reads that no output asks are forgotten.
            if let Some(world) = &self.world {
                world.blocks.clear();
            }
            // The lock again: another build may be about to leave its own.
            let saved = Writer::open(shelf.clone()).and_then(|_writer| cache::save(shelf, kept));
            if let Err(error) = saved {
                tracing::warn!(%error, "the cache could not be written: the next build is a clean one");
            }
            self.is_unsaved = false;
        }
    }

    /// What the output at `path` of the site on `shelf` reads; none if nothing is rendered
    /// there.
    pub fn reads_of(&mut self, shelf: &Shelf, path: &str) -> Option<Vec<String>> {
        if self.kept.is_none() {
            // Nothing had changed, so nothing was loaded.
            self.kept = cache::open_any(shelf).and_then(cache::Cached::load);
        }
        let kept = self.kept.as_ref()?;
        let output = kept.outputs.get(path)?;
        let own = output.record.open().map(|record| record.own).unwrap_or_default();
        let own = own.reads().map(|(read, _)| read.to_string());
        let mut reads: Vec<String> = kept.reads.names(&output.shared).into_values().chain(own).collect();
        if reads.is_empty() {
            return None;
        }
        reads.sort();
        Some(reads)
    }

    fn round(
        &mut self,
        request: &Request<'_>,
        writer: &Writer,
        settings: Settings,
        before: Before,
    ) -> Result<Report, BuildError> {
        let sources = request.sources;
        let (kept, look) = before.parts();
        let mut texts = Texts::new(sources);
        let mut changes = Changes::of(look.changed.clone(), look.has_other_files);
        let mut found = look.found.clone();
        let world = self.world.take().filter(|_| kept.is_some());
        // The configuration first: it says which keys of a head are taxonomies.
        let config = match &world {
            Some(world) if !changes.touch_config() => world.site.config.clone(),
            _ => read_config(sources, kept.as_ref(), &look, &mut found),
        };
        let mut kept = kept.unwrap_or_else(|| empty(settings, sources, &config));
        let heads_hold = kept.taxonomies == config.taxonomies;
        take_heads(&look, sources, &mut kept, &config, &mut changes, &mut texts, &mut found);
        rows::take(sources, &mut kept, &mut changes, &texts, &mut found);
        changes.has_other_structure |= kept.today != sources.today() || !heads_hold;
        kept.today = sources.today();
        kept.taxonomies.clone_from(&config.taxonomies);
        let round = Round { request, writer, texts: &texts };
        let (renewed, ()) = rayon::join(
            || renew::renewed(&round, world, config, &mut kept, &mut changes, found),
            || {
                if texts.have_code() {
                    highlight::load();
                }
            },
        );
        let Renewed { world, is_patched, are_layouts_whole, damaged } = renewed;
        if !are_layouts_whole {
            return Ok(without_layouts(request, &texts, &world, &kept, &look));
        }
        // When nobody sees what is new in the heads, only the pages themselves are different.
        let is_seen = kept.reads.see(changes.fields) || changes.fields.meets(Fields::named("summary"));
        let extent = match (is_patched, is_seen) {
            (false, _) => Extent::All,
            (true, true) => Extent::Texts,
            (true, false) => Extent::TextsAlone,
        };
        let may_differ = changes.judge();
        let changed = ask_again(&mut kept, &world, extent, &may_differ);
        let selection = Selection {
            request,
            world: &world,
            changes: &changes,
            changed: &changed,
            extent,
            damaged: &damaged,
            may_differ: &may_differ,
        };
        let (dirty, why) = selection.of(&mut kept);
        let mut made = make::all(request, writer, &world, &texts, &kept, &dirty)?;
        keep(&mut kept, &mut made);
        let report = publish::publish(request, writer, &world, &mut kept, &changes, made, why)?;
        // After a build with mistakes the next one takes up the cache, which is older: what is
        // kept would have to remember everything that could not be made.
        if !report.has_errors() {
            self.kept = Some(kept);
            self.world = Some(world);
            self.is_unsaved = true;
        }
        Ok(report)
    }
}

/// What a build has in its hands from beginning to end.
struct Round<'r> {
    request: &'r Request<'r>,
    writer: &'r Writer,
    texts: &'r Texts<'r>,
}

/// Asks the reads that outputs share again, and gives those that have another answer.
fn ask_again(
    kept: &mut Kept,
    world: &World,
    extent: Extent,
    may_differ: &(dyn Fn(&Read) -> bool + Sync),
) -> FxHashSet<ReadId> {
    match Arc::get_mut(&mut kept.reads) {
        // The texts that are new are nobody's but their own pages'.
        _ if extent == Extent::TextsAlone => FxHashSet::default(),
        Some(reads) => reads.ask_again(may_differ, |read| world.answer(read)),
        None => {
            // Somebody still reads; nothing that was read can be asked again.
            kept.outputs.clear();
            FxHashSet::default()
        }
    }
}

/// Puts what was made among what is kept.
fn keep(kept: &mut Kept, made: &mut Made) {
    for (path, output) in std::mem::take(&mut made.outputs) {
        let now = output.as_ref().map(|output| output.record.clone());
        let before = match output {
            Some(output) => kept.outputs.insert(path.clone(), output),
            None => kept.outputs.remove(&path),
        };
        made.has_other_anchors =
            made.has_other_anchors || anchors(before.as_ref().map(|output| &output.record)) != anchors(now.as_ref());
        made.names.push(path);
    }
}

/// The ids in an output, and its links to those of others.
fn anchors(record: Option<&Sealed>) -> Option<(Vec<String>, Vec<ToAnchor>)> {
    record.and_then(Sealed::open).map(|record| (record.anchors, record.to_anchors))
}

/// Texts are still read for their own mistakes; a layout that is not there would only be
/// complained of again for each page. What was kept is dropped: the next build takes up the
/// cache, which is older, and looks at every file.
fn without_layouts(request: &Request<'_>, texts: &Texts<'_>, world: &Arc<World>, kept: &Kept, look: &Look) -> Report {
    let mut found = kept.found.clone();
    found.extend(make::mistakes_in_texts(request, world, texts, &look.changed));
    let (pages, diagnostics) = (page_count(world), in_order(found));
    Report { published: None, diagnostics, pages, rendered: 0, why: Why::default() }
}

/// Whether the search index of the build before can be added to.
fn index_stands(request: &Request<'_>, world: &World, kept: &Kept) -> bool {
    kept.whole.language == world.site.config.language
        && !kept.whole.indexes.is_empty()
        && kept.whole.indexes.iter().all(|index| super::search_index::stands(&request.shelf, &index.name))
}

/// Reads what the model takes from pages that may be another version, and notes what is
/// different.
fn take_heads(
    look: &Look,
    sources: &dyn Sources,
    kept: &mut Kept,
    config: &Config,
    changes: &mut Changes,
    texts: &mut Texts<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for ReadHead { source, seen, head, text } in look.read_heads(sources, kept, &config.taxonomies) {
        let file = format!("content/{source}");
        match head {
            None => drop(changes.files.remove(&file)),
            Some(Ok(head)) => {
                let before = kept.heads.get(&source).map(Arc::as_ref);
                changes.note_head(&source, before, &head);
                rows::note_head(&source, before, &head, changes);
                kept.heads.insert(source, Arc::new(head));
            }
            Some(Err(diagnostic)) => {
                changes.has_other_structure = true;
                kept.heads.remove(&source);
                found.push(diagnostic);
            }
        }
        if let Some(text) = text {
            texts.keep(&file, text);
        }
        kept.files.insert(file, seen);
    }
    look.note_others(&mut kept.files);
    for source in look.removed.iter().filter_map(|file| file.strip_prefix("content/")) {
        changes.has_other_structure = true;
        kept.heads.remove(source);
    }
}

fn same_again(request: &Request<'_>, writer: &Writer, whole: &Whole) -> Option<Report> {
    let release = whole.release?;
    let mut indexes = whole.indexes.iter();
    let indexes_stand = indexes.all(|index| super::search_index::stands(&request.shelf, &index.name));
    let hidden: Vec<Object> = whole.hidden.iter().chain(&whole.full).copied().collect();
    (indexes_stand && writer.stands(release, &whole.public, &hidden)).then(|| Report {
        published: Some(Published { id: release, changed: false }),
        diagnostics: whole.diagnostics.clone(),
        pages: whole.pages,
        rendered: 0,
        why: Why::default(),
    })
}

fn empty(settings: Settings, sources: &dyn Sources, config: &Config) -> Kept {
    Kept {
        settings,
        today: sources.today(),
        files: BTreeMap::new(),
        heads: Pieces::default(),
        row_files: BTreeMap::new(),
        taxonomies: config.taxonomies.clone(),
        reads: Arc::default(),
        outputs: Pieces::default(),
        names: Answer::NOTHING,
        found: Vec::new(),
        broken_anchors: Vec::new(),
        templates: BTreeMap::new(),
        whole: Whole::default(),
        stored: FxHashSet::default(),
    }
}

fn read_config(sources: &dyn Sources, kept: Option<&Kept>, look: &Look, found: &mut Vec<Diagnostic>) -> Config {
    let was_there = kept.is_some_and(|kept| kept.files.contains_key(config::FILE));
    if look.removed.contains(config::FILE) || !(was_there || look.changed.contains(config::FILE)) {
        return Config::default();
    }
    match read_text(sources, config::FILE) {
        Ok(text) => {
            let (config, mistakes) = Config::parse(&text);
            found.extend(mistakes);
            config
        }
        Err(diagnostic) => {
            found.push(diagnostic);
            Config::default()
        }
    }
}

fn page_count(world: &World) -> usize {
    world.site.ids().filter(|id| world.site.page(*id).origin != Origin::Nothing).count()
}

/// By place; the same mistake of a layout, met on a thousand pages, is one.
fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort();
    let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
    for diagnostic in found {
        match kept.last_mut() {
            Some((last, times))
                if last.place == diagnostic.place
                    && last.code == diagnostic.code
                    && last.message == diagnostic.message =>
            {
                *times += 1
            }
            _ => kept.push((diagnostic, 1)),
        }
    }
    kept.into_iter()
        .map(
            |(diagnostic, times)| {
                if times > 1 { diagnostic.hint(format!("met {times} times in this build")) } else { diagnostic }
            },
        )
        .collect()
}
