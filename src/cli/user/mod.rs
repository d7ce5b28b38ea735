//! `littoral user`: who has an account, and what they may do.

mod change;
mod import;
mod list;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::site::audience::{Role, TierName};
use crate::store::{EmailAddress, MemberChange, MemberState};

/// `littoral user`.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    site: SiteStore,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make an account; its owner signs in by a link in a letter
    Add {
        /// The e-mail address
        email: String,
        /// What the site shall call them; default: what stands before the @
        #[arg(long)]
        name: Option<String>,
        /// `member`, `moderator`, `editor` or `admin`
        #[arg(long, default_value_t)]
        role: Role,
        /// One of `edge.tiers`; default: the first
        #[arg(long)]
        tier: Option<TierName>,
    },
    /// List accounts, in the order of their addresses
    List(list::Options),
    /// Show one account
    Show {
        /// Its e-mail address
        email: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a member may do
    Role {
        /// The e-mail address of their account
        email: String,
        /// `member`, `moderator`, `editor` or `admin`
        role: Role,
    },
    /// Say what a member has
    Tier {
        /// The e-mail address of their account
        email: String,
        /// One of `edge.tiers`
        tier: TierName,
    },
    /// Let nobody sign in to an account, and end its sessions
    Disable {
        /// Its e-mail address
        email: String,
    },
    /// Let its owner sign in again
    Enable {
        /// Its e-mail address
        email: String,
    },
    /// End all sessions of a member
    SignOut {
        /// The e-mail address of their account
        email: String,
    },
    /// Make accounts of a file: all of them, or none when a line is wrong
    Import {
        /// CSV with a line of headings, or a JSON list: email, name, role, tier
        file: PathBuf,
        /// Only look whether it could be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete an account with everything that is its owner's, at once
    Delete {
        /// Its e-mail address
        email: String,
    },
}

/// In which state an account is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Active,
    Disabled,
    Leaving,
}

impl From<State> for MemberState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Disabled => Self::Disabled,
            State::Leaving => Self::Leaving,
        }
    }
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let if_absent = match options.command {
        Command::Add { .. } | Command::Import { .. } => IfAbsent::Made,
        _ => IfAbsent::Refused,
    };
    let settings = options.site.settings();
    if let Command::Add { tier: Some(tier), .. } | Command::Tier { tier, .. } = &options.command {
        must_be_tier(&settings.tiers, tier)?;
    }
    let store = options.site.open(if_absent)?;
    runtime()?.block_on(async {
        let done = match &options.command {
            Command::Add { email, name, role, tier } => {
                change::add(&store, &address(email)?, name.as_deref(), *role, tier.clone()).await
            }
            Command::List(options) => list::list(&store, options, &settings.tiers).await,
            Command::Show { email, json } => list::show(&store, &address(email)?, *json).await,
            Command::Role { email, role } => {
                let said = format!("{email} has the role {role}, after signing in again");
                change::change(&store, &address(email)?, MemberChange::Role(*role), said).await
            }
            Command::Tier { email, tier } => {
                let said = format!("{email} has the tier {tier}");
                change::change(&store, &address(email)?, MemberChange::Tier(Some(tier.clone())), said).await
            }
            Command::Disable { email } => {
                let said = format!("{email} is disabled: nobody is signed in, and nobody can sign in");
                change::change(&store, &address(email)?, MemberChange::Disable, said).await
            }
            Command::Enable { email } => {
                let said = format!("{email} can sign in again");
                change::change(&store, &address(email)?, MemberChange::Enable, said).await
            }
            Command::SignOut { email } => {
                let said = format!("{email} is signed in nowhere");
                change::change(&store, &address(email)?, MemberChange::SignOut, said).await
            }
            Command::Import { file, dry_run } => import::import(&store, file, *dry_run, &settings.tiers).await,
            Command::Delete { email } => change::delete(&store, &address(email)?).await,
        };
        store.close().await;
        done
    })
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    match EmailAddress::parse(text) {
        Ok(address) => Ok(address),
        Err(_) => bail!("`{text}` is not an e-mail address"),
    }
}

fn must_be_tier(tiers: &crate::site::audience::Tiers, tier: &TierName) -> anyhow::Result<()> {
    if tiers.all().contains(tier) {
        return Ok(());
    }
    let names: Vec<&str> = tiers.all().iter().map(TierName::as_str).collect();
    bail!("the site has no tier `{tier}`: `edge.tiers` names {}", names.join(", "))
}

fn say(line: String) -> anyhow::Result<Outcome> {
    diagnostics::print_lines(&[line]);
    Ok(Outcome::Done)
}
