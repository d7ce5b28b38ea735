//! What a table becomes, and becomes again.

use std::process::Stdio;

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_table_comes_back_as_it_was_from_each_format,
        an_empty_table_comes_back_too,
        a_file_is_there_whole_or_not_at_all,
        who_reads_enough_may_stop,
    ]
}

/// Everything that a format might lose.
const ROWS: &str = r#"{"key": "a", "i": -9223372036854775808, "r": 1e300, "t": "", "b": ""}
{"key": "a,\"b\"", "i": 9223372036854775807, "r": -0.5, "t": "line\nbreak\r\nand \"marks\"", "b": "AP8="}
{"key": "", "i": null, "r": 0.1, "t": " 007 ", "b": null}
{"key": "\u00e9\ud83c\udf0a", "i": 0, "r": null, "t": null, "b": "YQ=="}
{"key": "'; DROP TABLE t; --", "i": 1, "r": 3, "t": "\\N", "b": "AA=="}
"#;

const SCHEMA: &str = "key: key\ncolumns:\n  - { name: key, type: text }\n  - { name: i, type: integer }\n  - { name: r, type: real }\n  - { name: t, type: text }\n  - { name: b, type: blob }\n";

fn a_table_comes_back_as_it_was_from_each_format(site: &Site) {
    site.put("rows.ndjson", ROWS);
    site.put("schema.yaml", SCHEMA);
    site.import("t rows.ndjson --schema schema.yaml");
    let whole = site.data("export t --format ndjson").out;
    assert_eq!(whole.lines().count(), 5);
    for format in ["csv", "json", "ndjson"] {
        site.data(&format!("export t --out copy.{format}"));
        site.import(&format!("copy copy.{format} --schema schema.yaml --replace"));
        assert_eq!(site.data("export copy --format ndjson").out, whole, "{format}");
    }
}

fn an_empty_table_comes_back_too(site: &Site) {
    site.put("schema.yaml", SCHEMA);
    site.put("none.csv", "key,i,r,t,b\n");
    site.import("t none.csv --schema schema.yaml");
    for format in ["csv", "json", "ndjson"] {
        site.data(&format!("export t --out copy.{format}"));
        site.import(&format!("copy copy.{format} --schema schema.yaml --replace"));
        assert_eq!(site.data("schema copy").out, site.data("schema t").out.replace("t:", "copy:"));
    }
    // Without anything to go by it cannot be a table.
    site.refused("import u copy.json", 1, &["no row of it can be read"]);
}

fn a_file_is_there_whole_or_not_at_all(site: &Site) {
    site.put("a.csv", "id,r\n1,1.5\n2,2.5\n");
    site.import("t a.csv");
    site.put("out.csv", "before");
    let infinite = if site.server.is_some() { "'Infinity'" } else { "9e999" };
    site.execute(&format!("UPDATE t SET r = {infinite} WHERE id = 2"));
    site.refused("export t --out out.csv", 1, &["cannot write out.csv", "cannot be written in this format"]);
    assert_eq!(std::fs::read_to_string(site.folder.path().join("out.csv")).unwrap(), "before");
    site.execute("UPDATE t SET r = 2 WHERE id = 2");
    let said = site.data("export t --out out.csv");
    assert_eq!(said.out, "2 rows of `t` into out.csv\n");
    assert_eq!(std::fs::read_to_string(site.folder.path().join("out.csv")).unwrap(), "id,r\n1,1.5\n2,2.0\n");
    assert_eq!(std::fs::read_dir(site.folder.path()).unwrap().count(), 2 + usize::from(site.server.is_none()));
}

fn who_reads_enough_may_stop(site: &Site) {
    let rows: String = (0..50_000).map(|id| format!("{id},some text that fills a pipe\n")).collect();
    site.put("a.csv", format!("id,t\n{rows}"));
    site.import("t a.csv");
    let mut child =
        site.command("export t").stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
