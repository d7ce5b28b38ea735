//! Rendering one output: from what is planned to its bytes.
//!
//! Shared by all threads and without state of its own: what a page costs is its own
//! Markdown and its own layout, however large the site.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::link::{self, Target};
use super::plan::{self, Plan, Planned, What};
use crate::build::asset::Assets;
use crate::build::data::DataFiles;
use crate::build::layout::{Layouts, Scope};
use crate::build::markdown::{self, LinkKind, ShortcodeCall, Surroundings};
use crate::build::model::{Page, PageId, Site};
use crate::site::config::Broken;
use crate::site::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::site::permalink::Permalink;
use crate::site::search::Document;

/// Everything that rendering reads, shared.
#[derive(Clone, Debug)]
pub struct Kitchen {
    /// The site's pages.
    pub site: Arc<Site>,
    /// Its templates.
    pub layouts: Arc<Layouts>,
    /// Its stylesheets and scripts.
    pub assets: Arc<Assets>,
    /// Its data files.
    pub data: Arc<DataFiles>,
    /// The value of `site` in layouts.
    pub described: Value,
}

/// What came of one output.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Its bytes; none if there were mistakes.
    pub bytes: Option<Vec<u8>>,
    /// What is wrong with it.
    pub found: Vec<Diagnostic>,
    /// Ids in it that a link may lead to; only for the first list page of a page.
    pub anchors: Vec<String>,
    /// Links to anchors, to be checked when all ids are known.
    pub to_anchors: Vec<ToAnchor>,
    /// What can be found in it.
    pub documents: Vec<Document>,
}

/// A link to an anchor.
#[derive(Clone, Debug)]
pub struct ToAnchor {
    /// Decoded path of the page that it leads to.
    pub path: String,
    /// The id there.
    pub anchor: String,
    /// Where the link is written.
    pub place: Place,
}

impl Kitchen {
    /// Renders what has a layout. Feeds, maps and files are made elsewhere.
    pub fn render(&self, plan: &Plan, output: &Planned) -> Rendered {
        match &output.what {
            What::Page(id, number) => self.page(plan, output, *id, *number),
            What::Taxonomy(index) => {
                let taxonomy = &self.site.taxonomies[*index];
                let value = self.virtual_page("taxonomy", &capitalised(&taxonomy.name), &output.path);
                self.without_text(output, with(value, "term", json!({ "taxonomy": taxonomy.name })), Vec::new(), None)
            }
            What::Term(taxonomy, term, number) => {
                let taxonomy = &self.site.taxonomies[*taxonomy];
                let term = &taxonomy.terms[*term];
                let value = self.virtual_page("term", &term.name, &output.path);
                let size = self.site.config.paginate;
                let shown = json!({ "name": term.name, "slug": term.slug, "taxonomy": taxonomy.name, "count": term.pages.len() });
                self.without_text(
                    output,
                    with(value, "term", shown),
                    slice(&term.pages, *number, size),
                    pager(&term.permalink, term.pages.len(), *number, size),
                )
            }
            What::NotFound => {
                self.without_text(output, self.virtual_page("404", "Page not found", &output.path), Vec::new(), None)
            }
            What::Feed | What::Sitemap | What::Robots | What::File(_) | What::Alias(_) => Rendered::default(),
        }
    }

    /// Renders the layout `name` as a shell: marks stand where the edge will put things.
    pub fn shell(&self, name: &str) -> Rendered {
        let path = Permalink::file("/_/shell");
        let value = with(self.virtual_page("shell", "", &path), "title", crate::build::shell::mark("title").into());
        let output = Planned { path, what: What::NotFound, layout: Some(name.to_owned()) };
        let mut scope = self.scope(None, String::new());
        scope.content = crate::build::shell::mark("main");
        self.lay_out(&output, value, scope, Rendered::default())
    }

    fn page(&self, plan: &Plan, output: &Planned, id: PageId, number: usize) -> Rendered {
        let page = self.site.page(id);
        let file = page.file();
        let around = Around {
            kitchen: self,
            plan,
            page,
            id,
            file: &file,
            to_anchors: Mutex::default(),
            found: Mutex::default(),
        };
        let source = markdown::Source { file: &file, text: &page.text, body: page.body.clone() };
        let (text, found) = markdown::render(source, &self.site.config.markdown, &around);
        let mut rendered = Rendered { found, ..Rendered::default() };
        rendered.found.extend(around.found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
        if number == 1 {
            rendered.to_anchors = around.to_anchors.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            rendered.anchors = text.anchors;
            if self.site.config.search && page.front.in_search {
                let title = page.title(&self.site.config);
                let path = page.permalink.as_str();
                rendered.documents = text
                    .sections
                    .into_iter()
                    .enumerate()
                    .map(|(position, section)| Document {
                        position,
                        path: path.to_owned(),
                        anchor: section.anchor,
                        title: title.clone(),
                        heading: section.heading,
                        text: section.text,
                    })
                    .collect();
            }
        } else {
            // The text is the same on each list page: its mistakes are told once.
            rendered.found.clear();
        }
        let mut scope = self.scope(Some(id), output.path.encoded());
        scope.content = text.html;
        scope.headings = text.headings;
        let mut value = page.shown.clone();
        if output.layout.as_deref().is_some_and(|layout| self.layouts.shows_items(layout))
            && self.site.sections.contains_key(&id)
        {
            let listed = plan::listed(&self.site, id);
            let size = plan::page_size(&self.site, id);
            scope.items = slice(&listed, number, size);
            scope.pager = pager(&page.permalink, listed.len(), number, size);
            if number > 1 {
                value = self.at(value, &output.path);
            }
        }
        self.lay_out(output, value, scope, rendered)
    }

    fn without_text(&self, output: &Planned, value: Value, items: Vec<PageId>, pager: Option<Value>) -> Rendered {
        let mut scope = self.scope(None, output.path.encoded());
        scope.items = items;
        scope.pager = pager;
        self.lay_out(output, value, scope, Rendered::default())
    }

    fn lay_out(&self, output: &Planned, page: Value, scope: Scope, mut rendered: Rendered) -> Rendered {
        let Some(layout) = &output.layout else { return rendered };
        let data = json!({ "site": self.described, "page": page });
        match self.layouts.render(layout, data, &Rc::new(scope)) {
            Ok(bytes) => rendered.bytes = Some(bytes),
            Err(diagnostic) => rendered.found.push(*diagnostic),
        }
        rendered
    }

    fn scope(&self, page: Option<PageId>, url: String) -> Scope {
        Scope {
            site: self.site.clone(),
            assets: self.assets.clone(),
            data: self.data.clone(),
            page,
            url,
            content: String::new(),
            headings: Vec::new(),
            items: Vec::new(),
            pager: None,
        }
    }

    /// The value of `page` for an output that has no file of its own.
    fn virtual_page(&self, kind: &str, title: &str, path: &Permalink) -> Value {
        let taxonomies: Map<String, Value> =
            self.site.config.taxonomies.iter().map(|name| (name.clone(), json!([]))).collect();
        let value = json!({
            "kind": kind, "title": title, "permalink": "", "url": "", "source": "", "description": null, "summary": "", "date": null,
            "updated": null, "draft": false, "weight": null, "slug": "", "section": "", "words": 0, "minutes": 0,
            "taxonomies": taxonomies, "term": null, "layout": null, "extra": {},
        });
        self.at(value, path)
    }

    /// `value` with the URLs of `path`.
    fn at(&self, value: Value, path: &Permalink) -> Value {
        let url = path.encoded();
        let base = self.site.config.base_url.trim_end_matches('/');
        let slug = path.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let value = with(value, "slug", slug.into());
        let value = with(value, "permalink", format!("{base}{url}").into());
        with(value, "url", url.into())
    }
}

/// The value of `site` in layouts.
pub fn describe(site: &Site) -> Value {
    let config = &site.config;
    json!({
        "title": config.title,
        "base_url": config.base_url,
        "language": config.language,
        "description": config.description,
        "author": config.author,
        "search": config.search,
        "accounts": config.edge.accounts,
        "feed": if config.feed.limit > 0 { Value::from(config.feed.path.as_str()) } else { Value::Null },
        "extra": config.extra,
    })
}

fn with(mut value: Value, key: &str, new: Value) -> Value {
    if let Some(keys) = value.as_object_mut() {
        keys.insert(key.to_owned(), new);
    }
    value
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The `number`-th `size` of `ids`, counted from 1.
fn slice(ids: &[PageId], number: usize, size: usize) -> Vec<PageId> {
    ids.chunks(size).nth(number - 1).unwrap_or_default().to_vec()
}

/// The value of `{{#pager}}`; none when all is on one page.
fn pager(first: &Permalink, count: usize, number: usize, size: usize) -> Option<Value> {
    let total = count.div_ceil(size);
    let url = |number: usize| first.list_page(number).encoded();
    (total > 1).then(|| {
        json!({
            "number": number,
            "total": total,
            "count": count,
            "previous_url": (number > 1).then(|| url(number - 1)),
            "next_url": (number < total).then(|| url(number + 1)),
            "first_url": url(1),
            "last_url": url(total),
        })
    })
}

/// What the Markdown of one page may ask.
struct Around<'a> {
    kitchen: &'a Kitchen,
    plan: &'a Plan,
    page: &'a Page,
    id: PageId,
    file: &'a str,
    to_anchors: Mutex<Vec<ToAnchor>>,
    found: Mutex<Vec<Diagnostic>>,
}

impl Around<'_> {
    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place::of(self.file, &self.page.text, span)
    }
}

impl Surroundings for Around<'_> {
    fn resolve_link(&self, destination: &str, _: LinkKind, span: std::ops::Range<usize>) -> Option<String> {
        let severity = match self.kitchen.site.config.links.broken {
            Broken::Error => Some(Severity::Error),
            Broken::Warn => Some(Severity::Warning),
            Broken::Ignore => None,
        };
        match link::resolve(&self.kitchen.site, self.plan, self.page, destination) {
            Target::Outside => None,
            Target::Inside { url, path, anchor } => {
                if let Some(anchor) = anchor {
                    let to = ToAnchor { path, anchor, place: self.place(span) };
                    self.to_anchors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(to);
                }
                Some(url)
            }
            Target::Broken { message, hint } => {
                if let Some(severity) = severity {
                    let place = self.place(span);
                    let diagnostic = Diagnostic {
                        place: Some(place),
                        severity,
                        code: Code::BrokenLink,
                        message,
                        hints: hint.into_iter().collect(),
                    };
                    self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(diagnostic);
                }
                None
            }
        }
    }

    fn has_shortcode(&self, name: &str) -> bool {
        self.kitchen.layouts.has(&format!("shortcodes/{name}"))
    }

    fn shortcode_names(&self) -> Vec<String> {
        self.kitchen.layouts.names().filter_map(|name| name.strip_prefix("shortcodes/")).map(str::to_owned).collect()
    }

    fn render_shortcode(&self, call: &ShortcodeCall) -> Result<String, Vec<Diagnostic>> {
        let mut data = call.named.clone();
        data.insert("args".to_owned(), Value::Array(call.args.clone()));
        data.insert("body".to_owned(), call.body.clone().map_or(Value::Null, Value::String));
        data.insert("page".to_owned(), self.page.shown.clone());
        data.insert("site".to_owned(), self.kitchen.described.clone());
        let scope = self.kitchen.scope(Some(self.id), self.page.permalink.encoded());
        let name = format!("shortcodes/{}", call.name);
        match self.kitchen.layouts.render(&name, Value::Object(data), &Rc::new(scope)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()),
            Err(diagnostic) => {
                let place = self.place(call.span.clone());
                let called = format!("called by `{}` at {}:{}:{}", call.name, place.file, place.line, place.column);
                Err(vec![diagnostic.hint(called)])
            }
        }
    }
}
