//! Everything that is held about a member, as JSON for them to take along.
//!
//! [`PARTS`] is the list: a room that keeps something about members adds a line there.

use std::pin::Pin;

use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::limits;
use crate::edge::headers;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Reader, Sessions};
use crate::store::{EventPlace, KEPT_READS, KEPT_SEARCHES, Member, QueuePlace, ReadingList, TextSize, Theme};

/// How many events are asked for at once.
const EVENTS: usize = 500;

/// One part of what is held about a member.
type Part = for<'a> fn(&'a Sessions, &'a Member) -> Pin<Box<dyn Future<Output = Result<Value, Refusal>> + Send + 'a>>;

/// Each part by its name.
const PARTS: &[(&str, Part)] = &[
    ("account", |_, member| Box::pin(async { Ok(account(member)) })),
    ("sessions", |sessions, member| Box::pin(open_sessions(sessions, member))),
    ("history", |sessions, member| Box::pin(history(sessions, member))),
    ("kept_pages", |sessions, member| Box::pin(list(sessions, member, ReadingList::Kept))),
    ("followed", |sessions, member| Box::pin(list(sessions, member, ReadingList::Followed))),
    ("searches", |sessions, member| Box::pin(searches(sessions, member))),
    ("comments", |sessions, member| Box::pin(comments(sessions, member))),
    ("security_events", |sessions, member| Box::pin(events(sessions, member))),
];

/// `POST /account/export`
pub(super) async fn export(sessions: Sessions, reader: Reader, _: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    limits::export(&sessions, member.id).await?;
    let now = Timestamp::now();
    sessions.store().note_export(member.id, reader.seen_as(), now).await?;
    let mut all = Map::new();
    all.insert("exported_at".to_owned(), json!(now));
    for (name, part) in PARTS {
        all.insert((*name).to_owned(), part(&sessions, member).await?);
    }
    let text = serde_json::to_string_pretty(&Value::Object(all))
        .map_err(|error| Refusal::fault("an export cannot be written", &error))?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, headers::JSON);
    let to_be_saved = HeaderValue::from_static("attachment; filename=\"account.json\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, to_be_saved);
    Ok(response)
}

async fn list(sessions: &Sessions, member: &Member, list: ReadingList) -> Result<Value, Refusal> {
    let found = sessions.store().reading_list(list, member.id).await?;
    Ok(found.into_iter().map(|(path, since)| json!({ "path": path, "since": since })).collect())
}

async fn searches(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let found = sessions.store().searches(member.id, KEPT_SEARCHES).await?;
    Ok(found.into_iter().map(|(words, at)| json!({ "words": words, "searched_at": at })).collect())
}

/// Some at a time: there may be thousands.
async fn comments(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let (mut all, mut place) = (Vec::new(), QueuePlace::NEWEST);
    loop {
        let some = sessions.store().comments_of_member(member.id, place, EVENTS).await?;
        let Some(last) = some.last() else { return Ok(all.into()) };
        place = QueuePlace::of(last);
        all.extend(some.iter().map(|comment| {
            json!({
                "page": comment.page, "text": comment.source, "state": comment.state.word(),
                "written_at": comment.created_at,
            })
        }));
    }
}

fn account(member: &Member) -> Value {
    json!({
        "id": member.id.number(),
        "email": member.email,
        "name": member.name,
        "created_at": member.created_at,
        "role": member.role,
        "tier": member.tier,
        "has_password": member.has_password,
        "preferences": {
            "theme": member.preferences.theme.map(Theme::word),
            "text_size": member.preferences.text_size.map(TextSize::word),
        },
        "keeps_history": member.keeps_history,
    })
}

async fn open_sessions(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let listed = sessions.store().sessions_of(member.id, Timestamp::now()).await?;
    let listed = listed.into_iter().map(
        |session| json!({ "began_at": session.created_at, "last_used_at": session.seen_at, "browser": session.agent }),
    );
    Ok(listed.collect())
}

async fn history(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let read = sessions.store().history(member.id, KEPT_READS).await?;
    let read = read.into_iter().map(
        |read| json!({ "path": read.path, "read_at": read.read_at, "position": read.position, "anchor": read.anchor }),
    );
    Ok(read.collect())
}

async fn events(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let (mut all, mut place) = (Vec::new(), EventPlace::NEWEST);
    loop {
        let found = sessions.store().security_events(member.id, place, EVENTS).await?;
        let Some(last) = found.last() else { return Ok(all.into()) };
        place = EventPlace::of(last);
        all.extend(found.iter().map(|event| {
            json!({
                "kind": event.kind.map(|kind| kind.word()),
                "happened_at": event.happened_at,
                "browser": event.client.agent,
                "network": event.client.network,
            })
        }));
    }
}
