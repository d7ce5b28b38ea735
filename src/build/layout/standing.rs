//! Standing blocks: what a layout shows alike on every page.
//!
//! A list of sections in the header of ten thousand pages asks the same question ten thousand
//! times and writes the same answer. A block stands if it is a query that names everything it
//! asks for, and nothing in it looks further than the item that the query gives. Such a block
//! is rendered once for the whole site; its words are kept, and the reads that it made, which
//! every output that shows it has made too.
//!
//! Found when templates are compiled. What cannot be seen to stand is rendered each time.

use std::mem;

use handlebars::template::{BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason, Renderable,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::name_of;
use super::{HELPERS, scope};
use crate::build::world::Block;

/// Queries whose answer depends on their arguments alone.
const QUERIES: &[&str] = &["pages", "sections", "taxonomy", "section", "page", "data"];

/// Blocks that look no further than their argument.
const BLOCKS: &[&str] = &["if", "unless", "each", "with"];

/// Helpers that depend on their arguments alone, or note what else they read.
const CALLS: &[&str] = &[
    "date",
    "thousands",
    "absolute",
    "truncate",
    "plural",
    "slugify",
    "default",
    "concat",
    "asset",
    "json",
    "markdown",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
    "lookup",
];

/// Makes the helper known that renders a block once.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper("littoral_once", Box::new(Once));
}

/// Lets each block of `templates` that stands be rendered once.
pub(super) fn mark(templates: &mut [(String, Template)]) {
    let known: FxHashMap<String, Template> = templates.iter().cloned().collect();
    let mut names = Names::default();
    known.values().for_each(|template| names.collect(template));
    let judge = Judge { templates: &known, names: &names };
    let mut number = 0;
    for (_, template) in templates {
        mark_in(template, &judge, &mut number);
    }
}

fn mark_in(template: &mut Template, judge: &Judge<'_>, number: &mut u32) {
    for (at, element) in template.elements.iter_mut().enumerate() {
        match element {
            TemplateElement::HelperBlock(helper) if judge.stands(helper) => {
                let call = format!("{{{{#littoral_once {number}}}}} {{{{/littoral_once}}}}");
                let Ok(mut once) = Template::compile(&call) else { return };
                let Some(TemplateElement::HelperBlock(mut outer)) = once.elements.pop() else { return };
                if let Some(inside) = &mut outer.template {
                    inside.name.clone_from(&template.name);
                    inside.mapping = template.mapping.get(at).cloned().into_iter().collect();
                    inside.elements = vec![mem::replace(element, TemplateElement::RawString(String::new()))];
                }
                *element = TemplateElement::HelperBlock(outer);
                *number += 1;
            }
            TemplateElement::HelperBlock(helper) => {
                for inside in [&mut helper.template, &mut helper.inverse].into_iter().flatten() {
                    mark_in(inside, judge, number);
                }
            }
            TemplateElement::PartialBlock(block) | TemplateElement::DecoratorBlock(block) => {
                if let Some(inside) = &mut block.template {
                    mark_in(inside, judge, number);
                }
            }
            _ => {}
        }
    }
}

/// Names that mean something else where they are used than where they are written.
#[derive(Default)]
struct Names {
    /// What a block or an inclusion gives to everything inside: `as |tag|`, `{{> nav at="x"}}`.
    given: FxHashSet<String>,
    /// Blocks that take the place of a partial: `{{#*inline "main"}}`.
    inline: FxHashSet<String>,
    /// Whether there is a block that gives names in a way that is not known here.
    are_unclear: bool,
}

impl Names {
    fn collect(&mut self, template: &Template) {
        for element in &template.elements {
            match element {
                TemplateElement::HelperBlock(helper) => {
                    match &helper.block_param {
                        Some(BlockParam::Single(name)) => self.give(name),
                        Some(BlockParam::Pair((one, other))) => {
                            self.give(one);
                            self.give(other);
                        }
                        None => {}
                        Some(_) => self.are_unclear = true,
                    }
                    [&helper.template, &helper.inverse].into_iter().flatten().for_each(|inside| self.collect(inside));
                }
                TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) => {
                    self.given.extend(call.hash.keys().cloned());
                    call.template.iter().for_each(|inside| self.collect(inside));
                }
                TemplateElement::DecoratorExpression(call) | TemplateElement::DecoratorBlock(call) => {
                    self.inline.extend(call.params.first().and_then(name_of).map(str::to_owned));
                    call.template.iter().for_each(|inside| self.collect(inside));
                }
                _ => {}
            }
        }
    }

    fn give(&mut self, name: &Parameter) {
        self.given.extend(name.as_name().map(str::to_owned));
    }
}

/// Says which blocks stand.
struct Judge<'t> {
    templates: &'t FxHashMap<String, Template>,
    names: &'t Names,
}

/// What may be looked at besides the item.
#[derive(Clone, Copy)]
struct Within<'w> {
    /// Whether `@index` and its like are those of a block that stands too.
    is_counted: bool,
    /// The partials that are being looked into.
    way: &'w [&'w str],
}

impl Judge<'_> {
    fn stands(&self, helper: &HelperTemplate) -> bool {
        let is_literal = |given: &Parameter| matches!(given, Parameter::Literal(_));
        let body = |inside: &Option<Template>, is_counted: bool| {
            inside.as_ref().is_none_or(|inside| self.is_closed(inside, Within { is_counted, way: &[] }))
        };
        !self.names.are_unclear
            && is_one_of(&helper.name, QUERIES)
            && helper.block_param.is_none()
            && helper.params.iter().chain(helper.hash.values()).all(is_literal)
            && body(&helper.template, true)
            && body(&helper.inverse, false)
    }

    /// Whether nothing in `template` looks further than the item that it is given.
    fn is_closed(&self, template: &Template, within: Within<'_>) -> bool {
        template.elements.iter().all(|element| match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => true,
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                self.is_closed_call(call, within)
            }
            TemplateElement::HelperBlock(block) => self.is_closed_block(block, within),
            TemplateElement::PartialExpression(call) => self.is_closed_partial(call, within),
            _ => false,
        })
    }

    fn is_closed_block(&self, block: &HelperTemplate, within: Within<'_>) -> bool {
        let (is_query, is_plain) = (is_one_of(&block.name, QUERIES), is_one_of(&block.name, BLOCKS));
        let inside = Within { is_counted: within.is_counted || is_query, ..within };
        (is_query || is_plain)
            && block.block_param.is_none()
            && self.are_closed(block, within)
            && block.template.as_ref().is_none_or(|body| self.is_closed(body, inside))
            && block.inverse.as_ref().is_none_or(|body| self.is_closed(body, within))
    }

    fn is_closed_call(&self, call: &HelperTemplate, within: Within<'_>) -> bool {
        if is_one_of(&call.name, CALLS) {
            return self.are_closed(call, within);
        }
        let is_path = call.params.is_empty() && call.hash.is_empty() && !is_one_of(&call.name, HELPERS);
        is_path && self.is_closed_path(&call.name, within)
    }

    fn is_closed_partial(&self, call: &DecoratorTemplate, within: Within<'_>) -> bool {
        let Some(name) = name_of(&call.name) else { return false };
        if !call.params.is_empty() || !call.hash.is_empty() || call.template.is_some() {
            return false;
        }
        let is_plain = !self.names.inline.contains(name) && !within.way.contains(&name);
        let way = [within.way, &[name]].concat();
        let template = self.templates.get(name).filter(|_| is_plain);
        template.is_some_and(|template| self.is_closed(template, Within { way: &way, ..within }))
    }

    /// Whether its arguments are.
    fn are_closed(&self, call: &HelperTemplate, within: Within<'_>) -> bool {
        call.params.iter().chain(call.hash.values()).all(|given| match given {
            Parameter::Literal(_) => true,
            Parameter::Subexpression(inside) => match inside.as_element() {
                TemplateElement::Expression(call) => self.is_closed_call(call, within),
                _ => false,
            },
            path => self.is_closed_path(path, within),
        })
    }

    fn is_closed_path(&self, path: &Parameter, within: Within<'_>) -> bool {
        let Some(path) = path.as_name() else { return false };
        if path.starts_with('@') {
            return within.is_counted && matches!(path, "@index" | "@first" | "@last");
        }
        let first = path.split(['.', '/', '[', ']']).find(|word| !word.is_empty() && *word != "this");
        !path.contains("..") && !first.is_some_and(|word| self.names.given.contains(word))
    }
}

fn is_one_of(name: &Parameter, names: &[&str]) -> bool {
    name.as_name().is_some_and(|name| names.contains(&name))
}

/// The helper that renders its block once for all outputs of a build.
struct Once;

impl HelperDef for Once {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let number = helper.param(0).and_then(|param| param.value().as_u64());
        let (Some(number), Some(template)) = (number, helper.template()) else {
            return Err(RenderErrorReason::Other("a block that stands has lost its number".to_owned()).into());
        };
        let scope = scope::current()?;
        let block = Block { number, fields: scope.fields };
        let html = scope.reader.once(block, || template.renders(registry, context, render))?;
        Ok(out.write(&html)?)
    }
}
