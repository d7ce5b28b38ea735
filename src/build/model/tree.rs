//! The tree of sections: which page belongs where, in which order.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::page::{Kind, Page, PageId};

/// What a section holds.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its own pages, in its order.
    pub pages: Vec<PageId>,
    /// The sections directly below it, by weight, then date, then path.
    pub sections: Vec<PageId>,
    /// Whether its order runs from new to old, so that "next" is the page before.
    pub newest_first: bool,
}

/// Gives every page its section and every section its pages.
pub(super) fn plant(pages: &mut [Page], home: PageId) -> FxHashMap<PageId, Section> {
    let folders: FxHashMap<String, PageId> = pages
        .iter()
        .enumerate()
        .filter(|(_, page)| page.kind != Kind::Page)
        .map(|(index, page)| (page.folder().to_owned(), PageId::new(index)))
        .collect();
    let mut sections: FxHashMap<PageId, Section> = folders.values().map(|id| (*id, Section::default())).collect();
    sections.entry(home).or_default();
    for (index, page) in pages.iter_mut().enumerate() {
        let id = PageId::new(index);
        if id == home {
            continue;
        }
        // A section's own folder is itself; it belongs to the nearest one above.
        let start = match page.kind {
            Kind::Page => Some(page.folder()),
            Kind::Section | Kind::Home => page.folder().rsplit_once('/').map(|(above, _)| above).or(Some("")),
        };
        let parent =
            folders_above(start.unwrap_or_default()).find_map(|folder| folders.get(folder).copied()).unwrap_or(home);
        page.parent = Some(parent);
        if let Some(section) = sections.get_mut(&parent) {
            match page.kind {
                Kind::Page => section.pages.push(id),
                Kind::Section | Kind::Home => section.sections.push(id),
            }
        }
    }
    // In no order of sections: what one holds does not depend on another.
    sections.iter_mut().for_each(|(id, section)| {
        let order = order_of(&pages[id.index()], &section.pages, pages);
        section.newest_first = order == By::Date;
        section.pages.sort_by(|one, other| compare(order, &pages[one.index()], &pages[other.index()]));
        section.sections.sort_by(|one, other| compare(By::Weight, &pages[one.index()], &pages[other.index()]));
    });
    sections
}

/// Gives each of `previews` its section. No section has it: nothing lists it.
pub(super) fn plant_beside(previews: &mut [Page], pages: &[Page], home: PageId) {
    if previews.is_empty() {
        return;
    }
    let sections = pages.iter().enumerate().filter(|(_, page)| page.kind != Kind::Page);
    let folders: FxHashMap<&str, PageId> = sections.map(|(index, page)| (page.folder(), PageId::new(index))).collect();
    for page in previews {
        let nearest = folders_above(page.folder()).find_map(|folder| folders.get(folder).copied());
        page.parent = Some(nearest.unwrap_or(home));
    }
}

/// `a/b`, `a`, ``.
fn folders_above(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| {
        if folder.is_empty() { None } else { Some(folder.rsplit_once('/').map_or("", |(above, _)| above)) }
    })
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Light to heavy, pages without a weight last; then by date, then by path.
    Weight,
    /// New to old; then by path.
    Date,
    /// By title, as a reader would look it up.
    Title,
    /// By source path: numbers before names decide.
    Path,
}

/// What the section says; else by weight if a page has one, by date if one has that, by
/// path otherwise.
fn order_of(section: &Page, members: &[PageId], pages: &[Page]) -> By {
    match section.front.sort_by.as_deref() {
        Some("weight") => By::Weight,
        Some("date") => By::Date,
        Some("title") => By::Title,
        Some(_) => By::Path,
        None if members.iter().any(|id| pages[id.index()].front.weight.is_some()) => By::Weight,
        None if members.iter().any(|id| pages[id.index()].front.date.is_some()) => By::Date,
        None => By::Path,
    }
}

/// The order of two pages; never equal for two sources, so that a list is the same each time.
pub(super) fn compare(by: By, one: &Page, other: &Page) -> Ordering {
    let weight = |page: &Page| page.front.weight.unwrap_or(i64::MAX);
    let newest = |page: &Page| std::cmp::Reverse(page.front.date.as_ref().map_or(i64::MIN, |when| when.micros));
    let first = match by {
        By::Weight => weight(one).cmp(&weight(other)).then_with(|| newest(one).cmp(&newest(other))),
        By::Date => newest(one).cmp(&newest(other)),
        By::Title => one.sort_title.cmp(&other.sort_title),
        By::Path => Ordering::Equal,
    };
    first.then_with(|| one.source.cmp(&other.source))
}
