//! Recursion of templates: an end to it before the stack ends.
//!
//! Handlebars follows an inclusion wherever it leads, and a stack that overflows ends the
//! whole process. Cycles that can be seen are refused when templates are loaded; a name
//! made at render time, a block that includes itself, or a condition that stays true cannot
//! be seen. So every template counts itself in and out, and beyond [`DEEPEST`] a render
//! fails like any other.

use std::cell::Cell;

use handlebars::template::{Template, TemplateElement};
use handlebars::{Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason};

/// How many templates may be inside each other.
pub const DEEPEST: usize = 40;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Makes the counting known to `registry`.
pub fn register(registry: &mut Handlebars<'_>) {
    registry.register_helper("littoral_enter", Box::new(Silent(enter)));
    registry.register_helper("littoral_leave", Box::new(Silent(leave)));
}

/// Lets `template`, and each block that it defines, count itself.
pub fn guard(template: &mut Template) {
    guard_blocks(template);
    let (Ok(first), Ok(last)) = (Template::compile("{{littoral_enter}}"), Template::compile("{{littoral_leave}}"))
    else {
        return;
    };
    // Each element has its place beside it, for messages; these two stand at the beginning.
    template.elements.splice(0..0, first.elements);
    template.mapping.splice(0..0, first.mapping);
    template.elements.extend(last.elements);
    template.mapping.extend(last.mapping);
}

/// Begins a render on this thread with nothing counted; what was is given back by
/// [`restore`], because a shortcode is rendered while its page is.
pub fn begin() -> usize {
    DEPTH.get()
}

/// Ends what began with [`begin`]. A render that failed has not counted itself out.
pub fn restore(depth: usize) {
    DEPTH.set(depth);
}

/// Guards the templates that `block` holds. The block of a helper is none of its own.
fn guard_blocks(block: &mut Template) {
    for element in &mut block.elements {
        match element {
            TemplateElement::HelperBlock(helper) => {
                for inside in [&mut helper.template, &mut helper.inverse].into_iter().flatten() {
                    guard_blocks(inside);
                }
            }
            TemplateElement::PartialBlock(partial) | TemplateElement::DecoratorBlock(partial) => {
                if let Some(inside) = &mut partial.template {
                    guard(inside);
                }
            }
            _ => {}
        }
    }
}

/// A helper that does something before the next element and writes nothing.
pub struct Silent(pub fn() -> HelperResult);

impl HelperDef for Silent {
    fn call<'reg: 'rc, 'rc>(
        &self,
        _: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        _: &mut dyn Output,
    ) -> HelperResult {
        (self.0)()
    }
}

fn enter() -> HelperResult {
    if DEPTH.get() >= DEEPEST {
        let message =
            format!("templates include each other more than {DEEPEST} deep: one of them includes itself without end");
        return Err(RenderErrorReason::Other(message).into());
    }
    DEPTH.set(DEPTH.get() + 1);
    Ok(())
}

fn leave() -> HelperResult {
    DEPTH.set(DEPTH.get().saturating_sub(1));
    Ok(())
}
