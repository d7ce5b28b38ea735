//! From what Handlebars says of a failed render to a diagnostic.

use handlebars::{RenderError, RenderErrorReason};
use rustc_hash::FxHashMap;

use super::Source;
use crate::build::model::FIELD_NAMES;
use crate::site::diagnostic::{Code, Diagnostic, Place, nearest};

/// What one of our helpers says when it means more than a message: the code, and the names
/// that there are.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    /// Which mistake.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Refusal {
    /// `wanted` is none of `names`.
    pub(super) fn unknown<'n>(
        code: Code,
        message: String,
        wanted: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> RenderError {
        let hint = nearest(wanted, names).map(|near| format!("did you mean `{near}`?"));
        RenderErrorReason::NestedError(Box::new(Self { code, message, hint })).into()
    }
}

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
            let path = path.as_deref().unwrap_or_default();
            let diagnostic = Diagnostic::error(Code::LayoutRender, place, message);
            let near = path.strip_prefix("page.").and_then(|key| nearest(key, FIELD_NAMES.iter().copied()));
            match near {
                Some(near) if Some(near) != path.strip_prefix("page.") => diagnostic.hint(format!("did you mean `page.{near}`?")),
                _ if name.starts_with("shortcodes/") => {
                    diagnostic.hint(format!("give `{path}` in the call, or guard it: `{{{{#if {path}}}}} … {{{{/if}}}}`"))
                }
                // It has that name, so it is not seen from here.
                Some(_) => diagnostic.hint("inside a query or `#each` the page is `@root.page`"),
                None => diagnostic.hint(
                    "guard a value that may be missing by `{{#if}}`; inside a query or `#each` the page is `@root.page`",
                ),
            }
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
        RenderErrorReason::NestedError(cause) => match cause.downcast_ref::<Refusal>() {
            Some(Refusal { code, message, hint }) => {
                let mut diagnostic = Diagnostic::error(*code, place, message.as_str());
                diagnostic.hints.extend(hint.clone());
                diagnostic
            }
            None => Diagnostic::error(Code::LayoutRender, place, cause.to_string()),
        },
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
    "thousands",
    "plural",
    "slugify",
    "json",
    "markdown",
    "default",
    "concat",
    "hole",
    "fragment",
    "form",
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
