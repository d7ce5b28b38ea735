//! Loading: from the files of `content/` to a [`Site`].

use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::excerpt::first_paragraph;
use super::page::{Kind, Page, PageId, minutes_of};
use super::{Drafts, Site, taxonomy, tree};
use crate::build::front_matter::{self, FrontMatter};
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::{Facts, Permalink};

/// What the model takes from the text of a page; the text itself is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// What its front matter says.
    pub front: FrontMatter,
    /// Words in the body.
    pub words: usize,
    /// The first paragraph without markup, when the front matter has no summary.
    pub first_paragraph: String,
    /// What is wrong with its front matter.
    pub found: Vec<Diagnostic>,
}

impl Head {
    /// How long the page takes to read.
    pub fn minutes(&self) -> usize {
        minutes_of(self.words)
    }

    /// The head of `text`, the whole of `file`.
    pub fn read(file: &str, text: &str, taxonomies: &[String]) -> Self {
        let (split, found) = front_matter::read(file, text, taxonomies);
        let (front, body) = (split.front, &text[split.body]);
        let words = body.split_ascii_whitespace().count();
        let needs_one = front.summary.is_none() && front.description.is_none();
        let first_paragraph = if needs_one { first_paragraph(body) } else { String::new() };
        Self { front, words, first_paragraph, found }
    }
}

/// Orders the pages whose sources (below `content/`) and heads these are into a site.
/// `files` are all paths from the root.
pub fn load(
    heads: &[(&str, Arc<Head>)],
    config: Config,
    files: &[String],
    (drafts, today): (Drafts, Date),
    found: &mut Vec<Diagnostic>,
) -> Site {
    let read: Vec<(Page, Option<Diagnostic>)> =
        heads.par_iter().map(|(source, head)| page_of(&config, source, head)).collect();
    let mut pages = Vec::with_capacity(read.len() + 1);
    let mut hidden = Vec::new();
    for ((page, mistake), (_, head)) in read.into_iter().zip(heads) {
        found.extend(head.found.iter().cloned());
        let is_to_come = page.front.date.as_ref().is_some_and(|date| date.day > today);
        if drafts == Drafts::Hidden && (page.front.draft || is_to_come) {
            hidden.push(page.source);
        } else {
            found.extend(mistake);
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
    let by_source = pages.iter().enumerate().map(|(index, page)| (page.source.clone(), PageId::new(index))).collect();
    let content = files.iter().filter_map(|file| file.strip_prefix("content/"));
    let files = place_files(&pages, &hidden, content.filter(|path| !path.ends_with(".md")));
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

fn page_of(config: &Config, source: &str, head: &Head) -> (Page, Option<Diagnostic>) {
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
    let date = front.date.as_ref().map(|when| (when.day.year(), when.day.month(), when.day.day()));
    let needs_date = pattern
        .filter(|pattern| date.is_none() && ["{year}", "{month}", "{day}"].iter().any(|part| pattern.contains(part)));
    let mistake = needs_date.map(|pattern| {
        let message = format!("the permalink pattern `{pattern}` needs a date, and the page has none");
        Diagnostic::error(Code::FrontMatter, Place::file(format!("content/{source}")), message)
            .hint("add `date: YYYY-MM-DD` to the front matter")
    });
    let permalink =
        Permalink::of(Facts { source, slug: front.slug.as_deref(), url: front.url.as_deref(), date, pattern });
    let page = Page {
        kind,
        source: source.to_owned(),
        permalink,
        front: front.clone(),
        has_file: true,
        parent: None,
        words: head.words,
        first_paragraph: head.first_paragraph.clone(),
    };
    (page, mistake)
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
        has_file: false,
        parent: None,
        words: 0,
        first_paragraph: String::new(),
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
