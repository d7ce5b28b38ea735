//! A few words of Markdown outside of any page: a description, a line of a data file.

use std::ops::Range;

use super::{LinkKind, ShortcodeCall, Source, Surroundings, render};
use crate::site::config;
use crate::site::diagnostic::Diagnostic;

/// The HTML of `text`. One paragraph alone is not wrapped in `<p>`, so that it can stand
/// inside a sentence. Shortcodes and links are left as they are written.
pub fn fragment_html(text: &str, options: &config::Markdown) -> String {
    let (rendered, _) = render(Source { file: "", text, body: 0..text.len() }, options, &Nowhere);
    let html = rendered.html.trim();
    match html.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>")) {
        Some(inside) if !inside.contains("<p>") => inside.to_owned(),
        _ => html.to_owned(),
    }
}

/// The surroundings of a text that stands in no site.
struct Nowhere;

impl Surroundings for Nowhere {
    fn resolve_link(&self, _: &str, _: LinkKind, _: Range<usize>) -> Option<String> {
        None
    }

    fn has_shortcode(&self, _: &str) -> bool {
        false
    }

    fn shortcode_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn render_shortcode(&self, _: &ShortcodeCall) -> Result<String, Vec<Diagnostic>> {
        Ok(String::new())
    }
}
