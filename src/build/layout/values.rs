//! The small helpers of layouts: dates, texts, URLs, and the page's own HTML.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    ScopedJson, Template,
};
use jiff::civil::{Date, DateTime};
use serde_json::Value;

use super::mistake::Refusal;
use super::scope::{self, Scope};
use crate::build::markdown;
use crate::build::shell;
use crate::build::trace::Read;
use crate::site::diagnostic::Code;
use crate::site::permalink::slugify;

/// Makes the helpers known to `registry`.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    let mut value = |name: &'static str, give: Give| registry.register_helper(name, Box::new(Giving { name, give }));
    value("date", date);
    value("absolute", |asked| {
        let url = asked.text(0)?;
        Ok(if url.starts_with('/') { format!("{}{url}", asked.scope.reader.base_url()) } else { url.to_owned() }.into())
    });
    value("truncate", truncate);
    value("plural", |asked| {
        let number = asked.value(0).as_f64().unwrap_or(0.0);
        Ok(asked.text(if (number - 1.0).abs() < f64::EPSILON { 1 } else { 2 })?.into())
    });
    value("slugify", |asked| Ok(slugify(asked.text(0)?).into()));
    value("default", |asked| {
        let first = asked.value(0);
        let missing = first.is_null() || first.as_str().is_some_and(str::is_empty) || first == &Value::Bool(false);
        Ok(if missing { asked.value(1) } else { first }.clone())
    });
    value("concat", |asked| Ok(asked.all().map(text_of).collect::<String>().into()));
    value("asset", |asked| {
        let name = asked.text(0)?;
        match asked.scope.reader.asset(name) {
            Some(url) => Ok(url.into()),
            None => Err(Refusal::unknown(
                Code::UnknownAsset,
                format!("there is no asset `{name}`: expected a file `layouts/assets/{name}`"),
                name,
                asked.scope.reader.unnoted().assets.names(),
            )),
        }
    });
    let mut html = |name: &'static str, write: Write| registry.register_helper(name, Box::new(Writing { name, write }));
    html("content", |asked, out| Ok(out.write(&asked.scope.content)?));
    html("toc", |asked, out| {
        let level = |key: &str, otherwise: u8| {
            asked.named(key).and_then(Value::as_u64).and_then(|level| u8::try_from(level).ok()).unwrap_or(otherwise)
        };
        Ok(out.write(&markdown::toc_html(&asked.scope.headings, level("min", 2), level("max", 3)))?)
    });
    html("hole", |asked, out| Ok(out.write(&shell::mark(asked.text(0)?))?));
    html("json", |asked, out| {
        // `</script>` inside a text must not end the script that holds it.
        Ok(out.write(&asked.value(0).to_string().replace('<', "\\u003c"))?)
    });
    html("form", |asked, out| {
        let name = asked.text(0)?;
        match asked.scope.reader.form(name) {
            Some(html) => Ok(out.write(html?.trim_end())?),
            None => Err(Refusal::unknown(
                Code::UnknownForm,
                format!("no form is called `{name}`: expected a file `dynamic/forms/{name}.yaml`"),
                name,
                asked.scope.reader.unnoted().forms.names(),
            )),
        }
    });
    html("littoral_template", |asked, _| {
        asked.scope.reader.note(&Read::Template(asked.text(0)?.to_owned()));
        Ok(())
    });
    html("markdown", |asked, out| {
        Ok(out.write(&markdown::fragment_html(asked.text(0)?, asked.scope.reader.markdown()))?)
    });
}

/// Lets the template `name` note that it was used, wherever it is included.
pub(super) fn note(template: &mut Template, name: &str) {
    if let Ok(call) = Template::compile(&format!("{{{{littoral_template {}}}}}", Value::from(name))) {
        template.elements.splice(0..0, call.elements);
        template.mapping.splice(0..0, call.mapping);
    }
}

type Give = fn(&Asked<'_, '_>) -> Result<Value, RenderError>;
type Write = fn(&Asked<'_, '_>, &mut dyn Output) -> HelperResult;

/// A helper that gives a value, which is escaped where it is written.
struct Giving {
    name: &'static str,
    give: Give,
}

/// A helper that writes HTML.
struct Writing {
    name: &'static str,
    write: Write,
}

struct Asked<'h, 'rc> {
    name: &'static str,
    helper: &'h Helper<'rc>,
    scope: std::rc::Rc<Scope>,
}

impl HelperDef for Giving {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let asked = Asked { name: self.name, helper, scope: scope::current()? };
        (self.give)(&asked).map(ScopedJson::Derived)
    }
}

impl HelperDef for Writing {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let asked = Asked { name: self.name, helper, scope: scope::current()? };
        (self.write)(&asked, out)
    }
}

impl Asked<'_, '_> {
    fn value(&self, at: usize) -> &Value {
        self.helper.param(at).map_or(&Value::Null, |param| param.value())
    }

    fn all(&self) -> impl Iterator<Item = &Value> {
        self.helper.params().iter().map(|param| param.value())
    }

    fn named(&self, key: &str) -> Option<&Value> {
        self.helper.hash_get(key).map(|param| param.value())
    }

    /// The text at `at`; an absent value is an empty one, as `{{#if}}` would have it.
    fn text(&self, at: usize) -> Result<&str, RenderError> {
        match self.helper.param(at).map(|param| param.value()) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Null) => Ok(""),
            Some(other) => Err(mistake(format!("`{}` wants a text in its place {}, found {other}", self.name, at + 1))),
            None => Err(mistake(format!("`{}` wants a text in its place {}, found nothing", self.name, at + 1))),
        }
    }
}

fn mistake(message: String) -> RenderError {
    RenderErrorReason::Other(message).into()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `{{date page.date "%-d %B %Y"}}`, by default `2020-01-31`. A page without one shows nothing.
fn date(asked: &Asked<'_, '_>) -> Result<Value, RenderError> {
    if asked.helper.param(0).is_none() {
        return Err(mistake("`date` is a helper and wants a date: the item's own is `this.date`".to_owned()));
    }
    let text = asked.text(0)?;
    let pattern = match asked.value(1) {
        Value::String(pattern) => pattern.as_str(),
        _ => return Ok(text.get(..10).unwrap_or(text).into()),
    };
    if text.is_empty() {
        return Ok("".into());
    }
    let wrong = || mistake(format!("`date`: `{text}` is no date"));
    let time = match text.get(..19).map(str::parse::<DateTime>) {
        Some(Ok(time)) => time,
        _ => text.get(..10).and_then(|day| day.parse::<Date>().ok()).ok_or_else(wrong)?.at(0, 0, 0, 0),
    };
    jiff::fmt::strtime::format(pattern, time)
        .map(Value::from)
        .map_err(|error| mistake(format!("`date`: the pattern `{pattern}`: {error}")))
}

/// `{{truncate text 150}}`: whole words, and a sign that there is more.
fn truncate(asked: &Asked<'_, '_>) -> Result<Value, RenderError> {
    let text = asked.text(0)?;
    let most = asked
        .value(1)
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .ok_or_else(|| mistake("`truncate` wants a number in its place 2".to_owned()))?;
    let Some((cut, _)) = text.char_indices().nth(most) else { return Ok(text.into()) };
    let whole = text[..cut].rfind(char::is_whitespace).unwrap_or(cut);
    Ok(format!("{}…", text[..whole].trim_end()).into())
}
