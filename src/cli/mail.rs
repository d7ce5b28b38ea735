//! `littoral mail`: the letters that wait, those that were given up, addresses that are written to no
//! more, and a letter to try it out.

use std::io::{self, BufWriter, Write};

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::serve::{runtime, variables};
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics, outbox};
use crate::edge::try_mail;
use crate::store::{EmailAddress, Letter, ListedMessage, MAIL, MessagePlace, Store, Suppressed};

/// How many suppressed addresses are read at once.
const LISTED: usize = 500;

/// `littoral mail`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The letters that wait, and those that were given up, with why the last try failed
    List {
        /// One JSON list
        #[arg(long)]
        json: bool,
    },
    /// One letter as it will be sent, as text
    Show {
        /// Its number, as `list` shows it
        id: i64,
    },
    /// Try letters again now, with all their tries before them
    Retry {
        /// Their numbers, as `list` shows them
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All that were given up, and all that wait for a later time
        #[arg(long)]
        all: bool,
    },
    /// Forget letters: they are not sent any more
    Forget {
        /// Their numbers, as `list` shows them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
    },
    /// The addresses that are written to no more
    Suppressed,
    /// Write to an address no more
    Suppress {
        /// The address
        address: String,
    },
    /// Write to an address again
    Unsuppress {
        /// The address
        address: String,
    },
    /// Send a letter now, by the server that is configured, and say what became of it
    Test {
        /// To whom
        address: String,
    },
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let parsed = |address: &str| match EmailAddress::parse(address) {
        Ok(parsed) => Ok(parsed),
        Err(_) => bail!("`{address}` is not an e-mail address"),
    };
    if let Command::Test { address } = &options.command {
        let (address, root) = (parsed(address)?, &options.site.root.root);
        let done = runtime()?.block_on(try_mail(root, &address, variables));
        diagnostics::print_lines(&[done.map_err(anyhow::Error::msg)?]);
        return Ok(Outcome::Done);
    }
    let store = options.site.open(IfAbsent::Refused)?;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::List { json } => outbox::unless_enough(list(&store, *json).await),
            Command::Show { id } => show(&store, *id).await,
            Command::Retry { all: true, .. } => outbox::retry_all(&store, Some(MAIL)).await,
            Command::Retry { ids, .. } => outbox::retry(&store, ids).await,
            Command::Forget { ids } => outbox::forget(&store, ids).await,
            Command::Suppressed => outbox::unless_enough(suppressed(&store).await),
            Command::Suppress { address } => {
                store.suppress(&parsed(address)?, Suppressed::ByHand, Timestamp::now()).await?;
                say(format!("nothing is sent to {address} any more, but what its owner asks for"))
            }
            Command::Unsuppress { address } => match store.write_again_to(&parsed(address)?).await? {
                true => say(format!("{address} is written to again")),
                false => bail!("{address} is not among the addresses that are written to no more"),
            },
            Command::Test { .. } => Ok(Outcome::Done),
        };
        store.close().await;
        done
    })
}

fn say(line: String) -> anyhow::Result<Outcome> {
    diagnostics::print_lines(&[line]);
    Ok(Outcome::Done)
}

async fn letter(store: &Store, id: i64) -> anyhow::Result<Option<Letter>> {
    let text = store.message_text(id).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Some at a time: there may be a million.
async fn list(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut place = MessagePlace::default();
    let mut count = 0_u64;
    loop {
        let some = store.messages(place).await?;
        let Some(last) = some.last() else { break };
        place = MessagePlace::behind(last);
        for message in some.iter().filter(|message| message.kind == MAIL) {
            let letter = letter(store, message.id).await?;
            if as_json {
                writeln!(out, "{}", if count == 0 { "[" } else { "," })?;
                write!(out, "{}", in_json(message, letter.as_ref()))?;
            } else {
                let (to, subject) = letter.map(|letter| (letter.to, letter.subject)).unwrap_or_default();
                writeln!(out, "{} {to} \"{subject}\": {}", message.id, outbox::standing(message))?;
            }
            count += 1;
        }
    }
    match (as_json, count) {
        (true, 0) => writeln!(out, "[]")?,
        (true, _) => writeln!(out, "\n]")?,
        (false, 0) => writeln!(out, "no letter waits, and none was given up")?,
        (false, _) => {}
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn in_json(message: &ListedMessage, letter: Option<&Letter>) -> serde_json::Value {
    let mut object = outbox::in_json(message);
    object["to"] = json!(letter.map(|letter| &letter.to));
    object["subject"] = json!(letter.map(|letter| &letter.subject));
    object
}

async fn show(store: &Store, id: i64) -> anyhow::Result<Outcome> {
    let Some(letter) = letter(store, id).await? else {
        bail!("no letter with the number {id} waits or was given up: `littoral mail list` shows them");
    };
    let mut lines = vec![format!("To: {}", letter.to), format!("Subject: {}", letter.subject)];
    lines.extend(letter.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.push(String::new());
    lines.extend(letter.text.lines().map(str::to_owned));
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

async fn suppressed(store: &Store) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = String::new();
    loop {
        let some = store.suppressed(&after, LISTED).await?;
        let Some(last) = some.last() else { break };
        after.clone_from(&last.address);
        for known in &some {
            writeln!(out, "{}: {}, since {:.0}", known.address, known.why, known.since)?;
        }
    }
    if after.is_empty() {
        writeln!(out, "every address is written to")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
