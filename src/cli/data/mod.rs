//! `littoral data`: the site's own tables, in and out.

mod export;
pub(super) mod import;
mod query;
mod schema;

use clap::{Args, Subcommand};

use super::Outcome;
use super::site_store::SiteStore;

/// `littoral data`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
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
        Command::Import(command) => import::run(&options.site, command),
        Command::Export(command) => export::run(&options.site, command),
        Command::Query(command) => query::run(&options.site, command),
        Command::Schema(command) => schema::run(&options.site, command),
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
