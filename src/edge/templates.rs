//! The templates of `dynamic/`: Handlebars, strict, HTML-escaped.
//!
//! They come with the release. A few are built in, so that an edge can say what went wrong
//! whatever the release holds; a release's own of the same name wins.
//!
//! Rendering is the author's program: it is never run on an async thread.

use handlebars::Handlebars;
use handlebars::template::{Parameter, Template, TemplateElement};
use rustc_hash::{FxHashMap, FxHashSet};

use super::node::EdgeError;
use crate::site::theme;

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
            if let Err(error) = registry.register_template_string(name, text) {
                tracing::error!(%error, name, "a template of the program is damaged");
            }
        }
        Self(registry)
    }

    /// Adds a template, or replaces the one of that name.
    pub(super) fn register(&mut self, name: &str, text: &str) -> Result<(), EdgeError> {
        self.0
            .register_template_string(name, text)
            .map_err(|error| EdgeError::Template { name: name.to_owned(), why: error.to_string() })
    }

    /// Refuses a template that includes itself without a condition: rendering it would
    /// overflow the stack, which ends the process. One under `{{#if}}` or `{{#each}}` is
    /// how a tree is rendered, and may stay.
    pub(super) fn check_includes(&self) -> Result<(), EdgeError> {
        let includes: FxHashMap<&str, Vec<&str>> =
            self.0.get_templates().iter().map(|(name, template)| (name.as_str(), included_by(template))).collect();
        let mut names: Vec<&str> = includes.keys().copied().collect();
        names.sort_unstable();
        let mut safe = FxHashSet::default();
        for name in names {
            if reaches_itself(name, &includes, &mut safe, &mut Vec::new()) {
                let why = "it includes itself without a condition".to_owned();
                return Err(EdgeError::Template { name: name.to_owned(), why });
            }
        }
        Ok(())
    }

    /// The HTML that `name` makes of `data`.
    pub(super) fn render(&self, name: &str, data: &serde_json::Value) -> Result<String, handlebars::RenderError> {
        self.0.render(name, data)
    }
}

/// Whether an include that stands in no block leads from `name` back to something open.
fn reaches_itself<'t>(
    name: &'t str,
    includes: &FxHashMap<&'t str, Vec<&'t str>>,
    safe: &mut FxHashSet<&'t str>,
    open: &mut Vec<&'t str>,
) -> bool {
    if open.contains(&name) {
        return true;
    }
    if safe.contains(name) {
        return false;
    }
    open.push(name);
    let reaches = includes
        .get(name)
        .is_some_and(|found| found.iter().any(|included| reaches_itself(included, includes, safe, open)));
    open.pop();
    safe.insert(name);
    reaches
}

fn included_by(template: &Template) -> Vec<&str> {
    let mut found = Vec::new();
    let mut waiting = vec![template];
    while let Some(template) = waiting.pop() {
        for element in &template.elements {
            let (TemplateElement::PartialExpression(include) | TemplateElement::PartialBlock(include)) = element else {
                continue;
            };
            if let Parameter::Name(_) | Parameter::Path(_) = include.name {
                found.extend(include.name.as_name());
            }
            waiting.extend(&include.template);
        }
    }
    found
}
