//! Registering: an address and a name, then a letter; there is no account before its link is
//! followed.
//!
//! The password is chosen on the page of the link, not before: whoever registers somebody
//! else's address must not know the password of the account that its owner then confirms.

use jiff::Timestamp;
use serde_json::json;

use super::forms::{Errors, Registering};
use super::letter::{self, MAILBOX_LIVES, Token, with_link};
use super::sign_in::{again_if, encoded, enter, no_link};
use super::{by_link, limits, next, password};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::site::audience::Role;
use crate::store::{Asked, Link, Proof, Purpose};

/// `GET /register`
pub(super) async fn show(_: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let next = next::path(query.get("next"));
    if reader.member().is_some() {
        return Ok(see_other(next.as_deref().unwrap_or("/account")));
    }
    page(&reader, Errors::default(), "", "", next)
}

/// `POST /register`
pub(super) async fn register(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let next = next::path(form.get("next"));
    let wish = match Registering::parse(&form) {
        Ok(wish) => wish,
        Err(errors) => return page(&reader, errors, form.get("email"), form.get("name"), next),
    };
    limits::register(&sessions, &reader, &wish.email).await?;
    let asked = asked(&sessions, &reader, wish, Role::Member, next).await?;
    sessions.store().ask(asked, reader.seen_as(), Timestamp::now()).await?;
    sessions.edge().outbox_filled();
    Ok(see_other("/login/sent?for=register"))
}

/// What the store is asked for so that `wish` comes true. An administrator to be confirms their
/// mailbox also when it has an account.
pub(super) async fn asked(
    sessions: &Sessions,
    reader: &Reader,
    wish: Registering,
    role: Role,
    next: Option<String>,
) -> Result<Asked, Refusal> {
    let token = Token::random()?;
    let release = sessions.edge().release();
    let from = (&release, reader);
    let site_url = reader.site_url();
    let link = with_link(&token.link(site_url, "/register/confirm"), MAILBOX_LIVES);
    let to_stranger = letter::must_go(from, "register", &wish.email, link).await?;
    let to_member = if role == Role::Member {
        letter::letter(from, "have-account", &wish.email, json!({ "link": format!("{site_url}login") })).await?
    } else {
        to_stranger.clone()
    };
    Ok(Asked {
        purpose: Purpose::Register,
        digest: token.digest(),
        email: wish.email,
        name: wish.name,
        role,
        next: next.unwrap_or_default(),
        lives: MAILBOX_LIVES,
        to_member,
        to_stranger,
    })
}

/// `GET /register/confirm`
pub(super) async fn show_confirm(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    match by_link::look(&sessions, Purpose::Register, query.get("token")).await? {
        Some((token, link)) => confirm_page(&reader, Errors::default(), &token, &link),
        None => Ok(no_link(&reader)),
    }
}

/// `POST /register/confirm`
pub(super) async fn confirm(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let Some((token, link)) = by_link::look(&sessions, Purpose::Register, form.get("token")).await? else {
        return Ok(no_link(&reader));
    };
    let hashed = match form.get("password") {
        "" => String::new(),
        wanted => {
            let title = &sessions.edge().release().site.title;
            if let Some(words) = password::refused(wanted, &[&link.email, &link.name, title]) {
                return confirm_page(&reader, Errors::one("password", words), &token, &link);
            }
            password::hash(wanted).await?
        }
    };
    enter(&sessions, &reader, Proof::Registration(token.digest(), hashed), None).await
}

fn confirm_page(reader: &Reader, errors: Errors, token: &Token, link: &Link) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data = json!({
        "errors": errors.json(),
        "token": token.text(),
        "email": link.email,
        "name": link.name,
        "is_known": link.member.is_some(),
    });
    reader.form_page("account/confirm", "Create your account", data).map(|page| again_if(is_again, page))
}

fn page(reader: &Reader, errors: Errors, email: &str, name: &str, next: Option<String>) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data =
        json!({ "errors": errors.json(), "email": email, "name": name, "next": next, "next_encoded": encoded(&next) });
    reader.form_page("account/register", "Create an account", data).map(|page| again_if(is_again, page))
}
