//! A store of a test's own, and what is put into it.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use littoral::store::{
    Address, EmailAddress, MemberId, NewMember, NewSession, Preferences, Registration, SessionDigest, Store, StoreError,
};

use crate::postgres;

/// Where the store of one test is.
pub struct Shore {
    pub folder: tempfile::TempDir,
    server: Option<String>,
}

impl Shore {
    pub fn on_sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// None when there is no PostgreSQL here.
    pub fn on_postgres() -> Option<Self> {
        Some(Self { folder: tempfile::tempdir().unwrap(), server: Some(postgres::fresh()?) })
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("var/littoral.db")
    }

    /// As it would stand in `littoral.yaml`.
    pub fn address(&self) -> String {
        self.server.clone().unwrap_or_else(|| "var/littoral.db".to_owned())
    }

    pub fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&Address::parse(self.folder.path(), &self.address())?)
    }

    pub fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }

    /// The first column of the first row, as text, asked past the store.
    pub fn ask(&self, sql: &str) -> String {
        match &self.server {
            Some(address) => postgres::query(address, sql).unwrap(),
            None => self.raw().query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).map(text).unwrap(),
        }
    }

    /// Changes something past the store.
    pub fn execute(&self, sql: &str) {
        match &self.server {
            Some(address) => postgres::execute(address, sql),
            None => self.raw().execute_batch(sql).unwrap(),
        }
    }
}

fn text(value: rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

pub fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub fn new_member(email: &str) -> NewMember {
    NewMember {
        email: EmailAddress::parse(email).unwrap(),
        name: "Ann".to_owned(),
        password: "$argon2id$…".to_owned(),
        preferences: Preferences::default(),
    }
}

pub async fn member(store: &Store, email: &str) -> MemberId {
    match store.register(new_member(email), now()).await.unwrap() {
        Registration::Made(id) => id,
        Registration::AddressTaken => panic!("{email} is taken"),
    }
}

pub fn session(token: &str, member: Option<MemberId>) -> NewSession {
    NewSession {
        digest: SessionDigest::of(token.as_bytes()),
        member,
        preferences: Preferences::default(),
        replaces: None,
        agent: "test".to_owned(),
        idle: days(14),
        longest: days(90),
    }
}
