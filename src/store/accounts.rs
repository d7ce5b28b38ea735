//! Accounts: who is a member.
//!
//! The password arrives here already hashed; how is `edge::account`'s affair.

use jiff::Timestamp;

use super::StoreError;
use super::comments::{self, TextsOfTheGone};
use super::door::{Durability, Store};
use super::email_address::EmailAddress;
use super::links::end_links_to_admin;
use super::preferences::Preferences;
use super::sql::{Row, Sql, params};
use crate::site::audience::{Role, TierName};

/// Names a member; says nothing else about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberId(pub(super) i64);

impl MemberId {
    /// The number, for its owner and on the command line.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// Someone with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: MemberId,
    /// The address as its owner wrote it.
    pub email: String,
    /// What the site calls them.
    pub name: String,
    /// What they chose.
    pub preferences: Preferences,
    /// Whether the pages they read are remembered.
    pub keeps_history: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// What they may do.
    pub role: Role,
    /// Their tier; none for the first of the site.
    pub tier: Option<TierName>,
    /// Whether they can sign in with one.
    pub has_password: bool,
    /// Since when nobody can sign in to it, because who runs the site has said so.
    pub disabled_at: Option<Timestamp>,
    /// When it will be deleted, because they have asked for that.
    pub delete_at: Option<Timestamp>,
}

/// Someone who wants an account.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Their address.
    pub email: EmailAddress,
    /// What the site shall call them.
    pub name: String,
    /// The hashed password, in PHC form; empty for who has none.
    pub password: String,
    /// What they chose before they had an account.
    pub preferences: Preferences,
}

/// What became of a wish for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The account is made.
    Made(MemberId),
    /// There is an account with this address; nothing was changed.
    AddressTaken,
}

impl Store {
    /// Makes an account. Of two at one instant with one address, one is made.
    pub async fn register(&self, new: NewMember, now: Timestamp) -> Result<Registration, StoreError> {
        self.write(Durability::Durable, move |sql| {
            Ok(match insert(sql, &new, Role::Member, None, now)? {
                Some(id) => Registration::Made(id),
                None => Registration::AddressTaken,
            })
        })
        .await
    }

    /// The member with this address and their hashed password, which is empty for who has none.
    pub async fn member_by_email(&self, email: &EmailAddress) -> Result<Option<(Member, String)>, StoreError> {
        let email = email.clone();
        self.read(move |sql| {
            let statement = format!("SELECT {COLUMNS}, m.password FROM littoral_member m WHERE m.email_key = $1");
            sql.row(&statement, params![email.key()], |row| Ok((member(row, 0)?, row.get(COLUMN_COUNT)?)))
        })
        .await
    }

    /// The hashed password of a member.
    pub async fn password_of(&self, member: MemberId) -> Result<Option<String>, StoreError> {
        self.read(move |sql| {
            sql.row("SELECT password FROM littoral_member WHERE id = $1", params![member.0], |row| row.get(0))
        })
        .await
    }

    /// Replaces the hash of a password that stays the same: its parameters have grown.
    pub async fn keep_stronger_hash(
        &self,
        member: MemberId,
        before: String,
        password: String,
    ) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "UPDATE littoral_member SET password = $1 WHERE id = $2 AND password = $3",
                params![password, member.0, before],
            )
            .map(drop)
        })
        .await
    }

    /// Gives the member with this address another role, and ends their sessions: with other
    /// rights they sign in anew. Says whether there is such a member. Notes nothing: what people
    /// do is done by [`Store::change_member`].
    pub async fn set_role(&self, email: &EmailAddress, role: Role) -> Result<bool, StoreError> {
        let email = email.clone();
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "DELETE FROM littoral_session WHERE member_id IN
                     (SELECT id FROM littoral_member WHERE email_key = $1 AND role <> $2)",
                params![email.key(), role.word()],
            )?;
            let found = sql
                .run("UPDATE littoral_member SET role = $1 WHERE email_key = $2", params![role.word(), email.key()])?;
            if found > 0 && role == Role::Admin {
                end_links_to_admin(sql)?;
            }
            Ok(found > 0)
        })
        .await
    }

    /// Gives the member with this address another tier; none is the first one. Says whether
    /// there is such a member.
    pub async fn set_tier(&self, email: &EmailAddress, tier: Option<TierName>) -> Result<bool, StoreError> {
        let email = email.clone();
        self.write(Durability::Durable, move |sql| {
            let tier = tier.as_ref().map_or("", TierName::as_str);
            let found =
                sql.run("UPDATE littoral_member SET tier = $1 WHERE email_key = $2", params![tier, email.key()])?;
            Ok(found > 0)
        })
        .await
    }

    /// Deletes a member with everything that is theirs: sessions and history go with the row.
    /// Their comments stay, without a name.
    pub async fn delete_member(&self, member: MemberId, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| delete(sql, member, now)).await
    }
}

/// The same in the transaction of `sql`.
pub(super) fn delete(sql: &Sql<'_>, member: MemberId, now: Timestamp) -> Result<(), StoreError> {
    comments::anonymise(sql, member, TextsOfTheGone::Kept, now)?;
    sql.run("DELETE FROM littoral_member WHERE id = $1", params![member.0]).map(drop)
}

/// Makes an account, in the transaction of `sql`; none when the address is taken.
pub(super) fn insert(
    sql: &Sql<'_>,
    new: &NewMember,
    role: Role,
    tier: Option<&TierName>,
    now: Timestamp,
) -> Result<Option<MemberId>, StoreError> {
    let (theme, text_size) = new.preferences.words();
    let (id, tier) = (random_id(), tier.map_or("", TierName::as_str));
    let made = sql.run(
        "INSERT INTO littoral_member (id, email, email_key, name, password, created_at, theme, text_size, role, tier)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (email_key) DO NOTHING",
        params![
            id,
            new.email.as_str(),
            new.email.key(),
            new.name,
            new.password,
            now.as_microsecond(),
            theme,
            text_size,
            role.word(),
            tier
        ],
    )?;
    Ok((made == 1).then_some(MemberId(id)))
}

/// The member with this number, as the transaction of `sql` sees them.
pub(super) fn by_id(sql: &Sql<'_>, id: MemberId) -> Result<Option<Member>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM littoral_member m WHERE m.id = $1");
    sql.row(&statement, params![id.0], |row| member(row, 0))
}

/// The member with this address, as the transaction of `sql` sees them.
pub(super) fn by_email(sql: &Sql<'_>, email: &EmailAddress) -> Result<Option<Member>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM littoral_member m WHERE m.email_key = $1");
    sql.row(&statement, params![email.key()], |row| member(row, 0))
}

/// The columns that make a [`Member`], of a table called `m`.
pub(super) const COLUMNS: &str =
    "m.id, m.email, m.name, m.theme, m.text_size, m.keeps_history, m.created_at, m.role, m.tier,
     CASE WHEN m.password = '' THEN NULL ELSE m.id END, m.disabled_at, m.delete_at";
/// How many they are.
pub(super) const COLUMN_COUNT: usize = 12;

/// The member whose [`COLUMNS`] begin at `first`.
pub(super) fn member(row: &Row<'_>, first: usize) -> Result<Member, StoreError> {
    Ok(Member {
        id: MemberId(row.get(first)?),
        email: row.get(first + 1)?,
        name: row.get(first + 2)?,
        preferences: Preferences::from_words(row.get(first + 3)?, row.get(first + 4)?),
        keeps_history: row.get::<i64>(first + 5)? != 0,
        created_at: time(row, first + 6)?,
        // A word that a later program has written gives no rights here.
        role: row.get::<String>(first + 7)?.parse().unwrap_or_default(),
        tier: row.get::<String>(first + 8)?.parse().ok(),
        has_password: row.get::<Option<i64>>(first + 9)?.is_some(),
        disabled_at: time_or_none(row, first + 10)?,
        delete_at: time_or_none(row, first + 11)?,
    })
}

/// A time that may be absent.
pub(super) fn time_or_none(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    row.get::<Option<i64>>(column)?.map(|_| time(row, column)).transpose()
}

/// A time that the store keeps as microseconds.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    let microseconds = row.get(column)?;
    Timestamp::from_microsecond(microseconds).map_err(|_| StoreError::OutOfRange(microseconds))
}

/// Fills the gaps in what a member chose.
pub(super) fn fill_preferences(sql: &Sql<'_>, member: MemberId, chosen: Preferences) -> Result<(), StoreError> {
    let (theme, text_size) = chosen.words();
    if (theme, text_size) == (None, None) {
        return Ok(());
    }
    sql.run(
        "UPDATE littoral_member SET theme = COALESCE(theme, $1), text_size = COALESCE(text_size, $2) WHERE id = $3",
        params![theme, text_size, member.0],
    )
    .map(drop)
}

/// A number that nobody can guess and that is not taken twice in the life of a site: 53
/// bits, so that it stays whole in JSON, too.
pub(super) fn random_id() -> i64 {
    let mut bytes = [0; 8];
    // The system's generator cannot fail once it has started (Linux 5.6 and later); a
    // number that repeats would be refused by the table's key, not taken for another's.
    if getrandom::fill(&mut bytes).is_err() {
        return 0;
    }
    i64::from_le_bytes(bytes) & ((1 << 53) - 1)
}
