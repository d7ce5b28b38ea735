//! Members, as whoever runs the site sees them: listed, made, changed, disabled, deleted.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::StoreError;
use super::accounts::{self, Member, MemberId, NewMember, by_email, by_id, delete};
use super::audit;
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::letters::{Lane, Letter, post};
use super::links::{end_links, end_links_to_admin};
use super::preferences::Preferences;
use super::security::{self, Client, EventKind};
use super::sessions::end_all;
use super::sql::{Sql, params};
use crate::site::audience::{Role, TierName};

/// What members are listed by. What is not said does not matter.
#[derive(Clone, Debug, Default)]
pub struct MemberFilter {
    /// With this role.
    pub role: Option<Role>,
    /// With this tier, written out.
    pub tier: Option<TierName>,
    /// In this state.
    pub state: Option<MemberState>,
    /// With these letters in their address or name.
    pub part: String,
}

/// Whether somebody can sign in to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// They can.
    Active,
    /// Whoever runs the site has disabled it.
    Disabled,
    /// It is to be deleted.
    Leaving,
}

impl MemberState {
    /// That of a member.
    pub fn of(member: &Member) -> Self {
        match (member.disabled_at, member.delete_at) {
            (Some(_), _) => Self::Disabled,
            (None, Some(_)) => Self::Leaving,
            (None, None) => Self::Active,
        }
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Leaving => "leaving",
        }
    }
}

/// A change that whoever runs the site makes.
#[derive(Clone, Debug)]
pub enum MemberChange {
    /// What they may do. Their sessions end: with other rights they sign in anew.
    Role(Role),
    /// What they have; none for the first.
    Tier(Option<TierName>),
    /// Nobody signs in to it, and all sessions end.
    Disable,
    /// Its owner can sign in again.
    Enable,
    /// All sessions end.
    SignOut,
}

impl MemberChange {
    fn said(&self) -> String {
        match self {
            Self::Role(role) => format!("role {role}"),
            Self::Tier(Some(tier)) => format!("tier {tier}"),
            Self::Tier(None) => "the first tier".to_owned(),
            Self::Disable => "disabled".to_owned(),
            Self::Enable => "enabled".to_owned(),
            Self::SignOut => "signed out".to_owned(),
        }
    }
}

/// Somebody who is to become a member without a word of theirs.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Their address.
    pub email: EmailAddress,
    /// What the site shall call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What they have; none for the first.
    pub tier: Option<TierName>,
}

/// Whether newcomers are taken in, or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Taken in, all or none.
    Done,
    /// Only looked at.
    LookedAt,
}

impl Store {
    /// Members behind `after` (an address in small letters, empty for the first), in the order of
    /// their addresses.
    pub async fn members(&self, filter: MemberFilter, after: &str, limit: usize) -> Result<Vec<Member>, StoreError> {
        let (after, limit) = (after.to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(move |sql| {
            let state = match filter.state {
                None => "",
                Some(MemberState::Active) => "AND m.disabled_at IS NULL AND m.delete_at IS NULL",
                Some(MemberState::Disabled) => "AND m.disabled_at IS NOT NULL",
                Some(MemberState::Leaving) => "AND m.disabled_at IS NULL AND m.delete_at IS NOT NULL",
            };
            let statement = format!(
                "SELECT {} FROM littoral_member m WHERE m.email_key > $1
                     AND ($2 = '' OR m.role = $2) AND ($3 = '' OR m.tier = $3)
                     AND (m.email_key LIKE $4 ESCAPE '\\' OR lower(m.name) LIKE $4 ESCAPE '\\') {state}
                     ORDER BY m.email_key LIMIT $5",
                accounts::COLUMNS
            );
            let role = filter.role.map_or("", Role::word);
            let tier = filter.tier.as_ref().map_or("", TierName::as_str);
            sql.rows(&statement, params![after, role, tier, pattern(&filter.part), limit], |row| {
                accounts::member(row, 0)
            })
        })
        .await
    }

    /// The member with this address.
    pub async fn member_at(&self, email: &EmailAddress) -> Result<Option<Member>, StoreError> {
        let email = email.clone();
        self.read(move |sql| by_email(sql, &email)).await
    }

    /// The member with this number.
    pub async fn member(&self, id: MemberId) -> Result<Option<Member>, StoreError> {
        self.read(move |sql| by_id(sql, id)).await
    }

    /// Makes a change, and notes it for its owner and in the audit, under the name of `by`, or of
    /// the command line. Says whether there is such a member.
    pub async fn change_member(
        &self,
        email: &EmailAddress,
        change: MemberChange,
        by: Option<MemberId>,
        client: Client,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let email = email.clone();
        self.write(Durability::Durable, move |sql| {
            let Some(member) = by_email(sql, &email)? else { return Ok(false) };
            let id = member.id.0;
            let kind = match &change {
                MemberChange::Role(role) if *role == member.role => return Ok(true),
                MemberChange::Role(role) => {
                    sql.run("UPDATE littoral_member SET role = $1 WHERE id = $2", params![role.word(), id])?;
                    end_all(sql, member.id)?;
                    if *role == Role::Admin {
                        end_links_to_admin(sql)?;
                    }
                    EventKind::RoleChanged
                }
                MemberChange::Tier(tier) => {
                    let tier = tier.as_ref().map_or("", TierName::as_str);
                    sql.run("UPDATE littoral_member SET tier = $1 WHERE id = $2", params![tier, id])?;
                    EventKind::TierChanged
                }
                MemberChange::Disable => {
                    let statement = "UPDATE littoral_member SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL";
                    sql.run(statement, params![now.as_microsecond(), id])?;
                    end_all(sql, member.id)?;
                    end_links(sql, member.id)?;
                    EventKind::Disabled
                }
                MemberChange::Enable => {
                    sql.run("UPDATE littoral_member SET disabled_at = NULL WHERE id = $1", params![id])?;
                    EventKind::Enabled
                }
                MemberChange::SignOut => {
                    end_all(sql, member.id)?;
                    EventKind::SessionEnded
                }
            };
            security::note(sql, Some(member.id), kind, &client, now)?;
            audit::note(sql, by, "member.change", &format!("{}: {}", member.email, change.said()), now)?;
            Ok(true)
        })
        .await
    }

    /// Takes newcomers in, all or none: gives the places (from 0) of those whose address has an
    /// account already, or stands among them before; when there is one, nothing is changed.
    pub async fn take_in(
        &self,
        newcomers: Vec<Newcomer>,
        trial: Trial,
        now: Timestamp,
    ) -> Result<Vec<usize>, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let (mut known, mut met) = (Vec::new(), BTreeSet::new());
            for (place, newcomer) in newcomers.iter().enumerate() {
                if !met.insert(newcomer.email.key()) || by_email(sql, &newcomer.email)?.is_some() {
                    known.push(place);
                }
            }
            if !known.is_empty() || trial == Trial::LookedAt {
                return Ok(known);
            }
            for newcomer in &newcomers {
                let new = NewMember {
                    email: newcomer.email.clone(),
                    name: newcomer.name.clone(),
                    password: String::new(),
                    preferences: Preferences::default(),
                };
                accounts::insert(sql, &new, newcomer.role, newcomer.tier.as_ref(), now)?;
            }
            if newcomers.iter().any(|newcomer| newcomer.role == Role::Admin) {
                end_links_to_admin(sql)?;
            }
            Ok(known)
        })
        .await
    }

    /// Notes that a member wants to leave at `until`: their sessions and links end, and the letter
    /// tells how to stay.
    pub async fn leave(
        &self,
        member: MemberId,
        until: Timestamp,
        letter: Letter,
        client: Client,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "UPDATE littoral_member SET delete_at = $1 WHERE id = $2 AND delete_at IS NULL",
                params![until.as_microsecond(), member.0],
            )?;
            end_all(sql, member)?;
            end_links(sql, member)?;
            security::note(sql, Some(member), EventKind::DeletionAsked, &client, now)?;
            post(sql, Lane::Prompt, &letter, now).map(drop)
        })
        .await
    }
}

/// Whether somebody administers the site who can sign in.
pub(super) fn has_admin(sql: &Sql<'_>) -> Result<bool, StoreError> {
    let statement = "SELECT id FROM littoral_member WHERE role = $1 AND disabled_at IS NULL LIMIT 1";
    Ok(sql.row(statement, params![Role::Admin.word()], |row| row.get::<i64>(0))?.is_some())
}

/// Deletes members whose time has come, with everything that is theirs. Says how many.
pub(super) fn forget_leaving(sql: &Sql<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let leaving: Vec<i64> = sql.rows(
        "SELECT id FROM littoral_member WHERE delete_at <= $1 AND delete_at IS NOT NULL ORDER BY delete_at LIMIT $2",
        params![now.as_microsecond(), limit],
        |row| row.get(0),
    )?;
    leaving.iter().try_for_each(|id| delete(sql, MemberId(*id), now))?;
    Ok(leaving.len() as u64)
}

/// What is like any text with `part` in it.
fn pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    if !part.is_empty() {
        pattern.push('%');
    }
    pattern
}
