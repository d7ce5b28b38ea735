//! Links that were sent by letter: each is good once, for one purpose, for a while.
//!
//! The store has the digest of a link's token only: who reads the file cannot follow one.
//!
//! Whether an address has an account is told by nothing but the letter: [`Store::ask`] does the
//! same for each, and posts one letter or the other.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{self, COLUMN_COUNT, Member, MemberId, by_email};
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::letters::{Lane, Letter, post};
use super::members::has_admin;
use super::security::{self, Client, EventKind};
use super::sessions::moment_after;
use super::sql::{Sql, params};
use crate::site::audience::Role;

/// The BLAKE3 digest of a link's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDigest([u8; 32]);

impl LinkDigest {
    /// The digest of a token.
    pub fn of(token: &[u8]) -> Self {
        Self(*blake3::hash(token).as_bytes())
    }
}

/// What a link is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    SignIn,
    /// A new password, and signing in.
    Password,
    /// Making an account.
    Register,
    /// A change of address: what the mailbox says that is left.
    OldAddress,
    /// A change of address: what the new mailbox says.
    NewAddress,
    /// Becoming the first administrator.
    FirstAdmin,
    /// Taking back that the account shall be deleted.
    Stay,
}

impl Purpose {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Password => "password",
            Self::Register => "register",
            Self::OldAddress => "old-address",
            Self::NewAddress => "new-address",
            Self::FirstAdmin => "first-admin",
            Self::Stay => "stay",
        }
    }
}

/// A link that is still good.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whose it is.
    pub member: Option<Member>,
    /// Where it was sent to, or the address that it asks for.
    pub email: String,
    /// Of who registers.
    pub name: String,
}

/// A wish for a link, by whoever it may be.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What for: [`Purpose::SignIn`], [`Purpose::Password`] or [`Purpose::Register`].
    pub purpose: Purpose,
    /// Of its token.
    pub digest: LinkDigest,
    /// Where it goes.
    pub email: EmailAddress,
    /// Of who registers.
    pub name: String,
    /// What whoever registers may do.
    pub role: Role,
    /// Where to go on.
    pub next: String,
    /// How long it is good.
    pub lives: SignedDuration,
    /// The letter to who has an account.
    pub to_member: Letter,
    /// The letter to who has none.
    pub to_stranger: Letter,
}

/// What [`put_link`] writes.
pub(super) struct NewLink<'a> {
    pub(super) purpose: Purpose,
    pub(super) digest: LinkDigest,
    pub(super) member: Option<MemberId>,
    pub(super) email: &'a str,
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) next: &'a str,
    pub(super) lives: SignedDuration,
}

/// What a link said that was used.
pub(super) struct Taken {
    pub(super) member: Option<MemberId>,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) next: String,
}

impl Store {
    /// Makes a link and posts a letter: to who has an account at the address, or to who has none.
    pub async fn ask(&self, asked: Asked, client: Client, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| ask(sql, &asked, &client, now)).await
    }

    /// The same, of who holds the link `first` for the first administrator. Says whether that is
    /// still good, which it stays until there is one.
    pub async fn ask_as_first(
        &self,
        first: LinkDigest,
        asked: Asked,
        client: Client,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let known = sql.row(
                "SELECT expires_at FROM littoral_link WHERE digest = $1 AND purpose = $2 AND expires_at > $3",
                params![first.0, Purpose::FirstAdmin.word(), now.as_microsecond()],
                |row| row.get::<i64>(0),
            )?;
            if known.is_none() || has_admin(sql)? {
                return Ok(false);
            }
            ask(sql, &asked, &client, now)?;
            Ok(true)
        })
        .await
    }

    /// Makes a link for the first administrator, unless there is one. Says whether it did.
    pub async fn invite_first_admin(
        &self,
        digest: LinkDigest,
        lives: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            if has_admin(sql)? {
                return Ok(false);
            }
            let purpose = Purpose::FirstAdmin;
            let (email, name, next) = ("", "", "");
            put_link(
                sql,
                &NewLink { purpose, digest, member: None, email, name, role: Role::Admin, next, lives },
                now,
            )?;
            Ok(true)
        })
        .await
    }

    /// A link that is still good for `purpose`; looking at it changes nothing.
    pub async fn link(&self, purpose: Purpose, digest: LinkDigest, now: Timestamp) -> Result<Option<Link>, StoreError> {
        self.read(move |sql| {
            let statement = format!(
                "SELECT {}, l.email, l.name FROM littoral_link l LEFT JOIN littoral_member m ON m.id = l.member_id
                     WHERE l.digest = $1 AND l.purpose = $2 AND l.expires_at > $3",
                accounts::COLUMNS
            );
            sql.row(&statement, params![digest.0, purpose.word(), now.as_microsecond()], |row| {
                let of_member = row.get::<Option<i64>>(0)?.is_some();
                Ok(Link {
                    member: of_member.then(|| accounts::member(row, 0)).transpose()?,
                    email: row.get(COLUMN_COUNT)?,
                    name: row.get(COLUMN_COUNT + 1)?,
                })
            })
        })
        .await
    }
}

fn ask(sql: &Sql<'_>, asked: &Asked, client: &Client, now: Timestamp) -> Result<(), StoreError> {
    let member = by_email(sql, &asked.email)?.map(|member| member.id);
    let kind = match asked.purpose {
        Purpose::Password => EventKind::PasswordLinkAsked,
        _ => EventKind::LinkAsked,
    };
    let link = NewLink {
        purpose: asked.purpose,
        digest: asked.digest,
        member,
        email: asked.email.as_str(),
        name: &asked.name,
        role: asked.role,
        next: &asked.next,
        lives: asked.lives,
    };
    put_link(sql, &link, now)?;
    security::note(sql, member, kind, client, now)?;
    let letter = if member.is_some() { &asked.to_member } else { &asked.to_stranger };
    post(sql, Lane::Prompt, letter, now).map(drop)
}

/// Writes a link, in the transaction of `sql`.
pub(super) fn put_link(sql: &Sql<'_>, link: &NewLink<'_>, now: Timestamp) -> Result<(), StoreError> {
    sql.run(
        "INSERT INTO littoral_link (digest, purpose, member_id, email, name, role, next, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            link.digest.0,
            link.purpose.word(),
            link.member.map(|member| member.0),
            link.email,
            link.name,
            link.role.word(),
            link.next,
            now.as_microsecond(),
            moment_after(now, link.lives)
        ],
    )
    .map(drop)
}

/// Uses a link up, in the transaction of `sql`: of two who use it at once, one gets it.
pub(super) fn take(
    sql: &Sql<'_>,
    purpose: Purpose,
    digest: LinkDigest,
    now: Timestamp,
) -> Result<Option<Taken>, StoreError> {
    sql.row(
        "DELETE FROM littoral_link WHERE digest = $1 AND purpose = $2 AND expires_at > $3
             RETURNING member_id, email, name, next",
        params![digest.0, purpose.word(), now.as_microsecond()],
        |row| {
            Ok(Taken {
                member: row.get::<Option<i64>>(0)?.map(MemberId),
                email: row.get(1)?,
                name: row.get(2)?,
                next: row.get(3)?,
            })
        },
    )
}

/// The role that a link of a registration gives, while it is good. It is left where it is.
pub(super) fn role_of_registration(
    sql: &Sql<'_>,
    digest: LinkDigest,
    now: Timestamp,
) -> Result<Option<Role>, StoreError> {
    sql.row(
        "SELECT role FROM littoral_link WHERE digest = $1 AND purpose = $2 AND expires_at > $3",
        params![digest.0, Purpose::Register.word(), now.as_microsecond()],
        |row| Ok(row.get::<String>(0)?.parse().unwrap_or_default()),
    )
}

/// Takes their force from all links of a member, in the transaction of `sql`.
pub(super) fn end_links(sql: &Sql<'_>, member: MemberId) -> Result<(), StoreError> {
    sql.run("DELETE FROM littoral_address_change WHERE member_id = $1", params![member.0])?;
    sql.run("DELETE FROM littoral_link WHERE member_id = $1", params![member.0]).map(drop)
}

/// There is an administrator: no link makes another one from now on. One that was left would be
/// good again when they are disabled. Registrations go on, as anybody's.
pub(super) fn end_links_to_admin(sql: &Sql<'_>) -> Result<(), StoreError> {
    sql.run("DELETE FROM littoral_link WHERE purpose = $1", params![Purpose::FirstAdmin.word()])?;
    sql.run("UPDATE littoral_link SET role = $1 WHERE role = $2", params![Role::Member.word(), Role::Admin.word()])
        .map(drop)
}

/// Removes links that are good no more. Says how many.
pub(super) fn forget_links(sql: &Sql<'_>, now: i64, limit: i64) -> Result<u64, StoreError> {
    let changes = sql.run(
        "DELETE FROM littoral_address_change WHERE member_id IN
             (SELECT member_id FROM littoral_address_change WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        params![now, limit],
    )?;
    let links = sql.run(
        "DELETE FROM littoral_link WHERE digest IN
             (SELECT digest FROM littoral_link WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        params![now, limit],
    )?;
    Ok(links.max(changes))
}
