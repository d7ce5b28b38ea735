//! Tokens: what another program shows to be let in to the API.
//!
//! A token is 256 random bits, shown once, when it is made. Only its digest is kept, so that
//! nobody who reads the store can use one; being random, it needs no slow digest.

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::accounts::{random_id, time};
use super::door::{Durability, Store};
use super::sql::{Row, params};
use crate::site::api::Scope;
use crate::site::digest::Digest;

/// How a token begins, so that one that leaks is known for what it is.
const PREFIX: &str = "littoral_";
/// A token is noted as used at most so often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A token in clear. It is in no log: it has no `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiToken")
    }
}

impl ApiToken {
    /// A new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("{PREFIX}{hex}")))
    }

    /// The token that somebody sends; none when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(PREFIX)?;
        (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }

    /// As it is shown, once.
    pub fn in_clear(&self) -> &str {
        &self.0
    }

    fn digest(&self) -> String {
        Digest::of(self.0.as_bytes()).hex()
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; for ever when there is none.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub seen_at: Option<Timestamp>,
}

impl KnownToken {
    /// Whether its use is to be noted: it was not, this minute.
    pub fn was_unseen(&self, now: Timestamp) -> bool {
        self.seen_at.is_none_or(|seen| now.duration_since(seen) > SEEN_EVERY)
    }
}

const COLUMNS: &str = "name, scopes, created_at, expires_at, seen_at";

impl Store {
    /// Keeps a new token. Says whether its name was free.
    pub async fn add_token(&self, token: &ApiToken, known: KnownToken) -> Result<bool, StoreError> {
        let digest = token.digest();
        self.write(Durability::Durable, move |sql| {
            let scopes: Vec<String> = known.scopes.iter().map(Scope::to_string).collect();
            let added = sql.run(
                "INSERT INTO littoral_token (id, name, digest, scopes, created_at, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
                params![
                    random_id(),
                    known.name,
                    digest,
                    scopes.join(" "),
                    known.created_at.as_microsecond(),
                    known.expires_at.map(Timestamp::as_microsecond)
                ],
            )?;
            Ok(added > 0)
        })
        .await
    }

    /// What `token` allows, if it is known and not over.
    pub async fn token(&self, token: &ApiToken, now: Timestamp) -> Result<Option<KnownToken>, StoreError> {
        let digest = token.digest();
        self.read(move |sql| {
            let statement = format!(
                "SELECT {COLUMNS} FROM littoral_token WHERE digest = $1 AND (expires_at IS NULL OR expires_at > $2)"
            );
            sql.row(&statement, params![digest, now.as_microsecond()], known)
        })
        .await
    }

    /// Notes that `token` was used, once a minute. May be lost with the machine.
    pub async fn see_token(&self, token: &ApiToken, now: Timestamp) -> Result<(), StoreError> {
        let (digest, before) = (token.digest(), (now - SEEN_EVERY).as_microsecond());
        self.write(Durability::Relaxed, move |sql| {
            sql.run(
                "UPDATE littoral_token SET seen_at = $1 WHERE digest = $2 AND (seen_at IS NULL OR seen_at < $3)",
                params![now.as_microsecond(), digest, before],
            )
            .map(drop)
        })
        .await
    }

    /// All tokens, by name.
    pub async fn tokens(&self) -> Result<Vec<KnownToken>, StoreError> {
        self.read(|sql| sql.rows(&format!("SELECT {COLUMNS} FROM littoral_token ORDER BY name"), &[], known)).await
    }

    /// Ends a token. Says whether there was one of that name.
    pub async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(Durability::Durable, move |sql| {
            sql.run("DELETE FROM littoral_token WHERE name = $1", params![name]).map(|gone| gone > 0)
        })
        .await
    }
}

fn known(row: &Row<'_>) -> Result<KnownToken, StoreError> {
    let scopes: String = row.get(1)?;
    let moment =
        |at: usize| row.get::<Option<i64>>(at).map(|time| time.and_then(|time| Timestamp::from_microsecond(time).ok()));
    Ok(KnownToken {
        name: row.get(0)?,
        // A word of a newer program allows nothing here.
        scopes: scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect(),
        created_at: time(row, 2)?,
        expires_at: moment(3)?,
        seen_at: moment(4)?,
    })
}
