//! Signing in with a password, signing out, and what every way in ends with.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use warp::Reply;

use super::forms::Errors;
use super::letter::Token;
use super::{limits, next, password};
use crate::edge::access;
use crate::edge::page::Page;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Cookie, Form, Query, Reader, Sessions, see_other, set};
use crate::store::{EmailAddress, Entered, Preferences, Proof};

/// Where members are at home.
const HOME: &str = "/account";
/// What may be said before logging in, by the word in `?done=`.
const SAID: [(&str, &str); 4] = [
    ("out", "You are signed out."),
    ("deleted", "Your account is deleted."),
    ("leaving", "Your account will be deleted, and a letter says when. Until then, sign in to keep it."),
    ("address", "Your address is changed. Sign in with the new one."),
];
/// The same for an unknown address and a wrong password.
const NO_MATCH: &str = "This address and this password do not belong together.";

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
    let known = found.as_ref().map(|(_, password)| password.as_str()).filter(|password| !password.is_empty());
    if !password::is_right(form.get("password"), known).await? {
        sessions.store().sign_in_failed(&email, reader.seen_as(), Timestamp::now()).await?;
        return again(Errors::one("password", NO_MATCH));
    }
    let Some((member, mut hashed)) = found else {
        return again(Errors::one("password", NO_MATCH));
    };
    attempt.succeeded(&sessions).await?;
    if password::is_of_old(&hashed) {
        let stronger = password::hash(form.get("password")).await?;
        sessions.store().keep_stronger_hash(member.id, hashed, stronger.clone()).await?;
        hashed = stronger;
    }
    enter(&sessions, &reader, Proof::Password(member.id, hashed), next).await
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

/// Lets in who has shown `proof`, or says what stops them. `next` comes before where a link
/// leads to.
pub(super) async fn enter(
    sessions: &Sessions,
    reader: &Reader,
    proof: Proof,
    next: Option<String>,
) -> Result<Response, Refusal> {
    let stay = Token::random()?;
    let (entered, cookie) = sessions.enter(reader, proof, stay.digest()).await?;
    match entered {
        Entered::In { member, next: wanted } => {
            access::merge_meter(sessions, reader, member.id).await;
            let wanted = next.or_else(|| next::path(&wanted));
            let transport = reader.transport();
            let response = set(see_other(wanted.as_deref().unwrap_or(HOME)), &cookie);
            let response = set(response, &Cookie::no_form(transport));
            Ok(set(response, &Cookie::look(transport, member.preferences.or(reader.carried()))))
        }
        Entered::Leaving(until) => {
            let data = json!({ "token": stay.text(), "until": super::manage::day(until) });
            reader.form_page("account/stay", "Keep your account?", data)
        }
        Entered::Disabled => {
            Err(Refusal::Forbidden("This account is disabled. Whoever runs this site can tell you why.".into()))
        }
        Entered::AddressTaken => Ok(dead_end(reader, "This address has an account", "Sign in with it instead.")),
        Entered::NoLink => Ok(no_link(reader)),
        Entered::OtherPassword => login_page(reader, Errors::one("password", NO_MATCH), "", next, None),
    }
}

/// For a link that is good no more, or never was.
pub(super) fn no_link(reader: &Reader) -> Response {
    let words = "A link is good once, and for a while. This one was used, or is too old, or was cut on its way here.";
    dead_end(reader, "This link is of no use any more", words)
}

/// A page from which one begins again.
fn dead_end(reader: &Reader, title: &str, message: &str) -> Response {
    let page = Page::new("account/dead-end", title, json!({ "title": title, "message": message }));
    reader.dress(page.with_status(StatusCode::GONE)).into_response()
}

pub(super) fn login_page(
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
pub(super) fn encoded(next: &Option<String>) -> Option<String> {
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
