//! `littoral check`: looks at everything and publishes nothing.

use std::time::Instant;

use anyhow::Context;
use clap::Args;

use super::build::check_folders;
use super::progress::Bar;
use super::serve::runtime;
use super::{Outcome, Place, StorePlace, diagnostics};
use crate::build::asset::Naming;
use crate::build::model::Drafts;
use crate::build::sources::{Folder, Sources, read_text};
use crate::build::{Report, Request, build};
use crate::edge::check::{self, Checked, Written};
use crate::site::config::{self, Config};
use crate::site::diagnostic::{Diagnostic, Severity};
use crate::site::release::Shelf;
use crate::store::{Address, Store, StoreError};
use crate::watch::today;

/// `littoral check`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    store: StorePlace,
    /// Also look at drafts, and at pages with a date to come
    #[arg(long)]
    drafts: bool,
}

/// Looks, and says what is wrong.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    // What is wrong is told as mistakes, not in the log.
    super::log_to_stderr("off");
    let began = Instant::now();
    check_folders(&options.place)?;
    let sources = Folder::new(&options.place.root, options.place.content.as_deref(), today());
    let report = built(options, &sources)?;
    let mut found = report.diagnostics;
    let checked = for_the_edge(options, &sources)?;
    found.extend(checked.found);
    found.sort();
    found.dedup();
    diagnostics::print_all(&found);
    let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
    diagnostics::print_checked(&diagnostics::Looked {
        pages: report.pages,
        data_pages: checked.data_pages,
        fragments: checked.fragments,
        queries: checked.queries,
        errors,
        warnings: found.len() - errors,
        took: began.elapsed(),
    });
    Ok(if errors > 0 { Outcome::Mistakes } else { Outcome::Done })
}

/// The whole site, built into a folder that is thrown away.
fn built(options: &Options, sources: &Folder) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir().context("no folder can be made for what is built to be looked at")?;
    let bar = Bar::new();
    let request = Request {
        shelf: Shelf::for_check(folder.path()),
        sources,
        drafts: if options.drafts { Drafts::Shown } else { Drafts::Hidden },
        naming: Naming::Digest,
        progress: &|progress| bar.show(progress),
        ready: &|_| {},
    };
    let report = build(&request);
    bar.end();
    Ok(report?)
}

/// What the edge would answer from, and the database.
fn for_the_edge(options: &Options, sources: &Folder) -> anyhow::Result<Checked> {
    // Their mistakes are the build's to tell.
    let text = read_text(sources, config::FILE).unwrap_or_default();
    let (config, mistakes) = Config::parse(&text);
    let (files, _) = sources.files();
    let written: Vec<Written> = files
        .iter()
        .filter_map(|(path, _)| {
            let name = check::template_name(path)?.to_owned();
            Some(Written { name, text: read_text(sources, path).ok()? })
        })
        .collect();
    let wants_store = check::reads_the_store(&written) || !config.edge.data.is_empty();
    let store = match wants_store.then(|| opened(options, &config, &mistakes)) {
        Some(Ok(store)) => Some(store),
        Some(Err(why)) => {
            diagnostics::print_note(&format!("the queries were not tried: {why}"));
            None
        }
        None => None,
    };
    runtime()?.block_on(async {
        let checked = match check::check(&config, &text, &written, store.as_ref()).await {
            Err(error) => {
                diagnostics::print_note(&format!("the queries were not tried: {error}"));
                check::check(&config, &text, &written, None).await
            }
            checked => checked,
        };
        if let Some(store) = &store {
            store.close().await;
        }
        Ok(checked?)
    })
}

/// The store, if it is there; or why not.
fn opened(options: &Options, config: &Config, mistakes: &[Diagnostic]) -> Result<Store, String> {
    let address = match &options.store.store {
        Some(address) => address,
        None if mistakes.is_empty() => &config.edge.store,
        None => return Err(format!("where the store is stands in {}, which has mistakes", config::FILE)),
    };
    let said = |error: StoreError| error.to_string();
    let address = Address::parse(&options.place.root, address).map_err(said)?;
    match &address {
        // Looking makes none.
        Address::File(path) if !path.exists() => {
            Err(format!("there is no store {}: `littoral serve` or `littoral data import` makes it", path.display()))
        }
        address => Store::open(address).map_err(said),
    }
}
