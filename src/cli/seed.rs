//! Seeding: tables that are not there yet, made of the files that `edge.data` names for them.
//!
//! So a site that was just cloned shows its catalogue without a further command. Only what is
//! absent is made: a table that is there is the store's, whatever has become of the file.
//!
//! Before the edge opens, because the edge reads no sources. A table that cannot be made is
//! told, and is no reason not to serve: its pages say so themselves, the others are whole.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use tokio::runtime::Runtime;

use super::data::import::{Taken, done, take};
use super::diagnostics;
use crate::data::Input;
use crate::data::import::{BadRows, Request, format_of};
use crate::site::config::{Edge, OpenTable};
use crate::site::release::Shelf;
use crate::site::table::TableName;
use crate::store::tables::IfThere;
use crate::store::{Address, Store};

/// Makes the tables that the live release of `shelf` wants and the store does not have.
/// `store` is where it is, if the command line says so.
pub(super) fn sow(root: &Path, shelf: &Shelf, store: Option<&str>, runtime: &Runtime) {
    // What is wrong with the release is told when the edge opens it.
    let Ok(manifest) = shelf.current().and_then(|id| shelf.manifest(id)) else { return };
    let edge = &manifest.site.edge;
    let seeds: Vec<_> = edge.data.iter().filter(|(_, open)| open.from.is_some()).collect();
    if seeds.is_empty() {
        return;
    }
    let Some(store) = open(root, edge, store) else { return };
    for (table, open) in seeds {
        if let Err(error) = sow_one(root, &store, runtime, table, open) {
            diagnostics::print_failure(&error);
        }
    }
    runtime.block_on(store.close());
}

/// None if it cannot be opened: the edge will say why.
fn open(root: &Path, edge: &Edge, store: Option<&str>) -> Option<Store> {
    Address::parse(root, store.unwrap_or(&edge.store)).ok().and_then(|address| Store::open(&address).ok())
}

fn sow_one(root: &Path, store: &Store, runtime: &Runtime, table: &TableName, open: &OpenTable) -> anyhow::Result<()> {
    let is_there = || runtime.block_on(store.table(table)).map(|standing| standing.is_some());
    let Some(from) = open.from.as_deref().filter(|_| !matches!(is_there(), Ok(true))) else { return Ok(()) };
    let not_made = || format!("the table `{table}` was not made of {from}, and pages that show it will not answer");
    let path = inside(root, from).with_context(not_made)?;
    let format = format_of(&path, None).with_context(|| {
        format!("the name of {from} does not say what is in it: expected .csv, .json, .ndjson or .sqlite")
    });
    let input = Input::open(&path, std::io::empty()).with_context(not_made)?;
    let request = Request {
        table: table.clone(),
        input: &input,
        format: format.with_context(not_made)?,
        from_table: None,
        if_there: IfThere::Refuse,
        key: open.key.clone(),
        types: open.types.iter().map(|(column, kind)| (column.clone(), *kind)).collect(),
        schema: None,
        bad_rows: BadRows::Refused,
    };
    diagnostics::print_note(&format!("the table `{table}` is not there: making it of {from}"));
    let began = Instant::now();
    match take(store, runtime, &request, None, &path, None) {
        Ok(Taken::Rows { table, rows, .. }) => diagnostics::print_note(&done(&table, rows, began)),
        Ok(Taken::BadRows) => {
            diagnostics::print_note(&format!(
                "{}: mend the file, or run `littoral data import {table} {from}`",
                not_made()
            ));
        }
        // Another node has made it meanwhile.
        Err(_) if matches!(is_there(), Ok(true)) => {
            diagnostics::print_note(&format!("the table `{table}` was made by another process meanwhile"));
        }
        Err(error) => return Err(error.context(not_made())),
    }
    Ok(())
}

/// The file, if it is one of the site's: a link may lead elsewhere.
fn inside(root: &Path, from: &str) -> anyhow::Result<PathBuf> {
    let path = root.join(from);
    let cannot = || format!("cannot open {}", path.display());
    let (real, root) = (path.canonicalize().with_context(cannot)?, root.canonicalize().with_context(cannot)?);
    anyhow::ensure!(real.starts_with(&root), "{from} leads out of the folder of the site: copy the file into it");
    Ok(path)
}
