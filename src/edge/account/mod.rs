//! Accounts: registering, logging in and out, and what a member can do with their account.
//!
//! | route                     | does                                              |
//! |---|---|
//! | `GET, POST /register`     | makes an account, and logs in                     |
//! | `GET, POST /login`        | logs in                                           |
//! | `POST /logout`            | ends the session                                  |
//! | `GET /account`            | sessions, preferences, history, password          |
//! | `POST /account/sessions`  | ends one session, or all others                   |
//! | `POST /account/password`  | changes the password, and ends all other sessions |
//! | `POST /account/delete`    | deletes the account                               |
//! | `GET /_/me`               | who is signed in, for the site's script           |
//!
//! Logging in does not tell whether an address has an account: answer and time are the same
//! (a password is hashed either way). **Registering does**, until there is mail: the form
//! says that an address cannot be used. It says so only after a password was hashed, and
//! only so often for one address of the network (see `limits`). Once mail can be sent, both
//! cases get the same answer and the mailbox is told the difference.

mod forms;
mod limits;
mod manage;
mod next;
mod password;
mod sign_in;

use hyper::header::CACHE_CONTROL;
use serde_json::json;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::headers;
use super::node::Edge;
use super::notification;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Query, Reader, Sessions, route};
use crate::store::{TextSize, Theme};

pub(super) use manage::{described, minute, see_account};

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let register = warp::path!("register");
    let login = warp::path!("login");
    let s = || sessions.clone();
    register
        .and(room::get())
        .and(route(s(), For::Everybody, sign_in::show_register))
        .or(register.and(room::post()).and(route(s(), For::Everybody, sign_in::register)))
        .unify()
        .or(login.and(room::get()).and(route(s(), For::Everybody, sign_in::show_login)))
        .unify()
        .or(login.and(room::post()).and(route(s(), For::Everybody, sign_in::log_in)))
        .unify()
        .or(warp::path!("logout").and(room::post()).and(route(s(), For::Everybody, sign_in::log_out)))
        .unify()
        .or(warp::path!("account").and(room::get()).and(route(s(), For::Members, manage::show)))
        .unify()
        .or(warp::path!("account" / "sessions").and(room::post()).and(route(s(), For::Members, manage::revoke)))
        .unify()
        .or(warp::path!("account" / "password").and(room::post()).and(route(
            s(),
            For::Members,
            manage::change_password,
        )))
        .unify()
        .or(warp::path!("account" / "delete").and(room::post()).and(route(s(), For::Members, manage::delete)))
        .unify()
        .or(warp::path!("_" / "me").and(room::get()).and(route(s(), For::Everybody, me)))
        .unify()
        .boxed()
}

/// Who is signed in, as JSON. Sets no cookie; a token only for who has one already.
async fn me(sessions: Sessions, reader: Reader, _: Query) -> Result<Response, Refusal> {
    let chosen = reader.preferences();
    let unread = match reader.member() {
        Some(member) => Some(notification::unread(&sessions, member.id).await?),
        None => None,
    };
    let body = json!({
        "unread": unread.map(notification::in_words),
        "signed_in": reader.member().is_some(),
        "name": reader.member().map(|member| &member.name),
        "theme": chosen.theme.map(Theme::word),
        "size": chosen.text_size.map(TextSize::word),
        "csrf": reader.token()?,
    });
    let mut response = warp::reply::json(&body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, headers::PRIVATE);
    Ok(response)
}
