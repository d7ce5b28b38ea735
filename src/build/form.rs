//! Forms in static pages: the declarations of `dynamic/forms/`, rendered by the template that
//! the edge uses for them, too.
//!
//! [`Forms`] is one part of the world. A page that places a form reads its declaration and
//! the templates in `dynamic/form/`: [`Forms::answer`] is the digest of both.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::{Handlebars, RenderError, Template};

use super::sources::{Sources, read_text};
use crate::site::config;
use crate::site::diagnostic::Diagnostic;
use crate::site::form::{Filled, Form, shown};
use crate::site::{recursion, theme};

/// What renders a form.
const TEMPLATE: &str = "form/form";
/// Where declarations are.
const FOLDER: &str = "dynamic/forms/";

/// Every form of a site.
#[derive(Debug, Default)]
pub struct Forms {
    forms: BTreeMap<String, Form>,
    /// Declarations with mistakes. Each has its own diagnostics; who places such a form has
    /// done nothing wrong.
    broken: BTreeSet<String>,
    templates: Handlebars<'static>,
    /// Of the templates' texts.
    digest: blake3::Hasher,
    /// Templates that cannot be read are reported with all others of the edge.
    are_templates_whole: bool,
}

impl Forms {
    /// Reads those among `files`, for a site whose edge is configured so.
    pub fn load(sources: &dyn Sources, files: &[String], edge: &config::Edge, found: &mut Vec<Diagnostic>) -> Self {
        let mut forms = Self { are_templates_whole: true, ..Self::default() };
        for file in files {
            let Some(name) = file.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".yaml")) else { continue };
            let (form, mistakes) = match read_text(sources, file) {
                Ok(text) => Form::parse(name, file, &text, edge),
                Err(diagnostic) => (None, vec![diagnostic]),
            };
            match form.filter(|_| mistakes.is_empty()) {
                Some(form) => drop(forms.forms.insert(name.to_owned(), form)),
                None => drop(forms.broken.insert(name.to_owned())),
            }
            found.extend(mistakes);
        }
        forms.load_templates(sources, files);
        forms
    }

    fn load_templates(&mut self, sources: &dyn Sources, files: &[String]) {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for (path, bytes) in theme::dynamic().filter(|(path, _)| path.starts_with("form/")) {
            if let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) {
                texts.insert(name.to_owned(), text.to_owned());
            }
        }
        for file in files.iter().filter(|file| file.starts_with("dynamic/form/")) {
            let name = file.strip_prefix("dynamic/").and_then(|path| path.strip_suffix(".hbs"));
            match (name, read_text(sources, file)) {
                (Some(name), Ok(text)) => drop(texts.insert(name.to_owned(), text)),
                (Some(_), Err(_)) => self.are_templates_whole = false,
                (None, _) => {}
            }
        }
        self.templates.set_strict_mode(true);
        // What was typed may stand inside <textarea>.
        self.templates.set_prevent_indent(true);
        recursion::register(&mut self.templates);
        for (name, text) in texts {
            self.digest.update(name.as_bytes()).update(&[0]).update(text.as_bytes()).update(&[0]);
            match Template::compile_with_name(&text, name.clone()) {
                Ok(mut template) => {
                    recursion::guard(&mut template);
                    self.templates.register_template(&name, template);
                }
                Err(_) => self.are_templates_whole = false,
            }
        }
    }

    /// The form of this name as HTML, empty; no HTML where a mistake that is told elsewhere
    /// is in the way.
    pub fn html(&self, name: &str) -> Option<Result<String, RenderError>> {
        if self.broken.contains(name) || (!self.are_templates_whole && self.forms.contains_key(name)) {
            return Some(Ok(String::new()));
        }
        let form = self.forms.get(name)?;
        let depth = recursion::begin();
        let html = self.templates.render(TEMPLATE, &shown(form, &Filled::default()));
        recursion::restore(depth);
        Some(html)
    }

    /// What decides how the form of this name looks; none when there is none.
    pub fn answer(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = match self.forms.get(name) {
            Some(form) => serde_json::to_vec(form).unwrap_or_default(),
            None if self.broken.contains(name) => Vec::new(),
            None => return None,
        };
        bytes.extend_from_slice(self.digest.finalize().as_bytes());
        Some(bytes)
    }

    /// All of them, for the release.
    pub fn all(&self) -> &BTreeMap<String, Form> {
        &self.forms
    }

    /// The names of all, broken ones too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.forms.keys().chain(&self.broken).map(String::as_str)
    }

    /// Whether every declaration could be read.
    pub fn are_whole(&self) -> bool {
        self.broken.is_empty()
    }
}
