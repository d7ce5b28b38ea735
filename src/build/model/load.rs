//! Loading: from the files of `content/` to a [`Site`].

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::excerpt::{before_more, first_heading, first_paragraph};
use super::page::{Kind, Origin, Page, PageId, minutes_of};
use super::tree::Section;
use super::{Drafts, Site, access, taxonomy, tree};
use crate::build::front_matter::{self, FrontMatter};
use crate::build::rows::RowOf;
use crate::build::texts::Texts;
use crate::site::audience::Audience;
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::{Facts, Permalink};

/// How many folders may stand in each other. A page knows all sections above it, so that a
/// tree of hundreds would cost its depth for each of its pages, and no reader finds the way.
const DEEPEST_FOLDER: usize = 64;

/// What the model takes from the text of a page; the text itself is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// What its front matter says.
    pub front: Arc<FrontMatter>,
    /// Words in the body.
    pub words: usize,
    /// Some sentences of it without markup, for lists.
    pub summary: String,
    /// Whether the author has said that they are the summary; else they are the first of the text.
    pub is_said: bool,
    /// What is wrong with its front matter.
    pub found: Vec<Diagnostic>,
    /// The row that it was made of, if it has no file.
    pub row: Option<RowOf>,
}

impl Head {
    /// The head of `text`, the whole of `file`.
    pub fn read(file: &str, text: &str, taxonomies: &[String]) -> Self {
        let (split, found) = front_matter::read(file, text, taxonomies);
        let mut front = split.front;
        let mut body = &text[split.body];
        if let Some(heading) = first_heading(body).filter(|heading| is_title(&heading.text, front.title.as_deref())) {
            body = &body[heading.end..];
            front.title = Some(heading.text);
        }
        let words = body.split_ascii_whitespace().count();
        // The author's own cut comes before a description: that is meant for search engines first.
        let said = front.summary.clone().or_else(|| before_more(body)).or_else(|| front.description.clone());
        let is_said = said.is_some();
        let summary = said.unwrap_or_else(|| first_paragraph(body));
        Self { front: Arc::new(front), words, summary, is_said, found, row: None }
    }

    /// How long the page takes to read.
    pub fn minutes(&self) -> usize {
        minutes_of(self.words)
    }
}

/// Where the body of a page with this title is in its text: behind the front matter, and
/// behind the heading that is the title.
pub fn body_of(text: &str, title: Option<&str>) -> Range<usize> {
    let mut body = front_matter::body_of(text);
    if let Some(heading) = first_heading(&text[body.clone()]).filter(|heading| is_title(&heading.text, title)) {
        body.start += heading.end;
    }
    body
}

/// Whether the heading with which a text begins is its title: as on GitHub, where there is
/// no front matter. Layouts show the title, so it is no part of the body.
fn is_title(heading: &str, title: Option<&str>) -> bool {
    title.is_none_or(|title| title == heading)
}

/// Orders the pages whose sources (below `content/`) and heads these are into a site.
/// `files` are all paths from the root.
pub fn load(
    heads: &[(&str, Arc<Head>)],
    config: Config,
    files: &[String],
    (drafts, today): (Drafts, Date),
    texts: &Texts<'_>,
    found: &mut Vec<Diagnostic>,
) -> Site {
    let content = without_the_too_deep(files, found);
    let read: Vec<(Page, &Head)> = heads
        .par_iter()
        .filter(|(source, _)| !is_too_deep(source))
        .map(|(source, head)| (page_of(&config, source, head, today), head.as_ref()))
        .collect();
    let mut pages = Vec::with_capacity(read.len() + 1);
    let (mut hidden, mut previews) = (Vec::new(), Vec::new());
    // The pages of rows have no date of their own: they come with their section.
    let is_later = |page: &Page| page.front.date.as_ref().is_some_and(|date| date.day > today);
    let sections = read.iter().filter(|(page, _)| page.front.pages_from.is_some() && is_later(page));
    let later: BTreeSet<String> = sections.map(|(page, _)| page.source.clone()).collect();
    for (page, head) in read {
        found.extend(head.found.iter().cloned());
        let is_to_come = is_later(&page) || head.row.as_ref().is_some_and(|row| later.contains(&row.section));
        if drafts == Drafts::Hidden && (page.front.draft || is_to_come) {
            hidden.push(page.source.clone());
            if config.previews && page.kind == Kind::Page && page.origin == Origin::File {
                previews.push(page);
            }
        } else {
            found.extend(missing_date(&config, &page));
            pages.push(page);
        }
    }
    if !pages.iter().any(|page| page.kind == Kind::Home) {
        pages.push(home_without_a_file());
    }
    pages.sort_by(|one, other| one.source.cmp(&other.source));
    let home = PageId::new(pages.iter().position(|page| page.kind == Kind::Home).unwrap_or(0));
    pages.par_iter_mut().for_each(|page| page.sort_title = page.title(&config).to_lowercase());
    let sections = tree::plant(&mut pages, home);
    access::settle(&mut pages, &config, texts, found);
    tree::plant_beside(&mut previews, &pages, home);
    access::settle_previews(&mut previews);
    let (taxonomies, (by_source, ((files, restricted_files), places))) = rayon::join(
        || taxonomy::gather(&config.taxonomies, &pages, texts, found),
        || {
            let ids = pages.iter().enumerate();
            let by_source = ids.map(|(index, page)| (page.source.clone(), PageId::new(index))).collect();
            let others = content.into_iter().filter(|path| !path.ends_with(".md"));
            (by_source, (place_files(&pages, &hidden, others), places_of(&sections, pages.len())))
        },
    );
    let published = pages.len();
    pages.append(&mut previews);
    let unpublished = pages.iter().enumerate().skip(published);
    let unpublished = unpublished.map(|(index, page)| (page.source.clone(), PageId::new(index))).collect();
    Site {
        config,
        published,
        unpublished,
        home,
        sections,
        taxonomies,
        by_source,
        hidden,
        files,
        restricted_files,
        places,
        answers: super::query::Answers::default(),
        pages,
    }
}

/// Each page's place in its section's order.
fn places_of(sections: &FxHashMap<PageId, Section>, pages: usize) -> Vec<Option<u32>> {
    let mut places = vec![None; pages];
    // In no order of sections: each page is in one.
    sections.values().flat_map(|section| section.pages.iter().enumerate()).for_each(|(at, id)| {
        places[id.index()] = u32::try_from(at).ok();
    });
    places
}

/// Whether the page at this source would stand in more folders than there may be.
pub(in crate::build) fn is_too_deep(path: &str) -> bool {
    path.match_indices('/').nth(DEEPEST_FOLDER).is_some()
}

/// The paths of `files` below `content/`. Each folder that is too deep is told once.
fn without_the_too_deep<'f>(files: &'f [String], found: &mut Vec<Diagnostic>) -> Vec<&'f str> {
    let mut too_deep = BTreeSet::new();
    let mut content: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix("content/")).collect();
    content.retain(|path| match path.match_indices('/').nth(DEEPEST_FOLDER) {
        Some((at, _)) => {
            too_deep.insert(&path[..at]);
            false
        }
        None => true,
    });
    for folder in too_deep {
        let message = format!("folders stand in each other more than {DEEPEST_FOLDER} deep");
        let place = Place::file(format!("content/{folder}"));
        found.push(Diagnostic::error(Code::TooDeep, place, message).hint("move the folder further up"));
    }
    content
}

/// A page whose permalink cannot be made. A draft has time to get its date.
fn missing_date(config: &Config, page: &Page) -> Option<Diagnostic> {
    let front = &page.front;
    let pattern = pattern_of(config, &page.source).filter(|_| page.kind == Kind::Page)?;
    let is_needed = front.date.is_none() && !front.draft && front.url.is_none();
    if !is_needed || !["{year}", "{month}", "{day}"].iter().any(|part| pattern.contains(part)) {
        return None;
    }
    let message = format!("the permalink pattern `{pattern}` needs a date, and the page has none");
    Some(Diagnostic::error(Code::FrontMatter, page.place(), message).hint("add `date: YYYY-MM-DD` to the front matter"))
}

fn page_of(config: &Config, source: &str, head: &Head, today: Date) -> Page {
    let front = &head.front;
    let kind = match source {
        "_index.md" => Kind::Home,
        _ if source.ends_with("/_index.md") => Kind::Section,
        // A home page written as a page is still the home page.
        "index.md" => Kind::Home,
        _ => Kind::Page,
    };
    let pattern = match kind {
        Kind::Page => pattern_of(config, source),
        Kind::Section | Kind::Home => None,
    };
    // A draft without a date is looked at as if it were published today.
    let day = front.date.as_ref().map(|when| when.day).or(front.draft.then_some(today));
    let date = day.map(|day| (day.year(), day.month(), day.day()));
    let permalink =
        Permalink::of(Facts { source, slug: front.slug.as_deref(), url: front.url.as_deref(), date, pattern });
    Page {
        kind,
        source: source.to_owned(),
        permalink,
        front: front.clone(),
        origin: head.row.clone().map_or(Origin::File, Origin::Row),
        parent: None,
        words: head.words,
        summary: head.summary.clone(),
        is_said: head.is_said,
        access: Audience::Public,
        sort_title: String::new(),
    }
}

/// The pattern for the page's top section, or for all pages.
fn pattern_of<'c>(config: &'c Config, source: &str) -> Option<&'c str> {
    let top = source.split_once('/').map_or("", |(top, _)| top);
    config.permalinks.get(top).or_else(|| config.permalinks.get("/")).map(String::as_str)
}

fn home_without_a_file() -> Page {
    Page {
        kind: Kind::Home,
        source: "_index.md".to_owned(),
        permalink: Permalink::from_segments([]),
        front: Arc::new(FrontMatter { in_search: false, ..FrontMatter::default() }),
        origin: Origin::Nothing,
        parent: None,
        words: 0,
        summary: String::new(),
        is_said: false,
        access: Audience::Public,
        sort_title: String::new(),
    }
}

/// Where the files beside pages go: below the page that owns their folder, or else to the
/// same place in the site as a page there would have. Those of a hidden page are hidden. Besides,
/// those that are for whom their page is, and that page.
fn place_files<'f>(
    pages: &[Page],
    hidden: &[String],
    files: impl Iterator<Item = &'f str>,
) -> (FxHashMap<String, String>, FxHashMap<String, PageId>) {
    let hidden: FxHashSet<&str> = hidden
        .iter()
        .filter_map(|source| match source.rsplit_once('/') {
            Some((folder, "index.md" | "_index.md")) => Some(folder),
            _ => None,
        })
        .collect();
    let own = pages.iter().enumerate().filter(|(_, page)| page.owns_its_folder());
    let owners: FxHashMap<&str, (PageId, &Page)> =
        own.map(|(at, page)| (page.folder(), (PageId::new(at), page))).collect();
    let mut restricted = FxHashMap::default();
    let places = files
        .filter_map(|file| {
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            let mut at = folder;
            let mut below = vec![name];
            let owner = loop {
                if hidden.contains(at) {
                    return None;
                }
                if let Some(owner) = owners.get(at) {
                    break Some(owner);
                }
                let Some((above, last)) = at.rsplit_once('/') else {
                    if !at.is_empty() {
                        below.push(crate::site::permalink::without_order(at));
                    }
                    break owners.get("");
                };
                below.push(crate::site::permalink::without_order(last));
                at = above;
            };
            below.reverse();
            if let Some((id, _)) = owner.filter(|(_, page)| page.is_restricted()) {
                restricted.insert(format!("content/{file}"), *id);
            }
            let base = owner.map_or("/", |(_, page)| page.permalink.as_str()).trim_end_matches('/');
            Some((format!("content/{file}"), format!("{base}/{}", below.join("/"))))
        })
        .collect();
    (places, restricted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::sources::Memory;

    #[test]
    fn a_draft_without_a_date_is_shown_at_todays() {
        let files = vec!["content/posts/fog.md".to_owned()];
        let today = jiff::civil::date(2026, 11, 2);
        let sources = Memory { files: [].into(), today };
        let head = Head::read(&files[0], "---\ndraft: true\n---\nFog.", &[]);
        let (config, _) = Config::parse("permalinks: { posts: '/{year}/{month}/{slug}/' }");
        let mut found = Vec::new();
        let heads = [("posts/fog.md", Arc::new(head))];
        let site = load(&heads, config, &files, (Drafts::Shown, today), &Texts::new(&sources), &mut found);
        let id = site.by_source("posts/fog.md").unwrap();
        assert_eq!((site.page(id).permalink.as_str(), found), ("/2026/11/fog/", Vec::new()));
    }
}
