//! Subject machines read of a site: the Atom feed (RFC 4287), the map for search engines
//! (sitemaps.org 0.9), `robots.txt` (RFC 9309), and the page that stands at an old path.

use std::fmt::Write;

use super::plan::{Plan, Subject};
use super::version::Version;
use crate::build::model::{Kind, Order, PageId, PageQuery, Site, SortBy};
use crate::site::digest::Digest;
use crate::site::meter::SearchEngines;
use crate::site::permalink::{Permalink, encode_path};
use crate::site::release::FeedItem;
use crate::site::xml::escaped;

/// The pages that a feed names, the newest first.
pub fn newest(site: &Site) -> Vec<PageId> {
    let all =
        site.ask(&PageQuery { section: None, recursive: false, term: None, sort: SortBy::Date, order: Order::Natural });
    let dated = all.iter().copied().filter(|id| {
        let front = &site.page(*id).front;
        front.in_feed && front.date.is_some()
    });
    dated.take(site.config.feed.limit).collect()
}

/// What the edge makes a member's own feed of.
pub fn item(site: &Site, id: PageId, text: Digest) -> FeedItem {
    let page = site.page(id);
    let published = page.front.date.as_ref().map_or_else(String::new, |when| instant(&when.text));
    FeedItem {
        path: page.permalink.as_str().to_owned(),
        title: page.title(&site.config),
        updated: page.front.updated.as_ref().map_or_else(|| published.clone(), |when| instant(&when.text)),
        published,
        terms: page.front.terms.iter().flat_map(|(_, terms)| terms.iter().cloned()).collect(),
        summary: page.summary.clone(),
        audience: page.access.clone(),
        text,
    }
}

/// The newest pages as an Atom feed. Pages without a date have no place in time and are
/// left out.
pub fn atom(site: &Site) -> Vec<u8> {
    let config = &site.config;
    let newest: Vec<_> = newest(site).into_iter().map(|id| site.page(id)).collect();
    let base = escaped(config.base_url.trim_end_matches('/'));
    let updated = newest
        .iter()
        .filter_map(|page| page.front.updated.as_ref().or(page.front.date.as_ref()))
        .max_by_key(|when| when.micros)
        .map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |when| instant(&when.text));
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"",
    );
    out.push_str(&escaped(&config.language));
    let _ = write!(out, "\">\n<title>{}</title>\n", escaped(&config.title));
    if !config.description.is_empty() {
        let _ = writeln!(out, "<subtitle>{}</subtitle>", escaped(&config.description));
    }
    let _ = write!(
        out,
        "<id>{base}/</id>\n<link href=\"{base}/\"/>\n<link rel=\"self\" type=\"application/atom+xml\" href=\"{base}{}\"/>\n<updated>{updated}</updated>\n<author><name>{}</name></author>\n",
        escaped(&config.feed.path),
        escaped(if config.author.is_empty() { &config.title } else { &config.author }),
    );
    for page in newest {
        let published = page.front.date.as_ref().map_or_else(String::new, |when| instant(&when.text));
        let updated = page.front.updated.as_ref().map_or_else(|| published.clone(), |when| instant(&when.text));
        let link = format!("{base}{}", escaped(&page.permalink.encoded()));
        let _ = write!(
            out,
            "<entry>\n<title>{}</title>\n<id>{link}</id>\n<link href=\"{link}\"/>\n<published>{published}</published>\n<updated>{updated}</updated>\n",
            escaped(&page.title(config)),
        );
        for (_, term) in page.front.terms.iter().flat_map(|(name, terms)| terms.iter().map(move |term| (name, term))) {
            let _ = writeln!(out, "<category term=\"{}\"/>", escaped(term));
        }
        let _ = write!(out, "<summary>{}</summary>\n</entry>\n", escaped(&page.summary));
    }
    out.push_str("</feed>\n");
    out.into_bytes()
}

/// Every page that a search engine may show, list pages after the first left out.
pub fn sitemap(site: &Site, plan: &Plan) -> Vec<u8> {
    let base = escaped(site.config.base_url.trim_end_matches('/'));
    let mut lines: Vec<String> = Vec::with_capacity(plan.outputs.len());
    let is_unlisted = site.config.edge.meter.search_engines == SearchEngines::None;
    for output in &plan.outputs {
        match output.version {
            Version::Public => {}
            Version::Open if !is_unlisted => {}
            Version::Open | Version::Full | Version::Text => continue,
        }
        let date = match &output.subject {
            Subject::Page(id, 1) => {
                let page = site.page(*id);
                let when = page.front.updated.as_ref().or(page.front.date.as_ref()).filter(|_| page.kind == Kind::Page);
                when.map(|when| when.day.to_string())
            }
            Subject::Taxonomy(_) | Subject::Term(_, _, 1) => None,
            _ => continue,
        };
        let mut line = format!("<url><loc>{base}{}</loc>", escaped(&output.path.encoded()));
        if let Some(date) = date {
            let _ = write!(line, "<lastmod>{date}</lastmod>");
        }
        line.push_str("</url>\n");
        lines.push(line);
    }
    lines.sort();
    let head =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
    format!("{head}{}</urlset>\n", lines.concat()).into_bytes()
}

/// Robots may read everything but what machines call. They are told of the sitemaps that the
/// edge makes here, since these are indexes and no index may name another.
pub fn robots(site: &Site, plan: &Plan) -> Vec<u8> {
    let base = site.config.base_url.trim_end_matches('/');
    let mut out = format!("User-agent: *\nDisallow: /_/\nSitemap: {base}/sitemap.xml\n");
    for path in plan.routes.sitemaps() {
        let _ = writeln!(out, "Sitemap: {base}{}", encode_path(&path));
    }
    out.into_bytes()
}

/// The page at an old path, for where no edge can send a redirect.
pub fn moved(site: &Site, to: &Permalink) -> Vec<u8> {
    let url = escaped(&to.encoded());
    let absolute = format!("{}{url}", escaped(site.config.base_url.trim_end_matches('/')));
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>Moved</title><link rel=\"canonical\" href=\"{absolute}\"><meta name=\"robots\" content=\"noindex\"><meta http-equiv=\"refresh\" content=\"0; url={url}\"></head><body><p>This page has moved to <a href=\"{url}\">{url}</a>.</p></body></html>\n",
        escaped(&site.config.language)
    )
    .into_bytes()
}

/// A date as the instant that Atom wants.
fn instant(text: &str) -> String {
    if text.len() <= 10 { format!("{text}T00:00:00Z") } else { text.to_owned() }
}
