//! `littoral data`: the site's own tables, in and out.

mod export;
mod import;
mod query;
mod schema;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{Outcome, StorePlace};
use crate::site::config::{self, Config};
use crate::store::{Address, Store};

/// `littoral data`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a table of a file, or bring one up to date
    Import(import::Options),
    /// Write a table to standard output, or to a file
    Export(export::Options),
    /// Ask with one SELECT; nothing can be changed by it
    Query(query::Options),
    /// Show the tables, their columns, types and keys
    Schema(schema::Options),
}

/// Does it.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    super::log_to_stderr("warn");
    match &options.command {
        Command::Import(options) => import::run(options),
        Command::Export(options) => export::run(options),
        Command::Query(options) => query::run(options),
        Command::Schema(options) => schema::run(options),
    }
}

/// Which store is meant.
#[derive(Args, Clone, Debug)]
struct Where {
    /// The folder of the site: where littoral.yaml is
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: std::path::PathBuf,
    #[command(flatten)]
    store: StorePlace,
}

/// What becomes of a store that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfAbsent {
    Made,
    Refused,
}

impl Where {
    /// Opens the store that the site in the folder has.
    fn open(&self, if_absent: IfAbsent) -> anyhow::Result<Store> {
        if !self.root.is_dir() {
            bail!("there is no folder {}: `--root` names the folder of the site", self.root.display());
        }
        let address = match &self.store.store {
            Some(address) => address.clone(),
            None => self.configured()?,
        };
        let address = Address::parse(&self.root, &address)?;
        if let Address::File(path) = &address
            && if_absent == IfAbsent::Refused
            && !path.exists()
        {
            bail!("there is no store {}: `littoral data import` or `littoral serve` makes it", path.display());
        }
        Ok(Store::open(&address)?)
    }

    fn configured(&self) -> anyhow::Result<String> {
        let path = self.root.join(config::FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let (config, mistakes) = Config::parse(&text);
        // Another store than the one that is meant must not be written into.
        if !mistakes.is_empty() {
            super::diagnostics::print_all(&mistakes);
            bail!("where the store is stands in {}, which has mistakes", path.display());
        }
        Ok(config.edge.store)
    }
}

/// `1,234,567`
fn figures(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 row`, `2,000 rows`
fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", figures(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(counted(100_000, "row"), "100,000 rows");
    }
}
