//! The pace of a render: a template is stopped when its time is over or it writes too much.
//!
//! A thread cannot be stopped from outside. So each template, and each block in it, begins by
//! asking whether there is time left: a loop asks in each round. What no template can do is
//! to wait.

use std::cell::Cell;
use std::io::{self, Write};
use std::time::Instant;

use handlebars::template::{Template, TemplateElement};
use handlebars::{Handlebars, HelperResult, RenderErrorReason};

use crate::site::recursion::Silent;

/// How long a fragment may be, in bytes.
const LONGEST: usize = 256 * 1024;

/// What a render that was stopped says; the log has it.
const TOO_SLOW: &str = "its time was over before it was rendered";

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes the question known to `registry`.
pub(in crate::edge) fn register(registry: &mut Handlebars<'_>) {
    registry.register_helper("littoral_pace", Box::new(Silent(ask)));
}

/// Lets `template`, and each block in it, ask.
pub(in crate::edge) fn guard(template: &mut Template) {
    for element in &mut template.elements {
        match element {
            TemplateElement::HelperBlock(helper) => {
                [&mut helper.template, &mut helper.inverse].into_iter().flatten().for_each(guard);
            }
            TemplateElement::PartialBlock(block)
            | TemplateElement::PartialExpression(block)
            | TemplateElement::DecoratorBlock(block) => block.template.iter_mut().for_each(guard),
            _ => {}
        }
    }
    if let Ok(question) = Template::compile("{{littoral_pace}}") {
        // Each element has its place beside it, for messages.
        template.elements.splice(0..0, question.elements);
        template.mapping.splice(0..0, question.mapping);
    }
}

/// What `render` gives, on this thread, with an end to it.
pub(super) fn until<T>(end: Instant, render: impl FnOnce() -> T) -> T {
    let before = UNTIL.replace(Some(end));
    let given = render();
    UNTIL.set(before);
    given
}

fn ask() -> HelperResult {
    match UNTIL.get() {
        Some(end) if Instant::now() >= end => Err(RenderErrorReason::Other(TOO_SLOW.to_owned()).into()),
        _ => Ok(()),
    }
}

/// A fragment as it is written, with an end to it.
#[derive(Debug, Default)]
pub(super) struct Bounded(pub(super) Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other(format!("it is longer than {LONGEST} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
