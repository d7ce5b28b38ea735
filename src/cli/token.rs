//! `littoral token`: what other programs show to be let in to the API.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::site::api::Scope;
use crate::store::{ApiToken, KnownToken, Store};

/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// `littoral token`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a token, and show it: once, it is not kept
    New {
        /// What it is called: the program that will use it
        name: String,
        /// What it allows: TABLE:read, TABLE:write (which reads, too), *:read or *:write
        #[arg(required = true, value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// How many days it lives; for ever when it is not said
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
    },
    /// List the tokens, what each allows and when it was last used
    List {
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// End a token
    Revoke {
        /// What it is called
        name: String,
    },
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let store = options.site.open(IfAbsent::Made)?;
    let lines = runtime()?.block_on(async {
        let lines = match &options.command {
            Command::New { name, scopes, days } => new(&store, name, scopes, *days).await,
            Command::List { json } => list(&store, *json).await,
            Command::Revoke { name } => match store.revoke_token(name).await? {
                true => Ok(vec![format!("`{name}` is let in no longer")]),
                false => bail!("there is no token called `{name}`: `littoral token list` names them"),
            },
        };
        store.close().await;
        lines
    })?;
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

async fn new(store: &Store, name: &str, scopes: &[Scope], days: Option<u32>) -> anyhow::Result<Vec<String>> {
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        bail!("a token is called by 1 to {LONGEST_NAME} characters");
    }
    let mut scopes = scopes.to_vec();
    scopes.sort();
    scopes.dedup();
    let token = ApiToken::random().context("the system gave no random bytes")?;
    let now = Timestamp::now();
    let expires_at = days.map(|days| now + SignedDuration::from_hours(i64::from(days) * 24));
    let known = KnownToken { name: name.to_owned(), scopes, created_at: now, expires_at, seen_at: None };
    if !store.add_token(&token, known).await? {
        bail!("there is a token called `{name}`: `littoral token revoke` ends it");
    }
    Ok(vec![token.in_clear().to_owned()])
}

async fn list(store: &Store, json: bool) -> anyhow::Result<Vec<String>> {
    let tokens = store.tokens().await?;
    if json {
        let all: Vec<_> = tokens
            .iter()
            .map(|token| {
                serde_json::json!({
                    "name": token.name,
                    "scopes": token.scopes,
                    "created_at": token.created_at,
                    "expires_at": token.expires_at,
                    "seen_at": token.seen_at,
                })
            })
            .collect();
        return Ok(vec![serde_json::to_string_pretty(&all)?]);
    }
    if tokens.is_empty() {
        return Ok(vec!["there are no tokens: `littoral token new NAME TABLE:read` makes one".to_owned()]);
    }
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let lines = tokens.iter().map(|token| {
        let scopes: Vec<String> = token.scopes.iter().map(Scope::to_string).collect();
        let until = token.expires_at.map_or_else(String::new, |time| format!(", until {}", day(time)));
        let seen = token.seen_at.map_or_else(|| "never used".to_owned(), |time| format!("last used {}", day(time)));
        format!("{}  {}  since {}{until}, {seen}", token.name, scopes.join(" "), day(token.created_at))
    });
    Ok(lines.collect())
}
