//! The queries of layouts: block helpers that push one item at a time.
//!
//! | helper | items |
//! |---|---|
//! | `pages section= recursive= taxonomy= term= sort= order= limit= offset=` | pages |
//! | `items` | the pages of this list page |
//! | `sections of= limit=` | the sections below one |
//! | `taxonomy "tags" sort= limit=` | terms |
//! | `page "docs/first.md"`, `section "docs"`, `previous`, `next`, `pager` | one |
//! | `ancestors` | the sections above the page |
//! | `headings min= max=` | headings of the page |
//! | `data "file.yaml"` | the file's value |
//! | `current url`, `within url` | the block, if the page is there |
//!
//! Inside, `this` is the item, `@index`, `@first` and `@last` say where it is, and
//! `{{else}}` holds what stands there when nothing is found.

use handlebars::{
    BlockContext, Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable,
};
use serde_json::{Value, json};

use super::mistake::Refusal;
use super::scope::{self, Scope};
use crate::build::model::{Order, SortBy};
use crate::build::trace::{Pages, Read, Side, Window};
use crate::site::diagnostic::Code;

/// Makes the queries known to `registry`.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    let mut add = |name: &'static str, keys: &'static [&'static str], answer: Answer| {
        registry.register_helper(name, Box::new(Query { name, keys, answer }));
    };
    add("pages", &["section", "recursive", "taxonomy", "term", "sort", "order", "limit", "offset"], pages);
    add("items", &["limit", "offset"], items);
    add("sections", &["of", "limit", "offset"], sections);
    add("taxonomy", &["sort", "limit", "offset"], taxonomy);
    add("page", &[], page);
    add("section", &[], section);
    add("ancestors", &[], |scope, _| {
        let read = scope.source.clone().map(|source| Read::Ancestors { source, fields: scope.fields });
        Ok(read.and_then(|read| scope.reader.ask(&read)).unwrap_or_default())
    });
    add("previous", &[], |scope, _| Ok(neighbour(scope, Side::Previous)));
    add("next", &[], |scope, _| Ok(neighbour(scope, Side::Next)));
    add("pager", &[], |scope, _| Ok(pager(scope).into_iter().collect()));
    add("headings", &["min", "max"], headings);
    add("data", &[], data);
    registry.register_helper("current", Box::new(Where(|url, path| url == path)));
    registry.register_helper("within", Box::new(Where(|url, path| url.starts_with(path))));
}

type Answer = fn(&Scope, &Asked<'_, '_>) -> Result<Vec<Value>, RenderError>;

struct Query {
    name: &'static str,
    /// The named arguments it understands; another is a slip that must not pass in silence.
    keys: &'static [&'static str],
    answer: Answer,
}

/// One call of a query.
struct Asked<'h, 'rc> {
    name: &'static str,
    helper: &'h Helper<'rc>,
}

/// A block that stands only on some pages; its surroundings stay as they are.
struct Where(fn(&str, &str) -> bool);

impl HelperDef for Where {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let path = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or_default();
        let inside = if (self.0)(&scope::current()?.url, path) { helper.template() } else { helper.inverse() };
        inside.map_or(Ok(()), |block| block.render(registry, context, render, out))
    }
}

impl HelperDef for Query {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(template) = helper.template() else {
            return Err(mistake(format!("`{}` is a block: write `{{{{#{0}}}}} … {{{{/{0}}}}}`", self.name)));
        };
        if let Some(wrong) = helper.hash().keys().find(|key| !self.keys.contains(*key)) {
            let known = if self.keys.is_empty() {
                "it takes no named arguments".to_owned()
            } else {
                format!("it takes {}", self.keys.join(", "))
            };
            return Err(mistake(format!("`{}` does not know `{wrong}`: {known}", self.name)));
        }
        let scope = scope::current()?;
        let items = (self.answer)(&scope, &Asked { name: self.name, helper })?;
        if items.is_empty() {
            return helper.inverse().map_or(Ok(()), |otherwise| otherwise.render(registry, context, render, out));
        }
        let last = items.len() - 1;
        let mut block = BlockContext::new();
        if let Some(parent) = render.block() {
            block.local_variables_mut().clone_from(parent.local_variables());
        }
        render.push_block(block);
        let mut result = Ok(());
        for (index, item) in items.into_iter().enumerate() {
            if let Some(block) = render.block_mut() {
                block.set_local_var("index", index.into());
                block.set_local_var("first", (index == 0).into());
                block.set_local_var("last", (index == last).into());
                block.set_base_value(item);
            }
            result = template.render(registry, context, render, out);
            if result.is_err() {
                break;
            }
        }
        render.pop_block();
        result
    }
}

fn mistake(message: String) -> RenderError {
    RenderErrorReason::Other(message).into()
}

impl Asked<'_, '_> {
    fn text(&self, at: usize) -> Result<&str, RenderError> {
        self.helper
            .param(at)
            .and_then(|param| param.value().as_str())
            .ok_or_else(|| mistake(format!("`{}` wants a text in its place {}", self.name, at + 1)))
    }

    fn named(&self, key: &str) -> Option<&Value> {
        self.helper.hash_get(key).map(|param| param.value()).filter(|value| !value.is_null())
    }

    fn word(&self, key: &str) -> Result<Option<&str>, RenderError> {
        match self.named(key) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| mistake(format!("`{}`: `{key}` wants a text, found {value}", self.name))),
        }
    }

    fn number(&self, key: &str) -> Result<Option<usize>, RenderError> {
        match self.named(key) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| mistake(format!("`{}`: `{key}` wants a whole number, found {value}", self.name))),
        }
    }

    fn window(&self) -> Result<Window, RenderError> {
        Ok(Window { offset: self.number("offset")?.unwrap_or(0), limit: self.number("limit")?.unwrap_or(usize::MAX) })
    }
}

fn pages(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let section = asked.word("section")?.map(str::to_owned);
    let term = match (asked.word("taxonomy")?, asked.word("term")?) {
        (Some(taxonomy), Some(term)) => Some((taxonomy.to_owned(), crate::site::permalink::slugify(term))),
        (None, None) => None,
        _ => return Err(mistake("`pages`: `taxonomy` and `term` go together".to_owned())),
    };
    let sort = match asked.word("sort")? {
        None => SortBy::Section,
        Some("date") => SortBy::Date,
        Some("weight") => SortBy::Weight,
        Some("title") => SortBy::Title,
        Some("path") => SortBy::Path,
        Some(other) => return Err(mistake(format!("`pages`: `sort` is date, weight, title or path, not `{other}`"))),
    };
    // Dates run from new to old by nature, everything else from small to great.
    let order = match (asked.word("order")?, sort) {
        (None, _)
        | (Some("desc"), SortBy::Date | SortBy::Section)
        | (Some("asc"), SortBy::Weight | SortBy::Title | SortBy::Path) => Order::Natural,
        (Some("asc" | "desc"), _) => Order::Reversed,
        (Some(other), _) => return Err(mistake(format!("`pages`: `order` is asc or desc, not `{other}`"))),
    };
    let recursive = asked.named("recursive").is_some_and(|value| value == &Value::Bool(true));
    let named = section.clone().unwrap_or_default();
    let (window, fields) = (asked.window()?, scope.fields);
    let read = Read::Pages(Box::new(Pages { section, recursive, term, sort, order, window, fields }));
    scope.reader.ask(&read).ok_or_else(|| no_section("pages", &named))
}

fn no_section(query: &str, path: &str) -> RenderError {
    mistake(format!("`{query}`: there is no section `{path}`: a section is a folder with `_index.md`"))
}

fn items(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let window = asked.window()?;
    let Some((list, number)) = scope.list.clone() else { return Ok(Vec::new()) };
    let items = scope.reader.ask(&Read::Items { list, number, fields: scope.fields }).unwrap_or_default();
    Ok(items.into_iter().skip(window.offset).take(window.limit).collect())
}

/// The value of `{{#pager}}`; none when all is on one page.
fn pager(scope: &Scope) -> Option<Value> {
    let (list, number) = scope.list.as_ref()?;
    let length = scope.reader.ask(&Read::Length(list.clone()))?.pop()?;
    let total = length.get("total")?.as_u64().and_then(|total| usize::try_from(total).ok())?;
    let url = |number: usize| scope.first.list_page(number).encoded();
    (total > 1).then(|| {
        json!({
            "number": number,
            "total": total,
            "count": length["count"],
            "previous_url": (*number > 1).then(|| url(number - 1)),
            "next_url": (*number < total).then(|| url(number + 1)),
            "first_url": url(1),
            "last_url": url(total),
        })
    })
}

fn sections(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let of = asked.word("of")?.unwrap_or_default().to_owned();
    let read = Read::Sections { of: of.clone(), window: asked.window()?, fields: scope.fields };
    scope.reader.ask(&read).ok_or_else(|| no_section("sections", &of))
}

fn taxonomy(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let name = asked.text(0)?;
    let by_count = match asked.word("sort")? {
        None | Some("name") => false,
        Some("count") => true,
        Some(other) => return Err(mistake(format!("`taxonomy`: `sort` is name or count, not `{other}`"))),
    };
    let read = Read::Terms { taxonomy: name.to_owned(), by_count, window: asked.window()? };
    scope.reader.ask(&read).ok_or_else(|| {
        let known = &scope.reader.unnoted().site.taxonomies;
        let names: Vec<&str> = known.iter().map(|taxonomy| taxonomy.name.as_str()).collect();
        mistake(format!(
            "there is no taxonomy `{name}`: `littoral.yaml` names {}",
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        ))
    })
}

fn page(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let path = asked.text(0)?;
    let source = path.trim_start_matches("content/").to_owned();
    let read = Read::Page { source, fields: scope.fields };
    scope.reader.ask(&read).ok_or_else(|| mistake(format!("there is no page `{path}` in content")))
}

fn section(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let path = asked.text(0)?;
    let read = Read::Section { path: path.to_owned(), fields: scope.fields };
    scope.reader.ask(&read).ok_or_else(|| no_section("section", path))
}

fn neighbour(scope: &Scope, side: Side) -> Vec<Value> {
    let read = scope.source.clone().map(|source| Read::Neighbour { source, side, fields: scope.fields });
    read.and_then(|read| scope.reader.ask(&read)).unwrap_or_default()
}

fn headings(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let (min, max) = (asked.number("min")?.unwrap_or(2), asked.number("max")?.unwrap_or(3));
    let within = scope.headings.iter().filter(|heading| (min..=max).contains(&usize::from(heading.level)));
    Ok(within.map(|heading| json!({ "level": heading.level, "id": heading.id, "text": heading.text })).collect())
}

fn data(scope: &Scope, asked: &Asked<'_, '_>) -> Result<Vec<Value>, RenderError> {
    let name = asked.text(0)?;
    if scope.reader.unnoted().data.is_broken(name) {
        return Ok(Vec::new());
    }
    scope.reader.ask(&Read::Data(name.to_owned())).ok_or_else(|| {
        let message = format!("there is no file `data/{name}`");
        Refusal::unknown(Code::LayoutRender, message, name, scope.reader.unnoted().data.names())
    })
}
