//! A look at everything that a site's author wrote for the edge, before anybody asks for it:
//! queries are tried by the database, templates with rows that are made up.
//!
//! What the build has to say of the same files it says itself; a file that it cannot read is
//! left out here.

use std::collections::BTreeMap;

use handlebars::{RenderError, RenderErrorReason};
use serde_json::{Map, Value, json};

use super::data_page::{form_urls, misfit, misfit_of_api, misfit_of_rows, order_shown};
use super::fragment::has_built_in_source;
use super::templates::{Registered, Templates};
use crate::site::config::{Config, place_of};
use crate::site::data_page::{DataPage, Query, Rows};
use crate::site::diagnostic::{Code, Diagnostic, Place};
use crate::site::fragment::{Declaration, Scope};
use crate::site::parameter::{Given, Parameter};
use crate::site::{data_page, fragment, theme};
use crate::store::site_reads::Tried;
use crate::store::tables::Table;
use crate::store::{Store, StoreError};

/// What was looked at, and what is wrong.
#[derive(Debug, Default)]
pub struct Checked {
    /// The mistakes.
    pub found: Vec<Diagnostic>,
    /// Data pages that were looked at.
    pub data_pages: usize,
    /// The same of fragments.
    pub fragments: usize,
    /// Queries that the database was asked about.
    pub queries: usize,
}

/// A template of `dynamic/`.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its name, without `.hbs`: `pages/cities`.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// A data page or a fragment.
struct Piece<'w> {
    written: &'w Written,
    declared: Declared,
    /// What its queries give, as far as that is known.
    columns: BTreeMap<String, Vec<String>>,
}

enum Declared {
    Page(Box<DataPage>),
    Fragment(Declaration),
}

/// Whether there is something to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sample {
    /// A row in each list, and more pages of it before and behind.
    Some,
    /// No row in any.
    None,
}

/// Looks at the templates of a site. Without a store queries are not asked, and templates that
/// show what they give are not tried.
///
/// `configuration` is the whole of `littoral.yaml`, for the lines of what is wrong in it.
pub async fn check(
    config: &Config,
    configuration: &str,
    written: &[Written],
    store: Option<&Store>,
) -> Result<Checked, StoreError> {
    let (mut templates, mut pieces) = (Templates::built_in(), Vec::new());
    for (path, bytes) in theme::dynamic() {
        if let (Some(name), Ok(text)) = (path.strip_suffix(".hbs"), std::str::from_utf8(bytes)) {
            let _ = templates.register(name, text);
        }
    }
    for written in written {
        let declared = match templates.register(&written.name, &written.text) {
            Ok(Registered::DataPage(page)) => Declared::Page(page),
            Ok(Registered::Fragment(declaration)) => Declared::Fragment(declaration),
            // The build tells it.
            Ok(Registered::Plain) | Err(_) => continue,
        };
        pieces.push(Piece { written, declared, columns: BTreeMap::new() });
    }
    let mut checked = Checked::default();
    for piece in &pieces {
        match piece.declared {
            Declared::Page(_) => checked.data_pages += 1,
            Declared::Fragment(_) => checked.fragments += 1,
        }
    }
    if let Some(store) = store {
        checked.ask(config, &mut pieces, store).await?;
        checked.look_at_tables(config, configuration, store).await?;
    }
    for piece in &pieces {
        checked.render(config, &mut templates, piece, written);
    }
    Ok(checked)
}

impl Checked {
    /// What is opened of tables that are there, and is not there; what their API wants.
    async fn look_at_tables(&mut self, config: &Config, configuration: &str, store: &Store) -> Result<(), StoreError> {
        for (name, open) in &config.edge.data {
            let table = store.table(name).await?;
            let mut tell = |keys: &[&str], message: String| {
                let place = place_of(configuration, &[&["data", name.as_str()], keys].concat());
                self.found.push(Diagnostic::error(Code::Configuration, place, message));
            };
            if let Some(table) = &table
                && let Some(missing) = open.columns.iter().find(|column| table.column(column).is_none())
            {
                let near =
                    table.columns.iter().find(|known| strsim::levenshtein(known.name.as_str(), missing.as_str()) < 3);
                let near = near.map_or_else(String::new, |near| format!("; did you mean `{}`?", near.name));
                tell(&["columns"], format!("the table `{name}` has no column `{missing}`{near}"));
            } else if let Some(api) = &open.api
                && (table.is_some() || open.from.is_none())
                && let Some(why) = misfit_of_api(&api.list(name, open), Some(open), table.as_ref())
            {
                tell(&["api"], format!("the API of `{name}` cannot be used: {why}"));
            }
        }
        Ok(())
    }

    /// What the database says of queries and lists.
    async fn ask(&mut self, config: &Config, pieces: &mut [Piece<'_>], store: &Store) -> Result<(), StoreError> {
        let open = &config.edge.data;
        let trials: Vec<_> =
            pieces.iter().flat_map(|piece| piece.queries().map(|query| piece.trial(query.1))).collect();
        self.queries = trials.len();
        let mut tried = store.try_queries(open, trials).await?.into_iter();
        let tables: BTreeMap<_, Table> =
            store.tables().await?.into_iter().map(|table| (table.name.clone(), table)).collect();
        for piece in pieces {
            let said: Vec<(String, Place, Option<Tried>)> =
                piece.queries().map(|(name, query)| (name.clone(), query.place.clone(), tried.next())).collect();
            for (name, place, said) in said {
                match said {
                    Some(Ok(columns)) => drop(piece.columns.insert(name, columns)),
                    Some(Err(error)) => {
                        let message = format!("the query `{name}` cannot be asked: {}", error.said_of_query());
                        self.found.push(Diagnostic::error(piece.code(), place, message));
                    }
                    None => {}
                }
            }
            if let Declared::Page(page) = &piece.declared
                && let Some(list) = &page.list
                && let Some(why) = misfit(list, &page.parameters, open.get(&list.table), tables.get(&list.table))
            {
                let message = format!("the list cannot be shown: {why}");
                self.found.push(Diagnostic::error(Code::DataPage, page.list_at.clone(), message));
            }
            if let Declared::Page(page) = &piece.declared
                && let Some(each) = &page.each
                && let Some(why) = misfit_of_rows(page, open.get(&each.table), tables.get(&each.table))
            {
                let message = format!("its rows cannot be listed: {why}");
                self.found.push(Diagnostic::error(Code::DataPage, page.each_at.clone(), message));
            }
        }
        Ok(())
    }

    /// What the templates say of names that are not there.
    fn render(&mut self, config: &Config, templates: &mut Templates, piece: &Piece<'_>, all: &[Written]) {
        // The columns of each query must be known, or else its names are nobody's mistake.
        if piece.queries().any(|(name, _)| !piece.columns.contains_key(name)) {
            return;
        }
        let mut before: Option<Diagnostic> = None;
        for sample in [Sample::Some, Sample::None] {
            let Some(data) = piece.data(config, sample) else { return };
            let mut failed = Vec::new();
            if let Declared::Page(page) = &piece.declared {
                let title = format!("{}/title", piece.written.name);
                let rendered = match templates.register_text(&title, &page.title) {
                    Ok(()) => templates.render_text(&title, &data).map(drop),
                    // The build tells it.
                    Err(_) => Ok(()),
                };
                failed.extend(
                    rendered
                        .err()
                        .map(|error| Diagnostic { place: Some(page.title_at.clone()), ..mistake(&error, piece, all) }),
                );
            }
            let rendered = templates.render(&piece.written.name, &data).map(drop);
            failed.extend(rendered.err().map(|error| mistake(&error, piece, all)));
            for diagnostic in failed {
                // What is wrong either way is told once.
                if before.as_ref().is_some_and(|told| told.place == diagnostic.place) {
                    continue;
                }
                let diagnostic = match sample {
                    Sample::Some => diagnostic,
                    Sample::None => diagnostic.hint("it is so when nothing is found: guard it by `{{#if}}`"),
                };
                before = Some(diagnostic.clone());
                self.found.push(diagnostic);
            }
        }
    }
}

impl Piece<'_> {
    fn queries(&self) -> impl Iterator<Item = (&String, &Query)> {
        match &self.declared {
            Declared::Page(page) => page.queries.iter(),
            Declared::Fragment(declaration) => declaration.queries.iter(),
        }
    }

    fn trial(&self, query: &Query) -> (String, Vec<Given>) {
        let values = match &self.declared {
            Declared::Page(page) => page.samples(&query.statement),
            Declared::Fragment(declaration) => declaration.samples(&query.statement),
        };
        (query.statement.sql.clone(), values)
    }

    fn code(&self) -> Code {
        match self.declared {
            Declared::Page(_) => Code::DataPage,
            Declared::Fragment(_) => Code::Fragment,
        }
    }

    /// What the template would get; none when a part of the edge finds it that is not asked here.
    fn data(&self, config: &Config, sample: Sample) -> Option<Value> {
        let mut data = Map::new();
        for (name, query) in self.queries() {
            let row = self.columns.get(name).map(|columns| row(columns)).unwrap_or_default();
            let value = match (query.rows, sample) {
                (Rows::Many, Sample::Some) => json!([row]),
                (Rows::Many, Sample::None) => json!([]),
                // A page whose row is missing is no page; a fragment is shown without it.
                (Rows::One, Sample::None) if matches!(self.declared, Declared::Fragment(_)) => Value::Null,
                (Rows::One, _) => row,
            };
            data.insert(name.clone(), value);
        }
        let site = json!({ "title": config.title, "base_url": config.base_url, "language": config.language });
        data.insert("site".to_owned(), site);
        match &self.declared {
            Declared::Page(page) => page_data(page, config, sample, &mut data),
            Declared::Fragment(declaration) => {
                let name = self.written.name.strip_prefix(fragment::FOLDER).unwrap_or_default();
                if has_built_in_source(name) {
                    return None;
                }
                data.insert("parameters".to_owned(), declaration.sample_arguments().into());
                data.insert("now".to_owned(), "2026-01-01T00:00:00Z".into());
                if declaration.cache.scope == Scope::Reader {
                    let is_in = sample == Sample::Some || !declaration.audience.is_public();
                    let name = if is_in { "Ann" } else { "" };
                    data.insert("reader".to_owned(), json!({ "signed_in": is_in, "name": name }));
                }
            }
        }
        Some(data.into())
    }
}

/// A row with these columns. Each has a text, since a template only shows it.
fn row<S: ToString>(columns: &[S]) -> Value {
    columns.iter().map(|column| (column.to_string(), Value::from("1"))).collect::<Map<_, _>>().into()
}

fn page_data(page: &DataPage, config: &Config, sample: Sample, data: &mut Map<String, Value>) {
    let is_some = sample == Sample::Some;
    let given = page.parameters.iter().map(|(name, parameter)| {
        let value = match parameter.default_value() {
            Some(default) if !is_some => default.json(),
            None if !is_some && !page.is_in_path(name) => Value::Null,
            _ => Parameter::sample(parameter).json(),
        };
        (name.clone(), value)
    });
    data.insert("parameters".to_owned(), given.collect::<Map<_, _>>().into());
    let path = "/path";
    if let Some(list) = &page.list {
        let opened = config.edge.data.get(&list.table).map(|open| open.columns.as_slice()).unwrap_or_default();
        let row = row(if list.columns.is_empty() { opened } else { &list.columns });
        let address = is_some.then_some(path);
        let chosen = list.asked().into_iter().filter(|_| is_some).map(|name| (name, Value::from("1")));
        let sort: Vec<Value> = list.sort.iter().map(|order| order_shown(order, list.sort.first(), path)).collect();
        data.insert(
            "list".to_owned(),
            json!({
                "rows": if is_some { vec![row] } else { Vec::new() },
                "next": address,
                "previous": address,
                "first": path,
                "sort": sort,
                "chosen": chosen.collect::<Map<_, _>>(),
                "q": is_some.then_some("word"),
            }),
        );
    }
    data.insert("path".to_owned(), path.into());
    data.insert("formats".to_owned(), form_urls(page, path).into());
}

/// What Handlebars says of a template, with its line.
fn mistake(error: &RenderError, piece: &Piece<'_>, all: &[Written]) -> Diagnostic {
    let name = error.template_name.as_deref().unwrap_or(&piece.written.name);
    let file = format!("dynamic/{name}.hbs");
    let text = all.iter().find(|written| written.name == name).map(|written| written.text.as_str());
    let place = match (text, error.line_no, error.column_no) {
        (Some(text), Some(line), Some(column)) => Place::at(file, text, line, column),
        _ => Place::file(file),
    };
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(path)) => {
            let place = word_in(place, path);
            Diagnostic::error(piece.code(), place, format!("nothing is called `{path}` here"))
        }
        RenderErrorReason::HelperNotFound(helper) => {
            Diagnostic::error(piece.code(), place, format!("no helper is called `{helper}`"))
        }
        RenderErrorReason::PartialNotFound(partial) | RenderErrorReason::TemplateNotFound(partial) => {
            Diagnostic::error(piece.code(), place, format!("no partial is called `{partial}`"))
                .hint(format!("a partial is a file: `dynamic/{partial}.hbs`"))
        }
        other => Diagnostic::error(piece.code(), place, other.to_string()),
    }
}

/// The place of `word` in the line of `place`, where it stands there.
fn word_in(place: Place, word: &str) -> Place {
    match place.text.find(word) {
        Some(at) => {
            let (column, width) = (place.text[..at].chars().count() + 1, word.chars().count().max(1));
            Place { column, width, ..place }
        }
        None => place,
    }
}

/// The name of the template in the file at `path`, if one is there.
pub fn template_name(path: &str) -> Option<&str> {
    path.strip_prefix("dynamic/")?.strip_suffix(".hbs").filter(|name| !name.is_empty() && !name.ends_with('/'))
}

/// Whether any of the templates wants a store.
pub fn reads_the_store(written: &[Written]) -> bool {
    written.iter().any(|written| {
        let file = format!("dynamic/{}.hbs", written.name);
        if written.name.starts_with(data_page::FOLDER) {
            DataPage::parse(&file, &written.text)
                .is_ok_and(|page| !page.queries.is_empty() || page.list.is_some() || page.each.is_some())
        } else if written.name.starts_with(fragment::FOLDER) {
            Declaration::read(&file, &written.text).is_ok_and(|(declared, _)| !declared.queries.is_empty())
        } else {
            false
        }
    })
}
