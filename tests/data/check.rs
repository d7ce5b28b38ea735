//! `littoral check`: what is wrong is told before anybody asks for it, and nothing is changed.

use crate::site::{Said, Site};
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_site_without_mistakes_is_looked_at_and_left_as_it_is,
        what_the_database_says_of_each_query_is_told_with_its_line,
        what_is_not_open_is_a_mistake,
        a_list_that_does_not_fit_its_table_is_a_mistake,
        what_is_opened_and_not_there_is_a_mistake,
        a_misspelt_name_in_a_template_is_a_mistake,
        a_name_that_is_missing_when_nothing_is_found_is_a_mistake,
        mistakes_of_the_build_and_of_queries_are_told_in_one_run,
        without_a_store_the_rest_is_looked_at_and_none_is_made,
        what_cannot_be_meant_is_misuse,
    ]
}

const CONFIG: &str = "title: Tides\nbase_url: https://example.org/\nedge:\n  data:\n    city: { columns: [id, name, land], search: [name] }\n";

const CITIES: &str = "---
route: /cities/{land}
title: \"Cities of {{parameters.land}}\"
query:
  largest:
    one: SELECT name, id FROM city WHERE land = :land
list: { table: city, where: { land: land }, search: true, sort: [name, -id] }
formats: [html, json]
---
<h1>{{largest.name}}</h1>
{{#each list.rows}}<p>{{name}}</p>{{/each}}
{{#if list.next}}<a href=\"{{list.next}}\">More</a>{{/if}}
{{#each list.sort}}{{name}}{{url}}{{/each}} {{#each formats}}{{url}}{{/each}} {{site.title}}
";

const FRAGMENT: &str = "---
query:
  all: SELECT name FROM city
---
{{#each all}}{{name}}{{/each}} {{#if reader.signed_in}}{{reader.name}}{{/if}}
";

fn file(site: &Site, name: &str, text: &str) {
    let path = site.folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A site with a page, a data page and a fragment, and its table.
fn harbour(site: &Site) {
    without_store(site);
    site.put("city.csv", "id,name,land\n1,Lisbon,pt\n2,Porto,pt\n");
    site.import("city city.csv");
}

fn without_store(site: &Site) {
    file(site, "littoral.yaml", CONFIG);
    file(site, "content/_index.md", "# Home\n");
    file(site, "dynamic/pages/cities.hbs", CITIES);
    file(site, "dynamic/fragments/names.hbs", FRAGMENT);
}

fn check(site: &Site) -> Said {
    site.littoral("check")
}

/// Refused, with each of these words.
fn refused(site: &Site, words: &[&str]) {
    let said = check(site);
    assert_eq!(said.code, Some(1), "{}\n{}", said.out, said.err);
    for word in words {
        assert!(said.err.contains(word), "`{word}` was not said\n{}", said.err);
    }
}

fn indexes(site: &Site) -> String {
    site.ask(if site.server.is_some() {
        "SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'littoral!_%' ESCAPE '!' AND tablename = 'city'"
    } else {
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'littoral!_index%' ESCAPE '!' OR name LIKE 'littoral!_search%' ESCAPE '!'"
    })
}

fn a_site_without_mistakes_is_looked_at_and_left_as_it_is(site: &Site) {
    harbour(site);
    let said = check(site);
    assert_eq!(said.code, Some(0), "{}\n{}", said.out, said.err);
    assert_eq!(said.err, "");
    assert!(said.out.starts_with("Checked 1 page, 1 data page, 1 fragment and 2 queries in "), "{}", said.out);
    assert!(said.out.ends_with(" s: no mistakes.\n"), "{}", said.out);
    for made in [".littoral", "public"] {
        assert!(!site.folder.path().join(made).exists(), "{made}");
    }
    assert_eq!(indexes(site), "0");
}

fn what_the_database_says_of_each_query_is_told_with_its_line(site: &Site) {
    harbour(site);
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("SELECT name, id", "SELECT nome, id"));
    file(site, "dynamic/fragments/names.hbs", &FRAGMENT.replace("FROM city", "FROM town"));
    refused(
        site,
        &[
            "error[data-page]: the query `largest` cannot be asked: ",
            "nome",
            " --> dynamic/pages/cities.hbs:5:3\n",
            "5 |   largest:\n",
            "error[fragment]: the query `all` cannot be asked: ",
            "town",
            " --> dynamic/fragments/names.hbs:3:3\n",
            "3 |   all: SELECT name FROM town\n",
        ],
    );
}

fn what_is_not_open_is_a_mistake(site: &Site) {
    harbour(site);
    site.put("secret.csv", "id,word\n1,x\n");
    site.import("secret secret.csv");
    for sql in
        ["SELECT word AS name, 1 AS id FROM secret", "SELECT name, id FROM city WHERE id IN (SELECT id FROM secret)"]
    {
        file(site, "dynamic/pages/cities.hbs", &CITIES.replace("SELECT name, id FROM city WHERE land = :land", sql));
        refused(site, &["`largest` cannot be asked", "`edge.data` in littoral.yaml opens", "cities.hbs:5:3"]);
    }
}

fn a_list_that_does_not_fit_its_table_is_a_mistake(site: &Site) {
    harbour(site);
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("sort: [name", "sort: [nome"));
    refused(site, &["the list cannot be shown: the table `city` has no column `nome`", "cities.hbs:7:1"]);
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("table: city", "table: town"));
    refused(site, &["the table `town` is not open", "cities.hbs:7:1"]);
}

fn what_is_opened_and_not_there_is_a_mistake(site: &Site) {
    harbour(site);
    let data = "    city: { columns: [id, nmae, land] }\n    boat: { columns: [id], api: { read: everyone } }\n";
    file(site, "littoral.yaml", &format!("{}{data}", CONFIG.split("    city").next().unwrap()));
    refused(
        site,
        &[
            "littoral.yaml:5",
            "the table `city` has no column `nmae`; did you mean `name`?",
            "littoral.yaml:6",
            "the API of `boat` cannot be used: there is no table `boat`: `littoral data import boat FILE` makes it",
        ],
    );
}

fn a_misspelt_name_in_a_template_is_a_mistake(site: &Site) {
    harbour(site);
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("<h1>{{largest.name}}", "<h1>{{largest.nmae}}"));
    file(site, "dynamic/fragments/names.hbs", &FRAGMENT.replace("{{name}}", "{{nmae}}"));
    refused(
        site,
        &[
            "nothing is called `largest.nmae` here",
            "dynamic/pages/cities.hbs:10:7\n",
            "<h1>{{largest.nmae}}</h1>",
            "nothing is called `nmae` here",
            "dynamic/fragments/names.hbs:5:",
        ],
    );
    file(site, "dynamic/fragments/names.hbs", FRAGMENT);
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("{{parameters.land}}", "{{parameters.lnad}}"));
    refused(site, &["nothing is called `parameters.lnad` here", "cities.hbs:3:1"]);
    // What stands in a part of it, too.
    file(site, "dynamic/parts/row.hbs", "\n{{nmae}}");
    file(site, "dynamic/pages/cities.hbs", &CITIES.replace("<p>{{name}}</p>", "{{> parts/row}}"));
    refused(site, &["nothing is called `nmae` here", "dynamic/parts/row.hbs:2:3"]);
}

fn a_name_that_is_missing_when_nothing_is_found_is_a_mistake(site: &Site) {
    harbour(site);
    let first = "{{list.rows.0.name}}";
    file(site, "dynamic/pages/cities.hbs", &format!("{CITIES}{first}"));
    refused(site, &["nothing is called `list.rows.0.name` here", "when nothing is found"]);
    file(site, "dynamic/pages/cities.hbs", &format!("{CITIES}{{{{#if list.rows}}}}{first}{{{{/if}}}}"));
    assert_eq!(check(site).code, Some(0));
}

fn mistakes_of_the_build_and_of_queries_are_told_in_one_run(site: &Site) {
    harbour(site);
    file(site, "content/_index.md", "[Nowhere](nowhere.md)\n");
    file(site, "dynamic/fragments/names.hbs", &FRAGMENT.replace("SELECT name", "SELECT nome"));
    refused(site, &["error[broken-link]", "content/_index.md:1:", "error[fragment]", "names.hbs:3:3"]);
    assert!(check(site).out.ends_with(": 2 errors.\n"));
}

fn without_a_store_the_rest_is_looked_at_and_none_is_made(site: &Site) {
    without_store(site);
    file(site, "dynamic/pages/plain.hbs", "---\nroute: /plain\ntitle: Plain\n---\n{{parametres}}\n");
    let absent = site.folder.path().join("var/absent.db");
    let said = site.littoral(&format!("check --store {}", absent.display()));
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("note: the queries were not tried: there is no store"), "{}", said.err);
    assert!(said.err.contains("nothing is called `parametres` here"), "{}", said.err);
    assert!(!absent.exists());
    let nobody = "check --store postgres://ann:high-water@127.0.0.1:1/tides";
    let said = site.littoral(nobody);
    assert!(said.err.contains("note: the queries were not tried: cannot reach the store"), "{}", said.err);
    assert!(!said.err.contains("high-water"), "{}", said.err);
}

fn what_cannot_be_meant_is_misuse(site: &Site) {
    assert_eq!(site.littoral("check --publish").code, Some(2));
    // A folder that is not there is no site.
    assert_eq!(site.littoral("check --root nowhere").code, Some(1));
}
