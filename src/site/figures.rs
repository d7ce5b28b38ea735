//! Figures for people: `{{thousands population}}`, in layouts and in the templates of the edge.

use handlebars::{Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason};
use serde_json::Value;

/// Makes the helper known to `registry`.
pub fn register(registry: &mut Handlebars<'_>) {
    registry.register_helper("thousands", Box::new(Thousands));
}

/// The digits before the point in groups of three: `1,234,567`. What is no number stays as it
/// is, and nothing is nothing.
struct Thousands;

impl HelperDef for Thousands {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(value) = helper.param(0) else {
            return Err(RenderErrorReason::ParamNotFoundForIndex("thousands", 0).into());
        };
        let separator = helper.param(1).and_then(|given| given.value().as_str()).unwrap_or(",");
        let text = match value.value() {
            Value::Null => return Ok(()),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok(out.write(&registry.get_escape_fn()(&grouped(&text, separator)))?)
    }
}

fn grouped(text: &str, separator: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !part.is_none_or(are_digits) {
        return text.to_owned();
    }
    let mut grouped = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push_str(separator);
        }
        grouped.push(digit);
    }
    if let Some(part) = part {
        grouped.push('.');
        grouped.push_str(part);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use handlebars::Handlebars;
    use serde_json::json;

    fn check(template: &str, n: serde_json::Value, expected: &str) {
        let mut registry = Handlebars::new();
        super::register(&mut registry);
        assert_eq!(registry.render_template(template, &json!({ "n": n })).unwrap(), expected);
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        check("{{thousands n}}", json!(22_315_474), "22,315,474");
        check("{{thousands n}}", json!("999"), "999");
        check("{{thousands n}}", json!(-1000), "-1,000");
        check("{{thousands n}}", json!(1234.5678), "1,234.5678");
        check("{{thousands n \" \"}}", json!("1000000"), "1 000 000");
    }

    #[test]
    fn what_is_no_number_is_a_text() {
        check("{{thousands n}}", json!("<1000>"), "&lt;1000&gt;");
        check("{{thousands n}}", json!("1e9999"), "1e9999");
        check("{{thousands n}}", json!(null), "");
    }
}
