//! `littoral form`: what came by forms, listed, written out and forgotten.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::edge::Uploads;
use crate::site::release::Shelf;
use crate::store::{ANSWERS_AT_ONCE, AnswerPlace, COUNTED, FormAnswer, Store};

/// `littoral form`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The forms that the site has, or that were answered before, and how often
    List,
    /// Write out the answers of a form, the newest first
    Answers {
        /// The name of the form: its file without `.yaml`
        name: String,
        /// How they are written
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Only those received on this day (UTC) or later, such as 2026-05-31
        #[arg(long, value_name = "DATE")]
        since: Option<Date>,
    },
    /// Forget answers and the files that came with them
    Forget {
        /// Their numbers, as `answers` writes them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
    },
}

/// How answers are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line each, for a spreadsheet
    Csv,
    /// One JSON list
    Json,
    /// A JSON object a line
    Ndjson,
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let store = options.site.open(IfAbsent::Refused)?;
    let root = &options.site.root.root;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::List => list(&store, root).await,
            Command::Answers { name, format, since } => answers(&store, root, name, *format, *since).await,
            Command::Forget { ids } => forget(&store, root, ids).await,
        };
        store.close().await;
        done
    })
}

async fn list(store: &Store, root: &Path) -> anyhow::Result<Outcome> {
    let mut names: BTreeSet<String> = declared(root).into_iter().map(|(name, _)| name).collect();
    names.extend(store.forms_with_answers().await?);
    let mut lines = Vec::new();
    for name in names {
        let known = store.count_answers(&name).await?;
        let more = if known.count >= COUNTED { " or more" } else { "" };
        let newest = known.newest.map_or_else(String::new, |time| format!(", the last on {time:.0}"));
        lines.push(format!("{name}: {}{more}{newest}", known.count));
    }
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

/// The forms of the live release with the names of their fields; none before a first build.
fn declared(root: &Path) -> Vec<(String, Vec<String>)> {
    let shelf = Shelf::of(root);
    let Ok(manifest) = shelf.current().and_then(|id| shelf.manifest(id)) else { return Vec::new() };
    let names = |fields: Vec<crate::site::form::Field>| fields.into_iter().map(|field| field.name).collect();
    manifest.forms.into_iter().map(|(name, form)| (name, names(form.fields))).collect()
}

async fn answers(
    store: &Store,
    root: &Path,
    name: &str,
    format: Format,
    since: Option<Date>,
) -> anyhow::Result<Outcome> {
    let since = since.map(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))).transpose()?;
    let fields = declared(root).into_iter().find(|(known, _)| known == name).map(|(_, fields)| fields);
    if fields.is_none() && !store.forms_with_answers().await?.iter().any(|known| known == name) {
        bail!("no form is called `{name}`, and none was: `littoral form list` names them");
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Format::Csv => in_csv(store, name, since, fields.unwrap_or_default(), &mut out).await,
        Format::Json | Format::Ndjson => in_json(store, name, since, format, &mut out).await,
    };
    match written {
        // Whoever read has read enough: `| head`.
        Err(error)
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            Ok(Outcome::Done)
        }
        other => other.map(|()| Outcome::Done),
    }
}

/// Goes through all answers, some at a time: there may be a million.
async fn each(
    store: &Store,
    name: &str,
    since: Option<Timestamp>,
    mut take: impl FnMut(&FormAnswer, Map<String, Value>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut place = AnswerPlace::NEWEST;
    loop {
        let some = store.answers(name, place, since, ANSWERS_AT_ONCE).await?;
        for answer in &some {
            let values = serde_json::from_str(&answer.answers)
                .with_context(|| format!("the answer {} in the store is damaged", answer.id))?;
            take(answer, values)?;
        }
        match some.last() {
            Some(last) if some.len() == ANSWERS_AT_ONCE => place = AnswerPlace::of(last),
            _ => return Ok(()),
        }
    }
}

async fn in_json(
    store: &Store,
    name: &str,
    since: Option<Timestamp>,
    format: Format,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let is_list = matches!(format, Format::Json);
    let mut is_first = true;
    if is_list {
        writeln!(out, "[")?;
    }
    each(store, name, since, |answer, values| {
        let object = json!({ "id": answer.id, "received_at": answer.received_at.to_string(), "answers": values });
        if is_list && !is_first {
            writeln!(out, ",")?;
        }
        is_first = false;
        write!(out, "{object}")?;
        if !is_list {
            writeln!(out)?;
        }
        Ok(())
    })
    .await?;
    if is_list {
        writeln!(out, "\n]")?;
    }
    Ok(out.flush()?)
}

/// Twice through the answers: the first line names every field that any of them has.
async fn in_csv(
    store: &Store,
    name: &str,
    since: Option<Timestamp>,
    mut columns: Vec<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    each(store, name, since, |_, values| {
        seen.extend(values.into_iter().map(|(key, _)| key));
        Ok(())
    })
    .await?;
    columns.retain(|column| seen.contains(column));
    columns.extend(seen.into_iter().filter(|key| !columns.contains(key)).collect::<Vec<_>>());
    let mut csv = csv::Writer::from_writer(out);
    let head = ["id", "received_at"].into_iter().chain(columns.iter().map(String::as_str));
    csv.write_record(head).map_err(from_csv)?;
    each(store, name, since, |answer, values| {
        let cells = columns.iter().map(|column| cell(values.get(column).unwrap_or(&Value::Null)));
        let line: Vec<String> =
            [answer.id.to_string(), answer.received_at.to_string()].into_iter().chain(cells).collect();
        csv.write_record(line).map_err(from_csv)
    })
    .await?;
    Ok(csv.flush()?)
}

/// The error of the stream below, so that a closed pipe is known for one.
fn from_csv(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => anyhow::anyhow!("{other:?}"),
    }
}

/// What a spreadsheet takes for a formula begins with one of these; it would be run on the
/// machine of whoever opens the file, and was written by a stranger.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(FORMULA) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Array(all) => cell(&all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ").into()),
        other => other.to_string(),
    }
}

async fn forget(store: &Store, root: &Path, ids: &[i64]) -> anyhow::Result<Outcome> {
    let uploads = Uploads::of(root);
    let mut lines = Vec::new();
    let mut outcome = Outcome::Done;
    for id in ids {
        let Some(files) = store.forget_answer(*id).await? else {
            lines.push(format!("{id}: there is no such answer"));
            outcome = Outcome::Mistakes;
            continue;
        };
        for file in &files {
            let path = uploads.path(file);
            uploads.remove(file).await.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        lines.push(format!(
            "{id}: forgotten{}",
            match files.len() {
                0 => String::new(),
                1 => ", with 1 file".to_owned(),
                many => format!(", with {many} files"),
            }
        ));
    }
    diagnostics::print_lines(&lines);
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text_again() {
        assert_eq!(cell(&json!("=HYPERLINK(\"http://evil.example\")")), "'=HYPERLINK(\"http://evil.example\")");
        assert_eq!(cell(&json!(["-a", "b"])), "'-a; b");
        assert_eq!(cell(&json!(-4.5)), "-4.5");
        assert_eq!(cell(&json!("a = b")), "a = b");
    }
}
