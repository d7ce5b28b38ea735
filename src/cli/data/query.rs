//! `littoral data query`: one `SELECT` over the site's own tables.

use std::io::{self, BufWriter};

use anyhow::bail;
use clap::Args;

use crate::cli::Outcome;
use crate::cli::serve::runtime;
use crate::cli::site_store::{IfAbsent, SiteStore};
use crate::data::{DataError, Format, query};
use crate::site::data_page::Statement;

/// `littoral data query`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// One SELECT, such as 'SELECT count(*) FROM cities'
    statement: String,
    /// csv, json or ndjson
    #[arg(long, default_value = "csv")]
    format: Format,
}

/// Asks, and writes the rows to standard output.
pub(super) fn run(site: &SiteStore, options: &Options) -> anyhow::Result<Outcome> {
    let statement = match Statement::parse(&options.statement) {
        Ok(statement) => statement,
        Err(refused) if refused.hint.is_empty() => bail!("{}", refused.message),
        Err(refused) => bail!("{}: {}", refused.message, refused.hint),
    };
    if let Some(name) = statement.parameters.first() {
        bail!("nothing gives `:{name}` a value here: write the value itself");
    }
    let store = site.open(IfAbsent::Refused)?;
    let rows = runtime()?.block_on(async {
        let rows = store.query(&statement).await;
        store.close().await;
        rows
    })?;
    match query::write(&rows, options.format, BufWriter::new(io::stdout())) {
        // Whoever reads has read enough, such as `head`.
        Err(DataError::File { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Outcome::Done),
    }
}
