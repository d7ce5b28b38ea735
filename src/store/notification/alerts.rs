//! What administrators are told, and told once: each kind has its rest, for all nodes together.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Notice, NoticeKind, notify};
use crate::store::StoreError;
use crate::store::accounts::{MemberId, time};
use crate::store::door::{Durability, Store};
use crate::store::sql::{Sql, params};

/// What became of something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// So many administrators were told.
    Told(usize),
    /// They were told of the same not long ago; it was counted.
    Resting,
}

/// Whether an administrator was seen with a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// They were, or they are no administrator.
    Known,
    /// It is their first.
    First,
    /// They were seen with others; they and all other administrators were told.
    New,
}

/// Tells all administrators, unless they were told something of this kind within `rest`.
fn alert(
    sql: &Sql<'_>,
    kind: &str,
    subject: &str,
    link: &str,
    rest: SignedDuration,
    now: Timestamp,
) -> Result<Alert, StoreError> {
    let admins =
        sql.rows("SELECT id FROM littoral_member WHERE role = 'admin'", &[], |row| row.get(0).map(MemberId))?;
    if admins.is_empty() {
        // It is told once there is somebody.
        return Ok(Alert::Told(0));
    }
    let before = sql.row("SELECT told_at, suppressed FROM littoral_alert WHERE kind = $1", params![kind], |row| {
        Ok((time(row, 0)?, row.get::<i64>(1)?))
    })?;
    let mut suppressed = 0;
    if let Some((told_at, count)) = before {
        // A clock that was set back must not silence them for long.
        let since = now.duration_since(told_at);
        if since >= SignedDuration::ZERO && since < rest {
            sql.run("UPDATE littoral_alert SET suppressed = suppressed + 1 WHERE kind = $1", params![kind])?;
            return Ok(Alert::Resting);
        }
        suppressed = count;
    }
    sql.run(
        "INSERT INTO littoral_alert (kind, told_at, suppressed) VALUES ($1, $2, 0)
             ON CONFLICT (kind) DO UPDATE SET told_at = excluded.told_at, suppressed = 0",
        params![kind, now.as_microsecond()],
    )?;
    let subject = match suppressed {
        0 => subject.to_owned(),
        1 => format!("{subject} (and once more since the last time)"),
        many => format!("{subject} (and {many} times more since the last time)"),
    };
    for member in &admins {
        let notice = Notice {
            member: *member,
            kind: NoticeKind::Alert,
            subject: subject.clone(),
            link: link.to_owned(),
            data: json!({ "alert": kind, "suppressed": suppressed }),
        };
        notify(sql, &notice, now)?;
    }
    Ok(Alert::Told(admins.len()))
}

impl Store {
    /// Tells all administrators that something is wrong. `kind` names it; of one kind nothing more
    /// is said within `rest`, but counted.
    pub async fn alert(
        &self,
        kind: &str,
        subject: String,
        rest: SignedDuration,
        now: Timestamp,
    ) -> Result<Alert, StoreError> {
        let kind = kind.to_owned();
        self.write(Durability::Durable, move |sql| alert(sql, &kind, &subject, "/admin", rest, now)).await
    }

    /// How many messages of the outbox were given up since then, up to `most`.
    pub async fn given_up_since(&self, since: Timestamp, most: u32) -> Result<i64, StoreError> {
        let count = self
            .read(move |sql| {
                sql.row(
                    "SELECT COUNT(*) FROM (SELECT id FROM littoral_outbox
                         WHERE gave_up = 1 AND finished_at >= $1 LIMIT $2) AS given_up",
                    params![since.as_microsecond(), i64::from(most)],
                    |row| row.get(0),
                )
            })
            .await?;
        Ok(count.unwrap_or_default())
    }

    /// Notes the browser that a member has signed in with, and tells administrators when it is an
    /// administrator's and a new one. `described` says which, in words.
    pub async fn see_device(
        &self,
        member: MemberId,
        device: [u8; 32],
        described: String,
        rest: SignedDuration,
        now: Timestamp,
    ) -> Result<Device, StoreError> {
        // Most members are none, and nothing is written for them.
        let admin = self.read(move |sql| {
            sql.row("SELECT email FROM littoral_member WHERE id = $1 AND role = 'admin'", params![member.0], |row| {
                row.get::<String>(0)
            })
        });
        let Some(email) = admin.await? else { return Ok(Device::Known) };
        self.write(Durability::Durable, move |sql| {
            let others = "SELECT member_id FROM littoral_device WHERE member_id = $1 LIMIT 1";
            let has_others = sql.row(others, params![member.0], |row| row.get::<i64>(0))?.is_some();
            let new = sql.run(
                "INSERT INTO littoral_device (member_id, device, seen_at) VALUES ($1, $2, $3)
                     ON CONFLICT (member_id, device) DO NOTHING",
                params![member.0, device, now.as_microsecond()],
            )?;
            match (new, has_others) {
                (0, _) => Ok(Device::Known),
                (_, false) => Ok(Device::First),
                (_, true) => {
                    let subject = format!("{email} has signed in with another browser than before: {described}");
                    let kind = format!("device of {}", member.0);
                    alert(sql, &kind, &subject, "/account", rest, now).map(|_| Device::New)
                }
            }
        })
        .await
    }
}
