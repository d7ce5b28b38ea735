//! `littoral outbox`: what waits to be sent to others, what was given up, and trying again.

use std::io::{self, BufWriter, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::store::{ListedMessage, MessagePlace, MessageState, Retry, Store};

/// `littoral outbox`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The messages that wait, and those that were given up, with why the last try failed
    List {
        /// One JSON list
        #[arg(long)]
        json: bool,
    },
    /// Try messages again now, with all their tries before them
    Retry {
        /// Their numbers, as `list` shows them
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All that were given up, and all that wait for a later time
        #[arg(long)]
        all: bool,
    },
    /// Forget messages: they are not sent any more
    Forget {
        /// Their numbers, as `list` shows them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
    },
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let store = options.site.open(IfAbsent::Refused)?;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::List { json } => unless_enough(list(&store, *json).await),
            Command::Retry { all: true, .. } => retry_all(&store, None).await,
            Command::Retry { ids, .. } => retry(&store, ids).await,
            Command::Forget { ids } => forget(&store, ids).await,
        };
        store.close().await;
        done
    })
}

/// Whoever read has read enough: `| head`.
pub(super) fn unless_enough(listed: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    let is_enough = |error: &anyhow::Error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    match listed {
        Err(error) if is_enough(&error) => Ok(Outcome::Done),
        other => other,
    }
}

/// Some at a time: there may be a million.
async fn list(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut place = MessagePlace::default();
    let mut is_first = true;
    loop {
        let some = store.messages(place).await?;
        let Some(last) = some.last() else { break };
        place = MessagePlace::behind(last);
        for message in &some {
            if as_json {
                writeln!(out, "{}", if is_first { "[" } else { "," })?;
                write!(out, "{}", in_json(message))?;
            } else {
                writeln!(out, "{}", in_words(message))?;
            }
            is_first = false;
        }
    }
    match (as_json, is_first) {
        (true, true) => writeln!(out, "[]")?,
        (true, false) => writeln!(out, "\n]")?,
        (false, true) => writeln!(out, "nothing waits, and nothing was given up")?,
        (false, false) => {}
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn in_words(message: &ListedMessage) -> String {
    let ListedMessage { id, kind, address, .. } = message;
    format!("{id} {kind} {address}: {}", standing(message))
}

/// Where a message stands, in words.
pub(super) fn standing(message: &ListedMessage) -> String {
    let ListedMessage { state, tries, last_error, .. } = message;
    let state = match state {
        MessageState::Waits(due) if *tries == 0 => format!("waits since {due:.0}"),
        MessageState::Waits(due) => format!("waits until {due:.0}"),
        MessageState::IsSent(until) => format!("is being sent, until {until:.0} at the latest"),
        MessageState::GivenUp(at) => format!("given up on {at:.0}"),
    };
    let tried = match tries {
        0 => String::new(),
        1 => ", tried once".to_owned(),
        many => format!(", tried {many} times"),
    };
    let why = last_error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    format!("{state}{tried}{why}")
}

pub(super) fn in_json(message: &ListedMessage) -> serde_json::Value {
    let ListedMessage { id, kind, address, state, tries, created_at, last_error } = message;
    let (state, at) = match state {
        MessageState::Waits(due) => ("waits", due),
        MessageState::IsSent(until) => ("is-sent", until),
        MessageState::GivenUp(at) => ("given-up", at),
    };
    json!({
        "id": id, "kind": kind, "address": address, "state": state, "at": at.to_string(), "tries": tries,
        "created_at": created_at.to_string(), "last_error": last_error,
    })
}

pub(super) async fn retry(store: &Store, ids: &[i64]) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut lines = Vec::new();
    for id in ids {
        lines.push(match store.retry_message(*id, Timestamp::now()).await? {
            Retry::Now => format!("{id}: is tried again within a few seconds"),
            Retry::NotNeeded => format!("{id}: is being sent, or was delivered"),
            Retry::NotThere => {
                outcome = Outcome::Mistakes;
                format!("{id}: there is no such message")
            }
        });
    }
    diagnostics::print_lines(&lines);
    Ok(outcome)
}

pub(super) async fn retry_all(store: &Store, kind: Option<&str>) -> anyhow::Result<Outcome> {
    // One moment for all, so that none is made due twice.
    let now = Timestamp::now();
    let mut count = 0;
    loop {
        match store.retry_messages(kind, now).await? {
            0 => break,
            some => count += some,
        }
    }
    diagnostics::print_lines(&[match count {
        0 => "nothing was given up, and nothing waits for a later time".to_owned(),
        1 => "1 message is tried again within a few seconds".to_owned(),
        many => format!("{many} messages are tried again within a few seconds"),
    }]);
    Ok(Outcome::Done)
}

pub(super) async fn forget(store: &Store, ids: &[i64]) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    let mut lines = Vec::new();
    for id in ids {
        if store.forget_message(*id).await? {
            lines.push(format!("{id}: forgotten"));
        } else {
            outcome = Outcome::Mistakes;
            lines.push(format!("{id}: there is no such message"));
        }
    }
    diagnostics::print_lines(&lines);
    Ok(outcome)
}
