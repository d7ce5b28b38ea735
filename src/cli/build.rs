//! `littoral build`: the site, once.

use std::time::Instant;

use anyhow::bail;
use clap::Args;

use super::progress::Bar;
use super::{Outcome, Place, diagnostics};
use crate::build::asset::Naming;
use crate::build::model::Drafts;
use crate::build::sources::Folder;
use crate::build::{Engine, Report, Request};
use crate::site::release::Shelf;
use crate::watch::today;

/// `littoral build`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Also build drafts, and pages with a date to come
    #[arg(long)]
    drafts: bool,
    /// Say for each page that is rendered what it reads that has changed; with a path
    /// (`--why /docs/`), all that the page there reads
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "")]
    why: Option<String>,
}

/// Builds, and says what was built.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let drafts = if options.drafts { Drafts::Shown } else { Drafts::Hidden };
    let began = Instant::now();
    if Shelf::of(&options.place.root).derived().join("cache").exists() {
        take_memory_in_small_pages();
    }
    let mut engine = Engine::default();
    let report = build_by(&mut engine, &options.place, drafts, Naming::Digest)?;
    diagnostics::print_all(&report.diagnostics);
    if report.has_errors() {
        diagnostics::print_refusal(&report.diagnostics);
        return Ok(Outcome::Mistakes);
    }
    match options.why.as_deref() {
        None => {}
        Some("") => diagnostics::print_why(&report.why),
        Some(path) => match engine.reads_of(&Shelf::of(&options.place.root), path) {
            Some(reads) => diagnostics::print_reads(path, &reads),
            None => {
                bail!("nothing is rendered at `{path}`: give a page's path as it stands in its URL, such as `/docs/`")
            }
        },
    }
    diagnostics::print_summary(&report, began.elapsed());
    // The process ends: to give back what it holds, piece by piece, takes as long as an edit.
    std::mem::forget(engine);
    Ok(Outcome::Done)
}

/// A build that goes on from another needs a little memory in many places. In huge pages each
/// place is 2 MB that the kernel clears first: at 10,000 pages, half as much memory again and a
/// third of an edit's time. A clean build fills them, and is faster with them.
fn take_memory_in_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// One build of the site at `place`, with a progress bar when it takes long.
pub(super) fn build_once(place: &Place, drafts: Drafts, naming: Naming) -> anyhow::Result<Report> {
    build_by(&mut Engine::default(), place, drafts, naming)
}

fn build_by(engine: &mut Engine, place: &Place, drafts: Drafts, naming: Naming) -> anyhow::Result<Report> {
    check_folders(place)?;
    let sources = Folder::new(&place.root, place.content.as_deref(), today());
    let bar = Bar::new();
    let request = Request {
        shelf: Shelf::of(&place.root),
        sources: &sources,
        drafts,
        naming,
        progress: &|progress| bar.show(progress),
        ready: &|_| {},
    };
    let report = engine.build(&request, None);
    engine.save(&request.shelf);
    bar.end();
    report.map_err(|error| match error.leaves_the_release_before() {
        true => anyhow::Error::new(error).context("the release before is untouched"),
        false => error.into(),
    })
}

/// A folder that is not there is misspelt, or not made yet.
pub(super) fn check_folders(place: &Place) -> anyhow::Result<()> {
    if !place.root.is_dir() {
        bail!(
            "there is no folder {}: `littoral new {}` makes a site there",
            place.root.display(),
            place.root.display()
        );
    }
    let content = place.content.clone().unwrap_or_else(|| place.root.join("content"));
    if !content.is_dir() {
        bail!("there is no folder {}: a site has its pages there; `littoral new DIR` makes one", content.display());
    }
    Ok(())
}
