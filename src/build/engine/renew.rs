//! Renewing the world: everything that outputs are made from, as much of it as has changed.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::changes::Changes;
use super::kept::Kept;
use super::{Request, Round, select};
use crate::build::asset::Assets;
use crate::build::data::DataFiles;
use crate::build::data_pages::Routes;
use crate::build::form::Forms;
use crate::build::fragment::Fragments;
use crate::build::layout;
use crate::build::model::{self, Head};
use crate::build::output::plan::{self, Subject};
use crate::build::output::site_value;
use crate::build::texts::Texts;
use crate::build::trace::Answer;
use crate::build::world::{Blocks, World};
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic};

/// The world of a build, and what was seen while it was made.
pub(super) struct Renewed {
    pub(super) world: Arc<World>,
    /// Whether it is the one before, with other words in some of its pages.
    pub(super) is_patched: bool,
    pub(super) are_layouts_whole: bool,
    /// Paths whose objects are not as they were written. They are not looked at for a world
    /// that is patched: this process has made them.
    pub(super) damaged: FxHashSet<String>,
}

/// The world of this build: the one `before` if only texts are new, another one otherwise.
pub(super) fn renewed(
    round: &Round<'_>,
    before: Option<Arc<World>>,
    config: Config,
    kept: &mut Kept,
    changes: &mut Changes,
    mut found: Vec<Diagnostic>,
) -> Renewed {
    let before = match before {
        Some(world) if changes.are_only_texts() && found.is_empty() && Arc::strong_count(&world) == 1 => {
            let world = patched(world, kept, changes);
            return Renewed { world, is_patched: true, are_layouts_whole: true, damaged: FxHashSet::default() };
        }
        before => before,
    };
    let Round { request, writer, texts } = *round;
    let ((world, are_layouts_whole, names), damaged) = rayon::join(
        || {
            let files: Vec<String> = kept.files.keys().cloned().collect();
            let parts = parts(request, &files, config, before.as_deref(), changes, &mut found);
            let are_layouts_whole = parts.are_whole;
            let world = new_world(request, texts, parts, kept, &files, &mut found);
            let names = names_of(&world);
            (world, are_layouts_whole, names)
        },
        || select::damaged(writer, kept),
    );
    changes.has_other_names = names != kept.names;
    kept.names = names;
    kept.found = found;
    Renewed { world, is_patched: false, are_layouts_whole, damaged }
}

/// The parts of a build that templates and configuration make.
struct Parts {
    config: Config,
    layouts: Arc<layout::Layouts>,
    data: Arc<DataFiles>,
    fragments: Arc<Fragments>,
    forms: Arc<Forms>,
    assets: Arc<Assets>,
    routes: Routes,
    /// Whether every layout could be read.
    are_whole: bool,
}

/// Templates, data and assets; those of the build before where none of their files is
/// another one. They are loaded again when they had mistakes, to tell them again.
fn parts(
    request: &Request<'_>,
    files: &[String],
    config: Config,
    before: Option<&World>,
    changes: &Changes,
    found: &mut Vec<Diagnostic>,
) -> Parts {
    let sources = request.sources;
    let had = found.len();
    let layouts = match before {
        Some(world) if !changes.touch("layouts") => world.layouts.clone(),
        _ => Arc::new(layout::compile(sources, files, found)),
    };
    let are_whole =
        !found[had..].iter().any(|diagnostic| matches!(diagnostic.code, Code::LayoutSyntax | Code::PartialCycle));
    let data = match before {
        Some(world) if !changes.touch("data") && world.data.is_whole() => world.data.clone(),
        _ => Arc::new(DataFiles::load(sources, files, found)),
    };
    // With mistakes in them nothing is kept, so they are told again.
    let fragments = match before {
        Some(world) if !changes.touch("dynamic") => world.fragments.clone(),
        _ => Arc::new(Fragments::load(sources, files, found)),
    };
    let forms = match before {
        Some(world) if !changes.touch("dynamic") && !changes.touch_config() && world.forms.are_whole() => {
            world.forms.clone()
        }
        _ => Arc::new(Forms::load(sources, files, &config.edge, found)),
    };
    let assets = match before {
        Some(world) if !changes.touch("layouts") => world.assets.clone(),
        _ => Arc::new(Assets::load(sources, files, request.naming, found)),
    };
    let routes = Routes::load(sources, files, found);
    Parts { config, layouts, data, fragments, forms, assets, routes, are_whole }
}

fn new_world(
    request: &Request<'_>,
    texts: &Texts<'_>,
    parts: Parts,
    kept: &Kept,
    files: &[String],
    found: &mut Vec<Diagnostic>,
) -> Arc<World> {
    let mut heads: Vec<(&str, Arc<Head>)> =
        kept.heads.iter().map(|(source, head)| (source.as_str(), head.clone())).collect();
    heads.par_sort_unstable_by_key(|(source, _)| *source);
    let Parts { config, layouts, data, fragments, forms, assets, routes, .. } = parts;
    let settings = (request.drafts, request.sources.today());
    let site = model::load(&heads, config, files, settings, texts, found);
    let mut plan = plan::plan(&site, &layouts, files, texts, found);
    routes.check(&plan, &site.config, found);
    plan.routes = routes;
    let described = site_value::describe(&site);
    let digests = kept.files.iter().filter_map(|(path, seen)| Some((path.clone(), seen.digest?)));
    Arc::new(World {
        site,
        plan,
        layouts,
        assets,
        data,
        fragments,
        forms,
        files: digests.collect(),
        described,
        blocks: Blocks::default(),
    })
}

/// The same world with other words in some of its pages.
fn patched(mut world: Arc<World>, kept: &Kept, changes: &Changes) -> Arc<World> {
    if let Some(inner) = Arc::get_mut(&mut world) {
        inner.blocks.clear();
        let digests = changes.files.iter().filter_map(|file| Some((file.clone(), kept.files.get(file)?.digest?)));
        inner.files.extend(digests);
        for source in &changes.heads {
            if let (Some(id), Some(head)) = (inner.site.any_by_source(source), kept.heads.get(source)) {
                inner.site.set_words(id, head);
            }
        }
    }
    world
}

/// The digest of everything that a link may lead to.
fn names_of(world: &World) -> Answer {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    for output in &world.plan.outputs {
        add(output.path.as_str());
        add(match &output.subject {
            Subject::Alias(to) => to.as_str(),
            _ => "",
        });
    }
    for page in &world.site.pages {
        add(&page.source);
        add(page.permalink.as_str());
    }
    world.site.hidden.iter().for_each(|source| add(source));
    world.plan.routes.names().for_each(|route| add(&route));
    let mut files: Vec<_> = world.site.files.iter().collect();
    files.sort_unstable();
    for (file, path) in files {
        add(file);
        add(path);
    }
    Answer::of(hasher.finalize().as_bytes())
}
