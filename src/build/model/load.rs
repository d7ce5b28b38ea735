//! Loading: from the files of `content/` to a [`Site`].

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::excerpt::{before_more, first_heading, first_paragraph};
use super::page::{Kind, Page, PageId};
use super::{Drafts, Site, taxonomy, tree};
use crate::build::front_matter::{self, FrontMatter, Split};
use crate::build::sources::{Sources, read_text};
use crate::site::config::Config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::{Facts, Permalink};

/// How many folders may stand in each other. A page knows all sections above it, so that a
/// tree of hundreds would cost its depth for each of its pages, and no reader finds the way.
const DEEPEST_FOLDER: usize = 64;

/// Reads the pages among `files` (paths from the root) and orders them into a site.
pub fn load(
    sources: &dyn Sources,
    config: Config,
    files: &[String],
    drafts: Drafts,
    found: &mut Vec<Diagnostic>,
) -> Site {
    let today = sources.today();
    let content = without_the_too_deep(files, found);
    let sources_of_pages: Vec<&str> = content.iter().copied().filter(|path| path.ends_with(".md")).collect();
    let read: Vec<(Option<Page>, Vec<Diagnostic>)> =
        sources_of_pages.par_iter().map(|source| read_page(sources, &config, source, today)).collect();
    let mut pages = Vec::with_capacity(read.len() + 1);
    let mut hidden = Vec::new();
    for (page, mistakes) in read {
        found.extend(mistakes);
        let Some(page) = page else { continue };
        let is_to_come = page.front.date.as_ref().is_some_and(|date| date.day > today);
        if drafts == Drafts::Hidden && (page.front.draft || is_to_come) {
            hidden.push(page.source);
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
    let taxonomies = taxonomy::gather(&config.taxonomies, &pages, found);
    let mut places = vec![None; pages.len()];
    // In no order of sections: each page is in one.
    sections.values().flat_map(|section| section.pages.iter().enumerate()).for_each(|(at, id)| {
        places[id.index()] = u32::try_from(at).ok();
    });
    pages.par_iter_mut().for_each(|page| page.shown = page.describe(&config));
    let by_source = pages.iter().enumerate().map(|(index, page)| (page.source.clone(), PageId::new(index))).collect();
    let files = place_files(&pages, &hidden, content.into_iter().filter(|path| !path.ends_with(".md")));
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
    Some(
        Diagnostic::error(Code::FrontMatter, Place::file(page.file()), message)
            .hint("add `date: YYYY-MM-DD` to the front matter"),
    )
}

fn read_page(sources: &dyn Sources, config: &Config, source: &str, today: Date) -> (Option<Page>, Vec<Diagnostic>) {
    let file = format!("content/{source}");
    let text = match read_text(sources, &file) {
        Ok(text) => text,
        Err(diagnostic) => return (None, vec![diagnostic]),
    };
    let (Split { mut front, mut body }, found) = front_matter::read(&file, &text, &config.taxonomies);
    // A text that begins with its title: as on GitHub, where there is no front matter. Layouts
    // show the title, so it is no part of the body.
    if let Some(heading) = first_heading(&text[body.clone()])
        && front.title.as_ref().is_none_or(|title| *title == heading.text)
    {
        front.title = Some(heading.text);
        body.start += heading.end;
    }
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
    let written = &text[body.clone()];
    let words = written.split_ascii_whitespace().count();
    // The author's own cut comes before a description: that is meant for search engines first.
    let said = front.summary.clone().or_else(|| before_more(written)).or_else(|| front.description.clone());
    let summary = said.unwrap_or_else(|| first_paragraph(written));
    let page = Page {
        kind,
        source: source.to_owned(),
        permalink,
        front,
        body,
        parent: None,
        words,
        summary,
        sort_title: String::new(),
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
        summary: String::new(),
        sort_title: String::new(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::sources::Memory;

    #[test]
    fn a_draft_without_a_date_is_shown_at_todays() {
        let files = vec!["content/posts/fog.md".to_owned()];
        let text = b"---\ndraft: true\n---\nFog.".to_vec();
        let today = jiff::civil::date(2026, 11, 2);
        let sources = Memory { files: [(files[0].clone(), text)].into(), today };
        let (config, _) = Config::parse("permalinks: { posts: '/{year}/{month}/{slug}/' }");
        let mut found = Vec::new();
        let site = load(&sources, config, &files, Drafts::Shown, &mut found);
        let id = site.by_source("posts/fog.md").unwrap();
        assert_eq!((site.page(id).permalink.as_str(), found), ("/2026/11/fog/", Vec::new()));
    }
}
