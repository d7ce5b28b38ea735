//! The entrance: every way in which somebody becomes signed in, and what may stop them.
//!
//! There is one deed, [`Store::enter`]. What proves who somebody is (a password that was found
//! right, a link) is used up, the session begins, and the event is noted, in one transaction.
//! A new way in is a [`Proof`].

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{self, Member, MemberId, NewMember, by_email, by_id};
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::letters::{Lane, Letter, post};
use super::links::{LinkDigest, NewLink, Purpose, end_links, end_links_to_admin, put_link, role_of_registration, take};
use super::members::has_admin;
use super::preferences::Preferences;
use super::security::{self, Client, EventKind};
use super::sessions::{NewSession, begin, end_all};
use super::sql::{Sql, params};
use crate::site::audience::Role;

/// How long whoever has signed in to an account that is to be deleted may think about it.
const STAY_LIVES: SignedDuration = SignedDuration::from_mins(10);

/// What shows who somebody is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password, which was found right: its hash. It may be another by now.
    Password(MemberId, String),
    /// A link for signing in.
    Link(LinkDigest),
    /// A link for a new password: its hash, and the letter that tells of it.
    NewPassword(LinkDigest, String, Box<Letter>),
    /// A link for making an account, and the hash of its password, empty for none.
    Registration(LinkDigest, String),
    /// The wish to stay, of who was told that the account is to be deleted.
    Stay(LinkDigest),
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Entered {
    /// The session has begun.
    In {
        /// Who they are.
        member: Box<Member>,
        /// Where they wanted to go; empty when they have not said.
        next: String,
    },
    /// The account is to be deleted at this time. Who wants to keep it shows the token whose
    /// digest was given.
    Leaving(Timestamp),
    /// Whoever runs the site has disabled the account.
    Disabled,
    /// The address has an account meanwhile.
    AddressTaken,
    /// There is no such link: it was used, or is out of date.
    NoLink,
    /// The password was changed while it was looked at.
    OtherPassword,
}

/// Who it is, and what is noted of it.
struct Proven {
    member: MemberId,
    kind: EventKind,
    next: String,
}

impl Store {
    /// Lets in who has shown `proof`: begins `session`, of theirs. `stay` becomes good for taking
    /// back a deletion, if the account is to be deleted.
    pub async fn enter(
        &self,
        proof: Proof,
        session: NewSession,
        stay: LinkDigest,
        client: Client,
        now: Timestamp,
    ) -> Result<Entered, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let proven = match prove(sql, &proof, session.preferences, &client, now)? {
                Ok(proven) => proven,
                Err(entered) => return Ok(entered),
            };
            // The member may have gone since the password was looked at.
            let Some(member) = by_id(sql, proven.member)? else { return Ok(Entered::NoLink) };
            if member.disabled_at.is_some() {
                return Ok(Entered::Disabled);
            }
            if let Some(until) = member.delete_at {
                let link = NewLink {
                    purpose: Purpose::Stay,
                    digest: stay,
                    member: Some(member.id),
                    email: &member.email,
                    name: "",
                    role: Role::Member,
                    next: &proven.next,
                    lives: STAY_LIVES,
                };
                put_link(sql, &link, now)?;
                return Ok(Entered::Leaving(until));
            }
            begin(sql, &NewSession { member: Some(member.id), ..session.clone() }, now)?;
            security::note(sql, Some(member.id), proven.kind, &client, now)?;
            Ok(Entered::In { member: Box::new(member), next: proven.next })
        })
        .await
    }

    /// Gives a member a new password (its hash; empty for none), ends all their sessions and
    /// links, and posts the letter that tells of it: whoever knew the old one is out.
    pub async fn change_password(
        &self,
        member: MemberId,
        password: String,
        letter: Letter,
        client: Client,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            set_password(sql, member, &password, &letter, now)?;
            let kind = if password.is_empty() { EventKind::PasswordRemoved } else { EventKind::PasswordChanged };
            security::note(sql, Some(member), kind, &client, now)
        })
        .await
    }
}

fn prove(
    sql: &Sql<'_>,
    proof: &Proof,
    chosen: Preferences,
    client: &Client,
    now: Timestamp,
) -> Result<Result<Proven, Entered>, StoreError> {
    let of_link = |purpose, digest| -> Result<Option<(MemberId, String)>, StoreError> {
        Ok(take(sql, purpose, digest, now)?.and_then(|taken| Some((taken.member?, taken.next))))
    };
    Ok(match proof {
        Proof::Password(member, hashed) => {
            let statement = "SELECT id FROM littoral_member WHERE id = $1 AND password = $2 AND password <> ''";
            let is_still = sql.row(statement, params![member.0, hashed], |row| row.get::<i64>(0))?.is_some();
            match is_still {
                true => Ok(Proven { member: *member, kind: EventKind::SignedInByPassword, next: String::new() }),
                false => Err(Entered::OtherPassword),
            }
        }
        Proof::Link(digest) => match of_link(Purpose::SignIn, *digest)? {
            Some((member, next)) => {
                // Others that were sent meanwhile are of no use any more.
                sql.run(
                    "DELETE FROM littoral_link WHERE member_id = $1 AND purpose = $2",
                    params![member.0, Purpose::SignIn.word()],
                )?;
                Ok(Proven { member, kind: EventKind::SignedInByLink, next })
            }
            None => Err(Entered::NoLink),
        },
        Proof::NewPassword(digest, password, letter) => match of_link(Purpose::Password, *digest)? {
            Some((member, next)) => {
                let is_disabled = by_id(sql, member)?.is_some_and(|member| member.disabled_at.is_some());
                if is_disabled {
                    return Ok(Err(Entered::Disabled));
                }
                set_password(sql, member, password, letter, now)?;
                Ok(Proven { member, kind: EventKind::PasswordChanged, next })
            }
            None => Err(Entered::NoLink),
        },
        Proof::Registration(digest, password) => register(sql, *digest, password, chosen, client, now)?,
        Proof::Stay(digest) => match of_link(Purpose::Stay, *digest)? {
            Some((member, next)) => {
                // Who is disabled stays on the way out.
                let statement = "UPDATE littoral_member SET delete_at = NULL WHERE id = $1 AND disabled_at IS NULL";
                sql.run(statement, params![member.0])?;
                Ok(Proven { member, kind: EventKind::DeletionWithdrawn, next })
            }
            None => Err(Entered::NoLink),
        },
    })
}

/// Makes the account that a link asks for. Who was invited as the first administrator becomes
/// that, with a new account or the one that they have, if nobody else has become it meanwhile.
fn register(
    sql: &Sql<'_>,
    digest: LinkDigest,
    password: &str,
    chosen: Preferences,
    client: &Client,
    now: Timestamp,
) -> Result<Result<Proven, Entered>, StoreError> {
    let Some(asked) = role_of_registration(sql, digest, now)? else { return Ok(Err(Entered::NoLink)) };
    let role = if asked == Role::Member || has_admin(sql)? { Role::Member } else { asked };
    if role == Role::Admin {
        // Before its own link is taken: of two at once the later waits here, and has nothing in its
        // hands for which the earlier would wait.
        end_links_to_admin(sql)?;
    }
    let Some(taken) = take(sql, Purpose::Register, digest, now)? else { return Ok(Err(Entered::NoLink)) };
    let Ok(email) = EmailAddress::parse(&taken.email) else { return Ok(Err(Entered::NoLink)) };
    let proven = |member| Proven { member, kind: EventKind::Registered, next: taken.next.clone() };
    let new = NewMember { email, name: taken.name.clone(), password: password.to_owned(), preferences: chosen };
    if let Some(member) = accounts::insert(sql, &new, role, None, now)? {
        return Ok(Ok(proven(member)));
    }
    let known = by_email(sql, &new.email)?.filter(|known| role > known.role);
    let Some(known) = known else { return Ok(Err(Entered::AddressTaken)) };
    if known.disabled_at.is_some() {
        return Ok(Err(Entered::Disabled));
    }
    sql.run("UPDATE littoral_member SET role = $1 WHERE id = $2", params![role.word(), known.id.0])?;
    end_all(sql, known.id)?;
    security::note(sql, Some(known.id), EventKind::RoleChanged, client, now)?;
    Ok(Ok(Proven { kind: EventKind::SignedInByLink, ..proven(known.id) }))
}

fn set_password(
    sql: &Sql<'_>,
    member: MemberId,
    password: &str,
    letter: &Letter,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.run("UPDATE littoral_member SET password = $1 WHERE id = $2", params![password, member.0])?;
    end_all(sql, member)?;
    end_links(sql, member)?;
    post(sql, Lane::Prompt, letter, now).map(drop)
}
