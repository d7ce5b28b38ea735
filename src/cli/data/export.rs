//! `littoral data export`: a table as a file.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::counted;
use crate::cli::serve::runtime;
use crate::cli::site_store::{IfAbsent, SiteStore};
use crate::cli::{Outcome, diagnostics};
use crate::data::export::export;
use crate::data::{DataError, Format};
use crate::site::table::TableName;

/// `littoral data export`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// The table
    table: TableName,
    /// csv, json or ndjson; without it, by the end of --out, else csv
    #[arg(long)]
    format: Option<Format>,
    /// Write to this file, which is there whole or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Exports, and says to where.
pub(super) fn run(site: &SiteStore, options: &Options) -> anyhow::Result<Outcome> {
    let of_name = options.out.as_deref().and_then(Format::of_path);
    let format = match (options.format.or(of_name), &options.out) {
        (Some(Format::Sqlite), _) => {
            diagnostics::print_misuse("SQLite is a format to read, not to write: `--format csv`, json or ndjson");
            return Ok(Outcome::Misuse);
        }
        (Some(format), _) => format,
        (None, None) => Format::Csv,
        (None, Some(out)) => {
            diagnostics::print_misuse(&format!(
                "the name {} does not say how to write it: add `--format csv`, json or ndjson",
                out.display()
            ));
            return Ok(Outcome::Misuse);
        }
    };
    let store = site.open(IfAbsent::Refused)?;
    let runtime = runtime()?;
    let table = runtime.block_on(store.table(&options.table))?;
    let table = table.with_context(|| {
        format!("the store has no table `{}`: `littoral data schema` shows those it has", options.table)
    })?;
    let done = match &options.out {
        None => {
            let out = BufWriter::new(io::stdout());
            runtime.block_on(export(&store, &table, format, out, "standard output")).map(|(_, rows)| rows)
        }
        Some(path) => {
            let failed = |cause| DataError::File { doing: "write", file: path.display().to_string(), cause };
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = beside(folder).map_err(failed)?;
            let name = path.display().to_string();
            let exported = export(&store, &table, format, BufWriter::new(file), &name);
            runtime.block_on(exported).and_then(|(out, rows)| {
                let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(path).map_err(|error| failed(error.error))?;
                Ok(rows)
            })
        }
    };
    runtime.block_on(store.close());
    match done {
        Ok(rows) => {
            if let Some(path) = &options.out {
                diagnostics::print_done(&format!(
                    "{} of `{}` into {}",
                    counted(rows, "row"),
                    table.name,
                    path.display()
                ));
            }
            Ok(Outcome::Done)
        }
        // Whoever reads has read enough, such as `head`.
        Err(DataError::File { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(error.into()),
    }
}

/// A file that will be renamed: in the same folder, and for as many eyes as any other that a
/// program writes there.
fn beside(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(mode);
    builder.tempfile_in(folder)
}
