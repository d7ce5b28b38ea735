//! `littoral user`: who may do what.

use anyhow::bail;
use clap::{Args, Subcommand};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::store::EmailAddress;

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
    /// Let a member see at /admin what came by forms
    Admin {
        /// The e-mail address of their account
        email: String,
        /// No longer
        #[arg(long)]
        revoke: bool,
    },
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let Command::Admin { email, revoke } = &options.command;
    let Ok(address) = EmailAddress::parse(email) else {
        bail!("`{email}` is not an e-mail address");
    };
    let store = options.site.open(IfAbsent::Refused)?;
    let is_there = runtime()?.block_on(async {
        let done = store.set_admin(&address, !revoke).await;
        store.close().await;
        done
    })?;
    if !is_there {
        bail!("nobody has an account with the address {email}: make one at /register first");
    }
    let now = if *revoke { "is no longer an administrator" } else { "is an administrator, after signing in again" };
    diagnostics::print_lines(&[format!("{email} {now}")]);
    Ok(Outcome::Done)
}
