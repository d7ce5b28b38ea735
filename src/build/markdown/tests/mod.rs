//! Examples of what a text becomes, by subject.

mod code;
mod dialect_mdn;
mod headings;
mod links;
mod properties;
mod prose;
mod shortcodes;

use std::ops::Range;
use std::sync::Mutex;

use super::{LinkKind, Rendered, ShortcodeCall, Source, Surroundings, render};
use crate::site::config::{Dialect, Markdown};
use crate::site::diagnostic::Diagnostic;

/// A small site: `.md` destinations lose their ending, and there are some shortcodes.
#[derive(Default)]
struct Site {
    /// What was asked for, with the place.
    asked: Mutex<Vec<(String, Range<usize>)>>,
}

impl Surroundings for Site {
    fn resolve_link(&self, destination: &str, _: LinkKind, span: Range<usize>) -> Option<String> {
        self.asked.lock().unwrap().push((destination.to_owned(), span));
        destination.strip_suffix(".md").map(|path| format!("/{path}/"))
    }

    fn has_shortcode(&self, name: &str) -> bool {
        self.shortcode_names().iter().any(|known| known == name)
    }

    fn shortcode_names(&self) -> Vec<String> {
        ["figure", "kbd", "note", "nothing", "url", "show"].map(str::to_owned).to_vec()
    }

    fn render_shortcode(&self, call: &ShortcodeCall) -> Result<String, Vec<Diagnostic>> {
        let first = call.args.first().and_then(|value| value.as_str()).unwrap_or_default();
        Ok(match call.name.as_str() {
            "figure" => format!("<figure>{first}</figure>"),
            "kbd" => format!("<kbd>{first}</kbd>"),
            "note" => format!("<aside>{}</aside>", call.body.as_deref().unwrap_or_default().trim()),
            "url" => format!("/to/{first}"),
            "show" => serde_json::to_string(&(&call.args, &call.named)).unwrap(),
            _ => String::new(),
        })
    }
}

fn options(dialect: Dialect) -> Markdown {
    Markdown { smart_punctuation: true, highlight: true, dialect }
}

fn run(text: &str, dialect: Dialect) -> (Rendered, Vec<Diagnostic>) {
    render(Source { file: "tides.md", text, body: 0..text.len() }, &options(dialect), &Site::default())
}

#[track_caller]
fn check(text: &str, html: &str) {
    let (rendered, mistakes) = run(text, Dialect::Github);
    assert_eq!(mistakes, [], "mistakes in {text:?}");
    assert_eq!(rendered.html.trim_end(), html);
}

/// Each mistake as `line:column:width code message`.
#[track_caller]
fn check_mistakes(text: &str, expected: &[&str]) {
    let (_, mistakes) = run(text, Dialect::Github);
    let said: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            let place = mistake.place.as_ref().unwrap();
            format!("{}:{}:{} {} {}", place.line, place.column, place.width, mistake.code.name(), mistake.message)
        })
        .collect();
    assert_eq!(said, expected);
}
