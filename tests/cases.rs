//! The build's cases: a folder is a site, what it becomes, and what its author is told.
//!
//! How a case is written stands in `tests/cases/README.md`. Each is a test of its own name:
//! `cargo cases shortcode` runs those with that word. `SNAPSHOTS=overwrite` writes what came
//! out as what is expected; the difference is read before it is committed.

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
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use littoral::site::permalink::Permalink;
use littoral::site::release::{BuildId, Shelf};

/// What a list of paths to take away is called, in `site/` and `edit/`.
const DELETE: &str = ".delete";
/// What a list of symbolic links to make is called there: `content/a.md -> ../b.md`. They
/// are not kept as links, because not every system can check them out.
const SYMLINKS: &str = ".symlinks";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut trials = Vec::new();
    for group in folders(&folder).filter(|group| !group.ends_with("plain")) {
        for case in folders(&group) {
            let name = case.strip_prefix(&folder).unwrap_or(&case).display().to_string();
            let plain = folder.join("plain");
            trials.push(Trial::test(name, move || Case { plain, folder: case }.run()));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folders(of: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<PathBuf> = fs::read_dir(of)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found.into_iter()
}

struct Case {
    /// The layouts and configuration that lie under each site.
    plain: PathBuf,
    folder: PathBuf,
}

/// What a build left behind: file → bytes, and what it said.
#[derive(PartialEq)]
struct Outcome {
    public: BTreeMap<String, Vec<u8>>,
    /// What only some may read, by audience and file.
    full: BTreeMap<String, Vec<u8>>,
    /// The name of its release, which is the digest of all that is in it.
    release: Option<String>,
    stderr: String,
}

impl Case {
    fn run(&self) -> Result<(), Failed> {
        if cfg!(not(unix)) && self.folder.join("site").join(SYMLINKS).exists() {
            return Ok(());
        }
        let root = tempfile::tempdir()?;
        lay_over(&self.plain, root.path())?;
        lay_over(&self.folder.join("site"), root.path())?;
        let mut wrong = String::new();
        let first = build(root.path(), &mut wrong)?;
        self.compare("expected", &first, &first.public, &mut wrong)?;
        if self.folder.join("edit").is_dir() {
            lay_over(&self.folder.join("edit"), root.path())?;
            let second = build(root.path(), &mut wrong)?;
            let clean_root = tempfile::tempdir()?;
            copy_inputs(root.path(), clean_root.path())?;
            let clean = build(clean_root.path(), &mut wrong)?;
            self.compare("expected-after", &second, &first.public, &mut wrong)?;
            let failed = second.has_errors();
            let (ours, theirs) =
                ((&second.public, &second.full, &second.release), (&clean.public, &clean.full, &clean.release));
            if second.stderr != clean.stderr || (!failed && ours != theirs) {
                wrong.push_str("the second build differs from a clean one of the same site:\n");
                differences(&as_tree(&clean), &as_tree(&second), "clean", &mut wrong);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
    }

    /// Compares with `expected/` or `expected-after/`, or writes it. A build that failed must
    /// have left `before` as it was, which is written nowhere a second time.
    fn compare(
        &self,
        name: &str,
        actual: &Outcome,
        before: &BTreeMap<String, Vec<u8>>,
        wrong: &mut String,
    ) -> io::Result<()> {
        let folder = self.folder.join(name);
        if actual.has_errors() && actual.public != *before {
            wrong.push_str("a build with errors has changed public:\n");
            differences(before, &actual.public, "before", wrong);
        }
        let mut tree = as_tree(actual);
        if actual.has_errors() {
            tree.retain(|file, _| file == "stderr.txt");
        }
        if std::env::var("SNAPSHOTS").is_ok_and(|word| word == "overwrite") {
            let _ = fs::remove_dir_all(&folder);
            for (file, bytes) in &tree {
                write(&folder.join(file), bytes)?;
            }
            return Ok(());
        }
        differences(&read_tree(&folder)?, &tree, name, wrong);
        Ok(())
    }
}

impl Outcome {
    fn has_errors(&self) -> bool {
        self.stderr.lines().any(|line| line.starts_with("error"))
    }
}

fn as_tree(outcome: &Outcome) -> BTreeMap<String, Vec<u8>> {
    let below = |folder: &'static str, files: &BTreeMap<String, Vec<u8>>| {
        files.iter().map(|(file, bytes)| (format!("{folder}/{file}"), bytes.clone())).collect::<Vec<_>>()
    };
    let mut tree: BTreeMap<_, _> =
        below("public", &outcome.public).into_iter().chain(below("full", &outcome.full)).collect();
    if !outcome.stderr.is_empty() {
        tree.insert("stderr.txt".to_owned(), outcome.stderr.clone().into_bytes());
    }
    tree
}

/// Runs the program as an author does.
fn build(root: &Path, wrong: &mut String) -> io::Result<Outcome> {
    let output = Command::new(env!("CARGO_BIN_EXE_littoral")).arg("build").arg("--root").arg(root).output()?;
    // Where the site lies is another place each time.
    let stderr = String::from_utf8_lossy(&output.stderr).replace(&root.display().to_string(), "[ROOT]");
    let shelf = Shelf::of(root);
    let release = shelf.current().ok();
    let full = release.map_or_else(BTreeMap::new, |release| full_of(&shelf, release));
    let release = release.map(|release| release.to_string());
    let outcome = Outcome { public: read_tree(&root.join("public"))?, full, release, stderr };
    let expected = i32::from(outcome.has_errors());
    if output.status.code() != Some(expected) {
        let _ = writeln!(wrong, "the exit status is {:?}, expected {expected}\n{}", output.status, outcome.stderr);
    }
    Ok(outcome)
}

/// What only some may read.
fn full_of(shelf: &Shelf, release: BuildId) -> BTreeMap<String, Vec<u8>> {
    let entries = shelf.manifest(release).unwrap().entries.into_iter();
    let full = entries.filter_map(|entry| Some((entry.path, entry.full?)));
    full.map(|(path, full)| {
        let audience = full.audience.to_string().replace(':', "-");
        let file = Permalink::file(&path).output_file();
        (format!("{audience}/{}", file), shelf.object(full.object).unwrap())
    })
    .collect()
}

/// Copies `from` over `to`; its lists say what is taken away first, and linked last.
fn lay_over(from: &Path, to: &Path) -> io::Result<()> {
    for path in fs::read_to_string(from.join(DELETE)).unwrap_or_default().lines() {
        let path = to.join(path);
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    for (file, bytes) in read_tree(from)? {
        if file != DELETE && file != SYMLINKS {
            write(&to.join(file), &bytes)?;
        }
    }
    for line in fs::read_to_string(from.join(SYMLINKS)).unwrap_or_default().lines() {
        if let Some((link, target)) = line.split_once(" -> ") {
            symlink(target, &to.join(link))?;
        }
    }
    Ok(())
}

/// The site without what builds have made of it.
fn copy_inputs(from: &Path, to: &Path) -> io::Result<()> {
    for (file, bytes) in read_tree(from)? {
        if !file.starts_with("public/") && !file.starts_with(".littoral/") {
            write(&to.join(file), &bytes)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// Every file below `folder`, with `/`; links are not followed.
fn read_tree(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut tree = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        let Ok(entries) = fs::read_dir(&at) else { continue };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                tree.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(tree)
}

/// All at once: what is missing, what is too much, what is different and where.
fn differences(
    expected: &BTreeMap<String, Vec<u8>>,
    actual: &BTreeMap<String, Vec<u8>>,
    name: &str,
    wrong: &mut String,
) {
    for (file, bytes) in expected {
        match actual.get(file) {
            None => {
                let _ = writeln!(wrong, "missing: {file}");
            }
            Some(found) if found != bytes => match (std::str::from_utf8(bytes), std::str::from_utf8(found)) {
                (Ok(wanted), Ok(found)) => {
                    let (wanted, found) = (snapbox::Data::text(wanted), snapbox::Data::text(found));
                    let labels: [&dyn std::fmt::Display; 2] = [&format!("{name}/{file}"), &"actual"];
                    let palette = snapbox::report::Palette::plain();
                    let _ =
                        snapbox::report::write_diff(wrong, &wanted, &found, Some(labels[0]), Some(labels[1]), palette);
                }
                _ => {
                    let _ = writeln!(wrong, "different: {file}: {} bytes expected, {} found", bytes.len(), found.len());
                }
            },
            Some(_) => {}
        }
    }
    for (file, bytes) in actual.iter().filter(|(file, _)| !expected.contains_key(*file)) {
        let text = String::from_utf8_lossy(bytes);
        let _ = writeln!(wrong, "not expected: {file}\n{}", if bytes.len() < 4096 { &text } else { "" });
    }
}
