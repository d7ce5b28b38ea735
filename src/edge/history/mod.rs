//! History: the pages that a member has read, and where they stopped.
//!
//! | route                   | does                                                 |
//! |---|---|
//! | `POST /_/read`          | notes a page (`path`, `position` 0 to 1, `anchor`)   |
//! | `POST /account/history` | empties the history, switches it on or off           |
//!
//! The site's script tells what was read when a page is left. Only paths that are pages of
//! the release are noted, with the title that the release knows: what a script sends can
//! put no words of its own into a list. Nothing is noted for visitors.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply};

use super::account::{minute, see_account};
use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};
use super::session::{For, Form, Reader, Sessions, route};
use crate::site::permalink::encode_path;
use crate::store::{MemberId, PageRead};

/// How many pages the account shows; more are kept.
pub(super) const SHOWN: usize = 50;
/// How long the id of a heading may be, in bytes.
const ANCHOR: usize = 200;
/// Nearer to an end of the page than this is at the end.
const EDGE_OF_PAGE: f64 = 0.02;

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    warp::path!("_" / "read")
        .and(room::post())
        .and(route(sessions.clone(), For::Script, note))
        .or(warp::path!("account" / "history").and(room::post()).and(route(sessions, For::Members, change)))
        .unify()
        .boxed()
}

/// `POST /_/read`
async fn note(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let read = parse(&sessions, &form)?;
    if let Some(member) = reader.member().filter(|member| member.keeps_history) {
        sessions.store().note_read(member.id, read).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /account/history`
async fn change(sessions: Sessions, reader: Reader, form: Form) -> Result<Response, Refusal> {
    let member = reader.must_be_member()?.id;
    let done = match form.get("do") {
        "clear" => {
            sessions.store().clear_history(member).await?;
            "cleared"
        }
        "on" => {
            sessions.store().keep_history(member, true).await?;
            "history-on"
        }
        "off" => {
            sessions.store().keep_history(member, false).await?;
            "history-off"
        }
        _ => return Err(Refusal::Invalid("A history can be cleared, switched on and switched off.".into())),
    };
    Ok(see_account(done))
}

fn parse(sessions: &Sessions, form: &Form) -> Result<PageRead, Refusal> {
    // The script knows the path as the browser writes it.
    let path = percent_encoding::percent_decode_str(form.get("path")).decode_utf8().ok();
    let release = sessions.edge().release();
    let path = path.filter(|path| release.title(path).is_some());
    let path = path.ok_or(Refusal::Invalid("There is no such page.".into()))?.into_owned();
    let position = match form.get("position") {
        "" => 0.0,
        text => text.parse().ok().filter(|position| (0.0..=1.0).contains(position)).ok_or_else(not_a_place)?,
    };
    let anchor = form.get("anchor");
    if anchor.len() > ANCHOR || anchor.chars().any(|next| next.is_control() || next.is_whitespace()) {
        return Err(not_a_place());
    }
    Ok(PageRead { path, position, anchor: anchor.to_owned(), read_at: Timestamp::now() })
}

fn not_a_place() -> Refusal {
    Refusal::Invalid("A place in a page is a number from 0 to 1, or the id of a heading.".into())
}

/// The pages read last, at most so many, for a template. A page that the release has no more is left out; it
/// comes back when the page does.
pub(super) async fn list(sessions: &Sessions, member: MemberId, limit: usize) -> Result<Vec<Value>, Refusal> {
    let release = sessions.edge().release();
    let read = sessions.store().history(member, limit).await?;
    let shown = read.into_iter().filter_map(|read| {
        let title = release.title(&read.path)?;
        let mut url = encode_path(&read.path);
        if !read.anchor.is_empty() {
            url.push('#');
            url.push_str(&encode_path(&read.anchor));
        }
        let is_begun = read.position > EDGE_OF_PAGE && read.position < 1.0 - EDGE_OF_PAGE;
        Some(json!({
            "title": title,
            "url": url,
            "percent": (read.position * 100.0).round() as u8,
            "position": read.position,
            "is_begun": is_begun,
            "is_finished": read.position >= 1.0 - EDGE_OF_PAGE,
            "read": minute(read.read_at),
        }))
    });
    Ok(shown.collect())
}
