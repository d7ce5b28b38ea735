//! A dynamic page: data, a template, and the site's shell around what they make.
//!
//! A handler returns a [`Page`], which is data only. `respond` renders it at the end: it
//! knows which release the request is answered from, and takes the author's template off
//! the async threads. The shell is a layout that the build has rendered with holes in it;
//! their places are recorded, so nothing is parsed here.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::task;
use warp::Reply;

use super::fragment::{Holes, Put};
use super::live::SCRIPT_TAG;
use super::live_release::LiveRelease;
use super::node::Edge;
use super::refusal::Refusal;
use super::room::Response;

/// The name of the shell that dynamic pages wear.
pub(super) const SHELL: &str = "page";

/// In the head of most: what is made for one reader is nothing for a search engine.
const HEAD: &str = r#"<meta name="robots" content="noindex">"#;

/// For a release without a shell.
const PLAIN: [&str; 5] = [
    "<!doctype html>\n<html lang=\"en\"",
    ">\n<head>\n<meta charset=\"utf-8\">\n\
     <meta name=\"viewport\" content=\"width=device-width\">\n<title>",
    "</title>\n",
    "\n</head>\n<body>\n<main>\n",
    "</main>\n</body>\n</html>\n",
];

/// A dynamic page that a handler answers with.
#[derive(Clone, Debug)]
pub struct Page {
    template: Cow<'static, str>,
    title: String,
    data: Value,
    status: StatusCode,
    /// HTML for the reader who asks, beside [`HEAD`].
    head: String,
    /// Attributes of `<html>`: the look that the reader chose.
    look: String,
    /// Whether search engines may list it.
    robots: Robots,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Robots {
    Welcome,
    KeptOut,
}

impl Page {
    /// The page that the template `dynamic/{template}.hbs` makes of `data`. The title is
    /// text, not HTML.
    pub fn new(template: impl Into<Cow<'static, str>>, title: impl Into<String>, data: Value) -> Self {
        Self {
            template: template.into(),
            title: title.into(),
            data,
            status: StatusCode::OK,
            head: String::new(),
            look: String::new(),
            robots: Robots::KeptOut,
        }
    }

    /// The same page, for everybody: search engines may list it.
    #[must_use]
    pub(super) fn open_to_search_engines(self) -> Self {
        Self { robots: Robots::Welcome, ..self }
    }

    /// A page that says one thing.
    pub fn notice(title: impl Into<String>, message: impl Into<String>) -> Self {
        let title = title.into();
        let data = json!({ "title": title, "message": message.into() });
        Self::new("refusal/notice", title, data)
    }

    /// The same page with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same page with more in its head: HTML.
    #[must_use]
    pub(super) fn with_head(self, head: String) -> Self {
        Self { head, ..self }
    }

    /// The same page with attributes for `<html>`, each with a space before it.
    #[must_use]
    pub(super) fn with_look(self, look: String) -> Self {
        Self { look, ..self }
    }

    /// The whole document, dressed.
    pub(super) async fn render(self, edge: &Edge, release: &Arc<LiveRelease>) -> Result<Document, Refusal> {
        let release = Arc::clone(release);
        let tail = if edge.options().live.is_some() { SCRIPT_TAG } else { "" };
        let rendered = task::spawn_blocking(move || {
            let mut main = release.templates.render(&self.template, &self.data)?;
            main.push_str(tail);
            let title = handlebars::html_escape(&self.title);
            let robots = if self.robots == Robots::KeptOut { HEAD } else { "" };
            let head = [robots, &self.head].concat();
            Ok(dress(release.shell(SHELL), &Fillings { title: &title, head: &head, look: &self.look, main: &main }))
        });
        match rendered.await {
            Ok(Ok(document)) => Ok(document),
            Ok(Err(error)) => {
                let error: handlebars::RenderError = error;
                Err(Refusal::fault("a dynamic page cannot be rendered", &error))
            }
            Err(panic) => Err(Refusal::fault("rendering a dynamic page panicked", &panic)),
        }
    }
}

impl Reply for Page {
    /// Carries the page to `respond`.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// A dynamic page as it is sent.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) bytes: Bytes,
    /// The fragments of its dress.
    pub(super) fragments: Option<Holes>,
}

/// A layout rendered once, with holes.
#[derive(Debug)]
pub(super) struct Shell {
    bytes: Bytes,
    holes: Vec<(String, usize)>,
    fragments: Option<Holes>,
}

impl Shell {
    /// Whether fragments stand in it.
    pub(super) fn has_fragments(&self) -> bool {
        self.fragments.is_some()
    }

    /// `None` when a hole is outside the bytes, or before the one before it.
    pub(super) fn of(bytes: Bytes, holes: Vec<(String, usize)>, fragments: Option<Holes>) -> Option<Self> {
        let in_order = holes.is_sorted_by_key(|(_, at)| *at);
        let inside = holes.last().is_none_or(|(_, at)| *at <= bytes.len());
        (in_order && inside).then_some(Self { bytes, holes, fragments })
    }
}

/// What goes into the holes: HTML, each of them.
struct Fillings<'a> {
    title: &'a str,
    head: &'a str,
    /// Attributes: the hole stands inside the tag of `<html>`.
    look: &'a str,
    main: &'a str,
}

/// Fills the holes of `shell`.
fn dress(shell: Option<&Shell>, fillings: &Fillings<'_>) -> Document {
    let Fillings { title, head, look, main } = *fillings;
    let Some(shell) = shell else {
        let [before_look, before_title, before_head, before_main, end] = PLAIN;
        let plain = [before_look, look, before_title, title, before_head, head, before_main, main, end];
        return Document { bytes: plain.concat().into(), fragments: None };
    };
    let filling_of = |name: &str| match name {
        "title" => title,
        "head" => head,
        "look" => look,
        "main" => main,
        _ => "",
    };
    let mut document = Vec::with_capacity(shell.bytes.len() + title.len() * 2 + head.len() + main.len());
    let mut from = 0;
    for (name, at) in &shell.holes {
        document.extend_from_slice(&shell.bytes[from..*at]);
        from = *at;
        document.extend_from_slice(filling_of(name).as_bytes());
    }
    document.extend_from_slice(&shell.bytes[from..]);
    let further = |offset: usize, put: Put| {
        let filled = shell.holes.iter().filter(|(_, at)| *at < offset || (*at == offset && put == Put::Before));
        filled.map(|(name, _)| filling_of(name).len()).sum()
    };
    let fragments = shell.fragments.as_ref().map(|fragments| fragments.moved(further));
    Document { bytes: document.into(), fragments }
}
