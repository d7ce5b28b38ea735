//! Rendering one output: from what is planned to its bytes.
//!
//! What a page costs is its own Markdown and its own layout, however large the site. All
//! that it learns of the rest of the site comes by its [`Reader`], which notes it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::link::Target;
use super::plan::{Planned, Subject};
use super::version::Version;
use crate::build::fragment;
use crate::build::layout::Scope;
use crate::build::markdown::{self, LinkKind, ShortcodeCall, Surroundings};
use crate::build::model::{Fields, Origin, Page, PageId, Site, body_of};
use crate::build::texts::Texts;
use crate::build::trace::{Asked, List, Read, Reads, Setting};
use crate::build::world::{Reader, World};
use crate::site::config::Broken;
use crate::site::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::site::permalink::{Permalink, readable};
use crate::site::release::Fragment;
use crate::site::search::Document;

/// The shortcode that every site has: it places a fragment.
const FRAGMENT: &str = "fragment";

/// Renders outputs; shared by all threads.
pub struct Renderer<'a> {
    /// Everything that outputs are made from.
    pub world: &'a Arc<World>,
    /// Where reads are noted.
    pub reads: &'a Arc<Reads>,
    /// The texts of pages.
    pub texts: &'a Texts<'a>,
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
    /// The fragments in its bytes.
    pub fragments: Vec<Fragment>,
    /// What it has read.
    pub asked: Asked,
}

/// A link to an anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToAnchor {
    /// Decoded path of the page that it leads to.
    pub path: String,
    /// The id there.
    pub anchor: String,
    /// Where the link is written.
    pub place: Place,
}

impl Renderer<'_> {
    /// Renders what has a layout. Feeds, maps and files are made elsewhere.
    pub fn render(&self, output: &Planned) -> Rendered {
        let site = &self.world.site;
        let about = match &output.subject {
            Subject::Page(id, _) => Some(List::Section(site.page(*id).source.clone())),
            Subject::Term(taxonomy, term, _) => {
                let taxonomy = &site.taxonomies[*taxonomy];
                Some(List::Term(taxonomy.name.clone(), taxonomy.terms[*term].slug.clone()))
            }
            _ => None,
        };
        let reader = Reader::new(self.world.clone(), self.reads.clone(), about);
        let mut rendered = match &output.subject {
            Subject::Page(id, _) if output.version == Version::Open => self.open_page(&reader, output, *id),
            Subject::Page(id, number) => self.page(&reader, output, *id, *number),
            Subject::Letter(id) => self.letter(&reader, *id),
            Subject::Taxonomy(index) => {
                let name = &self.world.site.taxonomies[*index].name;
                let value = self.virtual_page(&reader, "taxonomy", &readable(name), &output.path);
                let value = with(value, "term", json!({ "taxonomy": name }));
                self.lay_out(&reader, output, value, Text::default())
            }
            Subject::Term(taxonomy, term, number) => self.term(&reader, output, *taxonomy, *term, *number),
            Subject::NotFound => {
                let value = self.virtual_page(&reader, "404", "Page not found", &output.path);
                self.lay_out(&reader, output, value, Text::default())
            }
            Subject::Feed | Subject::Sitemap | Subject::Robots | Subject::File(_) | Subject::Alias(_) => {
                Rendered::default()
            }
        };
        self.cut(&reader, output, &mut rendered);
        rendered.asked = reader.asked();
        rendered
    }

    /// Takes the marks of fragments out of the bytes.
    fn cut(&self, reader: &Reader, output: &Planned, rendered: &mut Rendered) {
        let placed = reader.placed();
        let Some(bytes) = rendered.bytes.take_if(|_| !placed.is_empty()) else { return };
        match fragment::cut(&bytes, &placed) {
            Ok((bytes, fragments)) => {
                rendered.bytes = Some(bytes);
                rendered.fragments = fragments;
            }
            Err(number) => {
                let file = match (&output.subject, &output.layout) {
                    (Subject::Page(id, _), _) => self.world.site.page(*id).place().file,
                    (_, Some(layout)) => format!("layouts/{layout}.hbs"),
                    (_, None) => output.path.to_string(),
                };
                let name = placed.get(number).map_or("", |call| call.name.as_str());
                let message = format!("the fragment `{name}` is not written as HTML where it is shown");
                let mistake = Diagnostic::error(Code::Fragment, Place::file(file), message);
                rendered.found.push(mistake.hint("write what holds it with three braces: `{{{body}}}`"));
            }
        }
    }

    /// Renders the layout `name` as a shell: marks stand where the edge will put things.
    pub fn shell(&self, name: &str) -> Rendered {
        let reader = Reader::new(self.world.clone(), self.reads.clone(), None);
        let path = Permalink::file("/_/shell");
        let title = crate::build::shell::mark("title");
        let value = with(self.virtual_page(&reader, "shell", "", &path), "title", title.into());
        let (version, layout) = (Version::Public, Some(name.to_owned()));
        let output = Planned { path, version, subject: Subject::NotFound, layout };
        let text = Text { content: crate::build::shell::mark("main"), url: Some(String::new()), ..Text::default() };
        let mut rendered = self.lay_out(&reader, &output, value, text);
        self.cut(&reader, &output, &mut rendered);
        rendered.asked = reader.asked();
        rendered
    }

    fn page(&self, reader: &Reader, output: &Planned, id: PageId, number: usize) -> Rendered {
        let site = &self.world.site;
        let page = site.page(id);
        let file = page.file();
        let text = match self.text(reader, page) {
            Ok(text) => text,
            Err(diagnostic) => return Rendered { found: vec![*diagnostic], ..Rendered::default() },
        };
        // The text is the same on each list page: it is found by the first.
        let is_text = output.version == Version::Text;
        let is_found = number == 1 && !is_text && {
            reader.note(&Read::Setting(Setting::Search));
            site.config.search && page.front.in_search
        };
        let surroundings = PageSurroundings {
            renderer: self,
            reader,
            page,
            id,
            file: &file,
            text: &text,
            is_found,
            to_anchors: RefCell::default(),
            found: RefCell::default(),
        };
        let source = markdown::Source { file: &file, text: &text, body: body_of(&text, page.front.title.as_deref()) };
        let (html, found) = markdown::render(source, reader.markdown(), &surroundings);
        let mut rendered = Rendered { found, ..Rendered::default() };
        rendered.found.extend(surroundings.found.into_inner());
        if number == 1 {
            rendered.to_anchors = surroundings.to_anchors.into_inner();
            rendered.anchors = html.anchors;
            if is_found {
                if html.sections.is_empty() {
                    reader.note(&read_whole(page, Fields::named("title").and(Fields::named("description"))));
                }
                rendered.documents = documents_of(page, site, html.sections);
            }
        } else {
            // The text is the same on each list page: its mistakes are told once.
            rendered.found.clear();
        }
        if is_text {
            // Its mistakes are told by the page.
            let bytes = Some(html.html.into_bytes());
            return Rendered { bytes, ..Rendered::default() };
        }
        let fields = output.layout.as_deref().map_or(Fields::NONE, |layout| self.world.layouts.fields(layout));
        let described = reader.ask(&read_whole(page, fields));
        let mut value = described.and_then(|mut values| values.pop()).unwrap_or_default();
        if number > 1 {
            value = self.at(reader, value, &output.path);
        }
        let text = Text {
            content: html.html,
            headings: html.headings,
            source: Some(page.source.clone()),
            list: self.list(output, id, number),
            url: None,
        };
        Rendered { bytes: None, ..rendered }.and(self.lay_out(reader, output, value, text))
    }

    /// What an output of the page lists, if it does.
    pub(super) fn list(&self, output: &Planned, id: PageId, number: usize) -> Option<(List, usize, Permalink)> {
        let site = &self.world.site;
        let lists = output.layout.as_deref().is_some_and(|layout| self.world.layouts.shows_items(layout))
            && site.sections.contains_key(&id);
        let page = site.page(id);
        lists.then(|| (List::Section(page.source.clone()), number, page.permalink.clone()))
    }

    /// The text of the page alone. Its mistakes are told by the page.
    fn letter(&self, reader: &Reader, id: PageId) -> Rendered {
        let page = self.world.site.page(id);
        let file = page.file();
        let Ok(text) = self.text(reader, page) else { return Rendered::default() };
        let surroundings = PageSurroundings {
            renderer: self,
            reader,
            page,
            id,
            file: &file,
            text: &text,
            is_found: false,
            to_anchors: RefCell::default(),
            found: RefCell::default(),
        };
        let source = markdown::Source { file: &file, text: &text, body: body_of(&text, page.front.title.as_deref()) };
        let (html, _) = markdown::render(source, reader.markdown(), &surroundings);
        Rendered { bytes: Some(html.html.into_bytes()), ..Rendered::default() }
    }

    fn text(&self, reader: &Reader, page: &Page) -> Result<Arc<str>, Box<Diagnostic>> {
        // All that is said of it stands in its head.
        if let Origin::Row(_) = page.origin {
            return Ok(Arc::from(""));
        }
        let file = page.file();
        reader.note(&Read::File(file.clone()));
        match self.texts.of(&file) {
            Ok(text) => Ok(text),
            Err(_) if page.origin == Origin::Nothing => Ok(Arc::from("")),
            Err(diagnostic) => Err(Box::new(diagnostic)),
        }
    }

    fn term(&self, reader: &Reader, output: &Planned, taxonomy: usize, term: usize, number: usize) -> Rendered {
        let taxonomy = &self.world.site.taxonomies[taxonomy];
        let term = &taxonomy.terms[term];
        let list = List::Term(taxonomy.name.clone(), term.slug.clone());
        // Its name and count, too.
        reader.note(&Read::Length(list.clone()));
        let value = self.virtual_page(reader, "term", &term.name, &output.path);
        let shown =
            json!({ "name": term.name, "slug": term.slug, "taxonomy": taxonomy.name, "count": term.pages.len() });
        let text = Text { list: Some((list, number, term.permalink.clone())), ..Text::default() };
        self.lay_out(reader, output, with(value, "term", shown), text)
    }

    pub(super) fn lay_out(&self, reader: &Reader, output: &Planned, page: Value, text: Text) -> Rendered {
        let Some(layout) = &output.layout else { return Rendered::default() };
        let data = json!({ "site": reader.described(), "page": page });
        let (list, first) = match text.list {
            Some((list, number, first)) => (Some((list, number)), first),
            None => (None, output.path.clone()),
        };
        let scope = Scope {
            reader: reader.clone(),
            fields: self.world.layouts.fields(layout),
            source: text.source,
            url: text.url.unwrap_or_else(|| output.path.encoded()),
            content: text.content,
            headings: text.headings,
            list,
            first,
        };
        match self.world.layouts.render(layout, data, &Rc::new(scope)) {
            Ok(bytes) => Rendered { bytes: Some(bytes), ..Rendered::default() },
            Err(diagnostic) => Rendered { found: vec![*diagnostic], ..Rendered::default() },
        }
    }

    /// The value of `page` for an output that has no file of its own.
    fn virtual_page(&self, reader: &Reader, kind: &str, title: &str, path: &Permalink) -> Value {
        reader.note(&Read::Setting(Setting::Taxonomies));
        let taxonomies: Map<String, Value> =
            self.world.site.config.taxonomies.iter().map(|name| (name.clone(), json!([]))).collect();
        let value = json!({
            "kind": kind, "title": title, "permalink": "", "url": "", "source": "", "description": null, "summary": "", "date": null,
            "updated": null, "draft": false, "weight": null, "slug": "", "section": "", "words": 0, "minutes": 0,
            "taxonomies": taxonomies, "term": null, "layout": null, "extra": {}, "access": null, "is_open": false,
        });
        self.at(reader, value, path)
    }

    /// `value` with the URLs of `path`.
    pub(super) fn at(&self, reader: &Reader, value: Value, path: &Permalink) -> Value {
        let url = path.encoded();
        let base = reader.base_url();
        let slug = path.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let value = with(value, "slug", slug.into());
        let value = with(value, "permalink", format!("{base}{url}").into());
        with(value, "url", url.into())
    }
}

impl Rendered {
    /// This, and the bytes and mistakes of `other`.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.bytes = other.bytes;
        self.found.extend(other.found);
        self
    }
}

/// The question for a page that is shown whole.
fn read_whole(page: &Page, fields: Fields) -> Read {
    let source = page.source.clone();
    if page.is_restricted() { Read::Whole { source, fields } } else { Read::Page { source, fields } }
}

/// What a layout gets beside the value of `page`.
#[derive(Default)]
pub(super) struct Text {
    pub(super) content: String,
    pub(super) headings: Vec<markdown::Heading>,
    pub(super) source: Option<String>,
    /// A list, the number of its list page, and where the first one lives.
    pub(super) list: Option<(List, usize, Permalink)>,
    /// Another URL than the output's.
    pub(super) url: Option<String>,
}

/// What can be found of a page: its sections; of one without a text, its title and description.
fn documents_of(page: &Page, site: &Site, sections: Vec<markdown::TextSection>) -> Vec<Document> {
    let (title, path) = (page.title(&site.config), page.permalink.as_str());
    if sections.is_empty() {
        let text = page.front.description.clone().unwrap_or_default();
        return vec![Document { path: path.to_owned(), title, text, ..Document::default() }];
    }
    let documents = sections.into_iter().enumerate().map(|(position, section)| Document {
        position,
        path: path.to_owned(),
        anchor: section.anchor,
        title: title.clone(),
        heading: section.heading,
        text: section.text,
    });
    documents.collect()
}

pub(super) fn with(mut value: Value, key: &str, new: Value) -> Value {
    if let Some(keys) = value.as_object_mut() {
        keys.insert(key.to_owned(), new);
    }
    value
}

/// What the Markdown of one page may ask.
struct PageSurroundings<'a> {
    renderer: &'a Renderer<'a>,
    reader: &'a Reader,
    page: &'a Page,
    id: PageId,
    file: &'a str,
    text: &'a str,
    /// Whether the search finds it.
    is_found: bool,
    to_anchors: RefCell<Vec<ToAnchor>>,
    found: RefCell<Vec<Diagnostic>>,
}

impl PageSurroundings<'_> {
    /// `{{ fragment("popular", limit=3) }}`
    fn fragment(&self, call: &ShortcodeCall) -> Result<String, Box<Diagnostic>> {
        let place = self.place(call.span.clone());
        let [Value::String(name)] = call.args.as_slice() else {
            let message = "`fragment` wants the name of a fragment, and its arguments by name".to_owned();
            let mistake = Diagnostic::error(Code::Fragment, place, message);
            return Err(Box::new(mistake.hint("write `fragment(\"name\", limit=3)`")));
        };
        let given = call.named.iter().map(|(key, value)| (key.as_str(), value));
        let fallback = call.body.as_deref().unwrap_or_default();
        fragment::element(self.reader, name, given, fallback).map_err(|refused| {
            let fragment::Mistake { code, message, hint } = refused;
            let mistake = Diagnostic::error(code, place, message);
            Box::new(hint.into_iter().fold(mistake, Diagnostic::hint))
        })
    }

    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place::of(self.file, self.text, span)
    }
}

impl Surroundings for PageSurroundings<'_> {
    fn resolve_link(&self, destination: &str, _: LinkKind, span: std::ops::Range<usize>) -> Option<String> {
        let severity = match self.renderer.world.site.config.links.broken {
            Broken::Error => Some(Severity::Error),
            Broken::Warn => Some(Severity::Warning),
            Broken::Ignore => None,
        };
        self.reader.note(&Read::Setting(Setting::Links));
        match self.reader.target(self.id, destination) {
            Target::Outside => None,
            Target::Inside { url, path, anchor } => {
                if let Some(anchor) = anchor {
                    let to = ToAnchor { path, anchor, place: self.place(span) };
                    self.to_anchors.borrow_mut().push(to);
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
                    self.found.borrow_mut().push(diagnostic);
                }
                None
            }
        }
    }

    fn want_words(&self) -> bool {
        self.is_found
    }

    fn has_shortcode(&self, name: &str) -> bool {
        name == FRAGMENT || self.reader.has_template(&format!("shortcodes/{name}"))
    }

    fn shortcode_names(&self) -> Vec<String> {
        self.reader
            .unnoted()
            .layouts
            .names()
            .filter_map(|name| name.strip_prefix("shortcodes/"))
            .chain([FRAGMENT])
            .map(str::to_owned)
            .collect()
    }

    fn render_shortcode(&self, call: &ShortcodeCall) -> Result<String, Vec<Diagnostic>> {
        // A site's own shortcode of that name is what its author means.
        if call.name == FRAGMENT && !self.reader.has_template("shortcodes/fragment") {
            return self.fragment(call).map_err(|mistake| vec![*mistake]);
        }
        let name = format!("shortcodes/{}", call.name);
        let world = self.renderer.world;
        let fields = world.layouts.fields(&name);
        let described = self.reader.ask(&read_whole(self.page, fields));
        let described = described.and_then(|mut values| values.pop()).unwrap_or_default();
        let mut data = call.named.clone();
        data.insert("args".to_owned(), Value::Array(call.args.clone()));
        data.insert("body".to_owned(), call.body.clone().map_or(Value::Null, Value::String));
        data.insert("page".to_owned(), described);
        data.insert("site".to_owned(), self.reader.described().clone());
        let scope = Scope {
            reader: self.reader.clone(),
            fields,
            source: Some(self.page.source.clone()),
            url: self.page.permalink.encoded(),
            content: String::new(),
            headings: Vec::new(),
            list: None,
            first: self.page.permalink.clone(),
        };
        match world.layouts.render(&name, Value::Object(data), &Rc::new(scope)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()),
            // The name is written in the call: that is where it is mended.
            Err(diagnostic) if diagnostic.code == Code::UnknownForm => {
                Err(vec![Diagnostic { place: Some(self.place(call.span.clone())), ..*diagnostic }])
            }
            Err(diagnostic) => {
                let place = self.place(call.span.clone());
                let called = format!("called by `{}` at {}:{}:{}", call.name, place.file, place.line, place.column);
                Err(vec![diagnostic.hint(called)])
            }
        }
    }
}
