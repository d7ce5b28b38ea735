//! Files that are broken, or made to break.

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_wrong_value_is_named_by_line_and_column_with_what_to_do,
        ten_bad_rows_are_shown_and_the_rest_counted,
        bad_rows_are_left_out_and_listed_when_that_is_asked_for,
        a_key_that_is_absent_or_there_twice_is_a_bad_row,
        what_no_text_can_hold_is_a_bad_row,
        a_cell_beyond_all_measure_is_a_bad_row,
        headings_that_cannot_be_columns_are_told,
        noise_is_refused_in_every_format,
        a_file_that_is_cut_off_is_refused,
        a_full_disk_leaves_the_table_as_it_was,
    ]
}

fn a_wrong_value_is_named_by_line_and_column_with_what_to_do(site: &Site) {
    site.put("a.csv", "id,name,population\n1,Brest,139163\n2,\"Saint\nMalo\",many\n3,Quimper,63000\n");
    let said = site.data("import cities a.csv --type population=integer");
    assert_eq!(said.code, Some(1));
    let expected = "a.csv:3: column 3 (`population`): found `many`, expected a whole number of 64 bits
error: 1 row of a.csv is wrong; nothing was imported
help: `--type population=text` takes such a column as it is written
help: `--skip-bad` leaves such rows out, `--bad-out FILE` lists all of them
";
    assert_eq!(said.err, expected);
    assert_eq!(said.out, "");
    site.refused("export cities", 1, &["no table `cities`"]);
}

fn ten_bad_rows_are_shown_and_the_rest_counted(site: &Site) {
    let rows: String = (1..=5000).map(|id| format!("{id},x\n")).collect();
    site.put("a.csv", format!("id,n\n{rows}"));
    let said = site.data("import t a.csv --type n=real");
    let shown = said.err.lines().filter(|line| line.starts_with("a.csv:")).count();
    assert_eq!(shown, 10, "{}", said.err);
    assert!(
        said.err.contains("... and 4,990 rows more") && said.err.contains("5000 rows of a.csv are wrong"),
        "{}",
        said.err
    );
}

fn bad_rows_are_left_out_and_listed_when_that_is_asked_for(site: &Site) {
    site.put("a.csv", "id,n\n1,2\n2,x\n3,4,5\n4,6\n");
    let said = site.data("import t a.csv --type n=integer --skip-bad --bad-out bad.txt");
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("2 rows into `t`") && said.out.ends_with(", 2 bad rows left out\n"), "{}", said.out);
    assert_eq!(site.csv("t"), "id,n\n1,2\n4,6\n");
    let listed = std::fs::read_to_string(site.folder.path().join("bad.txt")).unwrap();
    let expected = "a.csv:3: column 2 (`n`): found `x`, expected a whole number of 64 bits
a.csv:4: it has 3 cells, and there are 2 headings
";
    assert_eq!(listed, expected);
}

fn a_key_that_is_absent_or_there_twice_is_a_bad_row(site: &Site) {
    site.put("a.csv", "id,n\n1,a\n,b\n1,c\n2,d\n");
    site.refused(
        "import t a.csv",
        1,
        &[
            "a.csv:3: column 1 (`id`): the key is absent",
            "a.csv:4: column 1 (`id`): found `1`, but a row before it has the same key",
            "2 rows of a.csv are wrong",
        ],
    );
    site.import("t a.csv --skip-bad");
    assert_eq!(site.csv("t"), "id,n\n1,a\n2,d\n");
    site.put("r.csv", "id,n\n1.5,a\n");
    site.refused("import u r.csv", 1, &["`id` holds real and cannot be the key", "--key"]);
}

fn what_no_text_can_hold_is_a_bad_row(site: &Site) {
    site.put("a.csv", b"id,n\n1,caf\xe9\n2,a\0b\n3,\xc3,\xa9\n4,good\n");
    site.refused(
        "import t a.csv",
        1,
        &[
            "a.csv:2: column 2 (`n`): found `caf\u{fffd}`, expected UTF-8",
            "a.csv:3: column 2 (`n`)",
            "without NUL",
            "a.csv:4: it has 3 cells",
        ],
    );
    site.put("a.ndjson", b"{\"id\": 1, \"n\": \"\xff\"}\n{\"id\": 2, \"n\": \"\\u0000\"}\n{\"id\": 3, \"n\": \"\\ud800\"}\n[4]\n{\"id\": 5, \"n\": \"good\"}\n");
    let said = site.data("import t a.ndjson --skip-bad");
    assert!(
        said.out.contains("1 row into `t`") && said.out.contains("4 bad rows left out"),
        "{}{}",
        said.out,
        said.err
    );
    for line in 1..=4 {
        assert!(said.err.contains(&format!("a.ndjson:{line}: ")), "{}", said.err);
    }
}

fn a_cell_beyond_all_measure_is_a_bad_row(site: &Site) {
    let long = "x".repeat(17 * 1024 * 1024);
    site.put("a.csv", format!("id,n\n1,{long}\n2,good\n"));
    site.refused("import t a.csv", 1, &["a.csv:2: column 2 (`n`): the cell is longer than 16 MiB"]);
    site.put("a.ndjson", format!("{{\"id\": 1, \"n\": \"{long}\"}}\n{{\"id\": 2}}\n"));
    site.refused("import t a.ndjson", 1, &["a.ndjson:1: column `n`: the value is longer than 16 MiB"]);
    site.put("a.json", format!("[{{\"id\": 1, \"n\": \"{long}{long}{long}{long}\"}}, {{\"id\": 2}}]"));
    site.refused("import t a.json", 1, &["a.json:1: the object is longer than 64 MiB"]);
    // What is within measure is taken.
    let good = "y".repeat(10 * 1024 * 1024);
    site.put("b.csv", format!("id,n\n1,{good}\n"));
    site.import("t b.csv");
    assert_eq!(site.ask("SELECT length(n) FROM t"), good.len().to_string());
}

fn headings_that_cannot_be_columns_are_told(site: &Site) {
    for (head, words) in [
        ("Country Code,country-code", "`Country Code` and `country-code` would both be the column `country_code`"),
        ("id,id", "two columns have the heading `id`"),
        ("id,\u{2026}", "no name can be made of the heading `\u{2026}`"),
        ("id,", "column 2 has no heading"),
    ] {
        site.put("a.csv", format!("{head}\n1,2\n"));
        site.refused("import t a.csv", 1, &["a.csv:1: ", words]);
    }
    let many: Vec<String> = (0..1_001).map(|number| format!("c{number}")).collect();
    site.put("a.csv", format!("{}\n", many.join(",")));
    site.refused("import t a.csv", 1, &["more than 1000 columns"]);
    let keys: String = (0..2_000).map(|number| format!("{{\"k{number}\": 1}}\n")).collect();
    site.put("a.ndjson", keys);
    site.refused("import t a.ndjson", 1, &["a.ndjson:1001: ", "more than 1000 columns"]);
}

fn noise_is_refused_in_every_format(site: &Site) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = (0..200_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    site.put("noise", &noise);
    let mut database = b"SQLite format 3\0".to_vec();
    database.extend(&noise);
    site.put("noise.db", database);
    for format in ["csv", "json", "ndjson", "sqlite"] {
        site.refused(&format!("import t noise --format {format}"), 1, &["error: "]);
    }
    site.refused("import t noise.db", 1, &["error: ", "noise.db"]);
    site.put("empty.csv", "");
    site.refused("import t empty.csv", 1, &["it is empty: expected a line of headings"]);
}

fn a_file_that_is_cut_off_is_refused(site: &Site) {
    site.put("a.json", "[{\"id\": 1},\n{\"id\": 2");
    site.refused("import t a.json --skip-bad", 1, &["a.json:2: the file ends inside the value that begins here"]);
    site.put("a.csv", "id,n\n1,\"open\n2,b\n");
    site.refused("import t a.csv", 1, &["a.csv:2: a quotation mark that opens a cell of this row is not closed"]);
    let other = rusqlite::Connection::open(site.folder.path().join("whole.db")).unwrap();
    other.execute_batch("CREATE TABLE t (id INTEGER, n TEXT)").unwrap();
    for id in 0..500 {
        other.execute("INSERT INTO t VALUES (?1, hex(randomblob(200)))", [id]).unwrap();
    }
    drop(other);
    let whole = std::fs::read(site.folder.path().join("whole.db")).unwrap();
    site.put("half.db", &whole[..whole.len() / 2]);
    site.refused("import t half.db", 1, &["half.db", "malformed"]);
}

/// A small file system that is taken away at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "littoral-test"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

fn a_full_disk_leaves_the_table_as_it_was(site: &Site) {
    let Some(disk) = (if cfg!(target_os = "linux") { SmallDisk::mount() } else { None }) else {
        eprintln!("not tested: needs a small disk, and `mount -t tmpfs` is for root on Linux");
        return;
    };
    // Until 64 MiB of it have come, what is staged is in memory.
    let text = "of which there is much ".repeat(if site.server.is_some() { 100 } else { 10 });
    let rows: String = (0..40_000).map(|id| format!("{id},{text}\n")).collect();
    site.put("large.csv", format!("id,t\n{rows}"));
    site.put("small.csv", "id,t\n1,before\n");
    if site.server.is_some() {
        // The server's disk is its own affair; here it is the folder for what is staged.
        site.import("t small.csv");
        let output = site.command("import t large.csv --replace").env("SQLITE_TMPDIR", disk.0.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("full"), "{said}");
        assert_eq!(site.csv("t"), "id,t\n1,before\n");
        return;
    }
    let store = disk.0.path().join("littoral.db");
    let with_store = |words: &str| {
        let output = site.command(words).arg("--store").arg(&store).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(with_store("import t small.csv").0, Some(0));
    let (code, _, said) = with_store("import t large.csv --replace");
    assert!(code == Some(1) && said.contains("full"), "{said}");
    assert_eq!(with_store("export t").1, "id,t\n1,before\n");
    assert_eq!(with_store("import t small.csv --replace").0, Some(0));
}
