//! What a member sees of their account, and does with it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::forms::Errors;
use super::sign_in::{again_if, without_traces};
use super::{limits, password};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other, set};
use crate::edge::{history, preferences};
use crate::store::SessionId;

/// What may be said after a deed, by the word in `?done=`: fixed texts, so that a link
/// cannot put words into the page.
const SAID: [(&str, &str); 6] = [
    ("sessions", "The session has ended."),
    ("password", "Your password is changed. All other sessions have ended."),
    ("preferences", "Your preferences are saved."),
    ("cleared", "Your history is empty."),
    ("history-on", "The pages that you read are remembered from now on."),
    ("history-off", "Your history is deleted, and nothing is remembered from now on."),
];

/// `GET /account`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    account_page(&sessions, &reader, Errors::default(), said).await
}

/// `POST /account/sessions`
pub(super) async fn revoke(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    match (form.get("session"), reader.session()) {
        ("others", Some(own)) => {
            sessions.store().revoke_other_sessions(member, own.digest).await?;
        }
        (number, _) => {
            let number = number.parse().map_err(|_| Refusal::Invalid("There is no such session.".into()))?;
            if !sessions.store().revoke_session(member, SessionId::from_number(number)).await? {
                return Err(Refusal::NotFound);
            }
        }
    }
    Ok(see_account("sessions"))
}

/// `POST /account/password`
pub(super) async fn change_password(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let wanted = form.get("new_password");
    if let Some(words) = password::refused(wanted, &member.email, &member.name) {
        return account_page(&sessions, &reader, Errors::one("new_password", words), None).await;
    }
    if !is_confirmed(&sessions, &reader, &form).await? {
        return account_page(&sessions, &reader, Errors::one("password", "This is not your password."), None).await;
    }
    let hashed = password::hash(wanted).await?;
    sessions.store().change_password(member.id, hashed).await?;
    // All sessions have ended, this one too: rights have changed, so the token does.
    let cookie = sessions.begin(&reader, Some(member.id), reader.preferences()).await?;
    Ok(set(see_account("password"), &cookie))
}

/// `POST /account/delete`
pub(super) async fn delete(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    if !is_confirmed(&sessions, &reader, &form).await? {
        let errors = Errors::one("delete_password", "This is not your password. Nothing was deleted.");
        return account_page(&sessions, &reader, errors, None).await;
    }
    sessions.store().delete_member(member.id).await?;
    Ok(without_traces(&reader, see_other("/login?done=deleted")))
}

/// Sends a member to their account, where it is said what was done.
pub(in crate::edge) fn see_account(done: &'static str) -> Response {
    see_other(&format!("/account?done={done}"))
}

/// Whether the form holds the member's password.
async fn is_confirmed(sessions: &Sessions, reader: &Reader, form: &Form) -> Result<bool, Refusal> {
    let member = reader.must_be_member()?.id;
    let attempts = limits::confirm(sessions, member).await?;
    let known = sessions.store().password_of(member).await?;
    let is_right = password::is_right(form.get("password"), known.as_deref()).await?;
    if is_right {
        sessions.store().forgive(attempts).await?;
    }
    Ok(is_right)
}

async fn account_page(
    sessions: &Sessions,
    reader: &Reader,
    errors: Errors,
    said: Option<&str>,
) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let is_again = !errors.is_empty();
    let own = reader.session().map(|session| session.id);
    let list: Vec<Value> = sessions
        .store()
        .sessions_of(member.id, Timestamp::now())
        .await?
        .into_iter()
        .map(|session| {
            json!({
                "id": session.id.number(),
                "is_this": Some(session.id) == own,
                "agent": described(&session.agent),
                "created": day(session.created_at),
                "seen": minute(session.seen_at),
            })
        })
        .collect();
    let data = json!({
        "said": said,
        "errors": errors.json(),
        "name": member.name,
        "email": member.email,
        "since": day(member.created_at),
        "has_others": list.len() > 1,
        "sessions": list,
        "preferences": preferences::choices(reader.preferences()),
        "keeps_history": member.keeps_history,
        "history": history::list(sessions, member.id, history::SHOWN).await?,
    });
    reader.form_page("account/account", "Your account", data).map(|page| again_if(is_again, page))
}

/// A browser and its system in words, from `User-Agent`; the first that fits, because later
/// browsers name the earlier ones.
pub(in crate::edge) fn described(agent: &str) -> String {
    let first =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

/// In UTC, and says so: the edge does not know where its reader is.
pub(in crate::edge) fn minute(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
