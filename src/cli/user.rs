//! `littoral user`: who may do what.

use anyhow::bail;
use clap::{Args, Subcommand};

use super::serve::runtime;
use super::site_store::{IfAbsent, SiteStore};
use super::{Outcome, diagnostics};
use crate::site::audience::Role;
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
    /// Say what a member may do
    Role {
        /// The e-mail address of their account
        email: String,
        /// `member`, `moderator`, `editor` or `admin`
        role: Role,
    },
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let Command::Role { email, role } = &options.command;
    let Ok(address) = EmailAddress::parse(email) else {
        bail!("`{email}` is not an e-mail address");
    };
    let store = options.site.open(IfAbsent::Refused)?;
    let is_there = runtime()?.block_on(async {
        let done = store.set_role(&address, *role).await;
        store.close().await;
        done
    })?;
    if !is_there {
        bail!("nobody has an account with the address {email}: make one at /register first");
    }
    diagnostics::print_lines(&[format!("{email} has the role {role}, after signing in again")]);
    Ok(Outcome::Done)
}
