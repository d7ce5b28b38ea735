//! From what Handlebars says of a template that it cannot parse to a diagnostic.
//!
//! Its parser names the rules of its grammar; an author gets what could have stood there, and
//! for a block that never ends the place where it begins instead of the end of the file.

use crate::site::diagnostic::{Code, Diagnostic, Place};

/// What could not be parsed in `text`, the whole of `file`.
pub fn syntax_mistake(file: &str, text: &str, error: &handlebars::TemplateError) -> Diagnostic {
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
    if let Some(Open { name, tag }) = never_closed(text) {
        let message = format!("the block `{name}` is opened and never closed");
        return Diagnostic::error(Code::LayoutSyntax, Place::of(file, text, tag), message)
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

struct Open {
    name: String,
    tag: std::ops::Range<usize>,
}

/// The innermost block of `text` that has no end.
fn never_closed(text: &str) -> Option<Open> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        let rest = &text[start..];
        // A comment may hold braces; a backslash makes them text.
        let close = if rest.starts_with("{{!--") || rest.starts_with("{{~!--") { "--}}" } else { "}}" };
        let Some(length) = rest.find(close).map(|at| at + close.len()) else { break };
        at = start + length;
        let inside = rest[2..length - 2].trim_start_matches('~').trim_start();
        if text[..start].ends_with('\\') {
            continue;
        }
        let name = |inside: &str| {
            inside
                .trim_start()
                .split(|next: char| next.is_whitespace() || next == '~')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        if let Some(inside) = inside.strip_prefix('#') {
            let inside = inside.trim_start_matches(['>', '*']);
            open.push(Open { name: name(inside), tag: start..at });
        } else if inside.starts_with('/') {
            open.pop();
        }
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::{in_words, never_closed};

    #[test]
    fn the_block_without_an_end_is_found() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(never_closed(text).map(|open| open.name).as_deref(), expected, "{text}");
        };
        check("{{#if a}}{{/if}}", None);
        check("{{#if a}}{{#each b}}{{/each}}", Some("if"));
        check("{{#> base}}{{#*inline \"main\"}}x{{/inline}}", Some("base"));
        check("{{!-- {{#if}} --}} \\{{#if}} {{~#with x~}}{{~/with~}}", None);
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
