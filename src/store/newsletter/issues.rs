//! The letters: one issue is a page that is sent to many.
//!
//! An issue is gone through in the order of its subscribers' numbers, some at a time. One
//! transaction puts the letters of some into the outbox, notes each under a key that no two can
//! share, and moves on: killed between two, the next begins where it ended. Who has subscribed
//! since the issue was made does not get it.
//!
//! The outbox is filled only so far ([`Fed::Full`]): a hundred thousand letters are a hundred
//! thousand copies of one text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::apart;
use super::subscribers::{LeaveToken, with_token};
use crate::site::audience::{Audience, Standing, Tiers};
use crate::site::newsletter::Segment;
use crate::store::StoreError;
use crate::store::accounts::{random_id, time};
use crate::store::door::{Durability, Store};
use crate::store::letters::{Lane, Letter, post};
use crate::store::sql::{Row, Sql, params};

/// The number of an issue, random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueId(i64);

impl IssueId {
    /// It as a number.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The one with this number, if there is one.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// What a letter says, in both forms, with [the mark](super::LEAVE) in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// For who reads no HTML.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// A page as a letter to many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Its path.
    pub page: String,
    /// What the letter is about: one line.
    pub subject: String,
    /// Which subscribers get it.
    pub segment: Segment,
    /// For whom the whole text is.
    pub audience: Audience,
    /// The whole text.
    pub full: Body,
    /// What everybody else gets in its place; the same without.
    pub open: Option<Body>,
    /// Headers that all letters have, with the mark in them.
    pub headers: Vec<(String, String)>,
}

/// A subscriber, as far as it decides what they get.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The address.
    pub email: String,
    /// The topics chosen.
    pub topics: Vec<String>,
    /// What the member with this address may read; a visitor where there is none.
    pub standing: Standing,
    /// For leaving.
    pub token: LeaveToken,
    id: i64,
}

impl Issue {
    /// Whether the issue is for this subscriber.
    fn is_for(&self, recipient: &Recipient) -> bool {
        match &self.segment {
            Segment::All => true,
            Segment::Tag(topic) => recipient.topics.contains(topic),
            Segment::Tier(tier) => {
                recipient.standing != Standing::Visitor && Audience::Tier(tier.clone()).admits(&recipient.standing)
            }
        }
    }

    /// The letter to one.
    fn letter(&self, recipient: &Recipient) -> Letter {
        let body = match &self.open {
            Some(open) if !self.audience.admits(&recipient.standing) => open,
            _ => &self.full,
        };
        let letter = Letter {
            to: recipient.email.clone(),
            subject: self.subject.clone(),
            text: body.text.clone(),
            html: Some(body.html.clone()),
            headers: self.headers.clone(),
            must_go: false,
        };
        with_token(&letter, &recipient.token)
    }
}

/// What was done for the issues that are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// There is no more to do.
    Nothing,
    /// So many letters were put into the outbox, and there may be more to put.
    Some(u64),
    /// The outbox holds as many as it shall.
    Full,
}

/// An issue as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedIssue {
    /// Its number.
    pub id: IssueId,
    /// The page.
    pub page: String,
    /// What it is about.
    pub subject: String,
    /// To whom, as it is written.
    pub segment: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many letters were put into the outbox.
    pub sent: i64,
    /// When the last was.
    pub finished_at: Option<Timestamp>,
}

fn listed(row: &Row<'_>) -> Result<ListedIssue, StoreError> {
    let is_finished = row.get::<Option<i64>>(6)?.is_some();
    Ok(ListedIssue {
        id: IssueId(row.get(0)?),
        page: row.get(1)?,
        subject: row.get(2)?,
        segment: row.get(3)?,
        created_at: time(row, 4)?,
        sent: row.get(5)?,
        finished_at: is_finished.then(|| time(row, 6)).transpose()?,
    })
}

const COLUMNS: &str = "id, page, subject, segment, created_at, sent, finished_at";

impl Store {
    /// Keeps an issue; from now on it is on its way.
    pub async fn send_issue(&self, issue: Issue, now: Timestamp) -> Result<IssueId, StoreError> {
        let id = random_id();
        // Strings and words only: it cannot fail.
        let letter = serde_json::to_string(&issue).unwrap_or_default();
        self.write(Durability::Durable, move |sql| {
            sql.run(
                "INSERT INTO littoral_issue (id, page, subject, segment, letter, created_at, reached, sent)
                     VALUES ($1, $2, $3, $4, $5, $6, -1, 0)",
                params![id, issue.page, issue.subject, issue.segment.to_string(), letter, now.as_microsecond()],
            )
            .map(|_| IssueId(id))
        })
        .await
    }

    /// The issues, the newest first.
    pub async fn issues(&self, limit: usize) -> Result<Vec<ListedIssue>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |sql| {
            let statement = format!("SELECT {COLUMNS} FROM littoral_issue ORDER BY created_at DESC, id LIMIT $1");
            sql.rows(&statement, params![limit], listed)
        })
        .await
    }

    /// The last issue of a page.
    pub async fn issue_of(&self, page: &str) -> Result<Option<ListedIssue>, StoreError> {
        let page = page.to_owned();
        self.read(move |sql| {
            let statement =
                format!("SELECT {COLUMNS} FROM littoral_issue WHERE page = $1 ORDER BY created_at DESC LIMIT 1");
            sql.row(&statement, params![page], listed)
        })
        .await
    }

    /// Ends an issue: no more letters of it are put into the outbox. Says whether one was on its
    /// way.
    pub async fn stop_issue(&self, id: IssueId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Durable, move |sql| {
            let statement = "UPDATE littoral_issue SET finished_at = $1 WHERE id = $2 AND finished_at IS NULL";
            sql.run(statement, params![now.as_microsecond(), id.0]).map(|stopped| stopped > 0)
        })
        .await
    }

    /// Puts the letters for the next `at_once` subscribers of the oldest issue that is on its way
    /// into the outbox, unless `most` wait there already. `tiers` are the site's.
    pub async fn feed_issues(
        &self,
        tiers: &Tiers,
        at_once: usize,
        most: usize,
        now: Timestamp,
    ) -> Result<Fed, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let next = "SELECT id FROM littoral_issue WHERE finished_at IS NULL ORDER BY created_at, id LIMIT 1";
        let Some(id) = self.read(move |sql| sql.row(next, &[], |row| row.get::<i64>(0))).await? else {
            return Ok(Fed::Nothing);
        };
        let bulk = Lane::Bulk.addressee();
        // Not in the transaction: with PostgreSQL each letter that is delivered meanwhile would
        // have it done over.
        let waiting: Option<i64> = self
            .read(move |sql| {
                sql.row(
                    "SELECT COUNT(*) FROM (SELECT id FROM littoral_outbox
                         WHERE kind = $1 AND address = $2 AND due_at IS NOT NULL LIMIT $3) AS waiting",
                    params![bulk.kind, bulk.address, most],
                    |row| row.get(0),
                )
            })
            .await?;
        if waiting.unwrap_or_default() >= most {
            return Ok(Fed::Full);
        }
        let (tiers, limit) = (tiers.clone(), i64::try_from(at_once).unwrap_or(i64::MAX));
        self.write(Durability::Durable, move |sql| feed(sql, id, &tiers, limit, now)).await
    }
}

fn feed(sql: &Sql<'_>, id: i64, tiers: &Tiers, limit: i64, now: Timestamp) -> Result<Fed, StoreError> {
    let found: Option<(String, i64, i64)> = sql.row(
        "SELECT letter, created_at, reached FROM littoral_issue WHERE id = $1 AND finished_at IS NULL",
        params![id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    // Another node may have ended it meanwhile.
    let Some((letter, made_at, reached)) = found else { return Ok(Fed::Some(0)) };
    let Ok(issue) = serde_json::from_str::<Issue>(&letter) else {
        tracing::error!(
            id,
            "an issue of the newsletter is of another version of this program, or damaged: it is ended"
        );
        sql.run("UPDATE littoral_issue SET finished_at = $1 WHERE id = $2", params![now.as_microsecond(), id])?;
        return Ok(Fed::Some(0));
    };
    let recipients = sql.rows(
        "SELECT s.id, s.secret, s.email, s.topics, m.role, m.tier FROM littoral_subscriber s
             LEFT JOIN littoral_member m ON m.email_key = s.email_key
             WHERE s.state = 'subscribed' AND s.id > $1 AND s.confirmed_at <= $2 ORDER BY s.id LIMIT $3",
        params![reached, made_at, limit],
        |row| recipient(row, tiers),
    )?;
    let is_last = (recipients.len() as i64) < limit;
    let reached = recipients.last().map_or(reached, |(id, _)| *id);
    let mut sent = 0;
    for (_, recipient) in &recipients {
        let Some(recipient) = recipient.as_ref().filter(|recipient| issue.is_for(recipient)) else { continue };
        let is_new = sql.run(
            "INSERT INTO littoral_issue_letter (issue_id, subscriber_id) VALUES ($1, $2)
                 ON CONFLICT (issue_id, subscriber_id) DO NOTHING",
            params![id, recipient.id],
        )?;
        if is_new > 0 {
            let posted = post(sql, Lane::Bulk, &issue.letter(recipient), now)?;
            sent += i64::from(posted.is_some());
        }
    }
    let finished = is_last.then_some(now.as_microsecond());
    sql.run(
        "UPDATE littoral_issue SET reached = $1, sent = sent + $2, finished_at = $3 WHERE id = $4",
        params![reached, sent, finished, id],
    )?;
    Ok(Fed::Some(u64::try_from(sent).unwrap_or_default()))
}

/// The number, and the rest unless it is damaged.
fn recipient(row: &Row<'_>, tiers: &Tiers) -> Result<(i64, Option<Recipient>), StoreError> {
    let id = row.get(0)?;
    let Some(token) = LeaveToken::of(id, &row.get::<Vec<u8>>(1)?) else { return Ok((id, None)) };
    let standing = match row.get::<Option<String>>(4)? {
        Some(role) => Standing::Member {
            role: role.parse().unwrap_or_default(),
            tier: row.get::<Option<String>>(5)?.and_then(|tier| tier.parse().ok()),
            tiers: tiers.clone(),
        },
        None => Standing::Visitor,
    };
    let topics = apart(&row.get::<String>(3)?);
    Ok((id, Some(Recipient { email: row.get(2)?, topics, standing, token, id })))
}
