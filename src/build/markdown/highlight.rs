//! Colours for code: spans with short classes, for a style sheet to colour.
//!
//! | class | is                          | class | is                             |
//! |---|---|---|---|
//! | `k`   | keyword, storage, modifier  | `f`   | function, method, macro        |
//! | `s`   | string, with its quotes     | `t`   | type, class, module, namespace |
//! | `e`   | escape inside a string      | `v`   | variable, parameter, property  |
//! | `c`   | comment                     | `a`   | attribute of a tag, annotation |
//! | `n`   | number, boolean, constant   | `g`   | tag, selector                  |
//! | `o`   | operator                    | `h`   | heading, key, section          |
//! | `p`   | punctuation                 | `d`   | deleted line of a diff         |
//! | `x`   | not valid                   | `i`   | inserted line of a diff        |
//!
//! The grammars say much more (`meta.function.parameters.rust`); a page would carry 16
//! times its code in tags. So the scopes are mapped here, neighbours of one class share a
//! span, spans never nest, and plain text has none.
//!
//! What was coloured once is kept for the whole run, by the digest of language and code; and
//! so are lines, because most blocks end as others do and many begin alike.
//! Grammars are loaded at the first block that needs one: a site without code pays nothing.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rustc_hash::FxHashMap;
use syntect::parsing::{BasicScopeStackOp, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::{escape, lines};
use crate::site::digest::Digest;

/// Bytes of a block above which it stays plain: a second of colouring for one block is
/// more than any reader gets from it.
const LARGEST_BLOCK: usize = 512 * 1024;
/// Bytes of a line above which its block stays plain: minified code, on which grammars of
/// regular expressions can take quadratic time.
const LONGEST_LINE: usize = 8 * 1024;
/// Bytes of HTML that are kept.
const KEPT: u64 = 32 * 1024 * 1024;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

static COLOURED: LazyLock<Cache<Digest, Arc<str>, Bytes>> = LazyLock::new(|| Cache::with_weighter(1024, KEPT, Bytes));

#[derive(Clone)]
struct Bytes;

impl Weighter<Digest, Arc<str>> for Bytes {
    fn weight(&self, _: &Digest, html: &Arc<str>) -> u64 {
        html.len() as u64 + 64
    }
}

/// Loads the grammars, for who knows that they will be wanted and has something else to do
/// meanwhile.
pub fn load() {
    LazyLock::force(&SYNTAXES);
}

/// The HTML of `code`, or `None` when it is to stay plain: the language is not known, or
/// the code too large.
pub fn html(language: &str, code: &str) -> Option<Arc<str>> {
    if matches!(language, "" | "text" | "txt" | "plain" | "plaintext" | "none" | "output") {
        return None;
    }
    if code.len() > LARGEST_BLOCK || code.lines().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let key = Digest::of(format!("{language}\0{code}").as_bytes());
    if let Some(html) = COLOURED.get(&key) {
        return Some(html);
    }
    let html: Arc<str> = colour(syntax(language)?, code)?.into();
    COLOURED.insert(key, Arc::clone(&html));
    Some(html)
}

/// The grammar for the word behind a fence.
fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let known = match language {
        "console" | "shell" | "shell-session" | "sh-session" | "zsh" => "sh",
        "apacheconf" | "apache" => "htaccess",
        "batch" => "bat",
        "powershell" | "pwsh" => "ps1",
        "django" | "jinja" | "jinja2" | "nunjucks" | "njk" | "twig" => "twig",
        "handlebars" | "hbs" | "mustache" => "html",
        "jsx" | "mjs" | "cjs" | "json5" | "jsonc" => "js",
        "docker" => "dockerfile",
        "golang" => "go",
        "svg" => "xml",
        other => other,
    };
    SYNTAXES.find_syntax_by_token(known)
}

/// The class of a scope: the last row whose prefix it has at dots wins, so that a special
/// case stands below the general. An empty class takes away that of the scope around it.
const CLASSES: &[(&str, &str)] = &[
    ("source", ""),
    ("text", ""),
    ("meta.interpolation", ""),
    ("meta.embedded", ""),
    ("keyword", "k"),
    ("keyword.operator", "o"),
    ("keyword.operator.word", "k"),
    ("keyword.operator.logical.python", "k"),
    ("keyword.other.unit", "n"),
    ("storage", "k"),
    ("storage.type.numeric", "n"),
    ("storage.type.string", "s"),
    ("variable.language", "k"),
    ("string", "s"),
    ("constant", "n"),
    ("constant.character", "s"),
    ("constant.character.escape", "e"),
    ("constant.character.entity", "e"),
    ("constant.other.placeholder", "e"),
    ("comment", "c"),
    ("entity.name", "t"),
    ("entity.name.function", "f"),
    ("entity.name.macro", "f"),
    ("entity.name.tag", "g"),
    ("entity.name.section", "h"),
    ("entity.name.label", "v"),
    ("entity.name.constant", "n"),
    ("entity.other.inherited-class", "t"),
    ("entity.other.attribute-name", "a"),
    ("entity.other.attribute-name.class.css", "g"),
    ("entity.other.attribute-name.id.css", "g"),
    ("entity.other.pseudo-class", "g"),
    ("entity.other.pseudo-element", "g"),
    ("variable", "v"),
    ("variable.function", "f"),
    ("variable.annotation", "a"),
    ("variable.other.readwrite", ""),
    ("variable.other.object", ""),
    ("support", "t"),
    ("support.function", "f"),
    ("support.macro", "f"),
    ("support.constant", "n"),
    ("support.type.property-name", "v"),
    ("punctuation", "p"),
    ("punctuation.definition.string", "s"),
    ("punctuation.definition.comment", "c"),
    ("punctuation.definition.keyword", "k"),
    ("punctuation.definition.constant", "n"),
    ("punctuation.definition.variable", "v"),
    ("punctuation.definition.heading", "h"),
    ("punctuation.accessor", "o"),
    ("meta.annotation", "a"),
    ("meta.mapping.key", "h"),
    ("markup.heading", "h"),
    ("markup.inserted", "i"),
    ("markup.deleted", "d"),
    ("markup.raw", "s"),
    ("invalid", "x"),
];

/// `None`: a scope that says nothing about colour, the class around it holds on.
type Class = Option<&'static str>;

static PREFIXES: LazyLock<Vec<(Scope, &'static str)>> =
    LazyLock::new(|| CLASSES.iter().filter_map(|(prefix, class)| Some((Scope::new(prefix).ok()?, *class))).collect());

thread_local! {
    /// Scopes repeat without end, and few differ.
    static KNOWN: RefCell<FxHashMap<Scope, Class>> = RefCell::default();
}

fn class(scope: Scope) -> Class {
    KNOWN.with_borrow_mut(|known| {
        *known.entry(scope).or_insert_with(|| {
            PREFIXES.iter().rev().find(|(prefix, _)| prefix.is_prefix_of(scope)).map(|(_, class)| *class)
        })
    })
}

fn colour(syntax: &'static SyntaxReference, code: &str) -> Option<String> {
    let mut at = lines::At::start(syntax);
    let mut scopes = ScopeStack::new();
    // The class in force at each depth of `scopes`.
    let mut classes: Vec<&'static str> = Vec::new();
    let mut spans = Spans { out: String::with_capacity(code.len() * 2), open: "" };
    for line in code.split_inclusive('\n') {
        // The grammars match up to the end of a line and want to see it.
        let with_end;
        let whole = if line.ends_with('\n') {
            line
        } else {
            with_end = format!("{line}\n");
            &with_end
        };
        let operations = at.parse(whole, &SYNTAXES)?;
        let mut from = 0;
        for (at, operation) in operations.iter() {
            let (at, operation) = (*at, operation);
            let at = at.min(line.len());
            spans.push(classes.last().copied().unwrap_or(""), line.get(from..at)?);
            from = at;
            let apply = |change: BasicScopeStackOp, _: &[Scope]| match change {
                BasicScopeStackOp::Push(scope) => {
                    classes.push(class(scope).unwrap_or_else(|| classes.last().copied().unwrap_or("")));
                }
                BasicScopeStackOp::Pop => {
                    classes.pop();
                }
            };
            scopes.apply_with_hook(operation, apply).ok()?;
        }
        spans.push(classes.last().copied().unwrap_or(""), line.get(from..)?);
    }
    spans.close();
    Some(spans.out)
}

struct Spans {
    out: String,
    open: &'static str,
}

impl Spans {
    fn push(&mut self, class: &'static str, text: &str) {
        if text.is_empty() {
            return;
        }
        // Space has no colour: it joins whatever runs, so that more neighbours meet.
        if class != self.open && !text.trim().is_empty() {
            self.close();
            if !class.is_empty() {
                self.out.push_str("<span class=");
                self.out.push_str(class);
                self.out.push('>');
                self.open = class;
            }
        }
        escape::push_text(&mut self.out, text);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.out.push_str("</span>");
            self.open = "";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that repeat in other states: inside a string, a comment, a here-document.
    const CODES: &[(&str, &str)] = &[
        ("python", "def f():\n    return 1\n\n\"\"\"\ndef f():\n    return 1\n\"\"\"\ndef f():\n    return 1\n"),
        ("rust", "fn f() {\n}\n/*\nfn f() {\n}\n/* fn f() {\n*/\n}\n*/\nfn f() {\n}"),
        ("bash", "cat <<END\necho $x\nEND\necho $x\ncat <<'OTHER'\necho $x\nEND\nOTHER\necho $x\n"),
        ("html", "<p>\n<script>\nlet x = 1;\n</script>\nlet x = 1;\n<style>\np { color: red }\n</style>\n</p>\n"),
        ("js", "let x = `\nlet x = 1;\n${\nlet x = 1;\n}\n`;\nlet x = 1;\n"),
    ];

    fn coloured(language: &str, code: &str) -> String {
        colour(syntax(language).unwrap(), code).unwrap()
    }

    #[test]
    fn a_line_that_was_read_before_is_coloured_as_if_it_were_not() {
        for (language, code) in CODES {
            let fresh = std::thread::scope(|scope| scope.spawn(|| coloured(language, code)).join().unwrap());
            let twice = format!("{code}\n{code}");
            coloured(language, &twice);
            assert_eq!(coloured(language, code), fresh, "{language}");
            let fresh = std::thread::scope(|scope| scope.spawn(|| coloured(language, &twice)).join().unwrap());
            assert_eq!(coloured(language, &twice), fresh, "{language}");
        }
    }
}
