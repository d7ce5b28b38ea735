//! The house checks itself: modules say what they are for, names mean something, and the
//! arrows between the wings hold.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines, beyond which a file wants to be a folder.
const LONG: usize = 520;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "nothing ends with {end} below {folder}");
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn fail_with(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_module_begins_with_what_it_is_for() {
    let says_nothing = |path: &PathBuf| !fs::read_to_string(path).unwrap().starts_with("//! ");
    fail_with(
        &files_below("src", ".rs").iter().filter(|path| says_nothing(path)).map(|path| shown(path)).collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_has_a_name_that_means_nothing() {
    let vague = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "types"];
    let is_vague =
        |path: &&PathBuf| path.file_stem().is_some_and(|stem| vague.contains(&stem.to_string_lossy().as_ref()));
    fail_with(&files_below("src", ".rs").iter().filter(is_vague).map(|path| shown(path)).collect::<Vec<_>>());
}

#[test]
fn no_file_is_so_long_that_it_should_be_a_folder() {
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let long =
        files_below("src", ".rs").into_iter().map(|path| (lines(&path), path)).filter(|(lines, _)| *lines > LONG);
    fail_with(&long.map(|(lines, path)| format!("{}: {lines} lines", shown(&path))).collect::<Vec<_>>());
}

#[test]
fn no_arrow_runs_between_the_halves() {
    let forbidden = [
        ("src/build", &["crate::edge", "crate::store", "crate::cli", "crate::data", "crate::watch"][..]),
        ("src/edge", &["crate::build", "crate::cli", "crate::data", "crate::watch"]),
        ("src/site", &["crate::build", "crate::edge", "crate::store", "crate::cli", "crate::data", "crate::watch"]),
        ("src/store", &["crate::build", "crate::edge", "crate::cli", "crate::data", "crate::watch"]),
        ("src/data", &["crate::build", "crate::edge", "crate::cli", "crate::watch"]),
    ];
    let mut wrong = Vec::new();
    for (wing, names) in forbidden {
        for path in files_below(wing, ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            wrong.extend(
                names.iter().filter(|name| code.contains(*name)).map(|name| format!("{}: {name}", shown(&path))),
            );
        }
    }
    fail_with(&wrong);
}

#[test]
fn every_kind_of_mistake_has_its_page_in_the_manual() {
    let manual = fs::read_to_string(root().join("content/docs/90-reference/50-errors.md")).unwrap();
    let codes = littoral::site::diagnostic::Code::ALL.iter().map(|code| code.name());
    let missing = codes.filter(|code| !manual.lines().any(|line| line.starts_with('#') && line.contains(code)));
    fail_with(&missing.map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn every_helper_of_layouts_is_in_the_manual() {
    let manual = fs::read_to_string(root().join("content/docs/90-reference/40-helpers.md")).unwrap();
    // As it is called: alone, as a block, or inside another call.
    let is_there =
        |name: &str| ["`", "{{", "{{#", "("].iter().any(|before| manual.contains(&format!("{before}{name}")));
    let missing = littoral::build::layout::HELPERS.iter().filter(|name| !is_there(name));
    fail_with(&missing.map(|name| (*name).to_owned()).collect::<Vec<_>>());
}

#[test]
fn every_key_of_the_configuration_is_in_the_manual() {
    let manual = fs::read_to_string(root().join("content/docs/90-reference/10-configuration.md")).unwrap();
    let config = serde_json::to_value(littoral::site::config::Config::default()).unwrap();
    let mut missing = Vec::new();
    let mut open = vec![&config];
    while let Some(value) = open.pop() {
        for (key, value) in value.as_object().into_iter().flatten() {
            if !manual.contains(key.as_str()) {
                missing.push(key.clone());
            }
            open.push(value);
        }
    }
    fail_with(&missing);
}

#[test]
fn every_kind_of_mistake_is_shown_by_a_case() {
    // Permissions are nothing that a folder in the repository can have.
    let mut said = fs::read_to_string(root().join("tests/bad_input.rs")).unwrap();
    for path in files_below("tests/cases", "stderr.txt") {
        said.push_str(&fs::read_to_string(path).unwrap());
    }
    let codes = littoral::site::diagnostic::Code::ALL.iter().map(|code| code.name());
    let missing = codes.filter(|code| !said.contains(&format!("error[{code}]")));
    fail_with(&missing.map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn the_edge_is_tested_alike_on_both_engines() {
    let modules = |file: &str| {
        let text = fs::read_to_string(root().join("tests/edge").join(file)).unwrap();
        text.lines().filter(|line| line.starts_with("mod ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(modules("main.rs"), modules("on_postgres.rs"));
}
