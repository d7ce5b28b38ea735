//! Layouts: from a page and its HTML to a document, by Handlebars.
//!
//! [`Layouts`] holds every template, compiled once. A layout sees two small values, `site`
//! and `page`, and reaches everything else by asking: the helpers of [`queries`] push one
//! item at a time, because Handlebars clones its whole data on every render and every
//! partial. What a render needs beyond its data is in its [`scope::Scope`].
//!
//! Writes nothing and reads no file after it is loaded.

mod compile;
mod fragment;
mod graph;
mod mistake;
mod queries;
pub mod scope;
mod standing;
mod syntax;
mod values;

use handlebars::{Context, Handlebars};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::build::model::Fields;
use crate::site::diagnostic::Diagnostic;
use crate::site::recursion;

pub use compile::compile;
pub use mistake::NAMES as HELPERS;
pub use scope::Scope;
pub use syntax::parse;

/// Every template of a site, compiled.
#[derive(Debug)]
pub struct Layouts {
    registry: Handlebars<'static>,
    /// Template name → its file and text, to show the line of a mistake.
    sources: FxHashMap<String, Source>,
    /// Templates that ask for `items`, themselves or by a partial: a list that nobody shows
    /// needs no second page.
    showing_items: FxHashSet<String>,
    /// Template name → the fields of pages that it can see.
    fields: FxHashMap<String, Fields>,
    /// Template name → names that it includes and no template has.
    absent: FxHashMap<String, Vec<String>>,
}

/// Where a template came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the site's root; of the built-in theme when the site has none of the name.
    pub file: String,
    /// The whole of it.
    pub text: String,
    /// Whether it came with the program.
    pub is_builtin: bool,
}

/// What a page is laid out by, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `page.hbs`.
    Page,
    /// `section.hbs`.
    Section,
    /// `home.hbs`, then `section.hbs`.
    Home,
    /// `taxonomy.hbs`: a list of terms.
    Taxonomy,
    /// `term.hbs`: the pages of one term.
    Term,
    /// `404.hbs`.
    NotFound,
    /// `shell.hbs`, in which the edge's pages are put.
    Shell,
}

impl Role {
    /// The names of the layouts that serve it, the most fitting first.
    pub fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["page"],
            Self::Section => &["section"],
            Self::Home => &["home", "section"],
            Self::Taxonomy => &["taxonomy"],
            Self::Term => &["term", "section"],
            Self::NotFound => &["404"],
            Self::Shell => &["shell"],
        }
    }
}

impl Layouts {
    /// The name of the layout for a page in `folder` (its place below `content/`, without
    /// order numbers): the nearest folder's of that role, then the general one. The site's
    /// own come before the built-in ones: a site with a `page.hbs` does not expect the
    /// theme's `docs/page.hbs` for a section that happens to be called so.
    pub fn find(&self, role: Role, folder: &str) -> Option<String> {
        let folder = folder.trim_matches('/');
        let folders = || std::iter::successors(Some(folder), |at| at.rsplit_once('/').map(|(above, _)| above));
        let candidates = |name: &'static str| {
            let nearest = folders().filter(|at| !at.is_empty()).map(move |at| format!("{at}/{name}"));
            nearest.chain([name.to_owned()])
        };
        let is_there = |candidate: &String, builtin: bool| {
            self.sources.get(candidate).is_some_and(|source| source.is_builtin == builtin)
        };
        role.file_names().iter().find_map(|name| {
            let own = candidates(name).find(|candidate| is_there(candidate, false));
            own.or_else(|| candidates(name).find(|candidate| is_there(candidate, true)))
        })
    }

    /// Whether there is a template of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// Whether the template `name` shows the pages of a list page.
    pub fn shows_items(&self, name: &str) -> bool {
        self.showing_items.contains(name)
    }

    /// The fields of pages that the template `name` can see, itself or by a partial.
    pub fn fields(&self, name: &str) -> Fields {
        self.fields.get(name).copied().unwrap_or(Fields::ALL)
    }

    /// The names that the template `name` includes, itself or by a partial, and that no
    /// template has.
    pub fn absent(&self, name: &str) -> &[String] {
        self.absent.get(name).map_or(&[], Vec::as_slice)
    }

    /// The text of the template `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.sources.get(name).map(|source| source.text.as_str())
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Renders the template `name`. What `scope` holds is at hand for its helpers.
    pub fn render(&self, name: &str, data: Value, scope: &std::rc::Rc<Scope>) -> Result<Vec<u8>, Box<Diagnostic>> {
        let mut out = Vec::with_capacity(scope.content.len() + 8 * 1024);
        for absent in self.absent(name) {
            scope.reader.note(&crate::build::trace::Read::IsTemplate(absent.clone()));
        }
        let _inside = scope::enter(scope.clone());
        let depth = recursion::begin();
        let result = self.registry.render_with_context_to_write(name, &Context::from(data), &mut out);
        recursion::restore(depth);
        result.map_err(|error| Box::new(mistake::diagnostic(&error, name, &self.sources)))?;
        Ok(out)
    }
}
