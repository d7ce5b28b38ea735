//! `littoral data schema`: what tables there are.

use anyhow::Context;
use clap::Args;

use super::counted;
use crate::cli::serve::runtime;
use crate::cli::site_store::{IfAbsent, SiteStore};
use crate::cli::{Outcome, diagnostics};
use crate::data::Declaration;
use crate::site::table::TableName;

/// `littoral data schema`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Only this table
    table: Option<TableName>,
    /// As JSON, which `data import --schema` reads
    #[arg(long)]
    json: bool,
}

/// Shows the tables.
pub(super) fn run(site: &SiteStore, options: &Options) -> anyhow::Result<Outcome> {
    let store = site.open(IfAbsent::Refused)?;
    let declared = runtime()?.block_on(async {
        let tables = match &options.table {
            None => store.tables().await?,
            Some(name) => {
                let table = store.table(name).await?;
                vec![table.with_context(|| {
                    format!("the store has no table `{name}`: `littoral data schema` shows those it has")
                })?]
            }
        };
        let mut declared = Vec::with_capacity(tables.len());
        for table in &tables {
            declared.push(Declaration::of(table, store.count_rows(&table.name).await?));
        }
        store.close().await;
        anyhow::Ok(declared)
    })?;
    if options.json {
        let json = match (&options.table, declared.as_slice()) {
            (Some(_), [one]) => serde_json::to_string_pretty(one)?,
            _ => serde_json::to_string_pretty(&serde_json::json!({ "tables": declared }))?,
        };
        diagnostics::print_done(&json);
    } else if declared.is_empty() {
        diagnostics::print_done("There is no table yet: `littoral data import cities cities.csv` makes one.");
    } else {
        let shown: Vec<String> = declared.iter().map(shown).collect();
        diagnostics::print_done(&shown.join("\n\n"));
    }
    Ok(Outcome::Done)
}

/// The table's name and its columns, one a line.
fn shown(declared: &Declaration) -> String {
    let name = declared.table.as_ref().map_or("", TableName::as_str);
    let mut shown = format!("{name}: {}", counted(declared.rows.unwrap_or_default(), "row"));
    let width = declared.columns.iter().map(|column| column.name.as_str().len()).max().unwrap_or_default();
    for column in &declared.columns {
        let key = if declared.key.as_ref() == Some(&column.name) { ", key" } else { "" };
        shown.push_str(&format!("\n  {:width$}  {}{key}", column.name.as_str(), column.kind.name()));
    }
    shown
}
