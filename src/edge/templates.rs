//! The templates of `dynamic/`: Handlebars, strict, HTML-escaped.
//!
//! They come with the release. A few are built in, so that an edge can say what went wrong
//! whatever the release holds; a release's own of the same name wins.
//!
//! Rendering is the author's program: it is never run on an async thread.

use std::borrow::Cow;

use handlebars::Handlebars;
use handlebars::template::Template;

use super::fragment;
use super::node::EdgeError;
use crate::site::data_page::{self, DataPage};
use crate::site::fragment::{Declaration, FOLDER, template_text};
use crate::site::{figures, recursion, theme};

/// The templates of a release.
#[derive(Debug)]
pub(super) struct Templates {
    html: Handlebars<'static>,
    /// Those whose answer is a text, and is escaped by who uses it: titles, and letters.
    text: Handlebars<'static>,
}

/// What a template says of itself, before it begins.
pub(super) enum Registered {
    /// Nothing.
    Plain,
    /// It is a fragment.
    Fragment(Declaration),
    /// It is a page.
    DataPage(Box<DataPage>),
}

impl Templates {
    /// Only those that are built in.
    pub(super) fn built_in() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        let mut text_registry = Handlebars::new();
        text_registry.set_strict_mode(true);
        text_registry.register_escape_fn(handlebars::no_escape);
        for (path, bytes) in theme::dynamic() {
            let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) else { continue };
            // Fragments are the release's alone: it has the built-in ones, too.
            if name.starts_with(FOLDER) {
                continue;
            }
            match compile(name, text) {
                Ok(template) if name.ends_with(".txt") => text_registry.register_template(name, template),
                Ok(template) => registry.register_template(name, template),
                Err(error) => tracing::error!(%error, name, "a template of the program is damaged"),
            }
        }
        for registry in [&mut registry, &mut text_registry] {
            recursion::register(registry);
            figures::register(registry);
            fragment::register(registry);
        }
        Self { html: registry, text: text_registry }
    }

    /// Adds a template, or replaces the one of that name. Gives what it declares before the
    /// template itself.
    pub(super) fn register(&mut self, name: &str, text: &str) -> Result<Registered, EdgeError> {
        let wrong = |why| EdgeError::Template { name: name.to_owned(), why };
        let file = format!("dynamic/{name}.hbs");
        let (registered, text) = if name.starts_with(FOLDER) {
            let (declaration, body) = Declaration::read(&file, text).map_err(|mistake| wrong(mistake.message))?;
            (Registered::Fragment(declaration), Cow::Owned(template_text(text, body)))
        } else if name.starts_with(data_page::FOLDER) {
            let page = DataPage::parse(&file, text)
                .map_err(|found| wrong(found.into_iter().next().map(|mistake| mistake.message).unwrap_or_default()))?;
            let template = page.template.clone();
            (Registered::DataPage(Box::new(page)), Cow::Owned(template))
        } else {
            (Registered::Plain, Cow::Borrowed(text))
        };
        let template = compile(name, &text).map_err(|error| wrong(error.to_string()))?;
        self.of(name).register_template(name, template);
        Ok(registered)
    }

    /// The registry of templates of this name: those that end in `.txt` make text.
    fn of(&mut self, name: &str) -> &mut Handlebars<'static> {
        if name.ends_with(".txt") { &mut self.text } else { &mut self.html }
    }

    /// Adds a template whose answer is a text.
    pub(super) fn register_text(&mut self, name: &str, text: &str) -> Result<(), EdgeError> {
        let template = compile(name, text)
            .map_err(|error| EdgeError::Template { name: name.to_owned(), why: error.to_string() })?;
        self.text.register_template(name, template);
        Ok(())
    }

    /// Writes what `name` makes of `data`, until `out` takes no more.
    pub(super) fn render_to(
        &self,
        name: &str,
        data: &serde_json::Value,
        out: impl std::io::Write,
    ) -> Result<(), handlebars::RenderError> {
        let depth = recursion::begin();
        let written = self.html.render_to_write(name, data, out);
        recursion::restore(depth);
        written
    }

    /// The HTML that `name` makes of `data`.
    pub(super) fn render(&self, name: &str, data: &serde_json::Value) -> Result<String, handlebars::RenderError> {
        rendered(&self.html, name, data)
    }

    /// The text that `name` makes of `data`.
    pub(super) fn render_text(&self, name: &str, data: &serde_json::Value) -> Result<String, handlebars::RenderError> {
        rendered(&self.text, name, data)
    }
}

fn rendered(
    registry: &Handlebars<'_>,
    name: &str,
    data: &serde_json::Value,
) -> Result<String, handlebars::RenderError> {
    let depth = recursion::begin();
    let made = registry.render(name, data);
    recursion::restore(depth);
    made
}

/// A template that ends in an error, not in a stack overflow, when it includes itself.
fn compile(name: &str, text: &str) -> Result<Template, handlebars::TemplateError> {
    let mut template = Template::compile_with_name(text, name.to_owned())?;
    recursion::guard(&mut template);
    fragment::guard(&mut template);
    Ok(template)
}
