//! Listing accounts, and showing one.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::change::nobody;
use super::{State, must_be_tier};
use crate::cli::{Outcome, diagnostics};
use crate::site::audience::{Role, TierName, Tiers};
use crate::store::{EmailAddress, EventPlace, Member, MemberFilter, MemberState, Store};

/// How many events `show` lists.
const EVENTS: usize = 10;

/// `littoral user list`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Only those with this role
    #[arg(long)]
    role: Option<Role>,
    /// Only those with this tier
    #[arg(long)]
    tier: Option<TierName>,
    /// Only those in this state
    #[arg(long)]
    state: Option<State>,
    /// Only those with these letters in their address or name
    #[arg(long, value_name = "TEXT", default_value = "")]
    find: String,
    /// Only those behind this address: the last one of the page before
    #[arg(long, value_name = "EMAIL", default_value = "")]
    after: String,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// As one JSON list
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(store: &Store, options: &Options, tiers: &Tiers) -> anyhow::Result<Outcome> {
    if let Some(tier) = &options.tier {
        must_be_tier(tiers, tier)?;
    }
    let filter = MemberFilter {
        role: options.role,
        tier: options.tier.clone(),
        state: options.state.map(MemberState::from),
        part: options.find.clone(),
    };
    let limit = usize::from(options.limit);
    // One more tells whether there is a next page.
    let mut found = store.members(filter, &options.after.to_ascii_lowercase(), limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    if options.json {
        let all: Vec<Value> = found.iter().map(in_json).collect();
        diagnostics::print_lines(&[serde_json::to_string_pretty(&all)?]);
        return Ok(Outcome::Done);
    }
    if found.is_empty() {
        diagnostics::print_lines(&["there are no such accounts".to_owned()]);
        return Ok(Outcome::Done);
    }
    let cells: Vec<[String; 6]> = found
        .iter()
        .map(|member| {
            let state = MemberState::of(member);
            [
                member.email.clone(),
                member.name.clone(),
                member.role.to_string(),
                member.tier.as_ref().or(tiers.all().first()).map_or_else(String::new, TierName::to_string),
                state.word().to_owned(),
                day(member.created_at),
            ]
        })
        .collect();
    let mut lines = table(["email", "name", "role", "tier", "state", "since"], &cells);
    if let Some(last) = found.last().filter(|_| has_more) {
        lines.push(format!("there are more: `--after {}` lists them", last.email));
    }
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

pub(super) async fn show(store: &Store, email: &EmailAddress, json: bool) -> anyhow::Result<Outcome> {
    let Some(member) = store.member_at(email).await? else { return nobody(email) };
    let now = Timestamp::now();
    let sessions = store.sessions_of(member.id, now).await?;
    let events = store.security_events(member.id, EventPlace::NEWEST, EVENTS).await?;
    if json {
        let mut all = in_json(&member);
        all["sessions"] = sessions.len().into();
        let event = |event: &crate::store::SecurityEvent| {
            json!({
                "kind": event.kind.map(|kind| kind.word()),
                "happened_at": event.happened_at,
                "browser": event.client.agent,
                "network": event.client.network,
            })
        };
        all["security_events"] = events.iter().map(event).collect();
        diagnostics::print_lines(&[serde_json::to_string_pretty(&all)?]);
        return Ok(Outcome::Done);
    }
    let mut lines = vec![
        format!("{} ({})", member.name, member.email),
        format!("  role      {}", member.role),
        format!("  tier      {}", member.tier.as_ref().map_or("the first", TierName::as_str)),
        format!("  state     {}", MemberState::of(&member).word()),
        format!("  since     {}", day(member.created_at)),
        format!("  password  {}", if member.has_password { "yes" } else { "no: by links alone" }),
        format!("  sessions  {}", sessions.len()),
    ];
    lines.extend(member.delete_at.map(|until| format!("  deleted   on {}", day(until))));
    for event in &events {
        let what = event.kind.map_or("?", |kind| kind.said());
        let when = event.happened_at.strftime("%Y-%m-%d %H:%M");
        lines.push(format!("  {when}  {what}  {}", event.client.network).trim_end().to_owned());
    }
    diagnostics::print_lines(&lines);
    Ok(Outcome::Done)
}

fn in_json(member: &Member) -> Value {
    json!({
        "id": member.id.number(),
        "email": member.email,
        "name": member.name,
        "role": member.role,
        "tier": member.tier,
        "state": MemberState::of(member).word(),
        "created_at": member.created_at,
        "has_password": member.has_password,
        "disabled_at": member.disabled_at,
        "delete_at": member.delete_at,
    })
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Columns as wide as their widest cell, two blanks between them.
fn table<const COLUMNS: usize>(head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> Vec<String> {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([head[at].chars().count()]).max().unwrap_or_default()
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |cells: [&str; COLUMNS]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    [line(head)].into_iter().chain(rows).collect()
}
