//! A build after edits is the same as a clean one, and touches nothing that is the same.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use littoral::build::asset::Naming;
use littoral::build::model::Drafts;
use littoral::build::sources::Folder;
use littoral::build::{Report, Request, build};
use littoral::site::release::Shelf;
use proptest::prelude::*;

fn build_at(root: &Path) -> Report {
    let sources = Folder::new(root, None, jiff::civil::date(2026, 1, 1));
    let request = Request {
        shelf: Shelf::of(root),
        sources: &sources,
        drafts: Drafts::Hidden,
        naming: Naming::Digest,
        progress: &|_| {},
        ready: &|_| {},
    };
    build(&request).unwrap()
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn write_plain(root: &Path) {
    put(root, "littoral.yaml", "search: false\npaginate: 2\n");
    put(root, "layouts/page.hbs", "{{page.title}} {{#next}}{{url}}{{/next}} {{content}}");
    for list in ["home", "section", "term"] {
        put(
            root,
            &format!("layouts/{list}.hbs"),
            "{{#items}}{{url}} {{title}} {{this.date}}\n{{/items}}{{#pager}}{{total}}{{/pager}}",
        );
    }
    for name in ["taxonomy", "404", "shell"] {
        put(root, &format!("layouts/{name}.hbs"), "{{content}}");
    }
    fs::create_dir_all(root.join("content")).unwrap();
}

/// File → bytes.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, below: &str, tree: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                collect(&entry.path(), &format!("{name}/"), tree)?;
            } else {
                tree.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    let _ = collect(folder, "", &mut found);
    found
}

/// Builds a site in which nothing is wrong.
fn build_well(root: &Path) -> littoral::site::release::Published {
    let report = build_at(root);
    assert!(!report.has_errors(), "{:?}", report.diagnostics);
    report.published.unwrap()
}

#[test]
fn an_unchanged_site_is_built_without_touching_a_file() {
    let site = tempfile::tempdir().unwrap();
    write_plain(site.path());
    put(site.path(), "content/a.md", "---\naliases: [/old/]\ntags: [x]\n---\nA.\n");
    put(site.path(), "static/b.css", "b{}");
    assert!(build_well(site.path()).changed);
    let times = |root: &Path| -> Vec<(String, std::time::SystemTime)> {
        let time = |name: &String| fs::metadata(root.join("public").join(name)).unwrap().modified().unwrap();
        tree(&root.join("public")).keys().map(|name| (name.clone(), time(name))).collect()
    };
    let before = times(site.path());
    assert!(!build_well(site.path()).changed);
    assert_eq!(times(site.path()), before);
}

#[test]
fn an_edit_leaves_the_files_of_other_pages_alone() {
    let site = tempfile::tempdir().unwrap();
    write_plain(site.path());
    put(site.path(), "content/a.md", "A.\n");
    put(site.path(), "content/b.md", "B.\n");
    build_well(site.path());
    let time = |page: &str| {
        fs::metadata(site.path().join("public").join(page).join("index.html")).unwrap().modified().unwrap()
    };
    let (a, b) = (time("a"), time("b"));
    put(site.path(), "content/b.md", "B, edited.\n");
    build_well(site.path());
    assert_eq!(time("a"), a);
    assert_ne!(time("b"), b);
}

#[test]
fn files_in_public_that_the_build_did_not_write_are_left_alone() {
    let site = tempfile::tempdir().unwrap();
    write_plain(site.path());
    put(site.path(), "content/a.md", "A.\n");
    put(site.path(), "public/CNAME", "example.org\n");
    put(site.path(), "public/a/notes.txt", "mine\n");
    build_well(site.path());
    fs::remove_file(site.path().join("content/a.md")).unwrap();
    build_well(site.path());
    let public = tree(&site.path().join("public"));
    assert_eq!(public["CNAME"], b"example.org\n");
    assert_eq!(public["a/notes.txt"], b"mine\n");
    assert!(!public.contains_key("a/index.html"));
}

#[test]
fn a_page_that_somebody_deleted_from_public_comes_back() {
    let site = tempfile::tempdir().unwrap();
    write_plain(site.path());
    put(site.path(), "content/a.md", "A.\n");
    build_well(site.path());
    fs::remove_dir_all(site.path().join("public/a")).unwrap();
    build_well(site.path());
    assert!(site.path().join("public/a/index.html").is_file());
}

/// One thing an author does.
#[derive(Clone, Debug)]
enum Edit {
    Write(&'static str, String),
    Delete(&'static str),
}

/// Where pages may be: few, so that edits meet each other. A name may be a file at one time
/// and a folder at another.
const PAGES: &[&str] =
    &["a.md", "b.md", "docs/_index.md", "docs/a.md", "docs/b/index.md", "docs/b/x.txt", "a/index.md", "20-c.md"];

fn edit() -> impl Strategy<Value = Edit> {
    let path = prop::sample::select(PAGES);
    let head = prop::sample::select(&[
        "",
        "title: One\n",
        "date: 2024-02-01\n",
        "weight: 3\n",
        "draft: true\n",
        "tags: [sea]\n",
        "tags: [sky, sea]\n",
        "aliases: [/old/, /older.html]\n",
        "slug: other\n",
    ]);
    let body =
        prop::sample::select(&["", "Text.\n", "[a](/a/)\n", "## Head\n", "[none](nowhere.md)\n", "{{ unclosed\n"]);
    prop_oneof![
        4 => (path.clone(), head, body).prop_map(|(path, head, body)| Edit::Write(path, format!("---\n{head}---\n{body}"))),
        1 => path.prop_map(Edit::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn after_any_edits_the_build_is_what_a_clean_one_is(rounds in prop::collection::vec(prop::collection::vec(edit(), 1..4), 1..6)) {
        let site = tempfile::tempdir().unwrap();
        write_plain(site.path());
        let mut public = BTreeMap::new();
        for edits in rounds {
            for edit in edits {
                match edit {
                    Edit::Write(path, text) => put(site.path(), &format!("content/{path}"), &text),
                    Edit::Delete(path) => drop(fs::remove_file(site.path().join("content").join(path))),
                }
            }
            let report = build_at(site.path());
            let clean = tempfile::tempdir().unwrap();
            for (path, bytes) in tree(site.path()) {
                if !path.starts_with("public/") && !path.starts_with(".littoral/") {
                    put(clean.path(), &path, &String::from_utf8(bytes).unwrap());
                }
            }
            let clean_report = build_at(clean.path());
            prop_assert_eq!(&report.diagnostics, &clean_report.diagnostics);
            if !report.has_errors() {
                public = tree(&clean.path().join("public"));
            }
            prop_assert_eq!(tree(&site.path().join("public")), public.clone());
        }
    }
}
