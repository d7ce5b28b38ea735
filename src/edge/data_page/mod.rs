//! Data pages: one template of the site's author, and what the store has for the path.
//!
//! | route                              | does                                          |
//! |---|---|
//! | each `route:` in `dynamic/pages/`  | the page, in the form that is asked for       |
//! | the same with `.json`, `.csv`, ... | that form                                     |
//! | `/sitemap-NAME.xml` and its parts  | its addresses ([`sitemap`])                   |
//!
//! [`routes::Routes`] knows which page answers a path, [`request`] what a request may say,
//! [`ready`] whether the store can be asked, [`form`] the forms other than HTML, [`find`] the rows that a
//! search of the site finds. The steps
//! of an answer stand below, in [`answer`].
//!
//! Nothing of a request becomes part of a statement: its values were declared, checked and
//! bound.

pub(super) mod find;
mod fit;
mod form;
pub(super) mod ready;
pub(super) mod request;
pub(super) mod routes;
mod sitemap;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LOCATION, VARY, WWW_AUTHENTICATE};
use hyper::{StatusCode, Uri};
use serde_json::{Map, Value, json};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

pub(super) use self::fit::{misfit, misfit_of_api, misfit_of_rows};
use self::ready::Ready;
pub(super) use self::request::order_shown;
use self::request::{Asked, Wanted};
use super::files::none_matches;
use super::headers::{PRIVATE, REVALIDATE};
use super::live_release::LiveRelease;
use super::node::Edge;
use super::page::{Page, SHELL, Shell};
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{self, Head, Reader};
use super::target::decoded_path;
use crate::site::audience::Audience;
use crate::site::data_page::{DataPage, Format, Rows};
use crate::site::digest::Digest;
use crate::store::site_reads::{Row, Snapshot};
use crate::store::{QueryFault, StoreError};

/// A request that a data page answers.
struct Found {
    release: Arc<LiveRelease>,
    /// Its place among the data pages of the release.
    number: usize,
    asked: Asked,
}

/// What was read for an answer.
enum Read {
    /// A query for one row has none: there is no such page.
    Missing,
    /// What the template gets.
    Data(Map<String, Value>),
}

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    // Which page it is comes before the method: 405 is for paths that something answers.
    let found = room::with(edge.clone())
        .and(room::uri())
        .and_then(|edge: Edge, uri: Uri| async move { find(&edge, &uri).ok_or_else(warp::reject::reject) });
    let of_sitemap = room::with(edge.clone())
        .and(room::uri())
        .and_then(|edge: Edge, uri: Uri| async move { sitemap_part(&edge, &uri).ok_or_else(warp::reject::reject) });
    let map = of_sitemap
        .and(room::get())
        .and(room::with(edge.clone()))
        .and(warp::header::headers_cloned())
        .then(|(release, part): (Arc<LiveRelease>, _), edge: Edge, headers: HeaderMap| async move {
            sitemap::answer(&edge, &release, part, &headers).await
        })
        .map(room::answer);
    let page = found
        .and(room::get())
        .and(room::uri())
        .and(room::with(edge))
        .and(session::head())
        .then(answer)
        .map(room::answer);
    map.or(page).unify().boxed()
}

fn sitemap_part(edge: &Edge, uri: &Uri) -> Option<(Arc<LiveRelease>, (usize, sitemap::Part))> {
    let release = edge.release();
    let part = sitemap::asked(&release.data_pages, &decoded_path(uri).ok()?)?;
    Some((release, part))
}

fn find(edge: &Edge, uri: &Uri) -> Option<Found> {
    let release = edge.release();
    if release.data_pages.is_empty() {
        return None;
    }
    let path = decoded_path(uri).ok()?;
    if sitemap::asked(&release.data_pages, &path).is_some() {
        return None;
    }
    let (number, asked) = release.data_pages.find(&path)?;
    Some(Found { release, number, asked })
}

async fn answer(found: Found, uri: Uri, edge: Edge, head: Head) -> Result<Response, Refusal> {
    let Found { release, number, asked } = found;
    let headers = head.headers();
    let page = release.data_pages.page(number).ok_or(Refusal::NotFound)?;
    if asked.has_slash {
        return Ok(without_slash(&uri));
    }
    let format = asked.format.unwrap_or_else(|| request::preferred(&page.declared.formats, headers));
    let answer = match admitted(&page.declared.audience, &edge, &head).await {
        Ok(()) => answer_in(format, &release, (number, page), asked, &uri, &edge, headers).await,
        Err(Refusal::Unauthorized) if format == Format::Html && edge.accounts().is_some() => {
            let here = uri.path_and_query().map_or("/", |here| here.as_str());
            return Ok(session::to_login(here));
        }
        Err(refusal) => Err(refusal),
    };
    match answer {
        // A program that asks for data gets words that it can read.
        Err(refusal) if format != Format::Html => Ok(for_programs(&refusal, format)),
        other => other,
    }
}

/// Whether the page is for who asks. Nothing of the page has been looked at, so that a refusal
/// says nothing of what it has.
async fn admitted(audience: &Audience, edge: &Edge, head: &Head) -> Result<(), Refusal> {
    if audience.is_public() {
        return Ok(());
    }
    let reader = Reader::of(edge, head).await?;
    if audience.admits(&reader.standing()) { Ok(()) } else { Err(Refusal::Unauthorized) }
}

fn for_programs(refusal: &Refusal, format: Format) -> Response {
    let (media, body) = form::refusal(&refusal.json(), format);
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    refusal.mark(&mut response);
    if *refusal == Refusal::Unauthorized {
        // RFC 9110 §11.6.1 wants a way to be named; ours is a cookie that a page gives.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie form-action=\"/login\""));
    }
    response
}

async fn answer_in(
    format: Format,
    release: &Arc<LiveRelease>,
    (number, page): (usize, &routes::Named),
    asked: Asked,
    uri: &Uri,
    edge: &Edge,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let data = match found(release, (number, page), &asked, uri, edge).await? {
        Read::Data(data) => data,
        Read::Missing => return Err(Refusal::NotFound),
    };
    let tag = tag(release, &page.name, format, &data)?;
    let is_public = page.declared.audience.is_public();
    let caching = caching(&page.declared.audience, page.declared.cache);
    // What the reader has may have had another reader's fragments in its dress.
    let is_dressed_alike = format != Format::Html || !release.shell(SHELL).is_some_and(Shell::has_fragments);
    let mut response = if is_dressed_alike && none_matches(headers, &tag) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        in_form(format, release, page, data).await?
    };
    let out = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(ETAG, tag);
    }
    out.insert(CACHE_CONTROL, caching);
    let varies_by_form = page.declared.formats.len() > 1 && asked.format.is_none();
    // What a browser keeps of a members' page goes with the session.
    let varies_by = [("accept", varies_by_form), ("cookie", !is_public)];
    let varies_by: Vec<&str> = varies_by.into_iter().filter(|(_, does)| *does).map(|(name, _)| name).collect();
    if let Some(vary) = HeaderValue::from_str(&varies_by.join(", ")).ok().filter(|vary| !vary.is_empty()) {
        out.insert(VARY, vary);
    }
    Ok(response)
}

/// Who may keep an answer, and for how long.
fn caching(audience: &Audience, time: Option<Duration>) -> HeaderValue {
    let whose = if audience.is_public() { "public" } else { "private" };
    let written = match time {
        Some(time) => format!("{whose}, max-age={}", time.as_secs()),
        None if audience.is_public() => return REVALIDATE,
        None => format!("{whose}, max-age=0, must-revalidate"),
    };
    HeaderValue::from_str(&written).unwrap_or(PRIVATE)
}

/// What is read for the page; once more when a table has been replaced since the store was made
/// ready.
async fn found(
    release: &Arc<LiveRelease>,
    (number, page): (usize, &routes::Named),
    asked: &Asked,
    uri: &Uri,
    edge: &Edge,
) -> Result<Read, Refusal> {
    let path = || bare(uri.path(), asked.format).to_owned();
    let mut last = None;
    for _ in 0..2 {
        let ready = edge.data_ready(release, &page.name).await.map_err(|error| refusal(&page.file, &error))?;
        let wanted = request::wanted(&page.declared, &ready, asked, uri.query().unwrap_or_default())?;
        ready.fault(&page.name)?;
        match read(&ready, Arc::clone(release), number, wanted, path()).await {
            Ok(read) => return Ok(read),
            Err(error) if error.query_fault() == QueryFault::Tables => {
                edge.data_differs(&ready);
                last = Some(error);
            }
            Err(error) => return Err(refusal(&page.file, &error)),
        }
    }
    Err(last.map_or(Refusal::Fault, |error| refusal(&page.file, &error)))
}

/// The path without the end that names HTML: the other forms have ends of their own.
fn bare(path: &str, format: Option<Format>) -> &str {
    match format {
        Some(Format::Html) => path.strip_suffix(".html").unwrap_or(path),
        _ => path,
    }
}

/// Everything that the page reads, of one moment.
async fn read(
    ready: &Ready,
    release: Arc<LiveRelease>,
    number: usize,
    wanted: Wanted,
    path: String,
) -> Result<Read, StoreError> {
    let job = move |snapshot: &Snapshot<'_>| {
        let Some(page) = release.data_pages.page(number) else { return Ok(Read::Missing) };
        data(&page.declared, snapshot, &wanted, &path)
    };
    ready.reads.ask(job).await
}

fn data(page: &DataPage, snapshot: &Snapshot<'_>, wanted: &Wanted, path: &str) -> Result<Read, StoreError> {
    let mut data = Map::new();
    data.insert("parameters".to_owned(), json!(wanted.given));
    for (name, query) in &page.queries {
        let names = query.statement.parameters.iter();
        let values: Vec<_> = names.filter_map(|name| wanted.given.get(name).cloned()).collect();
        let mut rows = snapshot.rows(&query.statement.sql, &values)?;
        let value = match query.rows {
            Rows::Many => Value::Array(rows.into_iter().map(Value::Object).collect()),
            Rows::One if rows.is_empty() => return Ok(Read::Missing),
            Rows::One => Value::Object(rows.swap_remove(0)),
        };
        data.insert(name.clone(), value);
    }
    if let Some(list) = &wanted.list {
        let found = snapshot.page(&list.page)?;
        let link = |name: &str, cursor: Option<String>| cursor.map(|cursor| list.address(path, name, &cursor));
        let rows: Vec<Value> = found.rows.into_iter().map(Row::into).collect();
        data.insert(
            "list".to_owned(),
            json!({
                "rows": rows,
                "next": link("after", found.next.map(|cursor| cursor.written())),
                "previous": link("before", found.previous.map(|cursor| cursor.written())),
                "first": list.address(path, "", ""),
                "sort": list.orders(path),
                "chosen": list.chosen,
                "q": list.page.search,
            }),
        );
    }
    data.insert("path".to_owned(), path.into());
    Ok(Read::Data(data))
}

async fn in_form(
    format: Format,
    release: &Arc<LiveRelease>,
    page: &routes::Named,
    mut data: Map<String, Value>,
) -> Result<Response, Refusal> {
    let (media, body) = match format {
        Format::Html => return html(release, page, data).await,
        Format::Json => ("application/json", form::json(&mut data)),
        Format::Csv => ("text/csv; charset=utf-8; header=present", form::csv(&page.declared, &data)),
        Format::Xml => ("application/xml; charset=utf-8", form::xml(&mut data)),
    };
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    Ok(response)
}

async fn html(
    release: &Arc<LiveRelease>,
    page: &routes::Named,
    mut data: Map<String, Value>,
) -> Result<Response, Refusal> {
    let path = data.get("path").and_then(Value::as_str).unwrap_or_default();
    let others = form_urls(&page.declared, path);
    data.insert("formats".to_owned(), others.into());
    let site = &release.site;
    data.insert(
        "site".to_owned(),
        json!({ "title": site.title, "base_url": site.base_url, "language": site.language }),
    );
    let data = Value::Object(data);
    let (release, title) = (Arc::clone(release), page.title_template());
    let rendered = tokio::task::spawn_blocking(move || {
        let rendered = release.templates.render_text(&title, &data);
        rendered.map(|title| (title, data))
    });
    let (title, data) = rendered
        .await
        .map_err(|error| Refusal::fault("rendering a title panicked", &error))?
        .map_err(|error| Refusal::fault("the title of a data page cannot be rendered", &error))?;
    let shown = Page::new(page.template(), title, data);
    let shown = if page.declared.audience.is_public() { shown.open_to_search_engines() } else { shown };
    Ok(shown.into_response())
}

/// The other forms of a page: what each is called, and where it is.
pub(super) fn form_urls(page: &DataPage, path: &str) -> Vec<Value> {
    let others = page.formats.iter().filter(|format| **format != Format::Html);
    others.map(|format| json!({ "name": format.end(), "url": format!("{path}.{}", format.end()) })).collect()
}

/// The version of what was read: the same rows in the same release are the same page.
fn tag(release: &LiveRelease, name: &str, format: Format, data: &Map<String, Value>) -> Result<String, Refusal> {
    let of = serde_json::to_vec(&(release.id.to_string(), name, format, data))
        .map_err(|error| Refusal::fault("what was read cannot be written", &error))?;
    Ok(format!("\"{}\"", Digest::of(&of).tag()))
}

fn without_slash(uri: &Uri) -> Response {
    let path = uri.path().trim_end_matches('/');
    let to = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut response = Response::default();
    // A path that begins with two slashes is another site's address.
    if let Some(to) = HeaderValue::from_str(&to).ok().filter(|_| !path.starts_with("//")) {
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        response.headers_mut().insert(LOCATION, to);
        response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

fn refusal(file: &str, error: &StoreError) -> Refusal {
    match error.query_fault() {
        QueryFault::NotNow => {
            tracing::warn!(file, "{error}");
            Refusal::Unavailable(ready::SOON)
        }
        QueryFault::Value => Refusal::Invalid("A value in the address is none that can be looked for.".into()),
        QueryFault::Tables | QueryFault::Ours => {
            tracing::error!(file, %error, "a data page could not be read");
            Refusal::Fault
        }
    }
}
