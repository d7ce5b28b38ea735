//! The newsletter: a reader leaves an address, confirms it, gets letters, and leaves again.
//!
//! | route                            | does                                              |
//! |---|---|
//! | `GET /newsletter`                | the form                                          |
//! | `POST /newsletter`               | writes to the address, which is to be confirmed   |
//! | `GET, POST /newsletter/confirm`  | shows a button; confirms                          |
//! | `GET /newsletter/leave`          | which letters come, and a button to end them      |
//! | `POST /newsletter/leave`         | ends them (also RFC 8058: one click, no cookie)   |
//! | `POST /newsletter/topics`        | chooses topics                                    |
//!
//! The answer to an address is always the same, and so is what is done for it: both letters are
//! made, one transaction looks which of them goes. The mailbox alone is told the difference. A
//! link in a letter changes nothing by being opened, because programs open links, too: it leads
//! to a page with a button.
//!
//! Whoever has a link for leaving may leave; no cookie makes it more than that, so its form needs
//! no token against forgery. The wish for letters comes from static pages, too, and is locked as
//! forms are (`edge::form`).
//!
//! [`issue`] makes a letter of a page, [`feed`] puts those to all subscribers into the outbox.

mod feed;
mod issue;
mod leave;
mod markup;
mod member;
mod subscribe;

use serde_json::{Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, route, visit};
use crate::site::newsletter::Newsletter;

pub(super) use feed::feed;
pub use issue::{NoIssue, issue, to_one};
pub(super) use member::{choose_as_member, of_member};

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    let with = || room::with(edge.clone()).and(visit(edge.clone()));
    let whole = warp::path!("newsletter");
    let confirm = warp::path!("newsletter" / "confirm");
    let leave = warp::path!("newsletter" / "leave");
    let sent = || warp::header::headers_cloned().and(warp::body::bytes());
    whole
        .and(room::get())
        .and(route(edge.clone(), For::Everybody, subscribe::show))
        .or(whole.and(room::post()).and(with()).and(sent()).then(subscribe::ask).map(room::answer))
        .unify()
        .or(confirm.and(room::get()).and(route(edge.clone(), For::Everybody, subscribe::show_confirm)))
        .unify()
        .or(confirm.and(room::post()).and(route(edge.clone(), For::Everybody, subscribe::confirm)))
        .unify()
        .or(leave.and(room::get()).and(route(edge.clone(), For::Everybody, leave::show)))
        .unify()
        .or(leave
            .and(room::post())
            .and(with())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(sent())
            .then(leave::leave)
            .map(room::answer))
        .unify()
        .or(warp::path!("newsletter" / "topics")
            .and(room::post())
            .and(with())
            .and(sent())
            .then(leave::choose)
            .map(room::answer))
        .unify()
        .boxed()
}

/// The newsletter of the live release; nothing is here when it is not open.
fn opened(edge: &Edge) -> Result<Newsletter, Refusal> {
    let release = edge.borrow_release();
    let newsletter = &release.site.edge.newsletter;
    if newsletter.open { Ok(newsletter.clone()) } else { Err(Refusal::NotFound) }
}

/// The topics to choose from, for a template.
fn topics(newsletter: &Newsletter, is_chosen: impl Fn(&str) -> bool) -> Value {
    let one = |(name, title): (&String, &String)| json!({ "name": name, "title": title, "chosen": is_chosen(name) });
    newsletter.topics.iter().map(one).collect()
}

/// The topics that a form has chosen, each in a field of its own.
fn chosen(newsletter: &Newsletter, form: &super::session::Form) -> Vec<String> {
    let is_chosen = |name: &&String| !form.get(&format!("topic-{name}")).is_empty();
    newsletter.topics.keys().filter(is_chosen).cloned().collect()
}
