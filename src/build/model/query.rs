//! Queries: the only way for a layout to reach other pages.
//!
//! An answer is a list of ids, found once for each different question and shared: the five
//! newest pages in a sidebar are sorted once, not once a page.

use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::page::{Kind, PageId};
use super::tree::{By, compare};
use super::{Section, Site};

/// Answers by question.
pub type Answers = Mutex<FxHashMap<PageQuery, Arc<[PageId]>>>;

/// What pages are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SortBy {
    /// As the section itself orders them; by date when several sections are asked.
    Section,
    /// By date.
    Date,
    /// By weight.
    Weight,
    /// By title.
    Title,
    /// By source path.
    Path,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Order {
    /// The natural one: new to old for dates, light to heavy, a to z.
    Natural,
    /// The other way round.
    Reversed,
}

/// A question about pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageQuery {
    /// Only those below this section, which is given by its id.
    pub section: Option<PageId>,
    /// With a section: also those of the sections below it.
    pub recursive: bool,
    /// Only those with this term: (taxonomy, slug).
    pub term: Option<(String, String)>,
    /// What they are sorted by.
    pub sort: SortBy,
    /// Which end comes first.
    pub order: Order,
}

impl Site {
    /// The pages that `query` asks for, sections not among them.
    pub fn ask(&self, query: &PageQuery) -> Arc<[PageId]> {
        let lock = || self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(answer) = lock().get(query) {
            return answer.clone();
        }
        let answer: Arc<[PageId]> = self.find(query).into();
        lock().insert(query.clone(), answer.clone());
        answer
    }

    fn find(&self, query: &PageQuery) -> Vec<PageId> {
        let mut ids: Vec<PageId> = match (query.section, &query.term) {
            (None, None) => self.ids().filter(|id| self.page(*id).kind == Kind::Page).collect(),
            (Some(section), None) => self.pages_of(section, query.recursive),
            (section, Some((taxonomy, slug))) => {
                let terms =
                    self.taxonomies.iter().filter(|known| &known.name == taxonomy).flat_map(|known| &known.terms);
                let pages = terms.filter(|term| &term.slug == slug).flat_map(|term| term.pages.iter().copied());
                match section {
                    None => pages.collect(),
                    Some(section) => {
                        let within: rustc_hash::FxHashSet<PageId> =
                            self.pages_of(section, query.recursive).into_iter().collect();
                        pages.filter(|id| within.contains(id)).collect()
                    }
                }
            }
        };
        let by = match query.sort {
            SortBy::Section if query.section.is_some() && !query.recursive && query.term.is_none() => None,
            SortBy::Section | SortBy::Date => Some(By::Date),
            SortBy::Weight => Some(By::Weight),
            SortBy::Title => Some(By::Title),
            SortBy::Path => Some(By::Path),
        };
        if let Some(by) = by {
            ids.sort_by(|one, other| compare(by, self.page(*one), self.page(*other)));
        }
        if query.order == Order::Reversed {
            ids.reverse();
        }
        ids
    }

    fn pages_of(&self, section: PageId, recursive: bool) -> Vec<PageId> {
        let Some(Section { pages, sections, .. }) = self.sections.get(&section) else { return Vec::new() };
        let mut ids = pages.clone();
        if recursive {
            for below in sections {
                ids.extend(self.pages_of(*below, true));
            }
        }
        ids
    }

    /// The pages of a section before and after `id` as a reader goes: (previous, next). By
    /// date the previous one is the older.
    pub fn neighbours(&self, id: PageId) -> (Option<PageId>, Option<PageId>) {
        let page = self.page(id);
        let Some(section) =
            page.parent.and_then(|parent| self.sections.get(&parent)).filter(|_| page.kind == Kind::Page)
        else {
            return (None, None);
        };
        let Some(at) = self.place_in_section(id) else { return (None, None) };
        let before = at.checked_sub(1).map(|at| section.pages[at]);
        let after = section.pages.get(at + 1).copied();
        if section.newest_first { (after, before) } else { (before, after) }
    }

    fn place_in_section(&self, id: PageId) -> Option<usize> {
        self.places.get(id.index()).copied().flatten().map(|at| at as usize)
    }
}
