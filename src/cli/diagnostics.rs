//! Diagnostics on a terminal, in the form that compilers have taught everyone to read.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::build::{Report, Why};
use crate::site::diagnostic::{Diagnostic, Place, Severity};

/// Prints every diagnostic to standard error.
pub(super) fn print_all(diagnostics: &[Diagnostic]) {
    let renderer = if std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() };
    let mut out = std::io::stderr().lock();
    for diagnostic in diagnostics {
        let _ = writeln!(out, "{}\n", rendered(diagnostic, &renderer));
    }
}

/// Says how many errors kept the site from being published.
pub(super) fn print_refusal(diagnostics: &[Diagnostic]) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let _ = writeln!(
        std::io::stderr(),
        "Nothing was published: {errors} {}. The release before is untouched.",
        if errors == 1 { "error" } else { "errors" }
    );
}

/// `Built 76 pages (81 rendered) in 0.12 s.`
pub(super) fn print_summary(report: &Report, took: Duration) {
    let warnings = report.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).count();
    let noted = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        many => format!(", {many} warnings"),
    };
    let unchanged = if report.published.is_some_and(|published| !published.changed) { ", nothing changed" } else { "" };
    let pages = if report.pages == 1 { "page" } else { "pages" };
    let _ = writeln!(
        std::io::stdout(),
        "Built {} {pages} ({} rendered) in {:.2} s{noted}{unchanged}.",
        report.pages,
        report.rendered,
        took.as_secs_f64()
    );
}

/// What `littoral check` has looked at, and how much of it is wrong.
pub(super) struct Looked {
    pub(super) pages: usize,
    pub(super) data_pages: usize,
    pub(super) fragments: usize,
    pub(super) queries: usize,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) took: Duration,
}

/// `Checked 76 pages, 3 data pages, 2 fragments and 7 queries in 0.42 s: no mistakes.`
pub(super) fn print_checked(looked: &Looked) {
    let count = |number: usize, of: &str, more: &str| format!("{number} {}", if number == 1 { of } else { more });
    let verdict = match (looked.errors, looked.warnings) {
        (0, 0) => "no mistakes".to_owned(),
        (0, warnings) => count(warnings, "warning", "warnings"),
        (errors, 0) => count(errors, "error", "errors"),
        (errors, warnings) => {
            format!("{}, {}", count(errors, "error", "errors"), count(warnings, "warning", "warnings"))
        }
    };
    let _ = writeln!(
        std::io::stdout(),
        "Checked {}, {}, {} and {} in {:.2} s: {verdict}.",
        count(looked.pages, "page", "pages"),
        count(looked.data_pages, "data page", "data pages"),
        count(looked.fragments, "fragment", "fragments"),
        count(looked.queries, "query", "queries"),
        looked.took.as_secs_f64()
    );
}

/// Why each output was rendered, one a line.
pub(super) fn print_why(why: &Why) {
    let mut out = std::io::stdout().lock();
    if why.0.is_empty() {
        let _ = writeln!(out, "No page was rendered because of a change: all are new, or none.");
    }
    for (path, reason) in &why.0 {
        let _ = writeln!(out, "  {path}\n      {reason}");
    }
}

/// What an output reads, one a line.
pub(super) fn print_reads(path: &str, reads: &[String]) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{path} reads:");
    for read in reads {
        let _ = writeln!(out, "  {read}");
    }
}

/// An answer of some lines.
pub(super) fn print_lines(lines: &[String]) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}

/// What has changed, in one line.
pub(super) fn print_changes<'a>(paths: impl Iterator<Item = &'a str>) {
    let paths: Vec<&str> = paths.collect();
    let more = paths.len().saturating_sub(3);
    let shown = paths[..paths.len() - more].join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(std::io::stdout(), "Changed: {shown}{more}");
}

/// Something to know that is no mistake.
pub(super) fn print_note(note: &str) {
    let _ = writeln!(std::io::stderr(), "note: {note}");
}

/// What to do with a site that has just been made.
pub(super) fn print_made(dir: &std::path::Path) {
    let dir = dir.display();
    let _ = writeln!(
        std::io::stdout(),
        "Made a site in {dir}. Look at it, and write:\n\n    littoral watch --root {dir} --open\n"
    );
}

/// Asks something, on the same line as the answer.
pub(super) fn print_question(question: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(question.as_bytes()).and_then(|()| out.flush());
}

/// `Serving at http://127.0.0.1:8080/`
pub(super) fn print_address(doing: &str, address: std::net::SocketAddr) {
    let _ = writeln!(std::io::stdout(), "{doing} at http://{address}/");
}

/// A line of what a command was asked for, or what it has done.
pub(super) fn print_done(done: &str) {
    let _ = writeln!(std::io::stdout(), "{done}");
}

/// A line about something that is wrong.
pub(super) fn print_line_to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What was asked for cannot be meant so.
pub(super) fn print_misuse(why: &str) {
    let _ = writeln!(std::io::stderr(), "error: {why}");
}

/// Says that nothing was imported because of bad rows, which have been shown, and what to do.
pub(super) fn print_bad_rows(count: u64, types: &str, file: &std::path::Path) {
    let (rows, are) = if count == 1 { ("row", "is") } else { ("rows", "are") };
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {count} {rows} of {} {are} wrong; nothing was imported", file.display());
    if !types.is_empty() {
        let _ = writeln!(out, "help: `{types}` takes such a column as it is written");
    }
    let _ = writeln!(out, "help: `--skip-bad` leaves such rows out, `--bad-out FILE` lists all of them");
}

/// Prints a failure that is no mistake in the site, with what led to it.
pub(super) fn print_failure(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because: {cause}");
    }
}

fn rendered(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    let mut group = match &diagnostic.place {
        Some(place) if place.line > 0 => Group::with_title(title).element(
            Snippet::source(place.text.as_str())
                .path(place.file.as_str())
                .line_start(place.line)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(span_in_line(place))),
        ),
        Some(place) => Group::with_title(title).element(annotate_snippets::Origin::path(place.file.as_str())),
        None => Group::with_title(title),
    };
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group])
}

/// Columns in characters become bytes of the line.
fn span_in_line(place: &Place) -> std::ops::Range<usize> {
    let at = |column: usize| place.text.char_indices().nth(column).map_or(place.text.len(), |(at, _)| at);
    let start = at(place.column.saturating_sub(1));
    start..at(place.column.saturating_sub(1) + place.width).max(start)
}
