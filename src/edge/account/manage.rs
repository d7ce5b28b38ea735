//! What a member sees of their account, and does with it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::forms::Errors;
use super::letter::must_go;
use super::sign_in::again_if;
use super::{by_link, limits, password};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other, set};
use crate::edge::{history, preferences};
use crate::store::{BY_COMMAND, EmailAddress, EventPlace, Purpose, SecurityEvent, SessionId};

/// How long ago somebody without a password may have signed in to do what others confirm with
/// theirs.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// How many events the account shows, and how many a page of its own.
const EVENTS: (usize, usize) = (5, 50);
/// For somebody without a password who has signed in too long ago.
const NOT_FRESH: &str = "You signed in more than 15 minutes ago. Ask for a link below, and do this after it.";
/// For a password that is another one.
const WRONG: &str = "This is not your password.";

/// What may be said after a deed, by the word in `?done=`: fixed texts, so that a link
/// cannot put words into the page.
const SAID: [(&str, &str); 10] = [
    ("sessions", "The session has ended."),
    ("password", "Your password is changed. All other sessions have ended."),
    ("password-removed", "You have no password now: you sign in by a link. All other sessions have ended."),
    ("address-asked", "Look into both mailboxes, the old one and the new one: each has a letter with a link."),
    ("address", "Your address is changed. All other sessions have ended."),
    ("link", "Look into your mailbox: the link in the letter signs you in anew."),
    ("preferences", "Your preferences are saved."),
    ("cleared", "Your history is empty."),
    ("history-on", "The pages that you read are remembered from now on."),
    ("history-off", "Your history is deleted, and nothing is remembered from now on."),
];

/// Whether somebody has shown once more who they are.
pub(super) enum Confirmed {
    Yes,
    /// They have not; why, in words.
    No(&'static str),
}

/// `GET /account`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    account_page(&sessions, &reader, Errors::default(), said).await
}

/// `POST /account/sessions`
pub(super) async fn revoke(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let (store, by, now) = (sessions.store(), reader.seen_as(), Timestamp::now());
    match (form.get("session"), reader.session()) {
        ("others", Some(own)) => {
            store.revoke_other_sessions(member, own.digest, by, now).await?;
        }
        (number, _) => {
            let number = number.parse().map_err(|_| Refusal::Invalid("There is no such session.".into()))?;
            if !store.revoke_session(member, SessionId::from_number(number), by, now).await? {
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
    let title = &sessions.edge().release().site.title;
    if let Some(words) = password::refused(wanted, &[&member.email, &member.name, title]) {
        return account_page(&sessions, &reader, Errors::one("new_password", words), None).await;
    }
    if let Confirmed::No(words) = confirmed(&sessions, &reader, &form).await? {
        return account_page(&sessions, &reader, Errors::one("password", words), None).await;
    }
    keep_password(&sessions, &reader, password::hash(wanted).await?, "password").await
}

/// `POST /account/password/remove`
pub(super) async fn remove_password(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    if let Confirmed::No(words) = confirmed(&sessions, &reader, &form).await? {
        return account_page(&sessions, &reader, Errors::one("remove_password", words), None).await;
    }
    keep_password(&sessions, &reader, String::new(), "password-removed").await
}

async fn keep_password(
    sessions: &Sessions,
    reader: &Reader,
    hashed: String,
    done: &'static str,
) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let own =
        EmailAddress::parse(&member.email).map_err(|error| Refusal::fault("a member's address is none", &error))?;
    let template = if hashed.is_empty() { "password-removed" } else { "password-changed" };
    let told = must_go((&sessions.edge().release(), reader), template, &own, json!({})).await?;
    sessions.store().change_password(member.id, hashed, told, reader.seen_as(), Timestamp::now()).await?;
    sessions.edge().outbox_filled();
    // All sessions have ended, this one too: rights have changed, so the token does.
    let cookie = sessions.begin(reader, Some(member.id), reader.preferences()).await?;
    Ok(set(see_account(done), &cookie))
}

/// `POST /account/again`: a link to their own address, for who has to sign in anew.
pub(super) async fn sign_in_again(sessions: Sessions, reader: Reader, _: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?;
    let own =
        EmailAddress::parse(&member.email).map_err(|error| Refusal::fault("a member's address is none", &error))?;
    by_link::send(&sessions, &reader, &own, Purpose::SignIn, None).await?;
    Ok(see_account("link"))
}

/// `GET /account/events`
pub(super) async fn events(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let no_place = || Refusal::Invalid("There is no such place in the list.".into());
    let place = match query.get("before") {
        "" => EventPlace::NEWEST,
        text => place(text).ok_or_else(no_place)?,
    };
    // One more tells whether there is a next page.
    let mut found = sessions.store().security_events(member, place, EVENTS.1 + 1).await?;
    let has_more = found.len() > EVENTS.1;
    found.truncate(EVENTS.1);
    let last = found.last().filter(|_| has_more).map(EventPlace::of);
    let data = json!({
        "events": found.iter().map(shown).collect::<Vec<_>>(),
        "is_first": place == EventPlace::NEWEST,
        "next": last.map(|place| format!("{}.{}", place.happened_at, place.id)),
    });
    reader.form_page("account/events", "Security events", data)
}

fn place(text: &str) -> Option<EventPlace> {
    let (happened_at, id) = text.split_once('.')?;
    Some(EventPlace { happened_at: happened_at.parse().ok()?, id: id.parse().ok()? })
}

fn shown(event: &SecurityEvent) -> Value {
    json!({
        "what": event.kind.map_or("Something that this program does not know", |kind| kind.said()),
        "when": minute(event.happened_at),
        "browser": described(&event.client.agent),
        "network": event.client.network,
    })
}

/// Sends a member to their account, where it is said what was done.
pub(in crate::edge) fn see_account(done: &'static str) -> Response {
    see_other(&format!("/account?done={done}"))
}

/// Whether the form holds the member's password; of who has none: whether they have signed in
/// just now.
pub(super) async fn confirmed(sessions: &Sessions, reader: &Reader, form: &Form) -> Result<Confirmed, Refusal> {
    let member = reader.must_be_member()?;
    if !member.has_password {
        return Ok(if is_fresh(reader) { Confirmed::Yes } else { Confirmed::No(NOT_FRESH) });
    }
    let attempts = limits::confirm(sessions, member.id).await?;
    let known = sessions.store().password_of(member.id).await?.filter(|known| !known.is_empty());
    if !password::is_right(form.get("password"), known.as_deref()).await? {
        return Ok(Confirmed::No(WRONG));
    }
    sessions.store().forgive(attempts).await?;
    Ok(Confirmed::Yes)
}

fn is_fresh(reader: &Reader) -> bool {
    reader.session().is_some_and(|session| Timestamp::now().duration_since(session.created_at) < FRESH)
}

pub(super) async fn account_page(
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
    let events = sessions.store().security_events(member.id, EventPlace::NEWEST, EVENTS.0).await?;
    let data = json!({
        "said": said,
        "errors": errors.json(),
        "name": member.name,
        "email": member.email,
        "since": day(member.created_at),
        "has_others": list.len() > 1,
        "sessions": list,
        "events": events.iter().map(shown).collect::<Vec<_>>(),
        "has_password": member.has_password,
        "must_sign_in": !member.has_password && !is_fresh(reader),
        "deletion_days": sessions.edge().release().site.edge.deletion_days,
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
        (BY_COMMAND, "The command line"),
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

pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

/// In UTC, and says so: the edge does not know where its reader is.
pub(in crate::edge) fn minute(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
