//! The site as the build knows it before anything is rendered: pages, sections, terms.
//!
//! [`Site`] is made once from all front matter and is then only read; every rendering
//! thread shares it. Layouts do not see it: they ask the queries of [`query`], whose
//! answers are lists of [`PageId`].
//!
//! Knows nothing of Markdown or HTML beyond a page's first paragraph.

mod access;
mod excerpt;
mod fields;
mod load;
mod page;
pub mod query;
mod taxonomy;
mod tree;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

pub use fields::{Fields, NAMES as FIELD_NAMES};
pub(super) use load::is_too_deep;
pub use load::{Head, body_of, load};
pub use page::{Kind, Origin, Page, PageId};
pub use query::{Order, PageQuery, SortBy};
pub use taxonomy::{Taxonomy, Term};
pub use tree::Section;

use crate::site::config::Config;

/// Whether pages that are not published yet are part of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Drafts {
    /// As readers see it.
    Hidden,
    /// As the author sees it in `watch`: drafts, and pages with a date to come.
    Shown,
}

/// Pages, sections and terms.
#[derive(Debug)]
pub struct Site {
    /// What the author has set.
    pub config: Config,
    /// Every page and section, in order of source path. A [`PageId`] is a place here. Behind them
    /// those that are not published and can be looked at all the same: no list has them, and no
    /// link leads to one.
    pub pages: Vec<Page>,
    /// How many of the pages are published.
    published: usize,
    /// Source path below `content/` → page, of the others.
    unpublished: FxHashMap<String, PageId>,
    /// The root section: the home page.
    pub home: PageId,
    /// What a section holds, by its page.
    pub sections: FxHashMap<PageId, Section>,
    /// The taxonomies, as the configuration orders them.
    pub taxonomies: Vec<Taxonomy>,
    /// Source path below `content/` → page.
    by_source: FxHashMap<String, PageId>,
    /// Sources that exist but are not shown: a link to one deserves a better word.
    pub hidden: Vec<String>,
    /// Files in `content/` that are no pages: path from the root → path in the site.
    pub files: FxHashMap<String, String>,
    /// Those of them that are for whom their page is: path from the root → that page.
    pub restricted_files: FxHashMap<String, PageId>,
    /// Each page's place in its section's order.
    places: Vec<Option<u32>>,
    /// Answers to queries already asked.
    answers: query::Answers,
}

impl Site {
    /// The page with this id.
    pub fn page(&self, id: PageId) -> &Page {
        &self.pages[id.index()]
    }

    /// Gives a page the words of another version of its text.
    pub fn set_words(&mut self, id: PageId, head: &Head) {
        let page = &mut self.pages[id.index()];
        page.words = head.words;
        page.summary.clone_from(&head.summary);
        page.is_said = head.is_said;
        page.without_its_text();
    }

    /// The page whose source is at `path` below `content/`.
    pub fn by_source(&self, path: &str) -> Option<PageId> {
        self.by_source.get(path).copied()
    }

    /// The same, whether it is published or not. What is asked by it must be about that page alone.
    pub fn any_by_source(&self, path: &str) -> Option<PageId> {
        self.by_source(path).or_else(|| self.unpublished.get(path).copied())
    }

    /// All ids of published pages.
    pub fn ids(&self) -> impl Iterator<Item = PageId> + use<> {
        (0..self.published).map(PageId::new)
    }

    /// Whether the page is published.
    pub fn is_published(&self, id: PageId) -> bool {
        id.index() < self.published
    }

    /// The ids of the others.
    pub fn unpublished(&self) -> impl Iterator<Item = PageId> + use<> {
        (self.published..self.pages.len()).map(PageId::new)
    }

    /// The section at `path` below `content/`: `docs`, or `` for the root.
    pub fn section_at(&self, path: &str) -> Option<PageId> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Some(self.home);
        }
        let exact = self.by_source(&format!("{path}/_index.md"));
        // `docs/start` is the section whose folder is `docs/10-start`.
        exact.or_else(|| {
            self.sections.keys().copied().find(|id| self.page(*id).permalink.as_str().trim_matches('/') == path)
        })
    }

    /// The sections above a page, the home page first.
    pub fn ancestors(&self, id: PageId) -> Vec<PageId> {
        let mut above = Vec::new();
        let mut at = self.page(id).parent;
        while let Some(parent) = at {
            above.push(parent);
            at = self.page(parent).parent;
        }
        above.reverse();
        above
    }
}
