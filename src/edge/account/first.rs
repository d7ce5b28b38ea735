//! The first administrator: whoever can read what the server prints, and has a mailbox.
//!
//! As long as nobody administers a site with accounts, `littoral serve` prints a link when it
//! starts. It is good for 24 hours, or until there is an administrator. Whoever follows it gives
//! an address and a name, and confirms the mailbox as everybody does; the account made then, or
//! the one that the mailbox has already, is the administrator's if nobody else was quicker.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::forms::{Errors, Registering};
use super::letter::Token;
use super::sign_in::{again_if, no_link};
use super::{limits, register};
use crate::edge::node::Edge;
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, see_other};
use crate::site::audience::Role;
use crate::store::{Purpose, StoreError};

/// How long the link that is printed is good.
const LIVES: SignedDuration = SignedDuration::from_hours(24);

impl Edge {
    /// The path of a link for the first administrator; none when the site has no accounts, or
    /// somebody administers it.
    pub async fn invite_first_admin(&self) -> Result<Option<String>, StoreError> {
        let Some(store) = self.accounts() else { return Ok(None) };
        // Without random numbers nothing is served; that is told elsewhere.
        let Ok(token) = Token::random() else { return Ok(None) };
        let is_made = store.invite_first_admin(token.digest(), LIVES, Timestamp::now()).await?;
        Ok(is_made.then(|| token.link("", "/account/first")))
    }
}

/// `GET /account/first`
pub(super) async fn show(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let Some(token) = look(&sessions, query.get("token")).await? else { return Ok(no_link(&reader)) };
    page(&reader, Errors::default(), "", "", &token)
}

/// `POST /account/first`
pub(super) async fn ask(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let Some(token) = look(&sessions, form.get("token")).await? else { return Ok(no_link(&reader)) };
    let wish = match Registering::parse(&form) {
        Ok(wish) => wish,
        Err(errors) => return page(&reader, errors, form.get("email"), form.get("name"), &token),
    };
    limits::register(&sessions, &reader, &wish.email).await?;
    let asked = register::asked(&sessions, &reader, wish, Role::Admin, None).await?;
    if !sessions.store().ask_as_first(token.digest(), asked, reader.seen_as(), Timestamp::now()).await? {
        return Ok(no_link(&reader));
    }
    sessions.edge().outbox_filled();
    Ok(see_other("/login/sent?for=register"))
}

/// The token that a request names, if its link is good. It may be good no more when there is an
/// administrator: that is looked at when it is used.
async fn look(sessions: &Sessions, token: &str) -> Result<Option<Token>, Refusal> {
    let Some(token) = Token::parse(token) else { return Ok(None) };
    let known = sessions.store().link(Purpose::FirstAdmin, token.digest(), Timestamp::now()).await?;
    Ok(known.map(|_| token))
}

fn page(reader: &Reader, errors: Errors, email: &str, name: &str, token: &Token) -> Result<Response, Refusal> {
    let is_again = !errors.is_empty();
    let data = json!({ "errors": errors.json(), "email": email, "name": name, "token": token.text() });
    reader.form_page("account/first", "The first administrator", data).map(|page| again_if(is_again, page))
}
