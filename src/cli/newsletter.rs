//! `littoral newsletter`: a page sent as a letter, and who gets letters.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::edge::{LiveRelease, newsletter};
use crate::site::newsletter::Segment;
use crate::site::release::Shelf;
use crate::store::{EmailAddress, IssueId, Lane, ListedIssue, NewSubscriber, Store};

/// How many issues are listed.
const LISTED: usize = 100;
/// How many wrong lines of a file are shown.
const SHOWN: usize = 20;

/// `littoral newsletter`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Send a page of the live release as a letter
    Send(Sending),
    /// The letters that were sent, and how far each is
    Issues,
    /// Put no more letters of an issue into the outbox
    Stop {
        /// Its number, as `issues` shows it
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// The subscribers, an address a line
    List,
    /// Write the subscribers out as CSV
    Export,
    /// Bring addresses in whose owners have agreed elsewhere: all of them, or none
    Import {
        /// CSV with a column `email`, and perhaps `topics` with names between spaces; or an
        /// address a line
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Forget an address altogether
    Forget {
        /// The address
        #[arg(value_name = "ADDRESS")]
        email: String,
    },
}

#[derive(Args, Debug)]
struct Sending {
    /// The page, such as /posts/tides/
    #[arg(value_name = "PAGE")]
    page: String,
    /// To whom: `all`, `tag:NAME` for those who have chosen a topic, or `tier:NAME`
    #[arg(long, value_name = "WHO", default_value = "all")]
    to: Segment,
    /// Send it to this address alone, to look at
    #[arg(long, value_name = "ADDRESS", conflicts_with = "preview")]
    test: Option<String>,
    /// Send nothing, and write the letter out as HTML
    #[arg(long)]
    preview: bool,
    /// Send it although it was sent before
    #[arg(long)]
    again: bool,
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let root = &options.site.root.root;
    // A look at a letter needs no store.
    if let Command::Send(sending @ Sending { preview: true, .. }) = &options.command {
        let issue = issue(root, sending)?;
        io::stdout().lock().write_all(issue.full.html.as_bytes())?;
        return Ok(Outcome::Done);
    }
    let is_first = matches!(options.command, Command::Import { .. });
    let store = options.site.open(if is_first { IfAbsent::Made } else { IfAbsent::Refused })?;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::Send(sending) => send(&store, root, sending).await,
            Command::Issues => issues(&store).await,
            Command::Stop { id } => stop(&store, *id).await,
            Command::List => until_read(list(&store).await),
            Command::Export => until_read(export(&store).await),
            Command::Import { file } => import(&store, file).await,
            Command::Forget { email } => forget(&store, email).await,
        };
        store.close().await;
        done
    })
}

/// Whoever read has read enough: `| head`.
fn until_read(done: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match done {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(is_closed) => Ok(Outcome::Done),
        other => other,
    }
}

fn issue(root: &Path, sending: &Sending) -> anyhow::Result<crate::store::Issue> {
    let shelf = Shelf::of(root);
    let release = LiveRelease::load(&shelf)?;
    // As a browser shows it, or as it is written.
    let path = percent_encoding::percent_decode_str(&sending.page).decode_utf8();
    let path = path.with_context(|| format!("`{}` is no path of a page", sending.page))?;
    let path = if path.starts_with('/') { path.into_owned() } else { format!("/{path}") };
    Ok(newsletter::issue(&shelf, &release, &path, sending.to.clone())?)
}

async fn send(store: &Store, root: &Path, sending: &Sending) -> anyhow::Result<Outcome> {
    let issue = issue(root, sending)?;
    let now = Timestamp::now();
    if let Some(address) = &sending.test {
        let Ok(to) = EmailAddress::parse(address) else { bail!("`{address}` is not an e-mail address") };
        store.post(Lane::Prompt, vec![newsletter::to_one(&issue, &to)], now).await?;
        diagnostics::print_lines(&[format!(
            "“{}” goes to {to} within a few seconds, when the site is served",
            issue.subject
        )]);
        return Ok(Outcome::Done);
    }
    if let Some(before) = store.issue_of(&issue.page).await?.filter(|_| !sending.again) {
        bail!(
            "`{}` was sent to {} on {:.0}: `--again` sends it once more",
            issue.page,
            before.segment,
            before.created_at
        );
    }
    let (subject, to) = (issue.subject.clone(), issue.segment.to_string());
    let id = store.send_issue(issue, now).await?;
    diagnostics::print_lines(&[
        format!("{}: “{subject}” goes to {to}, when the site is served", id.number()),
        "`littoral newsletter issues` shows how far it is".to_owned(),
    ]);
    Ok(Outcome::Done)
}

async fn issues(store: &Store) -> anyhow::Result<Outcome> {
    let mut lines: Vec<String> = store.issues(LISTED).await?.iter().map(in_words).collect();
    if lines.is_empty() {
        lines.push("no letter was sent".to_owned());
    }
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

fn in_words(issue: &ListedIssue) -> String {
    let ListedIssue { id, page, subject, segment, created_at, sent, finished_at } = issue;
    let letters = if *sent == 1 { "letter" } else { "letters" };
    let how_far = match finished_at {
        Some(at) => format!("{sent} {letters} by {at:.0}"),
        None => format!("{sent} {letters} so far"),
    };
    format!("{} {page} “{subject}” to {segment}, {created_at:.0}: {how_far}", id.number())
}

async fn stop(store: &Store, id: i64) -> anyhow::Result<Outcome> {
    if !store.stop_issue(IssueId::from_number(id), Timestamp::now()).await? {
        diagnostics::print_lines(&[format!("{id}: no issue of this number is on its way")]);
        return Ok(Outcome::Mistakes);
    }
    diagnostics::print_lines(&[format!("{id}: stopped; what is in the outbox still goes")]);
    Ok(Outcome::Done)
}

async fn list(store: &Store) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = String::new();
    loop {
        let some = store.subscribers(&after).await?;
        let Some(last) = some.last() else { break };
        after.clone_from(&last.email);
        for one in &some {
            let topics = if one.topics.is_empty() { String::new() } else { format!(", {}", one.topics.join(" ")) };
            writeln!(out, "{}: {}{topics}", one.email, one.state)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

async fn export(store: &Store) -> anyhow::Result<Outcome> {
    let mut csv = csv::Writer::from_writer(io::stdout().lock());
    csv.write_record(["email", "state", "topics", "created_at"]).map_err(from_csv)?;
    let mut after = String::new();
    loop {
        let some = store.subscribers(&after).await?;
        let Some(last) = some.last() else { break };
        after.clone_from(&last.email);
        for one in &some {
            let line = [&one.email, &one.state, &one.topics.join(" "), &one.created_at.to_string()];
            csv.write_record(line).map_err(from_csv)?;
        }
    }
    csv.flush()?;
    Ok(Outcome::Done)
}

/// The error of the stream below, so that a closed pipe is known for one.
fn from_csv(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => anyhow::anyhow!("{other:?}"),
    }
}

async fn import(store: &Store, file: &Path) -> anyhow::Result<Outcome> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let all = match read(&text) {
        Ok(all) => all,
        Err(wrong) => {
            let mut lines: Vec<String> =
                wrong.iter().take(SHOWN).map(|(line, why)| format!("{}:{line}: {why}", file.display())).collect();
            if wrong.len() > SHOWN {
                lines.push(format!("and {} lines more", wrong.len() - SHOWN));
            }
            lines.push("nothing was brought in".to_owned());
            diagnostics::print_lines(&lines);
            return Ok(Outcome::Mistakes);
        }
    };
    let done = store.import_subscribers(all, Timestamp::now()).await?;
    let mut line = format!("{} new", done.new);
    if done.known > 0 {
        line.push_str(&format!(", {} known before", done.known));
    }
    if done.left > 0 {
        line.push_str(&format!(", {} who had left and were left alone", done.left));
    }
    diagnostics::print_lines(&[line]);
    Ok(Outcome::Done)
}

/// The addresses of a file, or all that is wrong with it: line and why.
fn read(text: &str) -> Result<Vec<NewSubscriber>, Vec<(u64, String)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut csv =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    // Without a head the first column is the address.
    let (mut email_at, mut topics_at, mut state_at) = (0, None, None);
    for (number, record) in csv.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                wrong.push((line, "this line is no CSV".to_owned()));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let column = |name: &str| record.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        if number == 0
            && let Some(at) = column("email")
        {
            (email_at, topics_at, state_at) = (at, column("topics"), column("state"));
            continue;
        }
        let cell = |at: usize| record.get(at).unwrap_or_default();
        // What was exported comes back as it was: who had not agreed still has not.
        if state_at.map(cell).is_some_and(|state| !matches!(state, "" | "subscribed")) {
            continue;
        }
        match EmailAddress::parse(cell(email_at)) {
            Ok(email) => {
                let topics = topics_at.map(cell).unwrap_or_default().split_whitespace();
                let topics: Result<Vec<String>, String> = topics
                    .map(|topic| match format!("tag:{topic}").parse() {
                        Ok(Segment::Tag(name)) => Ok(name),
                        _ => Err(format!("`{topic}` is no name of a topic")),
                    })
                    .collect();
                match topics {
                    Ok(topics) => found.push(NewSubscriber { email, topics }),
                    Err(why) => wrong.push((line, why)),
                }
            }
            Err(_) => wrong.push((line, format!("`{}` is no e-mail address", cell(email_at)))),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

async fn forget(store: &Store, email: &str) -> anyhow::Result<Outcome> {
    let Ok(address) = EmailAddress::parse(email) else { bail!("`{email}` is not an e-mail address") };
    if !store.forget_subscriber(&address).await? {
        diagnostics::print_lines(&[format!("{email}: is no subscriber")]);
        return Ok(Outcome::Mistakes);
    }
    diagnostics::print_lines(&[format!("{email}: forgotten")]);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_addresses_is_read_with_a_head_and_without() {
        let plain = read("ann@example.org\n\nbob@example.org\n").unwrap();
        assert_eq!(plain.len(), 2);
        let headed =
            read("\u{feff}name,EMAIL,topics\nAnn,ann@example.org,tides boats\n\"B, C\",bob@example.org,\n").unwrap();
        assert_eq!(
            (headed[0].email.as_str(), headed[0].topics.join("+")),
            ("ann@example.org", "tides+boats".to_owned())
        );
        assert_eq!(headed[1].topics, Vec::<String>::new());
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_line() {
        let wrong = read("email,topics\nann@example.org,\ngull,\nbob@example.org,Low Water\n").unwrap_err();
        let lines: Vec<u64> = wrong.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn who_had_left_when_the_list_was_written_does_not_come_back_by_it() {
        let list = read("email,state\na@example.org,subscribed\nb@example.org,left\nc@example.org,pending\n").unwrap();
        assert_eq!(list.len(), 1);
    }
}
