//! What a file becomes.

use snapbox::{assert_data_eq, str};

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_file_of_csv_becomes_a_table_with_types_and_a_key,
        a_file_without_an_id_has_its_rows_numbered,
        a_table_that_is_there_is_refused_with_a_word_about_both_ways,
        a_table_is_replaced_with_other_columns_and_keeps_its_indexes,
        rows_are_merged_by_their_key_and_columns_that_are_not_in_the_file_keep_their_values,
        a_merge_takes_only_columns_of_the_table,
        objects_become_rows_and_what_they_lack_is_absent,
        a_table_of_another_database_comes_with_its_types,
        standard_input_is_read_like_a_file,
        what_is_declared_comes_before_what_is_guessed,
        a_schema_without_a_column_of_the_file_refuses_it,
        what_a_schema_prints_is_a_schema,
        what_cannot_be_meant_is_misuse,
        what_was_made_past_littoral_is_left_alone,
    ]
}

const CITIES: &str =
    "Id,Name,Country Code,Population,Height\n1,Brest,FR,139163,34\n2,\"Saint-Malo\",FR,46803,8.5\n3,Nowhere,,,\n";

/// The time between the two is no matter.
fn said_done(said: &str, begins: &str, ends: &str) {
    assert!(said.starts_with(begins) && said.ends_with(ends), "{said}");
}

fn a_file_of_csv_becomes_a_table_with_types_and_a_key(site: &Site) {
    site.put("cities.csv", format!("\u{feff}{}", CITIES.replace('\n', "\r\n")));
    let said = site.import("cities cities.csv");
    said_done(&said.out, "3 rows into `cities` in ", " s (5 columns, key `id`)\n");
    assert_data_eq!(
        site.data("schema cities").out,
        str![[r#"
cities: 3 rows
  id            integer, key
  name          text
  country_code  text
  population    integer
  height        real

"#]]
    );
    assert_data_eq!(
        site.csv("cities"),
        str![[r#"
id,name,country_code,population,height
1,Brest,FR,139163,34.0
2,Saint-Malo,FR,46803,8.5
3,Nowhere,,,

"#]]
    );
}

fn a_file_without_an_id_has_its_rows_numbered(site: &Site) {
    site.put("tides.csv", "port,height\nBrest,6.9\n\nQuimper,3\n");
    site.import("tides tides.csv");
    assert_eq!(site.csv("tides"), "id,port,height\n1,Brest,6.9\n2,Quimper,3.0\n");
    site.import("named tides.csv --key port");
    assert_eq!(site.csv("named"), "port,height\nBrest,6.9\nQuimper,3.0\n");
}

fn a_table_that_is_there_is_refused_with_a_word_about_both_ways(site: &Site) {
    site.put("a.csv", "id,a\n1,x\n");
    site.import("t a.csv");
    site.put("b.csv", "id,a\n2,y\n");
    site.refused("import t b.csv", 1, &["`t` is already there", "--replace", "--upsert KEY"]);
    assert_eq!(site.csv("t"), "id,a\n1,x\n");
}

fn a_table_is_replaced_with_other_columns_and_keeps_its_indexes(site: &Site) {
    site.put("a.csv", "id,a,b\n1,x,y\n");
    site.import("t a.csv");
    site.execute("CREATE INDEX t_by_a ON t (a); CREATE INDEX t_by_b ON t (b)");
    site.put("b.csv", "id,a,c\nseven,x,1\n");
    for _ in 0..2 {
        site.import("t b.csv --replace");
        assert_eq!(site.csv("t"), "id,a,c\nseven,x,1\n");
        let indexes = if site.server.is_some() {
            "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE tablename = 't' AND schemaname = current_schema()"
        } else {
            "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't' AND sql IS NOT NULL ORDER BY name)"
        };
        let expected = if site.server.is_some() { "t_by_a t_pkey" } else { "t_by_a" };
        assert_eq!(site.ask(indexes), expected);
    }
}

fn rows_are_merged_by_their_key_and_columns_that_are_not_in_the_file_keep_their_values(site: &Site) {
    site.put("a.csv", "id,name,depth\n1,Brest,12\n2,Quimper,3\n");
    site.import("ports a.csv");
    site.put("b.ndjson", "{\"id\": 2, \"name\": \"Kemper\"}\n{\"id\": 3, \"name\": \"Roscoff\"}\n");
    let said = site.import("ports b.ndjson --upsert id");
    said_done(&said.out, "2 rows into `ports` in ", " s (2 columns, key `id`)\n");
    assert_eq!(site.csv("ports"), "id,name,depth\n1,Brest,12\n2,Kemper,3\n3,Roscoff,\n");
    // Where there is no table, it is made.
    site.import("fresh a.csv --upsert name");
    assert_eq!(site.csv("fresh"), "id,name,depth\n1,Brest,12\n2,Quimper,3\n");
    site.put("keys.csv", "id\n9\n1\n");
    site.import("ports keys.csv --upsert id");
    assert_eq!(site.csv("ports"), "id,name,depth\n1,Brest,12\n2,Kemper,3\n3,Roscoff,\n9,,\n");
}

fn a_merge_takes_only_columns_of_the_table(site: &Site) {
    site.put("a.csv", "id,name\n1,Brest\n");
    site.import("ports a.csv");
    site.put("b.csv", "id,nmae\n1,Brest\n");
    site.refused("import ports b.csv --upsert id", 1, &["b.csv:1: column 2 (`nmae`) is none of those"]);
    site.put("c.csv", "name\nBrest\n");
    site.refused("import ports c.csv --upsert id", 1, &["the file has no column `id`: it has name"]);
    site.refused("import ports a.csv --upsert name", 1, &["`name` is not the key of the table `ports`", "by `id`"]);
    site.put("d.csv", "id,name\none,Brest\n");
    site.refused(
        "import ports d.csv --upsert id",
        1,
        &["d.csv:2: column 1 (`id`): found `one`, expected a whole number"],
    );
    assert_eq!(site.csv("ports"), "id,name\n1,Brest\n");
}

fn objects_become_rows_and_what_they_lack_is_absent(site: &Site) {
    let first = r#"{"id": 7, "name": "Ouessant \"Enez\"", "Tags": ["wind", {"a": 1}], "ratio": 1}"#;
    let second = "{\"name\": \"\", \"id\": 8,\n  \"ratio\": 0.5, \"open\": true, \"tags\": null}";
    site.put("a.json", format!("[{first},\n{second}\n]"));
    let said = site.data("import islands a.json");
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("a.json:2: the headings `Tags` and `tags` would both be the column `tags`"),
        "{}",
        said.err
    );
    site.put("a.json", format!("[{first},\n{}\n]", second.replace("tags", "Tags")));
    site.import("islands a.json");
    let expected =
        "id,name,tags,ratio,open\n7,\"Ouessant \"\"Enez\"\"\",\"[\"\"wind\"\", {\"\"a\"\": 1}]\",1.0,\n8,\"\",,0.5,1\n";
    assert_eq!(site.csv("islands"), expected);
    let expected = r#"[
{"id":7,"name":"Ouessant \"Enez\"","tags":"[\"wind\", {\"a\": 1}]","ratio":1.0,"open":null},
{"id":8,"name":"","tags":null,"ratio":0.5,"open":1}
]
"#;
    assert_eq!(site.data("export islands --format json").out, expected);
}

fn a_table_of_another_database_comes_with_its_types(site: &Site) {
    let other = rusqlite::Connection::open(site.folder.path().join("other.db")).unwrap();
    other
        .execute_batch(
            "CREATE TABLE places (\"Place Name\" TEXT, height REAL, code TEXT, empty INTEGER, bytes BLOB, mixed);
             INSERT INTO places VALUES ('Brest', 34, '029', NULL, x'00ff', 1), ('Kerlouan', 2.5, '7', NULL, NULL, 'two');
             CREATE TABLE others (id INTEGER);
             CREATE VIEW sight AS SELECT * FROM places",
        )
        .unwrap();
    site.refused("import places other.db", 1, &["say which table", "others, places"]);
    site.refused("import places other.db --from-table sight", 1, &["no table of it is called `sight`"]);
    site.import("places other.db --from-table places");
    assert_data_eq!(
        site.data("schema places").out,
        str![[r#"
places: 2 rows
  id          integer, key
  place_name  text
  height      real
  code        text
  empty       integer
  bytes       blob
  mixed       text

"#]]
    );
    let expected = "id,place_name,height,code,empty,bytes,mixed\n1,Brest,34.0,029,,AP8=,1\n2,Kerlouan,2.5,7,,,two\n";
    assert_eq!(site.csv("places"), expected);
}

fn standard_input_is_read_like_a_file(site: &Site) {
    let said = site.data_given("import cities - --format csv", CITIES.as_bytes());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(site.ask("SELECT count(*) FROM cities"), "3");
}

fn what_is_declared_comes_before_what_is_guessed(site: &Site) {
    site.put("a.csv", "id,zip,photo\n1,29200,AAEC\n2,29000,\n");
    site.import("a a.csv --type zip=text --type photo=blob");
    let types = "a: 2 rows\n  id     integer, key\n  zip    text\n  photo  blob\n";
    assert_eq!(site.data("schema a").out, types);
    site.put("schema.yaml", "key: id\ncolumns:\n  - { name: zip, type: text }\n  - { name: id, type: integer }\n  - { name: photo, type: blob }\n  - { name: note, type: text }\n");
    site.import("b a.csv --schema schema.yaml");
    assert_eq!(site.csv("b"), "zip,id,photo,note\n29200,1,AAEC,\n29000,2,,\n");
    site.refused("import c a.csv --type zpi=text", 1, &["the file has no column `zpi`: it has id, zip, photo"]);
    site.put("wrong.yaml", "columns:\n  - { name: zip, type: varchar }\n");
    site.refused("import c a.csv --schema wrong.yaml", 1, &["wrong.yaml:2", "varchar"]);
}

fn a_schema_without_a_column_of_the_file_refuses_it(site: &Site) {
    site.put("schema.yaml", "columns:\n  - { name: id, type: integer }\n");
    site.put("a.csv", "id,tide\n1,low\n");
    site.refused(
        "import a a.csv --schema schema.yaml",
        1,
        &["a.csv:1: column 2 (`tide`) is none of those that were declared"],
    );
    site.put("a.ndjson", "{\"id\": 1}\n{\"id\": 2, \"tide\": \"low\"}\n");
    site.refused("import a a.ndjson --schema schema.yaml", 1, &["a.ndjson:2: the key `tide` is none of those"]);
    site.import("a a.ndjson --schema schema.yaml --skip-bad");
    assert_eq!(site.csv("a"), "id\n1\n");
}

fn what_a_schema_prints_is_a_schema(site: &Site) {
    site.put("a.csv", "id,zip\n1,029\n");
    site.import("a a.csv");
    let one = site.data("schema a --json").out;
    site.put("one.json", &one);
    let all = site.data("schema --json").out;
    site.put("all.json", all.replace("\"table\": \"a\"", "\"table\": \"c\""));
    site.import("b a.csv --schema one.json");
    site.import("c a.csv --schema all.json");
    assert_eq!(site.data("schema b --json").out, one.replace("\"a\"", "\"b\""));
    assert_eq!(site.data("schema c --json").out, one.replace("\"a\"", "\"c\""));
}

fn what_cannot_be_meant_is_misuse(site: &Site) {
    site.put("a.txt", "id\n1\n");
    site.refused("import a a.txt", 2, &["--format csv"]);
    site.refused("import littoral_member a.txt --format csv", 2, &["kept for the store itself"]);
    site.refused("import a a.txt --format csv --replace --upsert id", 2, &["cannot be used with"]);
    site.refused("import a a.txt --format xml", 2, &["csv, json, ndjson or sqlite"]);
    site.refused("export a --format sqlite", 2, &["a format to read"]);
    site.refused("import a none.csv", 1, &["cannot read none.csv", "No such file"]);
    site.import("a a.txt --format csv");
    site.refused("export b", 1, &["no table `b`", "littoral data schema"]);
    let elsewhere = Site::on_sqlite();
    elsewhere.refused("schema", 1, &["there is no store", "var/littoral.db"]);
    assert!(!elsewhere.folder.path().join("var").exists());
}

fn what_was_made_past_littoral_is_left_alone(site: &Site) {
    site.put("a.csv", "id\n1\n");
    site.import("a a.csv");
    site.execute("CREATE TABLE theirs (id INTEGER, at DATE); INSERT INTO theirs VALUES (1, NULL)");
    assert!(!site.data("schema").out.contains("theirs"));
    for how in ["", "--replace", "--upsert id"] {
        site.refused(&format!("import theirs a.csv {how}"), 1, &["is no table of the site"]);
    }
    assert_eq!(site.ask("SELECT count(*) FROM theirs"), "1");
}
