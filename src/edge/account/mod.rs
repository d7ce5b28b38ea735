//! Accounts: registering, logging in and out, and what a member can do with their account.
//!
//! | route                             | does                                                |
//! |---|---|
//! | `GET, POST /register`             | asks for an account, by a letter                    |
//! | `GET, POST /register/confirm`     | the page of its link: makes the account, and logs in |
//! | `GET, POST /login`                | logs in with a password                             |
//! | `POST /login/ask`                 | asks for a link that logs in                        |
//! | `GET, POST /login/link`           | the page of that link: logs in                      |
//! | `GET, POST /login/forgotten`      | asks for a link that gives a new password           |
//! | `GET, POST /login/password`       | the page of that link: sets it, and logs in         |
//! | `GET /login/sent`                 | says that a letter is on its way                    |
//! | `POST /logout`                    | ends the session                                    |
//! | `GET /account`                    | sessions, preferences, history, password, events    |
//! | `GET /account/events`             | all security events                                 |
//! | `POST /account/again`             | asks for a link to log in anew                      |
//! | `POST /account/sessions`          | ends one session, or all others                     |
//! | `POST /account/password`          | sets the password, and ends all other sessions      |
//! | `POST /account/password/remove`   | removes it, and ends all other sessions             |
//! | `POST /account/address`           | asks both mailboxes about another address           |
//! | `GET, POST /account/address/agree`| the page of their links                             |
//! | `POST /account/export`            | everything that is held about the member            |
//! | `POST /account/delete`            | has the account deleted, after some days            |
//! | `POST /account/stay`              | takes that back                                     |
//! | `GET, POST /account/first`        | the first administrator                             |
//! | `GET /_/me`                       | who is signed in, for the site's script             |
//!
//! Nothing tells whether an address has an account: neither logging in, nor asking for a link or
//! a new password, nor registering, nor changing an address. Page, status and work are the same
//! (a password is hashed either way, a link written, a letter posted), and only the letter
//! differs, which its mailbox alone reads.

mod address;
mod by_link;
mod export;
mod first;
mod forms;
mod leave;
mod letter;
mod limits;
mod manage;
pub(super) mod next;
mod password;
mod register;
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
    let me = warp::path!("_" / "me").and(room::get()).and(route(sessions.clone(), For::Everybody, me));
    entering(&sessions).or(of_members(&sessions)).unify().or(me).unify().boxed()
}

/// How somebody becomes signed in, and is no more.
fn entering(sessions: &Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let register = warp::path!("register");
    let confirm = warp::path!("register" / "confirm");
    let login = warp::path!("login");
    let link = warp::path!("login" / "link");
    let forgotten = warp::path!("login" / "forgotten");
    let password = warp::path!("login" / "password");
    let first = warp::path!("account" / "first");
    let everybody = For::Everybody;
    let registering = register
        .and(room::get())
        .and(route(s(), everybody, register::show))
        .or(register.and(room::post()).and(route(s(), everybody, register::register)))
        .unify()
        .or(confirm.and(room::get()).and(route(s(), everybody, register::show_confirm)))
        .unify()
        .or(confirm.and(room::post()).and(route(s(), everybody, register::confirm)))
        .unify()
        .or(first.and(room::get()).and(route(s(), everybody, first::show)))
        .unify()
        .or(first.and(room::post()).and(route(s(), everybody, first::ask)))
        .unify();
    let by_link = warp::path!("login" / "ask")
        .and(room::post())
        .and(route(s(), everybody, by_link::ask))
        .or(warp::path!("login" / "sent").and(room::get()).and(route(s(), everybody, by_link::sent)))
        .unify()
        .or(link.and(room::get()).and(route(s(), everybody, by_link::show_link)))
        .unify()
        .or(link.and(room::post()).and(route(s(), everybody, by_link::follow_link)))
        .unify()
        .or(forgotten.and(room::get()).and(route(s(), everybody, by_link::show_forgotten)))
        .unify()
        .or(forgotten.and(room::post()).and(route(s(), everybody, by_link::ask_forgotten)))
        .unify()
        .or(password.and(room::get()).and(route(s(), everybody, by_link::show_password)))
        .unify()
        .or(password.and(room::post()).and(route(s(), everybody, by_link::set_password)))
        .unify();
    let by_password = login
        .and(room::get())
        .and(route(s(), everybody, sign_in::show_login))
        .or(login.and(room::post()).and(route(s(), everybody, sign_in::log_in)))
        .unify()
        .or(warp::path!("logout").and(room::post()).and(route(s(), everybody, sign_in::log_out)))
        .unify()
        .or(warp::path!("account" / "stay").and(room::post()).and(route(s(), everybody, leave::stay)))
        .unify();
    registering.boxed().or(by_link.boxed()).unify().or(by_password.boxed()).unify().boxed()
}

/// What a member does with their account.
fn of_members(sessions: &Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let agree = warp::path!("account" / "address" / "agree");
    let members = For::Members;
    let password = warp::path!("account" / "password")
        .and(room::post())
        .and(route(s(), members, manage::change_password))
        .or(warp::path!("account" / "password" / "remove").and(room::post()).and(route(
            s(),
            members,
            manage::remove_password,
        )))
        .unify()
        .or(warp::path!("account" / "again").and(room::post()).and(route(s(), members, manage::sign_in_again)))
        .unify();
    // The mailbox may be looked into on another machine.
    let address = warp::path!("account" / "address")
        .and(room::post())
        .and(route(s(), members, address::ask))
        .or(agree.and(room::get()).and(route(s(), For::Everybody, address::show)))
        .unify()
        .or(agree.and(room::post()).and(route(s(), For::Everybody, address::agree)))
        .unify();
    warp::path!("account")
        .and(room::get())
        .and(route(s(), members, manage::show))
        .or(warp::path!("account" / "events").and(room::get()).and(route(s(), members, manage::events)))
        .unify()
        .or(warp::path!("account" / "sessions").and(room::post()).and(route(s(), members, manage::revoke)))
        .unify()
        .or(warp::path!("account" / "export").and(room::post()).and(route(s(), members, export::export)))
        .unify()
        .or(warp::path!("account" / "delete").and(room::post()).and(route(s(), members, leave::delete)))
        .unify()
        .boxed()
        .or(password.boxed())
        .unify()
        .or(address.boxed())
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
        "signed_in": reader.member().is_some(),
        "name": reader.member().map(|member| &member.name),
        "theme": chosen.theme.map(Theme::word),
        "size": chosen.text_size.map(TextSize::word),
        "csrf": reader.token()?,
        "unread": unread.map(notification::in_words),
    });
    let mut response = warp::reply::json(&body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, headers::PRIVATE);
    Ok(response)
}
