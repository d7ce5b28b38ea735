//! MDN's course pages, as they are, through the site in `tests/corpus/mdn/`.
//!
//! The pages are not part of the repository: they are looked for in `$LITTORAL_CORPUS`, else
//! in `../shared/corpus`. Where they are not there the tests say so.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Where the pages live in the site.
const DOCS: &str = "/en-US/docs/";
const INTRODUCTION: &str = "Learn_web_development/Extensions/Server-side/First_steps/Introduction";

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("every_markdown_page_is_a_page", every_page),
        trial("the_introduction_has_its_glossary_menu_table_and_pictures", introduction),
        trial("links_that_lead_out_of_the_course_are_listed_with_their_places", outside),
        trial("the_earlier_edition_of_the_introduction_builds_too", earlier_edition),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: fn(&Path) -> Outcome) -> Trial {
    Trial::ignorable_test(name, move || {
        let corpus = corpus();
        if !corpus.join("mdn/files/en-us").is_dir() {
            let reason = format!("MDN's pages are not in {}: set LITTORAL_CORPUS", corpus.display());
            return Ok(Completion::ignored_with(reason));
        }
        run(&corpus).map(|()| Completion::Completed)
    })
}

fn corpus() -> PathBuf {
    match std::env::var_os("LITTORAL_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    }
}

/// A built site; its folder goes when it does.
struct Site {
    root: tempfile::TempDir,
    stderr: String,
}

impl Site {
    /// Builds the site with the pages of `content`.
    fn build(content: &Path) -> Result<Self, Failed> {
        let root = tempfile::tempdir()?;
        copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/mdn"), root.path())?;
        let output = Command::new(env!("CARGO_BIN_EXE_littoral"))
            .args(["build", "--root"])
            .arg(root.path())
            .arg("--content")
            .arg(content)
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() || stderr.lines().any(|line| line.starts_with("error")) {
            return Err(format!("the build failed: {}\n{stderr}", output.status).into());
        }
        Ok(Self { root, stderr })
    }

    /// The file in `public/` that answers the path `url`.
    fn file(&self, url: &str) -> PathBuf {
        let path = self.root.path().join("public").join(url.trim_start_matches('/'));
        if url.ends_with('/') { path.join("index.html") } else { path }
    }

    /// The places of warnings with the code `broken-link`.
    fn broken_links(&self) -> Vec<String> {
        let mut lines = self.stderr.lines();
        let mut links = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with("warning[broken-link]") {
                let place = lines.next().unwrap_or_default().trim_start().trim_start_matches("--> ").to_owned();
                links.push(place);
            }
        }
        links
    }
}

/// The whole course, built once for all tests of it.
fn course(corpus: &Path) -> Result<&'static Site, Failed> {
    static COURSE: OnceLock<Result<Site, String>> = OnceLock::new();
    let build = || {
        Site::build(&corpus.join("mdn/files/en-us")).map_err(|failed| failed.message().unwrap_or_default().to_owned())
    };
    COURSE.get_or_init(build).as_ref().map_err(|failed| failed.as_str().into())
}

fn every_page(corpus: &Path) -> Outcome {
    let content = corpus.join("mdn/files/en-us");
    let site = course(corpus)?;
    let written = files(&content)?.iter().filter(|path| path.ends_with(".md")).count();
    let made = files(&site.root.path().join("public/en-US/docs"))?;
    let made = made.iter().filter(|path| path.ends_with(".html")).count();
    check(written > 0 && made == written, format!("{written} Markdown pages, {made} HTML pages"))
}

fn introduction(corpus: &Path) -> Outcome {
    let site = course(corpus)?;
    let url = format!("{DOCS}{INTRODUCTION}/");
    let html = fs::read_to_string(site.file(&url))?;
    check(html.contains("class=\"glossary\""), "no link to the glossary".to_owned())?;
    let next = attributes(&html, "<a rel=\"next\" href=\"");
    check(!next.is_empty(), "no link to the next page".to_owned())?;
    for url in next {
        check(site.file(&url).is_file(), format!("the next page is not there: {url}"))?;
    }
    check(html.contains("<table") && html.contains("<th scope=\"row\">"), "no table".to_owned())?;
    let pictures = attributes(&html, "src=\"");
    check(!pictures.is_empty(), "no picture".to_owned())?;
    for picture in pictures {
        let at = if picture.starts_with('/') { picture.clone() } else { format!("{url}{picture}") };
        check(site.file(&at).is_file(), format!("the picture is not there: {picture}"))?;
    }
    check(!html.contains("{{"), "a macro was left over".to_owned())
}

fn outside(corpus: &Path) -> Outcome {
    let content = corpus.join("mdn/files/en-us");
    let site = course(corpus)?;
    let sources: Vec<(String, String)> = files(&content)?
        .into_iter()
        .filter(|path| path.ends_with(".md"))
        .map(|path| fs::read_to_string(content.join(&path)).map(|text| (path, text)))
        .collect::<io::Result<_>>()?;
    let slugs: BTreeSet<&str> =
        sources.iter().filter_map(|(_, text)| text.lines().find_map(|line| line.strip_prefix("slug: "))).collect();
    // Counted without the program: what stands where a link does and begins like a page of MDN.
    let mut expected = Vec::new();
    for (path, text) in &sources {
        let mut is_code = false;
        for (number, line) in text.lines().enumerate() {
            is_code ^= line.trim_start().starts_with("```");
            let written = ["](/en-US/", "href=\"/en-US/"];
            for rest in written.iter().flat_map(|before| line.split(before).skip(1)) {
                let target = rest.split([')', '"', '#', '?', ' ']).next().unwrap_or_default().trim_end_matches('/');
                if !is_code && !target.strip_prefix("docs/").is_some_and(|slug| slugs.contains(slug)) {
                    expected.push(format!("content/{path}:{}", number + 1));
                }
            }
        }
    }
    let found: Vec<String> = site
        .broken_links()
        .into_iter()
        .map(|place| place.rsplit_once(':').map(|(line, _)| line.to_owned()).unwrap_or(place))
        .collect();
    let (mut expected, mut found) = (expected, found);
    expected.sort();
    found.sort();
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let surplus: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    check(
        !found.is_empty() && expected == found,
        format!(
            "{} lead out, {} are listed; missing: {missing:#?}, surplus: {surplus:#?}",
            expected.len(),
            found.len()
        ),
    )
}

fn earlier_edition(corpus: &Path) -> Outcome {
    let edition = corpus.join("introduction-earlier-edition.md");
    let content = tempfile::tempdir()?;
    fs::copy(&edition, content.path().join("introduction.md"))?;
    let site = Site::build(content.path())?;
    let made = files(&site.root.path().join("public/en-US/docs"))?;
    let page = made.iter().find(|path| path.ends_with(".html")).ok_or("no page was made")?;
    let html = fs::read_to_string(site.root.path().join("public/en-US/docs").join(page))?;
    for wanted in ["class=\"course\"", "rel=\"next\"", "class=\"glossary\"", "<table"] {
        check(html.contains(wanted), format!("{page} has no {wanted}"))?;
    }
    check(!html.contains("{{"), "a macro was left over".to_owned())
}

fn check(holds: bool, otherwise: String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// What stands in `html` between each `before` and the next quote.
fn attributes(html: &str, before: &str) -> Vec<String> {
    html.split(before).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// Files below `folder`, as paths with `/`.
fn files(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for file in files(from)?.iter().filter(|file| !file.starts_with("public/") && !file.starts_with(".littoral/")) {
        let target = to.join(file);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        fs::copy(from.join(file), target)?;
    }
    Ok(())
}
