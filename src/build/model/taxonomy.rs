//! Taxonomies: the terms that pages are grouped by.

use std::collections::BTreeMap;

use super::page::{Page, PageId};
use super::tree::{By, compare};
use crate::site::permalink::{Permalink, slugify};

/// One taxonomy: `tags`.
#[derive(Clone, Debug)]
pub struct Taxonomy {
    /// Its key in the front matter, and the first part of its URLs.
    pub name: String,
    /// Where its list of terms lives.
    pub permalink: Permalink,
    /// Its terms in alphabetical order.
    pub terms: Vec<Term>,
}

/// One term: the tag `tides`.
#[derive(Clone, Debug)]
pub struct Term {
    /// As the first page in order of path writes it.
    pub name: String,
    /// As it stands in its URL; pages whose terms have one slug are together.
    pub slug: String,
    /// Where its list of pages lives.
    pub permalink: Permalink,
    /// Its pages, new to old.
    pub pages: Vec<PageId>,
}

/// Groups the pages by the taxonomies that the configuration names.
pub(super) fn gather(names: &[String], pages: &[Page]) -> Vec<Taxonomy> {
    names
        .iter()
        .map(|name| {
            let mut terms: BTreeMap<String, Term> = BTreeMap::new();
            for (index, page) in pages.iter().enumerate() {
                for term in
                    page.front.terms.iter().filter(|(taxonomy, _)| taxonomy == name).flat_map(|(_, terms)| terms)
                {
                    let slug = slugify(term);
                    if slug.is_empty() {
                        continue;
                    }
                    let id = PageId::new(index);
                    let entry = terms.entry(slug.clone()).or_insert_with(|| Term {
                        name: term.clone(),
                        permalink: Permalink::from_segments([name.as_str(), slug.as_str()]),
                        slug,
                        pages: Vec::new(),
                    });
                    if entry.pages.last() != Some(&id) {
                        entry.pages.push(id);
                    }
                }
            }
            let mut terms: Vec<Term> = terms.into_values().collect();
            for term in &mut terms {
                term.pages.sort_by(|one, other| compare(By::Date, &pages[one.index()], &pages[other.index()]));
            }
            terms.sort_by_cached_key(|term| (term.name.to_lowercase(), term.slug.clone()));
            Taxonomy { name: name.clone(), permalink: Permalink::from_segments([name.as_str()]), terms }
        })
        .collect()
}
