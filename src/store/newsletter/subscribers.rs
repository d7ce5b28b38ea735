//! One subscriber: asks, confirms, chooses, leaves.

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use super::{apart, joined};
use crate::store::StoreError;
use crate::store::accounts::random_id;
use crate::store::door::{Durability, Store};
use crate::store::email_address::EmailAddress;
use crate::store::letters::{Lane, Letter, post};
use crate::store::sessions::moment_after;
use crate::store::sql::{Row, Sql, params};

/// What stands in a rendered letter where the token for leaving goes.
pub const LEAVE: &str = "LITTORAL-TOKEN-FOR-LEAVING-5b1e";

/// Lets whoever has it change or end one subscription, and nothing else. It is in each letter,
/// and good for as long as there is the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveToken {
    id: i64,
    secret: [u8; 16],
}

impl LeaveToken {
    /// Reads it as it stands in a link.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('-')?;
        if id.len() > 14 || secret.len() != 32 || !id.bytes().chain(secret.bytes()).all(|byte| byte.is_ascii_hexdigit())
        {
            return None;
        }
        let secret = u128::from_str_radix(secret, 16).ok()?.to_be_bytes();
        Some(Self { id: i64::from_str_radix(id, 16).ok()?, secret })
    }

    /// As it stands in a link.
    pub fn text(&self) -> String {
        format!("{:x}-{:032x}", self.id, u128::from_be_bytes(self.secret))
    }

    /// That of the subscriber `id`; none when what the store has is damaged.
    pub(super) fn of(id: i64, secret: &[u8]) -> Option<Self> {
        Some(Self { id, secret: secret.try_into().ok()? })
    }
}

/// `letter` with the token in its links.
pub(super) fn with_token(letter: &Letter, token: &LeaveToken) -> Letter {
    let token = token.text();
    let put = |text: &str| text.replace(LEAVE, &token);
    Letter {
        text: put(&letter.text),
        html: letter.html.as_deref().map(put),
        headers: letter.headers.iter().map(|(name, value)| (name.clone(), put(value))).collect(),
        ..letter.clone()
    }
}

/// Somebody's wish to get the newsletter at an address that may be another's.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The address.
    pub email: EmailAddress,
    /// The topics chosen.
    pub topics: Vec<String>,
    /// The digest of what is in the link that confirms.
    pub confirm: [u8; 32],
    /// How long that link is good.
    pub good_for: SignedDuration,
    /// The letter with the link.
    pub to_confirm: Letter,
    /// The letter to an address that gets the newsletter already.
    pub is_there: Letter,
}

/// A subscription as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The address.
    pub email: String,
    /// The topics chosen.
    pub topics: Vec<String>,
    /// Whether letters go there.
    pub is_subscribed: bool,
    /// For its owner's links.
    pub token: LeaveToken,
}

fn subscribed(row: &Row<'_>) -> Result<Option<Subscribed>, StoreError> {
    let token = LeaveToken::of(row.get(0)?, &row.get::<Vec<u8>>(1)?);
    let (email, topics, state): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(token.map(|token| Subscribed { email, topics: apart(&topics), is_subscribed: state == "subscribed", token }))
}

const COLUMNS: &str = "id, secret, email, topics, state";

/// The subscription that a token is for.
fn of_token(sql: &Sql<'_>, token: &LeaveToken) -> Result<Option<Subscribed>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM littoral_subscriber WHERE id = $1");
    let found = sql.row(&statement, params![token.id], subscribed)?.flatten();
    Ok(found.filter(|found| found.token.secret.ct_eq(&token.secret).into()))
}

impl Store {
    /// Takes a wish, and puts one of its two letters into the outbox. Nothing that comes back
    /// says whether the address was known.
    pub async fn wish_for_letters(&self, wish: Wish, now: Timestamp) -> Result<(), StoreError> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|_| StoreError::Interrupted)?;
        let id = random_id();
        self.write(Durability::Durable, move |sql| {
            let statement = format!("SELECT {COLUMNS} FROM littoral_subscriber WHERE email_key = $1");
            let found = sql.row(&statement, params![wish.email.key()], subscribed)?.flatten();
            if let Some(known) = found.filter(|known| known.is_subscribed) {
                return post(sql, Lane::Prompt, &with_token(&wish.is_there, &known.token), now).map(drop);
            }
            sql.run(
                "INSERT INTO littoral_subscriber
                         (id, email, email_key, state, secret, topics, wish, confirm, confirm_until, created_at)
                     VALUES ($1, $2, $3, 'pending', $4, '', $5, $6, $7, $8)
                     ON CONFLICT (email_key) DO UPDATE SET wish = excluded.wish, confirm = excluded.confirm,
                         confirm_until = excluded.confirm_until",
                params![
                    id,
                    wish.email.as_str(),
                    wish.email.key(),
                    secret,
                    joined(&wish.topics),
                    wish.confirm,
                    moment_after(now, wish.good_for),
                    now.as_microsecond()
                ],
            )?;
            post(sql, Lane::Prompt, &wish.to_confirm, now).map(drop)
        })
        .await
    }

    /// Whether the link with what has this digest is good.
    pub async fn can_confirm(&self, confirm: [u8; 32], now: Timestamp) -> Result<bool, StoreError> {
        self.read(move |sql| {
            let statement = "SELECT id FROM littoral_subscriber WHERE confirm = $1 AND confirm_until > $2";
            Ok(sql.row(statement, params![confirm, now.as_microsecond()], |row| row.get::<i64>(0))?.is_some())
        })
        .await
    }

    /// Confirms the address whose link holds what has this digest. A second click finds what the
    /// first has done. Says whether the link was good.
    pub async fn confirm_subscriber(&self, confirm: [u8; 32], now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let at = now.as_microsecond();
            sql.run(
                "UPDATE littoral_subscriber SET state = 'subscribed', left_at = NULL,
                         topics = CASE WHEN state = 'subscribed' THEN topics ELSE wish END,
                         confirmed_at = CASE WHEN state = 'subscribed' THEN confirmed_at ELSE $1 END
                     WHERE confirm = $2 AND confirm_until > $1",
                params![at, confirm],
            )
            .map(|confirmed| confirmed > 0)
        })
        .await
    }

    /// The subscription that a token is for.
    pub async fn subscription(&self, token: &LeaveToken) -> Result<Option<Subscribed>, StoreError> {
        let token = token.clone();
        self.read(move |sql| of_token(sql, &token)).await
    }

    /// That of an address, which its owner must have shown to be theirs.
    pub async fn subscription_of(&self, email: &EmailAddress) -> Result<Option<Subscribed>, StoreError> {
        let key = email.key();
        self.read(move |sql| {
            let statement = format!("SELECT {COLUMNS} FROM littoral_subscriber WHERE email_key = $1");
            Ok(sql.row(&statement, params![key], subscribed)?.flatten())
        })
        .await
    }

    /// Chooses topics. Says whether there is such a subscription.
    pub async fn choose_topics(&self, token: &LeaveToken, topics: &[String]) -> Result<bool, StoreError> {
        let (token, topics) = (token.clone(), joined(topics));
        self.write(Durability::Durable, move |sql| {
            let Some(found) = of_token(sql, &token)?.filter(|found| found.is_subscribed) else { return Ok(false) };
            let statement = "UPDATE littoral_subscriber SET topics = $1 WHERE id = $2";
            sql.run(statement, params![topics, found.token.id]).map(|changed| changed > 0)
        })
        .await
    }

    /// Ends a subscription; an end that is asked for twice is one. An address that was never
    /// confirmed is forgotten. Says whether the token is one of a subscription.
    pub async fn leave_newsletter(&self, token: &LeaveToken, now: Timestamp) -> Result<bool, StoreError> {
        let token = token.clone();
        self.write(Durability::Durable, move |sql| {
            let Some(found) = of_token(sql, &token)? else { return Ok(false) };
            let id = found.token.id;
            sql.run("DELETE FROM littoral_subscriber WHERE id = $1 AND state = 'pending'", params![id])?;
            sql.run(
                "UPDATE littoral_subscriber SET state = 'left', left_at = $1, topics = '', confirm = NULL
                     WHERE id = $2 AND state = 'subscribed'",
                params![now.as_microsecond(), id],
            )?;
            Ok(true)
        })
        .await
    }

    /// Forgets an address altogether. Says whether it was known.
    pub async fn forget_subscriber(&self, email: &EmailAddress) -> Result<bool, StoreError> {
        let key = email.key();
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_subscriber WHERE email_key = $1", params![key]).map(|gone| gone > 0)
        })
        .await
    }
}

/// Forgets addresses that were not confirmed in time. Says how many.
pub(in crate::store) fn forget_pending(sql: &Sql<'_>, now: i64, limit: i64) -> Result<u64, StoreError> {
    sql.run(
        "DELETE FROM littoral_subscriber WHERE id IN (SELECT id FROM littoral_subscriber
             WHERE state = 'pending' AND confirm_until <= $1 ORDER BY confirm_until LIMIT $2)",
        params![now, limit],
    )
}

#[cfg(test)]
mod tests {
    use super::LeaveToken;

    #[test]
    fn a_token_is_written_as_it_is_read_and_nothing_else_is_one() {
        let token = LeaveToken { id: 0x1f_ffff, secret: *b"low water at six" };
        assert_eq!(LeaveToken::parse(&token.text()), Some(token));
        for wrong in ["", "-", "1-", "1-2", "-1-00", &"é".repeat(30), &format!("+1-{}", "0".repeat(32))] {
            assert_eq!(LeaveToken::parse(wrong), None, "{wrong}");
        }
    }
}
