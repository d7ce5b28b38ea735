//! Pages made from the site's own tables.

use std::time::{Duration, Instant};

use littoral::edge::Options;
use littoral::store::site_reads::MOST_TIME;
use serde_json::Value;

use crate::browser::Browser;
use crate::form::make_table;
use crate::fragment::dress_with_account;
use crate::support::{Release, TestEdge, quick, wait_for};

/// Three countries, seven cities, one of them without a population, and a column that is
/// nobody's business.
const ROWS: &str = "
    CREATE TABLE country (code text PRIMARY KEY, name text);
    CREATE TABLE closed (id int8 PRIMARY KEY);
    CREATE TABLE city (id int8 PRIMARY KEY, name text, country text, population int8, mayor text);
    INSERT INTO country VALUES ('pt', 'Portugal'), ('is', '<Iceland>'), ('fr', 'France');
    INSERT INTO city VALUES
        (1, 'Lisbon', 'pt', 545796, 'secret'), (2, 'Porto', 'pt', 231800, 'secret'),
        (3, 'Braga', 'pt', 193324, 'secret'), (4, 'Sagres', 'pt', NULL, 'secret'),
        (5, 'Faro', 'pt', 67650, 'secret'), (6, 'Reykjavík', 'is', 139000, 'secret'),
        (7, 'Lyon', 'fr', 522250, 'secret');
";

const CITIES: &str = "---
route: /cities/{country}
title: \"Cities of {{country.name}}\"
parameters:
  country: { type: text, max: 2 }
query:
  country: { one: \"SELECT name FROM country WHERE code = :country\" }
list:
  table: city
  columns: [id, name, population]
  where: { country: country }
  filters: { population: range }
  search: true
  sort: [name, -population]
  per_page: 2
formats: [html, json, csv, xml]
---
<h1>{{country.name}}</h1>
{{#each list.rows}}<p>{{name}} {{population}}</p>{{/each}}
{{#if list.next}}<a href=\"{{list.next}}\">More</a>{{/if}}
";

fn open(site: &mut Release) {
    let data = "city: { columns: [id, name, country, population], search: [name] }\ncountry: { columns: [code, name] }";
    site.manifest.site.edge.data = serde_yaml::from_str(data).unwrap();
}

async fn harbour() -> TestEdge {
    TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        site.template("pages/cities", CITIES);
    })
    .await
}

async fn one(front: &str) -> TestEdge {
    let page = format!("---\nroute: /one\ntitle: One\n{front}\n---\n{{{{#each all}}}}{{{{x}}}};{{{{/each}}}}");
    TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        site.template("pages/one", &page);
    })
    .await
}

async fn json(edge: &TestEdge, path: &str) -> Value {
    let answer = edge.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

fn names(page: &Value) -> Vec<&str> {
    page["list"]["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_value_of_a_parameter_is_no_page() {
    let edge = harbour().await;
    for path in
        ["/cities/portugal", "/cities/xx", "/cities/p%00", "/cities/%27", "/cities", "/cities/pt/x", "/cities/pt.pdf"]
    {
        let status = edge.get(path).await.status();
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_beyond_its_bounds_is_refused_with_what_is_expected() {
    let edge = harbour().await;
    for (query, expected) in [
        ("population_min=many", "whole number"),
        ("population_min=99999999999999999999", "whole number"),
        ("sort=mayor", "one of &#x60;name&#x60;, &#x60;-population&#x60;"),
        ("sort=name&sort=name", "said twice"),
        ("after=1", "no place in this list"),
        ("after=%5B%22a%22%2C1%5D&before=%5B%22a%22%2C1%5D", "not both"),
        ("after=%5Bnull%2C%22x%22%5D", "no place in this list"),
    ] {
        let answer = edge.get(&format!("/cities/pt?{query}")).await;
        assert_eq!(answer.status(), 422, "{query}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(expected), "{query}: {text}");
    }
    let long = "a".repeat(300);
    assert_eq!(edge.get(&format!("/cities/pt?q={long}")).await.status(), 422);
    assert_eq!(edge.get("/cities/pt?q=%FF").await.status(), 400);
    // Somebody else's.
    assert_eq!(edge.get("/cities/pt?utm_source=news&utm_source=x").await.status(), 422);
    assert_eq!(edge.get("/cities/pt?utm_source=news").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_a_value_and_never_a_statement() {
    let edge = harbour().await;
    for q in [
        "%27%20OR%201%3D1--",
        "%22%29%20OR%20%28%22",
        "*",
        "a%20NOT%20b",
        "NEAR(a,b)",
        "name:x",
        "%26%7C!%3A*",
        "%3Cscript%3E",
    ] {
        assert_eq!(edge.get(&format!("/cities/pt?q={q}")).await.status(), 200, "{q}");
    }
    assert_eq!(edge.get("/cities/%27%20OR%20%271").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_template_answers_for_each_row_in_the_dress_of_the_site() {
    let edge = harbour().await;
    let answer = edge.get("/cities/is").await;
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers()["vary"], "accept");
    let html = answer.text().await.unwrap();
    assert!(html.contains("<title>Cities of &lt;Iceland&gt;</title>"), "{html}");
    assert!(html.contains("<main class=\"shell\"><h1>&lt;Iceland&gt;</h1>\n<p>Reykjavík 139000</p>"), "{html}");
    assert!(!html.contains("noindex"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_chosen_by_the_end_of_the_path_or_by_accept() {
    let edge = harbour().await;
    let csv = edge.get("/cities/is.csv").await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.text().await.unwrap(), "id,name,population\r\n6,Reykjavík,139000\r\n");
    let xml = edge.get("/cities/is.xml").await.text().await.unwrap();
    assert!(xml.contains("<country><name>&lt;Iceland&gt;</name></country>"), "{xml}");
    assert!(xml.contains("<row><id>6</id><name>Reykjavík</name><population>139000</population></row>"), "{xml}");
    let by_accept = edge.get_with("/cities/is", &[("accept", "application/json")]).await;
    assert_eq!(by_accept.headers()["content-type"], "application/json");
    let page: Value = by_accept.json().await.unwrap();
    assert_eq!(page["country"]["name"], "<Iceland>");
    assert_eq!(page["parameters"]["country"], "is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_refusals_that_it_can_read() {
    let edge = harbour().await;
    for (path, status) in [("/cities/xx.json", 404), ("/cities/pt.json?sort=mayor", 422)] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], status, "{path}");
    }
    let answer = edge.get("/cities/pt.csv?after=1").await;
    assert_eq!(answer.status(), 422);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("error,message,status\r\n") && text.ends_with(",422\r\n"), "{text}");
    let answer = edge.get("/cities/xx.xml").await;
    assert_eq!(answer.status(), 404);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<refusal><error>There is no such page</error>"), "{text}");
}

/// The same cities, for members.
async fn private_harbour(more: &str) -> TestEdge {
    let page = CITIES.replace("formats:", &format!("access: members\n{more}formats:"));
    TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        site.template("pages/cities", &page);
        let fragment = "---\nquery:\n  all: SELECT name FROM city WHERE country = 'is'\naccess: members\ncache: { scope: reader, for: 1h }\n---\n{{#each all}}{{name}}{{/each}}";
        site.template("fragments/names", fragment);
        site.moving_page("/with/", "<p>", &[("names", "Sign in", "</p>")]);
    })
    .await
}

/// Whether anything of the rows is told.
fn tells(text: &str) -> bool {
    ["Reykjav", "139000", "Iceland", "Lisbon", "Portugal"].iter().any(|word| text.contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_asked_to_sign_in_and_learns_nothing_by_any_door() {
    let edge = private_harbour("cache: 5m\n").await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let known = ann.get("/cities/is").await.headers["etag"].to_str().unwrap().to_owned();
    // A page that is there, one that is not, and one with a mistake in it, are told apart by nothing.
    for path in ["/cities/is", "/cities/%69s", "/cities/xx", "/cities/is?sort=mayor", "/cities/is.html"] {
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let asked = edge.request(method.clone(), path).header("if-none-match", &known);
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 303, "{method} {path}");
            assert_eq!(answer.headers()["cache-control"], "private, no-store", "{path}");
            assert!(!answer.headers().contains_key("etag"), "{path}");
            let location = answer.headers()["location"].to_str().unwrap().to_owned();
            assert!(location.starts_with("/login?next=%2Fcities%2F"), "{location}");
            assert!(!tells(&answer.text().await.unwrap()), "{path}");
        }
    }
    for (path, accept, media) in [
        ("/cities/is.json", "*/*", "application/json"),
        ("/cities/is.csv", "text/html", "text/csv"),
        ("/cities/is.xml", "*/*", "application/xml"),
        ("/cities/%69s%2Ejson", "*/*", "application/json"),
        ("/cities/xx.json", "*/*", "application/json"),
        ("/cities/is", "application/json", "application/json"),
        ("/cities/is", "text/csv", "text/csv"),
    ] {
        for tag in [known.as_str(), "*"] {
            let answer = edge.get_with(path, &[("accept", accept), ("if-none-match", tag)]).await;
            assert_eq!(answer.status(), 401, "{path} {accept}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
            assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("/login"));
            assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(media), "{path}");
            assert!(!answer.headers().contains_key("etag"), "{path}");
            assert!(!tells(&answer.text().await.unwrap()), "{path}");
        }
    }
    // A cookie that nobody gave is worth nothing.
    let forged =
        edge.get_with("/cities/is", &[("cookie", "littoral=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]).await;
    assert_eq!(forged.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_reads_what_is_for_members_and_nobody_keeps_it_for_others() {
    let edge = private_harbour("").await;
    let mut ann = Browser::new(&edge);
    let asked = ann.get("/cities/is?sort=-population").await;
    assert_eq!(asked.location, "/login?next=%2Fcities%2Fis%3Fsort%3D%2Dpopulation");
    ann.register("ann@example.org").await;
    let page = ann.get("/cities/is").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Reykjavík") && page.body.contains("noindex"), "{}", page.body);
    assert_eq!(page.headers["cache-control"], "private, max-age=0, must-revalidate");
    assert_eq!(page.headers["vary"], "accept, cookie");
    let data = ann.get("/cities/is.json").await;
    assert!(data.status == 200 && data.body.contains("Reykjav"), "{}", data.body);
    assert_eq!(data.headers["vary"], "cookie");
    let tag = page.headers["etag"].to_str().unwrap().to_owned();
    ann.headers.push(("if-none-match", tag));
    assert_eq!(ann.get("/cities/is").await.status, 304);
    ann.headers.clear();
    ann.submit("/account", "/logout", &[]).await;
    assert_eq!(ann.get("/cities/is").await.status, 303);
    let kept = private_harbour("cache: 5m\n").await;
    let mut bob = Browser::new(&kept);
    bob.register("bob@example.org").await;
    assert_eq!(bob.get("/cities/is").await.headers["cache-control"], "private, max-age=300");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_for_members_is_its_fallback_to_visitors() {
    let edge = private_harbour("").await;
    let visitor = async || edge.get("/with/").await.text().await.unwrap();
    assert_eq!(visitor().await, "<p>Sign in</p>");
    let alone = edge.get("/_/fragment/names").await;
    assert_eq!(alone.status(), 401);
    assert!(!tells(&alone.text().await.unwrap()));
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    let page = ann.get("/with/").await;
    assert_eq!(page.body, "<p>Reykjavík</p>");
    assert_eq!(page.headers["cache-control"], "private, no-store");
    assert_eq!(ann.get("/_/fragment/names").await.body, "Reykjavík");
    // It is kept for her, and for her alone.
    assert_eq!(visitor().await, "<p>Sign in</p>");
    assert_eq!(edge.get("/_/fragment/names").await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_fragments_in_its_dress_is_nobodys_to_keep() {
    let edge = TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        dress_with_account(site);
        site.template("pages/cities", &CITIES.replace("formats:", "cache: 5m\nformats:"));
    })
    .await;
    let mut ann = Browser::new(&edge);
    ann.register("ann@example.org").await;
    assert!(ann.get("/cities/pt").await.body.contains(">Ann</a>"));
    let visitor = edge.get("/cities/pt").await;
    assert_eq!(visitor.headers()["cache-control"], "private, no-store");
    assert!(!visitor.headers().contains_key("etag"));
    // What is no page is the same for everyone.
    let data = edge.get("/cities/pt.json").await;
    assert_eq!(data.headers()["cache-control"], "public, max-age=300");
    assert!(data.headers().contains_key("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_for_too_much_hold_nobody_else() {
    let edge = one(
        "query:\n  all: WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n",
    )
    .await;
    let edge = &edge;
    let slow = async || drop(edge.request(reqwest::Method::GET, "/one").timeout(Duration::from_secs(3)).send().await);
    let crowd = async {
        tokio::join!(slow(), slow(), slow(), slow(), slow(), slow(), slow(), slow(), slow(), slow(), slow(), slow())
    };
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        assert_eq!(edge.get("/_/health").await.status(), 200);
        assert_eq!(edge.get("/").await.status(), 200);
        assert!(began.elapsed() < MOST_TIME, "{:?}", began.elapsed());
    };
    tokio::join!(crowd, others);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_the_database_cannot_take_is_the_readers_mistake() {
    let edge =
        one("parameters:\n  n: { type: integer, default: 1 }\nquery:\n  all: SELECT abs(CAST(:n AS BIGINT)) AS x")
            .await;
    assert_eq!(edge.get("/one?n=2").await.status(), 200);
    assert_eq!(edge.get("/one?n=-9223372036854775808").await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_replaced_is_read_as_it_is_now() {
    let edge = harbour().await;
    assert_eq!(names(&json(&edge, "/cities/pt.json").await), ["Braga", "Faro"]);
    let replace = "ALTER TABLE city RENAME TO old; CREATE TABLE city (id int8 PRIMARY KEY, name text, country text, population text); INSERT INTO city VALUES (1, 'Évora', 'pt', 'few');";
    make_table(&edge, replace);
    assert_eq!(names(&json(&edge, "/cities/pt.json").await), ["Évora"]);
    assert_eq!(edge.get("/cities/pt.json?population_min=a").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_met_once_forwards_and_backwards_in_each_order() {
    let edge = harbour().await;
    for (sort, expected) in [
        ("name", ["Braga", "Faro", "Lisbon", "Porto", "Sagres"]),
        // Who has no population comes last.
        ("-population", ["Lisbon", "Porto", "Braga", "Faro", "Sagres"]),
    ] {
        let (mut seen, mut pages) = (Vec::new(), Vec::new());
        let mut path = format!("/cities/pt?sort={sort}");
        loop {
            let page: Value = edge.get_with(&path, &[("accept", "application/json")]).await.json().await.unwrap();
            seen.extend(names(&page).into_iter().map(str::to_owned));
            pages.push(page.clone());
            let Some(next) = page["list"]["next"].as_str() else { break };
            path = next.to_owned();
        }
        assert_eq!(seen, expected, "{sort}");
        assert_eq!(pages.len(), 3);
        assert!(pages[0]["list"]["previous"].is_null());
        let mut back = Vec::new();
        let mut previous = pages[2]["list"]["previous"].clone();
        while let Some(path) = previous.as_str() {
            let page: Value = edge.get_with(path, &[("accept", "application/json")]).await.json().await.unwrap();
            back.push(names(&page).into_iter().map(str::to_owned).collect::<Vec<_>>());
            previous = page["list"]["previous"].clone();
        }
        assert_eq!(back.into_iter().rev().flatten().collect::<Vec<_>>(), expected[..4], "{sort}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_search_choose_rows_and_stay_in_the_links() {
    let edge = harbour().await;
    let page = json(&edge, "/cities/pt.json?population_min=100000&population_max=300000").await;
    assert_eq!(names(&page), ["Braga", "Porto"]);
    let page = json(&edge, "/cities/pt.json?q=lis").await;
    assert_eq!(names(&page), ["Lisbon"]);
    let page = json(&edge, "/cities/pt.json?population_min=1&sort=-population").await;
    let next = page["list"]["next"].as_str().unwrap();
    assert!(next.contains("population_min=1") && next.contains("sort=%2Dpopulation"), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_changes_shows_with_the_next_request_also_in_the_search() {
    let edge = harbour().await;
    let first = edge.get("/cities/is").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = edge.get_with("/cities/is", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"].to_str().unwrap(), tag);
    edge.ask_store("UPDATE city SET name = 'Akureyri' WHERE id = 6 RETURNING name");
    let changed = edge.get_with("/cities/is", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status(), 200);
    assert!(changed.text().await.unwrap().contains("Akureyri"));
    assert_eq!(names(&json(&edge, "/cities/is.json?q=aku").await), ["Akureyri"]);
    assert!(names(&json(&edge, "/cities/is.json?q=rey").await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_open_cannot_be_read_by_any_query_of_an_author() {
    for sql in [
        "SELECT mayor AS x FROM city",
        "SELECT * FROM city",
        "SELECT name AS x FROM city WHERE mayor = 'secret'",
        "SELECT x FROM (SELECT mayor AS x FROM city) AS inner_city",
        "WITH a AS (SELECT mayor AS x FROM city) SELECT x FROM a",
        "SELECT count(mayor) AS x FROM city",
        "SELECT c.name AS x FROM city c ORDER BY c.mayor",
        "SELECT max(mayor) AS x FROM city GROUP BY country",
        "SELECT count(*) AS x FROM closed",
        "SELECT count(*) AS x FROM CLOSED",
        "SELECT 1 AS x FROM city, closed",
    ] {
        let edge = one(&format!("query:\n  all: \"{sql}\"")).await;
        let answer = edge.get("/one").await;
        assert_eq!(answer.status(), 503, "{sql}");
        assert!(!answer.text().await.unwrap().contains("secret"), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_a_mistake_leaves_all_other_pages_as_they_are() {
    let edge = TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        site.template("pages/cities", CITIES);
        site.template("pages/broken", "---\nroute: /broken\ntitle: B\nquery:\n  all: SELECT nothing FROM city\n---\n");
        site.template("pages/absent", "---\nroute: /absent\ntitle: B\nlist: { table: village }\n---\n");
    })
    .await;
    assert_eq!(edge.get("/broken").await.status(), 503);
    assert_eq!(edge.get("/absent").await.status(), 503);
    assert_eq!(edge.get("/cities/pt").await.status(), 200);
    assert_eq!(edge.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_runs_for_ever_is_ended_and_holds_nobody() {
    let count =
        "query:\n  all: WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n";
    let edge = one(count).await;
    let began = Instant::now();
    let (endless, quick) = tokio::join!(edge.get("/one"), edge.get("/_/health"));
    assert_eq!((endless.status().as_u16(), quick.status().as_u16()), (503, 200));
    // It was begun, and ended by its clock.
    assert!(began.elapsed() >= MOST_TIME && began.elapsed() < 5 * MOST_TIME, "{:?}", began.elapsed());
}

async fn edge_of_few() -> TestEdge {
    one("query:\n  all: WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 9000) SELECT x FROM n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_too_long_an_answer_is_our_own_fault() {
    let many = "query:\n  all: WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 20000) SELECT x FROM n";
    let edge = one(many).await;
    assert_eq!(edge.get("/one").await.status(), 500);
    let few = edge_of_few().await;
    assert_eq!(few.get("/one").await.text().await.unwrap().matches(';').count(), 9_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_and_averages_are_numbers_on_either_engine() {
    let sums = "formats: [json]\nquery:\n  all: \"SELECT country AS x, sum(population) AS s, avg(population) AS a FROM city WHERE country = 'fr' GROUP BY country\"";
    let page = json(&one(sums).await, "/one").await;
    assert_eq!(page["all"][0], serde_json::json!({ "x": "fr", "s": 522250, "a": 522250.0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_refused_with_those_there_are() {
    let edge = harbour().await;
    let answer = edge.request(reqwest::Method::POST, "/cities/pt").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD, OPTIONS"));
    let head = edge.request(reqwest::Method::HEAD, "/cities/pt").send().await.unwrap();
    assert_eq!(head.status(), 200);
    let slashed = edge.get("/cities/pt/?sort=name").await;
    assert_eq!(
        (slashed.status().as_u16(), slashed.headers()["location"].to_str().unwrap()),
        (301, "/cities/pt?sort=name")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_table_comes_later_is_mended_and_others_answer_meanwhile() {
    let edge = TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        let data = "village: { columns: [id, name] }";
        let more: littoral::store::site_reads::Open = serde_yaml::from_str(data).unwrap();
        site.manifest.site.edge.data.extend(more);
        site.template("pages/cities", CITIES);
        let query = "query:\n  all: SELECT name FROM village\n---\n{{#each all}}{{name}}{{/each}}";
        site.template("pages/villages", &format!("---\nroute: /villages\ntitle: V\n{query}"));
        site.template("fragments/villages", &format!("---\n{query}"));
        site.moving_page("/with/", "<p>", &[("villages", "None", "</p>")]);
    })
    .await;
    assert_eq!(edge.get("/villages").await.status(), 503);
    assert_eq!(edge.get("/with/").await.text().await.unwrap(), "<p>None</p>");
    make_table(&edge, "CREATE TABLE village (id int8 PRIMARY KEY, name text); INSERT INTO village VALUES (1, 'Alte')");
    wait_for(&edge, "/villages", |body| body.contains("Alte")).await;
    assert_eq!(edge.get("/cities/pt").await.status(), 200);
    wait_for(&edge, "/with/", |body| body == "<p>Alte</p>").await;
}

const LARGEST: &str = "---
parameters:
  country: { type: text, max: 2 }
query:
  all: SELECT name FROM city WHERE country = :country ORDER BY population DESC
  one: { one: SELECT name FROM country WHERE code = :country }
cache: { scope: everyone, for: 1h }
---
{{one.name}}:{{#each all}} {{name}}{{/each}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_shows_rows_and_those_of_a_form_at_once() {
    let form = "title: A city\nfields:\n  key: { label: Key, type: integer, required: true }\n  name: { label: Name, type: text, required: true }\n  land: { label: Land, type: text }\ngoes_to: { table: city, columns: { id: key, name: name, country: land } }\n";
    let edge = TestEdge::with_rows(ROWS, quick(), |site| {
        open(site);
        site.template("fragments/largest", LARGEST);
        site.form("city", form);
    })
    .await;
    let fragment = async || edge.get("/_/fragment/largest?country=fr").await.text().await.unwrap();
    assert_eq!(fragment().await, "France: Lyon");
    // Kept for an hour: what another program writes is not seen.
    edge.ask_store("UPDATE city SET population = 1 WHERE id = 7 RETURNING name");
    assert_eq!(fragment().await, "France: Lyon");
    let origin = format!("http://{}", edge.address);
    let sent = edge.request(reqwest::Method::POST, "/form/city").header("origin", &origin);
    let sent = sent.form(&[("key", "8"), ("name", "Brest"), ("land", "fr")]).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    assert!(fragment().await.contains("Brest"), "{}", fragment().await);
    assert_eq!(edge.get("/_/fragment/largest?country=xyz").await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_brings_its_pages_without_a_pause() {
    let options = Options { follow_every: Duration::from_millis(20), ..quick() };
    let edge = TestEdge::with_rows(ROWS, options, open).await;
    assert_eq!(edge.get("/cities/pt").await.status(), 404);
    edge.publish(|site| {
        open(site);
        site.template("pages/cities", CITIES);
    });
    edge.edge.reload().await.unwrap();
    assert_eq!(edge.get("/cities/pt").await.status(), 200);
}
