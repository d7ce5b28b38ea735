//! The plan: which paths the site has, and what answers each.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::version::{Version, full_at, path_of_full, path_of_text, text_at};
use crate::build::data_pages::Routes;
use crate::build::front_matter;
use crate::build::layout::{Layouts, Role};
use crate::build::model::{Kind, Order, Origin, Page, PageId, PageQuery, Site, SortBy};
use crate::build::output::feed;
use crate::build::rows;
use crate::build::texts::Texts;
use crate::site::config;
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::permalink::{Permalink, is_path, without_order};
use crate::site::release::letter_path;
use crate::site::reserved;

/// What an output is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A page or section; the number counts its list pages from 1.
    Page(PageId, usize),
    /// The text of a page alone, for the edge to send as a letter: nobody asks for it.
    Letter(PageId),
    /// The list of a taxonomy's terms: its place in the site's taxonomies.
    Taxonomy(usize),
    /// A term's list of pages: taxonomy, term, list page.
    Term(usize, usize, usize),
    /// The page for paths that are not there.
    NotFound,
    /// The Atom feed.
    Feed,
    /// The map for search engines.
    Sitemap,
    /// What robots may read.
    Robots,
    /// A file of the author's, by its path from the root.
    File(String),
    /// The page has moved to this path.
    Alias(Permalink),
}

/// One output.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its path in the site.
    pub path: Permalink,
    /// Which of those at this path.
    pub version: Version,
    /// What it is about.
    pub subject: Subject,
    /// The layout that renders it, for what has one.
    pub layout: Option<String>,
}

impl Planned {
    /// Whether it is the first, or only one, at its path.
    fn is_first(&self) -> bool {
        match self.version {
            Version::Public | Version::Open => true,
            Version::Full => !matches!(self.subject, Subject::Page(..)),
            Version::Text => false,
        }
    }

    /// What no other output is called: its path, or a name that is none.
    pub fn name(&self) -> Cow<'_, str> {
        match self.version {
            Version::Public | Version::Open => self.path.as_str().into(),
            Version::Full => full_at(self.path.as_str()).into(),
            Version::Text => text_at(self.path.as_str()).into(),
        }
    }
}

/// All outputs.
#[derive(Debug, Default)]
pub struct Plan {
    /// In no particular order.
    pub outputs: Vec<Planned>,
    /// Path → its place in `outputs`.
    by_path: FxHashMap<String, usize>,
    /// The same for whole pages, which stand behind their open ones.
    whole: FxHashMap<String, usize>,
    /// The same for texts of pages.
    texts: FxHashMap<String, usize>,
    /// What the edge answers from the store.
    pub routes: Routes,
}

impl Plan {
    /// What answers `path`.
    pub fn at(&self, path: &str) -> Option<&Subject> {
        self.by_path.get(path).map(|at| &self.outputs[*at].subject)
    }

    /// What the output `name` is about.
    pub fn about(&self, name: &str) -> Option<&Subject> {
        let path = path_of_full(name).unwrap_or(name);
        self.whole.get(path).or_else(|| self.by_path.get(path)).map(|at| &self.outputs[*at].subject)
    }

    /// Whether an output is called so.
    pub fn has(&self, name: &str) -> bool {
        let at = match (path_of_full(name), path_of_text(name)) {
            (Some(path), _) => self.whole.get(path).or_else(|| self.by_path.get(path)),
            (None, Some(path)) => self.texts.get(path),
            (None, None) => self.by_path.get(name),
        };
        at.is_some_and(|at| self.outputs[*at].name() == name)
    }

    /// The outputs of the page at `permalink`: itself, and its further list pages.
    pub fn of_page(&self, permalink: &Permalink) -> impl Iterator<Item = &Planned> {
        let places = (1..).map_while(|number| {
            let path = permalink.list_page(number);
            let at = [&self.by_path, &self.whole, &self.texts].map(|known| known.get(path.as_str()).copied());
            at.iter().any(Option::is_some).then_some(at)
        });
        places.flatten().flatten().map(|at| &self.outputs[at])
    }

    /// Every path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let first = self.outputs.iter().filter(|output| output.is_first());
        first.map(|output| output.path.as_str())
    }
}

/// Names every output of `site`. `files` are paths from the root. Two claims to one path,
/// and claims to what the edge answers, are mistakes.
pub fn plan(site: &Site, layouts: &Layouts, files: &[String], texts: &Texts<'_>, found: &mut Vec<Diagnostic>) -> Plan {
    let mut planner = Planner { site, layouts, texts, plan: Plan::default(), found };
    for id in site.ids() {
        planner.page(id);
    }
    for taxonomy in 0..site.taxonomies.len() {
        planner.taxonomy(taxonomy);
    }
    for file in files {
        let path = match file.strip_prefix("static/") {
            Some(rest) => Some(rest.to_owned()),
            None => site.files.get(file).cloned(),
        };
        if let Some(mut path) = path {
            // The author's own `about/index.html` lives where a page `about` would.
            if path == "index.html" || path.ends_with("/index.html") {
                path.truncate(path.len() - "index.html".len());
            }
            let version = if site.restricted_files.contains_key(file) { Version::Full } else { Version::Public };
            let subject = Subject::File(file.clone());
            planner.claim(Planned { path: Permalink::file(&path), version, subject, layout: None });
        }
    }
    for id in site.ids() {
        for alias in &site.page(id).front.aliases {
            planner.alias(id, alias);
        }
    }
    planner.generated();
    for id in site.unpublished() {
        planner.unpublished(id);
    }
    planner.files_and_folders();
    planner.plan
}

struct Planner<'a> {
    site: &'a Site,
    layouts: &'a Layouts,
    texts: &'a Texts<'a>,
    plan: Plan,
    found: &'a mut Vec<Diagnostic>,
}

impl Planner<'_> {
    fn page(&mut self, id: PageId) {
        let page = self.site.page(id);
        let (role, lists) = match page.kind {
            Kind::Page => (Role::Page, false),
            Kind::Section => (Role::Section, true),
            Kind::Home => (Role::Home, true),
        };
        let layout = self.layout_of(page, role);
        let number = match &layout {
            Some(layout) if lists && self.layouts.shows_items(layout) => list_pages(self.site, id),
            _ => 1,
        };
        for number in 1..=number {
            let version = if page.is_restricted() { Version::Open } else { Version::Public };
            let output = Planned {
                path: page.permalink.list_page(number),
                version,
                subject: Subject::Page(id, number),
                layout: layout.clone(),
            };
            let whole = Planned { version: Version::Full, ..output.clone() };
            if self.claim(output) && page.is_restricted() {
                self.plan.whole.insert(whole.path.as_str().to_owned(), self.plan.outputs.len());
                self.plan.outputs.push(whole);
            }
        }
        self.letter(id);
    }

    /// The text of a page that is sent as a letter.
    fn letter(&mut self, id: PageId) {
        let page = self.site.page(id);
        if page.front.letter {
            // Below what the edge answers, so that no page can be there.
            let path = Permalink::file(&letter_path(page.permalink.as_str()));
            self.plan.by_path.insert(path.as_str().to_owned(), self.plan.outputs.len());
            let (version, subject) = (Version::Public, Subject::Letter(id));
            self.plan.outputs.push(Planned { path, version, subject, layout: None });
        }
    }

    fn layout_of(&mut self, page: &Page, role: Role) -> Option<String> {
        let folder: Vec<&str> = page.folder().split('/').map(without_order).collect();
        match page.front.layout.clone() {
            Some(name) if self.layouts.has(&name) => Some(name),
            Some(name) => {
                let place = self.key_place(page, "layout");
                self.found.push(
                    Diagnostic::error(Code::UnknownLayout, place, format!("no layout is called `{name}`"))
                        .near(&name, self.layouts.names())
                        .hint(format!("a layout is a file: `layouts/{name}.hbs`")),
                );
                None
            }
            None => self.layout(role, &folder.join("/"), &page.place().file),
        }
    }

    /// A page that is not published is only looked at: where something else lives it claims nothing,
    /// and no link leads to it.
    fn unpublished(&mut self, id: PageId) {
        let page = self.site.page(id);
        let path = page.permalink.clone();
        let is_taken = self.plan.by_path.contains_key(path.as_str()) || self.plan.whole.contains_key(path.as_str());
        if is_taken || reserved::claimed(path.as_str()).is_some() || !is_path(path.as_str()) {
            return;
        }
        // That a draft is unfinished is no mistake.
        let had = self.found.len();
        let layout = self.layout_of(page, Role::Page);
        self.found.truncate(had);
        self.plan.whole.insert(path.as_str().to_owned(), self.plan.outputs.len());
        self.plan.outputs.push(Planned { path, version: Version::Full, subject: Subject::Page(id, 1), layout });
    }

    fn taxonomy(&mut self, index: usize) {
        let site = self.site;
        let taxonomy = &site.taxonomies[index];
        if taxonomy.terms.is_empty() {
            return;
        }
        let layout = self.layout(Role::Taxonomy, &taxonomy.name, config::FILE);
        let (path, version) = (taxonomy.permalink.clone(), Version::Public);
        self.claim(Planned { path, version, subject: Subject::Taxonomy(index), layout });
        let layout = self.layout(Role::Term, &taxonomy.name, config::FILE);
        for (place, term) in taxonomy.terms.iter().enumerate() {
            let number = match &layout {
                Some(layout) if self.layouts.shows_items(layout) => {
                    term.pages.len().div_ceil(site.config.paginate).max(1)
                }
                _ => 1,
            };
            for number in 1..=number {
                self.claim(Planned {
                    path: term.permalink.list_page(number),
                    version: Version::Public,
                    subject: Subject::Term(index, place, number),
                    layout: layout.clone(),
                });
            }
        }
    }

    fn layout(&mut self, role: Role, folder: &str, file: &str) -> Option<String> {
        let found = self.layouts.find(role, folder);
        if found.is_none() {
            let names = role.file_names();
            let message = format!("there is no layout for it: expected `layouts/{}.hbs`", names[0]);
            let diagnostic = Diagnostic::error(Code::UnknownLayout, Place::file(file), message);
            // One missing file, not one mistake for each page.
            if !self.found.iter().any(|known| known.code == diagnostic.code && known.message == diagnostic.message) {
                self.found.push(diagnostic);
            }
        }
        found
    }

    fn alias(&mut self, id: PageId, alias: &str) {
        let page = self.site.page(id);
        if !is_path(alias) {
            let place = self.key_place(page, "aliases");
            self.found.push(Diagnostic::error(Code::FrontMatter, place, format!("`{alias}` is no path in the site")));
            return;
        }
        let is_file = alias.rsplit('/').next().unwrap_or_default().contains('.');
        let path = if is_file {
            Permalink::file(alias)
        } else {
            Permalink::from_segments(alias.split('/').filter(|part| !part.is_empty()))
        };
        let subject = Subject::Alias(page.permalink.clone());
        self.claim(Planned { path, version: Version::Public, subject, layout: None });
    }

    /// What every site has, unless the author has put a file of his own there.
    fn generated(&mut self) {
        let layout = self.layouts.find(Role::NotFound, "");
        if layout.is_some() {
            self.claim_if_free("/404.html", Subject::NotFound, layout);
        }
        if self.site.config.feed.limit > 0 {
            self.claim_if_free(&self.site.config.feed.path, Subject::Feed, None);
        }
        // Only where a feed can say more to some than to others.
        if self.site.ids().any(|id| self.site.page(id).is_restricted()) {
            for id in feed::newest(self.site) {
                let (path, subject) = (self.site.page(id).permalink.clone(), Subject::Page(id, 1));
                self.plan.texts.insert(path.as_str().to_owned(), self.plan.outputs.len());
                self.plan.outputs.push(Planned { path, version: Version::Text, subject, layout: None });
            }
        }
        self.claim_if_free("/sitemap.xml", Subject::Sitemap, None);
        self.claim_if_free("/robots.txt", Subject::Robots, None);
    }

    fn claim_if_free(&mut self, path: &str, subject: Subject, layout: Option<String>) {
        if self.plan.at(path).is_none() {
            self.claim(Planned { path: Permalink::file(path), version: Version::Public, subject, layout });
        }
    }

    /// Whether it was given what it claims.
    fn claim(&mut self, output: Planned) -> bool {
        let path = output.path.as_str();
        if let Some(reserved) = reserved::claimed(path) {
            let place = self.claimant(&output).0;
            self.found.push(
                Diagnostic::error(
                    Code::ReservedPath,
                    place,
                    format!("it would live at `{path}`, and `{reserved}` is answered by the edge"),
                )
                .hint(match output.subject {
                    Subject::Page(..) => "give it another name, or a `slug` or `url` in its front matter",
                    _ => "give it another name",
                }),
            );
            return false;
        }
        if !is_path(path) {
            let place = self.claimant(&output).0;
            let message =
                format!("`{path}` can be no path in the site: a part of it is empty, leads up, or is too long");
            self.found
                .push(Diagnostic::error(Code::FrontMatter, place, message).hint("give it a shorter, plainer name"));
            return false;
        }
        if let Some(other) = self.plan.by_path.get(path) {
            let (one, (_, other)) = (self.claimant(&output).0, self.claimant(&self.plan.outputs[*other]));
            self.found.push(
                Diagnostic::error(
                    Code::DuplicateUrl,
                    one,
                    format!("it would live at `{path}`, where {other} does already"),
                )
                .hint("rename one of them, or give a page another `slug`"),
            );
            return false;
        }
        self.plan.by_path.insert(path.to_owned(), self.plan.outputs.len());
        self.plan.outputs.push(output);
        true
    }

    /// A file cannot stand where a folder must: `/a` and `/a/` are two URLs, but one name in
    /// `public/`.
    fn files_and_folders(&mut self) {
        let files: FxHashSet<&str> = self.plan.paths().filter(|path| !path.ends_with('/')).collect();
        let mut wrong = Vec::new();
        for output in self.plan.outputs.iter().filter(|output| output.is_first()) {
            let path = output.path.as_str();
            let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            for file in folders.filter(|folder| files.contains(folder)) {
                let (place, other) = (self.claimant(output).0, &self.plan.outputs[self.plan.by_path[file]]);
                let message = format!(
                    "it would live at `{path}`, and {} at `{file}`: one is a folder in `public/`, the other a file",
                    self.claimant(other).1
                );
                wrong.push(Diagnostic::error(Code::DuplicateUrl, place, message).hint("rename one of them"));
            }
        }
        self.found.extend(wrong);
    }

    /// The line of `key` in the front matter of `page`.
    fn key_place(&self, page: &Page, key: &str) -> Place {
        let (file, key) = match &page.origin {
            // What a page from data has besides its cells, its section says for all of them.
            Origin::Row(row) if key == "layout" => (format!("content/{}", row.section), rows::KEY),
            Origin::Row(_) => return page.place(),
            Origin::File | Origin::Nothing => (page.file(), key),
        };
        match self.texts.of(&file) {
            Ok(text) => front_matter::key_place(&file, &text, front_matter::body_of(&text).start, key),
            Err(_) => Place::file(file),
        }
    }

    /// What is behind an output, as the author knows it: the place that decides its path,
    /// and its name.
    fn claimant(&self, output: &Planned) -> (Place, String) {
        match &output.subject {
            Subject::Page(id, _) => {
                let page = self.site.page(*id);
                let place = match (&page.front.url, &page.front.slug) {
                    (Some(_), _) => self.key_place(page, "url"),
                    (None, Some(_)) => self.key_place(page, "slug"),
                    (None, None) => page.place(),
                };
                (place, page.written())
            }
            Subject::Letter(id) => {
                let page = self.site.page(*id);
                (self.key_place(page, "letter"), format!("the letter of {}", page.written()))
            }
            Subject::File(file) => (Place::file(file), format!("`{file}`")),
            Subject::Alias(to) => match self.site.ids().map(|id| self.site.page(id)).find(|page| &page.permalink == to)
            {
                Some(page) => (self.key_place(page, "aliases"), format!("an alias of `{}`", page.file())),
                None => (Place::file(to.to_string()), format!("an alias of `{to}`")),
            },
            Subject::Taxonomy(index) | Subject::Term(index, ..) => {
                let name = &self.site.taxonomies[*index].name;
                (Place::file(config::FILE), format!("the taxonomy `{name}`"))
            }
            Subject::Feed => (Place::file(config::FILE), "the feed".to_owned()),
            Subject::NotFound | Subject::Sitemap | Subject::Robots => {
                (Place::file(config::FILE), "a file that every site has".to_owned())
            }
        }
    }
}

/// What an output is about, and for whom, so that it can be known again in another build.
pub fn subject_of(site: &Site, output: &Planned) -> String {
    let about = about(site, &output.subject);
    match &output.subject {
        Subject::Page(id, _) if output.version != Version::Public => {
            format!("{about}, {:?} of {}", output.version, site.page(*id).access)
        }
        _ => about,
    }
}

fn about(site: &Site, subject: &Subject) -> String {
    match subject {
        Subject::Page(id, number) => format!("page {number} of {}", site.page(*id).file()),
        Subject::Letter(id) => format!("letter of {}", site.page(*id).file()),
        Subject::Taxonomy(index) => format!("terms of {}", site.taxonomies[*index].name),
        Subject::Term(index, term, number) => {
            let taxonomy = &site.taxonomies[*index];
            format!("page {number} of {} {}", taxonomy.name, taxonomy.terms[*term].slug)
        }
        Subject::NotFound => "404".to_owned(),
        Subject::Feed => "feed".to_owned(),
        Subject::Sitemap => "sitemap".to_owned(),
        Subject::Robots => "robots".to_owned(),
        Subject::File(file) => format!("file {file}"),
        Subject::Alias(to) => format!("alias of {to}"),
    }
}

/// The pages that a section lists: its own; the home page lists the whole site's.
pub fn listed(site: &Site, id: PageId) -> std::sync::Arc<[PageId]> {
    let is_home = id == site.home;
    site.ask(&PageQuery {
        section: if is_home { None } else { Some(id) },
        recursive: false,
        term: None,
        sort: SortBy::Section,
        order: Order::Natural,
    })
}

/// How many pages a list page of this section shows.
pub fn page_size(site: &Site, id: PageId) -> usize {
    site.page(id).front.paginate.unwrap_or(site.config.paginate)
}

fn list_pages(site: &Site, id: PageId) -> usize {
    listed(site, id).len().div_ceil(page_size(site, id)).max(1)
}
