//! The audit: who has done what that others answer for.
//!
//! A deed of a moderator, an administrator or the command line is noted in its own
//! transaction, so that none is done unseen. Who it was is noted by name, too: the note
//! outlives the account.

use jiff::Timestamp;

use super::StoreError;
use super::accounts::{MemberId, random_id, time};
use super::door::Store;
use super::sql::{Sql, params};

/// What the command line is called.
const COMMAND_LINE: &str = "the command line";

/// A deed that was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// Its number, random.
    pub id: i64,
    /// Who, by the name of then.
    pub actor: String,
    /// What was done: a word, such as `comment.approve`.
    pub deed: String,
    /// To what.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// Notes that `member`, or the command line, has done `deed` to `what`, in the transaction that
/// does it. Gives what the actor is called.
pub(super) fn note(
    sql: &Sql<'_>,
    member: Option<MemberId>,
    deed: &str,
    what: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let name = match member {
        Some(member) => sql
            .row("SELECT name FROM littoral_member WHERE id = $1", params![member.0], |row| row.get(0))?
            .unwrap_or_else(|| "somebody whose account is gone".to_owned()),
        None => COMMAND_LINE.to_owned(),
    };
    sql.run(
        "INSERT INTO littoral_audit (id, member_id, actor, deed, what, at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![random_id(), member.map(|member| member.0), name, deed, what, now.as_microsecond()],
    )?;
    Ok(name)
}

impl Store {
    /// What was done, the latest first, before the note at this time and of this number.
    pub async fn audit(&self, before: Option<(Timestamp, i64)>, limit: usize) -> Result<Vec<AuditNote>, StoreError> {
        let (at, id) = before.map_or((i64::MAX, i64::MAX), |(at, id)| (at.as_microsecond(), id));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            sql.rows(
                "SELECT id, actor, deed, what, at FROM littoral_audit
                     WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3",
                params![at, id, limit],
                |row| {
                    Ok(AuditNote {
                        id: row.get(0)?,
                        actor: row.get(1)?,
                        deed: row.get(2)?,
                        what: row.get(3)?,
                        at: time(row, 4)?,
                    })
                },
            )
        })
        .await
    }
}
