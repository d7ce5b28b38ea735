//! Publishing: from outputs that stand to a release that names them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::changes::Changes;
use super::index::{self, Index};
use super::kept::{Kept, Output, Record, Whole};
use super::make::Made;
use super::{BuildError, Report, Request, Why, has_errors, in_order, page_count};
use crate::build::data_pages::is_data_page;
use crate::build::layout::{self, Role};
use crate::build::media;
use crate::build::model::{PageId, Term};
use crate::build::output::feed;
use crate::build::output::plan::Subject;
use crate::build::output::render::Renderer;
use crate::build::output::version::{full_at, is_checked_out, path_of_full, text_at};
use crate::build::shell;
use crate::build::sources::read_text;
use crate::build::texts::Texts;
use crate::build::trace::Asked;
use crate::build::world::World;
use crate::site::config::Broken;
use crate::site::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::site::fragment::{Declaration, FOLDER, template_text};
use crate::site::release::{
    Access, CacheClass, Entry, FORMAT, Fragment, Full, Known, Manifest, NEWEST, Object, Redirect, Shell,
    Site as SiteFacts, TermPages, Writer, is_letter,
};
use crate::site::theme;

/// Where the shell's record stands among outputs: the edge answers that path, so no output
/// has it.
pub(super) const SHELL: &str = "/_/shell";

/// Checks what can be seen of all outputs only, and publishes them if nothing is wrong.
pub(super) fn publish(
    request: &Request<'_>,
    writer: &Writer,
    world: &Arc<World>,
    kept: &mut Kept,
    changes: &Changes,
    mut made: Made,
    why: Why,
) -> Result<Report, BuildError> {
    let mut found = kept.found.clone();
    found.append(&mut made.found);
    found.extend(kept.outputs.values().flat_map(|output| output.found.iter().cloned()));
    if made.has_other_anchors || !changes.are_only_texts() {
        kept.broken_anchors = check_anchors(world, kept);
    }
    found.extend(kept.broken_anchors.iter().cloned());
    make_shell(writer, world, request, kept, &mut found)?;
    put_templates(request, writer, kept, changes, &mut found)?;
    let assets = put_assets(writer, world, kept, &mut found)?;
    let mut report = Report {
        published: None,
        diagnostics: in_order(found),
        pages: page_count(world),
        rendered: made.rendered,
        why,
    };
    let release = kept.whole.release.take();
    if has_errors(&report.diagnostics) {
        return Ok(report);
    }
    let new: Vec<Entry> = made.names.iter().filter_map(|name| entry_of(world, kept, path_of(name)?)).collect();
    (request.ready)(&new);
    let indexes = made.finds.take().map_or(Ok(Vec::new()), |finds| finds.finish(world, kept))?;
    let manifest = manifest(world, kept, entries(world, kept, &assets), &indexes);
    let assets_made = assets.iter().map(|(entry, _)| entry.path.as_str());
    let doubtful: HashSet<&str> = made.names.iter().map(String::as_str).chain(assets_made).collect();
    let known = release.map(|release| Known { release, files: &kept.whole.public, doubtful: &doubtful });
    let published = writer.publish(&manifest, known)?;
    kept.whole = Whole {
        release: Some(published.id),
        hidden: hidden(kept),
        public: public(kept, &assets),
        full: kept.outputs.iter().filter(|(name, _)| !is_checked_out(name)).map(|(_, output)| output.object).collect(),
        indexes,
        language: world.site.config.language.clone(),
        diagnostics: report.diagnostics.clone(),
        pages: report.pages,
    };
    report.published = Some(published);
    Ok(report)
}

fn check_anchors(world: &World, kept: &Kept) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let severity = match world.site.config.links.broken {
        Broken::Error => Severity::Error,
        Broken::Warn => Severity::Warning,
        Broken::Ignore => return found,
    };
    let open = |(path, output): (&String, &Output)| Some((path.clone(), output.record.open()?));
    let records: FxHashMap<String, Record> = kept.outputs.par_iter().filter_map(open).collect();
    for link in records.values().flat_map(|record| &record.to_anchors) {
        // Only texts are looked into: layouts and files have ids that nobody reports. A page
        // that could not be made has told its own mistakes.
        let is_page = matches!(world.plan.at(&link.path), Some(Subject::Page(..)));
        let record = records.get(&full_at(&link.path)).or_else(|| records.get(&link.path));
        let Some(ids) = record.map(|record| &record.anchors).filter(|_| is_page) else {
            continue;
        };
        if link.anchor != "top" && !ids.contains(&link.anchor) {
            let message = format!("there is no heading `#{}` on {}", link.anchor, link.path);
            let diagnostic = Diagnostic {
                place: Some(link.place.clone()),
                severity,
                code: Code::BrokenAnchor,
                message,
                hints: Vec::new(),
            };
            found.push(diagnostic.near(&link.anchor, ids.iter().map(String::as_str)));
        }
    }
    found
}

/// The layout in which the edge's pages are put. It is one, so it is rendered by each build
/// that has anything to do.
fn make_shell(
    writer: &Writer,
    world: &Arc<World>,
    request: &Request<'_>,
    kept: &mut Kept,
    found: &mut Vec<Diagnostic>,
) -> Result<(), BuildError> {
    let Some(layout) = world.layouts.find(Role::Shell, "") else {
        kept.outputs.remove(SHELL);
        return Ok(());
    };
    let texts = Texts::new(request.sources);
    let rendered = Renderer { world, reads: &kept.reads, texts: &texts }.shell(&layout);
    found.extend(rendered.found);
    let Some(bytes) = rendered.bytes else { return Ok(()) };
    // The marks of holes go, and what stands behind them moves.
    let moved = |at: usize| shell::cut(bytes.get(..at).unwrap_or_default()).0.len();
    let mut fragments = rendered.fragments;
    for Fragment { element, fallback, .. } in &mut fragments {
        for at in [&mut element.0, &mut element.1, &mut fallback.0, &mut fallback.1] {
            *at = moved(*at);
        }
    }
    let (bytes, holes) = shell::cut(&bytes);
    let Asked { shared, fields, own } = rendered.asked;
    let record = Record { subject: "shell".to_owned(), layout: Some(layout), own, holes, ..Record::default() };
    let output = Output { shared, fields, fragments, ..Output::of(writer.put(&bytes)?, &record) };
    kept.outputs.insert(SHELL.to_owned(), output);
    Ok(())
}

/// The templates of the edge, the site's own in place of the built-in ones.
fn put_templates(
    request: &Request<'_>,
    writer: &Writer,
    kept: &mut Kept,
    changes: &Changes,
    found: &mut Vec<Diagnostic>,
) -> Result<(), BuildError> {
    let stand = kept.templates.values().all(|object| writer.is_whole(object));
    if !kept.templates.is_empty() && !changes.touch("dynamic") && stand {
        return Ok(());
    }
    let mut templates = BTreeMap::new();
    let mut are_whole = true;
    for (path, bytes) in theme::dynamic() {
        if let Some(name) = path.strip_suffix(".hbs") {
            templates.insert(name.to_owned(), writer.put(bytes)?);
        }
    }
    for file in kept.files.keys() {
        let Some(name) = file.strip_prefix("dynamic/").and_then(|path| path.strip_suffix(".hbs")) else { continue };
        match read_text(request.sources, file) {
            Ok(text) => {
                // The mistakes of a data page were told when its route was read.
                if !is_data_page(file)
                    && let Err(mistake) = parse_template(file, name, &text)
                {
                    are_whole = false;
                    found.extend(mistake.map(|mistake| *mistake));
                }
                templates.insert(name.to_owned(), writer.put(text.as_bytes())?);
            }
            Err(diagnostic) => {
                are_whole = false;
                found.push(diagnostic);
            }
        }
    }
    // With mistakes in them they are read again by the next build, which must tell them again.
    kept.templates = if are_whole { templates } else { BTreeMap::new() };
    Ok(())
}

/// Whether a template of the edge can be read. Of a fragment what is wrong in its head is
/// told already.
fn parse_template(file: &str, name: &str, text: &str) -> Result<(), Option<Box<Diagnostic>>> {
    let parsed = if name.starts_with(FOLDER) {
        let (_, body) = Declaration::read(file, text).map_err(|_| None)?;
        layout::parse(file, &template_text(text, body))
    } else {
        layout::parse(file, text)
    };
    parsed.map(drop).map_err(|mistake| Some(Box::new(mistake)))
}

/// The assets that belong to the site: its own, and those of the theme that an output asked
/// for.
fn put_assets(
    writer: &Writer,
    world: &World,
    kept: &Kept,
    found: &mut Vec<Diagnostic>,
) -> Result<Vec<(Entry, Object)>, BuildError> {
    let all = kept.reads.assets();
    let mut unasked: Vec<&(u32, String)> = all.iter().collect();
    // In no order: it is asked for, or not. Most assets are found in the first output.
    let _ = kept.outputs.values().try_for_each(|output| {
        unasked.retain(|(id, _)| output.shared.binary_search(id).is_err());
        (!unasked.is_empty()).then_some(())
    });
    let unasked: FxHashSet<u32> = unasked.into_iter().map(|(id, _)| *id).collect();
    let asked = all.iter().filter(|(id, _)| !unasked.contains(id)).map(|(_, name)| name.as_str()).collect();
    let mut entries = Vec::new();
    for (name, asset) in world.assets.used(&asked) {
        let above = asset.url.match_indices('/').map(|(at, _)| &asset.url[..at]);
        let taken = above.chain([asset.url.as_str()]).find(|path| world.plan.at(path).is_some());
        if let Some(path) = taken {
            let message = format!("it would live at `{}`, and something of the site at `{path}`", asset.url);
            let place = Place::file(format!("layouts/assets/{name}"));
            found.push(Diagnostic::error(Code::DuplicateUrl, place, message).hint("rename one of them"));
            continue;
        }
        let object = writer.put(&asset.bytes)?;
        entries.push((entry(&asset.url, &object, asset.cache), object));
    }
    Ok(entries)
}

fn entry(path: &str, object: &Object, cache: CacheClass) -> Entry {
    Entry {
        path: path.to_owned(),
        object: object.digest,
        media: media::of(path),
        length: object.length,
        cache,
        access: Access::Public,
        title: None,
        fragments: Vec::new(),
        full: None,
    }
}

/// The path that the output `name` answers.
fn path_of(name: &str) -> Option<&str> {
    path_of_full(name).or(Some(name).filter(|name| is_checked_out(name)))
}

/// What answers `path`; none for what an alias or a shell is.
fn entry_of(world: &World, kept: &Kept, path: &str) -> Option<Entry> {
    let is_alias = matches!(world.plan.at(path), Some(Subject::Alias(_)));
    let everybodys = kept.outputs.get(path).filter(|_| path != SHELL && !is_alias);
    let full = kept.outputs.get(&full_at(path)).and_then(|output| full_of(world, path, output));
    let record = match (everybodys, &full) {
        (Some(record), _) => record,
        // A file beside a page: nobody is shown anything in its place.
        (None, Some(full)) => {
            let object = kept.outputs.get(&full_at(path))?.object;
            let full = Some(Box::new(full.clone()));
            return Some(Entry { access: Access::Internal, full, ..entry(path, &object, CacheClass::Revalidate) });
        }
        (None, None) => return None,
    };
    let (title, fragments) = (record.title.clone(), record.fragments.clone());
    if is_letter(path) {
        let media = "text/html; charset=utf-8".to_owned();
        // What moves in it stands still in a letter.
        return Some(Entry { access: Access::Internal, media, ..entry(path, &record.object, CacheClass::Revalidate) });
    }
    Some(Entry { title, fragments, full: full.map(Box::new), ..entry(path, &record.object, CacheClass::Revalidate) })
}

/// What those get at `path` for whom it is.
fn full_of(world: &World, path: &str, output: &Output) -> Option<Full> {
    let site = &world.site;
    let (id, page) = match world.plan.about(&full_at(path))? {
        Subject::Page(id, _) => (*id, None),
        Subject::File(file) => {
            let id = *site.restricted_files.get(file)?;
            (id, Some(site.page(id).permalink.as_str().to_owned()))
        }
        _ => return None,
    };
    let (Object { digest, length, .. }, fragments) = (output.object, output.fragments.clone());
    Some(Full { audience: site.page(id).access.clone(), object: digest, length, fragments, page })
}

fn entries(world: &World, kept: &Kept, assets: &[(Entry, Object)]) -> Vec<Entry> {
    // A whole page comes with its open one.
    let path_of_first = |name| path_of(name).filter(|path| *path == name || !kept.outputs.contains_key(path));
    let paths = kept.outputs.keys().filter_map(|name| path_of_first(name.as_str()));
    let outputs = paths.filter_map(|path| entry_of(world, kept, path));
    let mut all: Vec<Entry> = outputs.chain(assets.iter().map(|(entry, _)| entry.clone())).collect();
    all.par_sort_unstable_by(|one, other| one.path.cmp(&other.path));
    all
}

/// The files of `public/`, and their objects.
fn public(kept: &Kept, assets: &[(Entry, Object)]) -> Vec<(String, Object)> {
    let outputs = kept.outputs.iter().filter(|(name, _)| *name != SHELL && is_checked_out(name) && !is_letter(name));
    let outputs = outputs.map(|(path, output)| (path.clone(), output.object));
    let mut files: Vec<_> = outputs.chain(assets.iter().map(|(entry, object)| (entry.path.clone(), *object))).collect();
    files.par_sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    files
}

/// What a reader who follows a term is told of.
fn terms(world: &World) -> BTreeMap<String, TermPages> {
    let all = world.site.taxonomies.iter().flat_map(|taxonomy| &taxonomy.terms);
    let newest = |id: &PageId| {
        let page = world.site.page(*id);
        Some((page.permalink.as_str().to_owned(), page.front.date.as_ref()?.day))
    };
    let pages = |term: &Term| TermPages {
        title: term.name.clone(),
        newest: term.pages.iter().filter_map(newest).take(NEWEST).collect(),
    };
    all.map(|term| (term.permalink.as_str().to_owned(), pages(term))).collect()
}

/// The objects that are in no folder for everybody, and must stand all the same.
fn hidden(kept: &Kept) -> Vec<Object> {
    let outputs = kept.outputs.iter().filter(|(path, _)| *path == SHELL || is_letter(path));
    kept.templates.values().copied().chain(outputs.map(|(_, output)| output.object)).collect()
}

fn manifest(world: &World, kept: &Kept, entries: Vec<Entry>, indexes: &[Index]) -> Manifest {
    let redirects = world.plan.outputs.iter().filter_map(|output| {
        let Subject::Alias(to) = &output.subject else { return None };
        let stub = kept.outputs.get(output.path.as_str())?.object;
        let from = output.path.as_str().to_owned();
        Some(Redirect { from, to: to.encoded(), stub: stub.digest, length: stub.length })
    });
    let mut redirects: Vec<Redirect> = redirects.collect();
    redirects.sort();
    let mut shells = BTreeMap::new();
    if let Some(shell) = kept.outputs.get(SHELL) {
        let holes = shell.record.open().map(|record| record.holes).unwrap_or_default();
        shells.insert(
            "page".to_owned(),
            Shell { object: shell.object.digest, holes, fragments: shell.fragments.clone() },
        );
    }
    let config = &world.site.config;
    let site = SiteFacts {
        title: config.title.clone(),
        base_url: config.base_url.clone(),
        language: config.language.clone(),
        edge: config.edge.clone(),
    };
    let templates = kept.templates.iter().map(|(name, object)| (name.clone(), object.digest)).collect();
    let forms = world.forms.all().clone();
    let (search, search_parts) = index::for_the_edge(indexes);
    let text = |id| kept.outputs.get(&text_at(world.site.page(id).permalink.as_str()));
    let newest = feed::newest(&world.site).into_iter();
    let feed = newest.filter_map(|id| Some(feed::item(&world.site, id, text(id)?.object.digest))).collect();
    Manifest {
        format: FORMAT,
        site,
        entries,
        redirects,
        shells,
        templates,
        forms,
        terms: terms(world),
        search,
        search_parts,
        feed,
    }
}
