//! `{{fragment "popular" limit=3}}`: a place in the page that the edge fills.
//!
//! As a block it holds the fallback. Its arguments are texts, numbers, `true` and `false`;
//! what is null is not given.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    Renderable,
};

use super::mistake::Refusal;
use super::scope;
use crate::build::fragment::{self, Mistake};
use crate::site::diagnostic::Code;

/// Makes the helper known to `registry`.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper("fragment", Box::new(Place));
}

struct Place;

impl HelperDef for Place {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name = helper.param(0).and_then(|param| param.value().as_str());
        let name = name.ok_or_else(|| mistake("`fragment` wants the name of a fragment in its place 1".to_owned()))?;
        if helper.params().len() > 1 {
            return Err(mistake(format!("the fragment `{name}` takes its arguments by name: `limit=3`")));
        }
        let fallback = match helper.template() {
            Some(block) => block.renders(registry, context, render)?,
            None => String::new(),
        };
        let scope = scope::current()?;
        let given = helper.hash().iter().map(|(key, value)| (*key, value.value()));
        let html = fragment::element(&scope.reader, name, given, &fallback).map_err(|refused| {
            let Mistake { code, message, hint } = refused;
            RenderError::from(RenderErrorReason::NestedError(Box::new(Refusal { code, message, hint })))
        })?;
        Ok(out.write(&html)?)
    }
}

fn mistake(message: String) -> RenderError {
    let refusal = Refusal { code: Code::Fragment, message, hint: None };
    RenderErrorReason::NestedError(Box::new(refusal)).into()
}
