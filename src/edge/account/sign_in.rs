//! Registering, logging in, logging out.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::forms::{Errors, Registering};
use super::{limits, next, password};
use crate::edge::access;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Cookie, Form, Query, Reader, Sessions, see_other, set};
use crate::store::{EmailAddress, MemberId, NewMember, Preferences, Registration};

/// Where members are at home.
const HOME: &str = "/account";
/// What may be said before logging in, by the word in `?done=`.
const SAID: [(&str, &str); 2] = [("out", "You are signed out."), ("deleted", "Your account is deleted.")];
/// The same for an unknown address and a wrong password.
const NO_MATCH: &str = "This address and this password do not belong together.";

/// `GET /register`
pub(super) async fn show_register(_: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let next = next::path(query.get("next"));
    if reader.member().is_some() {
        return Ok(see_other(next.as_deref().unwrap_or(HOME)));
    }
    register_page(&reader, Errors::default(), "", "", next)
}

/// `POST /register`
pub(super) async fn register(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let next = next::path(form.get("next"));
    let again = |errors| register_page(&reader, errors, form.get("email"), form.get("name"), next.clone());
    let wish = match Registering::parse(&form) {
        Ok(wish) => wish,
        Err(errors) => return again(errors),
    };
    limits::register(&sessions, &reader).await?;
    let new = NewMember {
        password: password::hash(&wish.password).await?,
        email: wish.email,
        name: wish.name,
        preferences: reader.carried(),
    };
    let chosen = new.preferences;
    match sessions.store().register(new, Timestamp::now()).await? {
        Registration::Made(member) => enter(&sessions, &reader, member, chosen, next).await,
        Registration::AddressTaken => again(Errors::one(
            "email",
            "This address cannot be used for a new account. If it is yours, you may have one already: sign in instead.",
        )),
    }
}

/// `GET /login`
pub(super) async fn show_login(_: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let next = next::path(query.get("next"));
    if reader.member().is_some() {
        return Ok(see_other(next.as_deref().unwrap_or(HOME)));
    }
    let said = SAID.iter().find(|(done, _)| *done == query.get("done")).map(|(_, said)| *said);
    login_page(&reader, Errors::default(), "", next, said)
}

/// `POST /login`
pub(super) async fn log_in(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let next = next::path(form.get("next"));
    let again = |errors| login_page(&reader, errors, form.get("email"), next.clone(), None);
    let Ok(email) = EmailAddress::parse(form.get("email")) else {
        return again(Errors::one("email", "Please give the e-mail address of your account."));
    };
    let attempt = limits::log_in(&sessions, &reader, &email).await?;
    let found = sessions.store().member_by_email(&email).await?;
    let known = found.as_ref().map(|(_, password)| password.as_str());
    if !password::is_right(form.get("password"), known).await? {
        return again(Errors::one("password", NO_MATCH));
    }
    let Some((member, hashed)) = found else {
        return again(Errors::one("password", NO_MATCH));
    };
    attempt.succeeded(&sessions).await?;
    if password::is_of_old(&hashed) {
        let stronger = password::hash(form.get("password")).await?;
        sessions.store().keep_stronger_hash(member.id, hashed, stronger).await?;
    }
    let chosen = member.preferences.or(reader.carried());
    enter(&sessions, &reader, member.id, chosen, next).await
}

/// `POST /logout`
///
/// The look stays in this browser: it is the machine's light and the reader's eyes that it
/// was chosen for.
pub(super) async fn log_out(sessions: Sessions, reader: Reader, _: Form) -> Result<Response, Refusal> {
    let response = see_other("/login?done=out");
    let (transport, chosen) = (reader.transport(), reader.left_with());
    let session = match reader.session() {
        // A visitor's session with what was chosen, in the place of the old one.
        Some(_) if chosen != Preferences::default() => sessions.begin(&reader, None, chosen).await?,
        Some(session) => {
            sessions.store().end_session(session.digest).await?;
            Cookie::no_session(transport)
        }
        None => return Ok(set(response, &Cookie::no_session(transport))),
    };
    Ok(set(set(response, &session), &Cookie::look(transport, chosen)))
}

/// `response`, leaving nothing of an account in the browser that is no more.
pub(super) fn without_traces(reader: &Reader, response: Response) -> Response {
    let transport = reader.transport();
    let response = set(response, &Cookie::no_session(transport));
    set(response, &Cookie::look(transport, Preferences::default()))
}

/// Begins the session of `member` in the place of what the reader had.
async fn enter(
    sessions: &Sessions,
    reader: &Reader,
    member: MemberId,
    chosen: Preferences,
    next: Option<String>,
) -> Result<Response, Refusal> {
    access::merge_meter(sessions, reader, member).await;
    let cookie = sessions.begin(reader, Some(member), reader.carried()).await?;
    let transport = reader.transport();
    let response = set(see_other(next.as_deref().unwrap_or(HOME)), &cookie);
    let response = set(response, &Cookie::no_form(transport));
    Ok(set(response, &Cookie::look(transport, chosen)))
}

fn register_page(
    reader: &Reader,
    errors: Errors,
    email: &str,
    name: &str,
    next: Option<String>,
) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data =
        json!({ "errors": errors.json(), "email": email, "name": name, "next": next, "next_encoded": encoded(&next) });
    reader.form_page("account/register", "Create an account", data).map(|page| again_if(is_again, page))
}

fn login_page(
    reader: &Reader,
    errors: Errors,
    email: &str,
    next: Option<String>,
    said: Option<&str>,
) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data =
        json!({ "errors": errors.json(), "email": email, "next": next, "next_encoded": encoded(&next), "said": said });
    reader.form_page("account/login", "Sign in", data).map(|page| again_if(is_again, page))
}

/// `next` as it stands in a query.
fn encoded(next: &Option<String>) -> Option<String> {
    let next = next.as_deref()?;
    Some(percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC).to_string())
}

/// A form that comes back with what is wrong has status 422.
pub(super) fn again_if(is_again: bool, mut response: Response) -> Response {
    if is_again {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}
