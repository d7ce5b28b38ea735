//! Tables that a server makes of files of the site, where they are not there yet.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::site::Site;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_table_that_is_not_there_is_made_before_the_first_page_is_answered,
        a_table_that_is_there_is_left_as_it_is_whatever_becomes_of_the_file,
        a_key_and_types_are_those_that_the_configuration_says,
        a_file_with_wrong_rows_is_told_and_the_rest_of_the_site_is_served,
        a_file_that_is_not_there_is_told_and_the_rest_of_the_site_is_served,
        a_file_behind_a_link_out_of_the_site_is_not_read,
        two_servers_that_start_at_once_make_one_table_and_both_serve_it,
    ]
}

const PAGE: &str = "---
route: /ports
title: Ports
list: { table: port, sort: [name] }
---
{{#each list.rows}}{{name}} {{height}};{{/each}}
";

/// A built site with a page over the table `port`, which is made of `file`.
fn harbour(site: &Site, port: &str) {
    let root = site.folder.path();
    for folder in ["content", "dynamic/pages", "data"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    site.put("content/_index.md", "The harbour.\n");
    site.put("dynamic/pages/ports.hbs", PAGE);
    site.put("littoral.yaml", format!("edge:\n  data:\n    port: {port}\n"));
    let built = program(site).arg("build").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

fn program(site: &Site) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_littoral"));
    command.current_dir(site.folder.path()).env_remove("LITTORAL_LOG");
    match &site.server {
        Some(address) => command.env("LITTORAL_STORE", address),
        None => command.env_remove("LITTORAL_STORE"),
    };
    command
}

/// A server that answers. It ends with its test, however that does.
struct Serving {
    child: Child,
    address: String,
    said: Option<JoinHandle<String>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn begin(site: &Site) -> (Child, JoinHandle<String>) {
        let mut command = program(site);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            said
        });
        (child, said)
    }

    /// Waits until it says where it is.
    fn at(mut child: Child, said: JoinHandle<String>) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.unwrap().strip_prefix("Serving at ").map(|at| at.trim_end_matches('/').to_owned()));
        let Some(address) = address else {
            child.wait().unwrap();
            panic!("it gave no address: {}", said.join().unwrap());
        };
        Self { child, address, said: Some(said) }
    }

    fn start(site: &Site) -> Self {
        let (child, said) = Self::begin(site);
        Self::at(child, said)
    }

    /// Status and body.
    fn get(&self, path: &str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = reqwest::get(format!("{}{path}", self.address)).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    fn main_of(&self, path: &str) -> String {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Ends it; what it has said on standard error.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let said = self.said.take().unwrap().join().unwrap();
        assert!(!said.contains("panicked"), "{said}");
        said
    }
}

fn a_table_that_is_not_there_is_made_before_the_first_page_is_answered(site: &Site) {
    harbour(site, "{ from: data/ports.csv.zst, columns: [id, name, height] }");
    site.put("data/ports.csv.zst", zstd::encode_all(&b"name,height\nBrest,6.9\nFaro,3\n"[..], 3).unwrap());
    let serving = Serving::start(site);
    assert!(serving.main_of("/ports").contains("Brest 6.9;Faro 3"));
    let said = serving.end();
    assert!(said.contains("the table `port` is not there: making it of data/ports.csv.zst"), "{said}");
    assert!(said.contains("2 rows into `port` in "), "{said}");
}

fn a_table_that_is_there_is_left_as_it_is_whatever_becomes_of_the_file(site: &Site) {
    harbour(site, "{ from: data/ports.csv, columns: [id, name, height] }");
    site.put("data/ports.csv", "name,height\nBrest,6.9\n");
    Serving::start(site).end();
    site.put("data/ports.csv", "name,height\nCadiz,2\n");
    let serving = Serving::start(site);
    assert!(serving.main_of("/ports").contains("Brest"));
    assert!(!serving.end().contains("making it"));
    site.import("port data/ports.csv --replace");
    std::fs::remove_file(site.folder.path().join("data/ports.csv")).unwrap();
    let serving = Serving::start(site);
    assert!(serving.main_of("/ports").contains("Cadiz"));
    assert_eq!(serving.end().matches("error").count(), 0);
}

fn a_key_and_types_are_those_that_the_configuration_says(site: &Site) {
    harbour(site, "{ from: data/ports.csv, columns: [name, height], key: name, types: { height: text } }");
    site.put("data/ports.csv", "name,height\nBrest,6.90\n");
    Serving::start(site).end();
    let columns = "\n  name    text, key\n  height  text\n";
    assert_eq!(site.data("schema port").out, format!("port: 1 row{columns}"));
    // Also when the file is imported again by hand, unless that says otherwise.
    site.put("data/ports.csv", "name,height\nBrest,6.90\nCadiz,2\n");
    site.import("port data/ports.csv --replace");
    assert_eq!(site.data("schema port").out, format!("port: 2 rows{columns}"));
    site.import("port data/ports.csv --replace --type height=real");
    assert_eq!(site.data("schema port").out, "port: 2 rows\n  name    text, key\n  height  real\n");
}

fn a_file_with_wrong_rows_is_told_and_the_rest_of_the_site_is_served(site: &Site) {
    harbour(site, "{ from: data/ports.csv, columns: [id, name, height], types: { height: real } }");
    site.put("data/ports.csv", "name,height\nBrest,6.9\nFaro,high\n");
    let serving = Serving::start(site);
    assert!(serving.main_of("/").contains("The harbour."));
    assert_eq!(serving.get("/ports").0, 503);
    let said = serving.end();
    assert!(said.contains("ports.csv:3: column 2 (`height`): found `high`"), "{said}");
    assert!(said.contains("the table `port` was not made of data/ports.csv"), "{said}");
    site.refused("export port", 1, &["no table `port`"]);
}

fn a_file_that_is_not_there_is_told_and_the_rest_of_the_site_is_served(site: &Site) {
    harbour(site, "{ from: data/ports.csv, columns: [id, name, height] }");
    let serving = Serving::start(site);
    assert!(serving.main_of("/").contains("The harbour."));
    let said = serving.end();
    assert!(said.contains("the table `port` was not made of data/ports.csv"), "{said}");
}

#[cfg(unix)]
fn a_file_behind_a_link_out_of_the_site_is_not_read(site: &Site) {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secrets.csv"), "name,height\nsecret,1\n").unwrap();
    harbour(site, "{ from: data/ports.csv, columns: [id, name, height] }");
    let link = site.folder.path().join("data/ports.csv");
    std::os::unix::fs::symlink(outside.path().join("secrets.csv"), link).unwrap();
    let said = Serving::start(site).end();
    assert!(said.contains("data/ports.csv leads out of the folder of the site"), "{said}");
    site.refused("export port", 1, &["no table `port`"]);
}

#[cfg(not(unix))]
fn a_file_behind_a_link_out_of_the_site_is_not_read(_: &Site) {}

fn two_servers_that_start_at_once_make_one_table_and_both_serve_it(site: &Site) {
    harbour(site, "{ from: data/ports.csv, columns: [id, name, height] }");
    let rows: String = (0..20_000).map(|row| format!("port {row:05},{row}\n")).collect();
    site.put("data/ports.csv", format!("name,height\n{rows}"));
    let begun = [Serving::begin(site), Serving::begin(site)];
    let serving = begun.map(|(child, said)| Serving::at(child, said));
    let answers: Vec<_> = serving.iter().map(|one| one.get("/ports")).collect();
    let said = serving.map(Serving::end).concat();
    for (status, body) in answers {
        assert!(status == 200 && body.contains("port 00000 0;port 00001 1;"), "{status}\n{said}");
    }
    assert!(!said.contains("was not made") && !said.contains("ERROR"), "{said}");
    assert_eq!(said.matches("20,000 rows into `port`").count(), 1, "{said}");
    assert_eq!(site.ask("SELECT count(*) FROM port"), "20000");
}
