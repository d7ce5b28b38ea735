//! How members want to be told by mail, and the links that say "no more".

use std::collections::BTreeMap;

use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::NoticeKind;
use crate::store::StoreError;
use crate::store::accounts::MemberId;
use crate::store::door::{Durability, Store};
use crate::store::sql::{Sql, params};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// When digests go, in hours of the day (UTC).
const MORNING: i64 = 6;
/// What keeps the signatures of these links apart from everything else.
const CONTEXT: &str = "littoral 2026 no more notifications by mail";

/// How somebody is told by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByMail {
    /// A letter for each.
    AtOnce,
    /// One letter a day with all.
    Daily,
    /// One a week, on Mondays.
    Weekly,
    /// None.
    Never,
}

impl ByMail {
    /// All.
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Daily, Self::Weekly, Self::Never];

    /// As it stands in the store and in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "now",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Never => "never",
        }
    }

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by_mail| by_mail.word() == word)
    }

    /// With what a notification of this kind goes.
    pub(super) fn parcel(self, kind: NoticeKind) -> Option<&'static str> {
        match self {
            Self::AtOnce => Some(kind.word()),
            Self::Daily | Self::Weekly => Some(self.word()),
            Self::Never => None,
        }
    }

    /// When a parcel goes that is begun `now`, in microseconds.
    pub(super) fn due(self, now: Timestamp) -> i64 {
        let now = now.as_microsecond();
        let morning = |day: i64| day * DAY + MORNING * HOUR;
        let next = (now - MORNING * HOUR).div_euclid(DAY) + 1;
        match self {
            Self::AtOnce | Self::Never => now,
            Self::Daily => morning(next),
            // 1 January 1970 was a Thursday: day 4 was a Monday.
            Self::Weekly => morning(next + (4 - next).rem_euclid(7)),
        }
    }
}

/// What a member has chosen of one kind, or what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The kind.
    pub kind: NoticeKind,
    /// How they are told.
    pub by_mail: ByMail,
}

/// Lets whoever has it end letters of one kind, or one digest, for one member, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffToken {
    member: i64,
    /// The word of a kind, `daily` or `weekly`.
    parcel: String,
    signature: [u8; 16],
}

impl OffToken {
    /// Reads it as it stands in a link.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (member, parcel, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_known = NoticeKind::parse(parcel).is_some() || matches!(parcel, "daily" | "weekly");
        if parts.next().is_some() || member.len() > 14 || signature.len() != 32 || !is_known {
            return None;
        }
        if !is_hex(member) || !is_hex(signature) {
            return None;
        }
        Some(Self {
            member: i64::from_str_radix(member, 16).ok()?,
            parcel: parcel.to_owned(),
            signature: u128::from_str_radix(signature, 16).ok()?.to_be_bytes(),
        })
    }

    /// As it stands in a link.
    pub fn text(&self) -> String {
        format!("{:x}.{}.{:032x}", self.member, self.parcel, u128::from_be_bytes(self.signature))
    }

    /// The word of a kind, `daily` or `weekly`.
    pub fn parcel(&self) -> &str {
        &self.parcel
    }

    pub(super) fn of(member: MemberId, parcel: &str, secret: &[u8]) -> Self {
        let key = blake3::derive_key(CONTEXT, secret);
        let whole = blake3::keyed_hash(&key, format!("{}.{parcel}", member.0).as_bytes());
        let mut signature = [0; 16];
        signature.copy_from_slice(&whole.as_bytes()[..16]);
        Self { member: member.0, parcel: parcel.to_owned(), signature }
    }
}

/// What a member has chosen.
pub(super) fn by_mail(sql: &Sql<'_>, member: MemberId, kind: NoticeKind) -> Result<ByMail, StoreError> {
    let found = sql.row(
        "SELECT by_mail FROM littoral_notification_choice WHERE member_id = $1 AND kind = $2",
        params![member.0, kind.word()],
        |row| row.get::<String>(0),
    )?;
    Ok(found.and_then(|word| ByMail::parse(&word)).unwrap_or(kind.usual()))
}

fn chosen(sql: &Sql<'_>, member: MemberId) -> Result<Vec<Choice>, StoreError> {
    let found = sql.rows(
        "SELECT kind, by_mail FROM littoral_notification_choice WHERE member_id = $1",
        params![member.0],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    let found: BTreeMap<String, String> = found.into_iter().collect();
    let one = |kind: NoticeKind| {
        let by_mail = found.get(kind.word()).and_then(|word| ByMail::parse(word)).unwrap_or(kind.usual());
        Choice { kind, by_mail }
    };
    Ok(NoticeKind::ALL.map(one).to_vec())
}

fn choose(sql: &Sql<'_>, member: MemberId, choice: Choice) -> Result<(), StoreError> {
    let Choice { kind, by_mail } = choice;
    sql.run(
        "INSERT INTO littoral_notification_choice (member_id, kind, by_mail) VALUES ($1, $2, $3)
             ON CONFLICT (member_id, kind) DO UPDATE SET by_mail = excluded.by_mail",
        params![member.0, kind.word(), by_mail.word()],
    )?;
    if by_mail == ByMail::Never {
        // What waits for the next digest does not go either.
        sql.run(
            "UPDATE littoral_notification SET parcel = NULL
                 WHERE member_id = $1 AND kind = $2 AND parcel IS NOT NULL",
            params![member.0, kind.word()],
        )?;
    }
    Ok(())
}

/// Makes what links to this member are signed with, if there is nothing yet.
pub(super) fn have_secret(sql: &Sql<'_>, member: MemberId) -> Result<(), StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| StoreError::Interrupted)?;
    sql.run(
        "INSERT INTO littoral_letter_secret (member_id, secret) VALUES ($1, $2) ON CONFLICT (member_id) DO NOTHING",
        params![member.0, secret],
    )
    .map(drop)
}

fn secret(sql: &Sql<'_>, member: i64) -> Result<Option<Vec<u8>>, StoreError> {
    sql.row("SELECT secret FROM littoral_letter_secret WHERE member_id = $1", params![member], |row| row.get(0))
}

impl Store {
    /// What a member has chosen of each kind.
    pub async fn notice_choices(&self, member: MemberId) -> Result<Vec<Choice>, StoreError> {
        self.read(move |sql| chosen(sql, member)).await
    }

    /// Keeps what a member chooses.
    pub async fn choose_notices(&self, member: MemberId, choices: Vec<Choice>) -> Result<(), StoreError> {
        self.write(Durability::Durable, move |sql| choices.iter().try_for_each(|choice| choose(sql, member, *choice)))
            .await
    }

    /// Whether a link for "no more" is one of ours.
    pub async fn is_off_token(&self, token: &OffToken) -> Result<bool, StoreError> {
        let token = token.clone();
        self.read(move |sql| is_ours(sql, &token)).await
    }

    /// Ends the letters that a token is for. Says whether it is one of ours.
    pub async fn switch_off(&self, token: &OffToken) -> Result<bool, StoreError> {
        let token = token.clone();
        self.write(Durability::Durable, move |sql| {
            if !is_ours(sql, &token)? {
                return Ok(false);
            }
            let member = MemberId(token.member);
            let ended: Vec<NoticeKind> = match NoticeKind::parse(&token.parcel) {
                Some(kind) => vec![kind],
                None => {
                    let all = chosen(sql, member)?.into_iter();
                    all.filter(|choice| choice.by_mail.word() == token.parcel).map(|choice| choice.kind).collect()
                }
            };
            ended.into_iter().try_for_each(|kind| choose(sql, member, Choice { kind, by_mail: ByMail::Never }))?;
            Ok(true)
        })
        .await
    }
}

fn is_ours(sql: &Sql<'_>, token: &OffToken) -> Result<bool, StoreError> {
    let Some(secret) = secret(sql, token.member)? else { return Ok(false) };
    let made = OffToken::of(MemberId(token.member), &token.parcel, &secret);
    Ok(made.signature.ct_eq(&token.signature).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(by_mail: ByMail, now: &str) -> String {
        let due = by_mail.due(now.parse().unwrap());
        Timestamp::from_microsecond(due).unwrap().to_string()
    }

    #[test]
    fn digests_go_in_the_morning_and_the_weekly_one_on_mondays() {
        // A Saturday.
        assert_eq!(due(ByMail::Daily, "2026-11-28T05:59:59Z"), "2026-11-28T06:00:00Z");
        assert_eq!(due(ByMail::Daily, "2026-11-28T06:00:00Z"), "2026-11-29T06:00:00Z");
        assert_eq!(due(ByMail::Weekly, "2026-11-28T12:00:00Z"), "2026-11-30T06:00:00Z");
        assert_eq!(due(ByMail::Weekly, "2026-11-30T05:00:00Z"), "2026-11-30T06:00:00Z");
        assert_eq!(due(ByMail::Weekly, "2026-11-30T06:00:00Z"), "2026-12-07T06:00:00Z");
        assert_eq!(due(ByMail::AtOnce, "2026-11-28T12:00:00Z"), "2026-11-28T12:00:00Z");
    }

    #[test]
    fn a_token_is_of_one_member_and_one_kind() {
        let token = OffToken::of(MemberId(7), "reply", b"low water");
        assert_eq!(OffToken::parse(&token.text()), Some(token.clone()));
        for (member, parcel, secret) in [(8, "reply", "low water"), (7, "alert", "low water"), (7, "reply", "high")] {
            assert_ne!(OffToken::of(MemberId(member), parcel, secret.as_bytes()).signature, token.signature);
        }
        for wrong in
            ["", "7.reply", "7.gull.00", &format!("7.reply.{}", "é".repeat(16)), &format!("{}.x", token.text())]
        {
            assert_eq!(OffToken::parse(wrong), None, "{wrong}");
        }
    }
}
