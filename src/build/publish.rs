//! One build, from the first file read to the manifest that is live.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::asset::{Assets, Naming};
use super::data::DataFiles;
use super::layout::{self, Role};
use super::model::{self, Drafts};
use super::output::feed;
use super::output::plan::{self, Plan, Planned, What};
use super::output::render::{self, Kitchen, Rendered, ToAnchor};
use super::sources::{Sources, read_text};
use super::{media, search_index, shell};
use crate::site::config::{self, Broken, Config};
use crate::site::diagnostic::{Code, Diagnostic, Severity};
use crate::site::release::{
    Access, CacheClass, Entry, FORMAT, Manifest, PublishError, Published, Redirect, Shelf, Shell, Site as SiteFacts,
    Writer,
};
use crate::site::search::Document;
use crate::site::theme;

/// Above this a file is copied from where it lies and never held in memory.
const LARGE_FILE: u64 = 4 * 1024 * 1024;

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
    /// Markdown files that are part of the site.
    pub pages: usize,
    /// Outputs that were rendered.
    pub rendered: usize,
}

impl Report {
    /// Whether nothing was published.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// What stops a build that its author did nothing wrong in.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The disk is full, or may not be written.
    #[error("cannot write the release: {0}")]
    CannotWrite(#[from] io::Error),
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
    // Before anything is read: of two builds at once, the later one to read is the later to publish.
    let writer = Writer::open(request.shelf.clone())?;
    let mut found = Vec::new();
    let (files, unfound) = request.sources.files();
    found.extend(unfound);
    let config = read_config(request.sources, &files, &mut found);
    let layouts = layout::compile(request.sources, &files, &mut found);
    let layouts_are_whole =
        !found.iter().any(|diagnostic| matches!(diagnostic.code, Code::LayoutSyntax | Code::PartialCycle));
    let data = DataFiles::load(request.sources, &files, &mut found);
    let assets = Assets::load(request.sources, &files, request.naming, &mut found);
    let site = model::load(request.sources, config, &files, request.drafts, &mut found);
    let mut plan = plan::plan(&site, &layouts, &files, &mut found);
    if !layouts_are_whole {
        // Texts are still read for their own mistakes; a layout that is not there would only
        // be complained of again for each page.
        plan.outputs.iter_mut().for_each(|output| output.layout = None);
    }
    let described = render::describe(&site);
    let kitchen = Kitchen {
        site: Arc::new(site),
        layouts: Arc::new(layouts),
        assets: Arc::new(assets),
        data: Arc::new(data),
        described,
    };
    let mut made = make_all(request, &kitchen, &plan, &writer)?;
    found.append(&mut made.found);
    check_anchors(&kitchen, &plan, &made, &mut found);
    let shell = make_shell(&kitchen, &writer, layouts_are_whole, &mut found)?;
    let templates = put_templates(request.sources, &files, &writer, &mut found)?;
    let diagnostics = in_order(found);
    let pages = kitchen.site.pages.iter().filter(|page| !page.text.is_empty()).count();
    let mut report = Report { published: None, diagnostics, pages, rendered: made.rendered };
    if !report.has_errors() {
        let (language, documents) = (&kitchen.site.config.language, std::mem::take(&mut made.documents));
        let search = match kitchen.site.config.search {
            true => Some(search_index::write(&request.shelf, language, documents)?),
            false => None,
        };
        let manifest = manifest(&kitchen, &writer, made, shell, templates, search)?;
        report.published = Some(writer.publish(&manifest)?);
    }
    Ok(report)
}

fn read_config(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Config {
    if !files.iter().any(|file| file == config::FILE) {
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

/// What the rendering threads have made.
#[derive(Default)]
struct Made {
    entries: Vec<Entry>,
    redirects: Vec<Redirect>,
    found: Vec<Diagnostic>,
    /// Path → ids there.
    anchors: FxHashMap<String, FxHashSet<String>>,
    to_anchors: Vec<ToAnchor>,
    documents: Vec<Document>,
    rendered: usize,
}

fn make_all(request: &Request<'_>, kitchen: &Kitchen, plan: &Plan, writer: &Writer) -> io::Result<Made> {
    (request.progress)(Progress::Planned(plan.outputs.len()));
    let done = AtomicUsize::new(0);
    let one = |mut made: Made, output: &Planned| -> io::Result<Made> {
        make(request, kitchen, plan, writer, output, &mut made)?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(64) {
            (request.progress)(Progress::Rendered(done));
        }
        Ok(made)
    };
    plan.outputs.par_iter().try_fold(Made::default, one).try_reduce(Made::default, |mut one, other| {
        one.entries.extend(other.entries);
        one.redirects.extend(other.redirects);
        one.found.extend(other.found);
        one.anchors.extend(other.anchors);
        one.to_anchors.extend(other.to_anchors);
        one.documents.extend(other.documents);
        one.rendered += other.rendered;
        Ok(one)
    })
}

fn make(
    request: &Request<'_>,
    kitchen: &Kitchen,
    plan: &Plan,
    writer: &Writer,
    output: &Planned,
    made: &mut Made,
) -> io::Result<()> {
    let site = &kitchen.site;
    let bytes = match &output.what {
        What::Feed => feed::atom(site),
        What::Sitemap => feed::sitemap(site, plan),
        What::Robots => feed::robots(site),
        What::Alias(to) => {
            let stub = feed::moved(site, to);
            let stub = writer.put(&stub)?;
            let redirect = Redirect {
                from: output.path.as_str().to_owned(),
                to: to.encoded(),
                length: stub.length,
                stub: stub.digest,
            };
            made.redirects.push(redirect);
            return Ok(());
        }
        What::File(file) => {
            let location = request
                .sources
                .location(file)
                .filter(|path| path.metadata().is_ok_and(|found| found.len() > LARGE_FILE));
            if let Some(location) = location {
                let object = writer.put_file(&location)?;
                let (path, media) = (output.path.as_str().to_owned(), media::of(output.path.as_str()));
                made.entries.push(Entry {
                    path,
                    object: object.digest,
                    media,
                    length: object.length,
                    cache: CacheClass::Revalidate,
                    access: Access::Public,
                    title: None,
                });
                return Ok(());
            }
            match request.sources.read(file) {
                Ok(bytes) => bytes,
                Err(cause) => {
                    made.found.push(super::sources::unreadable(file, &cause));
                    return Ok(());
                }
            }
        }
        What::Page(..) | What::Taxonomy(_) | What::Term(..) | What::NotFound => {
            let Rendered { bytes, found, anchors, to_anchors, documents } = kitchen.render(plan, output);
            made.found.extend(found);
            made.to_anchors.extend(to_anchors);
            made.documents.extend(documents);
            if !anchors.is_empty() {
                made.anchors.insert(output.path.as_str().to_owned(), anchors.into_iter().collect());
            }
            made.rendered += 1;
            match bytes {
                Some(bytes) => bytes,
                None => return Ok(()),
            }
        }
    };
    let title = match &output.what {
        What::Page(id, 1) => Some(site.page(*id).title(&site.config)),
        _ => None,
    };
    let object = writer.put(&bytes)?;
    made.entries.push(Entry {
        path: output.path.as_str().to_owned(),
        object: object.digest,
        media: media::of(output.path.as_str()),
        length: object.length,
        cache: CacheClass::Revalidate,
        access: Access::Public,
        title,
    });
    Ok(())
}

fn check_anchors(kitchen: &Kitchen, plan: &Plan, made: &Made, found: &mut Vec<Diagnostic>) {
    let severity = match kitchen.site.config.links.broken {
        Broken::Error => Severity::Error,
        Broken::Warn => Severity::Warning,
        Broken::Ignore => return,
    };
    for link in &made.to_anchors {
        // Only texts are looked into: layouts and files have ids that nobody reports.
        let is_page = matches!(plan.at(&link.path), Some(What::Page(..)));
        let ids = made.anchors.get(&link.path);
        if is_page && link.anchor != "top" && !ids.is_some_and(|ids| ids.contains(&link.anchor)) {
            let message = format!("there is no heading `#{}` on {}", link.anchor, link.path);
            let near = ids.into_iter().flatten().map(String::as_str);
            let diagnostic = Diagnostic {
                place: Some(link.place.clone()),
                severity,
                code: Code::BrokenAnchor,
                message,
                hints: Vec::new(),
            };
            found.push(diagnostic.near(&link.anchor, near));
        }
    }
}

fn make_shell(
    kitchen: &Kitchen,
    writer: &Writer,
    layouts_are_whole: bool,
    found: &mut Vec<Diagnostic>,
) -> io::Result<BTreeMap<String, Shell>> {
    let mut shells = BTreeMap::new();
    let layout = kitchen.layouts.find(Role::Shell, "").filter(|_| layouts_are_whole);
    if let Some(layout) = layout {
        let rendered = kitchen.shell(&layout);
        found.extend(rendered.found);
        if let Some(bytes) = rendered.bytes {
            let (bytes, holes) = shell::cut(&bytes);
            shells.insert("page".to_owned(), Shell { object: writer.put(&bytes)?.digest, holes });
        }
    }
    Ok(shells)
}

/// The templates of the edge, the site's own in place of the built-in ones.
fn put_templates(
    sources: &dyn Sources,
    files: &[String],
    writer: &Writer,
    found: &mut Vec<Diagnostic>,
) -> io::Result<BTreeMap<String, crate::site::digest::Digest>> {
    let mut templates = BTreeMap::new();
    for (path, bytes) in theme::dynamic() {
        if let Some(name) = path.strip_suffix(".hbs") {
            templates.insert(name.to_owned(), writer.put(bytes)?.digest);
        }
    }
    for file in files {
        let Some(name) = file.strip_prefix("dynamic/").and_then(|path| path.strip_suffix(".hbs")) else { continue };
        match read_text(sources, file) {
            Ok(text) => {
                if let Err(error) = handlebars::Template::compile(&text) {
                    found.push(layout::syntax_mistake(file, &text, &error));
                }
                templates.insert(name.to_owned(), writer.put(text.as_bytes())?.digest);
            }
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    Ok(templates)
}

fn manifest(
    kitchen: &Kitchen,
    writer: &Writer,
    made: Made,
    shells: BTreeMap<String, Shell>,
    templates: BTreeMap<String, crate::site::digest::Digest>,
    search: Option<String>,
) -> io::Result<Manifest> {
    let Made { mut entries, mut redirects, .. } = made;
    for asset in kitchen.assets.used() {
        let object = writer.put(&asset.bytes)?.digest;
        entries.push(Entry {
            path: asset.url.clone(),
            object,
            media: media::of(&asset.url),
            length: asset.bytes.len() as u64,
            cache: asset.cache,
            access: Access::Public,
            title: None,
        });
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries.dedup_by(|one, other| one.path == other.path);
    redirects.sort();
    let config = &kitchen.site.config;
    let site = SiteFacts {
        title: config.title.clone(),
        base_url: config.base_url.clone(),
        language: config.language.clone(),
        edge: config.edge.clone(),
    };
    Ok(Manifest { format: FORMAT, site, entries, redirects, shells, templates, search })
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
