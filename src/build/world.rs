//! The world of a build: everything that an output may read, and the one way to read it.
//!
//! [`World::values`] answers a [`Read`]; [`World::answer`] is the digest of that answer. An
//! output gets at both through its [`Reader`] only, which notes every question: what goes
//! round it cannot be noted, and an output that depends on it would be stale.
//!
//! Nothing here changes while outputs are made.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::asset::Assets;
use super::data::DataFiles;
use super::form::Forms;
use super::fragment::{self, Call, Fragments};
use super::layout::Layouts;
use super::model::{Fields, PageId, PageQuery, Site};
use super::output::link::{self, Target};
use super::output::plan::{self, Plan};
use super::trace::{Answer, Asked, List, Pages, Read, ReadId, Reads, Setting, Side, Trace};
use crate::site::digest::Digest;

/// Everything that outputs are made from.
#[derive(Debug)]
pub struct World {
    /// The site's pages.
    pub site: Site,
    /// Its outputs.
    pub plan: Plan,
    /// Its templates.
    pub layouts: Arc<Layouts>,
    /// Its stylesheets and scripts.
    pub assets: Arc<Assets>,
    /// Its data files.
    pub data: Arc<DataFiles>,
    /// The fragments that it may place.
    pub fragments: Arc<Fragments>,
    /// Its forms.
    pub forms: Arc<Forms>,
    /// Path from the root → digest of the file's bytes, for those that were read.
    pub files: FxHashMap<String, Digest>,
    /// The value of `site` in layouts.
    pub described: Value,
    /// Blocks of layouts that are the same on every page.
    pub blocks: Blocks,
}

/// A block of a layout that is the same wherever it is shown by a template that sees these
/// fields of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Its number among the blocks of all templates.
    pub number: u64,
    /// What its template sees.
    pub fields: Fields,
}

/// Such blocks, as they were rendered first. True for as long as nothing that they show is
/// another one.
#[derive(Debug, Default)]
pub struct Blocks(RwLock<FxHashMap<Block, Arc<Rendered>>>);

/// What came of a block.
#[derive(Debug)]
struct Rendered {
    html: Arc<str>,
    reads: Vec<ReadId>,
}

impl Blocks {
    /// Forgets all.
    pub fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(&self, block: Block) -> Option<Arc<Rendered>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&block).cloned()
    }

    fn keep(&self, block: Block, rendered: Rendered) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(block, Arc::new(rendered));
    }
}

impl World {
    /// The values that answer `read`, as layouts see them; none when there is nothing of
    /// that name.
    pub fn values(&self, read: &Read) -> Option<Vec<Value>> {
        let site = &self.site;
        let shown = |ids: &[PageId], fields: Fields| -> Vec<Value> {
            ids.iter().map(|id| site.page(*id).describe(&site.config, fields)).collect()
        };
        Some(match read {
            Read::Page { source, fields } => shown(&[site.by_source(source)?], *fields),
            Read::Whole { source, fields } => {
                vec![site.page(site.any_by_source(source)?).describe_whole(&site.config, *fields)]
            }
            Read::Pages(pages) => shown(&self.pages(pages)?, pages.fields),
            Read::Items { list, number, fields } => shown(&self.items(list, *number)?, *fields),
            Read::Length(list) => vec![self.length(list)?],
            Read::Sections { of, window, fields } => {
                let below = site.sections.get(&site.section_at(of)?).map_or(&[][..], |section| &section.sections);
                window.of(below).iter().map(|id| self.section(*id, *fields)).collect()
            }
            Read::Section { path, fields } => vec![self.section(site.section_at(path)?, *fields)],
            Read::Ancestors { source, fields } => shown(&site.ancestors(site.any_by_source(source)?), *fields),
            Read::Neighbour { source, side, fields } => {
                let (previous, next) = site.neighbours(site.any_by_source(source)?);
                let id = match side {
                    Side::Previous => previous,
                    Side::Next => next,
                };
                shown(id.as_slice(), *fields)
            }
            Read::Terms { taxonomy, by_count, window } => {
                let taxonomy = site.taxonomies.iter().find(|known| known.name == *taxonomy)?;
                let mut terms: Vec<_> = taxonomy.terms.iter().collect();
                if *by_count {
                    terms.sort_by_key(|term| std::cmp::Reverse(term.pages.len()));
                }
                let shown = window.of(&terms).iter().map(|term| {
                    json!({ "name": term.name, "slug": term.slug, "url": term.permalink.encoded(), "count": term.pages.len() })
                });
                shown.collect()
            }
            Read::Data(name) => vec![self.data.get(name)?.clone()],
            Read::Asset(name) => vec![self.assets.url(name)?.into()],
            Read::Setting(setting) => vec![self.setting(*setting)],
            Read::File(_)
            | Read::Template(_)
            | Read::IsTemplate(_)
            | Read::Link { .. }
            | Read::Fragment(_)
            | Read::Form(_) => return None,
        })
    }

    /// The digest of the answer to `read`.
    pub fn answer(&self, read: &Read) -> Answer {
        match read {
            Read::File(path) => self.files.get(path).map_or(Answer::NOTHING, |digest| Answer::of(digest.bytes())),
            Read::Template(name) => self.layouts.text(name).map_or(Answer::NOTHING, |text| Answer::of(text.as_bytes())),
            Read::Form(name) => self.forms.answer(name).map_or(Answer::NOTHING, |bytes| Answer::of(&bytes)),
            Read::IsTemplate(name) => Answer::of(&[u8::from(self.layouts.has(name))]),
            Read::Fragment(name) => self.fragments.answer(name),
            Read::Link { from, to } => {
                let from = from.as_deref().map_or(Some(self.site.home), |source| self.site.any_by_source(source));
                from.map_or(Answer::NOTHING, |from| Answer::of(format!("{:?}", self.target(from, to)).as_bytes()))
            }
            other => answer_of(self.values(other).as_deref()),
        }
    }

    fn target(&self, from: PageId, to: &str) -> Target {
        link::resolve(&self.site, &self.plan, self.site.page(from), to)
    }

    fn pages(&self, asked: &Pages) -> Option<Vec<PageId>> {
        let section = match &asked.section {
            None => None,
            Some(path) => Some(self.site.section_at(path)?),
        };
        let Pages { recursive, term, sort, order, .. } = asked;
        let query = PageQuery { section, recursive: *recursive, term: term.clone(), sort: *sort, order: *order };
        Some(asked.window.of(&self.site.ask(&query)).to_vec())
    }

    /// All pages of a list, and how many stand on one list page.
    fn listed(&self, list: &List) -> Option<(Arc<[PageId]>, usize, &str)> {
        match list {
            List::Section(source) => {
                let id = self.site.by_source(source)?;
                Some((plan::listed(&self.site, id), plan::page_size(&self.site, id), ""))
            }
            List::Term(taxonomy, slug) => {
                let taxonomy = self.site.taxonomies.iter().find(|known| known.name == *taxonomy)?;
                let term = taxonomy.terms.iter().find(|term| term.slug == *slug)?;
                Some((term.pages.as_slice().into(), self.site.config.paginate, &term.name))
            }
        }
    }

    /// The pages that list page `number` (from 1) shows.
    fn items(&self, list: &List, number: usize) -> Option<Vec<PageId>> {
        let (ids, size, _) = self.listed(list)?;
        Some(ids.chunks(size).nth(number.saturating_sub(1)).unwrap_or_default().to_vec())
    }

    fn length(&self, list: &List) -> Option<Value> {
        let (ids, size, name) = self.listed(list)?;
        Some(json!({ "count": ids.len(), "total": ids.len().div_ceil(size), "name": name }))
    }

    fn section(&self, id: PageId, fields: Fields) -> Value {
        let mut value = self.site.page(id).describe(&self.site.config, fields);
        if let Some(keys) = value.as_object_mut() {
            let count = self.site.sections.get(&id).map_or(0, |section| section.pages.len());
            keys.insert("count".to_owned(), count.into());
        }
        value
    }

    fn setting(&self, setting: Setting) -> Value {
        let config = &self.site.config;
        match setting {
            Setting::Site => self.described.clone(),
            Setting::BaseUrl => config.base_url.as_str().into(),
            Setting::Markdown => format!("{:?}", config.markdown).into(),
            Setting::Links => format!("{:?}", config.links).into(),
            Setting::Taxonomies => config.taxonomies.as_slice().into(),
            Setting::Search => config.search.into(),
        }
    }
}

/// The digest of what [`World::values`] gives.
fn answer_of(values: Option<&[Value]>) -> Answer {
    values.map_or(Answer::NOTHING, |values| Answer::of(&serde_json::to_vec(values).unwrap_or_default()))
}

/// The way of one output to the world: every question is noted in its trace.
#[derive(Clone, Debug)]
pub struct Reader {
    world: Arc<World>,
    reads: Arc<Reads>,
    trace: Rc<Trace>,
    /// The fragments that were placed in the output.
    placed: Rc<RefCell<Vec<Call>>>,
}

impl Reader {
    /// The reader of an output that is about this list, or the page of that source.
    pub fn new(world: Arc<World>, reads: Arc<Reads>, about: Option<List>) -> Self {
        Self { world, reads, trace: Rc::new(Trace::about(about)), placed: Rc::default() }
    }

    /// What was read.
    pub fn asked(&self) -> Asked {
        self.trace.take(&self.reads)
    }

    /// Notes that `read` was asked.
    pub fn note(&self, read: &Read) {
        self.trace.note(read, &self.reads, || self.world.answer(read));
    }

    /// The HTML of a block that stands, rendered by `render` if nobody has shown it before.
    pub fn once<E>(&self, block: Block, render: impl FnOnce() -> Result<String, E>) -> Result<Arc<str>, E> {
        if let Some(known) = self.world.blocks.get(block) {
            self.trace.add(&known.reads);
            return Ok(known.html.clone());
        }
        let (html, reads) = self.trace.apart(render);
        let html: Arc<str> = html?.into();
        // What asks for the page that it is shown on is another one elsewhere.
        if let Some(reads) = reads {
            self.world.blocks.keep(block, Rendered { html: html.clone(), reads });
        }
        Ok(html)
    }

    /// The values that answer `read`.
    pub fn ask(&self, read: &Read) -> Option<Vec<Value>> {
        let values = self.world.values(read);
        self.trace.note(read, &self.reads, || answer_of(values.as_deref()));
        values
    }

    /// The value of `site` in layouts.
    pub fn described(&self) -> &Value {
        self.note(&Read::Setting(Setting::Site));
        &self.world.described
    }

    /// Where the site stands, without the slash at its end.
    pub fn base_url(&self) -> &str {
        self.note(&Read::Setting(Setting::BaseUrl));
        self.world.site.config.base_url.trim_end_matches('/')
    }

    /// How Markdown is read and written.
    pub fn markdown(&self) -> &crate::site::config::Markdown {
        self.note(&Read::Setting(Setting::Markdown));
        &self.world.site.config.markdown
    }

    /// The URL of an asset.
    pub fn asset(&self, name: &str) -> Option<String> {
        self.note(&Read::Asset(name.to_owned()));
        self.world.assets.url(name)
    }

    /// The form of this name as HTML.
    pub fn form(&self, name: &str) -> Option<Result<String, handlebars::RenderError>> {
        self.note(&Read::Form(name.to_owned()));
        self.world.forms.html(name)
    }

    /// Whether there is a template of this name.
    pub fn has_template(&self, name: &str) -> bool {
        self.note(&Read::IsTemplate(name.to_owned()));
        self.world.layouts.has(name)
    }

    /// The fragment of this name.
    pub fn fragment(&self, name: &str) -> Option<&fragment::Known> {
        self.note(&Read::Fragment(name.to_owned()));
        self.world.fragments.get(name)
    }

    /// Places a fragment in the output; gives its number there.
    pub fn place(&self, call: Call) -> usize {
        let mut placed = self.placed.borrow_mut();
        placed.push(call);
        placed.len() - 1
    }

    /// The fragments that were placed, by number.
    pub fn placed(&self) -> Vec<Call> {
        self.placed.borrow().clone()
    }

    /// Where `to` leads, written in the page `from`.
    pub fn target(&self, from: PageId, to: &str) -> Target {
        // The same wherever it is written: known once for the whole site.
        let is_absolute = to.starts_with('/') || to.starts_with("@/");
        if !link::leads_outside(to) {
            let from = (!is_absolute).then(|| self.world.site.page(from).source.clone());
            self.note(&Read::Link { from, to: to.to_owned() });
        }
        self.world.target(from, to)
    }

    /// The world itself, for what is no part of an output: names that a mistake may have
    /// meant.
    pub fn unnoted(&self) -> &World {
        &self.world
    }
}
