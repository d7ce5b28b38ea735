//! The list of a member's notifications.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::described;
use crate::edge::account::minute;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::store::{NoticeKind, NoticePlace};

/// How many a page lists.
const LISTED: usize = 50;

/// `GET /notifications`
pub(super) async fn list(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let place = match query.get("before") {
        "" => NoticePlace::NEWEST,
        text => place(text).ok_or(Refusal::Invalid("There is no such place in the list.".into()))?,
    };
    // One more tells whether there is a next page.
    let mut found = sessions.store().notices(member, place, LISTED + 1).await?;
    let has_more = found.len() > LISTED;
    found.truncate(LISTED);
    let next =
        found.last().filter(|_| has_more).map(|last| format!("{}.{}", last.created_at.as_microsecond(), last.id));
    let until = found.first().map(|first| first.created_at.as_microsecond());
    let listed: Vec<Value> = found
        .iter()
        .map(|notice| {
            json!({
                "id": notice.id,
                "kind": NoticeKind::parse(&notice.kind).map(|kind| described(kind).0),
                "subject": notice.subject,
                "link": notice.link,
                "when": minute(notice.created_at),
                "is_read": notice.is_read,
            })
        })
        .collect();
    let data = json!({
        "has_unread": found.iter().any(|notice| !notice.is_read),
        "notices": listed,
        "until": until,
        "is_first": place == NoticePlace::NEWEST,
        "next": next,
    });
    reader.form_page("notification/list", "Notifications", data)
}

fn place(text: &str) -> Option<NoticePlace> {
    let (created_at, id) = text.split_once('.')?;
    Some(NoticePlace { created_at: Timestamp::from_microsecond(created_at.parse().ok()?).ok()?, id: id.parse().ok()? })
}

/// `POST /notifications/read`
pub(super) async fn read(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let now = Timestamp::now();
    let wrong = || Refusal::Invalid("There is no such notification.".into());
    if form.get("id") == "all" {
        // Those that the page has shown: what came since is unread.
        let until = form.get("until").parse().ok().and_then(|until| Timestamp::from_microsecond(until).ok());
        sessions.store().read_all_notices(member, until.ok_or_else(wrong)?, now).await?;
    } else {
        let id = form.get("id").parse().map_err(|_| wrong())?;
        if !sessions.store().read_notice(member, id, now).await? {
            return Err(Refusal::NotFound);
        }
    }
    sessions.edge().notices().count_differs(member);
    Ok(see_other("/notifications"))
}
