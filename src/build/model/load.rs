//! Loading: from the files of `content/` to a [`Site`].

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::excerpt::first_paragraph;
use super::page::{Kind, Page, PageId};
use super::{Drafts, Site, taxonomy, tree};
use crate::build::front_matter::{self, FrontMatter};
use crate::build::sources::{Sources, read_text};
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::{Facts, Permalink};

/// Reads the pages among `files` (paths from the root) and orders them into a site.
pub fn load(
    sources: &dyn Sources,
    config: Config,
    files: &[String],
    drafts: Drafts,
    found: &mut Vec<Diagnostic>,
) -> Site {
    let today = sources.today();
    let content = || files.iter().filter_map(|file| file.strip_prefix("content/"));
    let sources_of_pages: Vec<&str> = content().filter(|path| path.ends_with(".md")).collect();
    let read: Vec<(Option<Page>, Vec<Diagnostic>)> =
        sources_of_pages.par_iter().map(|source| read_page(sources, &config, source)).collect();
    let mut pages = Vec::with_capacity(read.len() + 1);
    let mut hidden = Vec::new();
    for (page, mistakes) in read {
        found.extend(mistakes);
        let Some(page) = page else { continue };
        let is_to_come = page.front.date.as_ref().is_some_and(|date| date.day > today);
        if drafts == Drafts::Hidden && (page.front.draft || is_to_come) {
            hidden.push(page.source);
        } else {
            pages.push(page);
        }
    }
    if !pages.iter().any(|page| page.kind == Kind::Home) {
        pages.push(home_without_a_file());
    }
    pages.sort_by(|one, other| one.source.cmp(&other.source));
    let home = PageId::new(pages.iter().position(|page| page.kind == Kind::Home).unwrap_or(0));
    let sections = tree::plant(&mut pages, home);
    let taxonomies = taxonomy::gather(&config.taxonomies, &pages);
    let mut places = vec![None; pages.len()];
    // In no order of sections: each page is in one.
    sections.values().flat_map(|section| section.pages.iter().enumerate()).for_each(|(at, id)| {
        places[id.index()] = u32::try_from(at).ok();
    });
    pages.par_iter_mut().for_each(|page| page.shown = page.describe(&config));
    let by_source = pages.iter().enumerate().map(|(index, page)| (page.source.clone(), PageId::new(index))).collect();
    let files = place_files(&pages, &hidden, content().filter(|path| !path.ends_with(".md")));
    Site {
        config,
        home,
        sections,
        taxonomies,
        by_source,
        hidden,
        files,
        places,
        answers: super::query::Answers::default(),
        pages,
    }
}

fn read_page(sources: &dyn Sources, config: &Config, source: &str) -> (Option<Page>, Vec<Diagnostic>) {
    let file = format!("content/{source}");
    let text = match read_text(sources, &file) {
        Ok(text) => text,
        Err(diagnostic) => return (None, vec![diagnostic]),
    };
    let (split, mut found) = front_matter::read(&file, &text, &config.taxonomies);
    let front = split.front;
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
    let date = front.date.as_ref().map(|when| (when.day.year(), when.day.month(), when.day.day()));
    if let Some(pattern) = pattern
        && date.is_none()
        && ["{year}", "{month}", "{day}"].iter().any(|part| pattern.contains(part))
    {
        let message = format!("the permalink pattern `{pattern}` needs a date, and the page has none");
        found.push(
            Diagnostic::error(Code::FrontMatter, Place::file(&file), message)
                .hint("add `date: YYYY-MM-DD` to the front matter"),
        );
    }
    let permalink =
        Permalink::of(Facts { source, slug: front.slug.as_deref(), url: front.url.as_deref(), date, pattern });
    let body = &text[split.body.clone()];
    let words = body.split_ascii_whitespace().count();
    let first_paragraph =
        if front.summary.is_none() && front.description.is_none() { first_paragraph(body) } else { String::new() };
    let page = Page {
        kind,
        source: source.to_owned(),
        permalink,
        front,
        body: split.body,
        parent: None,
        words,
        first_paragraph,
        shown: serde_json::Value::Null,
        text: Arc::from(text),
    };
    (Some(page), found)
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
        front: FrontMatter { in_search: false, ..FrontMatter::default() },
        text: Arc::from(""),
        body: 0..0,
        parent: None,
        words: 0,
        first_paragraph: String::new(),
        shown: serde_json::Value::Null,
    }
}

/// Where the files beside pages go: below the page that owns their folder, or else to the
/// same place in the site as a page there would have. Those of a hidden page are hidden.
fn place_files<'f>(
    pages: &[Page],
    hidden: &[String],
    files: impl Iterator<Item = &'f str>,
) -> FxHashMap<String, String> {
    let hidden: FxHashSet<&str> = hidden
        .iter()
        .filter_map(|source| match source.rsplit_once('/') {
            Some((folder, "index.md" | "_index.md")) => Some(folder),
            _ => None,
        })
        .collect();
    let owners: FxHashMap<&str, &Permalink> =
        pages.iter().filter(|page| page.owns_its_folder()).map(|page| (page.folder(), &page.permalink)).collect();
    files
        .filter_map(|file| {
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            let mut at = folder;
            let mut below = vec![name];
            let base = loop {
                if hidden.contains(at) {
                    return None;
                }
                if let Some(permalink) = owners.get(at) {
                    break permalink.as_str().to_owned();
                }
                let Some((above, last)) = at.rsplit_once('/') else {
                    if !at.is_empty() {
                        below.push(crate::site::permalink::without_order(at));
                    }
                    break owners.get("").map_or_else(|| "/".to_owned(), |home| home.as_str().to_owned());
                };
                below.push(crate::site::permalink::without_order(last));
                at = above;
            };
            below.reverse();
            Some((format!("content/{file}"), format!("{}/{}", base.trim_end_matches('/'), below.join("/"))))
        })
        .collect()
}
