//! From a page's text to its HTML: the two readings, and what is gathered on the way.

use std::ops::Range;

use pulldown_cmark::Parser;
use rustc_hash::FxHashMap;

use super::headings::{Heading, Ids};
use super::mask::{self, Masked};
use super::outline::{Outline, TextSection};
use super::shortcode::tree::{self, DEEPEST_BLOCK, Fault, Tree};
use super::writer::Writer;
use super::{ShortcodeCall, Surroundings, definition, options};
use crate::site::config::{Dialect, Markdown};
use crate::site::diagnostic::{Code, Diagnostic, Place};

/// Mistakes with braces that are reported one by one for a text. A file with more is no
/// page with a slip, and each costs a walk to its line.
const MOST_FAULTS: usize = 100;

/// A text and where it comes from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Path from the site's root, for diagnostics.
    pub file: &'a str,
    /// The whole file, front matter included.
    pub text: &'a str,
    /// The Markdown in it. A heading right before it is the page's title, which the layout
    /// shows.
    pub body: Range<usize>,
}

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The HTML.
    pub html: String,
    /// All headings, in order.
    pub headings: Vec<Heading>,
    /// Every id that a link can lead to: of headings, terms of definition lists, and raw
    /// HTML.
    pub anchors: Vec<String>,
    /// The words, by heading, for the search; none if its surroundings do not want them.
    pub sections: Vec<TextSection>,
}

/// Renders `source`. Whatever is wrong in it, there is HTML; what is wrong is in the
/// diagnostics, in the order of the text.
pub fn render(source: Source<'_>, options: &Markdown, surroundings: &dyn Surroundings) -> (Rendered, Vec<Diagnostic>) {
    let body = &source.text[source.body.clone()];
    let parser_options = options::parser_options(options);
    let tree = if tree::may_hold_calls(body) {
        let untouched = mask::untouched(body, source.body.start, parser_options);
        tree::find(source.text, source.body.clone(), &untouched)
    } else {
        Tree::default()
    };
    let page = Page { source, options, parser_options, surroundings, tree };
    let mut state = State::new(options.dialect, body, surroundings.want_words());
    page.report_faults(&mut state);
    if let Some(title) = title_before(page.source.text, page.source.body.start) {
        page.name_title(title, &mut state);
    }
    let masked = Masked::new(page.source.text, page.source.body.clone(), &page.tree, &page.tree.roots, "");
    let html = page.fragment(&masked, &mut state, 0);
    let mut diagnostics = state.diagnostics;
    diagnostics.sort();
    let rendered =
        Rendered { html, headings: state.headings, anchors: state.anchors, sections: state.outline.finish() };
    (rendered, diagnostics)
}

/// What stays the same while a page is rendered.
pub(super) struct Page<'a> {
    pub(super) source: Source<'a>,
    pub(super) options: &'a Markdown,
    parser_options: pulldown_cmark::Options,
    pub(super) surroundings: &'a dyn Surroundings,
    pub(super) tree: Tree,
}

/// What is gathered while a page is rendered, the insides of blocks included.
pub(super) struct State {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) ids: Ids,
    pub(super) headings: Vec<Heading>,
    pub(super) anchors: Vec<String>,
    pub(super) outline: Outline,
    /// How many footnotes have a number already.
    pub(super) footnotes: usize,
    /// Names as written → as the site has them; filled when MDN's dialect first needs it.
    names: Option<FxHashMap<String, String>>,
}

impl State {
    fn new(dialect: Dialect, body: &str, wants_words: bool) -> Self {
        Self {
            diagnostics: Vec::new(),
            ids: Ids::new(dialect, body),
            headings: Vec::new(),
            anchors: Vec::new(),
            outline: Outline::new(wants_words),
            footnotes: 0,
            names: None,
        }
    }
}

/// A call's HTML, and whether its words have been gathered already.
pub(super) struct Answer {
    pub(super) html: String,
    pub(super) words: Words,
}

/// Whether the words of an [`Answer`] are in the outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// They came with the body.
    Gathered,
    /// They are only in the HTML.
    Inside,
}

impl Page<'_> {
    fn fragment(&self, masked: &Masked<'_>, state: &mut State, depth: usize) -> String {
        let events = Parser::new_ext(&masked.text, self.parser_options).into_offset_iter();
        let writer = Writer::new(self, state, masked, depth);
        if self.options.dialect == Dialect::Mdn && definition::may_hold_definitions(&masked.text) {
            writer.run(definition::rename(events.collect()).into_iter())
        } else {
            writer.run(events)
        }
    }

    /// Gives the heading at `title`, which the layout shows, its id: links lead to it, and a
    /// second heading of its name gets another. Of its HTML and words nothing is kept.
    fn name_title(&self, title: Range<usize>, state: &mut State) {
        self.fragment(&Masked::new(self.source.text, title, &self.tree, &[], ""), state, 0);
        state.headings.clear();
        state.outline.clear();
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::of(self.source.file, self.source.text, span)
    }

    /// The HTML of the call at `node`; `depth` is that of the text it stands in.
    pub(super) fn answer(&self, node: usize, state: &mut State, depth: usize) -> Answer {
        let node = &self.tree.nodes[node];
        let written = &self.source.text[node.call.name.clone()];
        let name = self.known_name(written, state);
        let mut body = None;
        if let Some(inside) = &node.inside {
            let margin = mask::margin_before(self.source.text, self.source.body.start, node.span.start);
            let masked = Masked::new(self.source.text, inside.clone(), &self.tree, &node.children, &margin);
            // The tree is no deeper; a second guard costs nothing.
            body = Some(if depth < DEEPEST_BLOCK { self.fragment(&masked, state, depth + 1) } else { String::new() });
        }
        let words = if body.is_some() { Words::Gathered } else { Words::Inside };
        let Some(name) = name else {
            self.report_unknown(node.call.name.clone(), state);
            let html = body.unwrap_or_else(|| escaped(&self.source.text[node.span.clone()]));
            return Answer { html, words };
        };
        let call = ShortcodeCall {
            name,
            args: node.call.args.clone(),
            named: node.call.named.clone(),
            body,
            span: node.call.span.clone(),
            name_span: node.call.name.clone(),
        };
        let html = self.surroundings.render_shortcode(&call).unwrap_or_else(|mistakes| {
            state.diagnostics.extend(mistakes);
            String::new()
        });
        Answer { html, words }
    }

    fn known_name(&self, written: &str, state: &mut State) -> Option<String> {
        if self.surroundings.has_shortcode(written) {
            return Some(written.to_owned());
        }
        if self.options.dialect != Dialect::Mdn {
            return None;
        }
        let names = state.names.get_or_insert_with(|| {
            let names = self.surroundings.shortcode_names();
            names.into_iter().map(|name| (name.to_ascii_lowercase(), name)).collect()
        });
        names.get(&written.to_ascii_lowercase()).cloned()
    }

    fn report_unknown(&self, name: Range<usize>, state: &mut State) {
        if state.diagnostics.len() >= MOST_FAULTS {
            return;
        }
        let written = &self.source.text[name.clone()];
        let names = self.surroundings.shortcode_names();
        let message = format!("no shortcode is called `{written}`");
        let diagnostic = Diagnostic::error(Code::UnknownShortcode, self.place(name), message);
        let diagnostic = diagnostic.near(written, names.iter().map(String::as_str));
        state.diagnostics.push(if diagnostic.hints.is_empty() {
            diagnostic.hint(format!(
                "a shortcode is a file, `layouts/shortcodes/{written}.hbs`; to print the braces, write `\\{{{{`"
            ))
        } else {
            diagnostic
        });
    }

    fn report_faults(&self, state: &mut State) {
        let text = self.source.text;
        // MDN has no blocks: there `{%` is some other program's template, quoted in prose.
        let quotes_templates = self.options.dialect == Dialect::Mdn;
        for fault in self.tree.faults.iter().take(MOST_FAULTS) {
            match fault {
                Fault::NoCall { start, .. } if quotes_templates && text[*start..].starts_with("{%") => continue,
                Fault::Unclosed { name, .. } if self.known_name(&text[name.clone()], state).is_none() => {
                    if !quotes_templates {
                        self.report_unknown(name.clone(), state);
                    }
                    continue;
                }
                _ => {}
            }
            state.diagnostics.push(match fault {
                Fault::NoCall { start, refused } => {
                    let opening = &text[*start..start + 2];
                    let line_end =
                        text[*start..self.source.body.end].find('\n').map_or(self.source.body.end, |at| start + at);
                    let at = if refused.at < line_end { refused.at } else { line_end };
                    let found = found(&text[at..self.source.body.end]);
                    let message = match refused.expected {
                        "a closing quote" => format!("`{opening}` begins no call: the quote {found} is never closed"),
                        expected => format!("`{opening}` begins no call: expected {expected}, found {found}"),
                    };
                    let hint = format!("write `\\{opening}` for the braces themselves");
                    // The opening braces too: they are what has to be changed when no call is meant.
                    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
                    Diagnostic::error(
                        Code::ShortcodeSyntax,
                        self.place(*start..end.min(line_end).max(start + 2)),
                        message,
                    )
                    .hint(hint)
                }
                Fault::Unclosed { tag, name } => {
                    let message = format!("the block `{}` has no end", &text[name.clone()]);
                    Diagnostic::error(Code::UnclosedShortcode, self.place(tag.clone()), message)
                        .hint("write `{% end %}` where it ends, or `{{ ... }}` for a call without a body")
                }
                Fault::StrayEnd { tag } => Diagnostic::error(
                    Code::ShortcodeSyntax,
                    self.place(tag.clone()),
                    "this ends no block: none is open",
                )
                .hint("remove it, or write `\\{%` for the signs themselves"),
                Fault::TooDeep { tag } => {
                    let message = format!("blocks stand in each other more than {DEEPEST_BLOCK} deep");
                    Diagnostic::error(Code::ShortcodeSyntax, self.place(tag.clone()), message)
                }
            });
        }
    }
}

/// The heading that was taken out as the title, when it stands right before the body. A front
/// matter ends with its own fence, so nothing else can look like one there.
fn title_before(text: &str, body_start: usize) -> Option<Range<usize>> {
    let end = text[..body_start].trim_end().len();
    let line_start = |end: usize| text[..end].rfind('\n').map_or(0, |at| at + 1);
    let start = line_start(end);
    let line = text[start..end].trim_start();
    if line.starts_with('#') {
        return Some(start..end);
    }
    let is_underline = !line.is_empty() && line.bytes().all(|byte| byte == b'=');
    is_underline.then(|| line_start(start.saturating_sub(1))..end)
}

fn found(rest: &str) -> String {
    match rest.chars().next() {
        None => "the end of the text".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some(character) => format!("`{character}`"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    super::escape::push_text(&mut out, text);
    out
}
