//! The templates of `dynamic/`: Handlebars, strict, HTML-escaped.
//!
//! They come with the release. A few are built in, so that an edge can say what went wrong
//! whatever the release holds; a release's own of the same name wins.
//!
//! Rendering is the author's program: it is never run on an async thread.

use handlebars::Handlebars;
use handlebars::template::Template;

use super::node::EdgeError;
use crate::site::{recursion, theme};

/// The templates of a release.
#[derive(Debug)]
pub(super) struct Templates {
    html: Handlebars<'static>,
    /// Those whose answer is a text, and is escaped by who uses it: titles.
    text: Handlebars<'static>,
}

impl Templates {
    /// Only those that are built in.
    pub(super) fn built_in() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        for (path, bytes) in theme::dynamic() {
            let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) else { continue };
            match compile(name, text) {
                Ok(template) => registry.register_template(name, template),
                Err(error) => tracing::error!(%error, name, "a template of the program is damaged"),
            }
        }
        recursion::register(&mut registry);
        let mut text = Handlebars::new();
        text.set_strict_mode(true);
        text.register_escape_fn(handlebars::no_escape);
        recursion::register(&mut text);
        Self { html: registry, text }
    }

    /// Adds a template, or replaces the one of that name.
    pub(super) fn register(&mut self, name: &str, text: &str) -> Result<(), EdgeError> {
        let template = compile(name, text)
            .map_err(|error| EdgeError::Template { name: name.to_owned(), why: error.to_string() })?;
        self.html.register_template(name, template);
        Ok(())
    }

    /// Adds a template whose answer is a text.
    pub(super) fn register_text(&mut self, name: &str, text: &str) -> Result<(), EdgeError> {
        let template = compile(name, text)
            .map_err(|error| EdgeError::Template { name: name.to_owned(), why: error.to_string() })?;
        self.text.register_template(name, template);
        Ok(())
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
    Ok(template)
}
