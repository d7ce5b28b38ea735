//! The API: other programs read and change rows of the tables that the site opens to them.
//!
//! | route, below `/_/api/v1`            | does                                              |
//! |---|---|
//! | `GET /`                             | says which tables there are                       |
//! | `GET /openapi.json`                 | describes all this for programs (OpenAPI 3.1)     |
//! | `GET /tables/T/rows`                | a page of rows                                    |
//! | `POST /tables/T/rows`               | makes a row                                       |
//! | `GET /tables/T/rows/K`              | a row                                             |
//! | `PUT`, `PATCH`, `DELETE` the same   | puts, changes, removes it                         |
//! | `GET /tables/T/changes`             | what has changed; may wait for it                 |
//!
//! Who asks shows a token ([`authority`]); a cookie means nothing here, so that no page of
//! another site can use a reader's. Whoever may not read a table is told the same of one that
//! is not there.
//!
//! Reads go through [`SiteReads`](crate::store::site_reads::SiteReads), as those of data pages
//! do; writes set the columns that the site's author has named, and nothing else.

mod authority;
mod body;
mod changes;
mod cors;
mod openapi;
mod problem;
mod rows;

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY};
use hyper::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;

use self::problem::Problem;
use super::files::none_matches;
use super::headers::JSON;
use super::live_release::LiveRelease;
use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use crate::site::api::Right;
use crate::site::digest::Digest;
use crate::site::table::TableName;

/// Where it is.
const ROOT: &str = "/_/api/v1";
/// May be kept by who asked, and must be asked for each time.
const OWN: HeaderValue = HeaderValue::from_static("private, max-age=0, must-revalidate");

/// A request to it.
struct Call {
    edge: Edge,
    release: Arc<LiveRelease>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// What a request is about.
#[derive(Debug, PartialEq)]
enum Resource {
    Index,
    OpenApi,
    Rows(TableName),
    /// The key is as it was written, decoded.
    Row(TableName, String),
    Changes(TableName),
}

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    warp::path!("_" / "api" / "v1" / ..)
        .and(room::with(edge))
        .and(warp::method())
        .and(room::uri())
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .then(answer)
        .boxed()
}

async fn answer(edge: Edge, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let release = edge.release();
    let call = Call { edge, release, method, uri, headers, body };
    let mut response = match call.answer().await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    cors::let_in(&call, response.headers_mut());
    response
}

impl Call {
    async fn answer(&self) -> Result<Response, Problem> {
        let resource = Resource::at(self.uri.path()).ok_or(Refusal::NotFound)?;
        if !self.release.has_api() {
            return Err(Refusal::NotFound.into());
        }
        let method = if self.method == Method::HEAD { &Method::GET } else { &self.method };
        if method == Method::OPTIONS {
            return Ok(cors::options(resource.allowed()));
        }
        match (resource, method) {
            (Resource::Index, &Method::GET) => self.index().await,
            (Resource::OpenApi, &Method::GET) => openapi::document(self).await,
            (Resource::Rows(table), &Method::GET) => rows::list(self, &table).await,
            (Resource::Rows(table), &Method::POST) => rows::create(self, &table).await,
            (Resource::Row(table, key), &Method::GET) => rows::show(self, &table, &key).await,
            (Resource::Row(table, key), &Method::PUT) => rows::put(self, &table, &key).await,
            (Resource::Row(table, key), &Method::PATCH) => rows::change(self, &table, &key).await,
            (Resource::Row(table, key), &Method::DELETE) => rows::remove(self, &table, &key).await,
            (Resource::Changes(table), &Method::GET) => changes::feed(self, &table).await,
            (resource, _) => Err(Refusal::MethodNotAllowed(resource.allowed()).into()),
        }
    }

    /// The tables that whoever asks may read.
    async fn index(&self) -> Result<Response, Problem> {
        let caller = authority::caller(self).await?;
        let tables =
            self.release.api_tables().filter(|(name, ..)| caller.may(&self.release, name, Right::Read).is_ok());
        let tables: Vec<Value> = tables
            .map(|(name, ..)| {
                let of = format!("{ROOT}/tables/{name}");
                json!({ "name": name, "rows": format!("{of}/rows"), "changes": format!("{of}/changes") })
            })
            .collect();
        self.conditional(&json!({ "tables": tables, "openapi": format!("{ROOT}/openapi.json") }), None)
    }

    /// An answer with its version, or that it has not changed. The version is that of the whole
    /// when none is given.
    fn conditional(&self, body: &Value, version: Option<String>) -> Result<Response, Problem> {
        let text = body.to_string();
        let version = version.unwrap_or_else(|| Digest::of(text.as_bytes()).tag());
        let tag = format!("\"{version}\"");
        let mut response = if none_matches(&self.headers, &tag) {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            with_json(StatusCode::OK, text)
        };
        tagged(&mut response, &version);
        response.headers_mut().insert(CACHE_CONTROL, OWN);
        response.headers_mut().insert(VARY, HeaderValue::from_static("authorization"));
        Ok(response)
    }
}

impl Resource {
    fn at(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(ROOT)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // A key may hold what a path divides, so it is decoded only here.
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().ok().map(|text| text.into_owned());
        let table = |part: &str| part.parse::<TableName>().ok();
        match rest.split('/').skip(1).collect::<Vec<_>>()[..] {
            [] => Some(Self::Index),
            ["openapi.json"] => Some(Self::OpenApi),
            ["tables", name, "rows"] => Some(Self::Rows(table(name)?)),
            ["tables", name, "rows", key] => Some(Self::Row(table(name)?, decoded(key)?)),
            ["tables", name, "changes"] => Some(Self::Changes(table(name)?)),
            _ => None,
        }
    }

    /// The value of `Allow`.
    fn allowed(&self) -> &'static str {
        match self {
            Self::Index | Self::OpenApi | Self::Changes(_) => "GET, HEAD, OPTIONS",
            Self::Rows(_) => "GET, HEAD, POST, OPTIONS",
            Self::Row(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        }
    }
}

fn with_json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn tagged(response: &mut Response, version: &str) {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_thing() {
        let city = || "city".parse::<TableName>().unwrap();
        let at = |rest: &str| Resource::at(&format!("{ROOT}{rest}"));
        assert_eq!(at(""), Some(Resource::Index));
        assert_eq!(at("/tables/city/rows/"), Some(Resource::Rows(city())));
        assert_eq!(at("/tables/city/rows/S%C3%A3o%20Vicente"), Some(Resource::Row(city(), "São Vicente".to_owned())));
        assert_eq!(at("/tables/city/changes"), Some(Resource::Changes(city())));
        for nothing in ["/tables", "/tables/littoral_member/rows", "/tables/City/rows", "/tables/city/rows/a/b", "/x"] {
            assert_eq!(at(nothing), None, "{nothing}");
        }
    }
}
