//! `littoral comment`: what readers have written: looked at, decided, brought out and in.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::edge::comment::text;
use crate::store::{
    Comment, CommentId, CommentRecord, CommentState, EmailAddress, Judged, Judgement, Moved, QueuePlace, Queued, Store,
    Verdict,
};

/// How many are read or written at once.
const AT_ONCE: usize = 500;
/// How much of a text a list shows, in characters.
const SHOWN: usize = 60;
/// How long a line of an import is at most, in bytes.
const LONGEST_LINE: usize = 1024 * 1024;

/// `littoral comment`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

/// Which comments are listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Waiting,
    Reported,
    Spam,
    Refused,
    Shown,
    Unconfirmed,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the newest comments that wait for a moderator, or others
    List {
        /// Which
        #[arg(value_enum, default_value = "waiting")]
        which: Which,
        /// How many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show one comment, as it was typed
    Show {
        /// Its number
        id: i64,
    },
    /// Let comments be read
    Approve(Numbers),
    /// Keep comments from being read
    Refuse(Numbers),
    /// The same, because nobody has asked for them
    Spam(Numbers),
    /// Take the texts of comments away, for ever
    Delete(Numbers),
    /// Move the comments of a page that has moved
    Move {
        /// Where the page was, such as /old/
        from: String,
        /// Where it is
        to: String,
    },
    /// Write all comments to standard output, one JSON object a line
    Export,
    /// Take comments in from such lines; what is there already stays as it is
    Import {
        /// The file
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Numbers {
    /// Their numbers, as `list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let store = options.site.open(IfAbsent::Refused)?;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::List { which, limit } => list(&store, *which, *limit).await,
            Command::Show { id } => show(&store, *id).await,
            Command::Approve(numbers) => judge(&store, Verdict::Approve, &numbers.ids).await,
            Command::Refuse(numbers) => judge(&store, Verdict::Refuse, &numbers.ids).await,
            Command::Spam(numbers) => judge(&store, Verdict::Spam, &numbers.ids).await,
            Command::Delete(numbers) => judge(&store, Verdict::Delete, &numbers.ids).await,
            Command::Move { from, to } => moved(&store, from, to).await,
            Command::Export => match export(&store).await {
                // Whoever read has read enough: `| head`.
                Err(error)
                    if error
                        .downcast_ref::<io::Error>()
                        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) =>
                {
                    Ok(Outcome::Done)
                }
                other => other,
            },
            Command::Import { file } => import(&store, file).await,
        };
        store.close().await;
        done
    })
}

async fn list(store: &Store, which: Which, limit: u32) -> anyhow::Result<Outcome> {
    let queue = match which {
        Which::Waiting => Queued::In(CommentState::Waiting),
        Which::Reported => Queued::Reported,
        Which::Spam => Queued::In(CommentState::Spam),
        Which::Refused => Queued::In(CommentState::Refused),
        Which::Shown => Queued::In(CommentState::Shown),
        Which::Unconfirmed => Queued::In(CommentState::Unconfirmed),
    };
    let found = store.queued_comments(queue, QueuePlace::NEWEST, usize::try_from(limit)?).await?;
    if found.is_empty() {
        diagnostics::print_lines(&["there are none".to_owned()]);
        return Ok(Outcome::Done);
    }
    let lines: Vec<String> = found
        .iter()
        .map(|comment| {
            let day = comment.created_at.strftime("%Y-%m-%d %H:%M");
            let why = if comment.why.is_empty() { String::new() } else { format!(" ({})", comment.why) };
            let begin: String = plain(&comment.source).chars().take(SHOWN).collect();
            format!("{}  {day}  {}  {}{why}: {begin}", comment.id.number(), comment.page, plain(&comment.name))
        })
        .collect();
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

/// A stranger's text in one line that moves no terminal.
fn plain(text: &str) -> String {
    text.chars().map(|next| if next.is_control() { ' ' } else { next }).collect()
}

async fn show(store: &Store, id: i64) -> anyhow::Result<Outcome> {
    let Some(comment) = store.comment(CommentId::from_number(id)).await? else {
        bail!("there is no comment {id}: `littoral comment list` names those that wait");
    };
    let mut lines = vec![
        format!("{} on {}, {}", plain(&comment.name), comment.page, comment.created_at.strftime("%Y-%m-%d %H:%M UTC")),
        format!("{}, {} likes, {} reports", comment.state.word(), comment.likes, comment.reports),
    ];
    if let Some(by) = &comment.decided_by {
        lines.push(format!("decided by {}", plain(by)));
    }
    lines.push(String::new());
    lines.extend(comment.source.lines().map(plain));
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

async fn judge(store: &Store, verdict: Verdict, ids: &[i64]) -> anyhow::Result<Outcome> {
    let judgements = ids.iter().map(|id| Judgement { id: CommentId::from_number(*id), seen: None }).collect();
    let judged = store.judge_comments(None, verdict, judgements, Timestamp::now()).await?;
    let mut outcome = Outcome::Done;
    let mut lines = Vec::new();
    for (id, judged) in judged {
        let id = id.number();
        lines.push(match judged {
            Judged::Done { page } => format!("{id} on {page}: {}", verdict.word()),
            Judged::Already { state, .. } => format!("{id} is {} already", state.word()),
            Judged::Gone => {
                outcome = Outcome::Mistakes;
                format!("there is no comment {id}")
            }
        });
    }
    diagnostics::print_lines(&lines);
    Ok(outcome)
}

async fn moved(store: &Store, from: &str, to: &str) -> anyhow::Result<Outcome> {
    if let Some(wrong) = [from, to].into_iter().find(|path| !path.starts_with('/')) {
        bail!("`{wrong}` is no path of a page: it begins with `/`");
    }
    match store.move_comments(None, from, to, Timestamp::now()).await? {
        Moved::Now(count) => diagnostics::print_lines(&[format!("{count} comments of {from} are at {to} now")]),
        Moved::Nothing => bail!("there are no comments at {from}"),
        Moved::Taken => bail!("{to} has comments of its own: they would be mixed"),
    }
    Ok(Outcome::Done)
}

async fn export(store: &Store) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = -1;
    loop {
        let some = store.all_comments(after, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        after = last.id.number();
        for comment in &some {
            writeln!(out, "{}", exported(comment))?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn exported(comment: &Comment) -> Value {
    json!({
        "id": comment.id.number().to_string(),
        "parent": comment.parent.as_ref().map(|(parent, _)| parent.number().to_string()),
        "page": comment.page,
        "name": comment.name,
        "text": comment.source,
        "state": comment.state.word(),
        "likes": comment.likes,
        "created_at": comment.created_at.to_string(),
    })
}

async fn import(store: &Store, file: &PathBuf) -> anyhow::Result<Outcome> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", file.display()))?;
    let (mut records, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match record(line) {
            Ok(record) => records.push(record),
            Err(why) => wrong.push(format!("{}:{}: {why}", file.display(), number + 1)),
        }
    }
    if !wrong.is_empty() {
        wrong.truncate(20);
        wrong.push("nothing was taken".to_owned());
        diagnostics::print_lines(&wrong);
        return Ok(Outcome::Mistakes);
    }
    let records = in_order(records);
    let mut new = 0;
    for some in records.chunks(AT_ONCE) {
        new += store.import_comments(some.to_vec(), Timestamp::now()).await?;
    }
    diagnostics::print_lines(&[format!("{new} of {} comments were new", records.len())]);
    Ok(Outcome::Done)
}

/// Those that are answered before what answers them, the oldest first.
fn in_order(mut records: Vec<CommentRecord>) -> Vec<CommentRecord> {
    records.sort_by_key(|record| record.created_at);
    let mut waiting: BTreeMap<(String, String), Vec<CommentRecord>> = BTreeMap::new();
    let known: std::collections::BTreeSet<(String, String)> =
        records.iter().map(|record| (record.page.clone(), record.id.clone())).collect();
    let mut ready = std::collections::VecDeque::new();
    for record in records {
        match record.parent.clone().map(|parent| (record.page.clone(), parent)).filter(|parent| known.contains(parent))
        {
            Some(parent) => waiting.entry(parent).or_default().push(record),
            None => ready.push_back(record),
        }
    }
    let mut ordered = Vec::new();
    while let Some(record) = ready.pop_front() {
        let answers = waiting.remove(&(record.page.clone(), record.id.clone())).unwrap_or_default();
        ready.extend(answers);
        ordered.push(record);
    }
    // What answers itself, in a ring, begins a thread.
    ordered.extend(waiting.into_values().flatten());
    ordered
}

fn record(line: &str) -> Result<CommentRecord, String> {
    if line.len() > LONGEST_LINE {
        return Err("this line is too long for a comment".to_owned());
    }
    let value: Value = serde_json::from_str(line).map_err(|error| format!("this is not JSON: {error}"))?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let needed = |key: &str| text(key).ok_or(format!("expected a text `{key}`"));
    let page = needed("page")?;
    if !page.starts_with('/') {
        return Err(format!("expected a path such as `/tides/` in `page`, found `{page}`"));
    }
    let source: String =
        needed("text")?.chars().filter(|next| !next.is_control() || matches!(next, '\n' | '\t')).collect();
    let created_at = needed("created_at")?;
    let state = match text("state") {
        None => CommentState::Shown,
        Some(word) => CommentState::parse(&word).ok_or(format!("`{word}` is no state of a comment"))?,
    };
    let email = match text("email") {
        Some(email) => Some(EmailAddress::parse(&email).map_err(|_| format!("`{email}` is no e-mail address"))?),
        None => None,
    };
    Ok(CommentRecord {
        id: needed("id")?,
        parent: text("parent"),
        page,
        name: needed("name")?.chars().filter(|next| !next.is_control()).take(80).collect(),
        email,
        html: text::write(&source).html,
        writer: text::WRITER,
        source,
        state,
        created_at: created_at
            .parse()
            .map_err(|_| format!("`{created_at}` is no time such as 2026-05-01T12:00:00Z"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, parent: Option<&str>) -> CommentRecord {
        let line = json!({ "id": id, "parent": parent, "page": "/a/", "name": "Ann", "text": "x",
                           "created_at": "2026-05-01T12:00:00Z" });
        record(&line.to_string()).unwrap()
    }

    #[test]
    fn what_is_answered_comes_first_and_a_ring_has_an_end() {
        let all = vec![
            line("c", Some("b")),
            line("b", Some("a")),
            line("a", None),
            line("x", Some("y")),
            line("y", Some("x")),
        ];
        let ids: Vec<String> = in_order(all).into_iter().map(|record| record.id).collect();
        assert_eq!(ids, ["a", "b", "c", "y", "x"]);
    }

    #[test]
    fn what_is_no_comment_is_told_with_what_was_expected() {
        for (line, words) in [
            ("{", "this is not JSON"),
            ("[]", "expected a text `page`"),
            (r#"{"page":"a"}"#, "expected a path such as `/tides/`"),
            (r#"{"page":"/a/","text":"x","created_at":"now","id":"1","name":"A"}"#, "is no time"),
        ] {
            let said = record(line).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        assert!(!line("<b>", None).html.contains("<b>"));
    }
}
