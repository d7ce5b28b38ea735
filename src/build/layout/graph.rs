//! The graph of partials: which template includes which.
//!
//! Handlebars follows an inclusion wherever it leads; two partials that include each other
//! overflow the stack and end the process. So a cycle is refused when templates are
//! loaded, guarded by an `{{#if}}` or not: what a guard will say is not known here. A name
//! made at render time and a block that includes itself are not in the graph; those are
//! ended by `site::recursion`.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{Parameter, TemplateElement};

/// Which template includes which, and what each asks for.
pub(super) struct Graph<'t> {
    nodes: BTreeMap<&'t str, Node>,
}

#[derive(Default)]
struct Node {
    /// Other templates, by name.
    included: Vec<String>,
    /// Blocks defined inside the template itself: their names are no other files.
    inline: Vec<String>,
    /// Helpers that are called as blocks.
    helpers: Vec<String>,
}

impl<'t> Graph<'t> {
    /// The graph of `templates`.
    pub(super) fn of(templates: &'t [(String, Template)]) -> Self {
        let nodes = templates.iter().map(|(name, template)| {
            let mut node = Node::default();
            node.collect(template);
            let Node { included, inline, .. } = &mut node;
            included.retain(|other| !inline.contains(other));
            (name.as_str(), node)
        });
        Self { nodes: nodes.collect() }
    }

    /// The cycles, each with the names on the way round, first and last alike.
    pub(super) fn cycles(&self) -> Vec<Vec<String>> {
        let (mut done, mut cycles) = (BTreeSet::new(), Vec::new());
        for name in self.nodes.keys() {
            self.follow(name, &mut Vec::new(), &mut done, &mut cycles);
        }
        cycles
    }

    /// Whether `name` calls the block helper `helper`, itself or by a partial.
    pub(super) fn calls(&self, name: &str, helper: &str) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(name) = open.pop() {
            let Some(node) = self.nodes.get(name).filter(|_| seen.insert(name)) else { continue };
            if node.helpers.iter().any(|called| called == helper) {
                return true;
            }
            open.extend(node.included.iter().map(String::as_str));
        }
        false
    }

    fn follow<'g>(
        &'g self,
        name: &'g str,
        way: &mut Vec<&'g str>,
        done: &mut BTreeSet<&'g str>,
        cycles: &mut Vec<Vec<String>>,
    ) {
        if let Some(at) = way.iter().position(|seen| *seen == name) {
            cycles.push(way[at..].iter().chain([&name]).map(|&name| name.to_owned()).collect());
            return;
        }
        let Some(node) = self.nodes.get(name).filter(|_| !done.contains(name)) else { return };
        way.push(name);
        for next in &node.included {
            self.follow(next, way, done, cycles);
        }
        way.pop();
        done.insert(name);
    }
}

impl Node {
    fn collect(&mut self, template: &Template) {
        for element in &template.elements {
            match element {
                TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                    self.included.extend(name_of(&partial.name));
                    if let Some(inside) = &partial.template {
                        self.collect(inside);
                    }
                }
                TemplateElement::DecoratorBlock(decorator) | TemplateElement::DecoratorExpression(decorator) => {
                    self.inline.extend(decorator.params.first().and_then(name_of));
                    if let Some(inside) = &decorator.template {
                        self.collect(inside);
                    }
                }
                TemplateElement::HelperBlock(helper) => {
                    self.helpers.extend(name_of(&helper.name));
                    for inside in [&helper.template, &helper.inverse].into_iter().flatten() {
                        self.collect(inside);
                    }
                }
                _ => {}
            }
        }
    }
}

fn name_of(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Literal(value) => value.as_str().map(str::to_owned),
        other => other.as_name().map(str::to_owned),
    }
}
