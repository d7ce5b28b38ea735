//! Signing in by a link in a letter, and a new password by one.
//!
//! The page of a link has a button and does nothing by itself: programs that look through mail
//! follow links. It says whose account it is, so that nobody is signed in to another's unawares.

use jiff::Timestamp;
use serde_json::json;

use super::forms::Errors;
use super::letter::{self, SIGN_IN_LIVES, Token, with_link};
use super::sign_in::{again_if, enter, login_page, no_link};
use super::{limits, next, password};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::site::audience::Role;
use crate::store::{Asked, EmailAddress, Link, Proof, Purpose};

const NO_ADDRESS: &str = "Please give an e-mail address, such as ann@example.org.";

/// What is said after something was asked for that comes by letter, by the word in `?for=`: title
/// and words. Whether there is an account is said nowhere but in the letter.
const SENT: [(&str, &str); 3] = [
    ("link", "The link in it signs you in, once, within 10 minutes."),
    ("password", "The link in it lets you choose a new password, once, within 10 minutes."),
    ("register", "The link in it makes your account, once, within 24 hours."),
];

/// `POST /login/ask`
pub(super) async fn ask(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let next = next::path(form.get("next"));
    let Ok(email) = EmailAddress::parse(form.get("email")) else {
        return login_page(&reader, Errors::one("address", NO_ADDRESS), form.get("email"), next, None);
    };
    send(&sessions, &reader, &email, Purpose::SignIn, next).await?;
    Ok(see_other("/login/sent?for=link"))
}

/// Sends a link to `email`, or says there that nobody has an account with it.
pub(super) async fn send(
    sessions: &Sessions,
    reader: &Reader,
    email: &EmailAddress,
    purpose: Purpose,
    next: Option<String>,
) -> Result<(), Refusal> {
    limits::letter(sessions, reader, email).await?;
    let token = Token::random()?;
    let (path, template) = match purpose {
        Purpose::Password => ("/login/password", "new-password"),
        _ => ("/login/link", "sign-in"),
    };
    let release = sessions.edge().release();
    let from = (&release, reader);
    let site_url = reader.site_url();
    let asked = Asked {
        purpose,
        digest: token.digest(),
        email: email.clone(),
        name: String::new(),
        role: Role::Member,
        next: next.unwrap_or_default(),
        lives: SIGN_IN_LIVES,
        to_member: letter::must_go(from, template, email, with_link(&token.link(site_url, path), SIGN_IN_LIVES))
            .await?,
        to_stranger: letter::letter(from, "no-account", email, json!({ "link": format!("{site_url}register") }))
            .await?,
    };
    sessions.store().ask(asked, reader.seen_as(), Timestamp::now()).await?;
    sessions.edge().outbox_filled();
    Ok(())
}

/// `GET /login/sent`
pub(super) async fn sent(_: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let words = SENT.iter().find(|(what, _)| *what == query.get("for")).map(|(_, words)| *words);
    let data = json!({ "words": words.unwrap_or(SENT[0].1) });
    reader.form_page("account/sent", "Look into your mailbox", data)
}

/// `GET /login/link`
pub(super) async fn show_link(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    match look(&sessions, Purpose::SignIn, query.get("token")).await? {
        Some((token, link)) => {
            let data = json!({ "token": token.text(), "email": link.email });
            reader.form_page("account/link", "Sign in", data)
        }
        None => Ok(no_link(&reader)),
    }
}

/// `POST /login/link`
pub(super) async fn follow_link(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    match Token::parse(form.get("token")) {
        Some(token) => enter(&sessions, &reader, Proof::Link(token.digest()), None).await,
        None => Ok(no_link(&reader)),
    }
}

/// `GET /login/forgotten`
pub(super) async fn show_forgotten(_: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    forgotten_page(&reader, Errors::default(), "", next::path(query.get("next")))
}

/// `POST /login/forgotten`
pub(super) async fn ask_forgotten(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let next = next::path(form.get("next"));
    let Ok(email) = EmailAddress::parse(form.get("email")) else {
        return forgotten_page(&reader, Errors::one("email", NO_ADDRESS), form.get("email"), next);
    };
    send(&sessions, &reader, &email, Purpose::Password, next).await?;
    Ok(see_other("/login/sent?for=password"))
}

fn forgotten_page(reader: &Reader, errors: Errors, email: &str, next: Option<String>) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data = json!({ "errors": errors.json(), "email": email, "next": next });
    reader.form_page("account/forgotten", "Forgotten your password?", data).map(|page| again_if(is_again, page))
}

/// `GET /login/password`
pub(super) async fn show_password(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    match look(&sessions, Purpose::Password, query.get("token")).await? {
        Some((token, link)) => password_page(&reader, Errors::default(), &token, &link),
        None => Ok(no_link(&reader)),
    }
}

/// `POST /login/password`
pub(super) async fn set_password(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let Some((token, link)) = look(&sessions, Purpose::Password, form.get("token")).await? else {
        return Ok(no_link(&reader));
    };
    let wanted = form.get("new_password");
    let release = sessions.edge().release();
    let name = link.member.as_ref().map_or("", |member| &member.name);
    if let Some(words) = password::refused(wanted, &[&link.email, name, &release.site.title]) {
        return password_page(&reader, Errors::one("new_password", words), &token, &link);
    }
    // One of ours: it was checked before it was stored.
    let Ok(email) = EmailAddress::parse(&link.email) else { return Ok(no_link(&reader)) };
    let told = letter::must_go((&release, &reader), "password-changed", &email, json!({})).await?;
    let proof = Proof::NewPassword(token.digest(), password::hash(wanted).await?, Box::new(told));
    let response = enter(&sessions, &reader, proof, None).await?;
    sessions.edge().outbox_filled();
    Ok(response)
}

fn password_page(reader: &Reader, errors: Errors, token: &Token, link: &Link) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data = json!({ "errors": errors.json(), "token": token.text(), "email": link.email });
    reader.form_page("account/new-password", "Choose a new password", data).map(|page| again_if(is_again, page))
}

/// The link that a request names, if it is good for `purpose` and somebody's. Uses nothing up.
pub(super) async fn look(sessions: &Sessions, purpose: Purpose, token: &str) -> Result<Option<(Token, Link)>, Refusal> {
    let Some(token) = Token::parse(token) else { return Ok(None) };
    let link = sessions.store().link(purpose, token.digest(), Timestamp::now()).await?;
    let is_somebodys = |link: &Link| purpose == Purpose::Register || link.member.is_some();
    Ok(link.filter(is_somebodys).map(|link| (token, link)))
}
