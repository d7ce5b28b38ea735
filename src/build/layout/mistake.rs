//! From what Handlebars says of a failed render to a diagnostic.

use handlebars::{RenderError, RenderErrorReason};
use rustc_hash::FxHashMap;

use super::Source;
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// The mistake behind `error`, met while `template` was rendered.
pub(super) fn diagnostic(error: &RenderError, template: &str, sources: &FxHashMap<String, Source>) -> Diagnostic {
    let name = error.template_name.as_deref().unwrap_or(template);
    let place = match (sources.get(name), error.line_no, error.column_no) {
        (Some(source), Some(line), Some(column)) => Place::at(&source.file, &source.text, line, column),
        (Some(source), ..) => Place::file(&source.file),
        (None, ..) => Place::file(format!("layouts/{name}.hbs")),
    };
    match error.reason() {
        RenderErrorReason::MissingVariable(path) => {
            let message = match path {
                Some(path) => format!("nothing is called `{path}` here"),
                None => "a value that is not there".to_owned(),
            };
            Diagnostic::error(Code::LayoutRender, place, message).hint(
                "inside a query or `#each`, the page is `@root.page`; guard a value that may be missing by `{{#if}}`",
            )
        }
        RenderErrorReason::HelperNotFound(helper) => {
            Diagnostic::error(Code::LayoutRender, place, format!("no helper is called `{helper}`"))
                .near(helper, NAMES.iter().copied())
        }
        RenderErrorReason::PartialNotFound(partial) | RenderErrorReason::TemplateNotFound(partial) => {
            let names: Vec<&str> = sources.keys().map(String::as_str).collect();
            Diagnostic::error(Code::LayoutRender, place, format!("no partial is called `{partial}`"))
                .near(partial, names)
                .hint(format!("a partial is a file: `layouts/{partial}.hbs`"))
        }
        other => Diagnostic::error(Code::LayoutRender, place, other.to_string()),
    }
}

/// The helpers that a layout may call.
pub const NAMES: &[&str] = &[
    "pages",
    "items",
    "pager",
    "sections",
    "taxonomy",
    "page",
    "section",
    "ancestors",
    "previous",
    "next",
    "data",
    "headings",
    "current",
    "within",
    "content",
    "toc",
    "asset",
    "date",
    "absolute",
    "truncate",
    "plural",
    "slugify",
    "json",
    "markdown",
    "default",
    "concat",
    "hole",
    "if",
    "unless",
    "each",
    "with",
    "lookup",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
];
