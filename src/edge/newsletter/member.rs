//! The newsletter of who is signed in.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{chosen, subscribe, topics};
use crate::edge::refusal::Refusal;
use crate::edge::session::{Form, Reader, Sessions};
use crate::store::{EmailAddress, Member};

/// What a member gets of it, for a template; null when there is no newsletter.
pub(in crate::edge) async fn of_member(sessions: &Sessions, member: &Member) -> Result<Value, Refusal> {
    let newsletter = sessions.edge().release().site.edge.newsletter.clone();
    let Some(email) = EmailAddress::parse(&member.email).ok().filter(|_| newsletter.open) else {
        return Ok(Value::Null);
    };
    let found = sessions.store().subscription_of(&email).await?.filter(|found| found.is_subscribed);
    let is_chosen = |name: &str| found.as_ref().is_none_or(|found| found.topics.iter().any(|known| known == name));
    Ok(json!({ "is_subscribed": found.is_some(), "topics": topics(&newsletter, is_chosen) }))
}

/// Does what a member has chosen in a form. Who begins is asked to confirm as everybody is: an
/// account says nothing of whose the mailbox is. Gives the word for what was done.
pub(in crate::edge) async fn choose_as_member(
    sessions: &Sessions,
    reader: &Reader,
    form: &Form,
    email: EmailAddress,
    now: Timestamp,
) -> Result<&'static str, Refusal> {
    let newsletter = sessions.edge().release().site.edge.newsletter.clone();
    if !newsletter.open || form.get("has-newsletter").is_empty() {
        return Ok("kept");
    }
    let found = sessions.store().subscription_of(&email).await?.filter(|found| found.is_subscribed);
    let wanted = chosen(&newsletter, form);
    match (found, !form.get("newsletter").is_empty()) {
        (Some(found), true) => {
            sessions.store().choose_topics(&found.token, &wanted).await?;
            Ok("kept")
        }
        (Some(found), false) => {
            sessions.store().leave_newsletter(&found.token, now).await?;
            Ok("kept")
        }
        (None, true) => {
            subscribe::wish(sessions.edge(), reader, &newsletter, email, wanted).await?;
            Ok("asked")
        }
        (None, false) => Ok("kept"),
    }
}
