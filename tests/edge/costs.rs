//! What a part of a site and a table cost, as a fragment says it.

use std::time::Duration;

use littoral::site::release::{Shelf, Took};

use crate::support::{Release, TestEdge, quick, wait_for};

const COSTS: &str = include_str!("../../dynamic/fragments/costs.hbs");
const ROWS: &str = "
    CREATE TABLE port (id int8 PRIMARY KEY, name text);
    INSERT INTO port VALUES (1, 'Brest'), (2, 'Faro'), (3, 'Lisbon');
    CREATE TABLE wage (id int8 PRIMARY KEY);
    CREATE TABLE count (id int8 PRIMARY KEY);
    CREATE TABLE closed (id int8 PRIMARY KEY);
    INSERT INTO closed VALUES (1);
";

fn add_ports(site: &mut Release) {
    let data = "port: { columns: [id, name] }\nwage: { columns: [id] }\ncount: { columns: [id] }";
    site.manifest.site.edge.data = serde_yaml::from_str(data).unwrap();
    site.template("pages/ports", "---\nroute: /ports-now\ntitle: Ports\nlist: { table: port }\n---\n");
    let members = "---\nroute: /wages\ntitle: Wages\naccess: members\nlist: { table: wage }\n---\n";
    site.template("pages/wages", members);
    site.page("/ports/", "<h1>Ports</h1>");
    site.page("/ports/brest/", "<h1>Brest</h1>");
    site.page("/other/", "<h1>Other</h1>");
    site.template("fragments/costs", &COSTS.replace("budget: 1s", "budget: 2s"));
}

async fn harbour() -> TestEdge {
    TestEdge::with_rows(ROWS, quick(), add_ports).await
}

async fn costs(edge: &TestEdge, asked: &str) -> String {
    let answer = edge.get(&format!("/_/fragment/costs?{asked}")).await;
    assert_eq!(answer.status(), 200, "{asked}");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_their_bytes_are_counted_below_a_path_and_rows_in_a_table() {
    let edge = harbour().await;
    let said = costs(&edge, "table=port&below=/ports/").await;
    let bytes = "<h1>Ports</h1>".len() + "<h1>Brest</h1>".len();
    for words in ["<td>2 files</td>", "<td>3 rows</td>", &format!("<td>{bytes} bytes</td>"), "kB, with its indexes"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(costs(&edge, "table=port&below=/nowhere/").await.contains("<td>0 files</td>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_no_page_shows_to_everyone_is_not_measured() {
    let edge = harbour().await;
    // One for members, one that is open and in no page, and some that are not open.
    for table in [
        "wage",
        "count",
        "closed",
        "littoral_member",
        "nosuch",
        "a%22%3B%20DROP%20TABLE%20port",
        "sqlite_schema",
        "pg_class",
    ] {
        let said = costs(&edge, &format!("table={table}")).await;
        assert!(said.contains("no table yet") && !said.contains("rows"), "{table}: {said}");
    }
    assert_eq!(edge.get("/_/fragment/costs").await.status(), 422);
    assert_eq!(edge.get(&format!("/_/fragment/costs?table={}", "a".repeat(64))).await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_the_build_took_is_told_of_the_release_that_is_live_and_of_no_other() {
    let edge = harbour().await;
    assert!(costs(&edge, "table=port").await.contains("not known: this release was built elsewhere"));
    let shelf = Shelf::of(edge.folder.path());
    let live = shelf.current().unwrap();
    Took::new(live, Duration::from_millis(1_500), 1_234).note(&shelf).unwrap();
    let said = costs(&edge, "table=port&below=/ports/").await;
    assert!(said.contains("1.50 s for the whole release, of which 1,234 pages were rendered"), "{said}");
    edge.publish(|site| {
        add_ports(site);
        site.page("/ports/faro/", "<h1>Faro</h1>");
    });
    let said =
        wait_for(&edge, "/_/fragment/costs?table=port&below=/ports/", |said| said.contains("<td>3 files</td>")).await;
    assert!(said.contains("not known"), "{said}");
}
