//! A member's change of address: done once both mailboxes have said yes, the one that is left
//! and the new one.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{MemberId, by_email};
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::letters::{Lane, Letter, post};
use super::links::{LinkDigest, NewLink, Purpose, end_links, put_link, take};
use super::security::{self, Client, EventKind};
use super::sessions::{SessionDigest, moment_after};
use super::sql::params;
use crate::site::audience::Role;

/// A wish for another address.
#[derive(Clone, Debug)]
pub struct AskedAddress {
    /// Whose.
    pub member: MemberId,
    /// The new one.
    pub email: EmailAddress,
    /// Of the link to the old mailbox.
    pub old_link: LinkDigest,
    /// Of the link to the new one.
    pub new_link: LinkDigest,
    /// How long they are good.
    pub lives: SignedDuration,
    /// The letter to the old mailbox.
    pub to_old: Letter,
    /// The letter to the new one.
    pub to_new: Letter,
    /// The letter to the new one in the place of that, when it has an account of its own.
    pub to_holder: Letter,
}

/// What became of a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSaid {
    /// It was the second: the address is changed.
    Changed,
    /// It was the first.
    OneMore,
    /// The new address has an account of its own meanwhile.
    Taken,
    /// There is no such link.
    NoLink,
}

impl Store {
    /// Asks both mailboxes; an earlier wish is forgotten. Whether the new address has an account
    /// is told by nothing but the letter that goes there.
    pub async fn ask_for_address(&self, asked: AskedAddress, client: Client, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            let member = asked.member;
            for purpose in [Purpose::OldAddress, Purpose::NewAddress] {
                sql.run(
                    "DELETE FROM littoral_link WHERE member_id = $1 AND purpose = $2",
                    params![member.0, purpose.word()],
                )?;
            }
            sql.run(
                "INSERT INTO littoral_address_change (member_id, email, old_said_yes, new_said_yes, expires_at)
                     VALUES ($1, $2, 0, 0, $3)
                     ON CONFLICT (member_id) DO UPDATE SET email = excluded.email, old_said_yes = 0, new_said_yes = 0,
                         expires_at = excluded.expires_at",
                params![member.0, asked.email.as_str(), moment_after(now, asked.lives)],
            )?;
            for (purpose, digest) in [(Purpose::OldAddress, asked.old_link), (Purpose::NewAddress, asked.new_link)] {
                let link = NewLink {
                    purpose,
                    digest,
                    member: Some(member),
                    email: asked.email.as_str(),
                    name: "",
                    role: Role::Member,
                    next: "",
                    lives: asked.lives,
                };
                put_link(sql, &link, now)?;
            }
            let is_held = by_email(sql, &asked.email)?.is_some_and(|holder| holder.id != member);
            post(sql, Lane::Prompt, &asked.to_old, now)?;
            post(sql, Lane::Prompt, if is_held { &asked.to_holder } else { &asked.to_new }, now)?;
            security::note(sql, Some(member), EventKind::AddressAsked, &client, now)
        })
        .await
    }

    /// A mailbox says yes, by its link. With the second yes the address is changed, all sessions
    /// but `kept` end, and the old mailbox is told by `told`.
    pub async fn agree_to_address(
        &self,
        purpose: Purpose,
        digest: LinkDigest,
        kept: Option<SessionDigest>,
        told: Letter,
        client: Client,
        now: Timestamp,
    ) -> Result<AddressSaid, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let taken = take(sql, purpose, digest, now)?;
            let Some((member, taken)) = taken.and_then(|taken| Some((taken.member?, taken))) else {
                return Ok(AddressSaid::NoLink);
            };
            let statement = match purpose {
                Purpose::OldAddress => "UPDATE littoral_address_change SET old_said_yes = 1 WHERE member_id = $1",
                _ => "UPDATE littoral_address_change SET new_said_yes = 1 WHERE member_id = $1",
            };
            sql.run(statement, params![member.0])?;
            let both = "SELECT email FROM littoral_address_change
                            WHERE member_id = $1 AND old_said_yes = 1 AND new_said_yes = 1";
            if sql.row(both, params![member.0], |row| row.get::<String>(0))?.is_none() {
                return Ok(AddressSaid::OneMore);
            }
            let Ok(email) = EmailAddress::parse(&taken.email) else { return Ok(AddressSaid::NoLink) };
            end_links(sql, member)?;
            if by_email(sql, &email)?.is_some_and(|holder| holder.id != member) {
                return Ok(AddressSaid::Taken);
            }
            sql.run(
                "UPDATE littoral_member SET email = $1, email_key = $2 WHERE id = $3",
                params![email.as_str(), email.key(), member.0],
            )?;
            sql.run(
                "DELETE FROM littoral_session WHERE member_id = $1 AND digest <> $2",
                // No digest is nothing but zeros.
                params![member.0, kept.map_or([0; 32], |kept| kept.bytes())],
            )?;
            security::note(sql, Some(member), EventKind::AddressChanged, &client, now)?;
            post(sql, Lane::Prompt, &told, now)?;
            Ok(AddressSaid::Changed)
        })
        .await
    }
}
