//! The site's own keys: random, made when they are first wanted, the same for all nodes.

use jiff::Timestamp;

use super::StoreError;
use super::door::{Durability, Store};
use super::sql::{Sql, params};

impl Store {
    /// The key of this name, if it was made.
    pub async fn secret(&self, name: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
        self.read(move |sql| known(sql, name)).await
    }

    /// The same; `fresh`, which is random, becomes it if there is none.
    pub async fn make_secret(
        &self,
        name: &'static str,
        fresh: [u8; 32],
        now: Timestamp,
    ) -> Result<[u8; 32], StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "INSERT INTO littoral_secret (name, value, made_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
                params![name, fresh, now.as_microsecond()],
            )?;
            Ok(known(sql, name)?.unwrap_or(fresh))
        })
        .await
    }

    /// Puts another key in the place of one: nothing that it has signed is good any more.
    pub async fn change_secret(&self, name: &'static str, fresh: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "INSERT INTO littoral_secret (name, value, made_at) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, made_at = excluded.made_at",
                params![name, fresh, now.as_microsecond()],
            )
            .map(drop)
        })
        .await
    }
}

fn known(sql: &Sql<'_>, name: &str) -> Result<Option<[u8; 32]>, StoreError> {
    let found =
        sql.row("SELECT value FROM littoral_secret WHERE name = $1", params![name], |row| row.get::<Vec<u8>>(0))?;
    Ok(found.and_then(|value| value.try_into().ok()))
}
