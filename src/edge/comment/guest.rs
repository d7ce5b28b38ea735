//! A guest confirms what came under their address.
//!
//! The link in the letter shows what came, and a button: programs that look at the links of a
//! mailbox press none.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::letters;
use super::page::{Commented, encoded, settings};
use super::shown::place_of;
use super::text;
use super::write::{rules, said_at};
use crate::edge::refusal::Refusal;
use crate::edge::room::Response;
use crate::edge::session::{Form, Query, Reader, Sessions, letter_digest, see_other, set};
use crate::site::comments::Who;
use crate::store::{Comment, CommentState, Confirmed, EmailAddress};

async fn waiting(sessions: &Sessions, token: &str) -> Result<Option<([u8; 32], Comment, EmailAddress)>, Refusal> {
    let Some(digest) = letter_digest(token) else { return Ok(None) };
    let found = sessions.store().comment_to_confirm(digest, Timestamp::now()).await?;
    Ok(found.map(|(comment, email)| (digest, comment, email)))
}

/// The same for a link that is too old, was followed before, or never was one.
fn expired(reader: &Reader) -> Result<Response, Refusal> {
    let data = json!({
        "title": "This link leads nowhere",
        "words": "It was followed already, or is older than two days. If your comment is not there, please write it \
                  once more.",
        "page_url": "/",
        "page_title": "the first page",
    });
    let mut response = reader.form_page("comment/said", "This link leads nowhere", data)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

/// `GET /comments/confirm`
pub(super) async fn ask(sessions: Sessions, reader: Reader, query: Query) -> Result<Response, Refusal> {
    let Some((_, comment, email)) = waiting(&sessions, query.get("token")).await? else { return expired(&reader) };
    let data = json!({
        "token": query.get("token"),
        "html": comment.html,
        "name": comment.name,
        "email": email.as_str(),
    });
    reader.form_page("comment/confirm", "Is this comment yours?", data)
}

/// `POST /comments/confirm`
pub(super) async fn confirm(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let Some((digest, comment, email)) = waiting(&sessions, form.get("token")).await? else { return expired(&reader) };
    let (settings, now) = (settings(&sessions), Timestamp::now());
    if settings.who != Who::Guests {
        return expired(&reader);
    }
    let links = text::write(&comment.source).links;
    let (cookie, cookie_digest) = reader.new_guest()?;
    let rules = rules(&settings, false, &comment.source, links, &email);
    let (id, state) = match sessions.store().confirm_comment(digest, rules, cookie_digest, now).await? {
        Confirmed::Now(id, state) => (id, state),
        Confirmed::Expired => return expired(&reader),
    };
    let edge = sessions.edge();
    let page = Commented::find(&edge.release(), &encoded(&comment.page), &reader.standing());
    let place = match (state, &page) {
        (CommentState::Shown, Some(_)) => {
            edge.comments_changed(Some(&comment.page));
            letters::tell(edge, reader.site_url());
            match sessions.store().comment(id).await? {
                Some(comment) => place_of(&sessions, &comment).await?,
                None => "/".to_owned(),
            }
        }
        (_, Some(page)) => said_at("waiting", page),
        // The page is for others, or gone, since the comment was written.
        (_, None) => "/".to_owned(),
    };
    Ok(set(see_other(&place), &cookie))
}
