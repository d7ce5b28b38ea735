//! The meter: which metered pages somebody has read in a period, and how many.
//!
//! A page counts once in a period. Of reads at once no more are let in than are free: what is
//! read is counted in the write that lets it in. When the first read of a new period comes, all
//! that older ones have left goes.

use jiff::Timestamp;

use super::StoreError;
use super::accounts::MemberId;
use super::door::{Durability, Store};
use super::sql::{Sql, params};

/// The digest of what a visitor's cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitorDigest([u8; 32]);

impl VisitorDigest {
    /// The digest of what the cookie holds.
    pub fn of(token: &[u8]) -> Self {
        Self(blake3::derive_key("littoral 2026 visitor of the meter", token))
    }
}

/// For whom it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterReader {
    /// An account.
    Member(MemberId),
    /// Who brings a cookie.
    Visitor(VisitorDigest),
}

/// A read that is to be counted.
#[derive(Clone, Debug)]
pub struct MeteredRead {
    /// Whose.
    pub reader: MeterReader,
    /// When the period began.
    pub period: Timestamp,
    /// Path of the page.
    pub path: String,
    /// How many are free in a period.
    pub free: u32,
    /// Of a visitor, where they are and with what: kept as a digest under the period's key.
    pub network: Option<String>,
    /// How many reads are free for all from there.
    pub free_there: u32,
    /// Random, for the key of a period that has none yet.
    pub fresh: [u8; 32],
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Whether the page may be read.
    pub is_free: bool,
    /// How many pages were, this one among them.
    pub used: u32,
}

impl Store {
    /// Counts a read, if it is free.
    pub async fn read_metered(&self, read: MeteredRead, now: Timestamp) -> Result<Metered, StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            let period = read.period.as_microsecond();
            let secret = secret_of(sql, period, read.fresh)?;
            let used = used(sql, read.reader, period)?;
            if has_read(sql, read.reader, period, &read.path)? {
                return Ok(Metered { is_free: true, used });
            }
            let network =
                read.network.as_ref().map(|network| *blake3::keyed_hash(&secret, network.as_bytes()).as_bytes());
            let is_full_there = match &network {
                Some(network) => {
                    let reads = sql.row(
                        "SELECT reads FROM littoral_meter_network WHERE network = $1 AND period = $2",
                        params![network, period],
                        |row| row.get::<i64>(0),
                    )?;
                    reads.unwrap_or(0) >= i64::from(read.free_there)
                }
                None => false,
            };
            if used >= read.free || is_full_there {
                return Ok(Metered { is_free: false, used });
            }
            note(sql, &read, period, now)?;
            if let Some(network) = network {
                sql.run(
                    "INSERT INTO littoral_meter_network (network, period, reads) VALUES ($1, $2, 1)
                     ON CONFLICT (network, period) DO UPDATE SET reads = littoral_meter_network.reads + 1",
                    params![network, period],
                )?;
            }
            Ok(Metered { is_free: true, used: used + 1 })
        })
        .await
    }

    /// How many pages somebody has read in a period, and whether this one was among them.
    pub async fn metered(
        &self,
        reader: MeterReader,
        period: Timestamp,
        path: Option<String>,
    ) -> Result<Metered, StoreError> {
        let period = period.as_microsecond();
        self.read(move |sql| {
            let is_free = path.as_ref().map_or(Ok(false), |path| has_read(sql, reader, period, path))?;
            Ok(Metered { is_free, used: used(sql, reader, period)? })
        })
        .await
    }

    /// What a visitor has read is counted for a member, too. It stays the visitor's: who signs out
    /// again does not begin anew.
    pub async fn merge_metered(&self, visitor: VisitorDigest, member: MemberId) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |sql| {
            sql.run(
                "INSERT INTO littoral_meter_member (member_id, period, path, read_at)
                     SELECT m.id, v.period, v.path, v.read_at
                     FROM littoral_meter_visitor v, littoral_member m WHERE m.id = $1 AND v.visitor = $2
                 ON CONFLICT (member_id, period, path) DO NOTHING",
                params![member.0, visitor.0],
            )
            .map(drop)
        })
        .await
    }
}

/// The key of a period. A new one is `made` for one that has none yet, and what older ones have
/// left goes.
fn secret_of(sql: &Sql<'_>, period: i64, made: [u8; 32]) -> Result<[u8; 32], StoreError> {
    let known = || {
        let found = sql.row("SELECT secret FROM littoral_meter_period WHERE period = $1", params![period], |row| {
            row.get::<Vec<u8>>(0)
        })?;
        Ok::<_, StoreError>(found.and_then(|secret| <[u8; 32]>::try_from(secret).ok()))
    };
    if let Some(secret) = known()? {
        return Ok(secret);
    }
    for forget in [
        "DELETE FROM littoral_meter_period WHERE period < $1",
        "DELETE FROM littoral_meter_member WHERE period < $1",
        "DELETE FROM littoral_meter_visitor WHERE period < $1",
        "DELETE FROM littoral_meter_network WHERE period < $1",
    ] {
        sql.run(forget, params![period])?;
    }
    sql.run(
        "INSERT INTO littoral_meter_period (period, secret) VALUES ($1, $2) ON CONFLICT (period) DO NOTHING",
        params![period, made],
    )?;
    Ok(known()?.unwrap_or(made))
}

fn used(sql: &Sql<'_>, reader: MeterReader, period: i64) -> Result<u32, StoreError> {
    let count = |row: &super::sql::Row<'_>| row.get::<i64>(0);
    let found = match reader {
        MeterReader::Member(member) => sql.row(
            "SELECT count(*) FROM littoral_meter_member WHERE member_id = $1 AND period = $2",
            params![member.0, period],
            count,
        ),
        MeterReader::Visitor(visitor) => sql.row(
            "SELECT count(*) FROM littoral_meter_visitor WHERE visitor = $1 AND period = $2",
            params![visitor.0, period],
            count,
        ),
    };
    Ok(found?.and_then(|count| u32::try_from(count).ok()).unwrap_or_default())
}

fn has_read(sql: &Sql<'_>, reader: MeterReader, period: i64, path: &str) -> Result<bool, StoreError> {
    let found = match reader {
        MeterReader::Member(member) => sql.row(
            "SELECT 1 FROM littoral_meter_member WHERE member_id = $1 AND period = $2 AND path = $3",
            params![member.0, period, path],
            |_| Ok(()),
        ),
        MeterReader::Visitor(visitor) => sql.row(
            "SELECT 1 FROM littoral_meter_visitor WHERE visitor = $1 AND period = $2 AND path = $3",
            params![visitor.0, period, path],
            |_| Ok(()),
        ),
    };
    Ok(found?.is_some())
}

fn note(sql: &Sql<'_>, read: &MeteredRead, period: i64, now: Timestamp) -> Result<(), StoreError> {
    let at = now.as_microsecond();
    match read.reader {
        // The member may have gone since the request was let in.
        MeterReader::Member(member) => sql.run(
            "INSERT INTO littoral_meter_member (member_id, period, path, read_at)
                 SELECT id, $1, $2, $3 FROM littoral_member WHERE id = $4",
            params![period, read.path, at, member.0],
        ),
        MeterReader::Visitor(visitor) => sql.run(
            "INSERT INTO littoral_meter_visitor (visitor, period, path, read_at) VALUES ($1, $2, $3, $4)",
            params![visitor.0, period, read.path, at],
        ),
    }
    .map(drop)
}
