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
use crate::site::fragment::{Declaration, FOLDER, template_text};
use crate::site::{recursion, theme};

/// The templates of a release.
#[derive(Debug)]
pub(super) struct Templates(Handlebars<'static>);

impl Templates {
    /// Only those that are built in.
    pub(super) fn built_in() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        for (path, bytes) in theme::dynamic() {
            let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) else { continue };
            // Fragments are the release's alone: it has the built-in ones, too.
            if name.starts_with(FOLDER) {
                continue;
            }
            match compile(name, text) {
                Ok(template) => registry.register_template(name, template),
                Err(error) => tracing::error!(%error, name, "a template of the program is damaged"),
            }
        }
        recursion::register(&mut registry);
        fragment::register(&mut registry);
        Self(registry)
    }

    /// Adds a template, or replaces the one of that name. Gives what it declares when it is a
    /// fragment.
    pub(super) fn register(&mut self, name: &str, text: &str) -> Result<Option<Declaration>, EdgeError> {
        let wrong = |why| EdgeError::Template { name: name.to_owned(), why };
        let (declaration, text) = if name.starts_with(FOLDER) {
            let read = Declaration::read(&format!("dynamic/{name}.hbs"), text);
            let (declaration, body) = read.map_err(|mistake| wrong(mistake.message))?;
            (Some(declaration), Cow::Owned(template_text(text, body)))
        } else {
            (None, Cow::Borrowed(text))
        };
        let template = compile(name, &text).map_err(|error| wrong(error.to_string()))?;
        self.0.register_template(name, template);
        Ok(declaration)
    }

    /// Writes what `name` makes of `data`, until `out` takes no more.
    pub(super) fn render_to(
        &self,
        name: &str,
        data: &serde_json::Value,
        out: impl std::io::Write,
    ) -> Result<(), handlebars::RenderError> {
        let depth = recursion::begin();
        let written = self.0.render_to_write(name, data, out);
        recursion::restore(depth);
        written
    }

    /// The HTML that `name` makes of `data`.
    pub(super) fn render(&self, name: &str, data: &serde_json::Value) -> Result<String, handlebars::RenderError> {
        let depth = recursion::begin();
        let html = self.0.render(name, data);
        recursion::restore(depth);
        html
    }
}

/// A template that ends in an error, not in a stack overflow, when it includes itself.
fn compile(name: &str, text: &str) -> Result<Template, handlebars::TemplateError> {
    let mut template = Template::compile_with_name(text, name.to_owned())?;
    recursion::guard(&mut template);
    fragment::guard(&mut template);
    Ok(template)
}
