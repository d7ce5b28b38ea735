//! Compiling: from the files of `layouts/` and the built-in theme to [`Layouts`].

use handlebars::template::TemplateElement;
use handlebars::{Handlebars, Template};
use rustc_hash::FxHashMap;

use super::graph::Graph;
use super::syntax::parse;
use super::{Layouts, Source, fragment, queries, standing, values};
use crate::build::sources::{Sources, read_text};
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::{figures, recursion, theme};

/// Compiles all templates among `files`; a site's own takes the place of the built-in one
/// of the same name. Those with mistakes are left out and reported.
pub fn compile(sources: &dyn Sources, files: &[String], found: &mut Vec<Diagnostic>) -> Layouts {
    let mut texts: FxHashMap<String, Source> = FxHashMap::default();
    for (path, bytes) in theme::layouts() {
        if let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) {
            texts.insert(
                name.to_owned(),
                Source { file: format!("layouts/{path}"), text: text.to_owned(), is_builtin: true },
            );
        }
    }
    for file in files {
        let Some(name) = file.strip_prefix("layouts/").and_then(|path| path.strip_suffix(".hbs")) else { continue };
        match read_text(sources, file) {
            Ok(text) => {
                texts.insert(name.to_owned(), Source { file: file.clone(), text, is_builtin: false });
            }
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // Indenting a partial as its call is indented would change what stands inside <pre>.
    registry.set_prevent_indent(true);
    queries::register(&mut registry);
    values::register(&mut registry);
    standing::register(&mut registry);
    fragment::register(&mut registry);
    figures::register(&mut registry);
    recursion::register(&mut registry);
    let mut names: Vec<&String> = texts.keys().collect();
    names.sort();
    let mut compiled: Vec<(String, Template)> = Vec::new();
    for name in names {
        match parse(&texts[name].file, &texts[name].text) {
            Ok(mut template) => {
                name_blocks(&mut template, name);
                compiled.push((name.clone(), template));
            }
            Err(mistake) => found.push(mistake),
        }
    }
    let graph = Graph::of(&compiled);
    let cycles = graph.cycles();
    for way in &cycles {
        found.push(cycle_mistake(&texts[&way[0]], way));
    }
    let showing_items =
        compiled.iter().filter(|(name, _)| graph.calls(name, "items")).map(|(name, _)| name.clone()).collect();
    let absent = compiled.iter().map(|(name, _)| (name.clone(), graph.absent(name))).collect();
    let fields = compiled.iter().map(|(name, _)| (name.clone(), graph.fields(name))).collect();
    drop(graph);
    standing::mark(&mut compiled);
    for (name, mut template) in compiled {
        recursion::guard(&mut template);
        values::note(&mut template, &name);
        // A cycle would overflow the stack, which no handler catches.
        if !cycles.iter().any(|way| way.contains(&name)) {
            registry.register_template(&name, template);
        }
    }
    Layouts { registry, sources: texts, showing_items, fields, absent }
}

/// Handlebars gives a name to a file's template only, not to the blocks in it. A mistake in a
/// block would then be looked for in the file that shows it, `base.hbs`, and not in the one
/// where it was written.
fn name_blocks(template: &mut Template, name: &str) {
    template.name = Some(name.to_owned());
    for element in &mut template.elements {
        let inside = match element {
            TemplateElement::PartialExpression(block)
            | TemplateElement::PartialBlock(block)
            | TemplateElement::DecoratorExpression(block)
            | TemplateElement::DecoratorBlock(block) => [block.template.as_mut(), None],
            TemplateElement::HelperBlock(helper) => [helper.template.as_mut(), helper.inverse.as_mut()],
            _ => continue,
        };
        inside.into_iter().flatten().for_each(|block| name_blocks(block, name));
    }
}

fn cycle_mistake(source: &Source, way: &[String]) -> Diagnostic {
    let next = way[1].as_str();
    let place = match source.text.match_indices(next).find(|(at, _)| source.text[..*at].trim_end().ends_with('>')) {
        Some((at, _)) => Place::of(&source.file, &source.text, at..at + next.len()),
        None => Place::file(&source.file),
    };
    Diagnostic::error(
        Code::PartialCycle,
        place,
        format!("partials include each other without end: {}", way.join(" → ")),
    )
    .hint("let one of them end without the next; a nested list is made by a query inside a query")
}
