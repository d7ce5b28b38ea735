//! Taxonomies: the terms that pages are grouped by.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::page::{Page, PageId};
use super::tree::{By, compare};
use crate::build::front_matter::{body_of, term_place};
use crate::build::texts::Texts;
use crate::site::diagnostic::{Code, Diagnostic, Place};
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

/// A term while its pages are found.
struct Gathered {
    term: Term,
    /// How it is written, letter case and spaces aside. More than one, and two terms have
    /// one address.
    spellings: Vec<String>,
}

/// Groups the pages by the taxonomies that the configuration names.
pub(super) fn gather(
    names: &[String],
    pages: &[Page],
    texts: &Texts<'_>,
    found: &mut Vec<Diagnostic>,
) -> Vec<Taxonomy> {
    names
        .iter()
        .map(|name| {
            let mut terms: BTreeMap<String, Gathered> = BTreeMap::new();
            // A term is on many pages.
            let mut slugs: FxHashMap<&str, String> = FxHashMap::default();
            for (index, page) in pages.iter().enumerate() {
                for term in
                    page.front.terms.iter().filter(|(taxonomy, _)| taxonomy == name).flat_map(|(_, terms)| terms)
                {
                    let slug = slugs.entry(term).or_insert_with(|| slugify(term));
                    if slug.is_empty() {
                        found.push(without_address(name, term, page, texts));
                        continue;
                    }
                    let id = PageId::new(index);
                    let entry = match terms.get_mut(slug.as_str()) {
                        Some(entry) => entry,
                        None => terms.entry(slug.clone()).or_insert_with(|| Gathered {
                            term: Term {
                                name: term.clone(),
                                permalink: Permalink::from_segments([name.as_str(), slug.as_str()]),
                                slug: slug.clone(),
                                pages: Vec::new(),
                            },
                            spellings: vec![spelling(term)],
                        }),
                    };
                    if *term != entry.term.name && !entry.spellings.contains(&spelling(term)) {
                        entry.spellings.push(spelling(term));
                        let first = entry.term.pages.first().map_or(page, |id| &pages[id.index()]);
                        found.push(merged(place_of(name, term, page, texts), term, &entry.term, first));
                    }
                    if entry.term.pages.last() != Some(&id) {
                        entry.term.pages.push(id);
                    }
                }
            }
            let mut terms: Vec<Term> = terms.into_values().map(|gathered| gathered.term).collect();
            for term in &mut terms {
                term.pages.sort_by(|one, other| compare(By::Date, &pages[one.index()], &pages[other.index()]));
            }
            terms.sort_by_cached_key(|term| (term.name.to_lowercase(), term.slug.clone()));
            Taxonomy { name: name.clone(), permalink: Permalink::from_segments([name.as_str()]), terms }
        })
        .collect()
}

/// `Low water`, `low  water` and `low-water` are one word, `C++` and `C#` are two.
fn spelling(term: &str) -> String {
    term.to_lowercase().replace('-', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where `page` names `term`.
fn place_of(taxonomy: &str, term: &str, page: &Page, texts: &Texts<'_>) -> Place {
    let file = page.file();
    match texts.of(&file) {
        Ok(text) => term_place(&file, &text, body_of(&text).start, taxonomy, term),
        Err(_) => Place::file(file),
    }
}

/// `term`, written at `place`, has the address of `other`, which was met on `first`.
fn merged(place: Place, term: &str, other: &Term, first: &Page) -> Diagnostic {
    let message = format!(
        "`{term}` lives at `{}`, where `{}` of `{}` does already: their pages are listed as one",
        other.permalink,
        other.name,
        first.file()
    );
    Diagnostic::warning(Code::DuplicateUrl, place, message)
        .hint("write one of them in other words: an address is made of letters and digits")
}

fn without_address(taxonomy: &str, term: &str, page: &Page, texts: &Texts<'_>) -> Diagnostic {
    let place = place_of(taxonomy, term, page, texts);
    let message = format!("`{term}` has no letter and no digit, so it has no address and is not listed");
    Diagnostic::warning(Code::FrontMatter, place, message).hint("write it in words")
}
