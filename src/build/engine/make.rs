//! Making outputs: each by itself, on all cores.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::index::{self, Finds};
use super::kept::{Kept, Output, Record};
use super::{Progress, Request};
use crate::build::output::feed;
use crate::build::output::plan::{self, Planned, Subject};
use crate::build::output::render::{Rendered, Renderer};
use crate::build::search_index::page_digest;
use crate::build::sources::unreadable;
use crate::build::texts::Texts;
use crate::build::trace::{Asked, Reads};
use crate::build::world::World;
use crate::site::diagnostic::{Diagnostic, Severity};
use crate::site::release::Writer;
use crate::site::search::Document;

/// Above this a file is copied from where it lies and never held in memory.
const LARGE_FILE: u64 = 4 * 1024 * 1024;

/// How many outputs are rendered before what can be found in them is handed on: enough for
/// all cores, and few enough to be held.
const BATCH: usize = 256;

/// What was made.
#[derive(Default)]
pub(super) struct Made {
    /// Name of the output → its record; none if there were mistakes.
    pub(super) outputs: Vec<(String, Option<Output>)>,
    /// Their names, when they are among what is kept.
    pub(super) names: Vec<String>,
    /// What is wrong in outputs that have no record.
    pub(super) found: Vec<Diagnostic>,
    /// How many were rendered.
    pub(super) rendered: usize,
    /// Whether one of them has other ids in it, or links to others, than its record.
    pub(super) has_other_anchors: bool,
    /// What can be found in them, if anything shall be.
    pub(super) finds: Option<Finds>,
}

/// One output that was made.
struct One {
    path: String,
    output: Option<Output>,
    found: Vec<Diagnostic>,
    /// The index that these belong to.
    part: String,
    documents: Vec<Document>,
    is_rendered: bool,
}

/// Makes `dirty`, which must be in order of path.
pub(super) fn all(
    request: &Request<'_>,
    writer: &Writer,
    world: &Arc<World>,
    texts: &Texts<'_>,
    kept: &Kept,
    dirty: &[&Planned],
) -> io::Result<Made> {
    (request.progress)(Progress::Planned(dirty.len()));
    let renderer = Renderer { world, reads: &kept.reads, texts };
    let mut made = Made::default();
    let config = &world.site.config;
    if config.search {
        made.finds = Some(Finds::begin(request, world, !super::index_stands(request, world, kept))?);
    }
    let done = AtomicUsize::new(0);
    for batch in dirty.chunks(BATCH) {
        let ones: Vec<io::Result<One>> = batch
            .par_iter()
            .map(|output| {
                let one = one(request, writer, &renderer, output);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(64) {
                    (request.progress)(Progress::Rendered(done));
                }
                one
            })
            .collect();
        for one in ones {
            let One { path, output, found, part, documents, is_rendered } = one?;
            made.rendered += usize::from(is_rendered);
            made.found.extend(found);
            if let Some(finds) = &mut made.finds {
                finds.add(part, documents)?;
            }
            made.outputs.push((path, output));
        }
    }
    Ok(made)
}

fn one(request: &Request<'_>, writer: &Writer, renderer: &Renderer<'_>, output: &Planned) -> io::Result<One> {
    let site = &renderer.world.site;
    let path = output.name().into_owned();
    let failed = |found| One {
        path: path.clone(),
        output: None,
        found,
        part: String::new(),
        documents: Vec::new(),
        is_rendered: false,
    };
    let record = Record {
        subject: plan::subject_of(site, output),
        layout: output.layout.clone(),
        lists: output.layout.as_deref().is_some_and(|layout| renderer.world.layouts.shows_items(layout)),
        ..Record::default()
    };
    let bytes = match &output.subject {
        Subject::Feed => feed::atom(site),
        Subject::Sitemap => feed::sitemap(site, &renderer.world.plan),
        Subject::Robots => feed::robots(site, &renderer.world.plan),
        Subject::Alias(to) => feed::moved(site, to),
        Subject::File(file) => {
            let is_large = |path: &std::path::PathBuf| path.metadata().is_ok_and(|found| found.len() > LARGE_FILE);
            if let Some(location) = request.sources.location(file).filter(is_large) {
                let output = Output::of(writer.put_file(&location)?, &record);
                return Ok(One { output: Some(output), ..failed(Vec::new()) });
            }
            match request.sources.read(file) {
                Ok(bytes) => bytes,
                Err(cause) => return Ok(failed(vec![unreadable(file, &cause)])),
            }
        }
        Subject::Page(..) | Subject::Letter(_) | Subject::Taxonomy(_) | Subject::Term(..) | Subject::NotFound => {
            return rendered(writer, renderer, output, record, failed(Vec::new()));
        }
    };
    Ok(One { output: Some(Output::of(writer.put(&bytes)?, &record)), ..failed(Vec::new()) })
}

fn rendered(writer: &Writer, renderer: &Renderer<'_>, about: &Planned, record: Record, one: One) -> io::Result<One> {
    let Rendered { bytes, mut found, anchors, to_anchors, documents, fragments, asked } = renderer.render(about);
    let site = &renderer.world.site;
    let bytes = bytes.filter(|_| !super::has_errors(&found));
    if matches!(about.subject, Subject::Page(id, _) if !site.is_published(id)) {
        // An unfinished draft keeps nothing from being published.
        found.iter_mut().for_each(|mistake| mistake.severity = Severity::Warning);
    }
    let Some(bytes) = bytes else {
        return Ok(One { found, is_rendered: true, ..one });
    };
    let title = match &about.subject {
        Subject::Page(id, 1) => Some(site.page(*id).title(&site.config)),
        _ => None,
    };
    let Asked { shared, fields, own } = asked;
    let record = Record { own, anchors, to_anchors, ..record };
    let output = Output {
        shared,
        fields,
        fragments,
        title,
        found,
        documents: (!documents.is_empty()).then(|| page_digest(&documents)),
        ..Output::of(writer.put(&bytes)?, &record)
    };
    let part = match &about.subject {
        Subject::Page(id, _) => index::part_of(&one.path, site.page(*id)),
        _ => String::new(),
    };
    Ok(One { output: Some(output), part, documents, is_rendered: true, ..one })
}

/// What is wrong in the texts of these files, when no layout can show them.
pub(super) fn mistakes_in_texts(
    request: &Request<'_>,
    world: &Arc<World>,
    texts: &Texts<'_>,
    files: &FxHashSet<String>,
) -> Vec<Diagnostic> {
    let reads = Arc::new(Reads::default());
    let renderer = Renderer { world, reads: &reads, texts };
    (request.progress)(Progress::Planned(files.len()));
    let is_of_them = |output: &&Planned| match output.subject {
        Subject::Page(id, 1) => files.contains(&world.site.page(id).file()),
        _ => false,
    };
    let found = world
        .plan
        .outputs
        .par_iter()
        .filter(is_of_them)
        .flat_map_iter(|output| renderer.render(&Planned { layout: None, ..output.clone() }).found);
    found.collect()
}
