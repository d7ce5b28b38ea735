//! `littoral data import`: a table of a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use tokio::runtime::Runtime;

use super::counted;
use crate::cli::progress::DataBar;
use crate::cli::serve::runtime;
use crate::cli::site_store::{IfAbsent, SiteStore};
use crate::cli::{Outcome, diagnostics};
use crate::data::import::{BadRows, Request, format_of, prepare};
use crate::data::{BadRow, DataError, Declaration, Format, Input};
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::Store;
use crate::store::tables::{IfThere, Table};

/// `littoral data import`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// The table: small letters, figures and _
    table: TableName,
    /// The file; `-` is standard input
    file: PathBuf,
    /// csv, json, ndjson or sqlite; without it, by the end of the file's name
    #[arg(long)]
    format: Option<Format>,
    /// Which table, when the file is a database with several
    #[arg(long, value_name = "TABLE")]
    from_table: Option<String>,
    /// Put the new rows, and their columns, in the place of the table that is there
    #[arg(long, conflicts_with = "upsert")]
    replace: bool,
    /// Add the rows to the table that is there; those whose KEY it has take that row's place
    #[arg(long, value_name = "KEY", conflicts_with = "key")]
    upsert: Option<ColumnName>,
    /// The column that no two rows share; without it `id`, which is added if the file has none
    #[arg(long, value_name = "COLUMN")]
    key: Option<ColumnName>,
    /// What a column holds, integer, real, text or blob, in place of what its cells look like
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = column_type)]
    types: Vec<(ColumnName, ColumnType)>,
    /// What all columns are: a file of YAML or JSON, such as `data schema TABLE --json` prints
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Import the good rows even if there are bad ones
    #[arg(long)]
    skip_bad: bool,
    /// Write every bad row to this file, one a line
    #[arg(long, value_name = "FILE")]
    bad_out: Option<PathBuf>,
}

fn column_type(text: &str) -> Result<(ColumnName, ColumnType), String> {
    let (name, kind) = text.split_once('=').ok_or("expected COLUMN=TYPE, such as population=text")?;
    Ok((name.parse().map_err(|error| format!("{error}"))?, kind.parse()?))
}

/// Imports, and says what was done.
pub(super) fn run(site: &SiteStore, options: &Options) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let Some(format) = format_of(&options.file, options.format) else {
        diagnostics::print_misuse(&format!(
            "the name of {} does not say what is in it: add `--format csv`, json, ndjson or sqlite",
            options.file.display()
        ));
        return Ok(Outcome::Misuse);
    };
    let input = Input::open(&options.file, std::io::stdin())?;
    let schema = options.schema.as_deref().map(|path| Declaration::read(path, &options.table)).transpose()?;
    let store = site.open(IfAbsent::Made)?;
    let runtime = runtime()?;
    let standing = runtime.block_on(store.table(&options.table))?;
    let if_there = match (&options.upsert, options.replace) {
        (Some(_), _) => IfThere::Upsert,
        (None, true) => IfThere::Replace,
        (None, false) => IfThere::Refuse,
    };
    if standing.is_some() && if_there == IfThere::Refuse {
        anyhow::bail!(
            "the table `{}` is already there: `--replace` puts the file in its place, `--upsert KEY` merges the file into it",
            options.table
        );
    }
    // A table that came with the site keeps the key and the types that it came with.
    let declared = site.declared(&options.table).filter(|_| options.schema.is_none() && options.upsert.is_none());
    let declared = declared.unwrap_or_default();
    let is_said = |column: &ColumnName| options.types.iter().any(|(said, _)| said == column);
    let declared_types = declared.types.into_iter().filter(|(column, _)| !is_said(column));
    let request = Request {
        table: options.table.clone(),
        input: &input,
        format,
        from_table: options.from_table.as_deref(),
        if_there,
        key: options.upsert.clone().or_else(|| options.key.clone()).or(declared.key),
        types: options.types.iter().cloned().chain(declared_types).collect(),
        schema,
        bad_rows: if options.skip_bad { BadRows::LeftOut } else { BadRows::Refused },
    };
    let taken = take(&store, &runtime, &request, standing.as_ref(), &options.file, options.bad_out.as_deref())?;
    runtime.block_on(store.close());
    let Taken::Rows { table, rows, left_out } = taken else { return Ok(Outcome::Mistakes) };
    let left_out = if left_out == 0 { String::new() } else { format!(", {} left out", counted(left_out, "bad row")) };
    diagnostics::print_done(&format!("{}{left_out}", done(&table, rows, began)));
    Ok(Outcome::Done)
}

/// An import that was done, in words.
pub(in crate::cli) fn done(table: &Table, rows: u64, began: Instant) -> String {
    format!(
        "{} into `{}` in {:.1} s ({}, key `{}`)",
        counted(rows, "row"),
        table.name,
        began.elapsed().as_secs_f64(),
        counted(table.columns.len() as u64, "column"),
        table.key
    )
}

/// What came of a file.
pub(in crate::cli) enum Taken {
    /// A table.
    Rows { table: Table, rows: u64, left_out: u64 },
    /// Nothing, because rows of it are wrong, which has been told.
    BadRows,
}

/// Imports what is asked for. Bad rows are told, and written to `bad_out` if that is a file.
pub(in crate::cli) fn take(
    store: &Store,
    runtime: &Runtime,
    request: &Request<'_>,
    standing: Option<&Table>,
    file: &Path,
    bad_out: Option<&Path>,
) -> anyhow::Result<Taken> {
    let mut told = Told::new(file, bad_out)?;
    let bar = DataBar::new();
    let prepared = prepare(store, request, standing, &|step| bar.show(step), &mut |bad| told.row(bad));
    let loaded = match prepared {
        Ok(prepared) => {
            bar.storing();
            let table = prepared.staging.table().clone();
            let rows = runtime.block_on(store.load(prepared.staging, request.if_there, jiff::Timestamp::now()));
            rows.map(|rows| (table, rows)).map_err(Into::into)
        }
        Err(error) => Err(error),
    };
    bar.end();
    told.end()?;
    match loaded {
        Ok((table, rows)) => Ok(Taken::Rows { table, rows, left_out: told.count }),
        Err(DataError::BadRows { count }) => {
            diagnostics::print_bad_rows(count, &told.hints(), file);
            Ok(Taken::BadRows)
        }
        Err(error) => Err(error.into()),
    }
}

/// How many bad rows are shown.
const SHOWN: u64 = 10;

/// What becomes of bad rows: the first are shown, all are written to a file if one was named.
struct Told {
    /// The file they are in.
    file: String,
    out: Option<(String, BufWriter<File>)>,
    count: u64,
    /// Each once, of those that were shown.
    hints: Vec<String>,
}

impl Told {
    fn new(file: &Path, out: Option<&Path>) -> Result<Self, DataError> {
        let create = |path: &Path| {
            let name = path.display().to_string();
            match File::create(path) {
                Ok(file) => Ok((name, BufWriter::new(file))),
                Err(cause) => Err(DataError::File { doing: "write", file: name, cause }),
            }
        };
        let file = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
        Ok(Self { file, out: out.map(create).transpose()?, count: 0, hints: Vec::new() })
    }

    fn row(&mut self, bad: BadRow) -> Result<(), DataError> {
        self.count += 1;
        let line = format!("{}:{}: {bad}", self.file, bad.line);
        if let Some((name, out)) = &mut self.out {
            let failed = |cause| DataError::File { doing: "write", file: name.clone(), cause };
            writeln!(out, "{line}").map_err(failed)?;
        }
        if self.count <= SHOWN {
            diagnostics::print_line_to_stderr(&line);
            self.hints.extend(bad.hint.filter(|hint| !self.hints.contains(hint)));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), DataError> {
        if self.count > SHOWN {
            diagnostics::print_line_to_stderr(&format!("... and {} more", counted(self.count - SHOWN, "row")));
        }
        match &mut self.out {
            Some((name, out)) => {
                out.flush().map_err(|cause| DataError::File { doing: "write", file: name.clone(), cause })
            }
            None => Ok(()),
        }
    }

    fn hints(&self) -> String {
        self.hints.join(" ")
    }
}
