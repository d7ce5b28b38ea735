//! The graph of partials: which template includes which, which helpers it calls, and what it
//! can see of pages.
//!
//! Handlebars follows an inclusion wherever it leads; two partials that include each other
//! overflow the stack and end the process. So a cycle is refused when templates are
//! loaded, guarded by an `{{#if}}` or not: what a guard will say is not known here. A name
//! made at render time and a block that includes itself are not in the graph; those are
//! ended by `site::recursion`.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use crate::build::model::Fields;

/// Helpers that give away the whole of what they are given, or compare it.
const SEEING_ALL: &[&str] =
    &["json", "concat", "default", "lookup", "each", "eq", "ne", "gt", "gte", "lt", "lte", "len"];

/// First words of paths that lead to no page.
const NO_PAGE: &[&str] = &["site", "headings"];

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
    /// Fields of pages that it names, or may look into.
    fields: Fields,
    /// Whether it includes a template whose name is made at render time.
    includes_any: bool,
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

    /// The fields of pages that `name` can see, itself or by a partial.
    pub(super) fn fields(&self, name: &str) -> Fields {
        let (mut seen, mut open, mut fields) = (BTreeSet::new(), vec![name], Fields::NONE);
        while let Some(name) = open.pop() {
            let Some(node) = self.nodes.get(name).filter(|_| seen.insert(name)) else { continue };
            if node.includes_any {
                return Fields::ALL;
            }
            fields = fields.and(node.fields);
            open.extend(node.included.iter().map(String::as_str));
        }
        fields
    }

    /// The names that `name` includes, itself or by a partial, and that no template has: a
    /// block stands in for each, until somebody writes the file.
    pub(super) fn absent(&self, name: &str) -> Vec<String> {
        let (mut seen, mut open, mut absent) = (BTreeSet::new(), vec![name], BTreeSet::new());
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            match self.nodes.get(name) {
                Some(node) => open.extend(node.included.iter().map(String::as_str)),
                None => drop(absent.insert(name.to_owned())),
            }
        }
        absent.into_iter().collect()
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
                    match &partial.name {
                        Parameter::Subexpression(_) => self.includes_any = true,
                        name => self.included.extend(name_of(name).map(str::to_owned)),
                    }
                    // What a partial is given, it names itself.
                    partial.params.iter().chain(partial.hash.values()).for_each(|given| self.look(given, false));
                    if let Some(inside) = &partial.template {
                        self.collect(inside);
                    }
                }
                TemplateElement::DecoratorBlock(decorator) | TemplateElement::DecoratorExpression(decorator) => {
                    self.inline.extend(decorator.params.first().and_then(name_of).map(str::to_owned));
                    if let Some(inside) = &decorator.template {
                        self.collect(inside);
                    }
                }
                TemplateElement::HelperBlock(helper) => {
                    self.helpers.extend(name_of(&helper.name).map(str::to_owned));
                    self.call(helper);
                    for inside in [&helper.template, &helper.inverse].into_iter().flatten() {
                        self.collect(inside);
                    }
                }
                TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => self.call(helper),
                _ => {}
            }
        }
    }

    /// Notes what a call names, its own name among it: `{{title}}` is a call, too.
    fn call(&mut self, helper: &HelperTemplate) {
        self.look(&helper.name, false);
        let sees_all = helper.name.as_name().is_some_and(|name| SEEING_ALL.contains(&name));
        helper.params.iter().chain(helper.hash.values()).for_each(|given| self.look(given, sees_all));
    }

    /// Notes the fields that `parameter` names. When its reader sees all of it, a path that
    /// ends before any field may be a whole page.
    fn look(&mut self, parameter: &Parameter, sees_all: bool) {
        match parameter {
            Parameter::Literal(_) => {}
            Parameter::Subexpression(inside) => match inside.as_element() {
                TemplateElement::Expression(helper) => self.call(helper),
                _ => self.fields = Fields::ALL,
            },
            path => {
                let raw = path.as_name().unwrap_or_default();
                let mut words = raw
                    .split(['.', '/', '[', ']'])
                    .filter(|word| !word.is_empty() && !matches!(*word, "this" | "page" | "@root"));
                let named = words.clone().fold(Fields::NONE, |fields, word| fields.and(Fields::named(word)));
                self.fields = self.fields.and(named);
                let first = words.next();
                let leads_elsewhere = first.is_some_and(|word| word.starts_with('@') || NO_PAGE.contains(&word));
                if sees_all && named.is_empty() && !leads_elsewhere && words.next().is_none() {
                    self.fields = Fields::ALL;
                }
            }
        }
    }
}

/// The name of a template or a helper, if it stands in the text; as `{{> "name"}}` too.
pub(super) fn name_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Literal(value) => value.as_str(),
        other => other.as_name(),
    }
}
