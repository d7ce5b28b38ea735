//! What has happened, at the desk: security events of all accounts, and what was done by whom.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{desk, must_be_admin};
use crate::edge::account::minute;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Query, Reader, Sessions};
use crate::store::{EventPlace, SecurityEvent};

/// How many a page lists.
const LISTED: usize = 50;

/// The place behind which a page begins, as it stands in an address.
fn place(query: &Query) -> Result<Option<(i64, i64)>, Refusal> {
    let parse = |text: &str| {
        let (at, id) = text.split_once('.')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    match query.get("before") {
        "" => Ok(None),
        text => parse(text).map(Some).ok_or(Refusal::Invalid("There is no such place in the list.".into())),
    }
}

/// `GET /admin/events`
pub(super) async fn events(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_admin(&reader)?;
    let before = place(&query)?;
    let from = before.map_or(EventPlace::NEWEST, |(happened_at, id)| EventPlace { happened_at, id });
    let mut found = sessions.store().all_security_events(from, LISTED + 1).await?;
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let next = found.last().filter(|_| has_more).map(|(event, _)| EventPlace::of(event));
    let listed = found.iter().map(|(event, email)| {
        let mut shown = shown(event);
        shown["email"] = json!(email);
        shown
    });
    let data = json!({
        "desk": desk(&reader, "/admin/events"),
        "events": listed.collect::<Vec<_>>(),
        "is_first": before.is_none(),
        "next": next.map(|place| format!("{}.{}", place.happened_at, place.id)),
    });
    reader.form_page("admin/events", "Security events", data)
}

/// An event, for a template.
pub(super) fn shown(event: &SecurityEvent) -> Value {
    json!({
        "what": event.kind.map_or("Something that this program does not know", |kind| kind.said()),
        "when": minute(event.happened_at),
        "network": event.client.network,
    })
}

/// `GET /admin/audit`
pub(super) async fn audit(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    must_be_admin(&reader)?;
    let before = place(&query)?;
    let from = before.and_then(|(at, id)| Some((Timestamp::from_microsecond(at).ok()?, id)));
    let mut found = sessions.store().audit(from, LISTED + 1).await?;
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let next = found.last().filter(|_| has_more).map(|note| format!("{}.{}", note.at.as_microsecond(), note.id));
    let listed = found
        .iter()
        .map(|note| json!({ "actor": note.actor, "deed": note.deed, "what": note.what, "at": minute(note.at) }));
    let data = json!({
        "desk": desk(&reader, "/admin/audit"),
        "notes": listed.collect::<Vec<_>>(),
        "is_first": before.is_none(),
        "next": next,
    });
    reader.form_page("admin/audit", "Audit", data)
}
