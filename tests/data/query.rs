//! One question, asked on the command line.

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_question_is_answered_in_each_format,
        what_writes_is_refused_and_changes_nothing,
        nobody_reads_what_is_littorals_own,
        what_the_database_says_is_told,
    ]
}

fn ask(site: &Site, statement: &str, more: &str) -> (Option<i32>, String, String) {
    let output = site.command("query").arg(statement).args(more.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn boats(site: &Site) {
    site.put("boats.csv", "id,name,length\n1,\"Gull, the\",9.5\n2,Tern,\n");
    site.import("boats boats.csv");
}

fn a_question_is_answered_in_each_format(site: &Site) {
    boats(site);
    let statement = "SELECT name, length AS \"how long\" FROM boats ORDER BY id;";
    assert_eq!(ask(site, statement, "").1, "name,how long\n\"Gull, the\",9.5\nTern,\n");
    let json = "[\n{\"name\":\"Gull, the\",\"how long\":9.5},\n{\"name\":\"Tern\",\"how long\":null}\n]\n";
    assert_eq!(ask(site, statement, "--format json").1, json);
    assert_eq!(ask(site, "SELECT sum(id) AS s FROM boats", "--format ndjson").1, "{\"s\":3}\n");
}

fn what_writes_is_refused_and_changes_nothing(site: &Site) {
    boats(site);
    for statement in [
        "DELETE FROM boats",
        "SELECT 1; DROP TABLE boats",
        "WITH x AS (DELETE FROM boats RETURNING id) SELECT id FROM x",
    ] {
        let (code, out, error) = ask(site, statement, "");
        assert_eq!((code, out.as_str()), (Some(1), ""), "{statement}");
        assert!(error.contains("only reads") || error.contains("one statement"), "{error}");
    }
    assert_eq!(ask(site, "SELECT count(*) AS n FROM boats", "").1, "n\n2\n");
}

fn nobody_reads_what_is_littorals_own(site: &Site) {
    boats(site);
    for table in ["littoral_member", "\"LITTORAL_SESSION\"", "migration", "sqlite_schema", "pg_authid"] {
        let (code, out, error) = ask(site, &format!("SELECT * FROM {table}"), "");
        assert_eq!((code, out.as_str()), (Some(1), ""), "{table}");
        assert!(error.contains("is the store's own"), "{error}");
    }
}

fn what_the_database_says_is_told(site: &Site) {
    boats(site);
    let (code, _, error) = ask(site, "SELECT colour FROM boats", "");
    assert!(code == Some(1) && error.contains("colour"), "{error}");
    let (code, _, error) = ask(site, "SELECT name FROM boats WHERE id = :id", "");
    assert!(code == Some(1) && error.contains("nothing gives `:id` a value"), "{error}");
    let many = "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 20000) SELECT x FROM n";
    let (code, _, error) = ask(site, many, "");
    assert!(code == Some(1) && error.contains("more than 10000 rows"), "{error}");
}
