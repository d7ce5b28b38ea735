//! The addresses of a data page, for search engines (sitemaps.org 0.9).
//!
//! | route                     | does                                      |
//! |---|---|
//! | `GET /sitemap-NAME.xml`   | names the parts                           |
//! | `GET /sitemap-NAME-N.xml` | the addresses of so many rows, by the key |
//!
//! A part begins behind a key, so that the last costs what the first does. Where parts begin is
//! found by a walk over the key and remembered for a while. Of each table only what stands in an
//! address is read, some rows at a time.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};
use jiff::civil::Date;
use serde_json::Value;
use tokio::sync::Semaphore;
use warp::Reply;

use super::ready::{Ready, SOON};
use super::refusal;
use super::routes::{Named, Routes};
use crate::edge::files::none_matches;
use crate::edge::live_release::LiveRelease;
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::site::data_page::{DataPage, Each, SITEMAP, sitemap_of};
use crate::site::digest::Digest;
use crate::site::permalink::encode_path;
use crate::site::table::ColumnName;
use crate::store::StoreError;
use crate::store::site_reads::{At, By, Chosen, Cursor, Operator, Row, Wanted};

/// Rows of one part. A search engine takes 50,000 addresses and 50 MB; at the longest address
/// this is both.
const ROWS_A_PART: u32 = 25_000;
/// Parts that one index may name.
const MOST_PARTS: usize = 50_000;
/// Rows that are read at once: each reading has a time of its own, and others come between.
const ROWS_AT_ONCE: u32 = 2_000;
/// How long it is remembered where parts begin.
pub(super) const REMEMBERED: Duration = Duration::from_secs(600);
/// How long others may keep an answer.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
/// Parts that are made at once: each is held in memory until it is sent.
static PLACES: Semaphore = Semaphore::const_new(2);
/// How long others wait for one of these places.
const PATIENCE: Duration = Duration::from_secs(5);

/// What of a sitemap is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Which parts there are.
    Index,
    /// One of them, from 1.
    Number(usize),
}

/// The page, by its number, and the part that the path asks for.
pub(super) fn asked(routes: &Routes, path: &str) -> Option<(usize, Part)> {
    if !path.starts_with(SITEMAP) {
        return None;
    }
    let stem = path.strip_suffix(".xml")?;
    let find = |stem: &str| {
        let is_it = |page: &Named| {
            page.declared.sitemap && page.declared.audience.is_public() && sitemap_of(&page.name) == stem
        };
        routes.all().iter().position(is_it)
    };
    if let Some(number) = find(stem) {
        return Some((number, Part::Index));
    }
    let (stem, part) = stem.rsplit_once('-')?;
    let is_number = part.bytes().all(|byte| byte.is_ascii_digit()) && !part.starts_with('0');
    let part = part.parse().ok().filter(|_| is_number)?;
    Some((find(stem)?, Part::Number(part)))
}

/// The answer.
pub(super) async fn answer(
    edge: &Edge,
    release: &Arc<LiveRelease>,
    (number, part): (usize, Part),
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let page = release.data_pages.page(number).ok_or(Refusal::NotFound)?;
    let Some(each) = &page.declared.each else { return Err(Refusal::NotFound) };
    let ready = edge.data_ready(release, &page.name).await.map_err(|error| refusal(&page.file, &error))?;
    ready.fault(&page.name)?;
    let rows = Rows { ready: &ready, page: &page.declared, each };
    let place = tokio::time::timeout(PATIENCE, PLACES.acquire()).await;
    let _place = place.map_err(|_| Refusal::Unavailable(SOON))?.map_err(|_| Refusal::Unavailable(SOON))?;
    let base = release.site.base_url.trim_end_matches('/');
    let told = |error: StoreError| {
        if error.query_fault() == crate::store::QueryFault::Tables {
            // A table was replaced; the next request finds it as it is.
            edge.data_differs(&ready);
            return Refusal::Unavailable(SOON);
        }
        refusal(&page.file, &error)
    };
    let starts = rows.starts(&page.name).await.map_err(told)?;
    let body = match part {
        Part::Index => index(base, &page.name, starts.len()),
        Part::Number(part) => {
            let start = starts.get(part - 1).ok_or(Refusal::NotFound)?;
            rows.part(base, start.clone()).await.map_err(told)?
        }
    };
    let tag = format!("\"{}\"", Digest::of(body.as_bytes()).tag());
    let mut response =
        if none_matches(headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, XML);
    out.insert(CACHE_CONTROL, KEPT);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(ETAG, tag);
    }
    Ok(response)
}

fn index(base: &str, name: &str, parts: usize) -> String {
    let mut out = head("sitemapindex");
    let stem = escaped(&encode_path(&sitemap_of(name)));
    for part in 1..=parts {
        let _ = writeln!(out, "<sitemap><loc>{}{stem}-{part}.xml</loc></sitemap>", escaped(base));
    }
    out.push_str("</sitemapindex>\n");
    out
}

fn head(element: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{element} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
    )
}

/// Addresses are encoded; of what is left only this means something to XML.
fn escaped(url: &str) -> String {
    url.replace('&', "&amp;").replace('\'', "&apos;")
}

/// The rows that a page is for.
struct Rows<'r> {
    ready: &'r Ready,
    page: &'r DataPage,
    each: &'r Each,
}

impl Rows<'_> {
    /// Where each part begins.
    async fn starts(&self, name: &str) -> Result<Arc<Vec<At>>, StoreError> {
        if let Some(known) = self.ready.starts(name) {
            return Ok(known);
        }
        let mut starts = vec![At::First];
        while let Some(last) = starts.last().filter(|_| starts.len() < MOST_PARTS) {
            let wanted = wanted_rows(self.page, self.each, 1, last.clone());
            let next = self.ready.reads.ask(move |snapshot| snapshot.last_of_next(&wanted, ROWS_A_PART)).await?;
            match next {
                Some(key) => starts.push(At::After(Cursor { value: key.clone(), key })),
                None => break,
            }
        }
        Ok(self.ready.remember_starts(name, starts))
    }

    async fn part(&self, base: &str, start: At) -> Result<String, StoreError> {
        let mut out = head("urlset");
        let (mut at, mut left) = (start, ROWS_A_PART);
        while left > 0 {
            let rows = left.min(ROWS_AT_ONCE);
            left -= rows;
            let wanted = wanted_rows(self.page, self.each, rows, at);
            let found = self.ready.reads.ask(move |snapshot| snapshot.page(&wanted)).await?;
            for row in &found.rows {
                self.write(&mut out, base, row);
            }
            match found.next {
                Some(cursor) => at = At::After(cursor),
                None => break,
            }
        }
        out.push_str("</urlset>\n");
        Ok(out)
    }

    fn write(&self, out: &mut String, base: &str, row: &Row) {
        let Some(path) = path_of(self.page, self.each, row) else { return };
        let _ = write!(out, "<url><loc>{}{path}</loc>", escaped(base));
        let changed = self.each.changed.as_ref().and_then(|column| text(row, column));
        if let Some(day) = changed.and_then(|changed| changed.get(..10)?.parse::<Date>().ok()) {
            let _ = write!(out, "<lastmod>{day}</lastmod>");
        }
        out.push_str("</url>\n");
    }
}

/// Rows that a page is for, by their key.
pub(super) fn wanted_rows(page: &DataPage, each: &Each, rows: u32, at: At) -> Wanted {
    let chosen = each.fixed.iter().map(|(column, value)| Chosen {
        column: column.clone(),
        operator: Operator::Equals,
        value: value.clone(),
        by: By::Page,
    });
    Wanted {
        table: each.table.clone(),
        columns: each.list(&page.route).columns,
        chosen: chosen.collect(),
        search: None,
        order: None,
        rows,
        at,
    }
}

/// The path of a row; none when no request could say it.
pub(super) fn path_of(page: &DataPage, each: &Each, row: &Row) -> Option<String> {
    each.path(&page.route, &page.parameters, |column| text(row, column))
}

/// The value of a column, as a text.
pub(super) fn text(row: &Row, column: &ColumnName) -> Option<String> {
    match row.get(column.as_str())? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
