//! The examples of CommonMark 0.31.2 and of GitHub Flavored Markdown, through the code
//! path that every page takes.
//!
//! What we add to every page (ids of headings, the box around a table, lazy images) is
//! taken off before the comparison; smart punctuation and colours are off, as a site can
//! have them. [`DIFFERENT`] lists the examples that differ on purpose. One that no longer
//! differs fails, so that the list stays true.
//!
//! The specifications are not part of the repository: they are looked for in
//! `$LITTORAL_CORPUS/specs`, else in `../shared/corpus/specs`.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use littoral::build::markdown::{LinkKind, ShortcodeCall, Source, Surroundings, render};
use littoral::site::config::{Dialect, Markdown};
use littoral::site::diagnostic::Diagnostic;

/// (specification, number of the example, why it differs).
const DIFFERENT: &[(&str, usize, &str)] = &[
    ("commonmark", 610, BARE_URL),
    ("commonmark", 613, BARE_URL),
    ("gfm", 616, BARE_URL),
    ("gfm", 619, BARE_URL),
    ("gfm", 629, BARE_EMAIL),
    ("gfm", 630, BARE_EMAIL),
    ("gfm", 631, BARE_EMAIL),
    ("gfm", 645, COMMENT),
    ("gfm", 646, COMMENT),
    ("gfm", 653, "raw HTML is the author's own: nothing is filtered out of it"),
];

const BARE_URL: &str = "a bare URL is a link, as in GFM's extension; this example is older than that";
const BARE_EMAIL: &str = "a bare e-mail address stays text: only `<gull@example.org>` gives an address away";
const COMMENT: &str = "comments are those of CommonMark 0.31; GFM keeps the rule of 0.29";

const SPECIFICATIONS: &[(&str, &str)] =
    &[("commonmark", "specs/commonmark/spec.txt"), ("gfm", "specs/cmark-gfm/test/spec.txt")];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (name, path) in SPECIFICATIONS {
        match std::fs::read_to_string(corpus().join(path)) {
            Ok(text) => trials.extend(examples(&text).into_iter().map(|example| trial(name, example))),
            Err(_) => {
                let name = format!("{name}: not run because the corpus is not there");
                trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn corpus() -> PathBuf {
    match std::env::var_os("LITTORAL_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    }
}

struct Example {
    number: usize,
    section: String,
    markdown: String,
    html: String,
}

/// An example is fenced by 32 backticks, a `.` between Markdown and HTML; `→` is a tab.
fn examples(specification: &str) -> Vec<Example> {
    let fence = "`".repeat(32);
    let (mut found, mut section) = (Vec::new(), String::new());
    let mut lines = specification.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix('#') {
            section = title.trim_start_matches('#').trim().to_lowercase();
        }
        if !line.strip_prefix(&fence).is_some_and(|words| words.starts_with(" example")) {
            continue;
        }
        let mut part = |end: &str| {
            let lines = lines.by_ref().take_while(|line| *line != end);
            lines.fold(String::new(), |text, line| text + line + "\n").replace('→', "\t")
        };
        let (markdown, html) = (part("."), part(&fence));
        found.push(Example { number: found.len() + 1, section: section.clone(), markdown, html });
    }
    found
}

fn trial(specification: &'static str, example: Example) -> Trial {
    let reason = DIFFERENT
        .iter()
        .find(|(name, number, _)| *name == specification && *number == example.number)
        .map(|(.., reason)| *reason);
    Trial::test(format!("{specification} {} {}", example.number, example.section), move || {
        let ours = rendered(&example.markdown);
        let same = normal(&ours) == normal(&example.html);
        match (same, reason) {
            (true, None) | (false, Some(_)) => Ok(()),
            (true, Some(reason)) => Err(format!("no longer differs, take it off the list: {reason}").into()),
            (false, None) => {
                let (expected, found) = (normal(&example.html), normal(&ours));
                Err(format!("{}\nexpected: {expected}\nfound:    {found}", example.markdown).into())
            }
        }
    })
}

struct Nothing;

impl Surroundings for Nothing {
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

fn rendered(markdown: &str) -> String {
    let options = Markdown { smart_punctuation: false, highlight: false, dialect: Dialect::Github };
    let source = Source { file: "example.md", text: markdown, body: 0..markdown.len() };
    render(source, &options, &Nothing).0.html
}

/// HTML in one form: what is the same in a browser, and what we add, made equal.
fn normal(html: &str) -> String {
    let html = html
        .replace(" loading=\"lazy\" decoding=\"async\"", "")
        .replace("</table></div>", "</table>")
        .replace(
            "<input type=\"checkbox\" checked disabled aria-label=\"done\">",
            "<input checked=\"\" disabled=\"\" type=\"checkbox\">",
        )
        .replace("<input type=\"checkbox\" disabled aria-label=\"to do\">", "<input disabled=\"\" type=\"checkbox\">");
    let (mut out, mut rest, mut in_pre) = (String::new(), html.as_str(), false);
    while !rest.is_empty() {
        let text_end = rest.find('<').unwrap_or(rest.len());
        push_text(&mut out, &rest[..text_end], in_pre);
        rest = &rest[text_end..];
        let tag_end = rest.find('>').map_or(rest.len(), |at| at + 1);
        let tag = &rest[..tag_end];
        rest = &rest[tag_end..];
        in_pre = (in_pre || tag.starts_with("<pre")) && !tag.starts_with("</pre");
        if tag.starts_with("<div class=\"table\"") {
            continue;
        }
        if is_block(tag) && !in_pre {
            out.truncate(out.trim_end().len());
        }
        out.push_str(&normal_tag(tag));
    }
    // The language is on `code` in the specifications, on `pre` with us.
    while let Some(at) = out.find("<pre data-lang=\"") {
        let from = at + "<pre data-lang=\"".len();
        let Some(end) = out[from..].find("\"><code>") else { break };
        let language = out[from..from + end].to_owned();
        out.replace_range(at..from + end + "\"><code>".len(), &format!("<pre><code class=\"language-{language}\">"));
    }
    out.trim().to_owned()
}

/// Runs of white space are one space, and none stands beside a block's tag.
fn push_text(out: &mut String, text: &str, in_pre: bool) {
    if in_pre {
        return out.push_str(text);
    }
    let behind_block = out.is_empty() || out.rfind('<').is_some_and(|at| out.ends_with('>') && is_block(&out[at..]));
    if text.starts_with(char::is_whitespace) && !behind_block {
        out.push(' ');
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    out.push_str(&words.join(" "));
    if text.ends_with(char::is_whitespace) && !words.is_empty() {
        out.push(' ');
    }
}

fn normal_tag(tag: &str) -> String {
    let tag = tag.strip_suffix(" />").map_or_else(|| tag.to_owned(), |tag| format!("{tag}>"));
    let is_heading = tag.len() > 3 && tag.starts_with("<h") && tag.as_bytes()[2].is_ascii_digit();
    if is_heading && tag[3..].starts_with(" id=\"") {
        return format!("{}>", &tag[..3]);
    }
    tag.replace("<pre class=\"code\"", "<pre").replace(" tabindex=\"0\"", "")
}

fn is_block(tag: &str) -> bool {
    let name = tag.trim_start_matches(['<', '/']);
    let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
    const BLOCKS: &[&str] = &[
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    BLOCKS.contains(&name)
}
