//! The speed of the build's parts: Markdown, code, layouts, and the cache of the build before.
//!
//! `cargo bench --bench parts -- [PAGES]`; 10,000 when not said. Each figure is the median of
//! some rounds in one process; the site is made in a temporary folder.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a bench may stop at the first surprise, and says what it saw"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::civil::date;
use littoral::build::asset::Naming;
use littoral::build::markdown::fragment_html;
use littoral::build::model::Drafts;
use littoral::build::sources::Folder;
use littoral::build::{Engine, Report, Request};
use littoral::site::config::Markdown;
use littoral::site::release::Shelf;

const ROUNDS: usize = 7;

const LAYOUT: &str = "<!doctype html><title>{{page.title}} | {{site.title}}</title>
<nav>{{#sections}}<a href=\"{{url}}\">{{title}}</a>{{/sections}}</nav>
<main><h1>{{page.title}}</h1>{{toc}}{{content}}</main>
{{#previous}}<a href=\"{{url}}\">{{title}}</a>{{/previous}}{{#next}}<a href=\"{{url}}\">{{title}}</a>{{/next}}
";

fn main() {
    let pages = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let options = Markdown::default();
    let prose = prose(0).repeat(50);
    let taken = median(|_| timed(|| fragment_html(&prose, &options)));
    println!("Markdown, prose: {:.0} MB/s", prose.len() as f64 / 1e6 / taken.as_secs_f64());
    // What was coloured is known: each round has lines of its own.
    let length = code(0).len();
    let taken = median(|round| timed(|| fragment_html(&code(round), &options)));
    println!("Markdown, code of three languages: {:.2} MB/s", length as f64 / 1e6 / taken.as_secs_f64());

    let site = tempfile::tempdir().unwrap();
    write_site(site.path(), pages);
    let (clean, report) = build(site.path());
    println!(
        "{pages} pages, nothing kept: {clean:.2?}, {:.1?} a page on all cores",
        clean / u32::try_from(pages).unwrap()
    );
    assert!(report.rendered > report.pages);
    let taken = median(|_| build(site.path()).0);
    println!("{pages} pages, nothing changed: {taken:.2?}");
    let taken = median(|round| {
        let path = site.path().join("content/part-1/page-00001.md");
        fs::write(&path, format!("{}{}", fs::read_to_string(&path).unwrap(), prose_of(round))).unwrap();
        let (taken, report) = build(site.path());
        assert_eq!(report.rendered, 1);
        taken
    });
    println!("{pages} pages, the cache loaded for one text that changed: {taken:.2?}");
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    std::hint::black_box(work());
    began.elapsed()
}

fn median(mut round: impl FnMut(usize) -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..ROUNDS).map(&mut round).collect();
    all.sort_unstable();
    all[ROUNDS / 2]
}

/// A build by a process that remembers nothing.
fn build(root: &Path) -> (Duration, Report) {
    let sources = Folder::new(root, None, date(2026, 1, 1));
    let request = Request {
        shelf: Shelf::of(root),
        sources: &sources,
        drafts: Drafts::Hidden,
        naming: Naming::Digest,
        progress: &|_| {},
        ready: &|_| {},
    };
    let began = Instant::now();
    let mut engine = Engine::default();
    let report = engine.build(&request, None).unwrap();
    engine.save(&request.shelf);
    let taken = began.elapsed();
    assert!(!report.has_errors(), "{:?}", report.diagnostics);
    (taken, report)
}

fn prose_of(number: usize) -> String {
    format!("The tide of day {number} came *late*, and the `gauge` stood at {}.\n", number * 7 % 97)
}

fn prose(number: usize) -> String {
    let mut text = String::new();
    for part in 0..6 {
        let _ = write!(text, "\n## Part {part} of {number}\n\n");
        (0..8).for_each(|line| text.push_str(&prose_of(number + line)));
        let _ =
            write!(text, "\n- one [link](/part-{part}/)\n- **two**\n\n| a | b |\n|---|---|\n| {number} | {part} |\n");
    }
    text
}

fn code(round: usize) -> String {
    let mut text = String::new();
    for block in 0..40 {
        let n = round * 1_000 + block;
        let _ = write!(
            text,
            "```rust\nfn tide_{n}(height: &[u32], least: usize) -> Option<u32> {{\n    let above = height.iter().filter(|h| **h > {n}).count();\n    if above < least {{ return None; }}\n    height.get({n}).copied()\n}}\n```\n\n\
             ```js\nasync function gauge{n}(port, limit = {n}) {{\n  const answer = await fetch(`/tide/${{port}}.json`);\n  return answer.json();\n}}\n```\n\n\
             ```python\ndef ebb_{n}(hours, limit={n}):\n    \"\"\"Return the hours of ebb.\"\"\"\n    return sum(hour for hour in hours if hour > limit)\n```\n\n"
        );
    }
    text
}

fn write_site(root: &Path, pages: usize) {
    fs::create_dir_all(root.join("layouts")).unwrap();
    fs::write(root.join("layouts/page.hbs"), LAYOUT).unwrap();
    fs::write(root.join("layouts/section.hbs"), LAYOUT).unwrap();
    fs::write(root.join("littoral.yaml"), "title: Tides\nsearch: false\nfeed: { limit: 0 }\n").unwrap();
    for number in 0..pages {
        let folder = root.join(format!("content/part-{}", number / 100));
        fs::create_dir_all(&folder).unwrap();
        if number % 100 == 0 {
            fs::write(folder.join("_index.md"), format!("---\ntitle: Part {}\n---\n", number / 100)).unwrap();
        }
        let text = format!("---\ntitle: Page {number}\n---\n{}", prose(number));
        fs::write(folder.join(format!("page-{number:05}.md")), text).unwrap();
    }
}
