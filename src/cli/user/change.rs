//! Making, changing and deleting one account.

use anyhow::bail;
use jiff::Timestamp;

use super::say;
use crate::cli::Outcome;
use crate::site::audience::{Role, TierName};
use crate::store::{Client, EmailAddress, MemberChange, Newcomer, Store, Trial, display_name};

pub(super) async fn add(
    store: &Store,
    email: &EmailAddress,
    name: Option<&str>,
    role: Role,
    tier: Option<TierName>,
) -> anyhow::Result<Outcome> {
    let name = name.unwrap_or_else(|| email.as_str().split('@').next().unwrap_or_default());
    let Some(name) = display_name(name) else { bail!("a name has 1 to 80 characters, in plain letters") };
    let newcomer = Newcomer { email: email.clone(), name, role, tier };
    if !store.take_in(vec![newcomer], Trial::Done, Timestamp::now()).await?.is_empty() {
        bail!("{email} has an account already: `littoral user show {email}` shows it");
    }
    say(format!("{email} has an account with the role {role}, and signs in by a link at /login"))
}

pub(super) async fn change(
    store: &Store,
    email: &EmailAddress,
    change: MemberChange,
    said: String,
) -> anyhow::Result<Outcome> {
    if !store.change_member(email, change, None, Client::command_line(), Timestamp::now()).await? {
        return nobody(email);
    }
    say(said)
}

pub(super) async fn delete(store: &Store, email: &EmailAddress) -> anyhow::Result<Outcome> {
    let Some(member) = store.member_at(email).await? else { return nobody(email) };
    store.delete_member(member.id, Timestamp::now()).await?;
    say(format!("{email} is deleted, with everything that was theirs"))
}

/// For an address without an account.
pub(super) fn nobody(email: &EmailAddress) -> anyhow::Result<Outcome> {
    bail!("nobody has an account with the address {email}: `littoral user add {email}` makes one")
}
