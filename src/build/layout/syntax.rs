//! From a template's text to Handlebars' own form, or to a diagnostic of what it cannot parse.
//!
//! Its parser names the rules of its grammar; an author gets what could have stood there, and
//! for a block that never ends the place where it begins instead of the end of the file.
//! [`parse`] also refuses what would keep that parser busy for minutes.

use std::ops::Range;

use handlebars::Template;

use crate::site::diagnostic::{Code, Diagnostic, Place};

/// What could not be parsed in `text`, the whole of `file`.
fn syntax_mistake(file: &str, text: &str, error: &handlebars::TemplateError) -> Diagnostic {
    let place = match error.pos() {
        Some((line, column)) => Place::at(file, text, line, column),
        None => Place::file(file),
    };
    let said = error.reason().to_string();
    let Some((_, detail)) = said.split_once("invalid handlebars syntax: ") else {
        let diagnostic = Diagnostic::error(Code::LayoutSyntax, place, said.replace('"', "`"));
        return match said.contains("closing") {
            true => diagnostic.hint("close blocks in the order in which they were opened, the last one first"),
            false => diagnostic,
        };
    };
    if let Some(Tag { name, span, .. }) = never_closed(text) {
        let message = format!("the block `{name}` is opened and never closed");
        return Diagnostic::error(Code::LayoutSyntax, Place::of(file, text, span), message)
            .hint(format!("write `{{{{/{name}}}}}` where it ends"));
    }
    // The parser draws its own picture of the place over several lines; the last one says what it wanted.
    let wanted = detail.lines().last().unwrap_or(detail).trim().trim_start_matches("= ");
    Diagnostic::error(Code::LayoutSyntax, place, format!("Handlebars cannot read this: expected {}", in_words(wanted)))
}

/// The rules of the grammar as what is written for them.
fn in_words(wanted: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let rules =
        wanted.trim_start_matches("expected ").split([',', ' ']).filter(|rule| !rule.is_empty() && *rule != "or");
    for rule in rules {
        let word = match rule {
            "trailing_tilde_to_omit_whitespace" => "`}}`",
            "identifier" | "reference" | "path_id" | "opt_identifier" => "a name",
            "partial_identifier" | "opt_partial_identifier" => "the name of a partial",
            "helper_parameter" | "literal" | "subexpression" => "an argument",
            "hash" => "`name=value`",
            "block_param" => "`as |name|`",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        None => "text, or a whole `{{ … }}`".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// How deep blocks may stand in each other, and how long a chain of `{{else if}}` may be, each
/// link of which is a block in the one before. The parser's time grows by the square.
const DEEPEST_BLOCK: usize = 256;

/// A template of `text`, the whole of `file`.
pub fn parse(file: &str, text: &str) -> Result<Template, Diagnostic> {
    if let Some(tag) = too_deep(text) {
        let message = format!("blocks stand in each other more than {DEEPEST_BLOCK} deep");
        return Err(Diagnostic::error(Code::LayoutSyntax, Place::of(file, text, tag), message)
            .hint("put the inner ones into a partial; a chain of `{{else if}}` counts each time"));
    }
    Template::compile(text).map_err(|error| syntax_mistake(file, text, &error))
}

/// A tag that has to do with blocks.
struct Tag<'t> {
    what: What,
    name: &'t str,
    span: Range<usize>,
}

enum What {
    Opens,
    /// `{{else if}}`: a block that its chain's end closes.
    Continues,
    Closes,
}

/// The tags of `text` that open and close blocks. Comments, raw blocks and escaped braces
/// are text.
fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = text[at..].find("{{") {
            let start = at + found;
            let rest = &text[start..];
            let close = if rest.starts_with("{{!--") || rest.starts_with("{{~!--") { "--}}" } else { "}}" };
            let mut length = rest.find(close)? + close.len();
            if rest.starts_with("{{{{") {
                let end = rest.find("{{{{/")?;
                length = end + rest[end..].find("}}}}")? + "}}}}".len();
            }
            at = start + length;
            if text[..start].ends_with('\\') {
                continue;
            }
            let inside = rest[2..length - 2].trim_start_matches('~').trim_start();
            let (what, inside) = if let Some(inside) = inside.strip_prefix('#') {
                (What::Opens, inside.trim_start_matches(['>', '*']))
            } else if let Some(inside) = inside.strip_prefix('/') {
                (What::Closes, inside)
            } else if let Some(inside) = inside.strip_prefix("else ").filter(|inside| !name_of(inside).is_empty()) {
                (What::Continues, inside)
            } else {
                continue;
            };
            return Some(Tag { what, name: name_of(inside), span: start..at });
        }
        None
    })
}

fn name_of(inside: &str) -> &str {
    let ends = |next: char| next.is_whitespace() || matches!(next, '~' | '(' | '}');
    inside.trim_start().split(ends).next().unwrap_or_default()
}

/// The first block of `text` that is too deep in others.
fn too_deep(text: &str) -> Option<Range<usize>> {
    // For each open block, how many there are in its chain.
    let (mut open, mut depth) = (Vec::new(), 0);
    for tag in tags(text) {
        match tag.what {
            What::Opens => {
                open.push(1);
                depth += 1;
            }
            What::Continues => {
                if let Some(chain) = open.last_mut() {
                    *chain += 1;
                    depth += 1;
                }
            }
            What::Closes => depth -= open.pop().unwrap_or(0),
        }
        if depth > DEEPEST_BLOCK {
            return Some(tag.span);
        }
    }
    None
}

/// The innermost block of `text` that has no end: one that is open still when a block around
/// it is closed, or else the last at the end.
fn never_closed(text: &str) -> Option<Tag<'_>> {
    let mut open: Vec<Tag<'_>> = Vec::new();
    for tag in tags(text) {
        match tag.what {
            What::Opens => open.push(tag),
            What::Continues => {}
            What::Closes if open.last().is_some_and(|last| last.name == tag.name) => drop(open.pop()),
            What::Closes if open.iter().any(|block| block.name == tag.name) => break,
            // It ends nothing, and is a mistake of its own.
            What::Closes => {}
        }
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::{DEEPEST_BLOCK, in_words, never_closed, parse, too_deep};

    #[test]
    fn the_block_without_an_end_is_found() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(never_closed(text).map(|open| open.name), expected, "{text}");
        };
        check("{{#if a}}{{/if}}", None);
        check("{{#if a}}{{#each b}}{{/each}}", Some("if"));
        check("{{#> base}}{{#*inline \"main\"}}x{{/inline}}", Some("base"));
        check("{{#> base}}{{#*inline \"main\"}}{{#if a}}x{{/inline}}{{/base}}", Some("if"));
        check("{{#> a}}{{#each b}}{{#if c}}{{else if d}}{{/if}}{{/a}}", Some("each"));
        check("{{{{raw}}}}{{#if a}}{{{{/raw}}}}{{#with(lookup a b)}}{{{x}}}", Some("with"));
        check("{{!-- {{#if}} --}} \\{{#if}} {{~#with x~}}{{~/with~}}", None);
    }

    #[test]
    fn blocks_stand_in_each_other_only_so_deep() {
        let within = |number: usize| "{{#if a}}".repeat(number) + &"{{/if}}".repeat(number);
        let chain = |number: usize| "{{#if a}}".to_owned() + &"{{else if b}}".repeat(number) + "{{/if}}";
        assert!(parse("a.hbs", &within(DEEPEST_BLOCK)).is_ok());
        assert!(parse("a.hbs", &chain(DEEPEST_BLOCK - 1)).is_ok());
        for text in [within(5000), chain(5000), "{{#if a}}".repeat(5000)] {
            let said = parse("a.hbs", &text).unwrap_err();
            assert_eq!(said.message, "blocks stand in each other more than 256 deep");
        }
        assert_eq!(too_deep(&"{{#if a}}{{else if b}}{{/if}}".repeat(5000)), None);
    }

    #[test]
    fn rules_become_what_is_written_for_them() {
        assert_eq!(
            in_words("expected identifier, helper_parameter, or block_param"),
            "a name, an argument or `as |name|`"
        );
        assert_eq!(in_words("expected escape, expression, or hbs_comment"), "text, or a whole `{{ … }}`");
    }
}
