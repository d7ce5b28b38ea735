//! Rows of data pages, where they are listed: for search engines, and for who searches the site.

use std::collections::BTreeSet;

use littoral::site::search::Document;
use serde_json::Value;

use crate::browser::Browser;
use crate::support::{TestEdge, quick};

const ROWS: &str = "
    CREATE TABLE town (slug text PRIMARY KEY, name text, about text, is_shown int8, changed text, mayor text);
    INSERT INTO town VALUES
        ('faro', 'Faro', 'A harbour in the south', 1, '2026-03-04T10:00:00Z', 'secret'),
        ('lagos & co', '<b>Lagos</b>', 'A harbour with <i>boats</i>', 1, 'long ago', 'secret'),
        ('draft', 'Draft harbour', 'Not yet', 0, NULL, 'secret'),
        ('a/b', 'No harbour', 'Its path cannot be said', 1, NULL, 'secret'),
        ('much-too-long-for-a-slug', 'No harbour', 'Its slug is refused', 1, NULL, 'secret');
";

const TOWNS: &str = "---
route: /towns/{town}
title: \"{{row.name}}\"
parameters:
  town: { type: text, max: 12 }
query:
  row: { one: \"SELECT name FROM town WHERE slug = :town\" }
each:
  table: town
  parameters: { town: slug }
  where: { is_shown: true }
  title: name
  text: about
  changed: changed
  heading: Towns
sitemap: true
search: true
---
<h1>{{row.name}}</h1>
";

/// For members, beside it.
const SECRETS: &str = "---
route: /secrets/{slug}
title: Secret
access: members
each: { table: town, title: name, heading: Secrets }
search: true
---
";

async fn coast() -> TestEdge {
    with(ROWS, TOWNS).await
}

async fn with(rows: &str, towns: &str) -> TestEdge {
    TestEdge::with_rows(rows, quick(), |site| {
        let data = "town: { columns: [slug, name, about, is_shown, changed], search: [name, about] }";
        site.manifest.site.edge.data = serde_yaml::from_str(data).unwrap();
        site.manifest.site.base_url = "https://example.org/".to_owned();
        site.template("pages/towns", towns);
        site.template("pages/secrets", SECRETS);
        site.search(vec![Document {
            path: "/docs/".to_owned(),
            position: 0,
            anchor: String::new(),
            title: "Docs".to_owned(),
            heading: String::new(),
            text: "What a harbour is.".to_owned(),
        }]);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_sitemap_that_there_is_is_answered() {
    let edge = coast().await;
    for path in [
        "/sitemap-secrets.xml",
        "/sitemap-secrets-1.xml",
        "/sitemap-towns-0.xml",
        "/sitemap-towns-01.xml",
        "/sitemap-towns-2.xml",
        "/sitemap-towns-.xml",
        "/sitemap-towns--1.xml",
        "/sitemap-towns-99999999999999999999999.xml",
        "/sitemap-towns-1%27.xml",
        "/sitemap-.xml",
        "/sitemap-towns",
    ] {
        assert_eq!(edge.get(path).await.status(), 404, "{path}");
    }
    let posted = edge.request(reqwest::Method::POST, "/sitemap-towns.xml").send().await.unwrap();
    assert_eq!(posted.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn search_engines_are_told_each_row_that_has_a_page() {
    let edge = coast().await;
    let index = edge.get("/sitemap-towns.xml").await;
    assert_eq!(index.headers()["content-type"], "application/xml; charset=utf-8");
    assert_eq!(index.headers()["cache-control"], "public, max-age=3600");
    let index = index.text().await.unwrap();
    assert!(index.contains("<sitemap><loc>https://example.org/sitemap-towns-1.xml</loc></sitemap>"), "{index}");
    let part = edge.get("/sitemap-towns-1.xml").await;
    let tag = part.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(
        part.text().await.unwrap(),
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n\
         <url><loc>https://example.org/towns/faro</loc><lastmod>2026-03-04</lastmod></url>\n\
         <url><loc>https://example.org/towns/lagos%20%26%20co</loc></url>\n</urlset>\n"
    );
    assert_eq!(edge.get("/towns/lagos%20%26%20co").await.status(), 200);
    let again = edge.get_with("/sitemap-towns-1.xml", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status().as_u16(), again.text().await.unwrap().as_str()), (304, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_told_in_parts_each_once() {
    let rows = "CREATE TABLE town (slug text PRIMARY KEY, name text, about text, is_shown int8, changed text);
        INSERT INTO town SELECT 't' || i, 'Town', '', i % 2, NULL FROM (
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) SELECT i FROM n) AS n;";
    let edge = with(rows, TOWNS).await;
    let index = edge.get("/sitemap-towns.xml").await.text().await.unwrap();
    let parts: Vec<&str> =
        index.split("<loc>https://example.org").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(parts, ["/sitemap-towns-1.xml", "/sitemap-towns-2.xml", "/sitemap-towns-3.xml"]);
    let (mut told, mut count) = (BTreeSet::new(), 0);
    for part in parts {
        let text = edge.get(part).await.text().await.unwrap();
        let urls = text.split("<loc>https://example.org/towns/t").skip(1);
        let numbers: Vec<u32> = urls.map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect();
        assert!(numbers.len() <= 50_000 && numbers.iter().all(|number| number % 2 == 1));
        count += numbers.len();
        told.extend(numbers);
    }
    assert_eq!((count, told.len()), (50_001, 50_001));
}

async fn groups(edge: &TestEdge, q: &str) -> Vec<Value> {
    let answer: Value = edge.get(&format!("/_/search?q={q}")).await.json().await.unwrap();
    answer["groups"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_searches_finds_nothing_that_is_for_members() {
    let edge = coast().await;
    let found = groups(&edge, "harbour").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["heading"], "Towns");
    let page = edge.get("/search?q=harbour").await.text().await.unwrap();
    assert!(!page.contains("Secrets") && !page.contains("/secrets/") && !page.contains("Draft"), "{page}");
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let page = ann.get("/search?q=harbour").await;
    assert!(page.body.contains("<h2>Secrets</h2>") && page.body.contains("/secrets/draft"), "{}", page.body);
    assert!(page.headers["cache-control"].to_str().unwrap().starts_with("private"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stand_beneath_the_pages_that_were_found_and_are_text() {
    let edge = coast().await;
    let page = edge.get("/search?q=harbour").await.text().await.unwrap();
    let (pages, rows) = page.split_once("<h2>Towns</h2>").unwrap();
    assert!(pages.contains("/docs/"), "{page}");
    assert!(rows.contains("<a href=\"/towns/faro\">Faro</a><p class=\"excerpt\">A harbour in the south</p>"), "{rows}");
    assert!(rows.contains("&lt;b&gt;Lagos&lt;/b&gt;") && rows.contains("&lt;i&gt;boats"), "{rows}");
    // A row whose path no request can say is no page.
    assert!(!rows.contains("No harbour"), "{rows}");
    for q in ["", "%20", "%22", "*", "%27%20OR%201%3D1--", "zzz", "NOT"] {
        assert_eq!(groups(&edge, q).await, Vec::<Value>::new(), "{q}");
    }
    let second = edge.get("/search?q=harbour&page=2").await.text().await.unwrap();
    assert!(!second.contains("<h2>Towns</h2>"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_listed_are_a_mistake_of_their_page_alone() {
    for wrong in [
        TOWNS.replace("table: town", "table: village"),
        TOWNS.replace("title: name\n", "title: mayor\n"),
        TOWNS.replace("is_shown: true", "is_shown: \"yes\""),
        TOWNS.replace("text: about", "text: nothing"),
    ] {
        let edge = with(ROWS, &wrong).await;
        assert_eq!(edge.get("/sitemap-towns.xml").await.status(), 503, "{wrong}");
        assert_eq!(edge.get("/towns/faro").await.status(), 503, "{wrong}");
        let page = edge.get("/search?q=harbour").await;
        assert_eq!(page.status(), 200);
        assert!(!page.text().await.unwrap().contains("secret"));
    }
}
